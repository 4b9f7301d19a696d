mod entries;

use std::borrow::Cow;

use samestate_image::assembly::Digest;
use samestate_image::layout::{BLOCK_MIN, EMPTY_LIMIT, LONG_LEN};
use samestate_image::stream::{self, Stores};

use crate::depth::{Depth, Empty};
use crate::fixed;
use crate::objects::SavedObjects;
use crate::{Checkpoint, SaveError};

/// How many bytes of values of a fixed length are encoded at once.
const FIXED_PIECE: usize = 4096;

/// Longer values are not worth the room that is made for many at once.
const FIXED_MAX: usize = 1024;

/// What values are saved to. Long runs of numbers are borrowed from the state, all else is encoded
/// into one buffer; both are written to the file when everything is there. Volatile fields go to a
/// buffer of their own.
#[derive(Debug, Default)]
pub struct Saver<'a> {
    values: Vec<u8>,
    /// The values of volatile fields; inside of one, the other values, and `values` are these.
    other: Vec<u8>,
    in_volatile: bool,
    blocks: Vec<Cow<'a, [u8]>>,
    /// Length of all blocks in bytes.
    block_len: u64,
    depth: Depth,
    empty: Empty,
    /// Set inside keys and volatile fields, which must stand in one piece.
    whole: bool,
    objects: Option<Box<SavedObjects>>,
    /// The checksum of the values, if it is taken while they are encoded.
    digest: Option<Digest>,
}

/// What was saved.
pub(crate) struct Written<'a> {
    pub(crate) values: Vec<u8>,
    pub(crate) blocks: Vec<Cow<'a, [u8]>>,
    pub(crate) volatile: Vec<u8>,
}

impl<'a> Saver<'a> {
    /// Encodes behind what is in `values`, and takes the checksum meanwhile.
    pub(crate) fn behind(values: Vec<u8>, digest: Digest) -> Self {
        Self { values, digest: Some(digest), ..Self::default() }
    }

    /// Lets the checksum follow; to be called between the values of containers.
    #[inline]
    pub(crate) fn follow(&mut self) {
        if let Some(digest) = &mut self.digest {
            digest.follow(&self.values);
        }
    }

    /// The checksum so far; `None` if it was not taken, or given up.
    pub(crate) fn take_digest(&mut self) -> Option<Digest> {
        self.digest.take()
    }

    pub(crate) fn with_buffer(mut values: Vec<u8>) -> Self {
        values.clear();
        Self { values, ..Self::default() }
    }

    /// Writes in one piece what goes into a key or a volatile field later.
    pub(crate) fn in_one_piece() -> Self {
        Self { whole: true, in_volatile: true, ..Self::default() }
    }

