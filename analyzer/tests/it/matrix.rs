//! The matrix: every edit that drift must find, in every kind of build, by binary and by lock.
//!
//! It takes minutes, so `cargo test` runs a few cells of one column. To run all and write the table
//! anew:
//!
//! ```sh
//! SAMESTATE_MATRIX=all cargo test -p samestate-analyzer --test it -- matrix
//! ```

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use samestate_analyzer::{CoverageConfig, DriftConfig, Profile, Settings, drift, lock_text};
use samestate_report::{ExitCode, Finding, Report};

use crate::build::{Flavor, compile};

const BASE: &str = include_str!("../fixtures/matrix.rs");

/// An edit, and what must be found.
struct Edit {
    name: &'static str,
    /// What is replaced by what.
    replaced: &'static [(&'static str, &'static str)],
    profile: Profile,
    expected: &'static [&'static str],
}

const fn edit(
    name: &'static str,
    replaced: &'static [(&'static str, &'static str)],
    expected: &'static [&'static str],
) -> Edit {
    Edit { name, replaced, profile: Profile::ByField, expected }
}

const fn raw(
    name: &'static str,
    replaced: &'static [(&'static str, &'static str)],
    expected: &'static [&'static str],
) -> Edit {
    Edit { name, replaced, profile: Profile::RawMemory, expected }
}

