//! The processor: some sixty of the 6502's instructions, with its registers and flags.

use crate::bus::Bus;
use crate::stream::{Damaged, Reader, Writer, get, put};

/// Where execution starts, and where it goes on an interrupt.
const START: u16 = 0xfffc;
const INTERRUPT: u16 = 0xfffe;

/// What the last results were like.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flags {
    carry: bool,
    zero: bool,
    negative: bool,
    overflow: bool,
    /// Whether interrupts wait.
    masked: bool,
}

impl Flags {
    fn to_byte(self) -> u8 {
        u8::from(self.carry)
            | u8::from(self.zero) << 1
            | u8::from(self.masked) << 2
            | u8::from(self.overflow) << 6
            | u8::from(self.negative) << 7
    }

    fn from_byte(byte: u8) -> Self {
        Self {
            carry: byte & 1 != 0,
            zero: byte & 2 != 0,
            masked: byte & 4 != 0,
            overflow: byte & 0x40 != 0,
            negative: byte & 0x80 != 0,
        }
    }
}

/// An instruction with its operand, as it was decoded.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Decoded {
    opcode: u8,
    operand: u16,
}

/// The processor.
#[derive(Debug)]
pub(crate) struct Cpu {
    a: u8,
    x: u8,
    y: u8,
    sp: u8,
    pc: u16,
    flags: Flags,
    /// Cycles since the start.
    cycles: u64,
    /// Cycles that the next instruction has to wait for.
    stall: u32,
    /// Whether it stopped for good.
    is_halted: bool,
    /// What was executed last, for messages.
    last: Decoded,
}

impl Cpu {
    /// A processor that starts with this program.
    #[must_use]
    pub(crate) fn new(bus: &mut Bus) -> Self {
        let pc = read_word(bus, START);
        Self {
            a: 0,
            x: 0,
            y: 0,
            sp: 0xff,
            pc,
            flags: Flags::default(),
            cycles: 0,
            stall: 0,
            is_halted: false,
            last: Decoded::default(),
        }
    }

    /// Cycles since the start.
    #[must_use]
    pub(crate) fn cycles(&self) -> u64 {
        self.cycles
    }

    /// What it did last, for messages.
    #[must_use]
    pub(crate) fn last(&self) -> String {
        format!("{:02x} {:04x} before {:04x}", self.last.opcode, self.last.operand, self.pc)
    }

    fn next(&mut self, bus: &mut Bus) -> u8 {
        let byte = bus.read(self.pc);
        self.pc = self.pc.wrapping_add(1);
        byte
    }

    fn next_word(&mut self, bus: &mut Bus) -> u16 {
        let low = self.next(bus);
        u16::from_le_bytes([low, self.next(bus)])
    }

    fn push(&mut self, bus: &mut Bus, value: u8) {
        bus.write(0x100 | u16::from(self.sp), value);
        self.sp = self.sp.wrapping_sub(1);
    }

    fn pull(&mut self, bus: &mut Bus) -> u8 {
        self.sp = self.sp.wrapping_add(1);
        bus.read(0x100 | u16::from(self.sp))
    }

    fn test(&mut self, value: u8) -> u8 {
        self.flags.zero = value == 0;
        self.flags.negative = value & 0x80 != 0;
        value
    }

    fn add(&mut self, value: u8) {
        let sum = u16::from(self.a) + u16::from(value) + u16::from(self.flags.carry);
        let [low, high] = sum.to_le_bytes();
        self.flags.carry = high != 0;
        self.flags.overflow = !(self.a ^ value) & (self.a ^ low) & 0x80 != 0;
        self.a = self.test(low);
    }

    fn compare(&mut self, register: u8, value: u8) {
        self.flags.carry = register >= value;
        self.test(register.wrapping_sub(value));
    }

