//! What a recording comes to.

use std::collections::BTreeMap;

use super::fault::{Among, Fault};
use samestate_report::{Call, Finding, Report, Subject, rules};

use crate::table;
use crate::trace::Status;

/// How often the earlier run was mirrored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MirrorUse {
    /// Results given as the earlier run got them, by system call.
    pub given: BTreeMap<u64, u64>,
    /// Results that should have been given, but the earlier run had none (left), by system call.
    pub live: BTreeMap<u64, u64>,
}

/// A finished recording.
#[derive(Clone, Debug)]
pub struct Recording {
    pub(super) status: Status,
    /// Whether the program was left, and runs on.
    pub detached: bool,
    /// How many calls were recorded.
    pub calls: u64,
    /// How many processes and threads there were.
    pub tasks: u64,
    /// Length of the trace in bytes.
    pub bytes: u64,
    /// Whether it was killed, or left, because it took too long.
    pub timed_out: bool,
    /// Whether it was killed, or left, because [`Config::interrupt`](super::Config::interrupt) was
    /// set.
    pub interrupted: bool,
    /// Calls without a row in the table: how often each number was seen.
    pub unknown: BTreeMap<u64, u64>,
    /// What could not be traced, each once.
    pub untraced: Vec<String>,
    /// What is worth knowing and hides nothing; the trace says it.
    pub remarks: Vec<String>,
    /// How often the earlier run was mirrored; empty without one.
    pub mirrored: MirrorUse,
    /// How many of the calls were part of a save, as [`Among::Saves`] counts them.
    pub calls_in_saves: u64,
    /// The number of the system call that [`Config::fault`](super::Config::fault) has hit.
    pub hit: Option<u64>,
    /// The fault that came to nothing because there were only so many calls of its kind.
    pub missed: Option<(Fault, u64)>,
}

impl Recording {
    /// What a person should know about the recording itself: what it could not see.
    #[must_use]
    pub fn report(&self) -> Report {
        let mut report = Report::new("record");
        report.fact("calls", self.calls);
        report.fact("processes and threads", self.tasks);
        report.fact("bytes of trace", self.bytes);
        let given: u64 = self.mirrored.given.values().sum();
        if given > 0 {
            report.fact("results mirrored", given);
        }
        for (number, count) in &self.mirrored.live {
            report.notes.push(format!(
                "{} asked for {count} more or other results than the earlier run got; they are \
                 live",
                table::name(*number)
            ));
        }
        report.notes.push(if self.detached {
            "the recording has ended, and the program runs on".to_owned()
        } else {
            format!("the program ended with {}", self.status)
        });
        if self.calls_in_saves > 0 {
            report.detail("calls in saves", self.calls_in_saves);
        }
        if let Some(number) = self.hit {
            report.notes.push(format!("the fault was made at a call of {}", table::name(number)));
        }
        if let Some((fault, counted)) = self.missed {
            let whose = match fault.at.among {
                Among::Run => "the run",
                Among::Saves => "its saves",
            };
            report.findings.push(Finding::new(
                &rules::UNTRACED,
                Subject::Input("run".to_owned()),
                format!("{fault} came to nothing: there were {counted} calls in {whose}"),
            ));
        }
        for (number, count) in &self.unknown {
            report.findings.push(unknown_call("0", 0, *number, *count));
        }
        if self.timed_out && !self.detached {
            report.findings.push(Finding::new(
                &rules::UNTRACED,
                Subject::Input("run".to_owned()),
                "the run took too long and was killed; what it would have done is not known",
            ));
        }
        if self.interrupted && !self.detached {
            report.findings.push(Finding::new(
                &rules::UNTRACED,
                Subject::Input("run".to_owned()),
                "the recording was interrupted and the program killed; what it would have done is \
                 not known",
            ));
        }
        for what in &self.untraced {
            report.findings.push(Finding::new(
                &rules::UNTRACED,
                Subject::Input("run".to_owned()),
                what.clone(),
            ));
        }
        report
    }
}

/// The finding about a call that is not in the table.
pub(crate) fn unknown_call(lineage: &str, position: u64, number: u64, count: u64) -> Finding {
    let name = table::name(number);
    let subject = Subject::Call(Call { lineage: lineage.to_owned(), position, name });
    let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
    Finding::new(
        &rules::UNKNOWN_CALL,
        subject,
        format!("system call number {number} is not in the table; it was made {times}"),
    )
}
