//! Numbers seen as bytes, and back: the unsafe half of saving runs of numbers.

use core::mem::MaybeUninit;

use samestate_image::stream::{self, Stores};

/// A number, and how it stands in an image: little-endian, `usize` and `isize` as 64 bits.
///
/// # Safety
/// Where [`SAME`](Number::SAME) holds, the type must have `LEN` bytes, none of them padding, and
/// every pattern of bits must be a value.
pub(crate) unsafe trait Number: Copy + Default {
    /// Bytes that it takes in an image.
    const LEN: usize;

    /// Whether it has the same bytes in memory.
    const SAME: bool;

    /// Appends its bytes.
    fn put(self, out: &mut Vec<u8>);

    /// Writes its bytes, of which there are `LEN`.
    fn put_at(self, out: &mut [u8]);

    /// The number that these `LEN` bytes stand for; `None` if it does not fit this machine.
    fn get(bytes: &[u8]) -> Option<Self>;
}

macro_rules! number {
    ($($ty:ident as $wire:ident)*) => {$(
        // SAFETY: `SAME` holds only if the type is as wide as its encoding, and the primitive
        // number types have no padding and no invalid values.
        unsafe impl Number for $ty {
            const LEN: usize = size_of::<$wire>();
            const SAME: bool =
                cfg!(target_endian = "little") && size_of::<$ty>() == size_of::<$wire>();

            #[inline]
            fn put(self, out: &mut Vec<u8>) {
                // Widening at most: `usize` has 64 bits or fewer.
                out.extend_from_slice(&(self as $wire).to_le_bytes());
            }

            #[inline]
            fn put_at(self, out: &mut [u8]) {
                out.copy_from_slice(&(self as $wire).to_le_bytes());
            }

            #[inline]
            fn get(bytes: &[u8]) -> Option<Self> {
                let wire = $wire::from_le_bytes(bytes.try_into().ok()?);
                number!(@narrow $ty $wire wire)
            }
        }
    )*};
    (@narrow f32 f32 $wire:ident) => { Some($wire) };
    (@narrow f64 f64 $wire:ident) => { Some($wire) };
    (@narrow $ty:ident $same:ident $wire:ident) => { $ty::try_from($wire).ok() };
}

number! {
    u8 as u8  u16 as u16  u32 as u32  u64 as u64  u128 as u128  usize as u64
    i8 as i8  i16 as i16  i32 as i32  i64 as i64  i128 as i128  isize as i64
    f32 as f32  f64 as f64
}

/// The encoding of these numbers, where it is what stands in memory.
#[inline]
pub(crate) fn as_encoded<T: Number>(numbers: &[T]) -> Option<&[u8]> {
    if !T::SAME {
        return None;
    }
    let len = size_of_val(numbers);
    // SAFETY: the pointer is that of a slice of `len` bytes, which are all initialized because
    // `Number` promises that there is no padding; `u8` needs no alignment; the bytes are borrowed
    // as long as `numbers` are.
    Some(unsafe { core::slice::from_raw_parts(numbers.as_ptr().cast::<u8>(), len) })
}

/// The numbers that `bytes` encode, by one copy, where memory and encoding are the same.
#[inline]
pub(crate) fn copy_encoded<T: Number>(bytes: &[u8]) -> Option<Vec<T>> {
    if !T::SAME || bytes.len() % T::LEN != 0 {
        return None;
    }
    let count = bytes.len() / T::LEN;
    let mut numbers = Vec::<T>::with_capacity(count);
    // SAFETY: `numbers` has room for `count` numbers, which are `count * T::LEN` bytes because
    // `T::SAME` promises that a number takes `T::LEN`; a new allocation overlaps nothing.
    unsafe {
        core::ptr::copy_nonoverlapping(
            bytes.as_ptr(),
            numbers.as_mut_ptr().cast::<u8>(),
            count * T::LEN,
        );
    }
    // SAFETY: the first `count` numbers were written just now, and every pattern of bits is one.
    unsafe { numbers.set_len(count) };
    Some(numbers)
}

/// As [`copy_encoded`], for many bytes; `look` sees each piece of them before it is copied, and all
/// of them if they are not copied.
pub(crate) fn copy_whole<T: Number>(
    bytes: &[u8],
    stores: Stores,
    look: &mut dyn FnMut(&[u8]),
) -> Option<Vec<T>> {
    let count = bytes.len() / T::LEN;
    let mut numbers = Vec::<T>::new();
    let whole = T::SAME && bytes.len() % T::LEN == 0;
    if !whole || numbers.try_reserve_exact(count).is_err() {
        look(bytes);
        return None;
    }
    let start = numbers.as_mut_ptr().cast::<MaybeUninit<u8>>();
    // SAFETY: `numbers` has room for `count` numbers, which are `bytes.len()` bytes because
    // `T::SAME` promises that a number takes `T::LEN`; nothing else refers to that room.
    let room = unsafe { core::slice::from_raw_parts_mut(start, bytes.len()) };
    stream::copy(bytes, room, stores, look);
    // SAFETY: all of the room was written just now, and every pattern of bits is a number.
    unsafe { numbers.set_len(count) };
    Some(numbers)
}

/// Copies the numbers that `bytes` encode to `numbers`; `false` if that takes more than a copy.
#[inline]
pub(crate) fn copy_into<T: Number>(bytes: &[u8], numbers: &mut [T]) -> bool {
    if !T::SAME || bytes.len() != size_of_val(numbers) {
        return false;
    }
    // SAFETY: both are slices of `bytes.len()` bytes, as was just compared; one is borrowed
    // mutably, so they do not overlap; every pattern of bits is a `T`.
    unsafe {
        core::ptr::copy_nonoverlapping(
            bytes.as_ptr(),
            numbers.as_mut_ptr().cast::<u8>(),
            bytes.len(),
        );
    }
    true
}
