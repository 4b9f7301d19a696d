//! Folders of ours that go, whatever is in them.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::Error;

/// Folders for traces and images that nobody has named begin like this.
const PREFIX: &str = "samestate-";

/// A folder that goes with its holder.
#[derive(Debug)]
pub(super) struct Temporary(PathBuf);

impl Temporary {
    /// One for traces and images.
    pub(super) fn new() -> Result<Self, Error> {
        let made = tempfile::Builder::new().prefix(PREFIX).tempdir();
        let made = made.map_err(Error::file("create a folder in", std::env::temp_dir()))?;
        Ok(Self(made.keep()))
    }

    /// One with this name.
    pub(super) fn at(path: PathBuf) -> Result<Self, Error> {
        fs::create_dir(&path).map_err(Error::file("create the folder", &path))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

/// Removes a folder for traces and images that a verification has left, if it is one: the user's,
/// and named like one.
pub(super) fn remove_left(folder: &Path, user: u32) {
    let is_named =
        folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX));
    let about = fs::symlink_metadata(folder);
    if is_named && about.is_ok_and(|about| about.is_dir() && about.uid() == user) {
        remove(folder);
    }
}

/// Removes a folder of ours, as far as it can be done. What the kernel makes in a layer for its own work
/// may be closed even to its owner.
pub(super) fn remove(folder: &Path) {
    let is_folder = |path: &Path| fs::symlink_metadata(path).is_ok_and(|about| about.is_dir());
    let mut left = vec![folder.to_owned()];
    while let Some(folder) = left.pop().filter(|folder| is_folder(folder)) {
        // If it fails, so does what it is for.
        let _told_by_the_rest = fs::set_permissions(&folder, fs::Permissions::from_mode(0o700));
        let children = fs::read_dir(&folder).into_iter().flatten().flatten();
        left.extend(children.map(|child| child.path()).filter(|child| is_folder(child)));
    }
    let _litter = fs::remove_dir_all(folder);
}
