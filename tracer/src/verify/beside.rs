//! Several restored runs at once, each with layers of its own over the files.
//!
//! Only what is clean counts: where anything differs or could not be done, the run is made once more by
//! itself, on the files as they are. So a report says the same however many runs are made at once.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use samestate_schema::marker::Kind;

use super::guard::{Files, Moment};
use super::layers::{Layer, Layers};
use super::memory;
use super::original::{Original, copy_image};
use super::restored::{self, Judged};
use super::rows::Start;
use super::temporary::Temporary;
use super::{Verdict, Verify, go_on};
use crate::Error;
use crate::record::{Change, OnProgress, Progress, Seat, Seen, Watch};

/// What was found at once, and why not more of it.
#[derive(Default)]
pub(super) struct Beside {
    /// For each start, what its rounds came to, if that is clean.
    pub(super) clean: Vec<Option<Vec<Judged>>>,
    /// Why a run could not be made beside others, in words for people.
    pub(super) why_not: Option<String>,
}

/// Makes the restored runs, as many at once as are wanted, until as many of them were not clean.
pub(super) fn run(
    config: &Verify,
    work: &Path,
    original: &Original,
    files: &Files,
    starts: &[(Start<'_>, &Moment)],
    progress: &mut OnProgress<'_>,
) -> Result<Beside, Error> {
    let mut beside = Beside { clean: starts.iter().map(|_| None).collect(), why_not: None };
    let jobs = jobs(config, original).min(starts.len());
    if jobs < 2 {
        return Ok(beside);
    }
    let layers = match layers(work, files) {
        Ok(layers) => layers,
        Err(why) => {
            beside.why_not = Some(why);
            return Ok(beside);
        }
    };
    let table = Table {
        config,
        work,
        original,
        files,
        layers: &layers,
        starts,
        next: AtomicUsize::new(0),
        unclean: AtomicUsize::new(0),
        jobs,
        progress: Mutex::new(progress),
    };
    let done = std::thread::scope(|scope| {
        let start = |processor| {
            let table = &table;
            std::thread::Builder::new()
                .name("restored".to_owned())
                .spawn_scoped(scope, move || table.serve(processor))
        };
        // If there can be no more threads, those that are there do it all.
        let threads: Vec<_> = (0..jobs).map(start).map_while(Result::ok).collect();
        let done = threads.into_iter().map(|thread| thread.join().map_err(|_| Error::Thread));
        done.collect::<Result<Vec<_>, _>>()
    })?;
    go_on(config)?;
    for (number, judged) in done.into_iter().flatten() {
        match judged {
            Ok(chain) => beside.clean[number] = Some(chain),
            Err(why) => beside.why_not = beside.why_not.or(why),
        }
    }
    Ok(beside)
}

/// So many runs may be made at once.
fn jobs(config: &Verify, original: &Original) -> usize {
    match config.jobs {
        0 => std::thread::available_parallelism()
            .map_or(1, usize::from)
            .min(memory::runs(&original.trace)),
        jobs => jobs,
    }
}

fn layers(work: &Path, files: &Files) -> Result<Layers, String> {
    let here = std::env::current_dir();
    let here = here.map_err(|error| format!("the current folder cannot be found: {error}"))?;
    // From there a program goes to its own folder, as without layers.
    Layers::over(files, work, &here)
}

/// What the threads share.
struct Table<'a, 'b> {
    config: &'a Verify,
    work: &'a Path,
    original: &'a Original,
    files: &'a Files,
    layers: &'a Layers,
    starts: &'a [(Start<'a>, &'a Moment)],
    /// The next one that nobody has begun.
    next: AtomicUsize,
    /// How many were not clean.
    unclean: AtomicUsize,
    jobs: usize,
    progress: Mutex<&'a mut OnProgress<'b>>,
}

/// Rounds that were made: from which start, and what they are if they are clean, else why they could
/// not be made if that is so.
type Done = (usize, Result<Vec<Judged>, Option<String>>);

impl Table<'_, '_> {
    /// Makes one run after the other.
    fn serve(&self, processor: usize) -> Vec<Done> {
        let mut done = Vec::new();
        // As many again would be made twice.
        while self.unclean.load(Ordering::Relaxed) < self.jobs && go_on(self.config).is_ok() {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let Some((start, files)) = self.starts.get(number) else { break };
            if let Ok(mut progress) = self.progress.lock() {
                progress(Progress::Restoring { checkpoint: number + 1, of: self.starts.len() });
            }
            let chain = match self.chain(*start, files, processor) {
                Ok(chain) => chain.ok_or(None),
                Err(error) => Err(Some(error.with_causes())),
            };
            if chain.is_err() {
                self.unclean.fetch_add(1, Ordering::Relaxed);
            }
            done.push((number, chain));
        }
        done
    }

    /// What a run comes to, and those that are restored from what it saves; `None` if one of them is
    /// not clean.
    fn chain(
        &self,
        mut start: Start<'_>,
        files: &Moment,
        processor: usize,
    ) -> Result<Option<Vec<Judged>>, Error> {
        let then = self.files.unlike_now(files)?;
        let mut layer = self.layers.make(&start.number.to_string(), &then)?;
        let mut image = start.image.to_owned();
        let mut chain = Vec::new();
        while let Some(checkpoint) = self.original.checkpoints.get(start.at) {
            let start_now = Start { image: &image, ..start };
            let goes_on = start.goes_on(self.config, self.original);
            let Layer { place, view } = layer;
            let mut guest = Guest {
                layers: self.layers,
                files: self.files,
                seat: Seat { view, processor },
                place: &place,
                said: start.said(self.work),
                wanted: goes_on.then(|| start.images(self.work)),
                kept: None,
            };
            let (config, original) = (self.config, self.original);
            let run =
                restored::run(config, self.work, start_now, original, checkpoint, &mut guest)?;
            let judged = run.compare(config, None)?;
            let is_clean =
                judged.checkpoint.verdict == Verdict::Same && judged.report.findings.is_empty();
            if !is_clean {
                return Ok(None);
            }
            chain.push(judged);
            let next = original.checkpoints.get(start.at + 1);
            let kept = guest.kept.filter(|kept| next.is_some_and(|next| next.image_id == kept.id));
            let Some(Kept { layer: next, image: Some(copy), .. }) = kept else {
                // What should have been restored once more was not, whyever.
                return Ok((!goes_on).then_some(chain));
            };
            (layer, image) = (next, copy);
            start = start.next();
        }
        Ok(Some(chain))
    }
}

/// Watches one of the runs: nothing may be changed but in its layers.
struct Guest<'a> {
    layers: &'a Layers,
    files: &'a Files,
    seat: Seat,
    place: &'a Temporary,
    /// What it prints goes to a file of ours.
    said: PathBuf,
    /// Where the image goes that it saves first, if that is restored again.
    wanted: Option<PathBuf>,
    kept: Option<Kept>,
}

/// What is restored again.
struct Kept {
    id: [u8; 16],
    /// Where it is to be, as far as that was told.
    path: PathBuf,
    image: Option<PathBuf>,
    /// The files as they were when it was announced.
    layer: Layer,
}

impl Guest<'_> {
    /// It came by that before its folders were covered, so it has no name there.
    fn prints_to(&self, device: u64, inode: u64) -> bool {
        let about = std::fs::metadata(&self.said);
        about.is_ok_and(|about| (about.dev(), about.ino()) == (device, inode))
    }

    fn is_fine(&self, path: &Path) -> bool {
        self.layers.cover(path) || !self.files.undo().is_some_and(|undo| undo.is_kept(path))
    }
}

