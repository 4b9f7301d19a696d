//! From interned types to the graph: keys become ids, in an order that depends on nothing but
//! the types themselves.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::cross::Entries;
use super::intern::{Interned, InternedMember, Key, Table, Target};
use super::unit::Shape;
use super::{Contents, Harvest, Static, Vtable};
use crate::graph::{Enumerator, Graph, Kind, Member, Param, Type, TypeId, Variant};

/// Makes the graph of a table, and resolves all that refers to it.
pub(super) fn contents(table: Table, harvest: Harvest, entries: &Entries) -> Contents {
    let mut types: Vec<(Key, Interned)> = table.into_types().collect();
    types.sort_by(|(a_key, a), (b_key, b)| (&a.name, a_key).cmp(&(&b.name, b_key)));
    let signatures: HashMap<u64, Key> = harvest.signatures.into_iter().collect();
    let ids = types
        .iter()
        .zip(0..)
        .map(|((key, _), index)| (*key, TypeId(index)))
        .collect::<HashMap<_, _>>();
    let resolve = |target: Target| {
        let key = match target {
            Target::None => return None,
            Target::Key(key) => key,
            Target::Entry(file, offset) => *entries.get(&(file, offset))?,
            Target::Signature(signature) => *signatures.get(&signature)?,
        };
        ids.get(&key).copied()
    };
    let types = types.into_iter().map(|(_, ty)| type_of(ty, &resolve)).collect();
    let graph = Graph::new(types);

    let vtables: BTreeSet<Vtable> = harvest
        .vtables
        .into_iter()
        .filter_map(|(trait_name, target)| {
            Some(Vtable { trait_name, concrete: graph.defined(resolve(target)?) })
        })
        .collect();
    let mut statics = BTreeMap::new();
    for (address, name, target) in harvest.statics {
        if let Some(ty) = resolve(target) {
            statics.entry(address).or_insert(Static { name, ty: graph.defined(ty) });
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
        functions,
        crates,
        compiled: harvest.compiled.into_iter().collect(),
        units: harvest.units,
        info_len: harvest.info_len,
        problems,
    }
}

fn type_of(ty: Interned, resolve: &impl Fn(Target) -> Option<TypeId>) -> Type {
    let members = |members: Box<[InternedMember]>| -> Box<[Member]> {
        members
            .into_iter()
            .map(|member| Member { name: member.name, ty: resolve(member.ty) })
            .collect()
    };
    let target = resolve(ty.target);
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
        kind,
        params,
    }
}
