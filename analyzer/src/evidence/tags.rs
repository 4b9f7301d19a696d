//! Evidence from the tags of `include/samestate.h` in C and C++.
//!
//! A field without a tag is not saved, in every type that hangs from a tagged one. The exception is
//! a type that has no tag at all and no pointer: it is saved whole by the field that leads to it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;

use samestate_report::{Evidence, Place};
use samestate_schema::treatment::{Grade, SkipPolicy, Treatment};

use super::{Answer, FieldKey, Said, Source, Statement, Testimony};
use crate::dwarf::{Contents, FieldTag, TypeTags};
use crate::fields;
use crate::graph::{Graph, TypeId};
use crate::implementers::Implementers;
use crate::reach;
use crate::view::{self, type_text};

/// The tags of a program.
pub(crate) struct Tagged<'a> {
    contents: &'a Contents,
    /// Everything that hangs from a tagged type.
    judged: HashSet<TypeId>,
    /// Types that are not held as a whole by a field: roots, base classes, and what has no name.
    on_their_own: HashSet<TypeId>,
}

impl<'a> Tagged<'a> {
    /// Those of a program that is looked at from these roots.
    pub(crate) fn new(
        contents: &'a Contents,
        implementers: &Implementers<'_>,
        roots: &[TypeId],
    ) -> Self {
        let tagged = annotated(contents).map(|(id, _)| id);
        let judged = reach::below(&contents.graph, implementers, tagged).types;
        let mut on_their_own: HashSet<TypeId> = roots.iter().copied().collect();
        for &id in &judged {
            on_their_own.extend(fields::unnamed(&contents.graph, id));
        }
        Self { contents, judged, on_their_own }
    }

    /// Where the fields of a type stand, as far as units with tags tell.
    pub(crate) fn places(&self, id: TypeId) -> BTreeMap<FieldKey, Place> {
        let Some(tags) = self.contents.tags.types.get(&id) else { return BTreeMap::new() };
        tags.places.iter().map(|(name, at)| (key(name), place(at))).collect()
    }

    fn graph(&self) -> &Graph {
        &self.contents.graph
    }

    fn testimony(&self, id: TypeId, says: &str, said: impl Fn(&FieldKey) -> Statement) -> Answer {
        let name = type_text(self.graph(), id);
        let tags = self.contents.tags.types.get(&id);
        let mut places = self.places(id);
        let fields = fields::of(self.graph(), id).into_iter().map(|field| {
            let place = places.remove(&field.key);
            let statement = Statement { place, ..said(&field.key) };
            (field.key, statement)
        });
        Answer::Says(Testimony {
            grade: Grade::Read,
            evidence: vec![Evidence {
                source: SOURCE.to_owned(),
                says: format!("`{name}` {says}"),
                place: tags.and_then(|tags| tags.place.as_ref()).map(place),
            }],
            fields: fields.collect(),
            version: None,
        })
    }
}

/// Why a tag does not save the address of a function.
const CODE: &str = "the address of a function means nothing to another process: tag a number that \
                    stands for it, and skip this";

/// What evidence from tags is called.
pub(crate) const SOURCE: &str = "tags";

/// The types that have tags.
pub(crate) fn annotated(contents: &Contents) -> impl Iterator<Item = (TypeId, &TypeTags)> {
    let tagged = contents.tags.types.iter().filter(|(_, tags)| tags.is_tagged());
    tagged.map(|(&id, tags)| (id, tags))
}

/// Where a file and a line are.
pub(crate) fn place((file, line): &(PathBuf, u32)) -> Place {
    Place::new(file.display().to_string(), *line, 0)
}

fn key(name: &str) -> FieldKey {
    FieldKey { variant: String::new(), name: name.to_owned() }
}

fn statement(said: Said, why: Option<String>) -> Statement {
    Statement { said, place: None, why }
}

impl Source for Tagged<'_> {
    fn about(&self, id: TypeId) -> Answer {
        let tags = self.contents.tags.types.get(&id).filter(|tags| tags.is_tagged());
        let Some(tags) = tags else {
            if !self.judged.contains(&id) {
                return Answer::Silent;
            }
            if !self.on_their_own.contains(&id) && view::is_plain(self.graph(), id) {
                let says = "has no tags and no pointers, so what leads to it saves it whole";
                return self.testimony(id, says, |_| statement(Said::Saved, None));
            }
            return self.testimony(id, "has no tags", |_| statement(Said::Nothing, None));
        };
        if let Some(problem) = tags.problems.first() {
            return Answer::CannotSee(problem.clone());
        }
        let mut contradictory = None;
        for (name, told) in &tags.fields {
            let is_skipped = told.iter().any(|tag| matches!(tag, FieldTag::Skipped(_)));
            if is_skipped && told.contains(&FieldTag::Saved) {
                contradictory = contradictory.or(Some(name));
            }
        }
        if let Some(name) = contradictory {
            return Answer::CannotSee(format!("one tag of `{name}` saves it, another skips it"));
        }
        let mut of_host: BTreeMap<FieldKey, Option<&str>> = BTreeMap::new();
        for field in fields::of(self.graph(), id) {
            let Some(ty) = field.ty else { continue };
            if view::is_function(self.graph(), ty) {
                of_host.insert(field.key, Some(CODE));
            } else if view::host(self.graph(), ty).is_some() {
                of_host.insert(field.key, None);
            }
        }
        self.testimony(id, "has tags", |key| {
            let told = tags.fields.get(&key.name);
            let told = told.map_or(statement(Said::Nothing, None), said);
            // A tag cannot make an image hold it.
            match (&told.said, of_host.get(key)) {
                (Said::Saved, Some(why)) => statement(Said::Nothing, why.map(ToOwned::to_owned)),
                _ => told,
            }
        })
    }
}

fn said(told: &BTreeSet<FieldTag>) -> Statement {
    let reason = told.iter().find_map(|tag| match tag {
        FieldTag::Skipped(reason) => Some(reason.clone()),
        FieldTag::Saved | FieldTag::Link => None,
    });
    if let Some(reason) = reason {
        let reason = reason.filter(|reason| !reason.trim().is_empty());
        let why = reason.unwrap_or_else(|| "its reason stands in the source".to_owned());
        return statement(Said::Left(Treatment::Skipped(SkipPolicy::Default)), Some(why));
    }
    if told.contains(&FieldTag::Link) {
        return statement(Said::Handed(Treatment::Saved), None);
    }
    statement(Said::Saved, None)
}
