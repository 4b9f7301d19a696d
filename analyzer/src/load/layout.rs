//! Where the linker put what is not code, and what it knows by name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

use object::{Object, ObjectSection, ObjectSymbol, SectionFlags, SectionKind, SymbolKind};

use super::places::Places;
use super::{Elf, tables};

/// The start of what our header defines in each object.
const TAGGED: &str = "samestate_tags_";

/// The parts of the program's memory that are there from the start.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    /// Sections that are loaded, by address.
    sections: BTreeMap<u64, Section>,
    /// Length in bytes of the part of a thread's block that has initial values.
    thread_data_len: u64,
    /// The names of what each thread has a copy of; `None` if the file has no symbols.
    thread_symbols: Option<BTreeSet<String>>,
    /// How many objects were compiled with tags of C or C++ in their source.
    pub(crate) tagged_objects: u64,
    /// The mangled names of all functions of which a constant table holds the address.
    pub(crate) methods: BTreeSet<String>,
}

/// A section that is loaded.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    pub(crate) name: String,
    len: u64,
    /// Whether the program can write to it once it runs.
    pub(crate) is_mutable: bool,
}

impl Layout {
    /// Reads it from the headers and the symbols.
    pub(super) fn read(object: &Elf<'_, '_>, file: &File, places: &Places) -> Self {
        let mut layout = Self::default();
        for section in object.sections() {
            let (Ok(name), SectionFlags::Elf { sh_flags, .. }) = (section.name(), section.flags())
            else {
                continue;
            };
            let has = |flag| sh_flags.contains(flag);
            if !has(object::elf::SHF_ALLOC) {
                continue;
            }
            if has(object::elf::SHF_TLS) {
                if section.kind() == SectionKind::Tls {
                    layout.thread_data_len += section.size();
                }
                continue;
            }
            // Relocated once, then read-only.
            let is_fixed = [
                ".data.rel.ro",
                ".init_array",
                ".fini_array",
                ".preinit_array",
                ".got",
                ".dynamic",
                // Of a kernel's modules: gone once they are loaded, or the loader's.
                ".discard",
                ".exit.data",
                ".gnu.linkonce.this_module",
                ".init.data",
            ]
            .iter()
            .any(|fixed| name.starts_with(fixed));
            let is_mutable = has(object::elf::SHF_WRITE) && !is_fixed;
            let section_len = section.size();
            let name = if places.is_unlinked() { linked_name(name) } else { name };
            layout.sections.insert(
                places.section(&section),
                Section { name: name.to_owned(), len: section_len, is_mutable },
            );
        }
        for (start, len) in places.commons() {
            let section = Section { name: ".bss".to_owned(), len, is_mutable: true };
            layout.sections.insert(start, section);
        }
        layout.read_symbols(object);
        layout.methods = tables::functions(object, file, places);
        layout
    }

    /// Takes the names from this file: of a stripped program, from its debug file.
    pub(super) fn read_symbols(&mut self, object: &Elf<'_, '_>) {
        let mut symbols = object.symbols().peekable();
        if symbols.peek().is_none() {
            return;
        }
        let names = symbols
            .filter(|symbol| symbol.kind() == SymbolKind::Tls && !symbol.is_undefined())
            .filter_map(|symbol| Some(symbol.name().ok()?.to_owned()));
        self.thread_symbols = Some(names.collect());
        let names = object.symbols().filter_map(|symbol| symbol.name().ok());
        self.tagged_objects = names.filter(|name| name.starts_with(TAGGED)).count() as u64;
    }

    /// The section that holds this address.
    pub(crate) fn section_of(&self, address: u64) -> Option<&Section> {
        let (start, section) = self.sections.range(..=address).next_back()?;
        (address - start < section.len).then_some(section)
    }

    /// The section that holds the initial value of what stands at this offset of a thread's block.
    pub(crate) fn thread_section(&self, offset: u64) -> &'static str {
        if offset < self.thread_data_len { ".tdata" } else { ".tbss" }
    }

    /// Whether a variable of threads is part of the program: what the linker removed is still
    /// described, at offset 0.
    pub(crate) fn has_thread_symbol(&self, linkage_name: &str, offset: u64) -> bool {
        let Some(symbols) = &self.thread_symbols else { return offset != 0 };
        // The compiler numbers the parts of what it took apart.
        let mut from = symbols.range(linkage_name.to_owned()..);
        from.next().is_some_and(|symbol| {
            symbol
                .strip_prefix(linkage_name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }

    /// Whether a variable of threads of C or C++ is part of the program, by its own name alone: the
    /// symbol of what stands in a function has the function's name before it.
    pub(crate) fn has_thread_local(&self, name: &str, offset: u64) -> bool {
        let mangled = format!("{}{name}", name.len());
        offset != 0
            || self.thread_symbols.iter().flatten().any(|symbol| {
                symbol.ends_with(&mangled) || symbol.split('.').any(|part| part == name)
            })
    }
}

/// The section that a linker puts this one into: an object file may have one for each variable.
fn linked_name(name: &str) -> &str {
    [".data.rel.ro", ".data", ".bss", ".rodata"]
        .into_iter()
        .find(|start| name.strip_prefix(start).is_some_and(|rest| rest.starts_with('.')))
        .unwrap_or(name)
}
