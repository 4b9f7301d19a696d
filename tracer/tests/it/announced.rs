//! Files that are images although nothing announces them, however they are closed.

use std::fs;

use samestate_tracer::{Announce, Verdict, Verify, verify};

use crate::support::{Place, lines, short};
use crate::verify::verdicts;

/// What a program did, in words: `saved`, `restored`, and the calls that `wanted` names.
fn told(command: &[&str], announce: &Announce, wanted: &[&str]) -> Vec<String> {
    let mut place = Place::new();
    let setup = |work: &std::path::Path| fs::write(work.join("old.img"), "5\n").expect("a file");
    place.record_with(None, setup, command, |config| config.announce = announce.clone());
    let mut told = Vec::new();
    for line in lines(&place, 1) {
        for kind in ["saved", "restored"] {
            if line.contains(&format!("marker {kind} ")) {
                told.push(kind.to_owned());
            }
        }
        let call = wanted.iter().find(|wanted| line.contains(**wanted));
        told.extend(call.map(|call| (*call).to_owned()));
    }
    told
}

fn shell(script: &str, announce: &Announce, wanted: &[&str]) -> Vec<String> {
    told(&["sh", "-c", script], announce, wanted)
}

fn saving() -> Announce {
    Announce { saved_on: Some("*.img".to_owned()), ..Announce::default() }
}

#[test]
fn a_file_that_a_shell_writes_is_saved_where_it_is_closed() {
    for (script, expected) in [
        // Standard output is put back by `dup2`.
        ("echo x > a.img; echo done", &["saved", "done"][..]),
        ("{ echo x; echo done; } > a.img", &["done", "saved"]),
        // The child has it as well, and ends.
        ("{ echo x; (echo done); } > a.img", &["done", "saved"]),
        ("(echo x > a.img); echo done", &["saved", "done"]),
        // It is open until the end, of this program or the next one.
        ("exec > a.img; echo done", &["done", "saved", "exit_group"]),
        ("exec > a.img; echo done; exec true", &["done", "saved", "exit_group"]),
        ("exec 3> a.img 4>&3; echo x >&4; exec 4>&-; echo done >&3; exec 3>&-", &["done", "saved"]),
        ("echo x > a.img; echo done >> a.img", &["saved", "done", "saved"]),
        // Nothing was written, or it is only kept open, or nobody knows whether it is whole.
        ("exec 3> a.img; echo done; exec 3>&-", &["done"]),
        ("exec 3< old.img; read x <&3; exec 3<&-; echo done", &["done"]),
        ("echo x > a.other; echo done", &["done"]),
        ("exec > a.img; echo done; kill -9 $$", &["done"]),
        ("(exec > a.img; echo done; kill -9 $(exec sh -c 'echo $PPID')); :", &["done"]),
    ] {
        let mut found = shell(script, &saving(), &["done", "exit_group"]);
        // Where the shell itself ends is of no interest elsewhere.
        if !expected.contains(&"exit_group") {
            found.retain(|told| told != "exit_group");
        }
        // The name of what is executed holds the script.
        assert_eq!(&found[1..], expected, "{script}");
    }
}

