//! From what functions do with a type to what is said of its fields.

use std::collections::{BTreeMap, BTreeSet};

use samestate_report::{Evidence, Place};
use samestate_schema::treatment::{Grade, Treatment};

use super::cover::{Cover, Marks};
use super::{Answer, FieldKey, Said, Statement, Testimony};
use crate::fields::{self, Field};
use crate::graph::TypeId;
use crate::source::{Codebase, Restored, is_made_of};
use crate::view;

/// What is said of a type whose own `save` and `restore` were read.
pub(super) fn answer(
    code: &Codebase<'_>,
    id: TypeId,
    (marks, restored): (&Marks, &Restored),
    mut places: BTreeMap<FieldKey, Place>,
    evidence: Vec<Evidence>,
) -> Answer {
    let all = fields::of(code.graph(), id);
    // A conversion of all of a type with one field is one of that field.
    let is_converted = marks.is_converted() && single(code, &all).is_some();
    if let Some(to) = marks.escape().filter(|_| !is_converted) {
        return Answer::CannotSee(format!("its `save` hands all of it to {to}"));
    }
    let by_value = by_value(code, id, &all, restored);
    let restored = by_value.as_ref().unwrap_or(restored);
    if !restored.seen.contains(&id) && !all.is_empty() {
        let by = restored.hidden.as_deref().unwrap_or("code that was not found");
        return Answer::CannotSee(format!("its `restore` leaves the work to {by}"));
    }
    let covers: BTreeMap<FieldKey, Cover> = all
        .iter()
        .map(|field| {
            let cover = match is_converted {
                true => Cover::All,
                false => marks.field(code, &[], (id, &field.key), field.ty),
            };
            (field.key.clone(), cover)
        })
        .collect();
    match statements(&all, id, &covers, restored, &mut places) {
        Ok(fields) => {
            Answer::Says(Testimony { grade: Grade::Read, evidence, fields, version: None })
        }
        Err(why) => Answer::CannotSee(why),
    }
}

/// A type with one field is that field: if what gives a value of it back makes it of the image, in
/// whatever way, then the field comes from there.
fn by_value(
    code: &Codebase<'_>,
    id: TypeId,
    all: &[Field],
    restored: &Restored,
) -> Option<Restored> {
    single(code, all)?;
    let is_given = restored.is_given && restored.given_doubt().is_none();
    let is_hidden = restored.hidden.as_deref().is_some_and(|by| !is_from_number(by));
    if !is_given || is_hidden || restored.seen.contains(&id) {
        return None;
    }
    let mut restored = restored.clone();
    restored.seen.insert(id);
    for field in all {
        restored.fields.entry((id, field.key.clone())).or_default();
    }
    Some(restored)
}

/// Whether a function that a macro made is one that makes the value of a number, as `bitflags!` has.
fn is_from_number(function: &str) -> bool {
    const FROM: [&str; 3] = ["from_bits", "from_bits_truncate", "from_bits_retain"];
    FROM.contains(&crate::names::last_segment(function.trim_matches('`')))
}

/// The field of a struct that has one, not counting those that hold nothing.
fn single<'f>(code: &Codebase<'_>, all: &'f [Field]) -> Option<&'f Field> {
    let is_something =
        |field: &&Field| !field.ty.is_some_and(|ty| view::is_empty(code.graph(), ty));
    let mut fields = all.iter().filter(is_something);
    let (only, None) = (fields.next()?, fields.next()) else { return None };
    only.key.variant.is_empty().then_some(only)
}

/// What is said of each field.
///
/// # Errors
/// Says of which field it hangs on an unknown condition.
pub(super) fn statements(
    all: &[Field],
    id: TypeId,
    covers: &BTreeMap<FieldKey, Cover>,
    restored: &Restored,
    places: &mut BTreeMap<FieldKey, Place>,
) -> Result<BTreeMap<FieldKey, Statement>, String> {
    let doubtful = covers.iter().find_map(|(key, cover)| match cover {
        Cover::Doubtful(condition) => Some((key, condition)),
        _ => None,
    });
    if let Some((key, condition)) = doubtful.or_else(|| restored.doubtful(id)) {
        return Err(format!(
            "whether `{}` is saved hangs on `cfg({condition})`, and with which features it was built \
             is not known",
            key.name
        ));
    }
    let statement = |field: &Field| {
        let cover = covers.get(&field.key).unwrap_or(&Cover::Nothing);
        let said = said(id, &field.key, cover, covers, restored);
        let why = (said == Said::Nothing && *cover == Cover::Mentioned)
            .then(|| "`save` only logs or tests it, which does not bring it back".to_owned());
        let place = places.remove(&field.key);
        (field.key.clone(), Statement { said, place, why })
    };
    Ok(all.iter().map(statement).collect())
}

fn said(
    id: TypeId,
    key: &FieldKey,
    cover: &Cover,
    covers: &BTreeMap<FieldKey, Cover>,
    restored: &Restored,
) -> Said {
    let from = restored.fields.get(&(id, key.clone()));
    match (cover, from) {
        (Cover::All, Some(_)) => Said::Saved,
        (Cover::Part(missing), Some(_)) => Said::Partly(missing.clone()),
        (Cover::All | Cover::Part(_), None) => Said::SavedOnly,
        (_, None) => Said::Nothing,
        (_, Some(from)) if is_derived(id, from, covers, restored) => Said::Left(Treatment::Rebuilt),
        (_, Some(_)) => Said::RestoredOnly,
    }
}

/// Whether a value is made of nothing but what fields that are saved were restored from.
fn is_derived(
    id: TypeId,
    from: &BTreeSet<String>,
    covers: &BTreeMap<FieldKey, Cover>,
    restored: &Restored,
) -> bool {
    let saved_from: BTreeSet<&String> = restored
        .fields
        .iter()
        .filter(|((owner, key), _)| *owner == id && covers.get(key) == Some(&Cover::All))
        .flat_map(|(_, names)| names)
        .collect();
    !from.is_empty() && from.iter().all(|name| is_made_of(name, &saved_from))
}
