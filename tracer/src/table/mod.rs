//! One table of all system calls: what their arguments mean, what is captured of them, and how
//! they are compared.
//!
//! Recording, showing and comparing all read this table; none of them knows a call by itself
//! unless the table cannot say what it does.

pub(crate) mod errors;
pub(crate) mod flags;
mod rows;

use flags::Flags;

/// What a call is about; decides how it is compared and whether its results are mirrored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Files by path.
    File,
    /// What is done through a descriptor.
    Descriptor,
    /// Sockets.
    Network,
    /// Starting, ending and naming processes and threads.
    Process,
    /// Waiting for a child. When it returns what depends on the schedule.
    Wait,
    /// Waiting for descriptors to become ready, or for time to pass.
    Ready,
    /// Sending and handling signals.
    Signal,
    /// Memory of the process itself.
    Memory,
    /// Locks between threads.
    Sync,
    /// Bookkeeping of the language's runtime with the kernel.
    Runtime,
    /// Reading a clock, or the time used so far.
    Clock,
    /// Random bytes.
    Random,
    /// What the machine is like: its name, memory, processors.
    Machine,
    /// Users, groups, rights.
    Credentials,
    /// Message queues, semaphores and shared memory by key.
    Ipc,
    /// Everything that configures the system or the process.
    System,
    /// No row: nothing is known of it.
    Unknown,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::File,
        Self::Descriptor,
        Self::Network,
        Self::Process,
        Self::Wait,
        Self::Ready,
        Self::Signal,
        Self::Memory,
        Self::Sync,
        Self::Runtime,
        Self::Clock,
        Self::Random,
        Self::Machine,
        Self::Credentials,
        Self::Ipc,
        Self::System,
        Self::Unknown,
    ];

    /// The word for it in text and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Descriptor => "descriptor",
            Self::Network => "network",
            Self::Process => "process",
            Self::Wait => "wait",
            Self::Ready => "ready",
            Self::Signal => "signal",
            Self::Memory => "memory",
            Self::Sync => "sync",
            Self::Runtime => "runtime",
            Self::Clock => "clock",
            Self::Random => "random",
            Self::Machine => "machine",
            Self::Credentials => "credentials",
            Self::Ipc => "ipc",
            Self::System => "system",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the results come from outside the program and are given again in a mirrored run.
    #[must_use]
    pub const fn is_mirrored(self) -> bool {
        matches!(self, Self::Clock | Self::Random | Self::Machine)
    }
}

/// Where the tracer stops for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// At its entry and at its exit.
    Both,
    /// At its entry: it does not return, or what it returns means nothing.
    Entry,
    /// At its entry, and the kernel never sees it: it fails as if it did not exist.
    Refuse,
    /// At its entry and at its exit for the first time; at its entry after that, as it returns the
    /// same until the thread does something about it.
    Steady,
    /// At its entry: the tracer asks the kernel in the program's place, where it would get the same
    /// answer; otherwise also at its exit.
    Answer,
    /// At its entry where that tells the result: a descriptor that is open, and a request that
    /// cannot fail then. Otherwise also at its exit.
    Known,
}

/// What a result means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ret {
    /// A number, or 0 for success.
    Number,
    /// How many bytes were transferred.
    Count,
    /// A new descriptor.
    Fd,
    /// A process or a thread.
    Pid,
    /// An address.
    Address,
    /// A number that depends on the time.
    Time,
    /// It does not return.
    Never,
}

/// How the bytes of a structure are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Compared as they are.
    Plain,
    /// Addresses, padding, or what depends on the schedule: not compared.
    Opaque,
    Stat,
    Statx,
    Statfs,
    /// `linux_dirent64`.
    Entries64,
    /// `linux_dirent`.
    Entries,
    Timespec,
    Timeval,
    /// `rt_sigaction`'s.
    Sigaction,
    Sigset,
    /// `int[2]`.
    FdPair,
    PollFds,
    /// The argument of `clone3`.
    CloneArgs,
    WaitStatus,
    /// An address of a socket.
    SocketAddress,
    EpollEvent,
}

