//! Maps and sets, ordered by their encoded keys: equal maps give equal bytes, whatever their
//! hashers, and there is no `Ord` to ask for.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, Hash};

use samestate_schema::types::{Type, TypeRef};

use crate::error::RestoreErrorKind;
use crate::{Checkpoint, RestoreError, Restorer, SaveError, Saver, SchemaBuilder};

fn save_map<'a, K: Checkpoint, V: Checkpoint>(
    saver: &mut Saver<'a>,
    entries: impl ExactSizeIterator<Item = (&'a K, &'a V)> + Clone,
) -> Result<(), SaveError> {
    saver.container::<(K, V)>(entries.len(), |saver| saver.entries(entries))
}

pub(crate) fn restore_map<K: Checkpoint, V: Checkpoint>(
    restorer: &mut Restorer<'_>,
) -> Result<Vec<(K, V)>, RestoreError> {
    let count = restorer.count(K::MIN_LEN + V::MIN_LEN)?;
    restorer.nested::<(K, V), _>(|restorer| {
        let mut entries = Vec::with_capacity(restorer.capacity::<(K, V)>(count));
        let mut last: Option<&[u8]> = None;
        for _ in 0..count {
            let (key, bytes) = restorer.key()?;
            if last.is_some_and(|last| last >= bytes) {
                return Err(restorer.error(RestoreErrorKind::Unordered));
            }
            last = Some(bytes);
            entries.push((key, V::restore(restorer)?));
        }
        Ok(entries)
    })
}

fn save_set<'a, K: Checkpoint>(
    saver: &mut Saver<'a>,
    keys: impl ExactSizeIterator<Item = &'a K> + Clone,
) -> Result<(), SaveError> {
    saver.container::<K>(keys.len(), |saver| saver.entries(keys.map(|key| (key, &()))))
}

/// Checks that no key is equal to another, though their encodings differ.
fn whole<C>(
    collected: C,
    len: usize,
    count: usize,
    restorer: &Restorer<'_>,
) -> Result<C, RestoreError> {
    if len == count { Ok(collected) } else { Err(restorer.error(RestoreErrorKind::Unordered)) }
}

fn restore_set<K: Checkpoint>(restorer: &mut Restorer<'_>) -> Result<Vec<K>, RestoreError> {
    let count = restorer.count(K::MIN_LEN)?;
    restorer.nested::<K, _>(|restorer| {
        let mut keys = Vec::with_capacity(restorer.capacity::<K>(count));
        let mut last: Option<&[u8]> = None;
        for _ in 0..count {
            let (key, bytes) = restorer.key()?;
            if last.is_some_and(|last| last >= bytes) {
                return Err(restorer.error(RestoreErrorKind::Unordered));
            }
            last = Some(bytes);
            keys.push(key);
        }
        Ok(keys)
    })
}

macro_rules! map {
    ($($map:ty, [$($generics:tt)*], [$($bounds:tt)*];)*) => {$(
        impl<K: Checkpoint, V: Checkpoint, $($generics)*> Checkpoint for $map
        where
            $($bounds)*
        {
            const MIN_LEN: usize = 1;

            fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
                save_map(saver, self.iter())
            }

            fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
                let entries = restore_map(restorer)?;
                let count = entries.len();
                let map: Self = entries.into_iter().collect();
                let len = map.len();
                whole(map, len, count, restorer)
            }

            fn schema(schema: &mut SchemaBuilder) -> TypeRef {
                let (key, value) = (schema.of::<K>(), schema.of::<V>());
                schema.add(Type::Map(key, value))
            }
        }
    )*};
}

map! {
    HashMap<K, V, S>, [S: BuildHasher + Default + 'static], [K: Eq + Hash];
    BTreeMap<K, V>, [], [K: Ord];
}

macro_rules! set {
    ($($set:ty, [$($generics:tt)*], [$($bounds:tt)*];)*) => {$(
        impl<K: Checkpoint, $($generics)*> Checkpoint for $set
        where
            $($bounds)*
        {
            const MIN_LEN: usize = 1;

            fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
                save_set(saver, self.iter())
            }

            fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
                let keys = restore_set(restorer)?;
                let count = keys.len();
                let set: Self = keys.into_iter().collect();
                let len = set.len();
                whole(set, len, count, restorer)
            }

            fn schema(schema: &mut SchemaBuilder) -> TypeRef {
                let key = schema.of::<K>();
                schema.add(Type::Set(key))
            }
        }
    )*};
}

set! {
    HashSet<K, S>, [S: BuildHasher + Default + 'static], [K: Eq + Hash];
    BTreeSet<K>, [], [K: Ord];
}
