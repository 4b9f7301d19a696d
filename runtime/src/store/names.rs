//! The names of image files: `0000000007-step-1200.ckpt`, in the order of their numbers.

use std::fs;
use std::path::{Path, PathBuf};

use super::StoreError;

const SUFFIX: &str = ".ckpt";

/// What an image's name ends in while it is written.
const UNFINISHED: &str = ".tmp";

/// An image in a store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its number: later images have higher ones.
    pub number: u64,
    /// The program's own count when it was saved.
    pub step: u64,
    /// The file.
    pub path: PathBuf,
}

/// All images, oldest first. Files with other names are none of the store's.
pub(super) fn list(dir: &Path) -> Result<Vec<Entry>, StoreError> {
    let failed = |source| StoreError::io("read the folder", dir, source);
    let mut entries = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if let Some((number, step)) = entry.file_name().to_str().and_then(parse) {
            entries.push(Entry { number, step, path: entry.path() });
        }
    }
    entries.sort();
    Ok(entries)
}

/// The path of the next image.
pub(super) fn next(dir: &Path, step: u64) -> Result<PathBuf, StoreError> {
    let number = list(dir)?.last().map_or(0, |entry| entry.number.saturating_add(1));
    Ok(dir.join(format!("{number:010}-step-{step}{SUFFIX}")))
}

/// Where an image is written before it is moved to its place.
pub(super) fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.file_name().map(ToOwned::to_owned).unwrap_or_default();
    name.push(UNFINISHED);
    path.with_file_name(name)
}

/// The images whose writing was never finished.
pub(super) fn temporary(dir: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let failed = |source| StoreError::io("read the folder", dir, source);
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let image = name.to_str().and_then(|name| name.strip_suffix(UNFINISHED));
        if image.and_then(parse).is_some() {
            found.push(entry.path());
        }
    }
    Ok(found)
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
