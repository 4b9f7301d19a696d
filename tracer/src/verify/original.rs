//! The original run: its checkpoints, with the image and the user's files of each.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use samestate_report::{Finding, Severity, Subject, rules};
use samestate_schema::marker::{Kind, Marker};

use super::guard::{Files, Moment};
use super::{Verify, output, printed, recording};
use crate::Error;
use crate::record::{self, Change, OnProgress, Progress, Recording, Seen, Stream, Watch};
use crate::show::hex;
use crate::trace::{Event, Place, Reader, call_flags};

/// A finished original run.
pub(super) struct Original {
    pub(super) recording: Recording,
    pub(super) trace: PathBuf,
    pub(super) checkpoints: Vec<Saved>,
    pub(super) output: Vec<u8>,
    /// How long it took.
    pub(super) took: Duration,
}

/// A checkpoint that the program announced.
pub(super) struct Saved {
    pub(super) step: u64,
    pub(super) image_id: [u8; 16],
    /// The image's path as the program announced it.
    pub(super) path: PathBuf,
    /// Our copy of it; `None` if the save did not become durable, or could not be copied.
    pub(super) image: Option<PathBuf>,
    /// Why there is no copy.
    why: Option<String>,
    /// The user's files at the marker.
    pub(super) files: Moment,
    /// The marker in the trace.
    pub(super) place: Option<Place>,
}

impl Saved {
    /// The finding about a checkpoint that cannot be restored from.
    pub(super) fn not_usable(&self) -> Finding {
        let why = self.why.as_deref().unwrap_or("its image was never announced as durable");
        let mut finding = Finding::new(
            &rules::NO_MARKER,
            Subject::Input(format!("image {}", hex(&self.image_id))),
            format!("the checkpoint at step {} could not be restored from: {why}", self.step),
        );
        finding.severity = Severity::Blind;
        finding
    }
}

/// Runs the program.
pub(super) fn run(
    config: &Verify,
    work: &Path,
    kept: &mut Files,
    progress: &mut OnProgress<'_>,
) -> Result<Original, Error> {
    let trace = work.join("original.trace");
    let said = work.join("original.out");
    let images = work.join("images");
    let mut run = recording(config, config.command.clone(), trace.clone(), printed(&said)?);
    let stdin = config.stdin.duplicate().map_err(Error::file("duplicate", Path::new("stdin")))?;
    run.stdin = stdin.map_or(Stream::Inherit, Stream::File);
    let mut watcher = Watcher::new(kept, images, progress, usize::MAX);
    let started = Instant::now();
    let recording = record::run(&run, None, &mut watcher)?;
    let took = started.elapsed();
    let mut checkpoints = watcher.checkpoints;
    kept.end_of_original()?;
    let places = markers(&trace, Kind::Saved)?;
    for (checkpoint, (place, _)) in checkpoints.iter_mut().zip(places) {
        checkpoint.place = Some(place);
    }
    Ok(Original { recording, trace, checkpoints, output: output(&said), took })
}

/// The markers of one kind in a trace, in order: where, and the image's id.
pub(super) fn markers(trace: &Path, kind: Kind) -> Result<Vec<(Place, [u8; 16])>, Error> {
    first_markers(trace, kind, usize::MAX)
}

/// The same, up to so many of them: what comes after them is not read.
pub(super) fn first_markers(
    trace: &Path,
    kind: Kind,
    most: usize,
) -> Result<Vec<(Place, [u8; 16])>, Error> {
    let mut reader = Reader::open(trace)?;
    let mut found = Vec::new();
    while let Some((place, event)) = reader.read()? {
        let Event::Call(call) = event else { continue };
        if call.flags & call_flags::MARKER == 0 {
            continue;
        }
        let Some(payload) = call.payload(1, false) else { continue };
        if let Ok(marker) = Marker::decode(&payload.bytes)
            && marker.kind == kind
        {
            found.push((place, marker.image_id));
            if found.len() >= most {
                break;
            }
        }
    }
    Ok(found)
}

/// Copies what a checkpoint consists of as it is announced.
pub(super) struct Watcher<'a, 'b> {
    files: &'a mut Files,
    images: PathBuf,
    checkpoints: Vec<Saved>,
    progress: &'a mut OnProgress<'b>,
    /// So many are kept.
    most: usize,
}

impl Watch for Watcher<'_, '_> {
    fn marker(&mut self, seen: &Seen<'_>) -> Result<(), Error> {
        let marker = &seen.marker;
        match marker.kind {
            Kind::Saved if self.checkpoints.len() >= self.most => {}
            Kind::Saved => self.checkpoints.push(Saved {
                step: marker.step,
                image_id: marker.image_id,
                path: seen.path(),
                image: None,
                why: None,
                files: self.files.take()?,
                place: None,
            }),
            Kind::Durable => self.durable(seen),
            Kind::SaveBegin | Kind::Restored | Kind::Step | Kind::SaveEnd => {}
        }
        Ok(())
    }

    fn progress(&mut self, progress: Progress) {
        // Restored runs are told about by number only.
        if self.most == usize::MAX {
            (self.progress)(progress);
        }
    }

    fn keeps(&self) -> bool {
        self.files.keeps()
    }

    fn changes(&mut self, change: Change<'_>) -> Result<(), Error> {
        self.files.changes(change)
    }
}

impl<'a, 'b> Watcher<'a, 'b> {
    /// Copies images to the folder `images`, the first `most` of them.
    pub(super) const fn new(
        files: &'a mut Files,
        images: PathBuf,
        progress: &'a mut OnProgress<'b>,
        most: usize,
    ) -> Self {
        Self { files, images, checkpoints: Vec::new(), progress, most }
    }

    /// What was copied.
    pub(super) fn into_kept(self) -> impl Iterator<Item = Saved> {
        self.checkpoints.into_iter()
    }

    fn durable(&mut self, seen: &Seen<'_>) {
        let number = self.checkpoints.len();
        let wanted =
            |saved: &&mut Saved| saved.image_id == seen.marker.image_id && saved.image.is_none();
        let Some(saved) = self.checkpoints.iter_mut().rev().find(wanted) else { return };
        if !seen.marker.path.is_empty() {
            saved.path = seen.path();
        }
        match copy_image(seen, &saved.path, &self.images.join(number.to_string())) {
            Ok(copy) => saved.image = Some(copy),
            Err(error) => {
                saved.why =
                    Some(format!("its image {} cannot be copied: {error}", saved.path.display()));
            }
        }
    }
}

/// Copies an image that was announced to a folder, and gives the copy's path.
pub(super) fn copy_image(seen: &Seen<'_>, image: &Path, folder: &Path) -> io::Result<PathBuf> {
    let copy = folder.join(image.file_name().unwrap_or_else(|| OsStr::new("image")));
    fs::create_dir_all(folder)?;
    // Half of it is of no use, and takes the room of what comes next.
    let copied = fs::copy(record::below(&seen.root, image), &copy);
    copied.inspect_err(|_| drop(fs::remove_file(&copy)))?;
    Ok(copy)
}
