//! Whether a stopped thread has a signal to handle.

use std::fs;

use crate::sys::Tid;

/// What the kernel says of a thread's signals: sets, one bit each.
struct Signals {
    pending: u64,
    blocked: u64,
    ignored: u64,
    caught: u64,
}

/// Signals that do nothing unless the program says so.
const HARMLESS: [i32; 4] = [libc::SIGCHLD, libc::SIGURG, libc::SIGWINCH, libc::SIGCONT];

/// Whether a signal waits for a thread that would end its call. `mask` is what the call blocks, if
/// it says so.
pub(super) fn wait_for(pid: Tid, tid: Tid, mask: Option<u64>) -> bool {
    let Some(signals) = read(pid, tid) else { return false };
    let harmless: u64 = HARMLESS.iter().map(|signal| 1 << (signal - 1)).sum();
    let pending = signals.pending & !mask.unwrap_or(signals.blocked) & !signals.ignored;
    pending & (signals.caught | !harmless) != 0
}

/// Whether a signal waits for a thread that it does not block.
pub(in super::super) fn has_deliverable(pid: Tid, tid: Tid) -> bool {
    wait_for(pid, tid, None)
}

/// Whether a signal waits for a thread.
pub(in super::super) fn has_pending(pid: Tid, tid: Tid, signal: i32) -> bool {
    read(pid, tid).is_some_and(|signals| signals.pending & 1 << (signal - 1) != 0)
}

fn read(pid: Tid, tid: Tid) -> Option<Signals> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{tid}/status")).ok()?;
    let set = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        u64::from_str_radix(line.trim(), 16).ok()
    };
    Some(Signals {
        pending: set("SigPnd:")? | set("ShdPnd:")?,
        blocked: set("SigBlk:")?,
        ignored: set("SigIgn:")?,
        caught: set("SigCgt:")?,
    })
}
