//! What a program sees is what it sees when nobody records it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::outside::{PYTHON, has_python};
use crate::support::{Place, assert_clean, has};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/natively").join(name)
}

/// Compiles one of the programs in C.
fn built(name: &str, to: &Path) -> String {
    let program = to.join(name);
    let built = Command::new("cc")
        .args(["-std=gnu99", "-D_GNU_SOURCE", "-Wno-nonnull", "-O1", "-fPIE", "-pie", "-o"])
        .args([&program, &fixture(name).with_extension("c")])
        .status();
    assert!(built.is_ok_and(|status| status.success()), "it compiles");
    program.to_string_lossy().into_owned()
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
    same(&[&built("wild", folder.path())]);
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

/// What a program says under a name.
fn said<'a>(all: &'a str, name: &str) -> &'a str {
    let line = all.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in {all}"))
}

#[test]
fn what_a_program_is_told_is_the_same_again_unless_that_is_switched_off() {
    if !has("cc") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = built("told", folder.path());
    let alone = Command::new(&program).output().expect("it runs");
    let natively = String::from_utf8_lossy(&alone.stdout).into_owned();
    let mut place = Place::new();
    let mut run = |like: Option<usize>, knob: &str| {
        place.record_with(
            like,
            |_| (),
            &[&program],
            |config| {
                // Whether it is trapped is not decided by what stands in a library by chance.
                config.knobs.trapped_counter = Some(true);
                assert!(knob.is_empty() || config.knobs.switch(knob, false), "{knob}");
            },
        );
        place.printed(place.count())
    };
    let first = run(None, "");
    assert_eq!(run(Some(1), ""), first);
    assert_eq!(said(&first, "vdso"), "0");
    assert_eq!(said(&first, "rings"), "38", "ENOSYS");
    for name in ["cpus", "names", "got"] {
        assert_eq!(said(&first, name), said(&natively, name));
    }
    // Without an earlier run, what can be the same is, and what is random is random.
    let other = run(None, "");
    for name in ["addresses", "start"] {
        assert_eq!(said(&other, name), said(&first, name));
    }
    for name in ["random", "ids"] {
        assert_ne!(said(&other, name), said(&first, name));
    }
    for (knob, name) in [
        ("fixed-addresses", "addresses"),
        ("fixed-random", "start"),
        ("mirrored-random", "random"),
        ("mirrored-ids", "ids"),
        ("mirrored-machine", "machine"),
        ("trapped-counter", "counter"),
    ] {
        if knob == "mirrored-machine" {
            // How long it has been up is told in seconds; the rest may be as it was.
            std::thread::sleep(Duration::from_millis(1100));
        }
        let live = run(Some(1), knob);
        assert_ne!(said(&live, name), said(&first, name), "{knob}");
        let others = ["addresses", "start", "random", "machine", "usage"];
        for other in others.into_iter().filter(|other| *other != name) {
            if knob != "mirrored-machine" {
                assert_eq!(said(&live, other), said(&first, other), "{knob}");
            }
        }
    }
    for (knob, name) in [("hidden-vdso", "vdso"), ("refused-rings", "rings")] {
        let live = run(None, knob);
        assert_eq!(said(&live, name), said(&natively, name), "{knob}");
    }
}
