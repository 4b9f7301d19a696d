//! `cargo samestate …` is `samestate …`: cargo runs this program with its own name first.

use std::process::ExitCode;

use clap::Parser as _;
use samestate_cli::Cli;

fn main() -> ExitCode {
    let mut words: Vec<_> = std::env::args_os().collect();
    if words.get(1).is_some_and(|word| word == "samestate") {
        words.remove(1);
    }
    samestate_cli::run(&Cli::parse_from(words))
}
