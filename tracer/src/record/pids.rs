//! Process ids as the kernel numbers them and as the program sees them.
//!
//! In a mirrored run the program sees the ids of the earlier run, so every id that comes out of
//! the kernel is translated, and every id that goes in is translated back.

use std::collections::HashMap;

/// The two directions; empty without a mirror.
#[derive(Debug, Default)]
pub(super) struct Pids {
    seen: HashMap<i32, i32>,
    real: HashMap<i32, i32>,
}

impl Pids {
    /// From here on the program sees one id as another. A thread that has ended keeps its
    /// meaning until the kernel gives its number to another one: its parent will still ask for it.
    pub(super) fn set(&mut self, real: i32, seen: i32) {
        if let Some(stale) = self.seen.remove(&real) {
            self.real.remove(&stale);
        }
        if real != seen {
            self.seen.insert(real, seen);
            self.real.insert(seen, real);
        }
    }

    /// What the program sees for an id of the kernel.
    pub(super) fn seen(&self, real: i32) -> i32 {
        self.seen.get(&real).copied().unwrap_or(real)
    }

    /// What the kernel knows for an id of the program; a negative one is a process group.
    pub(super) fn real(&self, seen: i32) -> i32 {
        if let Some(group) = seen.checked_neg().filter(|_| seen < -1) {
            return self.real.get(&group).map_or(seen, |real| -real);
        }
        self.real.get(&seen).copied().unwrap_or(seen)
    }

    /// A path of the kernel as the program sees it: below `/proc`, ids of processes are names.
    pub(super) fn seen_path(&self, path: Vec<u8>) -> Vec<u8> {
        let Some(rest) = path.strip_prefix(b"/proc/").filter(|_| !self.is_plain()) else {
            return path;
        };
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let real = std::str::from_utf8(&rest[..digits]).ok().and_then(|real| real.parse().ok());
        let Some(real) = real else { return path };
        let mut out = format!("/proc/{}", self.seen(real)).into_bytes();
        out.extend_from_slice(&rest[digits..]);
        out
    }

    /// Whether nothing needs translation.
    pub(super) fn is_plain(&self) -> bool {
        self.seen.is_empty()
    }
}
