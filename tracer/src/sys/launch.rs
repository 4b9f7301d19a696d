//! Starting a program that is traced from its first instruction.

use std::ffi::CString;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use super::filter::Filter;
use super::view::View;
use super::wait::{self, Stop};
use super::{Tid, check, ptrace};

/// What to start.
pub(crate) struct Spec<'a> {
    /// The file to execute.
    pub(crate) program: CString,
    /// Its arguments, its own name first.
    pub(crate) arguments: Vec<CString>,
    /// Its environment, `NAME=value` each.
    pub(crate) environment: Vec<CString>,
    /// Where it starts; `None` is where we are.
    pub(crate) directory: Option<CString>,
    /// How it sees the files; `None` is as we do.
    pub(crate) view: Option<&'a View>,
    /// What it gets as descriptors 0, 1 and 2; `None` is what we have.
    pub(crate) streams: [Option<OwnedFd>; 3],
    /// Where it stops.
    pub(crate) filter: Filter,
    /// Whether its addresses are the same in every run.
    pub(crate) fixed_addresses: bool,
    /// Whether reading the processor's counter of time is a fault.
    pub(crate) trapped_counter: bool,
}

/// The step that failed, told by the child through a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Fork,
    Trace,
    Streams,
    View,
    Directory,
    Filter,
    Execute,
}

/// Why nothing was started.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) step: Step,
    pub(crate) error: io::Error,
}

impl Failure {
    fn at(step: Step) -> impl FnOnce(io::Error) -> Self {
        move |error| Self { step, error }
    }
}

/// Starts the program and leaves it stopped right after its `execve`.
///
/// # Errors
/// The step that failed. No process is left behind.
pub(crate) fn launch(spec: &Spec<'_>) -> Result<Tid, Failure> {
    let (go_read, mut go_write) = io::pipe().map_err(Failure::at(Step::Fork))?;
    let (mut told_read, told_write) = io::pipe().map_err(Failure::at(Step::Fork))?;
    let pointers = Pointers::new(spec);
    // SAFETY: the child runs `child` only, which makes async-signal-safe calls and never returns;
    // so it does not matter that other threads of this process may hold locks.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        child(spec, &pointers, go_read.as_raw_fd(), go_write.as_raw_fd(), told_write.as_raw_fd());
    }
    check(pid.into()).map_err(Failure::at(Step::Fork))?;
    drop(told_write);
    drop(go_read);
    if let Err(error) = ptrace::seize(pid) {
        ptrace::kill(pid);
        let _reaped = wait::of(pid);
        return Err(Failure { step: Step::Trace, error });
    }
    // If this fails the child is gone, and waiting for it tells.
    let _told = go_write.write_all(&[1]);
    drop(go_write);
    loop {
        match wait::of(pid).map_err(Failure::at(Step::Trace))? {
            Some(Stop::Exec) => return Ok(pid),
            Some(Stop::Exited(_) | Stop::Killed(_)) | None => {
                return Err(reason(&mut told_read));
            }
            // Its own `execve`, or what it does after that failed.
            Some(Stop::Signal(signal)) => {
                let _gone = ptrace::resume(pid, signal);
            }
            Some(_) => {
                let _gone = ptrace::resume(pid, 0);
            }
        }
    }
}

/// What the child wrote before it gave up.
fn reason(told: &mut io::PipeReader) -> Failure {
    let mut message = [0; 5];
    if told.read_exact(&mut message).is_err() {
        return Failure {
            step: Step::Execute,
            error: io::Error::other("the process was killed before it could start"),
        };
    }
    let step = match message[0] {
        1 => Step::Streams,
        2 => Step::Directory,
        3 => Step::Filter,
        5 => Step::View,
        _ => Step::Execute,
    };
    let code = i32::from_le_bytes([message[1], message[2], message[3], message[4]]);
    Failure { step, error: io::Error::from_raw_os_error(code) }
}

/// The arrays that `execve` wants, made before the fork because the child must not allocate.
struct Pointers {
    arguments: Vec<*const libc::c_char>,
    environment: Vec<*const libc::c_char>,
}

impl Pointers {
    fn new(spec: &Spec<'_>) -> Self {
        let array = |strings: &[CString]| {
            strings.iter().map(|s| s.as_ptr()).chain([std::ptr::null()]).collect()
        };
        Self { arguments: array(&spec.arguments), environment: array(&spec.environment) }
    }
}

