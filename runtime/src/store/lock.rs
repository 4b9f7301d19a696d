//! Keeping several writers of one store apart.

use std::fs::File;
use std::path::Path;

use super::{StoreError, names};

/// The right to write to a store. It ends with the process, however that ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
    /// Who took it. The kernel gives it to the opened file, which a fork shares.
    pid: u32,
}

impl Lock {
    /// Takes the lock.
    pub(super) fn take(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(names::LOCK);
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|source| StoreError::io("open the lock", &path, source))?;
        if !exclusive(&file).map_err(|source| StoreError::io("take the lock", &path, source))? {
            return Err(StoreError::InUse { dir: dir.to_owned() });
        }
        Ok(Self { _file: file, pid: std::process::id() })
    }

    /// That it is this process that took it, and not one that forked this one since.
    pub(super) fn check(&self, dir: &Path) -> Result<(), StoreError> {
        if self.pid == std::process::id() {
            Ok(())
        } else {
            Err(StoreError::Forked { dir: dir.to_owned() })
        }
    }
}

/// Locks the file unless it was opened and locked elsewhere; `false` if it was.
#[cfg(unix)]
fn exclusive(file: &File) -> std::io::Result<bool> {
    use std::io::ErrorKind;
    use std::os::fd::AsRawFd as _;
    loop {
        // SAFETY: `flock` takes a descriptor, which `file` keeps open, and touches no memory.
        let result = unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) };
        if result == 0 {
            return Ok(true);
        }
        let error = std::io::Error::last_os_error();
        match error.kind() {
            ErrorKind::WouldBlock => return Ok(false),
            ErrorKind::Interrupted => {}
            _ => return Err(error),
        }
    }
}

/// Elsewhere writers are not kept apart yet.
#[cfg(not(unix))]
fn exclusive(_: &File) -> std::io::Result<bool> {
    Ok(true)
}
