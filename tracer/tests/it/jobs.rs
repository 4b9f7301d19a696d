//! A queue of jobs with a database, which has never heard of us: it resumes from a file.

use std::process::Command;

use samestate_tracer::{Announce, Verdict, Verification, Verify, verify};

use crate::support::{has, short, skipped};
use crate::verify::{folder, verdicts, words};

/// The interpreter itself, not what finds it.
pub(crate) fn python() -> Option<String> {
    if !has("python3") {
        return None;
    }
    let told = Command::new("python3")
        .args(["-c", "import sqlite3, sys; print(sys.executable)"])
        .output()
        .ok()
        .filter(|told| told.status.success());
    if told.is_none() {
        skipped("python3 has no sqlite3");
    }
    told.map(|told| String::from_utf8_lossy(&told.stdout).trim().to_owned())
}

fn run(python: &str, lost: &str, rounds: usize) -> Verification {
    let folder = folder();
    let state = folder.path().join("state");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/jobs/jobs.py");
    let command = format!("'{python}' -I -S '{script}' '{}' 6", state.display());
    let config = Verify {
        restore: words(format!("{command} {{image}} {lost}")),
        command: words(command),
        state: vec![state],
        announce: Announce { saved_on: Some("state.json".to_owned()), ..Announce::default() },
        rounds,
        ..Verify::default()
    };
    verify(&config, &mut |_| ()).expect("it can be verified")
}

#[test]
fn a_queue_with_a_database_is_clean_and_what_it_loses_is_found() {
    let Some(python) = python() else { return };
    let found = run(&python, "", 3);
    assert!(found.report.findings.is_empty(), "{:#?}", short(&found.report));
    assert_eq!(verdicts(&found), [Verdict::Same; 6], "three checkpoints, up to three rounds");
    for (lost, rule, shown) in [
        ("counter", "payload-differs", "counter 9"),
        ("generator", "payload-differs", "drawn "),
        ("clock", "payload-differs", "clock 1030"),
        ("queue", "iteration-order", "job "),
        ("offset", "position-differs", ""),
    ] {
        let found = run(&python, lost, 1);
        let expected = [Verdict::Differs, Verdict::Differs, Verdict::Same];
        assert_eq!(verdicts(&found), expected, "{lost}: {:#?}", short(&found.report));
        let place = |finding: &&samestate_report::Finding| match &finding.sides {
            Some(sides) if rule != "position-differs" => sides.left.text.contains(shown),
            _ => finding.subject.to_string().ends_with("/log"),
        };
        let of_rule = found.report.findings.iter().filter(|finding| finding.rule.id == rule);
        assert!({ of_rule }.any(|finding| place(&finding)), "{lost}: {:#?}", short(&found.report));
    }
}
