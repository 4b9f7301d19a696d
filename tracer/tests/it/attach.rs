//! Programs that run before they are recorded, and go on afterwards.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use samestate_tracer::trace::{Event, Reader, Status};
use samestate_tracer::{Attach, Comparison, Error, Progress, Recording, attach, compare};

use crate::support::{Place, first, lines, skipped, tracee};

/// A program with three threads that runs until there is a file `stop`.
fn busy(place: &Place) -> Child {
    fs::create_dir(place.work()).expect("the folder can be created");
    let child = Command::new(tracee())
        .args(["busy", "2"])
        .current_dir(place.work())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("it runs");
    grown(&place.work(), 0);
    child
}

/// Waits until the program has counted beyond a number, and says how far it is.
fn grown(work: &Path, beyond: u64) -> u64 {
    loop {
        match fs::metadata(work.join("count")) {
            Ok(about) if about.len() > beyond => return about.len(),
            _ => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

fn id(child: &Child) -> i32 {
    child.id().try_into().expect("a process id")
}

fn stop(place: &Place, child: &mut Child) {
    fs::write(place.work().join("stop"), "").expect("the file can be written");
    assert_eq!(child.wait().expect("its end").code(), Some(5));
}

/// Records a program until it has announced ten steps; what is done then is up to `then`.
fn record(child: &Child, place: &Place, then: impl Fn(&AtomicBool) + Sync) -> Recording {
    let interrupt = Arc::new(AtomicBool::new(false));
    let config = Attach {
        pid: id(child),
        output: place.trace(1),
        interrupt: Arc::clone(&interrupt),
        ..Attach::default()
    };
    let mut steps = 0;
    attach(&config, &mut |progress| {
        if let Progress::Marker { .. } = progress {
            steps += 1;
            if steps == 10 {
                then(&interrupt);
            }
        }
    })
    .expect("it can be recorded")
}

#[test]
fn all_threads_are_seen_until_the_program_ends() {
    let place = Place::new();
    let mut child = busy(&place);
    let stop_file = place.work().join("stop");
    let recording = record(&child, &place, |_| fs::write(&stop_file, "").expect("written"));
    assert_eq!(recording.status(), Status::Exited(5));
    assert!(!recording.detached);
    // As this process is its parent as well, there is nothing left to wait for.
    assert!(child.wait().is_err());
    let all = lines(&place, 1);
    for says in ["/busy-0", "/busy-1", "/late", "marker step"] {
        assert!(all.iter().any(|line| line.contains(says)), "{says}: {all:#?}");
    }
    let mut reader = Reader::open(&place.trace(1)).expect("the trace");
    let header = reader.header().clone();
    assert_eq!(header.directory, place.work().as_os_str().as_encoded_bytes());
    assert_eq!(header.command[1..], [b"busy".to_vec(), b"2".to_vec()]);
    for knob in ["serialized=off", "fixed-addresses=off", &format!("attached={}", child.id())] {
        assert!(header.knobs.iter().any(|known| known == knob), "{:?}", header.knobs);
    }
    let (mut objects, mut open) = (Vec::new(), Vec::new());
    while let Some((_, event)) = reader.read().expect("an event") {
        match event {
            Event::Object(object) => objects.push(object),
            Event::Descriptors { open: all, .. } => {
                open = all;
                break;
            }
            _ => {}
        }
    }
    let log = objects.iter().find(|object| object.path.ends_with(b"/log")).expect("the log");
    let log = open.iter().find(|open| open.object == log.id).expect("it is open");
    assert_eq!(log.offset, 3);
    assert!(objects.iter().any(|object| object.fd == 0 && object.path == b"/dev/null"));
    // Nobody knows what was before, so two such runs are never called the same.
    let report = compare(&place.trace(1), &place.trace(1), &Comparison::default());
    let report = report.expect("they can be compared");
    assert!(first(&report, "untraced").message.contains("before the recording"));
}

#[test]
fn a_program_that_is_left_runs_on() {
    let place = Place::new();
    let mut child = busy(&place);
    let recording = record(&child, &place, |interrupt| interrupt.store(true, Ordering::Relaxed));
    assert!(recording.detached && recording.interrupted);
    assert!(!recording.report().is_incomplete(), "that is how it is meant to end");
    let count = grown(&place.work(), 0);
    grown(&place.work(), count + 3);
    let tasks = fs::read_dir(format!("/proc/{}/task", child.id())).expect("its threads");
    for task in tasks.filter_map(Result::ok) {
        let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
        assert!(!status.contains("(tracing stop)") && !status.contains("(stopped)"), "{status}");
        assert!(status.is_empty() || status.contains("TracerPid:\t0"), "{status}");
    }
    stop(&place, &mut child);
}

#[test]
fn a_sleeping_program_is_left_at_once() {
    let mut child = Command::new("sleep").arg("1000").spawn().expect("it runs");
    let place = Place::new();
    let config = Attach {
        pid: id(&child),
        output: place.trace(1),
        timeout: Some(Duration::from_millis(300)),
        ..Attach::default()
    };
    let recording = attach(&config, &mut |_| ()).expect("it can be recorded");
    assert!(recording.timed_out && recording.detached);
    let all = lines(&place, 1);
    assert!(all.iter().any(|line| line.ends_with("= ?")), "the call it sleeps in: {all:#?}");
    assert!(child.try_wait().expect("its state").is_none(), "it sleeps on");
    child.kill().expect("it can be killed");
    child.wait().expect("its end");
}

#[test]
fn a_program_is_left_if_the_trace_cannot_be_written() {
    let place = Place::new();
    let mut child = busy(&place);
    let config = Attach { pid: id(&child), output: "/dev/full".into(), ..Attach::default() };
    let error = attach(&config, &mut |_| ()).expect_err("it cannot be written");
    assert!(matches!(error, Error::File { .. }), "{error}");
    let config = Attach {
        pid: id(&child),
        output: place.trace(1),
        most_tasks: Some(3),
        ..Attach::default()
    };
    let error = attach(&config, &mut |_| ()).expect_err("it makes more");
    assert!(matches!(error, Error::TooMany { most: 3 }), "{error}");
    let count = grown(&place.work(), 0);
    grown(&place.work(), count + 3);
    stop(&place, &mut child);
}

fn refused(pid: i32) -> Error {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = Attach { pid, output: folder.path().join("trace"), ..Attach::default() };
    attach(&config, &mut |_| ()).expect_err("it cannot be traced")
}

#[test]
fn what_cannot_be_attached_to_says_why() {
    let mut child = Command::new("true").spawn().expect("it runs");
    let pid = id(&child);
    while !fs::read_to_string(format!("/proc/{pid}/status")).is_ok_and(|s| s.contains("(zombie)")) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let error = refused(pid);
    assert!(error.to_string().contains("it has ended"), "{error}");
    child.wait().expect("its end");
    for pid in [pid, 0, -1] {
        assert!(matches!(refused(pid), Error::NoProcess { .. }));
    }
    let error = refused(std::process::id().try_into().expect("a process id"));
    assert!(error.to_string().contains("itself"), "{error}");
    // The first thread of the kernel, unless we live in a namespace of our own.
    if fs::read_to_string("/proc/2/comm").is_ok_and(|name| name == "kthreadd\n") {
        let error = refused(2);
        assert!(error.to_string().contains("kernel"), "{error}");
    } else {
        skipped("no threads of the kernel are visible here");
    }
}

#[test]
fn a_program_has_one_tracer() {
    let place = Place::new();
    let mut child = busy(&place);
    let pid = id(&child);
    let recording = record(&child, &place, |interrupt| {
        // The program is stopped meanwhile.
        let error = refused(pid);
        assert!(error.to_string().contains("traces it already"), "{error}");
        interrupt.store(true, Ordering::Relaxed);
    });
    assert!(recording.detached);
    stop(&place, &mut child);
}

/// Waits until a file is there.
fn there(path: &Path) {
    while !path.exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn children_that_were_there_before_are_seen_if_wanted() {
    for children in [true, false] {
        let place = Place::new();
        fs::create_dir(place.work()).expect("the folder can be created");
        // A child, a child of that one, a child that has ended and for which nobody waits.
        let script = "sh -c 'sh -c \": > deep; while [ ! -e stop ]; do : < /dev/null; sleep 0.01; done; : > left\" &
                             while [ ! -e stop ]; do : < /dev/zero; sleep 0.01; done; wait' &
                      true &
                      : > ready
                      while [ ! -e stop ]; do : < /dev/full; sleep 0.01; done; wait %1; exit 5";
        let mut child = Command::new("sh")
            .args(["-c", script])
            .current_dir(place.work())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("it runs");
        there(&place.work().join("deep"));
        there(&place.work().join("ready"));
        let work = place.work();
        let ends = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(500));
            fs::write(work.join("stop"), "").expect("the file can be written");
        });
        let config = Attach {
            pid: id(&child),
            children,
            output: place.trace(1),
            timeout: Some(Duration::from_secs(60)),
            ..Attach::default()
        };
        let recording = attach(&config, &mut |_| ()).expect("it can be recorded");
        ends.join().expect("it was ended");
        assert_eq!(recording.status(), Status::Exited(5));
        assert!(!recording.timed_out && !recording.detached);
        assert!(child.wait().is_err(), "it has been waited for");
        there(&place.work().join("left"));
        let all = lines(&place, 1);
        let seen = |what: &str| all.iter().any(|line| line.contains(what));
        assert!(seen("/dev/full"), "{all:#?}");
        for what in ["\"/dev/zero\"", "\"/dev/null\", O_RDONLY", "left"] {
            assert_eq!(seen(what), children, "{what}: {all:#?}");
        }
    }
}
