//! What the tracer does between a program and the kernel.

use crate::support::{Place, assert_clean, call, first, lines, short, tracee};
use samestate_tracer::show::Show;
use samestate_tracer::trace::Status;
use samestate_tracer::{Config, Error, Recording, record};
use std::time::Duration;

fn nothing(_: &std::path::Path) {}

#[test]
fn time_random_and_ids_are_those_of_the_earlier_run() {
    let mut place = Place::new();
    let command = [&*tracee(), "inputs"];
    place.record(None, nothing, &command);
    let like = place.record(Some(1), nothing, &command);
    place.record(None, nothing, &command);
    assert_eq!(place.printed(1), place.printed(2));
    assert_ne!(place.printed(1), place.printed(3), "a third run without a mirror has its own");
    assert_clean(&place.compare(1, 2));
    assert!(like.mirrored.live.is_empty(), "{:?}", like.mirrored);
    assert!(like.mirrored.given.values().sum::<u64>() >= 4, "{:?}", like.mirrored);
    let processors = std::thread::available_parallelism().expect("a number").get();
    assert!(place.printed(1).contains(&format!("processors {processors}")), "{}", place.printed(1));
}

#[test]
fn a_program_learns_from_its_marker_that_it_is_traced() {
    let mut place = Place::new();
    let command = [&*tracee(), "marker"];
    place.record(None, nothing, &command);
    assert_eq!(place.printed(1), "traced\n");
    let alone = std::process::Command::new(tracee()).arg("marker").output().expect("it runs");
    assert_eq!(alone.stdout, b"alone\n");
    assert!(lines(&place, 1).iter().any(|line| line.contains("marker step seq 0 step 7")));
}

#[test]
fn threads_and_children_have_lineages() {
    let mut place = Place::new();
    let recording = place.record(None, nothing, &[&*tracee(), "threads", "3"]);
    assert_eq!(recording.tasks, 4);
    let all = lines(&place, 1);
    for lineage in ["0.1", "0.2", "0.3"] {
        let call = format!("{lineage} ");
        let path = format!("/thread-{}", lineage.as_bytes()[2] - b'1');
        assert!(all.iter().any(|line| line.starts_with(&call) && line.contains(&path)), "{all:#?}");
    }
    // Which thread makes a call first may differ, as they run at once; their ids may not.
    place.record(Some(1), nothing, &[&*tracee(), "threads", "3"]);
    let report = place.compare(1, 2);
    let wrong = report.findings.iter().filter(|finding| finding.rule.id == "argument-differs");
    assert_eq!(wrong.count(), 0, "{:#?}", short(&report));
    let mut place = Place::new();
    let recording = place.record(None, nothing, &[&*tracee(), "children", "50"]);
    assert_eq!(recording.tasks, 51);
    place.record(Some(1), nothing, &[&*tracee(), "children", "50"]);
    assert_clean(&place.compare(1, 2));
    place.record(Some(1), nothing, &[&*tracee(), "children", "49"]);
    let report = place.compare(1, 3);
    let finding = first(&report, "process-differs");
    assert!(finding.subject.to_string().starts_with("0.50#"), "{:#?}", short(&report));
}

#[test]
fn the_end_of_a_program_is_passed_on_and_compared() {
    let mut place = Place::new();
    assert_eq!(place.record(None, nothing, &[&*tracee(), "exit", "7"]).status(), Status::Exited(7));
    let killed = place.record(None, nothing, &[&*tracee(), "signal", "9"]);
    assert_eq!(killed.status(), Status::Killed(9));
    let killed = place.record(None, nothing, &[&*tracee(), "signal", "10"]);
    assert_eq!(killed.status(), Status::Killed(10));
    place.record(None, nothing, &[&*tracee(), "signal", "10"]);
    assert_clean(&place.compare(3, 4));
    place.record(None, nothing, &[&*tracee(), "exit", "8"]);
    first(&place.compare(1, 5), "exit-differs");
    let report = place.compare(3, 1);
    first(&report, "exit-differs");
    let report = place.compare(1, 3);
    first(&report, "signal-differs");
}

#[test]
fn bytes_in_other_pieces_are_the_same_bytes() {
    let mut place = Place::new();
    for (size, word) in [("100", "abc"), ("70", "abc"), ("70", "abd")] {
        place.record(None, nothing, &[&*tracee(), "pipe", size, word]);
    }
    // The size of the pieces is an argument of the program, and nothing else differs.
    let report = place.compare(1, 2);
    assert_eq!(report.findings.len(), 1, "{:#?}", short(&report));
    assert_eq!(call(first(&report, "argument-differs")), "execve");
    for (left, right) in [(1, 3), (2, 3)] {
        let report = place.compare(left, right);
        let finding = first(&report, "payload-differs");
        assert!(finding.message.ends_with("from byte 2 on"), "{}", finding.message);
    }
    first(&place.compare(2, 3), "input-differs");
}

