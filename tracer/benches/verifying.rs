//! What it costs to verify the particle simulation with 20 checkpoints, one restored run after the other
//! or as many at once as there are processors, beside its 21 runs recorded one by one: the original, and
//! from each checkpoint.
//!
//! ```text
//! cargo bench -p samestate-tracer --bench verifying
//! ```
//!
//! All ways run in turn; the least time on the wall and on the processors counts, of this process
//! and of all that it started. The program makes its checkpoints durable, so the time on the wall is
//! that of the disk for the most part.

#![expect(clippy::print_stdout, reason = "a program that prints a table")]

use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use samestate_tracer::{Config, Stream, Verdict, Verify, record, verify};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const ROUNDS: usize = 5;
const CHECKPOINTS: usize = 20;
/// What verifying may cost, as a multiple of the runs.
const BAR: f64 = 1.3;

/// Time in seconds.
#[derive(Clone, Copy)]
struct Spent {
    wall: f64,
    processor: f64,
}

fn main() -> Result {
    let program = build()?;
    let folder = tempfile::tempdir()?;
    let state = folder.path().join("state");
    let most = Spent { wall: f64::MAX, processor: f64::MAX };
    let [mut runs, mut alone, mut at_once] = [most; 3];
    for _ in 0..ROUNDS {
        for (least, way) in [
            (&mut runs, run_all as fn(&Path, &Path, &Path) -> Result),
            (&mut alone, |program, state, _| verify_all(program, state, 1)),
            (&mut at_once, |program, state, _| verify_all(program, state, 0)),
        ] {
            if state.exists() {
                fs::remove_dir_all(&state)?;
            }
            fs::create_dir(&state)?;
            let (begun, before) = (Instant::now(), processor()?);
            way(&program, &state, folder.path())?;
            least.wall = least.wall.min(begun.elapsed().as_secs_f64());
            least.processor = least.processor.min(processor()? - before);
        }
    }
    println!(
        "| particles, {CHECKPOINTS} checkpoints | runs | one after the other | at once | bar |"
    );
    println!("|---|---|---|---|---|");
    for (what, of) in [
        ("CPU time", (|spent| spent.processor) as fn(Spent) -> f64),
        ("time", |spent: Spent| spent.wall),
    ] {
        let runs = of(runs);
        let beside = |spent| format!("{:.2} s = {:.2}", of(spent), of(spent) / runs);
        println!("| {what} | {runs:.2} s | {} | {} | {BAR} |", beside(alone), beside(at_once));
    }
    Ok(())
}

/// The simulation as users build it.
fn build() -> Result<PathBuf> {
    let bench = std::env::current_exe()?;
    // It stands in TARGET/PROFILE/deps.
    let target = bench.ancestors().nth(3).ok_or("no target folder")?;
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("Cargo.toml");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--release", "--package", "particles", "--manifest-path"])
        .arg(manifest)
        .arg("--target-dir")
        .arg(target)
        .status()?;
    if !status.success() {
        return Err("the simulation cannot be built".into());
    }
    Ok(target.join("release/particles"))
}

fn command(program: &Path, state: &Path, image: Option<&Path>) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec![program.into(), "--dir".into(), state.into()];
    words.extend(["--steps", "100", "--every", "5"].map(OsString::from));
    words.extend(image.into_iter().flat_map(|image| ["--restore".into(), image.into()]));
    words
}

fn run_all(program: &Path, state: &Path, folder: &Path) -> Result {
    let one = |image: Option<&Path>| {
        let config = Config {
            command: command(program, state, image),
            stdin: Stream::Null,
            stdout: Stream::Null,
            output: folder.join("trace"),
            ..Config::default()
        };
        record(&config, &mut |_| ())
    };
    one(None)?;
    let images = fs::read_dir(state.join("checkpoints"))?;
    let mut images: Vec<PathBuf> =
        images.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    images.retain(|path| path.extension().is_some_and(|extension| extension == "ckpt"));
    images.sort();
    if images.len() != CHECKPOINTS {
        return Err(format!("{} images", images.len()).into());
    }
    images.iter().try_for_each(|image| one(Some(image)).map(drop))?;
    Ok(())
}

fn verify_all(program: &Path, state: &Path, jobs: usize) -> Result {
    let config = Verify {
        command: command(program, state, None),
        restore: command(program, state, Some(Path::new("{image}"))),
        state: vec![state.to_owned()],
        jobs,
        ..Verify::default()
    };
    let found = verify(&config, &mut |_| ())?;
    let same = found.checkpoints.iter().filter(|one| one.verdict == Verdict::Same).count();
    if same != CHECKPOINTS {
        Err(format!("{same} checkpoints are the same").into())
    } else {
        Ok(())
    }
}

/// Time on a processor so far, of this process and of all that has ended, in seconds.
fn processor() -> Result<f64> {
    /// Ticks of the kernel's accounting in a second.
    const TICKS: f64 = 100.0;
    let text = fs::read_to_string("/proc/self/stat")?;
    let rest = text.rsplit_once(')').ok_or("no name")?.1;
    let ticks = rest.split_whitespace().skip(11).take(4);
    Ok(ticks.filter_map(|word| word.parse::<f64>().ok()).sum::<f64>() / TICKS)
}
