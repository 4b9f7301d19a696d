//! Where a restored run that announces nothing goes on.
//!
//! Having read its image, a program sets up what goes with it: it opens its log where it left off,
//! starts its threads. The original did that long before its checkpoint. So the marker stands before
//! the first call that has an effect or waits for something, or that is the first one of the original
//! after its checkpoint.

use std::ffi::OsStr;
use std::hash::Hasher;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use xxhash_rust::xxh3::Xxh3Default;

use super::capture::LONGEST_STRING;
use super::changes::below;
use super::descriptors;
use super::engine::Engine;
use super::entry::low;
use super::mirror::path_hash;
use super::proc::folder_path;
use crate::Error;
use crate::sys::arch::Entry;
use crate::sys::{Tid, memory};
use crate::table::{self, Class, Kind, Row};
use crate::trace::{Call, ObjectKind, call_flags};

impl Engine<'_> {
    /// A call is about to be made: if the run only set up until here, it goes on with this one.
    pub(super) fn ends_setup(&mut self, tid: Tid, entry: &Entry) -> Result<(), Error> {
        let Some(reader) = self.files.sets_up() else { return Ok(()) };
        let row = if entry.foreign { None } else { table::row(entry.number) };
        if let Some(row) = row
            && self.only_sets_up(tid, row, &entry.arguments)
            && !(self.tid(reader) == Some(tid)
                && self.is_first_of_original(tid, row, &entry.arguments))
        {
            return Ok(());
        }
        // What other processes do meanwhile is theirs, as long as the one that has read it is there.
        let process = |tid| self.tasks.get(&tid).map(|task| task.pid);
        let own = self.tasks.get(&tid).map_or(reader, |task| task.told.id);
        match self.tid(reader) {
            Some(other) if process(other) != process(tid) => Ok(()),
            Some(_) => self.ready_at(reader),
            None => self.ready_at(own),
        }
    }

    fn only_sets_up(&self, tid: Tid, row: &Row, arguments: &[u64; 6]) -> bool {
        match row.class {
            Class::Wait | Class::Ipc | Class::Unknown => false,
            Class::Ready => !waits(tid, row, arguments) || self.others_set_up(tid),
            Class::Network => {
                matches!(
                    row.name,
                    "bind"
                        | "connect"
                        | "getpeername"
                        | "getsockname"
                        | "getsockopt"
                        | "listen"
                        | "setsockopt"
                        | "socket"
                        | "socketpair"
                )
            }
            Class::Process => match row.name {
                "clone" | "clone3" => makes_thread(tid, row, arguments),
                "execve" | "execveat" | "exit" | "exit_group" | "fork" | "vfork" => false,
                _ => true,
            },
            Class::System => {
                !matches!(row.name, "clock_nanosleep" | "nanosleep") || self.others_set_up(tid)
            }
            Class::File => is_harmless(row.name) && !self.changes_file(tid, row, arguments),
            Class::Descriptor => match row.name {
                "read" | "readv" => self.reads_what_is_its_own(tid, low(arguments[0])),
                "write" => self.kind_of(tid, low(arguments[0])) == Some(ObjectKind::Kernel),
                "ftruncate" => !self.changes_file(tid, row, arguments),
                "copy_file_range" | "fallocate" | "fchmod" | "fchown" | "fdatasync"
                | "fremovexattr" | "fsetxattr" | "fsync" | "io_submit" | "pwrite64" | "pwritev"
                | "pwritev2" | "sendfile" | "splice" | "sync" | "sync_file_range" | "syncfs"
                | "tee" | "vmsplice" | "writev" => false,
                _ => true,
            },
            // The C library blocks all signals before it makes a thread.
            Class::Runtime if row.name == "rt_sigprocmask" => {
                !self.mirror.as_ref().is_some_and(|mirror| mirror.first_makes)
            }
            Class::Signal => !self.signals_others(tid, row, arguments),
            Class::Memory
            | Class::Sync
            | Class::Runtime
            | Class::Clock
            | Class::Random
            | Class::Machine
            | Class::Credentials => true,
        }
    }

    /// Whether other threads of the process do something, so that waiting may be for them.
    fn others_set_up(&self, tid: Tid) -> bool {
        let Some(own) = self.tasks.get(&tid).map(|task| task.pid) else { return false };
        let is_other = |other: &Tid| {
            *other != tid && self.tasks.get(other).is_some_and(|task| task.pid == own)
        };
        self.turns.are_on() && !self.turns.all_wait(self.tasks.keys().copied().filter(is_other))
    }

    fn kind_of(&self, tid: Tid, fd: i32) -> Option<ObjectKind> {
        let task = self.tasks.get(&tid)?;
        let known = task.descriptors.borrow().get(fd).map(|known| known.kind);
        Some(known.unwrap_or_else(|| descriptors::ask(task.pid, fd, 0, None).kind))
    }

    /// A file that was opened just now, or that the original did not have open at its marker, so that
    /// it does not matter for what follows how far it is read; or what the kernel keeps for the
    /// process.
    fn reads_what_is_its_own(&self, tid: Tid, fd: i32) -> bool {
        let Some(task) = self.tasks.get(&tid) else { return false };
        let table = task.descriptors.borrow();
        let Some(known) = table.get(fd) else { return false };
        let shared = self.mirror.as_ref().is_some_and(|mirror| mirror.had_open(&known.path));
        match known.kind {
            ObjectKind::File => !shared || self.files.is_of_setup(known.object),
            ObjectKind::Kernel | ObjectKind::Folder => true,
            ObjectKind::Device => !known.path.starts_with(b"/dev/pts"),
            _ => false,
        }
    }

    /// Whether a call sends a signal to another process. One that ends itself has not gone on.
    fn signals_others(&self, tid: Tid, row: &Row, arguments: &[u64; 6]) -> bool {
        match row.name {
            "kill" | "rt_sigqueueinfo" | "rt_tgsigqueueinfo" | "tgkill" | "tkill" => {
                let process = |tid: Tid| self.tasks.get(&tid).map(|task| task.pid);
                process(self.pids.real(low(arguments[0]))) != process(tid)
            }
            "pidfd_send_signal" => true,
            _ => false,
        }
    }

    /// Whether a call would make a file or cut one that the original did not have open at its marker.
    /// What both have open is compared there, and nobody would see the others.
    fn changes_file(&self, tid: Tid, row: &Row, arguments: &[u64; 6]) -> bool {
        let create = u64::from(libc::O_CREAT.cast_unsigned());
        let cut = u64::from(libc::O_TRUNC.cast_unsigned());
        let at = |argument: usize| Some(low(arguments[argument]));
        let (folder, path, flags) = match row.name {
            "ftruncate" => {
                let Some(task) = self.tasks.get(&tid) else { return true };
                let table = task.descriptors.borrow();
                let Some(known) = table.get(low(arguments[0])) else { return true };
                return known.kind == ObjectKind::File
                    && known.path.starts_with(b"/")
                    && !known.path.starts_with(b"/memfd:")
                    && !self.had_open(Path::new(OsStr::from_bytes(&known.path)));
            }
            "truncate" => (None, arguments[0], cut),
            "creat" => (None, arguments[0], create | cut),
            "open" => (None, arguments[0], arguments[1]),
            "openat" => (at(0), arguments[1], arguments[2]),
            "openat2" => {
                (at(0), arguments[1], memory::read_u64(tid, arguments[2]).unwrap_or(create | cut))
            }
            _ => return false,
        };
        if flags & (create | cut) == 0 {
            return false;
        }
        let Some(path) = memory::read_string(tid, path, LONGEST_STRING) else { return false };
        let folder = match folder {
            Some(fd) if fd >= 0 => {
                std::fs::read_link(format!("/proc/{tid}/fd/{fd}")).unwrap_or_default()
            }
            _ => folder_path(tid),
        };
        let path = folder.join(OsStr::from_bytes(&path));
        match std::fs::metadata(below(&self.root_of(tid), &path)) {
            Ok(about) if flags & cut == 0 || !about.is_file() || about.len() == 0 => false,
            Err(_) if flags & create == 0 => false,
            _ => !self.had_open(&path),
        }
    }

    fn had_open(&self, path: &Path) -> bool {
        let mirror = self.mirror.as_ref();
        let had =
            |path: &Path| mirror.is_some_and(|mirror| mirror.had_open(path.as_os_str().as_bytes()));
        // It is known by the name that the kernel has for it.
        had(path) || std::fs::canonicalize(path).is_ok_and(|path| had(&path))
    }

    fn is_first_of_original(&self, tid: Tid, row: &Row, arguments: &[u64; 6]) -> bool {
        let Some(first) = self.mirror.as_ref().and_then(|mirror| mirror.first) else {
            return false;
        };
        let mut about = About::new(row);
        for (argument, value) in row.arguments.iter().zip(arguments) {
            about.add(argument.kind, *value, || match argument.kind {
                Kind::Path => {
                    memory::read_string(tid, *value, LONGEST_STRING).map(|path| path_hash(&path))
                }
                _ => {
                    let task = self.tasks.get(&tid)?;
                    let object = task.descriptors.borrow().get(low(*value))?.object;
                    self.names.get(&object).copied()
                }
            });
        }
        first == about.done()
    }
}

