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

/// An image that is at its place.
#[derive(Debug)]
pub(super) struct Put {
    place: Place,
    id: [u8; 16],
    len: u64,
}

impl Writer {
    pub(super) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), lock: None, looked: Looked::default() }
    }

    /// Finds a place for the next image, and removes what an interrupted save left behind.
    pub(super) fn place(&mut self, step: u64) -> Result<Place, StoreError> {
        match &self.lock {
            Some(lock) => lock.check(&self.dir)?,
            None => self.lock = Some(Lock::take(&self.dir)?),
        }
        let names = Names::read(&self.dir)?;
        // With the lock in hand, nobody else is writing them.
        let (mut not_removed, mut stuck) = (Vec::new(), Vec::new());
        for stale in &names.unfinished {
            if let Err(source) = fs::remove_file(stale) {
                not_removed.push(StoreError::io("remove the unfinished image", stale, source));
                stuck.push(stale.clone());
            }
        }
        let path = names.next(&self.dir, step, &stuck)?;
        Ok(Place { path, older: names.images, not_removed })
    }

    /// Puts an image at its place. From here on it is in the store, though not yet for certain.
    pub(super) fn put(place: Place, slices: &[&[u8]], id: [u8; 16]) -> Result<Put, StoreError> {
        write::atomically(&place.path, slices)?;
        let len = slices.iter().map(|slice| slice.len() as u64).sum();
        Ok(Put { place, id, len })
    }

    /// Makes an image durable at its place, and then removes those that no rule keeps any longer.
    pub(super) fn settle(&mut self, put: Put, retention: Retention) -> Result<Saved, StoreError> {
        let Put { place: Place { path, older, mut not_removed }, id, len } = put;
        write::sync_dir(&self.dir)?;
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
        Ok(Saved { path, id, len, removed, not_removed, former: None })
    }
}
