//! Published crates: the whole report of each, as it was held against their sources, without and
//! with what samestate.toml turns off. `UPDATE_EXPECT=1` writes them anew; whoever does that reads
//! every finding again.

use std::fs;
use std::path::Path;

use crate::fixtures::{build, samestate_in, workspace};

/// A part of the path at which cargo keeps the sources of dependencies.
const REGISTRY: &str = "/registry/src/";

/// The report of a fixture as text, with the exit code at its end.
fn told(folder: &Path, program: &Path, config: &Path) -> String {
    let args = [Path::new("coverage"), program, Path::new("--config"), config].map(Path::as_os_str);
    let said = samestate_in(folder, args);
    assert_eq!(said.stderr, "");
    let mut text = String::new();
    for line in said.stdout.lines() {
        // Where cargo keeps the sources of dependencies differs from one machine to the next.
        let line = match line.find(REGISTRY) {
            Some(at) => {
                let start = line[..at].rfind([' ', '(']).map_or(0, |before| before + 1);
                let (_, rest) = line[at + REGISTRY.len()..].split_once('/').unwrap();
                format!("{}{rest}", &line[..start])
            }
            None => line.replace(&program.display().to_string(), "PROGRAM"),
        };
        text.push_str(&line);
        text.push('\n');
    }
    format!("{text}exit code {}\n", said.code)
}

fn expect(file: &Path, text: &str) {
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(file, text).unwrap();
    }
    let expected = fs::read_to_string(file).unwrap_or_default();
    assert_eq!(text, expected, "{} tells something else", file.display());
}

/// What is said of a fixture whose samestate.toml starts with what is to be judged, and goes on
/// with what is turned off.
fn judged(name: &str) {
    let folder = workspace().join("cli/tests/fixtures").join(name);
    let program = build(&folder.join("Cargo.toml"), &[], name);
    let config = folder.join("samestate.toml");
    let text = fs::read_to_string(&config).unwrap();
    let bare = crate::table::fresh(name).join("samestate.toml");
    fs::write(&bare, text.split("\n[").next().unwrap()).unwrap();
    expect(&folder.join("expected.txt"), &told(&folder, &program, &bare));
    let settled = told(&folder, &program, &config);
    assert!(settled.ends_with("exit code 0\n"), "{settled}");
    expect(&folder.join("expected-settled.txt"), &settled);
}

#[test]
fn devices_whose_state_structs_are_complete() {
    judged("superio");
}

/// Building the engine takes longer than all that is looked at here, so it is asked for by
/// `SAMESTATE_MUTATIONS=all`, as the whole matrix of mutations is.
#[test]
fn a_physics_engine_that_saves_with_serde() {
    if std::env::var_os("SAMESTATE_MUTATIONS").is_some_and(|value| value == "all") {
        judged("rapier");
    }
}
