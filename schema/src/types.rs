//! The types that an image holds.
//!
//! A [`Table`] describes one root type and everything saved below it. Types refer to each other
//! by index, so recursive types need no special case. Identity is structural from the root: the
//! hash of a type is taken of its [canonical text](Table::canonical), in which types that have a
//! name are numbered in the order in which they are first met, and all others are spelled out.
//! So it does not matter how often a table repeats an unnamed type, or in which order it was
//! built.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Write as _};

use crate::record::Shape;
use crate::treatment::Treatment;
use crate::wire::{Reader, WireError, Writer};

/// The index of a type in its [`Table`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeRef(pub u32);

/// A type whose values have a fixed size and no parts. `usize` and `isize` travel as 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are those of the language")]
pub enum Primitive {
    Unit,
    Bool,
    Char,
    U8,
    U16,
    U32,
    U64,
    U128,
    I8,
    I16,
    I32,
    I64,
    I128,
    F32,
    F64,
    Usize,
    Isize,
}

impl Primitive {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 17] = [
        Self::Unit,
        Self::Bool,
        Self::Char,
        Self::U8,
        Self::U16,
        Self::U32,
        Self::U64,
        Self::U128,
        Self::I8,
        Self::I16,
        Self::I32,
        Self::I64,
        Self::I128,
        Self::F32,
        Self::F64,
        Self::Usize,
        Self::Isize,
    ];

    /// The name in Rust.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unit => "()",
            Self::Bool => "bool",
            Self::Char => "char",
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::U128 => "u128",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::I128 => "i128",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::Usize => "usize",
            Self::Isize => "isize",
        }
    }

    /// Bytes that a value takes in an image.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::Unit => 0,
            Self::Bool | Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::Char | Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 | Self::Usize | Self::Isize => 8,
            Self::U128 | Self::I128 => 16,
        }
    }

    fn code(self) -> u8 {
        self as u8
    }

    fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

/// A field of a struct or a variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name; a number for tuple fields.
    pub name: String,
    /// What happens to it.
    pub treatment: Treatment,
    /// Its type, if it is saved; the image holds nothing of the others.
    pub ty: Option<TypeRef>,
}

/// A struct: its saved fields follow each other in the order given here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Struct {
    /// The name that images know it by; information, except that it starts a canonical entry.
    pub name: String,
    /// The version of its saved form.
    pub version: u32,
    /// What it looks like.
    pub shape: Shape,
    /// All its fields, those that are not saved too.
    pub fields: Vec<Field>,
}

/// A variant of an enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Its name.
    pub name: String,
    /// Its fixed identity, if it has one; else its name is its identity.
    pub id: Option<u32>,
    /// What it looks like.
    pub shape: Shape,
    /// All its fields, those that are not saved too.
    pub fields: Vec<Field>,
}

/// An enum: in an image, the index of the variant in this list and then its saved fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enum {
    /// The name that images know it by.
    pub name: String,
    /// The version of its saved form.
    pub version: u32,
    /// Its variants.
    pub variants: Vec<Variant>,
}

/// One type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// A value of fixed size without parts.
    Primitive(Primitive),
    /// UTF-8 text with its length.
    Str,
    /// Perhaps a value.
    Option(TypeRef),
    /// Any number of values in an order that matters.
    Sequence(TypeRef),
    /// A fixed number of values.
    Array(TypeRef, u64),
    /// Values of different types without names.
    Tuple(Vec<TypeRef>),
    /// Values by key, ordered by their encoded keys.
    Map(TypeRef, TypeRef),
    /// Values without order, ordered by their encoding.
    Set(TypeRef),
    /// A struct.
    Struct(Struct),
    /// An enum.
    Enum(Enum),
    /// Bytes with their length that only the code named here understands.
    Opaque(String),
}

/// A root type and everything saved below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The types, referred to by index.
    pub types: Vec<Type>,
    /// The root.
    pub root: TypeRef,
}

