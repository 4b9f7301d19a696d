//! Ending a recording before its program ends.

use super::engine::Engine;
use crate::Error;
use crate::sys::ptrace;
use crate::sys::wait::{self, Stop};
use crate::trace::{Event, Note, Status};

impl Engine<'_> {
    /// Whether the run shall end.
    pub(super) fn is_unwanted(&self) -> bool {
        self.writer.is_expired() || self.writer.is_interrupted()
    }

    /// What follows is not the program's doing; said once.
    pub(super) fn cut(&mut self) -> Result<(), Error> {
        if std::mem::replace(&mut self.is_cut, true) {
            return Ok(());
        }
        let what = match self.writer.is_expired() {
            true => "the recording was ended here: its time was up",
            false => "the recording was ended here: it was interrupted",
        };
        self.write(&Event::Note { task: 0, note: Note::Cut(what.to_owned()) })
    }

    /// The time is up, or nobody wants the run any more: everything is killed, and its end written down.
    pub(super) fn expire(&mut self) -> Result<(), Error> {
        self.cut()?;
        for pid in self.tasks.values().map(|task| task.pid).chain(self.early.keys().copied()) {
            ptrace::kill(pid);
        }
        while let Some((tid, stop)) = wait::next().map_err(Error::trace("wait for the end", 0))? {
            match stop {
                Stop::Exited(status) => self.ended(tid, Status::Exited(status))?,
                Stop::Killed(signal) => self.ended(tid, Status::Killed(signal))?,
                _ => {
                    ptrace::kill(tid);
                    let _gone = ptrace::resume(tid, 0);
                }
            }
        }
        Ok(())
    }

    /// Ends everything and waits for it, so that nothing is left when the error is reported.
    pub(super) fn kill_all(&mut self) {
        for task in self.tasks.values() {
            ptrace::kill(task.pid);
        }
        for &tid in self.early.keys() {
            ptrace::kill(tid);
        }
        while let Ok(Some((tid, stop))) = wait::next() {
            if !matches!(stop, Stop::Exited(_) | Stop::Killed(_)) {
                ptrace::kill(tid);
                let _gone = ptrace::resume(tid, 0);
            }
        }
    }
}
