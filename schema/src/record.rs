//! The record: the bytes that the derive leaves in the binary, one per type definition.
//!
//! A record is a `#[used]` static in section [`SECTION`]. It is plain bytes without pointers, so
//! it can be read from the file without applying relocations. The static's own type carries the
//! annotated type as a template parameter, so that the analyzer joins it to the type's DIE
//! without comparing names.
//!
//! ```text
//! offset size
//!      0    8  magic, "ss-recrd"
//!      8    2  format version
//!     10    2  flags: 1 root, 2 manual, 4 generic, 8 enum
//!     12    4  total_len: length of the whole record in bytes
//!     16    4  line of the item in its file, from 1
//!     20    4  column, from 1
//!     24    …  module path, file: strings
//!      …    …  body: what the macro knows from the tokens, see [`Body`]
//! ```
//!
//! Strings and lists start with their length as `u32`; all numbers are little-endian. The macro
//! knows the body, the compiler the module path and the file, so the derive emits the body as
//! bytes and [`assemble`] puts the record together when the program is compiled.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::treatment::Treatment;
use crate::wire::{Reader, WireError, Writer};

/// The name of the section on ELF. It is a C identifier, so the linker defines its bounds.
pub const SECTION: &str = "samestate";

/// The name of the section in Mach-O files, with its segment.
pub const SECTION_MACHO: &str = "__DATA,samestate";

/// The name of the section in PE files, which hold eight bytes of it.
pub const SECTION_COFF: &str = ".smstate";

/// The first eight bytes of a record.
pub const MAGIC: [u8; 8] = *b"ss-recrd";

/// The version written by this crate.
pub const VERSION: u16 = 1;

/// Length in bytes of what stands before the strings.
pub const HEADER_LEN: usize = 24;

/// Longest record in bytes that a reader accepts.
pub const MAX_LEN: usize = 1 << 24;

const FLAG_ROOT: u16 = 1;
const FLAG_MANUAL: u16 = 2;
const FLAG_GENERIC: u16 = 4;
const FLAG_ENUM: u16 = 8;

/// What a type definition looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shape {
    /// `{ a: A, b: B }`
    Named,
    /// `(A, B)`
    Tuple,
    /// nothing
    Unit,
}

impl Shape {
    /// The byte that stands for it.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Named => 0,
            Self::Tuple => 1,
            Self::Unit => 2,
        }
    }

    /// The shape that this byte stands for.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Named),
            1 => Some(Self::Tuple),
            2 => Some(Self::Unit),
            _ => None,
        }
    }
}

/// One field, as its definition and its attributes say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldRecord {
    /// Its name without `r#`; a number for tuple fields.
    pub name: String,
    /// The tokens of its type. Nothing resolves them; they are for people.
    pub tokens: String,
    /// What happens to it.
    pub treatment: Treatment,
    /// Why, where it is not saved.
    pub reason: Option<String>,
    /// Line in the file of the item, from 1; 0 if the compiler did not tell.
    pub line: u32,
    /// Column, from 1; 0 if the compiler did not tell.
    pub column: u32,
    /// The other attributes, by name: `since`, `was`, `default`, `rebuild`, …
    pub notes: Vec<(String, String)>,
}

/// One variant of an enum, or the whole of a struct (whose single variant has no name).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariantRecord {
    /// Its name without `r#`; empty for a struct.
    pub name: String,
    /// Its fixed identity, if it has one.
    pub id: Option<u32>,
    /// What it looks like.
    pub shape: Shape,
    /// Its fields, in source order.
    pub fields: Vec<FieldRecord>,
    /// The other attributes, by name.
    pub notes: Vec<(String, String)>,
}

