//! `samestate check`

use std::fs;
use std::path::{Path, PathBuf};

use samestate_analyzer::{CheckConfig, CoverageConfig, LockText, Settings};
use samestate_report::Report;

use super::coverage::statics;
use super::settings;
use crate::args::{CheckArgs, FailOn, OutputArgs};
use crate::baseline;
use crate::failure::Failure;
use crate::input;
use crate::output;
use crate::package::Program;
use crate::progress::Progress;

/// Prints the verdict.
pub(crate) fn run(args: &CheckArgs, output: OutputArgs) -> Result<u8, Failure> {
    let report = report(args)?;
    for file in &args.reports {
        output::to_file(&report, file, output)?;
    }
    output::report(&report, output)
}

/// The name of the lock file, unless another one is given.
const LOCK: &str = "checkpoint.lock";

/// What is checked, and by which words.
struct Gate {
    binary: PathBuf,
    settings: Settings,
    lock: PathBuf,
}

impl Gate {
    fn find(args: &CheckArgs) -> Result<Self, Failure> {
        let asked = match args.cargo.are_given() {
            true => Some(Program::find(&args.cargo)?),
            false => None,
        };
        let around = args.cargo.package.as_ref().and(asked.as_ref()).map(Program::folder);
        let (settings, folder) = settings::read_with_folder(&args.roots, around)?;
        let binary = match (&args.binary, &asked, &settings.check.binary) {
            (Some(binary), _, _) => binary.clone(),
            (None, Some(program), _) => program.path(&args.cargo)?,
            (None, None, Some(binary)) => folder.join(binary),
            (None, None, None) => Program::find(&args.cargo)?.path(&args.cargo)?,
        };
        let lock = match (&args.lock, &settings.check.lock) {
            (Some(lock), _) => lock.clone(),
            (None, Some(lock)) => folder.join(lock),
            // The nearest one: a folder of a workspace may have one without a package of its own.
            (None, None) if around.is_none() && Path::new(LOCK).exists() => PathBuf::from(LOCK),
            (None, None) => folder.join(LOCK),
        };
        input::files(&[&binary])?;
        Ok(Self { binary, settings, lock })
    }

    /// The lock file beside the sources.
    fn lock(&self) -> Result<LockText, Failure> {
        let lock = &self.lock;
        if !lock.exists() {
            return Err(Failure::usage(format!(
                "there is no {}; write it with `samestate lock {} -o {}`, review it and commit it",
                lock.display(),
                self.binary.display(),
                lock.display()
            )));
        }
        input::files(&[lock])?;
        let bytes = fs::read(lock).map_err(|error| output::cannot("read", lock, &error))?;
        Ok(LockText { name: lock.clone(), bytes })
    }
}

fn report(args: &CheckArgs) -> Result<Report, Failure> {
    let gate = Gate::find(args)?;
    let lock = gate.lock()?;
    let baseline = match &args.baseline {
        None => None,
        Some(revision) => Some(baseline::of_revision(revision, &gate.lock)?),
    };
    let is_new = baseline.as_ref().is_some_and(Option::is_none);
    let fails_on_warnings = match args.fail_on {
        Some(fail_on) => fail_on == FailOn::Warning,
        None => gate.settings.check.fails_on_warnings,
    };
    let progress = Progress::new(format!("checking {}", gate.binary.display()));
    let mut report = samestate_analyzer::check(&CheckConfig {
        program: CoverageConfig {
            binary: gate.binary,
            roots: args.roots.roots.clone(),
            source_dirs: args.roots.source_dirs.clone(),
            statics: statics(args.statics),
            settings: gate.settings,
        },
        lock,
        baseline: baseline.flatten(),
    })?;
    drop(progress);
    report.fails_on_warnings = fails_on_warnings;
    if let (Some(revision), true) = (&args.baseline, is_new) {
        report.notes.push(format!(
            "{revision} has no {}: there is nothing earlier to compare with",
            shown(&gate.lock)
        ));
    }
    Ok(report)
}

fn shown(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
