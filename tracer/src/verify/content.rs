//! Whether two files hold the same bytes.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::sys::file;

/// So many bytes are compared at a time.
const BLOCK: usize = 64 << 10;

/// Whether both can be read and hold the same.
pub(super) fn is_same(one: &Path, other: &Path) -> bool {
    compare(one, other).unwrap_or(false)
}

/// A file that somebody has just replaced by a pipe does not make us wait for its other end.
fn open(path: &Path) -> io::Result<File> {
    let flags = libc::O_NONBLOCK | libc::O_NOFOLLOW;
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::ErrorKind::InvalidInput.into()),
    }
}

fn compare(one: &Path, other: &Path) -> io::Result<bool> {
    let (one, other) = (open(one)?, open(other)?);
    let length = one.metadata()?.len();
    if length != other.metadata()?.len() {
        return Ok(false);
    }
    let (mut ours, mut theirs) = (vec![0; BLOCK], vec![0; BLOCK]);
    let mut at = 0;
    while at < length {
        // Where neither has data, both hold zeros.
        let data = [file::next_data(&one, at)?, file::next_data(&other, at)?];
        let Some(first) = data.into_iter().flatten().min() else { return Ok(true) };
        let count =
            usize::try_from(length.saturating_sub(first)).map_or(BLOCK, |rest| rest.min(BLOCK));
        one.read_exact_at(&mut ours[..count], first)?;
        other.read_exact_at(&mut theirs[..count], first)?;
        if ours[..count] != theirs[..count] {
            return Ok(false);
        }
        at = first + count as u64;
    }
    Ok(true)
}
