//! `samestate lock`

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use samestate_analyzer::LockText;
use samestate_report::{Report, rules};

use crate::args::{Format, LockArgs, OutputArgs};
use crate::commands::coverage;
use crate::failure::Failure;
use crate::input;
use crate::output;
use crate::progress::Progress;

/// Writes the lock file, or checks it.
pub(crate) fn run(args: &LockArgs, output: OutputArgs) -> Result<u8, Failure> {
    if output.format != Format::Text && args.output == Path::new("-") && !args.check {
        return Err(Failure::usage("a lock on stdout is text; leave out `--format`"));
    }
    input::files(&[&args.binary])?;
    if args.check {
        input::files(&[&args.output])?;
    }
    let progress = Progress::new(format!("reading {}", args.binary.display()));
    let config = coverage::config(&args.binary, &args.roots)?;
    let (lock, mut report) = samestate_analyzer::lock_text(&config)?;
    drop(progress);
    if !has_types(&report) {
        // A lock without types would look like one of a program without state.
        report.notes.push(format!("{} was not written", args.output.display()));
        return output::report(&report, output);
    }
    if args.check {
        check(&lock, &args.output, &mut report)?;
    } else if args.output == Path::new("-") {
        output::print(&lock, output)?;
        if report.is_incomplete() {
            // What the lock does not show must not go unsaid.
            output::aside(&report, output);
        }
        return Ok(report.exit_code().code());
    } else {
        write(&lock, &args.output)?;
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
    let bytes = fs::read(path).map_err(|error| cannot("read", path, &error))?;
    let lock = LockText { name: path.to_owned(), bytes };
    report.findings.extend(samestate_analyzer::stale(&lock, text));
    Ok(())
}

/// Puts the new text in the place of the old one, which stays if writing fails. A link stays a
/// link.
fn write(text: &str, path: &Path) -> Result<(), Failure> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = match target.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let written = tempfile::Builder::new()
        .permissions(fs::Permissions::from_mode(0o644))
        .tempfile_in(folder)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.persist(&target).map_err(|error| error.error)
        });
    written.map(drop).map_err(|error| cannot("write", path, &error))
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> Failure {
    let text = format!("cannot {what} {}: {error}", path.display());
    match error.kind() {
        io::ErrorKind::NotFound => Failure::usage(text),
        _ => Failure::unchecked(text),
    }
}