#[test]
fn a_file_is_saved_however_it_is_closed() {
    let Some(python) = crate::jobs::python() else { return };
    let before = "import ctypes, os; fd = os.open('a.img', os.O_WRONLY | os.O_CREAT); \
                  os.write(fd, b'x'); other = os.open('/dev/null', os.O_RDONLY); ";
    let mark = "; os.write(1, b'done')";
    for (script, expected) in [
        ("os.close(fd)", &["saved", "done"][..]),
        ("os.dup2(other, fd)", &["saved", "done"]),
        ("os.dup2(other, fd, False)", &["saved", "done"]),
        ("ctypes.CDLL(None).syscall(436, fd, fd, 0)", &["saved", "done"]),
        ("os.execv('/bin/echo', ['echo', 'done'])", &["saved", "done"]),
        // Closing comes later.
        ("os.dup2(fd, other)", &["done", "saved"]),
        ("os.fork() or os._exit(os.close(fd) or 0); os.wait()", &["done", "saved"]),
        ("ctypes.CDLL(None).syscall(436, fd, fd, 4)", &["done", "saved"]),
        ("os.dup2(fd, fd, True)", &["done", "saved"]),
        // What the kernel copies is written, too.
        (
            "os.close(fd); os.write(1, b'first'); fd = os.open('b.img', os.O_WRONLY | os.O_CREAT); \
          old = os.open('old.img', os.O_RDONLY); os.sendfile(fd, old, 0, 2); os.close(fd)",
            &["saved", "first", "saved", "done"],
        ),
        (
            "os.close(fd); os.write(1, b'first'); fd = os.open('b.img', os.O_WRONLY | os.O_CREAT); \
          old = os.open('old.img', os.O_RDONLY); os.copy_file_range(old, fd, 2); os.close(fd)",
            &["saved", "first", "saved", "done"],
        ),
    ] {
        let script = format!("{before}{script}{mark}");
        let command = [&*python, "-I", "-S", "-B", "-c", &script];
        let wanted = ["\"first\"", "\"done\""];
        let found = told(&command, &saving(), &wanted);
        let found: Vec<_> = found.iter().map(|told| told.trim_matches('"')).collect();
        // The second program has it among its arguments.
        let found: Vec<_> = if script.contains("execv") {
            found.into_iter().filter(|told| *told != "done").chain(["done"]).collect()
        } else {
            found
        };
        assert_eq!(found, expected, "{script}");
    }
}

#[test]
fn a_file_that_is_read_is_restored_where_it_is_closed() {
    let restoring = Announce { restored_on: Some("*.img".to_owned()), ..Announce::default() };
    for (script, expected) in [
        ("read x < old.img; echo done", &["restored", "done"][..]),
        ("{ read x; echo done; } < old.img", &["done", "restored"]),
        ("exec < old.img; read x; echo done", &["done", "restored", "exit_group"]),
        // Only the first one counts, and only if it is read.
        ("read x < old.img; read x < old.img; echo done", &["restored", "done"]),
        ("exec 3< old.img; exec 3<&-; echo done", &["done"]),
        ("echo x > a.img; echo done", &["done"]),
    ] {
        let mut found = shell(script, &restoring, &["done", "exit_group"]);
        if !expected.contains(&"exit_group") {
            found.retain(|told| told != "exit_group");
        }
        assert_eq!(&found[1..], expected, "{script}");
    }
}

/// Writes three images, the last one until it ends; goes on from one that it is given.
const COUNTER: &str = "
import os, sys
other = os.open('/dev/null', os.O_RDONLY)
at = 0
if sys.argv[2:]:
    fd = os.open(sys.argv[2], os.O_RDONLY)
    at = int(os.read(fd, 9))
    if at == 3:
        os.close(other)
        os.close(fd)
    else:
        os.dup2(other, fd)
else:
    fd = os.dup(other)
while at < 3:
    at += 1
    if at == 3:
        os.close(other)
    log = os.open('log', os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(log, f'{sys.argv[1]} {at}'.encode())
    os.close(log)
    os.close(fd)
    fd = os.open(f'{at}.img', os.O_WRONLY | os.O_CREAT)
    os.write(fd, b'%d' % at)
    if at < 3:
        os.dup2(other, fd)
os._exit(0)
";

#[test]
fn a_program_is_verified_by_files_that_it_never_closes_by_name() {
    let Some(python) = crate::jobs::python() else { return };
    let run = |then: &str| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let words = [&*python, "-I", "-S", "-B", "-c", COUNTER];
        let words = |more: &[&str]| words.iter().chain(more).map(Into::into).collect();
        let config = Verify {
            command: words(&["step"]),
            restore: words(&[then, "{image}"]),
            directory: Some(folder.path().to_owned()),
            announce: saving(),
            logs: Some(folder.path().join("logs")),
            ..Verify::default()
        };
        verify(&config, &mut |_| ()).expect("it can be verified")
    };
    let found = run("step");
    assert_eq!(verdicts(&found), [Verdict::Same; 3], "{:#?}", short(&found.report));
    // The last one is open where the program ends, and closed where it is restored.
    assert!(found.report.findings.is_empty(), "{:#?}", short(&found.report));
    let found = run("other");
    assert_eq!(verdicts(&found), [Verdict::Differs, Verdict::Differs, Verdict::Same]);
}
