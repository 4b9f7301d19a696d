//! The bytes of a table.
//!
//! ```text
//! root: u32   types: list of
//!      0 primitive: u8          4 array: type, u64         8 struct: name, version: u32, fields
//!      1 str                    5 tuple: list of types     9 enum: name, version: u32, list of
//!      2 option: type           6 map: type, type               name, id: u8 present?, u32, fields
//!      3 sequence: type         7 set: type               10 opaque: name
//!     11 shared: type          12 weak: type              13 dyn: name, list of (name, type)
//! fields: shape: u8, list of (name, treatment: u8, type if it is saved)
//! ```
//!
//! A type is its index as `u32`, a name a string; lists and strings start with their length as
//! `u32`.

use alloc::vec::Vec;

use super::{Dyn, Enum, Field, Primitive, Struct, Table, TableError, Type, TypeRef, Variant};
use crate::record::Shape;
use crate::treatment::Treatment;
use crate::wire::{Reader, WireError, Writer};

impl Table {
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
                Type::Shared(inner) => write_one(&mut out, 11, *inner),
                Type::Weak(inner) => write_one(&mut out, 12, *inner),
                Type::Dyn(def) => {
                    out.u8(13);
                    out.str(&def.name);
                    out.count(def.implementers.len());
                    for (name, ty) in &def.implementers {
                        out.str(name);
                        out.u32(ty.0);
                    }
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
                let offset = input.offset();
                let id = input.u32()?;
                if has_id == 0 && id != 0 {
                    let value = u64::from(id);
                    return Err(WireError::BadValue { offset, what: "missing id", value });
                }
                let (shape, fields) = read_fields(input)?;
                variants.push(Variant { name, id: (has_id == 1).then_some(id), shape, fields });
            }
            Type::Enum(Enum { name, version, variants })
        }
        10 => Type::Opaque(input.string()?),
        11 => Type::Shared(TypeRef(input.u32()?)),
        12 => Type::Weak(TypeRef(input.u32()?)),
        13 => {
            let name = input.string()?;
            let count = input.count(8)?;
            let mut implementers = Vec::new();
            for _ in 0..count {
                implementers.push((input.string()?, TypeRef(input.u32()?)));
            }
            Type::Dyn(Dyn { name, implementers })
        }
        code => {
            return Err(WireError::BadValue {
                offset,
                what: "kind of type",
                value: u64::from(code),
            });
        }
    })
}

fn read_fields(input: &mut Reader<'_>) -> Result<(Shape, Vec<Field>), WireError> {
    let offset = input.offset();
    let code = input.u8()?;
    let value = u64::from(code);
    let shape =
        Shape::from_code(code).ok_or(WireError::BadValue { offset, what: "shape", value })?;
    let count = input.count(5)?;
    let mut fields = Vec::new();
    for _ in 0..count {
        let name = input.string()?;
        let offset = input.offset();
        let code = input.u8()?;
        let value = u64::from(code);
        let treatment = Treatment::from_code(code).ok_or(WireError::BadValue {
            offset,
            what: "treatment",
            value,
        })?;
        let ty = match treatment {
            Treatment::Saved | Treatment::Volatile => Some(TypeRef(input.u32()?)),
            Treatment::Skipped(_)
            | Treatment::Rebuilt
            | Treatment::External
            | Treatment::Filtered => None,
        };
        fields.push(Field { name, treatment, ty });
    }
    Ok((shape, fields))
}
