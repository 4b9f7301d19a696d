//! The undo log on disk: where it is, who has it, and what one that was killed has left.
//!
//! It stands in a folder with a well-known name, so that the next verification finds what one that
//! was killed has left. What a path held is in the journal before the path is changed, and a
//! path is claimed before, so that two verifications never change the same file.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::entry::Entry;
use super::journal::{self, Told};
use super::keep::{own, refuse_if_kept, user};
use super::links::Names;
use super::temporary;
use crate::Error;
use crate::sys::file;

/// The folder of a log begins like this.
const RUN: &str = "run-";
/// Or like this if nobody can put back what it is about.
const ASIDE: &str = "unreadable-";
const LOCK: &str = "lock";
const JOURNAL: &str = "journal";
const FILES: &str = "files";
/// Leads to a folder that goes with the log.
const WORK: &str = "work";

/// The locked log of one verification.
#[derive(Debug)]
pub(super) struct Log {
    base: PathBuf,
    folder: PathBuf,
    journal: File,
    /// How much of the journal is whole.
    length: u64,
    lock: File,
    claims: Vec<PathBuf>,
    /// Paths that were claimed and are not in the journal yet.
    claimed: Vec<PathBuf>,
    /// Blocks that are not in the journal yet.
    pending: Vec<u8>,
    /// The copies that these rely upon.
    copies: Vec<PathBuf>,
}

/// What a verification that was killed has left.
#[derive(Debug)]
pub(super) struct Left {
    log: Log,
    pub(super) told: Told,
    /// When the last of this was written down.
    pub(super) written: SystemTime,
}

/// What was left, or why it cannot be told what was left in a folder.
pub(super) type LeftOver = Result<Left, (PathBuf, Error)>;

