//! Tables.

use std::fmt::Write as _;

use crate::Table;

/// The table in columns as wide as their widest cell; numbers stand to the right.
pub(super) fn aligned(table: &Table) -> String {
    let lines: Vec<&[String]> =
        std::iter::once(&*table.columns).chain(table.rows.iter().map(|row| &**row)).collect();
    let cell = |line: &[String], column: usize| line.get(column).map_or("", |c| &**c).to_owned();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let columns: Vec<(usize, bool)> = (0..table.columns.len())
        .map(|column| {
            let width = lines.iter().map(|line| cell(line, column).chars().count()).max();
            let numbers = table.rows.iter().all(|row| is_number(&cell(row, column)));
            (width.unwrap_or(0), numbers)
        })
        .collect();
    let mut text = String::new();
    for line in lines {
        let mut shown = String::new();
        for (column, &(width, numbers)) in columns.iter().enumerate() {
            let cell = cell(line, column);
            let _ = if numbers {
                write!(shown, "  {cell:>width$}")
            } else {
                write!(shown, "  {cell:<width$}")
            };
        }
        text.push_str(shown.trim_end());
        text.push('\n');
    }
    text
}
