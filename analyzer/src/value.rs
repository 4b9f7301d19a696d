//! What can be said of a value by its layout alone.

use crate::graph::{Graph, Kind, Type, TypeId};

/// Whether values of the type take no room, so that there is nothing to save: markers, `()`, empty
/// arrays. What has no size of its own, as trait objects and slices, is said to have none as well.
pub(crate) fn is_empty(graph: &Graph, id: TypeId) -> bool {
    let mut queue = vec![graph.defined(id)];
    // Types without room are small; a damaged file may make a circle.
    for _ in 0..64 {
        let Some(id) = queue.pop() else { return true };
        let ty = graph.get(id);
        let is_object = ty.name.starts_with("dyn ") || ty.name.starts_with("(dyn ");
        match &ty.kind {
            Kind::Primitive if ty.size_bytes == Some(0) => {}
            Kind::Array { len: Some(0), .. } => {}
            // A class of C++ that holds nothing has the size 1.
            Kind::Struct(members)
                if ty.size_bytes == Some(0) && !is_object
                    || ty.size_bytes == Some(1) && members.iter().all(|m| m.name.is_empty()) =>
            {
                for member in members {
                    let Some(ty) = member.ty else { return false };
                    queue.push(graph.defined(ty));
                }
            }
            _ => return false,
        }
    }
    false
}

/// Whether all of a value is where the value is: nothing in it points elsewhere.
pub(crate) fn is_plain(graph: &Graph, id: TypeId) -> bool {
    all_plain(graph, vec![graph.defined(id)])
}

/// The same of the members of a type.
pub(crate) fn is_closed(graph: &Graph, ty: &Type) -> bool {
    let Kind::Struct(members) = &ty.kind else { return false };
    let types: Option<Vec<TypeId>> =
        members.iter().map(|member| Some(graph.defined(member.ty?))).collect();
    types.is_some_and(|types| all_plain(graph, types))
}

fn all_plain(graph: &Graph, mut queue: Vec<TypeId>) -> bool {
    let mut seen = std::collections::HashSet::new();
    while let Some(id) = queue.pop() {
        if !seen.insert(id) {
            continue;
        }
        if seen.len() > 4096 {
            return false;
        }
        let mut push = |ty: Option<TypeId>| ty.map(|ty| queue.push(graph.defined(ty))).is_some();
        let is_known = match &graph.get(id).kind {
            Kind::Primitive | Kind::Enumeration(_) => true,
            Kind::Struct(members) | Kind::Union(members) => {
                members.iter().all(|member| push(member.ty))
            }
            Kind::Enum(variants) => variants.iter().all(|variant| push(variant.payload)),
            Kind::Array { element, .. } => push(*element),
            Kind::Alias { target } => push(*target),
            Kind::Pointer { .. } | Kind::Function | Kind::Declaration => false,
        };
        if !is_known {
            return false;
        }
    }
    true
}
