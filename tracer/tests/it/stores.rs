//! Verifying programs that save with a store, in the foreground and in the background.

use std::ffi::OsString;
use std::fs;

use samestate_tracer::trace::Status;
use samestate_tracer::{Verdict, Verification, Verify, verify};

use crate::support::{first, saver, short};

/// Verifies a program that saves at steps 2, 4, 6 and 8.
fn run(flags: &str) -> Verification {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let state = folder.path().join("state");
    fs::create_dir(&state).expect("a folder");
    let words = |mode: &str, image: &[&str]| -> Vec<OsString> {
        let saver = saver();
        let state = state.display().to_string();
        let words = [&*saver, mode, &state, "9", "2"].into_iter().chain(image.iter().copied());
        words.chain(flags.split_whitespace()).map(OsString::from).collect()
    };
    let config = Verify {
        command: words("sim", &[]),
        restore: words("resume", &["{image}"]),
        state: vec![state.clone()],
        ..Verify::default()
    };
    let found = verify(&config, &mut |_| ()).expect("it can be verified");
    assert_eq!(found.status, Status::Exited(0), "{}", String::from_utf8_lossy(&found.output));
    found
}

fn assert_same(flags: &str) {
    let found = run(flags);
    assert!(found.report.findings.is_empty(), "{flags}: {:#?}", short(&found.report));
    let steps: Vec<_> = found.checkpoints.iter().map(|c| (c.step, c.verdict)).collect();
    assert_eq!(steps, [2, 4, 6, 8].map(|step| (step, Verdict::Same)), "{flags}");
    // The lines that it logs, and its markers.
    assert!(found.checkpoints[0].compared >= 7 + 3 * 2, "{flags}: {:?}", found.checkpoints[0]);
}

#[test]
fn a_program_that_keeps_two_images_is_clean() {
    assert_same("");
}

#[test]
fn a_program_that_saves_in_the_background_is_clean() {
    assert_same("--background");
}

#[test]
fn threads_of_the_program_are_told_from_those_of_its_store() {
    assert_same("--threads");
    assert_same("--threads --background");
}

#[test]
fn what_a_save_in_the_background_forgets_is_found() {
    for flags in ["--forget", "--forget --background", "--forget --background --threads"] {
        let found = run(flags);
        let verdicts: Vec<_> = found.checkpoints.iter().map(|c| c.verdict).collect();
        assert_eq!(verdicts, [Verdict::Differs; 4], "{flags}: {:#?}", short(&found.report));
        first(&found.report, "payload-differs");
        first(&found.report, "image-differs");
    }
}
