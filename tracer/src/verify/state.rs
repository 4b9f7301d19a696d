//! The user's files as they were at one moment, and putting them back.
//!
//! The file system is part of a program's state: a restored run must find its files as they were
//! at the checkpoint, and the user must find them afterwards as they were before.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, FileTimes, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::Error;

/// A file that was changed more recently than this may have been changed again within one tick of
/// the file system's clock, so its times say nothing.
const TICK: Duration = Duration::from_millis(100);

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    Nothing,
    File { copy: PathBuf, about: About },
    Folder { about: About },
    Link { target: PathBuf },
}

/// What is put back of a file or a folder besides its content.
#[derive(Clone, Debug, PartialEq, Eq)]
struct About {
    mode: u32,
    owner: u32,
    group: u32,
    modified: SystemTime,
    accessed: SystemTime,
}

/// The files at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshot(BTreeMap<PathBuf, Entry>);

/// What tells that a file was not changed: device, inode, size and the times that nobody can set.
type Identity = (u64, u64, u64, i64, i64, i64, i64);

/// Keeps copies of files.
#[derive(Debug)]
pub(super) struct State {
    roots: Vec<PathBuf>,
    /// Where the copies are.
    folder: PathBuf,
    copies: u64,
    /// The copy that holds what a path holds now.
    known: HashMap<PathBuf, (Identity, PathBuf)>,
}

impl State {
    /// Watches over files and folders; `folder` exists and is empty.
    pub(super) fn new(roots: Vec<PathBuf>, folder: PathBuf) -> Self {
        Self { roots, folder, copies: 0, known: HashMap::new() }
    }

    /// Copies all files as they are now.
    pub(super) fn take(&mut self) -> Result<Snapshot, Error> {
        let mut snapshot = Snapshot::default();
        for root in self.roots.clone() {
            self.take_tree(&root, &mut snapshot)?;
        }
        Ok(snapshot)
    }

    fn take_tree(&mut self, path: &Path, snapshot: &mut Snapshot) -> Result<(), Error> {
        let about = match fs::symlink_metadata(path) {
            Ok(about) => about,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                snapshot.0.insert(path.to_owned(), Entry::Nothing);
                return Ok(());
            }
            Err(error) => return Err(Error::file("look at", path)(error)),
        };
        let kind = about.file_type();
        let entry = if kind.is_symlink() {
            Entry::Link { target: fs::read_link(path).map_err(Error::file("read", path))? }
        } else if kind.is_dir() {
            for child in children(path)? {
                self.take_tree(&child, snapshot)?;
            }
            Entry::Folder { about: About::of(&about) }
        } else if kind.is_file() {
            Entry::File { copy: self.copy(path, &about)?, about: About::of(&about) }
        } else {
            // A socket or a pipe has no content that could be put back.
            return Ok(());
        };
        snapshot.0.insert(path.to_owned(), entry);
        Ok(())
    }

    /// The copy of a file; an earlier one if the file has not changed since.
    fn copy(&mut self, path: &Path, about: &Metadata) -> Result<PathBuf, Error> {
        let identity = identity(about);
        if let Some((known, copy)) = self.known.get(path)
            && *known == identity
        {
            return Ok(copy.clone());
        }
        self.copies += 1;
        let copy = self.folder.join(self.copies.to_string());
        fs::copy(path, &copy).map_err(Error::file("copy", path))?;
        self.remember(path, about, &copy);
        Ok(copy)
    }

    fn remember(&mut self, path: &Path, about: &Metadata, copy: &Path) {
        let changed = Duration::new(
            about.ctime().try_into().unwrap_or(0),
            about.ctime_nsec().try_into().unwrap_or(0),
        );
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        if now.checked_sub(changed).is_some_and(|age| age > TICK) {
            self.known.insert(path.to_owned(), (identity(about), copy.to_owned()));
        } else {
            self.known.remove(path);
        }
    }

    /// Makes all files what they were.
    pub(super) fn put_back(&mut self, snapshot: &Snapshot) -> Result<(), Error> {
        for root in &self.roots {
            clear(root, snapshot)?;
        }
        // Folders come before what they hold.
        for (path, entry) in &snapshot.0 {
            self.put_back_one(path, entry)?;
        }
        // Putting things into a folder changes its times, so these come last.
        for (path, entry) in snapshot.0.iter().rev() {
            if let Entry::Folder { about } = entry {
                about.apply(path)?;
            }
        }
        Ok(())
    }

    fn put_back_one(&mut self, path: &Path, entry: &Entry) -> Result<(), Error> {
        match entry {
            Entry::Nothing => Ok(()),
            Entry::Folder { .. } => match fs::create_dir(path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                made => made.map_err(Error::file("create the folder", path)),
            },
            Entry::Link { target } => {
                if fs::read_link(path).is_ok_and(|now| now == *target) {
                    return Ok(());
                }
                remove(path)?;
                symlink(target, path).map_err(Error::file("create the link", path))
            }
            Entry::File { copy, about } => {
                if let Ok(now) = fs::symlink_metadata(path)
                    && let Some((known, content)) = self.known.get(path)
                    && *known == identity(&now)
                    && content == copy
                {
                    return about.apply(path);
                }
                fill(path, copy)?;
                about.apply(path)?;
                let now = fs::symlink_metadata(path).map_err(Error::file("look at", path))?;
                self.remember(path, &now, copy);
                Ok(())
            }
        }
    }
}

