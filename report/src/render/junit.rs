//! JUnit XML, for services that show tests: a test case for each finding, and one for the command.

use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus, TestSuite};

use crate::{ExitCode, Finding, Report, Severity};

/// The report as one JUnit document, ending with a line feed.
///
/// What fails the gate is a failure, what could not be seen an error; both make services red.
///
/// # Errors
/// What `quick_junit` says; in practice none: what XML cannot hold is left out of it.
pub fn render(report: &Report) -> Result<String, quick_junit::SerializeError> {
    let mut suite = TestSuite::new(format!("samestate {}", report.command));
    for input in &report.inputs {
        suite.add_property((input.role.as_str(), input.name.as_str()));
    }
    for fact in &report.facts {
        suite.add_property((fact.what.as_str(), fact.count.to_string().as_str()));
    }
    suite.add_test_case(whole(report));
    suite.add_test_cases(report.findings.iter().map(case));
    let mut document = Document::new("samestate");
    document.add_test_suite(suite);
    document.to_string()
}

/// The command itself, so that a clean report has a test that passed.
fn whole(report: &Report) -> TestCase {
    let code = report.exit_code();
    let status = match code {
        ExitCode::Clean => TestCaseStatus::success(),
        ExitCode::Findings => failed(NonSuccessKind::Failure, "exit code 1: findings", "gate"),
        code => failed(
            NonSuccessKind::Error,
            &format!("exit code {}: {}", code.code(), code.word()),
            "gate",
        ),
    };
    let mut case = TestCase::new(report.command.as_str(), status);
    case.set_classname("samestate");
    if !report.notes.is_empty() {
        case.set_system_out(report.notes.join("\n"));
    }
    case
}

fn case(finding: &Finding) -> TestCase {
    let text = text(finding);
    let status = match finding.severity {
        Severity::Error => failed(NonSuccessKind::Failure, &finding.message, finding.rule.id),
        Severity::Blind => failed(NonSuccessKind::Error, &finding.message, finding.rule.id),
        Severity::Warning | Severity::Note => TestCaseStatus::success(),
    };
    let mut case = TestCase::new(finding.subject.to_string(), status);
    case.set_classname(format!("samestate.{}", finding.rule.id));
    case.set_system_out(text);
    case
}

fn failed(kind: NonSuccessKind, message: &str, rule: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(message).set_type(rule);
    status
}

fn text(finding: &Finding) -> String {
    let mut lines = vec![format!("{}: {}", finding.severity.word(), finding.message)];
    if let Some(place) = &finding.place {
        lines.push(format!("at {}:{}", place.file, place.line));
    }
    if !finding.way.is_empty() {
        lines.push(format!("way: {}", finding.way.join(" → ")));
    }
    if let Some(sides) = &finding.sides {
        let sides = [&sides.left, &sides.right];
        lines.extend(sides.map(|side| format!("{}: {}", side.label, side.text)));
    }
    lines.extend(finding.evidence.iter().map(|e| format!("{}: {}", e.source, e.says)));
    lines.extend(finding.details.iter().cloned());
    for stack in &finding.stacks {
        lines.push(format!("{} run, stack:", stack.label));
        lines.extend(stack.lines(true, None));
    }
    lines.extend(finding.help.iter().map(|help| format!("help: {help}")));
    lines.join("\n")
}
