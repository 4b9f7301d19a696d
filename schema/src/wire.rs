//! Reading and writing little-endian bytes without trusting them.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Why bytes could not be read; `offset` counts from the start of what was given to the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireError {
    /// The bytes end too early.
    Truncated {
        /// Where the missing item starts.
        offset: usize,
        /// How many bytes it needs.
        needed: usize,
        /// How many bytes there are.
        available: usize,
    },
    /// A string is not UTF-8.
    NotUtf8 {
        /// Where the string starts.
        offset: usize,
    },
    /// A number is not one of those that have a meaning here.
    BadValue {
        /// Where it stands.
        offset: usize,
        /// What it was meant to be.
        what: &'static str,
        /// What it was.
        value: u64,
    },
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { offset, needed, available } => {
                write!(f, "offset {offset}: {needed} bytes needed, {available} left")
            }
            Self::NotUtf8 { offset } => write!(f, "offset {offset}: a string is not UTF-8"),
            Self::BadValue { offset, what, value } => {
                write!(f, "offset {offset}: {value} is not a {what}")
            }
        }
    }
}

impl core::error::Error for WireError {}

/// Reads items off the front of a byte slice. Every count is checked against the bytes that are
/// left before anything is allocated for it.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    /// How many bytes were read.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// How many bytes are left.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.bytes.len() - self.offset
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// [`WireError::Truncated`] if there are fewer.
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], WireError> {
        let available = self.remaining();
        if count > available {
            return Err(WireError::Truncated { offset: self.offset, needed: count, available });
        }
        let taken = &self.bytes[self.offset..self.offset + count];
        self.offset += count;
        Ok(taken)
    }

    /// The next `N` bytes as an array.
    ///
    /// # Errors
    /// [`WireError::Truncated`] if there are fewer.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(N)?);
        Ok(array)
    }

    /// The next byte.
    ///
    /// # Errors
    /// [`WireError::Truncated`] at the end.
    pub fn u8(&mut self) -> Result<u8, WireError> {
        Ok(self.array::<1>()?[0])
    }

    /// The next two bytes as a number.
    ///
    /// # Errors
    /// [`WireError::Truncated`] if there are fewer.
    pub fn u16(&mut self) -> Result<u16, WireError> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    /// The next four bytes as a number.
    ///
    /// # Errors
    /// [`WireError::Truncated`] if there are fewer.
    pub fn u32(&mut self) -> Result<u32, WireError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// The next eight bytes as a number.
    ///
    /// # Errors
    /// [`WireError::Truncated`] if there are fewer.
    pub fn u64(&mut self) -> Result<u64, WireError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A count of items that take at least `least` bytes each.
    ///
    /// # Errors
    /// [`WireError::Truncated`] if that many items cannot be left, so that a forged count never
    /// makes its reader allocate more than a constant factor of the input.
    pub fn count(&mut self, least: usize) -> Result<usize, WireError> {
        let offset = self.offset;
        let count = self.u32()? as usize;
        let needed = count.saturating_mul(least.max(1));
        if needed > self.remaining() {
            return Err(WireError::Truncated { offset, needed, available: self.remaining() });
        }
        Ok(count)
    }

    /// A string: its length in bytes as `u32`, then UTF-8.
    ///
    /// # Errors
    /// [`WireError::Truncated`] or [`WireError::NotUtf8`].
    pub fn str(&mut self) -> Result<&'a str, WireError> {
        let count = self.count(1)?;
        let offset = self.offset;
        core::str::from_utf8(self.bytes(count)?).map_err(|_| WireError::NotUtf8 { offset })
    }

    /// An owned copy of [`Reader::str`].
    ///
    /// # Errors
    /// As [`Reader::str`].
    pub fn string(&mut self) -> Result<String, WireError> {
        self.str().map(String::from)
    }
}

/// Writes what [`Reader`] reads.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// An empty writer.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// What was written.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Writes bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Writes one byte.
    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// Writes a number in two bytes.
    pub fn u16(&mut self, value: u16) {
        self.bytes(&value.to_le_bytes());
    }

    /// Writes a number in four bytes.
    pub fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    /// Writes a number in eight bytes.
    pub fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }

    /// Writes a count of items. More than `u32::MAX` items are not a schema any more; the count
    /// then saturates, and the reader refuses it.
    pub fn count(&mut self, count: usize) {
        self.u32(u32::try_from(count).unwrap_or(u32::MAX));
    }

    /// Writes a string with its length.
    pub fn str(&mut self, text: &str) {
        self.count(text.len());
        self.bytes(text.as_bytes());
    }
}
