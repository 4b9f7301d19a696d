//! What a report is made of.

use samestate_schema::path::FieldPath;

use crate::{Rule, Stack};

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// For information; never fails a gate.
    Note,
    /// Not seen: neither fine nor wrong. Makes the report incomplete, and exit code 3.
    Blind,
    /// Suspicious; does not fail a gate by itself.
    Warning,
    /// Fails the gate.
    Error,
}

impl Severity {
    /// The word used in text and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Blind => "blind",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A place in a source file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file as the compiler or the user named it.
    pub file: String,
    /// Line, from 1; 0 where only the file is known.
    pub line: u32,
    /// Column in characters, from 1; 0 where only the line is known.
    pub column: u32,
    /// The text of that line, where the producer could read the file.
    pub text: Option<String>,
}

impl Place {
    /// A place of which the file, the line and the column are known.
    #[must_use]
    pub fn new(file: impl Into<String>, line: u32, column: u32) -> Self {
        Self { file: file.into(), line, column, text: None }
    }
}

/// What says, or fails to say, that a piece of state is saved.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Evidence {
    /// Where it comes from: `record`, `source`, `lock`, `dwarf`, …
    pub source: String,
    /// What it says, as a fragment of a sentence.
    pub says: String,
    /// Where it stands.
    pub place: Option<Place>,
}

/// One system call of one recorded run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// The lineage of the thread that made it, such as `0.1`.
    pub lineage: String,
    /// Its position in the stream of that thread, from 0, counted from the point of alignment
    /// (the start of the run, or the marker).
    pub position: u64,
    /// The name of the system call, such as `write`.
    pub name: String,
}

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A piece of state.
    Field(FieldPath),
    /// A type as a whole, by its qualified name.
    Type(String),
    /// A system call.
    Call(Call),
    /// A file, a run, a process: whatever was given to the command.
    Input(String),
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Side {
    /// Which one: `old`, `new`, `original`, `restored`, …
    pub label: String,
    /// What stands there, in one line.
    pub text: String,
}

/// Both sides of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sides {
    /// The earlier one.
    pub left: Side,
    /// The later one.
    pub right: Side,
}

/// One fact that a report states.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Its rule in the catalogue.
    pub rule: &'static Rule,
    /// How much it weighs; the rule's own severity unless the producer knows better.
    pub severity: Severity,
    /// What it is about.
    pub subject: Subject,
    /// The files that each of its system calls is about.
    pub paths: Vec<Vec<String>>,
    /// The name of the argument that differs, if it is one.
    pub argument: Option<String>,
    /// What is wrong, in one line without a full stop.
    pub message: String,
    /// Where it stands in the source, if that is known.
    pub place: Option<Place>,
    /// The way from the root: the root first, then each field with its type.
    pub way: Vec<String>,
    /// What the verdict rests on.
    pub evidence: Vec<Evidence>,
    /// What was compared.
    pub sides: Option<Sides>,
    /// More lines worth reading, such as the calls around a divergence.
    pub details: Vec<String>,
    /// Where in the program the calls were made, a stack for each side that is known.
    pub stacks: Vec<Stack>,
    /// What to write or to do.
    pub help: Option<String>,
    /// What the text report may gather it under with its neighbours, such as the owner type.
    pub group: Option<String>,
}

impl Finding {
    /// A finding of `rule` about `subject`, with the rule's severity and nothing else.
    #[must_use]
    pub fn new(rule: &'static Rule, subject: Subject, message: impl Into<String>) -> Self {
        Self {
            rule,
            severity: rule.severity,
            subject,
            paths: Vec::new(),
            argument: None,
            message: message.into(),
            place: None,
            way: Vec::new(),
            evidence: Vec::new(),
            sides: None,
            details: Vec::new(),
            stacks: Vec::new(),
            help: None,
            group: None,
        }
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Field(path) => write!(f, "{path}"),
            Self::Type(name) | Self::Input(name) => f.write_str(name),
            Self::Call(call) => write!(f, "{}#{} {}", call.lineage, call.position, call.name),
        }
    }
}
