//! What one type looks like to somebody who walks along field paths: containers, pointers and
//! cells by their meaning, not by their layout.

use samestate_schema::path::{FieldPath, Step};

use crate::containers::{self, Class, Holds};
use crate::graph::{Graph, Kind, Member, Type, TypeId};
use crate::names::{self, TypeExpr, is_std};
use crate::untyped::{self, Untyped};
use crate::value::is_closed;
pub(crate) use crate::value::{is_empty, is_plain};

/// What a type is to the walk.
#[derive(Debug)]
pub(crate) enum View {
    /// A value without parts.
    Leaf,
    /// Something of the host, in a few words.
    Host(&'static str),
    /// Not a definition with fields of its own: the ways on from it.
    Parts(Vec<Part>),
    /// A struct or an enum of the program, or of a crate that it uses: whether its fields are
    /// covered must be known.
    Defined,
    /// A trait object of this trait.
    Trait(String),
    /// It hides what it holds.
    Opaque(String),
    /// An address of something that no type describes.
    Untyped(Untyped),
    /// Nothing can be said about it, for this reason.
    Unseen(String),
}

/// One way on from a type that is no definition.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) steps: Vec<Step>,
    pub(crate) ty: TypeId,
}

impl Part {
    fn here(ty: TypeId) -> Self {
        Self { steps: Vec::new(), ty }
    }
}

/// What the type is to the walk.
pub(crate) fn view(graph: &Graph, id: TypeId) -> View {
    let ty = graph.get(graph.defined(id));
    match &ty.kind {
        Kind::Primitive | Kind::Function | Kind::Enumeration(_) => View::Leaf,
        // Compilers of C++ leave out what the library's own debug information has.
        Kind::Declaration if containers::cpp::is_std(ty.definition()) => {
            match containers::known(ty.definition()) {
                Some(holds @ (Holds::Nothing | Holds::Host(_))) => known(graph, ty, holds),
                _ => View::Unseen(format!(
                    "`{}` is only declared in the debug information: `-fstandalone-debug` keeps it",
                    short(ty)
                )),
            }
        }
        Kind::Declaration => {
            if let Some(holds @ Holds::Host(_)) = containers::known(ty.definition()) {
                return known(graph, ty, holds);
            }
            View::Unseen(format!("`{}` is only declared in the debug information", short(ty)))
        }
        Kind::Alias { target } => match target {
            Some(target) => View::Parts(vec![Part::here(*target)]),
            None => View::Leaf,
        },
        Kind::Array { element, len } => match element {
            _ if *len == Some(0) => View::Leaf,
            Some(element) => View::Parts(vec![elements(*element)]),
            None => View::Unseen("an array whose elements have no type".to_owned()),
        },
        Kind::Pointer { target } => pointer(graph, ty, *target),
        Kind::Struct(members) => structure(graph, ty, members),
        Kind::Union(_) => match containers::known(ty.definition()) {
            Some(holds) => known(graph, ty, holds),
            None => View::Defined,
        },
        Kind::Enum(variants) => {
            if let Some(holds) = containers::known(ty.definition()) {
                return known(graph, ty, holds);
            }
            if !is_std(ty.definition()) {
                return View::Defined;
            }
            if let Some(variant) = crate::fields::unreadable_variant(graph, graph.defined(id)) {
                return View::Unseen(format!(
                    "the debug information does not show what its `{variant}` holds"
                ));
            }
            let mut parts = Vec::new();
            for variant in variants {
                let Some(payload) = variant.payload else { continue };
                let Kind::Struct(members) = &graph.get(graph.defined(payload)).kind else {
                    continue;
                };
                for member in members {
                    if let Some(ty) = member.ty {
                        let variant = Step::Variant(variant.name.to_string());
                        let steps = vec![variant, FieldPath::member(&member.name)];
                        parts.push(Part { steps, ty });
                    }
                }
            }
            View::Parts(parts)
        }
    }
}

fn elements(element: TypeId) -> Part {
    Part { steps: vec![Step::Elements], ty: element }
}

fn pointer(graph: &Graph, ty: &Type, target: Option<TypeId>) -> View {
    let class = pointer_class(&ty.name);
    let untyped = || View::Untyped(Untyped::without_type(ty));
    let Some(target) = target else { return untyped() };
    let pointee = match unaliased(graph, target) {
        Some(pointee) => graph.get(pointee),
        None => return untyped(),
    };
    if matches!(pointee.kind, Kind::Function) {
        return View::Leaf;
    }
    if class == Class::Raw
        && let Some(untyped) = untyped::behind(graph, ty, pointee)
    {
        return View::Untyped(untyped);
    }
    View::Parts(vec![Part::here(target)])
}

