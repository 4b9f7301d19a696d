//! A serial line: what the program prints, and what it is given to read.

use std::collections::VecDeque;

use crate::device::Device;
use crate::stream::{Damaged, Reader, Writer};

/// How many bytes wait to be read at most.
const FIFO: usize = 16;

/// A serial line.
#[derive(Debug, Default)]
pub(crate) struct Console {
    input: VecDeque<u8>,
    /// What was printed and not yet taken away.
    output: Vec<u8>,
    /// How fast it is, in cycles for each byte.
    pace: u32,
    /// How many cycles are left until the next byte may go.
    busy: u32,
    mode: Mode,
    /// Lines that were printed, for whoever watches; not the machine's.
    echo: Vec<String>,
}

/// What the line does with what it is given.
#[derive(Clone, Debug, Default)]
pub(crate) enum Mode {
    /// It prints it.
    #[default]
    Print,
    /// It gives it back, some number higher.
    Loop {
        /// How much higher.
        offset: u8,
    },
}

impl Console {
    /// A line of this pace.
    #[must_use]
    pub(crate) fn new(pace: u32) -> Self {
        Self { pace, ..Self::default() }
    }

    fn save_mode(&self, writer: &mut Writer) {
        match &self.mode {
            Mode::Print => writer.u8(0),
            Mode::Loop { offset } => {
                writer.u8(1);
                writer.u8(*offset);
            }
        }
    }
}

impl Device for Console {
    fn name(&self) -> &'static str {
        "console"
    }

    fn read(&mut self, register: u16) -> u8 {
        match register {
            0 => self.input.pop_front().unwrap_or(0),
            _ => u8::from(self.busy == 0) | u8::from(!self.input.is_empty()) << 1,
        }
    }

    fn write(&mut self, register: u16, value: u8) {
        match (register, &self.mode) {
            (0, Mode::Print) => {
                self.output.push(value);
                self.busy = self.pace;
                if value == b'\n' {
                    let line = String::from_utf8_lossy(&self.output).trim_end().to_owned();
                    self.echo.push(line);
                    self.output.clear();
                }
            }
            (0, Mode::Loop { offset }) => {
                if self.input.len() < FIFO {
                    self.input.push_back(value.wrapping_add(*offset));
                }
            }
            (_, _) if value == 0 => self.mode = Mode::Print,
            (_, _) => self.mode = Mode::Loop { offset: value },
        }
    }

    fn tick(&mut self, cycles: u32) -> bool {
        self.busy = self.busy.saturating_sub(cycles);
        false
    }

    fn save(&self, writer: &mut Writer) {
        let input: Vec<u8> = self.input.iter().copied().collect();
        writer.block(&input);
        writer.block(&self.output);
        writer.u32(self.pace);
        writer.u32(self.busy);
        self.save_mode(writer);
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), Damaged> {
        self.input = reader.block()?.into();
        self.output = reader.block()?;
        self.pace = reader.u32()?;
        self.busy = reader.u32()?;
        self.mode = match reader.u8()? {
            0 => Mode::Print,
            1 => Mode::Loop { offset: reader.u8()? },
            _ => return Err(reader.damaged()),
        };
        Ok(())
    }
}
