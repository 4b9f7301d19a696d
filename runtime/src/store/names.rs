//! The names in a store: `0000000007-step-1200.ckpt`, in the order of their numbers.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::StoreError;

const SUFFIX: &str = ".ckpt";

/// What an image's name ends in while it is written.
const UNFINISHED: &str = ".tmp";

/// What keeps writers apart.
pub(super) const LOCK: &str = ".lock";

/// A name that tells of an image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    /// Later images have higher ones.
    pub(super) number: u64,
    /// The program's own count when it was saved.
    pub(super) step: u64,
    pub(super) path: PathBuf,
}

/// What a folder holds, by its names alone.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Oldest first.
    pub(super) images: Vec<Name>,
    /// Images whose writing was never finished, or goes on.
    pub(super) unfinished: Vec<PathBuf>,
    /// What is none of the store's.
    pub(super) others: Vec<PathBuf>,
}

impl Names {
    /// Lists a folder.
    pub(super) fn read(dir: &Path) -> Result<Self, StoreError> {
        let failed = |source| StoreError::io("read the folder", dir, source);
        let mut names = Self::default();
        for entry in fs::read_dir(dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let (path, name) = (entry.path(), entry.file_name());
            // A link may lead to an image; what the system does not tell is seen when it is read.
            let is_file = |kind: fs::FileType| kind.is_file() || kind.is_symlink();
            let is_file = entry.file_type().map_or(true, is_file);
            let name = name.to_str().filter(|_| is_file);
            match name {
                Some(LOCK) => {}
                Some(name) if name.strip_suffix(UNFINISHED).and_then(parse).is_some() => {
                    names.unfinished.push(path);
                }
                name => match name.and_then(parse) {
                    Some((number, step)) => names.images.push(Name { number, step, path }),
                    None => names.others.push(path),
                },
            }
        }
        names.images.sort();
        names.unfinished.sort();
        names.others.sort();
        Ok(names)
    }

    /// The path of the next image. Numbers that something else has are left to it: a folder that
    /// is named like an image, or an unfinished image that could not be removed.
    pub(super) fn next(
        &self,
        dir: &Path,
        step: u64,
        stuck: &[PathBuf],
    ) -> Result<PathBuf, StoreError> {
        let taken = self.others.iter().filter_map(|path| number(path, ""));
        let stuck = stuck.iter().filter_map(|path| number(path, UNFINISHED));
        let taken: HashSet<u64> = taken.chain(stuck).collect();
        let mut number = self.images.last().map_or(Some(0), |last| last.number.checked_add(1));
        while number.is_some_and(|number| taken.contains(&number)) {
            number = number.and_then(|number| number.checked_add(1));
        }
        let Some(number) = number else {
            let source = io::Error::other("its last image has the highest number that there is");
            return Err(StoreError::io("number another image in", dir, source));
        };
        Ok(dir.join(format!("{number:010}-step-{step}{SUFFIX}")))
    }
}

/// Where an image is written before it is moved to its place.
pub(super) fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.file_name().map(ToOwned::to_owned).unwrap_or_default();
    name.push(UNFINISHED);
    path.with_file_name(name)
}

/// The number in a name that has something behind that of an image.
fn number(path: &Path, behind: &str) -> Option<u64> {
    let (number, _) = parse(path.file_name()?.to_str()?.strip_suffix(behind)?)?;
    Some(number)
}

fn parse(name: &str) -> Option<(u64, u64)> {
    let (number, step) = name.strip_suffix(SUFFIX)?.split_once("-step-")?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits(number) && digits(step) {
        Some((number.parse().ok()?, step.parse().ok()?))
    } else {
        None
    }
}

/// A path as it is written.
#[cfg(unix)]
pub(super) fn bytes(path: &Path) -> &[u8] {
    std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str())
}

/// A path as it is written, as far as it is text.
#[cfg(not(unix))]
pub(super) fn bytes(path: &Path) -> &[u8] {
    path.to_str().map_or(&[], str::as_bytes)
}
