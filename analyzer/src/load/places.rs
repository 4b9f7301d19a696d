//! Object files that are not linked yet: each section gets a place of its own, and what refers to
//! a section is told where that is, as the linker would.
//!
//! The places are those of no program, but they are distinct, which is all that is asked of them:
//! variables, tables of methods and records are joined by address.

use std::collections::BTreeMap;

use object::read::{Relocation, RelocationTarget};
use object::{
    Architecture, Object, ObjectKind, ObjectSection, ObjectSymbol, RelocationFlags, RelocationKind,
    SectionFlags, SectionKind, SymbolSection, elf,
};

use super::Elf;

/// Where the first section stands. What stands at address 0 has been removed by a linker.
const START: u64 = 0x1000;

/// Between variables that no section holds yet.
const COMMON_ALIGN: u64 = 64;

/// Where each section of a file stands: of a linked one, where it says.
#[derive(Debug, Default)]
pub(super) struct Places {
    is_unlinked: bool,
    /// By index. Those of debug information stand at their place among those of their name.
    sections: BTreeMap<usize, u64>,
    /// Variables of C that the linker makes room for, by symbol: address and length.
    commons: BTreeMap<usize, (u64, u64)>,
}

/// Bytes of a section that depend on where something stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patch {
    offset: u64,
    len: usize,
    value: u64,
    /// Whether the bytes that are there have to be added.
    adds: bool,
}

impl Places {
    /// Gives each section of an object file that will be loaded a place; `None` if they are longer
    /// than memory can be.
    pub(super) fn new(object: &Elf<'_, '_>) -> Option<Self> {
        let mut places = Self::default();
        if object.kind() != ObjectKind::Relocatable {
            return Some(places);
        }
        places.is_unlinked = true;
        let mut next = START;
        // A thread's block starts with what has initial values.
        let mut thread_len = 0;
        for part in [SectionKind::Tls, SectionKind::UninitializedTls] {
            for section in object.sections().filter(|section| section.kind() == part) {
                places.put(&section, &mut thread_len)?;
            }
        }
        for section in object.sections() {
            let is_thread =
                matches!(section.kind(), SectionKind::Tls | SectionKind::UninitializedTls);
            if is_loaded(section.flags()) && !is_thread {
                places.put(&section, &mut next)?;
            }
        }
        for symbol in object.symbols().filter(ObjectSymbol::is_common) {
            let start = next.checked_next_multiple_of(COMMON_ALIGN)?;
            next = start.checked_add(symbol.size())?;
            places.commons.insert(symbol.index().0, (start, symbol.size()));
        }
        Some(places)
    }

