//! What functions do that save and restore one field in place of its type's own:
//! `#[serde(with = "…")]`.
//!
//! They are looked up as the compiler does, and read as impls that are written by hand are. Where
//! they take the value apart, each part of it must be saved and restored.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use samestate_report::Evidence;

use super::cover::{Cover, Marks};
use super::derives::{Derives, Functions};
use super::handwritten::place_of;
use super::{FieldKey, Said, told};
use crate::fields::{self, Field};
use crate::graph::TypeId;
use crate::names;
use crate::source::{self, Crate, Func, Key, Restored};
use crate::view;

/// A function that was found, and what is around it in its file.
struct Located {
    func: Func,
    scope: Vec<String>,
    /// Whether it is of another crate than the type whose field it is for.
    is_foreign: bool,
}

/// What became of the path of a function.
enum Lookup {
    Found(Located),
    /// It saves and restores the whole of a value.
    Whole,
    No,
}

/// What is said of a field, and why.
type Told = (Said, Option<String>);

impl Derives<'_> {
    /// What these functions do with a field of the type.
    pub(super) fn by_functions(&self, id: TypeId, field: &Field, by: &Functions) -> Told {
        self.followed(id, field, by).unwrap_or_else(|why| (Said::Unseen, Some(why)))
    }

    fn followed(&self, id: TypeId, field: &Field, by: &Functions) -> Result<Told, String> {
        let Some(ty) = field.ty else { return Ok((Said::Saved, None)) };
        let find = |path: &Option<String>| match path {
            None => Ok(None),
            Some(path) => match self.lookup(id, path) {
                Lookup::Found(located) => Ok(Some(located)),
                Lookup::Whole => Ok(None),
                Lookup::No => Err(format!(
                    "`{path}` saves or restores it, and that function was not found in the sources"
                )),
            },
        };
        let (save, restore) = (find(&by.save)?, find(&by.restore)?);
        let mut marks = Marks::default();
        if let Some(save) = &save {
            let param = self.param(id, field, &save.func);
            marks.add(&self.flows.entry(&save.func, &[(param, ty)]), param);
        }
        let restored = match &restore {
            Some(restore) => Some(self.restored_by(restore, ty)?),
            None => None,
        };
        let is_foreign = save.iter().chain(&restore).any(|located| located.is_foreign);
        let is_whole = save.is_none() || marks.escape().is_some();
        let told = if is_whole {
            if let Cover::Doubtful(condition) = marks.all(self.flows.code, ty) {
                return Err(doubt(by, &condition));
            }
            self.whole_by(ty, by, restored.as_ref())?
        } else {
            self.apart_by(ty, by, &marks, restored.as_ref(), save.as_ref())?
        };
        match told {
            // Code of other crates is written for more than this use.
            (said, _) if is_foreign && said != Said::Saved => Err(format!(
                "what {} of another crate does with it could not be followed",
                named(by)
            )),
            told => Ok(told),
        }
    }

    /// The function that a path in an attribute of the type names.
    fn lookup(&self, id: TypeId, path: &str) -> Lookup {
        let code = self.flows.code;
        let definition = code.graph().get(id).definition();
        let own = names::crate_of(definition);
        let krate = code.sources.krate(own);
        let mut from: Vec<&str> = definition.split("::").skip(1).collect();
        from.pop();
        let path = path.trim_start_matches("::");
        let parts: Vec<&str> = path.split("::").collect();
        let mut found = self.lookup_at(id, &krate, &from, &parts);
        // Imports may give it another name.
        let mut at: (Vec<String>, Vec<String>) = Default::default();
        for turn in 0..source::MAX_NAMES {
            if !matches!(found, Lookup::No) {
                break;
            }
            let seen = match turn {
                0 => krate.renamed(&from, &parts),
                _ => krate.renamed(&names::borrowed(&at.0), &names::borrowed(&at.1)),
            };
            let Some(next) = seen else { break };
            at = next;
            found = self.lookup_at(id, &krate, &names::borrowed(&at.0), &names::borrowed(&at.1));
        }
        found
    }

    fn lookup_at(&self, id: TypeId, krate: &Rc<Crate>, from: &[&str], parts: &[&str]) -> Lookup {
        let code = self.flows.code;
        let own = names::crate_of(code.graph().get(id).definition());
        let path = parts.join("::");
        let Some((function, before)) = parts.split_last() else { return Lookup::No };
        if let Some((file, free)) = krate.function_at(from, parts) {
            let func = Func::free(Rc::clone(&free.item), &file, krate, own);
            return Lookup::Found(Located { func, scope: free.scope, is_foreign: false });
        }
        let module = before.join("::");
        if self.family.known_functions.iter().any(|known| *known == path || *known == module) {
            return Lookup::Whole;
        }
        // A type in the place of a module: one that speaks for another, or one with functions.
        if let Some(owner) = before.last().filter(|name| name.starts_with(char::is_uppercase)) {
            let definition = krate.definition(&[owner]);
            let speaks = definition
                .is_some_and(|found| (self.family.speaks_for)(&found.item.attributes).is_some());
            if speaks {
                return Lookup::Whole;
            }
            let mut blocks = krate.located_impls(owner).filter(|(_, _, block)| {
                block.trait_ident.is_none() && block.has_function(function)
            });
            if let (Some((_, file, block)), None) = (blocks.next(), blocks.next())
                && let Some(func) = Func::method(block, function, file, krate, (own, id))
            {
                let scope = block.scope.clone();
                return Lookup::Found(Located { func, scope, is_foreign: false });
            }
            return Lookup::No;
        }
        if let Some((name, rest)) = parts.split_first()
            && code.contents.crates.contains_key(*name)
        {
            let krate = code.sources.krate(name);
            if let Some((file, free)) = krate.function_at(&[], rest) {
                let func = Func::free(Rc::clone(&free.item), &file, &krate, name);
                return Lookup::Found(Located { func, scope: free.scope, is_foreign: true });
            }
        }
        Lookup::No
    }

    /// Which parameter the field is: the functions of a variant get all of its fields.
    fn param(&self, id: TypeId, field: &Field, func: &Func) -> usize {
        let all = fields::of(self.flows.code.graph(), id).into_iter();
        let beside: Vec<FieldKey> = all
            .map(|field| field.key)
            .filter(|key| !key.variant.is_empty() && key.variant == field.key.variant)
            .collect();
        let are_all_given = beside.len() > 1 && func.signature().inputs.len() == beside.len() + 1;
        let at = beside.iter().position(|key| *key == field.key);
        at.filter(|_| are_all_given).unwrap_or(0)
    }

    /// What a function gives back from the image.
    fn restored_by(&self, located: &Located, ty: TypeId) -> Result<Restored, String> {
        let Located { func, scope, .. } = located;
        let mut restored = Restored::default();
        source::restored(self.flows.code, func, &[], &mut restored);
        let visitors = func.file.visitors_of(scope, func);
        for visitor in &visitors {
            for item in &visitor.item.items {
                let syn::ImplItem::Fn(visit) = item else { continue };
                let name = visit.sig.ident.to_string();
                let owner = (&*func.crate_name, ty);
                if name.starts_with("visit_")
                    && let Some(visit) =
                        Func::method(visitor, &name, &func.file, &func.krate, owner)
                {
                    source::restored(self.flows.code, &visit, &[], &mut restored);
                }
            }
        }
        if let Some(condition) = restored.given_doubt() {
            return Err(format!(
                "what `{}` gives back hangs on `cfg({condition})`, and with which features it was \
                 built is not known",
                func.signature().ident
            ));
        }
        let is_made = |&target: &TypeId| restored.seen.contains(&target);
        let targets = self.flows.code.targets(ty);
        if restored.is_given || targets.iter().any(is_made) || !visitors.is_empty() {
            return Ok(restored);
        }
        match source::visitor_call(func.block()) {
            Some(call) => Err(format!(
                "`{}` restores it by a visitor that was not found, which `{call}` gets",
                func.signature().ident
            )),
            None => Ok(restored),
        }
    }

    /// A value that is saved as a whole.
    fn whole_by(
        &self,
        ty: TypeId,
        by: &Functions,
        restored: Option<&Restored>,
    ) -> Result<Told, String> {
        let Some(restored) = restored else { return Ok((Said::Saved, None)) };
        let code = self.flows.code;
        let mut missing = Vec::new();
        let mut is_made = false;
        for target in code.targets(ty) {
            if !restored.seen.contains(&target) {
                continue;
            }
            if let Some((_, condition)) = restored.doubtful(target) {
                return Err(doubt(by, condition));
            }
            is_made = true;
            let all = fields::of(code.graph(), target).into_iter();
            let lost = all
                .filter(|field| !field.ty.is_some_and(|ty| view::is_empty(code.graph(), ty)))
                .filter(|field| !restored.fields.contains_key(&(target, field.key.clone())));
            missing.extend(lost.map(|field| shown(&[(target, field.key)])));
        }
        if !is_made && !restored.is_given {
            let why = by.restore.as_ref().map(|path| {
                format!("`{path}` gives back something that is not made of what it reads")
            });
            return Ok((Said::SavedOnly, why));
        }
        Ok(partly(by, missing))
    }

    /// A value of which the saving function takes parts.
    fn apart_by(
        &self,
        ty: TypeId,
        by: &Functions,
        marks: &Marks,
        restored: Option<&Restored>,
        save: Option<&Located>,
    ) -> Result<Told, String> {
        let code = self.flows.code;
        let mut missing = match marks.all(code, ty) {
            Cover::All => Vec::new(),
            Cover::Part(parts) => parts,
            Cover::Doubtful(condition) => return Err(doubt(by, &condition)),
            Cover::Mentioned | Cover::Nothing => return Ok(nothing(by, restored)),
        };
        let mut seen: BTreeSet<(Vec<Key>, TypeId)> = BTreeSet::new();
        for (way, target) in marks.places(code, ty) {
            let is_definition = matches!(view::view(code.graph(), target), view::View::Defined);
            if !is_definition || !seen.insert((way.clone(), target)) {
                continue;
            }
            let mut all = fields::of(code.graph(), target);
            all.retain(|field| !field.ty.is_some_and(|ty| view::is_empty(code.graph(), ty)));
            let covers: BTreeMap<FieldKey, Cover> = all
                .iter()
                .map(|field| {
                    let cover = marks.field(code, &way, (target, &field.key), field.ty);
                    (field.key.clone(), cover)
                })
                .collect();
            let mut given = restored.cloned().unwrap_or_default();
            let is_given = restored.is_none_or(|restored| restored.is_given);
            if !given.seen.contains(&target) && is_given {
                for field in &all {
                    given.fields.entry((target, field.key.clone())).or_default();
                }
            }
            let said = told::statements(&all, target, &covers, &given, &mut BTreeMap::new())?;
            for (key, statement) in said {
                let mut way = way.clone();
                way.push((target, key));
                match statement.said {
                    Said::Saved | Said::Volatile | Said::Handed(_) | Said::Left(_) => {}
                    Said::Partly(parts) => {
                        missing.extend(parts.iter().map(|part| format!("{}{part}", shown(&way))));
                    }
                    Said::SavedOnly | Said::RestoredOnly | Said::Nothing | Said::Unseen => {
                        missing.push(shown(&way));
                    }
                }
            }
            if let Some(Located { func, .. }) = save {
                let evidence = Evidence {
                    source: self.family.name.to_owned(),
                    says: format!("{} takes it apart", named(by)),
                    place: Some(place_of(code.sources, func)),
                };
                let mut apart = self.apart.borrow_mut();
                let known = apart.entry(target).or_default();
                if !known.contains(&evidence) {
                    known.push(evidence);
                }
            }
        }
        if missing.is_empty() && restored.is_some_and(|restored| !restored.is_given) {
            let is_made = |restored: &Restored| {
                code.targets(ty).iter().any(|target| restored.seen.contains(target))
            };
            if !restored.is_some_and(is_made) {
                return self.whole_by(ty, by, restored);
            }
        }
        Ok(partly(by, missing))
    }
}

