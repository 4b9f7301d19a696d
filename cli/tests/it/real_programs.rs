//! Coverage of programs that have never heard of us.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::fixtures::{build, particles, report, scratch, workspace};

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

/// The console emulator core, and what judges it.
fn tetanes(args: &[&str]) -> Value {
    let folder = workspace().join("cli/tests/fixtures/tetanes");
    let program = build(&folder.join("Cargo.toml"), &[], "tetanes");
    let mut all = vec!["coverage".to_owned(), program.display().to_string()];
    all.extend(args.iter().map(ToString::to_string));
    report(all)
}

#[test]
fn an_emulator_core_that_saves_with_serde() {
    let report = tetanes(&["--root", "tetanes_core::bus::Bus"]);
    assert_eq!(report["exit_code"], 1);
    let fields = uncovered(&report);
    // What serde is told to skip, and nothing that it saves.
    for name in [
        "cpu.corrupted",
        "ppu.spr_cover",
        "ppu.frame.buffer",
        "apu.audio_samples",
        "apu.synth",
        "input.zapper.triggered",
        "ram_state",
        "mapper_ops",
        // What the hand-written `Serialize` of the memory leaves out.
        "memory.chr_pages",
        "memory.rom_present",
    ] {
        let path = format!("tetanes_core::bus::Bus.{name}");
        assert!(fields.contains(&&*path), "{path} is missing among:\n{}", fields.join("\n"));
    }
    assert_eq!(fields.len(), 29, "{}", fields.join("\n"));
    let others: Vec<String> = crate::fixtures::findings(&report)
        .into_iter()
        .filter(|line| !line.starts_with("uncovered-field "))
        .collect();
    assert_eq!(others, ["cannot-see tetanes_core::bus::Bus.mapper"]);
}

#[test]
fn an_emulator_core_whose_authors_gave_their_reasons() {
    let config = workspace().join("cli/tests/fixtures/tetanes/samestate.toml");
    let report = tetanes(&["--config", config.to_str().unwrap()]);
    assert_eq!(crate::fixtures::findings(&report), [""; 0]);
    assert_eq!(report["exit_code"], 0);
    let treatments = report["tables"][0]["rows"].as_array().unwrap();
    assert_eq!(treatments.len(), 26, "each decision is listed");
}

#[test]
fn an_emulator_core_without_evidence() {
    let config = crate::table::fresh("no-evidence").join("samestate.toml");
    fs::write(&config, "roots = [\"tetanes_core::bus::Bus\"]\nserde = false\n").unwrap();
    let fields = tetanes(&["--config", config.to_str().unwrap()]);
    let count = uncovered(&fields).len();
    assert!(count >= 200, "only {count} fields");
}

#[test]
fn each_thing_that_serde_can_be_told() {
    let manifest = workspace().join("cli/tests/fixtures/attributes/Cargo.toml");
    let program = build(&manifest, &[], "attributes");
    let report = report([
        Path::new("coverage"),
        &program,
        Path::new("--root"),
        Path::new("attributes::State"),
    ]);
    // Nobody is told to use our derive who saves with another one.
    for finding in report["findings"].as_array().unwrap() {
        let help = finding["help"].as_str().unwrap_or_default();
        assert!(!help.contains("heckpoint"), "{finding:#}");
    }
    let found = crate::fixtures::findings(&report);
    let expected = [
        "uncovered-field attributes::State.by_hand.hand_lost",
        "uncovered-field attributes::State.conditional.cfg_lost",
        "uncovered-field attributes::State.inner.deep_lost",
        "uncovered-field attributes::State.kind::On.on_lost",
        "uncovered-field attributes::State.shadowed.shadow_lost",
        "save-without-restore attributes::State.read_lost",
        "uncovered-field attributes::State.skip_lost",
        "uncovered-field attributes::State.write_lost",
        "uncovered-field attributes::State.visited.visit_lost",
        "uncovered-field attributes::State.made.record_lost",
        "uncovered-field attributes::State.made.second.number_lost",
        "cannot-see attributes::State.written.emptied",
        "uncovered-field attributes::State.written.mixed.mixed_lost",
    ];
    let (flags, found): (Vec<String>, Vec<String>) =
        found.into_iter().partition(|line| line.contains("::State.flags."));
    // Single values that are saved as numbers: what is computed from one need not tell all of it.
    let expected_flags = [
        "cannot-see attributes::State.flags.forgetful",
        "cannot-see attributes::State.flags.masked",
        "cannot-see attributes::State.flags.pair",
    ];
    assert_eq!(flags, expected_flags);
    let (by, others): (Vec<String>, Vec<String>) =
        found.into_iter().partition(|line| line.contains("::State.by."));
    assert_eq!(others, expected);
    // Fields with functions of their own, such as modules named by `with`.
    let expected = [
        "restore-without-save attributes::State.by.feature_lost",
        "partly-saved attributes::State.by.partly",
        "save-without-restore attributes::State.by.read_by_none",
        "partly-saved attributes::State.by.third",
        "restore-without-save attributes::State.by.written_by_none",
        "uncovered-field attributes::State.by.inner.own.own_lost",
        "cannot-see attributes::State.by.build_unseen",
        "cannot-see attributes::State.by.read_unseen",
        "save-without-restore attributes::State.by.renamed_lost",
        "partly-saved attributes::State.by.renamed_third",
        "cannot-see attributes::State.by.renamed_unseen",
    ];
    let sorted = |lines: &mut dyn Iterator<Item = String>| lines.collect::<BTreeSet<_>>();
    assert_eq!(sorted(&mut by.into_iter()), sorted(&mut expected.into_iter().map(str::to_owned)));
}

