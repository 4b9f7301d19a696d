//! Two versions of programs that do not know samestate, and keep their version in a constant.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;

use crate::fixtures::{build_in, findings, report, workspace};
use crate::table::fresh;

/// A folder with what was read of published versions.
fn pairs() -> PathBuf {
    workspace().join("cli/tests/fixtures/pairs")
}

/// The emulator of the examples after some edits: file, what stands there, what stands there then.
fn machine(name: &str, edits: &[(&str, &str, &str)]) -> PathBuf {
    let folder = fresh(name);
    let example = workspace().join("examples/machine");
    fs::create_dir_all(folder.join("src")).unwrap();
    for entry in fs::read_dir(example.join("src")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.join("src").join(path.file_name().unwrap())).unwrap();
    }
    let manifest =
        "[package]\nname = \"machine\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n";
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    for (file, was, is) in edits {
        let path = folder.join("src").join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(was), "{file} has no {was}");
        fs::write(path, text.replace(was, is)).unwrap();
    }
    build_in(&folder.join("Cargo.toml"), &[], name, "machines")
}

/// The emulator as it is. Its sources are written once: they must not be newer than the program.
fn before() -> PathBuf {
    static BEFORE: OnceLock<PathBuf> = OnceLock::new();
    BEFORE.get_or_init(|| machine("machine-before", &[])).clone()
}

const RAISED: (&str, &str, &str) =
    ("machine.rs", "const VERSION: u16 = 1;", "const VERSION: u16 = 2;");

/// Adds a field, and saves and restores it.
const SAVED: [(&str, &str, &str); 2] = [
    ("timer.rs", "    counter: u16,\n", "    counter: u16,\n    prescale: u16,\n"),
    ("timer.rs", "u16: reload counter,", "u16: reload counter prescale,"),
];

fn drift(old: &Path, new: &Path, config: &Path) -> Value {
    report([Path::new("drift"), old, new, Path::new("--config"), config])
}

/// A samestate.toml like that of the example, with other words for one of its lines.
fn settings(name: &str, was: &str, is: &str) -> PathBuf {
    let text = fs::read_to_string(workspace().join("examples/machine/samestate.toml")).unwrap();
    assert!(text.contains(was), "{text}");
    let path = fresh(name).join("samestate.toml");
    fs::write(&path, text.replace(was, is)).unwrap();
    path
}

#[test]
fn a_hand_written_emulator_that_raises_its_constant_or_forgets_it() {
    let before = before();
    let raised = machine("machine-raised", &[SAVED[0], SAVED[1], RAISED]);
    let forgotten = machine("machine-forgotten", &SAVED);
    let config = workspace().join("examples/machine/samestate.toml");

    let same = drift(&before, &before, &config);
    assert_eq!((findings(&same), &same["exit_code"]), (Vec::new(), &0.into()));

    let told = drift(&before, &raised, &config);
    assert_eq!((findings(&told), &told["exit_code"]), (Vec::new(), &0.into()));
    let added = &told["findings"][0];
    assert_eq!(added["rule"], "field-added", "{told}");
    let detail = added["details"][0].as_str().unwrap();
    assert_eq!(detail, "`VERSION` was 1 and is 2: it tells older images apart");

    let untold = drift(&before, &forgotten, &config);
    let expected = [
        "version-not-bumped machine::machine::Machine",
        "field-added machine::machine::Machine.bus.devices[]{machine::timer::Timer}.slow.prescale",
    ];
    assert_eq!(untold["exit_code"], 1);
    let mut found = findings(&untold);
    found.sort_by_key(|line| line.starts_with("field-added"));
    assert_eq!(found, expected);
    let version = untold["findings"].as_array().unwrap();
    let version = version.iter().find(|one| one["rule"] == "version-not-bumped").unwrap();
    assert_eq!(version["details"][0], "changed: machine::timer::Channel");
    assert!(version["help"].as_str().unwrap().contains("set `machine::machine::VERSION` to 2"));

    let back = drift(&raised, &before, &config);
    assert!(findings(&back).contains(&expected[0].to_owned()), "{back}");
    assert!(back.to_string().contains("`VERSION` went back from 2 to 1"), "{back}");

    // The lock keeps the version: no sources are needed to compare with it.
    let lock = fresh("machine-lock").join("checkpoint.lock");
    let written = report([
        Path::new("lock"),
        &before,
        Path::new("--config"),
        &config,
        Path::new("--output"),
        &lock,
    ]);
    assert_eq!(written["exit_code"], 0);
    let text = fs::read_to_string(&lock).unwrap();
    let line = "\nversion 1 of machine::machine::Machine in machine::machine::VERSION\n";
    assert!(text.contains(line), "{text}");
    assert_eq!(findings(&drift(&lock, &before, &config)), [""; 0]);
    assert_eq!(findings(&drift(&lock, &raised, &config)), [""; 0]);
    assert!(findings(&drift(&lock, &forgotten, &config)).contains(&expected[0].to_owned()));
}