    fn branch(&mut self, bus: &mut Bus, is_taken: bool) {
        let offset = self.next(bus).cast_signed();
        if is_taken {
            self.pc = self.pc.wrapping_add_signed(i16::from(offset));
            self.stall += 1;
        }
    }

    /// The address of an operand, by the column of the opcode.
    fn address(&mut self, bus: &mut Bus, opcode: u8) -> u16 {
        let address = match opcode & 0x1f {
            0x04..=0x06 => u16::from(self.next(bus)),
            0x0c..=0x0e => self.next_word(bus),
            0x14 | 0x15 => u16::from(self.next(bus).wrapping_add(self.x)),
            0x19 => self.next_word(bus).wrapping_add(u16::from(self.y)),
            0x1d | 0x1e => self.next_word(bus).wrapping_add(u16::from(self.x)),
            0x11 => {
                let at = self.next(bus);
                read_word(bus, u16::from(at)).wrapping_add(u16::from(self.y))
            }
            _ => {
                let here = self.pc;
                self.pc = self.pc.wrapping_add(1);
                here
            }
        };
        self.last.operand = address;
        address
    }

    /// Takes an interrupt, if it may.
    pub(crate) fn interrupt(&mut self, bus: &mut Bus) {
        if self.flags.masked || self.is_halted {
            return;
        }
        bus.acknowledge();
        let [low, high] = self.pc.to_le_bytes();
        self.push(bus, high);
        self.push(bus, low);
        self.push(bus, self.flags.to_byte());
        self.flags.masked = true;
        self.pc = read_word(bus, INTERRUPT);
        self.stall += 7;
    }

    /// Executes one instruction; returns how many cycles that took.
    pub(crate) fn step(&mut self, bus: &mut Bus) -> u32 {
        if self.is_halted {
            self.cycles += 1;
            return 1;
        }
        let opcode = self.next(bus);
        self.last = Decoded { opcode, operand: 0 };
        if !self.implied(bus, opcode) {
            self.addressed(bus, opcode);
        }
        let taken = 2 + std::mem::take(&mut self.stall);
        self.cycles += u64::from(taken);
        taken
    }

    /// Instructions without an address; tells whether it was one.
    fn implied(&mut self, bus: &mut Bus, opcode: u8) -> bool {
        match opcode {
            0x00 => self.is_halted = true,
            0x18 => self.flags.carry = false,
            0x38 => self.flags.carry = true,
            0x58 => self.flags.masked = false,
            0x78 => self.flags.masked = true,
            0xb8 => self.flags.overflow = false,
            0xaa => self.x = self.test(self.a),
            0x8a => self.a = self.test(self.x),
            0xa8 => self.y = self.test(self.a),
            0x98 => self.a = self.test(self.y),
            0xe8 => self.x = self.test(self.x.wrapping_add(1)),
            0xca => self.x = self.test(self.x.wrapping_sub(1)),
            0xc8 => self.y = self.test(self.y.wrapping_add(1)),
            0x88 => self.y = self.test(self.y.wrapping_sub(1)),
            0x48 => self.push(bus, self.a),
            0x68 => {
                let value = self.pull(bus);
                self.a = self.test(value);
            }
            0x0a => {
                self.flags.carry = self.a & 0x80 != 0;
                self.a = self.test(self.a << 1);
            }
            0x4a => {
                self.flags.carry = self.a & 1 != 0;
                self.a = self.test(self.a >> 1);
            }
            0x20 => {
                let target = self.next_word(bus);
                let [low, high] = self.pc.to_le_bytes();
                self.push(bus, high);
                self.push(bus, low);
                self.pc = target;
            }
            0x60 => {
                let low = self.pull(bus);
                self.pc = u16::from_le_bytes([low, self.pull(bus)]);
            }
            0x40 => {
                let flags = self.pull(bus);
                self.flags = Flags::from_byte(flags);
                let low = self.pull(bus);
                self.pc = u16::from_le_bytes([low, self.pull(bus)]);
            }
            0x4c => self.pc = self.next_word(bus),
            0x10 => self.branch(bus, !self.flags.negative),
            0x30 => self.branch(bus, self.flags.negative),
            0x50 => self.branch(bus, !self.flags.overflow),
            0x70 => self.branch(bus, self.flags.overflow),
            0x90 => self.branch(bus, !self.flags.carry),
            0xb0 => self.branch(bus, self.flags.carry),
            0xd0 => self.branch(bus, !self.flags.zero),
            0xf0 => self.branch(bus, self.flags.zero),
            0xea => {}
            _ => return false,
        }
        true
    }

