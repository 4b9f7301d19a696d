//! A fault that a program is given, to see whether it bears it.

use std::fmt;
use std::str::FromStr;

use super::capture::Capture;
use super::engine::Engine;
use super::mirror::Given;
use super::task::Pending;
use crate::Error;
use crate::sys::{Tid, ptrace};
use crate::table::Row;
use crate::table::errors::{error_name, error_number};
use crate::trace::{Call, call_flags};

/// One fault at one system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// At which call.
    pub at: At,
    /// What happens there.
    pub harm: Harm,
}

/// One system call of a run. Markers count; calls are counted over all threads as they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// Among which calls it is counted.
    pub among: Among,
    /// Which one it is, from 1.
    pub number: u64,
}

/// Which calls are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Among {
    /// All of the run.
    Run,
    /// Those that are part of a save: after a `save-begin` up to and including the `durable` or
    /// `save-end`, and all that is done by threads and processes that the store started to write.
    Saves,
}

/// What happens at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// Its process is killed instead.
    KillBefore,
    /// Its process is killed when the call is done, before it sees the result.
    KillAfter,
    /// The call is not made, and fails with this error number. A marker is not affected.
    Fail(i32),
}

/// Why words name no call or no fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoFault {
    /// The place is not understood.
    #[error("write the number of the call from 1, such as 12, or save:12 among those of its saves")]
    Place,
    /// The error is not understood.
    #[error("write =ERROR after the call, by its name or number, such as save:12=ENOSPC")]
    Error,
}

impl FromStr for At {
    type Err = NoFault;

    /// `12` or `save:12`.
    fn from_str(text: &str) -> Result<Self, NoFault> {
        let (among, number) = match text.split_once(':') {
            None => (Among::Run, text),
            Some(("save", number)) => (Among::Saves, number),
            Some(_) => return Err(NoFault::Place),
        };
        let number = number.parse().ok().filter(|&number| number > 0).ok_or(NoFault::Place)?;
        Ok(Self { among, number })
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.among {
            Among::Run => write!(f, "{}", self.number),
            Among::Saves => write!(f, "save:{}", self.number),
        }
    }
}

impl Fault {
    /// A call that fails, from `12=EIO`, `save:12=EIO` or `12=5`.
    ///
    /// # Errors
    /// [`NoFault`] if it is none of these.
    pub fn failing(text: &str) -> Result<Self, NoFault> {
        let (at, error) = text.split_once('=').ok_or(NoFault::Error)?;
        let number = error_number(error).or_else(|| error.parse().ok());
        let number = number.filter(|number| (1..=4095).contains(number)).ok_or(NoFault::Error)?;
        Ok(Self { at: at.parse()?, harm: Harm::Fail(number) })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.harm {
            Harm::KillBefore => write!(f, "kill-before={}", self.at),
            Harm::KillAfter => write!(f, "kill-after={}", self.at),
            Harm::Fail(error) => write!(f, "fail={}={}", self.at, error_name(error.into())),
        }
    }
}

/// Counts calls until the one that the fault is for.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) wanted: Option<Fault>,
    /// Calls so far.
    run: u64,
    /// Those of saves.
    pub(super) saves: u64,
    /// The number of the call that was hit.
    pub(super) hit: Option<u64>,
}

impl Faults {
    pub(super) fn new(wanted: Option<Fault>) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// Counts a call; gives what shall happen to it.
    pub(super) fn next(&mut self, number: u64, in_save: bool) -> Option<Harm> {
        self.run += 1;
        self.saves += u64::from(in_save);
        let fault = self.wanted.filter(|_| self.hit.is_none())?;
        let is_it = match fault.at.among {
            Among::Run => self.run == fault.at.number,
            Among::Saves => in_save && self.saves == fault.at.number,
        };
        if !is_it {
            return None;
        }
        self.hit = Some(number);
        Some(fault.harm)
    }

    /// So many calls of the kind that the fault is counted in there were.
    pub(super) const fn counted(&self, among: Among) -> u64 {
        match among {
            Among::Run => self.run,
            Among::Saves => self.saves,
        }
    }
}

impl Engine<'_> {
    /// Its process is killed instead of the call.
    pub(super) fn kill_before(
        &mut self,
        tid: Tid,
        row: Option<&'static Row>,
        arguments: &[u64; 6],
        mut call: Call,
    ) -> Result<(), Error> {
        let capture = Capture { tid, arguments, limit: self.knobs.payload_limit };
        call.data = row.map_or_else(Vec::new, |row| capture.entry(row));
        if let Some(task) = self.tasks.get_mut(&tid) {
            task.pending = Some(Pending::new(row, call, *arguments, 0));
            // It is stopped before the kernel acts, which does not any more.
            ptrace::kill(task.pid);
        }
        Ok(())
    }

    /// The call fails without being made.
    pub(super) fn fail(
        &mut self,
        tid: Tid,
        arguments: &[u64; 6],
        mut call: Call,
        error: i32,
    ) -> Result<(), Error> {
        call.flags |= call_flags::FAULT;
        self.give(tid, arguments, call, Given { result: -i64::from(error), data: Vec::new() })
    }

    /// Kills who should not see the end of its call.
    pub(super) fn kill_doomed(&self, tid: Tid) {
        if let Some(task) = self.tasks.get(&tid).filter(|task| task.doomed) {
            ptrace::kill(task.pid);
        }
    }
}
