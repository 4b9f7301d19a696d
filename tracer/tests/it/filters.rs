//! Programs with a seccomp filter of their own: no call of theirs escapes.

use samestate_tracer::Config;
use samestate_tracer::trace::Status;

use crate::support::{Place, assert_clean, lines, tracee};

const REFUSED: &str = "getppid() = -EPERM (by a filter of the program)";

fn free(config: &mut Config) {
    config.knobs.serialized = false;
}

/// Whose calls were refused.
fn refused(place: &Place, run: usize) -> Vec<String> {
    let all = lines(place, run).into_iter().filter(|line| line.contains(REFUSED));
    let mut all: Vec<_> = all.filter_map(|line| Some(line.split_once(' ')?.0.to_owned())).collect();
    all.sort();
    all
}

#[test]
fn what_a_filter_refuses_is_recorded() {
    let mut place = Place::new();
    let command = [&*tracee(), "filter", "error"];
    let recording = place.record(None, |_| (), &command);
    assert_eq!(recording.status(), Status::Exited(0));
    assert!(recording.untraced.is_empty(), "{:?}", recording.untraced);
    let printed = place.printed(1);
    assert!(
        printed.starts_with("here true\nthread true\nearlier false\nchild true\n"),
        "{printed}"
    );
    // The thread that was there before, 0.1, may.
    assert_eq!(refused(&place, 1), ["0", "0.2", "0.3"], "{:#?}", lines(&place, 1));
    // What the filter allows is given as ever.
    place.record(Some(1), |_| (), &command);
    assert_eq!(place.printed(2), printed);
    assert_clean(&place.compare(1, 2));
    let recording = place.record_with(None, |_| (), &command, free);
    assert_eq!(recording.status(), Status::Exited(0));
    assert_eq!(refused(&place, 3), ["0", "0.2", "0.3"]);
}

#[test]
fn a_filter_for_all_threads_is_noticed_in_all() {
    let mut place = Place::new();
    let command = [&*tracee(), "filter", "together"];
    let recording = place.record(None, |_| (), &command);
    assert_eq!(recording.status(), Status::Exited(0));
    assert!(recording.untraced.is_empty(), "{:?}", recording.untraced);
    assert!(place.printed(1).contains("earlier true"), "{}", place.printed(1));
    assert_eq!(refused(&place, 1), ["0", "0.1", "0.2", "0.3"], "{:#?}", lines(&place, 1));
    let recording = place.record_with(None, |_| (), &command, free);
    assert!(recording.report().is_incomplete(), "a call may have been missed");
}

#[test]
fn a_call_that_a_filter_kills_for_is_recorded() {
    for (how, signal) in [("trap", 31), ("kill", 31), ("strict", 9)] {
        let mut place = Place::new();
        let recording = place.record(None, |_| (), &[&*tracee(), "filter", how]);
        assert_eq!(recording.status(), Status::Killed(signal), "{how}: {}", place.printed(1));
        let all = lines(&place, 1);
        assert!(all.iter().any(|line| line.contains("getppid() = ?")), "{how}: {all:#?}");
        if how == "strict" {
            assert_eq!(place.printed(1), "before 0\nstrict\n");
        }
        place.record(Some(1), |_| (), &[&*tracee(), "filter", how]);
        assert_clean(&place.compare(1, 2));
    }
}
