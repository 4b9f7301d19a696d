//! Writing an image in a thread of its own, from memory that is used again.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use samestate_image::build::{Built, Parts};
use samestate_schema::marker::{Kind, Marker};

use super::fork::Forks;
use super::retention::Retention;
use super::writer::{Place, Writer};
use super::{Saved, StoreError, names};
use crate::memory::Encoded;
use crate::schema::Program;
use crate::{Compression, SaveError, mark};

/// A save that goes on in the background.
#[derive(Debug)]
#[non_exhaustive]
pub struct Staged {
    /// The file that will appear.
    pub path: PathBuf,
    /// Bytes of state that were copied aside.
    pub bytes: u64,
    /// How long the program was kept from going on, all in all.
    pub pause: Duration,
    /// The part of the pause in which it waited for the former save.
    pub waited: Duration,
    /// The former save in the background, unless it was asked for before.
    pub former: Option<Written>,
}

/// A save in the background that is done: the image is on disk.
#[derive(Debug)]
#[non_exhaustive]
pub struct Written {
    /// What was saved.
    pub saved: Saved,
    /// The program's own count when it was saved.
    pub step: u64,
    /// How long the program was kept from going on, all in all.
    pub pause: Duration,
    /// From the call to when the image was on disk.
    pub wall: Duration,
}

/// A copy of a state. Its memory is kept from one save to the next: memory that was never touched
/// costs five times as much as copying.
#[derive(Debug, Default)]
pub(super) struct Staging {
    pub(super) values: Vec<u8>,
    volatile: Vec<u8>,
    blocks: Vec<u8>,
    /// Where each block stands.
    ranges: Vec<Range<usize>>,
}

impl Staging {
    /// Copies what is borrowed from the state, and takes the rest over.
    pub(super) fn fill(&mut self, encoded: Encoded<'_>) -> Result<(), StagingError> {
        self.blocks.clear();
        self.ranges.clear();
        let len = encoded.blocks().map(<[u8]>::len).sum();
        self.blocks.try_reserve_exact(len).map_err(|_| StagingError(len))?;
        for block in encoded.blocks() {
            let start = self.blocks.len();
            self.blocks.extend_from_slice(block);
            self.ranges.push(start..self.blocks.len());
        }
        (self.values, self.volatile) = encoded.into_buffers();
        Ok(())
    }

    /// Length in bytes.
    pub(super) fn len(&self) -> u64 {
        [&self.values, &self.volatile, &self.blocks].iter().map(|part| part.len() as u64).sum()
    }

    fn built<'s>(
        &'s self,
        program: &'s Program,
        compression: Compression,
    ) -> Result<Built<'s>, SaveError> {
        let (root_hash, schema) = (program.chunk.root_hash(), &*program.encoded);
        let parts = Parts { root_hash, schema, values: &self.values, volatile: &self.volatile };
        let blocks = self.ranges.iter().map(|range| &self.blocks[range.clone()]);
        Built::compressed(parts, blocks, compression.codec()).map_err(SaveError::Schema)
    }
}

/// There is no memory for a copy of so many bytes.
pub(super) struct StagingError(pub(super) usize);

/// What the thread is given.
pub(super) struct Job {
    pub(super) writer: Writer,
    pub(super) place: Place,
    pub(super) retention: Retention,
    pub(super) compression: Compression,
    pub(super) staging: Staging,
    pub(super) program: Arc<Program>,
    /// The encoded header of the image.
    pub(super) header: Vec<u8>,
    pub(super) marker: Marker<'static>,
    pub(super) begun: Instant,
}

/// What it gives back.
pub(super) struct Done {
    pub(super) writer: Writer,
    pub(super) staging: Staging,
    result: Result<(Saved, Duration), StoreError>,
}

impl Job {
    fn run(self) -> Done {
        let Self { mut writer, place, retention, compression, staging, program, .. } = self;
        let Self { header, marker, begun, .. } = self;
        let write = || {
            let built = staging.built(&program, compression).map_err(StoreError::Save)?;
            let put = Writer::put(place, &built.slices(&header), built.id)?;
            let saved = writer.settle(put, retention)?;
            let path = names::bytes(&saved.path);
            mark(&Marker { kind: Kind::Durable, image_id: saved.id, path, ..marker });
            Ok((saved, begun.elapsed()))
        };
        let result = write();
        Done { writer, staging, result }
    }
}

/// The save that is under way. Dropping it waits for it.
#[derive(Debug)]
pub(super) struct Background {
    thread: Option<JoinHandle<Done>>,
    path: PathBuf,
    step: u64,
    pub(super) pause: Duration,
    /// Where the thread runs: a child that is forked has none.
    owner: Forks,
}

impl Background {
    pub(super) fn spawn(job: Job) -> std::io::Result<Self> {
        let (path, step) = (job.place.path.clone(), job.marker.step);
        let thread = thread::Builder::new().name("samestate".to_owned());
        let thread = Some(thread.spawn(move || job.run())?);
        let owner = Forks::of_this_process();
        Ok(Self { thread, path, step, pause: Duration::ZERO, owner })
    }

    /// Whether the thread runs in this process, not in one that forked it.
    pub(super) fn is_ours(&self) -> bool {
        self.owner == Forks::of_this_process()
    }

    pub(super) fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits for the end. What was lent to the thread comes back, unless it panicked.
    pub(super) fn join(mut self) -> (Option<(Writer, Staging)>, Result<Written, StoreError>) {
        let path = std::mem::take(&mut self.path);
        let done = self.thread.take().and_then(|thread| thread.join().ok());
        let Some(Done { writer, staging, result }) = done else {
            return (None, Err(StoreError::Background { path, source: None }));
        };
        let (step, pause) = (self.step, self.pause);
        let written = result
            .map(|(saved, wall)| Written { saved, step, pause, wall })
            .map_err(|error| StoreError::Background { path, source: Some(Box::new(error)) });
        (Some((writer, staging)), written)
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let is_ours = self.is_ours();
        if let Some(thread) = self.thread.take() {
            if !is_ours {
                // It would be waited for without end.
                return std::mem::forget(thread);
            }
            // Whoever wants to know how it went asks before.
            let _ = thread.join();
        }
    }
}
