//! Which parts of a file are read, and reading them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use object::{Object, ObjectSection};
use rayon::prelude::*;
use samestate_schema::record;

use super::places::{Patch, Places};
use super::{Elf, Sections, damaged, open};
use crate::error::Error;
use crate::limits::{MAX_COMPRESSION_RATIO, MAX_SECTION_LEN};

/// How many bytes of a section are read at once.
const READ_LEN: usize = 4 << 20;

/// What the shortest relocation takes in a file.
const MIN_RELOCATION_LEN: u64 = 8;

/// Which sections of a file are meant, if it has both those of a program and those that stay out
/// of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Those that a linker takes.
    Linked,
    /// Those that it leaves where they are, with names in `.dwo`.
    Split,
}

/// Where a section's bytes stand in the file.
pub(super) struct Part {
    name: String,
    offset: u64,
    len: u64,
    uncompressed_len: u64,
    format: object::CompressionFormat,
    patches: Vec<Patch>,
    /// How many relocations were found for it, with those that cannot be done.
    relocations: u64,
}

/// The debug sections that are read of a file.
pub(super) struct Plan {
    parts: Vec<Part>,
    little_endian: bool,
    damage: Vec<String>,
}

impl Plan {
    /// Chooses the sections. Those of an object file get their places.
    pub(super) fn new(
        path: &Path,
        file: &File,
        object: &Elf<'_, '_>,
        places: &mut Places,
        wanted: Wanted,
    ) -> Result<Self, Error> {
        let file_len =
            file.metadata().map_err(|source| Error::Read { path: path.to_owned(), source })?.len();
        let has = |name| object.section_by_name(name).is_some();
        let has_both = has(".debug_info") && has(".debug_info.dwo");
        let mut plan = Self {
            parts: Vec::new(),
            little_endian: object.is_little_endian(),
            damage: Vec::new(),
        };
        let mut chosen = Vec::new();
        let mut lens: BTreeMap<String, u64> = BTreeMap::new();
        for section in object.sections() {
            let Ok(name) = section.name() else { continue };
            if has_both && name.ends_with(".dwo") != (wanted == Wanted::Split) {
                continue;
            }
            let Some(plain) = plain_name(name) else { continue };
            // A linked file has one section of each name; of several, the first with contents
            // counts. An object file has one in each group that a linker may leave out.
            if !places.is_unlinked() && lens.contains_key(&plain) {
                continue;
            }
            let Some(part) = part_of(path, &section, plain)? else { continue };
            let len = lens.entry(part.name.clone()).or_default();
            places.put_debug(section.index().0, *len);
            *len = len.saturating_add(part.uncompressed_len);
            chosen.push(section.index());
            plan.parts.push(part);
        }
        let claimed = plan.parts.iter().fold(0_u64, |sum, part| sum.saturating_add(part.len));
        if places.is_unlinked() && claimed > file_len {
            let detail = format!("{claimed} bytes of them in a file of {file_len} bytes");
            return Err(damaged(path, "debug sections", detail));
        }
        if places.is_unlinked() {
            let mut left = file_len / MIN_RELOCATION_LEN;
            for (part, index) in plan.parts.iter_mut().zip(chosen) {
                let Ok(section) = object.section_by_index(index) else { continue };
                if let Err(detail) = part.relocate(object, places, &section, &mut left) {
                    plan.damage.push(format!("section {}: {detail}", part.name));
                }
            }
            plan.count_relocations(object);
        }
        Ok(plan)
    }

    /// Compares the relocations that were found with those that there must be: what is damaged
    /// is left out without a word.
    fn count_relocations(&mut self, object: &Elf<'_, '_>) {
        let entry_len = if object.is_64() { 8 } else { 4 };
        let mut expected: BTreeMap<String, u64> = BTreeMap::new();
        for section in object.sections() {
            let Ok(name) = section.name() else { continue };
            let (name, len) = if let Some(name) = name.strip_prefix(".rela.") {
                (name, 3 * entry_len)
            } else if let Some(name) = name.strip_prefix(".rel.") {
                (name, 2 * entry_len)
            } else if let Some(name) = name.strip_prefix(".crel.") {
                // How many it says stands in its first bytes only; none can be told from it.
                (name, 1)
            } else {
                continue;
            };
            if let Some(plain) = plain_name(&format!(".{name}")) {
                *expected.entry(plain).or_default() += section.size().div_ceil(len);
            }
        }
        let mut found: BTreeMap<&str, u64> = BTreeMap::new();
        for part in &self.parts {
            *found.entry(&part.name).or_default() += part.relocations;
        }
        for (name, expected) in &expected {
            let Some(&found) = found.get(name.as_str()) else { continue };
            if found < *expected {
                let missing = expected - found;
                self.damage.push(format!(
                    "section {name}: {missing} of its {expected} relocations cannot be read"
                ));
            }
        }
    }

    /// Reads the chosen sections.
    pub(super) fn read(self, path: &Path, file: &File) -> Result<Sections, Error> {
        let mut sections = Sections {
            little_endian: self.little_endian,
            damage: self.damage,
            ..Sections::default()
        };
        let read: Vec<Result<Vec<u8>, Error>> =
            self.parts.par_iter().with_max_len(1).map(|part| part.read(path, file)).collect();
        for (part, bytes) in self.parts.into_iter().zip(read) {
            let mut bytes = bytes?;
            let mut failed = None;
            for patch in part.patches {
                if let Err(detail) = patch.apply(&mut bytes, self.little_endian) {
                    failed.get_or_insert(detail);
                }
            }
            if let Some(detail) = failed {
                sections.damage.push(format!("section {}: {detail}", part.name));
            }
            match sections.by_name.entry(part.name) {
                Entry::Vacant(entry) => {
                    entry.insert(bytes);
                }
                Entry::Occupied(mut entry) => {
                    entry.get_mut().extend(bytes);
                }
            }
        }
        Ok(sections)
    }
}