/// The findings in the program as it stands where cargo built it, with these features added.
fn built_with(features: &[&str], name: &str) -> Vec<String> {
    let manifest = workspace().join("cli/tests/fixtures/attributes/Cargo.toml");
    let copy = fs::read(build(&manifest, features, name)).unwrap();
    let places = fs::read_dir(scratch().join("build/debug/deps")).unwrap();
    let is_it = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with("attributes-")
            && path.extension().is_none()
            && fs::read(path).unwrap() == copy
    };
    let program = places.map(|entry| entry.unwrap().path()).find(is_it).unwrap();
    let root = ["--root", "attributes::State"].map(Path::new);
    let report = report([Path::new("coverage"), &program, root[0], root[1]]);
    crate::fixtures::findings(&report)
}

#[test]
fn features_that_the_command_line_of_the_build_asks_for() {
    let [kept, cfg_lost, flagged] =
        ["conditional.kept", "conditional.cfg_lost", "written.flagged.0"]
            .map(|path| format!("uncovered-field attributes::State.{path}"));
    let plain = built_with(&[], "attributes");
    assert!(plain.contains(&cfg_lost), "{plain:?}");
    assert!(!plain.contains(&kept) && !plain.contains(&flagged), "{plain:?}");
    let lost = built_with(&["lost"], "attributes-lost");
    assert!(lost.contains(&kept) && lost.contains(&flagged), "{lost:?}");
    assert!(!lost.contains(&cfg_lost), "{lost:?}");
}

#[test]
fn a_proposal_for_a_program_that_has_no_settings() {
    let folder = workspace().join("examples/machine");
    let program = build(&folder.join("Cargo.toml"), &[], "machine");
    let said = crate::fixtures::samestate([Path::new("init"), &program]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    for line in [
        "roots = [\"machine::machine::Machine\"]",
        "save = [\"machine::machine::Machine::save_state\"]",
        "restore = [\"machine::machine::Machine::load_state\"]",
    ] {
        assert!(said.stdout.contains(line), "{}", said.stdout);
    }
    // What is proposed can be used, and is never written over.
    let file = crate::table::fresh("proposal").join("samestate.toml");
    let to_file = [Path::new("init"), &program, Path::new("--output"), &file];
    assert_eq!(crate::fixtures::samestate(to_file).code, 0);
    assert_eq!(crate::fixtures::samestate(to_file).code, 2);
    let report = report([Path::new("coverage"), &program, Path::new("--config"), file.as_path()]);
    let found = crate::fixtures::findings(&report);
    assert_eq!(found.len(), 8, "what the authors turn off: {found:?}");
    let first = format!("finds {} of ", found.len());
    assert!(said.stdout.contains(&first), "{}", said.stdout);
}

#[test]
fn a_machine_that_saves_itself_by_hand() {
    let folder = workspace().join("examples/machine");
    let program = build(&folder.join("Cargo.toml"), &[], "machine");
    let config = folder.join("samestate.toml");
    let report = report([Path::new("coverage"), &program, Path::new("--config"), config.as_path()]);
    assert_eq!(crate::fixtures::findings(&report), [""; 0]);
    assert_eq!(report["exit_code"], 0);
}

#[test]
fn mistakes_in_samestate_toml_are_shown() {
    let config = crate::table::fresh("mistakes").join("samestate.toml");
    for (text, place, words) in [
        ("root = [\"a::B\"]\n", ":1:1: ", "`roots`"),
        ("serde = 1\n", ":1:9: ", "boolean"),
        ("[skip]\n\"a::B.c\" = \"\"\n", ":2:1: ", "without a reason"),
    ] {
        fs::write(&config, text).unwrap();
        let own = env!("CARGO_BIN_EXE_samestate");
        let said = crate::fixtures::samestate([
            Path::new("coverage"),
            Path::new(own),
            Path::new("--config"),
            config.as_path(),
        ]);
        assert_eq!(said.code, 2, "{}", said.stderr);
        assert!(said.stderr.contains(place) && said.stderr.contains(words), "{}", said.stderr);
    }
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
