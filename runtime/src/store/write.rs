//! Writing a file so that it appears whole or not at all.

use std::fs::{self, File};
use std::io::{self, IoSlice, Write};
use std::path::Path;

use super::{StoreError, names};

/// How many slices one call gathers: `IOV_MAX` on every system.
const GATHER: usize = 1024;

/// Writes a file beside its place, makes it durable, and moves it there.
pub(super) fn atomically(dir: &Path, path: &Path, slices: &[&[u8]]) -> Result<(), StoreError> {
    let temporary = names::unfinished(path);
    let written = write_new(&temporary, slices).and_then(|()| {
        fs::rename(&temporary, path)
            .map_err(|source| StoreError::io("move the new image to", path, source))
    });
    if let Err(error) = written {
        // What matters is the error; a temporary file that stays is never taken for an image.
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    sync_dir(dir).map_err(|source| StoreError::io("make durable the folder", dir, source))
}

fn write_new(path: &Path, slices: &[&[u8]]) -> Result<(), StoreError> {
    let mut file =
        File::create(path).map_err(|source| StoreError::io("create the file", path, source))?;
    write_all(&mut file, slices).map_err(|source| StoreError::io("write", path, source))?;
    file.sync_all().map_err(|source| StoreError::io("make durable", path, source))
}

/// Writes all slices, straight from where they are. Short writes go on where they stopped.
fn write_all(out: &mut impl Write, slices: &[&[u8]]) -> io::Result<()> {
    for group in slices.chunks(GATHER) {
        let mut group: Vec<IoSlice<'_>> = group.iter().map(|slice| IoSlice::new(slice)).collect();
        let mut left = &mut group[..];
        while !left.is_empty() {
            match out.write_vectored(left) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => IoSlice::advance_slices(&mut left, count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

#[cfg(unix)]
fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Elsewhere a folder cannot be opened as a file; renaming is durable by itself on NTFS.
#[cfg(not(unix))]
fn sync_dir(_: &Path) -> io::Result<()> {
    Ok(())
}
