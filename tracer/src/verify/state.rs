//! The user's files as they were at one moment, and putting them back.
//!
//! The file system is part of a program's state: a restored run must find its files as they were
//! at the checkpoint, and the user must find them afterwards as they were before.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt as _, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::content;
use super::entry::{About, Entry, Snapshot};
use crate::Error;
use crate::sys::file;

/// A file that was changed more recently than this may have been changed again within one tick of
/// the file system's clock, so its times say nothing.
const TICK: Duration = Duration::from_millis(100);

/// What tells that a file was not changed: device, inode, size and the times that nobody can set.
type Identity = (u64, u64, u64, i64, i64, i64, i64);

/// A file of which there is a copy.
#[derive(Debug)]
struct Known {
    identity: Identity,
    copy: PathBuf,
    /// A file of this identity is this one. If not, its content has to be looked at.
    certain: bool,
}

/// Keeps copies of files.
#[derive(Debug)]
pub(super) struct State {
    roots: Vec<PathBuf>,
    /// Where the copies go.
    folder: PathBuf,
    copies: u64,
    /// The copy that holds what a path holds now.
    known: HashMap<PathBuf, Known>,
    /// The first path of each file that has several names, while a snapshot is taken.
    names: HashMap<(u64, u64), PathBuf>,
}

impl State {
    /// Watches over files and folders; `folder` exists and is empty.
    pub(super) fn new(roots: Vec<PathBuf>, folder: PathBuf) -> Self {
        Self { roots, folder, copies: 0, known: HashMap::new(), names: HashMap::new() }
    }

    /// Whether it watches over nothing.
    pub(super) const fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// The files and folders that it watches over.
    pub(super) fn roots(&self) -> &[PathBuf] {
        &self.roots
    }

    /// What a snapshot holds at those paths where something else stands now.
    pub(super) fn unlike_now(
        &self,
        snapshot: &Snapshot,
    ) -> Result<BTreeMap<PathBuf, Entry>, Error> {
        let mut unlike = BTreeMap::new();
        for (path, entry) in &snapshot.0 {
            if !self.is_as(path, entry) {
                unlike.insert(path.clone(), entry.clone());
            }
            // Both names have to be made of the same file.
            if let Entry::Name { of } = entry
                && let Some(entry) = snapshot.0.get(of)
            {
                unlike.insert(of.clone(), entry.clone());
            }
        }
        let mut left = self.roots.clone();
        while let Some(path) = left.pop() {
            let is_folder = fs::symlink_metadata(&path).is_ok_and(|about| about.is_dir());
            match snapshot.0.get(&path) {
                Some(Entry::Folder { .. }) if is_folder => left.extend(children(&path)?),
                Some(_) => {}
                None => drop(unlike.insert(path, Entry::Nothing)),
            }
        }
        Ok(unlike)
    }

    fn is_as(&self, path: &Path, entry: &Entry) -> bool {
        let Ok(now) = fs::symlink_metadata(path) else { return matches!(entry, Entry::Nothing) };
        match entry {
            Entry::Nothing | Entry::Name { .. } | Entry::Node { .. } => false,
            Entry::File { copy, about } => {
                self.is_there(path, &now, copy) && about.is_of(path, &now)
            }
            Entry::Folder { about } => now.is_dir() && about.is_of(path, &now),
            Entry::Link { target, about } => {
                fs::read_link(path).is_ok_and(|now| now == *target) && about.is_of(path, &now)
            }
        }
    }

    /// Looks whether files that were changed just before they were copied are as they were then, as
    /// their times say now. It is asked once for all that asks for them afterwards.
    pub(super) fn make_certain(&mut self) {
        for (path, known) in self.known.iter_mut().filter(|(_, known)| !known.certain) {
            let now = fs::symlink_metadata(path).ok();
            known.certain = now.is_some_and(|now| {
                known.identity == identity(&now)
                    && is_older(&now)
                    && content::is_same(path, &known.copy)
            });
        }
    }

    /// Copies all files as they are now.
    pub(super) fn take(&mut self) -> Result<Snapshot, Error> {
        let mut snapshot = Snapshot::default();
        self.names.clear();
        for root in self.roots.clone() {
            self.take_tree(&root, &mut snapshot)?;
        }
        Ok(snapshot)
    }

