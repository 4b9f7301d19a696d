//! Saying what differs: both calls side by side, the part and the byte, and the calls around.

use std::collections::{BTreeMap, BTreeSet};

use samestate_report::{Finding, Rule, Subject, rules};
use samestate_schema::marker::{FieldDigests, Marker};

use super::canonical::Part;
use super::load::{Run, Stream};
use super::order;
use super::pair::Difference;
use super::{Differ, subject};
use crate::Error;
use crate::record::{MAPPED, MOVED, NAMED};
use crate::show;
use crate::stacks;
use crate::table::{self, Kind, Layout};
use crate::trace::{Call, Event, call_flags};

/// So many calls before and after a divergence are shown.
const BEFORE: usize = 3;
const AFTER: usize = 2;
/// So many bytes before and after a different one are shown.
const WINDOW: usize = 16;

/// How much is said of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// What it takes to know whether it is allowed: the rule, the call, the argument and the files.
    Brief,
    /// All that people want to see.
    Full,
}

/// The finding about a difference.
pub(super) fn finding(
    differ: &mut Differ<'_>,
    left: &Stream,
    right: &Stream,
    difference: Difference,
    depth: Depth,
) -> Result<Finding, Error> {
    let (in_left, in_right) = difference.calls();
    let read =
        |run: &mut Run, stream, at: Option<usize>| at.map(|at| call(run, stream, at)).transpose();
    let ours = read(&mut differ.left, left, in_left)?;
    let theirs = read(&mut differ.right, right, in_right)?;
    let mut finding = match (&ours, &theirs) {
        (Some(ours), Some(theirs)) => match difference {
            Difference::Moved(.., in_a_row) => {
                moved(differ, (left, right), difference, ours, in_a_row)
            }
            _ => changed(differ, left, difference.left(), (ours, theirs), depth),
        },
        (Some(made), None) | (None, Some(made)) => alone(differ, left, right, difference, made),
        // A difference is about a call at least.
        (None, None) => return Err(Error::NotATrace { path: differ.left.reader.path().into() }),
    };
    for (run, made) in [(&differ.left, &ours), (&differ.right, &theirs)] {
        finding.paths.extend(made.as_ref().map(|made| paths(run, made)));
    }
    if depth == Depth::Brief {
        return Ok(finding);
    }
    if finding.sides.is_none() {
        let shown = |run: &Run, made: Option<&Call>| {
            let shown = made.map(|made| show::render(made, &run.context.names));
            shown.unwrap_or_else(|| "no such call".to_owned())
        };
        let (ours, theirs) = (ours.as_ref(), theirs.as_ref());
        let sides = (shown(&differ.left, ours), shown(&differ.right, theirs));
        finding.sides = Some(differ.sides(sides.0, sides.1));
    }
    stacks(differ, left, right, difference, &mut finding);
    let (at_left, at_right) = (difference.left(), difference.right());
    around(&mut differ.left, left, at_left, &differ.how.left, &mut finding.details)?;
    around(&mut differ.right, right, at_right, &differ.how.right, &mut finding.details)?;
    Ok(finding)
}

/// Whether a difference may turn out to be one of this rule, before the calls are looked at.
pub(super) fn may_be(difference: Difference, rule: &str) -> bool {
    let is = |rules: &[&Rule]| rules.iter().any(|known| known.id == rule);
    match difference {
        Difference::Missing(..) => is(&[&rules::MISSING_CALL]),
        Difference::Extra(..) => is(&[&rules::EXTRA_CALL]),
        Difference::Moved(..) => is(&[&rules::ITERATION_ORDER, &rules::CALLS_REORDERED]),
        Difference::Changed(..) | Difference::Rebound(..) => {
            !is(&[&rules::MISSING_CALL, &rules::EXTRA_CALL, &rules::CALLS_REORDERED])
        }
    }
}

/// Both make the call, elsewhere.
fn moved(
    differ: &Differ<'_>,
    (left, right): (&Stream, &Stream),
    difference: Difference,
    ours: &Call,
    in_a_row: bool,
) -> Finding {
    let name = name(ours);
    let (rule, what) = if in_a_row {
        (&rules::ITERATION_ORDER, "its like")
    } else {
        (&rules::CALLS_REORDERED, "the calls")
    };
    let here = left.items[difference.left()].position;
    let there = right.items[difference.right()].position;
    let message = format!(
        "{name}: the same call comes elsewhere among {what}: call {here} of its thread in the {} \
         run, call {there} in the {} run",
        differ.how.left, differ.how.right
    );
    Finding::new(rule, subject(&left.lineage, here, &name), message)
}