/// Runs in the child. Every call here must be async-signal-safe.
fn child(spec: &Spec<'_>, pointers: &Pointers, go: RawFd, go_write: RawFd, told: RawFd) -> ! {
    // Our copy of the write end would keep the read below from ever seeing the end of the pipe.
    // SAFETY: the descriptor is ours alone in this process, which never drops its owner.
    unsafe { libc::close(go_write) };
    let mut byte = 0_u8;
    // SAFETY: one byte is read into `byte`.
    let count = unsafe { libc::read(go, (&raw mut byte).cast(), 1) };
    if count != 1 {
        leave();
    }
    for (target, source) in (0..).zip(&spec.streams) {
        if let Some(source) = source {
            // SAFETY: takes plain numbers.
            if unsafe { libc::dup2(source.as_raw_fd(), target) } < 0 {
                give_up(told, 1);
            }
        }
    }
    if let Some(view) = spec.view
        && !view.enter()
    {
        give_up(told, 5);
    }
    if let Some(directory) = &spec.directory {
        // SAFETY: the string ends with a NUL and outlives the call.
        if unsafe { libc::chdir(directory.as_ptr()) } != 0 {
            give_up(told, 2);
        }
    }
    if spec.fixed_addresses {
        // Where this is refused the addresses vary; the comparison does not depend on them.
        // SAFETY: takes a plain number.
        unsafe { libc::personality(libc::ADDR_NO_RANDOMIZE as libc::c_ulong) };
    }
    if spec.trapped_counter {
        // It lasts beyond `execve`, and for all that the program starts. Where it is refused the
        // counter says what it says.
        // SAFETY: takes plain numbers.
        unsafe { libc::prctl(libc::PR_SET_TSC, libc::PR_TSC_SIGSEGV, 0, 0, 0) };
    }
    // The Rust runtime ignores SIGPIPE, and the tracer's thread may block signals; a program
    // expects neither.
    // SAFETY: takes plain numbers.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    // SAFETY: sigset_t consists of integers; all zeros is the empty set.
    let none: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: the set outlives the call, and the old one is not asked for.
    unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut()) };
    let gains = spec.view.is_none_or(|view| !view.is_of_user());
    install(&spec.filter, gains, told);
    // SAFETY: both arrays end with a null pointer, all strings with a NUL, and all outlive the
    // call.
    unsafe {
        libc::execve(
            spec.program.as_ptr(),
            pointers.arguments.as_ptr(),
            pointers.environment.as_ptr(),
        )
    };
    give_up(told, 4)
}

/// Installs the filter; without the privilege that takes, only after giving up all privileges
/// that the program could gain by executing a set-user-id file; so from the start if it must not
/// gain any.
fn install(filter: &Filter, gains: bool, told: RawFd) {
    let program = libc::sock_fprog {
        // At most 2 instructions for each system call there is.
        #[expect(clippy::cast_possible_truncation, reason = "a filter is far shorter than 65536")]
        len: filter.0.len() as libc::c_ushort,
        filter: filter.0.as_ptr().cast_mut(),
    };
    let set = || {
        // SAFETY: the kernel only reads the program and the instructions it points to, both of
        // which outlive the call.
        unsafe {
            libc::prctl(
                libc::PR_SET_SECCOMP,
                libc::SECCOMP_MODE_FILTER as libc::c_ulong,
                &raw const program,
            )
        }
    };
    if gains && set() == 0 {
        return;
    }
    // SAFETY: takes plain numbers.
    unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    if set() != 0 {
        give_up(told, 3);
    }
}

/// Tells the parent what failed, and why.
fn give_up(told: RawFd, step: u8) -> ! {
    // SAFETY: returns the address of this thread's errno, which is always valid.
    let location = unsafe { libc::__errno_location() };
    // SAFETY: see above; nothing else writes to it now.
    let code = unsafe { *location };
    let code = code.to_le_bytes();
    let message = [step, code[0], code[1], code[2], code[3]];
    // SAFETY: the bytes outlive the call.
    unsafe { libc::write(told, message.as_ptr().cast(), message.len()) };
    leave()
}

fn leave() -> ! {
    // SAFETY: ends the process without running anything of the parent's.
    unsafe { libc::_exit(127) }
}
