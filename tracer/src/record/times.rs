//! Giving a run the times of files as an earlier run was told them.
//!
//! The clocks of a mirrored run are those of the earlier one, but the files that it makes get the
//! times, the inodes and the blocks of today. A program may look at both, or write them down (the
//! index of a git repository holds them), so they are replaced in what the program is told.

use std::collections::{HashMap, VecDeque};
use std::hash::Hasher;

use xxhash_rust::xxh3::Xxh3Default;

use crate::layout::{Told, told};
use crate::table::{self, Kind, Layout};
use crate::trace::Call;

/// What an earlier run was told of files, in order, by thread (its lineage) and by what was asked.
#[derive(Debug, Default)]
pub(crate) struct Times {
    queues: HashMap<String, HashMap<u64, VecDeque<Told>>>,
    /// When the earlier run was started, in nanoseconds since 1970.
    started: i64,
    /// What the program was told of an inode of today, by device and number.
    inodes: HashMap<(u64, u64), u64>,
    /// What it was told of files before its marker, when it was told the truth.
    before: HashMap<(u64, u64), Told>,
}

impl Times {
    pub(crate) fn new(started: i64) -> Self {
        Self { started, ..Self::default() }
    }

    /// The earlier run made this call.
    pub(crate) fn learn(&mut self, lineage: &str, call: &Call, path: impl Fn(u32) -> Option<u64>) {
        let Some((source, index, layout)) = source(call, path) else { return };
        let Some(payload) = call.payload(index.into(), true) else { return };
        let Some(told) = told(layout, &payload.bytes) else { return };
        let queues = self.queues.entry(lineage.to_owned()).or_default();
        queues.entry(source).or_default().push_back(told);
    }

    /// This run was told the truth about a file, and will go by it.
    pub(crate) fn keep(&mut self, layout: Layout, bytes: &[u8]) {
        if let Some(now) = told(layout, bytes) {
            self.before.insert((now.device, now.inode), now);
        }
    }

    /// Replaces in a structure what is not the program's doing; whether anything was. `started`
    /// is when this run was started.
    pub(crate) fn give(
        &mut self,
        lineage: &str,
        source: u64,
        layout: Layout,
        started: i64,
        bytes: &mut [u8],
    ) -> bool {
        let Some(now) = told(layout, bytes) else { return false };
        let queue = self.queues.get_mut(lineage).and_then(|queues| queues.get_mut(&source));
        let then = queue.and_then(VecDeque::pop_front).filter(|then| then.kind() == now.kind());
        let before = self.before.get(&(now.device, now.inode)).copied();
        // It is the file that it was told of, and nobody has changed it since.
        let state = |told: &Told| (told.size, told.modified, told.changed);
        if before.is_some_and(|before| state(&before) == state(&now)) {
            return false;
        }
        let mut given = now;
        match then {
            Some(then) => {
                self.inodes.insert((now.device, now.inode), then.inode);
                (given.inode, given.changed, given.accessed) =
                    (then.inode, then.changed, then.accessed);
                if then.size == now.size {
                    given.blocks = then.blocks;
                }
                // Only if it is the run's own doing in both: a file that was changed in between by
                // somebody else is another file.
                if now.modified >= started && then.modified >= self.started {
                    given.modified = then.modified;
                }
            }
            // It may be compared with what the program was told before.
            None => {
                let known = self.inodes.get(&(now.device, now.inode));
                given.inode = known.copied().unwrap_or(now.inode);
            }
        }
        // SQLite takes a file that has another number than the one that it has open for another one,
        // and does not write to it any more.
        if before.is_some() {
            given.inode = now.inode;
        }
        given != now && given.put(layout, bytes)
    }
}

/// What identifies a question about a file, the argument that receives the answer, and how it is
/// laid out; `None` for any other call.
pub(crate) fn source(call: &Call, path: impl Fn(u32) -> Option<u64>) -> Option<(u64, u8, Layout)> {
    let row = table::row(call.number)?;
    let (index, layout) =
        row.arguments.iter().zip(0_u8..).find_map(|(argument, index)| match argument.kind {
            Kind::OutStruct(_, layout @ (Layout::Stat | Layout::Statx)) => Some((index, layout)),
            _ => None,
        })?;
    let mut hasher = Xxh3Default::new();
    hasher.write_u64(call.number);
    hasher.write_u64(call.object(0).and_then(path).unwrap_or(0));
    for data in call.data.iter().filter(|data| !data.out) {
        hasher.write(&data.payload.bytes);
    }
    Some((hasher.finish(), index, layout))
}