/// Whether values of the type are addresses of functions, or arrays of them.
pub(crate) fn is_function(graph: &Graph, id: TypeId) -> bool {
    let mut id = Some(id);
    for _ in 0..crate::limits::MAX_NAME_DEPTH {
        let Some(ty) = id.and_then(|id| unaliased(graph, id)) else { return false };
        id = match graph.get(ty).kind {
            Kind::Function => return true,
            Kind::Pointer { target } => target,
            Kind::Array { element, .. } => element,
            _ => return false,
        };
    }
    false
}

/// What other names and qualifiers stand for; `None` for `void`.
fn unaliased(graph: &Graph, id: TypeId) -> Option<TypeId> {
    let mut id = graph.defined(id);
    for _ in 0..crate::limits::MAX_NAME_DEPTH {
        match graph.get(id).kind {
            Kind::Alias { target } => id = graph.defined(target?),
            _ => return Some(id),
        }
    }
    Some(id)
}

/// Whether values of the type lead to values elsewhere, one each.
pub(crate) fn is_pointer(graph: &Graph, id: TypeId) -> bool {
    let ty = graph.get(graph.defined(id));
    match ty.kind {
        Kind::Pointer { .. } => true,
        Kind::Struct(_) => {
            matches!(containers::known(ty.definition()), Some(Holds::One(_, class)) if class != Class::Inline)
        }
        _ => false,
    }
}

/// Whether locks, cells and the like are all that there is, around nothing.
pub(crate) fn holds_nothing(graph: &Graph, id: TypeId) -> bool {
    let mut id = graph.defined(id);
    for _ in 0..8 {
        if is_empty(graph, id) {
            return true;
        }
        match containers::known(graph.get(id).definition()) {
            Some(Holds::One(param, Class::Inline)) => {
                match parameter(graph, graph.get(id), param) {
                    Some(inner) => id = graph.defined(inner),
                    None => return false,
                }
            }
            _ => return false,
        }
    }
    false
}

/// The size of a value in bytes, where the debug information tells; of arrays it tells length and
/// element only.
pub(crate) fn size(graph: &Graph, id: TypeId) -> Option<u64> {
    let mut id = graph.defined(id);
    let mut count = 1_u64;
    for _ in 0..crate::limits::MAX_NAME_DEPTH {
        let ty = graph.get(id);
        match ty.kind {
            _ if ty.size_bytes.is_some() => return ty.size_bytes?.checked_mul(count),
            Kind::Array { element: Some(element), len: Some(len) } => {
                count = count.checked_mul(len)?;
                id = graph.defined(element);
            }
            Kind::Alias { target: Some(target) } => id = graph.defined(target),
            Kind::Pointer { .. } => return count.checked_mul(8),
            _ => return None,
        }
    }
    None
}

fn pointer_class(name: &str) -> Class {
    if name.starts_with('&') {
        Class::Borrowed
    } else if names::last_segment(name.split('<').next().unwrap_or(name)) == "Box" {
        Class::Owned
    } else {
        Class::Raw
    }
}

fn structure(graph: &Graph, ty: &Type, members: &[Member]) -> View {
    if let Some(view) = fat_pointer(graph, ty, members) {
        return view;
    }
    if ty.name.starts_with("dyn ") || ty.name.starts_with("(dyn ") {
        return View::Trait(principal_trait(&ty.name));
    }
    if ty.name.starts_with('(') {
        if members.iter().any(|member| member.ty.is_none()) {
            return View::Unseen("the debug information does not tell all its types".to_owned());
        }
        let parts = members.iter().filter_map(|member| {
            let steps = vec![FieldPath::member(&member.name)];
            Some(Part { steps, ty: member.ty? })
        });
        return View::Parts(parts.collect());
    }
    match containers::known(ty.definition()) {
        Some(holds) => known(graph, ty, holds),
        None if containers::cpp::is_std(ty.definition()) => {
            if is_closed(graph, ty) {
                View::Leaf
            } else {
                View::Opaque("it is not in the table of known containers".to_owned())
            }
        }
        None if is_std(ty.definition()) && !is_code(&ty.name) => unknown_std(graph, ty),
        None => match hidden_parameter(graph, ty) {
            Some(why) => View::Opaque(why),
            None => View::Defined,
        },
    }
}

/// Closures and futures are named after the function that made them, even if that is in std.
fn is_code(name: &str) -> bool {
    name.contains("{closure_env#") || name.contains("{async_")
}

