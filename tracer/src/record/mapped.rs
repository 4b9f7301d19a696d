//! Files that are changed through memory.
//!
//! What a program writes to a mapping goes to the file without any call. So what stands there is
//! looked at when the mapping ends: by then it says what all writing has come to. That tells what
//! there is to tell only while nobody else runs meanwhile.

use std::ops::Range;

use super::capture::Capture;
use super::engine::Engine;
use super::entry::MAPPED;
use crate::Error;
use crate::sys::Tid;
use crate::table::Row;
use crate::trace::{Call, Data};

/// A larger mapping is not looked at.
const LARGEST: u64 = 256 << 20;

/// Addresses at which a file is mapped so that what is written there goes to the file.
#[derive(Clone, Debug)]
pub(super) struct Mapped {
    range: Range<u64>,
    /// Whether the program may write there, or might have.
    writable: bool,
}

const WRITE: u64 = libc::PROT_WRITE.cast_unsigned() as u64;
const ANONYMOUS: u64 = libc::MAP_ANONYMOUS.cast_unsigned() as u64;

impl Engine<'_> {
    /// A call has changed what is mapped where.
    pub(super) fn remapped(
        &mut self,
        tid: Tid,
        row: &Row,
        arguments: &[u64; 6],
        result: i64,
    ) -> Result<(), Error> {
        let Some(task) = self.tasks.get(&tid) else { return Ok(()) };
        let mut descriptors = task.descriptors.borrow_mut();
        let shared = &mut descriptors.shared;
        let start = if row.name == "mmap" { result.cast_unsigned() } else { arguments[0] };
        let place = start..start.saturating_add(arguments[1]);
        let overlaps = |mapped: &Mapped| overlap(&mapped.range, &place).is_some();
        let mut writable = false;
        match row.name {
            "mmap" => {
                // Whatever was there is gone.
                shared.retain(|mapped| !overlaps(mapped));
                let (protection, flags) = (arguments[2], arguments[3]);
                if matches!(flags & 0xf, 1 | 3) && flags & ANONYMOUS == 0 {
                    writable = protection & WRITE != 0;
                    shared.push(Mapped { range: place, writable });
                }
            }
            "mprotect" if arguments[2] & WRITE != 0 => {
                for mapped in shared.iter_mut().filter(|mapped| overlaps(mapped)) {
                    mapped.writable = true;
                    writable = true;
                }
            }
            "munmap" => shared
                .retain(|mapped| mapped.range.start < place.start || mapped.range.end > place.end),
            "mremap" => {
                let moved = shared.iter().filter(|mapped| overlaps(mapped));
                let moved = moved.map(|mapped| mapped.writable).max();
                if let Some(writable) = moved {
                    shared.retain(|mapped| !overlaps(mapped));
                    let start = result.cast_unsigned();
                    let range = start..start.saturating_add(arguments[2]);
                    shared.push(Mapped { range, writable });
                }
            }
            _ => {}
        }
        drop(descriptors);
        if writable && !self.turns.are_on() {
            self.shared_writing(tid)?;
        }
        Ok(())
    }

    /// A call is about to end mappings: what stands there now is what was written.
    pub(super) fn unmaps(&mut self, tid: Tid, row: &Row, call: &mut Call) -> Result<(), Error> {
        let Some(task) = self.tasks.get(&tid).filter(|_| self.turns.are_on()) else {
            return Ok(());
        };
        let place = match row.name {
            "munmap" | "mremap" => {
                let start = call.argument(0);
                start..start.saturating_add(call.argument(1))
            }
            "rt_sigreturn" => return Ok(()),
            _ => 0..u64::MAX,
        };
        let ends: Vec<_> = {
            let descriptors = task.descriptors.borrow();
            let written = descriptors.shared.iter().filter(|mapped| mapped.writable);
            written.filter_map(|mapped| overlap(&mapped.range, &place)).collect()
        };
        for range in ends {
            let length = range.end - range.start;
            if length > LARGEST {
                self.shared_writing(tid)?;
                continue;
            }
            let capture = Capture { tid, arguments: &[0; 6], limit: self.knobs.payload_limit };
            let payload = capture.buffers(&[(range.start, length)]);
            call.data.push(Data { argument: MAPPED, out: true, payload });
        }
        Ok(())
    }

    /// A process was killed: nobody has looked at what it has written.
    pub(super) fn killed_while_mapped(&mut self, tid: Tid, shared: &[Mapped]) -> Result<(), Error> {
        if shared.iter().any(|mapped| mapped.writable) { self.shared_writing(tid) } else { Ok(()) }
    }

    fn shared_writing(&mut self, tid: Tid) -> Result<(), Error> {
        self.untraced(tid, "what is written to files through shared memory".to_owned())
    }
}

fn overlap(one: &Range<u64>, other: &Range<u64>) -> Option<Range<u64>> {
    let range = one.start.max(other.start)..one.end.min(other.end);
    (!range.is_empty()).then_some(range)
}
