use core::fmt;
use std::io;
use std::path::PathBuf;

use samestate_schema::types::TableError;
use samestate_schema::wire::WireError;

use crate::codec::Codec;

/// Why a file or some bytes are not an image that can be used.
#[derive(Debug)]
pub enum ImageError {
    /// The file could not be read.
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The magic is missing.
    NotAnImage,
    /// The image has a format version that this program does not know.
    Version {
        /// The version found.
        major: u16,
    },
    /// The image ends early: it was cut off, or never written to its end.
    Truncated {
        /// How many bytes there are.
        len: u64,
    },
    /// A checksum does not match: the bytes were altered after they were written.
    Checksum {
        /// The part of the image.
        part: &'static str,
        /// Where it starts in the image, in bytes.
        offset: u64,
        /// How long it is, in bytes.
        len: u64,
    },
    /// The checksums match, but the image says something impossible: it was forged, or written by
    /// a faulty program.
    Malformed {
        /// The part of the image.
        part: &'static str,
        /// What in it is impossible.
        what: &'static str,
    },
    /// A chunk is stored in a way that this version does not know.
    UnknownCodec {
        /// The code of the method.
        code: u16,
    },
    /// A chunk is, or is to be, compressed in a way that this program was built without.
    CodecMissing {
        /// The way.
        codec: Codec,
    },
    /// The image uses a part of the format that this version only keeps room for.
    Unsupported {
        /// What the image is or does.
        what: &'static str,
    },
    /// The types take more bytes than those of an image may.
    SchemaTooLong {
        /// How many.
        len: usize,
    },
    /// There is not enough memory for what the chunks hold.
    Memory {
        /// How many bytes they hold.
        needed: u64,
    },
    /// A part of the image is malformed at an offset in it.
    Wire(WireError),
    /// The schema is malformed.
    Table(TableError),
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { path, source } => write!(f, "cannot read {}: {source}", path.display()),
            Self::NotAnImage => f.write_str("not a samestate image: the magic is missing"),
            Self::Version { major } => write!(
                f,
                "the image has format version {major}, this program reads version {}; use a newer \
                 version of samestate",
                crate::header::MAJOR
            ),
            Self::Truncated { len } => {
                write!(f, "the image ends early, after {len} bytes: it was never finished, or cut")
            }
            Self::Checksum { part, offset, len } => write!(
                f,
                "the image is damaged: the checksum of its {part} ({len} bytes at offset {offset}) \
                 does not match"
            ),
            Self::Malformed { part, what } => {
                write!(f, "the image is malformed: {what} in its {part} is impossible")
            }
            Self::UnknownCodec { code } => write!(
                f,
                "a chunk of the image is compressed by method {code}, which this version does not \
                 know; use a newer version of samestate"
            ),
            Self::CodecMissing { codec } => write!(
                f,
                "this program was built without {codec} compression; turn on the feature `{codec}` \
                 of the crate `samestate`"
            ),
            Self::Unsupported { what } => write!(
                f,
                "the image {what}, which this version cannot read; use a newer version of samestate"
            ),
            Self::SchemaTooLong { len } => write!(
                f,
                "the types take {len} bytes, {} are the most; a type of their own for part of the \
                 state needs an image of its own",
                crate::layout::SCHEMA_LIMIT
            ),
            Self::Memory { needed } => {
                write!(f, "no memory for the {needed} bytes that the compressed image holds")
            }
            Self::Wire(error) => write!(f, "the image is malformed: {error}"),
            Self::Table(error) => write!(f, "the image is malformed: {error}"),
        }
    }
}

impl std::error::Error for ImageError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { source, .. } => Some(source),
            Self::Wire(error) => Some(error),
            Self::Table(error) => Some(error),
            Self::NotAnImage
            | Self::Version { .. }
            | Self::Truncated { .. }
            | Self::Checksum { .. }
            | Self::Malformed { .. }
            | Self::UnknownCodec { .. }
            | Self::CodecMissing { .. }
            | Self::Unsupported { .. }
            | Self::SchemaTooLong { .. }
            | Self::Memory { .. } => None,
        }
    }
}

impl From<WireError> for ImageError {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}

impl From<TableError> for ImageError {
    fn from(error: TableError) -> Self {
        Self::Table(error)
    }
}
