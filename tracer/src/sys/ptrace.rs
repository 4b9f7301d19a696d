//! The requests of `ptrace(2)` that the tracer needs, one function each.
//!
//! All of them must be made by the thread that traces.

use std::io;

use super::arch::Registers;
use super::{Tid, check};

/// All events; traced processes die with the tracer.
const OPTIONS: libc::c_int = libc::PTRACE_O_TRACESYSGOOD
    | libc::PTRACE_O_TRACEFORK
    | libc::PTRACE_O_TRACEVFORK
    | libc::PTRACE_O_TRACECLONE
    | libc::PTRACE_O_TRACEEXEC
    | libc::PTRACE_O_TRACESECCOMP
    | libc::PTRACE_O_EXITKILL;

/// A signal on its way to a thread.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SignalInfo {
    /// Why it was sent: `SI_USER`, `CLD_EXITED`, …
    pub(crate) code: i32,
}

/// A request whose third and fourth argument are plain numbers.
fn request(request: libc::c_uint, tid: Tid, data: libc::c_long) -> io::Result<()> {
    let nowhere = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: none of the requests made through this function follows its arguments.
    check(unsafe { libc::ptrace(request, tid, nowhere, data) }).map(drop)
}

/// Starts tracing a thread, without stopping it.
pub(crate) fn seize(tid: Tid) -> io::Result<()> {
    request(libc::PTRACE_SEIZE, tid, OPTIONS.into())
}

/// Lets the thread run on to its next event, and delivers a signal to it (0: none).
pub(crate) fn resume(tid: Tid, signal: i32) -> io::Result<()> {
    request(libc::PTRACE_CONT, tid, signal.into())
}

/// The same, but it also stops at the end of its system call.
pub(crate) fn resume_to_exit(tid: Tid, signal: i32) -> io::Result<()> {
    request(libc::PTRACE_SYSCALL, tid, signal.into())
}

/// Leaves the thread stopped as job control wants it, and keeps listening for events.
pub(crate) fn listen(tid: Tid) -> io::Result<()> {
    request(libc::PTRACE_LISTEN, tid, 0)
}

/// The number that comes with the event: the new thread, the old thread id, the filter's data.
pub(crate) fn event_message(tid: Tid) -> io::Result<u64> {
    let mut message: libc::c_ulong = 0;
    let nowhere = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: the kernel writes one unsigned long to the address of `message`.
    check(unsafe { libc::ptrace(libc::PTRACE_GETEVENTMSG, tid, nowhere, &raw mut message) })?;
    Ok(message)
}

/// The registers of a stopped thread.
pub(crate) fn registers(tid: Tid) -> io::Result<Registers> {
    // SAFETY: user_regs_struct consists of integers; all zeros is a value of it.
    let mut registers: libc::user_regs_struct = unsafe { std::mem::zeroed() };
    let nowhere = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: the kernel writes one user_regs_struct to the address of `registers`.
    check(unsafe { libc::ptrace(libc::PTRACE_GETREGS, tid, nowhere, &raw mut registers) })?;
    Ok(Registers(registers))
}

/// Gives a stopped thread these registers.
pub(crate) fn set_registers(tid: Tid, registers: &Registers) -> io::Result<()> {
    let nowhere = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: the kernel reads one user_regs_struct from the address of `registers.0`.
    check(unsafe { libc::ptrace(libc::PTRACE_SETREGS, tid, nowhere, &raw const registers.0) })?;
    Ok(())
}

/// What is known of the signal that a thread stopped for.
pub(crate) fn signal_info(tid: Tid) -> io::Result<SignalInfo> {
    // SAFETY: siginfo_t consists of integers and untyped bytes; all zeros is a value of it.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let nowhere = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: the kernel writes one siginfo_t to the address of `info`.
    check(unsafe { libc::ptrace(libc::PTRACE_GETSIGINFO, tid, nowhere, &raw mut info) })?;
    Ok(SignalInfo { code: info.si_code })
}

/// Kills a process that is traced.
pub(crate) fn kill(pid: Tid) {
    // SAFETY: takes plain numbers. It fails only if the process is gone, which is what we want.
    unsafe { libc::kill(pid, libc::SIGKILL) };
}
