//! The program's own sources, read with syn: where types and impls stand, and what hand-written
//! functions do with the fields.

mod attributes;
mod bounds;
mod built;
mod code;
mod codebase;
mod conditions;
mod expand;
mod features;
mod file;
mod flow;
mod formats;
mod imports;
mod krate;
mod outline;
mod restoring;
mod text;
mod words;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::SystemTime;

pub(crate) use self::attributes::Attributes;
pub(crate) use self::code::{last_words, visitor_call};
pub(crate) use self::codebase::{Codebase, Func};
use self::conditions::Facts;
use self::features::Features;
pub(crate) use self::file::{Constant, Definition, ImplBlock, SourceFile, start_of};
pub(crate) use self::flow::{Flows, Key, Mark, Summary};
pub(crate) use self::formats::by_order;
pub(crate) use self::imports::MAX_NAMES;
pub(crate) use self::krate::{Crate, Found};
pub(crate) use self::restoring::{Restored, is_made_of, restored};
use self::text::SourceText;
use crate::dwarf::Contents;
use crate::limits::MAX_SOURCE_LEN;

/// What to do about a source that is not the one that was compiled.
const REBUILD: &str = "rebuild the program";

/// All sources of a program, each read when it is first asked for, and parsed when something in it
/// is.
///
/// What is read must be what was compiled. Line tables could hold sums of the files, but rustc's
/// never do: each names a file that does not exist, for which there is no sum. So a file that was
/// written after the binary is not believed. Build tools go by the same times, so that building
/// again is enough; where nothing but the time changed, that costs a build, whereas a field that
/// is saved in a newer text only would cost a checkpoint. Sources of registries keep the time of
/// their archive, so that fetching them late does no harm, and editing them shows. What this does
/// not see: an edit between a build and a copy of the binary that got a new time.
pub(crate) struct Sources<'a> {
    contents: &'a Contents,
    /// When the binary was written.
    built: Option<SystemTime>,
    dirs: &'a [PathBuf],
    features: Rc<Features>,
    files: RefCell<HashMap<PathBuf, Result<Rc<SourceText>, String>>>,
    crates: RefCell<HashMap<String, Rc<Crate>>>,
}

impl<'a> Sources<'a> {
    /// The sources of a program: its file, and when that was written; `dirs` are searched for files that are not where the compiler
    /// saw them.
    pub(crate) fn new(
        contents: &'a Contents,
        (binary, built): (&Path, Option<SystemTime>),
        dirs: &'a [PathBuf],
    ) -> Self {
        let features = Rc::new(Features::new(contents, binary));
        let (files, crates) = (RefCell::default(), RefCell::default());
        Self { contents, built, dirs, features, files, crates }
    }

    /// A source file, by its path as the compiler saw it.
    pub(crate) fn file(&self, path: &Path) -> Result<Rc<SourceFile>, String> {
        self.text(path)?.parsed()
    }

    /// A source file that is not parsed yet.
    fn text(&self, path: &Path) -> Result<Rc<SourceText>, String> {
        if let Some(known) = self.files.borrow().get(path) {
            return known.clone();
        }
        let file = match self.locate(path) {
            Some(found) => self.read(&found).map(|text| Rc::new(SourceText::new(found, text))),
            None => Err(format!(
                "its source {} is not there; name the folder that holds it",
                path.display()
            )),
        };
        self.files.borrow_mut().insert(path.to_owned(), file.clone());
        file
    }

    /// The text of a file, if it is not newer than the binary.
    fn read(&self, found: &Path) -> Result<String, String> {
        let (text, written) = read(found)?;
        match (written, self.built) {
            (Some(written), Some(built)) if written <= built => Ok(text),
            (Some(_), Some(_)) => {
                Err(format!("{} is newer than the binary: {REBUILD}", self.shown(found)))
            }
            // Without times there is nothing to compare.
            (None, _) | (_, None) => Ok(text),
        }
    }

    /// Where a file is now: where the compiler saw it, or below one of the folders to search.
    pub(crate) fn locate(&self, path: &Path) -> Option<PathBuf> {
        if path.is_file() {
            return Some(path.to_owned());
        }
        let parts: Vec<_> = path
            .components()
            .filter(|part| matches!(part, std::path::Component::Normal(_)))
            .collect();
        // The longest end of the path that exists is the surest.
        (0..parts.len()).find_map(|skipped| {
            let end: PathBuf = parts[skipped..].iter().collect();
            self.dirs.iter().map(|dir| dir.join(&end)).find(|found| found.is_file())
        })
    }

    /// A crate of the program by name, with all its modules that could be read.
    pub(crate) fn krate(&self, name: &str) -> Rc<Crate> {
        if let Some(known) = self.crates.borrow().get(name) {
            return Rc::clone(known);
        }
        let roots: BTreeSet<PathBuf> = self
            .contents
            .crates
            .get(name)
            .into_iter()
            .flatten()
            .map(|root| root.folder.join(&root.file))
            .collect();
        let facts = Facts::of_crate(&self.features, name);
        let krate = Rc::new(Crate::read(self, &roots, facts));
        self.crates.borrow_mut().insert(name.to_owned(), Rc::clone(&krate));
        krate
    }

    /// The path of a file for people: relative to the folder that the compiler ran in, if the
    /// compiler was given it so.
    pub(crate) fn shown(&self, path: &Path) -> String {
        let roots = self.contents.crates.values().flatten();
        let folders = roots.filter(|root| root.file.is_relative()).map(|root| &root.folder);
        let inside: BTreeSet<&Path> =
            folders.filter_map(|folder| path.strip_prefix(folder).ok()).collect();
        let shortest = inside.into_iter().min_by_key(|path| path.components().count());
        shortest.unwrap_or(path).display().to_string()
    }

    /// One line of a file, as it stands there.
    pub(crate) fn line(&self, file: &str, line: u32) -> Option<String> {
        let path = self.resolve(file)?;
        if path.extension().is_none_or(|extension| extension != "rs") {
            let text = self.read(&path).ok()?;
            let at = usize::try_from(line).ok()?.checked_sub(1)?;
            return text.lines().nth(at).map(str::to_owned);
        }
        let source = self.file(&path).ok()?;
        source.line(line).map(str::to_owned)
    }

    /// The file that a record names: relative to the folder that the compiler ran in.
    fn resolve(&self, file: &str) -> Option<PathBuf> {
        let path = Path::new(file);
        if path.is_absolute() {
            return self.locate(path);
        }
        let folders: BTreeSet<&Path> =
            self.contents.crates.values().flatten().map(|root| &*root.folder).collect();
        folders
            .into_iter()
            .map(|folder| folder.join(path))
            .find(|found| found.is_file())
            .or_else(|| self.locate(path))
    }
}

/// The text of a file, and when it was written.
fn read(path: &Path) -> Result<(String, Option<SystemTime>), String> {
    let failed =
        |error: std::io::Error| format!("its source {} cannot be read: {error}", path.display());
    let metadata = std::fs::metadata(path).map_err(failed)?;
    let len = metadata.len();
    if len > MAX_SOURCE_LEN {
        return Err(format!("its source {} has {len} bytes, which is too many", path.display()));
    }
    Ok((std::fs::read_to_string(path).map_err(failed)?, metadata.modified().ok()))
}
