//! Markers for programs that make none: a file that is written and closed is a checkpoint.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use samestate_schema::marker::{self, Kind, Marker};

use super::changes::below;
use super::engine::Engine;
use super::entry::low;
use super::proc::folder_path;
use super::{Announce, Progress, Seen};
use crate::Error;
use crate::sys::Tid;
use crate::table::{self, Row};
use crate::trace::{Call, Data, Event, ObjectKind, Payload, call_flags};

/// What a program does with files that may be images.
#[derive(Debug, Default)]
pub(super) struct Files {
    wanted: Announce,
    /// By what its descriptors have in common.
    touched: BTreeMap<u32, Touched>,
    restored: bool,
}

/// A file that may be an image, and what was done with it since it was opened.
#[derive(Debug, Default)]
struct Touched {
    path: PathBuf,
    read: bool,
    written: bool,
    /// The processes that did it.
    by: BTreeSet<u32>,
}

impl Files {
    pub(super) fn new(wanted: Announce) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// Whether anything is looked for.
    pub(super) fn is_watching(&self) -> bool {
        self.wanted.is_any()
    }
}

/// The arguments of a call that name files, and whether it writes to them.
fn named(name: &str) -> &'static [(u8, bool)] {
    match name {
        "write" | "writev" | "pwrite64" | "pwritev" | "pwritev2" | "ftruncate" | "fallocate" => {
            &[(0, true)]
        }
        "read" | "readv" | "pread64" | "preadv" | "preadv2" => &[(0, false)],
        "sendfile" => &[(0, true), (1, false)],
        "copy_file_range" | "splice" => &[(0, false), (2, true)],
        // What is written there is not written yet.
        "mmap" => &[(4, false)],
        _ => &[],
    }
}