impl Log {
    /// A new log among those in `base`; `None` is the well-known folder.
    pub(super) fn create(base: Option<&Path>) -> Result<Self, Error> {
        let base = base.map_or_else(usual, Path::to_owned);
        let made = |path: &Path| -> Result<(), Error> {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path)
                .map_err(Error::file("create the folder for what is to be put back", path))
        };
        made(&base)?;
        own(&base)?;
        let base = fs::canonicalize(&base).map_err(Error::file("find", &base))?;
        made(&base.join("claims"))?;
        let folder = tempfile::Builder::new()
            .prefix(RUN)
            .tempdir_in(&base)
            .map_err(Error::file("create a folder in", &base))?
            .keep();
        let lock = Self::locked(&folder)?;
        let files = folder.join(FILES);
        fs::create_dir(&files).map_err(Error::file("create the folder", &files))?;
        let path = folder.join(JOURNAL);
        let journal = File::options().append(true).create_new(true).open(&path);
        let journal = journal.map_err(Error::file("create", &path))?;
        Ok(Self::of(base, folder, journal, lock, Vec::new()))
    }

    fn of(base: PathBuf, folder: PathBuf, journal: File, lock: File, claims: Vec<PathBuf>) -> Self {
        let (claimed, pending, copies) = (Vec::new(), Vec::new(), Vec::new());
        Self { base, folder, journal, length: 0, lock, claims, claimed, pending, copies }
    }

    /// Locks a new log. The lock has its name only when it is held: whoever finds one that is not takes
    /// the log for left over, and removes it.
    fn locked(folder: &Path) -> Result<File, Error> {
        let (draft, path) = (folder.join("lock.new"), folder.join(LOCK));
        let lock = File::options().write(true).create_new(true).open(&draft);
        let lock = lock.map_err(Error::file("create", &draft))?;
        if !file::lock(&lock).map_err(Error::file("lock", &draft))? {
            return Err(Error::InUse { path: folder.to_owned(), lock: draft });
        }
        fs::rename(&draft, &path).map_err(Error::file("create", &path))?;
        Ok(lock)
    }

    fn take(folder: &Path) -> Result<Option<File>, Error> {
        let path = folder.join(LOCK);
        let lock = File::options().write(true).create(true).truncate(false).open(&path);
        let lock = lock.map_err(Error::file("create", &path))?;
        Ok(file::lock(&lock).map_err(Error::file("lock", &path))?.then_some(lock))
    }

    /// Where all logs are; nothing below it is ever kept.
    pub(super) fn base(&self) -> &Path {
        &self.base
    }

    /// Where this one is.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A folder for traces and images that goes when nothing has to be put back any more, also if
    /// that is done by somebody else.
    pub(super) fn take_along(&self, folder: &Path) -> Result<(), Error> {
        let link = self.folder.join(WORK);
        symlink(folder, &link).map_err(Error::file("create", link))
    }

    /// Where copies go.
    pub(super) fn files(&self) -> PathBuf {
        self.folder.join(FILES)
    }

    /// What verifications have left that nobody works on any more, or the folder of which it cannot
    /// be said; and the folders that were set aside.
    pub(super) fn left_over(&self) -> Result<(Vec<LeftOver>, Vec<PathBuf>), Error> {
        let (mut all, mut aside) = (Vec::new(), Vec::new());
        let listed =
            fs::read_dir(&self.base).map_err(Error::file("list the folder", &self.base))?;
        for entry in listed {
            let entry = entry.map_err(Error::file("list the folder", &self.base))?;
            let (folder, name) = (entry.path(), entry.file_name());
            if name.as_bytes().starts_with(ASIDE.as_bytes()) {
                aside.push(folder);
                continue;
            }
            // One without a lock is only coming into being.
            let is_log = name.as_bytes().starts_with(RUN.as_bytes());
            if !is_log || folder == self.folder || !folder.join(LOCK).exists() {
                continue;
            }
            match self.left_in(&folder) {
                Ok(None) => {}
                Ok(Some(left)) => all.push(Ok(left)),
                Err(error) => all.push(Err((folder, error))),
            }
        }
        aside.sort();
        Ok((all, aside))
    }

    /// What is in the folder of a log; `None` if somebody works on it.
    fn left_in(&self, folder: &Path) -> Result<Option<Left>, Error> {
        let Some(lock) = Self::take(folder)? else { return Ok(None) };
        let path = folder.join(JOURNAL);
        let (written, told) = match File::open(&path) {
            Ok(mut journal) => {
                let about = journal.metadata().and_then(|about| about.modified());
                let written = about.map_err(Error::file("look at", &path))?;
                (written, journal::read(&mut journal, &path, folder)?)
            }
            // It was killed before it had begun, or when all was done.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                (SystemTime::now(), Told::default())
            }
            Err(error) => return Err(Error::file("open", &path)(error)),
        };
        let null = File::open("/dev/null").map_err(Error::file("open", "/dev/null"))?;
        let claims = told.before.keys().map(|path| claim(&self.base, path)).collect();
        let log = Self::of(self.base.clone(), folder.to_owned(), null, lock, claims);
        Ok(Some(Left { log, told, written }))
    }

    /// This path is going to be put back, whatever happens, once the promise is kept. `linked` is
    /// told of a file that has other names, too.
    pub(super) fn promise(
        &mut self,
        path: &Path,
        entry: &Entry,
        linked: Option<&Names>,
    ) -> Result<(), Error> {
        // Times of a folder are nobody's own.
        if !matches!(entry, Entry::Folder { .. }) {
            refuse_if_kept(path)?;
            self.claim(path)?;
            self.claimed.push(path.to_owned());
        }
        let failed = || Error::file("write", self.folder.join(JOURNAL));
        if let (Some(names), Entry::File { about, .. }) = (linked, entry) {
            journal::put_names(&mut self.pending, about.inode, *names).map_err(failed())?;
        }
        journal::put_before(&mut self.pending, path, entry, &self.folder).map_err(failed())?;
        if let Entry::File { copy, .. } = entry {
            self.copies.push(copy.clone());
        }
        Ok(())
    }

    /// Once the promise is kept, what somebody else has made of a path is put beside it, whatever
    /// happens.
    pub(super) fn promise_beside(&mut self, path: &Path, made: &Entry) -> Result<(), Error> {
        if let Entry::File { copy, .. } = made {
            self.copies.push(copy.clone());
        }
        journal::put_foreign(&mut self.pending, path, made, &self.folder)
            .map_err(Error::file("write", self.folder.join(JOURNAL)))
    }

    /// From here on all that was promised can be put back. The copies are safe before the journal
    /// says that they are good, and the journal is before anything is changed.
    pub(super) fn keep_promises(&mut self) -> Result<(), Error> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let failed = || Error::file("make durable what is in", &self.folder);
        for copy in &self.copies {
            File::open(copy).and_then(|copy| copy.sync_data()).map_err(failed())?;
        }
        if let Err(error) = self.journal.write_all(&self.pending) {
            // Half a block would hide what follows it.
            let _as_it_is = self.journal.set_len(self.length);
            return Err(Error::file("write", self.folder.join(JOURNAL))(error));
        }
        // What is only removed again may be lost with the power; what cannot be had again may not.
        if !self.copies.is_empty() {
            self.journal.sync_data().map_err(failed())?;
        }
        self.length += self.pending.len() as u64;
        self.pending.clear();
        self.copies.clear();
        // One that has begun meanwhile looks into the journals only when it has its lock.
        std::mem::take(&mut self.claimed).iter().try_for_each(|path| refuse_if_kept(path))
    }

    /// Refuses a state path with files in it that another verification changes.
    pub(super) fn refuse_if_changed(&self, root: &Path) -> Result<(), Error> {
        let failed = || Error::file("list the folder", &self.base);
        for folder in fs::read_dir(&self.base).map_err(failed())? {
            let folder = folder.map_err(failed())?;
            let is_log = folder.file_name().as_bytes().starts_with(RUN.as_bytes());
            let folder = folder.path();
            let (lock, path) = (folder.join(LOCK), folder.join(JOURNAL));
            // What nobody works on was made good, or told.
            if !is_log || folder == self.folder || !lock.exists() || Self::take(&folder)?.is_some()
            {
                continue;
            }
            let Ok(mut journal) = File::open(&path) else { continue };
            let told = journal::read(&mut journal, &path, &folder)?;
            let is_in = |path: &Path| path.starts_with(root) || root.starts_with(path);
            let changed = told.before.into_iter().find(|(path, entry)| {
                // Times of a folder are nobody's own.
                is_in(path) && !(matches!(entry, Entry::Folder { .. }) && path.is_dir())
            });
            if let Some((path, _)) = changed {
                return Err(Error::InUse { path, lock });
            }
        }
        Ok(())
    }

    fn claim(&mut self, path: &Path) -> Result<(), Error> {
        let claim = claim(&self.base, path);
        let name = self.folder.file_name().unwrap_or_default();
        loop {
            match symlink(name, &claim) {
                Ok(()) => {
                    self.claims.push(claim);
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(Error::file("create", &claim)(error)),
            }
            let Ok(owner) = fs::read_link(&claim) else { continue };
            let lock = self.base.join(&owner).join(LOCK);
            if owner == name {
                return Ok(());
            }
            if lock.exists() {
                let (path, folder) = (path.to_owned(), self.base.join(&owner));
                // It was killed, and not all could be put back.
                return Err(match Self::take(&folder)? {
                    Some(_) => Error::LeftChanged { path, folder },
                    None => Error::InUse { path, lock },
                });
            }
            // Whoever had it was done with it, and was killed before it could say so.
            match fs::remove_file(&claim) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::file("remove", &claim)(error));
                }
                _ => {}
            }
        }
    }

    /// The files are as they were; nothing is needed any more.
    pub(super) fn done(self) -> Result<(), Error> {
        let path = self.folder.join(JOURNAL);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::file("remove", &path)(error));
            }
            _ => {}
        }
        self.claims.iter().for_each(|claim| self.give_up(claim));
        if let Ok(work) = fs::read_link(self.folder.join(WORK)) {
            temporary::remove_left(&work, user());
        }
        // Without a journal whatever is left here is nothing to anybody.
        temporary::remove(&self.folder);
        drop(self.lock);
        Ok(())
    }

    fn give_up(&self, claim: &Path) {
        if fs::read_link(claim).is_ok_and(|owner| Some(&*owner) == self.name()) {
            let _litter = fs::remove_file(claim);
        }
    }

    fn name(&self) -> Option<&Path> {
        self.folder.file_name().map(Path::new)
    }
}

