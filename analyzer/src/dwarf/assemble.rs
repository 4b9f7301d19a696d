//! From interned types to the graph: numbers become ids, in an order that depends on nothing but
//! the types themselves.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::attrs::Location;
use super::intern::{Key, Number, Table};
use super::leads;
use super::merge::{self, Merged};
use super::tags::Tags;
use super::{Contents, FoundStatic as Found, Harvest, Static, Vtable};
use crate::graph::{Graph, Kind, Type, TypeId};
use crate::timings;

/// Makes the graph of a table, and resolves all that refers to it; `foreign` are the numbers of
/// what units refer to elsewhere.
pub(super) fn contents(table: &Table, harvest: Harvest, foreign: Vec<Option<TypeId>>) -> Contents {
    let mut merged = timings::phase("merge types", || merge::types(harvest.types, foreign, table));
    let tagged = leads::follow(&mut merged, harvest.tags, harvest.tag_places);
    let ids = timings::phase("make the graph", || Ids::of(&merged));
    let resolve = |id: TypeId| merged.place(id).map(|place| TypeId(ids.by_place[place as usize]));
    let tags = Tags {
        types: tagged
            .into_iter()
            .map(|(place, ty)| (TypeId(ids.by_place[place as usize]), ty))
            .collect(),
        lost: harvest.lost_tags.into_iter().collect(),
        units: harvest.tag_units,
    };
    let vtables: Vec<(String, TypeId)> = harvest
        .vtables
        .into_iter()
        .filter_map(|(trait_name, target)| Some((trait_name, resolve(target?)?)))
        .collect();
    let statics: Vec<(Found, TypeId)> = harvest
        .statics
        .into_iter()
        .filter_map(|found| {
            let ty = resolve(found.ty?)?;
            Some((found, ty))
        })
        .collect();
    let graph = timings::phase("make the graph", || graph(merged, ids));

    let vtables: BTreeSet<Vtable> = vtables
        .into_iter()
        .map(|(trait_name, id)| Vtable { trait_name, concrete: graph.defined(id) })
        .collect();
    let mut all_statics = BTreeMap::new();
    let mut thread_locals = BTreeMap::new();
    for (found, ty) in statics {
        let ty = graph.defined(ty);
        let Found { location, name, linkage_name, place, is_tagged, is_foreign, .. } = found;
        let variable = Static { name, linkage_name, ty, place, is_tagged, is_foreign };
        match location {
            Location::Address(address) => {
                all_statics.entry(address).or_insert(variable);
            }
            Location::Thread(offset) => {
                thread_locals.entry((offset, variable.name.clone())).or_insert(variable);
            }
        }
    }
    let mut crates: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (name, root) in harvest.crates {
        crates.entry(name).or_default().insert(root);
    }
    let mut functions = harvest.functions;
    functions.sort();
    functions.dedup();
    let mut problems = harvest.problems;
    problems.sort();
    problems.dedup();
    Contents {
        graph,
        vtables: vtables.into_iter().collect(),
        statics: all_statics,
        thread_locals,
        functions,
        crates,
        compiled: harvest.compiled.into_iter().collect(),
        tags,
        units: harvest.units,
        info_len: harvest.info_len,
        has_rust: harvest.has_rust,
        problems,
    }
}

/// The ids of types.
struct Ids {
    by_place: Vec<u32>,
    /// In the order of ids: the hash of the name, the key, and the place.
    order: Vec<(u64, Key, u32)>,
}

impl Ids {
    /// By name and content, so that ids do not depend on the order in which units were read. Names
    /// go by their hashes: they are long and start alike.
    fn of(merged: &Merged) -> Self {
        let kept = (0..).zip(&merged.nodes).filter(|&(place, _)| merged.is_kept(place));
        let mut order: Vec<(u64, Key, u32)> =
            kept.map(|(place, node)| (node.name_hash, node.key, place)).collect();
        order.par_sort_unstable();
        let mut by_place = vec![0; merged.nodes.len()];
        for (id, &(_, _, place)) in (0..).zip(&order) {
            by_place[place as usize] = id;
        }
        Self { by_place, order }
    }
}

fn graph(mut merged: Merged, ids: Ids) -> Graph {
    let mut chunks = std::mem::take(&mut merged.chunks);
    let id =
        |number: TypeId| merged.place(number).map(|place| TypeId(ids.by_place[place as usize]));
    chunks.par_iter_mut().for_each(|chunk| chunk.iter_mut().for_each(|ty| renumber(ty, &id)));
    let mut at = Vec::with_capacity(merged.nodes.len());
    for (chunk, types) in (0_u32..).zip(&chunks) {
        // There are no more types than ids.
        at.extend((0_u32..).zip(types).map(|(index, _)| (chunk, index)));
    }
    let places = ids.order.iter().map(|&(.., place)| at[place as usize]).collect();
    let hashes = ids.order.iter().map(|&(hash, ..)| hash).collect();
    Graph::new(chunks, places, hashes)
}

/// Gives a type the ids of what it refers to.
fn renumber(ty: &mut Type, id: &impl Fn(TypeId) -> Option<TypeId>) {
    let renew = |target: &mut Option<TypeId>| *target = target.and_then(id);
    if let Some(discriminant) = &mut ty.discriminant {
        renew(&mut discriminant.ty);
    }
    ty.params.iter_mut().for_each(|param| renew(&mut param.ty));
    match &mut ty.kind {
        Kind::Struct(members) | Kind::Union(members) => {
            members.iter_mut().for_each(|member| renew(&mut member.ty));
        }
        Kind::Enum(variants) => {
            variants.iter_mut().for_each(|variant| renew(&mut variant.payload));
        }
        Kind::Array { element: target, .. } | Kind::Pointer { target } => renew(target),
        Kind::Alias { target } => {
            let is_foreign =
                target.is_some_and(|target| matches!(Number::of(target), Number::Foreign(_)));
            renew(target);
            // `const void` refers to nothing; what refers to something that is not there is not void.
            if is_foreign && target.is_none() {
                ty.kind = Kind::Declaration;
            }
        }
        Kind::Enumeration(_) | Kind::Primitive | Kind::Function | Kind::Declaration => {}
    }
}
