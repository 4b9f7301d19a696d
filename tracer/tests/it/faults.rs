//! A save that is killed, or told that something does not work, at each of its system calls.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use samestate::Store;
use samestate_schema::marker::{Kind, Marker};
use samestate_tracer::table;
use samestate_tracer::trace::{Call, Event, Reader, Status, call_flags};
use samestate_tracer::{Among, At, Config, Fault, Harm, Recording, Stream, record};

use crate::support::saver;

/// What a writer that was killed has left.
const LEFT_OVER: &str = "0000000007-step-7.ckpt.tmp";

/// A folder that holds an image of step 1, and what a killed writer has left.
struct Scene {
    folder: tempfile::TempDir,
    background: bool,
}

/// What a traced save came to.
struct Outcome {
    recording: Recording,
    printed: String,
    trace: PathBuf,
}

impl Scene {
    fn new(background: bool) -> Self {
        let scene = Self { folder: tempfile::tempdir().expect("a temporary folder"), background };
        let before = scene.before();
        fs::create_dir(&before).expect("a folder");
        let old = Command::new(saver()).args(["once", &before.display().to_string(), "1"]).output();
        assert!(old.expect("the saver runs").status.success());
        fs::write(before.join(LEFT_OVER), "left over").expect("a file");
        scene
    }

