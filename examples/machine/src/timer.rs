//! Timers that count down and ask for an interrupt.

use crate::device::Device;
use crate::stream::{Damaged, Reader, Writer, get, put};

/// One counter.
#[derive(Clone, Debug, Default)]
pub(crate) struct Channel {
    /// What it starts from again.
    reload: u16,
    /// Where it is.
    counter: u16,
    /// Whether it runs.
    is_on: bool,
    /// Whether it starts again at zero.
    repeats: bool,
}

impl Channel {
    fn step(&mut self) -> bool {
        if !self.is_on {
            return false;
        }
        if self.counter > 0 {
            self.counter -= 1;
            return false;
        }
        self.counter = self.reload;
        self.is_on = self.repeats;
        true
    }

    fn save(&self, writer: &mut Writer) {
        put!(writer, self, u16: reload counter, flag: is_on repeats);
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), Damaged> {
        get!(reader, self, u16: reload counter, flag: is_on repeats);
        Ok(())
    }
}

/// Two counters behind one divider.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timer {
    slow: Channel,
    fast: Channel,
    divider: u16,
    /// Which counters ran out, by bit.
    pending: u8,
    /// Which of them may interrupt, by bit.
    mask: u8,
    /// How often each ran out, for statistics at the end.
    expired: [u32; 2],
}

impl Timer {
    fn channel(&mut self, register: u16) -> &mut Channel {
        if register < 4 { &mut self.slow } else { &mut self.fast }
    }
}

impl Device for Timer {
    fn name(&self) -> &'static str {
        "timer"
    }

    fn read(&mut self, register: u16) -> u8 {
        match register {
            8 => self.mask,
            9 => std::mem::take(&mut self.pending),
            _ => {
                let [low, high] = self.channel(register).counter.to_le_bytes();
                if register.is_multiple_of(2) { low } else { high }
            }
        }
    }

    fn write(&mut self, register: u16, value: u8) {
        if register == 8 {
            self.mask = value;
            return;
        }
        let channel = self.channel(register);
        match register % 4 {
            0 => channel.reload = channel.reload & 0xff00 | u16::from(value),
            1 => channel.reload = channel.reload & 0x00ff | u16::from(value) << 8,
            2 => {
                channel.is_on = value & 1 != 0;
                channel.repeats = value & 2 != 0;
                channel.counter = channel.reload;
            }
            _ => {}
        }
    }

    fn tick(&mut self, cycles: u32) -> bool {
        for _ in 0..cycles {
            self.divider = self.divider.wrapping_add(1);
            if self.fast.step() {
                self.pending |= 2;
                self.expired[1] += 1;
            }
            if self.divider.is_multiple_of(64) && self.slow.step() {
                self.pending |= 1;
                self.expired[0] += 1;
            }
        }
        self.pending & self.mask != 0
    }

    fn save(&self, writer: &mut Writer) {
        self.slow.save(writer);
        self.fast.save(writer);
        writer.u16(self.divider);
        writer.u8(self.pending);
        writer.u8(self.mask);
        for count in self.expired {
            writer.u32(count);
        }
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), Damaged> {
        self.slow.load(reader)?;
        self.fast.load(reader)?;
        self.divider = reader.u16()?;
        self.pending = reader.u8()?;
        self.mask = reader.u8()?;
        for count in &mut self.expired {
            *count = reader.u32()?;
        }
        Ok(())
    }
}
