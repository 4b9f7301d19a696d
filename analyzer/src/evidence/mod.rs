//! What says that a field is saved, and how well.
//!
//! Each source of evidence is one module that implements [`Source`]. A verdict rests on all of
//! them: code that was generated from a record is believed, code that was read is believed for
//! what was seen in it, and what is only declared never makes a field clean.

mod cover;
mod derives;
mod functions;
mod handwritten;
mod named;
mod record;
mod serde;
mod stated;
mod tags;
mod told;

use std::collections::BTreeMap;

use samestate_report::{Evidence, Place};
use samestate_schema::treatment::{Grade, Treatment};

pub(crate) use self::derives::Derives;
pub(crate) use self::handwritten::HandWritten;
pub(crate) use self::named::NamedFunctions;
pub(crate) use self::record::Records;
pub(crate) use self::serde::SERDE;
pub(crate) use self::stated::{Decisions, stale};
pub(crate) use self::tags::{SOURCE as TAGS, Tagged, annotated, place as place_of};
use crate::graph::TypeId;

/// A field within its type definition: the variant (empty for structs) and the name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FieldKey {
    /// The variant; empty for structs.
    pub(crate) variant: String,
    /// The name; a number for tuple fields.
    pub(crate) name: String,
}

/// What one source says of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// It goes into the image and comes back.
    Saved,
    /// So it does, but it is no part of what makes states equal.
    Volatile,
    /// All of it but these parts goes into the image and comes back.
    Partly(Vec<String>),
    /// So it does, as a whole, by other code than that of its type: of a module, or serde's.
    Handed(Treatment),
    /// It goes into the image; nothing was seen that brings it back.
    SavedOnly,
    /// It is given a value from the image; nothing was seen that puts it there.
    RestoredOnly,
    /// Neither was seen.
    Nothing,
    /// It is left out on purpose.
    Left(Treatment),
    /// Whether it is saved and restored cannot be seen.
    Unseen,
}

/// What one source says of one field, with the place that says it.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) said: Said,
    /// Where the field stands.
    pub(crate) place: Option<Place>,
    /// The reason or the code, for people.
    pub(crate) why: Option<String>,
}

/// What one source says of a type.
#[derive(Clone, Debug)]
pub(crate) struct Testimony {
    pub(crate) grade: Grade,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) fields: BTreeMap<FieldKey, Statement>,
    /// The version of the type's saved form, if the source tells.
    pub(crate) version: Option<u32>,
}

/// What one source knows of a type.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// Nothing at all.
    Silent,
    /// There is something, but it cannot be read.
    CannotSee(String),
    /// This.
    Says(Testimony),
}

impl<S: Source> Source for &S {
    fn about(&self, id: TypeId) -> Answer {
        (**self).about(id)
    }
}

/// A source of evidence.
pub(crate) trait Source {
    /// What it knows of the type.
    fn about(&self, id: TypeId) -> Answer;
}

/// What is to be thought of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is saved and restored.
    Saved(Grade),
    /// It is saved and restored, and no part of what makes states equal.
    Volatile,
    /// It is saved and restored as a whole, and what lies below it is other code's.
    Handed(Treatment),
    /// It is left out on purpose.
    Left(Treatment),
    /// Nothing shows that it is saved or restored.
    Uncovered,
    /// All of it is saved but these parts.
    Partly(Vec<String>),
    /// It is saved and never restored.
    SavedOnly,
    /// It is restored and never saved.
    RestoredOnly,
    /// The evidence could not be read.
    Unknown,
}

/// A verdict with what it rests on.
#[derive(Clone, Debug)]
pub(crate) struct FieldVerdict {
    pub(crate) verdict: Verdict,
    pub(crate) place: Option<Place>,
    pub(crate) why: Option<String>,
}

/// What is to be thought of a type.
#[derive(Clone, Debug)]
pub(crate) enum Judgment {
    /// No source knows it.
    NoEvidence {
        /// The places of its fields, where a source shows them.
        places: BTreeMap<FieldKey, Place>,
    },
    /// A source knows it, but cannot be read.
    CannotSee { why: String, evidence: Vec<Evidence> },
    /// Its fields can be judged.
    Known {
        fields: BTreeMap<FieldKey, FieldVerdict>,
        evidence: Vec<Evidence>,
        version: Option<u32>,
    },
}

