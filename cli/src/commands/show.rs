//! `samestate show`

use std::io::{self, Write as _};

use samestate_report::{ExitCode, Finding, Report, Subject, rules};
use samestate_tracer::show::Show;

use crate::args::{OutputArgs, ShowArgs};
use crate::failure::Failure;
use crate::input;
use crate::output;

/// Prints a run, a line per call.
pub(crate) fn run(args: &ShowArgs, output: OutputArgs) -> Result<u8, Failure> {
    output::text_only("show", output)?;
    input::files(&[&args.run])?;
    output::choose_colors(output);
    let mut show = Show::open(&args.run)?;
    let mut stdout = io::BufWriter::new(anstream::stdout().lock());
    let written = |error: io::Error| Failure::unchecked(error);
    for line in show.heading() {
        writeln!(stdout, "# {line}").map_err(written)?;
    }
    while let Some(line) = show.next().transpose()? {
        writeln!(stdout, "{line}").map_err(written)?;
    }
    stdout.flush().map_err(written)?;
    drop(stdout);
    let Some(tear) = show.tear() else { return Ok(ExitCode::Clean.code()) };
    let name = args.run.display().to_string();
    let message = format!("{name} ends in the middle, at offset {}: {}", tear.offset, tear.what);
    let mut report = Report::new("show");
    report.input("run", &name);
    report.findings.push(Finding::new(&rules::TORN_TRACE, Subject::Input(name), message));
    output::report(&report, output)
}
