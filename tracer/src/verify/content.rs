//! Whether two files hold the same bytes.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// So many bytes are compared at a time.
const BLOCK: usize = 64 << 10;

/// Whether both can be read and hold the same.
pub(super) fn is_same(one: &Path, other: &Path) -> bool {
    compare(one, other).unwrap_or(false)
}

fn compare(one: &Path, other: &Path) -> io::Result<bool> {
    let (mut one, mut other) = (File::open(one)?, File::open(other)?);
    let length = one.metadata()?.len();
    if length != other.metadata()?.len() {
        return Ok(false);
    }
    let (mut ours, mut theirs) = (vec![0; BLOCK], vec![0; BLOCK]);
    loop {
        let read = one.read(&mut ours)?;
        if read == 0 {
            // One that has grown meanwhile is another one.
            return Ok(other.read(&mut theirs)? == 0);
        }
        match other.read_exact(&mut theirs[..read]) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            read => read?,
        }
        if ours[..read] != theirs[..read] {
            return Ok(false);
        }
    }
}
