//! Programs that look themselves whether the kernel keeps for them what they have set up.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use samestate_tracer::trace::Status;
use samestate_tracer::{Config, Progress, Stream, Verdict, Verify, record, verify};

use crate::support::{Place, assert_clean, call, first, has, short, skipped};
use crate::verify::{folder, verdicts, words};

/// Compiles one of the programs in C.
fn built(name: &str, to: &Path) -> PathBuf {
    let program = to.join(name);
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let built = Command::new("cc")
        .args(["-std=gnu99", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-O1", "-o"])
        .arg(&program)
        .arg("-I")
        .arg(here.with_file_name("include"))
        .arg(here.join("tests/fixtures/keeps").join(name).with_extension("c"))
        .status();
    assert!(built.is_ok_and(|status| status.success()), "it compiles without a warning");
    program
}

#[test]
fn what_a_program_set_up_stays_as_it_was() {
    if !has("cc") {
        return;
    }
    let mut place = Place::new();
    let program = built("keeps", place.trace(0).parent().expect("a folder"));
    let program = program.to_string_lossy().into_owned();
    let work = place.work().to_string_lossy().into_owned();
    let command = [&*program, &*work];
    for run in 1..5 {
        let recording = place.record((run > 1).then_some(1), |_| (), &command);
        assert_eq!(place.printed(run), "all as it was\n");
        assert_eq!(recording.status(), Status::Exited(0));
        assert!(recording.mirrored.live.is_empty(), "{:?}", recording.mirrored);
        assert_clean(&place.compare(1, run));
    }
    // It would notice.
    let path = place.trace(0).with_file_name("image");
    std::fs::write(&path, [0; 24]).expect("an image");
    let path = path.to_string_lossy().into_owned();
    for loses in ["umask", "blocked", "limit", "handler"] {
        let lost = place.record(None, |_| (), &[&*program, &*work, &*path, loses]);
        assert_eq!(lost.status(), Status::Exited(1), "{loses}");
    }
}

#[test]
fn what_a_program_set_up_is_there_after_it_was_restored() {
    if !has("cc") {
        return;
    }
    let folder = folder();
    let program = built("keeps", folder.path());
    let (program, state) = (program.display(), folder.path().join("state"));
    let at = state.display();
    let run = |loses: &str| {
        let config = Verify {
            command: words(format!("'{program}' '{at}'")),
            restore: words(format!("'{program}' '{at}' {{image}} {loses}")),
            state: vec![state.clone()],
            ..Verify::default()
        };
        verify(&config, &mut |_| ()).expect("it can be verified")
    };
    let found = run("");
    assert_eq!(found.status, Status::Exited(0));
    assert_eq!(found.output, b"all as it was\n");
    assert!(found.report.findings.is_empty(), "{:#?}", short(&found.report));
    assert_eq!(verdicts(&found), [Verdict::Same]);
    for loses in [
        "umask", "cwd", "offset", "flags", "handler", "ignored", "blocked", "interval", "timer",
        "limit",
    ] {
        let found = run(loses);
        assert_eq!(verdicts(&found), [Verdict::Differs], "{loses}");
        let names = short(&found.report);
        let at_marker = ["kernel-state-differs", "position-differs"];
        let is_at_marker = |name: &String| at_marker.iter().any(|rule| name.starts_with(rule));
        assert!(names.iter().any(is_at_marker), "{loses}: {names:#?}");
    }
}

#[test]
fn signals_of_timers_come_where_the_first_run_got_them() {
    if !has("cc") {
        return;
    }
    let mut place = Place::new();
    let program = built("alarms", place.trace(0).parent().expect("a folder"));
    let program = program.to_string_lossy().into_owned();
    place.record(None, |_| (), &[&program, "word"]);
    let printed = place.printed(1);
    assert!(printed.contains("sleep -1 1") && printed.contains("read -1 1"), "{printed}");
    for run in 2..5 {
        place.record(Some(1), |_| (), &[&program, "word"]);
        assert_eq!(printed, place.printed(run));
        assert_clean(&place.compare(1, run));
    }
    place.record(Some(1), |_| (), &[&program, "ward"]);
    let report = place.compare(1, 5);
    assert_eq!(call(first(&report, "payload-differs")), "write");
    // In real time they come anywhere.
    place.record_with(
        Some(1),
        |_| (),
        &[&program, "word"],
        |config| {
            assert!(config.knobs.switch("mirrored-signals", false));
        },
    );
    assert_ne!(printed, place.printed(6));
}

#[test]
fn who_waits_for_a_signal_without_a_call_gets_it() {
    const PYTHON: &str = "/usr/bin/python3";
    if !Path::new(PYTHON).is_file() {
        return skipped("/usr/bin/python3 not found");
    }
    let text = "import signal\n\
                done = []\n\
                signal.signal(signal.SIGALRM, lambda *a: done.append(1))\n\
                signal.alarm(1)\n\
                n = 0\n\
                while not done: n += 1\n\
                print('done', n > 100)\n";
    let mut place = Place::new();
    for like in [None, Some(1), Some(1)] {
        let recording = place.record_with(
            like,
            |_| (),
            &[PYTHON, "-I", "-S", "-c", text],
            |config| {
                config.timeout = Some(Duration::from_secs(60));
            },
        );
        assert!(!recording.timed_out);
    }
    assert_eq!(place.printed(3), "done True\n");
    assert_clean(&place.compare(1, 2));
    assert_clean(&place.compare(1, 3));
}

#[test]
fn a_signal_from_outside_ends_the_second_run_where_it_ended_the_first() {
    let place = Place::new();
    let (trace, again) = (place.trace(1), place.trace(2));
    let config = |like: Option<PathBuf>, output: PathBuf| Config {
        command: [
            "sh",
            "-c",
            "trap 'echo told; exit 7' TERM; : > ready; while :; do sleep 0.01; done",
        ]
        .map(Into::into)
        .to_vec(),
        directory: Some(place.trace(0).parent().expect("a folder").to_owned()),
        stdin: Stream::Null,
        stdout: Stream::Null,
        timeout: Some(Duration::from_secs(60)),
        like,
        output,
        ..Config::default()
    };
    let ready = place.trace(0).with_file_name("ready");
    let mut started = None;
    let ended = record(&config(None, trace.clone()), &mut |progress| {
        if let Progress::Started { pid } = progress {
            started = Some(kill_when_there(pid, ready.clone()));
        }
    });
    assert_eq!(ended.expect("it is recorded").status(), Status::Exited(7));
    started.expect("it was started").join().expect("it was killed");
    std::fs::remove_file(place.trace(0).with_file_name("ready")).expect("the file");
    let ended = record(&config(Some(trace), again), &mut |_| ());
    let ended = ended.expect("it is recorded");
    assert!(!ended.timed_out, "nobody else sends the signal");
    assert_eq!(ended.status(), Status::Exited(7));
    assert_clean(&place.compare(1, 2));
}

/// Sends `SIGTERM` to a process some time after a file is there.
fn kill_when_there(pid: i32, file: PathBuf) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        while !file.exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(100));
        let killed = Command::new("kill").args(["-TERM", &pid.to_string()]).status();
        assert!(killed.is_ok_and(|status| status.success()));
    })
}
