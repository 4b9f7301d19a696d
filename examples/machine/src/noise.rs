//! A source of numbers that look random and are the same in every run.

use crate::device::Device;
use crate::stream::{Damaged, Reader, Writer};

/// A shift register with feedback.
#[derive(Clone, Debug)]
pub(crate) struct Noise {
    shift: u32,
    /// Which bits feed back.
    taps: u32,
    draws: u64,
}

impl Noise {
    /// A register that starts from this seed.
    #[must_use]
    pub(crate) fn new(seed: u32) -> Self {
        Self { shift: seed.max(1), taps: 0xedb8_8320, draws: 0 }
    }

    fn draw(&mut self) -> u8 {
        self.draws += 1;
        for _ in 0..8 {
            let out = self.shift & 1;
            self.shift >>= 1;
            if out == 1 {
                self.shift ^= self.taps;
            }
        }
        self.shift.to_le_bytes()[0]
    }
}

impl Device for Noise {
    fn name(&self) -> &'static str {
        "noise"
    }

    fn read(&mut self, register: u16) -> u8 {
        match register {
            0 => self.draw(),
            register => self.draws.to_le_bytes()[usize::from(register % 8)],
        }
    }

    fn write(&mut self, register: u16, value: u8) {
        match register {
            0 => self.shift = u32::from(value) | 1,
            _ => self.taps = self.taps.rotate_left(3) ^ u32::from(value),
        }
    }

    fn tick(&mut self, _: u32) -> bool {
        false
    }

    fn save(&self, writer: &mut Writer) {
        let Self { shift, taps, draws } = self;
        writer.u32(*shift);
        writer.u32(*taps);
        writer.u64(*draws);
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), Damaged> {
        let (shift, taps) = (reader.u32()?, reader.u32()?);
        *self = Self { shift, taps, draws: reader.u64()? };
        Ok(())
    }
}
