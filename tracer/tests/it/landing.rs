//! Calls that take one stop: the program must not see a difference, and the trace must hold what it
//! got.

use std::collections::HashSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use samestate_tracer::table::number;
use samestate_tracer::trace::{Call, Event, Reader, Status};

use crate::support::{Place, assert_clean, has, short, skipped, write};

const LENGTH: usize = 65_536;

fn content() -> Vec<u8> {
    (0..LENGTH).map(|at| (at * 7 + at / 251).to_le_bytes()[0]).collect()
}

fn setup(work: &Path) {
    write(&work.join("file"), content());
}

/// Compiles the program; `None` where there is no compiler.
fn program(folder: &Path) -> Option<String> {
    if !has("cc") {
        return None;
    }
    let program = folder.join("landing");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/landing.c");
    let built = Command::new("cc")
        .args(["-Wall", "-Wextra", "-Werror", "-O1", "-no-pie", "-o"])
        .args([&program, &source])
        .status();
    assert!(built.is_ok_and(|status| status.success()), "it compiles without a warning");
    Some(program.to_string_lossy().into_owned())
}

/// The calls of a trace, and the objects that are the file.
fn calls(path: &Path) -> (Vec<Call>, HashSet<u32>) {
    let mut reader = Reader::open(path).expect("the trace can be opened");
    let (mut calls, mut objects) = (Vec::new(), HashSet::new());
    while let Some((_, event)) = reader.read().expect("it can be read") {
        match event {
            Event::Call(call) => calls.push(call),
            Event::Object(object) if object.path.ends_with(b"/work/file") => {
                objects.insert(object.id);
            }
            _ => {}
        }
    }
    (calls, objects)
}

/// Every `pread` of the file holds the bytes that stand there; how many there were.
fn check_reads(path: &Path) -> usize {
    let content = content();
    let (calls, objects) = calls(path);
    let reads = calls.iter().filter(|call| {
        Some(call.number) == number("pread64")
            && call.object(0).is_some_and(|object| objects.contains(&object))
            && call.argument(1) != 0
    });
    let mut count = 0;
    for call in reads {
        let Some(got) = call.result.and_then(|result| usize::try_from(result).ok()) else {
            continue;
        };
        let from = usize::try_from(call.argument(3)).expect("an offset");
        let payload = call.payload(1, true).expect("what was read");
        assert_eq!(payload.length, got as u64);
        assert!(payload.bytes == content[from..from + got], "{got} bytes from {from} on");
        count += 1;
    }
    count
}

#[test]
fn registers_flags_and_memory_are_as_after_any_call() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let Some(program) = program(folder.path()) else { return };
    for (mode, reads) in [("registers", 54), ("unmap", 10)] {
        let mut place = Place::new();
        let command = [&*program, mode, "file"];
        let quick = place.record(None, setup, &command);
        assert_eq!(place.printed(1), "ok\n");
        assert_eq!(quick.status(), Status::Exited(0));
        let slow = place.record_with(None, setup, &command, |config| config.knobs.one_stop = false);
        assert_eq!(place.printed(2), "ok\n");
        assert_eq!(quick.calls, slow.calls, "no call is seen twice or not at all");
        assert_clean(&place.compare(1, 2));
        assert!(check_reads(&place.trace(1)) >= reads);
        assert_eq!(check_reads(&place.trace(1)), check_reads(&place.trace(2)));
    }
}

#[test]
fn where_there_can_be_a_page_there_is_one() {
    let told = |path, what: &str| {
        std::fs::read_to_string(path).is_ok_and(|text| text.lines().any(|line| line == what))
    };
    let flags = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    if told("/proc/thread-self/status", "Seccomp:\t2") || flags.contains(" fred ") {
        skipped("no page is added to programs here");
        return;
    }
    let mut place = Place::new();
    place.record(None, setup, &["cat", "/proc/self/maps"]);
    let maps = place.printed(1);
    assert!(maps.contains("00140000-00141000 r-xp"), "{maps}");
    assert!(maps.contains("00141000-0014a000 rw-s"), "{maps}");
    place.record_with(None, setup, &["cat", "/proc/self/maps"], |config| {
        config.knobs.one_stop = false;
    });
    assert!(!place.printed(2).contains("00140000-"));
}

