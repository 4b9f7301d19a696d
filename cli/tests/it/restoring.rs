//! What can go wrong with the command that restores, and with two verifications at once: what is said,
//! how samestate ends, and that the files are as they were.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::fixtures::{Said, samestate};
use crate::spoiled::python;
use crate::table::fresh;

/// `SCRIPT FOLDER HOW [IMAGE]`: saves two states. With an image it does as HOW says.
const RESTORES: &str = r#"
import os, signal, sys, time

folder, how = sys.argv[1:3]
log, state = os.path.join(folder, "log"), os.path.join(folder, "state.sav")
step = 0

def put(path, text, flags):
    file = os.open(path, flags | os.O_WRONLY | os.O_CREAT)
    os.write(file, text)
    os.close(file)

def crash():
    os.kill(os.getpid(), signal.SIGSEGV)

def hang():
    while True:
        time.sleep(1000)

def spin():
    while True:
        pass

def fail():
    put(log, b"this went wrong\n", os.O_APPEND)
    print("no such state", flush=True)
    sys.exit(5)

before = {"fails": fail, "crashes": crash, "hangs": hang, "spins": spin, "says-nothing": sys.exit}
after = {"crashes-later": crash, "hangs-later": hang, "spins-later": spin}
if len(sys.argv) > 3:
    before.get(how, int)()
    image = sys.argv[3]
    if how == "takes-another":
        image = os.path.join(folder, "other.sav")
        put(image, b"0\n", os.O_TRUNC)
    file = os.open(image, os.O_RDONLY)
    step = int(os.read(file, 9))
    os.close(file)
while step < 2:
    step += 1
    put(log, b"step %d\n" % step, os.O_APPEND)
    put(state, b"%d\n" % step, os.O_TRUNC)
if len(sys.argv) > 3:
    after.get(how, int)()
put(log, b"end\n", os.O_APPEND)
"#;

/// What verifies it where restored runs do as `how` says; the command is `restore` if one is given.
fn verify(folder: &Path, how: &str, restore: Option<String>, more: &[&str]) -> Option<Said> {
    let python = python()?;
    let script = folder.with_extension("py");
    fs::write(&script, RESTORES).unwrap();
    let run = format!("{python} -I -S {} {}", script.display(), folder.display());
    let restore = restore.unwrap_or_else(|| format!("{run} {how} {{image}}"));
    let words = ["verify", "--saved-on", "state.sav", "--restore", &*restore].into_iter();
    let words =
        words.chain(more.iter().copied()).chain(["--"]).chain(run.split(' ')).chain(["runs"]);
    Some(samestate(words))
}

/// The cells of the table's rows, those that hold something.
fn rows(said: &Said) -> Vec<Vec<&str>> {
    let table = said.stdout.split("  image ").nth(1).unwrap_or_default();
    let rows = table.lines().skip(1).take_while(|line| !line.is_empty());
    rows.map(|row| row.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect())
        .collect()
}

