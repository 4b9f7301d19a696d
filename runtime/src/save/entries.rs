//! The entries of a map in the order of their encoded keys.
//!
//! They are encoded aside as they come, which is kind to memory, and put in order afterwards as
//! bytes. Two things need each value encoded in its turn: pointers to shared objects, which are
//! numbered as they are met, and errors, which tell the path of what was written last.

use std::ops::Range;

use super::Saver;
use crate::{Checkpoint, SaveError};

/// Where an entry stands among the encoded ones, and its blocks among theirs.
struct Place {
    start: usize,
    key_end: usize,
    end: usize,
    blocks: Range<usize>,
}

/// The beginnings of keys, with the numbers of their entries in the low bits: numbers compare
/// faster than slices do, and only keys that begin alike must be looked at.
struct Order {
    keys: Vec<u128>,
    /// How many bits the numbers take; the rest is the beginning of the key.
    bits: u32,
}

impl Order {
    fn new(count: usize) -> Self {
        let bits = if u32::try_from(count).is_ok() { 32 } else { usize::BITS };
        Self { keys: Vec::with_capacity(count), bits }
    }

    fn push(&mut self, key: &[u8]) {
        let mut start = [0; 16];
        let len = key.len().min(start.len());
        start[..len].copy_from_slice(&key[..len]);
        let start = u128::from_be_bytes(start) >> self.bits << self.bits;
        self.keys.push(start | self.keys.len() as u128);
    }

    /// The numbers of the entries, in the order of their keys.
    fn sorted<'k>(mut self, key: impl Fn(usize) -> &'k [u8]) -> impl Iterator<Item = usize> {
        let bits = self.bits;
        let number = move |entry: u128| (entry & ((1 << bits) - 1)) as usize;
        self.keys.sort_unstable();
        for alike in self.keys.chunk_by_mut(|a, b| a >> bits == b >> bits) {
            if alike.len() > 1 {
                alike.sort_unstable_by(|&a, &b| key(number(a)).cmp(key(number(b))));
            }
        }
        self.keys.into_iter().map(number)
    }
}

/// Whether what is written will be put in order later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Aside {
    /// It is not.
    #[default]
    No,
    /// It will be.
    Yes,
    /// It should have been, but cannot.
    Failed,
    /// It is not, and entries need not try, because others could not.
    Never,
}

impl<'a> Saver<'a> {
    /// To be called before writing what depends on the order of writing.
    pub(crate) fn keep_in_turn(&mut self) -> Result<(), ()> {
        match self.aside {
            Aside::No | Aside::Never => Ok(()),
            Aside::Yes | Aside::Failed => {
                self.aside = Aside::Failed;
                Err(())
            }
        }
    }

    /// Writes entries in the order of their encoded keys, which stand in one piece each.
    pub(crate) fn entries<K: Checkpoint, V: Checkpoint>(
        &mut self,
        entries: impl ExactSizeIterator<Item = (&'a K, &'a V)> + Clone,
    ) -> Result<(), SaveError> {
        if self.aside != Aside::Never {
            match self.entries_aside(entries.clone()) {
                Ok(Aside::Yes) => return Ok(()),
                // The outermost entries try again.
                Ok(_) if self.aside != Aside::No => {
                    self.aside = Aside::Failed;
                    return Ok(());
                }
                Err(error) if self.aside != Aside::No => return Err(error),
                Ok(_) | Err(_) => self.aside = Aside::Never,
            }
        }
        self.entries_in_turn(entries)
    }

    fn entries_in_turn<K: Checkpoint, V: Checkpoint>(
        &mut self,
        entries: impl ExactSizeIterator<Item = (&'a K, &'a V)> + Clone,
    ) -> Result<(), SaveError> {
        let mut inner = Saver { depth: self.depth, whole: true, ..Saver::default() };
        let mut order = Order::new(entries.len());
        let mut ends = vec![0];
        for (key, _) in entries.clone() {
            let start = inner.values.len();
            key.save(&mut inner)?;
            order.push(&inner.values[start..]);
            ends.push(inner.values.len());
        }
        let values: Vec<&V> = entries.map(|(_, value)| value).collect();
        let key = |number: usize| &inner.values[ends[number]..ends[number + 1]];
        for number in order.sorted(key) {
            self.bytes(key(number));
            values[number].save(self)?;
            self.follow();
        }
        Ok(())
    }

    /// Writes nothing unless it returns `Aside::Yes`.
    fn entries_aside<K: Checkpoint, V: Checkpoint>(
        &mut self,
        entries: impl ExactSizeIterator<Item = (&'a K, &'a V)>,
    ) -> Result<Aside, SaveError> {
        let count = entries.len();
        let mut inner = Saver { depth: self.depth, aside: Aside::Yes, ..Saver::default() };
        let mut places = Vec::with_capacity(count);
        let mut order = Order::new(count);
        for (key, value) in entries {
            let (start, block) = (inner.values.len(), inner.blocks.len());
            inner.whole = true;
            key.save(&mut inner)?;
            inner.whole = self.whole;
            let key_end = inner.values.len();
            order.push(&inner.values[start..]);
            value.save(&mut inner)?;
            let (end, blocks) = (inner.values.len(), block..inner.blocks.len());
            places.push(Place { start, key_end, end, blocks });
        }
        if inner.aside != Aside::Yes {
            return Ok(inner.aside);
        }
        let Saver { values, mut blocks, block_len, .. } = inner;
        let key = |number: usize| {
            let place: &Place = &places[number];
            &values[place.start..place.key_end]
        };
        self.values.reserve(values.len());
        self.blocks.reserve(blocks.len());
        for number in order.sorted(key) {
            let place = &places[number];
            self.bytes(&values[place.start..place.end]);
            self.blocks.extend(blocks[place.blocks.clone()].iter_mut().map(std::mem::take));
            self.follow();
        }
        self.block_len += block_len;
        Ok(Aside::Yes)
    }
}
