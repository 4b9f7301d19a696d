//! Copying long runs of bytes, past the processor's caches if they are very long.
//!
//! What is stored the usual way is first fetched from memory, line by line, because a store may
//! leave a part of its line as it was. A copy of many megabytes moves a third less without that,
//! and leaves in the caches what the program has there.

use core::mem::MaybeUninit;

/// Of what is this long, little would be in a cache when it is used.
pub const STREAM_MIN: usize = 8 << 20;

/// What memory is written by. To write one partly the usual way and partly past the caches, or in
/// two goes, takes many times as long.
const LINE: usize = 64;

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

/// Appends, past the caches, pieces that `make` puts at the start of what it gets, until it makes
/// none; it returns how long they are. `look` sees each of them.
pub fn append_made(
    out: &mut Vec<u8>,
    mut make: impl FnMut(&mut [u8]) -> usize,
    mut look: impl FnMut(&[u8]),
) {
    let _fence = Fence;
    let mut made = [0; LINE + PIECE];
    // What is at the start of it and waits for the rest of its line.
    let mut held = 0;
    loop {
        let len = make(&mut made[held..held + PIECE]).min(PIECE);
        look(&made[held..held + len]);
        let all = held + len;
        out.reserve(all);
        let place = out.spare_capacity_mut();
        let ready = if len == 0 { all } else { whole_lines(to_line(place), all) };
        copy_streamed(&made[..ready], &mut place[..ready]);
        let longer = out.len() + ready;
        // SAFETY: there is room for `ready` more, and all of them were written just now.
        unsafe { out.set_len(longer) };
        made.copy_within(ready..all, 0);
        held = all - ready;
        if len == 0 {
            break;
        }
    }
}

/// How many bytes of `place` come before the first that starts a line of memory. `None` if that
/// cannot be told: `align_offset` may always say so.
fn to_line(place: &[MaybeUninit<u8>]) -> Option<usize> {
    Some(place.as_ptr().align_offset(LINE)).filter(|&head| head < LINE)
}

/// How many of `len` bytes end where a line does, if `head` come before the first line. Where there
/// are no lines, there is none to wait for.
fn whole_lines(head: Option<usize>, len: usize) -> usize {
    let Some(head) = head else { return len };
    len.checked_sub(head).map_or(0, |body| head + body / LINE * LINE)
}

/// Writes all of `to`, which must be as long as `from`; `look` sees each piece before it is copied.
///
/// # Panics
/// If the lengths differ.
pub fn copy(from: &[u8], to: &mut [MaybeUninit<u8>], stores: Stores, mut look: impl FnMut(&[u8])) {
    assert_eq!(from.len(), to.len());
    let _fence = (stores == Stores::Streamed).then_some(Fence);
    // Then every piece starts where a line does.
    let head = to_line(to).unwrap_or(0).min(to.len());
    let ((head, from), (to_head, to)) = (from.split_at(head), to.split_at_mut(head));
    look(head);
    copy_cached(head, to_head);
    for (from, to) in from.chunks(PIECE).zip(to.chunks_mut(PIECE)) {
        look(from);
        match stores {
            Stores::Cached => copy_cached(from, to),
            Stores::Streamed => copy_streamed(from, to),
        }
    }
}

/// Writes as much of `to` as both have.
fn copy_cached(from: &[u8], to: &mut [MaybeUninit<u8>]) {
    let len = from.len().min(to.len());
    // SAFETY: both are slices of at least `len` bytes; one is borrowed mutably, so they do not
    // overlap.
    unsafe { core::ptr::copy_nonoverlapping(from.as_ptr(), to.as_mut_ptr().cast::<u8>(), len) };
}

/// Writes as much of `to` as both have. Nobody may look at it before the next [`Fence`] is dropped.
#[cfg(all(target_arch = "x86_64", not(miri)))]
fn copy_streamed(from: &[u8], to: &mut [MaybeUninit<u8>]) {
    use core::arch::x86_64::{__m128i, _mm_loadu_si128, _mm_stream_si128};

    /// Bytes that are stored at once.
    const UNIT: usize = size_of::<__m128i>();

    // Behind these, `to` is aligned to a line.
    let Some(head) = to_line(to) else { return copy_cached(from, to) };
    let head = head.min(to.len()).min(from.len());
    let ((head, from), (to_head, to)) = (from.split_at(head), to.split_at_mut(head));
    copy_cached(head, to_head);
    let body = from.len().min(to.len()) / LINE * LINE;
    let ((body, tail), (to_body, to_tail)) = (from.split_at(body), to.split_at_mut(body));
    copy_cached(tail, to_tail);
    let (units, places) = (body.chunks_exact(UNIT), to_body.chunks_exact_mut(UNIT));
    for (unit, place) in units.zip(places) {
        // SAFETY: a slice of `UNIT` bytes is read, which needs no alignment here.
        let unit = unsafe { _mm_loadu_si128(unit.as_ptr().cast()) };
        // SAFETY: a slice of `UNIT` bytes is written, which is borrowed mutably. `to_body` is
        // aligned to a line or empty, and this is a multiple of `UNIT`, of which lines are made,
        // behind its start.
        unsafe { _mm_stream_si128(place.as_mut_ptr().cast(), unit) };
    }
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
fn copy_streamed(from: &[u8], to: &mut [MaybeUninit<u8>]) {
    copy_cached(from, to);
}

/// When dropped, lets streamed stores come before everything that follows.
struct Fence;

impl Drop for Fence {
    fn drop(&mut self) {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        // SAFETY: every x86-64 has it.
        unsafe {
            core::arch::x86_64::_mm_sfence();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{PIECE, Stores, append, append_made, whole_lines};

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

    #[test]
    fn where_no_line_starts_nothing_waits_for_one() {
        assert_eq!(whole_lines(None, PIECE + 7), PIECE + 7);
        assert_eq!([4, 68, 69, 140].map(|len| whole_lines(Some(5), len)), [0, 5, 69, 133]);
    }

    #[test]
    fn what_is_made_in_pieces_arrives() {
        let bytes: Vec<u8> = (0..=255).cycle().take(3 * PIECE).collect();
        let mut left = &bytes[..];
        let (mut out, mut seen) = (vec![1], Vec::new());
        let make = |place: &mut [u8]| {
            let (made, rest) = left.split_at(left.len().min(1001));
            place[..made.len()].copy_from_slice(made);
            left = rest;
            made.len()
        };
        append_made(&mut out, make, |piece| seen.extend_from_slice(piece));
        assert!(out[1..] == bytes && seen == bytes);
    }
}
