//! From values to trees.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::Tree;

/// Deepest nesting: more than an image may hold, and little enough for the stack.
const DEPTH: u32 = 512;

/// The tree of a value.
pub(super) fn tree<T: Serialize + ?Sized>(value: &T, ordered: bool) -> Result<Tree, Fault> {
    value.serialize(Ser { ordered, left: DEPTH })
}

/// Why serde failed.
#[derive(Debug)]
pub(crate) struct Fault(String, Named);

/// Whether a message names the field that it is about, if it must.
#[derive(Debug, PartialEq)]
enum Named {
    Yes,
    NotYet,
}

impl Fault {
    fn new(message: String) -> Self {
        Self(message, Named::Yes)
    }

    /// The type does not know a field of what was saved.
    pub(super) fn ignored() -> Self {
        Self("it has no place for what was saved".to_owned(), Named::NotYet)
    }

    /// Tells which field it is.
    pub(super) fn of_field(self, name: &str) -> Self {
        if self.1 == Named::Yes {
            return self;
        }
        Self::new(format!(
            "it does not take the field `{name}`; if that has another name now, write \
             `#[serde(alias = \"{name}\")]`"
        ))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

impl serde::ser::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }
}

impl serde::de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }
}

#[derive(Clone, Copy)]
struct Ser {
    ordered: bool,
    left: u32,
}

impl Ser {
    fn below<T: Serialize + ?Sized>(self, value: &T) -> Result<Tree, Fault> {
        match self.left.checked_sub(1) {
            Some(left) => value.serialize(Self { left, ..self }),
            None => Err(Fault::new("it nests too deeply".to_owned())),
        }
    }
}

/// What has parts, and how to end it.
struct Parts {
    ser: Ser,
    variant: Option<&'static str>,
    list: Vec<Tree>,
    fields: BTreeMap<String, Tree>,
    entries: Vec<(Tree, Tree)>,
    key: Option<Tree>,
}

impl Parts {
    fn new(ser: Ser, variant: Option<&'static str>) -> Self {
        let (list, fields, entries) = (Vec::new(), BTreeMap::new(), Vec::new());
        Self { ser, variant, list, fields, entries, key: None }
    }

    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.list.push(self.ser.below(value)?);
        Ok(())
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Fault> {
        match self.fields.insert(name.to_owned(), self.ser.below(value)?) {
            None => Ok(()),
            Some(_) => Err(Fault::new(format!("it has two fields `{name}`"))),
        }
    }

    fn whole(variant: Option<&'static str>, tree: Tree) -> Tree {
        match variant {
            Some(name) => Tree::Variant(name.to_owned(), Box::new(tree)),
            None => tree,
        }
    }

    fn end_list(self) -> Tree {
        Self::whole(self.variant, Tree::List(self.list))
    }

    fn end_fields(self) -> Tree {
        Self::whole(self.variant, Tree::Struct(self.fields))
    }
}