/// All sources together.
pub(crate) struct Judge<'a> {
    /// The derive's records.
    pub(crate) records: &'a Records,
    /// Everything that reads code, strongest first.
    pub(crate) readers: Vec<Box<dyn Source + 'a>>,
    /// Where fields are defined, for those that no source knows.
    pub(crate) places: Box<dyn Fn(TypeId) -> BTreeMap<FieldKey, Place> + 'a>,
    /// What people decided.
    pub(crate) decisions: Decisions<'a>,
}

impl Judge<'_> {
    /// What is to be thought of the type's fields.
    pub(crate) fn judge(&self, id: TypeId) -> Judgment {
        let declared = match self.records.about(id) {
            Answer::Says(testimony) if testimony.grade == Grade::Generated => {
                return generated(testimony);
            }
            Answer::Says(testimony) => Some(testimony),
            Answer::CannotSee(why) => return Judgment::CannotSee { why, evidence: Vec::new() },
            Answer::Silent => None,
        };
        let mut blind = None;
        for reader in &self.readers {
            match reader.about(id) {
                Answer::Says(read) => return with_declared(read, declared),
                Answer::CannotSee(why) => blind = blind.or(Some(why)),
                Answer::Silent => {}
            }
        }
        match (blind, declared) {
            (Some(why), declared) => {
                Judgment::CannotSee { why, evidence: declared.map_or(Vec::new(), |d| d.evidence) }
            }
            (None, Some(declared)) => Judgment::CannotSee {
                why: "its treatments are only declared (`manual`), and its `save` and `restore` \
                      were not found"
                    .to_owned(),
                evidence: declared.evidence,
            },
            (None, None) => Judgment::NoEvidence { places: (self.places)(id) },
        }
    }
}

fn generated(testimony: Testimony) -> Judgment {
    let fields = testimony.fields.into_iter().map(|(key, statement)| {
        let verdict = match statement.said {
            Said::Left(treatment) => Verdict::Left(treatment),
            Said::Volatile => Verdict::Volatile,
            Said::Handed(treatment) => Verdict::Handed(treatment),
            Said::Unseen => Verdict::Unknown,
            Said::Saved
            | Said::Partly(_)
            | Said::SavedOnly
            | Said::RestoredOnly
            | Said::Nothing => Verdict::Saved(Grade::Generated),
        };
        (key, FieldVerdict { verdict, place: statement.place, why: statement.why })
    });
    Judgment::Known {
        fields: fields.collect(),
        evidence: testimony.evidence,
        version: testimony.version,
    }
}

/// What was read, and what a record of a `manual` type declares beside it: a treatment counts if
/// the code does not contradict it.
fn with_declared(read: Testimony, declared: Option<Testimony>) -> Judgment {
    let mut evidence = read.evidence;
    let mut version = read.version;
    let mut declarations = BTreeMap::new();
    if let Some(declared) = declared {
        evidence.extend(declared.evidence);
        version = version.or(declared.version);
        declarations = declared.fields;
    }
    let fields = read.fields.into_iter().map(|(key, statement)| {
        let declared = declarations.get(&key);
        let left = declared.and_then(|declared| match declared.said {
            Said::Left(treatment) => Some(treatment),
            Said::Saved
            | Said::Volatile
            | Said::Partly(_)
            | Said::Handed(_)
            | Said::SavedOnly
            | Said::RestoredOnly
            | Said::Unseen
            | Said::Nothing => None,
        });
        let verdict = match (statement.said, left) {
            (Said::Handed(treatment), _) => Verdict::Handed(treatment),
            (Said::Saved | Said::Volatile, _) => match declared.map(|declared| &declared.said) {
                Some(Said::Volatile) => Verdict::Volatile,
                _ => Verdict::Saved(read.grade),
            },
            (Said::Partly(missing), _) => Verdict::Partly(missing),
            (Said::SavedOnly, _) => Verdict::SavedOnly,
            (Said::Unseen, _) => Verdict::Unknown,
            (Said::Left(treatment), _) | (Said::RestoredOnly | Said::Nothing, Some(treatment)) => {
                Verdict::Left(treatment)
            }
            (Said::RestoredOnly, None) => Verdict::RestoredOnly,
            (Said::Nothing, None) => Verdict::Uncovered,
        };
        let place = declared.and_then(|d| d.place.clone()).or(statement.place);
        let why = statement.why.or_else(|| declared.and_then(|d| d.why.clone()));
        (key, FieldVerdict { verdict, place, why })
    });
    Judgment::Known { fields: fields.collect(), evidence, version }
}
