//! From interned types to the graph: keys become ids, in an order that depends on nothing but
//! the types themselves.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rayon::prelude::*;

use super::attrs::Location;
use super::cross::Entries;
use super::intern::{Interned, InternedMember, Key, Table, Target};
use super::leads;
use super::merge::{self, Merged};
use super::tags::Tags;
use super::unit::Shape;
use super::{Contents, FoundStatic as Found, Harvest, Static, Vtable};
use crate::graph::{
    Discriminant, Enumerator, Graph, Kind, Member, Param, Type, TypeId, Variant, name_hash,
};
use crate::timings;

/// Makes the graph of a table, and resolves all that refers to it.
pub(super) fn contents(table: Table, harvest: Harvest, entries: &Entries) -> Contents {
    let signatures: HashMap<u64, Key> = harvest.signatures.iter().copied().collect();
    let mut merged = timings::phase("merge types", || merge::types(table, entries, &signatures));
    let key_of = |target: Target| match target {
        Target::None => None,
        Target::Key(key) => Some(key),
        Target::Entry(file, offset) => entries.get(&(file, offset)).copied(),
        Target::Signature(signature) => signatures.get(&signature).copied(),
    };
    let tagged = leads::follow(&mut merged, harvest.tags, harvest.tag_places, &key_of);
    let Merged { types, mut places } = merged;
    // By name and content, so that ids do not depend on the order in which units were read. Names
    // go by their hashes: they are long and start alike.
    let mut order: Vec<(u64, Key, u32)> = types
        .par_iter()
        .zip_eq((0..u32::try_from(types.len()).unwrap_or(u32::MAX)).into_par_iter())
        .map(|((key, ty), index)| (name_hash(&ty.name), *key, index))
        .collect();
    order.par_sort_unstable();
    let mut ids = vec![0; types.len()];
    for (id, &(_, _, index)) in (0..).zip(&order) {
        ids[index as usize] = id;
    }
    places.par_iter_mut().for_each(|(_, place)| *place = ids[*place as usize]);
    let tags = Tags {
        types: tagged.into_iter().map(|(index, ty)| (TypeId(ids[index as usize]), ty)).collect(),
        lost: harvest.lost_tags.into_iter().collect(),
        units: harvest.tag_units,
    };
    let resolve = |target: Target| places.get(&key_of(target)?).copied().map(TypeId);
    let graph = timings::phase("make the graph", || {
        let types: Vec<(u32, Type)> = types
            .into_par_iter()
            .zip_eq(ids.into_par_iter())
            .map(|((_, ty), id)| (id, type_of(ty, &resolve)))
            .collect();
        let mut slots: Vec<Option<Type>> = Vec::new();
        slots.resize_with(types.len(), || None);
        for (id, ty) in types {
            slots[id as usize] = Some(ty);
        }
        Graph::new(slots.into_iter().flatten().collect())
    });

    let vtables: BTreeSet<Vtable> = harvest
        .vtables
        .into_iter()
        .filter_map(|(trait_name, target)| {
            Some(Vtable { trait_name, concrete: graph.defined(resolve(target)?) })
        })
        .collect();
    let mut statics = BTreeMap::new();
    let mut thread_locals = BTreeMap::new();
    for found in harvest.statics {
        let Some(ty) = resolve(found.ty) else { continue };
        let ty = graph.defined(ty);
        let Found { location, name, linkage_name, place, is_tagged, is_foreign, .. } = found;
        let variable = Static { name, linkage_name, ty, place, is_tagged, is_foreign };
        match location {
            Location::Address(address) => {
                statics.entry(address).or_insert(variable);
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
        statics,
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

fn type_of(ty: Interned, resolve: &impl Fn(Target) -> Option<TypeId>) -> Type {
    let members = |members: Box<[InternedMember]>| -> Box<[Member]> {
        members
            .into_iter()
            .map(|member| Member {
                name: member.name,
                ty: resolve(member.ty),
                offset_bytes: member.offset_bytes,
                bits: member.bits,
            })
            .collect()
    };
    let target = resolve(ty.target);
    let discriminant = match (ty.shape, ty.len) {
        (Shape::Variants, Some(offset_bytes)) => {
            let values = ty.enumerators.iter();
            let values = values.map(|(name, value)| (name.clone(), *value)).collect();
            Some(Box::new(Discriminant { offset_bytes, ty: target, values }))
        }
        _ => None,
    };
    let kind = match ty.shape {
        // `const void` refers to nothing; what refers to something that is not there is not void.
        Shape::Alias if target.is_none() && ty.target != Target::None => Kind::Declaration,
        Shape::Struct => Kind::Struct(members(ty.members)),
        Shape::Union => Kind::Union(members(ty.members)),
        Shape::Variants => Kind::Enum(
            ty.members
                .into_iter()
                .map(|member| Variant { name: member.name, payload: resolve(member.ty) })
                .collect(),
        ),
        Shape::Enumeration => Kind::Enumeration(
            ty.enumerators.into_iter().map(|(name, value)| Enumerator { name, value }).collect(),
        ),
        Shape::Array => Kind::Array { element: target, len: ty.len },
        Shape::Pointer => Kind::Pointer { target },
        Shape::Alias => Kind::Alias { target },
        Shape::Primitive => Kind::Primitive,
        Shape::Function => Kind::Function,
        Shape::Declaration => Kind::Declaration,
    };
    let params = ty.params.into_iter().map(|p| Param { name: p.name, ty: resolve(p.ty) }).collect();
    Type {
        name: ty.name,
        definition_len: ty.definition_len,
        size_bytes: ty.size_bytes,
        align_bytes: ty.align_bytes,
        discriminant,
        kind,
        params,
    }
}
