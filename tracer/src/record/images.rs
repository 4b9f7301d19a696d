//! Markers for programs that make none: a file that is written and closed is a checkpoint.

use std::collections::HashMap;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use samestate_schema::marker::{self, Kind, Marker};

use super::engine::Engine;
use super::entry::low;
use super::proc::folder_path;
use super::{Announce, Progress, Seen};
use crate::Error;
use crate::sys::Tid;
use crate::table;
use crate::trace::{Call, Data, Event, ObjectKind, Payload, call_flags};

/// What a program does with files that may be images.
#[derive(Debug, Default)]
pub(super) struct Files {
    wanted: Announce,
    /// By object: its path, and whether it was read and written.
    touched: HashMap<u32, (PathBuf, bool, bool)>,
    restored: bool,
}

impl Files {
    pub(super) fn new(wanted: Announce) -> Self {
        Self { wanted, touched: HashMap::new(), restored: false }
    }

    /// Whether anything is looked for.
    pub(super) fn is_watching(&self) -> bool {
        self.wanted.is_any()
    }
}

impl Engine<'_> {
    /// Looks whether a call that was just written down makes or reads an image.
    pub(super) fn look_for_image(&mut self, call: &Call) -> Result<(), Error> {
        if !self.files.wanted.is_any() || call.result.is_none_or(|result| result < 0) {
            return Ok(());
        }
        let Some(row) = table::row(call.number) else { return Ok(()) };
        let written = match row.name {
            "write" | "writev" | "pwrite64" | "pwritev" | "pwritev2" | "ftruncate" => true,
            "read" | "readv" | "pread64" | "preadv" | "preadv2" => false,
            "rename" | "renameat" | "renameat2" => return self.renamed(call, row.name),
            "close" => return self.closed(call),
            _ => return Ok(()),
        };
        let Some(object) = call.object(0) else { return Ok(()) };
        if let Some(touched) = self.files.touched.get_mut(&object) {
            touched.1 |= !written;
            touched.2 |= written;
            return Ok(());
        }
        let Some(task) = self.tasks.values().find(|task| task.told.id == call.task) else {
            return Ok(());
        };
        let table = task.descriptors.borrow();
        let known = table.get(low(call.argument(0))).filter(|known| known.kind == ObjectKind::File);
        let Some(known) = known else { return Ok(()) };
        let path = PathBuf::from(std::ffi::OsStr::from_bytes(&known.path));
        if self.files.wanted.names(&path) {
            self.files.touched.insert(object, (path, !written, written));
        }
        Ok(())
    }

    fn closed(&mut self, call: &Call) -> Result<(), Error> {
        let Some(object) = call.object(0) else { return Ok(()) };
        let Some((path, read, written)) = self.files.touched.remove(&object) else { return Ok(()) };
        if written && self.files.wanted.is_saved(&path) {
            self.announce(call.task, Kind::Saved, &path)?;
            self.announce(call.task, Kind::Durable, &path)?;
        } else if read && !written && !self.files.restored && self.files.wanted.is_restored(&path) {
            self.files.restored = true;
            self.announce(call.task, Kind::Restored, &path)?;
        }
        Ok(())
    }

    fn renamed(&mut self, call: &Call, name: &str) -> Result<(), Error> {
        let to = if name == "rename" { 1 } else { 3 };
        let Some(payload) = call.payload(to, false) else { return Ok(()) };
        let Some(tid) = self.tid(call.task) else { return Ok(()) };
        let path = folder_path(tid).join(std::ffi::OsStr::from_bytes(&payload.bytes));
        if self.files.wanted.is_saved(&path) {
            self.announce(call.task, Kind::Saved, &path)?;
            self.announce(call.task, Kind::Durable, &path)?;
        }
        Ok(())
    }

    fn tid(&self, task: u32) -> Option<Tid> {
        self.tasks.iter().find(|(_, known)| known.told.id == task).map(|(tid, _)| *tid)
    }

    /// Does as if the program had announced it.
    fn announce(&mut self, task: u32, kind: Kind, path: &Path) -> Result<(), Error> {
        let Some(tid) = self.tid(task) else { return Ok(()) };
        let name = path.to_owned().into_os_string().into_vec();
        let mut told = Marker::new(kind);
        told.path = &name;
        // An image that cannot be read is one that cannot be copied, which is told then.
        let content = std::fs::read(path).unwrap_or_default();
        told.image_id = xxhash_rust::xxh3::xxh3_128(&content).to_le_bytes();
        let directory = folder_path(tid);
        self.watch.progress(Progress::Marker { kind, step: told.step });
        self.watch.marker(&Seen { marker: told.clone(), directory })?;
        self.changes_from_here(kind)?;
        if matches!(kind, Kind::Saved | Kind::Restored) {
            self.snapshot(tid)?;
        }
        let bytes = told.encode();
        let fd = i64::from(marker::FD).cast_unsigned();
        let call = Call {
            task,
            number: table::number("write").unwrap_or(1),
            flags: call_flags::MARKER | call_flags::GIVEN,
            instruction: 0,
            arguments: vec![fd, 0, bytes.len() as u64],
            result: Some(marker::TRACED),
            objects: Vec::new(),
            made: Vec::new(),
            data: vec![Data { argument: 1, out: false, payload: Payload::whole(bytes) }],
        };
        self.stacks.count(&call);
        self.write(&Event::Call(call))?;
        if kind == Kind::Restored {
            self.join(tid)?;
        }
        Ok(())
    }
}
