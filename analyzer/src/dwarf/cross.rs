//! References from one unit into another, as link-time optimization makes them.
//!
//! Such a reference names an entry by its offset; only the unit that holds it knows which type it
//! is. So the units that are referred to are read again, for the offsets in question alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rayon::prelude::*;

use super::intern::{Key, Table, Target};
use super::{Harvest, Header, Input, unit};

/// Entries by file and offset in its `.debug_info`.
pub(super) type Entries = HashMap<(u32, usize), Key>;

/// The keys of all entries of the main file that other units refer to.
pub(super) fn entries(
    main: &Input<'_>,
    headers: &[Header<'_>],
    table: &Table,
    harvest: &Harvest,
) -> Entries {
    let mut wanted = BTreeSet::new();
    table.for_each_target(|target| want(&mut wanted, target));
    harvest.vtables.iter().for_each(|(_, target)| want(&mut wanted, *target));
    harvest.statics.iter().for_each(|found| want(&mut wanted, found.ty));
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
    let found: Vec<Vec<((u32, usize), Key)>> = units
        .par_iter()
        .with_max_len(1)
        .map(|(header, wanted)| {
            let Ok(unit) = main.unit(*header) else { return Vec::new() };
            let types = unit::read(main, &unit);
            let Ok(keys) = super::intern::keys(0, &types) else { return Vec::new() };
            let start = header.offset().0;
            let key_of = |&offset: &usize| {
                let local = offset.checked_sub(start)?;
                let at = types.at(local)?;
                Some(((0, offset), keys[at]))
            };
            wanted.iter().filter_map(key_of).collect()
        })
        .collect();
    found.into_iter().flatten().collect()
}

fn want(wanted: &mut BTreeSet<usize>, target: Target) {
    // Split files do not refer to each other.
    if let Target::Entry(0, offset) = target {
        wanted.insert(offset);
    }
}
