//! Restoring from a store. Nothing here writes.

use std::path::{Path, PathBuf};

use samestate_schema::marker::{Kind, Marker};

use super::newest::Newest;
use super::{Skipped, Store, StoreError, names};
use crate::checked::Checked;
use crate::memory::{decode, decode_for, program_error};
use crate::schema::Program;
use crate::{Checkpoint, Handles, RestoreError, mark};

/// What was restored, until it is announced.
#[derive(Debug)]
pub(super) struct Restored {
    seq: u64,
    step: u64,
    id: [u8; 16],
    path: PathBuf,
}

impl Store {
    /// Restores the newest image; `None` if there is none yet. A damaged one is an error, never
    /// passed over; the error names the newest one that is intact. A save in the background is
    /// waited for first, as by every way to restore: its image may be the newest.
    ///
    /// # Errors
    /// [`StoreError`] if the image cannot be read, is damaged, or holds other types; or if a save
    /// in the background failed, which is told once: nothing was restored then, and the next call
    /// restores what there is.
    pub fn restore<T: Checkpoint>(&mut self) -> Result<Option<T>, StoreError> {
        self.restore_with(Handles::new())
    }

    /// Restores the newest image of a state that has `external` fields.
    ///
    /// # Errors
    /// As [`Store::restore`], and if a handle is missing, has another type or is not asked for.
    pub fn restore_with<T: Checkpoint>(
        &mut self,
        handles: Handles,
    ) -> Result<Option<T>, StoreError> {
        let Some((path, image)) = self.open_newest::<T>()? else { return Ok(None) };
        self.decode_image::<T, _>(&path, image, |image, program| decode(image, program, handles))
            .map(Some)
    }

    /// Restores an image by its path, which need not be in the store.
    ///
    /// # Errors
    /// As [`Store::restore_with`].
    pub fn restore_from<T: Checkpoint>(
        &mut self,
        path: impl AsRef<Path>,
        handles: Handles,
    ) -> Result<T, StoreError> {
        let (path, image) = self.open_image::<T>(path.as_ref())?;
        self.decode_image::<T, _>(path, image, |image, program| decode(image, program, handles))
    }

    /// Restores the newest image into a running state; `false` if there is none yet. Fields with
    /// `skip(keep)` stay as they are, and so do those with `external` that no handle is given for;
    /// see [`restore_in_place`](crate::restore_in_place).
    ///
    /// # Errors
    /// As [`Store::restore`]. Then the state is as before.
    pub fn restore_in_place<T: Checkpoint>(
        &mut self,
        running: &mut T,
        handles: Handles,
    ) -> Result<bool, StoreError> {
        let Some((path, image)) = self.open_newest::<T>()? else { return Ok(false) };
        self.decode_image::<T, _>(&path, image, |image, program| {
            decode_for(running, image, program, handles)
        })
        .map(|()| true)
    }

    /// Restores an image into a running state by the image's path, which need not be in the store.
    ///
    /// # Errors
    /// As [`Store::restore_in_place`].
    pub fn restore_in_place_from<T: Checkpoint>(
        &mut self,
        path: impl AsRef<Path>,
        running: &mut T,
        handles: Handles,
    ) -> Result<(), StoreError> {
        let (path, image) = self.open_image::<T>(path.as_ref())?;
        self.decode_image::<T, _>(path, image, |image, program| {
            decode_for(running, image, program, handles)
        })
    }

    /// Opens an image. What is wrong with the program's types is told when it is decoded.
    fn open_image<'p, T: Checkpoint>(
        &mut self,
        path: &'p Path,
    ) -> Result<(&'p Path, Checked<'static>), StoreError> {
        self.wait()?;
        let program = self.program::<T>().ok();
        let image = Checked::open(path, program.as_deref())
            .map_err(|error| StoreError::Restore { path: path.to_owned(), source: error.into() })?;
        Ok((path, image))
    }

    /// Opens the newest image, or says which one before it could be.
    fn open_newest<T: Checkpoint>(
        &mut self,
    ) -> Result<Option<(PathBuf, Checked<'static>)>, StoreError> {
        self.wait()?;
        let program = self.program::<T>().ok();
        let Newest { intact, skipped } = Newest::open(&self.dir, program.as_deref())?;
        let intact = intact.map(|(name, image)| (name.path, image));
        match skipped.into_iter().next() {
            None => Ok(intact),
            Some(Skipped { path, error: source, .. }) => {
                Err(StoreError::Damaged { path, source, before: intact.map(|(path, _)| path) })
            }
        }
    }

    /// Decodes an image, which the next [`resume`](Store::resume) announces.
    fn decode_image<T: Checkpoint, R>(
        &mut self,
        path: &Path,
        mut checked: Checked<'_>,
        decode: impl FnOnce(&mut Checked<'_>, &Program) -> Result<R, RestoreError>,
    ) -> Result<R, StoreError> {
        let failed = |source| StoreError::Restore { path: path.to_owned(), source };
        let program = self.program::<T>().map_err(|error| failed(program_error(error)))?;
        let decoded = decode(&mut checked, &program).map_err(failed)?;
        let image = checked.image;
        let header = image.header();
        let (seq, step, id) = (header.seq, header.step, image.id());
        // An older image than the last one of this run takes no number back.
        self.seq = self.seq.max(seq.saturating_add(1));
        self.restored = Some(Restored { seq, step, id, path: path.to_owned() });
        Ok(decoded)
    }

    /// Announces that the program has finished setting up after a restore, and goes on from here.
    /// Does nothing if it restored nothing.
    pub fn resume<T: Checkpoint>(&mut self, root: &T) {
        if let Some(Restored { seq, step, id, path }) = self.restored.take() {
            mark(&Marker {
                seq,
                step,
                image_id: id,
                root_addr: std::ptr::from_ref(root).addr() as u64,
                record_addr: T::record_addr(),
                path: names::bytes(&path),
                ..Marker::new(Kind::Restored)
            });
        }
    }
}
