//! What it costs to be recorded, beside running alone and `strace -f`.
//!
//! ```text
//! cargo bench -p samestate-tracer              all workloads, as a table
//! cargo bench -p samestate-tracer -- find      those whose name holds a word
//! ```
//!
//! All ways run in turn, several times, and the least CPU time (user and system, of the program and
//! of who traces it) counts. strace runs on one processor as our tracee does, and free beside it.

#![expect(clippy::print_stdout, reason = "a program that prints a table")]

use std::error::Error;
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use samestate_tracer::{Config, Knobs, Stacks, Stream, record};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// Every way is measured so many times.
const ROUNDS: usize = 3;
/// Folders of the tree, and files in each.
const TREE: [usize; 2] = [20_000, 9];
/// Ticks of the kernel's accounting in a second.
const TICKS: f64 = 100.0;

/// What is measured: the name, the words after the program's own name, how many calls it is about,
/// and the bars: our time as a part of strace's, and as a multiple of the program's own.
struct Workload {
    name: &'static str,
    calls: u64,
    bars: (Option<f64>, Option<f64>),
}

const WORKLOADS: &[Workload] = &[
    Workload { name: "getppid", calls: 200_000, bars: (Some(0.5), None) },
    Workload { name: "clock", calls: 200_000, bars: (None, None) },
    Workload { name: "pread", calls: 100_000, bars: (Some(0.85), None) },
    Workload { name: "write", calls: 100_000, bars: (Some(0.85), None) },
    Workload { name: "find", calls: 0, bars: (Some(0.85), Some(12.0)) },
    Workload { name: "compute", calls: 1_000, bars: (None, Some(1.02)) },
    Workload { name: "pingpong", calls: 20_000, bars: (Some(1.0), Some(4.0)) },
];

fn main() -> Result {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match words.first().map(String::as_str) {
        Some("--run") => work(words.get(1).map_or("", String::as_str)),
        Some("--record") => traced(&words[1..], Stacks::None),
        Some("--stacks") => traced(&words[1..], Stacks::All),
        _ => measure(&words),
    }
}

/// The workloads.
fn work(name: &str) -> Result {
    let calls = WORKLOADS.iter().find(|known| known.name == name).ok_or("no such workload")?.calls;
    match name {
        "getppid" => (0..calls).for_each(|_| {
            std::hint::black_box(std::os::unix::process::parent_id());
        }),
        "clock" => (0..calls).for_each(|_| {
            std::hint::black_box(Instant::now());
        }),
        "pread" => {
            let file = File::open("/proc/self/exe")?;
            let mut buffer = [0; 64];
            for at in 0..calls {
                file.read_exact_at(&mut buffer, at % 4096 * 64)?;
            }
        }
        "write" => {
            let file = File::options().write(true).open("/dev/null")?;
            for at in 0..calls {
                file.write_all_at(&[at.to_le_bytes()[0]; 64], 0)?;
            }
        }
        "compute" => {
            let mut number = 1_u64;
            for _ in 0..calls {
                for _ in 0..1_200_000 {
                    number = std::hint::black_box(number.wrapping_mul(6_364_136_223_846_793_005));
                }
                std::hint::black_box(std::os::unix::process::parent_id());
            }
        }
        "pingpong" => pingpong(calls / 2)?,
        _ => return Err("no such workload".into()),
    }
    Ok(())
}

/// Two threads hand a turn to each other.
fn pingpong(rounds: u64) -> Result {
    let turn = Arc::new((Mutex::new(false), Condvar::new()));
    let play = move |turn: &(Mutex<bool>, Condvar), mine: bool| {
        for _ in 0..rounds {
            let Ok(guard) = turn.0.lock() else { return };
            let Ok(mut guard) = turn.1.wait_while(guard, |now| *now != mine) else { return };
            *guard = !mine;
            turn.1.notify_one();
        }
    };
    let other = Arc::clone(&turn);
    let thread = std::thread::spawn(move || play(&other, true));
    play(&turn, false);
    thread.join().map_err(|_| "a thread panicked")?;
    Ok(())
}

/// Records a command: the trace, then the words.
fn traced(words: &[String], stacks: Stacks) -> Result {
    let (output, command) = words.split_first().ok_or("no trace")?;
    let config = Config {
        command: command.iter().map(OsString::from).collect(),
        stdout: Stream::Null,
        output: output.into(),
        knobs: Knobs::default(),
        stacks,
        ..Config::default()
    };
    record(&config, &mut |_| ())?;
    Ok(())
}

