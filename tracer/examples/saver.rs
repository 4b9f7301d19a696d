//! A program that saves with a store, for the tests.
//!
//! ```text
//! saver once DIR STEP [--background|--again]      save one state, removing older images
//! saver sim FOLDER STEPS EVERY [FLAG…]            count and save every so many steps
//! saver resume FOLDER STEPS EVERY IMAGE [FLAG…]   the same, from an image
//! saver fields FOLDER STEPS [IMAGE [LOST]]        work on many fields, and lose one of them
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
        "fields" => {
            let lost = words.get(4).map(String::as_str);
            fields(Path::new(word(1)?), number(2)?, words.get(3).map(Path::new), lost)
        }
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

/// State of the kinds that programs have; what of it is printed depends on the rest.
#[derive(Checkpoint, Default)]
#[checkpoint(root)]
struct Fields {
    step: u64,
    generator: u64,
    total: u64,
    clock: u64,
    queue: Vec<u64>,
    names: Vec<String>,
    largest: u64,
    smallest: i64,
    hits: u64,
    cache: std::collections::BTreeMap<u64, u64>,
    mode: bool,
    retries: u32,
    limits: Limits,
    last: Option<u64>,
    window: [u32; 4],
}

#[derive(Checkpoint, Default)]
struct Limits {
    speed: u64,
    errors: u64,
}

impl Fields {
    fn advance(&mut self) {
        self.step += 1;
        self.generator = self.generator.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let drawn = self.generator >> 40;
        self.total = self.total.wrapping_add(drawn + self.limits.speed);
        self.clock += 7;
        self.queue.push(drawn);
        self.largest = self.largest.max(drawn);
        self.smallest = self.smallest.min(i64::try_from(drawn).unwrap_or(0));
        self.hits += 1;
        self.cache.insert(self.step % 5, drawn);
        self.limits.errors += u64::from(drawn.is_multiple_of(1000));
        self.window[usize::try_from(self.step % 4).unwrap_or(0)] += 1;
        self.last = Some(drawn);
    }

    /// Forgets one field.
    fn lose(&mut self, lost: &str) -> Result {
        match lost {
            "step" => self.step = 0,
            "generator" => self.generator = 0,
            "total" => self.total = 0,
            "clock" => self.clock = 0,
            "queue" => self.queue.clear(),
            "names" => self.names.clear(),
            "largest" => self.largest = 0,
            "smallest" => self.smallest = 0,
            "hits" => self.hits = 0,
            "cache" => self.cache.clear(),
            "mode" => self.mode = false,
            "retries" => self.retries = 0,
            "limits.speed" => self.limits.speed = 0,
            "last" => self.last = None,
            "window" => self.window = [0; 4],
            "nothing" => {}
            other => return Err(format!("no field {other}").into()),
        }
        Ok(())
    }
}

/// Saves at step 3, and announces each step.
fn fields(folder: &Path, steps: u64, image: Option<&Path>, lost: Option<&str>) -> Result {
    let mut store = Store::open(folder.join("images"))?;
    let mut log = File::options().append(true).create(true).open(folder.join("log"))?;
    let mut fields = match image {
        None => Fields {
            generator: 1,
            names: vec!["one".to_owned(), "two".to_owned()],
            smallest: -5,
            mode: true,
            retries: 3,
            limits: Limits { speed: 9, errors: 1 },
            ..Fields::default()
        },
        Some(image) => {
            let mut fields: Fields = store.restore_from(image, Handles::new())?;
            fields.lose(lost.unwrap_or("nothing"))?;
            store.resume(&fields);
            fields
        }
    };
    while fields.step < steps {
        fields.advance();
        samestate::step(&fields, fields.step);
        let (step, total, clock) = (fields.step, fields.total, fields.clock);
        writeln!(log, "{step} {total} {clock} {}", fields.queue.len())?;
        if fields.mode && step == steps {
            writeln!(log, "{}", fields.names.join(" "))?;
        }
        if step == 3 {
            store.save(&fields, 3)?;
        }
    }
    Ok(())
}
