//! What a simulation does, and what it leaves with the kernel.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use samestate_schema::marker::Kind;

use super::{Result, announce, call};

/// What to simulate.
pub(crate) struct Plan {
    pub(crate) folder: PathBuf,
    pub(crate) steps: u64,
    pub(crate) every: u64,
    flags: Vec<String>,
}

impl Plan {
    pub(crate) fn new(folder: &str, steps: u64, every: u64, words: &[String]) -> Self {
        let flags = words.iter().filter(|word| word.starts_with("--")).cloned().collect();
        Self { folder: folder.into(), steps, every, flags }
    }

    /// A file that is no part of the state.
    pub(crate) fn outside(&self) -> PathBuf {
        self.folder.with_file_name("outside")
    }

    /// Counts the runs outside of the state.
    pub(crate) fn begin(&self, forgetful: bool) -> Result {
        self.kernel(forgetful)?;
        if self.has("--outside") {
            let runs = fs::read_to_string(self.outside()).unwrap_or_default();
            fs::write(self.outside(), format!("{runs}x"))?;
        }
        Ok(())
    }

    /// Announces a save, unless it shall be told by the files alone.
    pub(crate) fn announce(
        &self,
        kind: Kind,
        seq: u64,
        step: u64,
        image_id: [u8; 16],
        path: &Path,
    ) {
        if !self.has("--unannounced") {
            announce(kind, seq, step, image_id, path);
        }
    }

    /// Leaves something with the kernel that no image can hold.
    fn kernel(&self, forgetful: bool) -> Result {
        extern "C" fn nothing(_: i32) {}
        let has = |flag: &str| self.has(flag) && !forgetful;
        let signal = 1_u64 << (libc::SIGUSR1 - 1);
        if has("--umask") {
            call(libc::SYS_umask, [0o027, 0, 0]);
        }
        if self.has("--apart") {
            const MOUNTS: u64 = 0x2_0000;
            call(libc::SYS_unshare, [MOUNTS, 0, 0]);
        }
        if has("--folder") {
            std::env::set_current_dir(&self.folder)?;
        }
        if has("--blocked") {
            let set = [signal];
            // SAFETY: the set has the eight bytes that are told, and outlives the call.
            unsafe { libc::syscall(libc::SYS_rt_sigprocmask, 0, set.as_ptr(), 0, 8) };
        }
        if has("--ignored") {
            // SAFETY: ignoring a signal calls nothing.
            unsafe { libc::signal(libc::SIGUSR1, libc::SIG_IGN) };
        }
        if has("--handled") {
            let handler = nothing as extern "C" fn(i32);
            // SAFETY: the handler does nothing, which is safe at any time.
            unsafe { libc::signal(libc::SIGUSR1, handler as libc::sighandler_t) };
        }
        if has("--interval") {
            let hour = libc::timeval { tv_sec: 3600, tv_usec: 0 };
            let timer = libc::itimerval { it_interval: hour, it_value: hour };
            // SAFETY: the timer outlives the call.
            unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()) };
        }
        if has("--timer") {
            let mut id: libc::timer_t = std::ptr::null_mut();
            // SAFETY: the kernel writes the timer's number to `id`, and takes its usual event.
            unsafe { libc::timer_create(libc::CLOCK_MONOTONIC, std::ptr::null_mut(), &raw mut id) };
        }
        if has("--limit") {
            let limit = libc::rlimit { rlim_cur: 77, rlim_max: 77 };
            // SAFETY: the limit outlives the call.
            unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
        }
        if has("--open") {
            std::mem::forget(File::open("/dev/zero")?);
        }
        if self.has("--flags") {
            let file = File::options().append(!forgetful).write(true).open("/dev/null")?;
            std::mem::forget(file);
        }
        Ok(())
    }

    /// What stands behind a flag.
    pub(crate) fn number(&self, flag: &str) -> Option<u64> {
        self.flags.iter().find_map(|known| known.strip_prefix(flag)?.parse().ok())
    }

    pub(crate) fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|known| known == flag)
    }
}
