//! Field paths: how every part of the toolkit names a piece of state.
//!
//! ```text
//! path  = type step*
//! step  = "." name | "." number | "::" Variant | "[]" | "[key]" | "[value]" | "{" type "}"
//!       | "[" number "]" | "[" quoted string "]"
//! ```
//!
//! The last two stand for one element or one key of a live value, all others are static. Smart
//! pointers and cells are transparent, and the inner fields of std types never appear.
//!
//! A type name may itself hold `::`, brackets and braces. Where it could not be told apart from
//! the steps after it, it is written in angle brackets: `<sim::Mode>::Off.every`. Printing and
//! parsing are inverse.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

/// One step from a value to a part of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// A named field.
    Field(String),
    /// A field of a tuple or a tuple struct, from 0.
    Tuple(u32),
    /// A variant of an enum.
    Variant(String),
    /// The elements of an array, a slice, a sequence or a set.
    Elements,
    /// The keys of a map.
    Keys,
    /// The values of a map.
    Values,
    /// The concrete type behind a trait object.
    Concrete(String),
    /// One element of a live sequence, from 0.
    Index(u64),
    /// The value of one key of a live map, by the key's text.
    Entry(String),
}

/// The name of a piece of state: a type, and the way to a part of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath {
    /// The qualified name of the type that the path starts at.
    pub root: String,
    /// The way from there; empty for the type itself.
    pub steps: Vec<Step>,
}

impl FieldPath {
    /// The path of the type itself.
    #[must_use]
    pub fn root(name: impl Into<String>) -> Self {
        Self { root: name.into(), steps: Vec::new() }
    }

    /// The path of a part of what this path names.
    #[must_use]
    pub fn join(&self, step: Step) -> Self {
        let mut steps = Vec::with_capacity(self.steps.len() + 1);
        steps.extend_from_slice(&self.steps);
        steps.push(step);
        Self { root: self.root.clone(), steps }
    }

    /// The step for a member that DWARF or the derive calls `name`: `0` and DWARF's `__0` are
    /// tuple fields.
    #[must_use]
    pub fn member(name: &str) -> Step {
        let digits = name.strip_prefix("__").unwrap_or(name);
        match parse_number(digits).and_then(|number| u32::try_from(number).ok()) {
            Some(number) => Step::Tuple(number),
            None => Step::Field(name.to_owned()),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Tuple(number) => write!(f, ".{number}"),
            Self::Variant(name) => write!(f, "::{name}"),
            Self::Elements => f.write_str("[]"),
            Self::Keys => f.write_str("[key]"),
            Self::Values => f.write_str("[value]"),
            Self::Concrete(name) => write!(f, "{{{name}}}"),
            Self::Index(number) => write!(f, "[{number}]"),
            Self::Entry(key) => {
                f.write_str("[\"")?;
                for c in key.chars() {
                    match c {
                        '"' | '\\' => write!(f, "\\{c}")?,
                        c if c.is_control() => write!(f, "\\u{{{:x}}}", u32::from(c))?,
                        c => write!(f, "{c}")?,
                    }
                }
                f.write_str("\"]")
            }
        }
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bare = !matches!(self.steps.first(), Some(Step::Variant(_)))
            && bare_type_len(&self.root) == self.root.len()
            && !self.root.starts_with('<')
            && !self.root.is_empty();
        if bare {
            f.write_str(&self.root)?;
        } else {
            write!(f, "<{}>", self.root)?;
        }
        self.steps.iter().try_for_each(|step| write!(f, "{step}"))
    }
}

/// Why a text is not a field path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathError {
    /// Where in the text, in bytes.
    pub offset: usize,
    /// What was expected there.
    pub expected: &'static str,
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a field path: {} expected at byte {}", self.expected, self.offset)
    }
}

impl core::error::Error for PathError {}

impl FromStr for FieldPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let (root, mut offset) = if text.starts_with('<') {
            let close =
                closing(text, 0).ok_or(PathError { offset: 0, expected: "a closing `>`" })?;
            (&text[1..close], close + 1)
        } else {
            let len = bare_type_len(text);
            (&text[..len], len)
        };
        if root.is_empty() && !text.starts_with('<') {
            return Err(PathError { offset: 0, expected: "a type" });
        }
        let mut steps = Vec::new();
        while offset < text.len() {
            let (step, len) = parse_step(&text[offset..])
                .map_err(|error| PathError { offset: offset + error.offset, ..error })?;
            steps.push(step);
            offset += len;
        }
        Ok(Self { root: root.to_owned(), steps })
    }
}

