//! Restored runs against the original.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use samestate_tracer::trace::Status;
use samestate_tracer::{Error, Verdict, Verification, Verify, split_words, verify};

use crate::support::{call, first, short, sides, tracee};

/// A folder with a simulation that saves at steps 2, 4 and 6.
fn config(folder: &Path, flags: &str) -> Verify {
    let words = |command: String| -> Vec<OsString> { split_words(&command) };
    let folder = folder.join("state");
    Verify {
        command: words(format!("{} sim '{}' 6 2 {flags}", tracee(), folder.display())),
        restore: words(format!("{} resume '{}' 6 2 {{image}} {flags}", tracee(), folder.display())),
        state: vec![folder],
        ..Verify::default()
    }
}

fn folder() -> tempfile::TempDir {
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

fn verdicts(found: &Verification) -> Vec<Verdict> {
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
fn a_program_without_markers_is_not_clean() {
    let folder = folder();
    let mut config = config(folder.path(), "");
    config.command = split_words("/bin/echo hello");
    let found = verify(&config, &mut |_| ()).expect("it can be verified");
    first(&found.report, "no-marker");
    assert!(found.report.is_incomplete());
    assert_eq!(found.output, b"hello\n");
}

#[test]
fn a_template_without_a_place_for_the_image_is_refused() {
    let folder = folder();
    let mut config = config(folder.path(), "");
    config.restore = split_words("/bin/true");
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
