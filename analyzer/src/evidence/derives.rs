//! Evidence from derive macros of serializers, read in the program's sources.
//!
//! What is common to all of them stands here: which macro is derived, under which conditions, and
//! hand-written impls of the same traits. What the attributes of one family mean is a [`Family`],
//! in a module of its own: `serde` is one.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use samestate_report::{Evidence, Place};
use samestate_schema::treatment::Grade;

use super::cover::Marks;
use super::handwritten::place_of;
use super::{Answer, FieldKey, Said, Source, Statement, Testimony, told};
use crate::fields;
use crate::graph::TypeId;
use crate::names;
use crate::source::{self, Attributes, Crate, Definition, Flows, Found, Func, Restored};

/// One family of derive macros: the traits, and what their attributes mean.
pub(crate) struct Family {
    /// Its name in reports.
    pub(crate) name: &'static str,
    /// The crates that define the traits; without them in the program there is no evidence.
    pub(crate) crates: &'static [&'static str],
    /// The trait that saves, and its function.
    pub(crate) save: (&'static str, &'static str),
    /// The trait that restores, and its function.
    pub(crate) restore: (&'static str, &'static str),
    /// The name of its attributes.
    pub(crate) attribute: &'static str,
    /// What the attributes on a type and on one of its fields say.
    pub(crate) read: fn(&Attributes, &Attributes) -> FieldRule,
    /// The type that stands in for this one when it is saved and restored, if there is one.
    pub(crate) stand_in: fn(&Attributes) -> StandIn,
    /// The functions that save and restore a field in place of its type's.
    pub(crate) functions: fn(&Attributes) -> Functions,
    /// Paths of modules and functions of other crates that save and restore the whole of a value.
    pub(crate) known_functions: &'static [&'static str],
    /// The type of another crate that this definition speaks for.
    pub(crate) speaks_for: fn(&Attributes) -> Option<String>,
    /// The name of the attribute that says so.
    pub(crate) speaks_for_name: &'static str,
}

/// What attributes say of a field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldRule {
    /// The attribute that keeps it out of the image.
    pub(crate) unsaved: Option<String>,
    /// The attribute that gives it another value than the image's.
    pub(crate) unrestored: Option<String>,
}

/// Whether another type is written in the place of a type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StandIn {
    /// The type that is written.
    pub(crate) into: Option<String>,
    /// The type that is read.
    pub(crate) from: Option<String>,
}

/// The paths of functions that stand in for those of a field's type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Functions {
    /// The function that writes it.
    pub(crate) save: Option<String>,
    /// The function that reads it.
    pub(crate) restore: Option<String>,
}

/// The number that every type of `bitflags!` holds: whoever saves the type saves the number.
const FLAGS: &str = "InternalBitFlags";

/// Reads the derives of one family.
pub(crate) struct Derives<'a> {
    pub(super) family: &'static Family,
    pub(super) flows: &'a Flows<'a>,
    lines: Box<dyn Fn(TypeId) -> BTreeMap<FieldKey, Place> + 'a>,
    /// Types that functions of fields take apart, with those functions.
    pub(super) apart: RefCell<BTreeMap<TypeId, Vec<Evidence>>>,
    is_there: bool,
}

/// Whether a type has an impl of a trait.
enum Has {
    /// Derived.
    Derived,
    /// Written by hand.
    Written(Box<Func>),
    No,
}

impl<'a> Derives<'a> {
    /// A reader of this family's derives.
    pub(crate) fn new(
        family: &'static Family,
        flows: &'a Flows<'a>,
        lines: Box<dyn Fn(TypeId) -> BTreeMap<FieldKey, Place> + 'a>,
    ) -> Self {
        let crates = &flows.code.contents.crates;
        let is_there = family.crates.iter().any(|name| crates.contains_key(*name));
        Self { family, flows, lines, apart: RefCell::default(), is_there }
    }

    /// Whether the type has an impl of the trait that saves.
    pub(crate) fn is_saved(&self, id: TypeId) -> bool {
        !matches!(self.about(id), Answer::Silent)
    }

    fn has(
        &self,
        id: TypeId,
        krate: &Rc<Crate>,
        found: &Option<Found<Definition>>,
        (trait_name, function): (&str, &str),
    ) -> Result<Has, String> {
        if let Some(found) = found {
            let names = found.source.names_of(&found.item.scope, trait_name).into_iter();
            let derived = names.flat_map(|name| found.item.attributes.derives(name)).collect();
            match self.flows.code.holds(id, derived) {
                Ok(true) => return Ok(Has::Derived),
                Ok(false) => {}
                Err(condition) => {
                    return Err(format!(
                        "whether it derives `{trait_name}` hangs on `cfg({condition})`, and with which \
                         features it was built is not known"
                    ));
                }
            }
        }
        let definition = self.flows.code.graph().get(id).definition();
        let path: Vec<&str> = definition.split("::").skip(1).collect();
        let Some(block) = krate.implementation(trait_name, &path)? else { return Ok(Has::No) };
        let owner = (names::crate_of(definition), id);
        match Func::method(&block.item, function, &block.source, krate, owner) {
            Some(func) => Ok(Has::Written(Box::new(func))),
            None => Err(format!("a macro makes the `{function}` of its `{trait_name}`")),
        }
    }

