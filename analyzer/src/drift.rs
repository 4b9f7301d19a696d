//! What changed between two programs that endangers saved state.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use samestate_report::{Report, Unused};

use crate::aside::Aside;
use crate::compare::compare;
use crate::coverage::CoverageConfig;
use crate::error::Error;
use crate::history::History;
use crate::limits::MAX_LOCK_LEN;
use crate::lock::{self, KnownBlocks, MAGIC};
use crate::model::Model;
use crate::profile::Profile;
use crate::program::Program;
use crate::settings::Settings;
use crate::statics::Statics;
use crate::timings;
use crate::walk::Walk;

/// How to read the binaries of a comparison.
#[derive(Clone, Debug, Default)]
pub struct DriftConfig {
    /// Names of roots besides those that records mark, for the sides that are binaries.
    pub roots: Vec<String>,
    /// Folders in which to look for the sources of the sides that are binaries.
    pub source_dirs: Vec<PathBuf>,
    /// What samestate.toml says, for the sides that are binaries.
    pub settings: Settings,
}

/// Compares two programs, each given as an executable or as its lock file.
///
/// # Errors
/// If one of them cannot be read.
pub fn drift(old: &Path, new: &Path, config: &DriftConfig) -> Result<Report, Error> {
    let mut report = Report::new("drift");
    report.input("old", old.display().to_string());
    report.input("new", new.display().to_string());
    let mut known = KnownBlocks::default();
    let old = Aside::new(read_side(old, config, &mut known, &mut report)?);
    let new = Aside::new(read_side(new, config, &mut known, &mut report)?);
    drop(Aside::new(known));
    // Both sides are looked at under one set of options, so they complain of the same things.
    report.findings.dedup_by(|a, b| {
        a.rule.id == b.rule.id && a.subject == b.subject && a.message == b.message
    });
    timings::phase("compare", || compare(&old, &new, &config.settings, &mut report));
    report.fact(
        "types compared",
        old.types.keys().filter(|n| new.types.contains_key(*n)).count() as u64,
    );
    report.sort();
    config.settings.allowed.of_programs().apply(&mut report, Unused::Quiet);
    Ok(report)
}

/// The text of the lock of a binary, and what could not be seen for it.
///
/// # Errors
/// If the binary cannot be read.
pub fn lock_text(config: &CoverageConfig) -> Result<(String, Report), Error> {
    let mut report = Report::new("lock");
    report.input("binary", config.binary.display().to_string());
    let program = Program::read(config)?;
    let walk = program.survey(&mut report, &mut Report::default());
    crate::coverage::state_ends(&walk, &mut report);
    let model = model_of(&program, &walk);
    report.fact("types", model.types.len() as u64);
    report.sort();
    Ok((lock::write(&model), report))
}

fn read_binary(config: &CoverageConfig, report: &mut Report) -> Result<Model, Error> {
    let program = Program::read(config)?;
    let walk = program.survey(report, &mut Report::default());
    Ok(model_of(&program, &walk))
}

/// What the program is compared by.
pub(crate) fn model_of(program: &Program, walk: &Walk) -> Model {
    let history = |id| program.records().of(id).map(History::of);
    timings::phase("describe for comparison", || {
        let mut model = Model::of(program.graph(), walk, &history);
        model.target = Some(program.target().clone());
        match program.profile() {
            Profile::ByField => model,
            Profile::RawMemory => model.with_memory(program.graph(), walk, program.target()),
        }
    })
}

fn read_side(
    path: &Path,
    config: &DriftConfig,
    known: &mut KnownBlocks,
    report: &mut Report,
) -> Result<Model, Error> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(failed)?;
    let mut start = Vec::new();
    file.by_ref().take(MAGIC.len() as u64).read_to_end(&mut start).map_err(failed)?;
    let is_text = !start.is_empty() && !start.starts_with(b"\x7fELF") && start.is_ascii();
    let is_lock = start == MAGIC.as_bytes()
        || (is_text && path.extension().is_some_and(|extension| extension == "lock"))
        || start.starts_with(b"<<<<<<<");
    if is_lock {
        let len = file.metadata().map_or(0, |metadata| metadata.len()).min(MAX_LOCK_LEN);
        start.reserve(usize::try_from(len).unwrap_or(0));
        file.take(MAX_LOCK_LEN).read_to_end(&mut start).map_err(failed)?;
        return Ok(timings::phase("read locks", || lock::read(path, &start, known))?);
    }
    let config = CoverageConfig {
        binary: path.to_owned(),
        roots: config.roots.clone(),
        source_dirs: config.source_dirs.clone(),
        statics: Statics::None,
        settings: config.settings.clone(),
    };
    read_binary(&config, report)
}
