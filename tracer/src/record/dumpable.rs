//! Programs that do not let their memory be read.
//!
//! The kernel refuses it to us as well then, unless we have the rights of root: nothing that they hand
//! over or receive could be seen or given.

use super::engine::Engine;
use super::entry::low;
use super::proc::effective_user;
use crate::Error;
use crate::sys::Tid;
use crate::table::Row;

impl Engine<'_> {
    /// A program that forbids others to read its memory is told that this is done, and it is not.
    pub(super) fn stays_readable(
        &mut self,
        tid: Tid,
        row: &Row,
        arguments: &[u64; 6],
    ) -> Result<Option<i64>, Error> {
        if row.name != "prctl" || may_read_all() {
            return Ok(None);
        }
        let Some(memory) = self.tasks.get(&tid).map(|task| task.memory) else { return Ok(None) };
        match (low(arguments[0]), arguments[1]) {
            (libc::PR_SET_DUMPABLE, 0) => {
                self.unreadable.insert(memory);
                self.remark(
                    tid,
                    "the program forbids that its memory is read (PR_SET_DUMPABLE), and was told \
                     that it is so; it is not while it is recorded",
                )?;
                Ok(Some(0))
            }
            (libc::PR_SET_DUMPABLE, 1) => {
                self.unreadable.remove(&memory);
                Ok(None)
            }
            (libc::PR_GET_DUMPABLE, _) if self.unreadable.contains(&memory) => Ok(Some(0)),
            _ => Ok(None),
        }
    }

    /// A new program has memory of its own. What may not be read of its file may not be read there.
    pub(super) fn look_at_memory(&mut self, tid: Tid) -> Result<(), Error> {
        self.unreadable.remove(&tid);
        match std::fs::File::open(format!("/proc/{tid}/auxv")) {
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => self.untraced(
                tid,
                "what a program hands over and receives: its memory may not be read, as its file \
                 may not; run as a user who may read it"
                    .to_owned(),
            ),
            _ => Ok(()),
        }
    }
}

fn may_read_all() -> bool {
    effective_user(std::process::id().cast_signed()) == Some(0)
}
