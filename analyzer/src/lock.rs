//! `checkpoint.lock`: the model as text, written and read.
//!
//! ```text
//! samestate lock 1
//!
//! root sim::Machine
//!
//! dyn sim::Device {
//!   impl sim::Timer
//! }
//!
//! struct sim::Machine {
//!   version 3
//!   - removed turbo
//!   saved cpu: sim::Cpu
//!   saved cycles: u64
//!     - was tick
//!   skipped(default) cache: Vec<u8>
//! }
//!
//! enum sim::Mode {
//!   version 1
//!   variant Off
//!   variant Periodic {
//!     saved every: u32
//!   }
//! }
//!
//! end
//! ```
//!
//! A line that starts with a dash is what the program tells of earlier versions of what stands
//! above it. A path at which sight ends has a line `unseen`. A type that no evidence knows says
//! `no evidence`. Enums of numbers have `number Red = 0` instead of variants. Blocks are sorted by name, so that
//! a change of one type is a change of a few lines, and branches merge; `end` shows that nothing
//! was cut off. Lines that start with `#` are comments.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::history::{FieldHistory, TypeHistory, VariantHistory};
use crate::limits::MAX_LOCK_LEN;
use crate::model::{FieldEntry, FieldState, Model, Shape, TypeEntry, VariantEntry};
use crate::versions::ConstantVersion;

/// How every lock file starts; the version follows.
pub(crate) const MAGIC: &str = "samestate lock ";

/// The version written by this crate.
const VERSION: u32 = 1;

const NO_EVIDENCE: &str = "no evidence";

const REMARK: &str = "# Every type that hangs from a root, and what a checkpoint does with its \
                      fields.\n# Written by `samestate lock`; review its changes like code.\n";

/// Why a lock file could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// It is too long to be a lock.
    #[error("{} has {len} bytes, more than any lock; write it again with `samestate lock`", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        len: u64,
    },
    /// It was written by a later version.
    #[error(
        "{}:1: a lock of version {version}; this tool reads version {VERSION}: update samestate, or write the lock again",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version found.
        version: String,
    },
    /// It has markers of an unfinished merge.
    #[error("{}:{line}: conflict marker; finish the merge, then write the lock again with `samestate lock`", path.display())]
    Conflict {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
    },
    /// A line is not what can stand there.
    #[error("{}:{line}: {what}; write the lock again with `samestate lock`", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
}

/// The text of a model.
pub(crate) fn write(model: &Model) -> String {
    let mut out = format!("{MAGIC}{VERSION}\n{REMARK}\n");
    for root in &model.roots {
        let _ = writeln!(out, "root {root}");
    }
    for (root, ConstantVersion { value, constant }) in &model.versions {
        let _ = writeln!(out, "version {value} of {root} in {constant}");
    }
    for path in &model.unseen {
        let _ = writeln!(out, "unseen {path}");
    }
    for (name, implementers) in &model.traits {
        let _ = writeln!(out, "\ndyn {name} {{");
        for implementer in implementers {
            let _ = writeln!(out, "  impl {implementer}");
        }
        out.push_str("}\n");
    }
    for (name, entry) in &model.types {
        let _ = writeln!(out, "\n{} {name} {{", entry.shape.word());
        if !entry.is_known {
            let _ = writeln!(out, "  {NO_EVIDENCE}");
        }
        if let Some(version) = entry.version {
            let _ = writeln!(out, "  version {version}");
        }
        write_type_history(&mut out, &entry.history);
        for variant in &entry.variants {
            write_variant(&mut out, entry.shape, variant);
        }
        out.push_str("}\n");
    }
    out.push_str("\nend\n");
    out
}

