//! The axes along which two programs can drift apart.

use samestate_report::{Report, Rule, rules};

/// What a change is a change of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Axis {
    /// What images hold.
    Schema,
    /// How types lie in memory.
    Layout,
    /// What happens to a field at a checkpoint.
    Coverage,
    /// What could be seen of the two.
    Evidence,
}

impl Axis {
    const ALL: [Self; 4] = [Self::Schema, Self::Layout, Self::Coverage, Self::Evidence];

    fn of(rule: &Rule) -> Self {
        let layout = [
            &rules::SIZE_CHANGED,
            &rules::ALIGNMENT_CHANGED,
            &rules::OFFSET_CHANGED,
            &rules::CONTENTS_CHANGED,
            &rules::DISCRIMINANT_CHANGED,
            &rules::ADDRESS_IN_MEMORY,
            &rules::PADDING_ADDED,
            &rules::TARGET_CHANGED,
        ];
        if layout.iter().any(|other| other.id == rule.id) {
            Self::Layout
        } else if rule.id == rules::TREATMENT_CHANGED.id {
            Self::Coverage
        } else if rule.id == rules::LOST_EVIDENCE.id {
            Self::Evidence
        } else {
            Self::Schema
        }
    }

    const fn changes(self) -> &'static str {
        match self {
            Self::Schema => "schema changes",
            Self::Layout => "layout changes",
            Self::Coverage => "coverage changes",
            Self::Evidence => "evidence changes",
        }
    }
}

/// States how many findings there are along each axis, from the one with this index on.
pub(super) fn count(first: usize, report: &mut Report) {
    for axis in Axis::ALL {
        let findings = report.findings[first..].iter();
        let count = findings.filter(|finding| Axis::of(finding.rule) == axis).count();
        report.detail(axis.changes(), count as u64);
    }
}
