//! What differs between two images.

use std::path::Path;

use samestate_image::Image;
use samestate_image::difference::compare;
use samestate_image::value::{ValueDifference, diff};
use samestate_report::{Finding, Report, Subject, Table, rules};
use samestate_schema::path::FieldPath;

use super::{damaged, open};
use crate::args::OutputArgs;
use crate::failure::Failure;
use crate::output;

/// So many differences are told; all are counted.
const MOST: usize = 1000;

/// Longest value in characters; what does not fit is cut.
const WIDTH: usize = 60;

/// Prints the differences of two images.
pub(super) fn run(left: &Path, right: &Path, output: OutputArgs) -> Result<u8, Failure> {
    let images = match (open(left)?, open(right)?) {
        (Ok(a), Ok(b)) => (a, b),
        (Err(error), _) => return output::report(&damaged(left, &error), output),
        (_, Err(error)) => return output::report(&damaged(right, &error), output),
    };
    let mut report = Report::new("image");
    report.input("left", left.display().to_string());
    report.input("right", right.display().to_string());
    fill(&images.0, &images.1, &mut report)?;
    output::report(&report, output)
}

fn fill(left: &Image<'_>, right: &Image<'_>, report: &mut Report) -> Result<(), Failure> {
    if left.id() == right.id() {
        return Ok(());
    }
    // The values are of types that may differ, too.
    let types = compare(left.schema(), right.schema());
    report.notes.extend(types.iter().map(|difference| format!("types: {difference}")));
    let values =
        (left.value().map_err(Failure::unchecked)?, right.value().map_err(Failure::unchecked)?);
    let root = FieldPath::root(left.schema().root_name.clone());
    let (differences, count) = diff(&values.0, &values.1, &root, MOST);
    report.fact("values differ", count);
    if let Some(first) = differences.first() {
        let subject = Subject::Field(first.path.clone());
        let message = format!("{count} values differ, the first at {}", first.path);
        report.findings.push(Finding::new(&rules::VALUE_DIFFERS, subject, message));
        report.tables.push(table(&differences));
    }
    Ok(())
}

fn table(differences: &[ValueDifference]) -> Table {
    let cell = |value: &Option<String>| match value {
        None => "(nothing)".to_owned(),
        Some(text) if text.chars().count() <= WIDTH => text.clone(),
        Some(text) => text.chars().take(WIDTH - 1).chain(['…']).collect(),
    };
    let row = |d: &ValueDifference| vec![d.path.to_string(), cell(&d.left), cell(&d.right)];
    Table {
        row: "value".to_owned(),
        columns: ["field", "left", "right"].map(str::to_owned).to_vec(),
        rows: differences.iter().map(row).collect(),
    }
}
