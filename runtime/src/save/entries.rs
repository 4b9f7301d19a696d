//! The entries of a map in the order of their encoded keys.

use super::Saver;
use crate::prefetch::{AHEAD, fetch};
use crate::{Checkpoint, SaveError};

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

    fn sort<'k>(&mut self, key: impl Fn(usize) -> &'k [u8]) {
        let bits = self.bits;
        let number = |entry| number(entry, bits);
        self.keys.sort_unstable();
        for alike in self.keys.chunk_by_mut(|a, b| a >> bits == b >> bits) {
            if alike.len() > 1 {
                alike.sort_unstable_by(|&a, &b| key(number(a)).cmp(key(number(b))));
            }
        }
    }

    /// The number of the entry that comes at a turn.
    #[inline]
    fn at(&self, turn: usize) -> Option<usize> {
        self.keys.get(turn).map(|&entry| number(entry, self.bits))
    }
}

#[inline]
fn number(entry: u128, bits: u32) -> usize {
    (entry & ((1 << bits) - 1)) as usize
}

impl<'a> Saver<'a> {
    /// Writes entries in the order of their encoded keys, which stand in one piece each.
    ///
    /// Values are encoded in their turn: pointers to shared objects are numbered as they are met,
    /// and an error tells the path of what was written last. Nearly all of them stand somewhere
    /// else in memory than the one before, so they are fetched some turns ahead.
    pub(crate) fn entries<K: Checkpoint, V: Checkpoint>(
        &mut self,
        entries: impl ExactSizeIterator<Item = (&'a K, &'a V)> + Clone,
    ) -> Result<(), SaveError> {
        let count = entries.len();
        let mut inner = Saver { depth: self.depth, whole: true, ..Saver::default() };
        let mut order = Order::new(count);
        let mut values = Vec::with_capacity(count);
        let mut ends = Vec::with_capacity(count + 1);
        ends.push(0);
        let mut ahead = entries.clone().skip(AHEAD);
        for (key, value) in entries {
            if let Some((key, _)) = ahead.next() {
                K::prefetch(key);
            }
            let start = inner.values.len();
            key.save(&mut inner)?;
            order.push(&inner.values[start..]);
            ends.push(inner.values.len());
            values.push(value);
        }
        let key = |number: usize| &inner.values[ends[number]..ends[number + 1]];
        order.sort(key);
        for turn in 0..count {
            if let Some(number) = order.at(turn + 2 * AHEAD) {
                fetch(std::slice::from_ref(values[number]));
            }
            if let Some(number) = order.at(turn + AHEAD) {
                fetch(key(number));
                V::prefetch(values[number]);
            }
            if let Some(number) = order.at(turn) {
                self.bytes(key(number));
                values[number].save(self)?;
                self.follow();
            }
        }
        Ok(())
    }
}
