//! From an address in a program's file to functions and lines.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use addr2line::{Context, LookupContinuation as _, LookupResult, SplitDwarfLoad};
use gimli::{Dwarf, DwarfPackage, EndianRcSlice, LittleEndian, SectionId};

use crate::Error;
use crate::file::{Elf, Object, Symbol};
use crate::line::Named;
use crate::reads;

/// The bytes of debug information.
pub(crate) type Bytes = EndianRcSlice<LittleEndian>;

/// One function that an address is in. One that the compiler has put into its caller has no call
/// instruction of its own, and stands before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// Its name, demangled.
    pub function: Option<String>,
    /// How many bytes behind its beginning the address stands, if only the symbol table tells.
    pub offset: Option<u64>,
    /// The source file, as the compiler named it, made absolute where it tells from where.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The column, from 1.
    pub column: Option<u32>,
    /// It was put into its caller.
    pub inlined: bool,
    /// Where its debug information stands within that of its unit.
    die: Option<usize>,
}

/// What one file tells.
pub struct Symbols {
    symbols: Vec<Symbol>,
    context: Option<Context<Bytes>>,
    package: Option<DwarfPackage<Bytes>>,
    /// Files of split debug information that were read.
    split: RefCell<Vec<Option<Arc<Dwarf<Bytes>>>>>,
    /// When the file was written.
    pub written: Option<SystemTime>,
}

impl Symbols {
    /// Reads the names and the debug information of a file, or of the separate file that it names.
    ///
    /// # Errors
    /// If it cannot be read, or is no ELF file. One without debug information is no error.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let elf = Elf::open(path)?;
        elf.with(|object| {
            let mut symbols = Elf::symbols(object);
            let mut dwarf = load(&elf, object, false);
            if dwarf.is_none()
                && let Some(debug) = elf.debug_file(object)
                && let Ok(debug) = Elf::open(&debug)
            {
                dwarf = debug.with(|object| {
                    symbols.extend(Elf::symbols(object));
                    Ok(load(&debug, object, false))
                })?;
                symbols.sort_by_key(|symbol| symbol.address);
            }
            Ok(Self {
                symbols,
                context: dwarf.and_then(|dwarf| Context::from_dwarf(dwarf).ok()),
                package: package(path),
                split: RefCell::default(),
                written: path.metadata().and_then(|about| about.modified()).ok(),
            })
        })
    }

    /// The functions that an address of the file is in, the innermost first; none if nothing is
    /// known of it.
    #[must_use]
    pub fn frames(&self, address: u64) -> Vec<Frame> {
        let mut frames = self.described(address).unwrap_or_default();
        let symbol = self.symbol(address);
        match frames.last_mut() {
            Some(outermost) if outermost.function.is_none() => {
                outermost.function = symbol.map(|symbol| demangled(&symbol.name));
            }
            Some(_) => {}
            None => frames.extend(symbol.map(|symbol| Frame {
                function: Some(demangled(&symbol.name)),
                offset: Some(address - symbol.address),
                ..Frame::default()
            })),
        }
        frames
    }

    /// Which variables and fields stand in a line of source that a function has reached. `frame`
    /// is one that [`Symbols::frames`] gave for the address.
    #[must_use]
    pub fn reads(&self, address: u64, frame: &Frame, line: &str) -> Vec<Named> {
        let Some((context, die)) = self.context.as_ref().zip(frame.die) else { return Vec::new() };
        let mut found = context.find_dwarf_and_unit(address);
        let unit = loop {
            match found {
                LookupResult::Output(unit) => break unit,
                LookupResult::Load { load, continuation } => {
                    found = continuation.resume(self.split(load));
                }
            }
        };
        unit.map_or_else(Vec::new, |unit| reads::of_line(&unit, gimli::UnitOffset(die), line))
    }

    fn described(&self, address: u64) -> Option<Vec<Frame>> {
        let context = self.context.as_ref()?;
        let mut found = context.find_frames(address);
        let mut iter = loop {
            match found {
                LookupResult::Output(iter) => break iter.ok()?,
                LookupResult::Load { load, continuation } => {
                    found = continuation.resume(self.split(load));
                }
            }
        };
        let mut frames = Vec::new();
        while let Ok(Some(frame)) = iter.next() {
            let name = frame.function.and_then(|name| Some(name.raw_name().ok()?.into_owned()));
            let place = frame.location;
            frames.push(Frame {
                function: name.map(|name| demangled(&name)),
                offset: None,
                file: place.as_ref().and_then(|place| place.file).map(str::to_owned),
                line: place.as_ref().and_then(|place| place.line).filter(|line| *line > 0),
                column: place.as_ref().and_then(|place| place.column).filter(|column| *column > 0),
                inlined: true,
                die: frame.dw_die_offset.map(|offset| offset.0),
            });
        }
        // Only the outermost one was called.
        if let Some(outermost) = frames.last_mut() {
            outermost.inlined = false;
        }
        Some(frames)
    }

    /// The function that an address is in, if the symbol table says so.
    fn symbol(&self, address: u64) -> Option<&Symbol> {
        let after = self.symbols.partition_point(|symbol| symbol.address <= address);
        // A larger one may begin before a smaller one that is over already.
        let before = self.symbols[..after].iter().rev().take(16);
        before.into_iter().find(|symbol| address - symbol.address < symbol.size)
    }

    /// Debug information that stands in a file of its own.
    fn split(&self, load: SplitDwarfLoad<Bytes>) -> Option<Arc<Dwarf<Bytes>>> {
        let read = || {
            if let Some(package) = &self.package
                && let Ok(Some(dwarf)) = package.find_cu(load.dwo_id, &load.parent)
            {
                return Some(dwarf);
            }
            let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).ok();
            let folder = load.comp_dir.as_ref().and_then(text).unwrap_or_default();
            let path = Path::new(&folder).join(load.path.as_ref().and_then(text)?);
            let elf = Elf::open(&path).ok()?;
            let mut dwarf = elf.with(|object| Ok(self::load(&elf, object, true))).ok()??;
            let header = dwarf.units().next().ok()??;
            if dwarf.unit(header).ok()?.dwo_id != Some(load.dwo_id) {
                return None;
            }
            dwarf.make_dwo(&load.parent);
            Some(dwarf)
        };
        let dwarf = read().map(Arc::new);
        self.split.borrow_mut().push(dwarf.clone());
        dwarf
    }
}

