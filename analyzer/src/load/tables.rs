//! The functions whose addresses stand in constant tables: what vtables are made of.
//!
//! A crate without debug information describes no vtable, but its methods have names, and the
//! linker or the loader must know where each of their addresses goes.

use std::collections::{BTreeSet, HashSet};

use object::read::RelocationTarget;
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};

use super::{Elf, read_at};

/// The mangled names of all functions of which a constant table holds the address.
pub(super) fn functions(object: &Elf<'_, '_>, file: &std::fs::File) -> BTreeSet<String> {
    let targets = targets(object, file);
    if targets.is_empty() {
        return BTreeSet::new();
    }
    object
        .symbols()
        .filter(|symbol| symbol.kind() == SymbolKind::Text && targets.contains(&symbol.address()))
        .filter_map(|symbol| Some(symbol.name().ok()?.to_owned()))
        .collect()
}

fn targets(object: &Elf<'_, '_>, file: &std::fs::File) -> HashSet<u64> {
    let mut targets = HashSet::new();
    let mut tables = Vec::new();
    for section in object.sections() {
        let is_table = section.name().is_ok_and(|name| name.starts_with(".data.rel.ro"));
        let Some((offset, len)) = section.file_range().filter(|_| is_table) else { continue };
        tables.push(section.address()..section.address().saturating_add(len));
        // Where the loader has nothing to add, the words stand there already.
        let Some(bytes) = read_at(file, offset, len) else { continue };
        for word in bytes.chunks_exact(8) {
            let mut value = [0; 8];
            value.copy_from_slice(word);
            let value = u64::from_le_bytes(value);
            if value != 0 {
                targets.insert(value);
            }
        }
    }
    for (offset, relocation) in object.dynamic_relocations().into_iter().flatten() {
        if relocation.target() == RelocationTarget::Absolute
            && tables.iter().any(|table| table.contains(&offset))
        {
            targets.insert(relocation.addend().cast_unsigned());
        }
    }
    targets
}
