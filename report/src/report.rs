//! A report: what a command looked at, what it found, and how it ends.

use crate::{Conversion, ExitCode, Finding, Severity};

/// Something that was given to the command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// What it was given as: `binary`, `old`, `new`, `run`, …
    pub role: String,
    /// Its name, as the user wrote it.
    pub name: String,
}

/// A number worth knowing: how much was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What was counted, in the plural: `fields checked`.
    pub what: String,
    /// How many there were.
    pub count: u64,
    /// Whether it only matters to who looks closely: such facts are not in short text.
    pub is_detail: bool,
}

/// Rows of results that are no findings, such as one per checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// What the rows are, in the singular: `checkpoint`.
    pub row: String,
    /// The heads of the columns.
    pub columns: Vec<String>,
    /// The cells, as many in each row as there are columns.
    pub rows: Vec<Vec<String>>,
}

/// What a command has to say.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The command's name: `coverage`, `drift`, `verify`, …
    pub command: String,
    /// What it looked at.
    pub inputs: Vec<Input>,
    /// What it found; [`Report::sort`] gives them their order.
    pub findings: Vec<Finding>,
    /// How much it looked at, in the order to print.
    pub facts: Vec<Fact>,
    /// Remarks that are no findings, in the order to print.
    pub notes: Vec<String>,
    /// Results that are no findings, in the order to print.
    pub tables: Vec<Table>,
    /// What a converter of older images has to do, sorted by type.
    pub plan: Vec<Conversion>,
    /// Whether warnings fail the gate as errors do.
    pub fails_on_warnings: bool,
}

impl Report {
    /// An empty report of `command`.
    #[must_use]
    pub fn new(command: impl Into<String>) -> Self {
        Self { command: command.into(), ..Self::default() }
    }

    /// Names one of the command's inputs.
    pub fn input(&mut self, role: impl Into<String>, name: impl Into<String>) {
        self.inputs.push(Input { role: role.into(), name: name.into() });
    }

    /// States how many of `what` there were.
    pub fn fact(&mut self, what: impl Into<String>, count: u64) {
        self.facts.push(Fact { what: what.into(), count, is_detail: false });
    }

    /// States how many of `what` there were, for who looks closely.
    pub fn detail(&mut self, what: impl Into<String>, count: u64) {
        self.facts.push(Fact { what: what.into(), count, is_detail: true });
    }

    /// Whether something could not be seen, so that silence means nothing.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Blind)
    }

    /// How the command ends: 1 if a finding fails the gate (an error, or a
    /// warning if those fail it, too), else 3 if something could not be
    /// seen, else 0.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        self.findings.iter().fold(ExitCode::Clean, |code, finding| {
            code.worst(match finding.severity {
                Severity::Error => ExitCode::Findings,
                Severity::Warning if self.fails_on_warnings => ExitCode::Findings,
                Severity::Blind => ExitCode::CouldNotCheck,
                Severity::Warning | Severity::Note => ExitCode::Clean,
            })
        })
    }

    /// Puts the findings into the order of their subjects, so that a report does not depend on
    /// how it was made. Findings about calls keep the order in which they were found.
    pub fn sort(&mut self) {
        self.findings.sort_by(|a, b| {
            (&a.group, &a.subject, a.rule.id, &a.message)
                .cmp(&(&b.group, &b.subject, b.rule.id, &b.message))
        });
    }

    /// Names source files anew, for instance as seen from another folder.
    pub fn rename_files(&mut self, rename: impl Fn(&str) -> String) {
        for finding in &mut self.findings {
            let evidence = finding.evidence.iter_mut().filter_map(|e| e.place.as_mut());
            let frames = finding.stacks.iter_mut().flat_map(|stack| &mut stack.frames);
            let frames = frames.filter_map(|frame| frame.place.as_mut());
            for place in finding.place.iter_mut().chain(evidence).chain(frames) {
                place.file = rename(&place.file);
            }
        }
    }

    /// How many findings have this severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }
}
