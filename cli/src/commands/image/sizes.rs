//! How many bytes each field takes.

use std::path::Path;

use samestate_image::value::Size;
use samestate_report::Table;

use super::{damaged, named, open};
use crate::args::OutputArgs;
use crate::failure::Failure;
use crate::output;

/// So many places are told, the largest ones.
const MOST: usize = 1000;

/// Prints a row for each place in the types.
pub(super) fn run(file: &Path, output: OutputArgs) -> Result<u8, Failure> {
    let image = match open(file)? {
        Ok(image) => image,
        Err(error) => return output::report(&damaged(file, &error), output),
    };
    let sizes = match image.sizes() {
        Ok(sizes) => sizes,
        Err(error) => return output::report(&damaged(file, &error), output),
    };
    let mut report = named(file);
    report.fact("bytes", image.len() as u64);
    // The root stands first: nothing is larger.
    let whole = sizes.first().map_or(0, |root| root.bytes);
    report.fact("bytes of values", whole);
    report.tables.push(Table {
        row: "field".to_owned(),
        columns: ["field", "bytes", "share", "count"].map(str::to_owned).to_vec(),
        rows: sizes.iter().take(MOST).map(|size| row(size, whole)).collect(),
    });
    if let Some(left) = sizes.len().checked_sub(MOST).filter(|left| *left > 0) {
        report.notes.push(format!("{left} smaller fields are not shown"));
    }
    output::report(&report, output)
}

fn row(size: &Size, whole: u64) -> Vec<String> {
    // In tenths of a percent, rounded; the whole may be nothing at all.
    let share =
        (u128::from(size.bytes) * 2000 + u128::from(whole)) / (2 * u128::from(whole.max(1)));
    let share = format!("{}.{} %", share / 10, share % 10);
    vec![size.path.to_string(), size.bytes.to_string(), share, size.count.to_string()]
}
