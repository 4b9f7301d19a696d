//! The byte stream that states are saved to, as emulators do: each value after the other, nothing
//! in between.

/// What a state is written to.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Appends a byte.
    pub(crate) fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// Appends a number, its low byte first.
    pub(crate) fn u16(&mut self, value: u16) {
        self.bytes.extend(value.to_le_bytes());
    }

    /// Appends a number, its low byte first.
    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes.extend(value.to_le_bytes());
    }

    /// Appends a number, its low byte first.
    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes.extend(value.to_le_bytes());
    }

    /// Appends a truth value as a byte.
    pub(crate) fn flag(&mut self, value: bool) {
        self.u8(u8::from(value));
    }

    /// Appends bytes whose number the reader knows.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    /// Appends bytes after their number.
    pub(crate) fn block(&mut self, bytes: &[u8]) {
        self.u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        self.raw(bytes);
    }

    /// What was written.
    #[must_use]
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// The stream ended early, or held something that is no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damaged {
    /// Where it was noticed.
    pub offset: usize,
}

/// What a state is read from.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// A reader from the start.
    #[must_use]
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    /// An error at the current place.
    #[must_use]
    pub(crate) fn damaged(&self) -> Damaged {
        Damaged { offset: self.offset }
    }

    /// The next bytes, as many as asked for.
    ///
    /// # Errors
    /// If there are fewer.
    pub(crate) fn raw(&mut self, count: usize) -> Result<&'a [u8], Damaged> {
        let end = self.offset.checked_add(count).ok_or(self.damaged())?;
        let bytes = self.bytes.get(self.offset..end).ok_or(self.damaged())?;
        self.offset = end;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Damaged> {
        let damaged = self.damaged();
        self.raw(N)?.try_into().map_err(|_| damaged)
    }

    /// The next byte.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn u8(&mut self) -> Result<u8, Damaged> {
        self.array().map(u8::from_le_bytes)
    }

    /// The next number of two bytes.
    ///
    /// # Errors
    /// If there are fewer.
    pub(crate) fn u16(&mut self) -> Result<u16, Damaged> {
        self.array().map(u16::from_le_bytes)
    }

    /// The next number of four bytes.
    ///
    /// # Errors
    /// If there are fewer.
    pub(crate) fn u32(&mut self) -> Result<u32, Damaged> {
        self.array().map(u32::from_le_bytes)
    }

    /// The next number of eight bytes.
    ///
    /// # Errors
    /// If there are fewer.
    pub(crate) fn u64(&mut self) -> Result<u64, Damaged> {
        self.array().map(u64::from_le_bytes)
    }

    /// The next truth value.
    ///
    /// # Errors
    /// If it is neither 0 nor 1, or not there.
    pub(crate) fn flag(&mut self) -> Result<bool, Damaged> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.damaged()),
        }
    }

    /// Fills a slice.
    ///
    /// # Errors
    /// If there are too few bytes.
    pub(crate) fn fill(&mut self, target: &mut [u8]) -> Result<(), Damaged> {
        target.copy_from_slice(self.raw(target.len())?);
        Ok(())
    }

    /// The bytes after their number.
    ///
    /// # Errors
    /// If there are fewer than it says.
    pub(crate) fn block(&mut self) -> Result<Vec<u8>, Damaged> {
        let count = self.u32()? as usize;
        self.raw(count).map(<[u8]>::to_vec)
    }

    /// Checks that nothing is left.
    ///
    /// # Errors
    /// If something is.
    pub(crate) fn end(&self) -> Result<(), Damaged> {
        if self.offset == self.bytes.len() { Ok(()) } else { Err(self.damaged()) }
    }
}

/// Writes the fields of a value, in this order: `put!(writer, self, u8: a x y, u16: pc)`.
macro_rules! put {
    ($writer:ident, $of:expr, $($kind:ident: $($field:ident)+),+ $(,)?) => {
        $($( $writer.$kind($of.$field); )+)+
    };
}

/// Reads the fields of a value, in this order: `get!(reader, self, u8: a x y, u16: pc)`.
macro_rules! get {
    ($reader:ident, $of:expr, $($kind:ident: $($field:ident)+),+ $(,)?) => {
        $($( $of.$field = $reader.$kind()?; )+)+
    };
}

pub(crate) use {get, put};
