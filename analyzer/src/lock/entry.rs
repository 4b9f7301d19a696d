//! The block of one type, written and read.

use std::collections::HashSet;
use std::fmt::Write as _;

use super::history;
use super::lines::{Lines, LockError};
use crate::history::{FieldHistory, TypeHistory};
use crate::model::{FieldEntry, FieldState, Shape, TypeEntry, VariantEntry};

const NO_EVIDENCE: &str = "no evidence";

/// Writes the block of a type.
pub(super) fn write(out: &mut String, name: &str, entry: &TypeEntry) {
    let _ = writeln!(out, "\n{} {name} {{", entry.shape.word());
    if !entry.is_known {
        let _ = writeln!(out, "  {NO_EVIDENCE}");
    }
    if let Some(version) = entry.version {
        let _ = writeln!(out, "  version {version}");
    }
    history::write_type(out, &entry.history);
    for variant in &entry.variants {
        write_variant(out, entry.shape, variant);
    }
    out.push_str("}\n");
}

fn write_variant(out: &mut String, shape: Shape, variant: &VariantEntry) {
    let fields = |out: &mut String, indent: &str| {
        for FieldEntry { name, ty, state, history } in &variant.fields {
            let _ = writeln!(out, "{indent}{} {name}: {ty}", state.word());
            history::write_field(out, indent, history);
        }
    };
    match (shape, variant.value) {
        (Shape::Struct | Shape::Union, _) => fields(out, "  "),
        (Shape::Enum, Some(value)) => {
            let _ = writeln!(out, "  number {} = {value}", variant.name);
            history::write_variant(out, "  ", &variant.history);
        }
        (Shape::Enum, None) if variant.fields.is_empty() => {
            let _ = writeln!(out, "  variant {}", variant.name);
            history::write_variant(out, "  ", &variant.history);
        }
        (Shape::Enum, None) => {
            let _ = writeln!(out, "  variant {} {{", variant.name);
            history::write_variant(out, "  ", &variant.history);
            fields(out, "    ");
            out.push_str("  }\n");
        }
    }
}

/// Reads the block of a type, from behind its first line; it has at most this many fields, or more
/// if it was written by hand.
pub(super) fn read(
    lines: &mut Lines<'_>,
    name: &str,
    shape: Shape,
    most: usize,
) -> Result<TypeEntry, LockError> {
    let mut version = None;
    let mut is_known = true;
    let mut history = TypeHistory::default();
    let mut variants = Vec::new();
    let mut names = Names::default();
    if shape != Shape::Enum {
        // A block of nothing but empty lines has no claim to memory.
        let fields = Vec::with_capacity(most.min(MAX_RESERVED));
        variants.push(VariantEntry { fields, ..VariantEntry::default() });
    }
    while let Some(line) = lines.inside(name)? {
        if let Some(number) = line.strip_prefix("version ") {
            match number.parse() {
                Ok(number) if version.is_none() => version = Some(number),
                Ok(_) => return lines.wrong("a second version"),
                Err(_) => return lines.wrong("the version is not a number"),
            }
        } else if line == NO_EVIDENCE {
            is_known = false;
        } else if let Some(note) = line.strip_prefix("- ") {
            let last = variants
                .last_mut()
                .filter(|last: &&mut VariantEntry| shape == Shape::Enum || !last.fields.is_empty());
            match last {
                None => history::read_type(lines, &mut history, note)?,
                Some(VariantEntry { fields, .. }) if shape != Shape::Enum => {
                    history::read_field(lines, fields, note)?;
                }
                Some(VariantEntry { history, .. }) => history::read_variant(lines, history, note)?,
            }
        } else if let Some(variant) = variants.first_mut().filter(|_| shape != Shape::Enum) {
            variant.fields.push(field(lines, line, &mut names)?);
        } else if let Some(rest) = line.strip_prefix("number ") {
            let Some((name, value)) = rest.split_once(" = ") else {
                return lines.wrong("`=` expected");
            };
            let Ok(value) = value.parse() else {
                return lines.wrong("the number of a variant expected");
            };
            once(lines, &mut names, name)?;
            let name = name.to_owned();
            variants.push(VariantEntry { name, value: Some(value), ..VariantEntry::default() });
        } else if let Some(rest) = line.strip_prefix("variant ") {
            let mut variant = VariantEntry::default();
            once(lines, &mut names, rest.strip_suffix(" {").unwrap_or(rest))?;
            let mut names = Names::default();
            match rest.strip_suffix(" {") {
                Some(name) => {
                    name.clone_into(&mut variant.name);
                    while let Some(line) = lines.inside(name)? {
                        match line.strip_prefix("- ") {
                            None => variant.fields.push(field(lines, line, &mut names)?),
                            Some(note) if variant.fields.is_empty() => {
                                history::read_variant(lines, &mut variant.history, note)?;
                            }
                            Some(note) => history::read_field(lines, &mut variant.fields, note)?,
                        }
                    }
                }
                None => rest.clone_into(&mut variant.name),
            }
            variants.push(variant);
        } else {
            return lines.wrong("`version`, `variant` or `number` expected");
        }
    }
    Ok(TypeEntry { shape, is_known, version, history, variants })
}

/// The names that stand in a block, or in a variant: nothing could tell two of one name apart.
#[derive(Default)]
struct Names<'a> {
    few: Vec<&'a str>,
    /// Once there are too many to be looked through.
    many: HashSet<&'a str>,
}

/// How many fields find room before they are read.
const MAX_RESERVED: usize = 64;

/// How many names are looked through.
const FEW: usize = 16;

impl<'a> Names<'a> {
    fn insert(&mut self, name: &'a str) -> bool {
        if self.few.len() < FEW {
            self.few.reserve_exact(FEW - self.few.len());
            let is_new = !self.few.contains(&name);
            self.few.push(name);
            return is_new;
        }
        if self.many.is_empty() {
            self.many.extend(&self.few);
        }
        self.many.insert(name)
    }
}

fn once<'a>(lines: &Lines<'a>, names: &mut Names<'a>, name: &'a str) -> Result<(), LockError> {
    if names.insert(name) {
        return Ok(());
    }
    lines.wrong(format!("`{name}` stands here twice"))
}

fn field<'a>(
    lines: &Lines<'a>,
    line: &'a str,
    names: &mut Names<'a>,
) -> Result<FieldEntry, LockError> {
    let parts = line.split_once(' ').and_then(|(word, rest)| {
        let (name, ty) = rest.split_once(": ")?;
        Some((word, name, ty))
    });
    let Some((word, name, ty)) = parts else {
        return lines.wrong("a field expected: `saved name: Type`");
    };
    let Some(state) = FieldState::from_word(word) else {
        return lines.wrong(format!("`{word}` is not something that happens to a field"));
    };
    once(lines, names, name)?;
    let (name, ty, history) = (name.to_owned(), ty.to_owned(), FieldHistory::default());
    Ok(FieldEntry { name, ty, state, history })
}
