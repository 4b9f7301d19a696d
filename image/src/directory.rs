//! The directory and the trailer: where each chunk is, and that the image is complete.
//!
//! ```text
//! directory                                    entry, 32 bytes
//! offset size                                  offset size
//!      0    8  magic, "ss-direc"                    0    2  kind: 1 schema, 2 values, 3 block,
//!      8   16  id of the parent image, zeros                  4 volatile
//!     24    4  number of this shard, 0              2    2  codec, see crate::codec
//!     28    4  count of shards, 1                   4    4  CRC32 of the stored bytes and of
//!     32    8  count of chunks                                 the zeros up to what follows
//!     40    …  entries                              8    8  offset in the image
//!                                                  16    8  stored length
//!                                                  24    8  length after decompressing
//! trailer, 80 bytes
//!      0    8  offset of the directory
//!      8    8  length of the directory
//!     16    8  length of the image
//!     24   16  image id
//!     40    4  CRC32 of the directory
//!     44   24  zero
//!     68    4  CRC32 of the 68 bytes before
//!     72    8  commit marker, "ss-done" LF
//! ```
//!
//! A chunk starts at the next multiple of 64 after the one before it, a block of 64 KiB or more at
//! the next multiple of 4096, and the directory at the next multiple of 64 after the last chunk.
//! All these lengths are stored ones.
//!
//! Parent and shards are places kept free for images that build on an earlier one, and for images
//! in several files. This version writes neither, and refuses both.

use samestate_schema::wire::{Reader, WireError, Writer};

use crate::ImageError;
use crate::codec::{Codec, MAX_RATIO};
use crate::layout::{ALIGN, BLOCK_MIN, PAGE, PAGE_ALIGNED_MIN, align_up};
use crate::schema_chunk::{TypeHash, hash128};

const MAGIC: [u8; 8] = *b"ss-direc";
const COMMIT: [u8; 8] = *b"ss-done\n";
const ENTRY_LEN: usize = 32;
const FIXED_LEN: usize = 40;

/// Length in bytes of the trailer.
pub const TRAILER_LEN: usize = 80;
const TRAILER_CRC_OFFSET: usize = 68;

/// Length in bytes of what follows the chunks.
pub(crate) const fn end_len(chunks: usize) -> usize {
    FIXED_LEN + chunks * ENTRY_LEN + TRAILER_LEN
}

/// What a chunk holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChunkKind {
    /// The types.
    Schema,
    /// The root value, without its blocks.
    Values,
    /// A long run of numbers; blocks come in the order in which the values refer to them.
    Block,
    /// What is saved but no part of what makes states equal; the last chunk, if there is any.
    Volatile,
}

impl ChunkKind {
    const fn code(self) -> u16 {
        match self {
            Self::Schema => 1,
            Self::Values => 2,
            Self::Block => 3,
            Self::Volatile => 4,
        }
    }

    /// What messages call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::Values => "values",
            Self::Block => "block",
            Self::Volatile => "volatile",
        }
    }

    /// The kind that the chunk at this place in an image must have, if it is not the volatile one.
    #[must_use]
    pub const fn at(index: usize) -> Self {
        match index {
            0 => Self::Schema,
            1 => Self::Values,
            _ => Self::Block,
        }
    }

    /// Where a chunk of this kind starts if the one before it ends at `end`; `None` if no image
    /// is that long.
    #[must_use]
    pub fn place(self, end: u64, len: u64) -> Option<u64> {
        let long = self == Self::Block && len >= PAGE_ALIGNED_MIN;
        align_up(end, if long { PAGE } else { ALIGN })
    }
}

/// Where a chunk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// What it holds.
    pub kind: ChunkKind,
    /// How it is stored.
    pub codec: Codec,
    /// Where it starts in the image, in bytes.
    pub offset: u64,
    /// How many bytes it takes in the image.
    pub len: u64,
    /// How many bytes it holds: more than it takes if it is compressed.
    pub raw_len: u64,
    /// CRC32 of what is stored and of the padding after it.
    pub crc: u32,
}

/// The directory of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// The chunks, in the order in which they stand in the image.
    pub chunks: Vec<Chunk>,
}

