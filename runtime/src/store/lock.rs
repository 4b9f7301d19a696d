//! Keeping several writers of one store apart.

use std::fs::{self, File};
use std::path::Path;

use super::{StoreError, names};

/// The right to write to a store. It ends with the process, however that ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock, and removes what a killed writer left behind.
    pub(super) fn take(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(".lock");
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|source| StoreError::io("open the lock", &path, source))?;
        if !exclusive(&file).map_err(|source| StoreError::io("take the lock", &path, source))? {
            return Err(StoreError::InUse { dir: dir.to_owned() });
        }
        // With the lock in hand, nobody else is writing them.
        for stale in names::temporary(dir)? {
            fs::remove_file(&stale)
                .map_err(|source| StoreError::io("remove the unfinished image", &stale, source))?;
        }
        Ok(Self { _file: file })
    }
}

/// Locks the file unless another process has; `false` if one has.
#[cfg(unix)]
fn exclusive(file: &File) -> std::io::Result<bool> {
    use std::os::fd::AsRawFd as _;
    // SAFETY: `flock` takes a descriptor, which `file` keeps open, and touches no memory.
    let result = unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) };
    if result == 0 {
        return Ok(true);
    }
    let error = std::io::Error::last_os_error();
    if error.kind() == std::io::ErrorKind::WouldBlock { Ok(false) } else { Err(error) }
}

/// Elsewhere writers are not kept apart yet.
#[cfg(not(unix))]
fn exclusive(_: &File) -> std::io::Result<bool> {
    Ok(true)
}
