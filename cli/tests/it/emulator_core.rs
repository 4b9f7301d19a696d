//! An emulator core of somebody else, which saves with serde, under `verify`: whole, and with what its
//! harness restores lost piece by piece.

use std::fs;

use serde_json::Value;

use crate::fixtures::{build, report, workspace};
use crate::table::fresh;

fn verify(sound: &str, lost: &str, more: &[&str]) -> Value {
    let harness = workspace().join("cli/tests/fixtures/tetanes/Cargo.toml");
    let program = build(&harness, &[], "tetanes");
    let folder = fresh(&format!("emulator-core-{sound}"));
    let run = format!("{} {} 12 {sound}", program.display(), folder.display());
    let mut words = vec!["verify".to_owned(), format!("--restore={run} {{image}} {lost}")];
    words.extend(["--saved-on", "state.sav"].iter().chain(more).map(ToString::to_string));
    words.push("--".to_owned());
    words.extend(run.split(' ').map(str::to_owned));
    let found = report(words);
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0, "the folder is as it was");
    found
}

#[test]
fn an_emulator_core_is_clean_and_what_its_harness_loses_is_found() {
    let found = verify("off", "", &["--rounds", "3"]);
    assert_eq!(found["exit_code"], 0, "{found:#}");
    let rows = found["tables"][0]["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 6, "three checkpoints, up to three rounds");
    assert!(rows.iter().all(|row| row[4] == "same"), "{rows:?}");
    for (lost, rule, place) in [
        ("counter", "payload-differs", "pressed "),
        ("generator", "payload-differs", "drawn "),
        ("clock", "payload-differs", "clock "),
        ("queue", "iteration-order", "button "),
        ("offset", "position-differs", "/log"),
    ] {
        let found = verify("off", lost, &["--sample", "1", "--no-control", "--no-stacks"]);
        assert_eq!(found["exit_code"], 1, "{lost}: {found:#}");
        // The first finding is the place: what was lost shows there before anywhere else.
        let first = &found["findings"][0];
        assert_eq!(first["rule"], rule, "{lost}: {found:#}");
        let shown = first["sides"][0]["text"].to_string() + &first["subject"].to_string();
        assert!(shown.contains(place), "{lost}: {first:#}");
    }
}

/// The core's authors do not save what is left of the samples. Coverage names it (`Apu.synth`), and it is
/// seen in the next state: the filters, which are saved, have been given other samples.
#[test]
fn what_the_core_itself_forgets_is_seen_in_the_next_state() {
    let found = verify("on", "", &["--sample", "1", "--no-stacks"]);
    assert_eq!(found["exit_code"], 1, "{found:#}");
    let first = &found["findings"][0];
    assert_eq!(
        (&first["rule"], &first["subject"]["name"]),
        (&"payload-differs".into(), &"write".into())
    );
    assert!(first["sides"][0]["text"].to_string().contains("draft"), "{first:#}");
    let findings = found["findings"].as_array().unwrap();
    let shows = |finding: &&Value| finding["sides"][0]["text"].to_string().contains("frame ");
    assert_eq!(findings.iter().filter(shows).count(), 0, "no picture differs: {found:#}");
}
