//! The schema of an image: which types it holds.
//!
//! ```text
//! root name: string      the type's path in the program, for people
//! hashes: list of        the root's first, then those of all types with a name, by index
//!     type: u32   BLAKE3-128 of its canonical text: [u8; 16]
//! table: see samestate_schema::types
//! ```

use samestate_schema::types::{Table, TypeRef};
use samestate_schema::wire::{Reader, Writer};

use crate::ImageError;
use crate::layout::{CANONICAL_LIMIT, SCHEMA_LIMIT};

/// The content hash of a type.
pub type TypeHash = [u8; 16];

/// All text that is hashed to check one image, in bytes.
const TEXT_BUDGET: usize = 1 << 26;

/// What the schema chunk holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaChunk {
    /// The path of the root type in the program that wrote the image.
    pub root_name: String,
    /// The types.
    pub table: Table,
    /// The hash of the root, then that of each type with a name, by index.
    pub hashes: Vec<(TypeRef, TypeHash)>,
}

impl SchemaChunk {
    /// The chunk for a root type.
    ///
    /// # Errors
    /// [`ImageError`] if the table is not valid, or too large to be hashed.
    pub fn new(root_name: String, table: Table) -> Result<Self, ImageError> {
        table.validate()?;
        let hashes = hashes(&table)?;
        let chunk = Self { root_name, table, hashes };
        check_len(chunk.encode().len())?;
        Ok(chunk)
    }

    /// The hash of the root type; equal hashes mean that values are encoded the same.
    #[must_use]
    pub fn root_hash(&self) -> TypeHash {
        self.hashes.first().map_or([0; 16], |(_, hash)| *hash)
    }

    /// The bytes of the chunk.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.str(&self.root_name);
        out.count(self.hashes.len());
        for (ty, hash) in &self.hashes {
            out.u32(ty.0);
            out.bytes(hash);
        }
        out.bytes(&self.table.encode());
        out.into_bytes()
    }

    /// Reads the chunk.
    ///
    /// # Errors
    /// [`ImageError`] if it is malformed, or if the hashes are not those of the table.
    pub fn decode(bytes: &[u8]) -> Result<Self, ImageError> {
        check_len(bytes.len())?;
        let mut input = Reader::new(bytes);
        let root_name = input.string()?;
        let count = input.count(20)?;
        let mut stored = Vec::with_capacity(count);
        for _ in 0..count {
            stored.push((TypeRef(input.u32()?), input.array()?));
        }
        let (table, len) = Table::decode(input.bytes(input.remaining())?)?;
        if root_name.len() + 8 + count * 20 + len != bytes.len() {
            return Err(ImageError::Malformed { part: "schema", what: "its length" });
        }
        if hashes(&table)? != stored {
            return Err(ImageError::Malformed { part: "schema", what: "the hash of a type" });
        }
        Ok(Self { root_name, table, hashes: stored })
    }
}

const fn check_len(len: usize) -> Result<(), ImageError> {
    if len > SCHEMA_LIMIT {
        return Err(ImageError::SchemaTooLong { len });
    }
    Ok(())
}

/// The hash of the root, then that of each type with a name.
fn hashes(table: &Table) -> Result<Vec<(TypeRef, TypeHash)>, ImageError> {
    let named = (0..)
        .map(TypeRef)
        .zip(&table.types)
        .filter_map(|(index, ty)| (ty.is_named() && index != table.root).then_some(index));
    let mut budget = TEXT_BUDGET;
    core::iter::once(table.root)
        .chain(named)
        .map(|index| {
            let text = table
                .canonical(index, CANONICAL_LIMIT.min(budget))
                .ok_or(ImageError::Malformed { part: "schema", what: "the size of a type" })?;
            budget = budget.saturating_sub(text.len());
            Ok((index, hash128(text.as_bytes())))
        })
        .collect()
}

/// The first 128 bits of BLAKE3.
pub(crate) fn hash128(bytes: &[u8]) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&blake3::hash(bytes).as_bytes()[..16]);
    short
}
