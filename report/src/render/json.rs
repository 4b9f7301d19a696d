//! JSON, stable and versioned.
//!
//! The types here mirror the report, so that the report can change without changing the format.
//! A field may be added within a version; anything else is a new version.

use serde::Serialize;

use crate::{Evidence, Frame, Place, Report, Side, Stack, Subject};

/// The version written, as `version` in the document.
pub const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    version: u32,
    command: &'a str,
    exit_code: u8,
    incomplete: bool,
    inputs: Vec<InputV1<'a>>,
    facts: Vec<FactV1<'a>>,
    notes: &'a [String],
    findings: Vec<FindingV1<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tables: Vec<TableV1<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    plan: Vec<ConversionV1<'a>>,
}

#[derive(Serialize)]
struct ConversionV1<'a> {
    r#type: &'a str,
    steps: Vec<StepV1<'a>>,
}

#[derive(Serialize)]
struct StepV1<'a> {
    part: &'a str,
    r#do: &'a str,
    image: Option<&'a str>,
    program: Option<&'a str>,
    told: &'static str,
}

#[derive(Serialize)]
struct TableV1<'a> {
    row: &'a str,
    columns: &'a [String],
    rows: &'a [Vec<String>],
}

#[derive(Serialize)]
struct InputV1<'a> {
    role: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct FactV1<'a> {
    what: &'a str,
    count: u64,
}

#[derive(Serialize)]
struct FindingV1<'a> {
    rule: &'a str,
    severity: &'a str,
    subject: SubjectV1<'a>,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<PlaceV1<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    way: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    evidence: Vec<EvidenceV1<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sides: Option<[SideV1<'a>; 2]>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    details: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stacks: Vec<StackV1<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum SubjectV1<'a> {
    Field { path: String },
    Type { name: &'a str },
    Call { lineage: &'a str, position: u64, name: &'a str },
    Input { name: &'a str },
}

#[derive(Serialize)]
struct PlaceV1<'a> {
    file: &'a str,
    line: u32,
    column: u32,
}

#[derive(Serialize)]
struct EvidenceV1<'a> {
    source: &'a str,
    says: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<PlaceV1<'a>>,
}

#[derive(Serialize)]
struct SideV1<'a> {
    label: &'a str,
    text: &'a str,
}

#[derive(Serialize)]
struct StackV1<'a> {
    label: &'a str,
    frames: Vec<FrameV1<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<&'a str>,
}

#[derive(Serialize)]
struct FrameV1<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    module: &'a str,
    address: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<PlaceV1<'a>>,
    inlined: bool,
    own: bool,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    reads: &'a [String],
}

impl<'a> From<&'a Stack> for StackV1<'a> {
    fn from(stack: &'a Stack) -> Self {
        Self {
            label: &stack.label,
            frames: stack.frames.iter().map(Into::into).collect(),
            missing: stack.missing.as_deref(),
        }
    }
}

impl<'a> From<&'a Frame> for FrameV1<'a> {
    fn from(frame: &'a Frame) -> Self {
        Self {
            function: frame.function.as_deref(),
            offset: frame.offset,
            module: &frame.module,
            address: frame.address,
            place: frame.place.as_ref().map(Into::into),
            inlined: frame.inlined,
            own: frame.is_own,
            reads: &frame.reads,
        }
    }
}

impl<'a> From<&'a Place> for PlaceV1<'a> {
    fn from(place: &'a Place) -> Self {
        Self { file: &place.file, line: place.line, column: place.column }
    }
}

impl<'a> From<&'a Evidence> for EvidenceV1<'a> {
    fn from(evidence: &'a Evidence) -> Self {
        let place = evidence.place.as_ref().map(Into::into);
        Self { source: &evidence.source, says: &evidence.says, place }
    }
}

impl<'a> From<&'a Side> for SideV1<'a> {
    fn from(side: &'a Side) -> Self {
        Self { label: &side.label, text: &side.text }
    }
}

impl<'a> From<&'a Subject> for SubjectV1<'a> {
    fn from(subject: &'a Subject) -> Self {
        match subject {
            Subject::Field(path) => Self::Field { path: path.to_string() },
            Subject::Type(name) => Self::Type { name },
            Subject::Call(call) => {
                Self::Call { lineage: &call.lineage, position: call.position, name: &call.name }
            }
            Subject::Input(name) => Self::Input { name },
        }
    }
}

/// The report as one JSON document, ending with a line feed.
///
/// # Errors
/// What `serde_json` says; in practice none, since nothing in a report fails to serialize.
pub fn render(report: &Report) -> Result<String, serde_json::Error> {
    let findings = report.findings.iter().map(|finding| FindingV1 {
        rule: finding.rule.id,
        severity: finding.severity.word(),
        subject: (&finding.subject).into(),
        message: &finding.message,
        place: finding.place.as_ref().map(Into::into),
        way: &finding.way,
        evidence: finding.evidence.iter().map(Into::into).collect(),
        sides: finding.sides.as_ref().map(|sides| [(&sides.left).into(), (&sides.right).into()]),
        details: &finding.details,
        stacks: finding.stacks.iter().map(Into::into).collect(),
        help: finding.help.as_deref(),
    });
    let inputs = report.inputs.iter().map(|i| InputV1 { role: &i.role, name: &i.name });
    let facts = report.facts.iter().map(|fact| FactV1 { what: &fact.what, count: fact.count });
    let tables = report.tables.iter().map(|table| TableV1 {
        row: &table.row,
        columns: &table.columns,
        rows: &table.rows,
    });
    let plan = report.plan.iter().map(|conversion| {
        let steps = conversion.steps.iter().map(|step| StepV1 {
            part: &step.part,
            r#do: &step.action,
            image: step.image.as_deref(),
            program: step.program.as_deref(),
            told: step.told.word(),
        });
        ConversionV1 { r#type: &conversion.ty, steps: steps.collect() }
    });
    let document = Document {
        format: "samestate-report",
        version: VERSION,
        command: &report.command,
        exit_code: report.exit_code().code(),
        incomplete: report.is_incomplete(),
        inputs: inputs.collect(),
        facts: facts.collect(),
        notes: &report.notes,
        findings: findings.collect(),
        tables: tables.collect(),
        plan: plan.collect(),
    };
    let mut text = serde_json::to_string_pretty(&document)?;
    text.push('\n');
    Ok(text)
}