/// `&[T]`, `&str`, `Box<[T]>`, `&dyn Trait` and the like are structs of two words.
fn fat_pointer(graph: &Graph, ty: &Type, members: &[Member]) -> Option<View> {
    let [first, second] = members else { return None };
    let Kind::Pointer { target } = graph.get(graph.defined(first.ty?)).kind else { return None };
    match (&*first.name, &*second.name) {
        ("data_ptr", "length") => {
            if ty.name.ends_with("str") || ty.name.contains("Box<str,") {
                return Some(View::Leaf);
            }
            Some(View::Parts(vec![elements(target?)]))
        }
        ("pointer", "vtable") => Some(View::Parts(vec![Part::here(target?)])),
        _ => None,
    }
}

/// `a::Trait<A>` of `(dyn a::Trait<A, Output=u32> + core::marker::Send)`.
pub(crate) fn principal_trait(name: &str) -> String {
    let inside = name.strip_prefix('(').and_then(|name| name.strip_suffix(')')).unwrap_or(name);
    let inside = inside.strip_prefix("dyn ").unwrap_or(inside);
    let mut depth = 0_usize;
    let mut end = inside.len();
    for (at, c) in inside.char_indices() {
        match c {
            '<' | '(' | '[' => depth += 1,
            '>' | ')' | ']' => depth = depth.saturating_sub(1),
            '+' if depth == 0 => {
                end = at;
                break;
            }
            _ => {}
        }
    }
    without_bindings(inside[..end].trim())
}

/// A trait without what it says of associated types, which vtables do not repeat.
pub(crate) fn without_bindings(name: &str) -> String {
    let Some((path, args)) = name.split_once('<') else { return name.to_owned() };
    let Some(args) = args.strip_suffix('>') else { return name.to_owned() };
    let mut kept = Vec::new();
    let mut depth = 0_usize;
    let mut start = 0;
    let mut binding = false;
    for (at, c) in args.char_indices().chain([(args.len(), ',')]) {
        match c {
            '<' | '(' | '[' => depth += 1,
            '>' | ')' | ']' => depth = depth.saturating_sub(1),
            '=' if depth == 0 => binding = true,
            ',' if depth == 0 => {
                if !binding {
                    kept.push(args[start..at].trim());
                }
                start = at + 1;
                binding = false;
            }
            _ => {}
        }
    }
    if kept.is_empty() { path.to_owned() } else { format!("{path}<{}>", kept.join(", ")) }
}

/// The argument of a type parameter. Those of an enum stand at its variants.
fn parameter(graph: &Graph, ty: &Type, name: &str) -> Option<TypeId> {
    let of = |ty: &Type| ty.params.iter().find(|param| *param.name == *name)?.ty;
    match &ty.kind {
        Kind::Enum(variants) => of(ty).or_else(|| {
            let payloads = variants.iter().filter_map(|variant| variant.payload);
            payloads.map(|payload| graph.get(graph.defined(payload))).find_map(of)
        }),
        _ => of(ty),
    }
}

fn known(graph: &Graph, ty: &Type, holds: Holds) -> View {
    let missing =
        |name: &str| View::Opaque(format!("its parameter `{name}` has no debug information"));
    match holds {
        Holds::Nothing | Holds::Phantom => View::Leaf,
        Holds::Host(what) => View::Host(what),
        Holds::Members => match &ty.kind {
            Kind::Struct(members) => {
                let named = members.iter().filter(|member| !member.name.is_empty());
                let part = |member: &Member| {
                    Some(Part { steps: vec![FieldPath::member(&member.name)], ty: member.ty? })
                };
                View::Parts(named.filter_map(part).collect())
            }
            _ => View::Leaf,
        },
        Holds::Each => {
            let mut types: Vec<TypeId> = ty.params.iter().filter_map(|param| param.ty).collect();
            if types.is_empty() {
                types = inherited(graph, ty);
            }
            if types.is_empty() && ty.name.contains('<') && !ty.name.ends_with("<>") {
                return View::Opaque("its parameters have no debug information".to_owned());
            }
            let part = |(ty, index)| Part { steps: vec![Step::Tuple(index)], ty };
            View::Parts(types.into_iter().zip(0..).map(part).collect())
        }
        Holds::One(param, class) => {
            let Some(target) = parameter(graph, ty, param) else { return missing(param) };
            let pointee = graph.get(graph.defined(target));
            match unsized_argument(&ty.name) {
                Unsized::Str => View::Leaf,
                Unsized::Slice => View::Parts(vec![elements(target)]),
                Unsized::No if class == Class::Raw => match untyped::behind(graph, ty, pointee) {
                    Some(untyped) => View::Untyped(untyped),
                    None => View::Parts(vec![Part::here(target)]),
                },
                Unsized::No => View::Parts(vec![Part::here(target)]),
            }
        }
        Holds::Many(param) => match parameter(graph, ty, param) {
            Some(target) => View::Parts(vec![elements(target)]),
            None => missing(param),
        },
        Holds::Stored(param) => match parameter(graph, ty, param) {
            Some(target) => match graph.get(graph.defined(target)).kind {
                Kind::Array { element: Some(element), .. } => View::Parts(vec![elements(element)]),
                _ => View::Parts(vec![elements(target)]),
            },
            None => missing(param),
        },
        Holds::Pairs(key, value) => {
            match (parameter(graph, ty, key), parameter(graph, ty, value)) {
                (Some(key), Some(value)) => View::Parts(vec![
                    Part { steps: vec![Step::Keys], ty: key },
                    Part { steps: vec![Step::Values], ty: value },
                ]),
                (None, _) => missing(key),
                (_, None) => missing(value),
            }
        }
    }
}

