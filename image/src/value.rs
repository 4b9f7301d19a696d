//! The values of an image as a tree, read by the image's own schema, without the program.

mod decode;
mod diff;
mod digest;
mod print;
mod sizes;

use core::fmt;
use std::collections::BTreeMap;

use samestate_schema::path::{FieldPath, Step};
use samestate_schema::treatment::Treatment;
use samestate_schema::types::Primitive;

use crate::Image;

pub(crate) use decode::DEPTH;
pub use diff::{ValueDifference, diff};
pub use digest::digests;
pub use sizes::Size;

/// One value.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value<'i> {
    /// `()`
    Unit,
    /// `bool`
    Bool(bool),
    /// `char`
    Char(char),
    /// An unsigned number of any width.
    Unsigned(u128),
    /// A signed number of any width.
    Signed(i128),
    /// `f32`
    F32(f32),
    /// `f64`
    F64(f64),
    /// Text.
    Str(&'i str),
    /// Perhaps a value.
    Option(Option<Box<Value<'i>>>),
    /// The elements of a sequence, an array or a set.
    List(Vec<Value<'i>>),
    /// A run of numbers, left as it is.
    Numbers(Numbers<'i>),
    /// A tuple.
    Tuple(Vec<Value<'i>>),
    /// The entries of a map, ordered by their encoded keys.
    Map(Vec<(Value<'i>, Value<'i>)>),
    /// A struct.
    Struct {
        /// The name that images know it by.
        name: &'i str,
        /// All its fields.
        fields: Vec<FieldValue<'i>>,
    },
    /// A value of an enum.
    Enum {
        /// The name that images know the enum by.
        name: &'i str,
        /// The variant.
        variant: &'i str,
        /// All fields of the variant.
        fields: Vec<FieldValue<'i>>,
    },
    /// A pointer to an object that others may own as well.
    Shared {
        /// The number of the object, from 0 in the order in which objects are first met.
        object: u64,
        /// The object, where it is first met; elsewhere it is only referred to.
        value: Option<Box<Value<'i>>>,
    },
    /// A pointer that does not own its object.
    Weak {
        /// The number of the object; `None` if the object is gone.
        object: Option<u64>,
        /// The object, if it is first met here.
        value: Option<Box<Value<'i>>>,
    },
    /// A trait object.
    Dyn {
        /// The name that images know the trait by.
        name: &'i str,
        /// The registered name of the implementer.
        implementer: &'i str,
        /// The implementer.
        value: Box<Value<'i>>,
    },
    /// Bytes that only the code of this name understands.
    Opaque {
        /// The name.
        name: &'i str,
        /// The bytes.
        bytes: &'i [u8],
    },
}

/// A field and, if it is saved, its value.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldValue<'i> {
    /// Its name; a number for tuple fields.
    pub name: &'i str,
    /// What happens to it.
    pub treatment: Treatment,
    /// Its value, if it is saved.
    pub value: Option<Value<'i>>,
}

/// Numbers that follow each other in the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers<'i> {
    /// The type of one number.
    pub primitive: Primitive,
    /// How many numbers make one element: more than one if the elements are arrays.
    pub per_element: usize,
    /// The numbers, little-endian.
    pub bytes: &'i [u8],
}

impl<'i> Numbers<'i> {
    /// How many numbers there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.bytes.len() / self.primitive.size()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The number at `index`, from 0.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Value<'i>> {
        let size = self.primitive.size();
        let start = index.checked_mul(size)?;
        decode::number(self.primitive, self.bytes.get(start..start.checked_add(size)?)?)
    }

    /// All numbers in order.
    pub fn iter(&self) -> impl Iterator<Item = Value<'i>> + '_ {
        let primitive = self.primitive;
        let each = self.bytes.chunks_exact(primitive.size());
        each.filter_map(move |bytes| decode::number(primitive, bytes))
    }
}

/// Why the values of an image are not what its schema says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueError {
    /// The value at fault.
    pub path: FieldPath,
    /// Where among the values, in bytes; the volatile ones count on from one behind their end.
    pub offset: usize,
    /// What is wrong.
    pub what: &'static str,
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}: {} (byte {} of the values)", self.path, self.what, self.offset)
    }
}

impl std::error::Error for ValueError {}

