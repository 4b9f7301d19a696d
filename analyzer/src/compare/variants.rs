//! The variants of enums.

use samestate_report::{Severity, rules};

use super::{Comparison, Loads, Part, sides};
use crate::model::{TypeEntry, VariantEntry};
use crate::profile::Profile;

/// The variants that both sides have. A variant is known by its id, or else by its name.
pub(super) fn pairs<'a>(
    old: &'a TypeEntry,
    new: &'a TypeEntry,
) -> Vec<(&'a VariantEntry, &'a VariantEntry)> {
    let pair = |was: &'a VariantEntry| {
        let by_id =
            |is: &&VariantEntry| was.history.id.is_some() && was.history.id == is.history.id;
        let by_name = |is: &&VariantEntry| is.name == was.name;
        let by_former = |is: &&VariantEntry| is.history.was.contains(&was.name);
        let found = new.variants.iter().find(by_id);
        let found = found.or_else(|| new.variants.iter().find(by_name));
        let found = found.or_else(|| new.variants.iter().find(by_former));
        found.map(|is| (was, is))
    };
    old.variants.iter().filter_map(pair).collect()
}

impl Comparison<'_> {
    /// Compares the variants of an enum; returns whether what is saved changed.
    pub(super) fn variants(
        &mut self,
        name: &str,
        old: &TypeEntry,
        new: &TypeEntry,
        pairs: &[(&VariantEntry, &VariantEntry)],
    ) -> bool {
        let gone = |was: &&VariantEntry| !pairs.iter().any(|(paired, _)| paired.name == was.name);
        let come = |is: &&VariantEntry| !pairs.iter().any(|(_, paired)| paired.name == is.name);
        let gone: Vec<_> = old.variants.iter().filter(gone).collect();
        let come: Vec<_> = new.variants.iter().filter(come).collect();
        let guess = renamed(&gone, &come);
        let mut is_changed = false;
        for was in &gone {
            if !guess.iter().any(|(guessed, _)| guessed.name == was.name) {
                self.variant_removed(name, new, was);
            }
        }
        for is in &come {
            if !guess.iter().any(|(_, guessed)| guessed.name == is.name) {
                self.variant_added(name, old, new, is);
            }
        }
        for (was, is) in &guess {
            self.variant_renamed(name, was, is, Loads::Not);
        }
        for (was, is) in pairs {
            if was.name != is.name {
                self.variant_renamed(name, was, is, Loads::Told);
            }
            self.numbers(name, (old, was), (new, is));
            is_changed |= self.ids(name, was, is);
        }
        is_changed |= self.positions(name, old, new, pairs);
        is_changed || !gone.is_empty()
    }

    fn variant_added(&mut self, name: &str, old: &TypeEntry, new: &TypeEntry, is: &VariantEntry) {
        let is_later = |since: u32| old.version.is_none_or(|version| version < since);
        let loads = match (new.version, is.history.since) {
            // Code written by hand has nothing to tell: it reads the variants that it knows.
            (None, _) => Loads::Anyway,
            (Some(_), Some(since)) if is_later(since) => Loads::Told,
            (Some(_), _) => Loads::Not,
        };
        self.push(Part::of(name).variant(&is.name), &rules::VARIANT_ADDED, loads, |finding| {
            finding.message = format!("`{name}::{}` is new", is.name);
            finding.help = Some(
                "write `#[checkpoint(since = N)]` on it and raise the version to N".to_owned(),
            );
        });
    }

    fn variant_removed(&mut self, name: &str, new: &TypeEntry, was: &VariantEntry) {
        let loads = if new.history.removed.contains(&was.name) { Loads::Told } else { Loads::Not };
        self.plan.convert(name, &was.name, "drop", &was.name, "", loads);
        self.push(Part::of(name).variant(&was.name).gone(), &rules::VARIANT_REMOVED, loads, |f| {
            f.message = format!("`{name}::{}` is gone", was.name);
            f.help = Some(format!(
                "write `#[checkpoint(removed(\"{}\"))]` on `{name}` and raise its version: images \
                 that hold it are refused, all others load",
                was.name
            ));
        });
    }

    fn variant_renamed(&mut self, name: &str, was: &VariantEntry, is: &VariantEntry, loads: Loads) {
        self.plan.convert(name, &is.name, "rename", &was.name, &is.name, loads);
        self.push(Part::of(name).variant(&is.name), &rules::VARIANT_RENAMED, loads, |finding| {
            let verb = if loads == Loads::Not { "seems to be" } else { "is" };
            finding.message = format!("`{name}::{}` {verb} called `{}` now", was.name, is.name);
            finding.sides = Some(sides(&was.name, &is.name));
            finding.help = Some(format!(
                "write `#[checkpoint(was = \"{}\")]` on `{}`, or give both an `id`",
                was.name, is.name
            ));
        });
    }

    /// The `id` that images know a variant by. One may be given to a variant that had none.
    fn ids(&mut self, name: &str, was: &VariantEntry, is: &VariantEntry) -> bool {
        let Some(before) = was.history.id.filter(|_| was.history.id != is.history.id) else {
            return false;
        };
        let now = is.history.id.map_or_else(|| "none".to_owned(), |id| id.to_string());
        self.plan.convert(name, &is.name, "convert", &before.to_string(), &now, Loads::Not);
        self.push(Part::of(name).variant(&is.name), &rules::VARIANT_CHANGED, Loads::Not, |f| {
            f.message = format!("the `id` of `{name}::{}` was {before} and is {now} now", is.name);
            f.sides = Some(sides(&format!("id {before}"), &format!("id {now}")));
            f.help = Some(format!("write `#[checkpoint(id = {before})]` on `{}` again", is.name));
        });
        true
    }

    /// The places of variants, where images know them by those.
    fn positions(
        &mut self,
        name: &str,
        old: &TypeEntry,
        new: &TypeEntry,
        pairs: &[(&VariantEntry, &VariantEntry)],
    ) -> bool {
        if !self.is_by_order(name, name) {
            return false;
        }
        let mut is_changed = false;
        for (was, is) in pairs {
            let place = |all: &[VariantEntry], one: &VariantEntry| {
                all.iter().position(|other| other.name == one.name)
            };
            let (Some(before), Some(now)) = (place(&old.variants, was), place(&new.variants, is))
            else {
                continue;
            };
            if before == now {
                continue;
            }
            is_changed = true;
            let (before, now) = (before.to_string(), now.to_string());
            let loads = Loads::Misnumbered;
            self.plan.convert(name, &is.name, "reorder", &before, &now, loads);
            self.push(
                Part::of(name).variant(&is.name),
                &rules::VARIANT_CHANGED,
                loads,
                |finding| {
                    finding.message = format!(
                        "`{name}::{}` is number {now} in its order and was {before}",
                        is.name
                    );
                    finding.sides = Some(sides(&before, &now));
                    finding.help = Some(
                        "add variants behind all others and leave those that are there where they \
                     are, or convert or refuse older images"
                            .to_owned(),
                    );
                },
            );
        }
        is_changed
    }

    /// The number that stands for a variant, where memory or hand-written code uses it.
    fn numbers(
        &mut self,
        name: &str,
        (old, was): (&TypeEntry, &VariantEntry),
        (new, is): (&TypeEntry, &VariantEntry),
    ) {
        let (Some(before), Some(now)) = (was.value, is.value) else { return };
        if before == now {
            return;
        }
        // Where the order counts, the number that a value has in memory does not.
        if self.is_by_order(name, name) {
            return;
        }
        // Generated code knows variants by name.
        let is_versioned = old.version.is_some() && new.version.is_some();
        let is_by_name = is_versioned && self.profile == Profile::ByField;
        let loads = if is_by_name { Loads::Anyway } else { Loads::Not };
        self.push(Part::of(name).variant(&is.name), &rules::VARIANT_CHANGED, loads, |finding| {
            finding.message = format!("`{name}::{}` was {before} and is {now} now", is.name);
            finding.sides = Some(sides(&before.to_string(), &now.to_string()));
            if is_by_name {
                finding.severity = Severity::Note;
            }
        });
    }
}

/// One that went and one that came, with the same fields: most likely one with another name.
fn renamed<'a>(
    gone: &[&'a VariantEntry],
    come: &[&'a VariantEntry],
) -> Vec<(&'a VariantEntry, &'a VariantEntry)> {
    let alike = |was: &VariantEntry, is: &VariantEntry| {
        was.value == is.value
            && was.fields.len() == is.fields.len()
            && was.fields.iter().zip(&is.fields).all(|(a, b)| (&a.name, &a.ty) == (&b.name, &b.ty))
    };
    match (gone, come) {
        ([was], [is]) if alike(was, is) => vec![(*was, *is)],
        _ => Vec::new(),
    }
}