/// What the macro knows of a type definition.
///
/// ```text
/// name, checkpoint name: strings     version: u32
/// generic parameters: list of strings
/// notes: list of (string, string)
/// variants: list of
///     name: string   id: u8 present?, u32   shape: u8   notes
///     fields: list of
///         name, tokens: strings   treatment: u8   reason: u8 present?, string
///         line, column: u32       notes
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// The identifier without `r#`.
    pub ident: String,
    /// The name that images know the type by.
    pub name: String,
    /// The version of the type's saved form.
    pub version: u32,
    /// The names of its generic parameters, lifetimes left out.
    pub generics: Vec<String>,
    /// The other attributes, by name.
    pub notes: Vec<(String, String)>,
    /// Its variants; exactly one for a struct.
    pub variants: Vec<VariantRecord>,
}

/// What stands in the fixed part of a record besides its length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// The program's state hangs from this type.
    pub root: bool,
    /// The user wrote `save` and `restore`; the treatments are only declared.
    pub manual: bool,
    /// The definition has type or const parameters.
    pub generic: bool,
    /// The type is an enum.
    pub is_enum: bool,
}

impl Flags {
    /// The number that stands for them.
    #[must_use]
    pub const fn bits(self) -> u16 {
        (if self.root { FLAG_ROOT } else { 0 })
            | (if self.manual { FLAG_MANUAL } else { 0 })
            | (if self.generic { FLAG_GENERIC } else { 0 })
            | (if self.is_enum { FLAG_ENUM } else { 0 })
    }

    /// The flags in this number; unknown bits are ignored.
    #[must_use]
    pub const fn from_bits(bits: u16) -> Self {
        Self {
            root: bits & FLAG_ROOT != 0,
            manual: bits & FLAG_MANUAL != 0,
            generic: bits & FLAG_GENERIC != 0,
            is_enum: bits & FLAG_ENUM != 0,
        }
    }
}

/// One record, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What kind of type it is.
    pub flags: Flags,
    /// Line of the item, from 1.
    pub line: u32,
    /// Column of the item, from 1.
    pub column: u32,
    /// `module_path!()` at the item.
    pub module: String,
    /// `file!()` at the item.
    pub file: String,
    /// What the macro knew.
    pub body: Body,
}

impl Record {
    /// The path of the type as its module says it; a type inside a function has a longer one.
    #[must_use]
    pub fn path(&self) -> String {
        let mut path = self.module.clone();
        path.push_str("::");
        path.push_str(&self.body.ident);
        path
    }
}

/// Why the section could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// There is no record where one should start.
    NotARecord {
        /// Offset in the section.
        offset: usize,
    },
    /// The record has a version that this crate does not know.
    Version {
        /// Offset in the section.
        offset: usize,
        /// The version found.
        version: u16,
    },
    /// The record is malformed.
    Malformed {
        /// Offset of the record in the section; that in `error` counts from there.
        offset: usize,
        /// What is wrong.
        error: WireError,
    },
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotARecord { offset } => {
                write!(f, "no record at offset {offset} of section `{SECTION}`")
            }
            Self::Version { offset, version } => write!(
                f,
                "the record at offset {offset} of section `{SECTION}` has version {version}; this \
                 tool reads version {VERSION}"
            ),
            Self::Malformed { offset, error } => {
                write!(f, "malformed record at offset {offset} of section `{SECTION}`: {error}")
            }
        }
    }
}

impl core::error::Error for RecordError {}

/// The length in bytes of the record that [`assemble`] makes of these parts.
#[must_use]
pub const fn assembled_len(module: &str, file: &str, body: &[u8]) -> usize {
    HEADER_LEN + 4 + module.len() + 4 + file.len() + body.len()
}