    /// The store as it is before the traced save.
    fn before(&self) -> PathBuf {
        self.folder.path().join("before")
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    /// Sets the folder up and saves step 2 in it, with a fault.
    fn save(&self, fault: Option<Fault>) -> Outcome {
        let store = self.store();
        let _there_is_none = fs::remove_dir_all(&store);
        fs::create_dir(&store).expect("a folder");
        for entry in fs::read_dir(self.before()).expect("the folder") {
            let entry = entry.expect("an entry");
            fs::copy(entry.path(), store.join(entry.file_name())).expect("a copy");
        }
        let flag = if self.background { "--background" } else { "" };
        self.run(&store, flag, fault)
    }

    /// Saves step 2 in a folder, with a fault.
    fn run(&self, store: &Path, flag: &str, fault: Option<Fault>) -> Outcome {
        let store = store.display().to_string();
        let mut words = vec![saver(), "once".to_owned(), store, "2".to_owned()];
        words.extend((!flag.is_empty()).then(|| flag.to_owned()));
        let printed = self.folder.path().join("printed");
        let output = File::create(&printed).expect("a file");
        let trace = self.folder.path().join("trace");
        let config = Config {
            command: words.into_iter().map(OsString::from).collect(),
            stdin: Stream::Null,
            stdout: Stream::File(output.try_clone().expect("a duplicate")),
            stderr: Stream::File(output),
            output: trace.clone(),
            fault,
            ..Config::default()
        };
        let recording = record(&config, &mut |_| ()).expect("the saver can be recorded");
        let printed = fs::read_to_string(printed).expect("the output");
        Outcome { recording, printed, trace }
    }

    /// The step of the image that the store offers, which must be one of the two, and whole. Then
    /// the next save goes, and leaves nothing lying about.
    fn offers(&self, what: &str) -> u64 {
        let mut store = Store::open(self.store()).expect("the store opens").keep_last(1);
        let latest = store.latest().expect("the folder can be read");
        assert!(latest.skipped.is_empty(), "{what}: {:?}", latest.skipped);
        let step = latest.intact.unwrap_or_else(|| panic!("{what}: nothing is offered")).step;
        assert!(step == 1 || step == 2, "{what}: step {step}");
        let saved = store.save(&3_u64, 3).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(saved.not_removed.is_empty(), "{what}: {:?}", saved.not_removed);
        let contents = store.contents().expect("the folder can be read");
        assert_eq!((contents.images.len(), contents.unfinished.len()), (1, 0), "{what}");
        assert!(contents.others.is_empty(), "{what}: {:?}", contents.others);
        step
    }
}

fn saves(number: u64, harm: Harm) -> Option<Fault> {
    Some(Fault { at: At { among: Among::Saves, number }, harm })
}

/// All calls in a trace.
fn all_calls(trace: &Path) -> Vec<Call> {
    let mut reader = Reader::open(trace).expect("a trace");
    let mut calls = Vec::new();
    while let Some((_, event)) = reader.read().expect("a whole trace") {
        if let Event::Call(call) = event {
            calls.push(call);
        }
    }
    calls
}

/// The calls of the one save in a trace, from the one after `save-begin` on.
fn calls(trace: &Path) -> Vec<Call> {
    let mut reader = Reader::open(trace).expect("a trace");
    let (mut calls, mut saver) = (Vec::new(), None);
    while let Some((_, event)) = reader.read().expect("a whole trace") {
        let Event::Call(call) = event else { continue };
        let is_marker = call.flags & call_flags::MARKER != 0;
        match saver {
            None if is_marker => saver = Some(call.task),
            Some(task) if task == call.task => {
                let payload = call.payload(1, false).map(|payload| payload.bytes.clone());
                calls.push(call);
                // The kind of the marker is at offset 10; 3 is `durable`.
                if is_marker && payload.is_some_and(|bytes| bytes[10] == 3) {
                    break;
                }
            }
            _ => {}
        }
    }
    calls
}

#[test]
fn killed_at_every_call_a_save_leaves_a_whole_image() {
    let scene = Scene::new(false);
    let whole = scene.save(None);
    assert_eq!((whole.recording.status(), whole.printed.as_str()), (Status::Exited(0), "saved\n"));
    let recorded = calls(&whole.trace);
    assert_eq!(whole.recording.calls_in_saves, recorded.len() as u64);
    assert_eq!(scene.offers("not killed"), 2);
    let names: BTreeSet<String> = recorded.iter().map(|call| table::name(call.number)).collect();
    for name in ["flock", "writev", "fsync", "renameat2", "unlink", "write"] {
        assert!(names.contains(name), "no {name} in {names:?}");
    }
    let (mut points, mut offered) = (0, Vec::new());
    for (number, call) in (1..).zip(&recorded) {
        let name = table::name(call.number);
        for (harm, finished) in [(Harm::KillBefore, false), (Harm::KillAfter, true)] {
            let what = format!("{harm:?} {number} ({name})");
            let killed = scene.save(saves(number, harm));
            assert_eq!(killed.recording.status(), Status::Killed(9), "{what}");
            assert_eq!(killed.recording.hit, Some(call.number), "{what}");
            let last = calls(&killed.trace);
            assert_eq!(last.len() as u64, number, "{what}");
            assert_eq!(last.last().is_some_and(|call| call.result.is_some()), finished, "{what}");
            offered.push(scene.offers(&what));
        }
        points += 1;
    }
    assert_eq!(points, recorded.len());
    // First the old one, from some call on the new one, and both are seen.
    assert!(offered.is_sorted(), "{offered:?}");
    assert_eq!((offered.first(), offered.last()), (Some(&1), Some(&2)));
    // The call after the last one is not there.
    let missed = scene.save(saves(recorded.len() as u64 + 1, Harm::KillBefore)).recording;
    assert_eq!((missed.status(), missed.hit), (Status::Exited(0), None));
    let findings = missed.report().findings;
    let said = format!("there were {} calls in its saves", recorded.len());
    assert!(findings.iter().any(|finding| finding.message.ends_with(&said)), "{findings:?}");
}

#[test]
fn killed_at_every_call_a_save_in_the_background_leaves_a_whole_image() {
    let scene = Scene::new(true);
    for harm in [Harm::KillBefore, Harm::KillAfter] {
        let mut offered = BTreeSet::new();
        let mut number = 0;
        loop {
            number += 1;
            let what = format!("{harm:?} {number}");
            let killed = scene.save(saves(number, harm));
            offered.insert(scene.offers(&what));
            if killed.recording.hit.is_none() {
                assert_eq!(killed.recording.status(), Status::Exited(0), "{what}");
                assert_eq!(killed.printed, "saved\n");
                break;
            }
            // The end of the thread is its last call, and the program may be done before it is.
            let killed_it = killed.recording.status() == Status::Killed(9);
            assert!(killed_it || killed.printed == "saved\n", "{what}: {}", killed.printed);
        }
        assert!(number > 30, "only {number} calls");
        assert_eq!(offered.len(), 2, "the old one first, and then the new one");
    }
}

/// Calls that cannot fail in these ways, or whose failing the store never gets to see.
fn is_about_files(call: &Call) -> bool {
    let name = table::name(call.number);
    let names = ["openat", "open", "read", "write", "writev", "fsync", "unlink", "flock"];
    let more = [
        "renameat2",
        "link",
        "rename",
        "statx",
        "fstat",
        "newfstatat",
        "lseek",
        "getdents64",
        "readlink",
    ];
    let is_marker = call.flags & call_flags::MARKER != 0;
    !is_marker && (names.contains(&&*name) || more.contains(&&*name))
}

fn assert_survives(background: bool) {
    let scene = Scene::new(background);
    let whole = scene.save(None);
    let (mut failed, mut retried) = (BTreeSet::new(), BTreeSet::new());
    for number in 1..=whole.recording.calls_in_saves {
        for error in [libc::EIO, libc::ENOSPC, libc::EACCES, libc::EINTR] {
            let outcome = scene.save(saves(number, Harm::Fail(error)));
            let Some(hit) = outcome.recording.hit else { break };
            let name = table::name(hit);
            if !faulty(&outcome.trace).is_some_and(|call| is_about_files(&call)) {
                break;
            }
            let what = format!("{name} (call {number}) fails with {error}: {}", outcome.printed);
            let ok = outcome.recording.status() == Status::Exited(0);
            assert!(ok || outcome.recording.status() == Status::Exited(1), "{what}");
            let left: Vec<_> = fs::read_dir(scene.store())
                .expect("the folder")
                .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
                .filter(|name| name.ends_with(".tmp") && name != LEFT_OVER)
                .collect();
            // Where removing it is what fails, the next writer does it.
            assert!(left.is_empty() || name == "unlink", "{what}: {left:?}");
            if ok {
                assert_eq!(outcome.printed, "saved\n", "{what}");
                assert_eq!(scene.offers(&what), 2);
                retried.insert((name, error));
            } else {
                // What was tried, on which file, and what the system said.
                let store = scene.store().display().to_string();
                assert!(outcome.printed.contains(&store), "{what}");
                assert!(outcome.printed.contains("cannot "), "{what}");
                let said = std::io::Error::from_raw_os_error(error).to_string();
                assert!(outcome.printed.contains(&said), "{what}");
                scene.offers(&what);
                failed.insert((name, error));
            }
        }
    }
    for name in ["writev", "fsync", "renameat2", "flock"] {
        let name = name.to_owned();
        for error in [libc::EIO, libc::ENOSPC, libc::EACCES] {
            assert!(failed.contains(&(name.clone(), error)), "{name} {error}: {failed:?}");
        }
    }
    for name in ["writev", "fsync", "flock"] {
        let name = name.to_owned();
        assert!(retried.contains(&(name.clone(), libc::EINTR)), "{name}: {retried:?}");
        assert!(!failed.contains(&(name.clone(), libc::EINTR)), "{name}: {failed:?}");
    }
}

/// The call that was made to fail.
fn faulty(trace: &Path) -> Option<Call> {
    let mut reader = Reader::open(trace).expect("a trace");
    while let Some((_, event)) = reader.read().expect("a whole trace") {
        if let Event::Call(call) = event
            && call.flags & call_flags::FAULT != 0
        {
            return Some(call);
        }
    }
    None
}

#[test]
fn a_save_bears_the_failing_of_every_call() {
    assert_survives(false);
}

#[test]
fn a_save_in_the_background_bears_the_failing_of_every_call() {
    assert_survives(true);
}

#[test]
fn folders_that_a_store_makes_are_made_durable() {
    let scene = Scene::new(false);
    let made = |store: &Path| {
        let calls = all_calls(&scene.run(store, "", None).trace);
        let before = calls.iter().take_while(|call| call.flags & call_flags::MARKER == 0);
        before.filter(|call| table::name(call.number) == "fsync").count()
    };
    let store = scene.folder.path().join("a/b/store");
    assert_eq!(made(&store), 3, "each in the one above it");
    assert_eq!(made(&store), 0, "they are there");
}

#[test]
fn an_image_that_is_not_durable_has_used_its_number() {
    let scene = Scene::new(false);
    let store = scene.folder.path().join("again");
    fs::create_dir(&store).expect("a folder");
    let whole = scene.run(&store, "--again", None);
    let recorded = calls(&whole.trace);
    let last = recorded.iter().rposition(|call| table::name(call.number) == "fsync").expect("one");
    let seqs = |outcome: &Outcome| -> Vec<u64> {
        let calls = all_calls(&outcome.trace);
        let marked = calls.iter().filter(|call| call.flags & call_flags::MARKER != 0);
        let markers = marked.filter_map(|call| Marker::decode(&call.payload(1, false)?.bytes).ok());
        markers.filter(|marker| marker.kind == Kind::SaveBegin).map(|marker| marker.seq).collect()
    };
    for (name, expected) in [("fsync", [0, 1]), ("renameat2", [0, 0])] {
        fs::remove_dir_all(&store).expect("the folder can be removed");
        fs::create_dir(&store).expect("a folder");
        let is_it = |call: &Call| table::name(call.number) == name;
        let at = if name == "fsync" { Some(last) } else { recorded.iter().position(is_it) };
        let number = at.expect("it is called") as u64 + 1;
        let outcome = scene.run(&store, "--again", saves(number, Harm::Fail(libc::EIO)));
        assert!(outcome.printed.contains("cannot "), "{name}: {}", outcome.printed);
        assert!(outcome.printed.ends_with("saved\n"), "{name}: {}", outcome.printed);
        assert_eq!(seqs(&outcome), expected, "{name}");
    }
}
