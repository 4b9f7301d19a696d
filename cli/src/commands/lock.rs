//! `samestate lock`

use std::fs;
use std::io;
use std::path::Path;

use samestate_report::{Finding, Report, Side, Sides, Subject, rules};

use crate::args::{LockArgs, OutputArgs};
use crate::commands::coverage;
use crate::failure::Failure;
use crate::output;
use crate::progress::Progress;

/// Writes the lock file, or checks it.
pub(crate) fn run(args: &LockArgs, output: OutputArgs) -> Result<u8, Failure> {
    let progress = Progress::new(format!("reading {}", args.binary.display()));
    let config = coverage::config(&args.binary, &args.roots);
    let (text, mut report) = samestate_analyzer::lock_text(&config)?;
    drop(progress);
    if !has_types(&report) {
        // A lock without types would look like one of a program without state.
        report.notes.push(format!("{} was not written", args.output.display()));
        return output::report(&report, output);
    }
    if args.check {
        check(&text, &args.output, &mut report)?;
    } else if args.output == Path::new("-") {
        output::print(&text, output)?;
        return Ok(report.exit_code().code());
    } else {
        write(&text, &args.output)?;
        report.notes.push(format!("wrote {}", args.output.display()));
    }
    output::report(&report, output)
}

fn has_types(report: &Report) -> bool {
    let blinding = [rules::NO_TYPES.id, rules::NO_ROOTS.id, rules::ROOT_NOT_FOUND.id];
    !report.findings.iter().any(|finding| blinding.contains(&finding.rule.id))
}

/// Compares what would be written with what is there.
fn check(text: &str, path: &Path, report: &mut Report) -> Result<(), Failure> {
    let old = fs::read(path).map_err(|error| cannot("read", path, &error))?;
    let old = String::from_utf8_lossy(&old);
    if old == text {
        return Ok(());
    }
    let line = old.lines().zip(text.lines()).take_while(|(old, new)| old == new).count();
    let nth = |text: &str| text.lines().nth(line).unwrap_or("(nothing)").trim().to_owned();
    let mut finding = Finding::new(
        &rules::STALE_LOCK,
        Subject::Input(path.display().to_string()),
        format!("{} is stale: line {} differs", path.display(), line + 1),
    );
    finding.sides = Some(Sides {
        left: Side { label: "file".to_owned(), text: nth(&old) },
        right: Side { label: "binary".to_owned(), text: nth(text) },
    });
    finding.help = Some("write it again without `--check`, and review what changed".to_owned());
    report.findings.push(finding);
    Ok(())
}

/// Puts the new text in the place of the old one, which stays if writing fails.
fn write(text: &str, path: &Path) -> Result<(), Failure> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let written = fs::write(&new, text).and_then(|()| fs::rename(&new, path));
    written.map_err(|error| {
        // What is left of the new one is of no use; the error at hand says why.
        let _ = fs::remove_file(&new);
        cannot("write", path, &error)
    })
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> Failure {
    let text = format!("cannot {what} {}: {error}", path.display());
    match error.kind() {
        io::ErrorKind::NotFound => Failure::usage(text),
        _ => Failure::unchecked(text),
    }
}
