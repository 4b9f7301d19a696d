//! Signals that ask us to end: what runs is ended properly first.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

/// Notices the signals that ask us to end, from its creation on.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    /// Set when one came.
    pub(crate) interrupt: Arc<AtomicBool>,
    /// Which one.
    which: Arc<AtomicUsize>,
}

impl Signals {
    /// All that ask us to end.
    pub(crate) fn all() -> Self {
        let signals = Self::default();
        [SIGINT, SIGTERM, SIGHUP].into_iter().for_each(|signal| signals.notice(signal));
        signals
    }

    /// All but the one that a terminal sends to the program that we run as well: it is the program
    /// that decides what becomes of it.
    pub(crate) fn but_interrupts() -> Self {
        let signals = Self::default();
        [SIGTERM, SIGHUP].into_iter().for_each(|signal| signals.notice(signal));
        if !is_ignored(SIGINT) {
            // Where no handler can be installed, the signal ends us as ever.
            let _as_ever = flag::register(SIGINT, Arc::default());
        }
        signals
    }

    fn notice(&self, signal: i32) {
        let Ok(number) = usize::try_from(signal) else { return };
        if !is_ignored(signal) {
            // As above.
            let _as_ever = flag::register_usize(signal, Arc::clone(&self.which), number)
                .and_then(|_| flag::register(signal, Arc::clone(&self.interrupt)));
        }
    }

    /// After all is tidied up: ends us as the signal would have, so that whoever started us sees
    /// it. Returns if none came.
    pub(crate) fn end_as_told(&self) {
        if self.interrupt.load(Ordering::Relaxed)
            && let Ok(signal) = i32::try_from(self.which.load(Ordering::Relaxed))
        {
            // It returns for signals without a default action only.
            let _none_of_ours = low_level::emulate_default_handler(signal);
        }
    }
}

/// Whether whoever started us asked that we ignore the signal, as `nohup` does.
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask & (1 << (signal - 1)) != 0
}
