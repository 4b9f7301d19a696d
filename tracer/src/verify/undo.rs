//! What the programs change, kept as it was before: a log over time that can be gone back.
//!
//! A moment holds what stood at each path that was changed after it, as it was then. What it does
//! not hold is as at the next moment, and what none holds is as it is now. Putting files back is a
//! change like any other, so each moment can be gone to from everywhere.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::content;
use super::durable::make_durable;
use super::entry::{About, Entry};
use super::links::{self, Linked, Names};
use super::log::{Left, Log};
use super::make::make_all;
use super::state::{Failures, children, duplicate};
use super::strangers::{self, Foreign};
use crate::Error;
use crate::record::Change;
use crate::sys::file;

/// What stood at paths.
pub(super) type Entries = BTreeMap<PathBuf, Entry>;

/// What tells that somebody else has changed a file: device, inode, size, time of the last change.
type Mark = (u64, u64, u64, i64, i64);

/// So many files with several names are held open.
const MOST_HELD: usize = 200;

/// The files that are changed, over time.
#[derive(Debug)]
pub(super) struct Undo {
    log: Log,
    /// Paths at and below which nothing is kept.
    apart: Vec<PathBuf>,
    /// But images are, though they are ours: one may be restored from several times.
    images: PathBuf,
    moments: Vec<Entries>,
    /// What stood at each path before anything ran.
    before: Entries,
    copies: u64,
    /// The copy that holds what a path holds now.
    current: HashMap<PathBuf, PathBuf>,
    /// Files with several names that were kept in this moment.
    names: HashMap<(u64, u64), Entry>,
    /// Files with several names: as long as one is left, the others can be made again.
    held: HashMap<(u64, u64), File>,
    /// What is known of these.
    linked: Linked,
    /// Changed without calls from some moment on.
    mapped: BTreeSet<PathBuf>,
    /// Changed since the last look.
    recent: BTreeSet<PathBuf>,
    /// How we left what we have changed.
    left: HashMap<PathBuf, Option<Mark>>,
    /// What somebody else has made of a file meanwhile, and our copy of that.
    foreign: Foreign,
    /// A file was changed of which no name is known.
    unseen: bool,
}

impl Undo {
    /// Nothing at or below the paths in `apart` is kept, except `images`.
    pub(super) fn new(log: Log, mut apart: Vec<PathBuf>, images: PathBuf) -> Self {
        apart.push(log.base().to_owned());
        Self {
            log,
            apart,
            images,
            moments: vec![Entries::new()],
            before: Entries::new(),
            copies: 0,
            current: HashMap::new(),
            names: HashMap::new(),
            held: HashMap::new(),
            linked: Linked::new(),
            mapped: BTreeSet::new(),
            recent: BTreeSet::new(),
            left: HashMap::new(),
            foreign: Foreign::new(),
            unseen: false,
        }
    }

    /// How many files were copied.
    pub(super) const fn copies(&self) -> u64 {
        self.copies
    }

    /// A new moment; gives its number.
    pub(super) fn mark(&mut self) -> Result<usize, Error> {
        self.settle();
        self.names.clear();
        self.moments.push(Entries::new());
        for path in self.mapped.clone() {
            self.current.remove(&path);
            self.touch(&path)?;
        }
        self.log.keep_promises()?;
        Ok(self.moments.len() - 1)
    }

    /// A run has ended.
    pub(super) fn settle(&mut self) {
        for path in std::mem::take(&mut self.recent) {
            let mark = mark(&path);
            self.left.insert(path, mark);
        }
    }

