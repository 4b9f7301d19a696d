//! Versions that stand in constants of the program, each for all that hangs from a root.

use std::collections::{BTreeMap, BTreeSet};

use samestate_report::{Finding, Subject, rules};

use super::{Comparison, Loads, Part, sides};
use crate::model::Model;
use crate::versions::ConstantVersion;

/// How many types a finding names.
const MAX_NAMED: usize = 8;

/// The types that hang only from roots whose constant was raised, with the words for it.
pub(super) fn raised(old: &Model, new: &Model) -> BTreeMap<String, String> {
    if old.versions.is_empty() || new.versions.is_empty() {
        return BTreeMap::new();
    }
    let mut raised = BTreeMap::new();
    let mut others = BTreeSet::new();
    for root in old.roots.union(&new.roots) {
        // A root under another name has no version to compare; its types are judged as they are.
        let below = |model: &Model| model.ways_from(std::iter::once(root)).names().into_iter();
        let below = below(old).chain(below(new));
        match old.versions.get(root).zip(new.versions.get(root)) {
            Some((was, is)) if was.value != is.value && !went_back(was, is) => {
                let (name, was, is) = (is.ident(), &was.value, &is.value);
                let text = format!("`{name}` was {was} and is {is}: it tells older images apart");
                raised.extend(below.map(|ty| (ty, text.clone())));
            }
            _ => others.extend(below),
        }
    }
    raised.retain(|ty, _| !others.contains(ty));
    raised
}

fn went_back(was: &ConstantVersion, is: &ConstantVersion) -> bool {
    was.number().zip(is.number()).is_some_and(|(was, is)| is < was)
}

impl Comparison<'_> {
    /// States the roots below which what is saved changed, while the constant did not.
    pub(super) fn constants(&mut self) {
        let (old, new) = (self.old.model, self.new.model);
        for (root, was) in &old.versions {
            let root = self.renames.of(root).to_owned();
            match new.versions.get(&root) {
                Some(is) => self.constant(&root, was, is),
                None if new.roots.contains(&root) => {
                    let message = format!(
                        "the version of what `{root}` saves was in `{}`, and is not known now",
                        was.constant
                    );
                    let subject = Subject::Type(root);
                    let mut finding = Finding::new(&rules::LOST_EVIDENCE, subject, message);
                    finding.help = Some(
                        "name the constant under `version` in samestate.toml again".to_owned(),
                    );
                    self.report.findings.push(finding);
                }
                // That the root is gone is a finding of its own.
                None => {}
            }
        }
    }

    fn constant(&mut self, root: &str, was: &ConstantVersion, is: &ConstantVersion) {
        let below = self.new.model.ways_from(std::iter::once(&root.to_owned()));
        let changed: Vec<_> = self.changed.iter().filter(|ty| below.contains(ty)).collect();
        let (name, constant) = (is.ident(), &is.constant);
        let message = if went_back(was, is) {
            format!("`{name}` went back from {} to {}", was.value, is.value)
        } else if was.value == is.value && !changed.is_empty() {
            format!("what `{root}` saves changed, but `{name}` is still {}", is.value)
        } else {
            return;
        };
        let mut details: Vec<String> =
            changed.iter().take(MAX_NAMED).map(|ty| format!("changed: {ty}")).collect();
        if let Some(more @ 1..) = changed.len().checked_sub(MAX_NAMED) {
            details.push(format!("and {more} more"));
        }
        let help = match was.number().and_then(|was| was.checked_add(1)) {
            Some(next) => format!("set `{constant}` to {next}, and refuse or convert older images"),
            None => format!("give `{constant}` another value, and refuse or convert older images"),
        };
        let sides = sides(&format!("{name} = {}", was.value), &format!("{name} = {}", is.value));
        self.push(Part::of(root), &rules::VERSION_NOT_BUMPED, Loads::Unsaid, |finding| {
            finding.message = message;
            finding.sides = Some(sides);
            finding.help = Some(help);
            finding.details = details;
        });
    }
}
