//! Where the source of a unit is: its crate's first file, and the places of its functions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::unit::UnitTypes;
use super::{CrateRoot, Function, Harvest, Input, Unit};

/// Adds the crate and the evidence functions of a unit to its harvest.
pub(super) fn harvest<'a>(
    (input, lines): (&Input<'a>, &Unit<'a>),
    unit: &Unit<'a>,
    types: &UnitTypes<'a>,
    harvest: &mut Harvest,
) {
    if let Some(root) = root_of(unit, lines) {
        let first = root.folder.join(&root.file);
        if let Some(folder) = first.parent() {
            let files = files_below(input, lines, folder);
            // The unit's name does not tell the crate's, but the functions from its files do.
            let names: BTreeSet<String> = types
                .homes
                .iter()
                .filter(|(file, _)| files.contains_key(file))
                .map(|(_, scope)| types.crate_of(*scope))
                .collect();
            for name in names {
                harvest.crates.push((name, root.clone()));
            }
            harvest.compiled.extend(files.into_values());
        }
    }
    for function in &types.functions {
        harvest.functions.push(Function {
            linkage_name: String::from_utf8_lossy(function.linkage_name).into_owned(),
            file: function.file.and_then(|index| file_name(input, lines, index)),
            line: function.line.and_then(|line| u32::try_from(line).ok()).unwrap_or(0),
        });
    }
}

/// The files of the unit's line program that stand in the folder of its crate, by their numbers:
/// the others belong to crates whose code was inlined.
fn files_below(input: &Input<'_>, unit: &Unit<'_>, folder: &Path) -> BTreeMap<u64, PathBuf> {
    let Some(program) = unit.line_program.as_ref() else { return BTreeMap::new() };
    // Versions up to 4 count files from 1, version 5 from 0.
    let count = program.header().file_names().len() as u64;
    (0..=count)
        .filter_map(|index| Some((index, file_name(input, unit, index)?)))
        .filter(|(_, file)| file.starts_with(folder))
        .collect()
}

/// rustc names a unit `src/main.rs/@/` and a name that means nothing.
fn root_of(unit: &Unit<'_>, lines: &Unit<'_>) -> Option<CrateRoot> {
    let name = unit.name?.to_string_lossy();
    let (file, _) = name.split_once("/@/")?;
    let folder = lines.comp_dir.or(unit.comp_dir);
    let folder = folder.map(|dir| dir.to_string_lossy().into_owned()).unwrap_or_default();
    Some(CrateRoot { folder: folder.into(), file: file.into() })
}

/// The place of a definition, by the number of its file in the unit's line program.
pub(super) fn place(
    (input, lines): (&Input<'_>, &Unit<'_>),
    file: Option<u64>,
    line: Option<u64>,
) -> Option<(PathBuf, u32)> {
    let line = u32::try_from(line?).ok()?;
    Some((file_name(input, lines, file?)?, line))
}

/// The path of a file of the unit's line program.
fn file_name(input: &Input<'_>, unit: &Unit<'_>, index: u64) -> Option<PathBuf> {
    let header = unit.line_program.as_ref()?.header();
    let entry = header.file(index)?;
    let mut path = PathBuf::new();
    if let Some(folder) = unit.comp_dir {
        path.push(Path::new(folder.to_string_lossy().as_ref()));
    }
    if let Some(directory) = entry.directory(header)
        && let Ok(directory) = input.attr_string(unit, directory)
    {
        path.push(Path::new(directory.to_string_lossy().as_ref()));
    }
    path.push(Path::new(
        input.attr_string(unit, entry.path_name()).ok()?.to_string_lossy().as_ref(),
    ));
    Some(path)
}
