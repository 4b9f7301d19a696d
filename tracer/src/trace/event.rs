//! What happens in a run, and its encoding.

use super::stack::{MODULE, Module, STACK, Stack};
use super::varint::{Cursor, DecodeError, put, put_bytes, put_signed};

/// Bits of [`Call::flags`].
pub mod call_flags {
    /// The result was given by the tracer: mirrored from another run, or made up.
    pub const GIVEN: u64 = 1;
    /// It came through a 32-bit interface: the number and the arguments mean something else.
    pub const FOREIGN: u64 = 2;
    /// It is a marker.
    pub const MARKER: u64 = 4;
    /// The table has no row for its number.
    pub const UNKNOWN: u64 = 8;
    /// Its source should have been mirrored, but the earlier run had nothing (more) to give.
    pub const LIVE: u64 = 16;
    /// It started the program, and was made before there was anything to trace.
    pub const LAUNCH: u64 = 32;
    /// What the kernel says of a file's times, inode and blocks was replaced by what an earlier
    /// run was told.
    pub const TIMES: u64 = 64;
    /// It was made to fail on request: the kernel never saw it.
    pub const FAULT: u64 = 128;
    /// A seccomp filter of the program answered it: the kernel saw it only if that wanted it to.
    pub const FILTERED: u64 = 256;
    /// Its descriptor leads out of the program: to standard input, a terminal, or a pipe or a
    /// socket whose other end is not traced.
    pub const OUTSIDE: u64 = 512;
}

/// One thread of one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its number in this trace, from 0.
    pub id: u32,
    /// Who made it.
    pub parent: Option<u32>,
    /// The first thread of the process it belongs to; itself if it is that.
    pub process: u32,
    /// `0` for the first one, then its maker's lineage, a dot, and which of its maker's children
    /// it is, from 1. Those that a store makes to write an image are counted by themselves, with
    /// an `s` before the number: which save makes the first one depends on where a run starts.
    pub lineage: String,
    /// The kernel's number for it.
    pub tid: i32,
    /// The number that the program sees, which differs in a mirrored run.
    pub seen: i32,
    /// Its working folder when it started.
    pub directory: Vec<u8>,
}

impl Task {
    /// Whether it was made by a store to write an image, or by one that was.
    #[must_use]
    pub fn is_of_store(&self) -> bool {
        self.lineage.split('.').any(|part| part.starts_with('s'))
    }
}

/// What a descriptor leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A pipe or a FIFO.
    Pipe,
    /// A socket.
    Socket,
    /// A terminal.
    Terminal,
    /// Another character device.
    Device,
    /// A block device.
    Disk,
    /// Something of the kernel's: an eventfd, a timer, an epoll, …
    Kernel,
    /// Nothing could be found out, usually because the descriptor is not open.
    Unknown,
}

impl ObjectKind {
    const ALL: [Self; 9] = [
        Self::File,
        Self::Folder,
        Self::Pipe,
        Self::Socket,
        Self::Terminal,
        Self::Device,
        Self::Disk,
        Self::Kernel,
        Self::Unknown,
    ];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Folder => "folder",
            Self::Pipe => "pipe",
            Self::Socket => "socket",
            Self::Terminal => "terminal",
            Self::Device => "device",
            Self::Disk => "disk",
            Self::Kernel => "kernel object",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the sizes of reads and writes depend on timing, so that only the bytes count.
    #[must_use]
    pub const fn is_stream(self) -> bool {
        matches!(self, Self::Pipe | Self::Socket | Self::Terminal)
    }
}

/// One open descriptor of one process: from when it was made until it is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its number in this trace, from 0.
    pub id: u32,
    /// The descriptor.
    pub fd: i32,
    /// What it leads to.
    pub kind: ObjectKind,
    /// The process had it before it made a call that would have made it.
    pub inherited: bool,
    /// The object that it is a duplicate of.
    pub from: Option<u32>,
    /// The path, or the kernel's name for it.
    pub path: Vec<u8>,
}