    /// This is about to be changed.
    pub(super) fn changes(&mut self, change: Change<'_>) -> Result<(), Error> {
        match change {
            Change::At(path) => {
                self.touch(path)?;
                self.current.remove(path);
            }
            Change::Name(path) => {
                self.touch_parent(path)?;
                self.touch(path)?;
                self.current.remove(path);
            }
            Change::Unnamed(device, inode) => self.touch_inode((device, inode))?,
            Change::Mapped(path) => {
                self.touch(path)?;
                self.current.remove(path);
                if self.is_kept(path) {
                    self.mapped.insert(path.to_owned());
                }
            }
            Change::Moved { from, to, swapped } => {
                self.touch_parent(from)?;
                self.touch_parent(to)?;
                self.touch_tree(from)?;
                self.touch_tree(to)?;
                self.touch_as(from, from, to)?;
                if swapped {
                    self.touch_as(to, to, from)?;
                }
                self.forget_below(from);
                self.forget_below(to);
            }
        }
        self.log.keep_promises()
    }

    fn forget_below(&mut self, path: &Path) {
        self.current.retain(|known, _| !known.starts_with(path));
    }

    /// A file is changed by a name that is gone.
    fn touch_inode(&mut self, inode: (u64, u64)) -> Result<(), Error> {
        let is_it = |about: &About| about.inode == inode;
        let kept = self.moments.last().is_some_and(|newest| {
            newest.values().any(|entry| matches!(entry, Entry::File { about, .. } if is_it(about)))
        });
        if kept {
            return Ok(());
        }
        let known = self.left.keys().chain(&self.recent);
        let other = known.filter(|path| {
            fs::symlink_metadata(path).is_ok_and(|about| (about.dev(), about.ino()) == inode)
        });
        match other.min().cloned() {
            Some(path) => {
                self.current.remove(&path);
                self.touch(&path)
            }
            None => {
                self.unseen = true;
                Ok(())
            }
        }
    }

    fn touch_parent(&mut self, path: &Path) -> Result<(), Error> {
        path.parent().map_or(Ok(()), |parent| self.touch(parent))
    }

    fn touch_tree(&mut self, path: &Path) -> Result<(), Error> {
        self.touch(path)?;
        if self.is_kept(path) && fs::symlink_metadata(path).is_ok_and(|about| about.is_dir()) {
            for child in children(path)? {
                self.touch_tree(&child)?;
            }
        }
        Ok(())
    }

    /// The paths that come into being when `from` becomes `to`.
    fn touch_as(&mut self, path: &Path, from: &Path, to: &Path) -> Result<(), Error> {
        let Ok(below) = path.strip_prefix(from) else { return Ok(()) };
        // Joining nothing would add a slash.
        if below.as_os_str().is_empty() {
            self.touch(to)?;
        } else {
            self.touch(&to.join(below))?;
        }
        if fs::symlink_metadata(path).is_ok_and(|about| about.is_dir()) {
            for child in children(path)? {
                self.touch_as(&child, from, to)?;
            }
        }
        Ok(())
    }

    /// Whether what stands at a path is put back.
    pub(super) fn is_kept(&self, path: &Path) -> bool {
        let is_device = path.starts_with("/dev") && !path.starts_with("/dev/shm");
        !is_device
            && !path.starts_with("/proc")
            && !path.starts_with("/sys")
            && (path.starts_with(&self.images)
                || !self.apart.iter().any(|apart| path.starts_with(apart)))
    }

    /// Keeps what stands at a path, unless that was done since the last moment.
    fn touch(&mut self, path: &Path) -> Result<(), Error> {
        if !self.is_kept(path) {
            return Ok(());
        }
        self.look_for_others(path)?;
        self.recent.insert(path.to_owned());
        // What a folder holds that this moment has as something else may be missing at earlier ones,
        // which have it as a folder.
        if self.moments.last().is_none_or(|newest| newest.contains_key(path)) {
            return Ok(());
        }
        let entry = match self.entry(path) {
            Ok(entry) => entry,
            // What may not even be looked at cannot be changed by the same user either.
            Err(error) if is_out_of_reach(path, &error) => return Ok(()),
            Err(error) => return Err(error),
        };
        if !self.before.contains_key(path) && !is_implied(&self.before, path) {
            let linked = match &entry {
                Entry::File { about, .. } => self.linked.get(&about.inode),
                _ => None,
            };
            self.log.promise(path, &entry, linked)?;
            self.before.insert(path.to_owned(), entry.clone());
        }
        if let Some(newest) = self.moments.last_mut() {
            newest.insert(path.to_owned(), entry);
        }
        Ok(())
    }

