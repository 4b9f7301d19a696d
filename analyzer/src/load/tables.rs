//! The functions whose addresses stand in constant tables: what vtables are made of.
//!
//! A crate without debug information describes no vtable, but its methods have names, and the
//! linker or the loader must know where each of their addresses goes.

use std::collections::{BTreeSet, HashSet};

use object::read::RelocationTarget;
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};

use super::Elf;
use super::parts::read_at;
use super::places::Places;

/// The mangled names of all functions of which a constant table holds the address.
pub(super) fn functions(
    object: &Elf<'_, '_>,
    file: &std::fs::File,
    places: &Places,
) -> BTreeSet<String> {
    if places.is_unlinked() {
        return unlinked_functions(object, file, places);
    }
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

/// The same of an object file, where every word of a table is still a relocation. A method may be
/// in another object: then its name is all there is.
fn unlinked_functions(
    object: &Elf<'_, '_>,
    file: &std::fs::File,
    places: &Places,
) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut targets = HashSet::new();
    // Sections that lie within each other could have more of them than there is file.
    let most = file.metadata().map_or(0, |metadata| metadata.len());
    let tables = object
        .sections()
        .filter(|section| section.name().is_ok_and(|name| name.starts_with(".data.rel.ro")));
    let relocations = tables.flat_map(|table| table.relocations());
    for (_, relocation) in relocations.take(usize::try_from(most).unwrap_or(usize::MAX)) {
        let RelocationTarget::Symbol(index) = relocation.target() else { continue };
        let Ok(symbol) = object.symbol_by_index(index) else { continue };
        if let Some(start) = places.symbol(&symbol) {
            targets.insert(start.wrapping_add_signed(relocation.addend()));
        } else if let Ok(name) = symbol.name() {
            names.insert(name.to_owned());
        }
    }
    let text = object.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text);
    let here = text
        .filter(|symbol| places.symbol(symbol).is_some_and(|start| targets.contains(&start)))
        .filter_map(|symbol| Some(symbol.name().ok()?.to_owned()));
    names.extend(here);
    names
}
