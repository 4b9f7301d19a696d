//! Fields whose types only know serde. What they serialize to is kept as a tree that names its fields
//! and variants, so that it can be shown and compared without the program.

mod de;
mod ser;

use std::collections::BTreeMap;

use samestate_image::mutant::SERDE;
use samestate_schema::record::Shape;
use samestate_schema::types::{Type, TypeRef};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::impls::maps::restore_map;
use crate::{
    __private, Checkpoint, Fields, RestoreError, Restorer, SaveError, Saver, SchemaBuilder,
};

/// What a type must be able to do that serde saves.
pub trait Serde: Serialize + DeserializeOwned {}

impl<T: Serialize + DeserializeOwned> Serde for T {}

/// Saves a value by its `Serialize`; `ORDERED` tells whether the order of map entries is kept.
pub fn serde_save<T: Serialize, const ORDERED: bool>(
    value: &T,
    saver: &mut Saver<'_>,
) -> Result<(), SaveError> {
    let tree = ser::tree(value, ORDERED)
        .map_err(|error| SaveError::custom(format_args!("serde cannot save it: {error}")))?;
    saver.save_copy(&tree)
}

/// Restores a value by its `Deserialize`.
pub fn serde_restore<T: DeserializeOwned>(restorer: &mut Restorer<'_>) -> Result<T, RestoreError> {
    let tree = Tree::restore(restorer)?;
    T::deserialize(tree).map_err(|error| {
        let message = format!("serde cannot restore it: {error}");
        restorer.error(crate::RestoreErrorKind::Custom(message))
    })
}

/// The description of what serde saves.
pub fn serde_schema(schema: &mut SchemaBuilder) -> TypeRef {
    schema.of::<Tree>()
}

/// A value in serde's data model.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree {
    Unit,
    None,
    Some(Box<Tree>),
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Signed128(i128),
    Unsigned128(u128),
    F32(f32),
    F64(f64),
    Char(char),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Tree>),
    Struct(BTreeMap<String, Tree>),
    /// Entries in the order of their encoded keys.
    Map(Vec<(Tree, Tree)>),
    /// Entries in the order in which they came.
    Ordered(Vec<(Tree, Tree)>),
    Variant(String, Box<Tree>),
}

const VARIANTS: usize = NAMES.len();

/// In the order of their numbers.
const NAMES: [&str; 18] = [
    "Unit",
    "None",
    "Some",
    "Bool",
    "Signed",
    "Unsigned",
    "Signed128",
    "Unsigned128",
    "F32",
    "F64",
    "Char",
    "Text",
    "Bytes",
    "List",
    "Struct",
    "Map",
    "Ordered",
    "Variant",
];

impl Tree {
    /// The bytes of a key, which tell it from others.
    fn key(&self) -> Result<Vec<u8>, SaveError> {
        let mut saver = Saver::in_one_piece();
        self.save(&mut saver)?;
        Ok(saver.into_parts().values)
    }
}

impl Checkpoint for Tree {
    const MIN_LEN: usize = 1;

    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        let mut number = |number| __private::save_variant(saver, number, VARIANTS);
        match self {
            Self::Unit => number(0),
            Self::None => number(1),
            Self::Some(value) => {
                number(2);
                value.save(saver)?;
            }
            Self::Bool(value) => {
                number(3);
                value.save(saver)?;
            }
            Self::Signed(value) => {
                number(4);
                value.save(saver)?;
            }
            Self::Unsigned(value) => {
                number(5);
                value.save(saver)?;
            }
            Self::Signed128(value) => {
                number(6);
                value.save(saver)?;
            }
            Self::Unsigned128(value) => {
                number(7);
                value.save(saver)?;
            }
            Self::F32(value) => {
                number(8);
                value.save(saver)?;
            }
            Self::F64(value) => {
                number(9);
                value.save(saver)?;
            }
            Self::Char(value) => {
                number(10);
                value.save(saver)?;
            }
            Self::Text(value) => {
                number(11);
                value.save(saver)?;
            }
            Self::Bytes(value) => {
                number(12);
                value.save(saver)?;
            }
            Self::List(values) => {
                number(13);
                values.save(saver)?;
            }
            Self::Struct(fields) => {
                number(14);
                fields.save(saver)?;
            }
            Self::Map(entries) => {
                number(15);
                saver.container::<(Self, Self)>(entries.len(), |saver| {
                    saver.entries(entries.iter().map(|(key, value)| (key, value)))
                })?;
            }
            Self::Ordered(entries) => {
                number(16);
                entries.save(saver)?;
            }
            Self::Variant(name, value) => {
                number(17);
                name.save(saver)?;
                value.save(saver)?;
            }
        }
        Ok(())
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        Ok(match __private::variant(restorer, VARIANTS)? {
            0 => Self::Unit,
            1 => Self::None,
            2 => Self::Some(Checkpoint::restore(restorer)?),
            3 => Self::Bool(Checkpoint::restore(restorer)?),
            4 => Self::Signed(Checkpoint::restore(restorer)?),
            5 => Self::Unsigned(Checkpoint::restore(restorer)?),
            6 => Self::Signed128(Checkpoint::restore(restorer)?),
            7 => Self::Unsigned128(Checkpoint::restore(restorer)?),
            8 => Self::F32(Checkpoint::restore(restorer)?),
            9 => Self::F64(Checkpoint::restore(restorer)?),
            10 => Self::Char(Checkpoint::restore(restorer)?),
            11 => Self::Text(Checkpoint::restore(restorer)?),
            12 => Self::Bytes(Checkpoint::restore(restorer)?),
            13 => Self::List(Checkpoint::restore(restorer)?),
            14 => Self::Struct(Checkpoint::restore(restorer)?),
            15 => Self::Map(restore_map(restorer)?),
            16 => Self::Ordered(Checkpoint::restore(restorer)?),
            _ => {
                let name = Checkpoint::restore(restorer)?;
                Self::Variant(name, Checkpoint::restore(restorer)?)
            }
        })
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        let one = |name| {
            move |fields: &mut Fields<'_>| {
                match name {
                    "Some" => fields.saved::<Box<Self>>("0"),
                    "Bool" => fields.saved::<bool>("0"),
                    "Signed" => fields.saved::<i64>("0"),
                    "Unsigned" => fields.saved::<u64>("0"),
                    "Signed128" => fields.saved::<i128>("0"),
                    "Unsigned128" => fields.saved::<u128>("0"),
                    "F32" => fields.saved::<f32>("0"),
                    "F64" => fields.saved::<f64>("0"),
                    "Char" => fields.saved::<char>("0"),
                    "Text" => fields.saved::<String>("0"),
                    "Bytes" => fields.saved::<Vec<u8>>("0"),
                    "List" => fields.saved::<Vec<Self>>("0"),
                    "Struct" => fields.saved::<BTreeMap<String, Self>>("0"),
                    "Map" => fields.described("0", |schema| {
                        let tree = schema.of::<Self>();
                        schema.add(Type::Map(tree, tree))
                    }),
                    "Ordered" => fields.saved::<Vec<(Self, Self)>>("0"),
                    "Variant" => fields.saved::<String>("0").saved::<Box<Self>>("1"),
                    _ => fields,
                };
            }
        };
        let mut tree = schema.enumeration::<Self>(SERDE);
        for name in NAMES {
            tree = tree.variant(name, None, Shape::Tuple, one(name));
        }
        tree.finish()
    }
}