    /// What the attributes say, for a type whose code both macros make.
    fn derived(
        &self,
        id: TypeId,
        found: &Found<Definition>,
        (saves, restores): (bool, bool),
    ) -> Result<BTreeMap<FieldKey, Statement>, String> {
        let mut lines = (self.lines)(id);
        let whole = self.flows.code.active(id, &found.item.attributes, self.family.attribute)?;
        let mut statements = BTreeMap::new();
        for field in fields::of(self.flows.code.graph(), id) {
            let own = found.item.field_attributes.get(&field.key);
            let own = match own {
                Some(own) => self.flows.code.active(id, own, self.family.attribute)?,
                None => Attributes::default(),
            };
            let rule = (self.family.read)(&whole, &own);
            let (save, restore) =
                (saves && rule.unsaved.is_none(), restores && rule.unrestored.is_none());
            let functions = (self.family.functions)(&own);
            let place = lines.remove(&field.key);
            if save && restore && functions != Functions::default() {
                let (said, why) = self.by_functions(id, &field, &functions);
                statements.insert(field.key, Statement { said, place, why });
                continue;
            }
            let said = match (save, restore) {
                (true, true) => Said::Saved,
                (true, false) => Said::SavedOnly,
                (false, true) if rule.unsaved.is_none() => Said::RestoredOnly,
                // What is left out is read as a default value: nothing comes from the image.
                (false, _) => Said::Nothing,
            };
            let attribute = rule.unsaved.or(rule.unrestored);
            let why = attribute.map(|attribute| {
                format!("`{attribute}` leaves it out: a restored one has its default value")
            });
            statements.insert(field.key, Statement { said, place, why });
        }
        Ok(statements)
    }

    /// All of it is saved: what is not is said where that was seen.
    fn whole(&self, id: TypeId, evidence: Vec<Evidence>) -> Testimony {
        let saved = Statement { said: Said::Saved, place: None, why: None };
        let fields = fields::of(self.flows.code.graph(), id);
        Testimony {
            grade: Grade::Read,
            evidence,
            fields: fields.into_iter().map(|field| (field.key, saved.clone())).collect(),
            version: None,
        }
    }

    fn evidence(&self, id: TypeId, found: &Option<Found<Definition>>) -> Vec<Evidence> {
        let place = found.as_ref().map(|found| {
            let (line, column) = found.item.start;
            Place {
                file: self.flows.code.sources.shown(&found.source.path),
                line,
                column,
                text: found.source.line(line).map(str::to_owned),
            }
        });
        let name = names::last_segment(self.flows.code.graph().get(id).definition()).to_owned();
        let says = format!("`{name}` derives `{}`", self.family.save.0);
        vec![Evidence { source: self.family.name.to_owned(), says, place }]
    }

    /// What two functions do with a value of the type.
    fn written(&self, id: TypeId, save: &Func, restore: Restore<'_>) -> Answer {
        let mut marks = Marks::default();
        marks.add(&self.flows.entry(save, &[(0, id)]), 0);
        let mut restored = Restored::default();
        let mut evidence = vec![self.told(save)];
        match restore {
            Restore::By(func) => {
                source::restored(self.flows.code, func, &[], &mut restored);
                // A visitor of its own makes the value.
                let name = names::last_segment(self.flows.code.graph().get(id).definition());
                let mut is_visited = false;
                for visitor in func.file.visitors(name) {
                    for name in ["visit_seq", "visit_map", "visit_newtype_struct"] {
                        let owner = (&*func.crate_name, id);
                        let visit = Func::method(visitor, name, &func.file, &func.krate, owner);
                        if let Some(visit) = visit {
                            // It makes the value, not what hands the visitor on.
                            if !std::mem::replace(&mut is_visited, true) {
                                restored.is_given = false;
                            }
                            source::restored(self.flows.code, &visit, &[], &mut restored);
                        }
                    }
                }
                evidence.push(self.told(func));
            }
            Restore::Derived => {
                restored.seen.insert(id);
                for field in fields::of(self.flows.code.graph(), id) {
                    restored.fields.insert((id, field.key), std::collections::BTreeSet::new());
                }
            }
        }
        told::answer(self.flows.code, id, (&marks, &restored), (self.lines)(id), evidence)
    }

    fn told(&self, func: &Func) -> Evidence {
        Evidence {
            source: self.family.name.to_owned(),
            says: format!("`{}` is written by hand", func.signature().ident),
            place: Some(place_of(self.flows.code.sources, func)),
        }
    }

