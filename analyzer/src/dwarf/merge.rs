//! One type for what several units describe differently: by a reference into another unit, or by
//! a declaration where others have the definition.
//!
//! Within a unit, keys cannot know what such a reference leads to. Once all units are read, the
//! keys of all types are made anew, with these references resolved, and equal ones become one.

use std::collections::HashMap;

use rayon::prelude::*;

use super::canon::{self, Edges};
use super::cross::Entries;
use super::intern::{ByHash, Interned, Key, KeyMap, Table, Target};
use super::unit::Shape;

/// The types of a table, none of them twice.
pub(super) struct Merged {
    /// The types, each with its key, in no particular order.
    pub(super) types: Vec<(Key, Interned)>,
    /// The index in `types` of every key of the table.
    pub(super) places: KeyMap<u32>,
}

/// Takes the types out of the table.
pub(super) fn types(table: Table, entries: &Entries, signatures: &HashMap<u64, Key>) -> Merged {
    let types: Vec<(Key, Interned)> = table.into_types().collect();
    let places: KeyMap<u32> = types.iter().map(|(key, _)| *key).zip(0..).collect();
    let definitions = definitions(&types);
    let leads_out = |(_, ty): &(Key, Interned)| {
        ty.targets().any(|target| matches!(target, Target::Entry(..) | Target::Signature(_)))
    };
    if definitions.is_empty() && !types.par_iter().any(leads_out) {
        return Merged { types, places };
    }
    let resolve = |target: Target| -> Option<u32> {
        let key = match target {
            Target::None => return None,
            Target::Key(key) => key,
            Target::Entry(file, offset) => *entries.get(&(file, offset))?,
            Target::Signature(signature) => *signatures.get(&signature)?,
        };
        let place = *places.get(&key)?;
        let (_, ty) = &types[place as usize];
        match ty.shape {
            Shape::Declaration => Some(definitions.get(&*ty.name).copied().unwrap_or(place)),
            _ => Some(place),
        }
    };
    let Ok(keys) = new_keys(&types, resolve) else { return Merged { types, places } };
    // Of equal ones, the one whose old key is least stays: which one that is depends on nothing.
    let mut kept: KeyMap<u32> = KeyMap::default();
    for (place, key) in (0..).zip(&keys) {
        let kept = kept.entry(*key).or_insert(place);
        if types[place as usize].0 < types[*kept as usize].0 {
            *kept = place;
        }
    }
    let mut merged = Vec::with_capacity(kept.len());
    let mut moved = vec![0; types.len()];
    let mut old_places = places;
    for ((place, (_, ty)), key) in (0..).zip(types).zip(&keys) {
        if kept.get(key) == Some(&place) {
            moved[place as usize] = merged.len();
            merged.push((*key, ty));
        }
    }
    let mut places = KeyMap::default();
    for (old, place) in old_places.drain() {
        let key = keys[place as usize];
        if let Some(&kept) = kept.get(&key) {
            // There are no more of them than before.
            #[expect(clippy::cast_possible_truncation, reason = "at most as many as `types`")]
            let index = moved[kept as usize] as u32;
            places.insert(old, index);
            places.insert(key, index);
        }
    }
    Merged { types: merged, places }
}

/// The definitions of names that are declared elsewhere and of which all definitions look the
/// same at first sight: what they refer to may itself be declared in one and defined in another.
fn definitions(types: &[(Key, Interned)]) -> HashMap<&str, u32, ByHash> {
    let declared = types.iter().filter(|(_, ty)| ty.shape == Shape::Declaration);
    let mut found: HashMap<&str, Option<u32>, ByHash> =
        declared.map(|(_, ty)| (&*ty.name, None)).collect();
    if found.is_empty() {
        return HashMap::default();
    }
    let mut ambiguous = Vec::new();
    for (place, (key, ty)) in (0..).zip(types) {
        if ty.shape == Shape::Declaration {
            continue;
        }
        let Some(known) = found.get_mut(&*ty.name) else { continue };
        match *known {
            None => *known = Some(place),
            Some(other) if types[other as usize].1.shallow != ty.shallow => {
                ambiguous.push(&*ty.name);
            }
            Some(other) if *key < types[other as usize].0 => *known = Some(place),
            Some(_) => {}
        }
    }
    for name in ambiguous {
        found.remove(name);
    }
    found.into_iter().filter_map(|(name, place)| Some((name, place?))).collect()
}

fn new_keys(
    types: &[(Key, Interned)],
    resolve: impl Fn(Target) -> Option<u32>,
) -> Result<Vec<Key>, String> {
    let mut edges = Edges::new(types.len())?;
    let mut shallow = Vec::with_capacity(types.len());
    for (_, ty) in types {
        shallow.push(ty.shallow);
        if ty.shape != Shape::Declaration {
            for target in ty.targets() {
                match resolve(target) {
                    Some(place) => edges.node(place),
                    // What leads nowhere is not the same as nothing.
                    None => edges.out(u128::from(target != Target::None)),
                }
            }
        }
        edges.end_node()?;
    }
    Ok(canon::keys(&shallow, &edges, 0))
}
