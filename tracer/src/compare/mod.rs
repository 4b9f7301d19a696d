//! Comparing two runs by what their system calls mean.

mod align;
mod bind;
pub(crate) mod canonical;
mod control;
mod describe;
mod ends;
mod kernel;
mod load;
mod order;
mod pair;
mod streams;
mod strength;
mod torn;
mod used;
mod waits;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;
use std::sync::Arc;

use samestate_report::{
    Allowances, Call as CallName, Counts, Finding, Report, Side, Sides, Subject, Unused, rules,
};

use crate::Error;
use crate::record::unknown_call;
use crate::stacks::Names as StackNames;
use crate::table;
use crate::trace::{Descriptor, ObjectKind, Place, Reader};
use bind::Binding;
use control::Spot;
pub(crate) use control::{Spots, unsettled};
use describe::Depth;
use load::{From, Run, Stream, load};
use pair::Difference;
pub use strength::Strength;
pub(crate) use used::Used;

/// How two runs are compared.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What the report calls the first run.
    pub left: String,
    /// What the report calls the second run.
    pub right: String,
    /// So many findings about calls are written out; the others are counted.
    pub most_findings: usize,
    /// How much of each call counts.
    pub strength: Strength,
    /// Differences that are left out, and counted.
    pub allowed: Allowances,
}

impl Default for Comparison {
    fn default() -> Self {
        Self {
            left: "first".to_owned(),
            right: "second".to_owned(),
            most_findings: 100,
            strength: Strength::default(),
            allowed: Allowances::default(),
        }
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
    let runs = at_once(
        || load(left, From::Start, None, how.strength),
        || load(right, From::Start, None, how.strength),
    )?;
    let program = |run: &Run| {
        run.header.command.first().map(|name| crate::show::text(name)).unwrap_or_default()
    };
    let programs = (program(&runs.0), program(&runs.1));
    if programs.0 != programs.1 {
        report
            .notes
            .push(format!("the runs are of different programs: {} and {}", programs.0, programs.1));
    }
    let outcome = between(runs, how, (None, false), &mut report)?;
    report.fact("calls compared", outcome.compared);
    report.fact("divergences", outcome.divergences);
    report.notes.extend(not_compared(&outcome.skipped));
    outcome.used.tell(&mut report);
    tell_allowed(&how.allowed, &outcome.allowed, Unused::Warns, &mut report);
    Ok(report)
}

/// Says what was left out, and why.
pub(crate) fn tell_allowed(
    allowed: &Allowances,
    counts: &Counts,
    unused: Unused,
    report: &mut Report,
) {
    if counts.all() > 0 {
        report.fact("allowed", counts.all());
    }
    allowed.tell(report, counts, unused);
}

/// What a comparison comes to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// Calls of the left run that were compared.
    pub(crate) compared: u64,
    /// Places where the runs differ.
    pub(crate) divergences: u64,
    /// Places where they differ, and where the left one differs from itself.
    pub(crate) unsettled: u64,
    /// Calls of the left run that were not compared, by class or by why.
    pub(crate) skipped: BTreeMap<&'static str, u64>,
    /// All places where they differ.
    pub(crate) spots: Spots,
    /// What was needed to compare them.
    pub(crate) used: Used,
    /// The calls that findings are about.
    pub(crate) calls: Vec<DifferingCalls>,
    /// Differences that were left out.
    pub(crate) allowed: Counts,
}

/// The calls that a finding is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DifferingCalls {
    /// Which of the report's findings it is.
    pub(crate) finding: usize,
    /// In the left run.
    pub(crate) left: Option<Place>,
    /// In the right run.
    pub(crate) right: Option<Place>,
}

/// What was not compared, in words; `None` if everything was.
pub(crate) fn not_compared(skipped: &BTreeMap<&'static str, u64>) -> Option<String> {
    let all: Vec<_> = skipped.iter().map(|(why, count)| format!("{count} {why}")).collect();
    (!all.is_empty()).then(|| format!("calls not compared: {}", all.join(", ")))
}

/// Compares the suffixes of two runs that follow a marker in each. Where `control` says that the
/// left run differs from itself, nothing is settled.
pub(crate) fn suffixes(
    left: (&Path, Place),
    right: (&Path, Place),
    how: &Comparison,
    control: Option<&Spots>,
    report: &mut Report,
) -> Result<Outcome, Error> {
    let like = Reader::open(left.0)?.header().clone();
    let runs = at_once(
        || load(left.0, From::Marker(left.1), None, how.strength),
        || load(right.0, From::Marker(right.1), Some(&like), how.strength),
    )?;
    between(runs, how, (control, true), report)
}

