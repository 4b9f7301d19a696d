//! What the tracer does between a program and the kernel.

use crate::support::{Place, assert_clean, first, short, tracee};
use samestate_tracer::show::Show;
use samestate_tracer::trace::Status;

fn nothing(_: &std::path::Path) {}

fn lines(place: &Place, run: usize) -> Vec<String> {
    let show = Show::open(&place.trace(run)).expect("the trace can be opened");
    show.map(|line| line.expect("a line")).collect()
}

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
    assert_clean(&place.compare(1, 2));
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