    /// What stands at a path now, with a copy of it.
    fn entry(&mut self, path: &Path) -> Result<Entry, Error> {
        let about = match fs::symlink_metadata(path) {
            Ok(about) => about,
            Err(error) if is_nothing(&error) => return Ok(Entry::Nothing),
            Err(error) => return Err(Error::file("look at", path)(error)),
        };
        let kind = about.file_type();
        if kind.is_symlink() {
            let target = fs::read_link(path).map_err(Error::file("read", path))?;
            return Ok(Entry::Link { target, about: About::at(path, &about) });
        }
        if kind.is_dir() {
            return Ok(Entry::Folder { about: About::at(path, &about) });
        }
        if !kind.is_file() {
            return Ok(Entry::Node { about: About::at(path, &about), device: about.rdev() });
        }
        let inode = (about.dev(), about.ino());
        if about.nlink() > 1
            && let Some(entry) = self.names.get(&inode)
        {
            return Ok(entry.clone());
        }
        // What is written by another name is not told of this one.
        let current = self.current.get(path).filter(|_| about.nlink() == 1);
        let copy = match current {
            Some(copy) => copy.clone(),
            None => {
                let copy = self.copy(path)?;
                self.current.insert(path.to_owned(), copy.clone());
                copy
            }
        };
        let entry = Entry::File { copy, about: About::at(path, &about) };
        if about.nlink() > 1 {
            self.names.insert(inode, entry.clone());
            self.linked.entry(inode).or_insert_with(|| Names::of(&about));
            if self.held.len() < MOST_HELD
                && !self.held.contains_key(&inode)
                && let Ok(file) = file::hold(path)
            {
                self.held.insert(inode, file);
            }
        }
        Ok(entry)
    }

    fn copy(&mut self, path: &Path) -> Result<PathBuf, Error> {
        self.copies += 1;
        let copy = self.log.files().join(self.copies.to_string());
        duplicate(path, &copy)?;
        Ok(copy)
    }

    /// Looks whether a file is as we left it. If not, what somebody else made of it is kept.
    fn look_for_others(&mut self, path: &Path) -> Result<(), Error> {
        if self.recent.contains(path) || self.mapped.contains(path) {
            return Ok(());
        }
        let Some(left) = self.left.get(path) else { return Ok(()) };
        let now = mark(path);
        if *left == now {
            return Ok(());
        }
        self.current.remove(path);
        self.left.insert(path.to_owned(), now);
        let about = fs::symlink_metadata(path).ok();
        // Files come and go in a folder, and a file with several names may have been changed by
        // another one of them.
        if about.as_ref().is_some_and(|about| about.is_dir() || about.nlink() > 1) {
            return Ok(());
        }
        self.keep_foreign(path.to_owned(), about.filter(Metadata::is_file))
    }

    /// What somebody else has made of a path stays, also if we are killed.
    fn keep_foreign(&mut self, path: PathBuf, about: Option<Metadata>) -> Result<(), Error> {
        let copy = if about.is_some() { Some(self.copy(&path)?) } else { None };
        let made = match (&copy, &about) {
            (Some(copy), Some(about)) => {
                Entry::File { copy: copy.clone(), about: About::at(&path, about) }
            }
            _ => Entry::Nothing,
        };
        self.log.promise_beside(&path, &made)?;
        self.foreign.insert(path, copy);
        Ok(())
    }

    /// Whether a file was changed of which no name is known, so that it is not put back.
    pub(super) const fn has_unseen(&self) -> bool {
        self.unseen
    }

    /// Files that were changed by somebody else while we worked with them.
    pub(super) fn others(&self) -> impl Iterator<Item = &Path> {
        self.foreign.keys().map(PathBuf::as_path)
    }