/// Why a table is not one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableError {
    /// Its bytes are malformed.
    Wire(WireError),
    /// A type refers to one that is not there.
    Dangling {
        /// The index that has no type.
        index: u32,
        /// How many types there are.
        types: usize,
    },
    /// A type without a name contains itself, so it has no end.
    Endless {
        /// The index of a type on the cycle.
        index: u32,
    },
    /// A field that is saved has no type, or the other way round.
    FieldType {
        /// The name of the type.
        owner: String,
        /// The name of the field.
        field: String,
    },
}

impl From<WireError> for TableError {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wire(error) => write!(f, "malformed schema table: {error}"),
            Self::Dangling { index, types } => {
                write!(f, "schema table of {types} types refers to type {index}")
            }
            Self::Endless { index } => {
                write!(f, "type {index} of the schema table contains itself without a name")
            }
            Self::FieldType { owner, field } => write!(
                f,
                "field `{owner}.{field}` of the schema table must have a type exactly if it is saved"
            ),
        }
    }
}

impl core::error::Error for TableError {}

impl Type {
    /// Whether it has a name, and so may contain itself.
    const fn is_named(&self) -> bool {
        matches!(self, Self::Struct(_) | Self::Enum(_))
    }

    /// The types it refers to, in order.
    #[must_use]
    pub fn children(&self) -> Vec<TypeRef> {
        fn saved(fields: &[Field]) -> impl Iterator<Item = TypeRef> + '_ {
            fields.iter().filter_map(|field| field.ty)
        }
        match self {
            Self::Primitive(_) | Self::Str | Self::Opaque(_) => Vec::new(),
            Self::Option(t) | Self::Sequence(t) | Self::Array(t, _) | Self::Set(t) => {
                Vec::from([*t])
            }
            Self::Map(key, value) => Vec::from([*key, *value]),
            Self::Tuple(types) => types.clone(),
            Self::Struct(def) => saved(&def.fields).collect(),
            Self::Enum(def) => def.variants.iter().flat_map(|v| saved(&v.fields)).collect(),
        }
    }
}

impl Table {
    /// The type at `index`.
    #[must_use]
    pub fn get(&self, index: TypeRef) -> Option<&Type> {
        self.types.get(index.0 as usize)
    }

