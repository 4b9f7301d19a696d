//! How a chunk is stored: as it is, or compressed.
//!
//! ```text
//! 0  none  the bytes of the chunk
//! 1  lz4   pieces: length u32, an LZ4 block; each holds 1 MiB of the chunk, the last one the rest
//! 2  zstd  Zstandard frames (RFC 8878), which hold the chunk one after the other
//! ```
//!
//! A compressed chunk is shorter than what it holds, and at least a 256th of it. So a reader knows
//! before it decompresses how much memory it will need: never more than 256 times what there is.

use core::fmt;

use crate::ImageError;

/// How many bytes one stored byte may stand for.
pub const MAX_RATIO: u64 = 256;

/// How many bytes of a chunk one LZ4 block holds.
#[cfg(feature = "lz4")]
const PIECE: usize = 1 << 20;

/// The level that Zstandard itself takes if it is asked for none.
#[cfg(feature = "zstd")]
const ZSTD_LEVEL: i32 = 3;

/// A chunk below this many bytes stays as it is.
const COMPRESS_MIN: usize = 256;

/// How a chunk is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// As it is.
    #[default]
    None,
    /// LZ4 blocks: fast. Needs the feature `lz4`.
    Lz4,
    /// Zstandard: smaller, and slower. Needs the feature `zstd`.
    Zstd,
}

impl Codec {
    const ALL: [Self; 3] = [Self::None, Self::Lz4, Self::Zstd];

    pub(crate) const fn code(self) -> u16 {
        match self {
            Self::None => 0,
            Self::Lz4 => 1,
            Self::Zstd => 2,
        }
    }

    pub(crate) fn from_code(code: u16) -> Result<Self, ImageError> {
        let known = Self::ALL.get(usize::from(code)).copied();
        known.ok_or(ImageError::UnknownCodec { code })
    }

    /// What messages, and the features of this crate, call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    /// Whether this program was built with it.
    #[must_use]
    pub const fn is_built_in(self) -> bool {
        match self {
            Self::None => true,
            Self::Lz4 => cfg!(feature = "lz4"),
            Self::Zstd => cfg!(feature = "zstd"),
        }
    }

    /// The stored form of a chunk; `None` if it is not worth it, because it saves less than an
    /// eighth.
    ///
    /// # Errors
    /// [`ImageError::CodecMissing`] if this program was built without the codec.
    pub(crate) fn compress(self, raw: &[u8]) -> Result<Option<Vec<u8>>, ImageError> {
        if raw.len() < COMPRESS_MIN {
            return Ok(None);
        }
        let stored: Option<Vec<u8>> = match self {
            Self::None => None,
            #[cfg(feature = "lz4")]
            Self::Lz4 => lz4::pack(raw),
            #[cfg(feature = "zstd")]
            Self::Zstd => zstandard::pack(raw),
            #[cfg(not(all(feature = "lz4", feature = "zstd")))]
            _ => return Err(ImageError::CodecMissing { codec: self }),
        };
        Ok(stored.filter(|stored| stored.len() <= raw.len() - raw.len() / 8))
    }

    /// Fills `out` with what a chunk holds; `false` if that is something else, or of another
    /// length.
    ///
    /// # Errors
    /// [`ImageError::CodecMissing`] if this program was built without the codec.
    pub(crate) fn unpack(self, stored: &[u8], out: &mut [u8]) -> Result<bool, ImageError> {
        match self {
            Self::None => {
                let fits = stored.len() == out.len();
                if fits {
                    out.copy_from_slice(stored);
                }
                Ok(fits)
            }
            #[cfg(feature = "lz4")]
            Self::Lz4 => Ok(lz4::unpack(stored, out).is_some()),
            #[cfg(feature = "zstd")]
            Self::Zstd => Ok(zstandard::unpack(stored, out)),
            #[cfg(not(all(feature = "lz4", feature = "zstd")))]
            _ => Err(ImageError::CodecMissing { codec: self }),
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(feature = "lz4")]
mod lz4 {
    use super::PIECE;

    pub(super) fn pack(raw: &[u8]) -> Option<Vec<u8>> {
        let mut stored = Vec::new();
        for piece in raw.chunks(PIECE) {
            let block = lz4_flex::block::compress(piece);
            stored.extend_from_slice(&u32::try_from(block.len()).ok()?.to_le_bytes());
            stored.extend_from_slice(&block);
        }
        Some(stored)
    }

    pub(super) fn unpack(mut stored: &[u8], out: &mut [u8]) -> Option<()> {
        for piece in out.chunks_mut(PIECE) {
            let (len, rest) = stored.split_first_chunk()?;
            let len = usize::try_from(u32::from_le_bytes(*len)).ok()?;
            let (block, rest) = rest.split_at_checked(len)?;
            stored = rest;
            let filled = lz4_flex::block::decompress_into(block, piece).ok()?;
            if filled != piece.len() {
                return None;
            }
        }
        stored.is_empty().then_some(())
    }
}

#[cfg(feature = "zstd")]
mod zstandard {
    use super::{MAX_RATIO, ZSTD_LEVEL};

    /// What a frame starts with that readers skip; its length follows as u32.
    const SKIPPABLE: [u8; 4] = 0x184d_2a50_u32.to_le_bytes();

    pub(super) fn pack(raw: &[u8]) -> Option<Vec<u8>> {
        let mut stored = zstd::bulk::compress(raw, ZSTD_LEVEL).ok()?;
        // What is nothing but zeros gets shorter than readers believe.
        let least = usize::try_from((raw.len() as u64).div_ceil(MAX_RATIO)).ok()?;
        if stored.len() < least {
            let filler = least.saturating_sub(stored.len() + 8);
            stored.extend_from_slice(&SKIPPABLE);
            stored.extend_from_slice(&u32::try_from(filler).ok()?.to_le_bytes());
            stored.resize(stored.len() + filler, 0);
        }
        Some(stored)
    }

    pub(super) fn unpack(stored: &[u8], out: &mut [u8]) -> bool {
        zstd::bulk::decompress_to_buffer(stored, out).is_ok_and(|filled| filled == out.len())
    }
}
