//! Programs that do not start, and files that are no traces.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use samestate_tracer::{Comparison, Config, Error, compare, record};

use crate::support::{Place, first, sides, tracee, write};

fn start(folder: &Path, command: &[&str]) -> Error {
    let config = Config {
        command: command.iter().map(Into::into).collect(),
        directory: Some(folder.to_owned()),
        output: folder.join("trace"),
        ..Config::default()
    };
    record(&config, &mut |_| ()).expect_err("it cannot start")
}

#[test]
fn a_program_that_does_not_start_is_an_error_that_says_why() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    assert!(matches!(start(folder, &[]), Error::NoCommand));
    assert!(matches!(start(folder, &["no-such-program-here"]), Error::NotFound { .. }));
    let error = start(folder, &["./missing"]).to_string();
    assert!(error.contains("does not exist"), "{error}");
    write(&folder.join("plain"), "text");
    let error = start(folder, &["./plain"]).to_string();
    assert!(error.contains("not executable"), "{error}");
    fs::set_permissions(folder.join("plain"), fs::Permissions::from_mode(0o755)).expect("a mode");
    let error = start(folder, &["./plain"]).to_string();
    assert!(error.contains("neither a binary"), "{error}");
    let error = start(&folder.join("nowhere"), &["/bin/true"]).to_string();
    assert!(error.contains("folder"), "{error}");
    let error = start(folder, &["/bin/tr\0ue"]).to_string();
    assert!(error.contains("NUL"), "{error}");
}

#[test]
fn a_trace_that_cannot_be_written_kills_what_was_started() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let proof = folder.path().join("proof");
    let config = Config {
        command: ["touch".into(), proof.clone().into()].to_vec(),
        output: folder.path().join("no/such/folder/trace"),
        ..Config::default()
    };
    let error = record(&config, &mut |_| ()).expect_err("it cannot be written");
    assert!(matches!(error, Error::File { .. }), "{error}");
    assert!(!proof.exists(), "the program did not run");
    // A full disk is noticed at once, or while the program runs.
    for command in [["sleep", "100"], ["find", "/usr/include"]] {
        let config = Config {
            command: command.iter().map(Into::into).collect(),
            stdout: samestate_tracer::Stream::Null,
            output: "/dev/full".into(),
            ..Config::default()
        };
        let error = record(&config, &mut |_| ()).expect_err("it cannot be written");
        assert!(matches!(error, Error::File { .. }), "{error}");
    }
}

fn trace() -> (Place, Vec<u8>) {
    let mut place = Place::new();
    place.record(None, |_| (), &[&*tracee(), "inputs"]);
    let bytes = fs::read(place.trace(1)).expect("the trace");
    (place, bytes)
}

#[test]
fn a_trace_cut_off_anywhere_is_read_up_to_there() {
    let (place, bytes) = trace();
    let cut = place.trace(2);
    let mut torn = 0;
    for length in (0..bytes.len()).step_by(7).chain([bytes.len() - 1]) {
        fs::write(&cut, &bytes[..length]).expect("the file can be written");
        match compare(&cut, &cut, &Comparison::default()) {
            Ok(report) => {
                first(&report, "torn-trace");
                assert!(report.is_incomplete());
                torn += 1;
            }
            Err(error) => {
                assert!(matches!(error, Error::NotATrace { .. } | Error::Damaged { .. }), "{error}")
            }
        }
    }
    assert!(torn > 0, "some cut is behind the header");
}

#[test]
fn a_bit_that_flipped_anywhere_is_noticed() {
    let (place, bytes) = trace();
    let flipped = place.trace(2);
    for at in (0..bytes.len()).step_by(5) {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&flipped, &bytes).expect("the file can be written");
        match compare(&flipped, &flipped, &Comparison::default()) {
            Ok(report) => {
                first(&report, "torn-trace");
            }
            Err(error) => assert!(
                matches!(
                    error,
                    Error::NotATrace { .. } | Error::Damaged { .. } | Error::Version { .. }
                ),
                "byte {at}: {error}"
            ),
        }
    }
}

/// A trace of two processes that print numbers; `changes` makes it another run.
pub(crate) fn numbers(path: &Path, count: u64, changes: impl Fn(u64) -> Option<u64>) {
    use samestate_tracer::trace::{Call, Data, Event, Header, Payload, Status, Task, Writer};
    let header = Header { architecture: "x86_64".to_owned(), ..Header::default() };
    let mut writer = Writer::create(path, &header).expect("it can be written");
    let mut add = |event| writer.add(&event).expect("it can be written");
    for (id, lineage) in [(0, "0"), (1, "0.1")] {
        let task = Task {
            id,
            parent: (id == 1).then_some(0),
            process: id,
            lineage: lineage.to_owned(),
            tid: 1,
            seen: 1,
            directory: b"/".to_vec(),
        };
        if id == 1 {
            add(Event::End { task: 0, status: Status::Exited(0) });
        }
        add(Event::Task(task));
        for number in (0..count).filter_map(&changes) {
            let bytes = format!("the number {number} of {lineage}").into_bytes();
            add(Event::Call(Call {
                task: id,
                number: 1,
                flags: 0,
                instruction: 0,
                arguments: vec![1, 0, bytes.len() as u64],
                result: Some(bytes.len().try_into().expect("a length")),
                objects: Vec::new(),
                made: Vec::new(),
                data: vec![Data { argument: 1, out: false, payload: Payload::whole(bytes) }],
            }));
        }
    }
    add(Event::Signal {
        task: 1,
        signal: 15,
        code: 0,
        from: samestate_tracer::trace::Sender::Inside,
        about: Vec::new(),
    });
    add(Event::End { task: 1, status: Status::Exited(0) });
    writer.finish().expect("it can be written");
}

