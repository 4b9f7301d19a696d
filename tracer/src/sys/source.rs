//! What the kernel gives to everybody alike: the time, and random bytes.

use std::io;

use super::check;

/// A clock, in seconds and nanoseconds; an error if it is none.
pub(crate) fn clock(id: libc::clockid_t) -> io::Result<(i64, i64)> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the C library or the kernel writes one timespec to the address of `time`.
    check(unsafe { libc::clock_gettime(id, &raw mut time) }.into())?;
    Ok((time.tv_sec, time.tv_nsec))
}

/// Fills a buffer with random bytes.
pub(crate) fn random(buffer: &mut [u8]) -> io::Result<()> {
    // SAFETY: the kernel writes at most as many bytes as the borrowed buffer has.
    let got = unsafe { libc::getrandom(buffer.as_mut_ptr().cast(), buffer.len(), 0) };
    let got = usize::try_from(check(got as i64)?).unwrap_or(0);
    if got == buffer.len() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}