    /// What stood at a moment at all paths that were changed after it.
    fn at(&self, moment: usize) -> Entries {
        let mut then = Entries::new();
        for entries in self.moments.iter().skip(moment) {
            for (path, entry) in entries {
                if !then.contains_key(path) && !is_implied(&then, path) {
                    then.insert(path.clone(), entry.clone());
                }
            }
        }
        then
    }

    /// The same, of those paths where something else stands now.
    pub(super) fn unlike_now(&self, moment: usize) -> Entries {
        let mut then = self.at(moment);
        then.retain(|path, entry| !self.is_as(path, entry));
        then
    }

    /// What was kept of each moment.
    pub(super) fn moments(&self) -> impl Iterator<Item = &Entries> {
        self.moments.iter()
    }

    /// Where this log is, and what goes with it.
    pub(super) fn folder(&self) -> &Path {
        self.log.folder()
    }

    /// Makes all files what they were at a moment.
    pub(super) fn go_to(&mut self, moment: usize) -> Result<(), Error> {
        let then = self.at(moment);
        for (path, entry) in &then {
            if self.is_as(path, entry) {
                self.look_for_others(path)?;
            } else {
                self.look_for_strangers(path, entry)?;
                // What is about to go has to be there for later moments.
                self.touch_tree_if_it_goes(path, entry)?;
            }
        }
        self.log.keep_promises()?;
        let made = self.make(&then);
        self.settle();
        made
    }

    fn touch_tree_if_it_goes(&mut self, path: &Path, entry: &Entry) -> Result<(), Error> {
        match entry {
            Entry::Folder { .. } => self.touch(path),
            _ => self.touch_tree(path),
        }
    }

    /// Puts everything back as it was before anything ran; the log stays. Gives what is to be said
    /// of it.
    pub(super) fn put_back(&mut self) -> Result<Vec<String>, Error> {
        self.settle();
        let mut before = std::mem::take(&mut self.before);
        let mut failures = Failures::default();
        let mut left_alone = Vec::new();
        for (path, entry) in &before {
            // What somebody else has made of a file does not go unless it can be kept.
            if let Err(error) = self.look_for_strangers(path, entry) {
                failures.note(Err(error));
                left_alone.push(path.clone());
            }
        }
        // If this fails, only a kill from here on would lose it: it is handed over soon.
        let _for_the_worst = self.log.keep_promises();
        before.retain(|path, _| {
            !left_alone.iter().any(|alone| alone.starts_with(path) || path.starts_with(alone))
        });
        let notes = links::find(&before, &self.linked, &mut self.held);
        failures.note(self.make(&before));
        self.settle();
        failures.note(make_durable(&before));
        self.before = before;
        failures.result().map(|()| notes)
    }

    /// Keeps what somebody else has made of what is about to be changed or to go.
    fn look_for_strangers(&mut self, path: &Path, entry: &Entry) -> Result<(), Error> {
        self.look_for_others(path)?;
        if matches!(entry, Entry::Folder { .. }) {
            return Ok(());
        }
        for path in strangers::below(path)? {
            if self.left.contains_key(&path) || self.recent.contains(&path) {
                self.look_for_others(&path)?;
            } else if self.is_kept(&path) && !self.foreign.contains_key(&path) {
                let about = fs::symlink_metadata(&path).map_err(Error::file("look at", &path))?;
                self.keep_foreign(path, Some(about))?;
            }
        }
        Ok(())
    }

    /// Nothing that was kept is needed any more.
    pub(super) fn done(self) -> Result<(), Error> {
        self.log.done()
    }

    /// Puts what somebody else has made of files beside them, and says so.
    pub(super) fn hand_over(&self) -> Result<Vec<String>, Error> {
        strangers::hand_over(&self.foreign, "a process that is not traced has")
    }

