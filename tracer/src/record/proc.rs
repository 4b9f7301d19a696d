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
    let words = stat(pid);
    [1, 2, 3].map(|at| words.get(at).and_then(|word| word.parse().ok()).unwrap_or(0))
}

/// What stands in `stat` behind the name: state, parent, group, session, terminal, its group, flags.
/// The name stands in parentheses and may hold anything.
pub(super) fn stat(pid: Tid) -> Vec<String> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let rest = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    rest.split_whitespace().map(str::to_owned).collect()
}

/// The user whose rights a process has.
pub(super) fn effective_user(pid: Tid) -> Option<u32> {
    StatusLines::of(pid)?.field("Uid:")?.split_whitespace().nth(1)?.parse().ok()
}

/// Whether we live under a seccomp filter, which programs that we start inherit.
pub(super) fn is_filtered() -> bool {
    StatusLines::read("thread-self").is_some_and(|status| status.field("Seccomp:") == Some("2"))
}

/// What the kernel tells of a process in lines.
pub(super) struct StatusLines(String);

impl StatusLines {
    /// Of a process, or of a thread.
    pub(super) fn of(tid: Tid) -> Option<Self> {
        Self::read(&tid.to_string())
    }

    fn read(name: &str) -> Option<Self> {
        std::fs::read_to_string(format!("/proc/{name}/status")).ok().map(Self)
    }

    /// What stands behind the name of a field, which ends with a colon.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
    }

    /// The same as a number.
    pub(super) fn number(&self, name: &str) -> Option<i32> {
        self.field(name)?.parse().ok()
    }
}
