//! Looking at the descriptors and the state of a stopped process without changing either.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use super::{Tid, check};

/// A process, for [`is_ready`].
#[derive(Debug)]
pub(crate) struct Process(OwnedFd);

impl Process {
    pub(crate) fn open(pid: Tid) -> io::Result<Self> {
        // SAFETY: takes plain numbers.
        let fd = check(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
        own(fd).map(Self)
    }

    /// A descriptor of ours for what one of the process leads to. As long as we have it, closing
    /// the other does not end what it leads to.
    fn duplicate(&self, fd: RawFd) -> io::Result<OwnedFd> {
        // SAFETY: takes plain numbers; the process's descriptor is open.
        let fd = check(unsafe { libc::syscall(libc::SYS_pidfd_getfd, self.0.as_raw_fd(), fd, 0) })?;
        own(fd)
    }
}

fn own(fd: i64) -> io::Result<OwnedFd> {
    let fd = RawFd::try_from(fd).map_err(io::Error::other)?;
    // SAFETY: the kernel has just made it, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Whether a call on a descriptor of a process never waits.
pub(crate) fn is_nonblocking(process: &Process, fd: RawFd) -> io::Result<bool> {
    let ours = process.duplicate(fd)?;
    // SAFETY: takes plain numbers; the descriptor is open.
    let flags = check(unsafe { libc::fcntl(ours.as_raw_fd(), libc::F_GETFL) }.into())?;
    Ok(flags & i64::from(libc::O_NONBLOCK) != 0)
}

/// Whether one of the descriptors, each with what is wanted of it, is ready now. One that cannot be
/// looked at counts as ready: then the call itself tells.
pub(crate) fn is_ready(process: &Process, wanted: &[(RawFd, i16)]) -> bool {
    let mut ours = Vec::with_capacity(wanted.len());
    let mut polled = Vec::with_capacity(wanted.len());
    for &(fd, events) in wanted {
        let Ok(duplicate) = process.duplicate(fd) else { return true };
        polled.push(libc::pollfd { fd: duplicate.as_raw_fd(), events, revents: 0 });
        ours.push(duplicate);
    }
    let Ok(count) = libc::nfds_t::try_from(polled.len()) else { return true };
    // SAFETY: the array has as many entries as is said, and outlives the call.
    unsafe { libc::poll(polled.as_mut_ptr(), count, 0) != 0 }
}

/// The address that a socket of a process has itself, as the kernel writes it.
pub(crate) fn own_address(process: &Process, fd: RawFd) -> io::Result<Vec<u8>> {
    let ours = process.duplicate(fd)?;
    let mut address = [0_u8; 128];
    let mut length = 128;
    // SAFETY: the kernel writes at most `length` bytes to the array, which has so many.
    let got = unsafe {
        libc::getsockname(ours.as_raw_fd(), address.as_mut_ptr().cast(), &raw mut length)
    };
    check(got.into())?;
    Ok(address[..(length as usize).min(address.len())].to_vec())
}

/// The address at the other end of a socket of a process.
pub(crate) fn other_address(process: &Process, fd: RawFd) -> io::Result<Vec<u8>> {
    let ours = process.duplicate(fd)?;
    let mut address = [0_u8; 128];
    let mut length = 128;
    // SAFETY: the kernel writes at most `length` bytes to the array, which has so many.
    let got = unsafe {
        libc::getpeername(ours.as_raw_fd(), address.as_mut_ptr().cast(), &raw mut length)
    };
    check(got.into())?;
    Ok(address[..(length as usize).min(address.len())].to_vec())
}

/// The process that was at the other end of a local socket when it was connected.
pub(crate) fn other_process(process: &Process, fd: RawFd) -> io::Result<Tid> {
    let ours = process.duplicate(fd)?;
    // pid, uid, gid.
    let mut who = [0_i32; 3];
    let mut length = 12;
    // SAFETY: the kernel writes at most `length` bytes to the array, which has so many.
    let got = unsafe {
        libc::getsockopt(
            ours.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            who.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    check(got.into())?;
    Ok(who[0])
}

/// Whether a socket of a process carries connections.
pub(crate) fn is_stream(process: &Process, fd: RawFd) -> bool {
    let Ok(ours) = process.duplicate(fd) else { return false };
    let mut kind = 0_i32;
    let mut length = 4;
    // SAFETY: the kernel writes at most `length` bytes to the number, which has so many.
    let got = unsafe {
        libc::getsockopt(
            ours.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_TYPE,
            (&raw mut kind).cast(),
            &raw mut length,
        )
    };
    got == 0 && matches!(kind, libc::SOCK_STREAM | libc::SOCK_SEQPACKET)
}

/// Sets where a file of a process stands.
pub(crate) fn set_position(process: &Process, fd: RawFd, position: u64) -> io::Result<()> {
    let ours = process.duplicate(fd)?;
    let position = i64::try_from(position).map_err(io::Error::other)?;
    // SAFETY: takes plain numbers; the descriptor is open.
    check(unsafe { libc::lseek(ours.as_raw_fd(), position, libc::SEEK_SET) }).map(drop)
}

/// Lets others run on this processor.
pub(crate) fn give_way() {
    // SAFETY: takes no argument.
    unsafe { libc::sched_yield() };
}

/// Waits a little, longer the more often it is called.
#[derive(Debug, Default)]
pub(crate) struct Patience(u32);

impl Patience {
    /// The first ones only give way to whoever is about to stop.
    const QUICK: u32 = 40;

    pub(crate) fn pause(&mut self) {
        if self.0 < Self::QUICK {
            give_way();
        } else {
            let more = u64::from(self.0 - Self::QUICK);
            std::thread::sleep(Duration::from_micros((20 + 10 * more).min(2000)));
        }
        self.0 = self.0.saturating_add(1);
    }

    /// Whether it was called often enough that something else may be the matter.
    pub(crate) const fn is_tried(&self) -> bool {
        self.0 >= 2
    }
}
