//! The fields of a struct or of a variant.

use std::collections::BTreeSet;

use samestate_report::{Severity, rules};
use samestate_schema::treatment::Treatment;

use super::{Comparison, Loads, Part, is_migrated, sides, written};
use crate::containers::{self, Holds};
use crate::history::may_name;
use crate::model::{FieldEntry, FieldState, TypeEntry, VariantEntry};
use crate::names::TypeExpr;

/// A type with one of its variants.
type Variant<'a> = (&'a TypeEntry, &'a VariantEntry);

impl Comparison<'_> {
    /// Compares the fields of a variant, or of a whole struct; returns whether what is saved
    /// changed.
    pub(super) fn fields(&mut self, name: &str, old: Variant<'_>, new: Variant<'_>) -> bool {
        let (was, is) = (&old.1.fields, &new.1.fields);
        let part = Part::of(name).variant(&new.1.name);
        let mut is_saved_change = false;
        let mut kept = Vec::new();
        for now in is {
            let same = was.iter().find(|field| field.name == now.name);
            let former = || was.iter().find(|field| now.history.was.contains(&field.name));
            if let Some(before) = same.or_else(former) {
                kept.push((before, now));
            }
        }
        let mut gone: Vec<_> =
            was.iter().filter(|f| !kept.iter().any(|(old, _)| old.name == f.name)).collect();
        let mut come: Vec<_> =
            is.iter().filter(|f| !kept.iter().any(|(_, new)| new.name == f.name)).collect();
        is_saved_change |= self.moved(part, (old.0, new.0), &mut gone, &mut come);
        let renamed = renamed(&mut gone, &mut come);
        for (before, now) in &renamed {
            is_saved_change |= before.state.is_state() && !self.is_by_order(name, name);
            self.renamed_field(part, before, now, Loads::Not);
        }
        for (before, now) in &kept {
            if before.name != now.name {
                is_saved_change |= before.state.is_state();
                self.renamed_field(part, before, now, Loads::Told);
            }
            is_saved_change |= self.field(part, old.0, new.0, before, now);
        }
        for field in gone {
            is_saved_change |= self.removed(part, (old.0, new.0), field);
        }
        for field in come {
            is_saved_change |= self.added(part, old.0, new.0, field);
        }
        // Where the order counts, a field of another name is the same one only at the same place.
        let is_order = if self.is_by_order(name, name) {
            let all: Vec<_> = kept.into_iter().chain(renamed).collect();
            self.order(part, &in_order(all, is), was)
        } else {
            self.order(part, &kept, was)
        };
        is_saved_change | is_order
    }

    /// Fields that stand in a struct of their own now, which is new and has them by name.
    fn moved(
        &mut self,
        part: Part<'_>,
        (old, new): (&TypeEntry, &TypeEntry),
        gone: &mut Vec<&FieldEntry>,
        come: &mut Vec<&FieldEntry>,
    ) -> bool {
        let mut is_saved_change = false;
        let loads = if is_migrated(old, new) { Loads::Told } else { Loads::Not };
        come.retain(|holder| {
            let Some(inner) = self.new_struct(&holder.ty) else { return true };
            let inside: BTreeSet<(String, String)> = inner
                .variants
                .iter()
                .flat_map(|variant| &variant.fields)
                .map(|field| (field.name.clone(), field.ty.clone()))
                .collect();
            let is_inside = |field: &&FieldEntry| {
                inside.contains(&(field.name.clone(), field.ty.clone())) && field.state.is_state()
            };
            let taken: Vec<&FieldEntry> = gone.iter().copied().filter(is_inside).collect();
            if taken.is_empty() {
                return true;
            }
            gone.retain(|field| !is_inside(field));
            is_saved_change = true;
            for field in &taken {
                let to = format!("{}.{}", holder.name, field.name);
                self.plan.convert(part.ty, &field.name, "move", &field.name, &to, loads);
            }
            let names: Vec<_> = taken.iter().map(|field| format!("`{}`", field.name)).collect();
            self.push(part.field(&holder.name), &rules::FIELD_MOVED, loads, |finding| {
                finding.message = format!("{} moved into `{}`", names.join(", "), holder.name);
                finding.help = Some(format!(
                    "keep the old type under another name, write `#[checkpoint(migrate(Old, with = \
                     f))]` on `{}`, and raise its version",
                    part.ty
                ));
            });
            false
        });
        is_saved_change
    }

    /// The struct that a field holds, if only the new side has it.
    fn new_struct(&self, ty: &str) -> Option<&TypeEntry> {
        let mut expr = TypeExpr::parse(ty);
        // `Box<T>` and the like are the same in an image.
        while let TypeExpr::Path { name, args } = &expr
            && let Some(Holds::One(..)) = containers::known(&format!("std::{name}"))
            && let Some(inner) = args.first()
        {
            expr = inner.clone();
        }
        let name = expr.to_string();
        let is_new = !self.old.model.types.contains_key(&name);
        self.new.model.types.get(&name).filter(|_| is_new).map(|entry| &**entry)
    }

    fn renamed_field(&mut self, part: Part<'_>, was: &FieldEntry, is: &FieldEntry, loads: Loads) {
        let matters = was.state.is_state() && is.state.is_state();
        let loads = if matters { loads } else { Loads::Anyway };
        if matters {
            self.plan.convert(part.ty, &is.name, "rename", &was.name, &is.name, loads);
        }
        self.push(part.field(&is.name), &rules::FIELD_RENAMED, loads, |finding| {
            let verb = if loads == Loads::Told { "is" } else { "seems to be" };
            finding.message = format!("`{}` {verb} called `{}` now", was.name, is.name);
            finding.sides = Some(sides(&was.name, &is.name));
            finding.help = Some(format!(
                "if it is the same, write `#[checkpoint(was = \"{}\")]` on `{}`; else \
                 `#[checkpoint(removed(\"{}\"))]` on `{}` and `#[checkpoint(since = N, default = \
                 …)]` on `{}`; and raise the version",
                was.name,
                is.name,
                part.member(&was.name),
                part.ty,
                is.name
            ));
        });
    }

    /// Compares a field that both sides have; returns whether what is saved changed.
    fn field(
        &mut self,
        part: Part<'_>,
        old: &TypeEntry,
        new: &TypeEntry,
        was: &FieldEntry,
        is: &FieldEntry,
    ) -> bool {
        let mut is_saved_change = false;
        if was.state != is.state {
            let is_seen = was.state != FieldState::Unknown && is.state != FieldState::Unknown;
            is_saved_change = is_seen && (was.state.is_state() || is.state.is_state());
            self.treatment(part, old, new, was, is);
        }
        if !self.renames.same(&was.ty, &is.ty) {
            // Images do not know a `Vec` from a `VecDeque`; what other code writes is not known.
            let is_alike = if old.version.is_some() && new.version.is_some() {
                self.renames.same_saved(&was.ty, &is.ty)
            } else {
                let (before, now) = (self.old.model, self.new.model);
                self.is_by_order(part.ty, part.ty)
                    && written::alike((before, &was.ty), (now, &is.ty))
            };
            is_saved_change |= was.state.is_state() && is.state.is_state() && !is_alike;
            self.retyped(part, (old, new), (was, is), is_alike);
        }
        is_saved_change
    }

    fn retyped(
        &mut self,
        part: Part<'_>,
        (old, new): (&TypeEntry, &TypeEntry),
        (was, is): (&FieldEntry, &FieldEntry),
        is_alike: bool,
    ) {
        let from = &is.history.from;
        let matters = was.state.is_state() && is.state.is_state() && !is_alike;
        let loads = if !matters {
            Loads::Anyway
        } else if from.iter().any(|from| may_name(from, &was.ty)) || is_migrated(old, new) {
            Loads::Told
        } else {
            Loads::Not
        };
        if matters {
            self.plan.convert(part.ty, &is.name, "convert", &was.ty, &is.ty, loads);
        }
        self.push(part.field(&is.name), &rules::FIELD_TYPE_CHANGED, loads, |finding| {
            finding.message = format!("`{}` was `{}` and is `{}` now", is.name, was.ty, is.ty);
            finding.sides = Some(sides(&was.ty, &is.ty));
            finding.help = Some(format!(
                "write `#[checkpoint(from({}, …))]` on the field and raise the version",
                was.ty
            ));
            if loads == Loads::Not && !from.is_empty() {
                let from: Vec<_> = from.iter().map(|from| format!("`{from}`")).collect();
                finding.details.push(format!("it tells how to convert {} only", from.join(", ")));
            }
            if is_alike {
                finding.details.push("images hold it as before".to_owned());
            }
        });
    }

    fn treatment(
        &mut self,
        part: Part<'_>,
        old: &TypeEntry,
        new: &TypeEntry,
        was: &FieldEntry,
        is: &FieldEntry,
    ) {
        let (before, now) = (was.state.word(), is.state.word());
        let unknown = FieldState::Unknown;
        if was.state == unknown || is.state == unknown {
            let side = if is.state == unknown { "new" } else { "old" };
            self.push(part.field(&is.name), &rules::LOST_EVIDENCE, Loads::Unsaid, |finding| {
                finding.message =
                    format!("what happens to it cannot be seen in the {side} version");
                finding.sides = Some(sides(before, now));
            });
            return;
        }
        let saved = FieldState::Treated(Treatment::Saved);
        let (loads, help) = match (was.state, is.state) {
            (_, state) if state == saved => (
                since(old, new, is),
                format!(
                    "write `#[checkpoint(since = N, default = …)]` on `{}` and raise the version \
                     to N: older images do not hold it",
                    is.name
                ),
            ),
            (state, FieldState::Treated(_)) if state == saved => {
                let is_told = new.history.removed.contains(&part.member(&is.name));
                (
                    if is_told { Loads::Told } else { Loads::Not },
                    format!(
                        "write `#[checkpoint(removed(\"{}\"))]` on `{}` and raise its version if \
                         images need no longer hold it",
                        part.member(&is.name),
                        part.ty
                    ),
                )
            }
            (_, FieldState::Treated(_)) => (Loads::Anyway, String::new()),
            _ => (
                Loads::Unsaid,
                format!("save and restore `{}` again, or skip it with a reason", is.name),
            ),
        };
        if was.state == saved || is.state == saved {
            let what = if is.state == saved { "fill" } else { "drop" };
            self.plan.convert(part.ty, &is.name, what, before, now, loads);
        }
        self.push(part.field(&is.name), &rules::TREATMENT_CHANGED, loads, |finding| {
            finding.message = format!("`{}` was {before} and is {now} now", is.name);
            finding.sides = Some(sides(before, now));
            finding.help = Some(help);
        });
    }

    fn added(&mut self, part: Part<'_>, old: &TypeEntry, new: &TypeEntry, is: &FieldEntry) -> bool {
        // The code is known, and does not save it: no image was meant to hold it yet.
        let is_left_out = is.state == FieldState::Uncovered && new.is_known;
        let matters = is.state.is_state() && !is_left_out;
        let loads = match (is_left_out, matters) {
            (true, _) => Loads::Unsaid,
            (false, true) => since(old, new, is),
            (false, false) => Loads::Anyway,
        };
        if matters {
            self.plan.convert(part.ty, &is.name, "fill", "", &is.ty, loads);
        }
        self.push(part.field(&is.name), &rules::FIELD_ADDED, loads, |finding| {
            finding.message = format!("`{}: {}` is new and {}", is.name, is.ty, is.state.word());
            finding.sides = Some(sides("absent", &is.ty));
            if is_left_out {
                finding.help = Some(format!(
                    "save and restore `{}`, and raise the version, or skip it with a reason",
                    is.name
                ));
                return;
            }
            finding.help = Some(match (is.history.since, old.version) {
                (Some(since), Some(version)) if is.history.has_default && since <= version => {
                    format!(
                        "images of version {version} do not hold it: write `since = {}` and raise \
                         the version",
                        u64::from(version) + 1
                    )
                }
                _ => "write `#[checkpoint(since = N, default = …)]` on it and raise the version \
                      to N"
                    .to_owned(),
            });
        });
        matters
    }

    fn removed(
        &mut self,
        part: Part<'_>,
        (old, new): (&TypeEntry, &TypeEntry),
        was: &FieldEntry,
    ) -> bool {
        let matters = was.state.is_state();
        let is_told =
            new.history.removed.contains(&part.member(&was.name)) || is_migrated(old, new);
        let loads = match (matters, is_told) {
            (false, _) => Loads::Anyway,
            (true, true) => Loads::Told,
            (true, false) => Loads::Not,
        };
        if matters {
            self.plan.convert(part.ty, &was.name, "drop", &was.ty, "", loads);
        }
        self.push(part.field(&was.name).gone(), &rules::FIELD_REMOVED, loads, |finding| {
            finding.message =
                format!("`{}: {}` is gone; it was {}", was.name, was.ty, was.state.word());
            finding.sides = Some(sides(&was.ty, "absent"));
            finding.help = Some(format!(
                "write `#[checkpoint(removed(\"{}\"))]` on `{}` and raise its version",
                part.member(&was.name),
                part.ty
            ));
        });
        matters
    }

    /// Whether the fields that both sides have stand in the same order; returns whether that changes
    /// what is saved.
    fn order(
        &mut self,
        part: Part<'_>,
        kept: &[(&FieldEntry, &FieldEntry)],
        was: &[FieldEntry],
    ) -> bool {
        let order = |is_asked: &dyn Fn(&str) -> bool| -> (Vec<&str>, Vec<&str>) {
            let is = kept.iter().map(|(old, _)| old.name.as_str()).filter(|name| is_asked(name));
            let is: Vec<_> = is.collect();
            let was = was.iter().map(|field| field.name.as_str());
            (was.filter(|name| is.contains(name)).collect(), is)
        };
        let (before, now) = order(&|_| true);
        if before == now {
            return false;
        }
        let is_saved = |name: &str| {
            let field = kept.iter().find(|(old, _)| old.name == name);
            field.is_some_and(|(old, new)| old.state.is_state() && new.state.is_state())
        };
        let (saved_before, saved_now) = order(&is_saved);
        let matters = saved_before != saved_now
            && self.is_by_order(part.ty, part.ty)
            && !self.is_written_alike;
        let (was, is) = (before.join(", "), now.join(", "));
        if matters {
            self.plan.convert(part.ty, part.variant, "reorder", &was, &is, Loads::Misnumbered);
        }
        let loads = if matters { Loads::Misnumbered } else { Loads::Anyway };
        self.push(part, &rules::FIELD_ORDER_CHANGED, loads, |finding| {
            finding.message = format!("the fields of `{}` stand in another order", part.ty);
            finding.sides = Some(sides(&was, &is));
            if matters {
                finding.severity = Severity::Error;
                finding.help = Some(
                    "put them back into the order that they had, or convert or refuse older images"
                        .to_owned(),
                );
            }
        });
        matters
    }
}

