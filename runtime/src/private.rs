//! What the derive's expansion refers to. Not part of the public interface: it may change with
//! every version.

use std::fmt::Display;
use std::marker::PhantomData;

#[cfg(feature = "serde")]
pub use crate::bridge::{Serde, serde_restore, serde_save, serde_schema};
pub use crate::dynamic::{
    Casts, Dynamic, Implementer, Slot, dangling_dyn_arc, dangling_dyn_rc, dyn_schema,
    restore_dyn_arc, restore_dyn_box, restore_dyn_rc, save_dyn,
};
pub use crate::fixed::{
    fixed_len, get_fixed, get_variant, put_fixed, put_variant, restore_fixed, save_fixed,
};
pub use crate::hooks::{after_restore, before_save, hooked_restore, hooked_save, restore_hook};
pub use crate::objects::Place;
pub use crate::pointee::{build_arc, build_rc};
pub use crate::recognized::{
    Borrowed, Channel, Clock, Closure, Guard, OpenFile, Process, Running, Socket, Untyped, Waiting,
    asked,
};
pub use core::option::Option;
pub use core::result::Result;
pub use samestate_schema::record::{Shape, assemble, assembled_len};
pub use samestate_schema::treatment::SkipPolicy;
pub use std::boxed::Box;
pub use std::rc::{Rc, Weak as RcWeak};
pub use std::sync::{Arc, Weak as ArcWeak};

pub use samestate_image::evolve::{Encoded, From};

use crate::error::RestoreErrorKind;
use crate::save::Written;
use crate::{Checkpoint, RestoreError, Restorer, SaveError, Saver};

/// A record as it stands in its section: bytes only, and in its type that of the annotated item,
/// so that debug information leads from one to the other.
#[repr(C)]
pub struct Record<T: ?Sized, const N: usize> {
    bytes: [u8; N],
    of: PhantomData<fn(&T)>,
}

impl<T: ?Sized, const N: usize> Record<T, N> {
    /// A record of these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; N]) -> Self {
        Self { bytes, of: PhantomData }
    }

    /// Where it stands in memory.
    #[must_use]
    pub fn addr(&'static self) -> u64 {
        self.bytes.as_ptr().addr() as u64
    }
}

/// Reads the number of one of `variants` variants.
#[inline]
pub fn variant(restorer: &mut Restorer<'_>, variants: usize) -> Result<u32, RestoreError> {
    let number = match samestate_image::layout::variant_width(variants) {
        1 => u32::from(restorer.array::<1>()?[0]),
        2 => u32::from(u16::from_le_bytes(restorer.array()?)),
        _ => u32::from_le_bytes(restorer.array()?),
    };
    if (number as usize) < variants { Ok(number) } else { Err(restorer.bad_value("variant")) }
}

/// Looks at the number of one of `variants` variants, and reads it if it is `expected`.
#[inline]
pub fn variant_is(
    restorer: &mut Restorer<'_>,
    variants: usize,
    expected: u32,
) -> Result<bool, RestoreError> {
    let same = restorer.peek(|restorer| variant(restorer, variants))? == expected;
    if same {
        variant(restorer, variants)?;
    }
    Ok(same)
}

/// Writes the number of one of `variants` variants.
#[inline]
pub fn save_variant(saver: &mut Saver<'_>, number: u32, variants: usize) {
    let width = samestate_image::layout::variant_width(variants);
    saver.bytes(&number.to_le_bytes()[..width]);
}

/// Bytes that the number of a variant takes.
#[must_use]
pub const fn variant_len(variants: usize) -> usize {
    samestate_image::layout::variant_width(variants)
}

/// A value as it stands in an image; in one piece if it goes into a key or a volatile field.
pub fn encoded<T>(value: &T, save: Save<T>, whole: bool) -> Result<Encoded, String> {
    let mut saver = if whole { Saver::in_one_piece() } else { Saver::default() };
    save(value, &mut saver).map_err(|error| error.to_string())?;
    let Written { values, blocks, volatile } = saver.into_parts();
    let blocks = blocks.into_iter().map(std::borrow::Cow::into_owned).collect();
    Ok(Encoded { values, blocks, volatile })
}

/// A value of a type that a field, or the type itself, had.
fn old<T: Checkpoint>(image: &[u8]) -> Result<T, String> {
    crate::from_slice(image).map_err(|error| error.to_string())
}

/// The value of a field, made by a function from that of another type.
pub fn converted<Old: Checkpoint, New>(
    image: &[u8],
    convert: impl FnOnce(Old) -> New,
) -> Result<New, String> {
    old(image).map(convert)
}

/// The value of a field or a type, made by a function that may fail from that of another type.
pub fn try_converted<Old: Checkpoint, New, E: Display>(
    image: &[u8],
    convert: impl FnOnce(Old) -> Result<New, E>,
) -> Result<New, String> {
    convert(old(image)?).map_err(|error| error.to_string())
}

/// Saves a field by the function of a module.
pub fn save_with<'v, T>(
    save: Save<T>,
    value: &'v T,
    saver: &mut Saver<'v>,
) -> Result<(), SaveError> {
    save(value, saver)
}

/// Restores a field by the function of a module.
pub fn restore_with<T>(
    restore: Restore<T>,
    restorer: &mut Restorer<'_>,
) -> Result<T, RestoreError> {
    restore(restorer)
}

/// What restores a value of a field.
pub type Restore<T> = fn(&mut Restorer<'_>) -> Result<T, RestoreError>;

/// What saves a value of a field.
pub type Save<T> = for<'s, 'v> fn(&'v T, &'s mut Saver<'v>) -> Result<(), SaveError>;

/// The description of a type that a field had.
#[must_use]
pub fn chunk<T: Checkpoint>() -> Option<samestate_image::SchemaChunk> {
    crate::schema::Program::of::<T>().ok().map(|program| program.chunk)
}

/// What a function that rebuilds a field returned.
pub fn rebuilt<T, E: Display>(
    restorer: &Restorer<'_>,
    field: &'static str,
    result: Result<T, E>,
) -> Result<T, RestoreError> {
    result.map_err(|error| {
        let message = error.to_string();
        restorer.error(RestoreErrorKind::Rebuild { field, message })
    })
}
