//! Restored runs that see the files as they were at their checkpoint, while these stay as they are:
//! what differs lies in layers over the folders concerned.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::entry::{About, Entry};
use super::guard::Files;
use super::state::fill;
use super::temporary::{self, Temporary};
use super::tree;
use super::undo::Entries;
use crate::Error;
use crate::sys::file;
use crate::sys::view::View;

/// Folders that are covered by a layer for each run.
#[derive(Debug)]
pub(super) struct Layers {
    /// None lies in another one.
    folders: Vec<PathBuf>,
    /// Where the layers are.
    base: Temporary,
    directory: PathBuf,
    /// How many were copied from others.
    copied: AtomicUsize,
}

/// The layers of one run.
#[derive(Debug)]
pub(super) struct Layer {
    /// They are there as long as this is.
    pub(super) place: Temporary,
    pub(super) view: View,
}

impl Layers {
    /// Layers over all that has been changed, for programs that start in `directory`. Images are not
    /// covered, so a run that would change one is made alone.
    ///
    /// # Errors
    /// Why there can be none.
    pub(super) fn over(files: &Files, work: &Path, directory: &Path) -> Result<Self, String> {
        let Some(undo) = files.undo() else {
            return Err("files that no --state names are not put back".to_owned());
        };
        // What is a folder at all times can be covered.
        let comes_and_goes: BTreeSet<&Path> = files
            .changed()
            .filter(|(_, entry)| !matches!(entry, Entry::Folder { .. }))
            .map(|(path, _)| path)
            .collect();
        let changed = files.changed().map(|(path, _)| path);
        let state = files.roots().iter().map(PathBuf::as_path);
        let mut folders = Vec::new();
        for path in changed.chain(state) {
            let stays = |folder: &&Path| {
                fs::symlink_metadata(folder).is_ok_and(|about| about.is_dir())
                    && !folder.ancestors().any(|above| comes_and_goes.contains(above))
            };
            let folder = path.ancestors().find(stays).filter(|folder| *folder != Path::new("/"));
            let folder = folder.ok_or_else(|| {
                format!("{} stands in no folder that could be covered", path.display())
            })?;
            folders.push(folder.to_owned());
        }
        let folders = outermost(folders);
        if let Some((folder, mount)) = mounted_below(&folders) {
            return Err(format!(
                "{} is mounted in {}, which has to be covered",
                mount.display(),
                folder.display()
            ));
        }
        let is_apart = |base: &&Path| !folders.iter().any(|folder| base.starts_with(folder));
        let base = [work, undo.folder()].into_iter().find(is_apart).ok_or_else(|| {
            "our own folders lie in those that have to be covered: name another one with --keep"
                .to_owned()
        })?;
        let base = base.join("samestate-layers");
        // One that was killed may have left some in a folder that is kept.
        temporary::remove(&base);
        let base = Temporary::at(base).map_err(|error| error.with_causes())?;
        Ok(Self { folders, base, directory: directory.to_owned(), copied: AtomicUsize::new(0) })
    }

    /// Whether what is changed at a path stays in a layer.
    pub(super) fn cover(&self, path: &Path) -> bool {
        // Folders themselves are where layers are mounted.
        self.folders.iter().any(|folder| path.starts_with(folder))
    }

    /// The layers of one run, with what stood at a moment where something else stands now.
    pub(super) fn make(&self, name: &str, then: &Entries) -> Result<Layer, Error> {
        let place = Temporary::at(self.base.path().join(name))?;
        for (number, folder) in self.folders.iter().enumerate() {
            let upper = place.path().join(format!("upper-{number}"));
            make_folder(&place.path().join(format!("work-{number}")))?;
            let below = then.iter().filter(|(path, _)| path.starts_with(folder));
            Filling::new(folder, &upper, place.path())?.fill(below)?;
        }
        self.seen_by(place)
    }

    fn seen_by(&self, place: Temporary) -> Result<Layer, Error> {
        let at = |kind, number| place.path().join(format!("{kind}-{number}"));
        let layers =
            self.folders.iter().enumerate().map(|(number, folder)| {
                (folder.as_path(), at("upper", number), at("work", number))
            });
        let view = View::new(layers, &self.directory);
        let view = view.map_err(Error::file("cover folders below", place.path()))?;
        Ok(Layer { place, view })
    }

    /// Layers for another run that sees what the run with these sees now.
    pub(super) fn again(&self, place: &Temporary) -> Result<Layer, Error> {
        let number = self.copied.fetch_add(1, Ordering::Relaxed);
        let again = Temporary::at(self.base.path().join(format!("again-{number}")))?;
        for number in 0..self.folders.len() {
            let upper = format!("upper-{number}");
            tree::copy(&place.path().join(&upper), &again.path().join(&upper))?;
            make_folder(&again.path().join(format!("work-{number}")))?;
        }
        self.seen_by(again)
    }
}

fn make_folder(path: &Path) -> Result<(), Error> {
    fs::create_dir(path).map_err(Error::file("create the folder", path))
}

fn outermost(mut folders: Vec<PathBuf>) -> Vec<PathBuf> {
    folders.sort();
    let mut outermost: Vec<PathBuf> = Vec::new();
    for folder in folders {
        // What lies in a folder follows it.
        if !outermost.iter().any(|outer| folder.starts_with(outer)) {
            outermost.push(folder);
        }
    }
    outermost
}

