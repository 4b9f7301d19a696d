//! Why something could not be recorded, read, compared or verified.

use std::io;
use std::path::PathBuf;

/// An error of the tracer; the message says what was tried and on what, the source says why it
/// failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no command.
    #[error("no command to run: write it after `--`")]
    NoCommand,
    /// No such program.
    #[error("program {program:?} not found in PATH")]
    NotFound {
        /// As it was written.
        program: String,
    },
    /// The program could not be started.
    #[error("cannot start {program:?}: {what}")]
    Start {
        /// As it was written.
        program: String,
        /// The step that failed.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The system does not let us trace.
    #[error(
        "the system refuses to trace {program:?}: ptrace is switched off here, or another tracer \
         is already attached; in a container run it with the SYS_PTRACE capability"
    )]
    Refused {
        /// As it was written.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// There is no such process.
    #[error("there is no process {pid}")]
    NoProcess {
        /// Which one.
        pid: i32,
    },
    /// A program that runs cannot be traced.
    #[error("cannot trace process {pid}: {why}")]
    CannotAttach {
        /// Which one.
        pid: i32,
        /// Why, and what can be done about it.
        why: String,
    },
    /// A request to the kernel failed while tracing.
    #[error("cannot {what} of thread {tid}")]
    Trace {
        /// What was tried.
        what: &'static str,
        /// On which thread.
        tid: i32,
        /// Why.
        source: io::Error,
    },
    /// The program makes processes without end.
    #[error(
        "the program has more than {most} threads and processes at once; it was killed, unless it \
         ran before it was recorded: allow more with --max-processes, if that is what it shall do"
    )]
    TooMany {
        /// So many are allowed.
        most: usize,
    },
    /// The thread of the tracer could not be run.
    #[error("cannot run the tracer's own thread")]
    Thread,
    /// A file could not be read or written.
    #[error("cannot {what} {path:?}")]
    File {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not a trace.
    #[error("{path:?} is not a trace of samestate")]
    NotATrace {
        /// The file.
        path: PathBuf,
    },
    /// The trace was written by a version that we do not know.
    #[error("{path:?} has trace format {found}, this program reads format {known}: record again")]
    Version {
        /// The file.
        path: PathBuf,
        /// The format it says it has.
        found: u16,
        /// The one we know.
        known: u16,
    },
    /// The trace is damaged where nothing can be left out.
    #[error("{path:?} is damaged at offset {offset}: {what}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in it, in bytes.
        offset: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// A template without a place for the image.
    #[error("the restore command has no `{{image}}`: write it where the path of the image belongs")]
    NoPlaceholder,
    /// A state path that cannot be kept.
    #[error(
        "{path:?} cannot be a state path: name the file or the folder that the program changes"
    )]
    NoState {
        /// As it was named.
        path: PathBuf,
    },
    /// What we write while we verify would be among the files that are put back.
    #[error(
        "the folder {work:?} for traces and copies, and the state path {state:?} lie within each \
         other: keep them apart"
    )]
    WorkInState {
        /// Where traces and copies would go.
        work: PathBuf,
        /// The state path.
        state: PathBuf,
    },
    /// Another verification works on the same files.
    #[error("another verification works on {path:?}: wait until it has ended (it holds {lock:?})")]
    InUse {
        /// The state path.
        path: PathBuf,
        /// The file that it has locked.
        lock: PathBuf,
    },
    /// A verification that was killed has changed the file, and it is not put back.
    #[error(
        "an earlier verification that was killed has changed {path:?}, which is not put back yet: \
         verify again, or, if it cannot be put back, take what you need from {folder:?} and remove \
         that folder"
    )]
    LeftChanged {
        /// The file.
        path: PathBuf,
        /// Where copies of what was changed are.
        folder: PathBuf,
    },
    /// A verification of a state path was killed, and the path is changed by one that does not name it.
    #[error(
        "an earlier verification of {state:?} was killed and has left files changed there: verify \
         once with --state {state:?}, which puts them back first, or take what you need from \
         {folder:?} and remove that folder"
    )]
    StateLeftChanged {
        /// The state path.
        state: PathBuf,
        /// Where copies of what was changed are.
        folder: PathBuf,
    },
    /// The journal of a state path cannot be read.
    #[error(
        "an earlier verification of {path:?} was killed, and what it has changed there cannot be \
         put back: take what you need from {folder:?}, where copies of the files are as they were, \
         and remove that folder"
    )]
    LeftDamaged {
        /// The state path.
        path: PathBuf,
        /// Where the copies are.
        folder: PathBuf,
        /// What is wrong with the journal.
        source: Box<Error>,
    },
    /// A run that is one of several at once would change what the others see.
    #[error("it changes {path:?}, which the original did not change")]
    NotCovered {
        /// What it would change.
        path: PathBuf,
    },
    /// Of a run that is one of several at once, it cannot be seen what it would change.
    #[error("{what}, so what it changes could not be kept apart")]
    NotFollowed {
        /// What it does.
        what: &'static str,
    },
    /// [`Verify::interrupt`](crate::Verify::interrupt) was set.
    #[error("interrupted; the files of the state are as they were before")]
    Interrupted,
    /// Files could not be put back.
    #[error(
        "cannot put {path:?} back; its copy is kept in {kept:?}, and the next verification of it \
         tries again"
    )]
    PutBack {
        /// The user's file.
        path: PathBuf,
        /// Where the copy is.
        kept: PathBuf,
        /// Why.
        source: Box<Error>,
    },
}

impl Error {
    /// The message, and those of all its causes.
    pub(crate) fn with_causes(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(&format!(": {error}"));
            cause = error.source();
        }
        text
    }

    pub(crate) fn file(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }

    pub(crate) fn trace(what: &'static str, tid: i32) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Trace { what, tid, source }
    }
}