    /// Puts back what a verification that was killed has left. What could not be put back stays with
    /// it, and nothing else does.
    pub(super) fn recover(left: &mut Left) -> Result<Recovered, Error> {
        let before = &left.told.before;
        let later = strangers::since(before, left.written, left.files())?;
        let mut held = HashMap::new();
        let mut notes = links::find(before, &left.told.linked, &mut held);
        let mut failures = Failures::default();
        failures.note(make_all(before, &mut HashMap::new(), &held, &HashSet::new()));
        failures.note(make_durable(before));
        notes.extend(strangers::hand_over(&later, "it or somebody else has")?);
        notes.extend(strangers::hand_over(&left.told.foreign, "a process that is not traced has")?);
        let failed = failures.result().err();
        if failed.is_some() {
            left.told.foreign.clear();
            left.told.before.retain(|path, entry| !is_made(path, entry));
            left.keep()?;
        }
        Ok(Recovered { notes, failed })
    }

    fn is_as(&self, path: &Path, entry: &Entry) -> bool {
        let now = fs::symlink_metadata(path);
        match (entry, now) {
            (Entry::Nothing, now) => now.is_err(),
            (Entry::File { copy, about }, Ok(now)) => {
                self.current.get(path) == Some(copy)
                    && now.is_file()
                    && now.nlink() == 1
                    && about.is_of(path, &now)
            }
            (Entry::Folder { about }, Ok(now)) => now.is_dir() && about.is_of(path, &now),
            (Entry::Link { target, about }, Ok(now)) => {
                now.is_symlink()
                    && fs::read_link(path).is_ok_and(|now| now == *target)
                    && about.is_of(path, &now)
            }
            (Entry::Node { about, device }, Ok(now)) => {
                now.rdev() == *device && about.is_of(path, &now)
            }
            _ => false,
        }
    }

    fn make(&mut self, then: &Entries) -> Result<(), Error> {
        // Whose times somebody else has moved on stays like that.
        let busy = then.iter().filter_map(|(path, entry)| {
            let is_folder = matches!(entry, Entry::Folder { .. });
            let left = self.left.get(path).filter(|_| is_folder && !self.recent.contains(path))?;
            (*left != mark(path)).then(|| path.clone())
        });
        let busy: HashSet<_> = busy.collect();
        let mut current = std::mem::take(&mut self.current);
        let made = make_all(then, &mut current, &self.held, &busy);
        self.current = current;
        self.recent.extend(then.keys().cloned());
        made
    }
}

/// What came of putting back what a verification that was killed has left.
pub(super) struct Recovered {
    /// What is to be said of it.
    pub(super) notes: Vec<String>,
    /// Why something is left.
    pub(super) failed: Option<Error>,
}

/// Whether what a path shall be stands there, whatever its times.
fn is_made(path: &Path, entry: &Entry) -> bool {
    let now = fs::symlink_metadata(path);
    match (entry, now) {
        (Entry::Nothing, now) => now.is_err(),
        (Entry::Folder { .. }, Ok(now)) => now.is_dir(),
        (Entry::File { copy, about }, Ok(now)) => {
            now.mode() == about.mode && content::is_same(path, copy)
        }
        (Entry::Link { target, .. }, _) => fs::read_link(path).is_ok_and(|now| now == *target),
        (Entry::Node { about, device }, Ok(now)) => {
            (now.mode(), now.rdev()) == (about.mode, *device)
        }
        _ => false,
    }
}

/// Whether something above a path says that there is nothing at it.
fn is_implied(entries: &Entries, path: &Path) -> bool {
    let mut above = path.ancestors().skip(1);
    above
        .any(|above| entries.get(above).is_some_and(|entry| !matches!(entry, Entry::Folder { .. })))
}

fn mark(path: &Path) -> Option<Mark> {
    let about = fs::symlink_metadata(path).ok()?;
    Some((about.dev(), about.ino(), about.size(), about.mtime(), about.mtime_nsec()))
}

fn is_nothing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Whether the error comes from a path that we could not change either.
fn is_out_of_reach(path: &Path, error: &Error) -> bool {
    let Error::File { source, .. } = error else { return false };
    let denied = source.kind() == io::ErrorKind::PermissionDenied;
    denied && !file::is_writable(path) && !path.parent().is_some_and(file::is_writable)
}
