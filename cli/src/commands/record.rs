//! `samestate record`

use std::sync::Arc;
use std::time::Duration;

use samestate_tracer::Config;
use samestate_tracer::trace::Status;

use crate::args::{OutputArgs, RecordArgs};
use crate::failure::Failure;
use crate::input;
use crate::knobs::knobs;
use crate::output;
use crate::signals::Signals;

/// Records, says on stderr what it came to, and ends as the program did.
///
/// The program's own output goes where it always goes, so nothing is said on stdout.
pub(crate) fn run(args: &RecordArgs, output: OutputArgs) -> Result<u8, Failure> {
    input::files(args.like.as_deref().as_slice())?;
    let signals = Signals::but_interrupts();
    let config = Config {
        command: args.command.clone(),
        output: args.output.clone(),
        like: args.like.clone(),
        fault: args.fault.fault(),
        interrupt: Arc::clone(&signals.interrupt),
        timeout: args.timeout.map(Duration::from_secs),
        knobs: knobs(&args.knobs)?,
        ..Config::default()
    };
    // No progress is shown: the terminal belongs to the program.
    let recording = samestate_tracer::record(&config, &mut |_| {})?;
    let report = recording.report();
    output::aside(&report, output);
    signals.end_as_told();
    Ok(match recording.status() {
        // What could not be seen must not look like a clean recording.
        Status::Exited(0) => report.exit_code().code(),
        Status::Exited(status) => u8::try_from(status & 0xff).unwrap_or(u8::MAX),
        // As shells do it.
        Status::Killed(signal) => u8::try_from(128 + (signal & 0x7f)).unwrap_or(u8::MAX),
    })
}
