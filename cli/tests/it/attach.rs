//! Recording a program that runs already.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use crate::fixtures::{samestate, skipped};
use crate::table::fresh;

/// A program that counts until there is a file `stop`, and then ends with exit status 5.
fn counting(folder: &Path) -> Child {
    let script = "while [ ! -e stop ]; do echo >> count; sleep 0.01; done; exit 5";
    let mut sh = Command::new("sh");
    let child = sh.args(["-c", script]).current_dir(folder).stdin(Stdio::null()).spawn().unwrap();
    grown(folder, 0);
    child
}

/// Waits until it has counted beyond a number, and says how far it is.
fn grown(folder: &Path, beyond: u64) -> u64 {
    loop {
        match fs::metadata(folder.join("count")) {
            Ok(about) if about.len() > beyond => return about.len(),
            _ => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

fn attached(child: &Child, run: &Path) -> Child {
    // Whoever runs the tests in the background of a shell ignores interrupts, and so would samestate.
    Command::new("env")
        .arg("--default-signal=INT,TERM")
        .arg(env!("CARGO_BIN_EXE_samestate"))
        .args(["record", "--attach", &child.id().to_string(), "-o"])
        .arg(run)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Sends the signal once something is in the trace.
fn end(tracer: Child, run: &Path, signal: i32) -> Output {
    let seen = || {
        let shown = samestate(["show", run.to_str().unwrap()]).stdout;
        shown.contains("/count") || shown.contains("\"count\"")
    };
    while !seen() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let kill = format!("kill -{signal} {}", tracer.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    tracer.wait_with_output().unwrap()
}

#[test]
fn a_recording_that_is_interrupted_or_killed_leaves_the_program_running() {
    for (name, signal) in [("attach-int", 2), ("attach-term", 15), ("attach-kill", 9)] {
        let folder = fresh(name);
        let mut child = counting(&folder);
        let run: PathBuf = folder.join("run");
        let ended = end(attached(&child, &run), &run, signal);
        if signal == 9 {
            assert_eq!(ended.status.code(), None, "{ended:?}");
        } else {
            assert_eq!(ended.status.code(), Some(0), "{ended:?}");
            assert!(String::from_utf8_lossy(&ended.stderr).contains("runs on"), "{ended:?}");
        }
        let count = grown(&folder, 0);
        grown(&folder, count + 3);
        fs::write(folder.join("stop"), "").unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(5), "{signal}");
        let shown = samestate(["show", run.to_str().unwrap()]);
        assert!(shown.stdout.contains("attached="), "{}", shown.stdout);
        assert!(shown.stdout.lines().any(|line| line.starts_with("0.1 ")), "{}", shown.stdout);
    }
}

#[test]
fn a_program_that_ends_while_it_is_recorded_ends_as_ever() {
    let folder = fresh("attach-end");
    let mut child = counting(&folder);
    let run = folder.join("run");
    let tracer = attached(&child, &run);
    while fs::read(&run).unwrap_or_default().len() < 200 {
        std::thread::sleep(Duration::from_millis(10));
    }
    fs::write(folder.join("stop"), "").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(5), "its own parent is told");
    let ended = tracer.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(5), "{ended:?}");
}

#[test]
fn what_cannot_be_attached_to_is_said() {
    let folder = fresh("attach-wrong");
    let run = folder.join("run").to_string_lossy().into_owned();
    let record = |words: &[&str]| samestate(["record", "-o", &run].iter().chain(words));
    for words in [
        &["--attach", "1", "--", "true"][..],
        &["--attach", "1", "--like", &run],
        &["--attach", "1", "--fail", "3=EIO"],
        &["--attach", "1", "--free"],
        &["--children", "--", "true"],
        &["--attach", "2000000000"],
        &[],
    ] {
        assert_eq!(record(words).code, 2, "{words:?}");
    }
    // The program of another user: everybody may run samestate here, but not trace it.
    let mut child = counting(&folder);
    let mine = folder.join("samestate");
    fs::copy(env!("CARGO_BIN_EXE_samestate"), &mine).unwrap();
    for path in [&folder, &mine] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
    }
    let mut other = Command::new(&mine);
    other.args(["record", "-o", "theirs", "--attach", &child.id().to_string()]);
    other.current_dir(&folder).uid(65534).gid(65534);
    match other.output() {
        Ok(said) => {
            assert_eq!(said.status.code(), Some(3), "{said:?}");
            let stderr = String::from_utf8_lossy(&said.stderr);
            assert!(stderr.contains("root"), "{stderr}");
        }
        Err(error) => skipped(&format!("no other user can run it: {error}")),
    }
    fs::write(folder.join("stop"), "").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(5));
}

#[test]
fn who_forbids_that_its_memory_is_read_is_recorded_without_rights_as_well() {
    const PYTHON: &str = "/usr/bin/python3";
    if !Path::new(PYTHON).is_file() {
        return skipped("/usr/bin/python3 not found");
    }
    let folder = fresh("undumpable");
    let mine = folder.join("samestate");
    fs::copy(env!("CARGO_BIN_EXE_samestate"), &mine).unwrap();
    let secret = folder.join("unreadable");
    fs::copy("/bin/true", &secret).unwrap();
    for (path, mode) in [(&folder, 0o777), (&mine, 0o777), (&secret, 0o111)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let script = "import ctypes, os\n\
                  asks = ctypes.CDLL(None).prctl\n\
                  print(asks(3, 0, 0, 0, 0), asks(4, 0, 0, 0, 0), asks(3, 0, 0, 0, 0), flush=True)\n\
                  pid = os.fork()\n\
                  if not pid: os._exit(asks(3, 0, 0, 0, 0))\n\
                  print(os.waitpid(pid, 0)[1], len(os.getrandom(4)))\n\
                  os.system('true')\n";
    let record = |words: &[&str], run: &str| {
        let mut other = Command::new(&mine);
        other.args(["record", "-o", run, "--"]).args(words);
        other.current_dir(&folder).stdin(Stdio::null()).uid(65534).gid(65534).output()
    };
    let said = match record(&[PYTHON, "-I", "-S", "-c", script], "run") {
        Ok(said) => said,
        Err(error) => return skipped(&format!("no other user can run it: {error}")),
    };
    assert_eq!(String::from_utf8_lossy(&said.stdout), "1 0 0\n0 4\n", "{said:?}");
    assert_eq!(said.status.code(), Some(0), "{said:?}");
    let shown = samestate(["show", folder.join("run").to_str().unwrap()]).stdout;
    assert!(shown.contains("PR_SET_DUMPABLE"), "{shown}");
    assert!(shown.contains("1 0 0"), "{shown}");
    let said = record(&["./unreadable"], "run2").unwrap();
    assert_eq!(said.status.code(), Some(3), "{said:?}");
    let stderr = String::from_utf8_lossy(&said.stderr);
    assert!(stderr.contains("its memory may not be read"), "{stderr}");
}
