//! Text for people: each finding like a compiler's diagnostic, then one line that sums up.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::{ExitCode, Finding, Place, Report, Severity, Subject, Table};

/// How many neighbours of one rule and one group are still shown one by one.
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
    let together = |a: &Finding, b: &Finding| {
        a.group.is_some()
            && a.group == b.group
            && a.rule.id == b.rule.id
            && a.severity == b.severity
    };
    // A finding that does not say what to do gets the rule's remedy, the first time.
    let mut advised = HashSet::new();
    let mut advise = |finding: &Finding| {
        let remedy = advised.insert(finding.rule.id).then_some(finding.rule.remedy);
        finding.help.clone().or(remedy.map(str::to_owned))
    };
    for run in report.findings.chunk_by(together) {
        // Of calls, the first difference is the one that matters: it is shown whole.
        let is_call = matches!(run[0].subject, Subject::Call(_));
        let whole = match run.len() {
            len if len <= ONE_BY_ONE || style.verbose => len,
            _ if is_call => 1,
            _ => 0,
        };
        for finding in &run[..whole] {
            text.push_str(&renderer.render(&[single(finding, advise(finding))]));
            text.push_str("\n\n");
        }
        if whole < run.len() {
            let help = advise(&run[whole]);
            text.push_str(&renderer.render(&[several(&run[whole..], whole > 0, help)]));
            text.push_str("\n\n");
        }
    }
    for note in &report.notes {
        text.push_str(&renderer.render(&[Group::with_title(Level::NOTE.primary_title(note))]));
        text.push('\n');
    }
    for table in &report.tables {
        text.push_str(&aligned(table));
        text.push('\n');
    }
    text.push_str(&summary(report, style.verbose));
    text.push('\n');
    text
}

fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Blind => Level::WARNING.with_name("cannot see"),
        Severity::Note => Level::NOTE,
    }
}

/// A line below the finding that starts with its own word.
fn labelled<'a>(
    group: Group<'a>,
    label: impl Into<Cow<'a, str>>,
    text: impl Into<Cow<'a, str>>,
) -> Group<'a> {
    group.element(Level::NOTE.with_name(label.into()).message(text))
}

fn single(finding: &Finding, help: Option<String>) -> Group<'_> {
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

/// Many findings of one rule about one thing: their subjects under one heading.
fn several(run: &[Finding], is_rest: bool, help: Option<String>) -> Group<'_> {
    let first = &run[0];
    let owner = first.group.as_deref().unwrap_or_default();
    let more = if is_rest { "more " } else { "" };
    let title = format!("{} {more}findings in `{owner}`: {}", run.len(), first.rule.title);
    let mut group = Group::with_title(level(first.severity).primary_title(title).id(first.rule.id));
    if let Some(place) = &first.place {
        group = group.element(Origin::path(&*place.file).line(place.line.max(1) as usize));
    }
    if let Subject::Call(_) = first.subject {
        let calls = run.iter().map(|finding| finding.subject.to_string()).collect::<Vec<_>>();
        return group.element(Level::NOTE.no_name().message(wrapped(&calls)));
    }
    let subjects: Vec<String> = run
        .iter()
        .map(|finding| match finding.way.last() {
            // The last step of the way tells the field's type.
            Some(last) => match last.split_once(": ") {
                Some((_, ty)) => format!("{}: {ty}", finding.subject),
                None => finding.subject.to_string(),
            },
            None => finding.subject.to_string(),
        })
        .collect();
    group = group.element(Level::NOTE.no_name().message(subjects.join("\n")));
    if let Some(help) = help {
        group = group.element(Level::HELP.message(help));
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

/// The table in columns as wide as their widest cell; numbers stand to the right.
fn aligned(table: &Table) -> String {
    let lines: Vec<&[String]> =
        std::iter::once(&*table.columns).chain(table.rows.iter().map(|row| &**row)).collect();
    let cell = |line: &[String], column: usize| line.get(column).map_or("", |c| &**c).to_owned();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let columns: Vec<(usize, bool)> = (0..table.columns.len())
        .map(|column| {
            let width = lines.iter().map(|line| cell(line, column).chars().count()).max();
            let numbers = table.rows.iter().all(|row| is_number(&cell(row, column)));
            (width.unwrap_or(0), numbers)
        })
        .collect();
    let mut text = String::new();
    for line in lines {
        let mut shown = String::new();
        for (column, &(width, numbers)) in columns.iter().enumerate() {
            let cell = cell(line, column);
            let _ = if numbers {
                write!(shown, "  {cell:>width$}")
            } else {
                write!(shown, "  {cell:<width$}")
            };
        }
        text.push_str(shown.trim_end());
        text.push('\n');
    }
    text
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