impl Engine<'_> {
    /// Looks whether a call that was just written down makes or reads an image.
    pub(super) fn look_for_image(&mut self, call: &Call) -> Result<(), Error> {
        if !self.files.wanted.is_any() || call.result.is_none_or(|result| result < 0) {
            return Ok(());
        }
        let Some(row) = table::row(call.number) else { return Ok(()) };
        match row.name {
            "rename" | "renameat" | "renameat2" => return self.renamed(call, row.name),
            // What a program closes, and what is closed for it.
            "close" | "close_range" | "dup2" | "dup3" | "execve" | "execveat" => {
                return self.closed(call.task);
            }
            _ => {}
        }
        for &(argument, written) in named(row.name) {
            self.touches(call, argument, written);
        }
        Ok(())
    }

    fn touches(&mut self, call: &Call, argument: u8, written: bool) {
        let task = self.tasks.values().find(|task| task.told.id == call.task);
        let Some(task) = task.filter(|_| call.object(argument.into()).is_some()) else { return };
        let table = task.descriptors.borrow();
        let known = table.get(low(call.argument(argument.into())));
        let Some(known) = known.filter(|known| known.kind == ObjectKind::File) else { return };
        let path = std::ffi::OsStr::from_bytes(&known.path);
        if !self.files.wanted.names(Path::new(path)) {
            return;
        }
        let touched = self.files.touched.entry(known.description).or_default();
        touched.path = path.into();
        touched.read |= !written;
        touched.written |= written;
        touched.by.insert(task.told.process);
    }

    /// Looks for files that a process has no descriptor of any more: whoever did something with
    /// one is done with it then, and otherwise the last one closes it.
    fn closed(&mut self, task: u32) -> Result<(), Error> {
        if self.files.touched.is_empty() {
            return Ok(());
        }
        let Some(own) = self.tasks.values().find(|known| known.told.id == task) else {
            return Ok(());
        };
        let process = own.told.process;
        let is_done = |description: u32, touched: &Touched| {
            !own.descriptors.borrow().leads_to(description)
                && (touched.by.contains(&process) || !self.have_others(process, description))
        };
        let files = self.files.touched.iter();
        let done = files.filter(|(description, touched)| is_done(**description, touched));
        let done: Vec<u32> = done.map(|(description, _)| *description).collect();
        done.into_iter().try_for_each(|description| self.done_with(task, description))
    }

    /// A thread is about to end, and if it is the last one of its process or ends them all, what
    /// the process has open is closed. Files are as they will be, and it still can be looked at.
    pub(super) fn leaves_images(&mut self, tid: Tid, row: &Row) -> Result<(), Error> {
        let Some(own) = self.tasks.get(&tid).filter(|_| !self.files.touched.is_empty()) else {
            return Ok(());
        };
        let (task, process) = (own.told.id, own.told.process);
        let is_last = match row.name {
            "exit_group" => true,
            "exit" => self.tasks.values().filter(|task| task.told.process == process).count() == 1,
            _ => false,
        };
        if !is_last {
            return Ok(());
        }
        let table = own.descriptors.borrow();
        let files = self.files.touched.keys().copied();
        let done: Vec<u32> = files
            .filter(|&file| table.leads_to(file) && !self.have_others(process, file))
            .collect();
        drop(table);
        done.into_iter().try_for_each(|description| self.done_with(task, description))
    }

    /// A process has ended. What it was killed in the middle of writing is no image.
    pub(super) fn forget_images(&mut self) {
        let mut touched = std::mem::take(&mut self.files.touched);
        touched.retain(|description, _| {
            self.tasks.values().any(|task| task.descriptors.borrow().leads_to(*description))
        });
        self.files.touched = touched;
    }

    /// Whether a process other than this one has a descriptor of the file.
    fn have_others(&self, process: u32, description: u32) -> bool {
        let mut others = self.tasks.values().filter(|task| task.told.process != process);
        others.any(|task| task.descriptors.borrow().leads_to(description))
    }

    fn done_with(&mut self, task: u32, description: u32) -> Result<(), Error> {
        let Some(touched) = self.files.touched.remove(&description) else { return Ok(()) };
        let Touched { path, read, written, .. } = touched;
        if written && self.files.wanted.is_saved(&path) {
            self.announce(task, Kind::Saved, &path, Some(description))?;
            self.announce(task, Kind::Durable, &path, None)?;
        } else if read && !written && !self.files.restored && self.files.wanted.is_restored(&path) {
            self.files.restored = true;
            self.announce(task, Kind::Restored, &path, Some(description))?;
        }
        Ok(())
    }

    fn renamed(&mut self, call: &Call, name: &str) -> Result<(), Error> {
        let to = if name == "rename" { 1 } else { 3 };
        let Some(payload) = call.payload(to, false) else { return Ok(()) };
        let Some(tid) = self.tid(call.task) else { return Ok(()) };
        let path = folder_path(tid).join(std::ffi::OsStr::from_bytes(&payload.bytes));
        if self.files.wanted.is_saved(&path) {
            self.announce(call.task, Kind::Saved, &path, None)?;
            self.announce(call.task, Kind::Durable, &path, None)?;
        }
        Ok(())
    }

    fn tid(&self, task: u32) -> Option<Tid> {
        self.tasks.iter().find(|(_, known)| known.told.id == task).map(|(tid, _)| *tid)
    }

    /// Does as if the program had announced it. What it has of `closed` is as good as gone.
    fn announce(
        &mut self,
        task: u32,
        kind: Kind,
        path: &Path,
        closed: Option<u32>,
    ) -> Result<(), Error> {
        let Some(tid) = self.tid(task) else { return Ok(()) };
        let name = path.to_owned().into_os_string().into_vec();
        let mut told = Marker::new(kind);
        told.path = &name;
        // An image that cannot be read is one that cannot be copied, which is told then.
        let root = self.root_of(tid);
        let content = std::fs::read(below(&root, path)).unwrap_or_default();
        told.image_id = xxhash_rust::xxh3::xxh3_128(&content).to_le_bytes();
        let directory = folder_path(tid);
        self.watch.progress(Progress::Marker { kind, step: told.step });
        self.watch.marker(&Seen { marker: told.clone(), directory, root })?;
        self.changes_from_here(kind)?;
        if matches!(kind, Kind::Saved | Kind::Restored) {
            self.snapshot_without(tid, closed)?;
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
