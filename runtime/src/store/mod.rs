//! Where a program keeps its images.
//!
//! Whatever a save does, it does between its markers: nothing there is compared with other runs.

mod background;
mod build_id;
mod entry;
mod error;
mod fork;
mod listing;
mod lock;
mod names;
mod newest;
mod rename;
mod restore;
mod retention;
mod write;
mod writer;

use std::any::TypeId;
use std::collections::HashMap;
use std::io;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use samestate_image::Header;
use samestate_schema::marker::{Kind, Marker};

pub use background::{Staged, Written};
pub use entry::{Contents, Entry};
pub use error::StoreError;
pub use newest::{Latest, Skipped};

use background::{Background, Job, Staging, StagingError};
use names::Names;
use restore::Restored;
use retention::Retention;
use writer::Writer;

use crate::memory::Encoded;
use crate::schema::Program;
use crate::{Checkpoint, Compression, SaveError, is_traced, mark};

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
///
/// One store at a time saves to a folder, and takes a lock with its first save; any number may
/// restore from it meanwhile. Restoring writes nothing, so the folder may be read-only.
///
/// What lists images ([`latest`](Store::latest), [`entries`](Store::entries),
/// [`contents`](Store::contents), [`at_step`](Store::at_step), [`before`](Store::before)) tells what
/// is in the folder at the time. It does not wait for a save in the background, and does not tell
/// how one went: call [`finish`](Store::finish) first. Restoring waits by itself.
///
/// After a fork, a store that has begun to save belongs to the parent. The child must open another
/// one; the old one refuses with [`StoreError::Forked`] to save there.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    /// The number of the next save of this run.
    seq: u64,
    /// What was restored and not yet announced.
    restored: Option<Restored>,
    programs: HashMap<TypeId, Arc<Program>>,
    compression: Compression,
    retention: Retention,
    /// Memory that every save encodes into; away while one goes on in the background.
    staging: Staging,
    /// Made by the first save; away while one goes on in the background.
    writer: Option<Writer>,
    background: Option<Background>,
    /// The last save in the background, until it is asked for. None is begun before that.
    former: Option<Written>,
}

/// What a save made.
#[derive(Debug)]
#[non_exhaustive]
pub struct Saved {
    /// The file.
    pub path: PathBuf,
    /// The image's id: equal for equal states.
    pub id: [u8; 16],
    /// Length of the file in bytes.
    pub len: u64,
    /// Images that were removed because no rule keeps them any longer.
    pub removed: Vec<PathBuf>,
    /// Files that should have been removed, and why they were not: old images, and what an
    /// interrupted save left behind. The next save tries again.
    pub not_removed: Vec<StoreError>,
    /// The save in the background before this one, unless it was asked for before. `None` in
    /// what a save in the background made: there, see [`Staged::former`].
    pub former: Option<Box<Written>>,
}

