//! A copy of an image without some fields.

use std::path::Path;

use samestate_image::filter::{FilterError, filter};
use samestate_schema::path::FieldPath;

use super::{damaged, named, open};
use crate::args::OutputArgs;
use crate::failure::Failure;
use crate::output;

/// Writes the copy, and reports what was left out.
pub(super) fn run(
    file: &Path,
    without: &[FieldPath],
    to: &Path,
    output: OutputArgs,
) -> Result<u8, Failure> {
    let image = match open(file)? {
        Ok(image) => image,
        Err(error) => return output::report(&damaged(file, &error), output),
    };
    let copy = filter(&image, without).map_err(|error| match error {
        FilterError::Path { .. } => Failure::usage(error),
        _ => Failure::unchecked(format!("{}: {error}", file.display())),
    })?;
    output::file(&copy, to, Some(file))?;
    let mut report = named(file);
    report.fact("fields left out", without.len() as u64);
    report.fact("bytes before", image.len() as u64);
    report.fact("bytes after", copy.len() as u64);
    report.notes.push(format!("wrote {}", to.display()));
    output::report(&report, output)
}
