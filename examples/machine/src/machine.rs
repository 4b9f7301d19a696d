//! The whole machine, and its states.

use std::io::{self, Write};

use crate::bus::Bus;
use crate::console::Console;
use crate::cpu::Cpu;
use crate::device::Device;
use crate::noise::Noise;
use crate::stream::{Damaged, Reader, Writer};
use crate::timer::Timer;

/// What every state starts with.
const MAGIC: u32 = 0x3154_534d;

/// The version of the states; to be raised whenever what is saved changes.
const VERSION: u16 = 1;

/// Cycles of a frame.
const FRAME: u32 = 2000;

/// A machine with its program.
pub(crate) struct Machine {
    cpu: Cpu,
    bus: Bus,
    /// Cycles that the current frame still has, less those that the last one had too many.
    budget: i32,
    /// How often it was saved; for the log.
    saves: u32,
    log: Option<Box<dyn Write>>,
    name: String,
}

impl Machine {
    /// A machine that runs this program, which stands from `0xc000` on.
    #[must_use]
    pub(crate) fn new(name: &str, program: &[u8]) -> Self {
        let mut rom = program.to_vec();
        rom.resize(0x4000, 0);
        // It starts at the first instruction; an interrupt clears the timers and returns.
        rom[0x3000..0x3006].copy_from_slice(&[0x48, 0xad, 0x09, 0x80, 0x68, 0x40]);
        rom[0x3ffc..].copy_from_slice(&[0x00, 0xc0, 0x00, 0xf0]);
        let devices: Vec<Box<dyn Device>> =
            vec![Box::new(Timer::default()), Box::new(Noise::new(1)), Box::new(Console::new(20))];
        let mut bus = Bus::new(rom, devices);
        let cpu = Cpu::new(&mut bus);
        Self { cpu, bus, budget: 0, saves: 0, log: None, name: name.to_owned() }
    }

    /// Writes what happens to this.
    pub(crate) fn set_log(&mut self, log: Box<dyn Write>) {
        self.log = Some(log);
    }

    fn note(&mut self, text: &str) -> io::Result<()> {
        match &mut self.log {
            Some(log) => writeln!(log, "{}: {text}", self.name),
            None => Ok(()),
        }
    }

    /// Runs for a frame; returns the picture.
    pub(crate) fn frame(&mut self) -> &str {
        self.budget += FRAME.cast_signed();
        while self.budget > 0 {
            let taken = self.cpu.step(&mut self.bus);
            self.budget -= taken.cast_signed();
            if self.bus.tick(taken) {
                self.cpu.interrupt(&mut self.bus);
            }
        }
        self.bus.display.show()
    }

    /// What it did so far.
    #[must_use]
    pub(crate) fn summary(&self) -> String {
        format!(
            "{} cycles, {} frames, {}, last {}",
            self.cpu.cycles(),
            self.bus.display.frames(),
            self.bus.summary(),
            self.cpu.last()
        )
    }

    /// Its state.
    ///
    /// # Errors
    /// If the log cannot be written.
    pub(crate) fn save_state(&mut self) -> io::Result<Vec<u8>> {
        self.saves += 1;
        let text = format!("state {} after {} cycles", self.saves, self.cpu.cycles());
        self.note(&text)?;
        let mut writer = Writer::default();
        writer.u32(MAGIC);
        writer.u16(VERSION);
        self.cpu.save(&mut writer);
        self.bus.save(&mut writer);
        writer.u32(self.budget.cast_unsigned());
        Ok(writer.into_bytes())
    }

    /// Goes back to a state.
    ///
    /// # Errors
    /// If it is damaged; the machine is of no use then.
    pub(crate) fn load_state(&mut self, state: &[u8]) -> Result<(), Damaged> {
        let mut reader = Reader::new(state);
        if reader.u32()? != MAGIC || reader.u16()? != VERSION {
            return Err(reader.damaged());
        }
        self.cpu.load(&mut reader)?;
        self.bus.load(&mut reader)?;
        self.budget = reader.u32()?.cast_signed();
        reader.end()
    }
}
