//! The types that an image holds.
//!
//! A [`Table`] describes one root type and everything saved below it. Types refer to each other
//! by index, so recursive types need no special case. Identity is structural from the root: the
//! hash of a type is taken of its [canonical text](Table::canonical), in which types that have a
//! name are numbered in the order in which they are first met, and all others are spelled out.
//! So it does not matter how often a table repeats an unnamed type, or in which order it was
//! built.

mod canonical;
mod encoding;
mod volatile;

use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use crate::record::Shape;
use crate::treatment::Treatment;
use crate::wire::WireError;

/// The index of a type in its [`Table`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeRef(pub u32);

/// A type whose values have a fixed size and no parts. `usize` and `isize` travel as 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are those of the language")]
pub enum Primitive {
    Unit,
    Bool,
    Char,
    U8,
    U16,
    U32,
    U64,
    U128,
    I8,
    I16,
    I32,
    I64,
    I128,
    F32,
    F64,
    Usize,
    Isize,
}

impl Primitive {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 17] = [
        Self::Unit,
        Self::Bool,
        Self::Char,
        Self::U8,
        Self::U16,
        Self::U32,
        Self::U64,
        Self::U128,
        Self::I8,
        Self::I16,
        Self::I32,
        Self::I64,
        Self::I128,
        Self::F32,
        Self::F64,
        Self::Usize,
        Self::Isize,
    ];

    /// The name in Rust.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unit => "()",
            Self::Bool => "bool",
            Self::Char => "char",
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::U128 => "u128",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::I128 => "i128",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::Usize => "usize",
            Self::Isize => "isize",
        }
    }

    /// Bytes that a value takes in an image.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::Unit => 0,
            Self::Bool | Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::Char | Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 | Self::Usize | Self::Isize => 8,
            Self::U128 | Self::I128 => 16,
        }
    }

    const fn code(self) -> u8 {
        self as u8
    }

    fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

/// A field of a struct or a variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name; a number for tuple fields.
    pub name: String,
    /// What happens to it.
    pub treatment: Treatment,
    /// Its type, if it is saved; the image holds nothing of the others.
    pub ty: Option<TypeRef>,
}

/// A struct: its saved fields follow each other in the order given here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Struct {
    /// The name that images know it by; information, except that it starts a canonical entry.
    pub name: String,
    /// The version of its saved form.
    pub version: u32,
    /// What it looks like.
    pub shape: Shape,
    /// All its fields, those that are not saved too.
    pub fields: Vec<Field>,
}

/// A variant of an enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Its name.
    pub name: String,
    /// Its fixed identity, if it has one; else its name is its identity.
    pub id: Option<u32>,
    /// What it looks like.
    pub shape: Shape,
    /// All its fields, those that are not saved too.
    pub fields: Vec<Field>,
}

/// An enum: in an image, the index of the variant in this list and then its saved fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enum {
    /// The name that images know it by.
    pub name: String,
    /// The version of its saved form.
    pub version: u32,
    /// Its variants.
    pub variants: Vec<Variant>,
}

/// A trait whose implementers are restored by their registered names: in an image, the index of
/// the implementer in this list and then its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dyn {
    /// The name that images know the trait by.
    pub name: String,
    /// The registered names with their types, strictly ascending by name.
    pub implementers: Vec<(String, TypeRef)>,
}

/// One type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// A value of fixed size without parts.
    Primitive(Primitive),
    /// UTF-8 text with its length.
    Str,
    /// Perhaps a value.
    Option(TypeRef),
    /// Any number of values in an order that matters.
    Sequence(TypeRef),
    /// A fixed number of values.
    Array(TypeRef, u64),
    /// Values of different types without names.
    Tuple(Vec<TypeRef>),
    /// Values by key, ordered by their encoded keys.
    Map(TypeRef, TypeRef),
    /// Values without order, ordered by their encoding.
    Set(TypeRef),
    /// A struct.
    Struct(Struct),
    /// An enum.
    Enum(Enum),
    /// Bytes with their length that only the code named here understands.
    Opaque(String),
    /// A pointer to an object that others may own as well; it is saved once.
    Shared(TypeRef),
    /// A pointer that does not own its object, which may be gone.
    Weak(TypeRef),
    /// A trait object.
    Dyn(Dyn),
}

/// A root type and everything saved below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The types, referred to by index.
    pub types: Vec<Type>,
    /// The root.
    pub root: TypeRef,
}

/// Why a table is not one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableError {
    /// Its bytes are malformed.
    Wire(WireError),
    /// A type refers to one that is not there.
    Dangling {
        /// The index that has no type.
        index: u32,
        /// How many types there are.
        types: usize,
    },
    /// A type without a name contains itself, so it has no end.
    Endless {
        /// The index of a type on the cycle.
        index: u32,
    },
    /// A field that is saved has no type, or the other way round.
    FieldType {
        /// The name of the type.
        owner: String,
        /// The name of the field.
        field: String,
    },
    /// A volatile field holds shared objects, which pointers elsewhere might lead to.
    VolatileShared {
        /// The name of the type.
        owner: String,
        /// The name of the field.
        field: String,
    },
    /// A key of a map or set holds a volatile field.
    VolatileKey {
        /// The name of the type with the field.
        owner: String,
        /// The name of the field.
        field: String,
    },
    /// The implementers of a trait are not in the order of their names, or a name stands twice.
    Implementers {
        /// The name of the trait.
        name: String,
    },
}

