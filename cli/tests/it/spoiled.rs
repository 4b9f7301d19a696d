//! Checkpoints that do not stay as they were announced, that cannot be copied, and traces that are not
//! ours, under `verify` and `compare`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fixtures::{Said, particles, samestate, skipped};
use crate::table::fresh;

/// `SCRIPT FOLDER HOW [IMAGE]`: saves three states, and does something to each that is saved.
const SAVES: &str = r#"
import os, sys

folder, how = sys.argv[1:3]
log, state, old = (os.path.join(folder, name) for name in ["log", "state.sav", "old"])
step = 0

def put(path, text, flags, big=False):
    file = os.open(path, flags | os.O_WRONLY | os.O_CREAT)
    os.write(file, text)
    if big:
        os.ftruncate(file, 8 << 20)
    os.close(file)

if len(sys.argv) > 3:
    file = os.open(sys.argv[3], os.O_RDONLY)
    step = int(os.read(file, 1))
    os.close(file)
while True:
    if step and how == "deletes":
        os.unlink(state)
    if step and how == "spoils":
        os.rename(state, old)
        put(old, b"spoiled", os.O_TRUNC)
    if step == 3:
        break
    step += 1
    put(log, b"step %d\n" % step, os.O_APPEND)
    put(state, b"%d\n" % step, os.O_TRUNC, how == "big" and step == 1)
if how == "killed":
    os.kill(os.getpid(), 15)
sys.exit(7 if how == "fails" else 0)
"#;

/// The interpreter itself, not what finds it.
pub(crate) fn python() -> Option<String> {
    let told = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
    let told = told.ok().filter(|told| told.status.success());
    if told.is_none() {
        skipped("python3 not found");
    }
    told.map(|told| String::from_utf8_lossy(&told.stdout).trim().to_owned())
}

/// What verifies it; `then` is what the restored runs do instead of `how`.
fn words(folder: &Path, how: &str, then: &str, more: &[&str]) -> Option<Vec<String>> {
    let python = python()?;
    let script = folder.with_extension("py");
    fs::write(&script, SAVES).unwrap();
    let run = format!("{python} -I -S {} {}", script.display(), folder.display());
    let restore = format!("{run} {then} {{image}}");
    let words = ["verify", "--saved-on", "*.sav", "--restore", &*restore].into_iter();
    let words = words.chain(more.iter().copied()).chain(["--"]).chain(run.split(' ')).chain([how]);
    Some(words.map(str::to_owned).collect())
}

fn verify_other(folder: &Path, how: &str, then: &str, more: &[&str]) -> Option<Said> {
    words(folder, how, then, more).map(samestate)
}

fn verify(folder: &Path, how: &str, more: &[&str]) -> Option<Said> {
    verify_other(folder, how, how, more)
}

fn same(said: &Said) -> usize {
    said.stdout.lines().filter(|line| line.split_whitespace().any(|word| word == "same")).count()
}

#[test]
fn a_program_may_delete_move_and_rewrite_what_it_saved() {
    for how in ["deletes", "spoils", "rewrites"] {
        let folder = fresh(&format!("state-{how}"));
        fs::write(folder.join("log"), "precious\n").unwrap();
        let Some(said) = verify(&folder, how, &[]) else { return };
        assert_eq!((said.code, same(&said)), (0, 3), "{how}: {}{}", said.stdout, said.stderr);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "{how}: only what was there");
        assert_eq!(fs::read_to_string(folder.join("log")).unwrap(), "precious\n");
    }
}

/// A small file system, for as long as this lives.
struct Small(PathBuf);

impl Small {
    fn new(folder: PathBuf, size: &str) -> Option<Self> {
        fs::create_dir_all(&folder).unwrap();
        let options = format!("size={size}");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &*options, "samestate"]).arg(&folder);
        mount.output().is_ok_and(|told| told.status.success()).then_some(Self(folder))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).output();
    }
}

#[test]
fn an_image_that_cannot_be_copied_is_said_and_the_others_are_restored() {
    let folder = fresh("state-too-big");
    let Some(small) = Small::new(fresh("small").join("mounted"), "4m") else {
        skipped("no small file system can be mounted");
        return;
    };
    fs::write(folder.join("log"), "precious\n").unwrap();
    let Some(said) = verify(&folder, "big", &["--keep", small.0.to_str().unwrap()]) else { return };
    let told = format!("{}{}", said.stdout, said.stderr);
    assert_eq!(said.code, 3, "{told}");
    for words in ["state.sav cannot be copied", "No space left"] {
        assert!(told.contains(words), "no {words} in {told}");
    }
    assert_eq!(same(&said), 2, "the other two: {told}");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "{told}");
    assert_eq!(fs::read_to_string(folder.join("log")).unwrap(), "precious\n");
}