    /// Instructions with an address.
    fn addressed(&mut self, bus: &mut Bus, opcode: u8) {
        let address = self.address(bus, opcode);
        self.stall += 1;
        match opcode {
            0xa9 | 0xa5 | 0xb5 | 0xad | 0xbd | 0xb9 | 0xb1 => {
                let value = bus.read(address);
                self.a = self.test(value);
            }
            0xa2 | 0xa6 | 0xae => {
                let value = bus.read(address);
                self.x = self.test(value);
            }
            0xa0 | 0xa4 | 0xac => {
                let value = bus.read(address);
                self.y = self.test(value);
            }
            0x85 | 0x95 | 0x8d | 0x9d | 0x99 | 0x91 => bus.write(address, self.a),
            0x86 | 0x8e => bus.write(address, self.x),
            0x84 | 0x8c => bus.write(address, self.y),
            0x69 | 0x65 | 0x6d | 0x7d => {
                let value = bus.read(address);
                self.add(value);
            }
            0xe9 | 0xe5 | 0xed => {
                let value = bus.read(address);
                self.add(!value);
            }
            0x29 | 0x25 | 0x2d => self.a &= bus.read(address),
            0x09 | 0x05 | 0x0d => self.a |= bus.read(address),
            0x49 | 0x45 | 0x4d => self.a ^= bus.read(address),
            0xc9 | 0xc5 | 0xcd => {
                let value = bus.read(address);
                self.compare(self.a, value);
            }
            0xe0 => {
                let value = bus.read(address);
                self.compare(self.x, value);
            }
            0xc0 => {
                let value = bus.read(address);
                self.compare(self.y, value);
            }
            0xe6 | 0xee => {
                let value = bus.read(address).wrapping_add(1);
                bus.write(address, value);
                self.test(value);
            }
            0xc6 | 0xce => {
                let value = bus.read(address).wrapping_sub(1);
                bus.write(address, value);
                self.test(value);
            }
            _ => self.is_halted = true,
        }
    }

    /// Appends its state.
    pub(crate) fn save(&self, writer: &mut Writer) {
        put!(writer, self, u8: a x y sp, u16: pc, u64: cycles, u32: stall, flag: is_halted);
        save_flags(&self.flags, writer);
    }

    /// Takes its state back.
    ///
    /// # Errors
    /// If the stream is not what `save` wrote.
    pub(crate) fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), Damaged> {
        get!(reader, self, u8: a x y sp, u16: pc, u64: cycles, u32: stall, flag: is_halted);
        self.flags = load_flags(reader)?;
        Ok(())
    }
}

fn save_flags(flags: &Flags, writer: &mut Writer) {
    writer.flag(flags.carry);
    writer.flag(flags.zero);
    writer.flag(flags.negative);
    writer.flag(flags.overflow);
    writer.flag(flags.masked);
}

fn load_flags(reader: &mut Reader<'_>) -> Result<Flags, Damaged> {
    let carry = reader.flag()?;
    let zero = reader.flag()?;
    let negative = reader.flag()?;
    let overflow = reader.flag()?;
    Ok(Flags { carry, zero, negative, overflow, masked: reader.flag()? })
}

fn read_word(bus: &mut Bus, address: u16) -> u16 {
    let low = bus.read(address);
    u16::from_le_bytes([low, bus.read(address.wrapping_add(1))])
}
