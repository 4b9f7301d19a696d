//! What a call does with a descriptor that leads out of the program.

use std::hash::Hasher as _;

use xxhash_rust::xxh3::Xxh3Default;

use super::{Class, low};
use crate::table::{Kind, Row};
use crate::trace::Call;

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Takes the next bytes.
    Input,
    /// Hands bytes over.
    Output,
    /// Asks for something, or sets it.
    Told,
    /// Asks by a path for what may be there.
    Named,
    /// Takes a connection.
    Accept,
    Connect,
    Bind,
    /// Waits for several descriptors.
    Ready,
    /// Says for which ones to wait.
    Epoll,
    /// Lets the kernel move bytes between two descriptors.
    Moves,
    /// Nothing that has to do with where the descriptor leads.
    Nothing,
}

/// `FIONBIO`, `FIOASYNC`, `FIONCLEX`, `FIOCLEX`: they change the descriptor alone.
const ABOUT_DESCRIPTOR: [i32; 4] = [0x5421, 0x5452, 0x5450, 0x5451];

impl Role {
    pub(super) fn of(row: &Row, arguments: &[u64; 6]) -> Self {
        match row.name {
            "read" | "readv" | "recvfrom" | "recvmsg" => Self::Input,
            "write" | "writev" | "sendto" | "sendmsg" | "sendmmsg" => Self::Output,
            "accept" | "accept4" => Self::Accept,
            "connect" => Self::Connect,
            "bind" => Self::Bind,
            "poll" | "ppoll" | "select" | "pselect6" | "epoll_wait" | "epoll_pwait"
            | "epoll_pwait2" => Self::Ready,
            "epoll_ctl" => Self::Epoll,
            "sendfile" | "splice" | "tee" | "vmsplice" | "copy_file_range" | "recvmmsg" => {
                Self::Moves
            }
            "fstat" | "lseek" | "ioctl" | "getsockname" | "getpeername" | "getsockopt"
            | "setsockopt" | "shutdown" | "listen" | "fadvise64" | "fstatfs" | "pread64"
            | "preadv" | "preadv2" | "statx" => Self::Told,
            "newfstatat" if is_empty(arguments[3]) => Self::Told,
            "readlink" | "readlinkat" | "stat" | "lstat" | "newfstatat" => Self::Named,
            // All but those that are about the descriptor and no more.
            "fcntl" if !matches!(low(arguments[1]), 0..=2 | 1030) => Self::Told,
            _ => Self::Nothing,
        }
    }

    /// Whether it is answered without the kernel for a descriptor of this class.
    pub(super) fn is_answered(self, class: Class, row: &Row, arguments: &[u64; 6]) -> bool {
        let request = low(arguments[1]);
        match (self, class) {
            (Self::Nothing | Self::Moves | Self::Ready, _) => false,
            // What stands in for a socket is one.
            (Self::Told, Class::Socket) => {
                row.name != "fcntl" && !(row.name == "ioctl" && ABOUT_DESCRIPTOR.contains(&request))
            }
            // What goes out there goes out.
            (Self::Told, Class::Output) => {
                matches!(row.name, "fstat" | "newfstatat" | "statx" | "ioctl")
            }
            (Self::Output, class) => class == Class::Socket,
            _ => true,
        }
    }
}

/// `AT_EMPTY_PATH`.
fn is_empty(flags: u64) -> bool {
    low(flags) & libc::AT_EMPTY_PATH != 0
}

/// Stands for a question: the call and what it is asked with.
pub(super) fn question(row: &Row, call: &Call) -> u64 {
    let mut hasher = Xxh3Default::new();
    hasher.write_u64(call.number);
    for (argument, value) in row.arguments.iter().zip(&call.arguments).skip(1) {
        match argument.kind {
            Kind::Int | Kind::Uint | Kind::Hex | Kind::Named(_) => hasher.write_u64(*value),
            _ => {}
        }
    }
    hasher.finish()
}