/// Does two things at once.
fn at_once<T: Send>(
    one: impl FnOnce() -> Result<T, Error> + Send,
    other: impl FnOnce() -> Result<T, Error>,
) -> Result<(T, T), Error> {
    std::thread::scope(|scope| {
        let one = std::thread::Builder::new()
            .name("first".to_owned())
            .spawn_scoped(scope, one)
            .map_err(|_| Error::Thread)?;
        let other = other();
        let one = one.join().map_err(|_| Error::Thread)?;
        Ok((one?, other?))
    })
}

/// `keeps` is whether somebody wants to know all places where they differ.
fn between(
    runs: (Run, Run),
    how: &Comparison,
    (control, keeps): (Option<&Spots>, bool),
    report: &mut Report,
) -> Result<Outcome, Error> {
    let mut differ = Differ {
        left: runs.0,
        right: runs.1,
        how,
        control,
        keeps,
        binding: Binding::default(),
        report,
        outcome: Outcome::default(),
        written: 0,
        written_unsettled: 0,
        left_out: 0,
        unknown: [0; 2],
        names: StackNames::default(),
    };
    differ.cut();
    differ.machines();
    differ.blind();
    differ.pair_descriptors();
    differ.kernel();
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
    control: Option<&'a Spots>,
    keeps: bool,
    binding: Binding,
    report: &'a mut Report,
    outcome: Outcome,
    /// Findings about calls that were written out.
    written: usize,
    /// The same for those that cannot be settled.
    written_unsettled: usize,
    /// And those that were not.
    left_out: u64,
    /// Calls of each run of which the other one's trace does not say whether they were made.
    unknown: [u64; 2],
    names: StackNames,
}

