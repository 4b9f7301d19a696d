//! Putting an image together. Nothing is copied: the image is a list of slices to write.

use crate::ImageError;
use crate::directory::{Chunk, ChunkKind, Directory, Trailer};
use crate::header::{self, Header};
use crate::layout::{ALIGN, PAGE, align_up};
use crate::schema_chunk::TypeHash;

/// As many as a page, which is the most that padding takes.
const ZEROS: &[u8] = &[0; 4096];
const _: () = assert!(ZEROS.len() as u64 == PAGE);

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
    chunks: Vec<(&'a [u8], usize)>,
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
        let too_long = ImageError::Malformed { part: "directory", what: "the length of a chunk" };
        let all = || [parts.schema, parts.values].into_iter();
        let slices: Vec<&'a [u8]> = all().chain(blocks).collect();
        let mut placed = Vec::with_capacity(slices.len());
        let mut end = header::LEN as u64;
        for (index, slice) in slices.iter().enumerate() {
            let len = slice.len() as u64;
            let kind = ChunkKind::at(index);
            let offset = kind.place(end, len);
            let next = offset.and_then(|offset| offset.checked_add(len));
            let (Some(offset), Some(next)) = (offset, next) else { return Err(too_long) };
            placed.push((kind, offset, len));
            end = next;
        }
        let Some(directory_offset) = align_up(end, ALIGN) else { return Err(too_long) };
        let mut chunks = Vec::with_capacity(slices.len());
        let mut entries = Vec::with_capacity(slices.len());
        for (index, (&slice, &(kind, offset, len))) in slices.iter().zip(&placed).enumerate() {
            let next = placed.get(index + 1).map_or(directory_offset, |&(_, offset, _)| offset);
            // Less than a page, because chunks are aligned to a page at most.
            #[expect(clippy::cast_possible_truncation, reason = "less than a page")]
            let padding = (next - offset - len) as usize;
            let mut hasher = crc32fast::Hasher::new();
            hasher.update(slice);
            hasher.update(&ZEROS[..padding]);
            entries.push(Chunk { kind, offset, len, crc: hasher.finalize() });
            chunks.push((slice, padding));
        }
        let directory = Directory { chunks: entries };
        let id = directory.image_id(parts.root_hash);
        let mut tail = directory.encode();
        let trailer = Trailer {
            directory_offset,
            directory_len: tail.len() as u64,
            image_id: id,
            directory_crc: crc32fast::hash(&tail),
        };
        tail.extend_from_slice(&trailer.encode());
        let len = directory_offset + tail.len() as u64;
        Ok(Self { id, len, chunks, end: tail })
    }

    /// The slices to write, in order; `header` is [`Header::encode`]d.
    #[must_use]
    pub fn slices<'s>(&'s self, header: &'s [u8]) -> Vec<&'s [u8]> {
        let mut slices = Vec::with_capacity(self.chunks.len() * 2 + 2);
        slices.push(header);
        for &(chunk, padding) in &self.chunks {
            slices.push(chunk);
            slices.push(&ZEROS[..padding]);
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
