//! One block of a trace file: its head, its checksum, its compression.

use std::io::{self, Read, Write};

/// What a block holds.
pub(crate) const HEADER: u32 = 1;
pub(crate) const EVENTS: u32 = 2;
pub(crate) const TOTALS: u32 = 3;

/// Length of a block's head in the file, in bytes.
pub(crate) const HEAD: usize = 16;

/// No block's content is longer. A block ends after the event that makes it longer than
/// [`FULL`], and an event holds a few payloads at most.
const LONGEST: usize = 64 << 20;

/// A block that is at least as long as this is written, in bytes.
pub(crate) const FULL: usize = 256 << 10;

/// LZ4 cannot make a byte stand for more than this many.
const GREATEST_RATIO: usize = 256;

/// Why a block could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The file ends here, between two blocks.
    Nothing,
    /// The file ends within the block.
    Short,
    /// Its checksum is wrong.
    Checksum,
    /// Its head or its content is impossible.
    Impossible,
}

impl Broken {
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Nothing => "the end is missing",
            Self::Short => "the file ends within a block",
            Self::Checksum => "the checksum of a block is wrong",
            Self::Impossible => "a block is malformed",
        }
    }
}

/// Writes a block and says how many bytes it takes.
pub(crate) fn write(out: &mut impl Write, kind: u32, content: &[u8]) -> io::Result<u64> {
    let packed = lz4_flex::block::compress(content);
    let too_long = |_| io::Error::other("a block of the trace is too long");
    let mut head = [0; HEAD];
    head[0..4].copy_from_slice(&kind.to_le_bytes());
    head[4..8].copy_from_slice(&u32::try_from(content.len()).map_err(too_long)?.to_le_bytes());
    head[8..12].copy_from_slice(&u32::try_from(packed.len()).map_err(too_long)?.to_le_bytes());
    let checksum = checksum(&head, &packed);
    head[12..16].copy_from_slice(&checksum.to_le_bytes());
    out.write_all(&head)?;
    out.write_all(&packed)?;
    Ok((HEAD + packed.len()) as u64)
}

/// A block: its kind, its content, and how many bytes it takes in the file.
pub(crate) type Block = (u32, Vec<u8>, u64);

/// Reads a block.
pub(crate) fn read(input: &mut impl Read) -> io::Result<Result<Block, Broken>> {
    let mut head = [0; HEAD];
    let got = fill(input, &mut head)?;
    if got < HEAD {
        return Ok(Err(if got == 0 { Broken::Nothing } else { Broken::Short }));
    }
    let number =
        |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let (kind, length, packed_length) = (number(0), number(4) as usize, number(8) as usize);
    if length > LONGEST || packed_length > LONGEST || length / GREATEST_RATIO > packed_length {
        return Ok(Err(Broken::Impossible));
    }
    // Grows with what is really there, so that a forged length allocates nothing.
    let mut packed = Vec::new();
    input.take(packed_length as u64).read_to_end(&mut packed)?;
    if packed.len() < packed_length {
        return Ok(Err(Broken::Short));
    }
    if checksum(&head, &packed) != number(12) {
        return Ok(Err(Broken::Checksum));
    }
    match lz4_flex::block::decompress(&packed, length) {
        Ok(content) if content.len() == length => {
            Ok(Ok((kind, content, (HEAD + packed_length) as u64)))
        }
        _ => Ok(Err(Broken::Impossible)),
    }
}

fn checksum(head: &[u8; HEAD], packed: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&head[..12]);
    hasher.update(packed);
    hasher.finalize()
}

fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match input.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(count) => got += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}
