//! Waiting for the next stop of any traced thread.

use std::io;

use super::{Tid, check};

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
    /// A system call is about to return; or to be made, if the thread stops at every call.
    Border,
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

/// The same, but it ends with [`io::ErrorKind::Interrupted`] when somebody wakes the thread.
pub(crate) fn next_or_woken() -> io::Result<Option<(Tid, Stop)>> {
    once(-1, libc::__WALL | libc::__WNOTHREAD)
}

/// Nobody is to be told by a signal that a traced thread has stopped, which the kernel would do at
/// each stop besides waking who waits. Where somebody listens to that signal nothing is changed.
pub(crate) fn no_signals() {
    // SAFETY: sigaction consists of integers and an optional pointer; all zeros is a value of it.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes to `action`, and no new action is given.
    let told = unsafe { libc::sigaction(libc::SIGCHLD, std::ptr::null(), &raw mut action) };
    if told == 0 && action.sa_sigaction == libc::SIG_DFL {
        action.sa_flags |= libc::SA_NOCLDSTOP;
        // SAFETY: the action is the one that is set, but for a flag; it outlives the call, and the
        // old one is not asked for.
        unsafe { libc::sigaction(libc::SIGCHLD, &raw const action, std::ptr::null_mut()) };
    }
}

/// What wakes a thread that waits; without a handler it does nothing at all.
const WAKING: i32 = libc::SIGURG;

/// Lets the calling thread be woken while it waits, and says which one it is.
pub(crate) fn may_be_woken() -> io::Result<Tid> {
    extern "C" fn nothing(_signal: libc::c_int) {}
    // SAFETY: sigaction consists of integers and an optional pointer; all zeros is a value of it,
    // with an empty set and no flags: so calls that it interrupts are not made again.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = nothing as extern "C" fn(libc::c_int) as libc::sighandler_t;
    // SAFETY: the action outlives the call, its handler does nothing, and the old action is not
    // asked for.
    check(unsafe { libc::sigaction(WAKING, &raw const action, std::ptr::null_mut()) }.into())?;
    // SAFETY: sigset_t consists of integers; all zeros is the empty set.
    let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: the set is ours, and the signal exists.
    unsafe { libc::sigaddset(&raw mut set, WAKING) };
    // SAFETY: the set outlives the call, and the old one is not asked for.
    unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, std::ptr::null_mut()) };
    // SAFETY: takes no argument.
    Ok(unsafe { libc::gettid() })
}

/// Wakes a thread of this process that waits. If it does not wait just now, nothing happens.
pub(crate) fn wake(tid: Tid) {
    let own = std::process::id();
    // SAFETY: takes plain numbers. It fails only if the thread is gone.
    unsafe { libc::syscall(libc::SYS_tgkill, own, tid, WAKING) };
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
        match once(pid, options) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

fn once(pid: Tid, options: i32) -> io::Result<Option<(Tid, Stop)>> {
    let mut status = 0;
    // SAFETY: the kernel writes one int to the address of `status`.
    let tid = unsafe { libc::waitpid(pid, &raw mut status, options) };
    if tid > 0 {
        return Ok(Some((tid, meaning(status))));
    }
    if tid == 0 {
        return Ok(None);
    }
    match io::Error::last_os_error() {
        error if error.raw_os_error() == Some(libc::ECHILD) => Ok(None),
        error => Err(error),
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
        0 if signal == libc::SIGTRAP | 0x80 => Stop::Border,
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

/// The most memory that any process had which we started and that has ended, in KiB.
pub(crate) fn largest_child() -> u64 {
    // SAFETY: rusage consists of integers; all zeros is a value of it.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes to `usage`, which outlives the call.
    let result = unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage) };
    if result == 0 { u64::try_from(usage.ru_maxrss).unwrap_or(0) } else { 0 }
}
