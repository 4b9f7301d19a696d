//! What a program sees is what it sees when nobody records it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::outside::{PYTHON, has_python};
use crate::support::{Place, assert_clean, has};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/natively").join(name)
}

/// Runs it, records it, records it again, and what it prints is the same.
fn same(command: &[&str]) -> Place {
    let mut place = Place::new();
    let alone = Command::new(command[0])
        .args(&command[1..])
        .stdin(Stdio::null())
        .output()
        .expect("it runs");
    let natively = String::from_utf8_lossy(&alone.stdout).into_owned();
    assert!(alone.status.success() && !natively.is_empty(), "{alone:?}");
    for run in 1..3 {
        place.record((run > 1).then_some(1), |_| (), command);
        let recorded = place.printed(run);
        for (line, native) in recorded.lines().zip(natively.lines()) {
            assert_eq!(line, native, "run {run}");
        }
        assert_eq!(recorded.lines().count(), natively.lines().count());
    }
    place
}

#[test]
fn addresses_of_nothing_are_refused_as_ever() {
    if !has("cc") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = folder.path().join("wild");
    let built = Command::new("cc")
        .args(["-std=gnu99", "-D_GNU_SOURCE", "-Wno-nonnull", "-O1", "-o"])
        .args([&program, &fixture("wild.c")])
        .status();
    assert!(built.is_ok_and(|status| status.success()), "it compiles");
    same(&[&program.to_string_lossy()]);
}

#[test]
fn stops_zombies_orphans_groups_and_executions_are_as_ever() {
    if !has_python() {
        return;
    }
    let script = fixture("jobs.py");
    let place = same(&[PYTHON[0], PYTHON[1], PYTHON[2], &script.to_string_lossy()]);
    assert_clean(&place.compare(1, 2));
}
