//! What a program tells of its earlier versions, so that their images can be read.

use std::collections::{BTreeMap, BTreeSet};

use samestate_schema::record::Record;

use crate::evidence::FieldKey;
use crate::names::{TypeExpr, last_segment};

/// What it tells of one type.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TypeHistory {
    /// The name that images know the type by.
    pub(crate) name: Option<String>,
    /// The names that images knew it by.
    pub(crate) was: BTreeSet<String>,
    /// Fields that are gone.
    pub(crate) removed: BTreeSet<String>,
    /// Earlier types that are converted as a whole, as they are spelled.
    pub(crate) migrates: BTreeSet<String>,
    /// The objects it is registered for: the trait as it is spelled, and the stable name.
    pub(crate) implements: BTreeMap<String, String>,
}

/// What it tells of one variant.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct VariantHistory {
    /// Its identity, if it is not its name.
    pub(crate) id: Option<u32>,
    /// The names it had.
    pub(crate) was: BTreeSet<String>,
    /// The version of the type that first had it.
    pub(crate) since: Option<u32>,
}

/// What it tells of one field.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FieldHistory {
    /// The version of the type that first had it.
    pub(crate) since: Option<u32>,
    /// Whether older images get a value for it.
    pub(crate) has_default: bool,
    /// The names it had.
    pub(crate) was: BTreeSet<String>,
    /// The types it had and that are converted, as they are spelled.
    pub(crate) from: BTreeSet<String>,
}

/// What a program tells of one of its types, its variants and its fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct History {
    pub(crate) of_type: TypeHistory,
    pub(crate) variants: BTreeMap<String, VariantHistory>,
    pub(crate) fields: BTreeMap<FieldKey, FieldHistory>,
}

impl History {
    /// What a record of the derive tells.
    pub(crate) fn of(record: &Record) -> Self {
        let body = &record.body;
        let mut all = Self::default();
        all.of_type.name = (body.name != body.ident).then(|| body.name.clone());
        for (name, value) in &body.notes {
            match name.as_str() {
                "was" => drop(all.of_type.was.insert(value.clone())),
                "removed" => drop(all.of_type.removed.insert(value.clone())),
                "migrate" => drop(all.of_type.migrates.insert(spelled(value))),
                "implements" => {
                    if let Some((object, stable)) = value.rsplit_once(" = ") {
                        all.of_type.implements.insert(one_line(object), stable.to_owned());
                    }
                }
                _ => {}
            }
        }
        for variant in &body.variants {
            let mut history = VariantHistory { id: variant.id, ..VariantHistory::default() };
            for (name, value) in &variant.notes {
                match name.as_str() {
                    "was" => drop(history.was.insert(value.clone())),
                    "since" => history.since = value.parse().ok(),
                    _ => {}
                }
            }
            all.variants.insert(variant.name.clone(), history);
            for field in &variant.fields {
                let key = FieldKey { variant: variant.name.clone(), name: field.name.clone() };
                all.fields.insert(key, of_field(&field.notes));
            }
        }
        all
    }
}

fn of_field(notes: &[(String, String)]) -> FieldHistory {
    let mut history = FieldHistory::default();
    for (name, value) in notes {
        match name.as_str() {
            "since" => history.since = value.parse().ok(),
            "default" => history.has_default = true,
            "was" => drop(history.was.insert(value.clone())),
            "from" | "try_from" => drop(history.from.insert(spelled(value))),
            _ => {}
        }
    }
    history
}

/// The type of `Type, function`, which tokens spell with blanks between all of them.
fn spelled(note: &str) -> String {
    let ty = note.rsplit_once(", ").map_or(note, |(ty, _)| ty);
    let ty = ty.replace(" ::", "::").replace(":: ", "::");
    one_line(&TypeExpr::parse(&ty).to_string())
}

/// Notes stand in a line of their own.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether tokens may name this type: sources spell a path from anywhere.
pub(crate) fn may_name(tokens: &str, ty: &str) -> bool {
    same(&TypeExpr::parse(tokens), &TypeExpr::parse(ty))
}

fn same(tokens: &TypeExpr, ty: &TypeExpr) -> bool {
    use TypeExpr as T;
    let all = |a: &[T], b: &[T]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b));
    match (tokens, ty) {
        (T::Path { name: a, args: x }, T::Path { name: b, args: y }) => {
            last_segment(a).trim() == last_segment(b) && all(x, y)
        }
        (T::Tuple(a), T::Tuple(b)) => all(a, b),
        (T::Array(a, x), T::Array(b, y)) => same(a, b) && (x == y || x.parse::<u64>().is_err()),
        (T::Slice(a), T::Slice(b)) => same(a, b),
        (T::Pointer(a, x), T::Pointer(b, y)) => a == b && same(x, y),
        (T::Dyn(a) | T::Other(a), T::Dyn(b) | T::Other(b)) => {
            last_segment(a).trim() == last_segment(b).trim()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{may_name, spelled};

    #[test]
    fn types_of_notes_are_recognized() {
        assert_eq!(spelled("u32, widen"), "u32");
        let spelled =
            spelled("std :: collections :: HashMap < u8 , Vec < Old > >, crate :: convert");
        assert!(may_name(&spelled, "HashMap<u8, Vec<sim::old::Old>>"), "{spelled}");
        assert!(!may_name(&spelled, "HashMap<u8, Vec<sim::old::New>>"));
        assert!(may_name("[u8 ; LEN]", "[u8; 4]"));
        assert!(!may_name("[u8; 5]", "[u8; 4]"));
    }
}
