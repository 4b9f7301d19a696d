//! The requests of `ptrace(2)` that the tracer needs, one function each.
//!
//! All of them must be made by the thread that traces.

use std::io;
use std::time::Duration;

use super::arch::{self, Entry, Registers};
use super::{Tid, check};

/// All events.
const EVENTS: libc::c_int = libc::PTRACE_O_TRACESYSGOOD
    | libc::PTRACE_O_TRACEFORK
    | libc::PTRACE_O_TRACEVFORK
    | libc::PTRACE_O_TRACECLONE
    | libc::PTRACE_O_TRACEEXEC
    | libc::PTRACE_O_TRACESECCOMP;

/// A signal on its way to a thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SignalInfo {
    /// Why it was sent: `SI_USER`, `CLD_EXITED`, …
    pub(crate) code: i32,
    /// Who sent it, if somebody did.
    pub(crate) sender: Tid,
    /// What follows in the structure, from its 16th byte on: who sent it, with what.
    pub(crate) about: [u8; ABOUT],
}

/// So many bytes of a signal's description are kept.
const ABOUT: usize = 16;

impl SignalInfo {
    /// Whether this process has sent it to one thread, to get hold of it.
    pub(crate) fn is_ours(&self, signal: i32) -> bool {
        signal == INTERRUPTION
            && self.code == libc::SI_TKILL
            && u32::try_from(self.sender) == Ok(std::process::id())
    }
}

/// What stops a thread in the middle.
const INTERRUPTION: i32 = libc::SIGSTOP;

/// Stops a thread wherever it is.
pub(crate) fn interrupt(tid: Tid) {
    // SAFETY: takes plain numbers. It fails only if the thread is gone.
    unsafe { libc::syscall(libc::SYS_tkill, tid, INTERRUPTION) };
}

/// A request whose third and fourth argument are plain numbers.
fn request(request: libc::c_uint, tid: Tid, data: libc::c_long) -> io::Result<()> {
    let nowhere = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: none of the requests made through this function follows its arguments.
    check(unsafe { libc::ptrace(request, tid, nowhere, data) }).map(drop)
}

/// Starts tracing a thread, without stopping it. It dies with the tracer, and so does all that it
/// makes.
pub(crate) fn seize(tid: Tid) -> io::Result<()> {
    request(libc::PTRACE_SEIZE, tid, (EVENTS | libc::PTRACE_O_EXITKILL).into())
}

/// The same, but it runs on without the tracer.
pub(crate) fn attach(tid: Tid) -> io::Result<()> {
    request(libc::PTRACE_SEIZE, tid, EVENTS.into())
}

/// Makes a thread stop soon, without a signal.
pub(crate) fn halt(tid: Tid) -> io::Result<()> {
    request(libc::PTRACE_INTERRUPT, tid, 0)
}

/// Lets a stopped thread run on, and traces it no more.
pub(crate) fn detach(tid: Tid, signal: i32) -> io::Result<()> {
    request(libc::PTRACE_DETACH, tid, signal.into())
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

/// What `PTRACE_GET_SYSCALL_INFO` tells at a stop of the filter.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Info {
    op: u8,
    padding: [u8; 3],
    architecture: u32,
    instruction: u64,
    stack: u64,
    number: u64,
    arguments: [u64; 6],
    /// What the filter returned with its verdict.
    told: u32,
    reserved: u32,
}

const GET_SYSCALL_INFO: libc::c_uint = 0x420e;

/// The system call that a thread, stopped by the filter, is about to make.
pub(crate) fn entry(tid: Tid) -> io::Result<Entry> {
    info(tid).map(Info::entry)
}

/// The same for a thread that stopped at the border of a call: `None` if it is about to leave it.
pub(crate) fn entry_if_any(tid: Tid) -> io::Result<Option<Entry>> {
    const ENTRY: u8 = 1;
    info(tid).map(|info| (info.op == ENTRY).then(|| info.entry()))
}

fn info(tid: Tid) -> io::Result<Info> {
    let mut info = Info::default();
    let size = std::ptr::without_provenance_mut::<libc::c_void>(size_of::<Info>());
    // SAFETY: the kernel writes at most the given number of bytes, which is the size of `info`.
    check(unsafe { libc::ptrace(GET_SYSCALL_INFO, tid, size, &raw mut info) })?;
    Ok(info)
}

impl Info {
    fn entry(self) -> Entry {
        let x32 = self.number & u64::from(arch::X32) != 0;
        Entry {
            number: self.number,
            arguments: self.arguments,
            instruction: self.instruction,
            foreign: self.architecture != arch::AUDIT || x32,
        }
    }
}