    /// Checks what [`Table::decode`] promises of a table built in memory.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn validate(&self) -> Result<(), TableError> {
        let types = self.types.len();
        let known = |t: TypeRef| {
            if (t.0 as usize) < types {
                Ok(())
            } else {
                Err(TableError::Dangling { index: t.0, types })
            }
        };
        known(self.root)?;
        for ty in &self.types {
            ty.children().into_iter().try_for_each(known)?;
            match ty {
                Type::Struct(def) => check_fields(&def.name, &def.fields)?,
                Type::Enum(def) => {
                    def.variants.iter().try_for_each(|v| check_fields(&def.name, &v.fields))?;
                }
                _ => {}
            }
        }
        self.check_ends()
    }

    /// Checks that types without a name do not contain themselves: a depth-first search with an
    /// explicit stack, because the table may come from a forged image.
    fn check_ends(&self) -> Result<(), TableError> {
        let mut done = BTreeSet::new();
        for start in 0..self.types.len() {
            // Each entry: a type, and whether all below it was visited.
            let mut stack = Vec::from([(start, false)]);
            let mut open = BTreeSet::new();
            while let Some((index, left)) = stack.pop() {
                if left {
                    open.remove(&index);
                    done.insert(index);
                    continue;
                }
                if done.contains(&index) || self.types[index].is_named() {
                    continue;
                }
                if !open.insert(index) {
                    #[expect(clippy::cast_possible_truncation, reason = "it came from a TypeRef")]
                    return Err(TableError::Endless { index: index as u32 });
                }
                stack.push((index, true));
                for child in self.types[index].children() {
                    let child = child.0 as usize;
                    if open.contains(&child) {
                        #[expect(clippy::cast_possible_truncation, reason = "a TypeRef again")]
                        return Err(TableError::Endless { index: child as u32 });
                    }
                    stack.push((child, false));
                }
            }
        }
        Ok(())
    }

    /// The canonical text of the type at `start`: the same for equal types of any two tables.
    ///
    /// One line per named type in the order in which they are first met, breadth first. It tells
    /// fields, types, treatments, versions and variant ids; not reasons, docs, places, or the
    /// types of what is not saved.
    ///
    /// The table must be [valid](Table::validate). Text longer than `limit` bytes is given up as
    /// `None`: types without a name are spelled out, and a forged table can make that explode.
    #[must_use]
    pub fn canonical(&self, start: TypeRef, limit: usize) -> Option<String> {
        let mut numbers = BTreeMap::new();
        let mut queue = Vec::new();
        let mut text = String::from("samestate schema 1\n= ");
        self.spell(start, &mut numbers, &mut queue, &mut text, limit)?;
        text.push('\n');
        let mut next = 0;
        while let Some(&index) = queue.get(next) {
            let _ = write!(text, "#{next} ");
            match self.get(index)? {
                Type::Struct(def) => {
                    let _ = write!(text, "struct {} v{}", Quoted(&def.name), def.version);
                    self.spell_fields(
                        def.shape, &def.fields, &mut numbers, &mut queue, &mut text, limit,
                    )?;
                }
                Type::Enum(def) => {
                    let _ = write!(text, "enum {} v{}", Quoted(&def.name), def.version);
                    for variant in &def.variants {
                        let _ = write!(text, " | {}", Quoted(&variant.name));
                        if let Some(id) = variant.id {
                            let _ = write!(text, "={id}");
                        }
                        self.spell_fields(
                            variant.shape, &variant.fields, &mut numbers, &mut queue, &mut text,
                            limit,
                        )?;
                    }
                }
                // Only named types are put into the queue.
                _ => return None,
            }
            text.push('\n');
            next += 1;
        }
        Some(text)
    }

    fn spell_fields(
        &self,
        shape: Shape,
        fields: &[Field],
        numbers: &mut BTreeMap<TypeRef, usize>,
        queue: &mut Vec<TypeRef>,
        text: &mut String,
        limit: usize,
    ) -> Option<()> {
        text.push_str(match shape {
            Shape::Named => " {",
            Shape::Tuple => " (",
            Shape::Unit => " ;",
        });
        for field in fields {
            let _ = write!(text, " {}: {}", Quoted(&field.name), field.treatment);
            if let Some(ty) = field.ty {
                text.push(' ');
                self.spell(ty, numbers, queue, text, limit)?;
            }
            text.push(',');
        }
        (text.len() <= limit).then_some(())
    }

    /// Writes the type without going below a named one. Recursion ends because the table is

    fn spell(
        &self,
        index: TypeRef,
        numbers: &mut BTreeMap<TypeRef, usize>,
        queue: &mut Vec<TypeRef>,
        text: &mut String,
        limit: usize,
    ) -> Option<()> {
        // Tasks still to do, innermost last; an explicit stack, because of forged tables.
        enum Task {
            Spell(TypeRef),
            Text(&'static str),
            Len(u64),
        }
        let mut tasks = Vec::from([Task::Spell(index)]);
        while let Some(task) = tasks.pop() {
            if text.len() > limit || tasks.len() > limit {
                return None;
            }
            let index = match task {
                Task::Text(part) => {
                    text.push_str(part);
                    continue;
                }
                Task::Len(len) => {
                    text.push_str(&len.to_string());
                    continue;
                }
                Task::Spell(index) => index,
            };
            match self.get(index)? {
                Type::Primitive(primitive) => text.push_str(primitive.name()),
                Type::Str => text.push_str("str"),
                Type::Opaque(name) => {
                    let _ = write!(text, "opaque {}", Quoted(name));
                }
                Type::Option(inner) => {
                    text.push_str("option<");
                    tasks.extend([Task::Text(">"), Task::Spell(*inner)]);
                }
                Type::Sequence(inner) => {
                    text.push('[');
                    tasks.extend([Task::Text("]"), Task::Spell(*inner)]);
                }
                Type::Set(inner) => {
                    text.push_str("set<");
                    tasks.extend([Task::Text(">"), Task::Spell(*inner)]);
                }
                Type::Array(inner, len) => {
                    text.push('[');
                    tasks.extend([
                        Task::Text("]"),
                        Task::Len(*len),
                        Task::Text("; "),
                        Task::Spell(*inner),
                    ]);
                }
                Type::Map(key, value) => {
                    text.push_str("map<");
                    tasks.extend([
                        Task::Text(">"),
                        Task::Spell(*value),
                        Task::Text(", "),
                        Task::Spell(*key),
                    ]);
                }
                Type::Tuple(types) => {
                    text.push('(');
                    tasks.push(Task::Text(")"));
                    for ty in types.iter().rev() {
                        tasks.extend([Task::Text(","), Task::Spell(*ty)]);
                    }
                }
                Type::Struct(_) | Type::Enum(_) => {
                    let number = *numbers.entry(index).or_insert_with(|| {
                        queue.push(index);
                        queue.len() - 1
                    });
                    let _ = write!(text, "#{number}");
                }
            }
        }
        Some(())
    }

    /// The bytes of the table.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.u32(self.root.0);
        out.count(self.types.len());
        for ty in &self.types {
            match ty {
                Type::Primitive(primitive) => {
                    out.u8(0);
                    out.u8(primitive.code());
                }
                Type::Str => out.u8(1),
                Type::Option(inner) => write_one(&mut out, 2, *inner),
                Type::Sequence(inner) => write_one(&mut out, 3, *inner),
                Type::Array(inner, len) => {
                    write_one(&mut out, 4, *inner);
                    out.u64(*len);
                }
                Type::Tuple(types) => {
                    out.u8(5);
                    out.count(types.len());
                    types.iter().for_each(|ty| out.u32(ty.0));
                }
                Type::Map(key, value) => {
                    write_one(&mut out, 6, *key);
                    out.u32(value.0);
                }
                Type::Set(inner) => write_one(&mut out, 7, *inner),
                Type::Struct(def) => {
                    out.u8(8);
                    out.str(&def.name);
                    out.u32(def.version);
                    write_fields(&mut out, def.shape, &def.fields);
                }
                Type::Enum(def) => {
                    out.u8(9);
                    out.str(&def.name);
                    out.u32(def.version);
                    out.count(def.variants.len());
                    for variant in &def.variants {
                        out.str(&variant.name);
                        out.u8(u8::from(variant.id.is_some()));
                        out.u32(variant.id.unwrap_or(0));
                        write_fields(&mut out, variant.shape, &variant.fields);
                    }
                }
                Type::Opaque(name) => {
                    out.u8(10);
                    out.str(name);
                }
            }
        }
        out.into_bytes()
    }

    /// Reads a table off the front of `bytes`; returns it with its length in bytes.
    ///
    /// # Errors
    /// [`TableError`] if it is malformed or not [valid](Table::validate).
    pub fn decode(bytes: &[u8]) -> Result<(Self, usize), TableError> {
        let mut input = Reader::new(bytes);
        let root = TypeRef(input.u32()?);
        let count = input.count(1)?;
        let mut types = Vec::new();
        for _ in 0..count {
            types.push(read_type(&mut input)?);
        }
        let table = Self { types, root };
        table.validate()?;
        Ok((table, input.offset()))
    }
}