impl About {
    fn of(about: &Metadata) -> Self {
        Self {
            mode: about.mode() & 0o7777,
            owner: about.uid(),
            group: about.gid(),
            modified: about.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            accessed: about.accessed().unwrap_or(SystemTime::UNIX_EPOCH),
        }
    }

    fn apply(&self, path: &Path) -> Result<(), Error> {
        let failed = |error| Error::file("put back the mode and times of", path)(error);
        let now = Self::of(&fs::symlink_metadata(path).map_err(failed)?);
        if now == *self {
            return Ok(());
        }
        if (now.owner, now.group) != (self.owner, self.group) {
            std::os::unix::fs::chown(path, Some(self.owner), Some(self.group)).map_err(failed)?;
        }
        let times = FileTimes::new().set_modified(self.modified).set_accessed(self.accessed);
        // The times need a descriptor, which the mode may forbid.
        if now.mode & 0o400 == 0 {
            fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(failed)?;
        }
        File::open(path).and_then(|file| file.set_times(times)).map_err(failed)?;
        fs::set_permissions(path, fs::Permissions::from_mode(self.mode)).map_err(failed)
    }
}

fn identity(about: &Metadata) -> Identity {
    (
        about.dev(),
        about.ino(),
        about.size(),
        about.mtime(),
        about.mtime_nsec(),
        about.ctime(),
        about.ctime_nsec(),
    )
}

fn children(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = || Error::file("list the folder", folder);
    let mut children = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed())? {
        children.push(entry.map_err(failed())?.path());
    }
    Ok(children)
}

/// Removes what the snapshot does not have, or has as something else.
fn clear(path: &Path, snapshot: &Snapshot) -> Result<(), Error> {
    let Ok(about) = fs::symlink_metadata(path) else { return Ok(()) };
    let kind = about.file_type();
    let stays = match snapshot.0.get(path) {
        Some(Entry::Folder { .. }) => kind.is_dir(),
        Some(Entry::File { .. }) => kind.is_file(),
        Some(Entry::Link { .. }) => kind.is_symlink(),
        Some(Entry::Nothing) => false,
        // What had no content was not taken, and stays.
        None => !(kind.is_dir() || kind.is_file() || kind.is_symlink()),
    };
    if !stays {
        return remove(path);
    }
    if kind.is_dir() {
        for child in children(path)? {
            clear(&child, snapshot)?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), Error> {
    let removed = match fs::symlink_metadata(path) {
        Ok(about) if about.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(_) => return Ok(()),
    };
    removed.map_err(Error::file("remove", path))
}

/// Gives a file the content of its copy; in place if it exists, so that its other names and its
/// attributes stay.
fn fill(path: &Path, copy: &Path) -> Result<(), Error> {
    let failed = |error| Error::PutBack {
        path: path.to_owned(),
        kept: copy.to_owned(),
        source: Box::new(Error::file("write", path)(error)),
    };
    let mut from = File::open(copy).map_err(Error::file("open the copy", copy))?;
    let options = || {
        let mut options = File::options();
        options.write(true).create(true).truncate(true);
        options
    };
    let mut to = match options().open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            remove(path)?;
            options().open(path).map_err(failed)?
        }
        Err(error) => return Err(failed(error)),
    };
    io::copy(&mut from, &mut to).map(drop).map_err(failed)
}
