use std::any::type_name;
use std::fmt::Display;

use samestate_image::Image;
use samestate_image::value::{self, Value};
use samestate_schema::path::FieldPath;

use crate::{Checkpoint, to_vec};

/// Most differences that one failure tells.
const LIMIT: usize = 20;

/// Longest text of a value in characters.
const TEXT: usize = 100;

/// Fails the test with what a check found.
#[track_caller]
pub(super) fn unless_ok(checked: Result<(), String>) {
    if let Err(message) = checked {
        panic!("{message}");
    }
}

/// The image of a value.
pub(super) fn saved<T: Checkpoint>(value: &T) -> Result<Vec<u8>, String> {
    to_vec(value).map_err(|error| format!("`{}` cannot be saved: {error}", type_name::<T>()))
}

/// Bytes that were just made as an image.
pub(super) fn opened(image: &[u8]) -> Result<Image<'_>, String> {
    Image::from_bytes(image).map_err(|error| format!("the image cannot be read: {error}"))
}

/// The values of an image, which are what the schema says, unless code written by hand is wrong.
pub(super) fn values<'i>(image: &'i Image<'_>) -> Result<Value<'i>, String> {
    image.value().map_err(|error| {
        format!(
            "what is saved is not what the schema tells: at {}: {}\na `schema` written by hand, of \
             the type with this field or of one saved before it, does not describe what its `save` \
             writes",
            error.path, error.what
        )
    })
}

/// Two values of the same piece of state.
pub(super) struct Unequal {
    pub(super) path: FieldPath,
    /// One value, cut if it is long.
    pub(super) left: String,
    /// The other.
    pub(super) right: String,
}

/// Where two images of one type differ.
pub(super) fn differences(left: &Image<'_>, right: &Image<'_>) -> Result<Vec<Unequal>, String> {
    let path = FieldPath::root(left.schema().root_name.clone());
    let (found, _) = value::diff(&values(left)?, &values(right)?, &path, LIMIT);
    let shown = |value: Option<String>| value.map_or_else(|| String::from("nothing"), cut);
    let unequal = found.into_iter().map(|difference| Unequal {
        path: difference.path,
        left: shown(difference.left),
        right: shown(difference.right),
    });
    Ok(unequal.collect())
}

fn cut(text: String) -> String {
    match text.char_indices().nth(TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// One line for each.
pub(super) fn lines(lines: impl IntoIterator<Item = impl Display>) -> String {
    lines.into_iter().map(|line| format!("\n  {line}")).collect()
}
