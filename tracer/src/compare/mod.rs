//! Comparing two runs by what their system calls mean.

mod align;
mod bind;
pub(crate) mod canonical;
mod describe;
mod load;
mod pair;
mod streams;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use samestate_report::{Call as CallName, Finding, Report, Side, Sides, Subject, rules};

use crate::Error;
use crate::record::unknown_call;
use crate::table;
use crate::table::errors::signal_name;
use crate::trace::{Descriptor, ObjectKind, Place};
use bind::Binding;
use load::{From, Run, Stream, load};
use pair::Difference;

/// How two runs are compared.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What the report calls the first run.
    pub left: String,
    /// What the report calls the second run.
    pub right: String,
    /// So many findings about calls are written out; the others are counted.
    pub most_findings: usize,
}

impl Default for Comparison {
    fn default() -> Self {
        Self { left: "first".to_owned(), right: "second".to_owned(), most_findings: 100 }
    }
}

/// Compares two runs from their first call on.
///
/// # Errors
/// If a trace cannot be read. A torn trace is compared as far as it goes and makes the report
/// incomplete.
pub fn compare(left: &Path, right: &Path, how: &Comparison) -> Result<Report, Error> {
    let mut report = Report::new("compare");
    report.input(&how.left, left.display().to_string());
    report.input(&how.right, right.display().to_string());
    let runs = (load(left, From::Start, None)?, load(right, From::Start, None)?);
    let outcome = between(runs, how, &mut report)?;
    report.fact("calls compared", outcome.compared);
    report.fact("divergences", outcome.divergences);
    report.notes.extend(not_compared(&outcome.skipped));
    Ok(report)
}

/// What a comparison comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Calls of the left run that were compared.
    pub(crate) compared: u64,
    /// Places where the runs differ.
    pub(crate) divergences: u64,
    /// Calls of the left run that were not compared, by class or by why.
    pub(crate) skipped: BTreeMap<&'static str, u64>,
}

/// What was not compared, in words; `None` if everything was.
pub(crate) fn not_compared(skipped: &BTreeMap<&'static str, u64>) -> Option<String> {
    let all: Vec<_> = skipped.iter().map(|(why, count)| format!("{count} {why}")).collect();
    (!all.is_empty()).then(|| format!("calls not compared: {}", all.join(", ")))
}

/// Compares the suffixes of two runs that follow a marker in each.
pub(crate) fn suffixes(
    left: (&Path, Place),
    right: (&Path, Place),
    how: &Comparison,
    report: &mut Report,
) -> Result<Outcome, Error> {
    let original = load(left.0, From::Marker(left.1), None)?;
    let restored = load(right.0, From::Marker(right.1), Some(&original.header))?;
    let runs = (original, restored);
    between(runs, how, report)
}

fn between(runs: (Run, Run), how: &Comparison, report: &mut Report) -> Result<Outcome, Error> {
    let mut differ = Differ {
        left: runs.0,
        right: runs.1,
        how,
        binding: Binding::default(),
        report,
        outcome: Outcome::default(),
        written: 0,
        left_out: 0,
    };
    differ.machines();
    differ.blind();
    differ.pair_descriptors();
    let keys: Vec<String> = differ.left.streams.keys().cloned().collect();
    for key in keys {
        if differ.right.streams.contains_key(&key) {
            differ.stream(&key)?;
        } else {
            differ.lonely(&key, true);
        }
    }
    let keys: Vec<String> = differ.right.streams.keys().cloned().collect();
    for key in keys {
        if !differ.left.streams.contains_key(&key) {
            differ.lonely(&key, false);
        }
    }
    differ.facts();
    Ok(differ.outcome)
}

/// Two runs, and what was found so far.
struct Differ<'a> {
    left: Run,
    right: Run,
    how: &'a Comparison,
    binding: Binding,
    report: &'a mut Report,
    outcome: Outcome,
    /// Findings about calls that were written out.
    written: usize,
    /// And those that were not.
    left_out: u64,
}

