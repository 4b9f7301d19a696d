//! What hangs on the bus.

use crate::stream::{Damaged, Reader, Writer};

/// A device that occupies some addresses.
pub(crate) trait Device {
    /// Its name, for people.
    fn name(&self) -> &'static str;
    /// Reads one of its registers.
    fn read(&mut self, register: u16) -> u8;
    /// Writes one of its registers.
    fn write(&mut self, register: u16, value: u8);
    /// Lets time pass; tells whether it asks for an interrupt.
    fn tick(&mut self, cycles: u32) -> bool;
    /// Appends its state.
    fn save(&self, writer: &mut Writer);
    /// Takes its state back.
    ///
    /// # Errors
    /// If the stream is not what `save` wrote.
    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), Damaged>;
}