/// Bytes that a call handed over or received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// How many there were.
    pub length: u64,
    /// XXH3 of all of them.
    pub hash: u64,
    /// The first ones; all of them unless they were too many.
    pub bytes: Vec<u8>,
}

impl Payload {
    /// The payload that consists of these bytes.
    #[must_use]
    pub fn whole(bytes: Vec<u8>) -> Self {
        let hash = xxhash_rust::xxh3::xxh3_64(&bytes);
        Self { length: bytes.len() as u64, hash, bytes }
    }

    /// Whether all bytes are here.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.bytes.len() as u64 == self.length
    }
}

/// What was captured of one argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data {
    /// Which argument, from 0.
    pub argument: u8,
    /// Whether the kernel wrote it.
    pub out: bool,
    /// What stands there.
    pub payload: Payload,
}

/// One system call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Who made it.
    pub task: u32,
    /// Its number.
    pub number: u64,
    /// Bits of [`call_flags`].
    pub flags: u64,
    /// The address after the instruction.
    pub instruction: u64,
    /// Its arguments as numbers: as many as it takes, or six if that is not known.
    pub arguments: Vec<u64>,
    /// What it returned; `None` if it did not.
    pub result: Option<i64>,
    /// What its descriptors lead to: index of the argument, [`Object::id`].
    pub objects: Vec<(u8, u32)>,
    /// What the new descriptors lead to.
    pub made: Vec<u32>,
    /// What was captured, in the order of the arguments, what was handed over first.
    pub data: Vec<Data>,
}

impl Call {
    /// What was captured of an argument at the entry (`out` false) or the exit.
    #[must_use]
    pub fn payload(&self, argument: usize, out: bool) -> Option<&Payload> {
        self.data
            .iter()
            .find(|data| usize::from(data.argument) == argument && data.out == out)
            .map(|data| &data.payload)
    }

    /// The argument as a number, 0 if there is none.
    #[must_use]
    pub fn argument(&self, index: usize) -> u64 {
        self.arguments.get(index).copied().unwrap_or(0)
    }

    /// What a descriptor argument leads to.
    #[must_use]
    pub fn object(&self, argument: usize) -> Option<u32> {
        self.objects
            .iter()
            .find(|(index, _)| usize::from(*index) == argument)
            .map(|(_, object)| *object)
    }
}

/// How a task or a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// With this exit status.
    Exited(i32),
    /// By this signal.
    Killed(i32),
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exited(status) => write!(f, "exit status {status}"),
            Self::Killed(signal) => {
                write!(f, "killed by {}", crate::table::errors::signal_name(*signal))
            }
        }
    }
}

/// One open descriptor at a marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Its number.
    pub fd: i32,
    /// What it leads to.
    pub object: u32,
    /// Where it stands, in bytes.
    pub offset: u64,
    /// Its flags as `open` takes them.
    pub flags: u64,
}

/// Where a signal comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// The program itself, or the kernel because of what it did.
    Inside,
    /// A timer that the program has set.
    Timer,
    /// A process that is not traced, or a terminal.
    Outside,
}

