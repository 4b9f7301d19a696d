//! Evidence from the records that the derive leaves in the binary.
//!
//! A record is joined to its type by its address: there stands a static whose own type has the
//! annotated type as its parameter. A generic definition has one record for all its instances;
//! it is joined by the scope of the static and the definition's name.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use samestate_report::{Evidence, Place};
use samestate_schema::record::{Record, records};
use samestate_schema::treatment::{Grade, Treatment};

use super::{Answer, FieldKey, Said, Source, Statement, Testimony};
use crate::dwarf::Contents;
use crate::graph::{Graph, Kind, TypeId};
use crate::load::RecordSection;

/// A record that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadRecord {
    /// What it is about, as far as that is known.
    pub(crate) subject: String,
    /// What is wrong.
    pub(crate) why: String,
}

/// All records of a binary, joined to its types.
#[derive(Debug, Default)]
pub(crate) struct Records {
    records: Vec<Record>,
    by_type: HashMap<TypeId, usize>,
    /// Types of which several records could be meant.
    ambiguous: BTreeSet<TypeId>,
    /// What could not be read or joined.
    pub(crate) bad: Vec<BadRecord>,
    /// The types that are marked as roots.
    pub(crate) roots: BTreeSet<TypeId>,
}

impl Records {
    /// Reads and joins the records of these sections.
    pub(crate) fn read(sections: &[RecordSection], contents: &Contents) -> Self {
        let mut all = Self::default();
        let graph = &contents.graph;
        for section in sections {
            for (offset, record) in records(&section.bytes) {
                match record {
                    Ok(record) => {
                        let types = joined(&record, section.address + offset as u64, contents);
                        all.add(record, &types, graph);
                    }
                    Err(error) => all.bad.push(BadRecord {
                        subject: "samestate".to_owned(),
                        why: error.to_string(),
                    }),
                }
            }
        }
        all
    }

    fn add(&mut self, record: Record, types: &[TypeId], graph: &Graph) {
        if types.is_empty() {
            // A generic definition without an instance is no state of this program.
            if !record.flags.generic {
                self.bad.push(BadRecord {
                    subject: record.path(),
                    why: "its type has no debug information".to_owned(),
                });
            }
            return;
        }
        let index = self.records.len();
        for &id in types {
            if !describes(&record, graph, id) && types.len() > 1 {
                continue;
            }
            if self.by_type.insert(id, index).is_some() {
                self.ambiguous.insert(id);
            }
            if record.flags.root {
                self.roots.insert(id);
            }
        }
        self.records.push(record);
    }

    /// How many records there are.
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// The types that a trait object of this trait is restored as, by the names that their records
    /// give them.
    pub(crate) fn registered(&self, trait_name: &str) -> BTreeSet<TypeId> {
        let wanted = crate::names::last_segment(crate::names::without_arguments(trait_name));
        let of_trait = |record: &Record| {
            record.body.notes.iter().any(|(what, how)| {
                let object = how.split(" = ").next().unwrap_or(how).trim();
                let object = object.strip_prefix("dyn ").unwrap_or(object);
                let tokens = crate::names::without_arguments(object).replace(' ', "");
                what == "implements" && crate::names::last_segment(&tokens) == wanted
            })
        };
        let records = self.by_type.iter().filter(|&(_, &index)| of_trait(&self.records[index]));
        records.map(|(&id, _)| id).collect()
    }

    /// The types that have a record, by id.
    pub(crate) fn annotated(&self) -> impl Iterator<Item = (TypeId, &Record)> {
        let mut types: Vec<_> = self.by_type.iter().collect();
        types.sort();
        types.into_iter().map(|(&id, &index)| (id, &self.records[index]))
    }

    /// The record of a type.
    pub(crate) fn of(&self, id: TypeId) -> Option<&Record> {
        self.by_type.get(&id).map(|&index| &self.records[index])
    }
}

/// The types that a record at this address is about.
fn joined(record: &Record, address: u64, contents: &Contents) -> Vec<TypeId> {
    let graph = &contents.graph;
    let Some(variable) = contents.statics.get(&address) else {
        // Without the static only the name is left. It is good enough if it is unique.
        return by_definition(graph, &record.path());
    };
    if record.flags.generic {
        let scope = variable.name.rsplit_once("::").map_or("", |(scope, _)| scope);
        let mut scope = scope;
        while let Some(outer) = scope.strip_suffix("::_") {
            scope = outer;
        }
        return by_definition(graph, &format!("{scope}::{}", record.body.ident));
    }
    let param = graph.get(variable.ty).params.first().and_then(|param| param.ty);
    param.map(|id| graph.defined(id)).into_iter().collect()
}

fn by_definition(graph: &Graph, definition: &str) -> Vec<TypeId> {
    graph
        .iter()
        .filter(|(_, ty)| {
            ty.definition() == definition
                && matches!(
                    ty.kind,
                    Kind::Struct(_) | Kind::Enum(_) | Kind::Union(_) | Kind::Enumeration(_)
                )
        })
        .map(|(id, _)| id)
        .collect()
}

/// Whether the record has the fields that the type has.
fn describes(record: &Record, graph: &Graph, id: TypeId) -> bool {
    let recorded: BTreeSet<FieldKey> = keys(record).collect();
    let fields = crate::fields::of(graph, id);
    fields.iter().all(|field| recorded.contains(&field.key))
}

fn keys(record: &Record) -> impl Iterator<Item = FieldKey> + '_ {
    record.body.variants.iter().flat_map(|variant| {
        variant
            .fields
            .iter()
            .map(|field| FieldKey { variant: variant.name.clone(), name: field.name.clone() })
    })
}

impl Source for Records {
    fn about(&self, id: TypeId) -> Answer {
        let Some(record) = self.of(id) else { return Answer::Silent };
        if self.ambiguous.contains(&id) {
            return Answer::CannotSee(format!(
                "several records could be meant by `{}`",
                record.path()
            ));
        }
        let mut fields = BTreeMap::new();
        for variant in &record.body.variants {
            for field in &variant.fields {
                let key = FieldKey { variant: variant.name.clone(), name: field.name.clone() };
                let by = field.notes.iter().find(|(name, _)| name == "with" || name == "serde");
                let said = match field.treatment {
                    treatment if by.is_some() && treatment.is_saved() => Said::Handed(treatment),
                    Treatment::Saved => Said::Saved,
                    Treatment::Volatile => Said::Volatile,
                    other => Said::Left(other),
                };
                let place = (field.line > 0)
                    .then(|| Place::new(record.file.clone(), field.line, field.column));
                fields.insert(key, Statement { said, place, why: field.reason.clone() });
            }
        }
        let place = Place::new(record.file.clone(), record.line, record.column);
        let (grade, says) = if record.flags.manual {
            (Grade::Declared, "declares treatments; the code is written by hand")
        } else {
            (Grade::Generated, "save and restore are generated from it")
        };
        Answer::Says(Testimony {
            grade,
            evidence: vec![Evidence {
                source: "record".to_owned(),
                says: says.to_owned(),
                place: Some(place),
            }],
            fields,
            version: Some(record.body.version),
        })
    }
}