/// Only one of them makes the call.
fn alone(
    differ: &Differ<'_>,
    left: &Stream,
    right: &Stream,
    difference: Difference,
    made: &Call,
) -> Finding {
    let (name, other) = (name(made), &differ.how.right);
    let (rule, lineage, position, message) = if difference.calls().0.is_some() {
        let position = left.items[difference.left()].position;
        let message = format!("the {other} run does not make this call to {name}");
        (&rules::MISSING_CALL, &left.lineage, position, message)
    } else {
        let position = right.items[difference.right()].position;
        let message = format!("the {other} run makes this call to {name} in addition");
        (&rules::EXTRA_CALL, &right.lineage, position, message)
    };
    Finding::new(rule, subject(lineage, position, &name), message)
}

/// The files that a call is about: what its descriptors lead to, and those that it names.
fn paths(run: &Run, call: &Call) -> Vec<String> {
    let names = &run.context.names;
    let objects = call.objects.iter().map(|(_, object)| object).chain(&call.made);
    let objects = objects.filter_map(|object| names.object(*object));
    let mut paths: Vec<_> = objects.map(|object| show::text(&object.path)).collect();
    let arguments = table::row(call.number).map_or(&[][..], |row| row.arguments);
    for (index, argument) in arguments.iter().enumerate() {
        if matches!(argument.kind, Kind::Path)
            && let Some(path) = call.payload(index, false)
        {
            paths.push(show::text(&path.bytes));
        }
    }
    paths
}

/// Where in the program the calls are made, if the traces tell.
fn stacks(
    differ: &mut Differ<'_>,
    left: &Stream,
    right: &Stream,
    difference: Difference,
    finding: &mut Finding,
) {
    let (ours, theirs) = difference.calls();
    let ours = ours.map(|at| left.items[at].place);
    let theirs = theirs.map(|at| right.items[at].place);
    let names = &mut differ.names;
    for (run, label, place) in
        [(&differ.left, &differ.how.left, ours), (&differ.right, &differ.how.right, theirs)]
    {
        let stack = place.and_then(|place| run.stacks.at(place));
        finding.stacks.extend(stack.map(|stack| names.stack(label, &run.stacks, stack)));
    }
    stacks::place(finding);
}

/// Both runs make the call.
fn changed(
    differ: &Differ<'_>,
    stream: &Stream,
    at: usize,
    (ours, theirs): (&Call, &Call),
    depth: Depth,
) -> Finding {
    let left = parts(&differ.left, ours);
    let right = parts(&differ.right, theirs);
    let name = name(ours);
    let (rule, what, part) = cause(ours, theirs, &left, &right);
    let mut message = format!("{name}: {what}");
    let mut rule = rule;
    let mut details = Vec::new();
    if rule.id == rules::STATE_DIFFERS.id {
        return state(differ, stream, at, ours, theirs);
    }
    if let Some(part) = part {
        let bytes = |parts: &[(Part, Vec<u8>)], call: &Call| match part {
            Part::Payload(index) | Part::Received(index) => {
                let out = matches!(part, Part::Received(_));
                // What is compared of a structure is not what stands in memory.
                let is_plain = !is_structure(call, index);
                let payload = call.payload(index.into(), out).filter(|_| is_plain);
                payload.map_or_else(|| find(parts, part), |payload| payload.bytes.clone())
            }
            _ => Vec::new(),
        };
        let (ours, theirs) = (bytes(&left, ours), bytes(&right, theirs));
        if matches!(part, Part::Payload(_) | Part::Received(_)) && ours != theirs {
            let first = ours.iter().zip(&theirs).take_while(|(l, r)| l == r).count();
            message = format!("{message} from byte {first} on");
            if rule.id == rules::PAYLOAD_DIFFERS.id && order::same_pieces(&ours, &theirs) {
                rule = &rules::ITERATION_ORDER;
                message = format!("{message}: the same pieces in another order");
            }
            if depth == Depth::Full {
                details.push(format!(
                    "byte {first}: {} bytes in the {} run, {} in the {} run",
                    ours.len(),
                    differ.how.left,
                    theirs.len(),
                    differ.how.right
                ));
                let width = differ.how.left.len().max(differ.how.right.len());
                for (label, bytes) in [(&differ.how.left, &ours), (&differ.how.right, &theirs)] {
                    details.push(format!("  {label:width$}  {}", window(bytes, first)));
                }
            }
        }
    }
    let mut finding =
        Finding::new(rule, subject(&stream.lineage, stream.items[at].position, &name), message);
    finding.details = details;
    finding.argument = part.and_then(|part| plain_name(ours, part));
    finding
}

