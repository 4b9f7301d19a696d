//! What stands in the journal of an undo log: written as it is promised, read after a kill.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::entry::{Entry, Snapshot};
use super::links::{Linked, Names};
use super::strangers::Foreign;
use crate::Error;
use crate::trace::block;

/// What a block of the journal holds: what stood at a path.
const KIND: u32 = 0x756e;
/// Or that a file had several names.
const LINKED: u32 = 0x756c;
/// Or what somebody else has made of a path.
const FOREIGN: u32 = 0x7566;
const KINDS: [u32; 3] = [KIND, LINKED, FOREIGN];
/// Behind a damaged block so many places are tried at which another one might begin.
const MOST_TRIED: usize = 10_000;

/// What a journal tells.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// What stood at each path before it was changed.
    pub(super) before: BTreeMap<PathBuf, Entry>,
    /// Those of the files that had several names.
    pub(super) linked: Linked,
    /// What somebody else had made of files.
    pub(super) foreign: Foreign,
    /// Why that is not all of it.
    pub(super) damage: Option<Error>,
}

/// Writes down what stands at a path.
pub(super) fn put_before(
    out: &mut Vec<u8>,
    path: &Path,
    entry: &Entry,
    folder: &Path,
) -> io::Result<()> {
    put(out, KIND, path, entry, folder)
}

/// What somebody else has made of a path.
pub(super) fn put_foreign(
    out: &mut Vec<u8>,
    path: &Path,
    entry: &Entry,
    folder: &Path,
) -> io::Result<()> {
    put(out, FOREIGN, path, entry, folder)
}

/// And what is known of a file with several names.
pub(super) fn put_names(out: &mut Vec<u8>, inode: (u64, u64), names: Names) -> io::Result<()> {
    block::write(out, LINKED, &names.encode(inode)).map(drop)
}

fn put(out: &mut Vec<u8>, kind: u32, path: &Path, entry: &Entry, folder: &Path) -> io::Result<()> {
    let one = Snapshot(BTreeMap::from([(path.to_owned(), entry.clone())]));
    block::write(out, kind, &one.encode(Path::new("/"), folder)).map(drop)
}

/// All that a journal tells. A block that was not written whole was never relied upon; behind one
/// that is damaged the others are looked for.
pub(super) fn read(journal: &mut File, path: &Path, folder: &Path) -> Result<Told, Error> {
    let mut told = Told::default();
    let failed = |error| Error::file("read", path)(error);
    let mut offset = 0;
    loop {
        journal.seek(SeekFrom::Start(offset)).map_err(failed)?;
        let what = match block::read(journal).map_err(failed)? {
            Ok((kind, content, length)) => {
                let known = told.take(kind, &content, folder);
                offset += length;
                match known {
                    Ok(()) => continue,
                    Err(what) => what,
                }
            }
            Err(block::Broken::Nothing) => return Ok(told),
            Err(broken) => {
                let found = next_block(journal, offset + 1).map_err(failed)?;
                let is_torn = broken == block::Broken::Short
                    && found.is_none()
                    && begins_block(journal, offset).map_err(failed)?;
                if is_torn {
                    return Ok(told);
                }
                told.damaged(path, offset, broken.text());
                match found {
                    Some(found) => offset = found,
                    None => return Ok(told),
                }
                continue;
            }
        };
        told.damaged(path, offset, what);
    }
}

/// Whether a block of a journal begins here, as far as there is anything.
fn begins_block(journal: &mut File, offset: u64) -> io::Result<bool> {
    let mut begin = Vec::new();
    journal.seek(SeekFrom::Start(offset))?;
    journal.take(4).read_to_end(&mut begin)?;
    Ok(KINDS.iter().any(|kind| kind.to_le_bytes().starts_with(&begin)))
}

/// Where the next whole block begins, from an offset on.
fn next_block(journal: &mut File, from: u64) -> io::Result<Option<u64>> {
    journal.seek(SeekFrom::Start(from))?;
    let (mut last, mut places) = ([0; 4], Vec::new());
    for (byte, end) in io::BufReader::new(&*journal).bytes().zip(from + 1..) {
        last = [last[1], last[2], last[3], byte?];
        if end >= from + 4 && KINDS.contains(&u32::from_le_bytes(last)) {
            places.push(end - 4);
            if places.len() == MOST_TRIED {
                break;
            }
        }
    }
    for place in places {
        journal.seek(SeekFrom::Start(place))?;
        if block::read(journal)?.is_ok() {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

impl Told {
    fn take(&mut self, kind: u32, content: &[u8], folder: &Path) -> Result<(), &'static str> {
        let paths = || {
            Snapshot::decode(content, Path::new("/"), folder)
                .map_err(|_| "it does not say what stood at a path")
        };
        match kind {
            KIND => self.before.extend(paths()?.0),
            FOREIGN => {
                self.foreign.extend(paths()?.0.into_iter().map(|(path, entry)| match entry {
                    Entry::File { copy, .. } => (path, Some(copy)),
                    _ => (path, None),
                }))
            }
            LINKED => {
                let names = Names::decode(content);
                self.linked.extend([names.map_err(|_| "it does not say what names a file had")?]);
            }
            _ => return Err("it holds what no verification that we know writes down"),
        }
        Ok(())
    }

    /// The first damage is told.
    fn damaged(&mut self, path: &Path, offset: u64, what: &'static str) {
        self.damage.get_or_insert_with(|| Error::Damaged { path: path.to_owned(), offset, what });
    }
}