#[test]
fn a_constant_that_cannot_be_read_is_not_seen() {
    let program = before();
    let line = "version = \"machine::machine::VERSION\"";
    let config = settings("unread-version", line, "version = \"machine::machine::STATE\"");
    let unread = report([Path::new("coverage"), &program, Path::new("--config"), config.as_path()]);
    assert_eq!(findings(&unread), ["cannot-see machine::machine::Machine"]);
    assert_eq!(unread["exit_code"], 3);
    let finding = unread["findings"].as_array().unwrap();
    let finding = finding.iter().find(|one| one["rule"] == "cannot-see").unwrap();
    let message = finding["message"].as_str().unwrap();
    assert!(message.contains("there is no constant"), "{finding}");
    assert!(finding["place"]["file"].as_str().unwrap().ends_with("samestate.toml"), "{finding}");
    assert!(finding["place"]["line"].as_u64().unwrap() > 0, "{finding}");
    assert!(!finding["help"].as_str().unwrap().is_empty(), "{finding}");
    // By the end of its path, from the crate, and for one root; a line for no root is left over.
    for (is, expected) in [
        ("version = \"VERSION\"", &[][..]),
        // One that is computed from another.
        ("version = \"machine::bus::PAGES\"", &[]),
        ("version = \"crate::machine::VERSION\"", &[]),
        ("version = { \"machine::machine::Machine\" = \"crate::machine::VERSION\" }", &[]),
        ("version = { Robot = \"crate::machine::VERSION\" }", &["stale-treatment Robot"]),
    ] {
        let config = settings("read-version", line, is);
        let report =
            report([Path::new("coverage"), &program, Path::new("--config"), config.as_path()]);
        assert_eq!(findings(&report), expected, "{is}");
    }
}

/// Compares the findings, notes included, with those that were judged by hand.
fn golden(name: &str, changes: &Value) {
    let lines = changes["findings"].as_array().unwrap().iter().map(|finding| {
        let word = |key: &str| finding[key].as_str().unwrap().to_owned();
        let subject = &finding["subject"];
        let about = subject["path"].as_str().or_else(|| subject["name"].as_str()).unwrap();
        format!("{} {} {about}\n  {}\n", word("severity"), word("rule"), word("message"))
    });
    let text: String = lines.collect();
    let golden = pairs().join(name);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&golden, &text).unwrap();
    }
    assert_eq!(text, fs::read_to_string(golden).unwrap());
}

/// What changed between two published versions of an emulator's core, whose authors left the
/// version of its states as it was. `docs/PAIRS.md` tells how the locks were made.
#[test]
fn two_published_versions_of_an_emulator_core() {
    let [old, new] =
        ["0.14.0", "0.14.2"].map(|version| pairs().join(format!("tetanes-core-{version}.lock")));
    let config = fresh("pairs").join("samestate.toml");
    fs::write(&config, "").unwrap();
    for lock in [&old, &new] {
        let same = drift(lock, lock, &config);
        assert_eq!((findings(&same), &same["exit_code"]), (Vec::new(), &0.into()));
    }
    let changes = drift(&old, &new, &config);
    assert_eq!(changes["exit_code"], 1);
    golden("tetanes-core.txt", &changes);

    // With another version of the states, nothing is left to complain of but what is not saved.
    let raised = fresh("pairs-raised").join("checkpoint.lock");
    let text = fs::read_to_string(&new).unwrap();
    let line = "version 1 of tetanes_core::cpu::Cpu";
    assert!(text.contains(line));
    fs::write(&raised, text.replace(line, "version 2 of tetanes_core::cpu::Cpu")).unwrap();
    let told = findings(&drift(&old, &raised, &config));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("field-added ") && told[0].ends_with(".phase_ext"), "{told:?}");
}

/// Two published versions of another core, which writes bincode and keeps no version at all.
#[test]
fn two_published_versions_of_a_core_without_a_version() {
    let [old, new] =
        ["0.3.0", "0.3.2"].map(|version| pairs().join(format!("plastic_core-{version}.lock")));
    let config = fresh("pairs-order").join("samestate.toml");
    fs::write(&config, "order = \"matters\"\n").unwrap();
    for lock in [&old, &new] {
        let same = drift(lock, lock, &config);
        assert_eq!((findings(&same), &same["exit_code"]), (Vec::new(), &0.into()));
    }
    let changes = drift(&old, &new, &config);
    assert_eq!(changes["exit_code"], 1);
    golden("plastic_core.txt", &changes);
    // What a converter has to do, for programs.
    let plan = changes["plan"].as_array().unwrap();
    let [apu] = &plan[..] else { panic!("{plan:?}") };
    assert_eq!(apu["type"], "plastic_core::apu2a03::APU2A03");
    let dmc = apu["steps"].as_array().unwrap().iter().find(|step| step["part"] == "dmc").unwrap();
    let (was, is) =
        ("plastic_core::apu2a03::channels::dmc::Dmc", "plastic_core::apu2a03::channel::Dac<");
    assert_eq!(
        (&dmc["do"], &dmc["image"], &dmc["told"]),
        (&"convert".into(), &was.into(), &"no".into())
    );
    assert!(dmc["program"].as_str().unwrap().starts_with(is), "{dmc}");
    // Formats with names would not load the flags, either.
    fs::write(&config, "").unwrap();
    assert_eq!(findings(&drift(&old, &new, &config)).len(), findings(&changes).len() + 2);
}