/// These pairs in the order of the new fields.
fn in_order<'a>(
    mut pairs: Vec<(&'a FieldEntry, &'a FieldEntry)>,
    fields: &[FieldEntry],
) -> Vec<(&'a FieldEntry, &'a FieldEntry)> {
    pairs.sort_by_key(|(_, now)| fields.iter().position(|field| field.name == now.name));
    pairs
}

/// What becomes of images that do not hold a field that is saved now.
fn since(old: &TypeEntry, new: &TypeEntry, field: &FieldEntry) -> Loads {
    let is_later = |since: u32| old.version.is_none_or(|version| version < since);
    let is_told = field.history.has_default && field.history.since.is_some_and(is_later);
    if is_told || is_migrated(old, new) { Loads::Told } else { Loads::Not }
}

/// One that went and one that came, of one type that no other has: most likely one with another
/// name.
fn renamed<'a>(
    gone: &mut Vec<&'a FieldEntry>,
    come: &mut Vec<&'a FieldEntry>,
) -> Vec<(&'a FieldEntry, &'a FieldEntry)> {
    let mut pairs = Vec::new();
    for was in gone.clone() {
        let alike = |field: &&&FieldEntry| field.ty == was.ty && field.state == was.state;
        let (before, now): (Vec<_>, Vec<_>) =
            (gone.iter().filter(alike).collect(), come.iter().filter(alike).collect());
        // One that says since when it is there is new.
        if let ([_], [is]) = (&before[..], &now[..])
            && is.history.since.is_none()
        {
            pairs.push((was, **is));
        }
    }
    gone.retain(|field| !pairs.iter().any(|(was, _)| was.name == field.name));
    come.retain(|field| !pairs.iter().any(|(_, is)| is.name == field.name));
    pairs
}
