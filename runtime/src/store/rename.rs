//! Moving a file to a place where nothing is.

use std::fs;
use std::io;
use std::path::Path;

/// Moves a file; an error if something is at its new place, which then stays as it is.
pub(super) fn to_free_place(from: &Path, to: &Path) -> io::Result<()> {
    match in_one_step(from, to) {
        Some(moved) => moved,
        None => in_two_steps(from, to),
    }
}

/// `None` where the system or the file system does not know how.
#[cfg(target_os = "linux")]
fn in_one_step(from: &Path, to: &Path) -> Option<io::Result<()>> {
    use std::ffi::CString;
    use std::os::unix::ffi::OsStrExt as _;

    let text = |path: &Path| CString::new(path.as_os_str().as_bytes());
    let (from, to) = match (text(from), text(to)) {
        (Ok(from), Ok(to)) => (from, to),
        (Err(error), _) | (_, Err(error)) => return Some(Err(error.into())),
    };
    // SAFETY: the call reads the two texts, which end in a zero byte and outlive it.
    let result = unsafe {
        libc::syscall(
            libc::SYS_renameat2,
            libc::AT_FDCWD,
            from.as_ptr(),
            libc::AT_FDCWD,
            to.as_ptr(),
            libc::RENAME_NOREPLACE,
        )
    };
    if result == 0 {
        return Some(Ok(()));
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::EINVAL | libc::ENOSYS) => None,
        _ => Some(Err(error)),
    }
}

#[cfg(not(target_os = "linux"))]
fn in_one_step(_: &Path, _: &Path) -> Option<io::Result<()>> {
    None
}

/// Gives the file its second name first; where files have only one, looks before it moves.
fn in_two_steps(from: &Path, to: &Path) -> io::Result<()> {
    use io::ErrorKind::{AlreadyExists, PermissionDenied, Unsupported};
    match fs::hard_link(from, to) {
        // The image is there; the next writer removes what stays beside it.
        Ok(()) => drop(fs::remove_file(from)),
        Err(error) if matches!(error.kind(), PermissionDenied | Unsupported) => {
            if to.symlink_metadata().is_ok() {
                return Err(AlreadyExists.into());
            }
            fs::rename(from, to)?;
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::{fs, in_two_steps, to_free_place};

    #[test]
    fn what_is_at_the_place_stays() {
        for way in [to_free_place, in_two_steps] {
            let dir = tempfile::tempdir().unwrap();
            let [from, to, folder] = ["from", "to", "folder"].map(|name| dir.path().join(name));
            fs::write(&from, "new").unwrap();
            fs::write(&to, "old").unwrap();
            fs::create_dir(&folder).unwrap();
            for to in [&to, &folder] {
                assert_eq!(way(&from, to).unwrap_err().kind(), ErrorKind::AlreadyExists);
            }
            assert_eq!(fs::read(&to).unwrap(), b"old");
            fs::remove_file(&to).unwrap();
            way(&from, &to).unwrap();
            assert_eq!((fs::read(&to).unwrap().as_slice(), from.exists()), (&b"new"[..], false));
        }
    }
}
