//! GitHub's workflow commands: annotations in a pull request's diff.

use std::fmt::Write as _;

use crate::{Finding, Report, Severity};

/// GitHub shows so many annotations of each level for one step, and drops the others silently.
const MOST: usize = 10;

/// The report as workflow commands, one a line, and a summary for people in the job's log.
///
/// Findings that GitHub would drop are counted in a line of their own, and stand in the log.
#[must_use]
pub fn render(report: &Report) -> String {
    let mut text = String::new();
    // What could not be seen must not be hidden behind what is only suspicious.
    let levels: [(&str, &[Severity]); 3] = [
        ("error", &[Severity::Error]),
        ("warning", &[Severity::Blind, Severity::Warning]),
        ("notice", &[Severity::Note]),
    ];
    let mut dropped = Vec::new();
    for (level, severities) in levels {
        let findings = severities.iter().flat_map(|severity| {
            report.findings.iter().filter(|finding| finding.severity == *severity)
        });
        for (number, finding) in findings.enumerate() {
            if number < MOST {
                annotate(&mut text, level, finding);
            } else {
                dropped.push(finding);
            }
        }
    }
    for finding in &dropped {
        let place = finding.place.as_ref().map(|place| format!("{}:{}: ", place.file, place.line));
        let place = place.unwrap_or_default();
        let (severity, rule) = (finding.severity.word(), finding.rule.id);
        line(&mut text, &format!("{place}{severity}[{rule}]: {}", finding.message));
    }
    for note in &report.notes {
        line(&mut text, &format!("note: {note}"));
    }
    let code = report.exit_code();
    let counts = [Severity::Error, Severity::Blind, Severity::Warning, Severity::Note]
        .map(|severity| format!("{} {}", report.count(severity), severity.word()));
    let mut summary = format!(
        "samestate {}: {} ({}), exit code {}",
        report.command,
        code.word(),
        counts.join(", "),
        code.code()
    );
    if !dropped.is_empty() {
        let _ = write!(summary, "; {} without an annotation, in the log above", dropped.len());
    }
    line(&mut text, &summary);
    text
}

fn annotate(text: &mut String, level: &str, finding: &Finding) {
    let mut properties = Vec::new();
    if let Some(place) = &finding.place {
        properties.push(format!("file={}", property(&place.file)));
        if place.line > 0 {
            properties.push(format!("line={}", place.line));
        }
        if place.column > 0 {
            properties.push(format!("col={}", place.column));
        }
    }
    properties.push(format!("title={}", property(&format!("samestate: {}", finding.rule.id))));
    let mut message = finding.message.clone();
    if finding.severity == Severity::Blind {
        message.insert_str(0, "could not see: ");
    }
    if let Some(sides) = &finding.sides {
        for side in [&sides.left, &sides.right] {
            let _ = write!(message, "\n{}: {}", side.label, side.text);
        }
    }
    if !finding.way.is_empty() {
        let _ = write!(message, "\nway: {}", finding.way.join(" → "));
    }
    if let Some(help) = &finding.help {
        let _ = write!(message, "\nhelp: {help}");
    }
    let _ = writeln!(text, "::{level} {}::{}", properties.join(","), data(&message));
}

/// A line of the log that is no command, whatever it says.
fn line(text: &mut String, says: &str) {
    for says in says.lines() {
        let is_command = says.trim_start().starts_with("::") || says.contains("##[");
        let _ = writeln!(text, "{}{says}", if is_command { "| " } else { "" });
    }
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