    pub(crate) fn into_parts(self) -> Written<'a> {
        Written { values: self.values, blocks: self.blocks, volatile: self.other }
    }

    /// Saves by `write` what does not count when states are compared: neither the image's id nor
    /// the bytes of its other values tell of it. The schema must say so, too:
    /// [`Fields::volatile`](crate::Fields::volatile).
    ///
    /// # Errors
    /// As `write`, and inside a key of a map or set, which is told apart by what is compared.
    pub fn volatile(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<(), SaveError>,
    ) -> Result<(), SaveError> {
        if self.in_volatile {
            return write(self);
        }
        if self.whole {
            return Err(SaveError::custom("a volatile field in a key of a map or set"));
        }
        self.turn();
        let digest = self.digest.take();
        let outer = std::mem::replace(&mut self.whole, true);
        let result = write(self);
        self.whole = outer;
        self.digest = digest;
        self.turn();
        result
    }

    /// Goes over to the volatile values, or back.
    fn turn(&mut self) {
        std::mem::swap(&mut self.values, &mut self.other);
        self.in_volatile = !self.in_volatile;
    }

    /// Writes bytes whose number the restoring side knows.
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.values.extend_from_slice(bytes);
    }

    /// Writes a number of values or bytes.
    #[inline]
    pub fn write_len(&mut self, len: usize) {
        self.write_number(len as u64);
    }

    #[inline]
    pub(crate) fn write_number(&mut self, number: u64) {
        match u8::try_from(number) {
            Ok(short) if short < LONG_LEN => self.values.push(short),
            _ => {
                self.values.push(LONG_LEN);
                self.bytes(&number.to_le_bytes());
            }
        }
    }

    /// Writes bytes with their number: the counterpart of [`SchemaBuilder::opaque`].
    ///
    /// [`SchemaBuilder::opaque`]: crate::SchemaBuilder::opaque
    #[inline]
    pub fn opaque(&mut self, bytes: &[u8]) {
        self.write_len(bytes.len());
        self.bytes(bytes);
    }

    /// Saves a value that does not live as long as the state: one that was computed, or that
    /// stands behind a lock. Long runs of numbers in it are copied.
    ///
    /// # Errors
    /// As the value's own `save`.
    pub fn save_copy<T: Checkpoint>(&mut self, value: &T) -> Result<(), SaveError> {
        self.copied(|inner| value.save(inner))
    }

    /// Saves by `write` what does not live as long as the state.
    pub(crate) fn copied<'b>(
        &mut self,
        write: impl FnOnce(&mut Saver<'b>) -> Result<(), SaveError>,
    ) -> Result<(), SaveError> {
        let mut inner = Saver {
            values: std::mem::take(&mut self.values),
            other: std::mem::take(&mut self.other),
            in_volatile: self.in_volatile,
            depth: self.depth,
            empty: self.empty,
            whole: self.whole,
            objects: self.objects.take(),
            digest: self.digest.take(),
            ..Saver::default()
        };
        let result = write(&mut inner);
        self.objects = inner.objects.take();
        self.empty = inner.empty;
        self.digest = inner.digest.take();
        self.block_len += inner.block_len;
        let Written { values, blocks, volatile } = inner.into_parts();
        (self.values, self.other) = (values, volatile);
        self.blocks.extend(blocks.into_iter().map(|block| Cow::Owned(block.into_owned())));
        result
    }

    /// Whether this is inside a volatile field.
    pub(crate) fn is_volatile(&self) -> bool {
        self.in_volatile
    }

    /// Whether what is saved must stand in one piece.
    pub(crate) fn is_whole(&self) -> bool {
        self.whole
    }

    /// The objects that were met so far.
    pub(crate) fn objects(&mut self) -> &mut SavedObjects {
        self.objects.get_or_insert_default()
    }

    /// Checks what can only be known at the end; else tells where in the values the fault is.
    pub(crate) fn finish(&self) -> Result<(), (usize, SaveError)> {
        self.objects.as_ref().map_or(Ok(()), |objects| objects.check_owned())
    }

    /// Where values are encoded to.
    #[inline]
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.values
    }

    /// Changes a byte that was written before.
    pub(crate) fn change(&mut self, at: usize, change: impl FnOnce(&mut u8)) {
        // The checksum may be past it; then it is taken at the end.
        self.digest = None;
        if let Some(byte) = self.values.get_mut(at) {
            change(byte);
        }
    }

    /// Writes a value whose type has a fixed length; `false` if it has none.
    #[inline]
    pub(crate) fn fixed<T: Checkpoint>(&mut self, value: &T) -> bool {
        let Some(len) = T::FIXED_LEN else { return false };
        let start = self.values.len();
        self.values.resize(start + len, 0);
        T::put_fixed(value, &mut self.values[start..start + len]);
        true
    }

    /// Writes values whose type has a fixed length; `false` if it has none.
    #[inline]
    pub(crate) fn fixed_slice<T: Checkpoint>(&mut self, values: &[T]) -> bool {
        match T::FIXED_LEN {
            Some(1..=FIXED_MAX) if values.len() > 1 => {
                self.records(values);
                true
            }
            _ => false,
        }
    }

    /// Writes values whose type has a fixed length.
    fn records<T: Checkpoint>(&mut self, values: &[T]) {
        // Known when it is compiled, so that no number is written with a check of its own.
        let len = const { fixed::len::<T>() };
        let put = |values: &[T], out: &mut [u8]| {
            let places = out.chunks_exact_mut(len);
            values.iter().zip(places).for_each(|(value, place)| T::put_fixed(value, place));
        };
        let whole = values.len().saturating_mul(len);
        self.values.reserve(whole);
        if Stores::of(whole) == Stores::Cached {
            for part in values.chunks(FIXED_PIECE / len) {
                self.follow();
                let start = self.values.len();
                self.values.resize(start + part.len() * len, 0);
                put(part, &mut self.values[start..]);
            }
            return;
        }
        let mut left = values;
        let make = |piece: &mut [u8]| {
            let (part, rest) = left.split_at(left.len().min(piece.len() / len));
            left = rest;
            put(part, piece);
            part.len() * len
        };
        match &mut self.digest {
            Some(digest) => digest.append_made(&mut self.values, make),
            None => stream::append_made(&mut self.values, make, |_| {}),
        }
    }

    /// Writes a run of numbers that stand in memory as they do in an image.
    #[inline]
    pub(crate) fn borrowed_run(&mut self, bytes: &'a [u8]) {
        if bytes.len() < BLOCK_MIN { self.bytes(bytes) } else { self.run(Cow::Borrowed(bytes)) }
    }

    /// Writes a run of numbers, little-endian, whose length the restoring side knows.
    pub(crate) fn run(&mut self, bytes: Cow<'a, [u8]>) {
        if bytes.len() >= BLOCK_MIN && !self.whole {
            self.block_len += bytes.len() as u64;
            self.blocks.push(bytes);
        } else {
            self.bytes(&bytes);
        }
    }

    /// Writes by `write` so many values; as one run, if they are numbers of `plain` bytes.
    #[inline]
    pub(crate) fn run_of(
        &mut self,
        count: usize,
        plain: usize,
        write: impl FnOnce(&mut Self) -> Result<(), SaveError>,
    ) -> Result<(), SaveError> {
        if self.whole || count.saturating_mul(plain) < BLOCK_MIN {
            return write(self);
        }
        self.joined(write)
    }

    /// Writes what `write` writes as one run of numbers.
    pub(crate) fn joined<'b>(
        &mut self,
        write: impl FnOnce(&mut Saver<'b>) -> Result<(), SaveError>,
    ) -> Result<(), SaveError> {
        let mut inner = Saver { depth: self.depth, whole: true, ..Saver::default() };
        write(&mut inner)?;
        self.run(Cow::Owned(inner.values));
        Ok(())
    }

    /// Writes what stands inside a box or a container of `T`.
    #[inline]
    pub(crate) fn nested<T, R>(
        &mut self,
        inside: impl FnOnce(&mut Self) -> Result<R, SaveError>,
    ) -> Result<R, SaveError> {
        let outer = self.depth;
        self.depth = outer.below::<T>().ok_or(SaveError::TooDeep)?;
        let result = inside(self);
        self.depth = outer;
        result
    }

    /// Saves one of many values, or what is in a box.
    #[inline]
    pub(crate) fn one<T: Checkpoint>(&mut self, value: &'a T) -> Result<(), SaveError> {
        if T::MIN_LEN > 0 {
            return value.save(self);
        }
        let before = self.written();
        value.save(self)?;
        if self.written() == before {
            self.empty.one::<T>().ok_or(SaveError::EmptyTooLarge)?;
        }
        Ok(())
    }

    /// How many bytes were written.
    #[inline]
    fn written(&self) -> u64 {
        self.values.len() as u64 + self.other.len() as u64 + self.block_len
    }

    /// Writes `count` values by `write`, with their number before them.
    #[inline]
    pub(crate) fn container<T: Checkpoint>(
        &mut self,
        count: usize,
        write: impl FnOnce(&mut Self) -> Result<(), SaveError>,
    ) -> Result<(), SaveError> {
        self.write_len(count);
        let start = self.written();
        self.nested::<T, _>(write)?;
        let (count, bytes) = (count as u64, self.written() - start);
        // What the restorer will ask before it sets memory aside.
        if T::MIN_LEN == 0 && count > EMPTY_LIMIT && count > bytes {
            return Err(SaveError::TooManyEmpty { count });
        }
        Ok(())
    }
}
