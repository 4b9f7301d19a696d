//! Coverage of programs that have never heard of us.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::fixtures::{build, particles, report, workspace};

/// The paths of the fields that no checkpoint covers.
fn uncovered(report: &Value) -> Vec<&str> {
    report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["rule"] == "uncovered-field")
        .map(|finding| finding["subject"]["path"].as_str().unwrap())
        .collect()
}

#[test]
fn an_emulator_core_that_saves_with_serde() {
    let manifest = workspace().join("cli/tests/fixtures/tetanes/Cargo.toml");
    let program = build(&manifest, &[], "tetanes");
    let report = report([
        Path::new("coverage"),
        &program,
        Path::new("--root"),
        Path::new("tetanes_core::control_deck::ControlDeck"),
    ]);
    assert_eq!(report["exit_code"], 1);
    let fields = uncovered(&report);
    assert!(fields.len() >= 200, "only {} fields", fields.len());
    // Some that serde saves, and some that it is told to skip.
    for path in [
        "tetanes_core::control_deck::ControlDeck.bus.cpu.acc",
        "tetanes_core::control_deck::ControlDeck.bus.cpu.corrupted",
        "tetanes_core::control_deck::ControlDeck.bus.ppu.spr_cover",
        "tetanes_core::control_deck::ControlDeck.bus.apu.audio_samples",
        "tetanes_core::control_deck::ControlDeck.bus.ram_state",
        "tetanes_core::control_deck::ControlDeck.bus.mapper_ops",
    ] {
        assert!(fields.contains(&path), "{path} is missing among:\n{}", fields.join("\n"));
    }
    let mut once = fields.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), fields.len(), "each field is reported once");
}

#[test]
fn our_own_program() {
    let own = env!("CARGO_BIN_EXE_samestate");
    let report = report(["coverage", own, "--root", "samestate_report::report::Report"]);
    assert_eq!(report["exit_code"], 1);
    let fields = uncovered(&report);
    for path in [
        "samestate_report::report::Report.command",
        "samestate_report::report::Report.findings",
        "samestate_report::report::Report.findings[].rule",
        "samestate_report::report::Report.findings[].evidence[].says",
        "samestate_report::report::Report.facts[].count",
    ] {
        assert!(fields.contains(&path), "{path} is missing among:\n{}", fields.join("\n"));
    }
}

#[test]
fn a_program_with_the_derive_beside_them() {
    let report = report([Path::new("coverage"), &particles("complete")]);
    assert_eq!(report["exit_code"], 0);
    assert!(
        report["facts"].as_array().unwrap().iter().any(|fact| fact["count"].as_u64() > Some(5))
    );
}

#[test]
fn a_lock_of_a_real_program_is_the_same_twice() {
    let folder = crate::table::fresh("lock");
    let lock = |name: &str| {
        let file = folder.join(name);
        let said = crate::fixtures::samestate([
            Path::new("lock"),
            &particles("complete"),
            Path::new("--output"),
            &file,
        ]);
        assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
        fs::read_to_string(file).unwrap()
    };
    let text = lock("one");
    assert_eq!(text, lock("two"));
    assert!(text.contains("particles::simulation::Simulation"), "{text}");
}
