//! The folder beside a state path that holds its copies while a verification runs.
//!
//! It has a well-known name, so that the next verification finds what one that was killed has
//! left, and it is locked, so that two do not work on the same files.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::durable::{make_durable, make_files_durable};
use super::entry::{Entry, Snapshot};
use crate::Error;
use crate::sys::file;
use crate::trace::block;

const SUFFIX: &str = ".samestate";
const LOCK: &str = "lock";
const JOURNAL: &str = "journal";
const FILES: &str = "files";
/// What the one block of a journal holds.
const KIND: u32 = 0x7375;

/// The locked folder of one state path.
#[derive(Debug)]
pub(super) struct Keep {
    pub(super) root: PathBuf,
    pub(super) folder: PathBuf,
    _lock: File,
}

impl Keep {
    /// Takes the folder of a state path, making it if need be.
    pub(super) fn take(root: &Path) -> Result<Self, Error> {
        let folder = folder(root)?;
        loop {
            if let Some(keep) = Self::lock(root, &folder)? {
                return Ok(keep);
            }
        }
    }

    /// `None` if whoever had it has removed it meanwhile.
    fn lock(root: &Path, folder: &Path) -> Result<Option<Self>, Error> {
        match DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => own(folder)?,
            made => made.map_err(Error::file("create the folder for copies", folder))?,
        }
        let path = folder.join(LOCK);
        let file = File::options().write(true).create(true).truncate(false).open(&path);
        let file = match file {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(Error::file("create", &path))?,
        };
        if !file::lock(&file).map_err(Error::file("lock", &path))? {
            return Err(Error::InUse { path: root.to_owned(), lock: path });
        }
        let inode = |about: fs::Metadata| (about.dev(), about.ino());
        if fs::metadata(&path).ok().map(inode) != file.metadata().ok().map(inode) {
            return Ok(None);
        }
        Ok(Some(Self { root: root.to_owned(), folder: folder.to_owned(), _lock: file }))
    }

    /// What a verification that was killed has left: the files as they were before it.
    pub(super) fn left_over(&self) -> Result<Option<Snapshot>, Error> {
        let path = self.folder.join(JOURNAL);
        let mut file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(Error::file("open", &path))?,
        };
        let damaged = |what| Error::Damaged { path: path.clone(), offset: 0, what };
        match block::read(&mut file).map_err(Error::file("read", &path))? {
            Ok((KIND, content, _)) => Snapshot::decode(&content, &self.root, &self.folder)
                .map(Some)
                .map_err(|_| damaged("it does not say which copy belongs to which file")),
            Ok(_) => Err(damaged("it is no journal of a verification")),
            Err(broken) => Err(damaged(broken.text())),
        }
    }

    /// An empty folder for the copies.
    pub(super) fn files(&self) -> Result<PathBuf, Error> {
        let files = self.folder.join(FILES);
        match fs::remove_dir_all(&files) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::file("remove", &files)(error));
            }
            _ => {}
        }
        fs::create_dir(&files).map_err(Error::file("create the folder", &files))?;
        Ok(files)
    }

    /// From here on the files can be put back from what is in the folder, whatever happens.
    pub(super) fn promise(&self, before: &Snapshot) -> Result<(), Error> {
        self.make_copies_durable(before)?;
        let (draft, path) = (self.folder.join("draft"), self.folder.join(JOURNAL));
        let content = before.encode(&self.root, &self.folder);
        let write = || -> io::Result<()> {
            let mut file = File::create(&draft)?;
            block::write(&mut file, KIND, &content)?;
            file.sync_all()?;
            fs::rename(&draft, &path)?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(Error::file("write", &path))
    }

    /// The files are as they were; nothing is needed any more.
    pub(super) fn done(self, before: &Snapshot) -> Result<(), Error> {
        self.settle(before)?;
        // Without a journal whatever is left here is nothing to anybody.
        let _litter = fs::remove_dir_all(&self.folder);
        Ok(())
    }

    /// The files are as they were, and the copies are not needed any more.
    pub(super) fn settle(&self, before: &Snapshot) -> Result<(), Error> {
        make_durable(before.0.iter().filter(|(path, _)| path.starts_with(&self.root)))?;
        let path = self.folder.join(JOURNAL);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::file("remove", &path)(error))
            }
            _ => Ok(()),
        }
    }

    /// Nothing else that is on the same disk.
    fn make_copies_durable(&self, before: &Snapshot) -> Result<(), Error> {
        let files = self.folder.join(FILES);
        let copies = before.0.values().filter_map(|entry| match entry {
            Entry::File { copy, .. } if copy.starts_with(&files) => Some(copy.as_path()),
            _ => None,
        });
        make_files_durable(&copies.collect::<Vec<_>>())?;
        let beside = self.folder.parent().unwrap_or(&self.folder);
        for folder in [files.as_path(), self.folder.as_path(), beside] {
            let synced = File::open(folder).and_then(|folder| folder.sync_all());
            synced.map_err(Error::file("make durable what is in", folder))?;
        }
        Ok(())
    }
}

