use samestate_image::Image;
use samestate_image::layout::{BLOCK_MIN, EMPTY_LIMIT, LONG_LEN};

use crate::checked::Copies;
use crate::depth::{Depth, Empty};
use crate::error::RestoreErrorKind;
use crate::objects::{RestoredObject, Trial};
use crate::{Checkpoint, Handles, RestoreError};

/// What values are restored from. Nothing in it is trusted: every length is checked against the
/// bytes that are left before memory is set aside for it.
#[derive(Debug)]
pub struct Restorer<'i> {
    values: &'i [u8],
    at: usize,
    /// The volatile values and how far they were read; inside a volatile field, the others.
    other: (&'i [u8], usize),
    in_volatile: bool,
    blocks: Vec<&'i [u8]>,
    /// The numbers of blocks that were copied when they were checked.
    copies: &'i mut Copies,
    next_block: usize,
    /// Length in bytes of the blocks that were not read yet.
    block_len: u64,
    depth: Depth,
    empty: Empty,
    whole: bool,
    handles: &'i mut Handles,
    pub(crate) objects: Vec<RestoredObject>,
    pub(crate) trial: Trial,
    /// Set where a trial ended because of a handle.
    pub(crate) out_of_handles: bool,
}

/// How far a restorer has come.
pub(crate) struct Position {
    at: usize,
    other: usize,
    next_block: usize,
    block_len: u64,
    whole: bool,
    empty: Empty,
}

impl<'i> Restorer<'i> {
    pub(crate) fn new(
        image: &'i Image<'_>,
        copies: &'i mut Copies,
        handles: &'i mut Handles,
    ) -> Self {
        Self {
            values: image.values(),
            at: 0,
            other: (image.volatile(), 0),
            in_volatile: false,
            blocks: image.blocks().collect(),
            copies,
            next_block: 0,
            block_len: image.blocks().map(|block| block.len() as u64).sum(),
            depth: Depth::default(),
            empty: Empty::default(),
            whole: false,
            handles,
            objects: Vec::new(),
            trial: Trial::default(),
            out_of_handles: false,
        }
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.whole
    }

    pub(crate) fn position(&self) -> Position {
        let Self { at, other: (_, other), next_block, block_len, whole, empty, .. } = *self;
        Position { at, other, next_block, block_len, whole, empty }
    }

    pub(crate) fn go_back(&mut self, to: Position) {
        (self.at, self.other.1, self.whole) = (to.at, to.other, to.whole);
        (self.next_block, self.block_len) = (to.next_block, to.block_len);
        self.empty = to.empty;
    }

    /// How many bytes of the values were read. The volatile ones count on behind one more.
    pub(crate) fn offset(&self) -> usize {
        if self.in_volatile { self.other.0.len() + 1 + self.at } else { self.at }
    }