    /// The same for one of the roots, with another place for the copies.
    pub(super) fn take_into(
        &mut self,
        root: &Path,
        folder: PathBuf,
        snapshot: &mut Snapshot,
    ) -> Result<(), Error> {
        self.names.clear();
        let usual = std::mem::replace(&mut self.folder, folder);
        let taken = self.take_tree(root, snapshot);
        self.folder = usual;
        taken
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
            let target = fs::read_link(path).map_err(Error::file("read", path))?;
            Entry::Link { target, about: About::at(path, &about) }
        } else if kind.is_dir() {
            for child in children(path)? {
                self.take_tree(&child, snapshot)?;
            }
            Entry::Folder { about: About::at(path, &about) }
        } else if kind.is_file() {
            self.take_file(path, &about)?
        } else {
            Entry::Node { about: About::at(path, &about), device: about.rdev() }
        };
        snapshot.0.insert(path.to_owned(), entry);
        Ok(())
    }

    fn take_file(&mut self, path: &Path, about: &Metadata) -> Result<Entry, Error> {
        if about.nlink() > 1 {
            if let Some(of) = self.names.get(&(about.dev(), about.ino())) {
                return Ok(Entry::Name { of: of.clone() });
            }
            self.names.insert((about.dev(), about.ino()), path.to_owned());
        }
        Ok(Entry::File { copy: self.copy(path, about)?, about: About::at(path, about) })
    }

    /// The copy of a file; an earlier one if the file has not changed since.
    fn copy(&mut self, path: &Path, about: &Metadata) -> Result<PathBuf, Error> {
        // Before it is read: what is changed meanwhile may have the same times.
        let certain = is_older(about);
        if let Some(known) = self.known.get(path)
            && known.identity == identity(about)
            && (known.certain || content::is_same(path, &known.copy))
        {
            let copy = known.copy.clone();
            self.remember(path, about, &copy, certain);
            return Ok(copy);
        }
        self.copies += 1;
        let copy = self.folder.join(self.copies.to_string());
        duplicate(path, &copy)?;
        self.remember(path, about, &copy, certain);
        Ok(copy)
    }

    /// It is `certain` if a change since its content was looked at would be seen by its times.
    fn remember(&mut self, path: &Path, about: &Metadata, copy: &Path, certain: bool) {
        let known = Known { identity: identity(about), copy: copy.to_owned(), certain };
        self.known.insert(path.to_owned(), known);
    }

    /// Makes all files what they were. What cannot be put back does not keep the others from it;
    /// the first failure is told.
    pub(super) fn put_back(&mut self, snapshot: &Snapshot) -> Result<(), Error> {
        let mut failures = Failures::default();
        for root in &self.roots {
            clear(root, snapshot, &mut failures);
        }
        let mut filled = HashSet::new();
        // Folders come before what they hold.
        for (path, entry) in &snapshot.0 {
            let put_back = self.put_back_one(path, entry, &mut filled);
            failures.note(put_back);
        }
        for (path, entry) in &snapshot.0 {
            if let Entry::Name { of } = entry {
                failures.note(name(path, of));
            }
        }
        // Putting things into a folder changes its times, so these come last.
        for (path, entry) in snapshot.0.iter().rev() {
            if let Entry::Folder { about } = entry {
                failures.note(about.apply(path));
            }
        }
        failures.result()
    }

    /// Whether a file holds what its copy holds. One with other names has to be the file that it was,
    /// so it is never told by its content.
    fn is_there(&self, path: &Path, now: &Metadata, copy: &Path) -> bool {
        let is_known =
            |known: &Known| known.certain && known.identity == identity(now) && known.copy == *copy;
        self.known.get(path).is_some_and(is_known)
            || now.is_file() && now.nlink() == 1 && content::is_same(path, copy)
    }

    fn put_back_one(
        &mut self,
        path: &Path,
        entry: &Entry,
        filled: &mut HashSet<(u64, u64)>,
    ) -> Result<(), Error> {
        match entry {
            Entry::Nothing | Entry::Name { .. } => Ok(()),
            Entry::Folder { .. } => match fs::create_dir(path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                made => made.map_err(Error::file("create the folder", path)),
            },
            Entry::Link { target, about } => make_link(path, target, about),
            Entry::Node { about, device } => {
                let now = fs::symlink_metadata(path);
                if !now.is_ok_and(|now| (now.mode(), now.rdev()) == (about.mode, *device)) {
                    remove(path)?;
                    file::make_node(path, about.mode, *device)
                        .map_err(Error::file("make", path))?;
                }
                about.apply(path)
            }
            Entry::File { copy, about } => {
                let now = fs::symlink_metadata(path).ok();
                if let Some(now) = &now
                    && self.is_there(path, now, copy)
                {
                    filled.insert((now.dev(), now.ino()));
                    about.apply(path)?;
                    let now = fs::symlink_metadata(path).map_err(Error::file("look at", path))?;
                    let is_known =
                        |known: &Known| known.identity == identity(&now) && known.copy == *copy;
                    if !self.known.get(path).is_some_and(is_known) {
                        self.remember(path, &now, copy, false);
                    }
                    return Ok(());
                }
                // Written in place, so that its other names and its attributes stay; but only if
                // it is the file that it was: another one may have a name that is not ours.
                let same = now.is_some_and(|now| {
                    let inode = (now.dev(), now.ino());
                    inode == about.inode && !filled.contains(&inode)
                });
                fill(path, copy, same)?;
                about.apply(path)?;
                let now = fs::symlink_metadata(path).map_err(Error::file("look at", path))?;
                filled.insert((now.dev(), now.ino()));
                self.remember(path, &now, copy, false);
                Ok(())
            }
        }
    }
}

