//! What the tracer knows of each thread.

use std::cell::RefCell;
use std::rc::Rc;

use samestate_schema::marker::Kind;

use super::deliver::Delivery;
use super::descriptors::Table;
use super::features::Own;
use super::landing::Landing;
use super::outside::Answer;
use crate::sys::Tid;
use crate::sys::arch::{Entry, Registers};
use crate::table::Row;
use crate::trace::{Call, Task as Told};

/// A thread that is traced.
pub(super) struct Task {
    /// What the trace says of it.
    pub(super) told: Told,
    /// The kernel's number of its process.
    pub(super) pid: Tid,
    /// How many children it has had; the next one's lineage comes from it.
    pub(super) children: u32,
    /// Its descriptors, shared with whom it shares them.
    pub(super) descriptors: Rc<RefCell<Table>>,
    /// The call it is in.
    pub(super) pending: Option<Pending>,
    /// Whether it said itself on which processors it wants to run.
    pub(super) placed: bool,
    /// How far a save by this thread is.
    pub(super) saving: Saving,
    /// It is killed when the call that it is in is done.
    pub(super) doomed: bool,
    /// How many children it has had that belong to a store.
    pub(super) of_store: u32,
    /// Names its memory: tasks with the same share it.
    pub(super) memory: Tid,
    /// Where the kernel tells that it has ended; 0 for nowhere.
    pub(super) clear: u64,
    /// Calls that return the same until the thread does something about it.
    pub(super) steady: Vec<Steady>,
    /// It stops at the border of every call, because it has a filter of its own.
    pub(super) every: bool,
    /// The call at whose border it is, which our filter has not seen yet.
    pub(super) entered: Option<Entry>,
    /// Calls of ours that it has to make before its own, the next one last.
    pub(super) own: Vec<Own>,
    /// It makes a call of ours; its registers at the entry of its own.
    pub(super) interposed: Option<(Registers, Own)>,
    /// There is a page of ours in its memory that calls may return to.
    pub(super) lands: bool,
    /// A part of that page is shared with us.
    pub(super) shares: bool,
    /// A descriptor that it has opened for us.
    pub(super) own_fd: i64,
    /// The call that has returned there, or is about to.
    pub(super) landing: Option<Landing>,
    /// The address after its last call's instruction.
    pub(super) instruction: u64,
    /// Its last call found nobody any more at the other end, which is outside.
    pub(super) broke: bool,
    /// The signal that it gets from us next: who sent it in the earlier run, and what came with it.
    pub(super) sent: Option<Delivery>,
    /// It wants to be killed if it does more than to read, to write and to leave.
    pub(super) strict: bool,
}

/// How far a save is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Saving {
    /// None goes on here.
    No,
    /// From `save-begin` on, the program's own code says what its state is.
    State,
    /// From `saved` on, only the store is at work. What it starts there belongs to it.
    Store,
}

impl Task {
    pub(super) fn new(told: Told, pid: Tid, descriptors: Rc<RefCell<Table>>) -> Self {
        Self {
            told,
            pid,
            children: 0,
            descriptors,
            pending: None,
            placed: false,
            saving: Saving::No,
            doomed: false,
            of_store: 0,
            memory: pid,
            clear: 0,
            steady: Vec::new(),
            every: false,
            entered: None,
            own: Vec::new(),
            interposed: None,
            lands: false,
            shares: false,
            own_fd: -1,
            landing: None,
            instruction: 0,
            broke: false,
            sent: None,
            strict: false,
        }
    }

    /// Whether what it does now is part of a save.
    pub(super) fn is_saving(&self) -> bool {
        self.saving != Saving::No || self.told.is_of_store()
    }

    /// It announces something.
    pub(super) fn announces(&mut self, kind: Kind) {
        match kind {
            Kind::SaveBegin => self.saving = Saving::State,
            Kind::Saved if self.saving == Saving::State => self.saving = Saving::Store,
            Kind::Durable | Kind::SaveEnd => self.saving = Saving::No,
            Kind::Saved | Kind::Restored | Kind::Step => {}
        }
    }

    /// The lineage of the child that it has just made.
    pub(super) fn bears(&mut self) -> String {
        if self.saving == Saving::Store {
            self.of_store += 1;
            format!("{}.s{}", self.told.lineage, self.of_store)
        } else {
            self.children += 1;
            format!("{}.{}", self.told.lineage, self.children)
        }
    }
}

/// What a call returned, and will return again.
#[derive(Clone, Copy)]
pub(super) struct Steady {
    pub(super) number: u64,
    /// What the kernel returns.
    pub(super) real: i64,
    /// What the program sees.
    pub(super) seen: i64,
}

/// A call between its entry and its exit.
pub(super) struct Pending {
    pub(super) row: Option<&'static Row>,
    pub(super) call: Call,
    /// Arguments that were changed on the way into the kernel, by index.
    pub(super) changed: Vec<usize>,
    /// The arguments as the program gave them.
    pub(super) arguments: [u64; 6],
    /// It may wait in the kernel for what somebody else does.
    pub(super) careful: bool,
    /// What the program shall get instead of what the kernel returns.
    pub(super) given: Option<i64>,
    /// What comes in at the end of it, in a mirrored run.
    pub(super) answer: Option<Answer>,
    /// The ticks at its entry.
    pub(super) ticks: u64,
}

impl Task {
    /// Where the thread that this one is about to make is told to say that it has ended.
    pub(super) fn child_address(&self) -> u64 {
        let Some(pending) = &self.pending else { return 0 };
        match pending.row.map(|row| row.name) {
            Some("clone") => pending.arguments[3],
            Some("clone3") => pending
                .call
                .payload(0, false)
                .and_then(|arguments| arguments.bytes.get(16..)?.first_chunk())
                .map_or(0, |address| u64::from_le_bytes(*address)),
            _ => 0,
        }
    }
}

impl Pending {
    /// A call that begins now.
    pub(super) fn new(
        row: Option<&'static Row>,
        call: Call,
        arguments: [u64; 6],
        ticks: u64,
    ) -> Self {
        let (changed, careful, given, answer) = (Vec::new(), false, None, None);
        Self { row, call, changed, arguments, careful, given, answer, ticks }
    }

    /// The flags of a `clone`, `clone3`, `fork` or `vfork`.
    pub(super) fn clone_flags(&self) -> u64 {
        match self.row.map(|row| row.name) {
            Some("clone") => self.call.argument(0),
            Some("clone3") => self
                .call
                .payload(0, false)
                .and_then(|payload| payload.bytes.first_chunk())
                .map_or(0, |flags| u64::from_le_bytes(*flags)),
            Some("vfork") => (libc::CLONE_VM | libc::CLONE_VFORK).cast_unsigned().into(),
            _ => 0,
        }
    }
}
