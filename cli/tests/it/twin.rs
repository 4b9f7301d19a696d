//! A twin of the example with other names and another forgotten field, so that nothing can be
//! tuned to the example.

use std::fs;
use std::path::{Path, PathBuf};

use crate::fixtures::{build, findings, report, scratch, workspace};
use crate::table::{fresh, verify};

/// What is renamed, in this order; whole words only.
const RENAMED: [(&str, &str); 9] = [
    ("particles", "colony"),
    ("Particle", "Ant"),
    ("Simulation", "World"),
    ("simulation", "world"),
    ("Rng", "Dice"),
    ("rng", "dice"),
    ("state", "pips"),
    ("draws", "rolls"),
    ("drag", "mud"),
];

/// A twin: what stands in its hand-written `Checkpoint`, before renaming, and what that forgets.
struct Twin {
    name: &'static str,
    save: &'static str,
    restore: &'static str,
    schema: &'static str,
    forgotten: Option<&'static str>,
}

/// Writes the twin's sources; returns its manifest.
fn write_twin(twin: &Twin) -> PathBuf {
    let Twin { name, save, restore, schema, .. } = twin;
    let folder = scratch().join("twins").join(name);
    let source = folder.join("src");
    fs::create_dir_all(&source).unwrap();
    let example = workspace().join("examples/particles/src");
    for (from, to) in [
        ("main.rs", "main.rs"),
        ("log.rs", "log.rs"),
        ("simulation.rs", "world.rs"),
        ("rng_forgotten.rs", "dice.rs"),
    ] {
        let mut text = fs::read_to_string(example.join(from)).unwrap();
        if from == "rng_forgotten.rs" {
            let body = |text: &str, start: &str| {
                let from = text.find(start).unwrap() + start.len();
                let to = from + text[from..].find("\n    }").unwrap();
                from..to
            };
            let range = body(&text, "Result<(), SaveError> {\n");
            text.replace_range(range, save);
            let range = body(&text, "Result<Self, RestoreError> {\n");
            text.replace_range(range, restore);
            let range = body(&text, "-> TypeRef {\n");
            text.replace_range(range, schema);
        }
        text =
            text.replace("#[cfg_attr(feature = \"forgotten\", path = \"rng_forgotten.rs\")]\n", "");
        fs::write(source.join(to), rename(&text)).unwrap();
    }
    let manifest = folder.join("Cargo.toml");
    let runtime = workspace().join("runtime");
    // Cargo tells packages in other workspaces apart by name and version, not by folder.
    let text = format!(
        "[package]\nname = \"colony\"\nversion = \"0.0.0-{name}\"\nedition = \"2024\"\n\n\
         [features]\ndrifted = []\n\n\
         [dependencies]\nsamestate = {{ path = {runtime:?} }}\n\n[workspace]\n"
    );
    fs::write(&manifest, text).unwrap();
    fs::copy(workspace().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    manifest
}

/// Replaces whole words.
fn rename(text: &str) -> String {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let len = rest.find(|c: char| !word(c)).unwrap_or(rest.len());
        let token = &rest[..len];
        out.push_str(RENAMED.iter().find(|(from, _)| *from == token).map_or(token, |(_, to)| to));
        let gap = rest[len..].find(word).map_or(rest.len(), |gap| len + gap);
        out.push_str(&rest[len..gap]);
        rest = &rest[gap..];
    }
    out
}

fn check(twin: &Twin) {
    let Twin { name, forgotten, .. } = twin;
    let program = build(&write_twin(twin), &[], name);
    let covered = report([Path::new("coverage"), &program]);
    let uncovered = |field| format!("uncovered-field colony::world::World.dice.{field}");
    let expected: Vec<String> = forgotten.iter().map(uncovered).collect();
    assert_eq!(findings(&covered), expected, "{name}");
    let verified = verify(&program, &fresh(name));
    assert_eq!(verified["exit_code"], i32::from(forgotten.is_some()), "{name}");
    if forgotten.is_some() {
        assert_eq!(verified["findings"][0]["rule"], "payload-differs", "{name}");
    }
}

#[test]
fn a_twin_that_forgets_the_other_field() {
    check(&Twin {
        name: "twin-rolls",
        save: "        self.state.save(saver)",
        restore: "        Ok(Self { state: u64::restore(restorer)?, draws: 0 })",
        schema: "        schema.structure::<Self>(\"Rng\").saved::<u64>(\"state\").finish()",
        forgotten: Some("rolls"),
    });
}

#[test]
fn a_twin_that_forgets_the_same_field_in_another_way() {
    check(&Twin {
        name: "twin-pips",
        save: "        let Self { state: _, draws } = self;\n        draws.save(saver)",
        restore: "        let draws = u64::restore(restorer)?;\n        \
                  Ok(Self { draws, ..Self::seeded(SEED) })",
        schema: "        schema.structure::<Self>(\"Rng\").saved::<u64>(\"draws\").finish()",
        forgotten: Some("pips"),
    });
}

#[test]
fn a_twin_that_forgets_nothing() {
    check(&Twin {
        name: "twin-whole",
        save: "        self.state.save(saver)?;\n        self.draws.save(saver)",
        restore: "        let state = u64::restore(restorer)?;\n        \
                  let draws = u64::restore(restorer)?;\n        Ok(Self { state, draws })",
        schema: "        let rng = schema.structure::<Self>(\"Rng\");\n        \
                 rng.saved::<u64>(\"state\").saved::<u64>(\"draws\").finish()",
        forgotten: None,
    });
}
