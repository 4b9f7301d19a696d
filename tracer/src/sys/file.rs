//! What the standard library cannot do with files.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::check;

/// Locks a file for its holder alone; false if somebody else holds it. The lock ends with the
/// descriptor, so also when the process is killed.
pub(crate) fn lock(file: &File) -> io::Result<bool> {
    // SAFETY: takes plain numbers; the descriptor is open while `file` lives.
    let result = unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) };
    match check(result.into()) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes everything durable that was written to the file system on which the file is.
pub(crate) fn sync(file: &File) -> io::Result<()> {
    // SAFETY: takes a plain number; the descriptor is open while `file` lives.
    let result = unsafe { libc::syncfs(file.as_raw_fd()) };
    check(result.into()).map(drop)
}

/// Makes a pipe, a socket or a device; `mode` holds its kind and its permissions.
pub(crate) fn make_node(path: &Path, mode: u32, device: u64) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: the string ends with a NUL and outlives the call.
    let result = unsafe { libc::mknod(path.as_ptr(), mode, device) };
    check(result.into()).map(drop)
}

/// Gives a file of any kind, also one that cannot be opened or is a link, the times of its last
/// access and its last change: seconds and nanoseconds since 1970.
pub(crate) fn set_times(path: &Path, times: [(i64, i64); 2]) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let times = times.map(|(tv_sec, tv_nsec)| libc::timespec { tv_sec, tv_nsec });
    // SAFETY: the string ends with a NUL, and both it and the two times outlive the call.
    let result = unsafe {
        libc::utimensat(libc::AT_FDCWD, path.as_ptr(), times.as_ptr(), libc::AT_SYMLINK_NOFOLLOW)
    };
    check(result.into()).map(drop)
}