    fn put<'a>(&mut self, section: &impl ObjectSection<'a>, next: &mut u64) -> Option<()> {
        let start = next.checked_next_multiple_of(section.align().max(1))?;
        // An empty section must not share its place with the next one.
        *next = start.checked_add(section.size().max(1))?;
        self.sections.insert(section.index().0, start);
        Some(())
    }

    /// Whether the file has not been linked.
    pub(super) const fn is_unlinked(&self) -> bool {
        self.is_unlinked
    }

    /// Puts a section of debug information at a place among those of its name.
    pub(super) fn put_debug(&mut self, index: usize, offset: u64) {
        self.sections.insert(index, offset);
    }

    /// Where a section stands.
    pub(super) fn section<'a>(&self, section: &impl ObjectSection<'a>) -> u64 {
        if self.is_unlinked {
            self.sections.get(&section.index().0).copied().unwrap_or(0)
        } else {
            section.address()
        }
    }

    /// Address and length of each variable that no section holds yet.
    pub(super) fn commons(&self) -> impl Iterator<Item = (u64, u64)> {
        self.commons.values().copied()
    }

    /// Where a symbol of an object file stands; `None` if that is in another file.
    pub(super) fn symbol<'a>(&self, symbol: &impl ObjectSymbol<'a>) -> Option<u64> {
        match symbol.section() {
            SymbolSection::Section(index) => {
                let start = self.sections.get(&index.0).copied().unwrap_or(0);
                Some(start.wrapping_add(symbol.address()))
            }
            SymbolSection::Common => self.commons.get(&symbol.index().0).map(|&(start, _)| start),
            SymbolSection::Absolute => Some(symbol.address()),
            _ => None,
        }
    }

    /// What a relocation writes; nothing if it does nothing.
    pub(super) fn patch(
        &self,
        object: &Elf<'_, '_>,
        offset: u64,
        relocation: &Relocation,
    ) -> Result<Option<Patch>, String> {
        let RelocationFlags::Elf { r_type } = relocation.flags() else {
            return Err(format!("the relocation for byte {offset:#x} is not of ELF"));
        };
        let bits = match relocation.kind() {
            RelocationKind::None => return Ok(None),
            RelocationKind::Absolute => Some(relocation.size()),
            _ => thread_bits(object.architecture(), r_type),
        };
        let Some(bits @ (8 | 16 | 32 | 64)) = bits else {
            let kind = r_type.0;
            let what = match object.architecture() {
                Architecture::Riscv32 | Architecture::Riscv64 if (33..=60).contains(&kind) => {
                    "a sum or difference that is done when it is linked, type"
                }
                _ => "of unknown type",
            };
            return Err(format!("the relocation for byte {offset:#x} is {what} {kind}"));
        };
        let start = match relocation.target() {
            RelocationTarget::Symbol(index) => {
                let symbol = object.symbol_by_index(index).map_err(|_| {
                    format!("the relocation for byte {offset:#x} names symbol {}, of which there is none", index.0)
                })?;
                self.symbol(&symbol)
            }
            RelocationTarget::Absolute => Some(0),
            _ => return Err(format!("the relocation for byte {offset:#x} has no symbol")),
        };
        let len = usize::from(bits / 8);
        Ok(Some(match start {
            Some(start) => Patch {
                offset,
                len,
                value: start.wrapping_add_signed(relocation.addend()),
                adds: relocation.has_implicit_addend(),
            },
            // In another file: as what has been removed from this one.
            None => Patch { offset, len, value: 0, adds: false },
        }))
    }
}

impl Patch {
    /// Writes it, if its place is in the section and its value fits.
    pub(super) fn apply(self, section: &mut [u8], little_endian: bool) -> Result<(), String> {
        let outside = || format!("the relocation for byte {:#x} lies outside", self.offset);
        let start = usize::try_from(self.offset).map_err(|_| outside())?;
        let end = start.checked_add(self.len).ok_or_else(outside)?;
        let bytes = section.get_mut(start..end).ok_or_else(outside)?;
        let bits = 8 * self.len;
        let mask = if bits == 64 { u64::MAX } else { (1 << bits) - 1 };
        let mut value = self.value;
        if self.adds {
            let there = bytes.iter().enumerate().fold(0, |sum, (index, &byte)| {
                let place = if little_endian { index } else { self.len - 1 - index };
                sum | u64::from(byte) << (8 * place)
            });
            value = value.wrapping_add(there) & mask;
        }
        if value & !mask != 0 {
            return Err(format!("the value {value:#x} for byte {:#x} is too long", self.offset));
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            let place = if little_endian { index } else { self.len - 1 - index };
            *byte = (value >> (8 * place)).to_le_bytes()[0];
        }
        Ok(())
    }
}

fn is_loaded(flags: SectionFlags) -> bool {
    matches!(flags, SectionFlags::Elf { sh_flags, .. } if sh_flags.contains(elf::SHF_ALLOC))
}

/// How many bits a relocation has that stands for an offset in a thread's block.
fn thread_bits(architecture: Architecture, kind: elf::RelocationType) -> Option<u8> {
    match (architecture, kind) {
        (Architecture::X86_64, elf::R_X86_64_DTPOFF64)
        | (Architecture::Aarch64, elf::R_AARCH64_TLS_DTPREL)
        | (Architecture::Riscv64, elf::R_RISCV_TLS_DTPREL64) => Some(64),
        (Architecture::X86_64 | Architecture::X86_64_X32, elf::R_X86_64_DTPOFF32)
        | (Architecture::I386, elf::R_386_TLS_LDO_32)
        | (Architecture::Arm, elf::R_ARM_TLS_LDO32)
        | (Architecture::Riscv32, elf::R_RISCV_TLS_DTPREL32) => Some(32),
        _ => None,
    }
}
