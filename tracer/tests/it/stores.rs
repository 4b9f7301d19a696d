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

/// Every field of the program's state but two, which other tests are about.
const FIELDS: [&str; 15] = [
    "step",
    "generator",
    "total",
    "clock",
    "queue",
    "names",
    "largest",
    "smallest",
    "hits",
    "cache",
    "mode",
    "retries",
    "limits.speed",
    "last",
    "window",
];

#[test]
fn a_lost_field_is_named_at_the_next_step_and_calls_alone_see_fewer() {
    let lose = |lost: &str| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let state = folder.path().join("state");
        fs::create_dir(&state).expect("a folder");
        let words = |more: &[&str]| -> Vec<OsString> {
            let (saver, state) = (saver(), state.display().to_string());
            let words = [&*saver, "fields", &state, "6"].into_iter().chain(more.iter().copied());
            words.map(OsString::from).collect()
        };
        let config = Verify {
            command: words(&[]),
            restore: words(&["{image}", lost]),
            state: vec![state.clone()],
            without_control: true,
            ..Verify::default()
        };
        verify(&config, &mut |_| ()).expect("it can be verified").report
    };
    let clean = lose("nothing");
    assert!(clean.findings.is_empty(), "{:#?}", short(&clean));
    let mut by_calls = Vec::new();
    for field in FIELDS {
        let report = lose(field);
        let named = format!("Fields.{field}");
        let told = report.findings.iter().any(|finding| {
            finding.rule.id == "state-differs"
                && (finding.subject.to_string().ends_with(&named)
                    || finding.details.iter().any(|line| line.contains(&format!("{named}:"))))
        });
        if field == "step" {
            first(&report, "argument-differs");
        } else {
            // What is overwritten before the first step is over is no loss.
            assert_eq!(told, field != "last", "{field}: {:#?}", short(&report));
        }
        let other =
            |id: &str| !matches!(id, "state-differs" | "image-differs" | "argument-differs");
        if report.findings.iter().any(|finding| other(finding.rule.id)) {
            by_calls.push(field);
        }
    }
    // The others make no difference to what this program does, for now.
    assert_eq!(
        by_calls,
        ["step", "generator", "total", "clock", "queue", "names", "mode", "limits.speed"]
    );
}
