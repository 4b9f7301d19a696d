//! Memory and devices, by address.

use crate::device::Device;
use crate::display::{self, Display};
use crate::stream::{Damaged, Reader, Writer};

/// Bytes of memory, from address 0.
pub(crate) const RAM: usize = 0x4000;
/// Where the display's registers are.
pub(crate) const DISPLAY: u16 = 0x7f00;
/// Where the devices' registers are, sixteen for each.
pub(crate) const DEVICES: u16 = 0x8000;
/// Where the program is.
pub(crate) const ROM: u16 = 0xc000;

/// How many pages of memory there are.
const PAGES: usize = RAM / 256;

/// Everything that the processor reads and writes.
pub(crate) struct Bus {
    ram: Vec<u8>,
    /// The program; it never changes.
    rom: Vec<u8>,
    /// What is drawn.
    pub(crate) display: Display,
    /// What stands from [`DEVICES`] on.
    devices: Vec<Box<dyn Device>>,
    /// What was on the bus last; addresses without anything give it back.
    open: u8,
    /// Which pages cannot be written, by page.
    locked: [bool; PAGES],
    /// How much was written to each page since somebody asked; for a monitor beside the machine.
    heat: [u32; PAGES],
    /// The devices that asked for an interrupt and were not heard yet, by bit.
    pending: u32,
}

impl Bus {
    /// A bus with this program and these devices.
    #[must_use]
    pub(crate) fn new(rom: Vec<u8>, devices: Vec<Box<dyn Device>>) -> Self {
        Self {
            ram: vec![0; RAM],
            rom,
            display: Display::new(),
            devices,
            open: 0,
            locked: [false; PAGES],
            heat: [0; PAGES],
            pending: 0,
        }
    }

    /// Reads a byte.
    pub(crate) fn read(&mut self, address: u16) -> u8 {
        let at = usize::from(address);
        let value = match address {
            ROM.. => self.rom.get(at - usize::from(ROM)).copied(),
            DEVICES.. => {
                let (number, register) = split(address);
                self.devices.get_mut(number).map(|device| device.read(register))
            }
            _ => self.ram.get(at).copied(),
        };
        self.open = value.unwrap_or(self.open);
        self.open
    }

    /// Writes a byte.
    pub(crate) fn write(&mut self, address: u16, value: u8) {
        self.open = value;
        match address {
            ROM.. => {}
            DEVICES.. => {
                let (number, register) = split(address);
                if let Some(device) = self.devices.get_mut(number) {
                    device.write(register, value);
                }
            }
            0x7f80.. => self.locked[usize::from(value) % PAGES] = address & 1 != 0,
            DISPLAY.. => self.display.write(address - DISPLAY, value),
            _ => {
                let at = usize::from(address);
                let page = at / 256;
                if let Some(byte) = self.ram.get_mut(at)
                    && !self.locked[page]
                {
                    *byte = value;
                    self.heat[page] += 1;
                }
            }
        }
    }

    /// Lets time pass; tells whether a device asks for an interrupt.
    pub(crate) fn tick(&mut self, cycles: u32) -> bool {
        for (number, device) in self.devices.iter_mut().enumerate() {
            if device.tick(cycles) {
                self.pending |= 1 << number;
            }
        }
        self.pending != 0
    }

    /// The interrupt was heard.
    pub(crate) fn acknowledge(&mut self) {
        self.pending = 0;
    }

    /// The page that was written most, and the names of the devices.
    #[must_use]
    pub(crate) fn summary(&self) -> String {
        let hottest = (0..PAGES).max_by_key(|&page| self.heat[page]).unwrap_or(0);
        let names: Vec<&str> = self.devices.iter().map(|device| device.name()).collect();
        format!("hottest page {hottest}, devices: {}", names.join(", "))
    }

    /// Appends its state.
    pub(crate) fn save(&self, writer: &mut Writer) {
        writer.block(&self.ram);
        display::save_display(&self.display, writer);
        for device in &self.devices {
            device.save(writer);
        }
        writer.u8(self.open);
        self.locked.iter().for_each(|&is_locked| writer.flag(is_locked));
        writer.u32(self.pending);
    }

    /// Takes its state back.
    ///
    /// # Errors
    /// If the stream is not what `save` wrote.
    pub(crate) fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), Damaged> {
        self.ram = reader.block()?;
        if self.ram.len() != RAM {
            return Err(reader.damaged());
        }
        display::load_display(&mut self.display, reader)?;
        for device in &mut self.devices {
            device.load(reader)?;
        }
        self.open = reader.u8()?;
        for is_locked in &mut self.locked {
            *is_locked = reader.flag()?;
        }
        self.pending = reader.u32()?;
        Ok(())
    }
}

/// The number of a device and its register.
fn split(address: u16) -> (usize, u16) {
    let offset = address - DEVICES;
    (usize::from(offset / 16), offset % 16)
}