/// What the tracer has to say about the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// Something happened that it cannot see.
    Untraced(String),
    /// Something worth knowing that is no defect.
    Remark(String),
    /// The recording was ended here, and who was recorded with it: what follows is not the program's.
    Cut(String),
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A task exists from here on.
    Task(Task),
    /// An object exists from here on.
    Object(Object),
    /// A call ended, or will not end.
    Call(Call),
    /// A signal was delivered to a task.
    Signal {
        /// To whom.
        task: u32,
        /// Which one.
        signal: i32,
        /// Why it was sent.
        code: i32,
        /// Who sent it.
        from: Sender,
        /// What the kernel tells of it besides: 16 bytes of a `siginfo_t`, from its 16th on, and 1
        /// if it came in the middle of the program's own code, 0 if at the end of a call. Empty
        /// for what comes from inside.
        about: Vec<u8>,
    },
    /// A task ended.
    End {
        /// Which one.
        task: u32,
        /// How.
        status: Status,
    },
    /// A task has another working folder from here on.
    Directory {
        /// Which task.
        task: u32,
        /// Its folder.
        path: Vec<u8>,
    },
    /// The descriptors of a process, taken at the marker that comes next.
    Descriptors {
        /// Whose.
        task: u32,
        /// All that are open, by number.
        open: Vec<Descriptor>,
    },
    /// What the kernel keeps for a process and no descriptor shows, taken at the marker that comes
    /// next.
    Kernel {
        /// Whose.
        task: u32,
        /// What, by name: working folder, masks, limits, timers.
        about: Vec<(String, Vec<u8>)>,
    },
    /// From here on the program sees a task under another number.
    Renamed {
        /// Which task.
        task: u32,
        /// The number.
        seen: i32,
    },
    /// Code was loaded from a file that was not named before.
    Module(Module),
    /// A stack that was not seen before.
    Stack {
        /// Its number in this trace, from 0.
        id: u32,
        /// What it is.
        stack: Stack,
    },
    /// The next call of a task is made with this stack.
    At {
        /// Which task.
        task: u32,
        /// Number of the stack.
        stack: u32,
    },
    /// A remark of the tracer.
    Note {
        /// About whom.
        task: u32,
        /// What.
        note: Note,
    },
}

const TASK: u8 = 1;
const OBJECT: u8 = 2;
const CALL: u8 = 3;
const SIGNAL: u8 = 4;
const END: u8 = 5;
const DIRECTORY: u8 = 6;
const DESCRIPTORS: u8 = 7;
const NOTE: u8 = 8;
const RENAMED: u8 = 9;
const KERNEL: u8 = 10;
const AT: u8 = 13;