fn write_variant(out: &mut String, shape: Shape, variant: &VariantEntry) {
    let fields = |out: &mut String, indent: &str| {
        for FieldEntry { name, ty, state, history } in &variant.fields {
            let _ = writeln!(out, "{indent}{} {name}: {ty}", state.word());
            write_field_history(out, indent, history);
        }
    };
    match (shape, variant.value) {
        (Shape::Struct | Shape::Union, _) => fields(out, "  "),
        (Shape::Enum, Some(value)) => {
            let _ = writeln!(out, "  number {} = {value}", variant.name);
            write_variant_history(out, "  ", &variant.history);
        }
        (Shape::Enum, None) if variant.fields.is_empty() => {
            let _ = writeln!(out, "  variant {}", variant.name);
            write_variant_history(out, "  ", &variant.history);
        }
        (Shape::Enum, None) => {
            let _ = writeln!(out, "  variant {} {{", variant.name);
            write_variant_history(out, "  ", &variant.history);
            fields(out, "    ");
            out.push_str("  }\n");
        }
    }
}

/// What is told of earlier versions stands below what it is told of, a line each, after a dash.
fn write_type_history(out: &mut String, history: &TypeHistory) {
    let mut line = |word: &str, text: &str| {
        let _ = writeln!(out, "  - {word} {text}");
    };
    history.name.iter().for_each(|name| line("name", name));
    history.was.iter().for_each(|name| line("was", name));
    history.removed.iter().for_each(|name| line("removed", name));
    history.migrates.iter().for_each(|ty| line("migrate", ty));
    history
        .implements
        .iter()
        .for_each(|(object, name)| line("implements", &format!("{object} = {name}")));
}

fn write_variant_history(out: &mut String, indent: &str, history: &VariantHistory) {
    let mut line = |word: &str, text: &str| {
        let _ = writeln!(out, "{indent}  - {word} {text}");
    };
    history.id.iter().for_each(|id| line("id", &id.to_string()));
    history.since.iter().for_each(|since| line("since", &since.to_string()));
    history.was.iter().for_each(|name| line("was", name));
}

fn write_field_history(out: &mut String, indent: &str, history: &FieldHistory) {
    let mut line = |text: &str| {
        let _ = writeln!(out, "{indent}  - {text}");
    };
    history.since.iter().for_each(|since| line(&format!("since {since}")));
    if history.has_default {
        line("default");
    }
    history.was.iter().for_each(|name| line(&format!("was {name}")));
    history.from.iter().for_each(|ty| line(&format!("from {ty}")));
}

/// Reads the text of a lock; `path` is for messages only.
pub(crate) fn read(path: &Path, bytes: &[u8]) -> Result<Model, LockError> {
    if bytes.len() as u64 > MAX_LOCK_LEN {
        return Err(LockError::TooLong { path: path.to_owned(), len: bytes.len() as u64 });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = 1 + bytes[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count();
        LockError::Malformed { path: path.to_owned(), line, what: "not UTF-8".to_owned() }
    })?;
    let mut reader = Reader { path, lines: text.lines().zip(1..), line: 0 };
    reader.lock()
}

struct Reader<'a> {
    path: &'a Path,
    lines: std::iter::Zip<std::str::Lines<'a>, std::ops::RangeFrom<usize>>,
    line: usize,
}