impl Serializer for Ser {
    type Ok = Tree;
    type Error = Fault;
    type SerializeSeq = Parts;
    type SerializeTuple = Parts;
    type SerializeTupleStruct = Parts;
    type SerializeTupleVariant = Parts;
    type SerializeMap = Parts;
    type SerializeStruct = Parts;
    type SerializeStructVariant = Parts;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, value: bool) -> Result<Tree, Fault> {
        Ok(Tree::Bool(value))
    }
    fn serialize_i8(self, value: i8) -> Result<Tree, Fault> {
        Ok(Tree::Signed(value.into()))
    }
    fn serialize_i16(self, value: i16) -> Result<Tree, Fault> {
        Ok(Tree::Signed(value.into()))
    }
    fn serialize_i32(self, value: i32) -> Result<Tree, Fault> {
        Ok(Tree::Signed(value.into()))
    }
    fn serialize_i64(self, value: i64) -> Result<Tree, Fault> {
        Ok(Tree::Signed(value))
    }
    fn serialize_i128(self, value: i128) -> Result<Tree, Fault> {
        Ok(Tree::Signed128(value))
    }
    fn serialize_u8(self, value: u8) -> Result<Tree, Fault> {
        Ok(Tree::Unsigned(value.into()))
    }
    fn serialize_u16(self, value: u16) -> Result<Tree, Fault> {
        Ok(Tree::Unsigned(value.into()))
    }
    fn serialize_u32(self, value: u32) -> Result<Tree, Fault> {
        Ok(Tree::Unsigned(value.into()))
    }
    fn serialize_u64(self, value: u64) -> Result<Tree, Fault> {
        Ok(Tree::Unsigned(value))
    }
    fn serialize_u128(self, value: u128) -> Result<Tree, Fault> {
        Ok(Tree::Unsigned128(value))
    }
    fn serialize_f32(self, value: f32) -> Result<Tree, Fault> {
        Ok(Tree::F32(value))
    }
    fn serialize_f64(self, value: f64) -> Result<Tree, Fault> {
        Ok(Tree::F64(value))
    }
    fn serialize_char(self, value: char) -> Result<Tree, Fault> {
        Ok(Tree::Char(value))
    }
    fn serialize_str(self, value: &str) -> Result<Tree, Fault> {
        Ok(Tree::Text(value.to_owned()))
    }
    fn serialize_bytes(self, value: &[u8]) -> Result<Tree, Fault> {
        Ok(Tree::Bytes(value.to_vec()))
    }
    fn serialize_none(self) -> Result<Tree, Fault> {
        Ok(Tree::None)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Tree, Fault> {
        Ok(Tree::Some(Box::new(self.below(value)?)))
    }
    fn serialize_unit(self) -> Result<Tree, Fault> {
        Ok(Tree::Unit)
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<Tree, Fault> {
        Ok(Tree::Unit)
    }
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Tree, Fault> {
        Ok(Parts::whole(Some(variant), Tree::Unit))
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Tree, Fault> {
        self.below(value)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Tree, Fault> {
        Ok(Parts::whole(Some(variant), self.below(value)?))
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Parts, Fault> {
        Ok(Parts::new(self, None))
    }
    fn serialize_tuple(self, _: usize) -> Result<Parts, Fault> {
        Ok(Parts::new(self, None))
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts, Fault> {
        Ok(Parts::new(self, None))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts, Fault> {
        Ok(Parts::new(self, Some(variant)))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Parts, Fault> {
        Ok(Parts::new(self, None))
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts, Fault> {
        Ok(Parts::new(self, None))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts, Fault> {
        Ok(Parts::new(self, Some(variant)))
    }
}

macro_rules! lists {
    ($($name:ident $function:ident)*) => {$(
        impl $name for Parts {
            type Ok = Tree;
            type Error = Fault;

            fn $function<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
                self.push(value)
            }

            fn end(self) -> Result<Tree, Fault> {
                Ok(self.end_list())
            }
        }
    )*};
}

lists! {
    SerializeSeq serialize_element
    SerializeTuple serialize_element
    SerializeTupleStruct serialize_field
    SerializeTupleVariant serialize_field
}

macro_rules! structs {
    ($($name:ident)*) => {$(
        impl $name for Parts {
            type Ok = Tree;
            type Error = Fault;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Fault> {
                self.field(name, value)
            }

            fn end(self) -> Result<Tree, Fault> {
                Ok(self.end_fields())
            }
        }
    )*};
}

structs! { SerializeStruct SerializeStructVariant }

impl SerializeMap for Parts {
    type Ok = Tree;
    type Error = Fault;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Fault> {
        self.key = Some(self.ser.below(key)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        let Some(key) = self.key.take() else {
            return Err(Fault::new("it has a value before its key".to_owned()));
        };
        self.entries.push((key, self.ser.below(value)?));
        Ok(())
    }

    fn end(self) -> Result<Tree, Fault> {
        if self.ser.ordered {
            return Ok(Tree::Ordered(self.entries));
        }
        let mut keys = BTreeSet::new();
        for (key, _) in &self.entries {
            if !keys.insert(key.key().map_err(|error| Fault::new(error.to_string()))?) {
                return Err(Fault::new("a map has a key twice; write `serde(ordered)`".to_owned()));
            }
        }
        Ok(Tree::Map(self.entries))
    }
}
