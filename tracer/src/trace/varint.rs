//! Numbers of variable length, and the items made of them.

/// Why an item could not be read: what was expected, and where in the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// What was expected.
    pub what: &'static str,
    /// Where in the block's content, in bytes.
    pub offset: usize,
}

/// Writes a number: seven bits a byte, the lowest first.
pub(crate) fn put(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Writes a signed number so that small ones of either sign are short.
pub(crate) fn put_signed(out: &mut Vec<u8>, number: i64) {
    put(out, (number.cast_unsigned() << 1) ^ (number >> 63).cast_unsigned());
}

/// Writes bytes with their count.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Reads what the functions above write. Counts are checked against what is left before anything
/// is allocated.
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    pub(crate) const fn offset(&self) -> usize {
        self.at
    }

    pub(crate) const fn error(&self, what: &'static str) -> DecodeError {
        DecodeError { what, offset: self.at }
    }

    pub(crate) fn byte(&mut self) -> Result<u8, DecodeError> {
        let byte = *self.bytes.get(self.at).ok_or(self.error("a byte"))?;
        self.at += 1;
        Ok(byte)
    }

    pub(crate) fn number(&mut self) -> Result<u64, DecodeError> {
        let start = self.at;
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(DecodeError { what: "a number of at most 64 bits", offset: start })
    }

    pub(crate) fn signed(&mut self) -> Result<i64, DecodeError> {
        let number = self.number()?;
        Ok((number >> 1).cast_signed() ^ -((number & 1).cast_signed()))
    }

    pub(crate) fn small(&mut self) -> Result<u32, DecodeError> {
        let error = self.error("a number of at most 32 bits");
        u32::try_from(self.number()?).map_err(|_| error)
    }

    pub(crate) fn id(&mut self) -> Result<i32, DecodeError> {
        let error = self.error("a signed number of at most 32 bits");
        i32::try_from(self.signed()?).map_err(|_| error)
    }

    /// A count of items that take at least one byte each.
    pub(crate) fn count(&mut self) -> Result<usize, DecodeError> {
        let error = self.error("a count of what is left");
        let count = usize::try_from(self.number()?).map_err(|_| error)?;
        if count > self.bytes.len() - self.at { Err(error) } else { Ok(count) }
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let count = self.count()?;
        let bytes = &self.bytes[self.at..self.at + count];
        self.at += count;
        Ok(bytes)
    }

    pub(crate) fn vec(&mut self) -> Result<Vec<u8>, DecodeError> {
        self.bytes().map(<[u8]>::to_vec)
    }

    pub(crate) fn text(&mut self) -> Result<String, DecodeError> {
        let error = self.error("text");
        String::from_utf8(self.vec()?).map_err(|_| error)
    }
}
