//! The gate: coverage, drift from a lock, and whether the lock is that of the program.

mod places;

use std::path::{Path, PathBuf};

use samestate_report::{Finding, Place, Report, Side, Sides, Subject, Unused, rules};

use crate::compare::compare;
use crate::coverage::{self, CoverageConfig};
use crate::drift::model_of;
use crate::error::Error;
use crate::lock;
use crate::timings;

/// What to check.
#[derive(Clone, Debug, Default)]
pub struct CheckConfig {
    /// The program, and how to look at it.
    pub program: CoverageConfig,
    /// The lock that lies beside the sources, which must be that of the program.
    pub lock: LockText,
    /// An earlier lock that the program is compared with; `None` is the one beside the sources.
    pub baseline: Option<LockText>,
}

/// A lock file that was read.
#[derive(Clone, Debug, Default)]
pub struct LockText {
    /// What it is called in messages.
    pub name: PathBuf,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Checks a program: what its checkpoints forget, what changed since the lock, and whether the lock
/// is up to date. What samestate.toml allows is left out.
///
/// # Errors
/// If the binary cannot be read as one, or a lock is none.
pub fn check(config: &CheckConfig) -> Result<Report, Error> {
    let before = config.baseline.as_ref().unwrap_or(&config.lock);
    let old = timings::phase("read locks", || {
        lock::read(&before.name, &before.bytes, &mut lock::KnownBlocks::default())
    })?;
    let mut report = Report::new("check");
    report.input("binary", config.program.binary.display().to_string());
    if let Some(baseline) = &config.baseline {
        report.input("baseline", baseline.name.display().to_string());
    }
    report.input("lock", config.lock.name.display().to_string());
    let (program, walk) = coverage::cover(&config.program, &mut report)?;
    if shows_state(&report) {
        let new = model_of(&program, &walk);
        let mut changes = Report::default();
        timings::phase("compare", || {
            compare(&old, &new, &config.program.settings, &mut changes);
        });
        places::find(&program, &walk, &mut changes.findings);
        // What coverage says of a new field says it all.
        changes.findings.retain(|change| !is_said(change, &report.findings));
        report.findings.append(&mut changes.findings);
        report.notes.append(&mut changes.notes);
        report.tables.append(&mut changes.tables);
        report.plan.append(&mut changes.plan);
        let text = lock::write(&new);
        report.findings.extend(stale(&config.lock, &text, &config.program.binary));
        report.fact(
            "types compared",
            old.types.keys().filter(|name| new.types.contains_key(*name)).count() as u64,
        );
    } else {
        report.notes.push("what changed could not be looked at".to_owned());
    }
    report.sort();
    config.program.settings.allowed.of_programs().apply(&mut report, Unused::Fails);
    Ok(report)
}

/// Whether what hangs from the roots was seen. Without it, a lock would look like one of a program
/// that has no state.
#[must_use]
pub fn shows_state(report: &Report) -> bool {
    let blinding = [rules::NO_TYPES.id, rules::NO_ROOTS.id, rules::ROOT_NOT_FOUND.id];
    !report.findings.iter().any(|finding| blinding.contains(&finding.rule.id))
}

fn is_said(change: &Finding, findings: &[Finding]) -> bool {
    let is_same = |finding: &&Finding| {
        finding.rule.id == rules::UNCOVERED_FIELD.id && finding.subject == change.subject
    };
    change.rule.id == rules::FIELD_ADDED.id && findings.iter().any(|finding| is_same(&finding))
}

/// The finding about a lock that is not what would be written today for this binary.
#[must_use]
pub fn stale(lock: &LockText, text: &str, binary: &Path) -> Option<Finding> {
    let old = String::from_utf8_lossy(&lock.bytes);
    if old == text {
        return None;
    }
    let line = old.lines().zip(text.lines()).take_while(|(old, new)| old == new).count();
    let nth = |text: &str| text.lines().nth(line).unwrap_or("(nothing)").trim().to_owned();
    let name = lock.name.display();
    let mut finding = Finding::new(
        &rules::STALE_LOCK,
        Subject::Input(name.to_string()),
        format!("{name} is stale: line {} differs", line + 1),
    );
    finding.sides = Some(Sides {
        left: Side { label: "file".to_owned(), text: nth(&old) },
        right: Side { label: "binary".to_owned(), text: nth(text) },
    });
    finding.place = Some(Place {
        file: name.to_string(),
        line: u32::try_from(line + 1).unwrap_or(0),
        column: 0,
        text: old.lines().nth(line).map(str::to_owned),
    });
    let binary = binary.display();
    finding.help = Some(format!(
        "write it again with `samestate lock {binary} -o {name}`, review what changed, and commit it"
    ));
    Some(finding)
}
