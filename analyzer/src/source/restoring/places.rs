//! At which places of the state something from the image was put.
//!
//! A type may stand at several places. What fills `self.a.x` says nothing of `self.b.x`: where code
//! takes the value at a place apart, each of its fields must be filled there.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::conditions;
use crate::graph::TypeId;
use crate::source::flow::Key;

/// How many places are told apart before all values of a type count as one.
const MAX_PLACES: usize = 100_000;

/// What was put at the places of values of each type, by the way from there.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    by_root: HashMap<TypeId, BTreeMap<Vec<Key>, Fill>>,
    count: usize,
}

/// What was put at one place.
#[derive(Clone, Debug, Default)]
struct Fill {
    /// The value was put there as a whole; otherwise code that was read was given the place.
    is_whole: bool,
    /// It is not from the image.
    is_constant: bool,
    /// Something from the image was there before.
    was_filled: bool,
    /// Whatever the conditions are.
    is_sure: bool,
    /// Under these conditions, of which nothing is known.
    conditions: BTreeSet<String>,
}

/// Whether a way leads on from another one.
fn is_below(way: &[Key], from: &[Key]) -> bool {
    way.len() > from.len() && way.starts_with(from)
}

/// Whether a field is restored at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// Something is put there.
    Filled,
    /// It is, if this condition holds.
    Doubtful(String),
    /// Others beside it are filled there one by one, and it is not.
    Missed,
    /// It comes with what holds it, or nothing shows what happens at this place.
    AsType,
}

impl Places {
    /// Something was put there.
    pub(super) fn fill(
        &mut self,
        root: TypeId,
        way: &[Key],
        is_whole: bool,
        under: Option<&String>,
    ) {
        if self.count >= MAX_PLACES {
            return;
        }
        let of_root = self.by_root.entry(root).or_default();
        let before = of_root.len();
        if is_whole && under.is_none() {
            of_root.retain(|other, fill| !fill.is_constant || !is_below(other, way));
        }
        let fill = of_root.entry(way.to_vec()).or_default();
        fill.is_constant = false;
        fill.is_whole |= is_whole;
        match under {
            Some(condition) => {
                fill.conditions.insert(condition.clone());
            }
            None => fill.is_sure = true,
        }
        self.count = (self.count + of_root.len()).saturating_sub(before);
    }

    /// Something that is not from the image was put there.
    pub(super) fn overwrite(&mut self, root: TypeId, way: &[Key]) {
        if self.count >= MAX_PLACES {
            return;
        }
        let of_root = self.by_root.entry(root).or_default();
        let before = of_root.len();
        let mut was_filled = false;
        for (other, fill) in of_root.iter() {
            let is_part = other.starts_with(way) || fill.is_whole && way.starts_with(other);
            was_filled |= is_part && (!fill.is_constant || fill.was_filled);
        }
        of_root.retain(|other, _| !other.starts_with(way));
        of_root.insert(way.to_vec(), Fill { is_constant: true, was_filled, ..Fill::default() });
        self.count = (self.count + of_root.len()).saturating_sub(before);
    }

    /// Something computed from the state was put there. If it stands for what was overwritten
    /// there, that is as good as it was before. Whether it does; `is_apart` if it does not matter
    /// what was there.
    pub(super) fn carry(&mut self, root: TypeId, way: &[Key], is_apart: bool) -> bool {
        let Some(of_root) = self.by_root.get_mut(&root) else {
            if is_apart {
                self.fill(root, way, true, None);
            }
            return false;
        };
        let emptied = of_root.iter().filter(|(_, fill)| fill.is_constant && fill.was_filled);
        let emptied: Vec<Vec<Key>> = emptied
            .map(|(other, _)| other.clone())
            .filter(|other| way.starts_with(other) || other.starts_with(way))
            .collect();
        if !is_apart && emptied.is_empty() {
            return false;
        }
        emptied.iter().for_each(|other| drop(of_root.remove(other)));
        self.fill(root, way, true, None);
        true
    }

    /// The ways below values of this type that were overwritten in the end, and the others at
    /// which something was put.
    pub(super) fn below(&self, root: TypeId) -> (Vec<Vec<Key>>, Vec<Vec<Key>>) {
        let all = self.by_root.get(&root).into_iter().flatten();
        let (constants, filled): (Vec<_>, Vec<_>) = all.partition(|(_, fill)| fill.is_constant);
        let ways = |found: Vec<(&Vec<Key>, &Fill)>| {
            found.into_iter().map(|(way, _)| way.clone()).collect()
        };
        (ways(constants), ways(filled))
    }

    /// Whether a field of the value at the end of this way is restored there.
    pub(super) fn at(&self, root: TypeId, way: &[Key], field: &Key) -> At {
        let Some(of_root) = self.by_root.get(&root) else { return At::AsType };
        if self.count >= MAX_PLACES {
            return At::AsType;
        }
        // Elements and entries are restored alike.
        let way: Vec<Key> =
            way.iter().filter(|(_, key)| !key.name.starts_with('[')).cloned().collect();
        let mut target = way.clone();
        target.push(field.clone());
        let mut conditions = BTreeSet::new();
        let (mut is_apart, mut is_hit) = (false, false);
        let emptied =
            of_root.iter().filter(|(at, fill)| fill.is_constant && target.starts_with(at));
        if let Some(emptied) = emptied.map(|(at, _)| at).max_by_key(|at| at.len()) {
            // Unless something was put there since.
            let is_again = of_root.iter().any(|(other, fill)| {
                !fill.is_constant
                    && is_below(other, emptied)
                    && (other.starts_with(&target) || target.starts_with(other))
            });
            // Where the whole is missed, its parts need not be told one by one.
            let is_whole = emptied.len() <= way.len()
                && !of_root
                    .iter()
                    .any(|(other, fill)| !fill.is_constant && other.starts_with(&way));
            if !is_again {
                return if is_whole { At::AsType } else { At::Missed };
            }
        }
        for (other, fill) in of_root.iter().filter(|(_, fill)| !fill.is_constant) {
            if fill.is_whole && way.starts_with(other) {
                return At::AsType;
            }
            is_apart |= other.starts_with(&way);
            if other.starts_with(&target) {
                is_hit |= fill.is_sure;
                conditions.extend(fill.conditions.iter());
            }
        }
        let is_sure = is_hit || conditions::are_exhaustive(conditions.iter().copied());
        match conditions.first() {
            _ if is_sure => At::Filled,
            Some(condition) => At::Doubtful((*condition).clone()),
            None if is_apart => At::Missed,
            None => At::AsType,
        }
    }
}
