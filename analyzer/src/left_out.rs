//! What no checkpoint holds, of fields that somebody asks about.

use std::collections::{BTreeMap, BTreeSet};

use samestate_report::Evidence;
use samestate_schema::treatment::{SkipPolicy, Treatment};

use crate::coverage::CoverageConfig;
use crate::error::Error;
use crate::evidence::{FieldVerdict, Verdict};
use crate::program::Program;
use crate::walk::ReachedField;
use crate::{load, names};

/// Says of those among `fields` that no checkpoint brings back why that is so. A field is named by
/// its type as debug information names it, a dot, and its own name: `sim::Cache.hits`. Nothing is
/// said of what the program's roots do not lead to, nor of programs of which no roots are known.
///
/// # Errors
/// If the binary cannot be read as one.
pub fn left_out(
    config: &CoverageConfig,
    fields: &BTreeSet<String>,
) -> Result<BTreeMap<String, Evidence>, Error> {
    let has_roots = !config.roots.is_empty() || !config.settings.roots.is_empty();
    // Without records there is none that is marked as one.
    if fields.is_empty() || !has_roots && load::load(&config.binary)?.records.is_empty() {
        return Ok(BTreeMap::new());
    }
    let program = Program::read(config)?;
    let walk = program.survey(&mut Default::default(), &mut Default::default());
    let mut found = BTreeMap::new();
    for reached in &walk.types {
        let definition = program.graph().get(reached.id).definition();
        for field in &reached.fields {
            let Some(says) = says(&field.verdict) else { continue };
            let (owner, name) = spelled(definition, field);
            let wanted = fields.iter().filter(|wanted| {
                wanted.rsplit_once('.').is_some_and(|(of, field)| {
                    field == name && names::without_arguments(of) == owner
                })
            });
            for wanted in wanted {
                let says = format!("`{owner}.{name}` {says}");
                let place = field.verdict.place.clone();
                let source = "coverage".to_owned();
                found.insert(wanted.clone(), Evidence { source, says, place });
            }
        }
    }
    Ok(found)
}

/// The type and the field, as debug information names them.
fn spelled(definition: &str, field: &ReachedField) -> (String, String) {
    let owner = names::without_arguments(definition);
    let owner = match &*field.key.variant {
        "" => owner.to_owned(),
        variant => format!("{owner}::{variant}"),
    };
    (owner, field.key.name.clone())
}

/// What is to be said of a field; `None` if it comes back as it was, or nobody knows.
fn says(verdict: &FieldVerdict) -> Option<String> {
    let says = match &verdict.verdict {
        Verdict::Left(Treatment::Skipped(policy)) => match policy {
            SkipPolicy::Default => "is skipped, and restored as its default",
            SkipPolicy::Keep => "is skipped, and kept as it is where it is restored",
            SkipPolicy::Value => "is skipped, and restored as a value that is given",
        },
        Verdict::Left(Treatment::Rebuilt) => "is not saved but built anew",
        Verdict::Uncovered => "is covered by no checkpoint",
        Verdict::Partly(_) => "is saved in part only",
        Verdict::SavedOnly => "is saved, but nothing restores it",
        Verdict::RestoredOnly => "is restored, but nothing saves it",
        Verdict::Saved(_)
        | Verdict::Volatile
        | Verdict::Handed(_)
        | Verdict::Left(_)
        | Verdict::Unknown => return None,
    };
    Some(match &verdict.why {
        Some(why) => format!("{says}: {why}"),
        None => says.to_owned(),
    })
}