#[test]
fn a_page_that_went_unseen_is_not_landed_on() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let Some(program) = program(folder.path()) else { return };
    for mode in ["attach", "foreign"] {
        let mut place = Place::new();
        let recording = place.record(None, setup, &[&program, mode, "file"]);
        assert_eq!(place.printed(1), "ok\n", "{mode}");
        assert_eq!(recording.status(), Status::Exited(0), "{mode}");
    }
}

#[test]
fn a_new_program_finds_the_stack_as_the_kernel_has_made_it() {
    if !has("cc") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (source, program) = (folder.path().join("bare.c"), folder.path().join("bare"));
    // It writes what lies below the stack, and ends.
    let code = r#"__asm__(".globl _start\n_start:\nmov %rsp,%rsi\nsub $4096,%rsi\nmov $4096,%edx\n"
        "mov $1,%edi\nmov $1,%eax\nsyscall\nmov $60,%eax\nxor %edi,%edi\nsyscall\n");"#;
    write(&source, code);
    let mut compiler = Command::new("cc");
    compiler.args(["-nostdlib", "-static", "-o"]).arg(&program).arg(&source);
    assert!(compiler.status().is_ok_and(|status| status.success()), "it compiles");
    let mut place = Place::new();
    let recording = place.record(None, setup, &[&program.to_string_lossy()]);
    assert_eq!(recording.status(), Status::Exited(0));
    assert_eq!(place.printed(1), "\0".repeat(4096));
}

#[test]
fn a_signal_in_the_middle_changes_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let Some(program) = program(folder.path()) else { return };
    let mut place = Place::new();
    let recording = place.record(None, setup, &[&program, "signals", "file"]);
    assert_eq!(place.printed(1), "ok\n");
    assert_eq!(recording.status(), Status::Exited(0));
    assert!(recording.untraced.is_empty(), "{:?}", recording.untraced);
    assert!(check_reads(&place.trace(1)) >= 4200);
    let ends = [number("exit_group"), number("rt_sigreturn")];
    let without = |call: &&Call| call.result.is_none() && !ends.contains(&Some(call.number));
    assert_eq!(calls(&place.trace(1)).0.iter().filter(without).count(), 0);
}

#[test]
fn what_came_of_the_last_call_is_known_although_the_program_never_stops_by_itself() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let Some(program) = program(folder.path()) else { return };
    let run = |mode, name: &str| {
        let mut place = Place::new();
        let setup = |work: &Path| {
            setup(work);
            let made = Command::new("mkfifo").arg(work.join("fifo")).status();
            assert!(made.is_ok_and(|status| status.success()));
        };
        let recording = place.record_with(None, setup, &[&program, mode, name], |config| {
            config.timeout = Some(Duration::from_millis(700));
        });
        assert!(recording.timed_out, "{mode}");
        assert_eq!(recording.status(), Status::Killed(9), "{mode}");
        assert!(recording.untraced.is_empty(), "{:?}", recording.untraced);
        let (mut calls, _) = calls(&place.trace(1));
        // Nothing but that it was ended.
        let told = short(&place.compare(1, 1));
        assert!(told.iter().all(|told| told.contains("its time was up")), "{told:#?}");
        (calls.pop().expect("a call"), check_reads(&place.trace(1)))
    };
    let (opened, _) = run("opens", "file");
    assert_eq!(Some(opened.number), number("openat"));
    assert!(opened.result.is_some_and(|result| result >= 0), "{opened:?}");
    assert_eq!(opened.made.len(), 1, "what it leads to");
    let (read, whole) = run("reads", "file");
    assert_eq!((Some(read.number), read.result), (number("pread64"), Some(20_000)));
    assert_eq!(whole, 1);
    // One that has not returned is not told to have.
    let (waits, _) = run("opens", "fifo");
    assert_eq!((Some(waits.number), waits.result), (number("openat"), None));
}
