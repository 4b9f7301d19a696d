//! What comes in from outside the program: from standard input, terminals, and pipes and sockets
//! whose other end is not traced.
//!
//! Every run notes which calls are about such a place, and keeps all of what they received. A
//! mirrored run gets the same again, in the same order and at the same time as others do something
//! else, and nothing that it sends there goes out: nobody need be there any more. Where a
//! descriptor is needed, an unconnected socket stands in for what the earlier run had.

mod address;
mod earlier;
mod give;
mod learn;
mod note;
mod ready;
mod role;

use std::collections::{HashMap, HashSet};

use address::Address;
pub(crate) use earlier::Earlier;
pub(super) use give::noted;
pub(crate) use learn::{Learner, when};

use super::Knobs;
use super::entry::low;
use super::mirror::Given;
use crate::trace::{Call, Object, ObjectKind};

/// Stands for the address that a message came from or goes to.
pub(super) const NAMED: u8 = super::capture::NAMED;
/// Stands for when a call got what it waited for.
pub(super) const WHEN: u8 = 9;
/// Stands for what a call waits for.
pub(super) const MEMBER: u8 = 10;
/// Stands for what comes with a message: its flags, and what the kernel says of it.
pub(super) const MESSAGE: u8 = 11;

/// A kind of place, each of which can be switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Stdin,
    /// Standard output and error: what is written there goes out, and only what they are comes in.
    Output,
    Pipe,
    Terminal,
    Socket,
}

impl Class {
    /// Of a descriptor that a program is born with.
    fn born(fd: i32, kind: ObjectKind) -> Option<Self> {
        Some(match (fd, kind) {
            (0, ObjectKind::Folder | ObjectKind::Kernel | ObjectKind::Unknown) => return None,
            (0, _) => Self::Stdin,
            (1 | 2, _) => Self::Output,
            (_, ObjectKind::Pipe) => Self::Pipe,
            (_, ObjectKind::Terminal) => Self::Terminal,
            (_, ObjectKind::Socket) => Self::Socket,
            _ => return None,
        })
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Stdin => "standard input",
            Self::Output => "standard output",
            Self::Pipe => "a pipe",
            Self::Terminal => "a terminal",
            Self::Socket => "a socket",
        }
    }

    /// What switches it off, behind `mirrored-`.
    const fn knob(self) -> &'static str {
        match self {
            Self::Stdin | Self::Output => "stdin",
            Self::Pipe => "pipes",
            Self::Terminal => "terminals",
            Self::Socket => "sockets",
        }
    }
}

/// Which classes are mirrored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Switches {
    stdin: bool,
    pipes: bool,
    terminals: bool,
    sockets: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self { stdin: true, pipes: true, terminals: true, sockets: true }
    }
}

impl Switches {
    /// As a trace's header says.
    fn of(knobs: &[String]) -> Self {
        let on = |name: &str| !knobs.iter().any(|knob| knob.strip_suffix("=off") == Some(name));
        Self {
            stdin: on("mirrored-stdin"),
            pipes: on("mirrored-pipes"),
            terminals: on("mirrored-terminals"),
            sockets: on("mirrored-sockets"),
        }
    }

    const fn of_run(knobs: &Knobs) -> Self {
        Self {
            stdin: knobs.mirrored_stdin,
            pipes: knobs.mirrored_pipes,
            terminals: knobs.mirrored_terminals,
            sockets: knobs.mirrored_sockets,
        }
    }

    const fn has(&self, class: Class) -> bool {
        match class {
            Class::Stdin | Class::Output => self.stdin,
            Class::Pipe => self.pipes,
            Class::Terminal => self.terminals,
            Class::Socket => self.sockets,
        }
    }
}

/// That a descriptor leads outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Source {
    class: Class,
    /// Which place of the earlier run it is, in a mirrored one.
    earlier: Option<u32>,
    /// A socket that waits for connections: whether they come from outside is not known yet.
    waits: bool,
}

/// What an `epoll` waits for.
#[derive(Clone, Debug)]
pub(super) struct Member {
    object: u32,
    label: u64,
    /// What the program is told when it is ready.
    data: u64,
    /// What it waits for there.
    events: u32,
    /// Which place of the earlier run it is, if it leads outside.
    source: Option<u32>,
}

impl Member {
    fn of(call: &Call, object: u32, label: u64, source: Option<u32>) -> Self {
        let event = call.payload(3, false).and_then(|event| event.bytes.first_chunk::<12>());
        let [a, b, c, d, data @ ..] = event.copied().unwrap_or_default();
        let (events, data) = (u32::from_le_bytes([a, b, c, d]), u64::from_le_bytes(data));
        Self { object, label, data, events, source }
    }

    /// Does to a list what `epoll_ctl` was told.
    fn change(all: &mut Vec<Self>, operation: i32, member: Self) {
        let known = all.iter_mut().find(|known| known.object == member.object);
        match (operation, known) {
            (libc::EPOLL_CTL_DEL, _) => all.retain(|known| known.object != member.object),
            (_, Some(known)) => *known = member,
            (_, None) => all.push(member),
        }
    }
}

/// Stands for what a member of a set is, in both runs.
fn label(source: Option<u32>, kind: ObjectKind, path: &[u8]) -> u64 {
    let mut bytes = kind.word().as_bytes().to_vec();
    match source {
        Some(source) => bytes = format!("outside {source}").into_bytes(),
        // Their names are numbers of the kernel's.
        None if matches!(kind, ObjectKind::Socket | ObjectKind::Pipe) => {}
        None => bytes.extend_from_slice(path),
    }
    xxhash_rust::xxh3::xxh3_64(&bytes)
}

/// Whether it is a pipe with a name.
fn is_fifo(object: &Object) -> bool {
    object.kind == ObjectKind::Pipe && !object.path.starts_with(b"pipe:")
}

/// What is known of a run's outside.
#[derive(Debug, Default)]
pub(super) struct Outside {
    /// What sockets and pipes are called that lead there.
    by_path: HashMap<Box<[u8]>, Source>,
    /// What the program's own sockets are called.
    own: HashSet<Address>,
    /// What those are called that have connected to one of them.
    clients: HashSet<Address>,
    /// Processes that are or were traced.
    pub(super) inside: HashSet<i32>,
    epolls: HashMap<u32, Vec<Member>>,
    /// Those that have ever waited for what is outside. What the kernel keeps for them is not what
    /// a mirrored run was told, so it is told all of it.
    ever: HashSet<u32>,
    /// Which `epoll` a duplicate of it is.
    duplicates: HashMap<u32, u32>,
    /// The program has made terminals of its own.
    makes_terminals: bool,
    /// How many sockets without a connection each thread has made.
    datagrams: HashMap<String, u32>,
    /// What the next new descriptor stands in for.
    stands_for: Option<(ObjectKind, Vec<u8>)>,
}

impl Outside {
    /// What the descriptor that is made next stands in for.
    pub(super) fn stands_for(&mut self) -> Option<(ObjectKind, Vec<u8>)> {
        self.stands_for.take()
    }
}

/// What a call comes to in a mirrored run.
#[derive(Debug)]
pub(super) enum Answer {
    /// The program gets this.
    Give(Given),
    /// The program gets a new descriptor, and this besides.
    Open(Given, Source, Option<(ObjectKind, Vec<u8>)>),
    /// A signal comes in the middle of it.
    Interrupt(i64),
}
