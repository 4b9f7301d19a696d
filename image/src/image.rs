use std::borrow::Cow;
use std::fs;
use std::path::Path;

use samestate_schema::types::Table;

use crate::ImageError;
use crate::build::Layout;
use crate::codec::Codec;
use crate::directory::{Chunk, ChunkKind, Directory, Trailer};
use crate::header::{self, Header};
use crate::schema_chunk::SchemaChunk;

/// An image in memory, checked whole: every checksum, the place of every chunk, and the schema.
#[derive(Clone, Debug)]
pub struct Image<'b> {
    /// The header and the chunks, none of them compressed.
    bytes: Cow<'b, [u8]>,
    header: Header,
    /// Where in `bytes` the chunks are.
    raw: Directory,
    /// The directory of the image as it is stored, if chunks of it are compressed.
    stored: Option<Directory>,
    /// Length of the image as it is stored.
    len: usize,
    schema: SchemaChunk,
    id: [u8; 16],
}

impl Image<'static> {
    /// Reads and checks an image file.
    ///
    /// # Errors
    /// [`ImageError`] if it cannot be read, is damaged or malformed.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ImageError> {
        let path = path.as_ref();
        let read = |source| ImageError::Read { path: path.to_owned(), source };
        Self::from_bytes(fs::read(path).map_err(read)?)
    }
}

impl<'b> Image<'b> {
    /// Checks an image in memory.
    ///
    /// # Errors
    /// [`ImageError`] if it is damaged or malformed.
    pub fn from_bytes(bytes: impl Into<Cow<'b, [u8]>>) -> Result<Self, ImageError> {
        let bytes = bytes.into();
        let header = Header::decode(&bytes)?;
        let trailer = Trailer::decode(&bytes)?;
        let tail = slice(&bytes, trailer.directory_offset, trailer.directory_len);
        let tail = tail.ok_or(ImageError::Truncated { len: bytes.len() as u64 })?;
        if crc32fast::hash(tail) != trailer.directory_crc {
            let (offset, len) = (trailer.directory_offset, trailer.directory_len);
            return Err(ImageError::Checksum { part: "directory", offset, len });
        }
        let directory = Directory::decode(tail, trailer.directory_offset)?;
        let ends = directory.chunks.iter().skip(1).map(|chunk| chunk.offset);
        let ends = ends.chain([trailer.directory_offset]);
        for (chunk, end) in directory.chunks.iter().zip(ends) {
            let len = end - chunk.offset;
            let stored = slice(&bytes, chunk.offset, len);
            let stored = stored.ok_or(ImageError::Truncated { len: bytes.len() as u64 })?;
            if crc32fast::hash(stored) != chunk.crc {
                let part = chunk.kind.name();
                return Err(ImageError::Checksum { part, offset: chunk.offset, len });
            }
            // Less than the alignment, and there: the directory was checked for it.
            let padding = usize::try_from(chunk.len).ok().and_then(|len| stored.get(len..));
            if padding.is_none_or(|padding| padding.iter().any(|&byte| byte != 0)) {
                let part = chunk.kind.name();
                return Err(ImageError::Malformed { part, what: "the padding" });
            }
        }
        // The schema is never compressed. It comes first: what cannot be decompressed here can at
        // least be refused for what it is.
        let schema = directory.chunks.first().and_then(|c| slice(&bytes, c.offset, c.len));
        let schema = SchemaChunk::decode(schema.unwrap_or(&[]))?;
        let len = bytes.len();
        let plain = directory.chunks.iter().all(|chunk| chunk.codec == Codec::None);
        let (bytes, raw, stored) = if plain {
            (bytes, directory, None)
        } else {
            let (expanded, raw) = expanded(&bytes, &directory)?;
            (Cow::Owned(expanded), raw, Some(directory))
        };
        let id = raw.image_id(schema.root_hash());
        if id != trailer.image_id {
            return Err(ImageError::Malformed { part: "trailer", what: "the image id" });
        }
        Ok(Self { bytes, header, raw, stored, len, schema, id })
    }

    /// What the header tells.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The image's id: equal for equal states.
    #[must_use]
    pub const fn id(&self) -> [u8; 16] {
        self.id
    }

    /// The types in it, with their hashes.
    #[must_use]
    pub const fn schema(&self) -> &SchemaChunk {
        &self.schema
    }

    /// The table of types.
    #[must_use]
    pub const fn table(&self) -> &Table {
        &self.schema.table
    }

    /// All chunks, as they are stored.
    #[must_use]
    pub fn chunks(&self) -> &[Chunk] {
        &self.stored.as_ref().unwrap_or(&self.raw).chunks
    }

    /// Length of the image in bytes, as it is stored.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether the image has no bytes, which never is.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The encoded root value, without its blocks.
    #[must_use]
    pub fn values(&self) -> &[u8] {
        self.of_kind(ChunkKind::Values).next().unwrap_or(&[])
    }

    /// The blocks, in the order in which the values refer to them.
    pub fn blocks(&self) -> impl Iterator<Item = &[u8]> + Clone {
        self.of_kind(ChunkKind::Block)
    }

    /// The encoded values that are volatile: no part of the id.
    #[must_use]
    pub fn volatile(&self) -> &[u8] {
        self.of_kind(ChunkKind::Volatile).next().unwrap_or(&[])
    }

    fn of_kind(&self, kind: ChunkKind) -> impl Iterator<Item = &[u8]> + Clone {
        let chunks = self.raw.chunks.iter().filter(move |chunk| chunk.kind == kind);
        // Every chunk was found in the image when it was checked.
        chunks.filter_map(|chunk| slice(&self.bytes, chunk.offset, chunk.len))
    }
}

/// The image with nothing compressed, up to its directory, and that directory.
///
/// The directory was checked, so the chunks hold at most [`MAX_RATIO`](crate::codec::MAX_RATIO)
/// times what is there.
fn expanded(bytes: &[u8], stored: &Directory) -> Result<(Vec<u8>, Directory), ImageError> {
    let lens =
        stored.chunks.iter().map(|chunk| (chunk.kind, Codec::None, chunk.raw_len, chunk.raw_len));
    let mut layout = Layout::of(lens)?;
    let needed = layout.end;
    let mut out = Vec::new();
    let fits = usize::try_from(needed).is_ok_and(|needed| out.try_reserve_exact(needed).is_ok());
    if !fits {
        return Err(ImageError::Memory { needed });
    }
    out.extend_from_slice(slice(bytes, 0, header::LEN as u64).unwrap_or_default());
    for (index, chunk) in stored.chunks.iter().enumerate() {
        let part = chunk.kind.name();
        let Chunk { offset, raw_len, .. } = layout.chunks[index];
        // Both are at most `needed`, which fits.
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let end = start.saturating_add(usize::try_from(raw_len).unwrap_or(usize::MAX));
        out.resize(end, 0);
        let stored = slice(bytes, chunk.offset, chunk.len).unwrap_or_default();
        if !chunk.codec.unpack(stored, &mut out[start..])? {
            return Err(ImageError::Malformed { part, what: "what is compressed" });
        }
        layout.check(index, &out[start..]);
    }
    Ok((out, layout.directory()))
}

fn slice(bytes: &[u8], offset: u64, len: u64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    bytes.get(start..start.checked_add(usize::try_from(len).ok()?)?)
}
