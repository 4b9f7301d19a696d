//! How much is found: each saved field in turn is taken out of what is saved, and new fields are
//! added; every one must be a finding. A fixed sample runs with the tests; with
//! `SAMESTATE_MUTATIONS=all` all of them do, and `docs/MUTATIONS.md` is written anew.
//!
//! What is taken out of a saving function, or skipped by an attribute, changes no type. So the
//! program is built once, and its source keeps the time that it had.

mod engine;
mod machine;
mod skips;
mod superio;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::Value;

use self::engine::{grown_engine, rapier};
use self::machine::{added, machine};
use self::skips::tetanes;
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
    /// The type and its field, where a skip is.
    owner: Option<(String, String)>,
}

impl Mutation {
    /// Whether a finding is what must be found.
    fn is_in(&self, finding: &str) -> bool {
        finding.ends_with(&self.field)
    }

    /// Whether a message is of this very field of this very type.
    fn tells(&self, message: &str) -> bool {
        let (of, field) = self.owner.as_ref().expect("what skips tells of which type");
        message.contains(&format!("`{field}: ")) && message.contains(&format!(" of `{of}`"))
    }
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

impl Outcome {
    fn new(name: &'static str, clean: usize) -> Self {
        Self { name, total: 0, survivors: Vec::new(), others: 0, clean }
    }
}

fn copy(from: &Path, to: &Path) {
    copy_as(from, to, &|_, bytes| bytes);
}

/// Copies a folder, each file as it is to be there. What is there already keeps its time.
fn copy_as(from: &Path, to: &Path, made: &dyn Fn(&Path, Vec<u8>) -> Vec<u8>) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            if entry.file_name() != "target" {
                copy_as(&entry.path(), &target, made);
            }
            continue;
        }
        let bytes = made(&entry.path(), fs::read(entry.path()).unwrap());
        if fs::read(&target).ok().as_ref() != Some(&bytes) {
            let _ = fs::remove_file(&target);
            fs::write(&target, bytes).unwrap();
        }
    }
}

impl Subject {
    fn report(&self) -> Value {
        let mut args = vec!["coverage".to_owned(), self.program.display().to_string()];
        args.extend(self.args.iter().cloned());
        report(args)
    }

    /// What is found of the program as it is.
    fn clean(&self) -> BTreeSet<String> {
        findings(&self.report()).into_iter().collect()
    }

    /// What is found with all of these changes at once that is not found without them.
    fn found_with(
        &self,
        changes: &[&Mutation],
        clean: &BTreeSet<String>,
        look: impl Fn(&Self) -> BTreeSet<String>,
    ) -> Vec<String> {
        // What starts at one place is changed from its end on, so that it stays the same before.
        let mut changes = changes.to_vec();
        changes.sort_by_key(|change| Reverse(change.from.len()));
        let mut originals: BTreeMap<&Path, (String, SystemTime)> = BTreeMap::new();
        let put = |file: &Path, text: &str, written: SystemTime| {
            fs::write(file, text).unwrap();
            File::options().write(true).open(file).unwrap().set_modified(written).unwrap();
        };
        for change in changes {
            let text = fs::read_to_string(&change.file).unwrap();
            let places = text.matches(&change.from).count();
            assert_eq!(places, 1, "{}: `{}` is there {places} times", change.what, change.from);
            let changed = text.replace(&change.from, &change.to);
            let (_, written) = originals
                .entry(&change.file)
                .or_insert_with(|| (text, fs::metadata(&change.file).unwrap().modified().unwrap()));
            put(&change.file, &changed, *written);
        }
        let mut found: Vec<String> = look(self).into_iter().collect();
        for (file, (text, written)) in originals {
            put(file, &text, written);
        }
        found.retain(|line| !clean.contains(line));
        found
    }

    fn run(&self, is_in_sample: impl Fn(usize) -> bool) -> Outcome {
        let clean = self.clean();
        let mut outcome = Outcome::new(self.name, clean.len());
        for (index, mutation) in self.mutations.iter().enumerate() {
            if is_in_sample(index) {
                let found = self.found_with(&[mutation], &clean, Self::clean);
                outcome.total += 1;
                outcome.others += found.len();
                if found.iter().any(|line| mutation.is_in(line)) {
                    outcome.others -= 1;
                } else {
                    outcome.survivors.push(format!("{}: found {found:?}", mutation.what));
                }
            }
        }
        outcome
    }

    /// The same with all skips at once, for a program that takes long to judge. What is skipped
    /// hides what lies behind it, so what was found is put back, and the rest is tried again, until
    /// nothing of it is found. Then each is tried alone: what is not found even then is a survivor.
    fn run_at_once(&self) -> Outcome {
        let clean: BTreeSet<String> = self.messages();
        let mut outcome = Outcome::new(self.name, clean.len());
        outcome.total = self.mutations.len();
        let mut left: Vec<&Mutation> = self.mutations.iter().collect();
        let mut is_alone = false;
        while !left.is_empty() {
            let before = left.len();
            let mut missed = Vec::new();
            for batch in left.chunks(if is_alone { 1 } else { before }) {
                let mut found = self.found_with(batch, &clean, Self::messages);
                for one in batch {
                    let known = found.len();
                    found.retain(|message| !one.tells(message));
                    if found.len() == known {
                        missed.push(*one);
                    }
                }
                outcome.others += found.len();
            }
            left = missed;
            if is_alone {
                break;
            }
            is_alone = left.len() == before;
        }
        outcome.survivors = left.iter().map(|one| one.what.clone()).collect();
        outcome
    }

    /// What each finding says, notes left out.
    fn messages(&self) -> BTreeSet<String> {
        let report = self.report();
        let findings = report["findings"].as_array().unwrap().iter();
        let findings = findings.filter(|finding| finding["severity"] != "note");
        findings.map(|finding| finding["message"].as_str().unwrap().to_owned()).collect()
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
    let grown = grown_engine(&subject);
    // What is new in the program is no finding of the program as it was.
    let mut outcome = subject.run_at_once();
    outcome.clean -= grown.total - grown.survivors.len();
    let outcomes = [outcome, grown];
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