/// What the bases of a class hold, the last one's first: gcc writes tuples so, and their parameters
/// not at all.
fn inherited(graph: &Graph, ty: &Type) -> Vec<TypeId> {
    let mut found = Vec::new();
    let Kind::Struct(members) = &ty.kind else { return found };
    let mut stack: Vec<&Member> = members.iter().collect();
    // A damaged file may make a circle.
    for _ in 0..1024 {
        let Some(member) = stack.pop() else { break };
        let Some(id) = member.ty.map(|id| graph.defined(id)) else { continue };
        match &graph.get(id).kind {
            Kind::Struct(members) if member.name.is_empty() => stack.extend(members),
            _ => found.push(id),
        }
    }
    found
}

enum Unsized {
    No,
    Slice,
    Str,
}

/// `Rc<[T]>` and `Rc<str>` show one element as their parameter; only the name tells.
fn unsized_argument(name: &str) -> Unsized {
    match TypeExpr::parse(name) {
        TypeExpr::Path { args, .. } => match args.first() {
            Some(TypeExpr::Slice(_)) => Unsized::Slice,
            Some(TypeExpr::Path { name, .. }) if name == "str" => Unsized::Str,
            _ => Unsized::No,
        },
        _ => Unsized::No,
    }
}

/// A std type without a row: its parameters are what it holds, if they can be seen in it.
fn unknown_std(graph: &Graph, ty: &Type) -> View {
    if let Some(why) = hidden_parameter(graph, ty) {
        return View::Opaque(why);
    }
    let parts = ty.params.iter().filter_map(|param| param.ty).map(Part::here);
    let parts: Vec<Part> = parts.collect();
    if parts.is_empty() { View::Leaf } else { View::Parts(parts) }
}

/// Why a type cannot be looked into, if it has a raw pointer and a parameter that none of its
/// members shows, however far the pointers are followed.
fn hidden_parameter(graph: &Graph, ty: &Type) -> Option<String> {
    let wanted: Vec<TypeId> =
        ty.params.iter().filter_map(|param| param.ty).map(|id| graph.defined(id)).collect();
    if wanted.is_empty() {
        return None;
    }
    let mut seen = std::collections::HashSet::new();
    let mut queue: Vec<TypeId> = Vec::new();
    let mut erased = None;
    let push_members = |ty: &Type, queue: &mut Vec<TypeId>| match &ty.kind {
        Kind::Struct(members) | Kind::Union(members) => {
            queue.extend(members.iter().filter_map(|member| member.ty));
        }
        Kind::Enum(variants) => queue.extend(variants.iter().filter_map(|v| v.payload)),
        Kind::Array { element, .. } => queue.extend(element),
        Kind::Alias { target } => queue.extend(target),
        Kind::Pointer { .. }
        | Kind::Enumeration(_)
        | Kind::Primitive
        | Kind::Function
        | Kind::Declaration => {}
    };
    push_members(ty, &mut queue);
    while let Some(id) = queue.pop() {
        let id = graph.defined(id);
        if !seen.insert(id) || seen.len() > 4096 {
            continue;
        }
        let inner = graph.get(id);
        if let Kind::Pointer { target: Some(target) } = inner.kind {
            let pointee = graph.get(graph.defined(target));
            let is_code = matches!(pointee.kind, Kind::Function);
            // A header, a node or nothing at all: what lies behind it need not be what it says.
            if pointer_class(&inner.name) == Class::Raw && !is_code {
                erased.get_or_insert_with(|| short(inner));
            }
            if !untyped::is_untyped(pointee) {
                queue.push(target);
            }
            continue;
        }
        match containers::known(inner.definition()) {
            // What a known container holds is in the open; its own layout is not looked at.
            Some(Holds::Phantom | Holds::Nothing | Holds::Host(_)) => {}
            Some(Holds::One("T", Class::Raw | Class::Owned)) | None => {
                push_members(inner, &mut queue)
            }
            Some(_) => queue.extend(inner.params.iter().filter_map(|param| param.ty)),
        }
    }
    let erased = erased?;
    let hidden = wanted.iter().find(|id| {
        let ty = graph.get(**id);
        !seen.contains(id) && !is_marker(ty)
    })?;
    Some(format!("it keeps `{}` behind `{erased}`", short(graph.get(*hidden))))
}

