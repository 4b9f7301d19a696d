//! `samestate check`

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use samestate_analyzer::{CheckConfig, CoverageConfig, LockText};
use samestate_report::Report;

use super::coverage::statics;
use super::settings;
use crate::args::{CheckArgs, FailOn, OutputArgs};
use crate::failure::Failure;
use crate::input;
use crate::output;
use crate::package;
use crate::progress::Progress;

/// Prints the verdict.
pub(crate) fn run(args: &CheckArgs, output: OutputArgs) -> Result<u8, Failure> {
    output::report(&report(args)?, output)
}

fn report(args: &CheckArgs) -> Result<Report, Failure> {
    let (settings, folder) = settings::read_with_folder(&args.roots)?;
    let binary = match (&args.binary, &settings.check.binary) {
        (Some(binary), _) => binary.clone(),
        (None, Some(binary)) if !args.build => folder.join(binary),
        (None, _) => package::binary(args.build)?,
    };
    let lock = match (&args.lock, &settings.check.lock) {
        (Some(lock), _) => lock.clone(),
        (None, Some(lock)) => folder.join(lock),
        (None, None) => folder.join("checkpoint.lock"),
    };
    input::files(&[&binary])?;
    if !lock.exists() {
        return Err(Failure::usage(format!(
            "there is no {}; write it with `samestate lock {} -o {}`, review it and commit it",
            lock.display(),
            binary.display(),
            lock.display()
        )));
    }
    let text = read(&lock)?;
    let baseline = match &args.baseline {
        None => None,
        Some(revision) => Some(of_revision(revision, &lock)?),
    };
    let is_new = baseline.as_ref().is_some_and(Option::is_none);
    let fails_on_warnings = match args.fail_on {
        Some(fail_on) => fail_on == FailOn::Warning,
        None => settings.check.fails_on_warnings,
    };
    let progress = Progress::new(format!("checking {}", binary.display()));
    let mut report = samestate_analyzer::check(&CheckConfig {
        program: CoverageConfig {
            binary,
            roots: args.roots.roots.clone(),
            source_dirs: args.roots.source_dirs.clone(),
            statics: statics(args.statics),
            settings,
        },
        lock: text,
        baseline: baseline.flatten(),
    })?;
    drop(progress);
    report.fails_on_warnings = fails_on_warnings;
    if let (Some(revision), true) = (&args.baseline, is_new) {
        report.notes.push(format!(
            "{revision} has no {}: there is nothing earlier to compare with",
            lock.display()
        ));
    }
    Ok(report)
}

fn read(path: &Path) -> Result<LockText, Failure> {
    input::files(&[path])?;
    let bytes = fs::read(path)
        .map_err(|error| Failure::unchecked(format!("cannot read {}: {error}", path.display())))?;
    Ok(LockText { name: path.to_owned(), bytes })
}

/// The lock file as it is in a revision; `None` if the revision does not have it.
fn of_revision(revision: &str, lock: &Path) -> Result<Option<LockText>, Failure> {
    if revision.starts_with('-') {
        return Err(Failure::usage(format!("`{revision}` is no revision")));
    }
    let folder = match lock.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let name = lock.file_name().unwrap_or_default().to_string_lossy();
    let git = |words: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(folder).args(words);
        command.output().map_err(|error| Failure::unchecked(format!("cannot run git: {error}")))
    };
    let known = git(&["rev-parse", "--verify", "--quiet", &format!("{revision}^{{commit}}")])?;
    if !known.status.success() {
        let why = String::from_utf8_lossy(&known.stderr);
        return Err(Failure::usage(format!(
            "git knows no revision `{revision}` in {}{}{}; fetch it, or name another one",
            folder.display(),
            if why.trim().is_empty() { "" } else { ": " },
            why.trim()
        )));
    }
    let listed = git(&["ls-tree", "--name-only", revision, "--", &name])?;
    if listed.status.success() && listed.stdout.is_empty() {
        return Ok(None);
    }
    let shown = git(&["show", &format!("{revision}:./{name}")])?;
    if !shown.status.success() {
        let why = String::from_utf8_lossy(&shown.stderr);
        let name = lock.display();
        return Err(Failure::unchecked(format!(
            "cannot read {name} of {revision}: {}",
            why.trim()
        )));
    }
    let name = PathBuf::from(format!("{revision}:{}", lock.display()));
    Ok(Some(LockText { name, bytes: shown.stdout }))
}
