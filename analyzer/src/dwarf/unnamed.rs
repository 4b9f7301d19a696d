//! Names for the types of C that have none: what a `typedef` calls them, or the field that they are
//! the type of. Without, all of them would be one definition to whoever goes by names.

use std::collections::HashMap;

use super::attrs::Ref;
use super::unit::{Local, Shape, UnitReader};

/// How many pointers and arrays lie between a field and a type without a name.
const MAX_LAYERS: usize = 16;

/// The names of the types of members that have none.
const OF_MEMBERS: [&[u8]; 2] = [b"{union}", b"{struct}"];

/// Whether the type is that of a member without a name.
pub(super) fn is_member(ty: &Local<'_>) -> bool {
    OF_MEMBERS.contains(&ty.name)
}

/// Names them, given the indices of all typedefs.
pub(super) fn name(reader: &mut UnitReader<'_>, typedefs: &[usize]) -> Result<(), String> {
    for &alias in typedefs {
        let target = reader.out.types[alias].target;
        if let Some(found) = unnamed(reader, target, 0) {
            reader.out.types[found].name = reader.out.types[alias].name;
            reader.out.types[found].scope = reader.out.types[alias].scope;
        }
    }
    let mut scopes = HashMap::new();
    let has_fields = |shape| matches!(shape, Shape::Struct | Shape::Union);
    let types = 0..reader.out.types.len();
    let mut owners: Vec<usize> = types
        .filter(|&index| {
            let ty = &reader.out.types[index];
            has_fields(ty.shape) && !ty.name.is_empty()
        })
        .collect();
    while let Some(owner) = owners.pop() {
        for member in reader.out.member_indices(owner) {
            let Some(member) = reader.out.member(member) else { continue };
            let (name, ty) = (member.name, member.ty);
            let Some(found) = unnamed(reader, ty, MAX_LAYERS) else { continue };
            let scope = match scopes.get(&owner) {
                Some(&scope) => scope,
                None => {
                    let ty = &reader.out.types[owner];
                    let scope = reader.scope(ty.scope, ty.name)?;
                    scopes.insert(owner, scope);
                    scope
                }
            };
            let shape = reader.out.types[found].shape;
            let ty = &mut reader.out.types[found];
            ty.scope = scope;
            ty.name = match (name, shape) {
                (b"", Shape::Union) => OF_MEMBERS[0],
                (b"", _) => OF_MEMBERS[1],
                (name, _) => name,
            };
            if has_fields(shape) {
                owners.push(found);
            }
        }
    }
    Ok(())
}

/// The type without a name that is behind this reference.
fn unnamed(reader: &UnitReader<'_>, mut target: Ref, layers: usize) -> Option<usize> {
    for _ in 0..=layers {
        let Ref::Local(offset) = target else { return None };
        let index = reader.out.at(offset)?;
        let ty = &reader.out.types[index];
        match ty.shape {
            _ if !ty.name.is_empty() => return None,
            Shape::Struct | Shape::Union | Shape::Enumeration => return Some(index),
            Shape::Alias | Shape::Array | Shape::Pointer => target = ty.target,
            Shape::Variants | Shape::Primitive | Shape::Function | Shape::Declaration => {
                return None;
            }
        }
    }
    None
}
