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
    /// Places chunks of these lengths, the schema's first, and behind them the volatile one.
    pub(crate) fn new(
        lens: impl Iterator<Item = usize>,
        volatile: usize,
    ) -> Result<Self, ImageError> {
        let lens = lens.enumerate().map(|(index, len)| (ChunkKind::at(index), len as u64));
        let volatile = (volatile > 0).then_some((ChunkKind::Volatile, volatile as u64));
        Self::of(lens.chain(volatile).map(|(kind, len)| (kind, Codec::None, len, len)))
    }

    /// Places chunks that are stored in these ways, take and hold this many bytes.
    pub(crate) fn of(
        lens: impl Iterator<Item = (ChunkKind, Codec, u64, u64)>,
    ) -> Result<Self, ImageError> {
        let too_long = ImageError::Malformed { part: "directory", what: "the length of a chunk" };
        let mut chunks = Vec::with_capacity(lens.size_hint().0);
        let mut end = header::LEN as u64;
        for (kind, codec, len, raw_len) in lens {
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
    /// The encoded values that are volatile.
    pub volatile: &'a [u8],
}

impl<'a> Parts<'a> {
    /// The chunks in their order.
    fn slices(&self, blocks: impl IntoIterator<Item = &'a [u8]>) -> Vec<&'a [u8]> {
        let mut slices: Vec<&'a [u8]> =
            [self.schema, self.values].into_iter().chain(blocks).collect();
        slices.extend((!self.volatile.is_empty()).then_some(self.volatile));
        slices
    }

    fn layout(&self, slices: &[&[u8]]) -> Result<Layout, ImageError> {
        let last = usize::from(!self.volatile.is_empty());
        let others = slices.iter().take(slices.len() - last);
        Layout::new(others.map(|slice| slice.len()), self.volatile.len())
    }
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
        let slices = parts.slices(blocks);
        let mut layout = parts.layout(&slices)?;
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
        let slices = parts.slices(blocks);
        let mut raw = parts.layout(&slices)?;
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
        let raw = raw.directory();
        let id = raw.image_id(parts.root_hash);
        let mut layout = Layout::of(
            stored
                .iter()
                .zip(&raw.chunks)
                .map(|((codec, stored), raw)| (raw.kind, *codec, stored.len() as u64, raw.len)),
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