#[test]
fn each_way_to_fail_has_its_verdict_and_its_words() {
    let soon: &[&str] = &["--timeout", "2", "--sample", "1"];
    let restored_on: &[&str] = &["--restored-on", "*.sav"];
    for (how, more, code, verdict, ended, says) in [
        ("runs", &[][..], 0, "same", "exit status 0", "verify: clean"),
        ("fails", &[], 1, "restore failed", "exit status 5", "it printed: no such state"),
        ("crashes", &[], 1, "restore failed", "killed by SIGSEGV", "before it announced"),
        ("says-nothing", &[], 1, "restore failed", "exit status 0", "before it announced"),
        ("hangs", soon, 1, "timed out", "killed by SIGKILL", "had not ended after 2.0 s"),
        ("spins", soon, 1, "timed out", "killed by SIGKILL", "had not ended after 2.0 s"),
        ("crashes-later", &[], 1, "differs", "killed by SIGSEGV", "exit-differs"),
        ("hangs-later", soon, 1, "timed out", "killed by SIGKILL", "had not ended after 2.0 s"),
        ("spins-later", soon, 1, "timed out", "killed by SIGKILL", "had not ended after 2.0 s"),
        ("takes-another", &[], 1, "restore failed", "exit status 0", "before it announced"),
        ("takes-another", restored_on, 1, "other image", "exit status 0", "another image than"),
    ] {
        let folder = fresh("restoring");
        fs::write(folder.join("log"), "precious\n").unwrap();
        let started = Instant::now();
        let Some(said) = verify(&folder, how, None, more) else { return };
        let told = format!("{how}: {}{}", said.stdout, said.stderr);
        assert_eq!(said.code, code, "{told}");
        let rows = rows(&said);
        let tried = if more == soon { 1 } else { 2 };
        assert_eq!(rows.len(), tried, "one that fails keeps nobody from the next: {told}");
        for (number, row) in rows.iter().enumerate() {
            let [.., found, how_ended] = row[..] else { panic!("{told}") };
            // Behind the last checkpoint it crashes before it does anything that the original did.
            let never_went_on = how == "crashes-later" && number == 1;
            let verdict = if never_went_on { "restore failed" } else { verdict };
            assert_eq!((found, how_ended), (verdict, ended), "{told}");
        }
        assert!(said.stdout.contains(says), "no {says}: {told}");
        assert!(started.elapsed() < Duration::from_secs(60), "{told}");
        assert_eq!(fs::read_to_string(folder.join("log")).unwrap(), "precious\n", "{told}");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "{told}");
    }
}

#[test]
fn a_command_that_cannot_be_started_is_named_and_the_files_are_as_they_were() {
    let folder = fresh("restoring-nothing");
    fs::write(folder.join("log"), "precious\n").unwrap();
    let plain = folder.with_extension("plain");
    fs::write(&plain, "no program\n").unwrap();
    let text = folder.with_extension("text");
    fs::write(&text, "no program either\n").unwrap();
    fs::set_permissions(&text, fs::Permissions::from_mode(0o755)).unwrap();
    for program in
        ["/no/such/program", "no-such-program", &plain.to_string_lossy(), &text.to_string_lossy()]
    {
        let Some(said) = verify(&folder, "", Some(format!("{program} {{image}}")), &[]) else {
            return;
        };
        let told = format!("{}{}", said.stdout, said.stderr);
        assert!(said.code == 2 || said.code == 3, "{program}: {}: {told}", said.code);
        assert!(told.contains(program), "{program}: {told}");
        assert_eq!(fs::read_to_string(folder.join("log")).unwrap(), "precious\n", "{told}");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "{told}");
    }
}

/// A verification that has changed the log when it is given, and goes on for a long time.
struct Busy(Child);

impl Busy {
    fn start(folder: &Path, more: &[&str]) -> Self {
        let log = folder.join("log");
        fs::write(&log, "precious\n").unwrap();
        let script = format!("echo changed > '{}'; sleep 600", log.display());
        let mut words = Command::new("env");
        words.arg("--default-signal=TERM").arg(env!("CARGO_BIN_EXE_samestate"));
        words.args(["verify", "--restore", "true {image}"]).args(more);
        words.args(["--", "sh", "-c", &script]).stdout(Stdio::null()).stderr(Stdio::null());
        let busy = Self(words.spawn().unwrap());
        let begun = Instant::now();
        while fs::read_to_string(&log).unwrap() != "changed\n" {
            assert!(begun.elapsed() < Duration::from_secs(60), "it never began");
            std::thread::sleep(Duration::from_millis(20));
        }
        busy
    }