impl Watch for Guest<'_> {
    fn marker(&mut self, seen: &Seen<'_>) -> Result<(), Error> {
        let Some(folder) = &self.wanted else { return Ok(()) };
        match (seen.marker.kind, &mut self.kept) {
            (Kind::Saved, None) => {
                let layer = self.layers.again(self.place)?;
                let (id, path) = (seen.marker.image_id, seen.path());
                self.kept = Some(Kept { id, path, image: None, layer });
            }
            (Kind::Durable, Some(kept))
                if kept.image.is_none() && kept.id == seen.marker.image_id =>
            {
                if !seen.marker.path.is_empty() {
                    kept.path = seen.path();
                }
                // If it cannot be copied, there is nothing to restore.
                kept.image = copy_image(seen, &kept.path, folder).ok();
            }
            _ => {}
        }
        Ok(())
    }

    fn progress(&mut self, _progress: Progress) {}

    fn seat(&self) -> Option<&Seat> {
        Some(&self.seat)
    }

    fn keeps(&self) -> bool {
        true
    }

    fn changes(&mut self, change: Change<'_>) -> Result<(), Error> {
        let outside = match change {
            Change::At(path) | Change::Name(path) | Change::Mapped(path) => {
                (!self.is_fine(path)).then_some(path)
            }
            Change::Moved { from, to, .. } => {
                [from, to].into_iter().find(|path| !self.is_fine(path))
            }
            Change::Unnamed(device, inode) if self.prints_to(device, inode) => None,
            // It has a name that nobody has told of.
            Change::Unnamed(..) => Some(Path::new("a file whose name is gone")),
        };
        match outside {
            None => Ok(()),
            Some(path) => Err(Error::NotCovered { path: PathBuf::from(path) }),
        }
    }
}
