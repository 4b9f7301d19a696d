//! What the kernel tells of a process in `/proc`.

use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

use crate::sys::Tid;

/// The working folder of a task.
pub(super) fn folder(tid: Tid) -> Vec<u8> {
    std::fs::read_link(format!("/proc/{tid}/cwd"))
        .map(|path| path.into_os_string().into_vec())
        .unwrap_or_default()
}

/// The same as a path.
pub(super) fn folder_path(tid: Tid) -> PathBuf {
    std::fs::read_link(format!("/proc/{tid}/cwd")).unwrap_or_default()
}

/// Parent, group and session of a process.
pub(super) fn born_into(pid: Tid) -> [i32; 3] {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name stands in parentheses and may hold anything; after it: state, parent, group, session.
    let rest = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let mut words = rest.split_whitespace().skip(1).map(|word| word.parse().unwrap_or(0));
    let mut next = || words.next().unwrap_or(0);
    [next(), next(), next()]
}

/// The user whose rights a process has.
pub(super) fn effective_user(pid: Tid) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Whether we live under a seccomp filter, which programs that we start inherit.
pub(super) fn is_filtered() -> bool {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    status.lines().any(|line| line.strip_prefix("Seccomp:").is_some_and(|mode| mode.trim() == "2"))
}
