//! Programs that know nothing of us, and do what such programs do: having read their state they open
//! their log and start their threads, they read clocks when they feel like it, and they are started
//! by shells.

use samestate_tracer::trace::Status;
use samestate_tracer::{Announce, Verdict, Verification, Verify, verify};

use crate::restored_outside::python;
use crate::support::{call, first, short, write};
use crate::verify::{folder, verdicts, words};

/// Counts, saves at 2, and goes on to 5. `PARTS` replaces what is in capitals.
const PROGRAM: &str = r#"
import os, signal, sys, threading, time

folder = sys.argv[1]
image = sys.argv[2] if len(sys.argv) > 2 else None
AT_START
count = total = 0
if image:
    with open(image) as f: count, total = map(int, f.read().split())
    total -= LOST
log = OPEN
SET_UP
while count < 5:
    BEFORE
    count += 1
    total += count
    log.write("step %d total %d%s\n" % (count, total, MORE))
    log.flush()
    if count == 2:
        with open(folder + "/draft", "w") as f: f.write("%d %d" % (count, total))
        os.rename(folder + "/draft", folder + "/image")
AT_END
"#;

/// What the parts are if nothing else is said.
const PARTS: [(&str, &str); 7] = [
    ("AT_START", ""),
    ("LOST", "0"),
    ("OPEN", "open(folder + '/log', 'a' if image else 'w')"),
    ("SET_UP", ""),
    ("BEFORE", "pass"),
    ("MORE", "''"),
    ("AT_END", ""),
];

/// `script` starts a restored run, if it shall not be started as it is.
fn run_as(parts: &[(&str, &str)], script: Option<&str>) -> Option<Verification> {
    let python = python()?;
    let folder = folder();
    let program = folder.path().join("program.py");
    let given = |name: &str| parts.iter().find(|(other, _)| *other == name).map(|part| part.1);
    let mut text = PROGRAM.to_owned();
    for (name, part) in PARTS {
        text = text.replace(name, given(name).unwrap_or(part));
    }
    write(&program, text);
    let state = folder.path().join("state");
    let command = format!("{python} -I -S '{}' '{}'", program.display(), state.display());
    let restore = match script {
        Some(script) => {
            let path = folder.path().join("restore.sh");
            write(&path, script.replace("COMMAND", &command));
            format!("sh '{}' {{image}}", path.display())
        }
        None => format!("{command} {{image}}"),
    };
    let config = Verify {
        restore: words(restore),
        command: words(command),
        logs: Some(folder.path().join("logs")),
        announce: Announce { saved_on: Some("image".to_owned()), ..Announce::default() },
        ..Verify::default()
    };
    let found = verify(&config, &mut |_| ()).expect("it can be verified");
    assert_eq!(found.status, Status::Exited(0), "{parts:?}");
    Some(found)
}

fn run(parts: &[(&str, &str)]) -> Option<Verification> {
    run_as(parts, None)
}

/// Nothing differs; and with a lost total, the next line does.
fn is_clean_and_a_fault_is_found(parts: &[(&str, &str)], script: Option<&str>) {
    let Some(found) = run_as(parts, script) else { return };
    assert!(found.report.findings.is_empty(), "{parts:?}: {:#?}", short(&found.report));
    assert_eq!(verdicts(&found), [Verdict::Same], "{parts:?}");
    assert!(found.checkpoints[0].compared > 0, "{parts:?}");
    let lost = [parts, &[("LOST", "1")]].concat();
    let Some(found) = run_as(&lost, script) else { return };
    assert_eq!(verdicts(&found), [Verdict::Differs], "{parts:?}");
    assert_eq!(call(first(&found.report, "payload-differs")), "write", "{parts:?}");
}

#[test]
fn what_is_set_up_once_the_image_was_read_is_no_difference() {
    for parts in [
        &[][..],
        // A thread that is there from the start, and a handler.
        &[(
            "SET_UP",
            "go = threading.Event(); \
             threading.Thread(target=go.wait, daemon=True).start(); \
             signal.signal(signal.SIGUSR1, lambda *_: None)",
        )],
        // What the program needs is looked up and read.
        &[("SET_UP", "open(__file__).read(); os.listdir(folder); os.getcwd()")],
    ] {
        is_clean_and_a_fault_is_found(parts, None);
    }
}