fn check_fields(owner: &str, fields: &[Field]) -> Result<(), TableError> {
    match fields.iter().find(|f| f.ty.is_some() != (f.treatment == Treatment::Saved)) {
        Some(field) => {
            Err(TableError::FieldType { owner: owner.to_string(), field: field.name.clone() })
        }
        None => Ok(()),
    }
}

fn write_one(out: &mut Writer, code: u8, ty: TypeRef) {
    out.u8(code);
    out.u32(ty.0);
}

fn write_fields(out: &mut Writer, shape: Shape, fields: &[Field]) {
    out.u8(shape.code());
    out.count(fields.len());
    for field in fields {
        out.str(&field.name);
        out.u8(field.treatment.code());
        if let Some(ty) = field.ty {
            out.u32(ty.0);
        }
    }
}

fn read_type(input: &mut Reader<'_>) -> Result<Type, WireError> {
    let offset = input.offset();
    Ok(match input.u8()? {
        0 => {
            let offset = input.offset();
            let code = input.u8()?;
            Type::Primitive(Primitive::from_code(code).ok_or(WireError::BadValue {
                offset,
                what: "primitive type",
                value: u64::from(code),
            })?)
        }
        1 => Type::Str,
        2 => Type::Option(TypeRef(input.u32()?)),
        3 => Type::Sequence(TypeRef(input.u32()?)),
        4 => Type::Array(TypeRef(input.u32()?), input.u64()?),
        5 => {
            let count = input.count(4)?;
            let mut types = Vec::new();
            for _ in 0..count {
                types.push(TypeRef(input.u32()?));
            }
            Type::Tuple(types)
        }
        6 => Type::Map(TypeRef(input.u32()?), TypeRef(input.u32()?)),
        7 => Type::Set(TypeRef(input.u32()?)),
        8 => {
            let name = input.string()?;
            let version = input.u32()?;
            let (shape, fields) = read_fields(input)?;
            Type::Struct(Struct { name, version, shape, fields })
        }
        9 => {
            let name = input.string()?;
            let version = input.u32()?;
            let count = input.count(14)?;
            let mut variants = Vec::new();
            for _ in 0..count {
                let name = input.string()?;
                let offset = input.offset();
                let has_id = input.u8()?;
                if has_id > 1 {
                    let value = u64::from(has_id);
                    return Err(WireError::BadValue { offset, what: "presence of an id", value });
                }
                let id = input.u32()?;
                let (shape, fields) = read_fields(input)?;
                variants.push(Variant { name, id: (has_id == 1).then_some(id), shape, fields });
            }
            Type::Enum(Enum { name, version, variants })
        }
        10 => Type::Opaque(input.string()?),
        code => {
            return Err(WireError::BadValue { offset, what: "kind of type", value: u64::from(code) });
        }
    })
}

fn read_fields(input: &mut Reader<'_>) -> Result<(Shape, Vec<Field>), WireError> {
    let offset = input.offset();
    let code = input.u8()?;
    let value = u64::from(code);
    let shape = Shape::from_code(code).ok_or(WireError::BadValue { offset, what: "shape", value })?;
    let count = input.count(5)?;
    let mut fields = Vec::new();
    for _ in 0..count {
        let name = input.string()?;
        let offset = input.offset();
        let code = input.u8()?;
        let value = u64::from(code);
        let treatment = Treatment::from_code(code)
            .ok_or(WireError::BadValue { offset, what: "treatment", value })?;
        let ty = match treatment {
            Treatment::Saved => Some(TypeRef(input.u32()?)),
            Treatment::Skipped(_) | Treatment::Rebuilt | Treatment::External => None,
        };
        fields.push(Field { name, treatment, ty });
    }
    Ok((shape, fields))
}

/// A name as the canonical text writes it: bare if it is an identifier or a number, else quoted,
/// so that no name can look like something else.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| c.is_alphanumeric() || c == '_';
        if !self.0.is_empty() && self.0.chars().all(plain) {
            f.write_str(self.0)
        } else {
            write!(f, "{:?}", self.0)
        }
    }
}
