//! Bringing an old image to the types of a program: by names, and by what the program says of
//! every change.

mod rewrite;

use std::collections::BTreeMap;
use std::fmt;

use samestate_schema::path::FieldPath;
use samestate_schema::types::{Field, TypeRef, Variant};

use crate::SchemaChunk;

pub use rewrite::rewrite;

/// A value as it stands in an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    /// Its bytes among the values.
    pub values: Vec<u8>,
    /// Its long runs of numbers.
    pub blocks: Vec<Vec<u8>>,
    /// Its bytes among the volatile values.
    pub volatile: Vec<u8>,
}

/// Makes the value of a field that the image does not have; in one piece if it is asked for.
pub type Make = fn(whole: bool) -> Result<Encoded, String>;

/// Makes a value from that of another type, which is given as an image of its own; in one piece if
/// it is asked for.
pub type Convert = fn(image: &[u8], whole: bool) -> Result<Encoded, String>;

/// What a program says of changes of its types. Types are those of the program's table.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    /// By type, place of the variant (0 for a struct) and place of the field.
    pub fields: BTreeMap<(TypeRef, usize, usize), FieldNote>,
    /// By type and place of the variant.
    pub variants: BTreeMap<(TypeRef, usize), VariantNote>,
    /// By type.
    pub types: BTreeMap<TypeRef, TypeNote>,
}

/// What a program says of a field.
#[derive(Clone, Debug, Default)]
pub struct FieldNote {
    /// The version of the type that has it first, and its value in images that are older.
    pub since: Option<(u32, Make)>,
    /// Names that it had before.
    pub was: Vec<String>,
    /// Types that it had before.
    pub from: Vec<From>,
}

/// A type that a field had, or that a type was, before.
#[derive(Clone, Copy, Debug)]
pub struct From {
    /// Describes it; `None` if it cannot be described. Only asked for when an image is of other
    /// types than the program.
    pub schema: fn() -> Option<SchemaChunk>,
    /// Makes the value.
    pub convert: Convert,
}

/// What a program says of a variant.
#[derive(Clone, Debug, Default)]
pub struct VariantNote {
    /// The version of the type that has it first.
    pub since: Option<u32>,
    /// Names that it had before.
    pub was: Vec<String>,
}

/// What a program says of a type.
#[derive(Clone, Debug, Default)]
pub struct TypeNote {
    /// Names that it had before.
    pub was: Vec<String>,
    /// Fields, variants and fields of variants (`Variant.field`) that it had before.
    pub removed: Vec<String>,
    /// Types that it was before.
    pub from: Vec<From>,
}

/// Why an image could not be brought to a program's types, though all changes are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvolveError {
    /// The value at fault.
    pub path: FieldPath,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for EvolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}: {}", self.path, self.what)
    }
}

impl std::error::Error for EvolveError {}

impl Notes {
    /// The field of the image that a field of the program was.
    pub(crate) fn old_field(
        &self,
        key: (TypeRef, usize, usize),
        field: &Field,
        old: &[Field],
    ) -> Option<usize> {
        let at = |name: &str| old.iter().position(|other| other.name == name);
        let was = || self.fields.get(&key)?.was.iter().find_map(|name| at(name));
        at(&field.name).or_else(was)
    }

    /// The variant of the program that a variant of the image is now: that of the same id, else of
    /// the same name, else one that had its name before.
    pub(crate) fn new_variant(&self, ty: TypeRef, old: &Variant, new: &[Variant]) -> Option<usize> {
        let same_id = |variant: &Variant| old.id.is_some() && variant.id == old.id;
        let same_name = |variant: &Variant| {
            variant.name == old.name && (old.id.is_none() || variant.id.is_none())
        };
        let was = |number: usize| {
            self.variants.get(&(ty, number)).is_some_and(|note| note.was.contains(&old.name))
        };
        new.iter()
            .position(same_id)
            .or_else(|| new.iter().position(same_name))
            .or_else(|| (0..new.len()).find(|&number| was(number)))
    }

    /// The types that a type was before.
    pub(crate) fn migrations(&self, ty: TypeRef) -> &[From] {
        self.types.get(&ty).map_or(&[], |note| &note.from)
    }

    /// Whether a type had this name before.
    pub(crate) fn had_name(&self, ty: TypeRef, name: &str) -> bool {
        self.types.get(&ty).is_some_and(|note| note.was.iter().any(|was| was == name))
    }

    /// Whether a field or variant was removed.
    pub(crate) fn is_removed(&self, ty: TypeRef, variant: Option<&str>, name: &str) -> bool {
        let name = variant.map_or_else(|| name.to_owned(), |variant| format!("{variant}.{name}"));
        self.types.get(&ty).is_some_and(|note| note.removed.contains(&name))
    }
}