/// Makes a path a link, unless it is that link.
pub(super) fn make_link(path: &Path, target: &Path, about: &About) -> Result<(), Error> {
    if !fs::read_link(path).is_ok_and(|now| now == *target) {
        remove(path)?;
        symlink(target, path).map_err(Error::file("create the link", path))?;
    }
    about.apply(path)
}

/// What went wrong on the way.
#[derive(Default)]
pub(super) struct Failures {
    first: Option<Error>,
}

impl Failures {
    pub(super) fn note(&mut self, result: Result<(), Error>) {
        if let Err(error) = result {
            self.first.get_or_insert(error);
        }
    }

    pub(super) fn result(self) -> Result<(), Error> {
        self.first.map_or(Ok(()), Err)
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

/// Whether a change from now on would be seen by its times.
fn is_older(about: &Metadata) -> bool {
    let changed = Duration::new(
        about.ctime().try_into().unwrap_or(0),
        about.ctime_nsec().try_into().unwrap_or(0),
    );
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    now.checked_sub(changed).is_some_and(|age| age > TICK)
}

pub(super) fn children(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = || Error::file("list the folder", folder);
    let mut children = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed())? {
        children.push(entry.map_err(failed())?.path());
    }
    Ok(children)
}

/// Removes what the snapshot does not have, or has as something else.
fn clear(path: &Path, snapshot: &Snapshot, failures: &mut Failures) {
    let Ok(about) = fs::symlink_metadata(path) else { return };
    let kind = about.file_type();
    let stays = match snapshot.0.get(path) {
        Some(Entry::Folder { .. }) => kind.is_dir(),
        Some(Entry::File { .. } | Entry::Name { .. }) => kind.is_file(),
        Some(Entry::Link { .. }) => kind.is_symlink(),
        Some(Entry::Node { about: was, .. }) => {
            was.mode & libc::S_IFMT == about.mode() & libc::S_IFMT
        }
        Some(Entry::Nothing) | None => false,
    };
    if !stays {
        failures.note(remove(path));
    } else if kind.is_dir() {
        open_up(path, &about);
        match children(path) {
            Ok(children) => {
                for child in children {
                    clear(&child, snapshot, failures);
                }
            }
            Err(error) => failures.note(Err(error)),
        }
    }
}

/// Makes a folder writable for us; it gets its own mode in the end.
pub(super) fn open_up(folder: &Path, about: &Metadata) {
    if about.mode() & 0o700 != 0o700 {
        // If this fails, so does what it is for, and that is told.
        let _told_later = fs::set_permissions(folder, fs::Permissions::from_mode(0o700));
    }
}

pub(super) fn remove(path: &Path) -> Result<(), Error> {
    let removed = match fs::symlink_metadata(path) {
        Ok(about) if about.is_dir() => {
            open_up(path, &about);
            fs::remove_dir_all(path)
        }
        Ok(_) => fs::remove_file(path),
        Err(_) => return Ok(()),
    };
    removed.map_err(Error::file("remove", path))
}

/// Makes a path another name of the file at `of`.
pub(super) fn name(path: &Path, of: &Path) -> Result<(), Error> {
    let inode = |path: &Path| fs::symlink_metadata(path).map(|about| (about.dev(), about.ino()));
    let wanted = inode(of).map_err(Error::file("look at", of))?;
    if inode(path).is_ok_and(|now| now == wanted) {
        return Ok(());
    }
    remove(path)?;
    fs::hard_link(of, path).map_err(Error::file("put back the name", path))
}

/// Gives a path the content of its copy, in place or as a new file.
pub(super) fn fill(path: &Path, copy: &Path, in_place: bool) -> Result<(), Error> {
    let failed = |error| Error::PutBack {
        path: path.to_owned(),
        kept: copy.to_owned(),
        source: Box::new(Error::file("write", path)(error)),
    };
    // Before anything is removed.
    let from = File::open(copy).map_err(Error::file("open the copy", copy))?;
    let open = || File::options().write(true).truncate(true).open(path);
    let opened = in_place.then(|| match open() {
        // It gets its own mode in the end, and its other names get the content only this way.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).and_then(|()| open())
        }
        opened => opened,
    });
    let to = match opened {
        Some(Ok(file)) => file,
        // A program that runs, or somebody else's.
        Some(Err(_)) | None => {
            remove(path)?;
            // Nobody else may read it before it has its own mode.
            let mut options = File::options();
            options.write(true).create_new(true).mode(0o600);
            options.open(path).map_err(failed)?
        }
    };
    if file::share(&from, &to).is_ok() {
        return Ok(());
    }
    file::copy(&from, &to).map_err(failed)
}

/// Makes a copy that takes no room where the file system can share what is the same.
pub(super) fn duplicate(path: &Path, copy: &Path) -> Result<(), Error> {
    let from = File::open(path).map_err(Error::file("copy", path))?;
    let to = File::create(copy).map_err(Error::file("create the copy", copy))?;
    if file::share(&from, &to).is_ok() {
        return Ok(());
    }
    file::copy(&from, &to).map_err(Error::file("copy to the kept files", path))
}
