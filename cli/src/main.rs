//! The program `samestate`.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    samestate_cli::run(&samestate_cli::Cli::parse())
}
