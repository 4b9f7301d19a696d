//! What the tracer knows of each thread.

use std::cell::RefCell;
use std::rc::Rc;

use super::descriptors::Table;
use crate::sys::Tid;
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
    /// Between `save-begin` and `durable`.
    pub(super) saving: bool,
}

/// A call between its entry and its exit.
pub(super) struct Pending {
    pub(super) row: Option<&'static Row>,
    pub(super) call: Call,
    /// Arguments that were changed on the way into the kernel: index, and the program's value.
    pub(super) changed: Vec<(usize, u64)>,
}

impl Pending {
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
