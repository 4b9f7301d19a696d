//! What became of the fields that restoring functions fill.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::places::{At, Places};
use super::resets::Known;
use super::{Place, conditions};
use crate::evidence::FieldKey;
use crate::graph::TypeId;
use crate::source::codebase::FuncId;
use crate::source::flow::Key;

/// What a `restore` restores.
#[derive(Clone, Debug, Default)]
pub(crate) struct Restored {
    /// The fields that get a value from the image, with the names that the value is made of;
    /// empty if it comes from the restorer directly.
    pub(crate) fields: BTreeMap<Key, BTreeSet<String>>,
    /// The fields that get one only under conditions of which nothing is known.
    pub(super) conditional: BTreeMap<Key, BTreeSet<String>>,
    /// Where in the state they get one.
    pub(super) places: Places,
    /// The fields of values that are made anew, or of which it is not known where they go.
    pub(super) fresh: BTreeSet<Key>,
    /// The types of which a place was found where a value is made or filled.
    pub(crate) seen: BTreeSet<TypeId>,
    /// Set if the value is made where it cannot be seen: by what.
    pub(crate) hidden: Option<String>,
    /// Whether a function gave back something that is made of the image.
    pub(crate) is_given: bool,
    /// The conditions, of which nothing is known, under which what it gave back is made of that.
    pub(super) given_under: BTreeSet<String>,
    /// The functions that were followed, with what came from the image, and which places of the
    /// state they were given.
    pub(super) followed: HashSet<(FuncId, Vec<usize>, Vec<Place>)>,
    /// How many were followed.
    pub(super) follows: usize,
    /// What the branches filled that are being read.
    pub(super) in_branches: Vec<Place>,
    /// What was in `fields` until it was overwritten.
    pub(super) emptied: BTreeMap<Key, BTreeSet<String>>,
    /// What functions set back that get nothing from the image.
    pub(super) resets: Known,
}

impl Restored {
    /// A field of a type that may be restored or not, and the condition that it hangs on.
    pub(crate) fn doubtful(&self, ty: TypeId) -> Option<(&FieldKey, &String)> {
        self.conditional
            .iter()
            .find(|((owner, field), conditions)| {
                *owner == ty
                    && !self.fields.contains_key(&(*owner, field.clone()))
                    && !conditions::are_exhaustive(conditions.iter())
            })
            .and_then(|((_, field), conditions)| Some((field, conditions.first()?)))
    }

    /// The condition on which it hangs whether what is given back is made of the image.
    pub(crate) fn given_doubt(&self) -> Option<&String> {
        let is_sure = conditions::are_exhaustive(self.given_under.iter());
        self.given_under.first().filter(|_| !is_sure)
    }

    /// What is known of one type, with its fields judged at these places: the types that the ways
    /// start at, and the ways. And at which place a field is missed.
    pub(crate) fn at(
        &self,
        id: TypeId,
        fields: &[FieldKey],
        places: &[(TypeId, Vec<Key>)],
    ) -> (Self, BTreeMap<FieldKey, (TypeId, Vec<Key>)>) {
        let mut missed = BTreeMap::new();
        let mut own = Self::default();
        own.seen.extend(self.seen.get(&id));
        let of_type = |key: &Key| key.0 == id;
        own.fields.extend(
            self.fields.iter().filter(|(key, _)| of_type(key)).map(|(k, v)| (k.clone(), v.clone())),
        );
        let conditional = self.conditional.iter().filter(|(key, _)| of_type(key));
        own.conditional.extend(conditional.map(|(k, v)| (k.clone(), v.clone())));
        for field in fields {
            let key = (id, field.clone());
            let found: Vec<At> =
                places.iter().map(|(root, way)| self.places.at(*root, way, &key)).collect();
            if found.contains(&At::Filled) {
                own.fields.entry(key.clone()).or_default();
            }
            for ((root, way), at) in places.iter().zip(found) {
                match at {
                    At::AsType | At::Filled => {}
                    At::Missed if way.is_empty() && self.fresh.contains(&key) => {}
                    At::Missed if own.fields.contains_key(&key) => {
                        missed.insert(field.clone(), (*root, way.clone()));
                    }
                    // Nothing restores it anywhere.
                    At::Missed => {}
                    At::Doubtful(condition) => {
                        own.fields.remove(&key);
                        own.conditional.entry(key.clone()).or_default().insert(condition);
                    }
                }
            }
        }
        for field in missed.keys() {
            own.fields.remove(&(id, field.clone()));
        }
        (own, missed)
    }

    /// Counts what is restored whatever the conditions are.
    pub(super) fn settle(&mut self) {
        for (key, conditions) in &self.conditional {
            if conditions::are_exhaustive(conditions.iter()) {
                self.fields.entry(key.clone()).or_default();
            }
        }
    }
}
