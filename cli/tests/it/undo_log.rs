//! What the undo log costs a program that changes the same files again and again: counted in the
//! calls that samestate makes itself while the program runs.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::fixtures::{Said, skipped};
use crate::spoiled::python;
use crate::table::fresh;

/// `SCRIPT FOLDER HOW TIMES [IMAGE]`: waits until it may go, changes files, saves, and changes the
/// same ones some times more.
const CHANGES: &str = r#"
import os, sys, time

folder, how, times = sys.argv[1:4]
log, table, other, state = (os.path.join(folder, n) for n in ["log", "table", "other", "state.sav"])

def put(path, text, flags):
    file = os.open(path, flags | os.O_WRONLY | os.O_CREAT)
    os.write(file, text)
    os.close(file)

def change(number):
    if how == "open":
        os.write(kept, b"%d\n" % number)
        os.pwrite(other_kept, b"%d\n" % number, number % 7)
        os.ftruncate(other_kept, 100)
        os.fchmod(other_kept, 0o644)
    else:
        put(log, b"%d\n" % number, os.O_APPEND)
        put(table, b"%d\n" % number, os.O_TRUNC)
        os.rename(table, table + "-moved")
        os.rename(table + "-moved", table)

def opens():
    return os.open(log, os.O_WRONLY | os.O_APPEND), os.open(other, os.O_RDWR)

if len(sys.argv) > 4:
    kept, other_kept = opens()
    file = os.open(sys.argv[4], os.O_RDONLY)
    os.read(file, 9)
    os.close(file)
else:
    put(os.path.join(folder, "ready"), b"", 0)
    while not os.path.exists(os.path.join(folder, "go")):
        time.sleep(0.05)
    kept, other_kept = opens()
    change(0)
    put(state, b"0\n", os.O_TRUNC)
for number in range(int(times)):
    change(number)
"#;

/// What follows a program's calls, and keeps them in memory. Everything else is about files.
const FOLLOWS: [&str; 12] = [
    "ptrace",
    "wait4",
    "process_vm_readv",
    "process_vm_writev",
    "futex",
    "sched_yield",
    "brk",
    "mmap",
    "mremap",
    "munmap",
    "mprotect",
    "madvise",
];
/// What asks where a name leads, and changes nothing.
const LOOKS_UP: [&str; 3] = ["statx", "newfstatat", "readlink"];

/// Ends with the test.
struct Running(Option<Child>);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _it_may_have_ended = child.kill();
            let _there_is_nothing_more = child.wait();
        }
    }
}

/// Waits for something that is about to be.
fn until<T>(what: &str, ask: impl Fn() -> Option<T>) -> T {
    for _ in 0..1200 {
        if let Some(found) = ask() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{what}: not within a minute");
}

/// The thread that traces.
fn tracer(pid: u32) -> Option<String> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let mut paths = threads.filter_map(|thread| Some(thread.ok()?.path()));
    let named = |path: &Path| fs::read_to_string(path.join("comm")).is_ok_and(|n| n == "tracer\n");
    let path = paths.find(|path| named(path))?;
    path.file_name()?.to_str().map(str::to_owned)
}

/// The calls that it makes while the original runs, by name.
fn calls(how: &str, times: u32) -> Option<BTreeMap<String, u64>> {
    let python = python()?;
    let folder = fresh(&format!("undo-{how}-{times}"));
    for name in ["log", "table", "other"] {
        fs::write(folder.join(name), "before\n").unwrap();
    }
    let script = folder.with_extension("py");
    fs::write(&script, CHANGES).unwrap();
    let run = format!("{python} -I -S {} {} {how} {times}", script.display(), folder.display());
    let restore = format!("{run} {{image}}");
    let mut samestate = Command::new(env!("CARGO_BIN_EXE_samestate"));
    samestate.args(["verify", "--saved-on", "*.sav", "--restore", &restore, "--"]);
    samestate.args(run.split(' ')).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut verifying = Running(Some(samestate.spawn().unwrap()));
    let pid = verifying.0.as_ref().unwrap().id();
    until("the program waits", || folder.join("ready").exists().then_some(()));
    let thread = until("a thread traces", || tracer(pid));
    let counted = folder.with_extension("counted");
    let mut strace = Command::new("strace");
    strace.args(["-c", "-U", "name,calls", "-p", &thread, "-o"]).arg(&counted);
    let Ok(child) = strace.stderr(Stdio::piped()).spawn() else {
        skipped("strace not found");
        return None;
    };
    let mut counting = Running(Some(child));
    let mut told = BufReader::new(counting.0.as_mut().unwrap().stderr.take().unwrap());
    let mut first = String::new();
    told.read_line(&mut first).unwrap();
    if !first.contains("attached") {
        told.read_to_string(&mut first).unwrap();
        skipped(&format!("strace cannot look on: {first}"));
        return None;
    }
    fs::write(folder.join("go"), "").unwrap();
    let said = Said::new(&verifying.0.take().unwrap().wait_with_output().unwrap());
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    assert!(said.stdout.contains(" same "), "{}", said.stdout);
    assert!(counting.0.take().unwrap().wait().unwrap().success());
    assert_eq!(fs::read_to_string(folder.join("log")).unwrap(), "before\n");
    let counted = fs::read_to_string(&counted).unwrap();
    let row = |line: &str| {
        let mut words = line.split_whitespace();
        Some((words.next()?.to_owned(), words.next()?.parse().ok()?))
    };
    let mut calls: BTreeMap<String, u64> = counted.lines().filter_map(row).collect();
    assert!(calls.remove("total").is_some_and(|all| all > 100), "{counted}");
    Some(calls)
}

#[test]
fn nothing_is_done_again_for_a_file_that_is_changed_again() {
    for (how, left_out) in [("open", &FOLLOWS[..]), ("named", &[&FOLLOWS[..], &LOOKS_UP].concat())]
    {
        let (Some(mut few), Some(mut many)) = (calls(how, 2), calls(how, 300)) else { return };
        // It did follow the calls of the one and of the other.
        assert!(many["ptrace"] > few["ptrace"] + 1000, "{how}: {few:?} {many:?}");
        for calls in [&mut few, &mut many] {
            calls.retain(|name, _| !left_out.contains(&&**name));
            // The trace is written in large pieces.
            calls.remove("write");
        }
        assert!(few.keys().any(|name| name == "openat"), "{few:?}");
        assert_eq!(few, many, "{how}");
    }
}
