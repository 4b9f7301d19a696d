//! Images that differ from another one in one piece of state, for tests of the code that restores
//! them.

mod candidates;
mod write;

use std::collections::BTreeMap;

use samestate_schema::path::FieldPath;

use crate::build::{Built, Parts};
use crate::value::ValueError;
use crate::{Header, Image};

/// A piece of state that a mutant may differ in.
#[derive(Clone, Debug)]
pub struct Site {
    /// Its field path in the value.
    pub path: FieldPath,
    /// Its field path in the types, which all elements of a container share.
    pub place: String,
    /// Whether it is volatile, so that the image's id does not tell of it.
    pub volatile: bool,
    /// Whether it may be one of a few names, so that no other value need be restored.
    pub tag: bool,
    /// The other values for it that are worth trying.
    pub edits: Vec<Edit>,
    /// Which piece it is, counted from 0.
    number: usize,
}

/// Another value for a piece of state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    change: Change,
    /// The place in the types that this adds to, if it holds pieces that the image may not.
    adds: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Change {
    /// These bytes in place of those of a value without parts.
    Bytes(Vec<u8>),
    /// These bytes in place of one number of a run, by its index.
    Number(usize, Vec<u8>),
    /// One element more, made from nothing.
    Push,
    /// The last element less.
    Pop,
    /// `Some`, made from nothing.
    Some,
    /// `None`.
    None,
    /// Another variant, made from nothing.
    Variant(usize),
}

impl Edit {
    const fn new(change: Change) -> Self {
        Self { change, adds: None }
    }

    /// The field path in the types of what the mutant holds and the image may not: a variant, or
    /// the elements of a container.
    #[must_use]
    pub fn adds(&self) -> Option<&str> {
        self.adds.as_deref()
    }
}

/// The name of the enum that serde's values are saved as. The program's own types decide which of its
/// variants, keys and lengths stand where, so only numbers, text and bytes in it are edited.
pub const SERDE: &str = "serde";

/// The variants of that enum that have no parts.
const SERDE_LEAVES: [&str; 10] = [
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
];

/// How many sites there are for one place in the types.
const PER_PLACE: usize = 2;

/// The pieces of an image's state: two at most for one place in the types.
///
/// # Errors
/// [`ValueError`] if the values are not what the schema says.
pub fn sites(image: &Image<'_>) -> Result<Vec<Site>, ValueError> {
    let value = image.value()?;
    let mut writer = write::Writer::new(image, None);
    writer.root(&value);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    writer.sites.retain(|site| {
        let count = counts.entry(site.place.clone()).or_default();
        *count += 1;
        *count <= PER_PLACE
    });
    Ok(writer.sites)
}

/// The image with another value at a site of it; `None` if there is no such value.
///
/// # Errors
/// [`ValueError`] if the values are not what the schema says.
pub fn mutant(image: &Image<'_>, site: &Site, edit: &Edit) -> Result<Option<Vec<u8>>, ValueError> {
    let value = image.value()?;
    let mut writer = write::Writer::new(image, Some((site.number, &edit.change)));
    if writer.root(&value).is_none() {
        return Ok(None);
    }
    let schema = image.schema();
    let parts = Parts {
        root_hash: schema.root_hash(),
        schema: &schema.encode(),
        values: &writer.values,
        volatile: &writer.volatile,
    };
    let built = Built::new(parts, writer.blocks.iter().map(|block| &**block));
    Ok(built.ok().map(|built| built.to_vec(&Header::default())))
}