const EDITS: &[Edit] = &[
    edit("nothing", &[], &[]),
    edit(
        "a comment, so that all lines move",
        &[("pub struct Vm", "// more\n\npub struct Vm")],
        &[],
    ),
    // The seven of which other tools find one to seven.
    edit(
        "field added behind `Box<dyn>`",
        &[
            ("Timer { n: u8 }", "Timer { n: u8, z: u16 }"),
            ("n: 1 }", "n: 1, z: 2 }"),
            ("\"Timer\", 0, 1, [\"n\" = 0]", "\"Timer\", 0, 2, [\"n\" = 0, \"z\" = 0]"),
        ],
        &["error field-added app::Vm.dev{app::Timer}.z"],
    ),
    edit(
        "payload of a variant retyped, same size",
        &[("level: u32", "level: f32"), ("\"Mode\", 1", "\"Mode\", 2")],
        &["error field-type-changed app::Vm.mode::On.level"],
    ),
    edit(
        "variant added",
        &[
            ("Idle(u8) }", "Idle(u8), Fast }"),
            ("\"Mode\", 1", "\"Mode\", 2"),
            ("\"Idle\" = [\"0\"]", "\"Idle\" = [\"0\"], \"Fast\" = []"),
        ],
        &["error variant-added app::Vm.mode::Fast"],
    ),
    edit(
        "field added to what `Vec` and `HashMap` hold, same size",
        &[
            ("Lane { c: u32, d: u8 }", "Lane { c: u32, d: u8, e: u8 }"),
            ("\"Lane\", 0, 1, [\"c\" = 0", "\"Lane\", 0, 2, [\"e\" = 0, \"c\" = 0"),
        ],
        &["error field-added app::Log.last.e"],
    ),
    edit(
        "another type behind `dyn`",
        &[
            (
                "// more devices",
                "pub struct Clock { t: u64 }\nimpl Dev for Clock { fn run(&self) -> u8 { self.t as u8 } }\n\
            record!(Clock, \"Clock\", 0, 1, [\"t\" = 0]);",
            ),
            ("&Color::Red)", "&Color::Red, Box::new(Clock { t: 1 }) as Box<dyn Dev>)"),
        ],
        &["note implementer-added app::Vm.dev{app::Clock}"],
    ),
    edit(
        "field renamed",
        &[
            ("Uart { a: u32,", "Uart { first: u32,"),
            ("\"Uart\", 0, 4, [\"a\"", "\"Uart\", 0, 5, [\"first\""),
        ],
        &["error field-renamed app::Vm.uart.first"],
    ),
    edit(
        "`Vec` of structs to `Vec` of numbers",
        &[("lanes: Vec<Lane>", "lanes: Vec<u64>"), ("\"Vm\", 1, 1", "\"Vm\", 1, 2")],
        &["error field-type-changed app::Vm.lanes"],
    ),
    // Fields.
    edit(
        "field added",
        &[
            ("b: u64, buf", "b: u64, z: u8, buf"),
            ("\"b\" = 0, \"buf\"", "\"b\" = 0, \"z\" = 0, \"buf\""),
            ("\"Uart\", 0, 4", "\"Uart\", 0, 5"),
        ],
        &["error field-added app::Vm.uart.z"],
    ),
    edit(
        "field added, version not raised",
        &[
            ("b: u64, buf", "b: u64, z: u8, buf"),
            ("\"b\" = 0, \"buf\"", "\"b\" = 0, \"z\" = 0, \"buf\""),
        ],
        &["error field-added app::Vm.uart.z", "error version-not-bumped app::Vm.uart"],
    ),
    edit(
        "skipped field added",
        &[
            ("b: u64, buf", "b: u64, z: u8, buf"),
            ("\"b\" = 0, \"buf\"", "\"b\" = 0, \"z\" = 1, \"buf\""),
        ],
        &["note field-added app::Vm.uart.z"],
    ),
    edit(
        "field removed",
        &[
            ("b: u64, buf", "buf"),
            ("\"b\" = 0, \"buf\"", "\"buf\""),
            ("\"Uart\", 0, 4", "\"Uart\", 0, 5"),
        ],
        &["error field-removed app::Vm.uart.b"],
    ),
    edit(
        "fields in another order",
        &[("a: u32, b: u64", "b: u64, a: u32"), ("\"a\" = 0, \"b\" = 0", "\"b\" = 0, \"a\" = 0")],
        &["note field-order-changed app::Vm.uart"],
    ),
    edit(
        "fields moved into a struct of their own",
        &[
            ("Uart { a: u32, b: u64,", "Uart { inner: Inner,"),
            ("[\"a\" = 0, \"b\" = 0,", "[\"inner\" = 0,"),
            ("\"Uart\", 0, 4", "\"Uart\", 0, 5"),
            (
                "// more devices",
                "pub struct Inner { a: u32, b: u64 }\nrecord!(Inner, \"Inner\", 0, 1, [\"a\" = 0, \"b\" = 0]);",
            ),
        ],
        &["error field-moved app::Vm.uart.inner"],
    ),
    edit(
        "field retyped",
        &[("a: u32, b", "a: i32, b"), ("\"Uart\", 0, 4", "\"Uart\", 0, 5")],
        &["error field-type-changed app::Vm.uart.a"],
    ),
    edit(
        "array resized",
        &[("buf: [u8; 4]", "buf: [u8; 8]"), ("\"Uart\", 0, 4", "\"Uart\", 0, 5")],
        &["error field-type-changed app::Vm.uart.buf"],
    ),
    edit(
        "field no longer saved",
        &[("\"a\" = 0, \"b\"", "\"a\" = 1, \"b\""), ("\"Uart\", 0, 4", "\"Uart\", 0, 5")],
        &["error treatment-changed app::Vm.uart.a"],
    ),
    edit(
        "field saved now",
        &[("\"skipped\" = 1", "\"skipped\" = 0"), ("\"Vm\", 1, 1", "\"Vm\", 1, 2")],
        &["error treatment-changed app::Vm.skipped"],
    ),
    // Variants.
    edit(
        "variant removed",
        &[("Idle(u8) }", "}"), (", \"Idle\" = [\"0\"]", ""), ("\"Mode\", 1", "\"Mode\", 2")],
        &["error variant-removed app::Vm.mode::Idle"],
    ),
    edit(
        "variant renamed",
        &[
            ("Idle(u8) }", "Rest(u8) }"),
            ("\"Idle\" =", "\"Rest\" ="),
            ("\"Mode\", 1", "\"Mode\", 2"),
        ],
        &["error variant-renamed app::Vm.mode::Rest"],
    ),
    edit(
        "variants renumbered",
        &[("Red, Green", "Green, Red")],
        &["error variant-changed app::Vm.color::Green", "error variant-changed app::Vm.color::Red"],
    ),
    edit(
        "numbered variant added",
        &[("Red, Green", "Red, Green, Blue")],
        &["note variant-added app::Vm.color::Blue"],
    ),
    // Implementers and roots.
    edit(
        "type behind `dyn` retyped",
        &[
            ("Timer { n: u8 }", "Timer { n: i8 }"),
            ("self.n }", "self.n as u8 }"),
            ("\"Timer\", 0, 1", "\"Timer\", 0, 2"),
        ],
        &["error field-type-changed app::Vm.dev{app::Timer}.n"],
    ),
    edit(
        "type behind `dyn` gone",
        &[("Box::new(Beeper { p: 3 }) as Box<dyn Dev>", "Beeper { p: 3 }")],
        &["warning implementer-removed app::Vm.dev{app::Beeper}"],
    ),
    edit(
        "type behind `dyn` renamed",
        &[("Timer", "Clock")],
        &["error type-renamed app::Vm.dev{app::Clock}"],
    ),
    edit("root added", &[("\"Lane\", 0, 1", "\"Lane\", 1, 1")], &["note root-added app::Lane"]),
    edit("root removed", &[("\"Log\", 1, 1", "\"Log\", 0, 1")], &["error root-removed app::Log"]),
    // Types, and behind containers.
    edit("type renamed", &[("Shared", "Common")], &["error type-renamed app::Vm.shared"]),
    edit(
        "type moved into a module",
        &[
            ("pub struct Shared { s: u16 }", "pub mod parts { pub struct Shared { pub s: u16 } }"),
            ("Arc<Shared>", "Arc<parts::Shared>"),
            ("record!(Shared,", "record!(parts::Shared,"),
        ],
        &["note type-renamed app::Vm.shared"],
    ),
    edit(
        "`Vec` to `VecDeque`, which images hold alike",
        &[("lanes: Vec<Lane>", "lanes: std::collections::VecDeque<Lane>")],
        &["note field-type-changed app::Vm.lanes"],
    ),
    edit(
        "`Box` taken away, which images do not hold",
        &[("uart: Box<Uart>", "uart: Uart")],
        &["note field-type-changed app::Vm.uart"],
    ),
    edit(
        "`Arc` taken away",
        &[("shared: Arc<Shared>", "shared: Shared"), ("\"Vm\", 1, 1", "\"Vm\", 1, 2")],
        &["error field-type-changed app::Vm.shared"],
    ),
    edit(
        "key of a `HashMap` retyped",
        &[("HashMap<u8, Lane>", "HashMap<u16, Lane>"), ("\"Vm\", 1, 1", "\"Vm\", 1, 2")],
        &["error field-type-changed app::Vm.table"],
    ),
    edit(
        "type behind `Arc` retyped",
        &[("Shared { s: u16 }", "Shared { s: i16 }"), ("\"Shared\", 0, 1", "\"Shared\", 0, 2")],
        &["error field-type-changed app::Vm.shared.s"],
    ),
    edit(
        "argument of a generic type retyped",
        &[("Tile { h: u8 }", "Tile { h: i8 }"), ("\"Tile\", 0, 1", "\"Tile\", 0, 2")],
        &["error field-type-changed app::Vm.grid.cells[].h"],
    ),
    edit(
        "type on a cycle retyped",
        &[("Node { value: u16,", "Node { value: i16,"), ("\"Node\", 0, 1", "\"Node\", 0, 2")],
        &["error field-type-changed app::Vm.node::Some.0.value"],
    ),
    // What only memory shows.
    raw("nothing, memory compared", &[], &[]),
    edit(
        "alignment, fields compared",
        &[("pub struct Uart", "#[repr(align(32))] pub struct Uart")],
        &[],
    ),
    raw(
        "alignment",
        &[("pub struct Uart", "#[repr(align(32))] pub struct Uart")],
        &[
            "error alignment-changed app::Vm.uart",
            "error size-changed app::Vm.uart",
            "warning padding-added app::Vm.uart",
        ],
    ),
    raw(
        "order of `repr(C)`",
        &[("c: u32, d: u8 }", "d: u8, c: u32 }")],
        &["error offset-changed app::Log.last.d", "note field-order-changed app::Log.last"],
    ),
    raw(
        "niche: `None` around an enum with one variant more",
        &[("Red, Green", "Red, Green, Blue")],
        &[
            "error discriminant-changed app::Vm.maybe::None",
            "note variant-added app::Vm.color::Blue",
        ],
    ),
];

