//! Threads and processes that run together: in the same order in every run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use samestate_tracer::trace::Reader;

use crate::support::{Place, assert_clean, call, first, has, short, skipped, tracee, write};

fn nothing(_: &Path) {}

/// Records a program, records it like that several times, and finds the planted change.
fn same_order(setup: impl Fn(&Path), command: &[&str], changed: &[&str]) -> Place {
    let mut place = Place::new();
    place.record(None, &setup, command);
    for run in 2..5 {
        let recording = place.record(Some(1), &setup, command);
        assert!(recording.mirrored.live.is_empty(), "{:?}", recording.mirrored);
        assert_clean(&place.compare(1, run));
        assert_eq!(place.printed(1), place.printed(run));
    }
    place.record(Some(1), &setup, changed);
    place
}

#[test]
fn workers_with_locks_a_channel_a_map_and_the_time() {
    let program = tracee();
    let place = same_order(nothing, &[&program, "workers", "word"], &[&program, "workers", "ward"]);
    let report = place.compare(1, 5);
    let finding = first(&report, "payload-differs");
    assert_eq!(call(finding), "write");
    assert!(finding.details.iter().any(|line| line.contains("ward")), "{:?}", finding.details);
    // Besides the word itself, only where it is written differs.
    assert_eq!(report.findings.len(), 2, "{:#?}", short(&report));
    // All four took part.
    for worker in 0..4 {
        assert!(place.printed(1).contains(&format!("worker {worker}:")), "{}", place.printed(1));
    }
}

#[test]
fn limits_of_time_are_kept_and_met_in_order() {
    let program = tracee();
    let place = same_order(nothing, &[&program, "pauses"], &[&program, "pauses"]);
    let expected = "true at 0\nfalse at 3\n[10, 20, 30]\nenough time passed: true\n";
    assert_eq!(place.printed(1), expected);
}

#[test]
fn the_header_says_how_it_was_recorded() {
    let mut place = Place::new();
    let program = tracee();
    let command = [&*program, "threads", "3"];
    place.record(None, nothing, &command);
    place.record_with(None, nothing, &command, |config| {
        assert!(config.knobs.switch("serialized", false));
        assert!(!config.knobs.switch("no-such-knob", false));
    });
    for (run, says) in [(1, "serialized=on"), (2, "serialized=off")] {
        let reader = Reader::open(&place.trace(run)).expect("the trace");
        let knobs = &reader.header().knobs;
        assert!(knobs.iter().any(|knob| knob == says), "{knobs:?}");
    }
}

#[test]
fn a_thread_that_spins_loses_its_turn_and_the_trace_says_so() {
    let mut place = Place::new();
    let program = tracee();
    for _ in 0..2 {
        let recording = place.record_with(None, nothing, &[&program, "spin"], |config| {
            config.knobs.longest_turn = Duration::from_millis(50);
            config.timeout = Some(Duration::from_secs(60));
        });
        assert!(!recording.timed_out);
        assert!(recording.untraced.iter().any(|what| what.contains("comes first")));
    }
    assert_eq!(place.printed(1), "done\n");
    let report = place.compare(1, 2);
    assert!(report.is_incomplete(), "{:#?}", short(&report));
    first(&report, "untraced");
}

#[test]
fn python_with_threads() {
    if !has("python3") {
        return;
    }
    let script = |last: &str| {
        format!(
            "import threading, random, time, queue\n\
             q, out, lock = queue.Queue(), [], threading.Lock()\n\
             def work(n):\n\
             \x20 while (item := q.get()) is not None:\n\
             \x20   time.sleep(random.random() / 1000)\n\
             \x20   with lock: out.append((n, item, random.randrange(1000)))\n\
             ts = [threading.Thread(target=work, args=(n,)) for n in range(4)]\n\
             for t in ts: t.start()\n\
             for i in range(40): q.put(i)\n\
             for t in ts: q.put(None)\n\
             for t in ts: t.join()\n\
             print(out, time.time(), '{last}')\n"
        )
    };
    let (one, other) = (script("word"), script("ward"));
    let place =
        same_order(nothing, &["python3", "-I", "-c", &one], &["python3", "-I", "-c", &other]);
    let report = place.compare(1, 5);
    assert_eq!(call(first(&report, "payload-differs")), "write");
}

#[test]
fn python_with_a_child_on_three_pipes() {
    if !has("python3") {
        return;
    }
    let script = |count: u32| {
        format!(
            "import subprocess\n\
             p = subprocess.Popen(['sh', '-c', 'while read l; do echo got $l; echo err $l >&2; \
             done'], stdin=-1, stdout=-1, stderr=-1, text=True)\n\
             o, e = p.communicate('\\n'.join(str(i) for i in range({count})))\n\
             print(len(o), len(e), p.returncode)\n"
        )
    };
    let (one, other) = (script(100), script(101));
    let place =
        same_order(nothing, &["python3", "-I", "-c", &one], &["python3", "-I", "-c", &other]);
    let report = place.compare(1, 5);
    assert_eq!(call(first(&report, "payload-differs")), "write");
}

#[test]
fn a_pipeline_whose_reader_stops_early() {
    let setup = |word: &'static str| {
        move |work: &Path| {
            let lines: String = (0..20_000).map(|n| format!("{} line\n", n % 7)).collect();
            write(&work.join("input"), lines + word + "\n");
        }
    };
    let command = ["sh", "-c", "cat input | sort | uniq -c | head -3"];
    let mut place = same_order(setup("word"), &command, &command);
    assert_clean(&place.compare(1, 5));
    place.record(Some(1), setup("ward"), &command);
    let report = place.compare(1, 6);
    assert_eq!(call(first(&report, "input-differs")), "read");
}

/// Builds a program that is no part of this workspace.
pub(crate) fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fixtures");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--locked", "--target-dir"]).arg(&target);
    let built = cargo.current_dir(folder).status();
    assert!(built.is_ok_and(|status| status.success()), "{name} can be built");
    target.join("debug").join(name).to_string_lossy().into_owned()
}

#[test]
fn tokio_with_four_workers_timers_and_sockets() {
    let program = fixture("rendezvous");
    let place = same_order(nothing, &[&program, "ping"], &[&program, "pong"]);
    let report = place.compare(1, 5);
    let finding = first(&report, "payload-differs");
    assert!(matches!(call(finding), "sendto" | "write"), "{}", call(finding));
    assert!(finding.details.iter().any(|line| line.contains("pong")), "{:?}", finding.details);
}

#[test]
fn go_with_goroutines_and_maps() {
    let go = ["go", "/usr/local/go/bin/go"].into_iter().find(|go| Path::new(go).is_file());
    let go = go.or_else(|| has("go").then_some("go"));
    let Some(go) = go else { return };
    let place = Place::new();
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/goroutines.go");
    let program = place.trace(0).with_file_name("goroutines");
    let mut build = Command::new(go);
    build.args(["build", "-o"]).arg(&program).arg(source);
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("go");
    let built = build.env("GOCACHE", &cache).env("GO111MODULE", "off").status();
    if !built.is_ok_and(|status| status.success()) {
        return skipped("go does not build here");
    }
    let program = program.to_string_lossy().into_owned();
    let place = same_order(nothing, &[&program, "word"], &[&program, "ward"]);
    let report = place.compare(1, 5);
    let finding = first(&report, "payload-differs");
    assert_eq!(call(finding), "write");
    assert!(finding.details.iter().any(|line| line.contains("ward")), "{:?}", finding.details);
}