impl Store {
    /// Opens a folder of images, and makes it if there is none.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be made or read.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, StoreError> {
        let dir = dir.as_ref().to_owned();
        write::make_dir(&dir)?;
        Names::read(&dir)?;
        Ok(Self {
            dir,
            seq: 0,
            restored: None,
            programs: HashMap::new(),
            compression: Compression::None,
            retention: Retention::default(),
            staging: Staging::default(),
            writer: None,
            background: None,
            former: None,
        })
    }

    /// The store with the images that it saves from now on compressed in this way; those that it
    /// restores may be compressed in any way that this program was built with.
    #[must_use]
    pub fn with_compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// Keeps the newest `count` images, and removes older ones after each save unless
    /// [`keep_every`](Store::keep_every) keeps them. The newest one always stays, so 0 counts as 1.
    ///
    /// Without a rule, all images stay. Images are removed when the new one is on disk, not
    /// before; what could not be removed is told in [`Saved::not_removed`]. An image whose end is
    /// missing or damaged counts for no rule, and is not removed either.
    ///
    /// ```
    /// # use samestate::Store;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// // The newest three, and one in each 1000 steps.
    /// let mut store = Store::open(dir.path())?.keep_last(3).keep_every(1000);
    /// for step in (0..5000_u64).step_by(100) {
    ///     store.save(&step, step)?;
    /// }
    /// let steps: Vec<u64> = store.entries()?.iter().map(|entry| entry.step).collect();
    /// assert_eq!(steps, [0, 1000, 2000, 3000, 4000, 4700, 4800, 4900]);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn keep_last(mut self, count: usize) -> Self {
        self.retention.last = Some(at_least_one(count as u64));
        self
    }

    /// Keeps the first image saved in each `steps` steps, and removes the others after each save
    /// unless [`keep_last`](Store::keep_last) keeps them. 0 counts as 1.
    #[must_use]
    pub fn keep_every(mut self, steps: u64) -> Self {
        self.retention.every = Some(at_least_one(steps));
        self
    }

    /// Saves the state; `step` is the program's own count. The file appears whole, under a name
    /// of its own, or not at all: an error leaves the images before it as they are.
    ///
    /// # Errors
    /// [`StoreError`] if the state cannot be saved or the file not be written, if another store
    /// saves to the folder, or if a former save in the background failed; then nothing was saved.
    /// If it was the folder that could not be made durable, the image is there, and whole.
    pub fn save<T: Checkpoint>(&mut self, root: &T, step: u64) -> Result<Saved, StoreError> {
        let marker = self.begin(root, step);
        let saved = self.save_now(root, &marker);
        if saved.is_err() {
            mark(&Marker { kind: Kind::SaveEnd, ..marker });
        }
        saved
    }

    fn save_now<T: Checkpoint>(
        &mut self,
        root: &T,
        marker: &Marker<'static>,
    ) -> Result<Saved, StoreError> {
        self.wait()?;
        let program = &*self.program::<T>().map_err(StoreError::Save)?;
        let writer = self.writer.get_or_insert_with(|| Writer::new(&self.dir));
        let place = writer.place(marker.step)?;
        let buffer = std::mem::take(&mut self.staging.values);
        let encoded = Encoded::new(root, program, buffer).map_err(StoreError::Save)?;
        let built = encoded.built(program, self.compression).map_err(StoreError::Save)?;
        let id = built.id;
        let path = place.path.clone();
        let about = Marker { image_id: id, path: names::bytes(&path), ..marker.clone() };
        mark(&Marker { kind: Kind::Saved, ..about.clone() });
        let header = header(marker);
        let put = Writer::put(place, &built.slices(&header), id)?;
        // The image is there, durable or not: its number is used.
        self.seq += 1;
        let mut saved = writer.settle(put, self.retention)?;
        mark(&Marker { kind: Kind::Durable, ..about });
        drop(built);
        (self.staging.values, _) = encoded.into_buffers();
        saved.former = self.former.take().map(Box::new);
        Ok(saved)
    }

    /// Saves the state in the background: copies it aside, which is the pause, and leaves
    /// checksums and writing to a thread of its own. The memory of the copy is kept for the next
    /// save.
    ///
    /// One save goes on at a time: if the former one is still under way, this waits for it;
    /// [`is_saving`](Store::is_saving) tells beforehand. How a save went is told by
    /// [`poll`](Store::poll) or [`finish`](Store::finish), or else by the next save that goes well
    /// ([`Saved::former`], [`Staged::former`]); an error of it by whatever waits for it first.
    ///
    /// ```
    /// # use samestate::Store;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// let mut store = Store::open(dir.path())?;
    /// let mut numbers = vec![0_u64; 1000];
    /// let staged = store.save_in_background(&numbers, 0)?;
    /// numbers[0] = 1; // The image has the number as it was.
    /// let written = store.finish()?.ok_or("something was saved")?;
    /// println!("a pause of {:?}, {:?} to the disk", staged.pause, written.wall);
    /// # assert_eq!(store.restore::<Vec<u64>>()?, Some(vec![0; 1000]));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] if the state cannot be saved, or another store saves to the folder. If the
    /// former save failed, that is the error, and this one was not begun: call again.
    pub fn save_in_background<T: Checkpoint>(
        &mut self,
        root: &T,
        step: u64,
    ) -> Result<Staged, StoreError> {
        let marker = self.begin(root, step);
        let staged = self.stage(root, &marker);
        mark(&Marker { kind: Kind::SaveEnd, ..marker });
        staged
    }

    fn stage<T: Checkpoint>(
        &mut self,
        root: &T,
        marker: &Marker<'static>,
    ) -> Result<Staged, StoreError> {
        let begun = Instant::now();
        self.wait()?;
        let waited = begun.elapsed();
        let program = self.program::<T>().map_err(StoreError::Save)?;
        let writer = self.writer.get_or_insert_with(|| Writer::new(&self.dir));
        let place = writer.place(marker.step)?;
        let path = place.path.clone();
        let buffer = std::mem::take(&mut self.staging.values);
        let encoded = Encoded::new(root, &program, buffer).map_err(StoreError::Save)?;
        // Who watches wants to know at the state point which image it will be, however it is
        // compressed. Otherwise that is left to the thread, because it takes the checksums.
        let image_id = if is_traced() {
            encoded.built(&program, Compression::None).map_err(StoreError::Save)?.id
        } else {
            [0; 16]
        };
        self.staging.fill(encoded).map_err(|StagingError(len)| {
            let source = io::Error::new(
                io::ErrorKind::OutOfMemory,
                format!("there is no memory for a copy of {len} bytes"),
            );
            StoreError::io("stage", &path, source)
        })?;
        let bytes = self.staging.len();
        let told = names::bytes(&path);
        mark(&Marker { kind: Kind::Saved, image_id, path: told, ..marker.clone() });
        let job = Job {
            // The thread has the lock until it is done.
            writer: self.writer.take().unwrap_or_else(|| Writer::new(&self.dir)),
            place,
            retention: self.retention,
            compression: self.compression,
            staging: std::mem::take(&mut self.staging),
            program,
            header: header(marker),
            marker: marker.clone(),
            begun,
        };
        let spawned = Background::spawn(job);
        let spawned = spawned.map_err(|source| StoreError::io("start a thread for", &path, source));
        let mut background = spawned?;
        self.seq += 1;
        let pause = begun.elapsed();
        background.pause = pause;
        self.background = Some(background);
        let former = self.former.take();
        Ok(Staged { path, bytes, pause, waited, former })
    }

    /// Whether a save goes on in the background, so that another one would have to wait.
    #[must_use]
    pub fn is_saving(&self) -> bool {
        let is_under_way = |under: &Background| under.is_ours() && !under.is_finished();
        self.background.as_ref().is_some_and(is_under_way)
    }

    /// How the save in the background went; `None` if it goes on, there is none, or it was asked
    /// for before.
    ///
    /// # Errors
    /// [`StoreError::Background`] if it failed; the images before it are as they were.
    pub fn poll(&mut self) -> Result<Option<Written>, StoreError> {
        if self.is_saving() { Ok(None) } else { self.finish() }
    }

    /// Waits for the save in the background, and tells how it went; `None` if there is none, or it
    /// was asked for before. Dropping the store waits as well, but can tell nobody of an error:
    /// a program should call this when it is done.
    ///
    /// # Errors
    /// [`StoreError::Background`] if it failed; the images before it are as they were.
    pub fn finish(&mut self) -> Result<Option<Written>, StoreError> {
        self.wait()?;
        Ok(self.former.take())
    }

    /// Waits for the save in the background, and keeps what it made until it is asked for.
    fn wait(&mut self) -> Result<(), StoreError> {
        if self.background.as_ref().is_some_and(|background| !background.is_ours()) {
            return Err(StoreError::Forked { dir: self.dir.clone() });
        }
        let Some(background) = self.background.take() else { return Ok(()) };
        let (lent, written) = background.join();
        if let Some((writer, staging)) = lent {
            (self.writer, self.staging) = (Some(writer), staging);
        }
        self.former = Some(written?);
        Ok(())
    }

    /// Announces that a save begins.
    fn begin<T: Checkpoint>(&self, root: &T, step: u64) -> Marker<'static> {
        let marker = Marker {
            seq: self.seq,
            step,
            root_addr: std::ptr::from_ref(root).addr() as u64,
            record_addr: T::record_addr(),
            ..Marker::new(Kind::SaveBegin)
        };
        mark(&marker);
        marker
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

/// The header of the image that a marker tells of.
fn header(marker: &Marker<'_>) -> Vec<u8> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let time_ns = u64::try_from(since.as_nanos()).unwrap_or(0);
    let build_id = build_id::own().to_vec();
    let (seq, step) = (marker.seq, marker.step);
    Header { seq, step, time_ns, build_id, ..Header::default() }.encode()
}

fn at_least_one(count: u64) -> NonZeroU64 {
    NonZeroU64::new(count).unwrap_or(NonZeroU64::MIN)
}
