//! Waiting for the next stop of any traced thread.

use std::io;

use super::Tid;

/// Why a thread stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It ended with this exit status.
    Exited(i32),
    /// A signal ended it.
    Killed(i32),
    /// A signal is about to be delivered.
    Signal(i32),
    /// Job control stopped it.
    Group(i32),
    /// It is new and waits for its tracer.
    Started,
    /// The filter wants the tracer to look at a system call.
    Entry,
    /// A system call is about to return.
    Exit,
    /// It made a process or a thread.
    Cloned,
    /// It runs another program from here on.
    Exec,
    /// Something else that needs nothing but to be resumed.
    Other,
}

/// Waits for the next stop of a thread that the calling thread traces. `None` when there is none
/// left.
///
/// Only what the calling thread itself traces or started is waited for, so that a tracer does not
/// take other children of its process away from whoever waits for them.
pub(crate) fn next() -> io::Result<Option<(Tid, Stop)>> {
    wait(-1, 0)
}

/// The same if there is one already.
pub(crate) fn poll() -> io::Result<Option<(Tid, Stop)>> {
    wait(-1, libc::WNOHANG)
}

/// The same for one process.
pub(crate) fn of(pid: Tid) -> io::Result<Option<Stop>> {
    wait(pid, 0).map(|stop| stop.map(|(_, stop)| stop))
}

fn wait(pid: Tid, options: i32) -> io::Result<Option<(Tid, Stop)>> {
    let options = options | libc::__WALL | libc::__WNOTHREAD;
    loop {
        let mut status = 0;
        // SAFETY: the kernel writes one int to the address of `status`.
        let tid = unsafe { libc::waitpid(pid, &raw mut status, options) };
        if tid > 0 {
            return Ok(Some((tid, meaning(status))));
        }
        if tid == 0 {
            return Ok(None);
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::EINTR) => {}
            Some(libc::ECHILD) => return Ok(None),
            _ => return Err(error),
        }
    }
}

fn meaning(status: i32) -> Stop {
    if libc::WIFEXITED(status) {
        return Stop::Exited(libc::WEXITSTATUS(status));
    }
    if libc::WIFSIGNALED(status) {
        return Stop::Killed(libc::WTERMSIG(status));
    }
    let signal = libc::WSTOPSIG(status);
    match status >> 16 {
        0 if signal == libc::SIGTRAP | 0x80 => Stop::Exit,
        0 => Stop::Signal(signal),
        libc::PTRACE_EVENT_STOP if signal == libc::SIGTRAP => Stop::Started,
        libc::PTRACE_EVENT_STOP => Stop::Group(signal),
        libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK | libc::PTRACE_EVENT_CLONE => {
            Stop::Cloned
        }
        libc::PTRACE_EVENT_EXEC => Stop::Exec,
        libc::PTRACE_EVENT_SECCOMP => Stop::Entry,
        _ => Stop::Other,
    }
}
