//! Finding the newest image that can be used.

use std::fmt;
use std::path::{Path, PathBuf};

use samestate_image::ImageError;

use super::names::{Name, Names};
use super::{Entry, StoreError};
use crate::checked::Checked;
use crate::schema::Program;

/// How often a folder is listed again because a writer removed what was found. Each time, the
/// writer has finished another image meanwhile.
const MOST_LISTINGS: usize = 1000;

/// The newest image that is intact, and those that had to be passed over for it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Latest {
    /// The image, of which every byte was checked; `None` if there is none.
    pub intact: Option<Entry>,
    /// Images that are newer and cannot be used, newest first. A program that goes on from
    /// [`intact`](Latest::intact) should say so: it goes back further than it was asked to.
    pub skipped: Vec<Skipped>,
}

/// An image that cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub struct Skipped {
    /// The file.
    pub path: PathBuf,
    /// The program's own count when it was saved.
    pub step: u64,
    /// What is wrong, and where.
    pub error: ImageError,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.error {
            // It names the file itself.
            ImageError::Read { .. } => write!(f, "{}", self.error),
            error => write!(f, "{}: {error}", self.path.display()),
        }
    }
}

/// The newest intact image, opened, and those that are not.
#[derive(Debug, Default)]
pub(super) struct Newest {
    pub(super) intact: Option<(Name, Checked<'static>)>,
    pub(super) skipped: Vec<Skipped>,
}

impl Newest {
    /// Opens images, newest first, until one is intact; `program` may be going to restore it.
    pub(super) fn open(dir: &Path, program: Option<&Program>) -> Result<Self, StoreError> {
        let mut listings = 0;
        'listing: loop {
            listings += 1;
            let mut found = Self::default();
            for name in Names::read(dir)?.images.into_iter().rev() {
                match Checked::open(&name.path, program) {
                    Ok(image) => {
                        found.intact = Some((name, image));
                        break;
                    }
                    // A writer that keeps few images has finished a newer one and removed this one.
                    Err(_) if listings < MOST_LISTINGS && is_gone(&name.path) => continue 'listing,
                    Err(error) => {
                        found.skipped.push(Skipped { path: name.path, step: name.step, error });
                    }
                }
            }
            return Ok(found);
        }
    }

    pub(super) fn into_latest(self) -> Latest {
        let intact = self.intact.map(|(name, Checked { image, .. })| {
            Entry::intact(name, image.header(), image.id(), image.len() as u64)
        });
        Latest { intact, skipped: self.skipped }
    }
}

fn is_gone(path: &Path) -> bool {
    path.symlink_metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}
