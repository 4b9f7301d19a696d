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

#[test]
fn a_profile_counts_what_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run").to_string_lossy().into_owned();
    let file = folder.path().join("file");
    std::fs::write(&file, "x".repeat(100_000)).unwrap();
    let script =
        format!("cat {0} > {0}.copy; ls {1} > /dev/null", file.display(), folder.path().display());
    assert_eq!(samestate(["record", "-o", &run, "--", "sh", "-c", &script]).code, 0);
    let profile = |words: &[&str]| -> Value {
        let said = samestate(["show", &run, "--profile", "--format", "json"].iter().chain(words));
        assert_eq!(said.code, 0, "{}", said.stderr);
        serde_json::from_str(&said.stdout).unwrap()
    };
    let all = profile(&[]);
    assert_eq!(all["processes"], 3);
    let programs: u64 =
        all["programs"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert_eq!(programs, 3, "{all:#}");
    assert!(all["listings"].as_u64().unwrap() >= 2, "{all:#}");
    assert!(all["at_calls"].as_u64() > all["at_folders"].as_u64(), "{all:#}");
    let calls = all["calls"].as_array().unwrap();
    let shown = show(&run, &[]).stdout;
    let made = |name: &str| {
        shown.lines().filter(|line| line.contains(&format!(" {name}("))).count() as u64
    };
    for name in ["openat", "read", "write", "execve", "mmap"] {
        let call = calls.iter().find(|call| call["call"] == name);
        let count = call.map_or(0, |call| call["count"].as_u64().unwrap());
        assert_eq!(count, made(name), "{name}");
    }
    let moved = |name: &str| {
        let files = all["files"].as_array().unwrap();
        let moved = files.iter().find(|file| file["path"].as_str().unwrap().ends_with(name));
        let moved = moved.unwrap_or_else(|| panic!("{name} in {all:#}"));
        (moved["bytes_read"].as_u64().unwrap(), moved["bytes_written"].as_u64().unwrap())
    };
    assert_eq!(moved("/file"), (100_000, 0));
    assert_eq!(moved("/file.copy"), (0, 100_000));
    let first = profile(&["--process", "0.1"]);
    assert_eq!(
        (&first["processes"], &first["programs"].as_object().unwrap().len()),
        (&1.into(), &1)
    );
    let text = show(&run, &["--profile"]).stdout;
    assert!(text.contains("processes 3") && text.contains("100000"), "{text}");
}

#[test]
fn payloads_are_kept_as_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "x".repeat(2 << 20)).unwrap();
    let mut runs = Vec::new();
    for (name, payloads, byte) in [
        ("full", "full", "x"),
        ("hash", "hash", "x"),
        ("same", "hash", "x"),
        ("other", "hash", "y"),
        ("some", "100", "x"),
    ] {
        std::fs::write(&file, format!("{}{byte}", "x".repeat(2 << 20))).unwrap();
        let run = folder.path().join(name).to_string_lossy().into_owned();
        let script = format!(
            "dd if={} of=/dev/null bs=3M; cat /dev/urandom | head -c 9 | od",
            file.display()
        );
        let mut words =
            vec!["record", "-o", &run, "--payloads", payloads, "--knob", "mirrored-files=off"];
        let like = folder.path().join("hash").to_string_lossy().into_owned();
        if ["same", "other"].contains(&name) {
            words.extend(["--like", &like]);
        }
        words.extend(["--", "sh", "-c", &script]);
        let said = samestate(&words);
        assert_eq!(said.code, 0, "{}", said.stderr);
        runs.push((run, said.stdout));
    }
    let length = |index: usize| std::fs::metadata(&runs[index].0).unwrap().len();
    assert!(show(&runs[0].0, &[]).stdout.contains("payloads=full"));
    assert!(show(&runs[1].0, &[]).stdout.contains("payloads=hash"));
    assert!(length(1) < length(0));
    // What is random is given all the same, and what is the same is known to be.
    let random = |index: usize| runs[index].1.clone();
    assert_eq!(random(1), random(2));
    assert_ne!(random(0), random(1));
    let compare = |one: usize, other: usize| samestate(["compare", &runs[one].0, &runs[other].0]);
    let same = compare(1, 2);
    assert_eq!(same.code, 0, "{}", same.stdout);
    let differs = compare(1, 3);
    assert_eq!(differs.code, 1, "{}", differs.stdout);
    let wrong = samestate(["record", "-o", "x", "--payloads", "few", "--", "true"]);
    assert_eq!(wrong.code, 2);
}

#[test]
fn a_loop_of_forks_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run").to_string_lossy().into_owned();
    let script = "f() { f & f & wait; }; f";
    let said = samestate(["record", "-o", &run, "--max-processes", "20", "--", "sh", "-c", script]);
    assert_eq!(said.code, 3, "{}", said.stderr);
    assert!(said.stderr.contains("more than 20"), "{}", said.stderr);
}

#[test]
fn what_comes_by_a_descriptor_that_a_program_is_born_with_is_given_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let record = |run: &str, like: &str, input: &str| {
        let script = format!(
            "printf '{input}' | '{}' record -o '{}' {like} -- sh -c 'cat <&7; echo end' 7<&0 \
             </dev/null 2>/dev/null",
            env!("CARGO_BIN_EXE_samestate"),
            path(run),
        );
        let said = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        String::from_utf8_lossy(&said.stdout).into_owned()
    };
    assert_eq!(record("first", "", "one\\ntwo\\n"), "one\ntwo\nend\n");
    let like = format!("--like '{}'", path("first"));
    assert_eq!(record("second", &like, "other\\n"), "one\ntwo\nend\n");
    let compare = |other: &str| samestate(["compare", &path("first"), &path(other)]);
    let same = compare("second");
    assert_eq!(same.code, 0, "{}", same.stdout);
    let live = format!("{like} --knob mirrored-pipes=off");
    assert_eq!(record("live", &live, "other\\n"), "other\nend\n");
    assert_eq!(compare("live").code, 1);
}

#[test]
fn each_class_that_is_mirrored_can_be_live() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let script = "echo $$; od -An -N8 -tx1 /dev/urandom; date +%s%N";
    let record = |name: &str, words: &[&str]| -> Vec<String> {
        let run = path(name);
        let before = ["record", "-o", &run];
        let said = samestate(before.iter().chain(words).chain(&["--", "sh", "-c", script]));
        assert_eq!(said.code, 0, "{}", said.stderr);
        said.stdout.lines().map(str::to_owned).collect()
    };
    let first = record("first", &[]);
    let like = path("first");
    assert_eq!(record("same", &["--like", &like]), first);
    for (at, knob) in ["mirrored-ids", "mirrored-random", "mirrored-clocks"].into_iter().enumerate()
    {
        let off = format!("{knob}=off");
        let other = record(knob, &["--like", &like, "--knob", &off]);
        for line in 0..3 {
            assert_eq!(other[line] == first[line], line != at, "{knob}: {other:?} {first:?}");
        }
        assert!(show(&path(knob), &[]).stdout.contains(&off));
    }
}