#[test]
fn what_lies_in_the_folder_for_traces_is_not_taken_for_ours() {
    let folder = fresh("state-kept");
    let keep = fresh("kept-before");
    for name in ["original.trace", "restored-1.trace", "restored-2.trace", "control.trace"] {
        fs::write(keep.join(name), "no trace at all").unwrap();
    }
    fs::create_dir_all(keep.join("images/1")).unwrap();
    fs::write(keep.join("images/1/state.sav"), "3\n").unwrap();
    let Some(said) = verify(&folder, "rewrites", &["--keep", keep.to_str().unwrap()]) else {
        return;
    };
    assert_eq!((said.code, same(&said)), (0, 3), "{}{}", said.stdout, said.stderr);
}

#[test]
fn what_a_killed_verification_left_is_said_where_it_cannot_be_read() {
    let (folder, states) = (fresh("state-after-a-kill"), fresh("states"));
    let journal = states.join("samestate/undo/run-dead/journal");
    fs::create_dir_all(journal.with_file_name("files")).unwrap();
    fs::write(journal.with_file_name("lock"), "").unwrap();
    let text = "nothing of ours, and longer than what such a file begins with";
    fs::write(&journal, text).unwrap();
    let Some(words) = words(&folder, "rewrites", "rewrites", &[]) else { return };
    let mut samestate = Command::new(env!("CARGO_BIN_EXE_samestate"));
    let said = Said::new(&samestate.args(words).env("XDG_STATE_HOME", states).output().unwrap());
    // What it finds of this program stands, but what the other one has changed may stand as well.
    assert_eq!((said.code, same(&said)), (3, 3), "{}{}", said.stdout, said.stderr);
    let left = journal.parent().unwrap().with_file_name("unreadable-dead");
    for told in [format!("{journal:?} is damaged"), left.display().to_string()] {
        assert!(said.stdout.contains(&told), "{}{}", said.stdout, said.stderr);
    }
    let kept = fs::read_to_string(left.join("journal")).unwrap();
    assert_eq!(kept, text, "it is left for people");
}

#[test]
fn the_end_of_the_original_is_passed_on_where_nothing_is_found() {
    let run = |how: &str, then: &str, pass: &[&str]| {
        let said = verify_other(&fresh("state-ends"), how, then, pass)?;
        Some((said.code, said.stdout.contains("clean"), said.stdout))
    };
    let Some(plain) = run("fails", "fails", &[]) else { return };
    assert_eq!((plain.0, plain.1), (0, true), "{}", plain.2);
    let Some(plain) = run("killed", "killed", &[]) else { return };
    assert_eq!((plain.0, plain.1), (0, true), "{}", plain.2);
    for (how, then, code) in [
        ("fails", "fails", 7),
        ("killed", "killed", 128 + 15),
        ("rewrites", "rewrites", 0),
        ("fails", "other", 1),
        ("killed", "rewrites", 1),
    ] {
        let Some(passed) = run(how, then, &["--pass-exit"]) else { return };
        // A finding counts more.
        assert_eq!((passed.0, passed.1), (code, code != 1), "{how} {then}: {}", passed.2);
    }
}

#[test]
fn what_is_no_trace_is_refused_by_name() {
    let folder = fresh("foreign");
    let run = folder.join("run");
    let recorded = samestate(["record", "-o", run.to_str().unwrap(), "--", "true"]);
    assert_eq!(recorded.code, 0, "{}", recorded.stderr);
    let write = |name: &str, content: &[u8]| {
        fs::write(folder.join(name), content).unwrap();
        folder.join(name)
    };
    let mut later = fs::read(&run).unwrap();
    later[8] = 0xfe;
    let others = [
        write("text", b"execve(\"/bin/true\", [\"true\"], 0x7ffd /* 3 vars */) = 0\n"),
        write("perf.data", b"PERFILE2\x68\0\0\0\0\0\0\0"),
        write("empty", b""),
        write("later", &later),
        particles("complete"),
        folder.clone(),
        folder.join("missing"),
    ];
    for other in &others {
        for pair in [[&run, other], [other, &run]] {
            let said = samestate([Path::new("compare"), pair[0], pair[1]]);
            let told = format!("{}{}", said.stdout, said.stderr);
            assert!(said.code == 2 || said.code == 3, "{}: {told}", other.display());
            assert!(told.contains(other.to_str().unwrap()), "{}: {told}", other.display());
            assert!(!told.contains("panicked"), "{told}");
        }
    }
}

#[test]
fn runs_of_different_programs_are_said_to_be_that() {
    let folder = fresh("different");
    let record = |program: &str| {
        let run = folder.join(program);
        let said = samestate(["record", "-o", run.to_str().unwrap(), "--", program]);
        assert!(said.code == 0 || said.code == 1, "{}", said.stderr);
        run
    };
    let [one, two] = ["true", "false"].map(record);
    let said = samestate([Path::new("compare"), &one, &two]);
    assert!(said.stdout.contains("different programs: true and false"), "{}", said.stdout);
    assert_eq!(said.code, 1, "{}", said.stdout);
    let twin = samestate([Path::new("compare"), &one, &one]);
    assert!(!twin.stdout.contains("different programs"), "{}", twin.stdout);
}