/// How a run differs: which numbers it prints instead, or not at all.
type Changes = fn(u64) -> Option<u64>;

#[test]
fn before_a_tear_differences_count_and_behind_it_nothing_is_said() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (whole, cut) = (folder.path().join("whole"), folder.path().join("cut"));
    numbers(&whole, 30_000, Some);
    let rules = |first: &Path, second: &Path| {
        let found = compare(first, second, &Comparison::default()).expect("they can be read");
        let code = found.exit_code();
        let rules = found.findings.iter().map(|finding| finding.rule.id);
        (rules.collect::<Vec<_>>(), code.code(), found)
    };
    let skips: Changes = |number| (number != 20).then_some(number);
    let other: Changes = |number| Some(if number == 20 { 70_000 } else { number });
    let ways: [(Changes, [&str; 2]); 3] =
        [(Some, [""; 2]), (other, ["payload-differs"; 2]), (skips, ["missing-call", "extra-call"])];
    for (changes, expected) in ways {
        numbers(&cut, 30_000, changes);
        let bytes = fs::read(&cut).expect("the trace");
        // Within the first process, and within the second one.
        for (part, processes) in [(3, 1), (9, 2)] {
            fs::write(&cut, &bytes[..bytes.len() * part / 10]).expect("it can be written");
            for (at, (first, second)) in [(&whole, &cut), (&cut, &whole)].into_iter().enumerate() {
                let (mut found, code, report) = rules(first, second);
                assert_eq!(found.remove(0), "torn-trace");
                let wanted =
                    vec![expected[at]; if expected[at].is_empty() { 0 } else { processes }];
                assert_eq!(found, wanted, "{part}: {:#?}", crate::support::short(&report));
                assert_eq!(code, if wanted.is_empty() { 3 } else { 1 });
                assert!(report.is_incomplete());
                let told = report.notes.iter().filter(|note| note.contains("is not known"));
                assert_eq!(told.count(), 1, "{:?}", report.notes);
            }
            let (found, code, _) = rules(&cut, &cut);
            assert_eq!((found, code), (vec!["torn-trace"; 2], 3));
        }
    }
}

#[test]
fn what_is_no_trace_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("file");
    let how = Comparison::default();
    assert!(matches!(compare(&file, &file, &how), Err(Error::File { .. })));
    for content in ["", "text", "sstrace", "#!/bin/sh\nexit 0\n"] {
        write(&file, content);
        assert!(matches!(compare(&file, &file, &how), Err(Error::NotATrace { .. })), "{content}");
    }
    write(&file, b"sstrace\n\xff\xff");
    assert!(matches!(compare(&file, &file, &how), Err(Error::Version { found: 0xffff, .. })));
}

/// A trace of one process that does nothing, as some machine writes it.
fn made_elsewhere(path: &Path, architecture: &str, program: &str) {
    use samestate_tracer::trace::{Event, Header, Task, Writer};
    let header = Header {
        architecture: architecture.to_owned(),
        command: vec![program.as_bytes().to_vec()],
        ..Header::default()
    };
    let mut writer = Writer::create(path, &header).expect("it can be written");
    let task = Task {
        id: 0,
        parent: None,
        process: 0,
        lineage: "0".to_owned(),
        tid: 1,
        seen: 1,
        directory: b"/".to_vec(),
    };
    writer.add(&Event::Task(task)).expect("it can be written");
    writer.finish().expect("it can be written");
}

#[test]
fn runs_of_other_programs_and_machines_are_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    made_elsewhere(&path("here"), "x86_64", "/bin/one");
    made_elsewhere(&path("there"), "aarch64", "/bin/one");
    made_elsewhere(&path("other"), "x86_64", "/bin/two");
    let compared = |name: &str| {
        compare(&path("here"), &path(name), &Comparison::default()).expect("they can be read")
    };
    let found = compared("there");
    assert!(found.is_incomplete());
    let finding = first(&found, "untraced");
    assert_eq!(sides(finding), ("x86_64", "aarch64"));
    let found = compared("other");
    let note = "the runs are of different programs: /bin/one and /bin/two";
    assert!(found.notes.iter().any(|told| told == note), "{:?}", found.notes);
    let twin = compared("here");
    assert!(twin.notes.is_empty() && twin.findings.is_empty(), "{:?}", twin.notes);
}