/// Both announce a step, in different states.
fn state(differ: &Differ<'_>, stream: &Stream, at: usize, ours: &Call, theirs: &Call) -> Finding {
    let digests = |call: &Call| -> BTreeMap<String, u64> {
        let marker = call.payload(1, false).and_then(|told| Marker::decode(&told.bytes).ok());
        let fields = marker.map(|marker| FieldDigests::read(marker.fields));
        fields.into_iter().flatten().map(|(path, digest)| (path.to_owned(), digest)).collect()
    };
    let (left, right) = (digests(ours), digests(theirs));
    let paths: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    let differing: Vec<&String> =
        paths.iter().copied().filter(|path| left.get(*path) != right.get(*path)).collect();
    let step = ours
        .payload(1, false)
        .and_then(|told| Marker::decode(&told.bytes).ok())
        .map_or(0, |marker| marker.step);
    let first = differing.first().map_or("", |path| path.as_str());
    let message = format!(
        "at step {step} {} of {} fields differ{} {first}",
        differing.len(),
        paths.len(),
        if differing.len() == 1 { ":" } else { ", the first is" }
    );
    let subject = match first.parse() {
        Ok(path) => Subject::Field(path),
        Err(_) => subject(&stream.lineage, stream.items[at].position, "marker"),
    };
    let mut finding = Finding::new(&rules::STATE_DIFFERS, subject, message);
    let show = |digests: &BTreeMap<String, u64>, path: &String| {
        digests.get(path).map_or_else(|| "none".to_owned(), |digest| format!("{digest:016x}"))
    };
    for path in &differing {
        finding.details.push(format!("{path}: {} and {}", show(&left, path), show(&right, path)));
    }
    if let Some(path) = differing.first() {
        finding.sides = Some(differ.sides(show(&left, path), show(&right, path)));
    }
    finding
}

/// Which rule a changed call falls under, in words, and the part that shows it.
fn cause(
    ours: &Call,
    theirs: &Call,
    left: &[(Part, Vec<u8>)],
    right: &[(Part, Vec<u8>)],
) -> (&'static Rule, String, Option<Part>) {
    if ours.number != theirs.number {
        let what = format!("the other run calls {} here", name(theirs));
        return (&rules::ARGUMENT_DIFFERS, what, None);
    }
    let mut differing: Vec<Part> = Vec::new();
    for (part, bytes) in left {
        if !right.iter().any(|(other, theirs)| other == part && theirs == bytes) {
            differing.push(*part);
        }
    }
    for (part, _) in right {
        if !left.iter().any(|(other, _)| other == part) {
            differing.push(*part);
        }
    }
    let is_marker = ours.flags & call_flags::MARKER != 0;
    let payload = differing.iter().find(|part| matches!(part, Part::Payload(_)));
    // The length of a payload differs because the payload does.
    let lengths = lengths(ours);
    let argument = differing.iter().find_map(|part| match part {
        Part::Argument(index) if payload.is_none() || !lengths.contains(index) => Some(*index),
        _ => None,
    });
    if is_marker && argument.is_none() && differing.contains(&Part::Received(1)) {
        return (&rules::STATE_DIFFERS, "the state differs".to_owned(), None);
    }
    if is_marker {
        let what = match argument {
            Some(0) => "another marker is announced",
            Some(_) => "the marker names another step",
            None => "the image holds another state",
        };
        let rule =
            if argument.is_some() { &rules::ARGUMENT_DIFFERS } else { &rules::IMAGE_DIFFERS };
        return (rule, what.to_owned(), None);
    }
    let is_time = |part: &Part| match part {
        Part::Argument(index) | Part::Payload(index) => is_time(ours, *index),
        // What comes of it follows from it.
        Part::Received(_) | Part::Result => argument.is_some() || payload.is_some(),
    };
    if !differing.is_empty() && differing.iter().all(is_time) {
        let index = argument.or(payload.and_then(|part| match part {
            Part::Payload(index) => Some(*index),
            _ => None,
        }));
        let what = format!("only the time {} differs", argument_name(ours, index.unwrap_or(0)));
        let part = argument.map(Part::Argument).or(payload.copied());
        return (&rules::TIME_DIFFERS, what, part);
    }
    if let Some(index) = argument {
        let what = format!("argument {} differs", argument_name(ours, index));
        return (&rules::ARGUMENT_DIFFERS, what, Some(Part::Argument(index)));
    }
    if let Some(Part::Payload(index)) = payload {
        let what = format!("what {} hands over differs", argument_name(ours, *index));
        return (&rules::PAYLOAD_DIFFERS, what, payload.copied());
    }
    let received = differing.iter().find(|part| matches!(part, Part::Received(_)));
    if let Some(Part::Received(index)) = received {
        let what = format!("what {} receives differs", argument_name(ours, *index));
        return (&rules::INPUT_DIFFERS, what, received.copied());
    }
    if differing.is_empty() {
        let what = "its descriptors do not lead to what they led to in the other run";
        return (&rules::ARGUMENT_DIFFERS, what.to_owned(), None);
    }
    (&rules::RESULT_DIFFERS, "the result differs".to_owned(), None)
}

