//! The canonical text of a type, which its hash is taken of.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Write as _};

use super::{Field, Table, Type, TypeRef};
use crate::record::Shape;

impl Table {
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
        let mut speller = Speller {
            table: self,
            limit,
            text: String::from("samestate schema 1\n= "),
            numbers: BTreeMap::new(),
            queue: Vec::new(),
        };
        speller.ty(start)?;
        speller.text.push('\n');
        let mut next = 0;
        while let Some(&index) = speller.queue.get(next) {
            let _ = write!(speller.text, "#{next} ");
            speller.definition(index)?;
            speller.text.push('\n');
            next += 1;
        }
        Some(speller.text)
    }
}

struct Speller<'a> {
    table: &'a Table,
    /// Longest text in bytes.
    limit: usize,
    text: String,
    /// The number of each named type met so far, and the types by number.
    numbers: BTreeMap<TypeRef, usize>,
    queue: Vec<TypeRef>,
}

/// What is left to write of a type without a name, innermost last; an explicit stack, because a
/// forged table may nest deeply.
enum Task {
    Type(TypeRef),
    Text(&'static str),
    Len(u64),
}

impl Speller<'_> {
    fn definition(&mut self, index: TypeRef) -> Option<()> {
        match self.table.get(index)? {
            Type::Struct(def) => {
                let _ = write!(self.text, "struct {} v{}", Quoted(&def.name), def.version);
                self.fields(def.shape, &def.fields)
            }
            Type::Enum(def) => {
                let _ = write!(self.text, "enum {} v{}", Quoted(&def.name), def.version);
                def.variants.iter().try_for_each(|variant| {
                    let _ = write!(self.text, " | {}", Quoted(&variant.name));
                    if let Some(id) = variant.id {
                        let _ = write!(self.text, "={id}");
                    }
                    self.fields(variant.shape, &variant.fields)
                })
            }
            Type::Dyn(def) => {
                let _ = write!(self.text, "dyn {}", Quoted(&def.name));
                def.implementers.iter().try_for_each(|(name, ty)| {
                    let _ = write!(self.text, " | {} ", Quoted(name));
                    self.ty(*ty)
                })
            }
            // Only types with a name are put into the queue.
            _ => None,
        }
    }

    fn fields(&mut self, shape: Shape, fields: &[Field]) -> Option<()> {
        self.text.push_str(match shape {
            Shape::Named => " {",
            Shape::Tuple => " (",
            Shape::Unit => " ;",
        });
        for field in fields {
            let _ = write!(self.text, " {}: {}", Quoted(&field.name), field.treatment);
            if let Some(ty) = field.ty {
                self.text.push(' ');
                self.ty(ty)?;
            }
            self.text.push(',');
        }
        self.text.push_str(match shape {
            Shape::Named => " }",
            Shape::Tuple => " )",
            Shape::Unit => "",
        });
        (self.text.len() <= self.limit).then_some(())
    }

    /// Writes the type without going below a named one. It ends because the table is valid: no
    /// type without a name contains itself.
    fn ty(&mut self, index: TypeRef) -> Option<()> {
        let mut tasks = Vec::from([Task::Type(index)]);
        while let Some(task) = tasks.pop() {
            if self.text.len() > self.limit || tasks.len() > self.limit {
                return None;
            }
            match task {
                Task::Text(part) => self.text.push_str(part),
                Task::Len(len) => self.text.push_str(&len.to_string()),
                Task::Type(index) => self.one(index, &mut tasks)?,
            }
        }
        Some(())
    }

    fn one(&mut self, index: TypeRef, tasks: &mut Vec<Task>) -> Option<()> {
        match self.table.get(index)? {
            Type::Primitive(primitive) => self.text.push_str(primitive.name()),
            Type::Str => self.text.push_str("str"),
            Type::Opaque(name) => {
                let _ = write!(self.text, "opaque {}", Quoted(name));
            }
            Type::Option(inner) => {
                self.text.push_str("option<");
                tasks.extend([Task::Text(">"), Task::Type(*inner)]);
            }
            Type::Shared(inner) => {
                self.text.push_str("shared<");
                tasks.extend([Task::Text(">"), Task::Type(*inner)]);
            }
            Type::Weak(inner) => {
                self.text.push_str("weak<");
                tasks.extend([Task::Text(">"), Task::Type(*inner)]);
            }
            Type::Sequence(inner) => {
                self.text.push('[');
                tasks.extend([Task::Text("]"), Task::Type(*inner)]);
            }
            Type::Set(inner) => {
                self.text.push_str("set<");
                tasks.extend([Task::Text(">"), Task::Type(*inner)]);
            }
            Type::Array(inner, len) => {
                self.text.push('[');
                tasks.extend([
                    Task::Text("]"),
                    Task::Len(*len),
                    Task::Text("; "),
                    Task::Type(*inner),
                ]);
            }
            Type::Map(key, value) => {
                self.text.push_str("map<");
                tasks.extend([
                    Task::Text(">"),
                    Task::Type(*value),
                    Task::Text(", "),
                    Task::Type(*key),
                ]);
            }
            Type::Tuple(types) => {
                self.text.push('(');
                tasks.push(Task::Text(")"));
                for ty in types.iter().rev() {
                    tasks.extend([Task::Text(","), Task::Type(*ty)]);
                }
            }
            Type::Struct(_) | Type::Enum(_) | Type::Dyn(_) => {
                let queue = &mut self.queue;
                let number = *self.numbers.entry(index).or_insert_with(|| {
                    queue.push(index);
                    queue.len() - 1
                });
                let _ = write!(self.text, "#{number}");
            }
        }
        Some(())
    }
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
