//! How much of a field a saving function writes.

use std::collections::{BTreeMap, BTreeSet};

use crate::evidence::FieldKey;
use crate::fields;
use crate::graph::{Kind, TypeId};
use crate::source::{Codebase, Key, Mark, Summary};
use crate::view;

/// How much of something goes into the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cover {
    /// All of it, as far as this function has to see to it.
    All,
    /// Not these parts.
    Part(Vec<String>),
    /// It hangs on this condition.
    Doubtful(String),
    /// It is only logged or tested.
    Mentioned,
    /// Nothing.
    Nothing,
}

/// What becomes of the places in a value of one type.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks {
    by_way: BTreeMap<Vec<Key>, Mark>,
}

impl Marks {
    /// Adds what a function does with its parameter.
    pub(crate) fn add(&mut self, summary: &Summary, param: usize) {
        for ((at, way), mark) in &summary.marks {
            if *at == param {
                self.by_way.entry(way.clone()).or_default().merge(mark);
            }
        }
        for (way, under, is_whole) in summary.given_back(param) {
            let mark = self.by_way.entry(way.to_vec()).or_default();
            match under {
                Some(condition) => mark.doubt(condition),
                None => {
                    mark.is_saved = true;
                    mark.is_whole |= is_whole;
                }
            }
        }
    }

    /// Where the whole value goes, if it leaves as a whole.
    pub(crate) fn escape(&self) -> Option<&str> {
        let mark = self.by_way.get(&Vec::new())?;
        let is_saved = mark.is_saved || !mark.conditions.is_empty();
        is_saved.then(|| mark.to.as_deref().unwrap_or("its caller"))
    }

    /// Whether a number or the like was saved that the whole value was converted into.
    pub(crate) fn is_converted(&self) -> bool {
        self.by_way.get(&Vec::new()).is_some_and(|mark| mark.is_saved && mark.is_whole)
    }

    /// The places at which values of types with fields of their own are taken apart, with those
    /// types: not those that are saved whole.
    pub(crate) fn places(&self, code: &Codebase<'_>, root: TypeId) -> Vec<(Vec<Key>, TypeId)> {
        let mut found: Vec<(Vec<Key>, TypeId)> = Vec::new();
        let mut add = |way: &[Key], ty: TypeId| {
            if !found.iter().any(|(known, at)| known == way && *at == ty) {
                found.push((way.to_vec(), ty));
            }
        };
        for (way, mark) in &self.by_way {
            if !mark.is_saved && mark.conditions.is_empty() && !mark.is_entered {
                continue;
            }
            for at in 0..way.len() {
                if self.by_way.get(&way[..at]).is_some_and(|mark| mark.is_saved) {
                    break;
                }
                add(&way[..at], way[at].0);
            }
            if mark.is_entered && !mark.is_saved {
                let ty = match way.last() {
                    None => Some(root),
                    Some((owner, key)) => type_of(code, *owner, key),
                };
                for target in ty.iter().flat_map(|&ty| code.targets(ty)) {
                    if is_definition(code, target) {
                        add(way, target);
                    }
                }
            }
        }
        found
    }

    /// The types of what is saved whole, and of all that lies below it.
    pub(crate) fn whole(&self, code: &Codebase<'_>, root: TypeId) -> BTreeSet<TypeId> {
        let saved = self.by_way.iter().filter(|(_, mark)| mark.is_saved);
        let types = saved.filter_map(|(way, _)| match way.last() {
            None => Some(root),
            Some((owner, key)) => type_of(code, *owner, key),
        });
        code.below(types.collect())
    }

    /// How much of the value itself is saved: what has fields of its own is judged by them.
    pub(crate) fn all(&self, code: &Codebase<'_>, root: TypeId) -> Cover {
        self.place(code, &[], Some(root), 0)
    }

    /// How much of a field of the value at this place is saved.
    pub(crate) fn field(
        &self,
        code: &Codebase<'_>,
        at: &[Key],
        (owner, key): (TypeId, &FieldKey),
        ty: Option<TypeId>,
    ) -> Cover {
        let mut way = at.to_vec();
        way.push((owner, key.clone()));
        self.place(code, &way, ty, 0)
    }

