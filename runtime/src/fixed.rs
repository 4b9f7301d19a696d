//! Values that all take equally many bytes, as numbers do, and structs of them: room is made, and
//! looked for, once for a value or for many.

use crate::{Checkpoint, Restorer, Saver};

/// The length of all values of the type, which must have one.
pub(crate) const fn len<T: Checkpoint>() -> usize {
    match T::FIXED_LEN {
        Some(len) => len,
        None => 0,
    }
}

/// The length of all values whose parts have these lengths, if they have.
#[must_use]
pub const fn fixed_len(parts: &[Option<usize>]) -> Option<usize> {
    let (mut len, mut index) = (0, 0);
    while index < parts.len() {
        match parts[index] {
            Some(part) => len += part,
            None => return None,
        }
        index += 1;
    }
    Some(len)
}

/// Writes a value of a fixed length to the beginning of `out`; returns what is behind it.
#[inline]
pub fn put_fixed<'o, T: Checkpoint>(value: &T, out: &'o mut [u8]) -> &'o mut [u8] {
    let (own, rest) = out.split_at_mut(len::<T>());
    T::put_fixed(value, own);
    rest
}

/// Reads a value of a fixed length from the beginning of `bytes`, and leaves there what is behind it.
#[inline]
pub fn get_fixed<T: Checkpoint>(bytes: &mut &[u8], valid: &mut bool) -> T {
    let (own, rest) = bytes.split_at(len::<T>());
    *bytes = rest;
    T::get_fixed(own, valid)
}

/// Writes a value if its type has a fixed length.
#[inline]
pub fn save_fixed<T: Checkpoint>(saver: &mut Saver<'_>, value: &T) -> bool {
    saver.fixed(value)
}

/// Reads a value if its type has a fixed length, and the bytes stand for one.
#[inline]
pub fn restore_fixed<T: Checkpoint>(restorer: &mut Restorer<'_>) -> Option<T> {
    restorer.fixed()
}

/// Writes the number of a variant, as many bytes of it as there are.
#[inline]
pub fn put_variant(number: u32, out: &mut [u8]) {
    let bytes = number.to_le_bytes();
    out.copy_from_slice(&bytes[..out.len()]);
}

/// Reads the number of a variant.
#[inline]
#[must_use]
pub fn get_variant(bytes: &[u8]) -> u32 {
    let mut number = [0; 4];
    number[..bytes.len()].copy_from_slice(bytes);
    u32::from_le_bytes(number)
}