    /// The conversions to and from the type that stands in for this one.
    fn converted(&self, id: TypeId, stand_in: &StandIn, krate: &Rc<Crate>) -> Answer {
        let definition = self.flows.code.graph().get(id).definition();
        let ident = names::last_segment(definition);
        let crate_name = names::crate_of(definition);
        let no = |what: &str| {
            Answer::CannotSee(format!("it is saved as another type, and {what} was not found"))
        };
        let (Some(into), Some(from)) = (&stand_in.into, &stand_in.from) else {
            return no("one of the two directions");
        };
        let owner = (crate_name, id);
        let to = krate.conversion(ident, into).and_then(|(file, block, name)| {
            Some((Func::method(block, name, file, krate, owner)?, name))
        });
        let Some((to, _)) = to else { return no("the conversion to it") };
        let back = krate
            .conversion(from, ident)
            .and_then(|(file, block, name)| Func::method(block, name, file, krate, owner));
        let Some(back) = back else { return no("the conversion from it") };
        // What stands in must itself be saved whole.
        for name in [into, from] {
            for ty in self.flows.code.types_named(crate_name, name) {
                let is_whole = match self.about(ty) {
                    Answer::Says(said) => {
                        said.fields.values().all(|statement| statement.said == Said::Saved)
                    }
                    Answer::Silent | Answer::CannotSee(_) => false,
                };
                if ty != id && !is_whole {
                    return Answer::CannotSee(format!(
                        "it is saved as `{name}`, which is not saved whole"
                    ));
                }
            }
        }
        self.written(id, &to, Restore::By(&back))
    }

    fn answer(&self, id: TypeId) -> Result<Answer, String> {
        let definition = self.flows.code.graph().get(id).definition();
        if !self.is_there || !definition.contains("::") || definition.contains('{') {
            return Ok(Answer::Silent);
        }
        if names::last_segment(definition) == FLAGS {
            return Ok(Answer::Says(self.whole(id, Vec::new())));
        }
        let krate = self.flows.code.sources.krate(names::crate_of(definition));
        let path: Vec<&str> = definition.split("::").skip(1).collect();
        let mut found = krate.definition(&path);
        let mut save = self.has(id, &krate, &found, self.family.save)?;
        let mut restore = self.has(id, &krate, &found, self.family.restore)?;
        if matches!((&save, &restore), (Has::No, Has::No))
            && let Some(remote) = self.remote(definition)
        {
            (save, restore) = (Has::Derived, Has::Derived);
            found = Some(remote);
        }
        if matches!((&save, &restore), (Has::No, Has::No)) {
            let apart = self.apart.borrow();
            let by = apart.get(&id).map(|by| Answer::Says(self.whole(id, by.clone())));
            return Ok(by.unwrap_or(Answer::Silent));
        }
        if let (Some(found), Has::Derived, Has::Derived) = (&found, &save, &restore) {
            let whole =
                self.flows.code.active(id, &found.item.attributes, self.family.attribute)?;
            let stand_in = (self.family.stand_in)(&whole);
            if stand_in != StandIn::default() {
                return Ok(self.converted(id, &stand_in, &krate));
            }
        }
        Ok(match (&found, save, restore) {
            (Some(found), save @ (Has::Derived | Has::No), restore @ (Has::Derived | Has::No)) => {
                let both = (matches!(save, Has::Derived), matches!(restore, Has::Derived));
                let fields = self.derived(id, found, both)?;
                let evidence = self.evidence(id, &Some(found.clone()));
                Answer::Says(Testimony { grade: Grade::Read, evidence, fields, version: None })
            }
            (_, Has::Written(save), Has::Written(restore)) => {
                self.written(id, &save, Restore::By(&restore))
            }
            (_, Has::Written(save), Has::Derived) => self.written(id, &save, Restore::Derived),
            (_, Has::Written(_), Has::No) => Answer::CannotSee(format!(
                "its `{}` is written by hand, and no `{}` was found",
                self.family.save.0, self.family.restore.0
            )),
            _ => Answer::CannotSee(format!(
                "one of its `{}` and `{}` is written by hand, the other is not",
                self.family.save.0, self.family.restore.0
            )),
        })
    }

    /// The definition in one of the program's crates that speaks for a type of another crate.
    fn remote(&self, definition: &str) -> Option<Found<Definition>> {
        let ident = names::last_segment(definition);
        let crates = &self.flows.code.contents.crates;
        let own =
            crates.iter().filter(|(_, roots)| roots.iter().any(|root| root.file.is_relative()));
        own.map(|(name, _)| self.flows.code.sources.krate(name)).find_map(|krate| {
            krate.definitions_by(self.family.speaks_for_name).find(|found| {
                let named = (self.family.speaks_for)(&found.item.attributes);
                named.is_some_and(|name| names::last_segment(&name) == ident)
            })
        })
    }
}

enum Restore<'f> {
    By(&'f Func),
    Derived,
}

impl Source for Derives<'_> {
    fn about(&self, id: TypeId) -> Answer {
        self.answer(id).unwrap_or_else(Answer::CannotSee)
    }
}