impl Event {
    /// Appends the event to a block.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Task(task) => task.encode(out),
            Self::Object(object) => object.encode(out),
            Self::Call(call) => call.encode(out),
            Self::Signal { task, signal, code, from, about } => {
                out.push(SIGNAL);
                put(out, (*task).into());
                put_signed(out, (*signal).into());
                put_signed(out, (*code).into());
                out.push(match from {
                    Sender::Inside => 0,
                    Sender::Timer => 1,
                    Sender::Outside => 2,
                });
                put_bytes(out, about);
            }
            Self::End { task, status } => {
                out.push(END);
                put(out, (*task).into());
                let (killed, value) = match status {
                    Status::Exited(status) => (0, *status),
                    Status::Killed(signal) => (1, *signal),
                };
                out.push(killed);
                put_signed(out, value.into());
            }
            Self::Directory { task, path } => {
                out.push(DIRECTORY);
                put(out, (*task).into());
                put_bytes(out, path);
            }
            Self::Descriptors { task, open } => {
                out.push(DESCRIPTORS);
                put(out, (*task).into());
                put(out, open.len() as u64);
                for descriptor in open {
                    put_signed(out, descriptor.fd.into());
                    put(out, descriptor.object.into());
                    put(out, descriptor.offset);
                    put(out, descriptor.flags);
                }
            }
            Self::Kernel { task, about } => {
                out.push(KERNEL);
                put(out, (*task).into());
                put(out, about.len() as u64);
                for (name, value) in about {
                    put_bytes(out, name.as_bytes());
                    put_bytes(out, value);
                }
            }
            Self::Renamed { task, seen } => {
                out.push(RENAMED);
                put(out, (*task).into());
                put_signed(out, (*seen).into());
            }
            Self::Module(module) => module.encode(out),
            Self::Stack { id, stack } => {
                out.push(STACK);
                put(out, (*id).into());
                stack.encode(out);
            }
            Self::At { task, stack } => {
                out.push(AT);
                put(out, (*task).into());
                put(out, (*stack).into());
            }
            Self::Note { task, note } => {
                out.push(NOTE);
                put(out, (*task).into());
                let (kind, text) = match note {
                    Note::Untraced(text) => (0, text),
                    Note::Remark(text) => (1, text),
                    Note::Cut(text) => (2, text),
                };
                out.push(kind);
                put_bytes(out, text.as_bytes());
            }
        }
    }

    /// Reads the next event of a block.
    pub(crate) fn decode(cursor: &mut Cursor<'_>) -> Result<Self, DecodeError> {
        match cursor.byte()? {
            TASK => Task::decode(cursor).map(Self::Task),
            OBJECT => Object::decode(cursor).map(Self::Object),
            CALL => Call::decode(cursor).map(Self::Call),
            SIGNAL => {
                let (task, signal, code) = (cursor.small()?, cursor.id()?, cursor.id()?);
                let from = match cursor.byte()? {
                    0 => Sender::Inside,
                    1 => Sender::Timer,
                    2 => Sender::Outside,
                    _ => return Err(cursor.error("who sent a signal")),
                };
                Ok(Self::Signal { task, signal, code, from, about: cursor.vec()? })
            }
            END => {
                let task = cursor.small()?;
                let status = match cursor.byte()? {
                    0 => Status::Exited(cursor.id()?),
                    1 => Status::Killed(cursor.id()?),
                    _ => return Err(cursor.error("a kind of end")),
                };
                Ok(Self::End { task, status })
            }
            DIRECTORY => Ok(Self::Directory { task: cursor.small()?, path: cursor.vec()? }),
            DESCRIPTORS => {
                let task = cursor.small()?;
                let count = cursor.count()?;
                let mut open = Vec::with_capacity(count.min(1024));
                for _ in 0..count {
                    open.push(Descriptor {
                        fd: cursor.id()?,
                        object: cursor.small()?,
                        offset: cursor.number()?,
                        flags: cursor.number()?,
                    });
                }
                Ok(Self::Descriptors { task, open })
            }
            KERNEL => {
                let task = cursor.small()?;
                let count = cursor.count()?;
                let mut about = Vec::with_capacity(count.min(1024));
                for _ in 0..count {
                    about.push((cursor.text()?, cursor.vec()?));
                }
                Ok(Self::Kernel { task, about })
            }
            RENAMED => Ok(Self::Renamed { task: cursor.small()?, seen: cursor.id()? }),
            MODULE => Module::decode(cursor).map(Self::Module),
            STACK => Ok(Self::Stack { id: cursor.small()?, stack: Stack::decode(cursor)? }),
            AT => Ok(Self::At { task: cursor.small()?, stack: cursor.small()? }),
            NOTE => {
                let task = cursor.small()?;
                let note = match cursor.byte()? {
                    0 => Note::Untraced(cursor.text()?),
                    1 => Note::Remark(cursor.text()?),
                    2 => Note::Cut(cursor.text()?),
                    _ => return Err(cursor.error("a kind of note")),
                };
                Ok(Self::Note { task, note })
            }
            _ => Err(cursor.error("a kind of event")),
        }
    }
}

impl Task {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(TASK);
        put(out, self.id.into());
        put(out, self.parent.map_or(0, |parent| u64::from(parent) + 1));
        put(out, self.process.into());
        put_bytes(out, self.lineage.as_bytes());
        put_signed(out, self.tid.into());
        put_signed(out, self.seen.into());
        put_bytes(out, &self.directory);
    }

    fn decode(cursor: &mut Cursor<'_>) -> Result<Self, DecodeError> {
        let id = cursor.small()?;
        let parent = optional(cursor)?;
        Ok(Self {
            id,
            parent,
            process: cursor.small()?,
            lineage: cursor.text()?,
            tid: cursor.id()?,
            seen: cursor.id()?,
            directory: cursor.vec()?,
        })
    }
}