impl Part {
    fn relocate<'a>(
        &mut self,
        object: &Elf<'_, '_>,
        places: &Places,
        section: &impl ObjectSection<'a>,
        left: &mut u64,
    ) -> Result<(), String> {
        let mut failed = Ok(());
        for (offset, relocation) in section.relocations() {
            self.relocations += 1;
            *left = left.checked_sub(1).ok_or("more relocations than the file has room for")?;
            match places.patch(object, offset, &relocation) {
                Ok(patch) => self.patches.extend(patch),
                Err(detail) => failed = failed.and(Err(detail)),
            }
        }
        failed
    }

    /// Its bytes, expanded.
    pub(super) fn read(&self, path: &Path, file: &File) -> Result<Vec<u8>, Error> {
        let what = format!("section {}", self.name);
        let failed = |source| Error::Read { path: path.to_owned(), source };
        let file_len = file.metadata().map_err(failed)?.len();
        if self.offset.checked_add(self.len).is_none_or(|end| end > file_len) {
            let end = u128::from(self.offset) + u128::from(self.len);
            let detail = format!("it ends at byte {end} of a file of {file_len} bytes");
            return Err(damaged(path, &what, detail));
        }
        let len = usize::try_from(self.len)
            .map_err(|_| damaged(path, &what, "it is longer than memory can be"))?;
        let mut bytes = vec![0; len];
        bytes.par_chunks_mut(READ_LEN).enumerate().with_max_len(1).try_for_each(
            |(index, chunk)| {
                // Each reader has a place of its own in the file, since several read at once.
                let mut file = open(path)?;
                let start = self.offset + (index * READ_LEN) as u64;
                file.seek(SeekFrom::Start(start)).map_err(failed)?;
                file.read_exact(chunk).map_err(failed)
            },
        )?;
        if self.format == object::CompressionFormat::None {
            return Ok(bytes);
        }
        let compressed = object::CompressedData {
            format: self.format,
            data: &bytes,
            uncompressed_size: self.uncompressed_len,
        };
        let plain = compressed.decompress().map_err(|error| damaged(path, &what, error))?;
        Ok(plain.into_owned())
    }
}

/// The sections that hold records, each with its address.
pub(super) fn records(
    path: &Path,
    object: &Elf<'_, '_>,
    places: &Places,
) -> Result<Vec<(u64, Part)>, Error> {
    let mut plan = Vec::new();
    for section in object.sections() {
        if section.name() == Ok(record::SECTION)
            && let Some(part) = part_of(path, &section, record::SECTION.to_owned())?
        {
            plan.push((places.section(&section), part));
        }
    }
    Ok(plan)
}

/// The name of a debug section that is read, without `.dwo` and as if it were not compressed.
fn plain_name(name: &str) -> Option<String> {
    const WANTED: [&str; 10] = [
        ".debug_abbrev",
        ".debug_addr",
        ".debug_cu_index",
        ".debug_info",
        ".debug_line",
        ".debug_line_str",
        ".debug_str",
        ".debug_str_offsets",
        ".debug_tu_index",
        ".debug_types",
    ];
    // Nothing here reads where values live, but the index of a package counts these in.
    const WANTED_SPLIT: [&str; 3] = [".debug_loc", ".debug_loclists", ".debug_rnglists"];
    let plain = name.strip_suffix(".dwo").unwrap_or(name);
    let is_split = plain.len() < name.len() && WANTED_SPLIT.contains(&plain);
    let plain = match plain.strip_prefix(".zdebug_") {
        Some(rest) => format!(".debug_{rest}"),
        None => plain.to_owned(),
    };
    (WANTED.contains(&plain.as_str()) || is_split).then_some(plain)
}

fn part_of<'a>(
    path: &Path,
    section: &impl ObjectSection<'a>,
    name: String,
) -> Result<Option<Part>, Error> {
    let range = section
        .compressed_file_range()
        .map_err(|error| damaged(path, &format!("header of section {name}"), error))?;
    if range.uncompressed_size == 0 {
        return Ok(None);
    }
    let most = match range.format {
        object::CompressionFormat::None => MAX_SECTION_LEN,
        _ => range.compressed_size.saturating_mul(MAX_COMPRESSION_RATIO).min(MAX_SECTION_LEN),
    };
    if range.uncompressed_size > most {
        let detail =
            format!("{} bytes claim to hold {}", range.compressed_size, range.uncompressed_size);
        return Err(damaged(path, &format!("section {name}"), detail));
    }
    Ok(Some(Part {
        name,
        offset: range.offset,
        len: range.compressed_size,
        uncompressed_len: range.uncompressed_size,
        format: range.format,
        patches: Vec::new(),
        relocations: 0,
    }))
}

/// A part of the file, if it is there.
pub(super) fn read_at(mut file: &File, offset: u64, len: u64) -> Option<Vec<u8>> {
    let end = offset.checked_add(len)?;
    if end > file.metadata().ok()?.len() {
        return None;
    }
    let mut bytes = vec![0; usize::try_from(len).ok()?];
    file.seek(SeekFrom::Start(offset)).ok()?;
    file.read_exact(&mut bytes).ok()?;
    Some(bytes)
}
