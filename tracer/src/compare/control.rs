//! Where the original differs from itself: there a restored run that differs proves nothing.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use samestate_report::{Finding, Severity, rules};

/// A place in the comparison of a run with the original.
///
/// The original is the left run of every comparison, so its calls are counted alike in all of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Spot {
    /// A call of the original: the thread's name in the comparison, and which of its items. One
    /// that only the other run makes stands before it.
    Call(Arc<str>, usize),
    /// Calls of this shape come and go, or come elsewhere, in this thread.
    Shape(Arc<str>, u64),
    /// Something of the thread as a whole: its end, its signals, its children.
    Thread(String, &'static str, String),
    /// Something of the process at the marker.
    Marker(&'static str, String),
}

/// Where a run differs, and how.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spots(HashMap<Spot, Cow<'static, str>>);

impl Spots {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn note(&mut self, spots: Vec<Spot>, how: impl Into<Cow<'static, str>>) {
        let how = how.into();
        for spot in spots {
            self.0.entry(spot).or_insert_with(|| how.clone());
        }
    }

    /// How the original differs from itself at one of these places.
    pub(super) fn at(&self, spots: &[Spot]) -> Option<&str> {
        spots.iter().find_map(|spot| self.0.get(spot)).map(AsRef::as_ref)
    }
}

/// The same finding as one that cannot be settled.
pub(crate) fn unsettled(mut finding: Finding, how: &str) -> Finding {
    let found = finding.rule;
    let help = settles(found.id);
    finding.message = format!("not settled: {}", finding.message);
    finding.details.insert(0, how.to_owned());
    finding.details.insert(1, format!("otherwise this would be `{}`", found.id));
    finding.rule = &rules::CONTROL_DIFFERS;
    finding.severity = Severity::Blind;
    finding.help = Some(help.to_owned());
    finding
}

/// What would settle a difference of this rule.
fn settles(rule: &str) -> &'static str {
    match rule {
        "input-differs" | "result-differs" => {
            "name what is read here with `--state`, so that it is put back before every run; what \
             comes from outside the machine cannot be put back: give it from a file"
        }
        "process-differs" | "calls-reordered" | "missing-call" | "extra-call" => {
            "leave out `--free` and `--knob serialized=off`; if it stays, the program reads something \
             that no `--state` names, or makes up its mind by `rdrand` or real time"
        }
        "exit-differs" | "signal-differs" => {
            "look at what ends the program: a timer of the kernel, or a limit of time"
        }
        _ => {
            "find where these bytes come from: a file that no `--state` names, `rdrand`, or memory \
             that was never written to"
        }
    }
}
