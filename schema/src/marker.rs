//! The marker: the system call by which a program announces a checkpoint to whoever traces it.
//!
//! It is a raw `write` of the bytes below to the impossible descriptor [`FD`]. The kernel refuses
//! it with `EBADF` in about 0.1 µs, so it costs nothing when nobody traces and passes every
//! sandbox. A tracer may overwrite its result with [`TRACED`] to say "you are traced".
//!
//! ```text
//! offset size
//!      0    8  magic, "samestat"
//!      8    2  version
//!     10    2  kind
//!     12    4  total_len: length of the whole marker in bytes
//!     16    8  seq: counts the saves of one process from 0; all markers of one save share it
//!     24    8  step: the program's own count
//!     32   16  image_id
//!     48    8  root_addr: address of the root value, 0 if not told
//!     56    8  record_addr: address of its record in the binary, 0 if not told
//!     64   16  digest of the saved state, 0 if not told
//!     80    4  path_len
//!     84    …  path of the image, in the encoding of the file system
//!      …    4  fields_len, if anything follows the path
//!      …    …  fields: for each the length of its path (u16), its path, and its digest (u64)
//! ```
//!
//! All numbers are little-endian. Readers ignore what lies past what they know, up to `total_len`.

use alloc::vec::Vec;
use core::fmt;

use crate::wire::{Reader, WireError};

/// The descriptor that markers are written to. It is negative, hence never open.
pub const FD: i32 = -0x4350;

/// What a tracer returns from the marker's `write` instead of `-EBADF`.
pub const TRACED: i64 = 0x4350;

/// The first eight bytes of a marker, as a number.
pub const MAGIC: u64 = u64::from_le_bytes(*b"samestat");

/// The version written by this crate.
pub const VERSION: u16 = 1;

/// Length in bytes of a marker without its path.
pub const FIXED_LEN: usize = 84;

/// Longest path in bytes that a marker carries; Linux' `PATH_MAX`.
pub const MAX_PATH_LEN: usize = 4096;

/// Longest marker in bytes that a reader needs to fetch.
pub const MAX_LEN: usize = 8192;

/// What a marker announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A save begins. From here to `Durable` or `SaveEnd`, a run is compared by the image's id only.
    SaveBegin,
    /// The state point: the image holds the state as it is here.
    Saved,
    /// The image is on disk.
    Durable,
    /// The program has restored an image and finished setting up.
    Restored,
    /// The program reached a step, and perhaps tells the digest of its state.
    Step,
    /// The program goes on where no `Durable` tells so: the save failed, or threads made since
    /// `Saved` write the image, one of which announces `Durable`.
    SaveEnd,
}

impl Kind {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 6] =
        [Self::SaveBegin, Self::Saved, Self::Durable, Self::Restored, Self::Step, Self::SaveEnd];

    /// The number that stands for it, from 1.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::SaveBegin => 1,
            Self::Saved => 2,
            Self::Durable => 3,
            Self::Restored => 4,
            Self::Step => 5,
            Self::SaveEnd => 6,
        }
    }

    /// The kind that this number stands for.
    #[must_use]
    pub fn from_code(code: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// The word for it in text and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::SaveBegin => "save-begin",
            Self::Saved => "saved",
            Self::Durable => "durable",
            Self::Restored => "restored",
            Self::Step => "step",
            Self::SaveEnd => "save-end",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// One marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker<'a> {
    /// What it announces.
    pub kind: Kind,
    /// Counts the saves of one process from 0; for `Restored`, that of the image restored.
    pub seq: u64,
    /// The program's own count.
    pub step: u64,
    /// The image it is about; zeros in `SaveBegin` and `Step`.
    pub image_id: [u8; 16],
    /// Address of the root value in the program's memory, 0 if not told.
    pub root_addr: u64,
    /// Address of the root's record in the program's memory, 0 if not told.
    pub record_addr: u64,
    /// Digest of the saved state, zeros if not told.
    pub digest: [u8; 16],
    /// Path of the image in the encoding of the file system; empty where there is none.
    pub path: &'a [u8],
    /// Digests of the saved fields, encoded by [`FieldDigests`]; empty if not told.
    pub fields: &'a [u8],
}

/// Digests of fields by path, as a marker holds them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldDigests(Vec<u8>);

/// Most bytes that the digests of a marker take, so that the whole marker stays within [`MAX_LEN`].
pub const MAX_FIELDS_LEN: usize = MAX_LEN - FIXED_LEN - MAX_PATH_LEN - 4;

impl FieldDigests {
    /// Adds a field; whether there was room for it.
    pub fn push(&mut self, path: &str, digest: u64) -> bool {
        let Ok(length) = u16::try_from(path.len()) else { return false };
        if self.0.len() + 2 + path.len() + 8 > MAX_FIELDS_LEN {
            return false;
        }
        self.0.extend_from_slice(&length.to_le_bytes());
        self.0.extend_from_slice(path.as_bytes());
        self.0.extend_from_slice(&digest.to_le_bytes());
        true
    }

