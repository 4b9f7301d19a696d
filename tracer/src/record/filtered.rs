//! Programs with a seccomp filter of their own.
//!
//! The kernel asks all filters and does what the strictest answer says, so ours, which only wants
//! to see the call, is not heard where another one refuses it. A thread with such a filter is
//! stopped at the border of every call besides: what the program's filter lets pass comes to ours
//! and is an ordinary call, and what it answers itself goes from one border to the other.

use super::capture::Capture;
use super::engine::{Engine, alive, gone};
use super::entry::low;
use super::fault::Harm;
use super::turns::has_pending;
use crate::Error;
use crate::sys::arch::Entry;
use crate::sys::{Tid, ptrace};
use crate::table::{self, Row};
use crate::trace::{Call, call_flags};

/// What a call asks of the kernel about filters.
enum Asked {
    /// To ask this one from now on; of all threads of the process, if `together`.
    Filter { together: bool },
    /// To allow next to nothing from now on.
    Strict,
    /// Whether there is one.
    Mode,
}

/// `SECCOMP_FILTER_FLAG_TSYNC`.
const TOGETHER: u64 = 1;

impl Asked {
    fn of(row: &Row, arguments: &[u64; 6]) -> Option<Self> {
        match (row.name, arguments) {
            ("prctl", [22, 2, ..]) => Some(Self::Filter { together: false }),
            ("prctl", [22, 1, ..]) | ("seccomp", [0, 0, 0, ..]) => Some(Self::Strict),
            ("prctl", [21, ..]) => Some(Self::Mode),
            ("seccomp", [1, flags, ..]) => Some(Self::Filter { together: flags & TOGETHER != 0 }),
            _ => None,
        }
    }
}

