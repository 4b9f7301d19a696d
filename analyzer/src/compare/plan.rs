//! What reading an older image takes, for whoever writes a converter.

use samestate_report::{Report, Table};

use super::Loads;
use crate::model::TypeEntry;
use crate::names::last_segment;

/// What has to be done with the parts of an older image.
#[derive(Debug, Default)]
pub(super) struct Plan {
    rows: Vec<[String; 6]>,
}

impl Plan {
    /// Adds a step: what to do (`fill`, `drop`, `rename`, `move`, `convert`) with which part of
    /// which type, from what to what.
    pub(super) fn convert(
        &mut self,
        ty: &str,
        part: &str,
        what: &str,
        from: &str,
        to: &str,
        loads: Loads,
    ) {
        let by = match loads {
            Loads::Anyway => "nothing to tell",
            Loads::Told => "told",
            Loads::Not | Loads::Misread | Loads::Unsaid => "not told",
        };
        self.rows.push([ty, part, what, from, to, by].map(str::to_owned));
    }

    /// Puts the steps into the report, each once.
    pub(super) fn tell(mut self, report: &mut Report) {
        self.rows.sort();
        self.rows.dedup();
        if self.rows.is_empty() {
            return;
        }
        report.tables.push(Table {
            row: "conversion of older images".to_owned(),
            columns: ["type", "part", "do", "image", "program", "by attribute"]
                .map(str::to_owned)
                .to_vec(),
            rows: self.rows.into_iter().map(Vec::from).collect(),
        });
    }
}

/// The name by which images know a type: that which it is given, or its identifier.
pub(super) fn image_name<'a>(name: &'a str, entry: &'a TypeEntry) -> &'a str {
    let definition = name.split('<').next().unwrap_or(name);
    entry.history.name.as_deref().unwrap_or_else(|| last_segment(definition))
}
