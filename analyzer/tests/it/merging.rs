//! Locks of two branches, merged by git.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use samestate_analyzer::{CoverageConfig, DriftConfig, drift, lock_text};

use crate::build::{Flavor, compile, has};

const BASE: &str = "use samestate::record;
pub struct Vm { cpu: Cpu, timer: Timer, uart: Uart }
pub struct Cpu { pc: u16, sp: u16, a: u8, x: u8, y: u8 }
pub struct Timer { count: u32, reload: u32, on: bool }
pub struct Uart { a: u32, b: u64 }
// more types
record!(Vm, \"Vm\", 1, 1, [\"cpu\" = 0, \"timer\" = 0, \"uart\" = 0]);
record!(Cpu, \"Cpu\", 0, 1, [\"pc\" = 0, \"sp\" = 0, \"a\" = 0, \"x\" = 0, \"y\" = 0]);
record!(Timer, \"Timer\", 0, 1, [\"count\" = 0, \"reload\" = 0, \"on\" = 0]);
record!(Uart, \"Uart\", 0, 1, [\"a\" = 0, \"b\" = 0]);
fn main() { let vm: Option<Vm> = None; std::hint::black_box(&vm); }
";

type Edit = &'static [(&'static str, &'static str)];

/// Adds a field to the type: behind this one in the source, and in its record.
const CPU_FRONT: Edit = &[
    ("pc: u16,", "pc: u16, ir: u8,"),
    ("[\"pc\" = 0,", "[\"pc\" = 0, \"ir\" = 0,"),
    ("\"Cpu\", 0, 1", "\"Cpu\", 0, 2"),
];
const CPU_BACK: Edit = &[
    ("y: u8 }", "y: u8, flags: u8 }"),
    ("\"y\" = 0]", "\"y\" = 0, \"flags\" = 0]"),
    ("\"Cpu\", 0, 1", "\"Cpu\", 0, 2"),
];
const CPU_BACK_TOO: Edit = &[
    ("y: u8 }", "y: u8, halted: bool }"),
    ("\"y\" = 0]", "\"y\" = 0, \"halted\" = 0]"),
    ("\"Cpu\", 0, 1", "\"Cpu\", 0, 3"),
];
const TIMER: Edit = &[
    (
        "on: bool }",
        "on: bool, mode: Mode }\npub struct Mode { m: u8 }\nrecord!(Mode, \"Mode\", 0, 1, [\"m\" = 0]);",
    ),
    ("\"on\" = 0]", "\"on\" = 0, \"mode\" = 0]"),
    ("\"Timer\", 0, 1", "\"Timer\", 0, 2"),
];
const UART_GONE: Edit = &[
    ("b: u64 }", "c: [u8; 4] }"),
    ("\"b\" = 0]", "\"c\" = 0]"),
    ("\"Uart\", 0, 1", "\"Uart\", 0, 2"),
];

/// The lock of the program after these edits.
fn lock(edits: &[Edit]) -> String {
    let mut source = BASE.to_owned();
    for (old, new) in edits.iter().copied().flatten() {
        // The second of two edits may find what it does done already: both raise a version.
        assert!(source.contains(old) || source.contains(new), "{old}");
        source = source.replace(old, new);
    }
    let binary = compile(&source, Flavor::Debug);
    lock_text(&CoverageConfig { binary, ..CoverageConfig::default() }).unwrap().0
}

fn git(folder: &Path, words: &[&str]) -> Output {
    let who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"];
    Command::new("git").arg("-C").arg(folder).args(who).args(words).output().unwrap()
}

/// Merges two branches that have these locks; says whether git could, and gives the file.
fn merged(name: &str, left: &[Edit], right: &[Edit]) -> (bool, PathBuf) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("merging").join(name);
    let _there = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("checkpoint.lock");
    let commit = |text: &str| {
        std::fs::write(&file, text).unwrap();
        for words in [&["add", "."][..], &["commit", "--quiet", "--message", "x"]] {
            assert!(git(&folder, words).status.success());
        }
    };
    assert!(git(&folder, &["init", "--quiet", "--initial-branch", "main"]).status.success());
    commit(&lock(&[]));
    assert!(git(&folder, &["checkout", "--quiet", "-b", "side"]).status.success());
    commit(&lock(right));
    assert!(git(&folder, &["checkout", "--quiet", "main"]).status.success());
    commit(&lock(left));
    let is_merged = git(&folder, &["merge", "--quiet", "side"]).status.success();
    (is_merged, file)
}

#[test]
fn branches_that_change_different_things_merge() {
    if !has("git") {
        return;
    }
    let cases: &[(&str, Edit, Edit)] = &[
        ("two-types", CPU_BACK, TIMER),
        ("neighbours", TIMER, UART_GONE),
        // Both raise the version of the type to the same one.
        ("one-type", CPU_FRONT, CPU_BACK),
        ("the-same", CPU_BACK, CPU_BACK),
    ];
    for (name, left, right) in cases {
        let (is_merged, file) = merged(name, &[left], &[right]);
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(is_merged, "{name}: {text}");
        // What comes out is the lock of the program that comes out.
        assert_eq!(text, lock(&[left, right]), "{name}");
        let report = drift(&file, &file, &DriftConfig::default()).unwrap();
        assert!(report.findings.is_empty());
    }
}

#[test]
fn what_cannot_be_merged_is_a_conflict_and_no_lock() {
    if !has("git") {
        return;
    }
    let (is_merged, file) = merged("conflict", &[CPU_BACK], &[CPU_BACK_TOO]);
    assert!(!is_merged);
    let text = std::fs::read_to_string(&file).unwrap();
    let line = 1 + text.lines().position(|line| line.starts_with("<<<<<<<")).unwrap();
    let error = drift(&file, &file, &DriftConfig::default()).unwrap_err().to_string();
    assert!(error.contains(&format!("checkpoint.lock:{line}")), "{error}");
    assert!(error.contains("conflict") && error.contains("samestate lock"), "{error}");
}
