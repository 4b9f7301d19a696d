//! Restored runs against the original.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use samestate_tracer::trace::Status;
use samestate_tracer::{Error, Progress, Verdict, Verification, Verify, verify};

use crate::support::{call, first, short, sides, tracee};

/// The words of a command, as a shell would find them.
pub(crate) fn words(command: impl AsRef<str>) -> Vec<OsString> {
    let words = shlex::split(command.as_ref()).expect("quotes are closed");
    words.into_iter().map(OsString::from).collect()
}

/// A folder with a simulation that saves at steps 2, 4 and 6.
pub(crate) fn config(folder: &Path, flags: &str) -> Verify {
    let folder = folder.join("state");
    Verify {
        command: words(format!("{} sim '{}' 6 2 {flags}", tracee(), folder.display())),
        restore: words(format!("{} resume '{}' 6 2 {{image}} {flags}", tracee(), folder.display())),
        state: vec![folder],
        ..Verify::default()
    }
}

pub(crate) fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(folder.path().join("state")).expect("a folder");
    folder
}

fn run(flags: &str) -> Verification {
    let folder = folder();
    let found = verify(&config(folder.path(), flags), &mut |_| ()).expect("it can be verified");
    assert_eq!(found.status, Status::Exited(0));
    assert_eq!(found.output, b"place 323\n");
    found
}

pub(crate) fn verdicts(found: &Verification) -> Vec<Verdict> {
    found.checkpoints.iter().map(|checkpoint| checkpoint.verdict).collect()
}

#[test]
fn a_complete_checkpoint_is_clean_from_every_step() {
    let found = run("");
    assert!(found.report.findings.is_empty(), "{:#?}", short(&found.report));
    assert_eq!(verdicts(&found), [Verdict::Same; 3]);
    let steps: Vec<_> = found.checkpoints.iter().map(|checkpoint| checkpoint.step).collect();
    assert_eq!(steps, [2, 4, 6]);
    assert!(found.checkpoints[0].compared > found.checkpoints[1].compared);
}

#[test]
fn threads_come_in_the_same_order_in_the_restored_runs() {
    let found = run("--threads");
    assert!(found.report.findings.is_empty(), "{:#?}", short(&found.report));
    assert_eq!(verdicts(&found), [Verdict::Same; 3]);
    let found = run("--threads --forget-random");
    let finding = first(&found.report, "payload-differs");
    assert_eq!(call(finding), "write");
}

#[test]
fn time_and_process_id_are_mirrored_from_the_marker_on() {
    let found = run("--time");
    assert!(found.report.findings.is_empty(), "{:#?}", short(&found.report));
    assert_eq!(verdicts(&found), [Verdict::Same; 3]);
}

#[test]
fn a_forgotten_generator_is_found_at_the_first_wrong_number() {
    let found = run("--forget-random");
    assert_eq!(verdicts(&found), [Verdict::Differs, Verdict::Differs, Verdict::Same]);
    let finding = first(&found.report, "payload-differs");
    assert_eq!(call(finding), "write");
    let (left, right) = sides(finding);
    assert!(left.contains("\"144\"") && right.contains("\"94\""), "{left} {right}");
    assert!(finding.message.ends_with("from byte 0 on"), "{}", finding.message);
    first(&found.report, "image-differs");
}

#[test]
fn the_process_is_told_by_the_id_that_the_program_knows() {
    let folder = folder();
    let mut original = None;
    let mut told = |progress| {
        if let Progress::Started { pid } = progress {
            original.get_or_insert(pid);
        }
    };
    let config = config(folder.path(), "--forget-random");
    let found = verify(&config, &mut told).expect("it can be verified");
    let pid = original.expect("it was started");
    let details = &first(&found.report, "payload-differs").details;
    // The restored run was given the ids of the original.
    for run in ["original", "restored"] {
        let line = format!("{run} run, thread 0 (process {pid}):");
        assert!(details.contains(&line), "no {line} in {details:#?}");
    }
}

#[test]
fn a_forgotten_file_position_is_found_though_the_bytes_are_the_same() {
    let found = run("--forget-offset");
    assert_eq!(verdicts(&found), [Verdict::Differs, Verdict::Differs, Verdict::Same]);
    let finding = first(&found.report, "position-differs");
    assert!(finding.subject.to_string().ends_with("/log"), "{}", finding.subject);
}

