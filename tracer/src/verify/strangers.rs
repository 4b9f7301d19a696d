//! What others than the traced programs have made of files: it is not lost when these are put back.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::content;
use super::entry::Entry;
use super::state::{children, duplicate};
use super::undo::Entries;
use crate::Error;

/// What is changed this soon after the last promise was changed by who got it.
const AT_ONCE: Duration = Duration::from_secs(2);

/// What somebody else has made of files: the copies of that, or `None` where nothing is any more.
pub(super) type Foreign = BTreeMap<PathBuf, Option<PathBuf>>;

/// The files in a folder and in those below; none if it is no folder.
pub(super) fn below(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        if !fs::symlink_metadata(&folder).is_ok_and(|about| about.is_dir()) {
            continue;
        }
        for child in children(&folder)? {
            match fs::symlink_metadata(&child) {
                Ok(about) if about.is_dir() => folders.push(child),
                Ok(about) if about.is_file() => files.push(child),
                _ => {}
            }
        }
    }
    Ok(files)
}

/// Copies what was changed after a verification had kept the last thing: by a program that went on,
/// or by somebody else after it was killed. Nothing tells these apart.
pub(super) fn since(
    before: &Entries,
    written: SystemTime,
    files: PathBuf,
) -> Result<Foreign, Error> {
    let (mut later, mut inodes) = (BTreeMap::new(), HashSet::new());
    for (path, entry) in before {
        let mut all = match entry {
            Entry::Folder { .. } => continue,
            _ => below(path)?,
        };
        all.push(path.clone());
        for path in all {
            let Ok(about) = fs::symlink_metadata(&path) else { continue };
            let (seconds, nanoseconds) = (about.ctime(), about.ctime_nsec());
            let changed =
                Duration::new(seconds.try_into().unwrap_or(0), nanoseconds.try_into().unwrap_or(0));
            let is_later = SystemTime::UNIX_EPOCH + changed > written + AT_ONCE;
            if !about.is_file() || !is_later || inodes.contains(&(about.dev(), about.ino())) {
                continue;
            }
            // It was put back already, or was never changed.
            if let Some(Entry::File { copy, .. }) = before.get(&path)
                && content::is_same(copy, &path)
            {
                continue;
            }
            let kept = files.join(format!("later-{}", later.len()));
            duplicate(&path, &kept)?;
            inodes.insert((about.dev(), about.ino()));
            later.insert(path, Some(kept));
        }
    }
    Ok(later)
}

/// Puts what somebody else has made of files beside them, and says so.
pub(super) fn hand_over(foreign: &Foreign, who: &str) -> Result<Vec<String>, Error> {
    let mut notes = Vec::new();
    for (number, (path, copy)) in foreign.iter().enumerate() {
        let Some(copy) = copy else { continue };
        let beside = beside(path, number);
        duplicate(copy, &beside)?;
        notes.push(format!(
            "{} is as it was before; what {who} made of it meanwhile is in {}",
            path.display(),
            beside.display()
        ));
    }
    Ok(notes)
}

/// A name beside a file that is not taken; its folder may be gone.
fn beside(path: &Path, number: usize) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let folder = path.ancestors().skip(1).find(|folder| folder.is_dir());
    let folder = folder.unwrap_or(Path::new("/"));
    (number..)
        .map(|number| folder.join(format!("{name}.changed-{number}")))
        .find(|path| fs::symlink_metadata(path).is_err())
        .unwrap_or_else(|| path.to_owned())
}
