//! Letting something go wrong while a program saves.

use std::fs;
use std::path::Path;

use crate::fixtures::{Said, particles, samestate};

/// Records the example, which saves twice, with a fault; returns what was said.
fn record(dir: &Path, fault: &[&str]) -> Said {
    let (run, state) = (dir.join("run"), dir.join("state"));
    let _there_is_none = fs::remove_dir_all(&state);
    fs::create_dir(&state).unwrap();
    let mut args = vec!["record", "-o", run.to_str().unwrap()];
    args.extend(fault);
    let program = particles("complete");
    args.extend(["--", program.to_str().unwrap(), "--dir", state.to_str().unwrap()]);
    args.extend(["--steps", "20", "--every", "10"]);
    samestate(args)
}

fn images(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir.join("state/checkpoints")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".ckpt")).collect();
    names.sort();
    names
}

#[test]
fn a_save_is_killed_or_told_that_something_fails() {
    let dir = tempfile::tempdir().unwrap();
    let whole = record(dir.path(), &[]);
    assert_eq!(whole.code, 0, "{}", whole.stderr);
    let both = images(dir.path());
    assert_eq!(both.len(), 2);
    let killed = record(dir.path(), &["--kill-before", "save:1"]);
    assert_eq!((killed.code, images(dir.path())), (128 + 9, Vec::new()));
    assert!(killed.stderr.contains("the fault was made at a call of openat"), "{}", killed.stderr);
    let killed = record(dir.path(), &["--kill-after", "save:1"]);
    assert_eq!((killed.code, images(dir.path())), (128 + 9, Vec::new()));
    let failed = record(dir.path(), &["--fail", "save:1=EACCES"]);
    assert_eq!((failed.code, images(dir.path())), (1, Vec::new()));
    assert!(failed.stderr.contains("cannot open the lock"), "{}", failed.stderr);
    assert!(failed.stderr.contains("Permission denied"), "{}", failed.stderr);
    let shown = samestate(["show", dir.path().join("run").to_str().unwrap()]).stdout;
    let lines: Vec<_> = shown.lines().filter(|line| line.contains("(made to fail)")).collect();
    let [line] = lines[..] else { panic!("{lines:?}") };
    assert!(line.contains("/.lock") && line.contains("EACCES"), "{line}");
}

#[test]
fn a_fault_that_comes_to_nothing_is_not_fine() {
    let dir = tempfile::tempdir().unwrap();
    for place in ["save:1000", "100000"] {
        let said = record(dir.path(), &["--kill-before", place]);
        assert_eq!(said.code, 3, "{}", said.stderr);
        let expected = format!("kill-before={place} came to nothing: there were ");
        assert!(said.stderr.contains(&expected), "{}", said.stderr);
    }
}

#[test]
fn what_names_no_call_or_no_error_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (option, value, says) in [
        ("--kill-before", "0", "from 1"),
        ("--kill-after", "saves:3", "save:12"),
        ("--kill-after", "-3", "save:12"),
        ("--fail", "save:3", "=ERROR"),
        ("--fail", "save:3=ENOTHING", "=ERROR"),
        ("--fail", "save:3=4096", "=ERROR"),
        ("--fail", "save:x=EIO", "save:12"),
    ] {
        let said = record(dir.path(), &[&format!("{option}={value}")]);
        assert_eq!(said.code, 2, "{option} {value}: {}", said.stderr);
        assert!(said.stderr.contains(says), "{option} {value}: {}", said.stderr);
    }
    let both = record(dir.path(), &["--kill-before", "1", "--fail", "2=EIO"]);
    assert_eq!(both.code, 2, "{}", both.stderr);
}
