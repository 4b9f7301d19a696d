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

/// How many bytes of a chunk one LZ4 block holds; all that is set aside for what may not be there.
#[cfg(any(feature = "lz4", feature = "zstd"))]
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

    /// Appends to `out` what a chunk holds; `false` if that is something else, or of another
    /// length. Memory is touched piece by piece, as far as there is something to fill it with.
    ///
    /// # Errors
    /// [`ImageError::CodecMissing`] if this program was built without the codec,
    /// [`ImageError::Memory`] if there is too little.
    pub(crate) fn unpack(
        self,
        stored: &[u8],
        raw_len: usize,
        out: &mut Vec<u8>,
    ) -> Result<bool, ImageError> {
        match self {
            Self::None => {
                let fits = stored.len() == raw_len;
                if fits {
                    room(out, raw_len)?;
                    out.extend_from_slice(stored);
                }
                Ok(fits)
            }
            #[cfg(feature = "lz4")]
            Self::Lz4 => lz4::unpack(stored, raw_len, out),
            #[cfg(feature = "zstd")]
            Self::Zstd => zstandard::unpack(stored, raw_len, out),
            #[cfg(not(all(feature = "lz4", feature = "zstd")))]
            _ => Err(ImageError::CodecMissing { codec: self }),
        }
    }
}

/// Makes room for so many more bytes.
pub(crate) fn room(out: &mut Vec<u8>, more: usize) -> Result<(), ImageError> {
    let needed = out.len().saturating_add(more) as u64;
    out.try_reserve(more).map_err(|_| ImageError::Memory { needed })
}

/// Appends so many bytes, in pieces that `fill` fills or fails to.
#[cfg(any(feature = "lz4", feature = "zstd"))]
fn pieces(
    out: &mut Vec<u8>,
    len: usize,
    mut fill: impl FnMut(&mut [u8]) -> Option<()>,
) -> Result<bool, ImageError> {
    let mut left = len;
    while left > 0 {
        let (start, piece) = (out.len(), left.min(PIECE));
        room(out, piece)?;
        out.resize(start + piece, 0);
        if fill(&mut out[start..]).is_none() {
            return Ok(false);
        }
        left -= piece;
    }
    Ok(true)
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(feature = "lz4")]
mod lz4 {
    use super::{PIECE, pieces};
    use crate::ImageError;

    pub(super) fn pack(raw: &[u8]) -> Option<Vec<u8>> {
        let mut stored = Vec::new();
        for piece in raw.chunks(PIECE) {
            let block = lz4_flex::block::compress(piece);
            stored.extend_from_slice(&u32::try_from(block.len()).ok()?.to_le_bytes());
            stored.extend_from_slice(&block);
        }
        Some(stored)
    }

    pub(super) fn unpack(
        mut stored: &[u8],
        raw_len: usize,
        out: &mut Vec<u8>,
    ) -> Result<bool, ImageError> {
        let filled = pieces(out, raw_len, |piece| {
            let (len, rest) = stored.split_first_chunk()?;
            let len = usize::try_from(u32::from_le_bytes(*len)).ok()?;
            let (block, rest) = rest.split_at_checked(len)?;
            stored = rest;
            let filled = lz4_flex::block::decompress_into(block, piece).ok()?;
            (filled == piece.len()).then_some(())
        })?;
        Ok(filled && stored.is_empty())
    }
}

#[cfg(feature = "zstd")]
mod zstandard {
    use std::io::Read;

    use super::{MAX_RATIO, ZSTD_LEVEL, pieces};
    use crate::ImageError;

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

    pub(super) fn unpack(
        stored: &[u8],
        raw_len: usize,
        out: &mut Vec<u8>,
    ) -> Result<bool, ImageError> {
        let Ok(mut decoder) = zstd::stream::read::Decoder::with_buffer(stored) else {
            return Ok(false);
        };
        let filled = pieces(out, raw_len, |piece| decoder.read_exact(piece).ok())?;
        // Nothing follows, and the last frame is there to its end.
        Ok(filled && matches!(decoder.read(&mut [0]), Ok(0)))
    }
}
