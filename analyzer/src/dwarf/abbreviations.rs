//! What the abbreviations of all units cost together.
//!
//! A table of abbreviations ends where it says so itself, so in a made-up file each unit may start in
//! the middle of the same long table and have all that follows read again. Real tables lie one behind
//! the other.

use std::collections::BTreeSet;

use gimli::Section as _;

use super::{Header, Input};

/// How often all bytes of the section may be read, over all tables.
const MAX_READS: usize = 8;

/// Whether the tables of these units can be read in time that goes by the length of their section.
pub(super) fn are_bounded(dwarf: &Input<'_>, headers: &[Header<'_>]) -> bool {
    let bytes = dwarf.debug_abbrev.reader().slice();
    let starts: BTreeSet<usize> =
        headers.iter().map(|header| header.debug_abbrev_offset().0).collect();
    if starts.len() <= MAX_READS {
        return true;
    }
    let mut budget = bytes.len().saturating_mul(MAX_READS);
    starts.into_iter().all(|start| {
        let table = bytes.get(start..).unwrap_or(&[]);
        // A table that is cut off here has used all of it.
        budget -= len(&table[..table.len().min(budget)]);
        budget > 0
    })
}

/// The length in bytes of the table that starts here; all of it if it has no end.
fn len(table: &[u8]) -> usize {
    let mut at = 0;
    let mut number = || {
        let rest = table.get(at..)?;
        let len = rest.iter().position(|byte| byte & 0x80 == 0)? + 1;
        at += len;
        let low = rest.iter().take(len).take(4).enumerate();
        let value = low.fold(0_u32, |all, (n, byte)| all | u32::from(byte & 0x7f) << (7 * n));
        // Only whether it is 0, or a form that has a value behind it, is of interest.
        let is_zero = rest.iter().take(len).all(|byte| byte & 0x7f == 0);
        Some(if is_zero { 0 } else { value.max(1) })
    };
    let mut read = || -> Option<()> {
        // A code, a tag, a flag of one byte, and pairs of an attribute and its form.
        while number()? != 0 {
            number()?;
            number()?;
            loop {
                let (attribute, form) = (number()?, number()?);
                if attribute == 0 && form == 0 {
                    break;
                }
                if form == u32::from(gimli::DW_FORM_implicit_const.0) {
                    number()?;
                }
            }
        }
        Some(())
    };
    match read() {
        Some(()) => at,
        None => table.len(),
    }
}
