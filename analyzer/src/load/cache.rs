//! A file that is read piece by piece, but for the names of its symbols: there are hundreds of
//! thousands of them, and each would be a piece.

use std::cell::OnceCell;
use std::fs::File;
use std::ops::Range;

use object::read::{ReadCache, ReadRef};

use super::parts::read_at;
use crate::limits::MAX_SECTION_LEN;

/// What was read of a file.
pub(super) struct Cache<'f> {
    file: &'f File,
    pieces: ReadCache<&'f File>,
    /// The table of names as a whole, and where it starts.
    names: OnceCell<(u64, Vec<u8>)>,
}

impl<'f> Cache<'f> {
    pub(super) fn new(file: &'f File) -> Self {
        Self { file, pieces: ReadCache::new(file), names: OnceCell::new() }
    }

    /// Reads the names of symbols at once; what is not there is read by piece, as the rest.
    pub(super) fn read_names(&self, (offset, len): (u64, u64)) {
        if len <= MAX_SECTION_LEN
            && let Some(bytes) = read_at(self.file, offset, len)
        {
            // A second table is read by piece.
            let _ = self.names.set((offset, bytes));
        }
    }

    fn name(&self, range: &Range<u64>, delimiter: u8) -> Option<&[u8]> {
        let (start, bytes) = self.names.get()?;
        let at = |place: u64| usize::try_from(place.checked_sub(*start)?).ok();
        let rest = bytes.get(at(range.start)?..at(range.end)?)?;
        Some(&rest[..memchr::memchr(delimiter, rest)?])
    }
}

impl<'c> ReadRef<'c> for &'c Cache<'_> {
    fn len(self) -> Result<u64, ()> {
        (&self.pieces).len()
    }

    fn read_bytes_at(self, offset: u64, size: u64) -> Result<&'c [u8], ()> {
        (&self.pieces).read_bytes_at(offset, size)
    }

    fn read_bytes_at_until(self, range: Range<u64>, delimiter: u8) -> Result<&'c [u8], ()> {
        match self.name(&range, delimiter) {
            Some(name) => Ok(name),
            None => (&self.pieces).read_bytes_at_until(range, delimiter),
        }
    }
}
