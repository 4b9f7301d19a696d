//! Putting an image together in one buffer. Checksums are taken while the bytes are in the
//! processor's cache: of values just after they were encoded, of blocks just before they are copied.

use crate::ImageError;
use crate::build::Layout;
use crate::directory::end_len;
use crate::header::{self, Header};
use crate::schema_chunk::TypeHash;
use crate::stream::{self, Stores};

/// How many bytes are hashed at once: they must fit the innermost cache.
const PIECE: usize = 16 * 1024;

/// The checksum of what stands at the end of a buffer that grows.
#[derive(Clone, Debug)]
pub struct Digest {
    hasher: crc32fast::Hasher,
    /// Up to where the buffer is in it.
    at: usize,
}

impl Digest {
    fn behind(at: usize) -> Self {
        Self { hasher: crc32fast::Hasher::new(), at }
    }

    /// Takes in what was appended, if it is enough for a piece. What is taken in must not change
    /// any more.
    #[inline]
    pub fn follow(&mut self, buffer: &[u8]) {
        if buffer.len() - self.at >= PIECE {
            self.catch_up(buffer);
        }
    }

    #[inline(never)]
    fn catch_up(&mut self, buffer: &[u8]) {
        self.hasher.update(&buffer[self.at..]);
        self.at = buffer.len();
    }

    /// Takes in what was appended, and appends more as [`append_made`](stream::append_made) does.
    pub fn append_made(&mut self, buffer: &mut Vec<u8>, make: impl FnMut(&mut [u8]) -> usize) {
        self.catch_up(buffer);
        stream::append_made(buffer, make, |piece| self.hasher.update(piece));
        self.at = buffer.len();
    }

    /// Ends a chunk by its padding; the next one begins behind it.
    fn close(&mut self, out: &mut Vec<u8>, padding: &[u8]) -> u32 {
        out.extend_from_slice(padding);
        self.catch_up(out);
        std::mem::take(&mut self.hasher).finalize()
    }
}

/// An image whose header and schema are in a buffer, behind which its values are to be encoded.
#[derive(Debug)]
pub struct Assembly {
    schema_len: usize,
    values_at: usize,
}

impl Assembly {
    /// Puts header and schema into the buffer, whose memory is used again.
    ///
    /// # Errors
    /// [`ImageError::Malformed`] if the image would be longer than 2^64 bytes.
    pub fn begin(out: &mut Vec<u8>, header: &Header, schema: &[u8]) -> Result<Self, ImageError> {
        let layout = Layout::new([schema.len(), 0].into_iter(), 0)?;
        out.clear();
        out.extend_from_slice(&header.encode());
        out.extend_from_slice(schema);
        out.extend_from_slice(layout.padding(0));
        Ok(Self { schema_len: schema.len(), values_at: out.len() })
    }

    /// Where in the buffer the values start.
    #[must_use]
    pub const fn values_at(&self) -> usize {
        self.values_at
    }

    /// The checksum of the values, of which there are none yet.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::behind(self.values_at)
    }

    /// Appends the blocks, what is volatile, and the end, and returns the image's id.
    ///
    /// # Errors
    /// [`ImageError::Malformed`] if the image would be longer than 2^64 bytes.
    pub fn finish<'b>(
        self,
        out: &mut Vec<u8>,
        mut digest: Digest,
        blocks: impl Iterator<Item = &'b [u8]> + Clone,
        volatile: &'b [u8],
        root_hash: TypeHash,
    ) -> Result<[u8; 16], ImageError> {
        let lens = [self.schema_len, out.len() - self.values_at].into_iter();
        let mut layout = Layout::new(lens.chain(blocks.clone().map(<[u8]>::len)), volatile.len())?;
        let whole = end_len(layout.chunks.len()) as u64 + layout.end;
        let more = usize::try_from(whole).unwrap_or(usize::MAX).saturating_sub(out.len());
        out.reserve_exact(more);
        let stores = Stores::of(out.len() + more);
        layout.chunks[0].crc = crc32fast::hash(&out[header::LEN..self.values_at]);
        let last = (!volatile.is_empty()).then_some(volatile);
        for (index, block) in (1..).zip(blocks.chain(last)) {
            layout.chunks[index].crc = digest.close(out, layout.padding(index));
            stream::append(out, block, stores, |piece| digest.hasher.update(piece));
            digest.at = out.len();
        }
        let last = layout.chunks.len() - 1;
        layout.chunks[last].crc = digest.close(out, layout.padding(last));
        let (id, end) = layout.end(root_hash);
        out.extend_from_slice(&end);
        Ok(id)
    }
}
