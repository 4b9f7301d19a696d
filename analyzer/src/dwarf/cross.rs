//! References from one unit into another, as link-time optimization makes them.
//!
//! Such a reference names an entry by its offset; only the unit that holds it knows which type it
//! is. So the units that are referred to are read again, for the offsets in question alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rayon::prelude::*;

use super::intern::{Foreign, Table};
use super::{Harvest, Header, Input, unit};
use crate::graph::TypeId;

/// The numbers of all that units refer to elsewhere, in the order of the table.
pub(super) fn targets(
    main: &Input<'_>,
    headers: &[Header<'_>],
    table: &Table,
    harvest: &Harvest,
) -> Vec<Option<TypeId>> {
    let all = table.all_foreign();
    let offsets = all.iter().filter_map(|foreign| match *foreign {
        // Split files do not refer to each other.
        Foreign::Entry(0, offset) => Some(offset),
        Foreign::Entry(..) | Foreign::Signature(_) => None,
    });
    let entries = entries(main, headers, table, &offsets.collect());
    let signatures: HashMap<u64, TypeId> = harvest.signatures.iter().copied().collect();
    let target = |foreign: &Foreign| match foreign {
        Foreign::Entry(0, offset) => entries.get(offset).copied(),
        Foreign::Entry(..) => None,
        Foreign::Signature(signature) => signatures.get(signature).copied(),
    };
    all.iter().map(target).collect()
}

/// The numbers of entries of the main file, by their offsets.
fn entries(
    main: &Input<'_>,
    headers: &[Header<'_>],
    table: &Table,
    wanted: &BTreeSet<usize>,
) -> HashMap<usize, TypeId> {
    let mut by_unit: BTreeMap<usize, (Header<'_>, Vec<usize>)> = BTreeMap::new();
    let in_info = headers.iter().filter(|header| header.debug_info_offset().is_some());
    for header in in_info {
        let start = header.offset().0;
        let end = start.saturating_add(header.length_including_self());
        let inside: Vec<usize> = wanted.range(start..end).copied().collect();
        if !inside.is_empty() {
            by_unit.insert(start, (*header, inside));
        }
    }
    let units: Vec<_> = by_unit.into_values().collect();
    let found: Vec<Vec<(usize, TypeId)>> = units
        .par_iter()
        .with_max_len(1)
        .map(|(header, wanted)| {
            let Ok(unit) = main.unit(*header) else { return Vec::new() };
            let types = unit::read(main, &unit);
            let Ok(keys) = super::intern::keys(0, &types) else { return Vec::new() };
            let start = header.offset().0;
            let number_of = |&offset: &usize| {
                let local = offset.checked_sub(start)?;
                let at = types.at(local)?;
                Some((offset, table.number(keys[at])?))
            };
            wanted.iter().filter_map(number_of).collect()
        })
        .collect();
    found.into_iter().flatten().collect()
}
