//! From trees to values.

use serde::de::value::{SeqDeserializer, StringDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess, Unexpected,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::Tree;
use super::ser::Fault;

impl<'de> IntoDeserializer<'de, Fault> for Tree {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

fn list<'de, V: Visitor<'de>>(values: Vec<Tree>, visitor: V) -> Result<V::Value, Fault> {
    let mut values = SeqDeserializer::new(values.into_iter());
    let value = visitor.visit_seq(&mut values)?;
    values.end()?;
    Ok(value)
}

fn map<'de, K: Named + IntoDeserializer<'de, Fault>, V: Visitor<'de>>(
    entries: impl IntoIterator<Item = (K, Tree)>,
    visitor: V,
) -> Result<V::Value, Fault> {
    let mut entries = Entries { entries: entries.into_iter(), value: None };
    let value = visitor.visit_map(&mut entries)?;
    match entries.entries.next() {
        None => Ok(value),
        Some(_) => Err(Fault::custom("more entries than its type takes")),
    }
}

/// Fields or entries, whose names are kept for errors.
struct Entries<I> {
    entries: I,
    value: Option<(String, Tree)>,
}

trait Named {
    fn name(&self) -> String;
}

impl Named for String {
    fn name(&self) -> String {
        self.clone()
    }
}

impl Named for Tree {
    fn name(&self) -> String {
        match self {
            Self::Text(name) => name.clone(),
            other => other.unexpected().to_string(),
        }
    }
}

impl<'de, K, I> MapAccess<'de> for Entries<I>
where
    K: Named + IntoDeserializer<'de, Fault>,
    I: Iterator<Item = (K, Tree)>,
{
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        self.value = Some((key.name(), value));
        seed.deserialize(key.into_deserializer()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        let Some((name, value)) = self.value.take() else {
            return Err(Fault::custom("a value is asked for before its name"));
        };
        seed.deserialize(value).map_err(|fault| fault.of_field(&name))
    }

    fn size_hint(&self) -> Option<usize> {
        self.entries.size_hint().1
    }
}

impl<'de> Deserializer<'de> for Tree {
    type Error = Fault;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Self::Unit => visitor.visit_unit(),
            Self::None => visitor.visit_none(),
            Self::Some(value) => visitor.visit_some(*value),
            Self::Bool(value) => visitor.visit_bool(value),
            Self::Signed(value) => visitor.visit_i64(value),
            Self::Unsigned(value) => visitor.visit_u64(value),
            Self::Signed128(value) => visitor.visit_i128(value),
            Self::Unsigned128(value) => visitor.visit_u128(value),
            Self::F32(value) => visitor.visit_f32(value),
            Self::F64(value) => visitor.visit_f64(value),
            Self::Char(value) => visitor.visit_char(value),
            Self::Text(value) => visitor.visit_string(value),
            Self::Bytes(value) => visitor.visit_byte_buf(value),
            Self::List(values) => list(values, visitor),
            Self::Struct(fields) => map(fields, visitor),
            Self::Map(entries) | Self::Ordered(entries) => map(entries, visitor),
            // What asks for anything knows enums only so.
            Self::Variant(name, value) => match *value {
                Self::Unit => visitor.visit_string(name),
                value => map([(name, value)], visitor),
            },
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Self::None => visitor.visit_none(),
            Self::Some(value) => visitor.visit_some(*value),
            other => Err(Fault::invalid_type(other.unexpected(), &"an option")),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self {
            Self::Variant(name, value) => visitor.visit_enum(Variant { name, value: *value }),
            other => Err(Fault::invalid_type(other.unexpected(), &"an enum")),
        }
    }

    /// State that was saved is not thrown away: its type does not know this field.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fault> {
        Err(Fault::ignored())
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier
    }
}

impl Tree {
    fn unexpected(&self) -> Unexpected<'_> {
        match self {
            Self::Unit => Unexpected::Unit,
            Self::None | Self::Some(_) => Unexpected::Option,
            Self::Bool(value) => Unexpected::Bool(*value),
            Self::Signed(value) => Unexpected::Signed(*value),
            Self::Unsigned(value) => Unexpected::Unsigned(*value),
            Self::Signed128(_) | Self::Unsigned128(_) => Unexpected::Other("a long number"),
            Self::F32(value) => Unexpected::Float((*value).into()),
            Self::F64(value) => Unexpected::Float(*value),
            Self::Char(value) => Unexpected::Char(*value),
            Self::Text(value) => Unexpected::Str(value),
            Self::Bytes(value) => Unexpected::Bytes(value),
            Self::List(_) => Unexpected::Seq,
            Self::Struct(_) | Self::Map(_) | Self::Ordered(_) => Unexpected::Map,
            Self::Variant(..) => Unexpected::Enum,
        }
    }
}

struct Variant {
    name: String,
    value: Tree,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = Fault;
    type Variant = Tree;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Tree), Fault> {
        let name: StringDeserializer<Fault> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self.value))
    }
}

impl<'de> VariantAccess<'de> for Tree {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self {
            Self::Unit => Ok(()),
            other => Err(Fault::invalid_type(other.unexpected(), &"a variant without fields")),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_any(visitor)
    }
}
