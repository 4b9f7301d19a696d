//! What was needed to compare two runs.

use std::collections::BTreeMap;

use samestate_report::{Report, Table};

/// How often what was needed: what a run was given in the place of its own results, and by which
/// rules things that are not equal counted as the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Used {
    /// Results given as in the left run, by the call's name.
    pub(crate) mirrored: BTreeMap<String, u64>,
    /// Uses of a rule, by what it does.
    pub(crate) rules: BTreeMap<&'static str, u64>,
}

impl Used {
    pub(crate) fn add(&mut self, other: &Self) {
        for (name, count) in &other.mirrored {
            *self.mirrored.entry(name.clone()).or_default() += count;
        }
        for (name, count) in &other.rules {
            *self.rules.entry(name).or_default() += count;
        }
    }

    pub(super) fn rule(&mut self, what: &'static str, count: u64) {
        if count > 0 {
            *self.rules.entry(what).or_default() += count;
        }
    }

    /// Tells each to who looks closely, and all of them in a table of two rows.
    pub(crate) fn tell(&self, report: &mut Report) {
        for (name, count) in &self.mirrored {
            report.detail(format!("results of {name} mirrored"), *count);
        }
        for (name, count) in &self.rules {
            report.detail(*name, *count);
        }
        let mirrored = self.mirrored.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        let rules = self.rules.iter().map(|(name, count)| (*name, *count)).collect();
        let kinds = [row("mirrored results", mirrored), row("rules", rules)];
        let rows: Vec<_> = kinds.into_iter().flatten().collect();
        if !rows.is_empty() {
            report.tables.push(Table {
                row: "use".to_owned(),
                columns: ["used", "times", "which"].map(str::to_owned).into(),
                rows,
            });
        }
    }
}

/// So many are named in the table, those that were used most.
const MOST_NAMED: usize = 6;

/// How often all of them were used, and which; `None` if none was.
fn row(kind: &str, mut uses: Vec<(&str, u64)>) -> Option<Vec<String>> {
    uses.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let all: u64 = uses.iter().map(|(_, count)| count).sum();
    let named = uses.iter().take(MOST_NAMED).map(|(name, count)| format!("{name} {count}"));
    let mut which = named.collect::<Vec<_>>().join(", ");
    if let Some(others) = uses.get(MOST_NAMED..).filter(|others| !others.is_empty()) {
        which.push_str(&format!(" and {} more", others.len()));
    }
    (all > 0).then(|| vec![kind.to_owned(), all.to_string(), which])
}
