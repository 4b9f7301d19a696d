//! Raw pointers whose types do not tell what is behind them.

use crate::containers;
use crate::graph::{Graph, Kind, Member, Type};
use crate::names::{self, is_std};
use crate::value::is_empty;
use crate::view::short;

/// A pointer that leads nowhere as far as types tell.
#[derive(Debug)]
pub(crate) struct Untyped {
    pub(crate) why: String,
    /// The full name of what it is said to point to, where that is no mere byte.
    pub(crate) target: Option<String>,
    /// Whether tags of C and C++ can tell more.
    pub(crate) is_tagged: bool,
}

impl Untyped {
    /// A pointer that names no type; those of C have no name of their own.
    pub(crate) fn without_type(ty: &Type) -> Self {
        let is_tagged = ty.name.is_empty();
        let why = if is_tagged {
            "it is a pointer without a type or a length: `__cr_as` or `__cr_len` can tell"
                .to_owned()
        } else {
            format!("`{}` is a pointer without a type", short(ty))
        };
        Self { why, target: None, is_tagged }
    }
}

/// What is to be said of a raw pointer to this type, if the type does not describe what is there.
pub(crate) fn behind(graph: &Graph, ty: &Type, pointee: &Type) -> Option<Untyped> {
    if is_untyped(pointee) {
        return Some(Untyped::without_type(ty));
    }
    let why = foreign(graph, pointee)?;
    let target = Some(pointee.definition().to_owned());
    Some(Untyped { why, target, is_tagged: ty.name.is_empty() })
}

/// What a raw pointer is said to point to when nothing is said about it.
pub(crate) fn is_untyped(pointee: &Type) -> bool {
    matches!(&*pointee.name, "()" | "u8" | "i8" | "void" | "unsigned char" | "signed char")
        || is_std(pointee.definition()) && names::last_segment(pointee.definition()) == "c_void"
}

/// Why only others know what is behind a raw pointer to this type: it is a name without contents.
/// Rust writes the types of libraries in C so (`enum sqlite3 {}`, `struct FILE([u8; 0])`), C and
/// C++ declare them.
fn foreign(graph: &Graph, pointee: &Type) -> Option<String> {
    let name = pointee.definition();
    if is_std(name) || containers::cpp::is_std(name) || containers::known(name).is_some() {
        return None;
    }
    let is_nothing = match &pointee.kind {
        Kind::Declaration => {
            return Some(format!(
                "`{}` is only declared in the debug information, so nothing tells what the \
                 pointer leads to",
                short(pointee)
            ));
        }
        Kind::Struct(members) if pointee.size_bytes == Some(0) => {
            let is_empty = |member: &Member| member.ty.is_some_and(|ty| is_empty(graph, ty));
            !pointee.name.starts_with("dyn ")
                && !pointee.name.starts_with("(dyn ")
                && members.iter().all(is_empty)
        }
        Kind::Enum(variants) => variants.is_empty() && pointee.size_bytes == Some(0),
        _ => false,
    };
    is_nothing.then(|| {
        format!("`{}` has no contents, so it stands for a type of somebody else's", short(pointee))
    })
}
