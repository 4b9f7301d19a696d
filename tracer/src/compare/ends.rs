//! How threads end, which signals they get, and which of them there are.

use samestate_report::{Finding, rules};

use super::control::Spot;
use super::load::Stream;
use super::{Differ, subject};
use crate::table::errors::signal_name;
use crate::table::{self, Class};

impl Differ<'_> {
    /// How the thread ended, and which signals it got.
    pub(super) fn ends(&mut self, key: &str, left: &Stream, right: &Stream) {
        let position = left.calls;
        let spot = |what, which| Spot::Thread(key.to_owned(), what, which);
        if left.status != right.status && !left.torn && !right.torn {
            let show = |status: Option<crate::trace::Status>| {
                status.map_or_else(|| "no end in the trace".to_owned(), |status| status.to_string())
            };
            let mut finding = Finding::new(
                &rules::EXIT_DIFFERS,
                subject(&left.lineage, position, "exit"),
                format!(
                    "{} in the {} run, {} in the {} run",
                    show(left.status),
                    self.how.left,
                    show(right.status),
                    self.how.right
                ),
            );
            finding.sides = Some(self.sides(show(left.status), show(right.status)));
            self.found(vec![spot("end", String::new())], finding);
        }
        self.waits(key, left, right);
        let signals: std::collections::BTreeSet<i32> =
            left.signals.keys().chain(right.signals.keys()).copied().collect();
        for signal in signals {
            // How many of them arrive depends on how fast children die; their ends are compared.
            if matches!(signal, libc::SIGCHLD | libc::SIGURG | libc::SIGWINCH) {
                continue;
            }
            let count = |stream: &Stream| stream.signals.get(&signal).copied().unwrap_or(0);
            let (ours, theirs) = (count(left), count(right));
            if ours == theirs || left.torn && ours < theirs || right.torn && theirs < ours {
                continue;
            }
            let mut finding = Finding::new(
                &rules::SIGNAL_DIFFERS,
                subject(&left.lineage, position, "signal"),
                format!(
                    "{} was delivered {ours} times in the {} run, {theirs} times in the {} run",
                    signal_name(signal),
                    self.how.left,
                    self.how.right
                ),
            );
            finding.sides = Some(self.sides(ours.to_string(), theirs.to_string()));
            self.found(vec![spot("signal", signal.to_string())], finding);
        }
    }

    /// A thread that only one of the runs has.
    pub(super) fn lonely(&mut self, key: &str, on_the_left: bool) {
        let (run, label) =
            if on_the_left { (&self.left, &self.how.left) } else { (&self.right, &self.how.right) };
        let Some(stream) = run.streams.get(key) else { return };
        // If its maker is on one side only as well, that is said already.
        let other = if on_the_left { &self.right } else { &self.left };
        if stream.parent.as_ref().is_some_and(|parent| !other.streams.contains_key(parent)) {
            return;
        }
        // It may have been made after the trace ends.
        if other.tear.is_some() || other.cut.is_some() {
            self.unknown[usize::from(!on_the_left)] += stream.items.len() as u64;
            return;
        }
        // A command that is started by a shell, where the other one is not: what starts it is no part
        // of the program. If that did something itself, the program consists of both.
        let below = format!("{key}.");
        let made = run.streams.keys().any(|other| other.starts_with(&below));
        let only_waits = !made && stream.items.iter().all(|item| !has_effect(item.number));
        if key.contains('^') && (only_waits || !on_the_left) {
            let what = format!(
                "what process {} did, which has started the {label} run's program, is not compared",
                stream.lineage
            );
            self.report.notes.push(what);
            return;
        }
        let kind = if stream.is_thread { "thread" } else { "process" };
        let finding = Finding::new(
            &rules::PROCESS_DIFFERS,
            subject(&stream.lineage, 0, "clone"),
            format!(
                "only the {label} run has the {kind} {} ({} calls)",
                stream.lineage, stream.calls
            ),
        );
        let maker = stream.parent.clone().unwrap_or_default();
        self.found(vec![Spot::Thread(maker, "children", String::new())], finding);
    }
}

/// Whether others may notice a call. What a process reads and closes, and how it ends, is its own.
fn has_effect(number: u64) -> bool {
    match table::class(number) {
        Class::Descriptor => !matches!(
            table::row(number).map_or("", |row| row.name),
            "close" | "dup" | "dup2" | "dup3" | "fcntl" | "lseek" | "pread64" | "read" | "readv"
        ),
        Class::File | Class::Ipc | Class::Network | Class::Unknown => true,
        _ => false,
    }
}