fn settings(profile: Profile) -> Settings {
    let mut settings = Settings::default();
    settings.profile = profile;
    settings
}

/// Where the lock of a program is.
fn lock_of(binary: &Path, profile: Profile) -> PathBuf {
    binary.with_file_name(format!("matrix-{profile:?}.lock"))
}

fn locked(binary: &Path, profile: Profile) -> PathBuf {
    let settings = settings(profile);
    let config =
        CoverageConfig { binary: binary.to_owned(), settings, ..CoverageConfig::default() };
    let path = lock_of(binary, profile);
    std::fs::write(&path, lock_text(&config).unwrap().0).unwrap();
    path
}

/// `severity rule subject` of each finding, sorted, and the exit code.
fn found(old: &Path, new: &Path, profile: Profile) -> (Vec<String>, Report) {
    let config = DriftConfig { settings: settings(profile), ..DriftConfig::default() };
    let report = drift(old, new, &config).unwrap();
    let line = |finding: &Finding| {
        format!("{} {} {}", finding.severity.word(), finding.rule.id, finding.subject)
    };
    let mut lines: Vec<_> = report.findings.iter().map(line).collect();
    lines.sort();
    (lines, report)
}

impl Edit {
    /// Compares the program with the edited one; says what is wrong with what was found.
    fn run(&self, flavor: Flavor) -> Result<(), String> {
        let edited = self.replaced.iter().fold(BASE.to_owned(), |text, (old, new)| {
            assert!(text.contains(old), "{}: {old}", self.name);
            text.replace(old, new)
        });
        let (old, new) = (compile(BASE, flavor), compile(&edited, flavor));
        // The lock of the old version is that of a debug build, whatever is compared with it.
        let old_lock = lock_of(&compile(BASE, Flavor::Debug), self.profile);
        // The controls are the same program.
        let new_lock = if new == compile(BASE, Flavor::Debug) {
            old_lock.clone()
        } else {
            locked(&new, self.profile)
        };
        let fails = self.expected.iter().any(|line| line.starts_with("error"));
        let code = if fails { ExitCode::Findings } else { ExitCode::Clean };
        for (old, new, by) in [(&old, &new, "binary"), (&old_lock, &new_lock, "lock")] {
            let (lines, report) = found(old, new, self.profile);
            if lines != self.expected || report.exit_code() != code {
                let (name, exit) = (self.name, report.exit_code());
                return Err(format!("{name}, {flavor:?}, by {by}: {lines:?}, {exit:?}"));
            }
        }
        Ok(())
    }
}

