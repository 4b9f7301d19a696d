//! Printing a part of a run.

use serde_json::Value;

use crate::fixtures::{Said, samestate};

fn recorded() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run").to_string_lossy().into_owned();
    let said = samestate(["record", "-o", &run, "--", "sh", "-c", "cat /etc/passwd | head -1"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    (folder, run)
}

fn show(run: &str, words: &[&str]) -> Said {
    samestate(["show", run].iter().chain(words))
}

#[test]
fn only_some_lines() {
    let (_folder, run) = recorded();
    let all = show(&run, &[]).stdout.lines().count();
    let lines = |words: &[&str]| -> Vec<String> {
        let said = show(&run, words);
        assert_eq!(said.code, 0, "{}", said.stderr);
        said.stdout.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    };
    let first = lines(&["--process", "0.1"]);
    assert!(!first.is_empty() && first.iter().all(|line| line.starts_with("0.1 ")), "{first:#?}");
    let path = lines(&["--path", "/etc/passwd"]);
    assert!(path.iter().any(|line| line.contains("openat(")), "{path:#?}");
    assert!(path.iter().any(|line| line.contains("read(")), "{path:#?}");
    assert!(path.len() < 10, "{path:#?}");
    let memory = lines(&["--class", "memory"]);
    assert!(memory.iter().all(|line| {
        ["mmap", "brk", "mprotect", "munmap", "madvise", "mremap"]
            .iter()
            .any(|name| line.contains(name))
    }));
    let few = lines(&["--process", "0.2", "--from", "1", "--to", "3"]);
    assert_eq!(few.len(), 3, "{few:#?}");
    assert!(all > memory.len() + path.len());
    let wrong = show(&run, &["--class", "nonsense"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("memory"), "{}", wrong.stderr);
}

#[test]
fn an_object_of_json_for_each_line() {
    let (_folder, run) = recorded();
    let said = show(&run, &["--format", "json"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let objects: Vec<Value> =
        said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let launch = objects.iter().find(|object| object["call"] == "execve").unwrap();
    assert_eq!((&launch["lineage"], &launch["position"]), (&"0".into(), &0.into()));
    assert_eq!(launch["result"], 0);
    assert!(objects.iter().any(|object| object["event"].is_string()));
}

#[test]
fn knobs_are_switched_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run").to_string_lossy().into_owned();
    let record = |words: &[&str]| {
        let before = ["record", "-o", &run];
        let after = ["--", "true"];
        samestate(before.iter().chain(words).chain(&after))
    };
    assert_eq!(record(&["--free", "--knob", "fixed-addresses=off"]).code, 0);
    let heading = show(&run, &[]).stdout;
    for says in ["serialized=off", "fixed-addresses=off", "hidden-vdso=on", "trapped-counter=off"] {
        assert!(heading.contains(says), "{heading}");
    }
    for (word, says) in [("nonsense=off", "fixed-random"), ("serialized", "serialized=off")] {
        let wrong = record(&["--knob", word]);
        assert_eq!(wrong.code, 2);
        assert!(wrong.stderr.contains(says), "{}", wrong.stderr);
    }
}
