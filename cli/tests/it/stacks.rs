//! The stacks of both sides of a difference, in every format.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use samestate_analyzer::CoverageConfig;
use serde_json::Value;

use crate::fixtures::{particles, samestate};
use crate::table::fresh;

/// The arguments that verify the simulation in one of its states.
fn verifying(state: &str, name: &str, more: &[&str]) -> (Vec<String>, PathBuf) {
    let (program, folder) = (particles(state), fresh(name));
    let command = format!("{} --dir {} --steps 40 --every 20", program.display(), folder.display());
    let mut args: Vec<String> = more.iter().map(|word| (*word).to_owned()).collect();
    args.push("verify".into());
    args.push(format!("--restore={command} --restore {{image}}"));
    args.push(format!("--state={}", folder.display()));
    args.push("--".into());
    args.extend(command.split(' ').map(str::to_owned));
    (args, folder)
}

/// The line of a source that holds this, from 1.
fn line(file: &str, text: &str) -> u64 {
    let source = std::fs::read_to_string(crate::fixtures::workspace().join(file)).unwrap();
    source.lines().position(|line| line.contains(text)).unwrap() as u64 + 1
}

const LOG: &str = "examples/particles/src/log.rs";
const SIMULATION: &str = "examples/particles/src/simulation.rs";

#[test]
fn both_sides_of_a_forgotten_field_name_function_and_line() {
    let (args, _folder) = verifying("forgotten", "stacks-json", &["--format", "json"]);
    let said = samestate(args);
    assert_eq!(said.code, 1, "{}", said.stderr);
    let report: Value = serde_json::from_str(&said.stdout).unwrap();
    let finding = &report["findings"][0];
    assert_eq!(finding["rule"], "payload-differs");
    let write = line(LOG, "write_all");
    assert_eq!(finding["place"]["line"], write);
    assert_eq!(finding["place"]["file"], LOG);
    let stacks = finding["stacks"].as_array().unwrap();
    assert_eq!([&stacks[0]["label"], &stacks[1]["label"]], ["original", "restored"]);
    for stack in stacks {
        assert_eq!(stack["missing"], Value::Null);
        let own: Vec<_> =
            stack["frames"].as_array().unwrap().iter().filter(|f| f["own"] == true).collect();
        let told = |at: usize| {
            let frame: &Value = own[at];
            let place = &frame["place"];
            (frame["function"].as_str().unwrap(), place["file"].as_str().unwrap(), &place["line"])
        };
        let first = ("particles::log::Log::line", LOG, &Value::from(write));
        assert_eq!(told(0), first);
        let advance = line(SIMULATION, "self.log.line(&self.line)");
        let second = ("particles::simulation::Simulation::advance", SIMULATION);
        assert_eq!(told(1), (second.0, second.1, &Value::from(advance)));
        assert_eq!(own[1]["reads"][1], "`self.line` (particles::simulation::Simulation.line)");
    }
    // Of what the lines read, this is what no checkpoint brings back.
    let evidence = finding["evidence"].as_array().unwrap();
    let [skipped] = &evidence[..] else { panic!("{evidence:#?}") };
    assert_eq!(skipped["source"], "coverage");
    let says = "`particles::simulation::Simulation.line` is skipped, and restored as its default: only \
                holds the line that is being written";
    assert_eq!(skipped["says"], says);
    assert_eq!(skipped["place"]["line"], line(SIMULATION, "    line: String,"));
}

#[test]
fn only_what_no_checkpoint_brings_back_is_said_to_be_left_out() {
    let asked = [
        "particles::simulation::Simulation.line",
        "particles::simulation::Simulation.step",
        "particles::rng::Rng.state",
        "particles::rng::Rng.other",
        "line",
    ];
    let asked: BTreeSet<String> = asked.map(str::to_owned).into();
    let found = |state: &str| {
        let config = CoverageConfig { binary: particles(state), ..CoverageConfig::default() };
        let found = samestate_analyzer::left_out(&config, &asked).unwrap();
        found.into_values().map(|evidence| evidence.says).collect::<Vec<_>>()
    };
    let line = "`particles::simulation::Simulation.line` is skipped, and restored as its default: only \
                holds the line that is being written";
    assert_eq!(found("complete"), [line]);
    let state = "`particles::rng::Rng.state` is covered by no checkpoint";
    assert_eq!(found("forgotten"), [state, line]);
    // A program of which no root is known, and something that is none.
    let config =
        |binary: &str| CoverageConfig { binary: binary.into(), ..CoverageConfig::default() };
    let none = samestate_analyzer::left_out(&config(env!("CARGO_BIN_EXE_samestate")), &asked);
    assert!(none.unwrap().is_empty());
    assert!(samestate_analyzer::left_out(&config("/dev/null"), &asked).is_err());
}

#[test]
fn services_are_pointed_at_the_line() {
    let (args, _folder) = verifying("forgotten", "stacks-github", &["--format", "github"]);
    let said = samestate(args);
    let place = format!("::error file={LOG},line={}", line(LOG, "write_all"));
    assert!(said.stdout.starts_with(&place), "{}", said.stdout);
    let (args, _folder) = verifying("forgotten", "stacks-sarif", &["--format", "sarif"]);
    let document: Value = serde_json::from_str(&samestate(args).stdout).unwrap();
    let result = &document["runs"][0]["results"][0];
    let physical = &result["locations"][0]["physicalLocation"];
    assert_eq!(physical["artifactLocation"]["uri"], LOG);
    assert_eq!(physical["region"]["startLine"], line(LOG, "write_all"));
    assert_eq!(result["stacks"].as_array().unwrap().len(), 2);
}

#[test]
fn a_complete_program_has_no_stacks() {
    let (args, _folder) = verifying("complete", "stacks-none", &["--format", "json"]);
    let said = samestate(args);
    assert_eq!(said.code, 0, "{}", said.stdout);
    assert!(!said.stdout.contains("\"stacks\""));
}

#[test]
fn stacks_can_be_recorded_and_shown() {
    let (program, folder) = (particles("complete"), fresh("stacks-show"));
    let trace = folder.join("run.trace");
    let dir = folder.join("state");
    std::fs::create_dir_all(&dir).unwrap();
    let words: [&Path; 9] = [
        Path::new("record"),
        Path::new("--stacks"),
        Path::new("-o"),
        &trace,
        Path::new("--"),
        &program,
        Path::new("--steps=3"),
        Path::new("--dir"),
        &dir,
    ];
    // The simulation takes its words apart by spaces.
    let words = words.map(|word| word.display().to_string());
    let mut words = words.to_vec();
    words.splice(6..7, ["--steps".to_owned(), "3".to_owned()]);
    assert_eq!(samestate(&words).code, 0);
    let show = |more: &[&str]| {
        let mut args = vec!["show", trace.to_str().unwrap()];
        args.extend(more);
        samestate(args).stdout
    };
    let at = format!("/{LOG}:{}", line(LOG, "write_all"));
    let shown = show(&["--stacks"]);
    let is_it = |line: &&str| line.contains("particles::log::Log::line at ") && line.ends_with(&at);
    assert_eq!(shown.lines().filter(is_it).count(), 3, "{shown}");
    assert!(!show(&[]).contains("particles::log"));
    assert!(show(&["--stacks", "--format", "json"]).contains("particles::log::Log::line at "));
}
