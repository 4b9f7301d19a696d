//! How much of the state is treated how.

use std::collections::BTreeMap;

use samestate_report::{Report, Table};
use samestate_schema::treatment::{SkipPolicy, Treatment};

use crate::evidence::Verdict;
use crate::walk::Walk;

/// What is counted.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    types: u64,
    fields: u64,
    bytes: u64,
}

/// The rows, in their order.
const ROWS: [&str; 7] =
    ["reachable", "saved", "skipped", "rebuilt", "external", "uncovered", "not seen"];

fn row(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Left(Treatment::Rebuilt) => "rebuilt",
        Verdict::Left(Treatment::External) => "external",
        Verdict::Left(Treatment::Skipped(
            SkipPolicy::Default | SkipPolicy::Keep | SkipPolicy::Value,
        )) => "skipped",
        Verdict::Saved(_) | Verdict::Volatile | Verdict::Handed(_) | Verdict::Left(_) => "saved",
        Verdict::Unknown => "not seen",
        Verdict::Uncovered | Verdict::Partly(_) | Verdict::SavedOnly | Verdict::RestoredOnly => {
            "uncovered"
        }
    }
}

/// Adds the table. Each type is counted once, however often it is met, and a field whose type
/// has fields of its own counts no bytes beside theirs.
pub(crate) fn add(walk: &Walk, report: &mut Report) {
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
    for reached in &walk.types {
        let mut own: BTreeMap<&str, Count> = BTreeMap::new();
        for field in &reached.fields {
            for row in ["reachable", row(&field.verdict.verdict)] {
                let count = own.entry(row).or_default();
                count.fields += 1;
                count.bytes += field.bytes;
            }
        }
        for (row, more) in own {
            let count = counts.entry(row).or_default();
            count.types += 1;
            count.fields += more.fields;
            count.bytes = count.bytes.saturating_add(more.bytes);
        }
    }
    let Some(all) = counts.get("reachable").copied() else { return };
    let columns = ["state", "types", "fields", "% of fields", "bytes", "% of bytes"];
    let mut table = Table { row: "state".to_owned(), ..Table::default() };
    table.columns = columns.map(str::to_owned).into();
    for row in ROWS {
        let count = counts.get(row).copied().unwrap_or_default();
        if count.fields > 0 {
            table.rows.push(vec![
                row.to_owned(),
                count.types.to_string(),
                count.fields.to_string(),
                percent(count.fields, all.fields),
                count.bytes.to_string(),
                percent(count.bytes, all.bytes),
            ]);
        }
    }
    report.tables.push(table);
}

/// Rounded down, so that 100 means all.
fn percent(part: u64, whole: u64) -> String {
    let percent = u128::from(part) * 100 / u128::from(whole.max(1));
    percent.to_string()
}