/// What tells a call: its number, what it is about, and its numbers.
struct About(Xxh3Default);

impl About {
    fn new(row: &Row) -> Self {
        let mut hasher = Xxh3Default::new();
        hasher.write_u32(row.number);
        Self(hasher)
    }

    fn add(&mut self, kind: Kind, value: u64, name: impl FnOnce() -> Option<u64>) {
        match kind {
            Kind::Path | Kind::Fd => match name() {
                Some(name) => self.0.write_u64(name),
                None => self.0.write_u8(0),
            },
            Kind::Int | Kind::Uint | Kind::Named(_) | Kind::Signal => self.0.write_u64(value),
            _ => {}
        }
    }

    fn done(&self) -> u64 {
        self.0.finish()
    }
}

/// What tells the first call after a marker from others, and whether it makes a thread. Calls that come and go with the runtime are
/// none.
pub(crate) fn first(call: &Call, name: impl Fn(u32) -> Option<u64>) -> Option<(u64, bool)> {
    let row = table::row(call.number)?;
    let counts = match row.class {
        Class::File
        | Class::Descriptor
        | Class::Network
        | Class::Ipc
        | Class::Random
        | Class::Signal
        | Class::System => true,
        Class::Process => makes(row),
        _ => false,
    };
    if !counts || call.flags & call_flags::MARKER != 0 {
        return None;
    }
    let mut about = About::new(row);
    for (index, argument) in row.arguments.iter().enumerate() {
        about.add(argument.kind, call.argument(index), || match argument.kind {
            Kind::Path => call.payload(index, false).map(|path| path_hash(&path.bytes)),
            _ => name(call.object(index)?),
        });
    }
    Some((about.done(), makes(row)))
}

