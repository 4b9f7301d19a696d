//! Types that have another name in the new version.
//!
//! A type is taken for renamed if a field that stayed leads to it: the old name is gone from the
//! new version, the new name was not in the old one, and nowhere does a field say otherwise.

use std::collections::{BTreeMap, BTreeSet};

use super::{registered, saved};
use crate::model::{Model, TypeEntry};
use crate::names::TypeExpr;

/// The new names of types, by their old ones.
#[derive(Debug, Default)]
pub(super) struct Renames {
    by_old: BTreeMap<String, String>,
}

impl Renames {
    pub(super) fn between(old: &Model, new: &Model) -> Self {
        let mut finder = Finder { old, new, votes: BTreeMap::new(), queue: Vec::new() };
        for root in old.roots.intersection(&new.roots) {
            finder.meet(root, root);
        }
        let gone: Vec<_> = old.roots.difference(&new.roots).collect();
        let come: Vec<_> = new.roots.difference(&old.roots).collect();
        if let ([gone], [come]) = (&gone[..], &come[..]) {
            finder.vote(gone, come);
        }
        for (object, was) in &old.traits {
            let Some(is) = new.traits.get(object) else { continue };
            for ty in was {
                let Some(name) = registered(old, ty, object) else { continue };
                let same = |is: &&String| registered(new, is, object).as_ref() == Some(&name);
                if let Some(now) = is.iter().find(same) {
                    finder.vote(ty, now);
                }
            }
        }
        for (object, was) in &old.traits {
            let Some(is) = new.traits.get(object) else { continue };
            // Those that images know by a registered name were looked at above.
            let is_bare = |model: &Model, ty: &String| registered(model, ty, object).is_none();
            let gone: Vec<_> = was.difference(is).filter(|ty| is_bare(old, ty)).collect();
            let come: Vec<_> = is.difference(was).filter(|ty| is_bare(new, ty)).collect();
            if let ([gone], [come]) = (&gone[..], &come[..]) {
                finder.vote(gone, come);
            }
        }
        for (name, was) in &old.types {
            // Fields that are the same say nothing.
            if new.types.get(name).is_some_and(|is| is != was) {
                finder.meet(name, name);
            }
        }
        finder.run();
        let mut taken = BTreeMap::<&String, usize>::new();
        for names in finder.votes.values() {
            names.iter().for_each(|name| *taken.entry(name).or_default() += 1);
        }
        let clear = finder.votes.iter().filter_map(|(old, names)| {
            let [name] = names.iter().collect::<Vec<_>>()[..] else { return None };
            (taken[name] == 1).then(|| (old.clone(), name.clone()))
        });
        Self { by_old: clear.collect() }
    }

    /// What the type is called in the new version.
    pub(super) fn of<'a>(&'a self, old: &'a str) -> &'a str {
        self.by_old.get(old).map_or(old, String::as_str)
    }

    /// Whether two spelled types are the same but for renamed parts.
    pub(super) fn same(&self, old: &str, new: &str) -> bool {
        old == new || self.equal(&TypeExpr::parse(old), &TypeExpr::parse(new))
    }

    /// Whether images of the derive that hold the one are read as the other, whatever is in them.
    pub(super) fn same_saved(&self, old: &str, new: &str) -> bool {
        let new = saved::form(TypeExpr::parse(new));
        self.equal(&saved::read_as(saved::form(TypeExpr::parse(old)), &new), &new)
    }

    fn equal(&self, old: &TypeExpr, new: &TypeExpr) -> bool {
        use TypeExpr as T;
        if self.of(&old.to_string()) == new.to_string() {
            return true;
        }
        let all =
            |a: &[T], b: &[T]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.equal(a, b));
        match (old, new) {
            (T::Path { name: a, args: x }, T::Path { name: b, args: y }) => a == b && all(x, y),
            (T::Tuple(a), T::Tuple(b)) => all(a, b),
            (T::Array(a, x), T::Array(b, y)) => x == y && self.equal(a, b),
            (T::Slice(a), T::Slice(b)) => self.equal(a, b),
            (T::Pointer(a, x), T::Pointer(b, y)) => a == b && self.equal(x, y),
            _ => old == new,
        }
    }
}

struct Finder<'a> {
    old: &'a Model,
    new: &'a Model,
    /// What each old name may be called now.
    votes: BTreeMap<String, BTreeSet<String>>,
    /// Pairs of types whose fields have yet to be looked at.
    queue: Vec<(String, String)>,
}

impl Finder<'_> {
    fn meet(&mut self, old: &str, new: &str) {
        self.queue.push((old.to_owned(), new.to_owned()));
    }

    fn vote(&mut self, old: &str, new: &str) {
        let is_rename = self.old.types.contains_key(old)
            && self.new.types.contains_key(new)
            && !self.new.types.contains_key(old)
            && !self.old.types.contains_key(new);
        let alike = || match (self.old.types.get(old), self.new.types.get(new)) {
            (Some(old), Some(new)) => are_alike(old, new),
            _ => false,
        };
        if is_rename
            && alike()
            && self.votes.entry(old.to_owned()).or_default().insert(new.to_owned())
        {
            self.meet(old, new);
        }
    }

    fn run(&mut self) {
        while let Some((old, new)) = self.queue.pop() {
            let (Some(was), Some(is)) = (self.old.types.get(&old), self.new.types.get(&new)) else {
                continue;
            };
            for variant in &was.variants {
                let Some(now) = is.variants.iter().find(|now| now.name == variant.name) else {
                    continue;
                };
                for field in &variant.fields {
                    let kept = now.fields.iter().find(|now| now.name == field.name);
                    if let Some(kept) = kept.filter(|kept| kept.ty != field.ty) {
                        self.unify(&TypeExpr::parse(&field.ty), &TypeExpr::parse(&kept.ty));
                    }
                }
            }
        }
    }

    fn unify(&mut self, old: &TypeExpr, new: &TypeExpr) {
        use TypeExpr as T;
        match (old, new) {
            (T::Path { name: a, args: x }, T::Path { name: b, args: y })
                if a == b && x.len() == y.len() =>
            {
                x.iter().zip(y).for_each(|(x, y)| self.unify(x, y));
            }
            (T::Path { .. }, T::Path { .. }) => self.vote(&old.to_string(), &new.to_string()),
            (T::Tuple(a), T::Tuple(b)) if a.len() == b.len() => {
                a.iter().zip(b).for_each(|(a, b)| self.unify(a, b));
            }
            (T::Array(a, _), T::Array(b, _))
            | (T::Slice(a), T::Slice(b))
            | (T::Pointer(_, a), T::Pointer(_, b)) => self.unify(a, b),
            _ => {}
        }
    }
}

/// Whether one may be the other under another name: they have more parts in common than not. A
/// field that got a type of another kind is retyped, not renamed.
fn are_alike(old: &TypeEntry, new: &TypeEntry) -> bool {
    fn names(entry: &TypeEntry) -> BTreeSet<(&str, &str)> {
        let variants = entry.variants.iter();
        let parts = variants.flat_map(|variant| {
            let fields =
                variant.fields.iter().map(|field| (variant.name.as_str(), field.name.as_str()));
            fields.chain((!variant.name.is_empty()).then_some((variant.name.as_str(), "")))
        });
        parts.collect()
    }
    let (was, is) = (names(old), names(new));
    let common = was.intersection(&is).count();
    old.shape == new.shape && common * 2 >= was.len().max(is.len())
}