#[test]
fn a_log_that_is_opened_at_another_place_is_found() {
    for opened in [
        "open(folder + '/log', 'r+' if image else 'w')",
        // What it appends to is shorter than it was.
        "open(folder + '/log', 'w') if not image else [os.truncate(folder + '/log', 7), \
         open(folder + '/log', 'a')][1]",
    ] {
        let Some(found) = run(&[("OPEN", opened)]) else { return };
        assert_eq!(verdicts(&found), [Verdict::Differs], "{opened}");
        let finding = first(&found.report, "position-differs");
        assert!(finding.subject.to_string().ends_with("/log"), "{}", finding.subject);
    }
    // The same, put right.
    let right = "os.fdopen(os.open(folder + '/log', os.O_WRONLY | os.O_CREAT, 0o666), 'w')";
    let seek = ("SET_UP", "log.seek(0, 2)");
    let Some(found) = run(&[("OPEN", right), seek]) else { return };
    assert_eq!(verdicts(&found), [Verdict::Same], "{:#?}", short(&found.report));
}

#[test]
fn what_the_original_does_first_after_its_checkpoint_is_compared() {
    for first_call in [
        "open(folder + '/part-%d' % count, 'a').close()",
        "threading.Thread(target=int).start()",
        "os.stat(folder)",
    ] {
        is_clean_and_a_fault_is_found(&[("BEFORE", first_call)], None);
    }
    let parts = "open(folder + '/part-%d' % (count + (2 if image else 0)), 'a').close()";
    let Some(found) = run(&[("BEFORE", parts)]) else { return };
    assert_eq!(verdicts(&found), [Verdict::Differs]);
}

/// Fails if a clock runs backwards.
const WATCHES: &str = "last = {}
def watch():
    for clock in (time.CLOCK_MONOTONIC, time.CLOCK_REALTIME, time.CLOCK_BOOTTIME):
        now = time.clock_gettime_ns(clock)
        assert now >= last.get(clock, 0), (clock, now, last)
        last[clock] = now
    now = int(time.time())
    assert now >= last.get('time', 0), (now, last)
    last['time'] = now
watch()";

#[test]
fn clocks_never_run_backwards_in_a_restored_run() {
    let parts = [("AT_START", WATCHES), ("SET_UP", "watch()"), ("BEFORE", "watch()")];
    is_clean_and_a_fault_is_found(&parts, None);
    // A busy wait ends, before the image was read and after.
    let waits = "end = time.monotonic() + 0.05
while time.monotonic() < end: pass";
    let parts = [("AT_START", waits), ("SET_UP", waits)];
    is_clean_and_a_fault_is_found(&parts, None);
}

#[test]
fn a_clock_that_is_read_more_or_less_often_changes_nothing() {
    for (original, restored) in [(0, 3), (3, 0), (2, 5)] {
        let reads =
            format!("[time.monotonic() for _ in range({restored} if image else {original})]");
        // What it is told for its own use is the same nevertheless.
        let parts = [("BEFORE", reads.as_str()), ("MORE", "' at %.9f' % time.clock_gettime(0)")];
        is_clean_and_a_fault_is_found(&parts, None);
    }
    let late = "' at %.9f' % (time.clock_gettime(0) + (1 if image else 0))";
    let Some(found) = run(&[("MORE", late)]) else { return };
    assert_eq!(verdicts(&found), [Verdict::Differs]);
}

#[test]
fn sleeping_and_waking_more_or_less_often_changes_nothing() {
    // As schedulers of languages do; python's own sleep has a deadline.
    let sleeps = [
        ("AT_START", "import ctypes; nap = ctypes.CDLL(None).usleep"),
        ("BEFORE", "[nap(100) for _ in range(2 if image else 1)]"),
    ];
    is_clean_and_a_fault_is_found(&sleeps, None);
    let wakes =
        "[(os.eventfd_write(wake, 1), os.eventfd_read(wake)) for _ in range(2 if image else 1)]";
    let parts = [("AT_START", "wake = os.eventfd(0)"), ("BEFORE", wakes)];
    is_clean_and_a_fault_is_found(&parts, None);
    // Another time to sleep is the program's doing.
    let longer = "time.sleep(0.0002 if image else 0.0001)";
    let Some(found) = run(&[("BEFORE", longer)]) else { return };
    assert_eq!(verdicts(&found), [Verdict::Differs]);
    first(&found.report, "time-differs");
    // And so is a pause that somebody notices.
    let Some(found) = run(&[("BEFORE", "image or time.sleep(0.02)")]) else { return };
    assert_eq!(verdicts(&found), [Verdict::Differs]);
    assert_eq!(call(first(&found.report, "missing-call")), "clock_nanosleep");
}