#[test]
fn addresses_of_nothing_are_recorded_as_such() {
    let mut place = Place::new();
    let recording = place.record(None, nothing, &[&*tracee(), "wild"]);
    assert_eq!(recording.status(), Status::Exited(0));
    let all = lines(&place, 1);
    let failed = all.iter().filter(|line| line.ends_with("= -EFAULT")).count();
    assert!(failed >= 3, "{all:#?}");
    assert_clean(&place.compare(1, 1));
}

#[test]
fn a_call_without_a_row_is_never_silent() {
    let mut place = Place::new();
    let recording = place.record(None, nothing, &[&*tracee(), "unknown"]);
    assert_eq!(recording.unknown.get(&500), Some(&1));
    first(&recording.report(), "unknown-call");
    place.record(Some(1), nothing, &[&*tracee(), "unknown"]);
    let report = place.compare(1, 2);
    first(&report, "unknown-call");
    assert!(report.is_incomplete());
    let none = place.record(None, nothing, &[&*tracee(), "marker"]);
    assert!(none.unknown.is_empty());
}

#[test]
fn the_call_that_starts_the_program_is_its_first() {
    let mut place = Place::new();
    place.record(None, nothing, &["true", "a b"]);
    place.record(None, nothing, &["true", "a c"]);
    place.record(None, nothing, &["true", "a c"]);
    let all = lines(&place, 1);
    // The line before says that there is a process.
    assert!(all[1].contains("execve(\"/") && all[1].contains("\"a b\""), "{}", all[1]);
    let report = place.compare(1, 2);
    assert_eq!(report.findings.len(), 1, "{:#?}", short(&report));
    let finding = first(&report, "argument-differs");
    assert!(finding.subject.to_string().starts_with("0#0"), "{}", finding.subject);
    assert_clean(&place.compare(2, 3));
}

/// Records a program that would run for very long.
fn forever(script: &str, limit: impl Fn(&mut Config)) -> (Result<Recording, Error>, Place) {
    let place = Place::new();
    let mut config = Config {
        command: ["sh", "-c", script].map(Into::into).to_vec(),
        output: place.trace(1),
        ..Config::default()
    };
    limit(&mut config);
    (record(&config, &mut |_| ()), place)
}

#[test]
fn a_run_that_takes_too_long_is_killed_with_all_its_children() {
    let soon = |config: &mut Config| config.timeout = Some(Duration::from_millis(300));
    for script in
        ["sleep 1000", "setsid sleep 1000 & sleep 1000", "kill -STOP $$", "while :; do :; done"]
    {
        let (recording, place) = forever(script, soon);
        let recording = recording.expect("what it did is recorded");
        assert!(recording.timed_out, "{script}");
        assert_eq!(recording.status(), Status::Killed(9), "{script}");
        assert!(recording.report().is_incomplete());
        let all = lines(&place, 1);
        let ends = all.iter().filter(|line| line.contains("SIGKILL")).count();
        assert_eq!(ends as u64, recording.tasks, "{all:#?}");
    }
    let (recording, _) =
        forever("exit 3", |config| config.timeout = Some(Duration::from_secs(1000)));
    let recording = recording.expect("it is recorded");
    assert!(!recording.timed_out);
    assert_eq!(recording.status(), Status::Exited(3));
}

#[test]
fn a_program_that_multiplies_is_ended() {
    let few = |config: &mut Config| {
        config.most_tasks = Some(20);
        config.timeout = Some(Duration::from_secs(100));
    };
    let (failed, _) = forever("f() { f & f & wait; }; f", few);
    let error = failed.expect_err("it is ended");
    assert!(matches!(error, Error::TooMany { most: 20 }), "{error}");
    let (recording, _) =
        forever("for i in 1 2 3 4 5 6 7 8; do for j in 1 2 3 4; do true & done; wait; done", few);
    let recording = recording.expect("never many at once");
    assert!(!recording.timed_out);
}

#[test]
fn what_happened_is_in_the_file_while_the_program_sleeps() {
    let place = Place::new();
    let trace = place.trace(1);
    let config = Config {
        command: ["sh", "-c", "echo started > /dev/null; exec sleep 1000"].map(Into::into).to_vec(),
        output: trace.clone(),
        timeout: Some(Duration::from_secs(2)),
        ..Config::default()
    };
    let seen = std::thread::spawn(move || {
        // The recording is not over; what is there is read as far as it goes.
        let sleeps = || {
            let show = Show::open(&trace).ok()?;
            let lines: Vec<String> = show.map_while(Result::ok).collect();
            lines.iter().any(|line| line.contains("/sleep\"")).then_some(())
        };
        let mut tries = 0;
        while sleeps().is_none() && tries < 150 {
            tries += 1;
            std::thread::sleep(Duration::from_millis(10));
        }
        tries
    });
    let recording = record(&config, &mut |_| ()).expect("it is recorded");
    assert!(recording.timed_out);
    assert!(seen.join().expect("the reader") < 150, "seen before the end");
}

