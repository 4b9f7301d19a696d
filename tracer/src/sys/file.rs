//! What the standard library cannot do with files.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt as _;
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

/// Makes a file share the content of another one, where the file system can do that.
pub(crate) fn share(from: &File, to: &File) -> io::Result<()> {
    // SAFETY: takes plain numbers; both descriptors are open while the files live.
    let result = unsafe { libc::ioctl(to.as_raw_fd(), libc::FICLONE, from.as_raw_fd()) };
    check(result.into()).map(drop)
}

/// Gives an empty file the content of another one, with its holes.
pub(crate) fn copy(from: &File, to: &File) -> io::Result<()> {
    let length = from.metadata()?.len();
    let mut at = 0;
    while at < length {
        let Some(data) = next_data(from, at)? else { break };
        let hole = next(from, data, libc::SEEK_HOLE)?.unwrap_or(length).max(data);
        let (mut from, mut to) = (from, to);
        from.seek(SeekFrom::Start(data))?;
        to.seek(SeekFrom::Start(data))?;
        if io::copy(&mut from.take(hole - data), &mut to)? < hole - data {
            break;
        }
        at = hole;
    }
    if to.metadata()?.len() < length {
        to.set_len(length)?;
    }
    // It may have grown, or not say how long it is.
    let (mut from, mut to) = (from, to);
    from.seek(SeekFrom::Start(length))?;
    to.seek(SeekFrom::Start(length))?;
    io::copy(&mut from, &mut to).map(drop)
}

/// Where the next data is, from an offset on; `None` if there is none.
pub(crate) fn next_data(file: &File, at: u64) -> io::Result<Option<u64>> {
    next(file, at, libc::SEEK_DATA)
}

/// Where the next data or the next hole is; `None` if there is none.
fn next(file: &File, at: u64, what: i32) -> io::Result<Option<u64>> {
    let at = i64::try_from(at).map_err(io::Error::other)?;
    // SAFETY: takes plain numbers; the descriptor is open while `file` lives.
    match check(unsafe { libc::lseek(file.as_raw_fd(), at, what) }) {
        Ok(found) => Ok(u64::try_from(found).ok()),
        Err(error) if error.raw_os_error() == Some(libc::ENXIO) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens a file so that it stays, with no right to its content.
pub(crate) fn hold(path: &Path) -> io::Result<File> {
    File::options().read(true).custom_flags(libc::O_PATH | libc::O_NOFOLLOW).open(path)
}

/// Gives an open file that has at least one name another one.
pub(crate) fn give_name(file: &File, path: &Path) -> io::Result<()> {
    let from = CString::new(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: both strings end with a NUL and outlive the call, as the descriptor does.
    let result = unsafe {
        libc::linkat(
            libc::AT_FDCWD,
            from.as_ptr(),
            libc::AT_FDCWD,
            path.as_ptr(),
            libc::AT_SYMLINK_FOLLOW,
        )
    };
    check(result.into()).map(drop)
}

/// Whether we may write to a file, or put files into a folder.
pub(crate) fn is_writable(path: &Path) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return false };
    // SAFETY: the string ends with a NUL and outlives the call.
    let result =
        unsafe { libc::faccessat(libc::AT_FDCWD, path.as_ptr(), libc::W_OK, libc::AT_EACCESS) };
    result == 0
}

/// The names and values of the extended attributes of what stands at a path, by name.
pub(crate) fn attributes(path: &Path) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: the string ends with a NUL and outlives the call; the kernel writes at most as many
    // bytes as it is told there are.
    let list = filled(|at, room| unsafe { libc::llistxattr(path.as_ptr(), at.cast(), room) })?;
    let mut all = Vec::new();
    for name in list.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let text = CString::new(name)?;
        // SAFETY: as above, for both strings.
        let value = filled(|at, room| unsafe {
            libc::lgetxattr(path.as_ptr(), text.as_ptr(), at.cast(), room)
        });
        // One that nobody may read is nobody's to put back.
        if let Ok(value) = value {
            all.push((name.to_vec(), value));
        }
    }
    all.sort();
    Ok(all)
}

/// What a call gives that says how much room it needs if there is none.
fn filled(call: impl Fn(*mut u8, usize) -> isize) -> io::Result<Vec<u8>> {
    let length = check(call(std::ptr::null_mut(), 0) as i64)?;
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    if !bytes.is_empty() {
        let length = check(call(bytes.as_mut_ptr(), bytes.len()) as i64)?;
        bytes.truncate(usize::try_from(length).unwrap_or(0));
    }
    Ok(bytes)
}

/// Gives what stands at a path an extended attribute, or takes it away.
pub(crate) fn set_attribute(path: &Path, name: &[u8], value: Option<&[u8]>) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let name = CString::new(name)?;
    let result = match value {
        // SAFETY: both strings end with a NUL, and they and the value outlive the call.
        Some(value) => unsafe {
            let at = value.as_ptr().cast();
            libc::lsetxattr(path.as_ptr(), name.as_ptr(), at, value.len(), 0)
        },
        // SAFETY: as above.
        None => unsafe { libc::lremovexattr(path.as_ptr(), name.as_ptr()) },
    };
    check(result.into()).map(drop)
}
