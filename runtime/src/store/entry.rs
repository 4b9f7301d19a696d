//! What a store tells of its images.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use samestate_image::{Ends, Header, Image, ImageError};

use super::names::{Name, Names};

/// An image in a store, from its name and its first and last bytes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// Its number: later images have higher ones.
    pub number: u64,
    /// The program's own count when it was saved.
    pub step: u64,
    /// The file.
    pub path: PathBuf,
    /// Length of the file in bytes; 0 if it cannot be read.
    pub len: u64,
    /// When it was saved; `None` if nothing tells.
    pub time: Option<SystemTime>,
    /// The image's id: equal for equal states. `None` if the file's ends are damaged.
    pub id: Option<[u8; 16]>,
    fault: Option<Arc<ImageError>>,
}

impl Entry {
    /// What is wrong with the image's first and last bytes, if anything is. A file that was cut
    /// off or never finished is found so; what altered the bytes between is found by
    /// [`Entry::check`], and by every restore.
    #[must_use]
    pub fn fault(&self) -> Option<&ImageError> {
        self.fault.as_deref()
    }

    /// Reads the whole file and checks every byte of it.
    ///
    /// # Errors
    /// [`ImageError`] that tells what is wrong, and where.
    pub fn check(&self) -> Result<(), ImageError> {
        Image::open(&self.path).map(drop)
    }

    /// Looks at a file; `None` if it is gone by now.
    pub(super) fn of(name: Name) -> Option<Self> {
        match Ends::read(&name.path) {
            Ok(Ends { header, id, len }) => Some(Self::intact(name, &header, id, len)),
            Err(_) if name.path.symlink_metadata().is_err() => None,
            Err(fault) => {
                let Name { number, step, path } = name;
                let len = path.metadata().map_or(0, |about| about.len());
                let fault = Some(Arc::new(fault));
                Some(Self { number, step, path, len, time: None, id: None, fault })
            }
        }
    }

    pub(super) fn intact(name: Name, header: &Header, id: [u8; 16], len: u64) -> Self {
        let Name { number, step, path } = name;
        let time = Some(header.time_ns).filter(|&time| time != 0);
        let time = time.map(|time| UNIX_EPOCH + Duration::from_nanos(time));
        Self { number, step, path, len, time, id: Some(id), fault: None }
    }
}

/// What the folder of a store holds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Contents {
    /// The images, oldest first.
    pub images: Vec<Entry>,
    /// Images whose writing goes on, or was interrupted for good: the next writer removes them.
    pub unfinished: Vec<PathBuf>,
    /// Files and folders that are none of the store's; it leaves them alone.
    pub others: Vec<PathBuf>,
}

impl Contents {
    pub(super) fn of(names: Names) -> Self {
        let Names { images, unfinished, others } = names;
        let images = images.into_iter().filter_map(Entry::of).collect();
        Self { images, unfinished, others }
    }
}