/// What tells a call from others of its thread, roughly: its number, and the file that it is about.
/// `None` for calls that come and go with the runtime, and for those that wait.
pub(crate) fn told_apart(call: &Call, name: impl Fn(u32) -> Option<u64>) -> Option<u64> {
    let counts = match table::class(call.number) {
        Class::File | Class::Descriptor | Class::Network | Class::Process | Class::Ipc => {
            call.flags & call_flags::MARKER == 0
        }
        _ => false,
    };
    counts.then(|| {
        let mut hasher = Xxh3Default::new();
        hasher.write_u64(call.number);
        hasher.write_u64(told_about(call, name));
        hasher.finish()
    })
}

/// Whether time has passed in a call.
pub(crate) fn has_waited(call: &Call) -> bool {
    let Some(row) = table::row(call.number) else { return false };
    match row.name {
        "poll" => low(call.argument(2)) != 0,
        "epoll_wait" | "epoll_pwait" => low(call.argument(3)) != 0,
        "nanosleep" | "clock_nanosleep" => true,
        _ => matches!(row.class, Class::Ready | Class::Wait),
    }
}

fn told_about(call: &Call, name: impl Fn(u32) -> Option<u64>) -> u64 {
    let arguments = table::row(call.number).map_or(&[][..], |row| row.arguments);
    let about = arguments.iter().enumerate().find_map(|(index, argument)| match argument.kind {
        Kind::Path => Some(path_hash(&call.payload(index, false)?.bytes)),
        Kind::Fd => name(call.object(index)?),
        Kind::Signal => Some(call.argument(index)),
        _ => None,
    });
    about.unwrap_or(0)
}

/// Calls by path that change nothing but the process itself, or make what it is to have open.
fn is_harmless(name: &str) -> bool {
    matches!(
        name,
        "access"
            | "chdir"
            | "creat"
            | "faccessat"
            | "faccessat2"
            | "getcwd"
            | "getxattr"
            | "getxattrat"
            | "lgetxattr"
            | "listxattr"
            | "listxattrat"
            | "llistxattr"
            | "lstat"
            | "newfstatat"
            | "open"
            | "openat"
            | "openat2"
            | "readlink"
            | "readlinkat"
            | "stat"
            | "statfs"
            | "statx"
            | "truncate"
            | "umask"
    )
}

/// Whether a call that waits for descriptors would wait at all.
fn waits(tid: Tid, row: &Row, arguments: &[u64; 6]) -> bool {
    let zero = |address: u64| {
        let parts =
            [memory::read_u64(tid, address), memory::read_u64(tid, address.wrapping_add(8))];
        address != 0 && parts == [Some(0), Some(0)]
    };
    match row.name {
        "poll" => low(arguments[2]) != 0,
        "epoll_wait" | "epoll_pwait" => low(arguments[3]) != 0,
        "ppoll" => !zero(arguments[2]),
        "select" | "pselect6" => !zero(arguments[4]),
        "epoll_pwait2" => !zero(arguments[3]),
        _ => true,
    }
}

fn makes(row: &Row) -> bool {
    matches!(row.name, "clone" | "clone3" | "fork" | "vfork")
}

fn makes_thread(tid: Tid, row: &Row, arguments: &[u64; 6]) -> bool {
    let flags = match row.name {
        "clone" => Some(arguments[0]),
        _ => memory::read_u64(tid, arguments[0]),
    };
    flags.is_some_and(|flags| flags & libc::CLONE_THREAD.cast_unsigned() as u64 != 0)
}
