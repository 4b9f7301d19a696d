//! One finding, whole.

use std::borrow::Cow;
use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Snippet};

use super::level;
use crate::{Finding, Place, Stack, Subject};

/// The finding as a diagnostic.
pub(super) fn group(finding: &Finding, help: Option<String>, verbose: bool) -> Group<'_> {
    let title = level(finding.severity).primary_title(&*finding.message).id(finding.rule.id);
    let mut group = Group::with_title(title);
    if let Some(place) = &finding.place {
        group = located(group, place);
    }
    if let Subject::Field(path) = &finding.subject {
        let path = path.to_string();
        if !finding.message.contains(&path) {
            group = labelled(group, "field", path);
        }
    }
    if !finding.way.is_empty() {
        group = labelled(group, "way", finding.way.join(" → "));
    }
    if let Subject::Call(call) = &finding.subject {
        let at = format!("{} in thread {}, call {}", call.name, call.lineage, call.position);
        group = labelled(group, "call", at);
    }
    if let Some(sides) = &finding.sides {
        let width = sides.left.label.len().max(sides.right.label.len());
        for side in [&sides.left, &sides.right] {
            group = labelled(group, format!("{:>width$}", side.label), &*side.text);
        }
    }
    for detail in &finding.details {
        group = group.element(Level::NOTE.no_name().message(&**detail));
    }
    for line in stacks(finding, verbose) {
        group = group.element(Level::NOTE.no_name().message(line));
    }
    for evidence in &finding.evidence {
        let mut says = evidence.says.clone();
        if let Some(place) = &evidence.place {
            let _ = write!(says, " ({}:{})", place.file, place.line);
        }
        group = labelled(group, &*evidence.source, says);
    }
    if let Some(help) = help {
        group = group.element(Level::HELP.message(help));
    }
    group
}

/// The stacks of both sides, those that are the same once.
fn stacks(finding: &Finding, verbose: bool) -> Vec<String> {
    let lines = |stack: &Stack| stack.lines(verbose, finding.place.as_ref());
    let mut out = Vec::new();
    match &finding.stacks[..] {
        [left, right] if lines(left) == lines(right) => {
            out.push("both runs, stack:".to_owned());
            out.extend(lines(left));
        }
        stacks => {
            for stack in stacks {
                out.push(format!("{} run, stack:", stack.label));
                out.extend(lines(stack));
            }
        }
    }
    out
}

/// A line below the finding that starts with its own word.
fn labelled<'a>(
    group: Group<'a>,
    label: impl Into<Cow<'a, str>>,
    text: impl Into<Cow<'a, str>>,
) -> Group<'a> {
    group.element(Level::NOTE.with_name(label.into()).message(text))
}

/// The place, with its line of source if that is known.
fn located<'a>(group: Group<'a>, place: &'a Place) -> Group<'a> {
    let Some(line) = &place.text else {
        let mut origin = Origin::path(&*place.file);
        if place.line > 0 {
            origin = origin.line(place.line as usize);
        }
        if place.line > 0 && place.column > 0 {
            origin = origin.char_column(place.column as usize);
        }
        return group.element(origin);
    };
    let indent = line.len() - line.trim_start().len();
    let start = match place.column {
        0 => indent,
        column => {
            line.char_indices().nth(column as usize - 1).map_or(indent, |(at, _)| at).max(indent)
        }
    };
    // The line without its comment and its comma.
    let code = line.split("//").next().unwrap_or(line).trim_end().trim_end_matches(',');
    let end = code.len().max(start);
    group.element(
        Snippet::source(&**line)
            .path(&*place.file)
            .line_start(place.line as usize)
            .annotation(AnnotationKind::Primary.span(start..end)),
    )
}