fn parts(run: &Run, call: &Call) -> Vec<(Part, Vec<u8>)> {
    let mut parts = Vec::new();
    run.context.parts(call, &mut |part, bytes| parts.push((part, bytes.to_vec())));
    parts
}

fn find(parts: &[(Part, Vec<u8>)], part: Part) -> Vec<u8> {
    let found = parts.iter().find(|(other, _)| *other == part);
    found.map(|(_, bytes)| bytes.clone()).unwrap_or_default()
}

/// Arguments that say how long another one is.
fn lengths(call: &Call) -> Vec<u8> {
    let row = table::row(call.number);
    let arguments = row.map_or(&[][..], |row| row.arguments);
    arguments
        .iter()
        .filter_map(|argument| match argument.kind {
            Kind::In(length) | Kind::InVector(length) | Kind::InSized(length, _) => Some(length),
            _ => None,
        })
        .collect()
}

fn is_structure(call: &Call, index: u8) -> bool {
    let row = table::row(call.number);
    row.and_then(|row| row.arguments.get(usize::from(index))).is_some_and(|argument| {
        matches!(
            argument.kind,
            Kind::InStruct(..)
                | Kind::InSized(..)
                | Kind::OutStruct(..)
                | Kind::InOutStruct(..)
                | Kind::OutArray(..)
                | Kind::OutAt(..)
        )
    })
}

/// Whether an argument is a time, by its type.
fn is_time(call: &Call, index: u8) -> bool {
    let Some(row) = table::row(call.number) else { return false };
    row.arguments.get(usize::from(index)).is_some_and(|argument| {
        matches!(argument.name, "timeout" | "times")
            || matches!(row.name, "alarm" | "setitimer" | "timer_settime" | "timerfd_settime")
                && matches!(argument.name, "seconds" | "new")
            || matches!(
                argument.kind,
                Kind::InStruct(_, Layout::Timespec | Layout::Timeval)
                    | Kind::InSized(_, Layout::Timespec | Layout::Timeval)
                    | Kind::InOutStruct(_, Layout::Timespec | Layout::Timeval)
            )
    })
}

/// The name of the argument that a part is of, as the table has it.
fn plain_name(call: &Call, part: Part) -> Option<String> {
    let (Part::Argument(index) | Part::Payload(index) | Part::Received(index)) = part else {
        return None;
    };
    let argument = table::row(call.number)?.arguments.get(usize::from(index))?;
    Some(argument.name.to_owned())
}

fn argument_name(call: &Call, index: u8) -> String {
    if index == MOVED {
        return "the descriptor".to_owned();
    }
    if index == MAPPED {
        return "the mapped file".to_owned();
    }
    if index == NAMED {
        return "the address".to_owned();
    }
    table::row(call.number)
        .and_then(|row| row.arguments.get(usize::from(index)))
        .map_or_else(|| format!("{index}"), |argument| format!("`{}`", argument.name))
}

/// What a call is called in a finding.
fn name(call: &Call) -> String {
    if call.flags & call_flags::MARKER != 0 {
        "marker".to_owned()
    } else {
        table::name(call.number)
    }
}

fn call(run: &mut Run, stream: &Stream, at: usize) -> Result<Call, Error> {
    let place = stream.items[at].place;
    match run.reader.at(place)? {
        Event::Call(call) => Ok(call),
        // A place of an item always holds a call, unless the file was exchanged meanwhile.
        _ => Err(Error::NotATrace { path: run.reader.path().to_owned() }),
    }
}

/// The calls around a place, the place itself marked.
fn around(
    run: &mut Run,
    stream: &Stream,
    at: usize,
    label: &str,
    details: &mut Vec<String>,
) -> Result<(), Error> {
    let ids = run.context.numbers(stream.task).map_or_else(String::new, |ids| format!(" ({ids})"));
    details.push(format!("{label} run, thread {}{ids}:", stream.lineage));
    for near in at.saturating_sub(BEFORE)..(at + AFTER + 1).min(stream.items.len()) {
        let shown = call(run, stream, near)?;
        let mark = if near == at { '>' } else { ' ' };
        let text = show::render(&shown, &run.context.names);
        details.push(format!("{mark} {:>6} {text}", stream.items[near].position));
    }
    Ok(())
}

/// The bytes around one of them, in hexadecimal and as text.
fn window(bytes: &[u8], at: usize) -> String {
    let from = at.saturating_sub(WINDOW / 2).min(bytes.len());
    let to = (at + WINDOW).min(bytes.len());
    let shown = &bytes[from..to];
    let mut hex = String::new();
    for (offset, byte) in shown.iter().enumerate() {
        let mark = if from + offset == at { '>' } else { ' ' };
        hex.push_str(&format!("{mark}{byte:02x}"));
    }
    format!("{from:>6}:{hex}  \"{}\"", shown.escape_ascii())
}