#[test]
fn every_edit_is_found_in_every_build() {
    let asked = std::env::var("SAMESTATE_MATRIX").ok();
    let is_whole = asked.is_some();
    let flavors: Vec<Flavor> = match asked.as_deref() {
        None => vec![Flavor::Unpacked],
        Some("all") => Flavor::ALL.to_vec(),
        Some(names) => {
            let is_named = |flavor: &Flavor| names.split(',').any(|name| name == flavor.name());
            Flavor::ALL.into_iter().filter(is_named).collect()
        }
    };
    // A seventh of the edits is enough of a sample: `drift` has more of them.
    let edits: Vec<&Edit> = EDITS.iter().step_by(if is_whole { 1 } else { 7 }).collect();
    for &flavor in &flavors {
        compile(BASE, flavor);
    }
    for profile in [Profile::ByField, Profile::RawMemory] {
        locked(&compile(BASE, Flavor::Debug), profile);
    }
    let cells: Vec<(&Edit, Flavor)> =
        edits.iter().flat_map(|edit| flavors.iter().map(|&flavor| (*edit, flavor))).collect();
    let wrong: Vec<String> =
        cells.par_iter().filter_map(|(edit, flavor)| edit.run(*flavor).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    if is_whole {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/DRIFT-MATRIX.md");
        std::fs::write(path, table(&flavors)).unwrap();
    }
}

fn table(flavors: &[Flavor]) -> String {
    let mut out = String::from(HEAD);
    let cells = EDITS.len() * flavors.len();
    let names: Vec<_> = flavors.iter().map(|flavor| flavor.name()).collect();
    let controls = EDITS.iter().filter(|edit| edit.expected.is_empty()).count();
    let _ = writeln!(
        out,
        "{} edits, {controls} of them controls, in {} kinds of builds ({}), each by binary and by \
         lock: {cells} builds, {} comparisons, all as this table says.\n",
        EDITS.len(),
        flavors.len(),
        names.join(", "),
        cells * 2
    );
    out.push_str(
        "| edit | profile | what is found, with its path | exit code |\n|---|---|---|---|\n",
    );
    for edit in EDITS {
        let profile = match edit.profile {
            Profile::ByField => "by-field",
            Profile::RawMemory => "raw-memory",
        };
        let found: Vec<_> = edit.expected.iter().map(|line| format!("`{line}`")).collect();
        let found = if found.is_empty() { "nothing".to_owned() } else { found.join("<br>") };
        let code = u8::from(edit.expected.iter().any(|line| line.starts_with("error")));
        let _ = writeln!(out, "| {} | {profile} | {found} | {code} |", edit.name);
    }
    out
}

const HEAD: &str = "\
# What drift finds

Written by the test that compares them; it fails where a cell is not as the table says:

```sh
SAMESTATE_MATRIX=all cargo test -p samestate-analyzer --test it -- matrix
```

The program is `analyzer/tests/fixtures/matrix.rs`; the edits are in `analyzer/tests/it/matrix.rs`. Compared
by binary, both versions are built alike; compared by lock, the old one's is that of its debug build. Nothing
else than what the table says may be found, with any other path, severity or exit code.

The old version is built once for each kind. A build with link-time optimization takes 2.5 (fat) to 3 s (thin) of
processor where others take 0.2 to 0.5: nearly all of it is std, which the linker's optimizer takes in anew each time,
and which nothing keeps: with `-C incremental`, the second build takes as long as the first.

";
