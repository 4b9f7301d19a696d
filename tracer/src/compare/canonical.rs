//! What two runs must have in common of a call: by type, never by text.

use std::collections::HashMap;
use std::hash::Hasher;

use samestate_schema::marker::{Kind as MarkerKind, Marker};
use xxhash_rust::xxh3::Xxh3Default;

use super::strength::Strength;
use crate::layout;
use crate::record::{CHILD_OF_INFO, MAPPED, MOVED, NAMED, low, mirror::random_source};
use crate::show::Names;
use crate::table::errors::error_of;
use crate::table::{self, Class, Kind, Layout, Ret, Row};
use crate::trace::{Call, Event, Header, Object, ObjectKind, Payload, call_flags};

/// A part of a call that is compared by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    /// An argument.
    Argument(u8),
    /// The bytes that an argument hands over.
    Payload(u8),
    /// The bytes that an argument receives.
    Received(u8),
    /// The result.
    Result,
}

/// What is known of a run while its calls are read.
#[derive(Debug, Default)]
pub(crate) struct Context {
    pub(crate) names: Names,
    /// How a task is called in the comparison: relative to where the comparison starts.
    pub(crate) keys: HashMap<u32, String>,
    /// Tasks by the id that the program sees.
    seen: HashMap<i32, u32>,
    /// And the other way round, with the task that is the first thread of its process.
    numbers: HashMap<u32, (i32, u32)>,
    /// Queues, semaphores and shared memory by what the kernel numbers them, in the order in which
    /// they were first asked for.
    queues: HashMap<(&'static str, i32), u64>,
    /// Ports that the program's own sockets have, as it was told, in that order: the kernel may have
    /// chosen them.
    ports: HashMap<[u8; 2], u64>,
    /// The ids that the first process was born into.
    outside: Vec<(i32, &'static str)>,
    /// How much of each call counts.
    pub(crate) strength: Strength,
}

impl Context {
    pub(crate) fn new(header: &Header, strength: Strength) -> Self {
        let mut context = Self { strength, ..Self::default() };
        context.outside(header);
        context
    }

    /// The program may also see the ids that another run's first process was born into.
    pub(crate) fn outside(&mut self, header: &Header) {
        self.outside.extend([
            (header.parent, "outer parent"),
            (header.group, "outer group"),
            (header.session, "outer session"),
        ]);
    }

    pub(crate) fn learn(&mut self, event: &Event) {
        self.names.learn(event);
        match event {
            Event::Task(task) => {
                self.seen.insert(task.seen, task.id);
                self.numbers.insert(task.id, (task.seen, task.process));
            }
            Event::Renamed { task, seen } => {
                self.seen.insert(*seen, *task);
                if let Some((number, _)) = self.numbers.get_mut(task) {
                    *number = *seen;
                }
            }
            Event::Call(call) => {
                let row = table::row(call.number);
                if row.is_some_and(|row| row.name == "getsockname")
                    && let Some(port) =
                        call.payload(1, true).and_then(|address| port(&address.bytes))
                {
                    let next = self.ports.len() as u64;
                    self.ports.entry(port).or_insert(next);
                }
                if let Some(row) = row.filter(|row| row.class == Class::Ipc)
                    && let Some(result) = call.result.filter(|result| *result >= 0)
                    && row.name.ends_with("get")
                {
                    let next = self.queues.len() as u64;
                    self.queues
                        .entry((queue_kind(row), low(result.cast_unsigned())))
                        .or_insert(next);
                }
            }
            _ => {}
        }
    }

    /// How a task is called in the comparison.
    pub(crate) fn key(&self, task: u32) -> &str {
        self.keys.get(&task).map_or("?", String::as_str)
    }

    /// The ids by which the program, and so its logs, know a task.
    pub(crate) fn numbers(&self, task: u32) -> Option<String> {
        let (thread, process) = *self.numbers.get(&task)?;
        let (number, _) = *self.numbers.get(&process)?;
        Some(match number == thread {
            true => format!("process {number}"),
            false => format!("process {number}, thread {thread}"),
        })
    }

    fn pid(&self, pid: i32) -> String {
        if pid <= 0 {
            // 0 and -1 mean "mine" and "any"; other negative numbers are groups.
            return if pid >= -1 { pid.to_string() } else { format!("-{}", self.pid(-pid)) };
        }
        if let Some(task) = self.seen.get(&pid) {
            return format!("task {}", self.key(*task));
        }
        let outside = self.outside.iter().find(|(known, _)| *known == pid);
        outside.map_or("another process", |(_, name)| name).to_owned()
    }

    /// The child that a call has waited for.
    pub(crate) fn waited(&self, call: &Call) -> Option<String> {
        let row = table::row(call.number).filter(|row| row.class == Class::Wait)?;
        let pid = if row.name == "waitid" {
            let info = &call.payload(2, true)?.bytes;
            i32::from_le_bytes(*info.get(CHILD_OF_INFO..)?.first_chunk()?)
        } else {
            low(call.result?.cast_unsigned())
        };
        (pid > 0).then(|| self.pid(pid))
    }

    /// What stands for an object: what it is, not which number it has.
    fn label(&self, object: &Object) -> Vec<u8> {
        let object = self.names.original(object);
        if object.inherited && (0..3).contains(&object.fd) {
            // Where the standard streams lead to is the caller's choice.
            return format!("standard stream {}", object.fd).into_bytes();
        }
        let mut label = object.kind.word().as_bytes().to_vec();
        label.push(b' ');
        match object.kind {
            ObjectKind::Pipe if object.path.starts_with(b"pipe:") => {}
            ObjectKind::Socket => {}
            _ => label.extend_from_slice(&self.path(&object.path)),
        }
        label
    }

    /// A path in which the ids of processes stand for the processes.
    fn path(&self, path: &[u8]) -> Vec<u8> {
        let Some(rest) = path.strip_prefix(b"/proc/") else { return path.to_vec() };
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let pid = std::str::from_utf8(&rest[..digits]).ok().and_then(|pid| pid.parse().ok());
        let Some(pid) = pid else { return path.to_vec() };
        let mut out = format!("/proc/{{{}}}", self.pid(pid)).into_bytes();
        out.extend_from_slice(&rest[digits..]);
        out
    }

    /// Whether the bytes that come out of an object depend on the moment.
    fn is_volatile(&self, object: u32) -> bool {
        self.names.object(object).is_some_and(|object| {
            random_source(object).is_some()
                || object.path.starts_with(b"/proc/")
                || object.path.starts_with(b"/sys/")
        })
    }

    /// Gives all parts of a call that are compared, and what stands for them.
    pub(crate) fn parts(&self, call: &Call, give: &mut dyn FnMut(Part, &[u8])) {
        let is_marker = call.flags & call_flags::MARKER != 0;
        let mut give = |part, bytes: &[u8]| {
            // What a marker announces is what it is.
            if self.strength.counts(part) || is_marker && part == Part::Argument(0) {
                give(part, bytes);
            }
        };
        if is_marker { self.marker(call, &mut give) } else { self.all_parts(call, &mut give) }
    }

    fn all_parts(&self, call: &Call, give: &mut dyn FnMut(Part, &[u8])) {
        let row = table::row(call.number).filter(|_| call.flags & call_flags::FOREIGN == 0);
        let Some(row) = row else {
            // Nothing is known: the numbers are compared as they are, and a finding says so.
            for (value, index) in call.arguments.iter().zip(0_u8..) {
                give(Part::Argument(index), &value.to_le_bytes());
            }
            give(Part::Result, &call.result.unwrap_or(0).to_le_bytes());
            return;
        };
        let volatile = row.class.is_mirrored()
            || call.object(0).is_some_and(|object| self.is_volatile(object))
            || is_about_kernel(call, row);
        for (argument, index) in row.arguments.iter().zip(0_u8..) {
            self.argument(call, row, index, argument.kind, give);
            if !volatile {
                self.received(call, row, index, argument.kind, give);
            }
        }
        if let Some(moved) = call.payload(MOVED.into(), true) {
            give_payload(Part::Received(MOVED), moved, give);
        }
        for mapped in call.data.iter().filter(|data| data.argument == MAPPED) {
            give_payload(Part::Received(MAPPED), &mapped.payload, give);
        }
        if let Some(address) = call.payload(NAMED.into(), false) {
            self.address(Part::Payload(NAMED), address, give);
        }
        self.result(call, row, volatile, give);
    }

    fn marker(&self, call: &Call, give: &mut dyn FnMut(Part, &[u8])) {
        let Some(payload) = call.payload(1, false) else { return };
        let Ok(marker) = Marker::decode(&payload.bytes) else { return };
        give(Part::Argument(0), marker.kind.word().as_bytes());
        give(Part::Argument(1), &marker.step.to_le_bytes());
        // Afterwards it is the same image as where it was saved.
        if !matches!(marker.kind, MarkerKind::Durable | MarkerKind::SaveEnd) {
            give(Part::Payload(1), &marker.image_id);
        }
        if !marker.fields.is_empty() {
            give(Part::Received(1), marker.fields);
        }
    }

    fn argument(
        &self,
        call: &Call,
        row: &Row,
        index: u8,
        kind: Kind,
        give: &mut dyn FnMut(Part, &[u8]),
    ) {
        // The environment is the caller's; that it differs is said in a note.
        let is_callers = call.flags & call_flags::LAUNCH != 0 && index == 2;
        if is_callers || !is_meant(call, row, index) {
            return;
        }
        let value = call.argument(index.into());
        let part = Part::Argument(index);
        let handed = call.payload(index.into(), false);
        match kind {
            Kind::Fd | Kind::DirFd => {
                let object = call.object(index.into()).and_then(|id| self.names.object(id));
                match object {
                    Some(object) => give(part, &self.label(object)),
                    None => give(part, &low(value).to_le_bytes()),
                }
            }
            Kind::Int if index == 0 && row.class == Class::Ipc => {
                match self.queues.get(&(queue_kind(row), low(value))) {
                    Some(known) => give(part, &known.to_le_bytes()),
                    None => give(part, &value.to_le_bytes()),
                }
            }
            Kind::Int | Kind::Uint | Kind::Hex => give(part, &value.to_le_bytes()),
            Kind::Depends if row.name == "prctl" && index == 1 && takes_number(call) => {
                give(part, &value.to_le_bytes());
            }
            Kind::Mode | Kind::Named(_) | Kind::Signal => give(part, &low(value).to_le_bytes()),
            Kind::Pid => give(part, self.pid(low(value)).as_bytes()),
            Kind::Path => match handed {
                Some(payload) => give(part, &self.path(&payload.bytes)),
                None => give(part, &[u8::from(value != 0)]),
            },
            Kind::Text | Kind::Strings => match handed {
                Some(payload) => give(part, &payload.bytes),
                None => give(part, &[u8::from(value != 0)]),
            },
            Kind::In(_)
            | Kind::InVector(_)
            | Kind::InMessage
            | Kind::InMessages(_)
            | Kind::InArray(..)
            | Kind::FdSet(_)
            | Kind::Ioctl(_) => {
                if let Some(payload) = handed {
                    give_payload(Part::Payload(index), payload, give);
                }
            }
            Kind::Fcntl(_) => match handed {
                Some(payload) => give(Part::Payload(index), &lock(call, payload)),
                None => give(part, &value.to_le_bytes()),
            },
            Kind::InSized(_, Layout::SocketAddress) => match handed {
                Some(payload) => self.address(Part::Payload(index), payload, give),
                None => give(part, &[u8::from(value != 0)]),
            },
            Kind::InStruct(_, layout)
            | Kind::InSized(_, layout)
            | Kind::InOutStruct(_, layout)
            | Kind::InOutArray(_, _, layout) => match handed {
                Some(payload) => give_layout(Part::Payload(index), layout, payload, give),
                None => give(part, &[u8::from(value != 0)]),
            },
            Kind::Address
            | Kind::Depends
            | Kind::Out(_)
            | Kind::OutAll(_)
            | Kind::OutAt(..)
            | Kind::OutVector(_)
            | Kind::OutStruct(..)
            | Kind::OutArray(..)
            | Kind::OutMessage
            | Kind::OutMessages => {}
        }
    }

    /// An address of a socket: a port of the program's own stands for which of them it is.
    fn address(&self, part: Part, address: &Payload, give: &mut dyn FnMut(Part, &[u8])) {
        let own = port(&address.bytes).and_then(|port| self.ports.get(&port));
        let Some(own) = own else {
            return give_layout(part, Layout::SocketAddress, address, give);
        };
        let mut bytes = address.bytes.clone();
        bytes.splice(2..4, own.to_le_bytes());
        give(part, &bytes);
    }

    fn received(
        &self,
        call: &Call,
        row: &Row,
        index: u8,
        kind: Kind,
        give: &mut dyn FnMut(Part, &[u8]),
    ) {
        let Some(payload) = call.payload(index.into(), true) else { return };
        let part = Part::Received(index);
        match kind {
            Kind::OutStruct(_, Layout::Stat | Layout::Statx) if self.is_standard(call) => {}
            Kind::OutAt(_, Layout::SocketAddress) => {
                // The port may be the kernel's choice; the family is not.
                give(part, payload.bytes.get(..2).unwrap_or_default());
            }
            Kind::OutStruct(_, layout)
            | Kind::OutAt(_, layout)
            | Kind::OutArray(_, layout)
            | Kind::InOutStruct(_, layout)
            | Kind::InOutArray(_, _, layout)
                if row.class != Class::Ready =>
            {
                give_layout(part, layout, payload, give);
            }
            Kind::Out(_)
            | Kind::OutAll(_)
            | Kind::OutVector(_)
            | Kind::OutMessage
            | Kind::OutMessages => give_payload(part, payload, give),
            Kind::Fcntl(_) => give(part, &lock(call, payload)),
            Kind::Ioctl(_) => {
                // Only those of a terminal, whose size and settings are the user's, and queues.
            }
            _ => {}
        }
    }

    /// Whether a call is about a standard stream, which leads where the caller wants.
    fn is_standard(&self, call: &Call) -> bool {
        let object = call.object(0).and_then(|object| self.names.object(object));
        let object = object.map(|object| self.names.original(object));
        object.is_some_and(|object| object.inherited && (0..3).contains(&object.fd))
    }

    fn result(&self, call: &Call, row: &Row, volatile: bool, give: &mut dyn FnMut(Part, &[u8])) {
        let Some(result) = call.result else { return };
        if error_of(result).is_some() {
            give(Part::Result, &result.to_le_bytes());
            return;
        }
        let duplicates = row.name == "fcntl" && matches!(call.argument(1), 0 | 1030);
        match row.result {
            Ret::Number if matches!(row.name, "msgget" | "semget" | "shmget") => {
                give(Part::Result, b"done");
            }
            Ret::Number | Ret::Count if volatile || duplicates => give(Part::Result, b"done"),
            // Where a shared standard stream stands depends on who else uses it.
            Ret::Number if row.name == "lseek" && self.is_standard(call) => {}
            Ret::Number if row.name == "fcntl" && self.is_standard(call) => {}
            // The entries of a folder take more or less space in another order.
            Ret::Count if row.name.starts_with("getdents") => {
                give(Part::Result, &[u8::from(result > 0)]);
            }
            Ret::Number | Ret::Count => give(Part::Result, &result.to_le_bytes()),
            Ret::Pid => give(Part::Result, self.pid(low(result.cast_unsigned())).as_bytes()),
            Ret::Fd | Ret::Address | Ret::Time | Ret::Never => give(Part::Result, b"done"),
        }
    }

    /// What stands for the whole call, and for what it is without its details.
    pub(crate) fn keys(&self, call: &Call) -> (u64, u64) {
        let (mut full, mut shape) = (Xxh3Default::new(), Xxh3Default::new());
        let number = call.number | (call.flags & (call_flags::FOREIGN | call_flags::MARKER)) << 32;
        full.write_u64(number);
        shape.write_u64(number);
        self.parts(call, &mut |part, bytes| {
            let (kind, index) = match part {
                Part::Argument(index) => (0, index),
                Part::Payload(index) => (1, index),
                Part::Received(index) => (2, index),
                Part::Result => (3, 0),
            };
            full.write(&[kind, index]);
            full.write_usize(bytes.len());
            full.write(bytes);
        });
        for (index, object) in &call.objects {
            if let Some(object) = self.names.object(*object) {
                let label = self.label(object);
                shape.write_u8(*index);
                shape.write(&label);
                // As an argument it is in there otherwise.
                if self.strength == Strength::Sequence {
                    full.write(&label);
                }
            }
        }
        (full.finish(), shape.finish())
    }
}

/// What counts of the structure that a `fcntl` takes: of a lock its kind and its range, not the
/// padding and not the process id, which only the kernel fills in.
fn lock(call: &Call, payload: &Payload) -> Vec<u8> {
    let bytes = &payload.bytes;
    match (call.argument(1), bytes.get(..4), bytes.get(8..24)) {
        (5..=7 | 36..=38, Some(kind), Some(range)) => [kind, range].concat(),
        _ => bytes.clone(),
    }
}

/// The port of an address of the internet, as it stands there.
fn port(bytes: &[u8]) -> Option<[u8; 2]> {
    let family = u16::from_le_bytes(*bytes.first_chunk()?);
    let has_port = matches!(i32::from(family), libc::AF_INET | libc::AF_INET6);
    has_port.then(|| bytes.get(2..4)?.first_chunk().copied()).flatten()
}

/// Whether a call asks by path for what the kernel makes up, such as where a descriptor leads.
fn is_about_kernel(call: &Call, row: &Row) -> bool {
    row.class == Class::File
        && row.arguments.iter().enumerate().any(|(index, argument)| {
            matches!(argument.kind, Kind::Path)
                && call.payload(index, false).is_some_and(|path| {
                    path.bytes.starts_with(b"/proc/") || path.bytes.starts_with(b"/sys/")
                })
        })
}

/// `msg`, `sem` or `shm`: each has numbers of its own.
fn queue_kind(row: &Row) -> &'static str {
    row.name.get(..3).unwrap_or(row.name)
}

/// Whether the second argument of a `prctl` is a number: the signal at the parent's death, whether
/// it may be dumped, keeps its rights, adopts orphans, and their like.
fn takes_number(call: &Call) -> bool {
    matches!(call.argument(0), 1 | 4 | 8 | 22 | 23 | 24 | 26 | 28 | 29 | 33 | 36 | 38 | 41)
}

/// Whether the call takes the argument at all: what a register holds otherwise is left over from
/// something else.
fn is_meant(call: &Call, row: &Row, index: u8) -> bool {
    let creates = |flags: u64| flags & 0o100 != 0 || flags & 0o20_200_000 == 0o20_200_000;
    match (row.name, index) {
        ("open", 2) => creates(call.argument(1)),
        ("openat", 3) => creates(call.argument(2)),
        // Numbers of descriptors are compared by what they lead to; only the standard streams
        // have a meaning by number.
        ("dup2" | "dup3", 1) => call.argument(1) < 3,
        ("fcntl", 2) => matches!(call.argument(1), 0 | 2 | 4 | 5 | 6 | 7 | 1030 | 1031 | 1033),
        ("clone", 1..) => false,
        ("mremap", 4) => false,
        ("futex", 2..) => false,
        ("prctl", 1) => true,
        _ => true,
    }
}

fn give_payload(part: Part, payload: &Payload, give: &mut dyn FnMut(Part, &[u8])) {
    if payload.is_whole() {
        give(part, &payload.bytes);
    } else {
        let mut bytes = payload.length.to_le_bytes().to_vec();
        bytes.extend_from_slice(&payload.hash.to_le_bytes());
        give(part, &bytes);
    }
}

fn give_layout(part: Part, layout: Layout, payload: &Payload, give: &mut dyn FnMut(Part, &[u8])) {
    match layout::canonical(layout, payload) {
        // Nothing of it counts, nor whether it could be read.
        Some(bytes) if bytes.is_empty() => {}
        Some(bytes) => give(part, &bytes),
        None => give_payload(part, payload, give),
    }
}
