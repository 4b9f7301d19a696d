//! How to find the caller of a function, as the program's own tables tell.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;

use gimli::{
    BaseAddresses, CfaRule, CieOrFde, DebugFrame, EhFrame, Encoding, EndianSlice, Expression,
    LittleEndian, RegisterRule, UnwindContext, UnwindExpression, UnwindSection,
};

use crate::Error;
use crate::file::{Elf, Loaded};

/// So many functions are looked at; what comes behind has no rules.
const MOST: usize = 4_000_000;

/// The tables of one file.
#[derive(Debug)]
pub struct Rules {
    /// `.eh_frame`, and `.debug_frame` if the file has no other.
    frames: Vec<u8>,
    is_debug: bool,
    bases: BaseAddresses,
    /// Start, end and offset of what is told of each function, by address.
    functions: Vec<(u64, u64, usize)>,
    loaded: Vec<Loaded>,
    /// Rows that were looked up before.
    known: RefCell<HashMap<u64, Option<Row>>>,
}

/// What has to be done at one address to get at the caller's registers.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) cfa: CfaRule<usize>,
    pub(crate) registers: Vec<(u16, RegisterRule<usize>)>,
    /// Where the caller goes on.
    pub(crate) returns: u16,
    /// It was not called: a signal came in between.
    pub(crate) is_signal: bool,
    pub(crate) encoding: Encoding,
}

/// The bytes of tables and expressions.
type Bytes<'a> = EndianSlice<'a, LittleEndian>;

impl Rules {
    /// Reads the tables of a file.
    ///
    /// # Errors
    /// If it cannot be read, or is no ELF file. One without tables is no error.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let elf = Elf::open(path)?;
        elf.with(|object| {
            let address = |name| Elf::address(object, name).unwrap_or(0);
            let mut rules = Self {
                frames: Vec::new(),
                is_debug: false,
                bases: BaseAddresses::default().set_text(address(".text")).set_got(address(".got")),
                functions: Vec::new(),
                loaded: Elf::loaded(object),
                known: RefCell::default(),
            };
            if let Some((address, bytes)) = elf.section(object, ".eh_frame") {
                rules.bases = rules.bases.set_eh_frame(address);
                rules.frames = bytes;
                rules.functions =
                    functions(&EhFrame::new(&rules.frames, LittleEndian), &rules.bases);
            }
            if rules.functions.is_empty()
                && let Some((_, bytes)) = elf.section(object, ".debug_frame")
            {
                (rules.frames, rules.is_debug) = (bytes, true);
                let section = debug_frame(&rules.frames);
                rules.functions = functions(&section, &rules.bases);
            }
            rules.functions.sort_unstable();
            Ok(rules)
        })
    }

    /// The address that a byte of the file has in the file's own counting, if it is loaded to be
    /// executed, and to one address only.
    #[must_use]
    pub fn address_of(&self, offset: u64) -> Option<u64> {
        let mut found = self.loaded.iter().filter_map(|part| {
            let within = offset.checked_sub(part.offset)?;
            (within < part.length).then(|| part.address.wrapping_add(within))
        });
        found.next().filter(|_| found.next().is_none())
    }

    /// What to do at an address; `None` if the tables tell nothing.
    pub(crate) fn row(&self, address: u64) -> Option<Row> {
        if let Some(row) = self.known.borrow().get(&address) {
            return row.clone();
        }
        let row = if self.is_debug {
            self.look_up(&debug_frame(&self.frames), address)
        } else {
            self.look_up(&EhFrame::new(&self.frames, LittleEndian), address)
        };
        self.known.borrow_mut().insert(address, row.clone());
        row
    }

    fn look_up<'a, S>(&'a self, section: &S, address: u64) -> Option<Row>
    where
        S: UnwindSection<Bytes<'a>>,
        S::Offset: From<usize>,
    {
        let after = self.functions.partition_point(|(start, ..)| *start <= address);
        let (start, end, offset) = *self.functions.get(after.checked_sub(1)?)?;
        if !(start..end).contains(&address) {
            return None;
        }
        let fde = section.fde_from_offset(&self.bases, offset.into(), S::cie_from_offset).ok()?;
        let mut context = UnwindContext::new();
        let row = fde.unwind_info_for_address(section, &self.bases, &mut context, address).ok()?;
        let registers = row.registers().map(|(register, rule)| (register.0, rule.clone()));
        Some(Row {
            cfa: row.cfa().clone(),
            registers: registers.collect(),
            returns: fde.cie().return_address_register().0,
            is_signal: fde.is_signal_trampoline(),
            encoding: fde.cie().encoding(),
        })
    }

    /// The bytes of an expression.
    pub(crate) fn expression(&self, at: &UnwindExpression<usize>) -> Option<Expression<Bytes<'_>>> {
        if self.is_debug {
            at.get(&debug_frame(&self.frames)).ok()
        } else {
            at.get(&EhFrame::new(&self.frames, LittleEndian)).ok()
        }
    }
}

fn debug_frame(bytes: &[u8]) -> DebugFrame<Bytes<'_>> {
    let mut section = DebugFrame::new(bytes, LittleEndian);
    section.set_address_size(8);
    section
}

/// All functions of which the tables tell, as far as they can be read.
fn functions<'a, S>(section: &S, bases: &BaseAddresses) -> Vec<(u64, u64, usize)>
where
    S: UnwindSection<Bytes<'a>>,
{
    let mut found = Vec::new();
    let mut entries = section.entries(bases);
    while let Ok(Some(entry)) = entries.next() {
        let CieOrFde::Fde(partial) = entry else { continue };
        // One that is damaged does not hide the others.
        let Ok(fde) = partial.parse(S::cie_from_offset) else { continue };
        if fde.len() > 0 {
            found.push((fde.initial_address(), fde.end_address(), fde.offset()));
        }
        if found.len() >= MOST {
            break;
        }
    }
    found
}
