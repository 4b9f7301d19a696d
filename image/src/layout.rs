//! Sizes, alignments and limits that encoder and decoder must agree on.

use samestate_schema::types::{Primitive, Type, TypeRef};

/// Numbers that take at least this many bytes together stand in a block of their own; fewer stand
/// among the values.
pub const BLOCK_MIN: usize = 4096;

/// Blocks of at least this many bytes start at a multiple of [`PAGE`].
pub const PAGE_ALIGNED_MIN: u64 = 64 * 1024;

/// What every chunk's offset is a multiple of.
pub const ALIGN: u64 = 64;

/// What the offset of a long block is a multiple of, so that it can be mapped.
pub const PAGE: u64 = 4096;

/// How many levels of heap containers (`Box`, `Vec`, maps, …) may contain each other. The same
/// when saving and when restoring, so that what was saved can be restored.
pub const DEPTH_LIMIT: u32 = 256;

/// A level counts once more for every so many bytes that its values take in memory.
pub const DEPTH_UNIT: usize = 512;

/// How many levels there may be in any case, however large their values are.
pub const DEPTH_FREE: u32 = 8;

/// How many values that take no bytes one container may hold, beyond the bytes that there are.
pub const EMPTY_LIMIT: u64 = 1 << 16;

/// How much memory all values that take no bytes may take together, whatever containers and boxes
/// they are in.
pub const EMPTY_MEMORY: u64 = 1 << 26;

/// How many bytes of memory each of them counts for at least.
pub const EMPTY_WEIGHT: u64 = 64;

/// Longest schema chunk in bytes: types take more memory than bytes.
pub const SCHEMA_LIMIT: usize = 1 << 22;

/// Longest canonical text in bytes that is made to hash a type.
pub const CANONICAL_LIMIT: usize = 1 << 24;

/// What a length below this takes: one byte. Longer ones take this byte and eight more.
pub const LONG_LEN: u8 = 255;

/// What a pointer to a shared object starts with: 0 for an object that follows right here, 1 for
/// one that follows and holds weak pointers to itself; the object `n` that was met before is
/// `n + NEW_OBJECT_CODES`. Weak pointers count one higher, because 0 says that the object is gone.
pub const NEW_OBJECT_CODES: u64 = 2;

/// The next multiple of `align`, a power of two; `None` past the end of the numbers.
#[must_use]
pub fn align_up(offset: u64, align: u64) -> Option<u64> {
    Some(offset.checked_add(align - 1)? & !(align - 1))
}

/// How many bytes the number of a variant takes.
#[must_use]
pub const fn variant_width(variants: usize) -> usize {
    if variants <= 1 << 8 {
        1
    } else if variants <= 1 << 16 {
        2
    } else {
        4
    }
}

/// Whether runs of this primitive may stand in a block: every pattern of bits is a value.
#[must_use]
pub const fn is_number(primitive: Primitive) -> bool {
    !matches!(primitive, Primitive::Unit | Primitive::Bool | Primitive::Char)
}

/// If values of this type are nothing but a fixed number of equal numbers: that number's type,
/// and how many bytes a value takes.
#[must_use]
pub fn plain(types: &[Type], ty: TypeRef) -> Option<(Primitive, u64)> {
    let mut count = 1_u64;
    let mut ty = ty;
    // It ends because a valid table has no array that contains itself.
    loop {
        match types.get(ty.0 as usize)? {
            Type::Primitive(primitive) if is_number(*primitive) => {
                return Some((*primitive, count.checked_mul(primitive.size() as u64)?));
            }
            Type::Array(inner, len) => {
                count = count.checked_mul(*len)?;
                ty = *inner;
            }
            _ => return None,
        }
    }
}
