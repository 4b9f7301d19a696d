//! What the kernel keeps for the process at the marker.

use std::collections::{BTreeSet, HashSet};

use samestate_report::{Finding, Severity, Subject, rules};

use super::Differ;
use super::control::Spot;
use super::load::{Run, moves_in};
use crate::trace::{Descriptor, ObjectKind};

/// Flags of a descriptor that change what its calls do.
const FLAGS: [(i32, &str); 5] = [
    (libc::O_APPEND, "append"),
    (libc::O_NONBLOCK, "non-blocking"),
    (libc::O_DIRECT, "direct"),
    (libc::O_DSYNC, "synchronous"),
    (libc::O_CLOEXEC, "closed by exec"),
];

impl Differ<'_> {
    /// Working folder, masks, handlers, timers, limits.
    pub(super) fn kernel(&mut self) {
        let (ours, theirs) = (&self.left.kernel, &self.right.kernel);
        // A run that is compared from its start, or an earlier trace, has none.
        if ours.is_empty() || theirs.is_empty() {
            return;
        }
        let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        let mut found = Vec::new();
        for name in names {
            if ours.get(name) == theirs.get(name) {
                continue;
            }
            let show = |value: Option<&Vec<u8>>| {
                value.map_or_else(|| "none".to_owned(), |value| crate::show::text(value))
            };
            found.push((name.clone(), show(ours.get(name)), show(theirs.get(name))));
        }
        for (name, ours, theirs) in found {
            let message = format!(
                "the {name} at the marker: {ours} in the {} run, {theirs} in the {} run",
                self.how.left, self.how.right
            );
            let mut finding =
                Finding::new(&rules::KERNEL_STATE_DIFFERS, Subject::Input(name.clone()), message);
            finding.sides = Some(self.sides(ours, theirs));
            self.found(vec![Spot::Marker("kernel", name)], finding);
        }
    }

    /// Descriptors that only one run has open, and those that are open in another way. They may
    /// never be used again, so they do not fail the gate by themselves.
    pub(super) fn descriptors(&mut self, pairs: &[(Descriptor, Descriptor)]) {
        let mut found = Vec::new();
        for (ours, theirs) in pairs {
            let at_end = self.only_writes_on(ours, theirs);
            let (before, after) = (flags(ours.flags, at_end), flags(theirs.flags, at_end));
            if before == after || (0..3).contains(&ours.fd) {
                continue;
            }
            let name = subject(&self.left, ours);
            let message = format!(
                "descriptor {} is {before} in the {} run, {after} in the {} run",
                ours.fd, self.how.left, self.how.right
            );
            found.push((name, message, before, after));
        }
        let left: HashSet<u32> = pairs.iter().map(|(ours, _)| ours.object).collect();
        let right: HashSet<u32> = pairs.iter().map(|(_, theirs)| theirs.object).collect();
        let sides = [(&self.left, &left, true), (&self.right, &right, false)];
        for (run, paired, is_left) in sides {
            for open in run.open.iter().filter(|open| open.fd > 2 && !paired.contains(&open.object))
            {
                let name = subject(run, open);
                let label = if is_left { &self.how.left } else { &self.how.right };
                let place = match kind(run, open) {
                    Some(ObjectKind::File) => format!(", at byte {}", open.offset),
                    _ => String::new(),
                };
                let message = format!("only the {label} run has it open{place}");
                let (has, none) = (format!("descriptor {}", open.fd), "not open".to_owned());
                let (ours, theirs) = if is_left { (has, none) } else { (none, has) };
                found.push((name, message, ours, theirs));
            }
        }
        for (name, message, ours, theirs) in found {
            let subject = Subject::Input(name.clone());
            let mut finding = Finding::new(&rules::KERNEL_STATE_DIFFERS, subject, message);
            finding.severity = Severity::Warning;
            finding.sides = Some(self.sides(ours, theirs));
            if self.is_allowed(&finding) {
                continue;
            }
            // It may not even be a difference that matters, so it is not counted as one.
            let spot = [Spot::Marker("descriptor", name)];
            if self.control.is_some_and(|control| control.at(&spot).is_some()) {
                continue;
            }
            self.note(spot.into(), &finding.message);
            self.report.findings.push(finding);
        }
    }

    /// Both only write behind each other from the same place on. A program that goes on opens its
    /// log to append, where it had opened an empty one before: that is the same then.
    fn only_writes_on(&self, ours: &Descriptor, theirs: &Descriptor) -> bool {
        let writes = |open: &Descriptor| {
            open.flags & u64::from(libc::O_ACCMODE.cast_unsigned())
                == u64::from(libc::O_WRONLY.cast_unsigned())
        };
        let moves = |run: &Run, open: &Descriptor| {
            run.streams.values().any(|stream| moves_in(stream, open.object))
        };
        ours.offset == theirs.offset
            && writes(ours)
            && writes(theirs)
            && kind(&self.left, ours) == Some(ObjectKind::File)
            && !moves(&self.left, ours)
            && !moves(&self.right, theirs)
    }
}

fn kind(run: &Run, open: &Descriptor) -> Option<ObjectKind> {
    run.context.names.object(open.object).map(|object| object.kind)
}

fn subject(run: &Run, open: &Descriptor) -> String {
    let object = run.context.names.object(open.object);
    object
        .map_or_else(|| format!("descriptor {}", open.fd), |object| crate::show::text(&object.path))
}

/// How a descriptor is open, in words.
fn flags(flags: u64, at_end: bool) -> String {
    let appends = u64::from(libc::O_APPEND.cast_unsigned());
    let flags = if at_end { flags & !appends } else { flags };
    let has = |flag: i32| flags & u64::from(flag.cast_unsigned()) != 0;
    let access = match flags & 3 {
        0 => "read",
        1 => "written",
        _ => "read and written",
    };
    let more = FLAGS.iter().filter(|(flag, _)| has(*flag)).map(|(_, word)| *word);
    std::iter::once(access).chain(more).collect::<Vec<_>>().join(", ")
}
