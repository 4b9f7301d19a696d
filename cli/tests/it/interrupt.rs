//! Signals that ask samestate to end.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use crate::table::fresh;

const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;

fn start(words: &[&str]) -> Child {
    // Whoever runs the tests in the background of a shell ignores interrupts, and so would samestate.
    Command::new("env")
        .arg("--default-signal=INT,TERM")
        .arg(env!("CARGO_BIN_EXE_samestate"))
        .args(words)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Sends the signal when the program has begun to write to `file`, and waits for the end.
fn interrupted(child: Child, signal: i32, file: &Path) -> Output {
    while fs::read(file).is_ok_and(|text| text == b"before") {
        std::thread::sleep(Duration::from_millis(10));
    }
    let kill = format!("kill -{signal} {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    child.wait_with_output().unwrap()
}

#[test]
fn an_interrupted_verification_puts_the_files_back() {
    for signal in [SIGINT, SIGTERM] {
        let folder = fresh("interrupted-verify");
        let state = folder.join("state");
        fs::write(&state, "before").unwrap();
        let script = format!("echo changed > '{}'; sleep 600", state.display());
        let path = state.to_str().unwrap();
        let words =
            ["verify", "--state", path, "--restore", "true {image}", "--", "sh", "-c", &script];
        let ended = interrupted(start(&words), signal, &state);
        assert_eq!(ended.status.signal(), Some(signal), "{ended:?}");
        assert!(String::from_utf8_lossy(&ended.stderr).contains("interrupted"), "{ended:?}");
        assert_eq!(fs::read_to_string(&state).unwrap(), "before");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "no copy is left");
    }
}

#[test]
fn what_no_state_path_names_is_put_back_as_well() {
    let folder = fresh("interrupted-undo");
    let (file, logs) = (folder.join("file"), folder.join("logs"));
    fs::write(&file, "before").unwrap();
    let script = format!("cd '{}'; rm file; echo changed > file; sleep 600", folder.display());
    let mut command = Command::new("env");
    command.arg("--default-signal=INT,TERM").arg(env!("CARGO_BIN_EXE_samestate"));
    command.args(["verify", "--restore", "true {image}", "--", "sh", "-c", &script]);
    command.env("XDG_STATE_HOME", &logs).stdout(Stdio::piped()).stderr(Stdio::piped());
    let ended = interrupted(command.spawn().unwrap(), SIGTERM, &file);
    assert_eq!(ended.status.signal(), Some(SIGTERM), "{ended:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "before");
    let left = fs::read_dir(logs.join("samestate/undo")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["claims"], "no log is left");
}

#[test]
fn an_interrupted_recording_is_complete_up_to_there() {
    let folder = fresh("interrupted-record");
    let (run, file) = (folder.join("run"), folder.join("file"));
    fs::write(&file, "before").unwrap();
    let script = format!("echo changed > '{}'; sleep 600", file.display());
    let words = ["record", "-o", run.to_str().unwrap(), "--", "sh", "-c", &script];
    let ended = interrupted(start(&words), SIGTERM, &file);
    assert_eq!(ended.status.signal(), Some(SIGTERM), "{ended:?}");
    assert!(String::from_utf8_lossy(&ended.stderr).contains("interrupted"), "{ended:?}");
    let shown = start(&["show", run.to_str().unwrap()]).wait_with_output().unwrap();
    assert_eq!(shown.status.code(), Some(0), "{shown:?}");
    assert!(String::from_utf8_lossy(&shown.stdout).contains("SIGKILL"), "{shown:?}");
}

#[test]
fn what_a_terminal_sends_is_left_to_the_recorded_program() {
    let folder = fresh("left-to-the-program");
    let (run, file) = (folder.join("run"), folder.join("file"));
    fs::write(&file, "before").unwrap();
    let script = format!("echo changed > '{}'; sleep 1; exit 7", file.display());
    let words = ["record", "-o", run.to_str().unwrap(), "--", "sh", "-c", &script];
    let ended = interrupted(start(&words), SIGINT, &file);
    assert_eq!(ended.status.code(), Some(7), "{ended:?}");
}

#[test]
fn a_signal_that_is_to_be_ignored_is_ignored() {
    let folder = fresh("ignored-signal");
    let file = folder.join("file");
    fs::write(&file, "before").unwrap();
    let script = format!(
        "trap '' TERM; exec '{}' record -o '{}' -- sh -c 'echo changed > \"{}\"; sleep 1; exit 7'",
        env!("CARGO_BIN_EXE_samestate"),
        folder.join("run").display(),
        file.display()
    );
    let child = Command::new("sh").args(["-c", &script]).stderr(Stdio::piped()).spawn().unwrap();
    let ended = interrupted(child, SIGTERM, &file);
    assert_eq!(ended.status.code(), Some(7), "{ended:?}");
}
