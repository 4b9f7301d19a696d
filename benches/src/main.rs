//! Measures samestate beside other serializers, and writes `docs/BENCHMARKS.md`.
//!
//! Parts run in processes of their own, because the allocator is told how to behave when a process
//! starts: with *warm* memory it keeps what was freed, and all rounds run in one process; with
//! *cold* memory every single run has a new process, so that all its memory is fresh.

mod data;
mod derive_cost;
mod files;
mod formats;
mod machine;
mod measure;
mod memory;
mod profile;
mod report;

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use clap::{Parser, ValueEnum};
use serde::Serialize;
use serde::de::DeserializeOwned;

use data::{Bodies, Particles, World};
use measure::{Timing, in_turns};
use memory::Only;
use report::Report;

#[derive(Parser)]
#[command(about = "Measures samestate beside other serializers")]
struct Arguments {
    /// Rounds of which the median is taken.
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// Where to write the report; standard output if not given.
    #[arg(long)]
    write: Option<PathBuf>,
    /// Folders to save files to. [default: the system's temporary folder, and /dev/shm]
    #[arg(long)]
    folder: Vec<PathBuf>,
    /// Leave the compile times out.
    #[arg(long)]
    no_derive: bool,
    /// Rounds with cold memory.
    #[arg(long, default_value_t = 7)]
    cold_rounds: usize,
    /// Run one part and print its raw results.
    #[arg(long)]
    part: Option<Part>,
    /// Only the candidate of this number, once.
    #[arg(long, requires = "part")]
    only: Option<Only>,
    /// Only save and restore this state with samestate, again and again, under a profiler.
    #[arg(long)]
    profile: Option<profile::Work>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Particles,
    Structs,
    Mixed,
    Files,
}

/// How the allocator of the GNU C library is told to keep what is freed, and not to.
const WARM: &[(&str, &str)] = &[
    ("MALLOC_MMAP_MAX_", "0"),
    ("MALLOC_TRIM_THRESHOLD_", "17179869184"),
    ("MALLOC_TOP_PAD_", "67108864"),
];
const COLD: &[(&str, &str)] =
    &[("MALLOC_MMAP_THRESHOLD_", "131072"), ("MALLOC_TRIM_THRESHOLD_", "131072")];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let rounds = arguments.rounds;
    if let Some(work) = arguments.profile {
        profile::run(work, rounds);
        return Ok(());
    }
    match arguments.part {
        Some(Part::Particles) => return state::<Particles>(&arguments),
        Some(Part::Structs) => return state::<Bodies>(&arguments),
        Some(Part::Mixed) => return state::<World>(&arguments),
        Some(Part::Files) => {
            let results: Result<Vec<_>, _> =
                folders(&arguments).iter().map(|folder| files::run(folder, rounds)).collect();
            return print(&results?);
        }
        None => {}
    }
    let mut states = Vec::new();
    for part in [Part::Particles, Part::Structs, Part::Mixed] {
        let warm: memory::Results = child(part, &arguments, None, WARM)?;
        eprintln!("{}: warm done", warm.title);
        let cold = cold(part, &arguments, &warm)?;
        eprintln!("{}: cold done", warm.title);
        states.push((warm, cold));
    }
    let files =
        (child(Part::Files, &arguments, None, WARM)?, child(Part::Files, &arguments, None, COLD)?);
    eprintln!("files: done");
    let derives = if arguments.no_derive { Vec::new() } else { derive_cost::run(3)? };
    let report = Report { machine: machine::describe(), rounds, states, files, derives };
    match &arguments.write {
        Some(path) => fs::write(path, report.to_string())?,
        None => println!("{report}"),
    }
    Ok(())
}

fn state<T: formats::Compared>(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    match arguments.only {
        Some(only) => print(&memory::once::<T>(only)),
        None => print(&memory::run::<T>(arguments.rounds)),
    }
}

/// The candidates of a warm part with cold memory.
fn cold(
    part: Part,
    arguments: &Arguments,
    warm: &memory::Results,
) -> Result<memory::Cold, Box<dyn Error>> {
    let all = |timings: &[Timing], only: fn(usize) -> Only| {
        let run = |index| {
            let ms: f64 = child(part, arguments, Some(only(index)), COLD)?;
            Ok::<_, Box<dyn Error>>(Duration::from_secs_f64(ms / 1e3))
        };
        let names = timings.iter().map(|timing| timing.name.clone()).collect();
        in_turns(names, arguments.cold_rounds, run)
    };
    Ok(memory::Cold {
        save: all(&warm.save, Only::Save)?,
        restore: all(&warm.restore, Only::Restore)?,
    })
}

fn folders(arguments: &Arguments) -> Vec<PathBuf> {
    if arguments.folder.is_empty() {
        let folders = [std::env::temp_dir(), PathBuf::from("/dev/shm")];
        return folders.into_iter().filter(|folder| folder.is_dir()).collect();
    }
    arguments.folder.clone()
}

fn print(results: &impl Serialize) -> Result<(), Box<dyn Error>> {
    println!("{}", serde_json::to_string(results)?);
    Ok(())
}

/// Runs one part in a process whose allocator is set so.
fn child<R: DeserializeOwned>(
    part: Part,
    arguments: &Arguments,
    only: Option<Only>,
    settings: &[(&str, &str)],
) -> Result<R, Box<dyn Error>> {
    let name = part.to_possible_value().ok_or("a part without a name")?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--part", name.get_name(), "--rounds", &arguments.rounds.to_string()]);
    if let Some(only) = only {
        command.args(["--only", &only.to_string()]);
    }
    for folder in &arguments.folder {
        command.arg("--folder").arg(folder);
    }
    let output = command.envs(settings.iter().copied()).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("part {} failed: {}", name.get_name(), output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
