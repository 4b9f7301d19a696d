//! The values of an image.

use std::fmt::Write as _;

use samestate_image::Image;
use samestate_image::value::Value;
use samestate_schema::path::FieldPath;

use crate::failure::Failure;

/// Longest line in characters; what does not fit is cut.
const WIDTH: usize = 120;

/// One line for each value that has no parts, and for each run of numbers.
pub(super) fn text(image: &Image<'_>, at: Option<&str>) -> Result<String, Failure> {
    let value = image.value().map_err(Failure::unchecked)?;
    let root = FieldPath::root(image.schema().root_name.clone());
    let mut text = String::new();
    let mut found = false;
    value.visit(&root, &mut |path, value| {
        let shown = path.to_string();
        if at.is_some_and(|at| !is_at_or_below(&shown, at)) {
            return;
        }
        found = true;
        if is_leaf(value) {
            let line = match value {
                // Its value has lines of its own, and others may refer to it.
                Value::Shared { object, .. } => format!("{shown} = #{object}"),
                Value::Weak { object: Some(object), .. } => format!("{shown} = weak #{object}"),
                value => format!("{shown} = {value}"),
            };
            let cut = line.char_indices().nth(WIDTH).map(|(end, _)| end);
            match cut {
                Some(end) => {
                    let _ = writeln!(text, "{}… ({} characters)", &line[..end], line.len());
                }
                None => {
                    let _ = writeln!(text, "{line}");
                }
            }
        }
    });
    match at {
        Some(at) if !found => Err(Failure::usage(format!("the image holds nothing at {at}"))),
        _ => Ok(text),
    }
}

fn is_at_or_below(path: &str, at: &str) -> bool {
    path.strip_prefix(at)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[', ':', '{']))
}

/// Whether nothing below the value has a line of its own.
fn is_leaf(value: &Value<'_>) -> bool {
    match value {
        Value::List(values) | Value::Tuple(values) => values.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        Value::Struct { fields, .. } | Value::Enum { fields, .. } => {
            fields.iter().all(|field| field.value.is_none())
        }
        Value::Option(inner) => inner.is_none(),
        Value::Dyn { .. } => false,
        _ => true,
    }
}