/// Puts a record together when the program is compiled; `N` is [`assembled_len`].
///
/// # Panics
/// When compiling, if `N` is another length or more than [`MAX_LEN`].
#[must_use]
pub const fn assemble<const N: usize>(
    flags: u16,
    line: u32,
    column: u32,
    module: &str,
    file: &str,
    body: &[u8],
) -> [u8; N] {
    assert!(N == assembled_len(module, file, body), "N is not the length of the record");
    assert!(N <= MAX_LEN, "the record of this type is too long");
    let mut bytes = [0; N];
    let mut at = put(&mut bytes, 0, &MAGIC);
    at = put(&mut bytes, at, &VERSION.to_le_bytes());
    at = put(&mut bytes, at, &flags.to_le_bytes());
    at = put(&mut bytes, at, &len32(N));
    at = put(&mut bytes, at, &line.to_le_bytes());
    at = put(&mut bytes, at, &column.to_le_bytes());
    at = put(&mut bytes, at, &len32(module.len()));
    at = put(&mut bytes, at, module.as_bytes());
    at = put(&mut bytes, at, &len32(file.len()));
    at = put(&mut bytes, at, file.as_bytes());
    put(&mut bytes, at, body);
    bytes
}

/// A length that was checked against [`MAX_LEN`].
#[expect(clippy::cast_possible_truncation, reason = "at most MAX_LEN")]
const fn len32(len: usize) -> [u8; 4] {
    (len as u32).to_le_bytes()
}

/// Copies `part` to `at`; returns where it ends. `copy_from_slice` is not `const` yet in the
/// oldest compiler supported.
const fn put(bytes: &mut [u8], at: usize, part: &[u8]) -> usize {
    let mut i = 0;
    while i < part.len() {
        bytes[at + i] = part[i];
        i += 1;
    }
    at + part.len()
}

impl Body {
    /// The bytes of the body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.str(&self.ident);
        out.str(&self.name);
        out.u32(self.version);
        out.count(self.generics.len());
        self.generics.iter().for_each(|name| out.str(name));
        write_notes(&mut out, &self.notes);
        out.count(self.variants.len());
        for variant in &self.variants {
            out.str(&variant.name);
            out.u8(u8::from(variant.id.is_some()));
            out.u32(variant.id.unwrap_or(0));
            out.u8(variant.shape.code());
            write_notes(&mut out, &variant.notes);
            out.count(variant.fields.len());
            for field in &variant.fields {
                out.str(&field.name);
                out.str(&field.tokens);
                out.u8(field.treatment.code());
                out.u8(u8::from(field.reason.is_some()));
                out.str(field.reason.as_deref().unwrap_or(""));
                out.u32(field.line);
                out.u32(field.column);
                write_notes(&mut out, &field.notes);
            }
        }
        out.into_bytes()
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, WireError> {
        let ident = input.string()?;
        let name = input.string()?;
        let version = input.u32()?;
        let generics = list(input, 4, Reader::string)?;
        let notes = read_notes(input)?;
        let variants = list(input, 18, |input| {
            let name = input.string()?;
            let has_id = flag(input, "presence of an id")?;
            let offset = input.offset();
            let id = input.u32()?;
            if !has_id && id != 0 {
                let value = u64::from(id);
                return Err(WireError::BadValue { offset, what: "missing id", value });
            }
            let shape = code(input, "shape", Shape::from_code)?;
            let notes = read_notes(input)?;
            let fields = list(input, 26, |input| {
                let name = input.string()?;
                let tokens = input.string()?;
                let treatment = code(input, "treatment", |code| {
                    // No program filters.
                    Treatment::from_code(code).filter(|found| *found != Treatment::Filtered)
                })?;
                let has_reason = flag(input, "presence of a reason")?;
                let offset = input.offset();
                let reason = input.string()?;
                if !has_reason && !reason.is_empty() {
                    let value = reason.len() as u64;
                    return Err(WireError::BadValue { offset, what: "missing reason", value });
                }
                let line = input.u32()?;
                let column = input.u32()?;
                let notes = read_notes(input)?;
                let reason = has_reason.then_some(reason);
                Ok(FieldRecord { name, tokens, treatment, reason, line, column, notes })
            })?;
            Ok(VariantRecord { name, id: has_id.then_some(id), shape, fields, notes })
        })?;
        Ok(Self { ident, name, version, generics, notes, variants })
    }
}

