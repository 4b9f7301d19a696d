//! Running a program and writing down every system call of all its processes and threads.

mod announce;
mod answer;
mod attach;
mod capture;
mod changes;
mod clocks;
mod counter;
mod deliver;
mod descriptors;
mod dumpable;
mod engine;
mod entry;
mod exit;
mod expire;
mod fault;
mod features;
mod filtered;
mod images;
mod kernel;
mod knobs;
mod landing;
mod launch;
mod lives;
mod mapped;
pub(crate) mod mirror;
mod outcome;
mod outside;
mod pace;
mod pids;
mod proc;
mod setup;
mod stacks;
mod task;
mod times;
mod turns;
mod watchdog;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

pub use announce::Announce;
pub use attach::{Attach, attach};
pub(crate) use capture::NAMED;
pub(crate) use changes::{Change, below};
pub(crate) use entry::{CHILD_OF_INFO, MAPPED, MOVED, low};
pub use fault::{Among, At, Fault, Harm, NoFault};
pub use knobs::Knobs;
pub(crate) use outcome::unknown_call;
pub use outcome::{MirrorUse, Recording};
pub use stacks::Stacks;

use samestate_schema::marker::Kind;

use crate::Error;
use crate::sys::view::View;
use crate::trace::Status;
use engine::Engine;
use mirror::Mirror;

/// What a traced program gets as its standard input, output or error.
#[derive(Debug, Default)]
pub enum Stream {
    /// Ours.
    #[default]
    Inherit,
    /// `/dev/null`.
    Null,
    /// This file.
    File(File),
}

impl Stream {
    pub(crate) fn duplicate(&self) -> std::io::Result<Option<File>> {
        match self {
            Self::Inherit => Ok(None),
            Self::Null => File::options().read(true).write(true).open("/dev/null").map(Some),
            Self::File(file) => file.try_clone().map(Some),
        }
    }
}

/// What to run, and how.
#[derive(Debug, Default)]
pub struct Config {
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// Where it starts; `None` is where we are.
    pub directory: Option<PathBuf>,
    /// Its environment; `None` is ours.
    pub environment: Option<Vec<(OsString, OsString)>>,
    /// Its standard input.
    pub stdin: Stream,
    /// Its standard output.
    pub stdout: Stream,
    /// Its standard error.
    pub stderr: Stream,
    /// Where the trace goes. An existing file is overwritten.
    pub output: PathBuf,
    /// The trace of an earlier run whose clocks, random bytes and process ids this run shall see.
    pub like: Option<PathBuf>,
    /// What is done so that the run can be repeated.
    pub knobs: Knobs,
    /// Which files are images, for programs that announce no checkpoints.
    pub announce: Announce,
    /// Of which calls the trace tells where in the program they were made.
    pub stacks: Stacks,
    /// What goes wrong, if anything shall.
    pub fault: Option<Fault>,
    /// A run that takes longer is killed, with all its processes; the trace up to there is kept.
    pub timeout: Option<Duration>,
    /// Set to end the run: all processes are killed within a fraction of a second, and the trace up
    /// to there is kept. Meant for a handler of signals.
    pub interrupt: Arc<AtomicBool>,
    /// If more threads and processes than this exist at once, the run is killed; `None` is 10,000.
    pub most_tasks: Option<usize>,
}

/// How far a recording is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// The program runs.
    Started {
        /// Its process id.
        pid: i32,
    },
    /// So many calls were recorded; told every now and then.
    Calls(u64),
    /// The program announced something.
    Marker {
        /// What.
        kind: Kind,
        /// The program's own count.
        step: u64,
    },
    /// `verify` runs the original again.
    Repeating,
    /// `verify` makes a restored run again, to be asked where in the program it makes some calls.
    Asking,
    /// `verify` begins the run from a checkpoint.
    Restoring {
        /// Which one, from 1.
        checkpoint: usize,
        /// Of how many.
        of: usize,
    },
}

/// Told about the progress; it runs on the tracer's thread while the program is stopped, so it
/// should be quick.
pub type OnProgress<'a> = dyn FnMut(Progress) + Send + 'a;

/// What the tracer hands to whoever watches for markers.
pub(crate) struct Seen<'a> {
    pub(crate) marker: samestate_schema::marker::Marker<'a>,
    /// The working folder of who made it.
    pub(crate) directory: PathBuf,
    /// Where its paths begin for us.
    pub(crate) root: PathBuf,
}

impl Seen<'_> {
    /// The path that the marker tells.
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.join(OsStr::from_bytes(self.marker.path))
    }
}

/// What a run has of its own that is one of several at once.
#[derive(Debug)]
pub(crate) struct Seat {
    /// How it sees the files.
    pub(crate) view: View,
    /// Which of the processors that we may use it gets, from 0; beyond the last it begins again.
    pub(crate) processor: usize,
}

/// Watches a run; the process that announced the marker is stopped meanwhile.
pub(crate) trait Watch: Send {
    fn marker(&mut self, seen: &Seen<'_>) -> Result<(), Error>;
    fn progress(&mut self, progress: Progress);

    /// What the run has of its own, if others run at the same time.
    fn seat(&self) -> Option<&Seat> {
        None
    }

    /// Whether it wants to know what is about to be changed among the files.
    fn keeps(&self) -> bool {
        false
    }

    /// This is about to be changed, by a call that the kernel has not seen yet.
    fn changes(&mut self, _change: Change<'_>) -> Result<(), Error> {
        Ok(())
    }
}

struct Plain<'a, 'b>(&'a mut OnProgress<'b>);

impl Watch for Plain<'_, '_> {
    fn marker(&mut self, _seen: &Seen<'_>) -> Result<(), Error> {
        Ok(())
    }

    fn progress(&mut self, progress: Progress) {
        (self.0)(progress);
    }
}

/// Runs a program to its end and writes its trace.
///
/// Whatever the program started and left behind is traced and waited for as well. The program
/// failing is no error, see [`Recording::status`]. When the calling process dies, the program
/// dies with it.
///
/// # Errors
/// If the program cannot be started or traced, the earlier trace cannot be read, or the trace
/// cannot be written. What was started is killed.
pub fn record(config: &Config, progress: &mut OnProgress<'_>) -> Result<Recording, Error> {
    let mirror = config.like.as_deref().map(Mirror::of_run).transpose()?;
    run(config, mirror, &mut Plain(progress))
}

/// Records with what to mirror and who watches.
pub(crate) fn run(
    config: &Config,
    mirror: Option<Mirror>,
    watch: &mut dyn Watch,
) -> Result<Recording, Error> {
    crate::sys::wait::no_signals();
    on_a_thread(|| Engine::start(config, mirror, watch)?.run())
}

/// Requests to a traced thread must come from the thread that traces it, and only a thread of its
/// own can wait for "any child" without taking away those of others.
fn on_a_thread(work: impl FnOnce() -> Result<Recording, Error> + Send) -> Result<Recording, Error> {
    std::thread::scope(|scope| {
        let tracer = std::thread::Builder::new()
            .name("tracer".to_owned())
            .spawn_scoped(scope, work)
            .map_err(|_| Error::Thread)?;
        tracer.join().map_err(|_| Error::Thread)?
    })
}

impl Recording {
    /// How the program ended; with exit status 0 if it runs on.
    #[must_use]
    pub const fn status(&self) -> Status {
        self.status
    }
}
