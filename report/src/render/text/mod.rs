//! Text for people: each finding like a compiler's diagnostic, then one line that sums up.

mod crowd;
mod single;
mod table;

use std::collections::HashSet;
use std::fmt::Write as _;

use annotate_snippets::{Group, Level, Renderer};

use crate::{ExitCode, Finding, Report, Severity, Subject};

/// How many neighbors of one rule and one group are still shown one by one.
const ONE_BY_ONE: usize = 3;

/// How the text is to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether to use terminal colors.
    pub color: bool,
    /// Whether to show every finding by itself, however many there are.
    pub verbose: bool,
}

/// The report as text, ending with a line feed.
#[must_use]
pub fn render(report: &Report, style: Style) -> String {
    let renderer = if style.color { Renderer::styled() } else { Renderer::plain() };
    let mut text = String::new();
    let mut show = |group: Group<'_>| {
        text.push_str(&renderer.render(&[group]));
        text.push_str("\n\n");
    };
    // A finding that does not say what to do gets the rule's remedy, the first time.
    let mut advised = HashSet::new();
    let mut advise = |finding: &Finding| {
        let remedy = advised.insert(finding.rule.id).then_some(finding.rule.remedy);
        finding.help.clone().or(remedy.map(str::to_owned))
    };
    for run in report.findings.chunk_by(belong_together) {
        let whole = shown_whole(run, style);
        for finding in &run[..whole] {
            show(single::group(finding, advise(finding), style.verbose));
        }
        match &run[whole..] {
            [] => {}
            rest if is_call(&rest[0]) => show(crowd::of_calls(rest)),
            rest => show(crowd::of_state(rest, advise(&rest[0]))),
        }
    }
    for note in &report.notes {
        text.push_str(&renderer.render(&[Group::with_title(Level::NOTE.primary_title(note))]));
        text.push('\n');
    }
    for table in &report.tables {
        text.push_str(&table::aligned(table));
        text.push('\n');
    }
    text.push_str(&summary(report, style.verbose));
    text.push('\n');
    text
}

fn is_call(finding: &Finding) -> bool {
    matches!(finding.subject, Subject::Call(_))
}

/// Whether two neighbors may be told together: calls of one comparison, whatever their rules,
/// since one divergence leads to others; pieces of state of one owner, with the same rule.
fn belong_together(a: &Finding, b: &Finding) -> bool {
    let same_kind = match (is_call(a), is_call(b)) {
        (true, true) => true,
        (false, false) => a.group.is_some() && a.rule.id == b.rule.id && a.severity == b.severity,
        (true, false) | (false, true) => false,
    };
    same_kind && a.group == b.group
}

/// How many of these are shown one by one, from the first on.
fn shown_whole(run: &[Finding], style: Style) -> usize {
    if run.len() <= ONE_BY_ONE || style.verbose {
        run.len()
    } else {
        // Of calls, the first difference is the one that matters.
        usize::from(is_call(&run[0]))
    }
}

fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Blind => Level::WARNING.with_name("cannot see"),
        Severity::Note => Level::NOTE,
    }
}

/// One line that says how it ended and how much was looked at.
fn summary(report: &Report, verbose: bool) -> String {
    let mut line = String::from(&*report.command);
    // Whole command lines would bury the verdict.
    let short = |name: &&str| !name.contains(' ');
    let names: Vec<&str> = report.inputs.iter().map(|input| &*input.name).filter(short).collect();
    if !names.is_empty() {
        let _ = write!(line, " {}", names.join(" "));
    }
    line.push_str(": ");
    let counts: Vec<String> = [
        (Severity::Error, "error"),
        (Severity::Warning, "warning"),
        (Severity::Blind, "place that could not be seen"),
        (Severity::Note, "note"),
    ]
    .into_iter()
    .filter_map(|(severity, word)| match (report.count(severity), severity) {
        (0, _) => None,
        (1, _) => Some(format!("1 {word}")),
        (count, Severity::Blind) => Some(format!("{count} places that could not be seen")),
        (count, _) => Some(format!("{count} {word}s")),
    })
    .collect();
    line.push_str(match report.exit_code() {
        ExitCode::Clean => "clean",
        ExitCode::CouldNotCheck => "could not check everything",
        ExitCode::Findings | ExitCode::Usage => "failed",
    });
    if !counts.is_empty() {
        let _ = write!(line, ", {}", counts.join(", "));
    }
    let facts: Vec<String> = report
        .facts
        .iter()
        .filter(|fact| verbose || !fact.is_detail)
        .map(|fact| format!("{} {}", fact.count, fact.what))
        .collect();
    if !facts.is_empty() {
        let _ = write!(line, " ({})", facts.join(", "));
    }
    line
}
