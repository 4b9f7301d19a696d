//! Several processes and one store. The other process is this program once more.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use samestate::{Store, StoreError};

/// What the child shall do, and where.
const ROLE: &str = "SAMESTATE_TEST_ROLE";
const DIR: &str = "SAMESTATE_TEST_DIR";

fn child(role: &str, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "store::processes::the_child", "--nocapture", "--quiet"]);
    command.env(ROLE, role).env(DIR, dir).stdin(Stdio::piped());
    command
}

/// A child that holds the lock of a store in which it has saved 1, until its input ends.
fn holder(role: &str, dir: &Path) -> Child {
    let mut child = child(role, dir).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let saved = lines.map_while(Result::ok).any(|line| line == "saved");
    assert!(saved, "the child could not save");
    child
}

/// Not a test but what the children run.
#[test]
fn the_child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let dir = std::env::var_os(DIR).unwrap();
    let mut store = Store::open(&dir).unwrap();
    let wait = || {
        use std::io::Write as _;
        std::io::stdout().write_all(b"\nsaved\n").unwrap();
        std::io::stdin().read_line(&mut String::new()).unwrap();
    };
    match &*role {
        "hold" => {
            store.save(&1_u64, 1).unwrap();
            wait();
        }
        "race" => {
            let mut saved = 0;
            while saved < 50 {
                match store.save(&vec![saved; 2000], saved) {
                    Ok(_) => saved += 1,
                    Err(StoreError::InUse { .. }) => std::thread::yield_now(),
                    Err(error) => panic!("{error}"),
                }
                // Lets the others have it.
                store = Store::open(&dir).unwrap().keep_last(3);
            }
        }
        "read" => {
            for _ in 0..200 {
                let latest = store.latest().unwrap();
                assert!(latest.skipped.is_empty(), "{:?}", latest.skipped);
                let restored: Option<Vec<u64>> = store.restore().unwrap();
                assert!(restored.is_none_or(|state| state.len() == 2000));
                store.entries().unwrap();
            }
        }
        "forbidden" => {
            store.save(&1_u64, 1).unwrap();
            wait();
            let denied = |error: &StoreError| {
                let StoreError::Io { action: "create the file", source, path } = error else {
                    panic!("{error}")
                };
                assert_eq!(source.kind(), std::io::ErrorKind::PermissionDenied, "{error}");
                assert!(path.starts_with(&dir), "{error}");
            };
            denied(&store.save(&2_u64, 2).unwrap_err());
            store.save_in_background(&2_u64, 2).unwrap();
            match store.finish().unwrap_err() {
                StoreError::Background { source: Some(error), .. } => denied(&error),
                error => panic!("{error}"),
            }
            assert_eq!(Store::open(&dir).unwrap().restore::<u64>().unwrap(), Some(1));
            wait();
            store.save(&3_u64, 3).unwrap();
        }
        role => panic!("no role {role}"),
    }
}

#[test]
fn another_process_is_kept_out_until_the_holder_ends_or_is_killed() {
    for kill in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let mut holder = holder("hold", dir.path());
        let mut store = Store::open(dir.path()).unwrap();
        assert_eq!(store.restore::<u64>().unwrap(), Some(1), "reading needs no lock");
        for _ in 0..2 {
            let error = store.save(&2_u64, 2).unwrap_err();
            assert!(matches!(error, StoreError::InUse { .. }), "{error}");
            let error = store.save_in_background(&2_u64, 2).unwrap_err();
            assert!(matches!(error, StoreError::InUse { .. }), "{error}");
        }
        if kill {
            holder.kill().unwrap();
        } else {
            drop(holder.stdin.take());
        }
        assert_eq!(holder.wait().unwrap().success(), !kill);
        store.save(&2_u64, 2).unwrap();
        assert_eq!(store.restore::<u64>().unwrap(), Some(2));
    }
}

#[test]
fn writers_take_turns_and_readers_always_find_a_whole_image() {
    let dir = tempfile::tempdir().unwrap();
    let run = |role: &str| child(role, dir.path()).stdout(Stdio::null()).spawn().unwrap();
    let children = ["race", "race", "read", "race", "read"].map(run);
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let mut store = Store::open(dir.path()).unwrap();
    let numbers: Vec<u64> = store.entries().unwrap().iter().map(|entry| entry.number).collect();
    assert_eq!(numbers.last(), Some(&149), "every image has a number of its own");
    assert_eq!(store.restore::<Vec<u64>>().unwrap(), Some(vec![49; 2000]));
}

#[test]
#[cfg(unix)]
fn permission_lost_in_the_middle_leaves_the_image_before() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;

    let dir = tempfile::tempdir().unwrap();
    set_permissions(dir.path(), Permissions::from_mode(0o777)).unwrap();
    // Permissions do not hold for root.
    const NOBODY: u32 = 65534;
    let mut child = child("forbidden", dir.path());
    let Ok(mut child) = child.uid(NOBODY).stdout(Stdio::piped()).spawn() else {
        crate::skipped("cannot run the test's program as nobody");
        return;
    };
    let mut input = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    for mode in [0o555, 0o777] {
        use std::io::Write as _;
        assert!(lines.any(|line| line == "saved"), "the child failed before");
        set_permissions(dir.path(), Permissions::from_mode(mode)).unwrap();
        input.write_all(b"\n").unwrap();
    }
    assert!(child.wait().unwrap().success());
    assert_eq!(Store::open(dir.path()).unwrap().restore::<u64>().unwrap(), Some(3));
}

/// Makes a file such that not even root can remove it, or ends that; false where that cannot be.
pub(super) fn make_immutable(path: &Path, on: bool) -> bool {
    let mut command = Command::new("chattr");
    command.arg(if on { "+i" } else { "-i" }).arg(path).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