impl Engine<'_> {
    /// A call is about to change or to tell what filters there are: its result, if the kernel
    /// shall not get to see it.
    pub(super) fn about_filters(
        &mut self,
        tid: Tid,
        row: &Row,
        arguments: &[u64; 6],
    ) -> Result<Option<i64>, Error> {
        let Some(asked) = Asked::of(row, arguments) else { return Ok(None) };
        let is_attached = self.is_attached();
        let Some(task) = self.tasks.get_mut(&tid) else { return Ok(None) };
        match asked {
            Asked::Filter { together } => {
                // If the kernel refuses it, more stops than needed do no harm.
                task.every = true;
                let pid = task.pid;
                if together && !is_attached {
                    self.filter_siblings(tid, pid)?;
                }
                Ok(None)
            }
            // Our filter is one, too, unless we came later.
            _ if is_attached || task.every => Ok(None),
            // With any filter there the kernel would refuse, so we see to it ourselves.
            Asked::Strict => {
                task.strict = true;
                Ok(Some(0))
            }
            Asked::Mode => Ok(Some(0)),
        }
    }

    /// The other threads of a process get a filter as well.
    fn filter_siblings(&mut self, tid: Tid, pid: Tid) -> Result<(), Error> {
        let mut running = false;
        for (other, task) in &mut self.tasks {
            if *other != tid && task.pid == pid {
                task.every = true;
                running = true;
            }
        }
        if running && !self.turns.are_on() {
            // They have been let run to their next call that our filter sees.
            self.untraced(
                tid,
                "calls that a program's own filter refuses to its other threads just when it is \
                 installed"
                    .to_owned(),
            )?;
        }
        Ok(())
    }

    /// Whether a thread that allowed itself next to nothing makes another call.
    pub(super) fn is_forbidden(&self, tid: Tid, entry: &Entry) -> bool {
        let strict = self.tasks.get(&tid).is_some_and(|task| task.strict);
        let allowed = [libc::SYS_read, libc::SYS_write, libc::SYS_exit, libc::SYS_rt_sigreturn];
        strict && (entry.foreign || allowed.iter().all(|n| n.cast_unsigned() != entry.number))
    }

    /// A thread is at the border of a call.
    pub(super) fn border(&mut self, tid: Tid) -> Result<(), Error> {
        if !self.stops_at_all(tid) {
            return self.exit(tid);
        }
        let Some(entry) = alive(ptrace::entry_if_any(tid), "read the call", tid)? else {
            return Ok(());
        };
        let is_attached = self.is_attached();
        let Some(task) = self.tasks.get_mut(&tid) else { return Ok(()) };
        match (entry, task.entered.take()) {
            (Some(entry), _) if is_attached => self.enter(tid, entry),
            (Some(entry), _) => {
                task.entered = Some(entry);
                if self.turns.are_on() && !self.turns.is_holder(tid) {
                    self.turns.ready(tid, 0);
                    return Ok(());
                }
                self.run_on(tid, 0)
            }
            (None, Some(entry)) => self.refused(tid, entry),
            (None, None) => self.exit(tid),
        }
    }

    /// The program's filter has answered a call: it never came to ours.
    fn refused(&mut self, tid: Tid, entry: Entry) -> Result<(), Error> {
        let Some(result) = alive(ptrace::result(tid), "read the result", tid)? else {
            return Ok(());
        };
        let row = if entry.foreign { None } else { table::row(entry.number) };
        let arguments = entry.arguments;
        let Some(mut call) = self.begun(tid, row, &entry) else { return Ok(()) };
        call.flags |= call_flags::FILTERED;
        let Some(task) = self.tasks.get(&tid) else { return Ok(()) };
        let (pid, in_save) = (task.pid, task.is_saving());
        let harm = self.faults.next(entry.number, in_save);
        // A filter that answers with a signal leaves the number where the result should be.
        let is_trap = result.cast_unsigned() == entry.number && has_pending(pid, tid, libc::SIGSYS);
        let mut result = (!is_trap).then_some(result);
        if let Some(Harm::Fail(error)) = harm {
            call.flags |= call_flags::FAULT;
            result = Some(-i64::from(error));
            gone(ptrace::set_result(tid, -i64::from(error)), "set the result", tid)?;
        }
        if let Some(row) = row {
            self.hands_over(tid, row, &arguments, &mut call)?;
            if let Some(result) = result.filter(|result| *result >= 0) {
                // Somebody else may have done it, or allowed the kernel to.
                if row.name == "close"
                    && let Some(task) = self.tasks.get(&tid)
                {
                    task.descriptors.borrow_mut().remove(low(arguments[0]));
                }
                self.after(tid, row, &arguments, result, &mut call)?;
                let limit = self.knobs.payload_limit;
                Capture { tid, arguments: &arguments, limit }.exit(row, result, &mut call.data);
            }
        } else {
            self.is_strange(tid, &mut call, entry.foreign)?;
        }
        call.result = result;
        self.call(call)?;
        if matches!(harm, Some(Harm::KillBefore | Harm::KillAfter)) {
            ptrace::kill(pid);
        }
        self.resume(tid, 0)
    }

    /// A thread ends in a call that the program's filter does not survive.
    pub(super) fn ended_at_border(&mut self, tid: Tid, entry: Entry) -> Result<(), Error> {
        let row = if entry.foreign { None } else { table::row(entry.number) };
        let Some(mut call) = self.begun(tid, row, &entry) else { return Ok(()) };
        call.flags |= call_flags::FILTERED;
        self.call(call)
    }

    /// A call as far as its registers tell.
    pub(super) fn begun(&self, tid: Tid, row: Option<&Row>, entry: &Entry) -> Option<Call> {
        let task = self.tasks.get(&tid)?;
        Some(Call {
            task: task.told.id,
            number: entry.number,
            flags: 0,
            instruction: entry.instruction,
            arguments: entry.arguments[..row.map_or(6, |row| row.arguments.len())].to_vec(),
            result: None,
            objects: Vec::new(),
            made: Vec::new(),
            data: Vec::new(),
        })
    }
}
