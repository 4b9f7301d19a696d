//! Asking for memory before it is needed, where the order of values is not that of memory.

/// Bytes that move between memory and caches at once, on most processors.
const LINE: usize = 64;

/// How many lines of one value are asked for; the processor finds those behind them itself.
const LINES: usize = 6;

/// How many values before its turn a value is asked for, and how many before that what tells where
/// it is.
pub(crate) const AHEAD: usize = 8;

/// Asks the processor to fetch a value, the beginning of it if it is long.
#[inline]
pub(crate) fn fetch<T>(values: &[T]) {
    let start = values.as_ptr().cast::<u8>();
    for line in 0..size_of_val(values).div_ceil(LINE).min(LINES) {
        fetch_line(start.wrapping_add(line * LINE));
    }
}

#[inline]
#[cfg(all(target_arch = "x86_64", not(miri)))]
fn fetch_line(at: *const u8) {
    use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

    // SAFETY: every x86-64 has it, and it is only a hint, whatever the address.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast::<i8>()) };
}

#[inline]
#[cfg(not(all(target_arch = "x86_64", not(miri))))]
fn fetch_line(_: *const u8) {}