/// What an argument means. Numbers in the variants are indices of other arguments.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// A descriptor.
    Fd,
    /// A descriptor of a folder, or `AT_FDCWD`.
    DirFd,
    /// A signed number.
    Int,
    /// An unsigned number.
    Uint,
    /// An unsigned number, best shown in hexadecimal.
    Hex,
    /// Permission bits.
    Mode,
    /// Bits or values with names.
    Named(&'static Flags),
    /// A process, a thread or (negative) a process group.
    Pid,
    /// A signal.
    Signal,
    /// An address that is not followed.
    Address,
    /// A path.
    Path,
    /// A string that is not a path.
    Text,
    /// A null-terminated array of strings.
    Strings,
    /// Bytes handed over; their count is another argument.
    In(u8),
    /// Bytes received; the capacity is another argument, the count the result.
    Out(u8),
    /// Bytes received; the capacity is another argument, all of which is filled.
    OutAll(u8),
    /// Bytes received; their count stands where another argument points to.
    OutAt(u8, Layout),
    /// An array of buffers handed over; their number is another argument.
    InVector(u8),
    /// An array of buffers received into; their number is another argument.
    OutVector(u8),
    /// A structure handed over, of so many bytes.
    InStruct(u16, Layout),
    /// A structure received.
    OutStruct(u16, Layout),
    /// A structure handed over and received.
    InOutStruct(u16, Layout),
    /// A structure handed over whose size is another argument.
    InSized(u8, Layout),
    /// Structures received: the result says how many, each of so many bytes.
    OutArray(u16, Layout),
    /// Structures handed over: another argument says how many, each of so many bytes.
    InArray(u8, u16),
    /// Structures handed over and received: another argument says how many.
    InOutArray(u8, u16, Layout),
    /// A set of descriptors as `select` takes it; the highest one is another argument.
    FdSet(u8),
    /// A message handed over.
    InMessage,
    /// A message received.
    OutMessage,
    /// Several messages handed over; another argument says how many.
    InMessages(u8),
    /// Several messages received; the result says how many.
    OutMessages,
    /// Depends on the command in another argument.
    Ioctl(u8),
    /// Depends on the command in another argument.
    Fcntl(u8),
    /// Depends on the command in another argument: an address or a number, not followed.
    Depends,
}

/// One argument.
#[derive(Debug)]
pub(crate) struct Argument {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
}

/// One system call.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) number: u32,
    pub(crate) name: &'static str,
    pub(crate) class: Class,
    pub(crate) policy: Policy,
    pub(crate) result: Ret,
    pub(crate) arguments: &'static [Argument],
}

/// The row of a call, if there is one.
pub(crate) fn row(number: u64) -> Option<&'static Row> {
    let number = u32::try_from(number).ok()?;
    // The first rows have no gaps.
    if let Some(row) = rows::ROWS.get(number as usize).filter(|row| row.number == number) {
        return Some(row);
    }
    let found = rows::ROWS.binary_search_by_key(&number, |row| row.number).ok()?;
    Some(&rows::ROWS[found])
}

/// The number of a call by its name, for tests and filters.
#[must_use]
pub fn number(name: &str) -> Option<u64> {
    rows::ROWS.iter().find(|row| row.name == name).map(|row| row.number.into())
}

/// The name of a call; `call_NUMBER` if the table does not know it.
#[must_use]
pub fn name(number: u64) -> String {
    row(number).map_or_else(|| format!("call_{number}"), |row| row.name.to_owned())
}

/// The class of a call.
#[must_use]
pub fn class(number: u64) -> Class {
    row(number).map_or(Class::Unknown, |row| row.class)
}

/// How many calls the table knows.
#[must_use]
pub fn len() -> usize {
    rows::ROWS.len()
}

#[cfg(test)]
mod tests {
    use super::rows::ROWS;
    use super::{Kind, row};

    #[test]
    fn rows_are_in_order_and_refer_to_arguments_that_exist() {
        assert!(ROWS.windows(2).all(|pair| pair[0].number < pair[1].number));
        for call in ROWS {
            assert!(call.arguments.len() <= 6, "{}", call.name);
            for argument in call.arguments {
                let (Kind::In(other)
                | Kind::Out(other)
                | Kind::OutAll(other)
                | Kind::OutAt(other, _)
                | Kind::InVector(other)
                | Kind::OutVector(other)
                | Kind::InSized(other, _)
                | Kind::InArray(other, _)
                | Kind::InOutArray(other, _, _)
                | Kind::FdSet(other)
                | Kind::InMessages(other)
                | Kind::Ioctl(other)
                | Kind::Fcntl(other)) = argument.kind
                else {
                    continue;
                };
                assert!(usize::from(other) < call.arguments.len(), "{}", call.name);
            }
        }
    }

    /// The numbers come from the kernel's own header where it is installed.
    #[test]
    fn every_number_of_the_header_has_a_row_of_that_name() {
        let header = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h";
        let Ok(text) = std::fs::read_to_string(header) else {
            // `println!` would be swallowed by the test harness.
            let told = format!("skipped: {header} not found\n");
            let _ = std::io::Write::write_all(&mut std::io::stderr(), told.as_bytes());
            return;
        };
        let mut seen = 0;
        for line in text.lines() {
            let Some(rest) = line.strip_prefix("#define __NR_") else { continue };
            let mut words = rest.split_whitespace();
            let (Some(name), Some(number)) = (words.next(), words.next()) else { continue };
            let number: u64 = number.parse().expect("a number");
            let row = row(number).unwrap_or_else(|| panic!("no row for {name}"));
            assert_eq!(row.name, name);
            seen += 1;
        }
        assert!(seen > 300, "only {seen} numbers in the header");
    }
}