impl Image<'_> {
    /// All values as a tree. Runs of numbers stay as they are in the image.
    ///
    /// # Errors
    /// [`ValueError`] if the values are not what the schema says, or nest too deeply to be shown.
    pub fn value(&self) -> Result<Value<'_>, ValueError> {
        let root = FieldPath::root(self.schema().root_name.clone());
        decode::Decoder::new(self, root).root().map_err(|error| *error)
    }

    /// How many bytes the values take at each place in the types, the largest first. A shared
    /// object counts where it is first met.
    ///
    /// # Errors
    /// As [`Image::value`].
    pub fn sizes(&self) -> Result<Vec<Size>, ValueError> {
        let root = FieldPath::root(self.schema().root_name.clone());
        decode::Decoder::new(self, root).sizes().map_err(|error| *error)
    }
}

/// The field path, from `root`, of the first value that is malformed or missing.
#[must_use]
pub fn path_of_end(image: &Image<'_>, root: &str) -> Option<FieldPath> {
    decode::Decoder::new(image, FieldPath::root(root)).path_of_error()
}

/// The field path, from `root`, of the last value that ends at or before this offset among the
/// values, or of the first that is malformed. `None` if there is none.
#[must_use]
pub fn path_at(image: &Image<'_>, root: &str, offset: usize) -> Option<FieldPath> {
    decode::Decoder::new(image, FieldPath::root(root)).stop_at(offset).path_of_error()
}

impl<'i> Value<'i> {
    /// Whether a weak pointer in it leads to this object, which is defined elsewhere.
    pub(crate) fn refers_to(&self, number: u64) -> bool {
        let mut found = false;
        self.visit(&FieldPath::root(""), &mut |_, value| {
            found |= matches!(value, Value::Weak { object: Some(object), value: None } if *object == number);
        });
        found
    }

    /// The shared objects in it, by number.
    pub(crate) fn objects<'v>(&'v self, found: &mut BTreeMap<u64, &'v Self>) {
        let fields_of =
            |fields: &'v [FieldValue<'i>]| fields.iter().filter_map(|f| f.value.as_ref());
        match self {
            Self::Option(Some(value)) | Self::Dyn { value, .. } => value.objects(found),
            Self::List(values) | Self::Tuple(values) => {
                values.iter().for_each(|value| value.objects(found));
            }
            Self::Map(entries) => entries.iter().for_each(|(_, value)| value.objects(found)),
            Self::Shared { object, value: Some(value) }
            | Self::Weak { object: Some(object), value: Some(value) } => {
                found.insert(*object, value);
                value.objects(found);
            }
            Self::Struct { fields, .. } | Self::Enum { fields, .. } => {
                fields_of(fields).for_each(|value| value.objects(found));
            }
            _ => {}
        }
    }

    /// Calls `seen` for this value, which stands at `path`, and for all below it.
    pub fn visit(&self, path: &FieldPath, seen: &mut dyn FnMut(&FieldPath, &Value<'_>)) {
        seen(path, self);
        match self {
            Self::Option(Some(value)) => {
                value.visit(&path.join(Step::Variant("Some".into())), seen)
            }
            Self::List(values) => {
                for (index, value) in (0..).zip(values) {
                    value.visit(&path.join(Step::Index(index)), seen);
                }
            }
            Self::Tuple(values) => {
                for (index, value) in (0..).zip(values) {
                    value.visit(&path.join(Step::Tuple(index)), seen);
                }
            }
            Self::Map(entries) => {
                for (key, value) in entries {
                    value.visit(&path.join(Step::Entry(key.key())), seen);
                }
            }
            Self::Shared { value: Some(value), .. } | Self::Weak { value: Some(value), .. } => {
                value.visit(path, seen);
            }
            Self::Dyn { implementer, value, .. } => {
                value.visit(&path.join(Step::Concrete((*implementer).to_owned())), seen);
            }
            Self::Struct { fields, .. } => visit_fields(fields, path, seen),
            Self::Enum { variant, fields, .. } => {
                visit_fields(fields, &path.join(Step::Variant((*variant).to_owned())), seen);
            }
            _ => {}
        }
    }
}

fn visit_fields(
    fields: &[FieldValue<'_>],
    path: &FieldPath,
    seen: &mut dyn FnMut(&FieldPath, &Value<'_>),
) {
    for field in fields {
        if let Some(value) = &field.value {
            value.visit(&path.join(FieldPath::member(field.name)), seen);
        }
    }
}