#[test]
fn bytes_at_another_place_are_other_bytes() {
    let mut place = Place::new();
    let write = |pieces: &str| {
        format!("import os\nf = os.open('out', os.O_CREAT | os.O_WRONLY)\n{pieces}os.close(f)\n")
    };
    let (whole, apart, moved) = (
        write("os.write(f, b'ab')\nos.lseek(f, 0, 0)\nos.write(f, b'cd')\n"),
        write("os.write(f, b'a')\nos.write(f, b'b')\nos.lseek(f, 0, 0)\nos.write(f, b'cd')\n"),
        write("os.write(f, b'a')\nos.lseek(f, 0, 0)\nos.write(f, b'bcd')\n"),
    );
    if !crate::support::has("python3") {
        return;
    }
    for script in [&whole, &apart, &moved] {
        crate::support::write(&place.work().with_file_name("script.py"), script);
        let script = place.work().with_file_name("script.py").to_string_lossy().into_owned();
        place.record(None, nothing, &["python3", "-I", "-S", &script]);
    }
    // What differs besides is that the script is read.
    let written = |report: &samestate_report::Report| {
        report.findings.iter().any(|finding| finding.rule.id == "payload-differs")
    };
    assert!(!written(&place.compare(1, 2)), "{:#?}", short(&place.compare(1, 2)));
    assert!(written(&place.compare(1, 3)), "{:#?}", short(&place.compare(1, 3)));
}

#[test]
fn all_of_a_message_and_where_it_goes_is_compared() {
    for (mode, one, other) in
        [("queue", "a-long-enough-word", "a-long-enough-ward"), ("message", "9", "10")]
    {
        let mut place = Place::new();
        for word in [one, one, other] {
            place.record(None, nothing, &[&*tracee(), mode, word]);
        }
        assert_clean(&place.compare(1, 2));
        let report = place.compare(1, 3);
        let finding = first(&report, "payload-differs");
        assert!(call(finding).starts_with(if mode == "queue" { "msgsnd" } else { "sendmsg" }));
        let others = report.findings.iter().filter(|f| f.rule.id != "payload-differs");
        assert_eq!(others.count(), 1, "and the word itself: {:#?}", short(&report));
    }
}

#[test]
fn what_cannot_be_seen_is_said() {
    for (command, says) in [
        (&["shared", "file", "killed", "word"][..], "shared memory"),
        (&["shared", "file", "keep", "word"], ""),
        (&["shared", "file", "read"], ""),
        (&["foreign"], "32-bit"),
        (&["pipe", "9", "x"], ""),
    ] {
        let mut place = Place::new();
        let program = tracee();
        let command: Vec<&str> = [&*program].into_iter().chain(command.iter().copied()).collect();
        let recording = place.record(None, nothing, &command);
        let killed = command.contains(&"killed");
        let status = if killed { Status::Killed(9) } else { Status::Exited(0) };
        assert_eq!(recording.status(), status);
        assert_eq!(recording.report().is_incomplete(), !says.is_empty(), "{command:?}");
        assert!(recording.untraced.iter().all(|what| what.contains(says)), "{command:?}");
    }
}

#[test]
fn what_is_written_through_memory_is_compared_when_the_mapping_ends() {
    let program = tracee();
    for (mode, ends) in [("end", "munmap"), ("keep", "exit_group")] {
        let mut place = Place::new();
        for word in ["word", "word", "ward"] {
            place.record(None, nothing, &[&program, "shared", "file", mode, word]);
        }
        assert_clean(&place.compare(1, 2));
        let report = place.compare(1, 3);
        let finding = first(&report, "input-differs");
        assert_eq!(call(finding), ends);
        assert!(finding.details.iter().any(|line| line.contains("ard")), "{:?}", finding.details);
        // Where others may run meanwhile, nobody knows what stood there in between.
        let free = place.record_with(
            None,
            nothing,
            &[&program, "shared", "file", mode, "word"],
            |config| config.knobs.serialized = false,
        );
        assert!(free.untraced.iter().any(|what| what.contains("shared memory")));
    }
}

#[test]
fn a_child_that_asks_not_to_be_traced_is_traced() {
    let mut place = Place::new();
    let recording = place.record(None, nothing, &[&*tracee(), "untraced"]);
    assert_eq!(recording.status(), Status::Exited(7), "it could do what it wanted");
    assert_eq!(recording.tasks, 2);
    let all = lines(&place, 1);
    assert!(all.iter().any(|line| line.starts_with("0.1 ") && line.contains("proof")), "{all:#?}");
}

#[test]
fn a_child_whose_parent_is_killed_before_it_tells_of_it_runs_on() {
    let place = Place::new();
    let config = Config {
        command: [tracee().into(), "orphans".into(), "100".into()].to_vec(),
        output: place.trace(1),
        timeout: Some(Duration::from_secs(100)),
        ..Config::default()
    };
    let recording = record(&config, &mut |_| ()).expect("it is recorded");
    assert!(!recording.timed_out);
    assert_eq!(recording.status(), Status::Exited(0));
}
