//! Where a program keeps its images.

mod build_id;
mod error;
mod lock;
mod names;
mod write;

use std::any::TypeId;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use samestate_image::{Header, Image};
use samestate_schema::marker::{Kind, Marker};

pub use error::StoreError;
pub use names::Entry;

use lock::Lock;

use crate::memory::{Encoded, decode, decode_for, program_error};
use crate::schema::Program;
use crate::{Checkpoint, Compression, Handles, RestoreError, SaveError, mark};

/// A folder of images.
///
/// ```
/// # use samestate::{Checkpoint, Store};
/// # #[derive(Checkpoint, Default)]
/// # struct Sim { step: u64 }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let dir = dir.path();
/// let mut store = Store::open(dir)?;
/// let mut sim = match store.restore::<Sim>()? {
///     Some(sim) => sim,
///     None => Sim::default(),
/// };
/// store.resume(&sim);
/// while sim.step < 1000 {
///     sim.step += 1;
///     if sim.step % 100 == 0 {
///         store.save(&sim, sim.step)?;
///     }
/// }
/// # assert_eq!(Store::open(dir)?.restore::<Sim>()?.map(|sim| sim.step), Some(1000));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    /// The number of the next save of this run.
    seq: u64,
    /// What was restored and not yet announced.
    restored: Option<Restored>,
    programs: HashMap<TypeId, Arc<Program>>,
    /// Memory that every save encodes into.
    buffer: Vec<u8>,
    compression: Compression,
    /// Taken by the first save.
    lock: Option<Lock>,
}

#[derive(Debug)]
struct Restored {
    seq: u64,
    step: u64,
    id: [u8; 16],
    path: PathBuf,
}

/// What a save made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The file.
    pub path: PathBuf,
    /// The image's id: equal for equal states.
    pub id: [u8; 16],
    /// Length of the file in bytes.
    pub len: u64,
}

impl Store {
    /// Opens a folder of images, and makes it if there is none.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be made or read.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, StoreError> {
        let dir = dir.as_ref().to_owned();
        fs::create_dir_all(&dir)
            .map_err(|source| StoreError::io("make the folder", &dir, source))?;
        names::list(&dir)?;
        let (programs, buffer) = (HashMap::new(), Vec::new());
        let compression = Compression::None;
        Ok(Self { dir, seq: 0, restored: None, programs, buffer, compression, lock: None })
    }

    /// The store with the images that it saves from now on compressed in this way; those that it
    /// restores may be compressed in any way that this program was built with.
    #[must_use]
    pub fn with_compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// The newest image; `None` if there is none yet.
    ///
    /// # Errors
    /// [`StoreError`] if the folder cannot be read.
    pub fn latest(&self) -> Result<Option<Entry>, StoreError> {
        Ok(names::list(&self.dir)?.pop())
    }

    /// Saves the state; `step` is the program's own count. The file appears whole, under a name
    /// of its own, or not at all: an error leaves the images before it as they are.
    ///
    /// # Errors
    /// [`StoreError`] if the state cannot be saved or the file not be written.
    pub fn save<T: Checkpoint>(&mut self, root: &T, step: u64) -> Result<Saved, StoreError> {
        let program = self.program::<T>().map_err(StoreError::Save)?;
        let seq = self.seq;
        let marker = Marker {
            seq,
            step,
            root_addr: std::ptr::from_ref(root).addr() as u64,
            record_addr: T::record_addr(),
            ..Marker::new(Kind::SaveBegin)
        };
        mark(&marker);
        if self.lock.is_none() {
            self.lock = Some(Lock::take(&self.dir)?);
        }
        let path = names::next(&self.dir, step)?;
        let buffer = std::mem::take(&mut self.buffer);
        let encoded = Encoded::new(root, &program, buffer).map_err(StoreError::Save)?;
        let built = encoded.built(&program, self.compression).map_err(StoreError::Save)?;
        let (id, len) = (built.id, built.len);
        let about = Marker { image_id: id, path: names::bytes(&path), ..marker };
        mark(&Marker { kind: Kind::Saved, ..about.clone() });
        let build_id = build_id::own().to_vec();
        let header = Header { seq, step, time_ns: now(), build_id, ..Header::default() };
        write::atomically(&self.dir, &path, &built.slices(&header.encode()))?;
        mark(&Marker { kind: Kind::Durable, ..about });
        drop(built);
        self.buffer = encoded.into_buffer();
        self.seq += 1;
        Ok(Saved { path, id, len })
    }

    /// All images, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] if the folder cannot be read.
    pub fn entries(&self) -> Result<Vec<Entry>, StoreError> {
        names::list(&self.dir)
    }

    /// Restores the newest image; `None` if there is none yet. A damaged one is an error, never
    /// passed over.
    ///
    /// # Errors
    /// [`StoreError`] if the image cannot be read, is damaged, or holds other types.
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
        match self.latest()? {
            Some(entry) => self.restore_from(&entry.path, handles).map(Some),
            None => Ok(None),
        }
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
        self.open_image::<T, _>(path.as_ref(), |image, program| decode(image, program, handles))
    }

    /// Restores the newest image into a running state; `false` if there is none yet. Fields with
    /// `skip(keep)` stay as they are, and so do those with `external` that no handle is given for;
    /// see [`restore_in_place`](crate::restore_in_place).
    ///
    /// # Errors
    /// [`StoreError`] if the image cannot be read, is damaged, or holds other types. Then the state
    /// is as before.
    pub fn restore_in_place<T: Checkpoint>(
        &mut self,
        running: &mut T,
        handles: Handles,
    ) -> Result<bool, StoreError> {
        match self.latest()? {
            Some(entry) => self.restore_in_place_from(&entry.path, running, handles).map(|()| true),
            None => Ok(false),
        }
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
        self.open_image::<T, _>(path.as_ref(), |image, program| {
            decode_for(running, image, program, handles)
        })
    }

    /// Decodes an image, which the next [`resume`](Store::resume) announces.
    fn open_image<T: Checkpoint, R>(
        &mut self,
        path: &Path,
        decode: impl FnOnce(&Image<'_>, &Program) -> Result<R, RestoreError>,
    ) -> Result<R, StoreError> {
        let failed = |source| StoreError::Restore { path: path.to_owned(), source };
        let program = self.program::<T>().map_err(|error| failed(program_error(error)))?;
        let image = Image::open(path).map_err(|error| failed(error.into()))?;
        let decoded = decode(&image, &program).map_err(failed)?;
        let header = image.header();
        let (seq, step, id) = (header.seq, header.step, image.id());
        self.seq = seq.saturating_add(1);
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

    fn program<T: Checkpoint>(&mut self) -> Result<Arc<Program>, SaveError> {
        if let Some(program) = self.programs.get(&TypeId::of::<T>()) {
            return Ok(Arc::clone(program));
        }
        let program = Arc::new(Program::of::<T>()?);
        self.programs.insert(TypeId::of::<T>(), Arc::clone(&program));
        Ok(program)
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok();
    since.and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or(0)
}