/// The folder of a state path: beside it, or among the temporary files where we may not write.
fn folder(root: &Path) -> Result<PathBuf, Error> {
    let [beside, elsewhere] = places(root)?;
    if beside.is_dir() {
        return Ok(beside);
    }
    match DirBuilder::new().mode(0o700).create(&beside) {
        Ok(()) => Ok(beside),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
            ) =>
        {
            Ok(elsewhere)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(beside),
        Err(error) => Err(Error::file("create the folder for copies", &beside)(error)),
    }
}

fn places(root: &Path) -> Result<[PathBuf; 2], Error> {
    let (Some(parent), Some(name)) = (root.parent(), root.file_name()) else {
        return Err(Error::NoState { path: root.to_owned() });
    };
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(SUFFIX);
    let hash = xxhash_rust::xxh3::xxh3_64(root.as_os_str().as_bytes());
    let elsewhere = std::env::temp_dir().join(format!("samestate-{}-{hash:016x}", user()));
    Ok([parent.join(hidden), elsewhere])
}

/// Whose files are ours.
pub(super) fn user() -> u32 {
    fs::metadata("/proc/self").map_or(0, |about| about.uid())
}

/// Nobody else may have prepared the folder: what is in it will be written to our files.
pub(super) fn own(folder: &Path) -> Result<(), Error> {
    let about = fs::symlink_metadata(folder).map_err(Error::file("look at", folder))?;
    if about.is_dir() && about.uid() == user() {
        return Ok(());
    }
    let error = io::Error::other("it is no folder, or belongs to somebody else");
    Err(Error::file("use the folder for copies", folder)(error))
}

/// Refuses a path that another verification keeps as a whole, by itself or with what it is in.
pub(super) fn refuse_if_kept(path: &Path) -> Result<(), Error> {
    for above in path.ancestors().filter(|above| above.file_name().is_some()) {
        for folder in places(above)? {
            let lock = folder.join(LOCK);
            let Ok(file) = File::options().write(true).open(&lock) else { continue };
            if !file::lock(&file).map_err(Error::file("lock", &lock))? {
                return Err(Error::InUse { path: path.to_owned(), lock });
            }
            if folder.join(JOURNAL).exists() {
                return Err(Error::StateLeftChanged { state: above.to_owned(), folder });
            }
        }
    }
    Ok(())
}

/// State paths whose files somebody else may be changing, or has left changed, and which have
/// files in common with `root`: those above it and those below.
pub(super) fn related(root: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut all = Vec::new();
    for above in root.ancestors().skip(1).filter(|above| above.file_name().is_some()) {
        if places(above)?.iter().any(|place| place.join(LOCK).is_file()) {
            all.push(above.to_owned());
        }
    }
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        // What cannot be listed cannot be copied either, and that is told later.
        for child in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if !child.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            let name = child.file_name();
            let name = name.as_bytes().strip_prefix(b".");
            let name = name.and_then(|name| name.strip_suffix(SUFFIX.as_bytes()));
            match name {
                Some(name) if child.path().join(LOCK).is_file() => {
                    all.push(folder.join(std::ffi::OsStr::from_bytes(name)));
                }
                _ => folders.push(child.path()),
            }
        }
    }
    Ok(all)
}