#[test]
fn a_restore_command_that_is_a_script_waits_for_its_program() {
    for script in ["COMMAND \"$1\"; exit $?", "(COMMAND \"$1\"); exit $?"] {
        is_clean_and_a_fault_is_found(&[], Some(script));
        let exits = [("AT_END", "sys.exit(3 if image else 0)")];
        let Some(found) = run_as(&exits, Some(script)) else { return };
        assert_eq!(verdicts(&found), [Verdict::Differs]);
        assert_eq!(found.checkpoints[0].ended, Some(Status::Exited(3)), "{script}");
    }
}

#[test]
fn files_that_are_named_after_the_process_have_the_names_that_they_had() {
    let parts = [
        ("AT_START", "own = folder + '/own-%d' % os.getpid(); open(own, 'w').close()"),
        ("AT_END", "os.unlink(own)"),
    ];
    is_clean_and_a_fault_is_found(&parts, None);
}

#[test]
fn what_changes_other_files_before_the_run_goes_on_is_found() {
    let other = ("AT_START", "if not image: open(folder + '/other', 'w').write('precious')");
    for changes in [
        "if image: open(folder + '/other', 'w').close()",
        "if image: os.truncate(folder + '/other', 3)",
        "if image: os.ftruncate(os.open(folder + '/other', os.O_RDWR), 3)",
        "if image: open(folder + '/new', 'x').close()",
    ] {
        let Some(found) = run(&[other, ("SET_UP", changes)]) else { return };
        assert_eq!(verdicts(&found), [Verdict::Differs], "{changes}");
    }
    // What changes nothing, and what is changed in both.
    for changes in ["open(folder + '/other', 'a').close()", "open('/dev/null', 'w').close()"] {
        is_clean_and_a_fault_is_found(&[other, ("SET_UP", changes)], None);
    }
    let opens = "os.fdopen(os.open(folder + '/log', os.O_WRONLY | os.O_CREAT, 0o666), 'w')";
    let cuts =
        "log.truncate(len('step 1 total 1\\nstep 2 total 3\\n') if image else 0); log.seek(0, 2)";
    is_clean_and_a_fault_is_found(&[("OPEN", opens), ("SET_UP", cuts)], None);
}

#[test]
fn a_signal_that_is_sent_before_the_run_goes_on_is_found() {
    // Whoever gets it takes no notice.
    let sends = "if image: os.kill(os.getppid(), signal.SIGWINCH)";
    let Some(found) = run(&[("SET_UP", sends)]) else { return };
    assert_eq!(verdicts(&found), [Verdict::Differs]);
    assert_eq!(call(first(&found.report, "extra-call")), "kill");
    is_clean_and_a_fault_is_found(&[("SET_UP", "if image: os.getppid()")], None);
}

#[test]
fn what_has_started_the_original_is_part_of_it_if_it_does_something() {
    let forks = |then: &str| {
        format!(
            "if not image and os.fork():
    os.wait()
    {then}
    os._exit(0)"
        )
    };
    for then in ["print('all is done', flush=True)", "os.rename(folder + '/log', folder + '/done')"]
    {
        let Some(found) = run(&[("AT_START", &forks(then))]) else { return };
        assert_eq!(verdicts(&found), [Verdict::Differs], "{then}");
        first(&found.report, "process-differs");
    }
    is_clean_and_a_fault_is_found(&[("AT_START", &forks("pass"))], None);
}

#[test]
fn a_file_keeps_the_number_that_it_had_before_the_run_went_on() {
    // It is another one than the original's.
    let copies = "import shutil
if image: shutil.copy(folder + '/log', folder + '/copy'); os.rename(folder + '/copy', folder + '/log')";
    let looks = "info = os.fstat(log.fileno())";
    let checks = "os.stat(folder)
    assert os.stat(folder + '/log').st_ino == info.st_ino, 'another file'
    assert os.stat(folder + '/log').st_ino == os.fstat(log.fileno()).st_ino, 'another file'";
    let parts = [("AT_START", copies), ("SET_UP", looks), ("BEFORE", checks)];
    is_clean_and_a_fault_is_found(&parts, None);
}
