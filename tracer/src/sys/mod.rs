//! The kernel's interface for tracing: the only part of this crate with `unsafe` code.
//!
//! Everything above it works with the types of this module and knows neither registers nor
//! request numbers. What depends on the processor stands in [`arch`].

pub(crate) mod affinity;
pub(crate) mod arch;
pub(crate) mod file;
pub(crate) mod filter;
pub(crate) mod landing;
pub(crate) mod launch;
pub(crate) mod memory;
pub(crate) mod probe;
pub(crate) mod ptrace;
pub(crate) mod source;
pub(crate) mod view;
pub(crate) mod wait;
pub(crate) mod window;

use std::io;

/// A thread of the system, as the kernel numbers it.
pub(crate) type Tid = i32;

/// The error of the system call that just failed, or its result.
fn check(result: i64) -> io::Result<i64> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Whether the error says that the traced thread is gone or no longer stopped: it was killed
/// between two of our requests, and `wait` will tell the rest.
pub(crate) fn is_gone(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ESRCH)
}