/// Parses one step off the front of `text`, which is not empty; returns its length in bytes.
fn parse_step(text: &str) -> Result<(Step, usize), PathError> {
    let err = |offset, expected| Err(PathError { offset, expected });
    if let Some(rest) = text.strip_prefix("::") {
        let len = name_len(rest);
        return if len == 0 {
            err(2, "the name of a variant")
        } else {
            Ok((Step::Variant(rest[..len].to_owned()), 2 + len))
        };
    }
    if let Some(rest) = text.strip_prefix('.') {
        let len = name_len(rest);
        let name = &rest[..len];
        return match parse_number(name).map(u32::try_from) {
            Some(Ok(number)) => Ok((Step::Tuple(number), 1 + len)),
            _ if len == 0 => err(1, "the name of a field"),
            _ => Ok((Step::Field(name.to_owned()), 1 + len)),
        };
    }
    for (word, step) in [("[]", Step::Elements), ("[key]", Step::Keys), ("[value]", Step::Values)] {
        if text.starts_with(word) {
            return Ok((step, word.len()));
        }
    }
    if text.starts_with("[\"") {
        let (key, len) = parse_quoted(&text[1..])
            .map_err(|error| PathError { offset: 1 + error.offset, ..error })?;
        return if text[1 + len..].starts_with(']') {
            Ok((Step::Entry(key), len + 2))
        } else {
            err(1 + len, "`]`")
        };
    }
    if let Some(rest) = text.strip_prefix('[') {
        let len = rest.find(']').unwrap_or(rest.len());
        return match parse_number(&rest[..len]) {
            Some(number) if len < rest.len() => Ok((Step::Index(number), len + 2)),
            _ => err(1, "`]`, `key]`, `value]`, a number or a quoted key"),
        };
    }
    if text.starts_with('{') {
        let Some(close) = closing(text, 0) else { return err(0, "a closing `}`") };
        return Ok((Step::Concrete(text[1..close].to_owned()), close + 1));
    }
    err(0, "`.`, `::`, `[` or `{`")
}

/// Length in bytes of the name at the front of `text`: up to the next step.
fn name_len(text: &str) -> usize {
    text.find(['.', ':', '[', ']', '{', '}', '<', '>', '"']).unwrap_or(text.len())
}

/// A number without sign or superfluous zeros.
fn parse_number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

/// Parses the quoted string at the front of `text`; returns its length in bytes with the quotes.
fn parse_quoted(text: &str) -> Result<(String, usize), PathError> {
    let mut key = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((key, at + 1)),
            '\\' => match chars.next() {
                Some((_, c @ ('"' | '\\'))) => key.push(c),
                Some((_, 'u')) => {
                    let hex: String = chars
                        .by_ref()
                        .map(|(_, c)| c)
                        .skip_while(|&c| c == '{')
                        .take_while(|&c| c != '}')
                        .collect();
                    let c = u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32);
                    key.push(c.ok_or(PathError { offset: at, expected: "an escape" })?);
                }
                _ => return Err(PathError { offset: at, expected: "an escape" }),
            },
            c => key.push(c),
        }
    }
    Err(PathError { offset: text.len(), expected: "a closing quote" })
}

/// Length in bytes of the type name at the front of `text`, as far as it can be told from the
/// steps after it.
fn bare_type_len(text: &str) -> usize {
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let Some(c) = rest.chars().next() else { break };
        match c {
            '.' | ']' | '}' | '>' | ')' | '"' => return at,
            // `[` and `{` belong to the name at its start, after a space, and after `&`, `*` or
            // `::` (`[u8; 4]`, `&[T]`, `f::{closure#0}`); elsewhere they begin a step.
            '[' | '{' if !starts_in_type(&text[..at]) => return at,
            '[' | '{' | '<' | '(' => match closing(text, at) {
                Some(close) => at = close + 1,
                None => return at,
            },
            '-' if rest.starts_with("->") => at += 2,
            c => at += c.len_utf8(),
        }
    }
    at
}

fn starts_in_type(before: &str) -> bool {
    before.is_empty() || before.ends_with(['&', '*', ' ']) || before.ends_with("::")
}

/// Where the bracket that opens at byte `open` closes; `->` closes nothing.
fn closing(text: &str, open: usize) -> Option<usize> {
    let mut stack = Vec::new();
    let mut previous = ' ';
    for (at, c) in text[open..].char_indices() {
        match c {
            '<' => stack.push('>'),
            '(' => stack.push(')'),
            '[' => stack.push(']'),
            '{' => stack.push('}'),
            '>' if previous == '-' => {}
            '>' | ')' | ']' | '}' => {
                if stack.pop() != Some(c) {
                    return None;
                }
                if stack.is_empty() {
                    return Some(open + at);
                }
            }
            _ => {}
        }
        previous = c;
    }
    None
}