impl Directory {
    /// The bytes of the directory.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.bytes(&MAGIC);
        out.bytes(&[0; 16]);
        out.u32(0);
        out.u32(1);
        out.u64(self.chunks.len() as u64);
        for chunk in &self.chunks {
            out.u16(chunk.kind.code());
            out.u16(chunk.codec.code());
            out.u32(chunk.crc);
            out.u64(chunk.offset);
            out.u64(chunk.len);
            out.u64(chunk.raw_len);
        }
        out.into_bytes()
    }

    /// Reads a directory that stands at `directory_offset` of its image, and checks that every
    /// chunk is where it must be.
    ///
    /// # Errors
    /// [`ImageError`] if it is malformed.
    pub fn decode(bytes: &[u8], directory_offset: u64) -> Result<Self, ImageError> {
        let malformed = |what| ImageError::Malformed { part: "directory", what };
        let mut input = Reader::new(bytes);
        if input.array::<8>()? != MAGIC {
            return Err(malformed("the magic"));
        }
        if input.array::<16>()? != [0; 16] {
            return Err(ImageError::Unsupported { what: "builds on another image" });
        }
        if (input.u32()?, input.u32()?) != (0, 1) {
            return Err(ImageError::Unsupported { what: "is one of several shards" });
        }
        let count = input.u64()?;
        if count.checked_mul(ENTRY_LEN as u64) != Some(input.remaining() as u64) {
            return Err(malformed("the number of chunks"));
        }
        let mut chunks = Vec::with_capacity(input.remaining() / ENTRY_LEN);
        let mut end = crate::header::LEN as u64;
        while input.remaining() > 0 {
            let code = input.u16()?;
            let is_last = chunks.len() as u64 + 1 == count;
            let kind = match ChunkKind::at(chunks.len()) {
                ChunkKind::Block if is_last && code == ChunkKind::Volatile.code() => {
                    ChunkKind::Volatile
                }
                kind => kind,
            };
            if code != kind.code() {
                return Err(malformed("the kind of a chunk"));
            }
            let codec = Codec::from_code(input.u16()?)?;
            let crc = input.u32()?;
            let (offset, len, raw_len) = (input.u64()?, input.u64()?, input.u64()?);
            let fits = match codec {
                Codec::None => len == raw_len,
                // What an image holds can be told by any program.
                _ if kind == ChunkKind::Schema => {
                    return Err(malformed("a compressed schema"));
                }
                // Nothing else bounds the memory that it will take.
                _ => len < raw_len && raw_len <= len.saturating_mul(MAX_RATIO),
            };
            if !fits {
                return Err(malformed("the length of a chunk"));
            }
            if kind == ChunkKind::Block && raw_len < BLOCK_MIN as u64 {
                return Err(malformed("the length of a block"));
            }
            if kind == ChunkKind::Volatile && len == 0 {
                return Err(malformed("the length of the volatile chunk"));
            }
            if kind.place(end, len) != Some(offset) {
                return Err(malformed("the offset of a chunk"));
            }
            end = offset.checked_add(len).ok_or(malformed("the length of a chunk"))?;
            chunks.push(Chunk { kind, codec, offset, len, raw_len, crc });
        }
        if chunks.len() < 2 || align_up(end, ALIGN) != Some(directory_offset) {
            return Err(malformed("the place of the chunks"));
        }
        Ok(Self { chunks })
    }

    /// The image's id: equal state gives an equal id. What is volatile is no part of it. To be asked
    /// of the directory that the image has when nothing in it is compressed.
    #[must_use]
    pub fn image_id(&self, root_hash: TypeHash) -> [u8; 16] {
        let mut out = Writer::new();
        out.bytes(b"samestate image 1\n");
        out.bytes(&root_hash);
        let mut compared = self.clone();
        compared.chunks.retain(|chunk| chunk.kind != ChunkKind::Volatile);
        out.bytes(&compared.encode());
        hash128(&out.into_bytes())
    }
}

/// The end of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trailer {
    /// Where the directory starts, in bytes.
    pub directory_offset: u64,
    /// Its length in bytes.
    pub directory_len: u64,
    /// The image's id.
    pub image_id: [u8; 16],
    /// CRC32 of the directory.
    pub directory_crc: u32,
}

impl Trailer {
    /// The bytes of the trailer.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.u64(self.directory_offset);
        out.u64(self.directory_len);
        out.u64(self.directory_offset + self.directory_len + TRAILER_LEN as u64);
        out.bytes(&self.image_id);
        out.u32(self.directory_crc);
        out.bytes(&[0; 24]);
        let mut bytes = out.into_bytes();
        let crc = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes.extend_from_slice(&COMMIT);
        bytes
    }

    /// Reads the trailer off the end of a whole image.
    ///
    /// # Errors
    /// [`ImageError::Truncated`] if the commit marker is missing, others if it is damaged.
    pub fn decode(image: &[u8]) -> Result<Self, ImageError> {
        Self::decode_last(image, image.len() as u64)
    }

    /// Reads the trailer off the last bytes of an image of `len` bytes.
    ///
    /// # Errors
    /// As [`Trailer::decode`].
    pub fn decode_last(last: &[u8], len: u64) -> Result<Self, ImageError> {
        let in_last = last.len().checked_sub(TRAILER_LEN);
        let (Some(in_last), Some(start)) = (in_last, len.checked_sub(TRAILER_LEN as u64)) else {
            return Err(ImageError::Truncated { len });
        };
        let bytes = &last[in_last..];
        let read = || -> Result<_, WireError> {
            let mut input = Reader::new(bytes);
            let trailer = |input: &mut Reader<'_>| -> Result<_, WireError> {
                let (directory_offset, directory_len) = (input.u64()?, input.u64()?);
                let image_len = input.u64()?;
                let image_id = input.array()?;
                let directory_crc = input.u32()?;
                let found = Self { directory_offset, directory_len, image_id, directory_crc };
                Ok((found, image_len))
            };
            let (trailer, image_len) = trailer(&mut input)?;
            let zeros: [u8; 24] = input.array()?;
            Ok((trailer, image_len, zeros, input.u32()?, input.array::<8>()?))
        };
        let (trailer, image_len, zeros, crc, commit) = read()?;
        if commit != COMMIT {
            return Err(ImageError::Truncated { len });
        }
        if crc != crc32fast::hash(&bytes[..TRAILER_CRC_OFFSET]) {
            let len = TRAILER_LEN as u64;
            return Err(ImageError::Checksum { part: "trailer", offset: start, len });
        }
        let end = trailer.directory_offset.checked_add(trailer.directory_len);
        let fits = end == Some(start) && trailer.directory_len >= FIXED_LEN as u64;
        if image_len != len || !fits || zeros != [0; 24] {
            return Err(ImageError::Malformed { part: "trailer", what: "a length" });
        }
        Ok(trailer)
    }
}
