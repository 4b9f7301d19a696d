//! Which children a thread has waited for.
//!
//! In which order they end depends on the schedule, so between two of the thread's markers they are
//! a set, and there is no place for them among its other calls. A call that does not wait gets a
//! child when that happens to have ended: only which ones it gets counts then, not between which markers.

use std::collections::BTreeMap;

use samestate_report::{Finding, Rule, rules};

use super::control::Spot;
use super::load::Stream;
use super::{Differ, subject};
use crate::table::Row;
use crate::trace::Call;

/// So many children are named.
const MOST_NAMED: usize = 8;

/// The children that a thread has waited for.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    /// By child, each time: how many markers the thread had announced, and which call it was.
    children: BTreeMap<String, Vec<Wait>>,
    markers: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wait {
    markers: u32,
    /// It asked without waiting.
    polled: bool,
    position: u64,
}

impl Waits {
    /// The thread announces something.
    pub(super) const fn marker(&mut self) {
        self.markers += 1;
    }

    /// It has got a child.
    pub(super) fn waited(&mut self, child: String, call: &Call, row: &Row, position: u64) {
        let options = if row.name == "waitid" { 3 } else { 2 };
        let polled = call.argument(options) & u64::from(libc::WNOHANG.cast_unsigned()) != 0;
        let wait = Wait { markers: self.markers, polled, position };
        self.children.entry(child).or_default().push(wait);
    }

    /// How often it has got one.
    pub(super) fn count(&self) -> u64 {
        self.children.values().map(|waits| waits.len() as u64).sum()
    }

    fn of(&self, child: &str) -> &[Wait] {
        self.children.get(child).map_or(&[], Vec::as_slice)
    }
}

/// How one child is waited for otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum How {
    /// Less often, or not at all.
    Missing,
    /// More often.
    Extra,
    /// Between other markers.
    Elsewhere,
}

impl How {
    fn of(ours: &[Wait], theirs: &[Wait], has_same_markers: bool) -> Option<Self> {
        match ours.len().cmp(&theirs.len()) {
            std::cmp::Ordering::Greater => return Some(Self::Missing),
            std::cmp::Ordering::Less => return Some(Self::Extra),
            std::cmp::Ordering::Equal => {}
        }
        // Where a marker is missing, that is said already.
        let counts = has_same_markers && !ours.iter().chain(theirs).any(|wait| wait.polled);
        let same = ours.iter().zip(theirs).all(|(l, r)| l.markers == r.markers);
        (counts && !same).then_some(Self::Elsewhere)
    }

    const fn rule(self) -> &'static Rule {
        match self {
            Self::Missing => &rules::MISSING_CALL,
            Self::Extra => &rules::EXTRA_CALL,
            Self::Elsewhere => &rules::CALLS_REORDERED,
        }
    }
}

impl Differ<'_> {
    /// Children that are waited for otherwise.
    pub(super) fn waits(&mut self, key: &str, left: &Stream, right: &Stream) {
        let (ours, theirs) = (&left.waits, &right.waits);
        let mut children: Vec<&String> = ours.children.keys().collect();
        children.extend(theirs.children.keys().filter(|child| ours.of(child).is_empty()));
        let mut found: BTreeMap<How, Vec<&str>> = BTreeMap::new();
        for child in children {
            let how = How::of(ours.of(child), theirs.of(child), ours.markers == theirs.markers);
            // A torn trace does not say what comes later.
            let is_known = match how {
                Some(How::Missing) => !right.torn,
                Some(How::Extra) => !left.torn,
                _ => true,
            };
            if let Some(how) = how.filter(|_| is_known) {
                found.entry(how).or_default().push(child);
            }
        }
        for (how, children) in found {
            let spots = children
                .iter()
                .map(|child| Spot::Thread(key.to_owned(), "waited", (*child).into()));
            let spots = spots.collect();
            let first = children.first().copied().unwrap_or_default();
            let position = ours.of(first).last().map_or(left.calls, |wait| wait.position);
            let others = children.len().saturating_sub(MOST_NAMED);
            let mut named = children[..children.len() - others].join(", ");
            if others > 0 {
                named.push_str(&format!(" and {others} others"));
            }
            let other = &self.how.right;
            let message = match how {
                How::Missing => format!("the {other} run does not wait for {named}"),
                How::Extra => format!("the {other} run waits for {named} in addition"),
                How::Elsewhere => {
                    format!("the {other} run waits for {named} between other markers")
                }
            };
            let mut finding =
                Finding::new(how.rule(), subject(&left.lineage, position, "wait4"), message);
            finding.sides = Some(self.sides(shown(ours.of(first)), shown(theirs.of(first))));
            self.found(spots, finding);
        }
    }
}

fn shown(waits: &[Wait]) -> String {
    let one = |wait: &Wait| format!("call {} after {} markers", wait.position, wait.markers);
    let all: Vec<_> = waits.iter().take(MOST_NAMED).map(one).collect();
    if all.is_empty() { "no such call".to_owned() } else { all.join(", ") }
}
