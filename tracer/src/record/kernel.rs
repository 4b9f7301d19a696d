//! The state that the kernel keeps for a process, and that no image can hold.

use std::fs;
use std::os::unix::ffi::OsStrExt;

use super::proc::StatusLines;
use crate::sys::Tid;

/// Signals that the C library keeps for itself, as bits of a mask: it handles them from when the
/// process makes its first thread, which may be before the marker in one run and after it in the
/// other.
const OF_THE_LIBRARY: u64 = 0b11 << 31;

/// What the kernel says of a stopped thread and its process, each with a name for people.
pub(super) fn state(tid: Tid) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    if let Ok(folder) = fs::read_link(format!("/proc/{tid}/cwd")) {
        all.push(("working folder".to_owned(), folder.as_os_str().as_bytes().to_vec()));
    }
    let read = |name: &str| fs::read_to_string(name).unwrap_or_default();
    let status = StatusLines::of(tid);
    for (field, name) in [
        ("Umask:", "mask of new files"),
        ("Uid:", "users"),
        ("Gid:", "groups"),
        ("SigBlk:", "blocked signals"),
        ("SigIgn:", "ignored signals"),
        ("SigCgt:", "handled signals"),
    ] {
        let Some(value) = status.as_ref().and_then(|status| status.field(field)) else {
            continue;
        };
        let value = match u64::from_str_radix(value, 16).ok().filter(|_| field.starts_with("Sig")) {
            Some(mask) => signals(mask & !OF_THE_LIBRARY),
            None => value.split_whitespace().collect::<Vec<_>>().join(" "),
        };
        all.push((name.to_owned(), value.into_bytes()));
    }
    let limits = read(&format!("/proc/{tid}/limits"));
    for line in limits.lines().skip(1) {
        // The name has 26 columns, and blanks within.
        let (Some(name), Some(values)) = (line.get(..26), line.get(26..)) else { continue };
        let values: Vec<_> = values.split_whitespace().take(2).collect();
        all.push((
            format!("limit of {}", name.trim().to_lowercase()),
            values.join(" ").into_bytes(),
        ));
    }
    for (number, timer) in timers(&read(&format!("/proc/{tid}/timers"))).into_iter().enumerate() {
        all.push((format!("timer {number}"), timer.into_bytes()));
    }
    all
}

/// The names of the signals of a mask.
fn signals(mask: u64) -> String {
    let set = (0..64).filter(|bit| mask >> bit & 1 != 0);
    let names: Vec<_> = set.map(|bit| crate::table::errors::signal_name(bit + 1)).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(" ") }
}

/// Each timer by its clock, its signal and who gets it; ids and addresses are the kernel's choice.
fn timers(text: &str) -> Vec<String> {
    let mut timers: Vec<String> = Vec::new();
    for line in text.lines() {
        let Some((field, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        match field {
            "ID" => timers.push(String::new()),
            "signal" | "notify" | "ClockID" => {
                let value = value.split(['/', '.']).next().unwrap_or_default();
                if let Some(timer) = timers.last_mut() {
                    let blank = if timer.is_empty() { "" } else { " " };
                    timer.push_str(&format!("{blank}{field} {value}"));
                }
            }
            _ => {}
        }
    }
    timers
}

#[cfg(test)]
mod tests {
    use super::{signals, timers};

    #[test]
    fn masks_and_timers_are_told_in_words() {
        assert_eq!(signals(0), "none");
        assert_eq!(signals(0b10_0000_0001), "SIGHUP SIGUSR1");
        let text =
            "ID: 0\nsignal: 14/00007fff\nnotify: signal/pid.26\nClockID: 1\nID: 1\nClockID: 0\n";
        assert_eq!(timers(text), ["signal 14 notify signal ClockID 1", "ClockID 0"]);
    }
}
