//! The random number generator: xorshift64*.

use samestate::Checkpoint;

/// A generator, and how often it was asked.
#[derive(Checkpoint)]
pub(crate) struct Rng {
    state: u64,
    draws: u64,
}

impl Rng {
    /// A generator that starts from `seed`.
    pub(crate) fn seeded(seed: u64) -> Self {
        // Zero is the one state that xorshift never leaves.
        Self { state: seed | 1, draws: 0 }
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.draws += 1;
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number from 0 up to `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = bound as u64;
        // The remainder is smaller than `bound`, which came from a `usize`.
        usize::try_from(self.next() % bound).unwrap_or(0)
    }

    /// A number from -1 up to 1.
    pub(crate) fn signed_unit(&mut self) -> f32 {
        // 16 bits, which an `f32` holds exactly.
        let bits = u16::try_from(self.next() >> 48).unwrap_or(0);
        f32::from(bits) / 32768.0 - 1.0
    }

    /// How many numbers were drawn.
    pub(crate) fn draws(&self) -> u64 {
        self.draws
    }
}