/// Allocators, hashers and other types without values need no place in a value.
fn is_marker(ty: &Type) -> bool {
    // Of C++, nothing has no size.
    let is_nothing = matches!(&ty.kind, Kind::Struct(members) if members.is_empty());
    ty.size_bytes == Some(0)
        || is_nothing && ty.size_bytes == Some(1)
        || matches!(containers::known(ty.definition()), Some(Holds::Nothing | Holds::Phantom))
}

/// What of the host a value of this type is, if it is that and nothing else.
pub(crate) fn host(graph: &Graph, mut id: TypeId) -> Option<&'static str> {
    for _ in 0..8 {
        match view(graph, id) {
            View::Host(what) => return Some(what),
            View::Parts(parts) => match &parts[..] {
                [only] => id = only.ty,
                _ => return None,
            },
            View::Leaf
            | View::Defined
            | View::Trait(_)
            | View::Opaque(_)
            | View::Untyped(_)
            | View::Unseen(_) => {
                return None;
            }
        }
    }
    None
}

/// The name of a type for people.
pub(crate) fn short(ty: &Type) -> String {
    names::short(&ty.name)
}

/// The name of a type for people; arrays have none in the debug information.
pub(crate) fn type_text(graph: &Graph, id: TypeId) -> String {
    text(graph, id, false)
}

/// The name of what a type stands for: not that of a `typedef`, which can stand for something else
/// in the next version. Those of the library of C++ stay: they are its names for people.
pub(crate) fn meant_text(graph: &Graph, id: TypeId) -> String {
    text(graph, id, true)
}

/// What a `typedef` of C or C++ that has a name of its own stands for; `None` for all else, and for
/// what has no other name.
fn meant(graph: &Graph, ty: &Type) -> Option<TypeId> {
    let Kind::Alias { target: Some(target) } = ty.kind else { return None };
    if containers::cpp::is_std(ty.definition()) {
        return None;
    }
    let target = graph.defined(target);
    let of = graph.get(target);
    let has_text = !of.name.is_empty()
        || matches!(of.kind, Kind::Alias { .. } | Kind::Array { .. } | Kind::Pointer { .. });
    has_text.then_some(target)
}

fn text(graph: &Graph, id: TypeId, is_meant: bool) -> String {
    let mut text = String::new();
    let mut close = String::new();
    let mut id = graph.defined(id);
    // Arrays nest as deep as the source says; a damaged file may make a circle.
    for _ in 0..crate::limits::MAX_NAME_DEPTH {
        let ty = graph.get(id);
        if is_meant && let Some(target) = meant(graph, ty) {
            id = target;
            continue;
        }
        match &ty.kind {
            Kind::Array { element: Some(element), len } if ty.name.is_empty() => {
                text.push('[');
                let len = len.map_or_else(|| "_".to_owned(), |len| len.to_string());
                close.insert_str(0, &format!("; {len}]"));
                id = graph.defined(*element);
            }
            // Only those of C have no name.
            Kind::Alias { target } if ty.name.is_empty() => match target {
                Some(target) => id = graph.defined(*target),
                None => return text + "void" + &close,
            },
            Kind::Pointer { target } if ty.name.is_empty() => match target {
                Some(target) => {
                    text.push_str("*mut ");
                    id = graph.defined(*target);
                }
                None => return text + "*mut void" + &close,
            },
            Kind::Function if ty.name.is_empty() => return text + "fn" + &close,
            _ if ty.name.is_empty() => {
                text.push('_');
                return text + &close;
            }
            _ => {
                text.push_str(&short(ty));
                return text + &close;
            }
        }
    }
    text + "_" + &close
}
