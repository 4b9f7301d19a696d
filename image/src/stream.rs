//! Copying long runs of bytes, past the processor's caches if they are very long.
//!
//! What is stored the usual way is first fetched from memory, line by line, because a store may
//! leave a part of its line as it was. A copy of many megabytes moves a third less without that,
//! and leaves in the caches what the program has there.

use core::mem::MaybeUninit;

/// Of what is this long, little would be in a cache when it is used.
pub const STREAM_MIN: usize = 8 << 20;

/// How many bytes are copied at once: what looks at them, too, finds them in the innermost cache.
const PIECE: usize = 4 * 1024;

/// How to store what is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stores {
    /// The usual way: it is used soon.
    Cached,
    /// Past the caches.
    Streamed,
}

impl Stores {
    /// For a result of this many bytes.
    #[must_use]
    pub const fn of(len: usize) -> Self {
        if len < STREAM_MIN { Self::Cached } else { Self::Streamed }
    }
}

/// Appends bytes; `look` sees each piece of them before it is copied.
pub fn append(out: &mut Vec<u8>, bytes: &[u8], stores: Stores, look: impl FnMut(&[u8])) {
    out.reserve(bytes.len());
    copy(bytes, &mut out.spare_capacity_mut()[..bytes.len()], stores, look);
    let len = out.len() + bytes.len();
    // SAFETY: there is room for `bytes.len()` more, and all of them were written just now.
    unsafe { out.set_len(len) };
}

/// Writes all of `to`, which must be as long as `from`; `look` sees each piece before it is copied.
///
/// # Panics
/// If the lengths differ.
pub fn copy(from: &[u8], to: &mut [MaybeUninit<u8>], stores: Stores, mut look: impl FnMut(&[u8])) {
    assert_eq!(from.len(), to.len());
    for (from, to) in from.chunks(PIECE).zip(to.chunks_mut(PIECE)) {
        look(from);
        match stores {
            Stores::Cached => copy_cached(from, to),
            Stores::Streamed => copy_streamed(from, to),
        }
    }
    if stores == Stores::Streamed {
        fence();
    }
}

/// Writes as much of `to` as both have.
fn copy_cached(from: &[u8], to: &mut [MaybeUninit<u8>]) {
    let len = from.len().min(to.len());
    // SAFETY: both are slices of at least `len` bytes; one is borrowed mutably, so they do not
    // overlap.
    unsafe { core::ptr::copy_nonoverlapping(from.as_ptr(), to.as_mut_ptr().cast::<u8>(), len) };
}

/// Writes as much of `to` as both have. Nobody may look at it before the next [`fence`].
#[cfg(all(target_arch = "x86_64", not(miri)))]
fn copy_streamed(from: &[u8], to: &mut [MaybeUninit<u8>]) {
    use core::arch::x86_64::{__m128i, _mm_loadu_si128, _mm_stream_si128};

    /// Bytes that are stored at once.
    const UNIT: usize = size_of::<__m128i>();

    // Behind these, `to` is aligned to a unit.
    let head = to.as_ptr().align_offset(UNIT).min(to.len()).min(from.len());
    let ((head, from), (to_head, to)) = (from.split_at(head), to.split_at_mut(head));
    copy_cached(head, to_head);
    let (units, mut places) = (from.chunks_exact(UNIT), to.chunks_exact_mut(UNIT));
    let tail = units.remainder();
    for (unit, place) in units.zip(&mut places) {
        // SAFETY: a slice of `UNIT` bytes is read, which needs no alignment here.
        let unit = unsafe { _mm_loadu_si128(unit.as_ptr().cast()) };
        // SAFETY: a slice of `UNIT` bytes is written, which is borrowed mutably. `to` is aligned
        // to `UNIT` or shorter than that, and this is a multiple of `UNIT` behind its start.
        unsafe { _mm_stream_si128(place.as_mut_ptr().cast(), unit) };
    }
    copy_cached(tail, places.into_remainder());
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
fn copy_streamed(from: &[u8], to: &mut [MaybeUninit<u8>]) {
    copy_cached(from, to);
}

/// Lets streamed stores come before everything that follows.
fn fence() {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: every x86-64 has it.
    unsafe {
        core::arch::x86_64::_mm_sfence();
    }
}

#[cfg(test)]
mod tests {
    use super::{PIECE, Stores, append};

    #[test]
    fn every_byte_arrives_wherever_it_starts() {
        let bytes: Vec<u8> = (0..=255).cycle().take(3 * PIECE).collect();
        for stores in [Stores::Cached, Stores::Streamed] {
            for start in 0..40 {
                for len in [0, 1, 15, 16, 17, 63, 64, 65, PIECE - 1, PIECE, 2 * PIECE + 7] {
                    let mut out = Vec::with_capacity(bytes.len());
                    out.extend_from_slice(&bytes[..start]);
                    let mut seen = Vec::new();
                    append(&mut out, &bytes[7..7 + len], stores, |piece| {
                        seen.extend_from_slice(piece);
                    });
                    assert!(out[..start] == bytes[..start]);
                    assert!(out[start..] == bytes[7..7 + len], "{len} bytes at {start}");
                    assert!(seen == bytes[7..7 + len], "{len} bytes at {start}");
                }
            }
        }
    }
}