impl<'a> Reader<'a> {
    /// The next line that is neither empty nor a comment, without indentation.
    fn next(&mut self) -> Result<Option<&'a str>, LockError> {
        loop {
            let Some((text, line)) = self.lines.next() else { return Ok(None) };
            self.line = line;
            let is_marker = ["<<<<<<<", "=======", ">>>>>>>", "|||||||"];
            if is_marker.iter().any(|marker| text.starts_with(marker)) {
                return Err(LockError::Conflict { path: self.path.to_owned(), line });
            }
            let text = text.trim();
            if !text.is_empty() && !text.starts_with('#') {
                return Ok(Some(text));
            }
        }
    }

    fn wrong<T>(&self, what: impl Into<String>) -> Result<T, LockError> {
        let what = what.into();
        Err(LockError::Malformed { path: self.path.to_owned(), line: self.line, what })
    }

    /// The next line of a block, or `None` at its closing brace.
    fn inside(&mut self, block: &str) -> Result<Option<&'a str>, LockError> {
        match self.next()? {
            Some("}") => Ok(None),
            Some(line) => Ok(Some(line)),
            None => self.wrong(format!("the file ends inside `{block}`")),
        }
    }

    fn lock(&mut self) -> Result<Model, LockError> {
        let first = self.next()?.unwrap_or("");
        let Some(version) = first.strip_prefix(MAGIC) else {
            return self.wrong(format!("`{MAGIC}{VERSION}` expected"));
        };
        match version.parse::<u32>() {
            Ok(VERSION) => {}
            Ok(_) => {
                let (path, version) = (self.path.to_owned(), version.to_owned());
                return Err(LockError::Newer { path, version });
            }
            Err(_) => return self.wrong("the version is not a number"),
        }
        let mut model = Model::default();
        while let Some(line) = self.next()? {
            if line == "end" {
                return match self.next()? {
                    None => Ok(model),
                    Some(_) => self.wrong("text after `end`"),
                };
            }
            let Some((word, rest)) = line.split_once(' ') else {
                return self.wrong(format!("`{line}` is not understood"));
            };
            if word == "root" || word == "unseen" {
                let list = if word == "root" { &mut model.roots } else { &mut model.unseen };
                list.insert(rest.to_owned());
                continue;
            }
            if word == "version" {
                let parts = rest.split_once(" of ").and_then(|(value, rest)| {
                    let (root, constant) = rest.rsplit_once(" in ")?;
                    Some((value.to_owned(), root.to_owned(), constant.to_owned()))
                });
                let Some((value, root, constant)) = parts else {
                    return self.wrong("`version … of ROOT in CONSTANT` expected");
                };
                model.versions.insert(root, ConstantVersion { value, constant });
                continue;
            }
            let Some(name) = rest.strip_suffix(" {") else {
                return self.wrong("`{` expected at the end of the line");
            };
            let is_new = match word {
                "dyn" => {
                    let implementers = self.implementers(name)?;
                    model.traits.insert(name.to_owned(), implementers).is_none()
                }
                "struct" => self.insert(&mut model, name, Shape::Struct)?,
                "union" => self.insert(&mut model, name, Shape::Union)?,
                "enum" => self.insert(&mut model, name, Shape::Enum)?,
                word => return self.wrong(format!("`{word}` is not understood")),
            };
            if !is_new {
                return self.wrong(format!("`{name}` stands here a second time"));
            }
        }
        self.wrong("the file ends before `end`: a part of it is missing")
    }

    fn implementers(
        &mut self,
        name: &str,
    ) -> Result<std::collections::BTreeSet<String>, LockError> {
        let mut implementers = std::collections::BTreeSet::new();
        while let Some(line) = self.inside(name)? {
            match line.strip_prefix("impl ") {
                Some(implementer) => implementers.insert(implementer.to_owned()),
                None => return self.wrong("`impl` expected"),
            };
        }
        Ok(implementers)
    }

    fn insert(&mut self, model: &mut Model, name: &str, shape: Shape) -> Result<bool, LockError> {
        let entry = self.entry(name, shape)?;
        Ok(model.types.insert(name.to_owned(), entry).is_none())
    }

    fn entry(&mut self, name: &str, shape: Shape) -> Result<TypeEntry, LockError> {
        let mut version = None;
        let mut is_known = true;
        let mut history = TypeHistory::default();
        let mut variants = Vec::new();
        if shape != Shape::Enum {
            variants.push(VariantEntry::default());
        }
        while let Some(line) = self.inside(name)? {
            if let Some(number) = line.strip_prefix("version ") {
                match number.parse() {
                    Ok(number) if version.is_none() => version = Some(number),
                    Ok(_) => return self.wrong("a second version"),
                    Err(_) => return self.wrong("the version is not a number"),
                }
            } else if line == NO_EVIDENCE {
                is_known = false;
            } else if let Some(note) = line.strip_prefix("- ") {
                let last = variants.last_mut().filter(|last: &&mut VariantEntry| {
                    shape == Shape::Enum || !last.fields.is_empty()
                });
                match last {
                    None => self.type_note(&mut history, note)?,
                    Some(VariantEntry { fields, .. }) if shape != Shape::Enum => {
                        self.field_note(fields, note)?;
                    }
                    Some(VariantEntry { history, .. }) => self.variant_note(history, note)?,
                }
            } else if let Some(variant) = variants.first_mut().filter(|_| shape != Shape::Enum) {
                variant.fields.push(self.field(line)?);
            } else if let Some(rest) = line.strip_prefix("number ") {
                let Some((name, value)) = rest.split_once(" = ") else {
                    return self.wrong("`=` expected");
                };
                let Ok(value) = value.parse() else {
                    return self.wrong("the number of a variant expected");
                };
                let name = name.to_owned();
                variants.push(VariantEntry { name, value: Some(value), ..VariantEntry::default() });
            } else if let Some(rest) = line.strip_prefix("variant ") {
                let mut variant = VariantEntry::default();
                match rest.strip_suffix(" {") {
                    Some(name) => {
                        name.clone_into(&mut variant.name);
                        while let Some(line) = self.inside(name)? {
                            match line.strip_prefix("- ") {
                                None => variant.fields.push(self.field(line)?),
                                Some(note) if variant.fields.is_empty() => {
                                    self.variant_note(&mut variant.history, note)?;
                                }
                                Some(note) => self.field_note(&mut variant.fields, note)?,
                            }
                        }
                    }
                    None => rest.clone_into(&mut variant.name),
                }
                variants.push(variant);
            } else {
                return self.wrong("`version`, `variant` or `number` expected");
            }
        }
        Ok(TypeEntry { shape, is_known, version, history, variants })
    }

    fn type_note(&self, history: &mut TypeHistory, note: &str) -> Result<(), LockError> {
        match note.split_once(' ') {
            Some(("name", name)) => history.name = Some(name.to_owned()),
            Some(("was", name)) => drop(history.was.insert(name.to_owned())),
            Some(("removed", name)) => drop(history.removed.insert(name.to_owned())),
            Some(("migrate", ty)) => drop(history.migrates.insert(ty.to_owned())),
            Some(("implements", rest)) => {
                let Some((object, name)) = rest.rsplit_once(" = ") else {
                    return self.wrong("`=` expected");
                };
                history.implements.insert(object.to_owned(), name.to_owned());
            }
            _ => return self.wrong(format!("`{note}` cannot be told of a type")),
        }
        Ok(())
    }

    fn variant_note(&self, history: &mut VariantHistory, note: &str) -> Result<(), LockError> {
        match note.split_once(' ') {
            Some(("id", id)) => history.id = Some(self.number(id)?),
            Some(("since", since)) => history.since = Some(self.number(since)?),
            Some(("was", name)) => drop(history.was.insert(name.to_owned())),
            _ => return self.wrong(format!("`{note}` cannot be told of a variant")),
        }
        Ok(())
    }

    fn field_note(&self, fields: &mut [FieldEntry], note: &str) -> Result<(), LockError> {
        let Some(FieldEntry { history, .. }) = fields.last_mut() else {
            return self.wrong("there is no field before it");
        };
        match note.split_once(' ') {
            None if note == "default" => history.has_default = true,
            Some(("since", since)) => history.since = Some(self.number(since)?),
            Some(("was", name)) => drop(history.was.insert(name.to_owned())),
            Some(("from", ty)) => drop(history.from.insert(ty.to_owned())),
            _ => return self.wrong(format!("`{note}` cannot be told of a field")),
        }
        Ok(())
    }

    fn number(&self, text: &str) -> Result<u32, LockError> {
        text.parse().or_else(|_| self.wrong(format!("`{text}` is no version or id")))
    }

    fn field(&self, line: &str) -> Result<FieldEntry, LockError> {
        let parts = line.split_once(' ').and_then(|(word, rest)| {
            let (name, ty) = rest.split_once(": ")?;
            Some((word, name, ty))
        });
        let Some((word, name, ty)) = parts else {
            return self.wrong("a field expected: `saved name: Type`");
        };
        let Some(state) = FieldState::from_word(word) else {
            return self.wrong(format!("`{word}` is not something that happens to a field"));
        };
        let (name, ty, history) = (name.to_owned(), ty.to_owned(), FieldHistory::default());
        Ok(FieldEntry { name, ty, state, history })
    }
}