fn write_notes(out: &mut Writer, notes: &[(String, String)]) {
    out.count(notes.len());
    for (name, value) in notes {
        out.str(name);
        out.str(value);
    }
}

fn read_notes(input: &mut Reader<'_>) -> Result<Vec<(String, String)>, WireError> {
    list(input, 8, |input| Ok((input.string()?, input.string()?)))
}

/// A list of items that take at least `least` bytes each.
fn list<'a, T>(
    input: &mut Reader<'a>,
    least: usize,
    mut item: impl FnMut(&mut Reader<'a>) -> Result<T, WireError>,
) -> Result<Vec<T>, WireError> {
    let count = input.count(least)?;
    let mut items = Vec::new();
    for _ in 0..count {
        items.push(item(input)?);
    }
    Ok(items)
}

fn flag(input: &mut Reader<'_>, what: &'static str) -> Result<bool, WireError> {
    code(input, what, |byte| match byte {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    })
}

fn code<T>(
    input: &mut Reader<'_>,
    what: &'static str,
    meaning: impl Fn(u8) -> Option<T>,
) -> Result<T, WireError> {
    let offset = input.offset();
    let byte = input.u8()?;
    meaning(byte).ok_or(WireError::BadValue { offset, what, value: u64::from(byte) })
}

/// Decodes the record at `offset` of the section; returns it with its length in bytes.
///
/// # Errors
/// [`RecordError`] with that offset.
pub fn decode(section: &[u8], offset: usize) -> Result<(Record, usize), RecordError> {
    let not_here = || RecordError::NotARecord { offset };
    let bytes = section.get(offset..).ok_or_else(not_here)?;
    if !bytes.starts_with(&MAGIC) {
        return Err(not_here());
    }
    let malformed = |error| RecordError::Malformed { offset, error };
    let mut header = Reader::new(&bytes[MAGIC.len()..]);
    let version = header.u16().map_err(malformed)?;
    if version != VERSION {
        return Err(RecordError::Version { offset, version });
    }
    let flags = Flags::from_bits(header.u16().map_err(malformed)?);
    let total = header.u32().map_err(malformed)? as usize;
    if !(HEADER_LEN..=MAX_LEN.min(bytes.len())).contains(&total) {
        let (needed, available) = (total, bytes.len());
        return Err(malformed(WireError::Truncated { offset: 12, needed, available }));
    }
    // From here on nothing outside the record is read.
    let mut input = Reader::new(&bytes[..total]);
    let record = (|| {
        input.bytes(16)?;
        let line = input.u32()?;
        let column = input.u32()?;
        let module = input.string()?;
        let file = input.string()?;
        let body = Body::decode(&mut input)?;
        if input.remaining() > 0 {
            let (offset, value) = (input.offset(), input.remaining() as u64);
            return Err(WireError::BadValue { offset, what: "number of bytes after it", value });
        }
        Ok(Record { flags, line, column, module, file, body })
    })()
    .map_err(malformed)?;
    Ok((record, total))
}

/// All records of a section with their offsets. Zeros between them (alignment) are passed over.
/// After a malformed record the search goes on at the next magic, so that one bad record hides no
/// other.
pub fn records(section: &[u8]) -> impl Iterator<Item = (usize, Result<Record, RecordError>)> + '_ {
    let mut offset = 0;
    core::iter::from_fn(move || {
        offset += section.get(offset..)?.iter().position(|&byte| byte != 0)?;
        let start = offset;
        match decode(section, start) {
            Ok((record, len)) => {
                offset = start + len;
                Some((start, Ok(record)))
            }
            Err(error) => {
                let rest = section.get(start + 1..).unwrap_or(&[]);
                offset = rest
                    .windows(MAGIC.len())
                    .position(|window| window == MAGIC)
                    .map_or(section.len(), |at| start + 1 + at);
                Some((start, Err(error)))
            }
        }
    })
}
