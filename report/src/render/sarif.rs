//! SARIF 2.1.0, for code scanning services and editors.
//!
//! A result is recognized again by its fingerprint, which knows nothing of lines: code that moves
//! does not reopen an alert.

use std::collections::BTreeMap;

use serde_sarif::sarif::{
    ArtifactContent, ArtifactLocation, CodeFlow, Invocation, Location, LogicalLocation, Message,
    MultiformatMessageString, Notification, PhysicalLocation, PropertyBag, Region,
    ReportingConfiguration, ReportingDescriptor, Result as SarifResult, ResultLevel, Run, Sarif,
    Stack as SarifStack, StackFrame, ThreadFlow, ThreadFlowLocation, Tool, ToolComponent,
};
use xxhash_rust::xxh3::xxh3_128;

use crate::{Finding, Frame, Place, Report, Rule, Severity, Stack, Subject};

/// The standard's schema, as documents name it.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The name of our fingerprints; another way of taking them is another name.
const FINGERPRINT: &str = "samestateSubject/v1";

/// The report as one SARIF document, ending with a line feed.
///
/// What could not be seen is a result of level `warning`, and the invocation counts as not
/// successful: a service that shows only failures must not show it as fine.
///
/// # Errors
/// What `serde_json` says; in practice none, since nothing in a report fails to serialize.
pub fn render(report: &Report) -> Result<String, serde_json::Error> {
    let mut rules: Vec<&'static Rule> =
        report.findings.iter().map(|finding| finding.rule).collect();
    rules.sort_by_key(|rule| rule.id);
    rules.dedup_by_key(|rule| rule.id);
    let driver = ToolComponent::builder()
        .name("samestate")
        .semantic_version(env!("CARGO_PKG_VERSION"))
        .information_uri(env!("CARGO_PKG_REPOSITORY"))
        .rules(rules.iter().map(|rule| descriptor(rule)).collect::<Vec<_>>())
        .build();
    let mut seen = BTreeMap::new();
    let results = report.findings.iter().map(|finding| {
        let index = rules.iter().position(|rule| rule.id == finding.rule.id);
        result(report, finding, index, &mut seen)
    });
    let run = Run::builder()
        .tool(Tool::builder().driver(driver).build())
        .invocations([invocation(report)])
        .results(results.collect::<Vec<_>>())
        .column_kind("unicodeCodePoints")
        .build();
    let document = Sarif::builder().schema(SCHEMA).version("2.1.0").runs([run]).build();
    let mut text = serde_json::to_string_pretty(&document)?;
    text.push('\n');
    Ok(text)
}

fn descriptor(rule: &Rule) -> ReportingDescriptor {
    let text = |text: &str| MultiformatMessageString::builder().text(text).build();
    let level = level(rule.severity).to_string();
    ReportingDescriptor::builder()
        .id(rule.id)
        .short_description(text(rule.title))
        .full_description(text(rule.explanation))
        .help(text(rule.remedy))
        .default_configuration(ReportingConfiguration::builder().level(level).build())
        .build()
}

fn result(
    report: &Report,
    finding: &Finding,
    rule_index: Option<usize>,
    seen: &mut BTreeMap<String, u32>,
) -> SarifResult {
    let mut properties = BTreeMap::from([("severity".to_owned(), finding.severity.word().into())]);
    if let Some(help) = &finding.help {
        properties.insert("help".to_owned(), help.as_str().into());
    }
    let mut result = SarifResult::builder()
        .rule_id(finding.rule.id)
        .level(level(finding.severity))
        .message(message(&described(finding)))
        .locations([location(report, finding)])
        .partial_fingerprints(BTreeMap::from([(
            FINGERPRINT.to_owned(),
            fingerprint(report, finding, seen),
        )]))
        .properties(PropertyBag::builder().additional_properties(properties).build())
        .build();
    result.rule_index = rule_index.and_then(|index| i64::try_from(index).ok());
    if !finding.way.is_empty() {
        result.code_flows = Some(vec![way(&finding.way)]);
    }
    let related: Vec<_> = finding
        .evidence
        .iter()
        .filter_map(|evidence| {
            let place = evidence.place.as_ref()?;
            let says = message(&format!("{}: {}", evidence.source, evidence.says));
            let location = Location::builder().physical_location(physical(place)).message(says);
            Some(location.build())
        })
        .collect();
    if !related.is_empty() {
        result.related_locations = Some(related);
    }
    if !finding.stacks.is_empty() {
        result.stacks = Some(finding.stacks.iter().map(stack).collect());
    }
    result
}

/// The calls that led to a system call.
fn stack(stack: &Stack) -> SarifStack {
    let mut says = format!("{} run", stack.label);
    if let Some(why) = &stack.missing {
        let none = if stack.frames.is_empty() { "no stack" } else { "it ends early" };
        says.push_str(&format!(": {none}: {why}"));
    }
    SarifStack::builder()
        .message(message(&says))
        .frames(stack.frames.iter().map(frame).collect::<Vec<_>>())
        .build()
}

