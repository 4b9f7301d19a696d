//! What the graph is made of: types, as the compiler laid them out.

/// The index of a type in its [`Graph`](super::Graph).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TypeId(pub(crate) u32);

impl TypeId {
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A type: one per qualified name and layout.
#[derive(Clone, Debug)]
pub(crate) struct Type {
    /// The qualified name with its generic arguments; empty for arrays and unnamed pointers.
    pub(crate) name: Box<str>,
    /// Length in bytes of the part of the name that its definition has: without arguments.
    pub(crate) definition_len: u32,
    /// Size in bytes, if the compiler told.
    pub(crate) size_bytes: Option<u64>,
    /// Alignment in bytes, if the compiler told.
    pub(crate) align_bytes: Option<u64>,
    /// What tells the variants of an enum apart that holds data, if anything does.
    pub(crate) discriminant: Option<Box<Discriminant>>,
    /// What it is.
    pub(crate) kind: Kind,
    /// Its type parameters, in order.
    pub(crate) params: Box<[Param]>,
}

impl Type {
    /// The name of its definition: `sim::Grid` of `sim::Grid<f32>`.
    pub(crate) fn definition(&self) -> &str {
        &self.name[..self.definition_len as usize]
    }
}

/// What a type is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// A struct, a tuple, a closure.
    Struct(Box<[Member]>),
    /// A union; which member is alive cannot be told.
    Union(Box<[Member]>),
    /// An enum whose variants hold data. Each variant's fields are those of its payload type.
    Enum(Box<[Variant]>),
    /// An enum of numbers.
    Enumeration(Box<[Enumerator]>),
    /// An array, with its length if that is known.
    Array { element: Option<TypeId>, len: Option<u64> },
    /// A pointer of any kind; the name tells `Box`, `&` and `*` apart.
    Pointer { target: Option<TypeId> },
    /// Another name for a type, or a qualifier of it.
    Alias { target: Option<TypeId> },
    /// A number, a truth value, a character, `()`, `!`.
    Primitive,
    /// Code.
    Function,
    /// Only declared; the definition is in none of the units that were read.
    Declaration,
}

/// A field.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// Its name; DWARF calls tuple fields `__0`.
    pub(crate) name: Box<str>,
    /// Its type; `None` if the debug information refers to nothing readable.
    pub(crate) ty: Option<TypeId>,
    /// Where it stands in the type.
    pub(crate) offset_bytes: u64,
    /// Which bits it has, if it is a bit field.
    pub(crate) bits: Option<BitField>,
}

/// The bits of a bit field, from the byte on that it starts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BitField {
    /// The first one in its byte, 0 to 7.
    pub(crate) first: u8,
    /// How many there are.
    pub(crate) len: u16,
}

/// A variant of an enum that holds data.
#[derive(Clone, Debug)]
pub(crate) struct Variant {
    /// Its name.
    pub(crate) name: Box<str>,
    /// The struct of its fields.
    pub(crate) payload: Option<TypeId>,
}

/// What tells the variants of an enum apart: a number of its own, or a niche in one of the fields.
#[derive(Clone, Debug)]
pub(crate) struct Discriminant {
    /// Where it stands in the enum.
    pub(crate) offset_bytes: u64,
    /// Its type.
    pub(crate) ty: Option<TypeId>,
    /// What it is for each variant; the one that is not named has all other values.
    pub(crate) values: Box<[(Box<str>, i128)]>,
}

/// A variant of an enum of numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Enumerator {
    /// Its name.
    pub(crate) name: Box<str>,
    /// Its number.
    pub(crate) value: i128,
}

/// A type parameter with its argument.
#[derive(Clone, Debug)]
pub(crate) struct Param {
    /// The name in the definition, such as `T`.
    pub(crate) name: Box<str>,
    /// The argument.
    pub(crate) ty: Option<TypeId>,
}
