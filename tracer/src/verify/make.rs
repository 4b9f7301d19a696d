//! Making paths what they were.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::content;
use super::entry::{About, Entry};
use super::state::{Failures, fill, make_link, open_up, remove};
use super::undo::Entries;
use crate::Error;
use crate::sys::file;

/// Makes paths what they shall be. What cannot be done does not keep the others from it; the first
/// failure is told. `current` says which copy a path holds already, and afterwards holds.
pub(super) fn make_all(
    then: &Entries,
    current: &mut HashMap<PathBuf, PathBuf>,
    held: &HashMap<(u64, u64), File>,
    busy: &HashSet<PathBuf>,
) -> Result<(), Error> {
    let mut failures = Failures::default();
    for (path, entry) in then {
        failures.note(clear(path, entry, current));
    }
    // The first path of each file with several names.
    let mut placed: HashMap<(u64, u64), &Path> = HashMap::new();
    // Folders come before what they hold.
    for (path, entry) in then {
        let made = match entry {
            Entry::Nothing | Entry::Name { .. } => Ok(()),
            Entry::Folder { .. } => match fs::create_dir(path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                made => made.map_err(Error::file("create the folder", path)),
            },
            Entry::Link { target, about } => make_link(path, target, about),
            Entry::Node { about, device } => make_node(path, about, *device),
            Entry::File { copy, about } => {
                let other = placed.get(&about.inode).copied();
                placed.entry(about.inode).or_insert(path);
                make_file(path, (copy, about), other, held.get(&about.inode), current)
            }
        };
        failures.note(made);
    }
    // Putting things into a folder changes its times, so these come last.
    for (path, entry) in then.iter().rev() {
        if let Entry::Folder { about } = entry {
            failures.note(if busy.contains(path) { about.allow(path) } else { about.apply(path) });
        }
    }
    failures.result()
}

/// Removes what is in the way.
fn clear(path: &Path, entry: &Entry, current: &mut HashMap<PathBuf, PathBuf>) -> Result<(), Error> {
    let Ok(now) = fs::symlink_metadata(path) else { return Ok(()) };
    let stays = match entry {
        Entry::Nothing => false,
        Entry::Folder { .. } => now.is_dir(),
        Entry::File { .. } | Entry::Name { .. } => now.is_file(),
        Entry::Link { .. } => now.is_symlink(),
        Entry::Node { about, .. } => about.mode & libc::S_IFMT == now.mode() & libc::S_IFMT,
    };
    if stays {
        if now.is_dir() {
            open_up(path, &now);
        }
        return Ok(());
    }
    current.retain(|known, _| !known.starts_with(path));
    remove(path)
}

fn make_node(path: &Path, about: &About, device: u64) -> Result<(), Error> {
    let now = fs::symlink_metadata(path);
    if !now.is_ok_and(|now| (now.mode(), now.rdev()) == (about.mode, device)) {
        remove(path)?;
        file::make_node(path, about.mode, device).map_err(Error::file("make", path))?;
    }
    about.apply(path)
}

fn make_file(
    path: &Path,
    (copy, about): (&PathBuf, &About),
    other: Option<&Path>,
    held: Option<&File>,
    current: &mut HashMap<PathBuf, PathBuf>,
) -> Result<(), Error> {
    let inode = |path: &Path| fs::symlink_metadata(path).ok().map(|now| (now.dev(), now.ino()));
    if let Some(other) = other {
        // Another name of a file that was put back already.
        if inode(path) != inode(other) {
            remove(path)?;
            fs::hard_link(other, path).map_err(Error::file("put back the name", path))?;
        }
        current.remove(path);
        return Ok(());
    }
    if inode(path) != Some(about.inode)
        && let Some(held) = held
        && held.metadata().is_ok_and(|now| now.nlink() > 0)
    {
        // The file lives on by names that nobody has told us of.
        remove(path)?;
        let named = file::give_name(held, path);
        if named.is_ok() {
            current.remove(path);
        }
    }
    let has_others = fs::symlink_metadata(path).is_ok_and(|now| now.nlink() > 1);
    if has_others || current.get(path) != Some(copy) {
        if has_others || !content::is_same(path, copy) {
            fill(path, copy, inode(path) == Some(about.inode))?;
        }
        current.insert(path.to_owned(), copy.clone());
    }
    about.apply(path)
}