#[test]
fn a_restore_that_fails_or_says_nothing_or_restores_another_image() {
    for (flag, rule, verdict) in [
        ("--broken", "restore-failed", Verdict::Failed),
        ("--silent", "restore-failed", Verdict::Failed),
        ("--other", "state-not-restored", Verdict::OtherImage),
    ] {
        let found = run(flag);
        assert_eq!(verdicts(&found), [verdict; 3], "{flag}");
        first(&found.report, rule);
    }
}

#[test]
fn a_restored_run_that_hangs_is_ended() {
    let folder = folder();
    for (script, says) in [("sleep 1000", "had not ended"), ("exit 0", "announced")] {
        let mut config = config(folder.path(), "");
        config.timeout = Some(std::time::Duration::from_secs(2));
        config.restore = ["sh", "-c", script, "{image}"].map(Into::into).to_vec();
        let found = verify(&config, &mut |_| ()).expect("it can be verified");
        let finding = first(&found.report, "restore-failed");
        assert!(finding.message.contains(says), "{}", finding.message);
        let verdict = if script == "exit 0" { Verdict::Failed } else { Verdict::TimedOut };
        assert_eq!(verdicts(&found), [verdict; 3], "{script}");
    }
}

#[test]
fn findings_stand_in_the_order_of_their_checkpoints_and_notes_once() {
    let folder = folder();
    let mut config = config(folder.path(), "--forget-random");
    for command in [&mut config.command, &mut config.restore] {
        command[3] = "24".into();
    }
    config.most_findings = 3;
    let found = verify(&config, &mut |_| ()).expect("it can be verified");
    let groups = found.report.findings.iter().filter_map(|finding| finding.group.as_deref());
    let numbers: Vec<u32> = groups
        .filter_map(|group| group.strip_prefix("checkpoint ")?.split(' ').next()?.parse().ok())
        .collect();
    assert!(numbers.is_sorted() && numbers.contains(&2) && numbers.contains(&10), "{numbers:?}");
    let notes = &found.report.notes;
    assert_eq!(notes.iter().filter(|note| note.starts_with("calls not compared")).count(), 1);
    // What is left out and what is written out is everything.
    for checkpoint in &found.checkpoints {
        let name = format!("checkpoint {} ", checkpoint.number);
        let own = |finding: &&samestate_report::Finding| {
            finding.group.as_ref().is_some_and(|group| group.starts_with(&name))
        };
        let written = found.report.findings.iter().filter(own).count() as u64;
        let left = checkpoint.divergences - written;
        let said = notes.iter().any(|note| {
            note.starts_with(&format!("{left} more divergences"))
                && note
                    .split(['(', ')', ',', ' '])
                    .any(|word| word == checkpoint.number.to_string())
        });
        assert_eq!(said, left > 0, "{checkpoint:?} {written} {notes:?}");
    }
}

#[test]
fn a_program_without_markers_is_not_clean() {
    let folder = folder();
    let mut config = config(folder.path(), "");
    config.command = words("/bin/echo hello");
    let found = verify(&config, &mut |_| ()).expect("it can be verified");
    first(&found.report, "no-marker");
    assert!(found.report.is_incomplete());
    assert_eq!(found.output, b"hello\n");
}

#[test]
fn a_template_without_a_place_for_the_image_is_refused() {
    let folder = folder();
    let mut config = config(folder.path(), "");
    config.restore = words("/bin/true");
    let refused = verify(&config, &mut |_| ());
    assert!(matches!(refused, Err(Error::NoPlaceholder)));
}

/// Everything under a folder: path, content, mode, time.
fn content(folder: &Path) -> Vec<(PathBuf, Option<Vec<u8>>, u32, std::time::SystemTime)> {
    use std::os::unix::fs::PermissionsExt;
    let mut all = Vec::new();
    let mut left = vec![folder.to_owned()];
    while let Some(path) = left.pop() {
        let about = fs::symlink_metadata(&path).expect("the file");
        let bytes = about.is_file().then(|| fs::read(&path).expect("its content"));
        if about.is_dir() {
            left.extend(
                fs::read_dir(&path).expect("its list").map(|e| e.expect("an entry").path()),
            );
        }
        all.push((path, bytes, about.permissions().mode(), about.modified().expect("a time")));
    }
    all.sort();
    all
}

