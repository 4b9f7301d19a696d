//! The example in its three states: each cell of the table that the README promises.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::fixtures::{findings, particles, report, scratch};

fn coverage(state: &str) -> Value {
    report([Path::new("coverage"), &particles(state)])
}

fn drift(state: &str) -> Value {
    report([Path::new("drift"), &particles("complete"), &particles(state)])
}

/// A new folder with this name, empty.
pub(crate) fn fresh(name: &str) -> PathBuf {
    let folder = scratch().join("runs").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Verifies a program that takes the example's options, in a new folder.
pub(crate) fn verify(program: &Path, folder: &Path) -> Value {
    let program = program.display();
    let folder = folder.display();
    let options = format!("--dir {folder} --steps 60 --every 20");
    let mut args = vec!["verify".to_owned()];
    args.push(format!("--restore={program} {options} --restore {{image}}"));
    args.push(format!("--state={folder}"));
    args.push("--".to_owned());
    args.push(program.to_string());
    args.extend(options.split(' ').map(str::to_owned));
    report(args)
}

#[test]
fn complete_is_clean_in_every_way() {
    assert_eq!(findings(&coverage("complete")), [""; 0]);
    assert_eq!(coverage("complete")["exit_code"], 0);
    assert_eq!(findings(&drift("complete")), [""; 0]);
    assert_eq!(drift("complete")["exit_code"], 0);
    let verified = verify(&particles("complete"), &fresh("complete"));
    assert_eq!(findings(&verified), [""; 0]);
    assert_eq!(verified["exit_code"], 0);
}

#[test]
fn coverage_finds_the_forgotten_state() {
    let report = coverage("forgotten");
    assert_eq!(report["exit_code"], 1);
    assert_eq!(findings(&report), ["uncovered-field particles::simulation::Simulation.rng.state"]);
    let finding = &report["findings"][0];
    assert!(finding["place"]["file"].as_str().unwrap().ends_with("rng_forgotten.rs"));
    let way: Vec<&str> =
        finding["way"].as_array().unwrap().iter().map(|step| step.as_str().unwrap()).collect();
    assert_eq!(way.len(), 3, "root, rng, state: {way:?}");
}

#[test]
fn drift_finds_that_the_state_is_no_longer_saved() {
    let report = drift("forgotten");
    assert_eq!(report["exit_code"], 1);
    assert_eq!(
        findings(&report),
        ["treatment-changed particles::simulation::Simulation.rng.state"]
    );
}

#[test]
fn verify_finds_the_first_wrong_number() {
    let folder = fresh("forgotten");
    let report = verify(&particles("forgotten"), &folder);
    assert_eq!(report["exit_code"], 1);
    let first = &report["findings"][0];
    assert_eq!(first["rule"], "payload-differs");
    assert_eq!(first["subject"]["name"], "write");
    let text = |side: usize| first["sides"][side]["text"].as_str().unwrap().to_owned();
    let (original, restored) = (text(0), text(1));
    assert!(original.contains("step 21 kicked ") && restored.contains("step 21 kicked "));
    assert_ne!(original, restored);
    // "step 21 kicked " has 15 bytes, and the number after it is drawn from the generator.
    assert!(first["message"].as_str().unwrap().contains("byte 15"), "{}", first["message"]);
    assert!(fs::read_dir(&folder).unwrap().next().is_none(), "the folder is as it was");
}

#[test]
fn coverage_and_verify_have_nothing_against_the_drifted_one() {
    assert_eq!(findings(&coverage("drifted")), [""; 0]);
    let verified = verify(&particles("drifted"), &fresh("drifted"));
    assert_eq!(findings(&verified), [""; 0]);
    assert_eq!(verified["exit_code"], 0);
}

#[test]
fn drift_finds_the_changed_type_and_the_version() {
    let report = drift("drifted");
    assert_eq!(report["exit_code"], 1);
    let mut found = findings(&report);
    found.sort();
    assert_eq!(
        found,
        [
            "field-type-changed particles::simulation::Simulation.drag",
            "version-not-bumped particles::simulation::Simulation",
        ]
    );
}

#[test]
fn an_image_of_the_complete_one_is_refused_by_the_drifted_one() {
    use std::process::Command;
    let folder = fresh("refused");
    let run = |state: &str, image: Option<&Path>| {
        let mut command = Command::new(particles(state));
        command.arg("--dir").arg(&folder).args(["--steps", "20", "--every", "20"]);
        command.args(image.map(|image| [Path::new("--restore"), image]).into_iter().flatten());
        command.output().unwrap()
    };
    assert!(run("complete", None).status.success());
    let image = fs::read_dir(folder.join("checkpoints"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "ckpt"))
        .unwrap();
    assert!(run("complete", Some(&image)).status.success(), "its own program takes it");
    let refused = run("drifted", Some(&image));
    let why = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success());
    assert!(why.contains("Simulation.drag") && why.contains("f32") && why.contains("f64"), "{why}");
}
