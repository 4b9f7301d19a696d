//! Values as JSON.

use samestate_image::Image;
use samestate_image::value::{FieldValue, Value};
use samestate_schema::path::FieldPath;
use serde_json::{Map, Number, json};

use crate::failure::Failure;

/// The value at a field path, or all of them.
///
/// Numbers that JSON cannot hold (128 bits, infinities, NaN) are strings, bytes that only the
/// program understands are lists of numbers. A variant with fields is an object with one member,
/// and so is a trait object, by the name of its implementer. A pointer to a shared object is an
/// object with its number as `object`, or as `weak`, and the `value` where the object is first met.
pub(super) fn json(image: &Image<'_>, at: Option<&str>) -> Result<String, Failure> {
    let value = image.value().map_err(Failure::unchecked)?;
    let root = FieldPath::root(image.schema().root_name.clone());
    let at = at.map_or_else(|| root.to_string(), str::to_owned);
    let mut found = None;
    value.visit(&root, &mut |path, value| {
        if found.is_none() && path.to_string() == at {
            found = Some(converted(value));
        }
    });
    let found = found.ok_or_else(|| Failure::usage(format!("the image holds nothing at {at}")))?;
    let mut text = serde_json::to_string_pretty(&found).map_err(Failure::unchecked)?;
    text.push('\n');
    Ok(text)
}

fn converted(value: &Value<'_>) -> serde_json::Value {
    match value {
        Value::Unit | Value::Option(None) => serde_json::Value::Null,
        Value::Bool(value) => json!(value),
        Value::Char(value) => json!(value),
        Value::Unsigned(value) => number(u64::try_from(*value).ok(), value),
        Value::Signed(value) => number(i64::try_from(*value).ok(), value),
        Value::F32(value) => number(Number::from_f64(f64::from(*value)), value),
        Value::F64(value) => number(Number::from_f64(*value), value),
        Value::Str(text) => json!(text),
        Value::Option(Some(inner)) => converted(inner),
        Value::List(values) | Value::Tuple(values) => values.iter().map(converted).collect(),
        Value::Numbers(numbers) => numbers.iter().map(|value| converted(&value)).collect(),
        Value::Map(entries) => {
            let entry = |(key, value): &(Value<'_>, Value<'_>)| (key.key(), converted(value));
            serde_json::Value::Object(entries.iter().map(entry).collect())
        }
        Value::Struct { fields: parts, .. } => fields(parts),
        Value::Enum { variant, fields: parts, .. } if parts.is_empty() => json!(variant),
        Value::Enum { variant, fields: parts, .. } => {
            serde_json::Value::Object(Map::from_iter([((*variant).to_owned(), fields(parts))]))
        }
        Value::Opaque { bytes, .. } => json!(bytes),
        Value::Shared { object, value } => pointer("object", *object, value.as_deref()),
        Value::Weak { object: None, .. } => serde_json::Value::Null,
        Value::Weak { object: Some(object), value } => pointer("weak", *object, value.as_deref()),
        Value::Dyn { implementer, value, .. } => serde_json::Value::Object(Map::from_iter([(
            (*implementer).to_owned(),
            converted(value),
        )])),
        // A kind of value that this version does not know yet.
        other => json!(other.to_string()),
    }
}

/// The number of the object, and the object where it is first met.
fn pointer(kind: &str, object: u64, value: Option<&Value<'_>>) -> serde_json::Value {
    let mut members = Map::from_iter([(kind.to_owned(), json!(object))]);
    members.extend(value.map(|value| ("value".to_owned(), converted(value))));
    serde_json::Value::Object(members)
}

fn number(fits: Option<impl Into<serde_json::Value>>, value: &impl ToString) -> serde_json::Value {
    fits.map_or_else(|| json!(value.to_string()), Into::into)
}

/// The saved fields by name.
fn fields(fields: &[FieldValue<'_>]) -> serde_json::Value {
    let saved = fields.iter().filter_map(|field| Some((field.name, field.value.as_ref()?)));
    serde_json::Value::Object(
        saved.map(|(name, value)| (name.to_owned(), converted(value))).collect(),
    )
}