#[test]
fn the_users_files_are_as_they_were_whatever_happens() {
    for flags in ["", "--forget-random", "--broken"] {
        let folder = folder();
        let state = folder.path().join("state");
        fs::write(state.join("log"), "precious").expect("a file");
        fs::create_dir(state.join("deep")).expect("a folder");
        fs::write(state.join("deep/file"), "also precious").expect("a file");
        std::os::unix::fs::symlink("log", state.join("link")).expect("a link");
        crate::support::age(&state.join("log"));
        crate::support::age(&state.join("deep"));
        crate::support::age(&state);
        let before = content(&state);
        let mut config = config(folder.path(), flags);
        verify(&config, &mut |_| ()).expect("it can be verified");
        assert_eq!(content(&state), before, "{flags}");
        config.restore[0] = "/no/such/program".into();
        verify(&config, &mut |_| ()).expect_err("the restore command does not start");
        assert_eq!(content(&state), before, "{flags}");
    }
}

/// Writes a program of the shell that replaces, links and removes files of the state.
fn rough(folder: &Path, last: &str) -> Verify {
    let script = format!(
        "cd state; mv log new; ln -f new log; ln -f deep/file one; echo x >> log; rm -r gone; \
         rm pipe; chmod 500 deep; mkfifo other; echo y > ../outside/kept; {last}"
    );
    Verify {
        command: vec!["sh".into(), "-c".into(), script.into()],
        restore: words("true {image}"),
        directory: Some(folder.to_owned()),
        state: vec!["state".into(), "state/deep".into(), "by-link".into(), "new/deep".into()],
        logs: Some(folder.with_extension("logs")),
        ..Verify::default()
    }
}

fn rough_state(folder: &Path) {
    let state = folder.join("state");
    fs::create_dir(state.join("deep")).expect("a folder");
    fs::create_dir(state.join("gone")).expect("a folder");
    fs::create_dir(folder.join("outside")).expect("a folder");
    for (name, text) in [("log", "one"), ("one", "two"), ("deep/file", "three"), ("gone/a", "4")] {
        fs::write(state.join(name), text).expect("a file");
    }
    fs::hard_link(state.join("log"), folder.join("outside/log")).expect("another name");
    fs::hard_link(state.join("deep/file"), state.join("deep/again")).expect("another name");
    fs::write(folder.join("outside/kept"), "old").expect("a file");
    std::os::unix::fs::symlink("outside", folder.join("by-link")).expect("a link");
    let made = std::process::Command::new("mkfifo").arg(state.join("pipe")).status();
    assert!(made.is_ok_and(|status| status.success()));
}

#[test]
fn names_links_and_pipes_are_put_back_as_well() {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    let folder = folder();
    rough_state(folder.path());
    let state = folder.path().join("state");
    let (before, outside) = (content(&state), content(&folder.path().join("outside")));
    verify(&rough(folder.path(), "true"), &mut |_| ()).expect("it can be verified");
    assert_eq!(content(&state), before);
    assert_eq!(content(&folder.path().join("outside")), outside);
    let inode = |path: &str| fs::metadata(state.join(path)).expect("the file").ino();
    assert_eq!(inode("deep/file"), inode("deep/again"));
    assert_ne!(inode("one"), inode("deep/file"));
    assert!(fs::metadata(state.join("pipe")).is_ok_and(|about| about.file_type().is_fifo()));
    assert!(!folder.path().join("new").exists(), "a state path that did not exist");
    let beside = fs::read_dir(folder.path()).expect("the folder").count();
    assert_eq!(beside, 3, "nothing of ours is left beside the state");
}

/// The folder in which the test below runs a verification to be killed.
const KILLED: &str = "SAMESTATE_TEST_KILLED";

