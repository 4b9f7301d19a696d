//! The command line of samestate: it parses arguments, calls the analyzer or the tracer, and
//! prints the report. No analysis happens here.
//!
//! Results go to stdout, everything else to stderr.

#![forbid(unsafe_code)]

mod args;
mod baseline;
mod commands;
mod failure;
mod input;
mod knobs;
mod output;
mod package;
mod progress;
mod signals;
mod timings;

use std::process::ExitCode;

pub use args::Cli;

use crate::args::Command;

/// Does what the command line says.
#[must_use]
pub fn run(cli: &Cli) -> ExitCode {
    let output = cli.output;
    let done = match &cli.command {
        Command::Coverage(args) => {
            timings::told(args.timings, || commands::coverage::run(args, output))
        }
        Command::Init(args) => commands::init::run(args, output),
        Command::Lock(args) => timings::told(args.timings, || commands::lock::run(args, output)),
        Command::Drift(args) => timings::told(args.timings, || commands::drift::run(args, output)),
        Command::Check(args) => timings::told(args.timings, || commands::check::run(args, output)),
        Command::Record(args) => commands::record::run(args, output),
        Command::Compare(args) => commands::compare::run(args, output),
        Command::Show(args) => commands::show::run(args, output),
        Command::Verify(args) => commands::verify::run(args, output),
        Command::Image(command) => commands::image::run(command, output),
        Command::Explain(args) => commands::explain::run(args, output),
        Command::Demo(args) => commands::demo::run(args, output),
    };
    ExitCode::from(done.unwrap_or_else(|failure| failure.report(output)))
}