/// CPU time of all children that have ended, in seconds.
fn spent() -> Result<f64> {
    let text = fs::read_to_string("/proc/self/stat")?;
    let rest = text.rsplit_once(')').ok_or("no name")?.1;
    let ticks: Vec<f64> =
        rest.split_whitespace().skip(13).take(2).filter_map(|word| word.parse().ok()).collect();
    Ok(ticks.iter().sum::<f64>() / TICKS)
}

fn measure(wanted: &[String]) -> Result {
    let folder = tempfile::tempdir()?;
    let tree = folder.path().join("tree");
    let own = std::env::current_exe()?;
    let has = |program: &str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    };
    let strace = has("strace") && has("taskset");
    if !strace {
        println!("strace or taskset not found: only native and recorded");
    }
    println!(
        "| workload | native | recorded | with stacks | strace, one CPU | strace, free | recorded / native | recorded / strace | stacks / recorded | bars |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for workload in WORKLOADS {
        if !wanted.is_empty() && !wanted.iter().any(|word| workload.name.contains(word.as_str())) {
            continue;
        }
        if workload.name == "find" && !tree.exists() {
            plant(&tree)?;
        }
        let command: Vec<OsString> = match workload.name {
            "find" => ["find".into(), tree.clone().into(), "-name".into(), "x".into()].to_vec(),
            name => [own.clone().into(), "--run".into(), name.into()].to_vec(),
        };
        let trace = folder.path().join("trace");
        let told = folder.path().join("strace");
        let [mut native, mut ours, mut stacks, mut pinned, mut free] = [f64::MAX; 5];
        for round in 0..ROUNDS {
            native = native.min(run(&[], &command)?);
            let prefix = [own.clone(), "--record".into(), trace.clone()];
            ours = ours.min(run(&prefix, &command)?);
            let prefix = [own.clone(), "--stacks".into(), trace.clone()];
            stacks = stacks.min(run(&prefix, &command)?);
            if strace {
                let words = ["taskset", "-c", "1", "strace", "-f", "-o"].map(PathBuf::from);
                pinned =
                    pinned.min(run(&[&words[..], std::slice::from_ref(&told)].concat(), &command)?);
                // It may take a minute, so it is measured once.
                if round == 0 {
                    free = run(&[&words[3..], std::slice::from_ref(&told)].concat(), &command)?;
                }
            }
        }
        let show = |time: f64| if time == f64::MAX { "-".into() } else { format!("{time:.2} s") };
        let ratio =
            |of: f64| if of == f64::MAX { "-".to_owned() } else { format!("{:.2}", ours / of) };
        let each = |time: f64| match workload.calls {
            0 => String::new(),
            calls if time == f64::MAX || calls < 10_000 => String::new(),
            calls => format!(" ({:.2} µs)", time / calls as f64 * 1e6),
        };
        let bar = |name: &str, bar: Option<f64>| bar.map(|bar| format!("{bar} {name}"));
        let bars = [bar("strace", workload.bars.0), bar("native", workload.bars.1)];
        println!(
            "| {} | {}{} | {}{} | {}{} | {}{} | {} | {} | {} | {:.2} | {} |",
            workload.name,
            show(native),
            each(native),
            show(ours),
            each(ours),
            show(stacks),
            each(stacks),
            show(pinned),
            each(pinned),
            show(free),
            ratio(native),
            ratio(pinned),
            stacks / ours,
            bars.into_iter().flatten().collect::<Vec<_>>().join(", "),
        );
    }
    Ok(())
}

/// Runs a command behind a prefix, and says what it took of the processor.
fn run(prefix: &[PathBuf], command: &[OsString]) -> Result<f64> {
    let words: Vec<OsString> =
        prefix.iter().map(|word| word.clone().into()).chain(command.iter().cloned()).collect();
    let before = spent()?;
    let status = Command::new(&words[0])
        .args(&words[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()?;
    if !status.success() {
        return Err(format!("{words:?} ended with {status}").into());
    }
    Ok(spent()? - before)
}

/// Makes a tree of files.
fn plant(tree: &Path) -> Result {
    for folder in 0..TREE[0] {
        let folder = tree.join(format!("folder-{folder}"));
        fs::create_dir_all(&folder)?;
        for file in 0..TREE[1] {
            File::create(folder.join(format!("file-{file}")))?;
        }
    }
    // What is written back meanwhile would be measured.
    std::thread::sleep(Duration::from_secs(5));
    Ok(())
}
