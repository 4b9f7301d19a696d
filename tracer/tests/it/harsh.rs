//! Programs that make it hard for a tracer.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use samestate_tracer::trace::Status;

use crate::support::{Place, assert_clean, has, lines, skipped, tracee};

fn nothing(_: &Path) {}

#[test]
fn instructions_for_random_bytes_are_hidden() {
    let script = format!("{0} features; {0} features", tracee());
    let command = ["sh", "-c", &script];
    let mut place = Place::new();
    let recording = place.record(None, nothing, &command);
    let native = std::process::Command::new(tracee()).arg("features").output().expect("it runs");
    let native = String::from_utf8_lossy(&native.stdout).repeat(2);
    if recording.remarks.is_empty() {
        assert_eq!(place.printed(1), "[false, false, true] true\n".repeat(2));
        assert_clean(&place.compare(1, 1));
        let all = lines(&place, 1);
        assert!(!all.iter().any(|line| line.contains("arch_prctl(0x1012")), "{all:#?}");
    } else {
        skipped("no cpuid faulting here");
        assert_eq!(place.printed(1), native);
        assert!(lines(&place, 1).iter().any(|line| line.contains("rdrand")));
    }
    place.record_with(None, nothing, &command, |config| config.knobs.hidden_rdrand = false);
    assert_eq!(place.printed(2), native);
}

#[test]
fn a_program_may_close_everything() {
    let mut place = Place::new();
    let recording = place.record(None, nothing, &[&*tracee(), "closed"]);
    assert_eq!(recording.status(), Status::Exited(3));
    let all = lines(&place, 1);
    assert!(all.iter().any(|line| line.contains("= 0</") && line.contains("/after>")), "{all:#?}");
    place.record(Some(1), nothing, &[&*tracee(), "closed"]);
    assert_clean(&place.compare(1, 2));
}

#[test]
fn a_program_may_block_all_signals() {
    let mut place = Place::new();
    let recording = place.record_with(None, nothing, &[&*tracee(), "blocked"], |config| {
        config.timeout = Some(Duration::from_millis(300));
    });
    assert!(recording.timed_out);
    assert_eq!(recording.status(), Status::Killed(9));
}

#[test]
fn many_short_processes_are_all_seen() {
    let script = "i=0; while [ $i -lt 500 ]; do (:); i=$((i+1)); done";
    let mut place = Place::new();
    for like in [None, Some(1)] {
        assert_eq!(place.record(like, nothing, &["sh", "-c", script]).tasks, 501);
    }
    assert_clean(&place.compare(1, 2));
}

/// A program of 32 bits that ends with exit status 5: an ELF header, one segment, and `_exit(5)`.
fn of_32_bits() -> Vec<u8> {
    const BASE: u32 = 0x0804_8000;
    const HEADERS: u32 = 52 + 32;
    let code = [0xb8, 1, 0, 0, 0, 0xbb, 5, 0, 0, 0, 0xcd, 0x80];
    let length = HEADERS + u32::try_from(code.len()).expect("a few bytes");
    let mut file = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    let halves = |file: &mut Vec<u8>, all: &[u16]| {
        all.iter().for_each(|half| file.extend_from_slice(&half.to_le_bytes()));
    };
    let words = |file: &mut Vec<u8>, all: &[u32]| {
        all.iter().for_each(|word| file.extend_from_slice(&word.to_le_bytes()));
    };
    // Executable, 80386; version, entry, program headers, no sections, no flags.
    halves(&mut file, &[2, 3]);
    words(&mut file, &[1, BASE + HEADERS, 52, 0, 0]);
    halves(&mut file, &[52, 32, 1, 0, 0, 0]);
    // To be loaded, from the start, readable and executable, aligned to a page.
    words(&mut file, &[1, 0, BASE, BASE, length, length, 5, 0x1000]);
    file.extend_from_slice(&code);
    file
}

fn executable(path: &Path, content: &[u8], mode: u32) {
    fs::write(path, content).expect("the file can be written");
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its mode");
}

#[test]
fn a_program_of_32_bits_is_reported() {
    let setup = |work: &Path| executable(&work.join("old"), &of_32_bits(), 0o755);
    let place = Place::new();
    fs::create_dir(place.work()).expect("the folder can be created");
    setup(&place.work());
    if std::process::Command::new(place.work().join("old")).status().is_err() {
        skipped("this kernel runs no programs of 32 bits");
        return;
    }
    let mut place = place;
    for command in [&["./old"][..], &["sh", "-c", "./old"]] {
        let recording = place.record(None, setup, command);
        assert_eq!(recording.status(), Status::Exited(5), "{command:?}");
        assert!(recording.untraced.iter().any(|what| what.contains("32-bit")));
        assert!(recording.report().is_incomplete());
    }
}

#[test]
fn a_program_that_does_not_get_the_rights_of_its_owner_is_reported() {
    let setup = |work: &Path| {
        let mine = work.join("whoami");
        let content = fs::read("/usr/bin/id").expect("the program");
        executable(&mine, &content, 0o755);
        if std::os::unix::fs::chown(&mine, Some(65534), None).is_ok() {
            fs::set_permissions(&mine, fs::Permissions::from_mode(0o4755)).expect("its mode");
        }
    };
    let mut place = Place::new();
    let recording = place.record(None, setup, &["./whoami", "-u"]);
    if place.printed(1) != "65534\n" {
        // Not root, or on a file system that knows no such rights.
        skipped("a program cannot be given to another user here");
        return;
    }
    assert!(recording.untraced.is_empty(), "{:?}", recording.untraced);
    if has("setpriv") {
        let command = ["setpriv", "--no-new-privs", "./whoami", "-u"];
        let recording = place.record(None, setup, &command);
        assert_eq!(place.printed(2), "0\n");
        let told = recording.untraced.iter().any(|what| what.contains("rights of its owner"));
        assert!(told, "{:?}", recording.untraced);
    }
}
