//! A program that saves with a store, for the tests.
//!
//! ```text
//! saver once DIR STEP [--background|--again]      save one state, removing older images
//! saver sim FOLDER STEPS EVERY [FLAG…]            count and save every so many steps
//! saver resume FOLDER STEPS EVERY IMAGE [FLAG…]   the same, from an image
//! ```
//!
//! Flags: `--background`, `--forget` (a field is not restored), `--threads` (some work is done by
//! threads of the program's own).

#![expect(clippy::print_stdout, reason = "what it prints is what the tests look at")]

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use samestate::{Checkpoint, Handles, Store};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// Enough for several blocks besides the values.
#[derive(Checkpoint)]
#[checkpoint(root)]
struct Counter {
    step: u64,
    sum: u64,
    history: Vec<u64>,
    weights: Vec<f32>,
    names: Vec<String>,
}

impl Counter {
    fn new() -> Self {
        let names = (0..20).map(|number| format!("counter {number}")).collect();
        Self { step: 0, sum: 0, history: vec![0; 600], weights: vec![0.5; 30_000], names }
    }

    fn advance(&mut self) {
        self.step += 1;
        self.sum = self.sum.wrapping_mul(31).wrapping_add(self.step);
        let at = usize::try_from(self.step).unwrap_or(0) % self.history.len();
        self.history[at] = self.sum;
        self.weights[at] = 1.5;
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let word = |at: usize| words.get(at).map(String::as_str).ok_or("an argument is missing");
    let number = |at: usize| -> Result<u64> { Ok(word(at)?.parse::<u64>()?) };
    let has = |flag: &str| words.iter().any(|word| word == flag);
    match word(0)? {
        "once" => once(Path::new(word(1)?), number(2)?, has("--background"), has("--again")),
        "sim" => sim(Path::new(word(1)?), (number(2)?, number(3)?), None, &has),
        "resume" => {
            sim(Path::new(word(1)?), (number(2)?, number(3)?), Some(Path::new(word(4)?)), &has)
        }
        other => Err(format!("no mode {other}").into()),
    }
}

/// Saves; with `again`, says what went wrong and tries once more.
fn once(dir: &Path, step: u64, background: bool, again: bool) -> Result {
    let mut counter = Counter::new();
    while counter.step < step {
        counter.advance();
    }
    let mut store = Store::open(dir)?.keep_last(1);
    if background {
        store.save_in_background(&counter, step)?;
        counter.advance();
        store.finish()?;
    } else {
        let saved = store.save(&counter, step);
        match saved {
            Err(error) if again => {
                println!("{error}");
                store.save(&counter, step)?;
            }
            saved => drop(saved?),
        }
    }
    println!("saved");
    Ok(())
}

fn sim(
    folder: &Path,
    (steps, every): (u64, u64),
    image: Option<&Path>,
    has: &dyn Fn(&str) -> bool,
) -> Result {
    let mut store = Store::open(folder.join("images"))?.keep_last(2);
    let mut log = File::options().append(true).create(true).open(folder.join("log"))?;
    let mut counter = match image {
        None => Counter::new(),
        Some(image) => {
            let mut counter: Counter = store.restore_from(image, Handles::new())?;
            if has("--forget") {
                counter.sum = 0;
            }
            store.resume(&counter);
            counter
        }
    };
    while counter.step < steps {
        counter.advance();
        if has("--threads") {
            let (step, folder) = (counter.step, folder.to_owned());
            let thread = std::thread::spawn(move || {
                folder.join(format!("no file {step}")).exists() || std::process::id() == 0
            });
            thread.join().map_err(|_| "a thread panicked")?;
        }
        writeln!(log, "{} {}", counter.step, counter.sum)?;
        if counter.step % every == 0 {
            if has("--background") {
                store.save_in_background(&counter, counter.step)?;
            } else {
                store.save(&counter, counter.step)?;
            }
        }
    }
    store.finish()?;
    println!("{}", counter.sum);
    Ok(())
}