    /// Reads by `read` what [`Saver::volatile`](crate::Saver::volatile) wrote.
    ///
    /// # Errors
    /// As `read`.
    pub fn volatile<R>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<R, RestoreError>,
    ) -> Result<R, RestoreError> {
        if self.in_volatile {
            return read(self);
        }
        if self.whole {
            return Err(RestoreError::custom("a volatile field in a key of a map or set"));
        }
        self.whole = true;
        self.turn();
        let result = read(self);
        self.turn();
        self.whole = false;
        result
    }

    /// Goes over to the volatile values, or back.
    fn turn(&mut self) {
        std::mem::swap(&mut self.values, &mut self.other.0);
        std::mem::swap(&mut self.at, &mut self.other.1);
        self.in_volatile = !self.in_volatile;
    }

    /// Checks that everything was read.
    pub(crate) fn finish(&self) -> Result<(), RestoreError> {
        // A block is never empty, so that counting bytes counts blocks as well.
        match self.left() {
            0 => self.check_owned(),
            bytes => Err(self.error(RestoreErrorKind::Trailing { bytes })),
        }
    }

    /// How many bytes are left.
    #[inline]
    pub(crate) fn left(&self) -> u64 {
        let other = self.other.0.len() - self.other.1;
        (self.values.len() - self.at) as u64 + other as u64 + self.block_len
    }

    #[cold]
    pub(crate) fn error(&self, kind: RestoreErrorKind) -> RestoreError {
        RestoreError::at(kind, self.offset())
    }

    /// An error for a value that is not one of its type; `what` names the type in the message.
    #[cold]
    pub fn bad_value(&self, what: &'static str) -> RestoreError {
        self.error(RestoreErrorKind::BadValue { what })
    }

    /// Reads bytes whose number is known.
    ///
    /// # Errors
    /// [`RestoreErrorKind::Truncated`] if there are fewer.
    #[inline]
    pub fn bytes(&mut self, count: usize) -> Result<&'i [u8], RestoreError> {
        match self.values[self.at..].get(..count) {
            Some(bytes) => {
                self.at += count;
                Ok(bytes)
            }
            None => {
                let missing = (count - (self.values.len() - self.at)) as u64;
                Err(self.error(RestoreErrorKind::Truncated { missing }))
            }
        }
    }

    /// Reads an array of bytes.
    ///
    /// # Errors
    /// [`RestoreErrorKind::Truncated`] if there are fewer.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], RestoreError> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(N)?);
        Ok(array)
    }

    /// Reads what [`Saver::write_len`](crate::Saver::write_len) wrote. Memory must not be set aside by it
    /// before the bytes are known to be there.
    ///
    /// # Errors
    /// If it is no number, or longer than it needs to be.
    #[inline]
    pub fn read_len(&mut self) -> Result<u64, RestoreError> {
        match self.array::<1>()?[0] {
            LONG_LEN => {
                let len = u64::from_le_bytes(self.array()?);
                if len < u64::from(LONG_LEN) {
                    return Err(self.bad_value("length"));
                }
                Ok(len)
            }
            short => Ok(u64::from(short)),
        }
    }

    /// Reads what [`Saver::opaque`](crate::Saver::opaque) wrote.
    ///
    /// # Errors
    /// If the bytes are not there.
    #[inline]
    pub fn opaque(&mut self) -> Result<&'i [u8], RestoreError> {
        let count = self.count(1)?;
        self.bytes(count)
    }

    /// Reads a number of values that take at least `least` bytes each, and checks that these
    /// bytes are there.
    #[inline]
    pub(crate) fn count(&mut self, least: usize) -> Result<usize, RestoreError> {
        let count = self.read_len()?;
        let left = self.left();
        let fits = match least {
            0 => count <= left.max(EMPTY_LIMIT),
            least => count.checked_mul(least as u64).is_some_and(|bytes| bytes <= left),
        };
        match usize::try_from(count) {
            Ok(count) if fits => Ok(count),
            _ => Err(self.error(RestoreErrorKind::TooMany { count })),
        }
    }

    /// How many values to set memory aside for, given that `count` are claimed: never more memory
    /// than there are bytes left.
    #[inline]
    pub(crate) fn capacity<T>(&self, count: usize) -> usize {
        let left = usize::try_from(self.left()).unwrap_or(usize::MAX);
        count.min(left / size_of::<T>().max(1))
    }

    /// Reads a value whose type has a fixed length; reads nothing if it has none, or if the bytes
    /// are not there or stand for no value.
    #[inline]
    pub(crate) fn fixed<T: Checkpoint>(&mut self) -> Option<T> {
        let len = T::FIXED_LEN?;
        let mut valid = true;
        let value = T::get_fixed(self.values[self.at..].get(..len)?, &mut valid);
        valid.then(|| {
            self.at += len;
            value
        })
    }

    /// As [`fixed`](Self::fixed), for many.
    #[inline]
    pub(crate) fn fixed_vec<T: Checkpoint>(&mut self, count: usize) -> Option<Vec<T>> {
        let len = T::FIXED_LEN.filter(|&len| len > 0)?;
        let bytes = self.values[self.at..].get(..count.checked_mul(len)?)?;
        let mut values = Vec::with_capacity(self.capacity::<T>(count));
        let mut valid = true;
        values.extend(bytes.chunks_exact(len).map(|bytes| T::get_fixed(bytes, &mut valid)));
        if !valid {
            return None;
        }
        self.at += bytes.len();
        Some(values)
    }

    /// Takes the numbers of the block that comes next, if they were copied, and it is as long as
    /// `count` of them, of `size` bytes each.
    #[inline]
    pub(crate) fn copied_run<T: 'static>(&mut self, count: usize, size: usize) -> Option<Vec<T>> {
        let len = count.checked_mul(size)?;
        // In a trial, what is read will be read again.
        let again = self.trial == Trial::Running;
        if len < BLOCK_MIN || self.whole || again {
            return None;
        }
        let copy = self.copies.get_mut(self.next_block)?;
        let fits = self.blocks.get(self.next_block)?.len() == len;
        if !fits || !copy.as_ref()?.is::<Vec<T>>() {
            return None;
        }
        let numbers = copy.take()?.downcast::<Vec<T>>().ok()?;
        self.next_block += 1;
        self.block_len -= len as u64;
        Some(*numbers)
    }

    /// Reads a run of `count` values of `size` bytes each that are nothing but numbers.
    #[inline]
    pub(crate) fn run(&mut self, count: usize, size: usize) -> Result<&'i [u8], RestoreError> {
        let Some(len) = count.checked_mul(size) else {
            return Err(self.error(RestoreErrorKind::TooMany { count: count as u64 }));
        };
        if len < BLOCK_MIN || self.whole {
            return self.bytes(len);
        }
        match self.blocks.get(self.next_block) {
            Some(block) if block.len() == len => {
                self.next_block += 1;
                self.block_len -= len as u64;
                Ok(block)
            }
            _ => Err(self.error(RestoreErrorKind::TooMany { count: count as u64 })),
        }
    }

    /// Reads by `read` so many values; from their block, if they are numbers of `plain` bytes and
    /// stand in one.
    #[inline]
    pub(crate) fn run_of<R>(
        &mut self,
        count: usize,
        plain: usize,
        read: impl FnOnce(&mut Restorer<'_>) -> Result<R, RestoreError>,
    ) -> Result<R, RestoreError> {
        if self.whole || count.saturating_mul(plain) < BLOCK_MIN {
            return read(self);
        }
        self.in_run(count, plain, read)
    }

    /// Reads `count` values that are nothing but numbers by `read`, from where they stand.
    pub(crate) fn in_run<R>(
        &mut self,
        count: usize,
        size: usize,
        read: impl FnOnce(&mut Restorer<'_>) -> Result<R, RestoreError>,
    ) -> Result<R, RestoreError> {
        let start = self.at;
        let values = self.run(count, size)?;
        let mut copies = Copies::new();
        let mut inner = Restorer {
            values,
            at: 0,
            other: (&[], 0),
            in_volatile: false,
            blocks: Vec::new(),
            copies: &mut copies,
            next_block: 0,
            block_len: 0,
            depth: self.depth,
            empty: self.empty,
            whole: true,
            handles: &mut *self.handles,
            // Numbers point to nothing.
            objects: Vec::new(),
            trial: self.trial,
            out_of_handles: false,
        };
        // Offsets of errors count from the start of the whole.
        read(&mut inner).map_err(|error| error.locate(start, |_| None))
    }

    /// To be asked after one of many values, or what is in a box, was read: counts a `T` if it took
    /// no bytes. `before` is what was [left](Restorer::left) before it. The value is not passed
    /// through here, because it may be large.
    #[inline]
    pub(crate) fn count_empty<T: Checkpoint>(&mut self, before: u64) -> Result<(), RestoreError> {
        if T::MIN_LEN == 0 && self.left() == before && self.empty.one::<T>().is_none() {
            return Err(self.error(RestoreErrorKind::EmptyTooLarge));
        }
        Ok(())
    }

    /// Reads what stands inside a box or a container of `T`.
    #[inline]
    pub(crate) fn nested<T, R>(
        &mut self,
        inside: impl FnOnce(&mut Self) -> Result<R, RestoreError>,
    ) -> Result<R, RestoreError> {
        let outer = self.depth;
        self.depth = outer.below::<T>().ok_or_else(|| self.error(RestoreErrorKind::TooDeep))?;
        let result = inside(self);
        self.depth = outer;
        result
    }

    /// Reads a key; returns it with its bytes.
    #[inline]
    pub(crate) fn key<K: Checkpoint>(&mut self) -> Result<(K, &'i [u8]), RestoreError> {
        let start = self.at;
        let outer = std::mem::replace(&mut self.whole, true);
        let key = K::restore(self)?;
        self.whole = outer;
        Ok((key, &self.values[start..self.at]))
    }

    /// Looks at what comes next without reading it.
    pub(crate) fn peek<R>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<R, RestoreError>,
    ) -> Result<R, RestoreError> {
        let at = self.at;
        let result = read(self);
        self.at = at;
        result
    }

    /// Takes the handle that was given by this name, if one was.
    ///
    /// # Errors
    /// If it was given, but was already taken, or has another type.
    pub fn external_if_given<T: 'static>(&mut self, name: &str) -> Result<Option<T>, RestoreError> {
        if self.handles.is_given(name) { self.external(name).map(Some) } else { Ok(None) }
    }

    /// The error for a `skip(keep)` field where there is no running value; `field` names it in the
    /// message.
    #[cold]
    pub fn nothing_to_keep(&self, field: &'static str) -> RestoreError {
        self.error(RestoreErrorKind::NothingToKeep { field })
    }

    /// Takes the handle that was given by this name.
    ///
    /// # Errors
    /// If it was not given, was already taken, or has another type.
    pub fn external<T: 'static>(&mut self, name: &str) -> Result<T, RestoreError> {
        let at = self.offset();
        if self.trial == Trial::Running {
            self.out_of_handles = true;
            return Err(RestoreError::custom("a handle can be taken only once"));
        }
        self.handles.take(name).map_err(|kind| RestoreError::at(kind, at))
    }
}