impl Differ<'_> {
    fn machines(&mut self) {
        let (ours, theirs) = (&self.left.environment, &self.right.environment);
        // A trace may not hold the call that starts the program.
        let is_known = !ours.is_empty() && !theirs.is_empty();
        let names = if is_known { environment_differs(ours, theirs) } else { BTreeSet::new() };
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

    /// A run that was ended by whoever recorded it says nothing of what it would have done.
    fn cut(&mut self) {
        if !self.keeps {
            for (run, label) in [(&self.left, &self.how.left), (&self.right, &self.how.right)] {
                let Some(what) = &run.cut else { continue };
                let message = format!("of the {label} run, {what}; what follows was not compared");
                let subject = Subject::Input(run.reader.path().display().to_string());
                self.report.findings.push(Finding::new(&rules::UNTRACED, subject, message));
            }
        } else if self.left.cut.is_none() && self.right.cut.take().is_some() {
            // The restored run had time enough: what it has not done is missing.
            for stream in self.right.streams.values_mut() {
                stream.torn = self.right.tear.is_some() && stream.status.is_none();
            }
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
        // Sockets and pipes are called by numbers of the kernel's.
        let label = |run: &Run, object| {
            let object = run.context.names.object(object)?;
            let named = object.kind != ObjectKind::Socket && !object.path.starts_with(b"pipe:");
            Some((object.kind, named.then(|| object.path.clone())))
        };
        let mut free = self.right.open.clone();
        let mut pairs = Vec::new();
        for ours in &self.left.open {
            let wanted = label(&self.left, ours.object);
            // The same number and place first, then the same number, then the first one.
            let best = free
                .iter()
                .enumerate()
                .filter(|(_, theirs)| match ours.fd.min(theirs.fd) {
                    // Where the standard streams lead to is the caller's choice.
                    ..3 => theirs.fd == ours.fd,
                    _ => label(&self.right, theirs.object) == wanted,
                })
                .max_by_key(|(at, theirs)| {
                    let (offset, flags) =
                        (theirs.offset == ours.offset, theirs.flags == ours.flags);
                    (offset, theirs.fd == ours.fd, flags, std::cmp::Reverse(*at))
                });
            if let Some((at, theirs)) = best {
                let _fresh = self.binding.agree(ours.object, theirs.object);
                pairs.push((*ours, *theirs));
                free.remove(at);
            }
        }
        for (ours, theirs) in &pairs {
            self.position(*ours, *theirs);
        }
        self.descriptors(&pairs);
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
        let object_path = crate::show::text(&object.path);
        let mut finding = Finding::new(
            &rules::POSITION_DIFFERS,
            Subject::Input(object_path.clone()),
            format!(
                "it stands at byte {} in the {} run and at byte {} in the {} run",
                ours.offset, self.how.left, theirs.offset, self.how.right
            ),
        );
        finding.sides = Some(self.sides(ours.offset.to_string(), theirs.offset.to_string()));
        let spot = Spot::Marker("position", object_path);
        self.found(vec![spot], finding);
    }

    /// A difference, unless the original differs from itself in the same place.
    fn found(&mut self, spots: Vec<Spot>, mut finding: Finding) {
        if self.is_allowed(&finding) {
            return;
        }
        let told = finding.message.clone();
        if let Some(how) = self.control.and_then(|control| control.at(&spots)) {
            self.outcome.unsettled += 1;
            let how = format!("the original, run again, differs from itself here: {how}");
            finding = unsettled(finding, &how);
        } else {
            self.outcome.divergences += 1;
        }
        self.note(spots, &told);
        self.report.findings.push(finding);
    }

    /// Whether the program's authors live with it; counts it then.
    fn is_allowed(&mut self, finding: &Finding) -> bool {
        let entry = self.how.allowed.covering(finding);
        entry.map(|entry| self.outcome.allowed.count(entry)).is_some()
    }

    /// Whether the calls have to be looked at to know that it is not allowed.
    fn may_be_allowed(&self, left: &Stream, right: &Stream, difference: Difference) -> bool {
        if self.how.allowed.is_empty() {
            return false;
        }
        let (stream, at) = match difference.calls() {
            (Some(at), _) => (left, at),
            (None, _) => (right, difference.right()),
        };
        let number = stream.items[at].number;
        let name = table::name(number);
        // A marker is a call under another name.
        let other = if table::number("write") == Some(number) { "marker" } else { &*name };
        let is_rule = |rule: &str| describe::may_be(difference, rule);
        self.how.allowed.may_cover(is_rule, [&*name, other], &stream.lineage)
    }

    fn note(&mut self, spots: Vec<Spot>, how: &str) {
        if self.keeps {
            self.outcome.spots.note(spots, how.to_owned());
        }
    }

    /// A thread that exists on both sides.
    fn stream(&mut self, key: &str) -> Result<(), Error> {
        let (left, right) = (self.left.streams.remove(key), self.right.streams.remove(key));
        let (Some(left), Some(right)) = (left, right) else { return Ok(()) };
        let name = Arc::from(key);
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
                self.outcome.used.rule("bytes moved in other pieces", apart.count());
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
                    self.difference(&name, &left, &right, difference)?;
                }
            }
        }
        let (found, unknown) = torn::known(&left, &right, found);
        self.unknown = [self.unknown[0] + unknown[0], self.unknown[1] + unknown[1]];
        for difference in found {
            if let Some(rule) = self.is_inner(&left, &right, difference) {
                self.outcome.used.rule(rule, 1);
                continue;
            }
            self.difference(&name, &left, &right, difference)?;
        }
        self.outcome.compared += left.items.len() as u64 - unknown[0];
        self.ends(key, &left, &right);
        // They are looked at again when the other threads' names are printed.
        self.left.streams.insert(key.to_owned(), left);
        self.right.streams.insert(key.to_owned(), right);
        Ok(())
    }

    /// What happens within the program and has no effect but the time. Spinning locks and the
    /// schedulers of languages sleep as often as they like, if not for long, and the counter of an
    /// `eventfd`, by which threads wake each other, holds as many wakings as came together.
    fn is_inner(
        &self,
        left: &Stream,
        right: &Stream,
        difference: Difference,
    ) -> Option<&'static str> {
        let (run, stream, at) = match difference.calls() {
            (Some(at), _) => (&self.left, left, at),
            (None, Some(at)) => (&self.right, right, at),
            (None, None) => return None,
        };
        let item = stream.items[at];
        if self.how.strength == Strength::Strict {
            return None;
        }
        let alone = !matches!(difference, Difference::Changed(..) | Difference::Rebound(..));
        match table::row(item.number)?.name {
            "nanosleep" | "clock_nanosleep" if alone && stream.naps.contains(&at) => {
                Some("short sleeps that only one run made")
            }
            // Libraries ask once, or again and again.
            "getpid" | "gettid" | "getppid" | "getuid" | "geteuid" | "getgid" | "getegid"
                if alone =>
            {
                Some("ids that only one run asked for")
            }
            "read" | "write" => {
                let object = run.context.names.object(*stream.objects(&item).first()?)?;
                (object.path == EVENTFD && !object.inherited)
                    .then_some("wakings of the program's own threads")
            }
            _ => None,
        }
    }

    fn difference(
        &mut self,
        key: &Arc<str>,
        left: &Stream,
        right: &Stream,
        difference: Difference,
    ) -> Result<(), Error> {
        if self.may_be_allowed(left, right, difference) {
            let brief = describe::finding(self, left, right, difference, Depth::Brief)?;
            if self.is_allowed(&brief) {
                return Ok(());
            }
        }
        if self.control.is_none() && !self.keeps && self.written >= self.how.most_findings {
            self.outcome.divergences += 1;
            self.left_out += 1;
            return Ok(());
        }
        let spots = spots(key, left, right, difference);
        let is_settled = self.control.is_none_or(|control| control.at(&spots).is_none());
        let (count, written, most) = if is_settled {
            (&mut self.outcome.divergences, &mut self.written, self.how.most_findings)
        } else {
            let most = self.how.most_findings.min(MOST_UNSETTLED);
            (&mut self.outcome.unsettled, &mut self.written_unsettled, most)
        };
        if *written >= most {
            *count += 1;
            self.left_out += 1;
            if self.keeps {
                self.outcome.spots.note(spots, "as at other places before");
            }
            return Ok(());
        }
        *written += 1;
        let finding = describe::finding(self, left, right, difference, Depth::Full)?;
        let (ours, theirs) = difference.calls();
        self.outcome.calls.push(DifferingCalls {
            finding: self.report.findings.len(),
            left: ours.map(|at| left.items[at].place),
            right: theirs.map(|at| right.items[at].place),
        });
        self.found(spots, finding);
        Ok(())
    }

    /// How much was compared, and what was not.
    fn facts(&mut self) {
        if self.left_out > 0 {
            self.report
                .notes
                .push(format!("{} more divergences are not written out", self.left_out));
        }
        for (count, label) in self.unknown.iter().zip([&self.how.left, &self.how.right]) {
            if *count > 0 {
                self.report.notes.push(format!(
                    "{count} calls of the {label} run come after the end of the other trace; whether \
                     they were made there is not known"
                ));
            }
        }
        self.outcome.skipped = std::mem::take(&mut self.left.skipped);
        let given = self.right.given.values().sum();
        if given > 0 {
            self.report.fact("results mirrored", given);
        }
        let used = &mut self.outcome.used;
        for (number, count) in &self.right.given {
            *used.mirrored.entry(table::name(*number)).or_default() += count;
        }
        let fd = |run: &Run, object| run.context.names.object(object).map(|object| object.fd);
        let pairs = self.binding.pairs();
        let renumbered =
            pairs.iter().filter(|(ours, theirs)| fd(&self.left, *ours) != fd(&self.right, *theirs));
        used.rule("descriptors of another number", renumbered.count() as u64);
        let waits = self.left.streams.values().map(|stream| stream.waits.count());
        used.rule("children waited for in any order", waits.sum());
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

/// What the kernel calls a counter by which threads wake each other.
const EVENTFD: &[u8] = b"anon_inode:[eventfd]";

/// So many findings that cannot be settled are written out.
const MOST_UNSETTLED: usize = 10;

/// The places at which the original must not differ from itself for a difference to count.
fn spots(key: &Arc<str>, left: &Stream, right: &Stream, difference: Difference) -> Vec<Spot> {
    let mut spots = vec![Spot::Call(Arc::clone(key), difference.left())];
    let shape = match difference {
        Difference::Missing(at, _) | Difference::Moved(at, ..) => Some(left.items[at].shape),
        Difference::Extra(_, at) => Some(right.items[at].shape),
        Difference::Changed(..) | Difference::Rebound(..) => None,
    };
    spots.extend(shape.map(|shape| Spot::Shape(Arc::clone(key), shape)));
    spots
}

/// The names of those variables that are not the same on both sides.
fn environment_differs(left: &[Vec<u8>], right: &[Vec<u8>]) -> BTreeSet<Vec<u8>> {
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
