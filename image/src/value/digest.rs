//! Digests of parts of a value, to tell two states apart by field path without keeping them.

use samestate_schema::path::FieldPath;
use samestate_schema::treatment::Treatment;

use super::Value;

/// One digest for each field, and the path to it below `root`. Structs are taken apart up to
/// `depth` levels of fields; containers and enums count as one. Volatile fields are left out, as
/// they are no part of what makes states equal.
#[must_use]
pub fn digests(value: &Value<'_>, root: &FieldPath, depth: usize) -> Vec<(FieldPath, u64)> {
    let mut found = Vec::new();
    collect(value, root, depth, &mut found);
    found
}

fn collect(value: &Value<'_>, path: &FieldPath, depth: usize, found: &mut Vec<(FieldPath, u64)>) {
    let fields = match value {
        Value::Struct { fields, .. } if depth > 0 && !fields.is_empty() => fields,
        Value::Shared { value: Some(value), .. } => return collect(value, path, depth, found),
        _ => {
            let mut hasher = blake3::Hasher::new();
            feed(value, &mut hasher);
            let hash = hasher.finalize();
            let first = hash.as_bytes().first_chunk().copied().unwrap_or_default();
            found.push((path.clone(), u64::from_le_bytes(first)));
            return;
        }
    };
    for field in fields.iter().filter(|field| field.treatment != Treatment::Volatile) {
        if let Some(value) = &field.value {
            collect(value, &path.join(FieldPath::member(field.name)), depth - 1, found);
        }
    }
}

/// Adds a value to a hash. What stands for a value starts with its kind, and what has parts tells
/// how many, so that no two values are fed alike.
fn feed(value: &Value<'_>, to: &mut blake3::Hasher) {
    let count = |to: &mut blake3::Hasher, kind: u8, count: usize| {
        to.update(&[kind]).update(&(count as u64).to_le_bytes());
    };
    let bytes = |to: &mut blake3::Hasher, kind: u8, bytes: &[u8]| {
        count(to, kind, bytes.len());
        to.update(bytes);
    };
    let number = |to: &mut blake3::Hasher, kind: u8, number: u128| {
        to.update(&[kind]).update(&number.to_le_bytes());
    };
    match value {
        Value::Unit => count(to, 0, 0),
        Value::Bool(value) => number(to, 1, (*value).into()),
        Value::Char(value) => number(to, 2, u32::from(*value).into()),
        Value::Unsigned(value) => number(to, 3, *value),
        Value::Signed(value) => {
            to.update(&[4]).update(&value.to_le_bytes());
        }
        Value::F32(value) => number(to, 5, value.to_bits().into()),
        Value::F64(value) => number(to, 6, value.to_bits().into()),
        Value::Str(text) => bytes(to, 7, text.as_bytes()),
        Value::Option(None) => count(to, 8, 0),
        Value::Option(Some(value)) => {
            count(to, 8, 1);
            feed(value, to);
        }
        Value::List(values) | Value::Tuple(values) => {
            count(to, 9, values.len());
            values.iter().for_each(|value| feed(value, to));
        }
        Value::Numbers(numbers) => bytes(to, 10, numbers.bytes),
        Value::Map(entries) => {
            count(to, 11, entries.len());
            for (key, value) in entries {
                feed(key, to);
                feed(value, to);
            }
        }
        Value::Struct { fields, .. } => self::fields(fields, to),
        Value::Enum { variant, fields, .. } => {
            bytes(to, 12, variant.as_bytes());
            self::fields(fields, to);
        }
        Value::Shared { object, value } => {
            number(to, 13, (*object).into());
            value.iter().for_each(|value| feed(value, to));
        }
        Value::Weak { object, value } => {
            number(to, 14, object.map_or(u128::MAX, u128::from));
            value.iter().for_each(|value| feed(value, to));
        }
        Value::Dyn { implementer, value, .. } => {
            bytes(to, 15, implementer.as_bytes());
            feed(value, to);
        }
        Value::Opaque { bytes: opaque, .. } => bytes(to, 16, opaque),
    }
}

fn fields(fields: &[super::FieldValue<'_>], to: &mut blake3::Hasher) {
    let saved = fields.iter().filter(|field| field.treatment != Treatment::Volatile);
    for value in saved.filter_map(|field| field.value.as_ref()) {
        feed(value, to);
    }
}
