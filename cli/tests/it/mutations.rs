//! How much is found: each saved field in turn is taken out of what is saved, and new fields are
//! added; every one must be a finding. A fixed sample runs with the tests; with
//! `SAMESTATE_MUTATIONS=all` all of them do, and `docs/MUTATIONS.md` is written anew.
//!
//! What is taken out of a saving function, or skipped by an attribute, changes no type. So the
//! program is built once, and its source keeps the time that it had.

mod machine;
mod skips;
mod superio;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde_json::Value;

use self::machine::{added, machine};
use self::skips::{rapier, tetanes};
use self::superio::{grown, superio};
use crate::fixtures::{findings, report, skipped, workspace};

/// One change, and what must be found.
struct Mutation {
    /// What is done, for people.
    what: String,
    file: PathBuf,
    /// The only place of this text in the file …
    from: String,
    /// … becomes this.
    to: String,
    /// How the subject of the finding ends.
    field: String,
}

/// A program with the arguments that judge it.
struct Subject {
    name: &'static str,
    program: PathBuf,
    args: Vec<String>,
    mutations: Vec<Mutation>,
}

/// What came of a subject's mutations.
struct Outcome {
    name: &'static str,
    total: usize,
    survivors: Vec<String>,
    /// Findings besides the expected one.
    others: usize,
    clean: usize,
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            if entry.file_name() != "target" {
                copy(&entry.path(), &target);
            }
        } else if fs::read(entry.path()).ok() != fs::read(&target).ok() {
            let _ = fs::remove_file(&target);
            fs::write(&target, fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}

impl Subject {
    fn report(&self) -> Value {
        let mut args = vec!["coverage".to_owned(), self.program.display().to_string()];
        args.extend(self.args.iter().cloned());
        report(args)
    }

    fn run(&self, is_in_sample: impl Fn(usize) -> bool) -> Outcome {
        let clean: BTreeSet<String> = findings(&self.report()).into_iter().collect();
        let mut outcome = Outcome {
            name: self.name,
            total: 0,
            survivors: Vec::new(),
            others: 0,
            clean: clean.len(),
        };
        for (index, mutation) in self.mutations.iter().enumerate() {
            if !is_in_sample(index) {
                continue;
            }
            let text = fs::read_to_string(&mutation.file).unwrap();
            let places = text.matches(&mutation.from).count();
            assert_eq!(places, 1, "{}: `{}` is there {places} times", mutation.what, mutation.from);
            let written = fs::metadata(&mutation.file).unwrap().modified().unwrap();
            let put = |text: &str| {
                fs::write(&mutation.file, text).unwrap();
                let file = File::options().write(true).open(&mutation.file).unwrap();
                file.set_modified(written).unwrap();
            };
            put(&text.replace(&mutation.from, &mutation.to));
            let found = findings(&self.report());
            put(&text);
            let new: Vec<&String> = found.iter().filter(|line| !clean.contains(*line)).collect();
            outcome.total += 1;
            if new.iter().any(|line| line.ends_with(&mutation.field)) {
                outcome.others += new.len() - 1;
            } else {
                outcome.survivors.push(format!("{}: found {new:?}", mutation.what));
                outcome.others += new.len();
            }
        }
        outcome
    }

    /// What is found of these fields, which are new in this program, all of them.
    fn grown(&self, fields: &[&str]) -> Outcome {
        let found = findings(&self.report());
        let mut survivors: Vec<String> = fields.iter().map(ToString::to_string).collect();
        survivors.retain(|field| !found.iter().any(|line| line.ends_with(field.as_str())));
        let total = fields.len();
        let others = found.len() - (total - survivors.len());
        Outcome { name: self.name, total, survivors, others, clean: 0 }
    }
}

fn is_all() -> bool {
    std::env::var_os("SAMESTATE_MUTATIONS").is_some_and(|value| value == "all")
}

fn check(outcomes: &[Outcome]) {
    for outcome in outcomes {
        assert!(outcome.total > 0, "{}: nothing was tried", outcome.name);
        assert_eq!(outcome.survivors, [""; 0], "{} of {}", outcome.name, outcome.total);
    }
}

#[test]
fn the_machine_is_clean_and_each_of_its_fields_is_missed() {
    let subject = machine();
    assert_eq!(findings(&subject.report()), [""; 0]);
    let every = if is_all() { 1 } else { 4 };
    let outcomes = [subject.run(|index| index % every == 0), added()];
    check(&outcomes);
    write("machine", &outcomes);
}

#[test]
fn each_field_of_devices_that_fill_a_state_struct_is_missed() {
    let Some(subject) = superio() else {
        skipped("the source of vm-superio not found");
        return;
    };
    assert_eq!(findings(&subject.report()), [""; 0]);
    let outcomes = [subject.run(|_| true), grown().unwrap()];
    check(&outcomes);
    write("superio", &outcomes);
}

#[test]
fn each_field_that_serde_is_told_to_skip_is_missed() {
    let Some(subject) = tetanes() else {
        skipped("the source of tetanes-core not found");
        return;
    };
    assert!(subject.mutations.len() > 150, "only {}", subject.mutations.len());
    let every = if is_all() { 1 } else { 19 };
    let outcomes = [subject.run(|index| index % every == 0)];
    check(&outcomes);
    write("tetanes", &outcomes);
}

/// Building the engine takes longer than all other tests here, so only the whole matrix has it.
#[test]
fn each_field_of_a_physics_engine_that_serde_is_told_to_skip_is_missed() {
    if !is_all() {
        skipped("the physics engine not built: SAMESTATE_MUTATIONS is not `all`");
        return;
    }
    let Some(subject) = rapier() else {
        skipped("the sources of rapier3d and parry3d not found");
        return;
    };
    assert!(subject.mutations.len() > 400, "only {}", subject.mutations.len());
    let outcomes = [subject.run(|_| true)];
    write("rapier", &outcomes);
    check(&outcomes);
}

/// Writes the part of the whole matrix that these outcomes are.
fn write(part: &str, outcomes: &[Outcome]) {
    if !is_all() {
        return;
    }
    let mut text = String::new();
    for outcome in outcomes {
        let found = outcome.total - outcome.survivors.len();
        let _ = writeln!(
            text,
            "| {} | {} | {found} of {} | {} | {} |",
            outcome.name,
            outcome.clean,
            outcome.total,
            outcome.others,
            if outcome.survivors.is_empty() {
                "none".to_owned()
            } else {
                outcome.survivors.join("; ")
            },
        );
    }
    let file = workspace().join("docs/MUTATIONS.md");
    let known = fs::read_to_string(&file).unwrap();
    let (start, end) = (format!("<!-- {part} -->\n"), format!("<!-- end of {part} -->"));
    let from = known.find(&start).unwrap() + start.len();
    let to = known.find(&end).unwrap();
    fs::write(&file, format!("{}{text}{}", &known[..from], &known[to..])).unwrap();
}