impl From<WireError> for TableError {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wire(error) => write!(f, "malformed schema table: {error}"),
            Self::Dangling { index, types } => {
                write!(f, "schema table of {types} types refers to type {index}")
            }
            Self::Endless { index } => {
                write!(f, "type {index} of the schema table contains itself without a name")
            }
            Self::FieldType { owner, field } => write!(
                f,
                "field `{owner}.{field}` of the schema table must have a type exactly if it is saved"
            ),
            Self::VolatileShared { owner, field } => write!(
                f,
                "the volatile field `{owner}.{field}` holds `Rc`, `Arc` or `Weak`, whose objects could not \
                 be numbered without comparing it; save it without `volatile`, or skip it"
            ),
            Self::VolatileKey { owner, field } => write!(
                f,
                "a key of a map or set holds the volatile field `{owner}.{field}`, but keys are told apart \
                 by what is compared; use a key without it"
            ),
            Self::Implementers { name } => {
                write!(f, "the implementers of `{name}` in the schema table are not in order")
            }
        }
    }
}

impl core::error::Error for TableError {}

impl Type {
    /// Whether it has a name, and so may contain itself.
    #[must_use]
    pub const fn is_named(&self) -> bool {
        matches!(self, Self::Struct(_) | Self::Enum(_) | Self::Dyn(_))
    }

    /// The types it refers to, in order.
    #[must_use]
    pub fn children(&self) -> Vec<TypeRef> {
        fn saved(fields: &[Field]) -> impl Iterator<Item = TypeRef> + '_ {
            fields.iter().filter_map(|field| field.ty)
        }
        match self {
            Self::Primitive(_) | Self::Str | Self::Opaque(_) => Vec::new(),
            Self::Option(t)
            | Self::Sequence(t)
            | Self::Array(t, _)
            | Self::Set(t)
            | Self::Shared(t)
            | Self::Weak(t) => Vec::from([*t]),
            Self::Map(key, value) => Vec::from([*key, *value]),
            Self::Tuple(types) => types.clone(),
            Self::Struct(def) => saved(&def.fields).collect(),
            Self::Enum(def) => def.variants.iter().flat_map(|v| saved(&v.fields)).collect(),
            Self::Dyn(def) => def.implementers.iter().map(|(_, ty)| *ty).collect(),
        }
    }
}

impl Table {
    /// The type at `index`.
    #[must_use]
    pub fn get(&self, index: TypeRef) -> Option<&Type> {
        self.types.get(index.0 as usize)
    }

    /// Checks what [`Table::decode`] promises of a table built in memory.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn validate(&self) -> Result<(), TableError> {
        let types = self.types.len();
        let known = |t: TypeRef| {
            if (t.0 as usize) < types {
                Ok(())
            } else {
                Err(TableError::Dangling { index: t.0, types })
            }
        };
        known(self.root)?;
        for ty in &self.types {
            ty.children().into_iter().try_for_each(known)?;
            match ty {
                Type::Struct(def) => check_fields(&def.name, &def.fields)?,
                Type::Enum(def) => {
                    def.variants.iter().try_for_each(|v| check_fields(&def.name, &v.fields))?;
                }
                Type::Dyn(def) if !def.implementers.is_sorted_by(|a, b| a.0 < b.0) => {
                    return Err(TableError::Implementers { name: def.name.clone() });
                }
                _ => {}
            }
        }
        self.check_ends()?;
        self.check_volatile()
    }

    /// Checks that types without a name do not contain themselves: a depth-first search with an
    /// explicit stack, because the table may come from a forged image.
    fn check_ends(&self) -> Result<(), TableError> {
        let mut done = BTreeSet::new();
        for start in 0..self.types.len() {
            // Each entry: a type, and whether all below it was visited.
            let mut stack = Vec::from([(start, false)]);
            let mut open = BTreeSet::new();
            while let Some((index, left)) = stack.pop() {
                if left {
                    open.remove(&index);
                    done.insert(index);
                    continue;
                }
                if done.contains(&index) || self.types[index].is_named() {
                    continue;
                }
                if !open.insert(index) {
                    #[expect(clippy::cast_possible_truncation, reason = "it came from a TypeRef")]
                    return Err(TableError::Endless { index: index as u32 });
                }
                stack.push((index, true));
                for child in self.types[index].children() {
                    let child = child.0 as usize;
                    if open.contains(&child) {
                        #[expect(clippy::cast_possible_truncation, reason = "a TypeRef again")]
                        return Err(TableError::Endless { index: child as u32 });
                    }
                    stack.push((child, false));
                }
            }
        }
        Ok(())
    }
}

fn check_fields(owner: &str, fields: &[Field]) -> Result<(), TableError> {
    match fields.iter().find(|f| f.ty.is_some() != f.treatment.is_saved()) {
        Some(field) => {
            Err(TableError::FieldType { owner: owner.to_string(), field: field.name.clone() })
        }
        None => Ok(()),
    }
}