/// Only part of the next test; by itself it does nothing.
#[test]
fn the_one_that_is_killed() {
    let Some(folder) = std::env::var_os(KILLED) else { return };
    let mut config = rough(Path::new(&folder), "touch ready; sleep 1000");
    config.state.truncate(3);
    let _killed = verify(&config, &mut |_| ());
}

#[test]
fn a_verification_that_is_killed_is_made_good_by_the_next_one() {
    let folder = folder();
    rough_state(folder.path());
    let state = folder.path().join("state");
    let before = content(&state);
    // A process of its own, which can be killed without any of its destructors.
    let mut killed = std::process::Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "verify::the_one_that_is_killed", "--nocapture"])
        .env(KILLED, folder.path())
        .spawn()
        .expect("it can be started");
    let pid = killed.id();
    while !state.join("ready").exists() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_ne!(content(&state), before);
    // While it runs nobody else may work on these files, nor on some of them, nor on more.
    for other in ["state", "state/deep", "state/deep/none", "."] {
        let mut config = rough(folder.path(), "true");
        config.state = vec![other.into()];
        config.work = Some(std::env::temp_dir().join(format!("samestate-test-{pid}")));
        let refused = verify(&config, &mut |_| ());
        assert!(matches!(refused, Err(Error::InUse { .. })), "{other}: {refused:?}");
        fs::remove_dir_all(config.work.expect("it was set")).expect("it can be removed");
    }
    killed.kill().expect("it can be killed");
    killed.wait().expect("it can be waited for");
    assert_ne!(content(&state), before);
    let found = verify(&rough(folder.path(), "true"), &mut |_| ()).expect("it can be verified");
    let says = found.report.notes.iter().filter(|note| note.contains("was killed")).count();
    assert_eq!(says, 2, "{:?}", found.report.notes);
    assert_eq!(content(&state), before);
    assert_eq!(fs::read(folder.path().join("outside/kept")).expect("the file"), b"old");
    let found = verify(&rough(folder.path(), "true"), &mut |_| ()).expect("it can be verified");
    assert!(!found.report.notes.iter().any(|note| note.contains("was killed")));
}

#[test]
fn a_folder_for_traces_among_the_state_is_refused() {
    let folder = folder();
    for (work, fine) in [("state", false), ("state/work", false), ("work", true)] {
        let mut config = config(folder.path(), "");
        config.work = Some(folder.path().join(work));
        let verified = verify(&config, &mut |_| ());
        assert_eq!(!matches!(verified, Err(Error::WorkInState { .. })), fine, "{work}");
        assert!(!folder.path().join("state/work").exists());
    }
    // The same folder again: what an earlier run printed is not mixed in.
    let mut config = config(folder.path(), "");
    config.work = Some(folder.path().join("work"));
    let found = verify(&config, &mut |_| ()).expect("it can be verified");
    assert_eq!(found.output, b"place 323\n");
    assert_eq!(verdicts(&found), [Verdict::Same; 3]);
    let mut config = super::verify::config(folder.path(), "");
    config.state = vec!["/".into()];
    assert!(verify(&config, &mut |_| ()).is_err());
}

#[test]
fn copies_that_do_not_fit_lose_nothing() {
    let folder = folder();
    let state = folder.path().join("state");
    fs::write(state.join("log"), "precious").expect("a file");
    let before = content(&state);
    // The traces, the images and the copies do not fit.
    let work = folder.path().join("work");
    fs::create_dir(&work).expect("a folder");
    let small = ["-t", "tmpfs", "-o", "size=16k", "samestate"];
    let mounted = std::process::Command::new("mount").args(small).arg(&work).status();
    if !mounted.is_ok_and(|status| status.success()) {
        crate::support::skipped("no small file system can be mounted");
        return;
    }
    let mut config = config(folder.path(), "");
    config.work = Some(work.clone());
    let failed = verify(&config, &mut |_| ());
    let unmounted = std::process::Command::new("umount").arg("--lazy").arg(&work).status();
    assert!(unmounted.is_ok_and(|status| status.success()));
    let error = failed.expect_err("it does not fit");
    assert!(matches!(error, Error::File { .. }), "{error}");
    assert_eq!(content(&state), before);
    let left = fs::read_dir(folder.path()).expect("the folder").count();
    assert_eq!(left, 2, "nothing of ours is left beside the state");
}