impl Differ<'_> {
    fn machines(&mut self) {
        let names = environment_differs(&self.left.environment, &self.right.environment);
        if !names.is_empty() {
            let names: Vec<_> = names.iter().map(|name| crate::show::text(name)).collect();
            self.report.notes.push(format!("the environments differ in {}", names.join(", ")));
        }
        let (left, right) = (&self.left.header.architecture, &self.right.header.architecture);
        if left != right {
            let mut finding = Finding::new(
                &rules::UNTRACED,
                Subject::Input("machine".to_owned()),
                "the runs are of different architectures, so their calls have different numbers",
            );
            finding.sides = Some(self.sides(left.clone(), right.clone()));
            self.report.findings.push(finding);
        }
    }

    /// What could not be seen in either run.
    fn blind(&mut self) {
        for (run, label) in [(&self.left, &self.how.left), (&self.right, &self.how.right)] {
            if let Some(tear) = &run.tear {
                let mut finding = Finding::new(
                    &rules::TORN_TRACE,
                    Subject::Input(run.reader.path().display().to_string()),
                    format!("the trace ends at offset {}: {}", tear.offset, tear.what),
                );
                finding.group = Some(label.clone());
                self.report.findings.push(finding);
            }
            for what in &run.untraced {
                let message = format!("the {label} run did what the tracer cannot see: {what}");
                let subject = Subject::Input(label.clone());
                self.report.findings.push(Finding::new(&rules::UNTRACED, subject, message));
            }
            for (number, (lineage, position, count)) in &run.unknown {
                let mut finding = unknown_call(lineage, *position, *number, *count);
                finding.message = format!("in the {label} run, {}", finding.message);
                self.report.findings.push(finding);
            }
            if run.unfinished_save {
                let message = format!(
                    "in the {label} run a save began and never became durable; what came \
                             after it was not compared"
                );
                let subject = Subject::Input(label.clone());
                self.report.findings.push(Finding::new(&rules::UNTRACED, subject, message));
            }
        }
    }

    /// At a marker, descriptors stand for each other by what they lead to.
    fn pair_descriptors(&mut self) {
        let label = |run: &Run, object| {
            run.context.names.object(object).map(|object| (object.kind, object.path.clone()))
        };
        let mut free = self.right.open.clone();
        let mut pairs = Vec::new();
        for ours in &self.left.open {
            let wanted = label(&self.left, ours.object);
            // The same number and place first, then the same number, then the first one.
            let best = free
                .iter()
                .enumerate()
                .filter(|(_, theirs)| {
                    label(&self.right, theirs.object) == wanted
                        || (theirs.fd == ours.fd && ours.fd < 3)
                })
                .max_by_key(|(at, theirs)| {
                    (theirs.offset == ours.offset, theirs.fd == ours.fd, std::cmp::Reverse(*at))
                });
            if let Some((at, theirs)) = best {
                let _fresh = self.binding.agree(ours.object, theirs.object);
                pairs.push((*ours, *theirs));
                free.remove(at);
            }
        }
        for (ours, theirs) in pairs {
            self.position(ours, theirs);
        }
    }

    /// A file that stands at another place is read or written at another place.
    fn position(&mut self, ours: Descriptor, theirs: Descriptor) {
        let names = &self.left.context.names;
        let Some(object) = names.object(ours.object) else { return };
        let standard = names.original(object).inherited && (0..3).contains(&object.fd);
        if ours.offset == theirs.offset || object.kind != ObjectKind::File || standard {
            return;
        }
        let first = |run: &Run, open: Descriptor| {
            run.streams.values().filter_map(|stream| load::position_matters(stream, &open)).next()
        };
        if first(&self.left, ours).is_none() && first(&self.right, theirs).is_none() {
            return;
        }
        let path = crate::show::text(&object.path);
        let mut finding = Finding::new(
            &rules::POSITION_DIFFERS,
            Subject::Input(path),
            format!(
                "it stands at byte {} in the {} run and at byte {} in the {} run",
                ours.offset, self.how.left, theirs.offset, self.how.right
            ),
        );
        finding.sides = Some(self.sides(ours.offset.to_string(), theirs.offset.to_string()));
        self.outcome.divergences += 1;
        self.report.findings.push(finding);
    }

    /// A thread that exists on both sides.
    fn stream(&mut self, key: &str) -> Result<(), Error> {
        let (left, right) = (self.left.streams.remove(key), self.right.streams.remove(key));
        let (Some(left), Some(right)) = (left, right) else { return Ok(()) };
        let everything =
            (pair::taking_part(&left, |_| false), pair::taking_part(&right, |_| false));
        // Bytes that were read or written in other pieces are compared as bytes.
        let mut trial = std::mem::take(&mut self.binding);
        let mut found =
            pair::differences((&left, &everything.0), (&right, &everything.1), &mut trial);
        self.binding = trial;
        if !found.is_empty() {
            let apart = streams::in_other_pieces(self, &left, &right)?;
            if !apart.is_empty() {
                let out = |stream: &Stream, objects: &dyn Fn(u32, bool) -> bool| {
                    pair::taking_part(stream, |item| {
                        item.chunk.is_some_and(|chunk| {
                            let chunk = stream.chunks[chunk as usize];
                            objects(chunk.object, chunk.written)
                        })
                    })
                };
                let ours = out(&left, &|object, written| apart.has_left(object, written));
                let theirs = out(&right, &|object, written| apart.has_right(object, written));
                let mut again = std::mem::take(&mut self.binding);
                found = pair::differences((&left, &ours), (&right, &theirs), &mut again);
                self.binding = again;
                for difference in apart.differences {
                    self.difference(&left, &right, difference)?;
                }
            }
        }
        for difference in found {
            self.difference(&left, &right, difference)?;
        }
        self.outcome.compared += left.items.len() as u64;
        self.ends(&left, &right);
        // They are looked at again when the other threads' names are printed.
        self.left.streams.insert(key.to_owned(), left);
        self.right.streams.insert(key.to_owned(), right);
        Ok(())
    }

    fn difference(
        &mut self,
        left: &Stream,
        right: &Stream,
        difference: Difference,
    ) -> Result<(), Error> {
        self.outcome.divergences += 1;
        if self.written >= self.how.most_findings {
            self.left_out += 1;
            return Ok(());
        }
        self.written += 1;
        let finding = describe::finding(self, left, right, difference)?;
        self.report.findings.push(finding);
        Ok(())
    }

    /// How the thread ended, and which signals it got.
    fn ends(&mut self, left: &Stream, right: &Stream) {
        let position = left.calls;
        if left.status != right.status {
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
            self.outcome.divergences += 1;
            self.report.findings.push(finding);
        }
        // In which order they end depends on the schedule.
        if left.waited != right.waited {
            let show = |stream: &Stream| {
                let all: Vec<_> = stream
                    .waited
                    .iter()
                    .map(|(child, count)| format!("{child} ({count})"))
                    .collect();
                if all.is_empty() { "none".to_owned() } else { all.join(", ") }
            };
            let mut finding = Finding::new(
                &rules::RESULT_DIFFERS,
                subject(&left.lineage, position, "wait4"),
                "other children were waited for",
            );
            finding.sides = Some(self.sides(show(left), show(right)));
            self.outcome.divergences += 1;
            self.report.findings.push(finding);
        }
        let signals: std::collections::BTreeSet<i32> =
            left.signals.keys().chain(right.signals.keys()).copied().collect();
        for signal in signals {
            // How many of them arrive depends on how fast children die; their ends are compared.
            if matches!(signal, libc::SIGCHLD | libc::SIGURG | libc::SIGWINCH) {
                continue;
            }
            let count = |stream: &Stream| stream.signals.get(&signal).copied().unwrap_or(0);
            let (ours, theirs) = (count(left), count(right));
            if ours == theirs {
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
            self.outcome.divergences += 1;
            self.report.findings.push(finding);
        }
    }

    /// A thread that only one of the runs has.
    fn lonely(&mut self, key: &str, on_the_left: bool) {
        let (run, label) =
            if on_the_left { (&self.left, &self.how.left) } else { (&self.right, &self.how.right) };
        let Some(stream) = run.streams.get(key) else { return };
        // If its maker is on one side only as well, that is said already.
        let other = if on_the_left { &self.right } else { &self.left };
        if stream.parent.as_ref().is_some_and(|parent| !other.streams.contains_key(parent)) {
            return;
        }
        let kind = if stream.is_thread { "thread" } else { "process" };
        self.outcome.divergences += 1;
        self.report.findings.push(Finding::new(
            &rules::PROCESS_DIFFERS,
            subject(&stream.lineage, 0, "clone"),
            format!(
                "only the {label} run has the {kind} {} ({} calls)",
                stream.lineage, stream.calls
            ),
        ));
    }

    /// How much was compared, and what was not.
    fn facts(&mut self) {
        if self.left_out > 0 {
            self.report
                .notes
                .push(format!("{} more divergences are not written out", self.left_out));
        }
        self.outcome.skipped = std::mem::take(&mut self.left.skipped);
        let given = self.right.given;
        if given > 0 {
            self.report.fact("results mirrored", given);
        }
        for (number, count) in &self.right.live {
            self.report.notes.push(format!(
                "{} asked {count} times for what the {} run had not got; those results were live",
                table::name(*number),
                self.how.left
            ));
        }
    }

    fn sides(&self, left: String, right: String) -> Sides {
        Sides {
            left: Side { label: self.how.left.clone(), text: left },
            right: Side { label: self.how.right.clone(), text: right },
        }
    }
}

/// The names of those variables that are not the same on both sides.
fn environment_differs(left: &[Vec<u8>], right: &[Vec<u8>]) -> std::collections::BTreeSet<Vec<u8>> {
    let (ours, theirs): (HashSet<_>, HashSet<_>) = (left.iter().collect(), right.iter().collect());
    let name = |entry: &&Vec<u8>| {
        entry.iter().copied().take_while(|&byte| byte != b'=').collect::<Vec<u8>>()
    };
    ours.symmetric_difference(&theirs).map(name).collect()
}

/// What a finding about a call is about.
fn subject(lineage: &str, position: u64, name: &str) -> Subject {
    Subject::Call(CallName { lineage: lineage.to_owned(), position, name: name.to_owned() })
}
