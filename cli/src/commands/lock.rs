//! `samestate lock`

use std::fs;
use std::path::Path;

use samestate_analyzer::LockText;
use samestate_report::Report;

use crate::args::{Format, LockArgs, OutputArgs};
use crate::commands::{coverage, settings};
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
    let mut config = coverage::config(&args.binary, &args.roots)?;
    settings::set_profile(&mut config.settings, args.profile);
    let (lock, mut report) = samestate_analyzer::lock_text(&config)?;
    drop(progress);
    if !samestate_analyzer::shows_state(&report) {
        report.notes.push(format!("{} was not written", args.output.display()));
        return output::report(&report, output);
    }
    if args.check {
        check(&lock, args, &mut report)?;
    } else if args.output == Path::new("-") {
        output::print(&lock, output)?;
        if report.is_incomplete() {
            // What the lock does not show must not go unsaid.
            output::aside(&report, output);
        }
        return Ok(report.exit_code().code());
    } else {
        output::file(lock.as_bytes(), &args.output, None)?;
        report.notes.push(format!("wrote {}", args.output.display()));
    }
    output::report(&report, output)
}

/// Compares what would be written with what is there.
fn check(text: &str, args: &LockArgs, report: &mut Report) -> Result<(), Failure> {
    let (path, binary) = (&*args.output, &args.binary);
    let bytes = fs::read(path).map_err(|error| output::cannot("read", path, &error))?;
    let lock = LockText { name: path.to_owned(), bytes };
    report.findings.extend(samestate_analyzer::stale(&lock, text, binary));
    Ok(())
}
