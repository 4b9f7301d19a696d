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
    /// Whatever the conditions are.
    is_sure: bool,
    /// Under these conditions, of which nothing is known.
    conditions: BTreeSet<String>,
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
        let fill = of_root.entry(way.to_vec()).or_default();
        fill.is_constant = false;
        fill.is_whole |= is_whole;
        match under {
            Some(condition) => {
                fill.conditions.insert(condition.clone());
            }
            None => fill.is_sure = true,
        }
        self.count += of_root.len() - before;
    }

    /// Something that is not from the image was put there.
    pub(super) fn overwrite(&mut self, root: TypeId, way: &[Key]) {
        if self.count >= MAX_PLACES {
            return;
        }
        let of_root = self.by_root.entry(root).or_default();
        let before = of_root.len();
        of_root.retain(|other, _| !other.starts_with(way));
        of_root.insert(way.to_vec(), Fill { is_constant: true, ..Fill::default() });
        self.count = (self.count + of_root.len()).saturating_sub(before);
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
        if of_root.get(&target).is_some_and(|fill| fill.is_constant) {
            return At::Missed;
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
