use core::fmt;

use samestate_schema::types::{Table, Type, TypeRef};

/// Deepest nesting that is spelled out; a forged table may nest without bound.
const DEPTH: u32 = 6;

/// A type as people write it.
pub(super) struct Spelled<'a>(pub(super) &'a Table, pub(super) TypeRef);

impl fmt::Display for Spelled<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        spell(self.0, self.1, DEPTH, f)
    }
}

fn spell(table: &Table, ty: TypeRef, depth: u32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Some(ty) = table.get(ty).filter(|_| depth > 0) else { return f.write_str("…") };
    let mut one = |before: &str, inner: TypeRef, after: &str| {
        f.write_str(before)?;
        spell(table, inner, depth - 1, f)?;
        f.write_str(after)
    };
    match ty {
        Type::Primitive(primitive) => f.write_str(primitive.name()),
        Type::Str => f.write_str("String"),
        Type::Option(inner) => one("Option<", *inner, ">"),
        Type::Sequence(inner) => one("Vec<", *inner, ">"),
        Type::Set(inner) => one("Set<", *inner, ">"),
        Type::Array(inner, len) => one("[", *inner, &format!("; {len}]")),
        Type::Map(key, value) => {
            one("Map<", *key, ", ")?;
            one("", *value, ">")
        }
        Type::Tuple(types) => {
            f.write_str("(")?;
            // As many as fit into a line; the rest is seen in the image itself.
            for (index, ty) in types.iter().take(12).enumerate() {
                f.write_str(if index > 0 { ", " } else { "" })?;
                spell(table, *ty, depth - 1, f)?;
            }
            f.write_str(if types.len() > 12 { ", …)" } else { ")" })
        }
        Type::Struct(def) => f.write_str(&def.name),
        Type::Enum(def) => f.write_str(&def.name),
        Type::Opaque(name) => f.write_str(name),
        Type::Shared(inner) => one("Shared<", *inner, ">"),
        Type::Weak(inner) => one("Weak<", *inner, ">"),
        Type::Dyn(def) => write!(f, "dyn {}", def.name),
    }
}