fn frame(frame: &Frame) -> StackFrame {
    let logical = LogicalLocation::builder()
        .fully_qualified_name(frame.function.clone().unwrap_or_else(|| frame.text()))
        .kind("function")
        .build();
    let mut location = Location::builder().logical_locations([logical]).build();
    location.physical_location = frame.place.as_ref().map(physical);
    StackFrame::builder().location(location).module(frame.module.as_str()).build()
}

/// All that a person should read of a finding, in plain text.
fn described(finding: &Finding) -> String {
    let mut text = finding.message.clone();
    if let Some(sides) = &finding.sides {
        for side in [&sides.left, &sides.right] {
            text.push_str(&format!("\n{}: {}", side.label, side.text));
        }
    }
    for evidence in &finding.evidence {
        text.push_str(&format!("\n{}: {}", evidence.source, evidence.says));
    }
    for line in &finding.details {
        text.push_str(&format!("\n{line}"));
    }
    if let Some(help) = &finding.help {
        text.push_str(&format!("\nhelp: {help}"));
    }
    text
}

/// Where a service shows the finding: its place in the source, or else what was looked at.
fn location(report: &Report, finding: &Finding) -> Location {
    let name = finding.subject.to_string();
    let kind = match &finding.subject {
        Subject::Field(_) => "member",
        Subject::Type(_) => "type",
        Subject::Call(_) => "function",
        Subject::Input(_) => "resource",
    };
    let logical = LogicalLocation::builder().fully_qualified_name(name).kind(kind).build();
    let place = finding
        .place
        .clone()
        .or_else(|| report.inputs.last().map(|input| Place::new(input.name.clone(), 0, 0)));
    let mut location = Location::builder().logical_locations([logical]).build();
    location.physical_location = place.as_ref().map(physical);
    location
}

fn physical(place: &Place) -> PhysicalLocation {
    let artifact = ArtifactLocation::builder().uri(uri(&place.file)).build();
    let mut physical = PhysicalLocation::builder().artifact_location(artifact).build();
    if place.line > 0 {
        let mut region = Region::builder().start_line(i64::from(place.line)).build();
        region.start_column = (place.column > 0).then(|| i64::from(place.column));
        region.snippet =
            place.text.as_ref().map(|text| ArtifactContent::builder().text(text.as_str()).build());
        physical.region = Some(region);
    }
    physical
}

/// A path as a reference of RFC 3986: what is not allowed in one is percent-encoded.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                uri.push(char::from(byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

/// The way from the root as a flow: each step a location without a file.
fn way(steps: &[String]) -> CodeFlow {
    let locations = steps.iter().map(|step| {
        let location = Location::builder()
            .logical_locations([LogicalLocation::builder().fully_qualified_name(step).build()])
            .message(message(step))
            .build();
        ThreadFlowLocation::builder().location(location).build()
    });
    let flow = ThreadFlow::builder().locations(locations.collect::<Vec<_>>()).build();
    CodeFlow::builder().message(message("the way from the root")).thread_flows([flow]).build()
}

fn invocation(report: &Report) -> Invocation {
    let notes = report
        .notes
        .iter()
        .map(|note| Notification::builder().message(message(note)).level("note").build());
    let unseen = report.findings.iter().filter(|finding| finding.severity == Severity::Blind);
    let unseen = unseen.map(|finding| {
        let text = format!("could not see: {}", finding.message);
        Notification::builder().message(message(&text)).level("warning").build()
    });
    Invocation::builder()
        .execution_successful(!report.is_incomplete())
        .exit_code(i64::from(report.exit_code().code()))
        .exit_code_description(report.exit_code().word())
        .tool_execution_notifications(unseen.chain(notes).collect::<Vec<_>>())
        .build()
}

fn message(text: &str) -> Message {
    Message::builder().text(text).build()
}

const fn level(severity: Severity) -> ResultLevel {
    match severity {
        Severity::Note => ResultLevel::Note,
        Severity::Warning | Severity::Blind => ResultLevel::Warning,
        Severity::Error => ResultLevel::Error,
    }
}

/// What a finding is about, whatever its place: rule and subject, and which one of several.
fn fingerprint(report: &Report, finding: &Finding, seen: &mut BTreeMap<String, u32>) -> String {
    let subject = match &finding.subject {
        // A file that was given has another name in every run.
        Subject::Input(name) => report
            .inputs
            .iter()
            .find(|input| input.name == *name)
            .map_or_else(|| name.clone(), |input| input.role.clone()),
        subject => subject.to_string(),
    };
    let key = format!("{}\0{}\0{subject}", report.command, finding.rule.id);
    let hash = xxh3_128(key.as_bytes());
    let count = seen.entry(key).or_default();
    *count += 1;
    format!("{hash:032x}:{count}")
}