/// A folder in which something else is mounted.
fn mounted_below(folders: &[PathBuf]) -> Option<(PathBuf, PathBuf)> {
    let mounts = fs::read("/proc/self/mountinfo").unwrap_or_default();
    let point = |line: &[u8]| Some(unescaped(line.split(|byte| *byte == b' ').nth(4)?));
    mounts.split(|byte| *byte == b'\n').filter_map(point).find_map(|mount| {
        let folder =
            folders.iter().find(|folder| mount.starts_with(folder) && mount != **folder)?;
        Some((folder.clone(), mount))
    })
}

/// A path as the kernel lists it: what would be taken for the end of a word is written as `\040`.
fn unescaped(word: &[u8]) -> PathBuf {
    let mut bytes = Vec::new();
    let mut at = 0;
    while let Some(&byte) = word.get(at) {
        let digits = word.get(at + 1..at + 4).and_then(|digits| std::str::from_utf8(digits).ok());
        let code = digits.and_then(|digits| u8::from_str_radix(digits, 8).ok());
        let (byte, length) = match code {
            Some(code) if byte == b'\\' => (code, 4),
            _ => (byte, 1),
        };
        bytes.push(byte);
        at += length;
    }
    PathBuf::from(std::ffi::OsString::from_vec(bytes))
}

/// One layer as it is filled.
struct Filling<'a> {
    folder: &'a Path,
    upper: &'a Path,
    /// A mark that stands for "nothing here", which all places share.
    nothing: PathBuf,
    /// Folders get their times last.
    folders: BTreeMap<PathBuf, About>,
    /// The first path of each file.
    placed: HashMap<(u64, u64), PathBuf>,
}

impl<'a> Filling<'a> {
    fn new(folder: &'a Path, upper: &'a Path, place: &Path) -> Result<Self, Error> {
        make_folder(upper)?;
        let about = fs::symlink_metadata(folder).map_err(Error::file("look at", folder))?;
        Ok(Self {
            folder,
            upper,
            nothing: place.join("nothing"),
            folders: BTreeMap::from([(upper.to_owned(), About::at(folder, &about))]),
            placed: HashMap::new(),
        })
    }

    fn fill<'b>(
        mut self,
        then: impl Iterator<Item = (&'b PathBuf, &'b Entry)>,
    ) -> Result<(), Error> {
        let mut names = Vec::new();
        // Folders come before what they hold.
        for (path, entry) in then {
            let Some(at) = self.at(path) else { continue };
            match entry {
                Entry::Name { of } => names.push((path, at, of)),
                entry => self.put(path, &at, entry)?,
            }
        }
        for (path, at, of) in names {
            self.make_way(path)?;
            let Some(of) = self.at(of) else {
                return Err(Error::NotFollowed { what: "a file has names in two covered folders" });
            };
            fs::hard_link(&of, &at).map_err(Error::file("cover", path))?;
        }
        self.folders.iter().try_for_each(|(at, about)| about.apply(at))
    }

    /// Where in the layer a path is.
    fn at(&self, path: &Path) -> Option<PathBuf> {
        let below = path.strip_prefix(self.folder).ok()?;
        // Joining nothing would add a slash.
        Some(match below.as_os_str().is_empty() {
            true => self.upper.to_owned(),
            false => self.upper.join(below),
        })
    }

    fn put(&mut self, path: &Path, at: &Path, entry: &Entry) -> Result<(), Error> {
        let failed = || Error::file("cover", path);
        if !matches!(entry, Entry::Nothing) {
            self.make_way(path)?;
        }
        match entry {
            Entry::Nothing => {
                if fs::symlink_metadata(path).is_err() {
                    return Ok(());
                }
                self.make_way(path)?;
                self.put_nothing(at).map_err(failed())
            }
            Entry::Name { .. } => Ok(()),
            Entry::Folder { about } => {
                if at != self.upper && !self.folders.contains_key(at) {
                    fs::create_dir(at).map_err(failed())?;
                }
                self.folders.insert(at.to_owned(), about.clone());
                Ok(())
            }
            Entry::Link { target, about } => {
                symlink(target, at).map_err(failed())?;
                about.apply(at)
            }
            Entry::Node { about, device } => {
                file::make_node(at, about.mode, *device).map_err(failed())?;
                about.apply(at)
            }
            Entry::File { copy, about } => {
                if let Some(other) = self.placed.get(&about.inode) {
                    return fs::hard_link(other, at).map_err(failed());
                }
                self.placed.insert(about.inode, at.to_owned());
                fill(at, copy, false)?;
                about.apply(at)
            }
        }
    }

    /// Makes the folders in which a path lies, as they are now.
    fn make_way(&mut self, path: &Path) -> Result<(), Error> {
        let above = path.ancestors().skip(1).take_while(|above| *above != self.folder);
        let mut above: Vec<_> = above.collect();
        above.reverse();
        for folder in above {
            let Some(at) = self.at(folder) else { continue };
            if self.folders.contains_key(&at) {
                continue;
            }
            let about = fs::symlink_metadata(folder).map_err(Error::file("look at", folder))?;
            fs::create_dir(&at).map_err(Error::file("cover", folder))?;
            self.folders.insert(at, About::at(folder, &about));
        }
        Ok(())
    }

    fn put_nothing(&self, at: &Path) -> io::Result<()> {
        /// The kernel takes a device of this number for "nothing here".
        const NOTHING: u64 = 0;
        match fs::hard_link(&self.nothing, at) {
            // It is the first, or has as many names as a file can have.
            Err(_) => {
                file::make_node(at, libc::S_IFCHR, NOTHING)?;
                let _one_inode_more = fs::hard_link(at, &self.nothing);
                Ok(())
            }
            linked => linked,
        }
    }
}
