//! Putting an image together. Nothing is copied: the image is a list of slices to write.

use std::borrow::Cow;

use crate::ImageError;
use crate::codec::Codec;
use crate::directory::{Chunk, ChunkKind, Directory, Trailer};
use crate::header::{self, Header};
use crate::layout::{ALIGN, PAGE, align_up};
use crate::schema_chunk::TypeHash;

/// As many as a page, which is the most that padding takes.
const ZEROS: &[u8] = &[0; 4096];
const _: () = assert!(ZEROS.len() as u64 == PAGE);

/// Where the chunks of an image go.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The chunks, whose checksums are yet to be taken.
    pub(crate) chunks: Vec<Chunk>,
    /// Where the directory starts.
    pub(crate) end: u64,
}

impl Layout {
    /// Places chunks of these lengths, the schema's first.
    pub(crate) fn new(lens: impl Iterator<Item = usize>) -> Result<Self, ImageError> {
        Self::of(lens.map(|len| (Codec::None, len as u64, len as u64)))
    }

    /// Places chunks that are stored in these ways, take and hold this many bytes.
    pub(crate) fn of(lens: impl Iterator<Item = (Codec, u64, u64)>) -> Result<Self, ImageError> {
        let too_long = ImageError::Malformed { part: "directory", what: "the length of a chunk" };
        let mut chunks = Vec::with_capacity(lens.size_hint().0);
        let mut end = header::LEN as u64;
        for (index, (codec, len, raw_len)) in lens.enumerate() {
            let kind = ChunkKind::at(index);
            let offset = kind.place(end, len);
            let next = offset.and_then(|offset| offset.checked_add(len));
            let (Some(offset), Some(next)) = (offset, next) else { return Err(too_long) };
            chunks.push(Chunk { kind, codec, offset, len, raw_len, crc: 0 });
            end = next;
        }
        let end = align_up(end, ALIGN).ok_or(too_long)?;
        Ok(Self { chunks, end })
    }

    /// The zeros after a chunk.
    pub(crate) fn padding(&self, index: usize) -> &'static [u8] {
        let Chunk { offset, len, .. } = self.chunks[index];
        let next = self.chunks.get(index + 1).map_or(self.end, |next| next.offset);
        // Chunks are aligned to a page at most.
        #[expect(clippy::cast_possible_truncation, reason = "less than a page")]
        &ZEROS[..(next - offset - len) as usize]
    }

    /// Takes the checksum of a chunk, which must be of the length that was placed, with its padding.
    pub(crate) fn check(&mut self, index: usize, chunk: &[u8]) {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(chunk);
        hasher.update(self.padding(index));
        self.chunks[index].crc = hasher.finalize();
    }

    /// The directory, when all checksums are taken.
    pub(crate) fn directory(&mut self) -> Directory {
        Directory { chunks: std::mem::take(&mut self.chunks) }
    }

    /// The image's id, and what follows the chunks, when all checksums are taken and nothing is
    /// compressed.
    pub(crate) fn end(&mut self, root_hash: TypeHash) -> ([u8; 16], Vec<u8>) {
        let directory = self.directory();
        let id = directory.image_id(root_hash);
        (id, self.tail(&directory, id))
    }

    /// What follows the chunks.
    fn tail(&self, directory: &Directory, id: [u8; 16]) -> Vec<u8> {
        let mut tail = directory.encode();
        let trailer = Trailer {
            directory_offset: self.end,
            directory_len: tail.len() as u64,
            image_id: id,
            directory_crc: crc32fast::hash(&tail),
        };
        tail.extend_from_slice(&trailer.encode());
        tail
    }
}

/// The chunks of an image to be.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// The hash of the root type.
    pub root_hash: TypeHash,
    /// The encoded [schema](crate::SchemaChunk).
    pub schema: &'a [u8],
    /// The encoded values.
    pub values: &'a [u8],
}

/// An image that is ready to be written, except for its header.
#[derive(Debug)]
pub struct Built<'a> {
    /// The image's id.
    pub id: [u8; 16],
    /// Length of the image in bytes.
    pub len: u64,
    chunks: Vec<(Cow<'a, [u8]>, &'static [u8])>,
    end: Vec<u8>,
}

impl<'a> Built<'a> {
    /// Lays the chunks out and takes their checksums.
    ///
    /// # Errors
    /// [`ImageError::Malformed`] if the image would be longer than 2^64 bytes.
    pub fn new(
        parts: Parts<'a>,
        blocks: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, ImageError> {
        let all = || [parts.schema, parts.values].into_iter();
        let slices: Vec<&'a [u8]> = all().chain(blocks).collect();
        let mut layout = Layout::new(slices.iter().map(|slice| slice.len()))?;
        let mut chunks = Vec::with_capacity(slices.len());
        for (index, slice) in slices.into_iter().enumerate() {
            layout.check(index, slice);
            chunks.push((Cow::Borrowed(slice), layout.padding(index)));
        }
        let (id, end) = layout.end(parts.root_hash);
        Ok(Self { id, len: layout.end + end.len() as u64, chunks, end })
    }

    /// As [`Built::new`], with those chunks compressed for which it is worth it. The id is the same.
    ///
    /// # Errors
    /// As [`Built::new`], and [`ImageError::CodecMissing`] if this program was built without the
    /// codec.
    pub fn compressed(
        parts: Parts<'a>,
        blocks: impl IntoIterator<Item = &'a [u8]>,
        codec: Codec,
    ) -> Result<Self, ImageError> {
        if !codec.is_built_in() {
            return Err(ImageError::CodecMissing { codec });
        }
        if codec == Codec::None {
            return Self::new(parts, blocks);
        }
        let slices: Vec<&'a [u8]> =
            [parts.schema, parts.values].into_iter().chain(blocks).collect();
        let mut raw = Layout::new(slices.iter().map(|slice| slice.len()))?;
        let mut stored = Vec::with_capacity(slices.len());
        for (index, &slice) in slices.iter().enumerate() {
            raw.check(index, slice);
            let smaller = match raw.chunks[index].kind {
                ChunkKind::Schema => None,
                _ => codec.compress(slice)?,
            };
            stored.push(match smaller {
                Some(smaller) => (codec, Cow::Owned(smaller)),
                None => (Codec::None, Cow::Borrowed(slice)),
            });
        }
        let id = raw.directory().image_id(parts.root_hash);
        let lens = stored.iter().zip(&slices);
        let mut layout = Layout::of(
            lens.map(|((codec, stored), raw)| (*codec, stored.len() as u64, raw.len() as u64)),
        )?;
        let mut chunks = Vec::with_capacity(stored.len());
        for (index, (_, chunk)) in stored.into_iter().enumerate() {
            layout.check(index, &chunk);
            chunks.push((chunk, layout.padding(index)));
        }
        let directory = layout.directory();
        let end = layout.tail(&directory, id);
        Ok(Self { id, len: layout.end + end.len() as u64, chunks, end })
    }

    /// The slices to write, in order; `header` is [`Header::encode`]d.
    #[must_use]
    pub fn slices<'s>(&'s self, header: &'s [u8]) -> Vec<&'s [u8]> {
        let mut slices = Vec::with_capacity(self.chunks.len() * 2 + 2);
        slices.push(header);
        for (chunk, padding) in &self.chunks {
            slices.push(chunk);
            slices.push(padding);
        }
        slices.push(&self.end);
        slices.retain(|slice| !slice.is_empty());
        slices
    }

    /// The whole image in memory.
    #[must_use]
    pub fn to_vec(&self, header: &Header) -> Vec<u8> {
        self.slices(&header.encode()).concat()
    }
}
