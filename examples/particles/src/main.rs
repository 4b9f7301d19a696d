//! A particle simulation that saves its state every few steps and can go on from any checkpoint.
//!
//! ```text
//! particles --dir DIR [--steps N] [--every N] [--restore IMAGE]
//! ```
//!
//! It writes `DIR/particles.log`, one line a step, and its checkpoints to `DIR/checkpoints`.
//! Built with the feature `forgotten` or `drifted`, it has a fault that samestate finds.

mod log;
#[cfg_attr(feature = "forgotten", path = "rng_forgotten.rs")]
mod rng;
mod simulation;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use samestate::{Handles, Store};

use crate::log::Log;
use crate::simulation::Simulation;

struct Options {
    dir: PathBuf,
    steps: u64,
    every: u64,
    restore: Option<PathBuf>,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut options = Self { dir: PathBuf::from("."), steps: 100, every: 20, restore: None };
        while let Some(name) = args.next() {
            let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
            match &*name {
                "--dir" => options.dir = value.into(),
                "--steps" => options.steps = value.parse()?,
                "--every" => options.every = value.parse::<u64>()?.max(1),
                "--restore" => options.restore = Some(value.into()),
                _ => return Err(format!("unknown option {name}").into()),
            }
        }
        Ok(options)
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let mut store = Store::open(options.dir.join("checkpoints"))?;
    let log = Log::append(&options.dir.join("particles.log"))?;
    let mut simulation = match &options.restore {
        None => Simulation::new(24, 42, log),
        Some(image) => {
            let handles = Handles::new().with("log", log);
            let simulation: Simulation = store.restore_from(image, handles)?;
            store.resume(&simulation);
            simulation
        }
    };
    while simulation.step() < options.steps {
        simulation.advance()?;
        if simulation.step() % options.every == 0 {
            store.save(&simulation, simulation.step())?;
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    match Options::parse(std::env::args().skip(1)).and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "a program says why it fails")]
            {
                eprintln!("particles: {error}");
            }
            ExitCode::FAILURE
        }
    }
}
