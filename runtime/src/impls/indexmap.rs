//! Maps and sets with an order of their own, which is part of the state: saved as sequences.

use std::hash::{BuildHasher, Hash};

use indexmap::{IndexMap, IndexSet};
use samestate_schema::types::TypeRef;

use crate::error::RestoreErrorKind;
use crate::{Checkpoint, RestoreError, Restorer, SaveError, Saver, SchemaBuilder};

impl<K, V, S> Checkpoint for IndexMap<K, V, S>
where
    K: Checkpoint + Eq + Hash,
    V: Checkpoint,
    S: BuildHasher + Default + 'static,
{
    const MIN_LEN: usize = 1;

    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        saver.container::<(K, V)>(self.len(), |saver| {
            self.iter().try_for_each(|(key, value)| {
                key.save(saver)?;
                value.save(saver)
            })
        })
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        let entries: Vec<(K, V)> = Vec::restore(restorer)?;
        let count = entries.len();
        let map: Self = entries.into_iter().collect();
        if map.len() == count { Ok(map) } else { Err(restorer.error(RestoreErrorKind::Repeated)) }
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.of::<Vec<(K, V)>>()
    }
}

impl<K, S> Checkpoint for IndexSet<K, S>
where
    K: Checkpoint + Eq + Hash,
    S: BuildHasher + Default + 'static,
{
    const MIN_LEN: usize = 1;

    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        saver.container::<K>(self.len(), |saver| {
            if K::PLAIN_LEN == 0 {
                return self.iter().try_for_each(|key| key.save(saver));
            }
            // One run, as a sequence has it.
            saver.joined(|joined| self.iter().try_for_each(|key| key.save(joined)))
        })
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        let keys: Vec<K> = Vec::restore(restorer)?;
        let count = keys.len();
        let set: Self = keys.into_iter().collect();
        if set.len() == count { Ok(set) } else { Err(restorer.error(RestoreErrorKind::Repeated)) }
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.of::<Vec<K>>()
    }
}