/// A number that may be missing: one more than it is, or 0.
pub(super) fn optional(cursor: &mut Cursor<'_>) -> Result<Option<u32>, DecodeError> {
    let error = cursor.error("a number of at most 32 bits");
    match cursor.number()? {
        0 => Ok(None),
        more => u32::try_from(more - 1).map(Some).map_err(|_| error),
    }
}

impl Object {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(OBJECT);
        put(out, self.id.into());
        put_signed(out, self.fd.into());
        let kind = ObjectKind::ALL.iter().position(|kind| *kind == self.kind).unwrap_or(0);
        put(out, kind as u64);
        out.push(self.inherited.into());
        put(out, self.from.map_or(0, |from| u64::from(from) + 1));
        put_bytes(out, &self.path);
    }

    fn decode(cursor: &mut Cursor<'_>) -> Result<Self, DecodeError> {
        let id = cursor.small()?;
        let fd = cursor.id()?;
        let error = cursor.error("a kind of object");
        let kind = usize::from(cursor.byte()?);
        let kind = *ObjectKind::ALL.get(kind).ok_or(error)?;
        let inherited = cursor.byte()? != 0;
        let from = optional(cursor)?;
        Ok(Self { id, fd, kind, inherited, from, path: cursor.vec()? })
    }
}

impl Call {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(CALL);
        put(out, self.task.into());
        put(out, self.number);
        put(out, self.flags);
        put(out, self.instruction);
        put(out, self.arguments.len() as u64);
        for &argument in &self.arguments {
            put_signed(out, argument.cast_signed());
        }
        match self.result {
            None => out.push(0),
            Some(result) => {
                out.push(1);
                put_signed(out, result);
            }
        }
        put(out, self.objects.len() as u64);
        for (argument, object) in &self.objects {
            out.push(*argument);
            put(out, (*object).into());
        }
        put(out, self.made.len() as u64);
        for object in &self.made {
            put(out, (*object).into());
        }
        put(out, self.data.len() as u64);
        for data in &self.data {
            out.push(
                data.argument << 2 | u8::from(data.payload.is_whole()) << 1 | u8::from(data.out),
            );
            put_bytes(out, &data.payload.bytes);
            if !data.payload.is_whole() {
                put(out, data.payload.length);
                put(out, data.payload.hash);
            }
        }
    }

    fn decode(cursor: &mut Cursor<'_>) -> Result<Self, DecodeError> {
        let task = cursor.small()?;
        let number = cursor.number()?;
        let flags = cursor.number()?;
        let instruction = cursor.number()?;
        let count = cursor.count()?;
        let mut arguments = Vec::with_capacity(count.min(6));
        for _ in 0..count {
            arguments.push(cursor.signed()?.cast_unsigned());
        }
        let result = match cursor.byte()? {
            0 => None,
            1 => Some(cursor.signed()?),
            _ => return Err(cursor.error("a result")),
        };
        let count = cursor.count()?;
        let mut objects = Vec::with_capacity(count.min(6));
        for _ in 0..count {
            objects.push((cursor.byte()?, cursor.small()?));
        }
        let count = cursor.count()?;
        let mut made = Vec::with_capacity(count.min(6));
        for _ in 0..count {
            made.push(cursor.small()?);
        }
        let count = cursor.count()?;
        let mut data = Vec::with_capacity(count.min(6));
        for _ in 0..count {
            let head = cursor.byte()?;
            let bytes = cursor.vec()?;
            let payload = if head & 2 != 0 {
                Payload::whole(bytes)
            } else {
                Payload { length: cursor.number()?, hash: cursor.number()?, bytes }
            };
            data.push(Data { argument: head >> 2, out: head & 1 != 0, payload });
        }
        Ok(Self { task, number, flags, instruction, arguments, result, objects, made, data })
    }
}