/// The saving function writes none of it.
fn nothing(by: &Functions, restored: Option<&Restored>) -> Told {
    let why = by.save.as_ref().map(|path| format!("`{path}` writes nothing of it"));
    let is_given = restored.is_none_or(|restored| restored.is_given);
    (if is_given { Said::RestoredOnly } else { Said::Nothing }, why)
}

fn partly(by: &Functions, mut missing: Vec<String>) -> Told {
    if missing.is_empty() {
        return (Said::Saved, None);
    }
    missing.dedup();
    let why = format!("{} saves and restores the rest of it", named(by));
    (Said::Partly(missing), Some(why))
}

fn doubt(by: &Functions, condition: &str) -> String {
    format!(
        "what {} saves hangs on `cfg({condition})`, and with which features it was built is not known",
        named(by)
    )
}

/// The functions for people.
fn named(by: &Functions) -> String {
    let all: Vec<String> =
        [&by.save, &by.restore].into_iter().flatten().map(|path| format!("`{path}`")).collect();
    all.join(" with ")
}

/// A way below the field as text.
fn shown(way: &[Key]) -> String {
    let step = |(_, key): &Key| match (&*key.variant, &*key.name) {
        (_, part) if part.starts_with('[') => part.to_owned(),
        ("", name) => format!(".{name}"),
        (variant, name) => format!("::{variant}.{name}"),
    };
    way.iter().map(step).collect()
}
