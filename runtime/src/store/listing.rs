//! Asking a store what it holds.
//!
//! What is asked for by `&self` waits for nothing.

use std::time::SystemTime;

use super::names::Names;
use super::newest::Newest;
use super::{Contents, Entry, Latest, Store, StoreError};

impl Store {
    /// The newest image that is intact, and newer ones that are not. Every byte of it is checked.
    ///
    /// [`restore`](Store::restore) takes the newest image or none. A program that rather goes on
    /// from an older one than not at all restores like this, and says what it passed over:
    ///
    /// ```
    /// # use samestate::{Handles, Store};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// let mut store = Store::open(dir.path())?;
    /// # store.save(&1_u64, 1)?;
    /// # std::fs::write(store.save(&2_u64, 2)?.path, "damaged")?;
    /// let latest = store.latest()?;
    /// for skipped in &latest.skipped {
    ///     eprintln!("step {} is lost: {skipped}", skipped.step);
    /// }
    /// let state: u64 = match latest.intact {
    ///     Some(entry) => store.restore_from(entry.path, Handles::new())?,
    ///     None => 0,
    /// };
    /// # assert_eq!((latest.skipped.len(), state), (1, 1));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] if the folder cannot be read.
    pub fn latest(&self) -> Result<Latest, StoreError> {
        Ok(Newest::open(&self.dir, None)?.into_latest())
    }

    /// All images, oldest first. Of each, the first and the last bytes are read.
    ///
    /// # Errors
    /// [`StoreError`] if the folder cannot be read.
    pub fn entries(&self) -> Result<Vec<Entry>, StoreError> {
        Ok(self.contents()?.images)
    }

    /// Everything in the folder: images, unfinished ones, and what is none of the store's.
    ///
    /// # Errors
    /// [`StoreError`] if the folder cannot be read.
    pub fn contents(&self) -> Result<Contents, StoreError> {
        Names::read(&self.dir).map(Contents::of)
    }

    /// The newest image that was saved at this step; `None` if there is none. It may be damaged,
    /// see [`Entry::fault`].
    ///
    /// # Errors
    /// [`StoreError`] if the folder cannot be read.
    pub fn at_step(&self, step: u64) -> Result<Option<Entry>, StoreError> {
        let newest_first = Names::read(&self.dir)?.images.into_iter().rev();
        Ok(newest_first.filter(|name| name.step == step).find_map(Entry::of))
    }

    /// The newest image that was saved at this time or before; `None` if there is none. Images
    /// whose ends are damaged do not tell when they were saved.
    ///
    /// # Errors
    /// [`StoreError`] if the folder cannot be read.
    pub fn before(&self, time: SystemTime) -> Result<Option<Entry>, StoreError> {
        let newest_first = Names::read(&self.dir)?.images.into_iter().rev().filter_map(Entry::of);
        Ok(newest_first.into_iter().find(|entry| entry.time.is_some_and(|saved| saved <= time)))
    }
}
