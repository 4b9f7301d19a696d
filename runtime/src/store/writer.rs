//! What writes to the folder of a store; it may be moved to another thread for that.

use std::fs;
use std::path::{Path, PathBuf};

use super::lock::Lock;
use super::names::{self, Names};
use super::retention::{Looked, Retention};
use super::{Saved, StoreError, write};

/// The right to write to a folder, which the first save takes.
#[derive(Debug)]
pub(super) struct Writer {
    dir: PathBuf,
    lock: Option<Lock>,
    looked: Looked,
}

/// An image that will be written.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    older: Vec<names::Name>,
    not_removed: Vec<StoreError>,
}

impl Writer {
    pub(super) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), lock: None, looked: Looked::default() }
    }

    /// Finds a place for the next image, and removes what an interrupted save left behind.
    pub(super) fn place(&mut self, step: u64) -> Result<Place, StoreError> {
        if self.lock.is_none() {
            self.lock = Some(Lock::take(&self.dir)?);
        }
        let names = Names::read(&self.dir)?;
        let path = names.next(&self.dir, step)?;
        // With the lock in hand, nobody else is writing them.
        let mut not_removed = Vec::new();
        for stale in names.unfinished {
            if let Err(source) = fs::remove_file(&stale) {
                not_removed.push(StoreError::io("remove the unfinished image", &stale, source));
            }
        }
        Ok(Place { path, older: names.images, not_removed })
    }

    /// Writes an image, and when it is durable, removes those that no rule keeps any longer.
    pub(super) fn write(
        &mut self,
        place: Place,
        slices: &[&[u8]],
        id: [u8; 16],
        retention: Retention,
    ) -> Result<Saved, StoreError> {
        let Place { path, older, mut not_removed } = place;
        write::atomically(&self.dir, &path, slices)?;
        let mut removed = Vec::new();
        for name in retention.excess(older, &mut self.looked) {
            self.looked.forget(&name);
            match fs::remove_file(&name.path) {
                Ok(()) => removed.push(name.path),
                Err(source) => {
                    not_removed.push(StoreError::io("remove the old image", &name.path, source));
                }
            }
        }
        let len = slices.iter().map(|slice| slice.len() as u64).sum();
        Ok(Saved { path, id, len, removed, not_removed })
    }
}
