//! One row of the catalogue.

use crate::Severity;

/// A kind of finding: its stable id and what a person must know about it.
///
/// All of them stand in [`crate::rules`]; producers refer to them by constant, never by text.
#[derive(Debug)]
pub struct Rule {
    /// The stable id, in kebab case. It never changes its meaning; a rule that goes is not reused.
    pub id: &'static str,
    /// What is wrong, in one line.
    pub title: &'static str,
    /// What a finding of this rule weighs unless the producer says otherwise.
    pub severity: Severity,
    /// Why it matters and how it comes about, for `samestate explain`.
    pub explanation: &'static str,
    /// What to do about it, for `samestate explain`.
    pub remedy: &'static str,
}

impl Rule {
    /// Whether it is about two runs that do not do the same.
    #[must_use]
    pub fn is_divergence(&self) -> bool {
        crate::rules::DIVERGENCES.iter().any(|rule| rule.id == self.id)
    }
}
