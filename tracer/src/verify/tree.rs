//! A copy of a folder with all that is in it, its marks for the kernel included.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, symlink};
use std::path::{Path, PathBuf};

use super::entry::About;
use super::state::{children, duplicate};
use crate::Error;
use crate::sys::file;

/// Makes `to`, which is not there yet, a copy of the folder `from`.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    Copying::default().copy(from, to)
}

#[derive(Default)]
struct Copying {
    /// The first copy of each file that has several names.
    names: HashMap<(u64, u64), PathBuf>,
}

impl Copying {
    fn copy(&mut self, from: &Path, to: &Path) -> Result<(), Error> {
        let failed = || Error::file("copy", from);
        let now = fs::symlink_metadata(from).map_err(failed())?;
        let kind = now.file_type();
        let inode = (now.dev(), now.ino());
        if !kind.is_dir() && now.nlink() > 1 {
            if let Some(first) = self.names.get(&inode) {
                return fs::hard_link(first, to).map_err(failed());
            }
            self.names.insert(inode, to.to_owned());
        }
        let about = About::at(from, &now);
        if kind.is_dir() {
            fs::create_dir(to).map_err(failed())?;
            for child in children(from)? {
                let name = child.file_name().unwrap_or_default();
                self.copy(&child, &to.join(name))?;
            }
        } else if kind.is_symlink() {
            let target = fs::read_link(from).map_err(failed())?;
            symlink(target, to).map_err(failed())?;
        } else if kind.is_file() {
            duplicate(from, to)?;
        } else {
            file::make_node(to, about.mode, now.rdev()).map_err(failed())?;
            // "Nothing here" belongs to nobody.
            if kind.is_char_device() && now.rdev() == 0 {
                return Ok(());
            }
        }
        about.apply(to)
    }
}
