use std::borrow::Cow;
use std::fs;
use std::path::Path;

use samestate_schema::types::{Primitive, Table};

use crate::ImageError;
use crate::build::Layout;
use crate::codec::{self, Codec};
use crate::directory::{Chunk, ChunkKind, Directory, Trailer};
use crate::header::{self, Header};
use crate::plan;
use crate::schema_chunk::{SchemaChunk, TypeHash};

/// The number of the first chunk that may be a block.
const FIRST_BLOCK: usize = 2;

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
        Self::checked(bytes.into(), None, |_, _, block, look| look(block))
    }

    /// Checks an image in memory. If its root type has this hash, blocks that are sequences of
    /// numbers are not read but given to `copy`, with their number and that of the block: it must
    /// let the function that it gets see all bytes, in pieces in their order, and may copy each
    /// piece while it is in the processor's cache. What it copied is checked when this returns
    /// without an error.
    ///
    /// # Errors
    /// [`ImageError`] if it is damaged or malformed.
    pub fn from_bytes_and(
        bytes: impl Into<Cow<'b, [u8]>>,
        root_hash: TypeHash,
        copy: impl FnMut(usize, Primitive, &[u8], &mut dyn FnMut(&[u8])),
    ) -> Result<Self, ImageError> {
        Self::checked(bytes.into(), Some(root_hash), copy)
    }

    fn checked(
        bytes: Cow<'b, [u8]>,
        root_hash: Option<TypeHash>,
        mut copy: impl FnMut(usize, Primitive, &[u8], &mut dyn FnMut(&[u8])),
    ) -> Result<Self, ImageError> {
        let header = Header::decode(&bytes)?;
        let (trailer, directory) = directory_of(&bytes)?;
        let plain = directory.chunks.iter().all(|chunk| chunk.codec == Codec::None);
        let mut schema = None;
        let mut plan = Vec::new();
        for (index, (chunk, end)) in with_ends(&directory, &trailer).enumerate() {
            let block = index.checked_sub(FIRST_BLOCK);
            if let (Some(0), Some(root_hash), true) = (block, root_hash, plain) {
                let decoded = schema.insert(decode_schema(&bytes, &directory)?);
                if decoded.root_hash() == root_hash {
                    let values = directory.chunks.get(FIRST_BLOCK - 1);
                    let values = values.and_then(|c| slice(&bytes, c.offset, c.len));
                    let blocks = directory.chunks.len() - FIRST_BLOCK;
                    plan = plan::blocks(&decoded.table, values.unwrap_or_default(), blocks);
                }
            }
            let stored = stored(&bytes, chunk, end)?;
            let planned = block.and_then(|block| Some((block, (*plan.get(block)?)?)));
            let crc = match (planned, usize::try_from(chunk.len)) {
                (Some((block, numbers)), Ok(own)) if own <= stored.len() => {
                    let mut hasher = crc32fast::Hasher::new();
                    let (own, padding) = stored.split_at(own);
                    copy(block, numbers, own, &mut |piece| hasher.update(piece));
                    hasher.update(padding);
                    hasher.finalize()
                }
                _ => crc32fast::hash(stored),
            };
            check(chunk, stored, crc)?;
        }
        // The schema is never compressed. It comes first: what cannot be decompressed here can at
        // least be refused for what it is.
        let schema = match schema {
            Some(schema) => schema,
            None => decode_schema(&bytes, &directory)?,
        };
        let len = bytes.len();
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

    /// Everything that is damaged, where [`Image::from_bytes`] gives the first of it: nothing but the
    /// header, the trailer or the directory if they are, else every chunk whose checksum does not
    /// match. Nothing is decoded.
    #[must_use]
    pub fn damage(bytes: &[u8]) -> Vec<ImageError> {
        let parts = Header::decode(bytes).and_then(|_| directory_of(bytes));
        match parts {
            Err(error) => vec![error],
            Ok((trailer, directory)) => with_ends(&directory, &trailer)
                .filter_map(|(chunk, end)| {
                    let stored = stored(bytes, chunk, end);
                    stored.and_then(|s| check(chunk, s, crc32fast::hash(s))).err()
                })
                .collect(),
        }
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

fn decode_schema(bytes: &[u8], directory: &Directory) -> Result<SchemaChunk, ImageError> {
    let schema = directory.chunks.first().and_then(|c| slice(bytes, c.offset, c.len));
    SchemaChunk::decode(schema.unwrap_or_default())
}

fn directory_of(bytes: &[u8]) -> Result<(Trailer, Directory), ImageError> {
    let trailer = Trailer::decode(bytes)?;
    let (offset, len) = (trailer.directory_offset, trailer.directory_len);
    let tail = slice(bytes, offset, len);
    let tail = tail.ok_or(ImageError::Truncated { len: bytes.len() as u64 })?;
    if crc32fast::hash(tail) != trailer.directory_crc {
        return Err(ImageError::Checksum { part: "directory", offset, len });
    }
    let directory = Directory::decode(tail, offset)?;
    Ok((trailer, directory))
}

/// Each chunk, and where what follows it starts.
fn with_ends<'d>(
    directory: &'d Directory,
    trailer: &Trailer,
) -> impl Iterator<Item = (&'d Chunk, u64)> + use<'d> {
    let ends = directory.chunks.iter().skip(1).map(|chunk| chunk.offset);
    directory.chunks.iter().zip(ends.chain([trailer.directory_offset]))
}

/// A chunk and the padding between it and `end`.
fn stored<'i>(bytes: &'i [u8], chunk: &Chunk, end: u64) -> Result<&'i [u8], ImageError> {
    let stored = slice(bytes, chunk.offset, end - chunk.offset);
    stored.ok_or(ImageError::Truncated { len: bytes.len() as u64 })
}

/// Checks a chunk and its padding, of which this checksum was taken.
fn check(chunk: &Chunk, stored: &[u8], crc: u32) -> Result<(), ImageError> {
    let part = chunk.kind.name();
    if crc != chunk.crc {
        let len = stored.len() as u64;
        return Err(ImageError::Checksum { part, offset: chunk.offset, len });
    }
    // Less than the alignment, and there: the directory was checked for it.
    let padding = usize::try_from(chunk.len).ok().and_then(|len| stored.get(len..));
    if padding.is_none_or(|padding| padding.iter().any(|&byte| byte != 0)) {
        return Err(ImageError::Malformed { part, what: "the padding" });
    }
    Ok(())
}

/// The image with nothing compressed, up to its directory, and that directory.
///
/// The directory was checked, so the chunks hold at most [`MAX_RATIO`](crate::codec::MAX_RATIO)
/// times what is there; and memory is touched as they are decompressed.
fn expanded(bytes: &[u8], stored: &Directory) -> Result<(Vec<u8>, Directory), ImageError> {
    let lens =
        stored.chunks.iter().map(|chunk| (chunk.kind, Codec::None, chunk.raw_len, chunk.raw_len));
    let mut layout = Layout::of(lens)?;
    let needed = layout.end;
    let mut out = Vec::new();
    // Only the room: what is not decompressed is never touched.
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
        let raw_len = usize::try_from(raw_len).unwrap_or(usize::MAX);
        let padding = start.saturating_sub(out.len());
        codec::room(&mut out, padding)?;
        out.resize(start, 0);
        let stored = slice(bytes, chunk.offset, chunk.len).unwrap_or_default();
        if !chunk.codec.unpack(stored, raw_len, &mut out)? {
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
