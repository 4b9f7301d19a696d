//! The header: what stays readable for ever.
//!
//! ```text
//! offset size
//!      0    8  magic, 0x89 "SSIMG" CR LF
//!      8    2  format version, major: a reader refuses one that it does not know
//!     10    2  format version, minor: a reader may ignore it
//!     12    1  byte order of all numbers, 1: little-endian
//!     13    1  length of the build id in bytes, at most 32
//!     14    2  zero
//!     16    8  seq: counts the saves of a run from 0
//!     24    8  step: the program's own count
//!     32    8  time of the save in nanoseconds since 1970, 0 if unknown
//!     40   32  build id of the program, zeros after it
//!     72   52  zero
//!    124    4  CRC32 of the 124 bytes before
//! ```

use samestate_schema::wire::{Reader, Writer};

use crate::ImageError;

/// The first eight bytes of an image. Not text, and damaged by any transfer that alters lines.
pub const MAGIC: [u8; 8] = *b"\x89SSIMG\r\n";

/// The version that this crate writes, and the highest that it reads.
pub const MAJOR: u16 = 1;

/// The minor version that this crate writes.
pub const MINOR: u16 = 0;

/// Length in bytes of the header.
pub const LEN: usize = 128;

/// Longest build id in bytes that an image holds.
pub const MAX_BUILD_ID_LEN: usize = 32;

const CRC_OFFSET: usize = LEN - 4;

/// What the header tells. Nothing of it is part of the image's id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Minor version of the format.
    pub minor: u16,
    /// Counts the saves of a run from 0.
    pub seq: u64,
    /// The program's own count.
    pub step: u64,
    /// Time of the save in nanoseconds since 1970, 0 if unknown.
    pub time_ns: u64,
    /// Build id of the program; empty if unknown, at most [`MAX_BUILD_ID_LEN`] bytes.
    pub build_id: Vec<u8>,
}

impl Header {
    /// The bytes of the header. Of the build id, the first [`MAX_BUILD_ID_LEN`] bytes count.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let id = &self.build_id[..self.build_id.len().min(MAX_BUILD_ID_LEN)];
        let mut out = Writer::new();
        out.bytes(&MAGIC);
        out.u16(MAJOR);
        out.u16(MINOR);
        out.u8(1);
        #[expect(clippy::cast_possible_truncation, reason = "at most 32")]
        out.u8(id.len() as u8);
        out.u16(0);
        out.u64(self.seq);
        out.u64(self.step);
        out.u64(self.time_ns);
        out.bytes(id);
        let mut bytes = out.into_bytes();
        bytes.resize(CRC_OFFSET, 0);
        let crc = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads the header of an image.
    ///
    /// # Errors
    /// [`ImageError`] if it is not one, is damaged, or is of a version that is not known here.
    pub fn decode(image: &[u8]) -> Result<Self, ImageError> {
        let magic = &image[..image.len().min(MAGIC.len())];
        if magic != MAGIC {
            return Err(ImageError::NotAnImage);
        }
        let truncated = ImageError::Truncated { len: image.len() as u64 };
        let Some(bytes) = image.get(..LEN) else { return Err(truncated) };
        let mut reader = Reader::new(&bytes[MAGIC.len()..]);
        let major = reader.u16()?;
        // The version comes before the checksum: where that stands is the version's business.
        if major != MAJOR {
            return Err(ImageError::Version { major });
        }
        let minor = reader.u16()?;
        let (order, id_len, zero) = (reader.u8()?, usize::from(reader.u8()?), reader.u16()?);
        let (seq, step, time_ns) = (reader.u64()?, reader.u64()?, reader.u64()?);
        let id: [u8; MAX_BUILD_ID_LEN] = reader.array()?;
        let rest = reader.bytes(CRC_OFFSET - 72)?;
        if reader.u32()? != crc32fast::hash(&bytes[..CRC_OFFSET]) {
            return Err(ImageError::Checksum { part: "header", offset: 0, len: LEN as u64 });
        }
        let build_id = id.get(..id_len).filter(|_| id[id_len..].iter().all(|&b| b == 0));
        let Some(build_id) = build_id else {
            return Err(ImageError::Malformed { part: "header", what: "the build id" });
        };
        if order != 1 {
            return Err(ImageError::Malformed { part: "header", what: "the byte order" });
        }
        if zero != 0 || (minor == MINOR && rest.iter().any(|&b| b != 0)) {
            return Err(ImageError::Malformed { part: "header", what: "a reserved byte" });
        }
        Ok(Self { minor, seq, step, time_ns, build_id: build_id.to_vec() })
    }
}
