//! `samestate record`

use std::sync::Arc;
use std::time::Duration;

use samestate_report::Report;
use samestate_tracer::trace::Status;
use samestate_tracer::{Attach, Config, Recording, Stacks};

use super::verify::passed_on;
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
    if let Some(pid) = args.attach {
        return attach(pid, args, output);
    }
    input::files(args.like.as_deref().as_slice())?;
    let signals = Signals::but_interrupts();
    let mut knobs = knobs(&args.knobs)?;
    knobs.payload_limit = args.payloads.unwrap_or(knobs.payload_limit);
    let config = Config {
        command: args.command.clone(),
        output: args.output.clone(),
        like: args.like.clone(),
        fault: args.fault.fault(),
        interrupt: Arc::clone(&signals.interrupt),
        timeout: args.timeout.map(Duration::from_secs),
        knobs,
        stacks: if args.stacks { Stacks::All } else { Stacks::None },
        most_tasks: Some(args.max_processes),
        ..Config::default()
    };
    // No progress is shown: the terminal belongs to the program.
    let recording = samestate_tracer::record(&config, &mut |_| {})?;
    let report = recording.report();
    output::aside(&report, output);
    signals.end_as_told();
    Ok(ended(&recording, &report))
}

/// Records a program that runs already. It is not ours: it does not end with us.
fn attach(pid: i32, args: &RecordArgs, output: OutputArgs) -> Result<u8, Failure> {
    let signals = Signals::all();
    let attach = Attach {
        pid,
        children: args.children,
        output: args.output.clone(),
        interrupt: Arc::clone(&signals.interrupt),
        timeout: args.timeout.map(Duration::from_secs),
        payload_limit: args.payloads,
        most_tasks: Some(args.max_processes),
    };
    let recording = samestate_tracer::attach(&attach, &mut |_| {})?;
    let report = recording.report();
    output::aside(&report, output);
    // To be interrupted is how this is meant to end.
    Ok(ended(&recording, &report))
}

fn ended(recording: &Recording, report: &Report) -> u8 {
    match recording.status() {
        // What could not be seen must not look like a clean recording.
        Status::Exited(0) => report.exit_code().code(),
        // As shells do it.
        status => passed_on(status),
    }
}
