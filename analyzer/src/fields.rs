//! The fields of a type definition, structs and enums alike.

use samestate_schema::path::{FieldPath, Step};

use crate::evidence::FieldKey;
use crate::graph::{Graph, Kind, Member, TypeId};

/// A field of a definition.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// Which one it is.
    pub(crate) key: FieldKey,
    /// Its type; `None` if the debug information does not tell.
    pub(crate) ty: Option<TypeId>,
}

impl Field {
    /// The way from a value of the type to the field.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        if !self.key.variant.is_empty() {
            steps.push(Step::Variant(self.key.variant.clone()));
        }
        steps.push(FieldPath::member(&self.key.name));
        steps
    }
}

/// The fields of a struct, a union, or all variants of an enum, in source order.
pub(crate) fn of(graph: &Graph, id: TypeId) -> Vec<Field> {
    let field = |variant: &str, member: &Member| Field {
        key: FieldKey { variant: variant.to_owned(), name: field_name(&member.name) },
        ty: member.ty,
    };
    match &graph.get(graph.defined(id)).kind {
        Kind::Struct(members) | Kind::Union(members) => {
            named(members).map(|member| field("", member)).collect()
        }
        Kind::Enum(variants) => variants
            .iter()
            .filter_map(|variant| Some((variant, graph.get(graph.defined(variant.payload?)))))
            .filter_map(|(variant, payload)| match &payload.kind {
                Kind::Struct(members) => Some((variant, payload, members)),
                _ => None,
            })
            .flat_map(|(variant, payload, members)| {
                // The states of a future are numbered; the structs of their fields have names.
                let name = if variant.name.bytes().all(|byte| byte.is_ascii_digit()) {
                    crate::names::last_segment(payload.definition()).to_owned()
                } else {
                    variant.name.to_string()
                };
                members.iter().map(move |member| field(&name, member))
            })
            .collect(),
        Kind::Enumeration(_)
        | Kind::Array { .. }
        | Kind::Pointer { .. }
        | Kind::Alias { .. }
        | Kind::Primitive
        | Kind::Function
        | Kind::Declaration => Vec::new(),
    }
}

/// Members whose own members belong to the type as if they stood in it: base classes of C++, and
/// structs and unions of C that have no name.
pub(crate) fn unnamed(graph: &Graph, id: TypeId) -> Vec<TypeId> {
    match &graph.get(graph.defined(id)).kind {
        Kind::Struct(members) | Kind::Union(members) => members
            .iter()
            .filter(|member| member.name.is_empty())
            .filter_map(|member| Some(graph.defined(member.ty?)))
            .collect(),
        _ => Vec::new(),
    }
}

fn named(members: &[Member]) -> impl Iterator<Item = &Member> {
    members.iter().filter(|member| !member.name.is_empty() && !is_vtable(&member.name))
}

/// The table of methods of a class of C++: `_vptr.Base` of gcc, `_vptr$Base` of clang.
fn is_vtable(name: &str) -> bool {
    name.strip_prefix("_vptr").is_some_and(|rest| rest.starts_with(['.', '$']))
}

/// Whether pointers to a class of C++ may point to one that is derived from it.
pub(crate) fn is_polymorphic(graph: &Graph, id: TypeId) -> bool {
    let mut queue = vec![id];
    // A damaged file may make a circle.
    for _ in 0..64 {
        let Some(id) = queue.pop() else { return false };
        if let Kind::Struct(members) = &graph.get(id).kind
            && members.iter().any(|member| is_vtable(&member.name))
        {
            return true;
        }
        queue.extend(unnamed(graph, id));
    }
    false
}

/// The first variant whose payload the debug information does not show, if there is one.
pub(crate) fn unreadable_variant(graph: &Graph, id: TypeId) -> Option<&str> {
    let Kind::Enum(variants) = &graph.get(graph.defined(id)).kind else { return None };
    let is_readable =
        |payload: TypeId| matches!(graph.get(graph.defined(payload)).kind, Kind::Struct(_));
    variants
        .iter()
        .find(|variant| !variant.payload.is_some_and(is_readable))
        .map(|variant| &*variant.name)
}

/// DWARF calls the fields of tuples `__0`, `__1`, …
pub(crate) fn field_name(name: &str) -> String {
    match FieldPath::member(name) {
        Step::Tuple(number) => number.to_string(),
        _ => name.to_owned(),
    }
}