impl Left {
    pub(super) fn done(self) -> Result<(), Error> {
        self.log.done()
    }

    /// From here on it is about what is in `told.before` only.
    pub(super) fn keep(&mut self) -> Result<(), Error> {
        if self.told.damage.is_some() {
            return Ok(());
        }
        let (path, draft) = (self.log.folder.join(JOURNAL), self.log.folder.join("draft"));
        self.log.journal = File::create(&draft).map_err(Error::file("create", &draft))?;
        let given_up = std::mem::take(&mut self.log.claims);
        for (path, entry) in &self.told.before {
            let names = match entry {
                Entry::File { about, .. } => self.told.linked.get(&about.inode),
                _ => None,
            };
            self.log.promise(path, entry, names)?;
            self.log.claims.push(claim(&self.log.base, path));
        }
        // A copy that is missing cannot be made durable.
        self.log.copies.retain(|copy| copy.exists());
        self.log.keep_promises()?;
        fs::rename(&draft, &path).map_err(Error::file("write", &path))?;
        let kept = &self.log.claims;
        given_up.iter().filter(|claim| !kept.contains(claim)).for_each(|it| self.log.give_up(it));
        Ok(())
    }

    /// It does not tell all, so that nobody can put everything back. Gives the folder in which the
    /// rest stays; it stands in nobody's way.
    pub(super) fn set_aside(self) -> Result<PathBuf, Error> {
        let folder = &self.log.folder;
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let aside = folder.with_file_name(format!("{ASIDE}{}", name.trim_start_matches(RUN)));
        fs::rename(folder, &aside).map_err(Error::file("rename", folder))?;
        Ok(aside)
    }

    /// Where more copies go.
    pub(super) fn files(&self) -> PathBuf {
        self.log.files()
    }

    /// Where the copies are.
    pub(super) fn folder(&self) -> &Path {
        &self.log.folder
    }
}

fn claim(base: &Path, path: &Path) -> PathBuf {
    let hash = xxhash_rust::xxh3::xxh3_64(path.as_os_str().as_bytes());
    base.join("claims").join(format!("{hash:016x}"))
}

/// The folder for logs of this user.
fn usual() -> PathBuf {
    let set = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")));
    let ours = |state: PathBuf| state.join("samestate/undo");
    let fits = |path: &PathBuf| {
        DirBuilder::new().recursive(true).mode(0o700).create(path).is_ok()
            && tempfile::tempfile_in(path).is_ok()
    };
    state.map(ours).filter(fits).unwrap_or_else(|| {
        let user = fs::metadata("/proc/self").map_or(0, |about| about.uid());
        std::env::temp_dir().join(format!("samestate-{user}"))
    })
}
