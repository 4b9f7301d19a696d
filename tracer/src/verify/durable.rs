//! What was put back is safe on its disk before the copies go.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::entry::Entry;
use crate::Error;
use crate::sys::file;

/// More files than this are flushed with all else that is on their disk.
const MOST: usize = 256;

/// Flushes these files, and the folders that have got or lost a name; nothing else.
pub(super) fn make_durable<'a>(
    before: impl IntoIterator<Item = (&'a PathBuf, &'a Entry)>,
) -> Result<(), Error> {
    let mut files: BTreeMap<u64, Vec<&Path>> = BTreeMap::new();
    let mut folders = BTreeSet::new();
    for (path, entry) in before {
        match entry {
            Entry::File { about, .. } => files.entry(about.inode.0).or_default().push(path),
            Entry::Folder { .. } => drop(folders.insert(path.as_path())),
            _ => {}
        }
        folders.extend(path.parent());
    }
    files.values().try_for_each(|files| make_files_durable(files))?;
    for folder in folders {
        match File::open(folder).and_then(|folder| folder.sync_all()) {
            // It is gone, or we may not look into it; then nothing of ours is in it.
            Err(error) if is_out_of_reach(&error) => {}
            synced => synced.map_err(Error::file("make durable what is in", folder))?,
        }
    }
    Ok(())
}

/// Flushes files of one disk.
pub(super) fn make_files_durable(files: &[&Path]) -> Result<(), Error> {
    match files.first() {
        Some(path) if files.len() > MOST => flush_all(path.parent().unwrap_or(path))
            .map_err(Error::file("make durable what is at", path)),
        _ => files.iter().try_for_each(|path| flush(path)),
    }
}

fn flush(path: &Path) -> Result<(), Error> {
    let synced = File::open(path).and_then(|file| file.sync_all());
    // One that may not be read was written by us, and can be flushed by its folder.
    synced
        .or_else(|_| flush_all(path.parent().unwrap_or(path)))
        .map_err(Error::file("make durable what is at", path))
}

fn flush_all(path: &Path) -> io::Result<()> {
    File::open(path).and_then(|file| file::sync(&file))
}

fn is_out_of_reach(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, NotADirectory, NotFound, PermissionDenied};
    matches!(error.kind(), NotFound | NotADirectory | PermissionDenied | InvalidInput)
}
