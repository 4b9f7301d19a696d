//! Restored runs that are made at once, by somebody who may not mount anything.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::fixtures::{particles, skipped};

/// A user and a group without any rights.
const NOBODY: u32 = 65534;

/// A command in a folder; of nobody's, if we are root.
fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env("HOME", folder).env("TMPDIR", folder.join("temporary"));
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

fn is_root() -> bool {
    let told = Command::new("id").arg("-u").output();
    told.is_ok_and(|told| told.stdout == b"0\n")
}

#[test]
fn without_any_rights_runs_are_made_at_once_as_well() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    for name in ["temporary", "state"] {
        fs::create_dir(folder.join(name)).expect("a folder");
    }
    // The programs may stand where nobody can look.
    for (from, name) in [
        (Path::new(env!("CARGO_BIN_EXE_samestate")), "samestate"),
        (&particles("complete"), "particles"),
    ] {
        fs::copy(from, folder.join(name)).expect("a copy of the program");
    }
    if is_root() {
        for name in ["", "temporary", "state"] {
            chown(folder.join(name), Some(NOBODY), Some(NOBODY)).expect("it is somebody else's");
        }
    }
    let namespace = command(Path::new("unshare"), folder).args(["-Urm", "true"]).output();
    if !namespace.is_ok_and(|told| told.status.success()) {
        return skipped("no namespaces of users");
    }
    let program = folder.join("particles");
    let run = format!("{} --dir state --steps 30 --every 10", program.display());
    let told = command(&folder.join("samestate"), folder)
        .args(["verify", "--jobs", "2", "--format", "json", "--restore"])
        .arg(format!("{run} --restore {{image}}"))
        .arg("--")
        .args(run.split(' '))
        .output()
        .expect("it can be run");
    let said = String::from_utf8_lossy(&told.stderr);
    let report: Value = serde_json::from_slice(&told.stdout).expect(&said);
    let facts = report["facts"].as_array().expect("facts");
    let at_once = facts.iter().find(|fact| fact["what"] == "restored runs made at once");
    assert_eq!(at_once.map(|fact| &fact["count"]), Some(&Value::from(3)), "{report:#}");
    assert_eq!(told.status.code(), Some(0), "{report:#}");
    let left = |name: &str| fs::read_dir(folder.join(name)).expect("the folder").count();
    assert_eq!((left("state"), left("temporary")), (0, 0), "it is as it was");
}
