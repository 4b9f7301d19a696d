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
    /// What was restored, while what goes with it is set up.
    read: Option<Read>,
}

/// An image that was read.
#[derive(Debug)]
struct Read {
    task: u32,
    path: PathBuf,
    id: [u8; 16],
    description: u32,
    /// What is opened from then on has at least this number.
    opened_since: u32,
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

    /// Whether a descriptor was made while things are set up.
    pub(super) fn is_of_setup(&self, object: u32) -> bool {
        self.read.as_ref().is_some_and(|read| object >= read.opened_since)
    }

    /// The task that has read the image, while everything is still being set up.
    pub(super) fn sets_up(&self) -> Option<u32> {
        self.read.as_ref().map(|read| read.task)
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
            "rename" | "renameat" | "renameat2" | "link" | "linkat" => {
                return self.renamed(call, row.name);
            }
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
            let id = self.content_id(task, &path);
            self.announce(task, Kind::Saved, (&path, id), Some(description))?;
            self.announce(task, Kind::Durable, (&path, id), None)?;
        } else if read && !written && !self.files.restored && self.files.wanted.is_restored(&path) {
            self.files.restored = true;
            let id = self.content_id(task, &path);
            let opened_since = self.next_object;
            self.files.read = Some(Read { task, path, id, description, opened_since });
            // Where the user named a file, it is the last one to be read.
            let named = self.files.wanted.restored_on.is_some();
            match self.mirror.as_mut().filter(|mirror| !named && !mirror.is_active()) {
                Some(mirror) => mirror.before.near(),
                None => self.ready_at(task)?,
            }
        }
        Ok(())
    }

    /// The image was read and all is set up.
    pub(super) fn ready_at(&mut self, task: u32) -> Result<(), Error> {
        match self.files.read.take() {
            Some(Read { path, id, description, .. }) => {
                self.announce(task, Kind::Restored, (&path, id), Some(description))
            }
            None => Ok(()),
        }
    }

    fn renamed(&mut self, call: &Call, name: &str) -> Result<(), Error> {
        let to = if matches!(name, "rename" | "link") { 1 } else { 3 };
        let Some(payload) = call.payload(to, false) else { return Ok(()) };
        let Some(tid) = self.tid(call.task) else { return Ok(()) };
        let path = folder_path(tid).join(std::ffi::OsStr::from_bytes(&payload.bytes));
        if self.files.wanted.is_saved(&path) {
            let id = self.content_id(call.task, &path);
            self.announce(call.task, Kind::Saved, (&path, id), None)?;
            self.announce(call.task, Kind::Durable, (&path, id), None)?;
        }
        Ok(())
    }

    /// An image that cannot be read is one that cannot be copied, which is told then.
    fn content_id(&self, task: u32, path: &Path) -> [u8; 16] {
        let root = self.tid(task).map(|tid| self.root_of(tid));
        let path = root.map(|root| below(&root, path));
        let content = path.and_then(|path| std::fs::read(path).ok()).unwrap_or_default();
        xxhash_rust::xxh3::xxh3_128(&content).to_le_bytes()
    }

    pub(super) fn tid(&self, task: u32) -> Option<Tid> {
        self.tasks.iter().find(|(_, known)| known.told.id == task).map(|(tid, _)| *tid)
    }

    /// Does as if the program had announced it. What it has of `closed` is as good as gone.
    fn announce(
        &mut self,
        task: u32,
        kind: Kind,
        (path, id): (&Path, [u8; 16]),
        closed: Option<u32>,
    ) -> Result<(), Error> {
        let Some(tid) = self.tid(task) else { return Ok(()) };
        let name = path.to_owned().into_os_string().into_vec();
        let mut told = Marker::new(kind);
        told.path = &name;
        let root = self.root_of(tid);
        told.image_id = id;
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