/// The debug information of a file; `None` if it has none.
fn load(elf: &Elf, object: &Object<'_, '_>, is_split: bool) -> Option<Dwarf<Bytes>> {
    let section = |id: SectionId| -> Result<Bytes, gimli::Error> {
        let name = if is_split { id.dwo_name() } else { Some(id.name()) };
        let bytes = name.and_then(|name| elf.section(object, name));
        Ok(bytes_of(bytes.map(|(_, bytes)| bytes).unwrap_or_default()))
    };
    let mut dwarf = Dwarf::load(section).ok()?;
    let first = dwarf.units().next();
    if !matches!(first, Ok(Some(_))) {
        return None;
    }
    dwarf.populate_abbreviations_cache(gimli::AbbreviationsCacheStrategy::Duplicates);
    Some(dwarf)
}

/// The `.dwp` beside a file.
fn package(path: &Path) -> Option<DwarfPackage<Bytes>> {
    let mut name = path.as_os_str().to_owned();
    name.push(".dwp");
    let elf = Elf::open(Path::new(&name)).ok()?;
    let section = |object: &Object<'_, '_>, id: SectionId| -> Result<Bytes, gimli::Error> {
        let bytes = id.dwo_name().and_then(|name| elf.section(object, name));
        Ok(bytes_of(bytes.map(|(_, bytes)| bytes).unwrap_or_default()))
    };
    elf.with(|object| Ok(DwarfPackage::load(|id| section(object, id), bytes_of(Vec::new())).ok()))
        .ok()?
}

fn bytes_of(bytes: Vec<u8>) -> Bytes {
    EndianRcSlice::new(Rc::from(bytes), LittleEndian)
}

/// A name as people write it, without the hash of rustc.
fn demangled(name: &str) -> String {
    match rustc_demangle::try_demangle(name) {
        Ok(rust) => format!("{rust:#}"),
        Err(_) => addr2line::demangle_auto(name.into(), None).into_owned(),
    }
}
