//! Many findings under one heading.

use std::collections::BTreeMap;

use annotate_snippets::{Group, Level, Origin};

use super::level;
use crate::{Finding, Severity};

/// Pieces of state of one owner, all with the same rule.
pub(super) fn of_state(run: &[Finding], help: Option<String>) -> Group<'_> {
    let first = &run[0];
    let owner = first.group.as_deref().unwrap_or_default();
    let title = format!("{} findings in `{owner}`: {}", run.len(), first.rule.title);
    let mut group = Group::with_title(level(first.severity).primary_title(title).id(first.rule.id));
    if let Some(place) = &first.place {
        group = group.element(Origin::path(&*place.file).line(place.line.max(1) as usize));
    }
    let subjects: Vec<String> = run
        .iter()
        .map(|finding| match finding.way.last().and_then(|last| last.split_once(": ")) {
            // The last step of the way tells the field's type.
            Some((_, ty)) => format!("{}: {ty}", finding.subject),
            None => finding.subject.to_string(),
        })
        .collect();
    group = group.element(Level::NOTE.no_name().message(subjects.join("\n")));
    match help {
        Some(help) => group.element(Level::HELP.message(help)),
        None => group,
    }
}

/// The calls after the first one that differs.
pub(super) fn of_calls(rest: &[Finding]) -> Group<'_> {
    let worst = rest.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Note);
    let place = rest[0].group.as_ref().map_or(String::new(), |group| format!(" at {group}"));
    let title = format!("{} more calls differ{place}; `--verbose` shows each", rest.len());
    let mut by_rule: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for finding in rest {
        by_rule.entry(finding.rule.id).or_default().push(finding.subject.to_string());
    }
    let mut group = Group::with_title(level(worst).primary_title(title));
    for (rule, calls) in by_rule {
        let text = format!("{rule}: {}", wrapped(&calls));
        group = group.element(Level::NOTE.no_name().message(text));
    }
    group
}

/// Short items, as many in a line as fit.
fn wrapped(items: &[String]) -> String {
    let mut text = String::new();
    let mut width = 0;
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            let fits = width + item.len() < 80;
            text.push_str(if fits { ", " } else { ",\n" });
            width = if fits { width + 2 } else { 0 };
        }
        text.push_str(item);
        width += item.len();
    }
    text
}