    /// The bytes for [`Marker::fields`].
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Paths and digests, as far as the bytes hold whole ones.
    pub fn read(bytes: &[u8]) -> impl Iterator<Item = (&str, u64)> {
        let mut reader = Reader::new(bytes);
        core::iter::from_fn(move || {
            let length = reader.u16().ok()?;
            let path = reader.bytes(length.into()).ok()?;
            Some((core::str::from_utf8(path).ok()?, reader.u64().ok()?))
        })
    }
}

/// Why bytes are not a marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkerError {
    /// The bytes end too early, or a number in them has no meaning.
    Wire(WireError),
    /// They do not start with the magic.
    NotAMarker,
    /// The path is longer than [`MAX_PATH_LEN`], or longer than the marker has room for.
    BadLength {
        /// What the marker says its whole length is, in bytes.
        total_len: u32,
        /// What it says the length of its path is, in bytes.
        path_len: u32,
    },
}

impl From<WireError> for MarkerError {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}

impl fmt::Display for MarkerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wire(error) => write!(f, "malformed marker: {error}"),
            Self::NotAMarker => f.write_str("not a marker: the magic is missing"),
            Self::BadLength { total_len, path_len } => write!(
                f,
                "malformed marker: a path of {path_len} bytes in a marker of {total_len} bytes"
            ),
        }
    }
}

impl core::error::Error for MarkerError {}

impl<'a> Marker<'a> {
    /// A marker of this kind with everything else empty.
    #[must_use]
    pub const fn new(kind: Kind) -> Self {
        Self {
            kind,
            seq: 0,
            step: 0,
            image_id: [0; 16],
            root_addr: 0,
            record_addr: 0,
            digest: [0; 16],
            path: &[],
            fields: &[],
        }
    }

    /// The bytes to write. A path longer than [`MAX_PATH_LEN`] is left out: such a file cannot
    /// be opened by that name anyway.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let path = if self.path.len() <= MAX_PATH_LEN { self.path } else { &[] };
        let fields = if self.fields.len() <= MAX_FIELDS_LEN { self.fields } else { &[] };
        let more = if fields.is_empty() { 0 } else { 4 + fields.len() };
        // All fit: a path has at most MAX_PATH_LEN bytes, the fields have MAX_FIELDS_LEN.
        #[expect(clippy::cast_possible_truncation, reason = "bounded by MAX_LEN")]
        let (path_len, fields_len, total_len) =
            (path.len() as u32, fields.len() as u32, (FIXED_LEN + path.len() + more) as u32);
        let mut bytes = Vec::with_capacity(FIXED_LEN + path.len() + more);
        bytes.extend_from_slice(&MAGIC.to_le_bytes());
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&self.kind.code().to_le_bytes());
        bytes.extend_from_slice(&total_len.to_le_bytes());
        bytes.extend_from_slice(&self.seq.to_le_bytes());
        bytes.extend_from_slice(&self.step.to_le_bytes());
        bytes.extend_from_slice(&self.image_id);
        bytes.extend_from_slice(&self.root_addr.to_le_bytes());
        bytes.extend_from_slice(&self.record_addr.to_le_bytes());
        bytes.extend_from_slice(&self.digest);
        bytes.extend_from_slice(&path_len.to_le_bytes());
        bytes.extend_from_slice(path);
        if !fields.is_empty() {
            bytes.extend_from_slice(&fields_len.to_le_bytes());
            bytes.extend_from_slice(fields);
        }
        bytes
    }

    /// Reads a marker off the front of `bytes`.
    ///
    /// # Errors
    /// [`MarkerError::NotAMarker`] if the magic is missing, the others if what follows it is
    /// malformed. A version newer than [`VERSION`] is read as far as it is known here.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, MarkerError> {
        let mut reader = Reader::new(bytes);
        if reader.u64() != Ok(MAGIC) {
            return Err(MarkerError::NotAMarker);
        }
        let version_offset = reader.offset();
        let version = reader.u16()?;
        if version == 0 {
            return Err(MarkerError::Wire(WireError::BadValue {
                offset: version_offset,
                what: "marker version",
                value: 0,
            }));
        }
        let kind_offset = reader.offset();
        let code = reader.u16()?;
        let kind = Kind::from_code(code).ok_or(WireError::BadValue {
            offset: kind_offset,
            what: "marker kind",
            value: u64::from(code),
        })?;
        let total_len = reader.u32()?;
        let seq = reader.u64()?;
        let step = reader.u64()?;
        let image_id = reader.array()?;
        let root_addr = reader.u64()?;
        let record_addr = reader.u64()?;
        let digest = reader.array()?;
        let path_len = reader.u32()?;
        let length = path_len as usize;
        if length > MAX_PATH_LEN || (total_len as usize) < FIXED_LEN + length {
            return Err(MarkerError::BadLength { total_len, path_len });
        }
        let path = reader.bytes(length)?;
        let fields = if total_len as usize >= FIXED_LEN + length + 4 {
            let fields_len = reader.u32()?;
            if fields_len as usize > MAX_FIELDS_LEN
                || (total_len as usize) < FIXED_LEN + length + 4 + fields_len as usize
            {
                return Err(MarkerError::BadLength { total_len, path_len: fields_len });
            }
            reader.bytes(fields_len as usize)?
        } else {
            &[]
        };
        Ok(Self { kind, seq, step, image_id, root_addr, record_addr, digest, path, fields })
    }
}