/// The result of the system call that is about to return.
pub(crate) fn result(tid: Tid) -> io::Result<i64> {
    let mut word: libc::c_long = 0;
    let at = std::ptr::without_provenance_mut::<libc::c_void>(arch::RESULT);
    // SAFETY: the system call itself, unlike the C library's function, writes the word to where
    // the last argument points to, and follows no other.
    check(unsafe {
        libc::syscall(libc::SYS_ptrace, libc::PTRACE_PEEKUSER, tid, at, &raw mut word)
    })?;
    Ok(word)
}

/// At an entry: the kernel shall do nothing, and the program see this result.
pub(crate) fn skip(tid: Tid, result: i64) -> io::Result<()> {
    poke(tid, arch::NUMBER, u64::MAX)?;
    poke(tid, arch::RESULT, result.cast_unsigned())
}

/// At an exit: the program shall see this result.
pub(crate) fn set_result(tid: Tid, result: i64) -> io::Result<()> {
    poke(tid, arch::RESULT, result.cast_unsigned())
}

/// The thread goes on here when it returns from its call.
pub(crate) fn return_to(tid: Tid, place: u64) -> io::Result<()> {
    poke(tid, arch::INSTRUCTION, place)
}

/// At an entry: the kernel shall do another call. At an exit: what it has done was this call, if it
/// is to be done again.
pub(crate) fn set_number(tid: Tid, number: u64) -> io::Result<()> {
    poke(tid, arch::NUMBER, number)
}

/// Gives an argument another value. The program may rely on finding its registers unchanged, so
/// the old value has to be put back at the exit.
pub(crate) fn set_argument(tid: Tid, index: usize, value: u64) -> io::Result<()> {
    poke(tid, arch::ARGUMENTS[index.min(5)], value)
}

fn poke(tid: Tid, at: usize, value: u64) -> io::Result<()> {
    let at = std::ptr::without_provenance_mut::<libc::c_void>(at);
    // SAFETY: the place is an offset into the kernel's copy of the registers, which the kernel
    // checks, and the value is a number.
    check(unsafe { libc::ptrace(libc::PTRACE_POKEUSER, tid, at, value) }).map(drop)
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

/// What the kernel tells of a signal: its `siginfo_t`.
#[repr(C, align(8))]
struct RawInfo {
    signal: i32,
    error: i32,
    code: i32,
    padding: i32,
    about: [u8; ABOUT],
    rest: [u8; 96],
}

impl RawInfo {
    const EMPTY: Self =
        Self { signal: 0, error: 0, code: 0, padding: 0, about: [0; ABOUT], rest: [0; 96] };
}

const _: () = assert!(size_of::<RawInfo>() == size_of::<libc::siginfo_t>());

/// What is known of the signal that a thread stopped for.
pub(crate) fn signal_info(tid: Tid) -> io::Result<SignalInfo> {
    let mut info = RawInfo::EMPTY;
    let nowhere = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: the kernel writes one siginfo_t to the address of `info`, which is as large and holds
    // nothing but integers.
    check(unsafe { libc::ptrace(libc::PTRACE_GETSIGINFO, tid, nowhere, &raw mut info) })?;
    let [a, b, c, d, ..] = info.about;
    let sender = i32::from_ne_bytes([a, b, c, d]);
    Ok(SignalInfo { code: info.code, sender, about: info.about })
}

/// Makes the signal that a thread has stopped for look as if it was sent for this reason.
pub(crate) fn set_signal_info(tid: Tid, signal: i32, code: i32, about: &[u8]) -> io::Result<()> {
    let mut info = RawInfo { signal, code, ..RawInfo::EMPTY };
    for (to, from) in info.about.iter_mut().zip(about) {
        *to = *from;
    }
    let nowhere = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: the kernel reads one siginfo_t from the address of `info`, which is as large.
    check(unsafe { libc::ptrace(libc::PTRACE_SETSIGINFO, tid, nowhere, &raw const info) })?;
    Ok(())
}

/// Sends a signal to a thread after some time, if it is still there.
pub(crate) fn send_later(pid: Tid, tid: Tid, signal: i32, after: Duration) {
    let send = move || {
        std::thread::sleep(after);
        send(pid, tid, signal);
    };
    let _without_it = std::thread::Builder::new().name("later".to_owned()).spawn(send);
}

/// Sends a signal to a thread.
pub(crate) fn send(pid: Tid, tid: Tid, signal: i32) {
    // SAFETY: takes plain numbers. It fails only if the thread is gone.
    unsafe { libc::syscall(libc::SYS_tgkill, pid, tid, signal) };
}

/// Kills a process that is traced.
pub(crate) fn kill(pid: Tid) {
    // SAFETY: takes plain numbers. It fails only if the process is gone, which is what we want.
    unsafe { libc::kill(pid, libc::SIGKILL) };
}