    fn end(mut self, signal: &str) {
        let kill = format!("kill -{signal} {}", self.0.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        self.0.wait().unwrap();
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        // It has ended, unless the test fails.
        let _ended = self.0.kill();
    }
}

#[test]
fn a_second_verification_of_the_same_files_is_refused_and_harms_nothing() {
    let folder = fresh("two-at-once");
    let log = folder.join("log");
    let whole: &[&str] = &["--state", folder.to_str().unwrap()];
    // What calls change, or the folder as a whole, on either side.
    for first in [&[][..], whole] {
        let busy = Busy::start(&folder, first);
        for second in [&[][..], whole] {
            let Some(said) = verify(&folder, "runs", None, second) else { return };
            let told = format!("{first:?} {second:?}: {}{}", said.stdout, said.stderr);
            assert_eq!(said.code, 3, "{told}");
            assert!(told.contains("another verification works on"), "{told}");
            assert_eq!(fs::read_to_string(&log).unwrap(), "changed\n", "{told}");
        }
        busy.end("TERM");
        assert_eq!(fs::read_to_string(&log).unwrap(), "precious\n");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing of ours is left");
        let beside = folder.with_file_name(".two-at-once.samestate");
        assert!(!beside.exists(), "nor beside it");
        for second in [&[][..], whole] {
            let Some(said) = verify(&folder, "runs", None, second) else { return };
            assert_eq!(said.code, 0, "now it is its turn: {}{}", said.stdout, said.stderr);
        }
    }
}

#[test]
fn what_a_killed_one_left_in_a_state_path_is_not_taken_for_the_users() {
    let folder = fresh("left-in-state");
    let log = folder.join("log");
    let path = folder.to_str().unwrap();
    Busy::start(&folder, &["--state", path]).end("KILL");
    assert_eq!(fs::read_to_string(&log).unwrap(), "changed\n");
    let Some(said) = verify(&folder, "runs", None, &[]) else { return };
    assert_eq!(said.code, 3, "{}{}", said.stdout, said.stderr);
    let told = format!("verify once with --state {path:?}");
    assert!(said.stderr.contains(&told), "{}{}", said.stdout, said.stderr);
    assert_eq!(fs::read_to_string(&log).unwrap(), "changed\n");
    for (more, says) in [(&["--state", path][..], true), (&[], false)] {
        let Some(said) = verify(&folder, "runs", None, more) else { return };
        assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
        assert_eq!(said.stdout.contains("was killed"), says, "{}", said.stdout);
        assert_eq!(fs::read_to_string(&log).unwrap(), "precious\n");
    }
}

/// `SCRIPT FOLDER WHAT [IMAGE]`: saves, and then writes WHAT for ever.
const ENDLESS: &str = r#"
import os, sys

folder, what = sys.argv[1:3]
if len(sys.argv) > 3:
    file = os.open(sys.argv[3], os.O_RDONLY)
    os.read(file, 9)
else:
    file = os.open(os.path.join(folder, "state.sav"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.write(file, b"1\n")
os.close(file)
log = os.open(os.path.join(folder, "log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
number = 0
while True:
    number += 1
    os.write(log, b"%d %s\n" % (number, what.encode() if number > 9 else b"same"))
"#;

#[test]
fn a_program_that_goes_on_for_ever_is_compared_as_far_as_both_runs_go() {
    let Some(python) = python() else { return };
    let folder = fresh("endless");
    let script = folder.with_extension("py");
    fs::write(&script, ENDLESS).unwrap();
    let run = format!("{python} -I -S {} {}", script.display(), folder.display());
    for (then, code, verdict) in [("mine", 3, "same"), ("other", 1, "differs")] {
        let restore = format!("{run} {then} {{image}}");
        let words = ["verify", "--timeout", "1", "--saved-on", "*.sav", "--restore", &*restore];
        let said = samestate(words.into_iter().chain(["--"]).chain(run.split(' ')).chain(["mine"]));
        let told: String =
            format!("{then}: {}{}", said.stdout, said.stderr).chars().take(4000).collect();
        assert_eq!(said.code, code, "{told}");
        let rows = rows(&said);
        let [row] = &rows[..] else { panic!("{told}") };
        assert_eq!(row[row.len() - 2..], [verdict, "killed by SIGKILL"], "{told}");
        // That the end is not known is said, and nothing is made of it.
        assert!(said.stdout.contains("the run took too long and was killed"), "{told}");
        assert!(!said.stdout.contains("restore-failed"), "{told}");
        assert!(
            !said.stdout.contains("extra-call") && !said.stdout.contains("missing-call"),
            "{told}"
        );
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "{told}");
    }
}
