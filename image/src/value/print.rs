use core::fmt;

use super::{FieldValue, Value};
use crate::mutant::SERDE;

impl Value<'_> {
    /// The text of a key, as field paths show it.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Str(text) => (*text).to_owned(),
            // All bytes of what only the program understands, so that different keys differ.
            other => of_serde(other).map_or_else(|| format!("{other:#}"), Value::key),
        }
    }
}

/// In the notation of Rust, on one line.
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unit => f.write_str("()"),
            Self::Bool(value) => value.fmt(f),
            Self::Char(value) => fmt::Debug::fmt(value, f),
            Self::Unsigned(value) => value.fmt(f),
            Self::Signed(value) => value.fmt(f),
            // `Debug` tells 1.0 from 1, and 1e300 from three hundred digits.
            Self::F32(value) => fmt::Debug::fmt(value, f),
            Self::F64(value) => fmt::Debug::fmt(value, f),
            Self::Str(text) => fmt::Debug::fmt(text, f),
            Self::Option(None) => f.write_str("None"),
            Self::Option(Some(value)) if f.alternate() => write!(f, "Some({value:#})"),
            Self::Option(Some(value)) => write!(f, "Some({value})"),
            Self::List(values) => list(f, "[", values.iter(), "]"),
            Self::Numbers(numbers) => list(f, "[", numbers.iter(), "]"),
            Self::Tuple(values) => list(f, "(", values.iter(), ")"),
            Self::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| format!("{key}: {value}"));
                list(f, "{", entries, "}")
            }
            Self::Struct { name, fields } => {
                f.write_str(name)?;
                braces(f, fields)
            }
            Self::Enum { variant, fields, .. } => {
                if let (Some(value), false) = (of_serde(self), *variant == "Some") {
                    return value.fmt(f);
                }
                f.write_str(variant)?;
                braces(f, fields)
            }
            Self::Shared { object, value: Some(value) } => write!(f, "#{object} = {value}"),
            Self::Shared { object, value: None } => write!(f, "#{object}"),
            Self::Weak { object: None, .. } => f.write_str("weak none"),
            Self::Weak { object: Some(object), value: Some(value) } => {
                write!(f, "weak #{object} = {value}")
            }
            Self::Weak { object: Some(object), value: None } => write!(f, "weak #{object}"),
            Self::Dyn { implementer, value, .. } => write!(f, "{{{implementer}}} {value}"),
            Self::Opaque { name, bytes } if f.alternate() => {
                write!(f, "{name}(")?;
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                f.write_str(")")
            }
            Self::Opaque { name, bytes } => write!(f, "{name}({} bytes)", bytes.len()),
        }
    }
}

/// What stands in a value of serde's, where the name of its kind tells nothing more.
fn of_serde<'v, 'i>(value: &'v Value<'i>) -> Option<&'v Value<'i>> {
    match value {
        Value::Enum { name, fields, .. } if *name == SERDE => match &fields[..] {
            [field] => field.value.as_ref(),
            _ => None,
        },
        _ => None,
    }
}

fn list(
    f: &mut fmt::Formatter<'_>,
    open: &str,
    items: impl Iterator<Item = impl fmt::Display>,
    close: &str,
) -> fmt::Result {
    f.write_str(open)?;
    for (index, item) in items.enumerate() {
        f.write_str(if index > 0 { ", " } else { "" })?;
        item.fmt(f)?;
    }
    f.write_str(close)
}

fn braces(f: &mut fmt::Formatter<'_>, fields: &[FieldValue<'_>]) -> fmt::Result {
    if fields.is_empty() {
        return Ok(());
    }
    let whole = f.alternate();
    let fields = fields.iter().map(|field| match &field.value {
        Some(value) if whole => format!("{}: {value:#}", field.name),
        Some(value) => format!("{}: {value}", field.name),
        None => format!("{}: /* {} */", field.name, field.treatment),
    });
    list(f, " { ", fields, " }")
}