    fn place(&self, code: &Codebase<'_>, way: &[Key], ty: Option<TypeId>, depth: usize) -> Cover {
        let own = self.by_way.get(way);
        if own.is_some_and(|mark| mark.is_saved) {
            return Cover::All;
        }
        if let Some(condition) = own.and_then(|mark| mark.conditions.first()) {
            return Cover::Doubtful(condition.clone());
        }
        let below: Vec<(&Key, &Mark)> = self
            .by_way
            .range(way.to_vec()..)
            .take_while(|(other, _)| other.starts_with(way))
            .filter(|(other, mark)| {
                other.len() > way.len()
                    && (mark.is_saved || mark.is_entered || !mark.conditions.is_empty())
            })
            .map(|(other, mark)| (&other[way.len()], mark))
            .collect();
        let targets = ty.map(|ty| code.targets(ty)).unwrap_or_default();
        if depth < 8 {
            let owners: BTreeSet<TypeId> = below.iter().map(|((owner, _), _)| *owner).collect();
            for target in owners {
                if let Some(cover) = self.parts(code, way, target, depth) {
                    return cover;
                }
            }
        }
        // What has fields of its own is judged by them.
        if own.is_some_and(|mark| mark.is_entered)
            && targets.iter().any(|&id| is_definition(code, id))
            || !below.is_empty()
        {
            return Cover::All;
        }
        if own.is_some_and(|mark| mark.is_mentioned) { Cover::Mentioned } else { Cover::Nothing }
    }

    /// The parts of what is no definition: a tuple, an array, the entries of a map.
    fn parts(
        &self,
        code: &Codebase<'_>,
        way: &[Key],
        target: TypeId,
        depth: usize,
    ) -> Option<Cover> {
        let graph = code.graph();
        let below = |name: &str, ty: Option<TypeId>| {
            let key = FieldKey { variant: String::new(), name: name.to_owned() };
            let mut way = way.to_vec();
            way.push((target, key));
            self.place(code, &way, ty, depth + 1)
        };
        let ty = graph.get(target);
        let mut missing = Vec::new();
        match &ty.kind {
            Kind::Array { len: Some(len), .. } => {
                let covered = self.elements(way, target);
                let mut next = 0;
                for (from, to) in covered {
                    if from > next {
                        missing.push(format!("[{next}..{from}]"));
                    }
                    next = next.max(to);
                }
                if next < *len {
                    missing.push(format!("[{next}..{len}]"));
                }
            }
            Kind::Struct(_) if ty.name.starts_with('(') => {
                for field in fields::of(graph, target) {
                    if field.ty.is_some_and(|ty| view::is_empty(graph, ty)) {
                        continue;
                    }
                    match below(&field.key.name, field.ty) {
                        Cover::All => {}
                        Cover::Doubtful(condition) => return Some(Cover::Doubtful(condition)),
                        Cover::Part(parts) => missing
                            .extend(parts.iter().map(|part| format!(".{}{part}", field.key.name))),
                        Cover::Mentioned | Cover::Nothing => {
                            missing.push(format!(".{}", field.key.name));
                        }
                    }
                }
            }
            _ => {
                if is_definition(code, target) {
                    return None;
                }
                // Only the entries of maps are told apart.
                for name in ["[key]", "[value]"] {
                    if matches!(below(name, None), Cover::Mentioned | Cover::Nothing) {
                        missing.push(name.to_owned());
                    }
                }
            }
        }
        Some(if missing.is_empty() { Cover::All } else { Cover::Part(missing) })
    }

    /// The ranges of an array's elements that are saved, in order.
    fn elements(&self, way: &[Key], array: TypeId) -> Vec<(u64, u64)> {
        let parse = |name: &str| -> Option<(u64, u64)> {
            let inside = name.strip_prefix('[')?.strip_suffix(']')?;
            match inside.split_once("..") {
                Some((from, "")) => Some((from.parse().ok()?, u64::MAX)),
                Some((from, to)) => Some((from.parse().ok()?, to.parse().ok()?)),
                None => {
                    let at: u64 = inside.parse().ok()?;
                    Some((at, at.checked_add(1)?))
                }
            }
        };
        let mut ranges: Vec<(u64, u64)> = self
            .by_way
            .range(way.to_vec()..)
            .take_while(|(other, _)| other.starts_with(way))
            .filter(|(_, mark)| mark.is_saved || mark.is_entered)
            .filter_map(|(other, _)| other.get(way.len()))
            .filter(|(owner, _)| *owner == array)
            .filter_map(|(_, key)| parse(&key.name))
            .collect();
        ranges.sort_unstable();
        ranges
    }
}

/// Whether the type has fields that are judged by themselves.
fn is_definition(code: &Codebase<'_>, id: TypeId) -> bool {
    matches!(view::view(code.graph(), id), view::View::Defined)
}

fn type_of(code: &Codebase<'_>, owner: TypeId, key: &FieldKey) -> Option<TypeId> {
    fields::of(code.graph(), owner).into_iter().find(|field| field.key == *key)?.ty
}
