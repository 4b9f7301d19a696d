//! Files with several names, of which the programs know only some.
//!
//! What is written by one name is seen by all, so as long as one is left, the old content goes into
//! the same file. If those that were told of are gone, another one has to be found.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::{self, File, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::entry::Entry;
use super::undo::Entries;
use crate::sys::file;
use crate::trace::varint::{Cursor, DecodeError, put};

/// So many names are looked at.
const MOST_LOOKED_AT: usize = 200_000;

/// Device and inode.
type Inode = (u64, u64);

/// What is known of a file with several names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Names {
    /// How many it had.
    count: u64,
    /// When it came into being, in seconds and nanoseconds since 1970: another file may get the
    /// same inode when it is gone. Nothing is looked for where that is not told.
    born: Option<(u64, u32)>,
}

/// By inode.
pub(super) type Linked = HashMap<Inode, Names>;

impl Names {
    pub(super) fn of(about: &Metadata) -> Self {
        Self { count: about.nlink(), born: born(about) }
    }

    pub(super) fn encode(self, inode: Inode) -> Vec<u8> {
        let mut out = Vec::new();
        let (seconds, nanoseconds) = self.born.unwrap_or_default();
        for number in [inode.0, inode.1, self.count, seconds, nanoseconds.into()] {
            put(&mut out, number);
        }
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<(Inode, Self), DecodeError> {
        let mut cursor = Cursor::new(bytes, 0);
        let (inode, count) = ((cursor.number()?, cursor.number()?), cursor.number()?);
        let born = Some((cursor.number()?, cursor.small()?)).filter(|born| *born != (0, 0));
        Ok((inode, Self { count, born }))
    }
}

fn born(about: &Metadata) -> Option<(u64, u32)> {
    let since = about.created().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some((since.as_secs(), since.subsec_nanos()))
}

fn inode(about: &Metadata) -> Inode {
    (about.dev(), about.ino())
}

/// Holds each of the files of which there still is a name. Gives what is to be said of those that
/// may have one that was not found.
pub(super) fn find(
    before: &Entries,
    linked: &Linked,
    held: &mut HashMap<Inode, File>,
) -> Vec<String> {
    let mut known: HashMap<Inode, Vec<&Path>> = HashMap::new();
    for (path, entry) in before {
        if let Entry::File { about, .. } = entry
            && linked.contains_key(&about.inode)
            && !held.contains_key(&about.inode)
        {
            known.entry(about.inode).or_default().push(path);
        }
    }
    let mut wanted: HashMap<Inode, Names> = HashMap::new();
    for (which, paths) in &known {
        let Some(names) = linked.get(which) else { continue };
        let left = paths.iter().find_map(|path| hold(path, *which, None));
        match left {
            Some(file) => drop(held.insert(*which, file)),
            // All of its names are told of.
            None if paths.len() as u64 >= names.count => {}
            None => drop(wanted.insert(*which, *names)),
        }
    }
    // Where no file system says when a file came into being, none can be told from a later one.
    let (mut told, untold): (HashMap<_, _>, HashMap<_, _>) =
        wanted.into_iter().partition(|(_, names)| names.born.is_some());
    let folders = told.keys().flat_map(|which| &known[which]).filter_map(|path| path.parent());
    look(folders.map(Path::to_owned).collect(), &mut told, held);
    let mut notes: Vec<_> = told
        .iter()
        .chain(&untold)
        .map(|(which, names)| {
            let path = known[which].first().map(|path| path.display().to_string());
            let path = path.unwrap_or_default();
            format!(
                "the file at {path} had {} names, and none of those that are left was found near \
                 by: it is put back, but where it still has another name, that one holds what was \
                 written meanwhile",
                names.count
            )
        })
        .collect();
    notes.sort();
    notes
}

/// Holds a file if this is it. At a path that was told of it is known by its inode, elsewhere by when
/// it came into being as well.
fn hold(path: &Path, which: Inode, names: Option<&Names>) -> Option<File> {
    let same = |about: &Metadata| {
        inode(about) == which
            && names.is_none_or(|names| names.born.is_some() && born(about) == names.born)
    };
    fs::symlink_metadata(path).ok().filter(same)?;
    let file = file::hold(path).ok()?;
    file.metadata().is_ok_and(|about| same(&about)).then_some(file)
}

/// Looks for files in folders and all that is below them, then in those above.
fn look(
    mut folders: BTreeSet<PathBuf>,
    wanted: &mut HashMap<Inode, Names>,
    held: &mut HashMap<Inode, File>,
) {
    let devices: HashSet<u64> = wanted.keys().map(|which| which.0).collect();
    let on_device = |folder: &Path| {
        fs::symlink_metadata(folder)
            .is_ok_and(|about| about.is_dir() && devices.contains(&about.dev()))
    };
    let (mut seen, mut count) = (HashSet::new(), 0);
    while !folders.is_empty() {
        let mut left: Vec<_> = folders.iter().cloned().collect();
        while let Some(folder) = left.pop() {
            if !on_device(&folder) || !seen.insert(folder.clone()) {
                continue;
            }
            // One that we may not list may hold a name; then none is found, and that is told.
            for child in fs::read_dir(&folder).into_iter().flatten().flatten() {
                count += 1;
                if wanted.is_empty() || count > MOST_LOOKED_AT {
                    return;
                }
                let path = child.path();
                let Ok(about) = fs::symlink_metadata(&path) else { continue };
                if about.is_dir() {
                    left.push(path);
                } else if let Some(names) = wanted.get(&inode(&about))
                    && let Some(file) = hold(&path, inode(&about), Some(names))
                {
                    wanted.remove(&inode(&about));
                    held.insert(inode(&about), file);
                }
            }
        }
        let above = folders.iter().filter_map(|folder| folder.parent());
        folders = above.map(Path::to_owned).collect();
    }
}
