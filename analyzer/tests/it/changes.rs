//! Every change that drift knows, told and untold, between two locks; and its silent twin.

use std::path::{Path, PathBuf};

use samestate_analyzer::{DriftConfig, drift};
use samestate_report::{ExitCode, Report};

/// A lock of the root `sim::Vm` with these blocks.
pub(crate) fn lock(blocks: &str) -> String {
    format!("samestate lock 1\n\nroot sim::Vm\n{blocks}\nend\n")
}

pub(crate) fn written(name: &str, text: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("changes");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn config() -> DriftConfig {
    DriftConfig::default()
}

pub(crate) fn compared(name: &str, old: &str, new: &str) -> Report {
    let old = written(&format!("{name}-old.lock"), &lock(old));
    let new = written(&format!("{name}-new.lock"), &lock(new));
    drift(&old, &new, &config()).unwrap()
}

/// `severity rule subject` of each finding.
pub(crate) fn found(report: &Report) -> Vec<String> {
    let line = |finding: &samestate_report::Finding| {
        format!("{} {} {}", finding.severity.word(), finding.rule.id, finding.subject)
    };
    report.findings.iter().map(line).collect()
}

/// The rows of the plan, as `type part do from to attribute`.
pub(crate) fn plan(report: &Report) -> Vec<String> {
    report.tables.iter().flat_map(|table| &table.rows).map(|row| row.join("|")).collect()
}

struct Case {
    name: &'static str,
    old: &'static str,
    new: &'static str,
    expected: &'static [&'static str],
    plan: &'static [&'static str],
}

const UART: &str = "struct sim::Vm {\n  version 1\n  saved uart: sim::Uart\n}\n";

/// The body of `sim::Uart`.
const CASES: &[Case] = &[
    Case {
        name: "same",
        old: "version 1\nsaved a: u8",
        new: "version 1\nsaved a: u8",
        expected: &[],
        plan: &[],
    },
    Case {
        name: "added",
        old: "version 1\nsaved a: u8",
        new: "version 2\nsaved a: u8\nsaved z: u16",
        expected: &["error field-added sim::Vm.uart.z"],
        plan: &["sim::Uart|z|fill||u16|not told"],
    },
    Case {
        name: "added-told",
        old: "version 1\nsaved a: u8",
        new: "version 2\nsaved a: u8\nsaved z: u16\n- since 2\n- default",
        expected: &["note field-added sim::Vm.uart.z"],
        plan: &["sim::Uart|z|fill||u16|told"],
    },
    Case {
        name: "added-without-default",
        old: "version 1\nsaved a: u8",
        new: "version 2\nsaved a: u8\nsaved z: u16\n- since 2",
        expected: &["error field-added sim::Vm.uart.z"],
        plan: &["sim::Uart|z|fill||u16|not told"],
    },
    Case {
        name: "added-since-too-early",
        old: "version 2\nsaved a: u8",
        new: "version 3\nsaved a: u8\nsaved z: u16\n- since 2\n- default",
        expected: &["error field-added sim::Vm.uart.z"],
        plan: &["sim::Uart|z|fill||u16|not told"],
    },
    Case {
        name: "added-told-version-stays",
        old: "version 1\nsaved a: u8",
        new: "version 1\nsaved a: u8\nsaved z: u16\n- since 2\n- default",
        expected: &["error version-not-bumped sim::Vm.uart", "note field-added sim::Vm.uart.z"],
        plan: &["sim::Uart|z|fill||u16|told"],
    },
    Case {
        name: "added-skipped",
        old: "version 1\nsaved a: u8",
        new: "version 1\nsaved a: u8\nskipped(default) z: u16",
        expected: &["note field-added sim::Vm.uart.z"],
        plan: &[],
    },
    Case {
        name: "removed",
        old: "version 1\nsaved a: u8\nsaved b: u32",
        new: "version 2\nsaved a: u8",
        expected: &["error field-removed sim::Vm.uart.b"],
        plan: &["sim::Uart|b|drop|u32||not told"],
    },
    Case {
        name: "removed-told",
        old: "version 1\nsaved a: u8\nsaved b: u32",
        new: "version 2\n- removed b\nsaved a: u8",
        expected: &["note field-removed sim::Vm.uart.b"],
        plan: &["sim::Uart|b|drop|u32||told"],
    },
    Case {
        name: "renamed",
        old: "version 1\nsaved a: u8\nsaved tick: u64",
        new: "version 2\nsaved a: u8\nsaved cycles: u64",
        expected: &["error field-renamed sim::Vm.uart.cycles"],
        plan: &["sim::Uart|cycles|rename|tick|cycles|not told"],
    },
    Case {
        name: "renamed-told",
        old: "version 1\nsaved a: u8\nsaved tick: u64",
        new: "version 2\nsaved a: u8\nsaved cycles: u64\n- was tick",
        expected: &["note field-renamed sim::Vm.uart.cycles"],
        plan: &["sim::Uart|cycles|rename|tick|cycles|told"],
    },
    Case {
        name: "replaced-and-not-renamed",
        old: "version 1\nsaved a: u64\nsaved tick: u64",
        new: "version 2\nsaved cycles: u64\nsaved count: u64",
        expected: &[
            "error field-added sim::Vm.uart.count",
            "error field-added sim::Vm.uart.cycles",
            "error field-removed sim::Vm.uart.a",
            "error field-removed sim::Vm.uart.tick",
        ],
        plan: &[
            "sim::Uart|a|drop|u64||not told",
            "sim::Uart|count|fill||u64|not told",
            "sim::Uart|cycles|fill||u64|not told",
            "sim::Uart|tick|drop|u64||not told",
        ],
    },
    Case {
        name: "renamed-and-retyped",
        old: "version 1\nsaved tick: u32",
        new: "version 2\nsaved cycles: u64\n- was tick\n- from u32",
        expected: &[
            "note field-renamed sim::Vm.uart.cycles",
            "note field-type-changed sim::Vm.uart.cycles",
        ],
        plan: &[
            "sim::Uart|cycles|convert|u32|u64|told",
            "sim::Uart|cycles|rename|tick|cycles|told",
        ],
    },
    Case {
        name: "retyped",
        old: "version 1\nsaved a: u8",
        new: "version 2\nsaved a: u16",
        expected: &["error field-type-changed sim::Vm.uart.a"],
        plan: &["sim::Uart|a|convert|u8|u16|not told"],
    },
    Case {
        name: "retyped-told",
        old: "version 1\nsaved a: Vec<sim::old::A>",
        new: "version 2\nsaved a: u16\n- from Vec<A>",
        expected: &["note field-type-changed sim::Vm.uart.a"],
        plan: &["sim::Uart|a|convert|Vec<sim::old::A>|u16|told"],
    },
    Case {
        name: "retyped-told-of-another",
        old: "version 1\nsaved a: u32",
        new: "version 2\nsaved a: u16\n- from u8",
        expected: &["error field-type-changed sim::Vm.uart.a"],
        plan: &["sim::Uart|a|convert|u32|u16|not told"],
    },
    Case {
        name: "order",
        old: "version 1\nsaved a: u8\nsaved b: u8",
        new: "version 1\nsaved b: u8\nsaved a: u8",
        expected: &["note field-order-changed sim::Vm.uart"],
        plan: &[],
    },
    Case {
        name: "no-longer-saved",
        old: "version 1\nsaved a: u8",
        new: "version 2\nskipped(default) a: u8",
        expected: &["error treatment-changed sim::Vm.uart.a"],
        plan: &["sim::Uart|a|drop|saved|skipped(default)|not told"],
    },
    Case {
        name: "no-longer-saved-told",
        old: "version 1\nsaved a: u8",
        new: "version 2\n- removed a\nskipped(default) a: u8",
        expected: &["note treatment-changed sim::Vm.uart.a"],
        plan: &["sim::Uart|a|drop|saved|skipped(default)|told"],
    },
    Case {
        name: "saved-now",
        old: "version 1\nskipped(default) a: u8",
        new: "version 2\nsaved a: u8",
        expected: &["error treatment-changed sim::Vm.uart.a"],
        plan: &["sim::Uart|a|fill|skipped(default)|saved|not told"],
    },
    Case {
        name: "saved-now-told",
        old: "version 1\nskipped(default) a: u8",
        new: "version 2\nsaved a: u8\n- since 2\n- default",
        expected: &["note treatment-changed sim::Vm.uart.a"],
        plan: &["sim::Uart|a|fill|skipped(default)|saved|told"],
    },
    Case {
        name: "skipped-otherwise",
        old: "version 1\nskipped(keep) a: u8",
        new: "version 1\nskipped(default) a: u8",
        expected: &["note treatment-changed sim::Vm.uart.a"],
        plan: &[],
    },
    Case {
        name: "uncovered-now",
        old: "version 1\nsaved a: u8",
        new: "version 1\nuncovered a: u8",
        expected: &[
            "error treatment-changed sim::Vm.uart.a",
            "error version-not-bumped sim::Vm.uart",
        ],
        plan: &["sim::Uart|a|drop|saved|uncovered|not told"],
    },
    Case {
        name: "unknown-now",
        old: "version 1\nsaved a: u8",
        new: "version 2\nunknown a: u8",
        expected: &["blind lost-evidence sim::Vm.uart.a"],
        plan: &[],
    },
    Case {
        name: "version-went-back",
        old: "version 3\nsaved a: u8",
        new: "version 2\nsaved a: u8",
        expected: &["error version-not-bumped sim::Vm.uart"],
        plan: &[],
    },
];

#[test]
fn changes_of_a_struct() {
    for Case { name, old, new, expected, plan: wanted } in CASES {
        let body = |fields: &str| format!("{UART}\nstruct sim::Uart {{\n{fields}\n}}\n");
        let report = compared(name, &body(old), &body(new));
        let mut lines = found(&report);
        lines.sort();
        assert_eq!(lines, *expected, "{name}");
        assert_eq!(plan(&report), *wanted, "{name}");
        let fails = expected.iter().any(|line| line.starts_with("error"));
        let is_blind = expected.iter().any(|line| line.starts_with("blind"));
        let code = match (fails, is_blind) {
            (true, _) => ExitCode::Findings,
            (false, true) => ExitCode::CouldNotCheck,
            (false, false) => ExitCode::Clean,
        };
        assert_eq!(report.exit_code(), code, "{name}");
        for finding in &report.findings {
            let is_told = finding.severity == samestate_report::Severity::Note;
            assert!(
                is_told || finding.rule.id == "lost-evidence" || finding.help.is_some(),
                "{name}"
            );
        }
    }
}

fn blocks(mode: &str) -> String {
    format!("struct sim::Vm {{\n  version 1\n  saved mode: sim::Mode\n}}\n\n{mode}")
}

#[test]
fn changes_of_an_enum() {
    let enums = |body: &str| blocks(&format!("enum sim::Mode {{\n{body}\n}}\n"));
    let cases: &[(&str, &str, &str, &[&str])] = &[
        ("enum-same", "version 1\nvariant A\nvariant B", "version 1\nvariant A\nvariant B", &[]),
        (
            "variant-added",
            "version 1\nvariant A\nvariant B",
            "version 1\nvariant A\nvariant C {\nsaved x: u8\n}\nvariant B",
            &["error variant-added sim::Vm.mode::C"],
        ),
        (
            "variant-added-told",
            "version 1\nvariant A\nvariant B",
            "version 2\nvariant A\nvariant C {\n- since 2\nsaved x: u8\n}\nvariant B",
            &["note variant-added sim::Vm.mode::C"],
        ),
        (
            "variant-added-by-hand",
            "variant A\nvariant B",
            "variant A\nvariant B\nvariant C",
            &["note variant-added sim::Vm.mode::C"],
        ),
        (
            "variant-field-removed-told",
            "version 1\nvariant A {\nsaved x: u8\nsaved y: u8\n}",
            "version 2\n- removed A.y\nvariant A {\nsaved x: u8\n}",
            &["note field-removed sim::Vm.mode::A.y"],
        ),
        (
            "variant-removed-told",
            "version 1\nvariant A\nvariant B {\nsaved x: u8\n}",
            "version 2\n- removed B\nvariant A",
            &["note variant-removed sim::Vm.mode::B"],
        ),
        (
            "variant-removed",
            "version 1\nvariant A\nvariant B {\nsaved x: u8\n}",
            "version 2\nvariant A",
            &["error variant-removed sim::Vm.mode::B"],
        ),
        (
            "variant-renamed",
            "version 1\nvariant A\nvariant B {\nsaved x: u8\n}",
            "version 2\nvariant A\nvariant C {\nsaved x: u8\n}",
            &["error variant-renamed sim::Vm.mode::C"],
        ),
        (
            "variant-renamed-told",
            "version 1\nvariant A\nvariant B {\nsaved x: u8\n}",
            "version 2\nvariant A\nvariant C {\n- was B\nsaved x: u8\n}",
            &["note variant-renamed sim::Vm.mode::C"],
        ),
        (
            "variant-renamed-with-id",
            "version 1\nvariant A\nvariant B\n- id 7",
            "version 1\nvariant A\nvariant C\n- id 7",
            &["note variant-renamed sim::Vm.mode::C"],
        ),
        (
            "variant-payload",
            "version 1\nvariant A {\nsaved x: u8\n}",
            "version 2\nvariant A {\nsaved x: u16\n}",
            &["error field-type-changed sim::Vm.mode::A.x"],
        ),
        (
            "variant-payload-told",
            "version 1\nvariant A {\nsaved x: u8\n}",
            "version 2\nvariant A {\nsaved x: u16\n- from u8\n}",
            &["note field-type-changed sim::Vm.mode::A.x"],
        ),
        (
            "numbers-by-hand",
            "number A = 0\nnumber B = 1",
            "number B = 0\nnumber A = 1",
            &["error variant-changed sim::Vm.mode::A", "error variant-changed sim::Vm.mode::B"],
        ),
        (
            "numbers-by-name",
            "version 1\nnumber A = 0\nnumber B = 1",
            "version 1\nnumber B = 0\nnumber A = 1",
            &["note variant-changed sim::Vm.mode::A", "note variant-changed sim::Vm.mode::B"],
        ),
        (
            "became-a-struct",
            "version 1\nvariant A",
            "",
            &["error field-type-changed sim::Vm.mode", "error version-not-bumped sim::Vm.mode"],
        ),
    ];
    for (name, old, new, expected) in cases {
        let new = if new.is_empty() {
            blocks("struct sim::Mode {\n  version 1\n  saved x: u8\n}\n")
        } else {
            enums(new)
        };
        let report = compared(name, &enums(old), &new);
        let mut lines = found(&report);
        lines.sort();
        assert_eq!(lines, *expected, "{name}");
    }
}

/// A root with one field of this type, and these blocks.
pub(crate) fn rooted(ty: &str, blocks: &str) -> String {
    format!("struct sim::Vm {{\n  version 1\n  saved part: {ty}\n}}\n\n{blocks}")
}

pub(crate) fn part(name: &str, lines: &str) -> String {
    format!("struct {name} {{\n  version 1\n{lines}\n}}\n")
}

#[test]
fn a_type_with_another_name() {
    let old = rooted("HashMap<u8, sim::Part>", &part("sim::Part", "saved a: u8\nsaved b: u8"));
    let new = |name: &str, lines: &str| rooted(&format!("HashMap<u8, {name}>"), &part(name, lines));
    let fields = "saved a: u8\nsaved b: u8";
    let check = |name: &str, new: &str, expected: &[&str]| {
        assert_eq!(found(&compared(name, &old, new)), expected, "{name}");
    };
    // Moved to another module: images do not care.
    check(
        "moved-type",
        &new("sim::parts::Part", fields),
        &["note type-renamed sim::Vm.part[value]"],
    );
    check("renamed-type", &new("sim::Piece", fields), &["error type-renamed sim::Vm.part[value]"]);
    check(
        "renamed-type-told",
        &new("sim::Piece", &format!("- was Part\n{fields}")),
        &["note type-renamed sim::Vm.part[value]"],
    );
    check(
        "renamed-type-named",
        &new("sim::Piece", &format!("- name Part\n{fields}")),
        &["note type-renamed sim::Vm.part[value]"],
    );
    // What changed besides is found below the new name.
    check(
        "renamed-and-changed",
        &new("sim::Piece", "- was Part\nsaved a: u16\nsaved b: u8"),
        &[
            "note type-renamed sim::Vm.part[value]",
            "error version-not-bumped sim::Vm.part[value]",
            "error field-type-changed sim::Vm.part[value].a",
        ],
    );
    // Another type altogether.
    let other = rooted("HashMap<u8, sim::Other>", &part("sim::Other", "saved x: u8\nsaved y: u8"));
    check(
        "another-type",
        &other,
        &["error field-type-changed sim::Vm.part", "error version-not-bumped sim::Vm"],
    );
}

#[test]
fn a_root_with_another_name() {
    let lock = |name: &str| {
        format!(
            "samestate lock 1\n\nroot {name}\n\nstruct {name} {{\n  version 1\n  saved a: u8\n}}\n\nend\n"
        )
    };
    let old = written("root-old.lock", &lock("sim::Vm"));
    let new = written("root-new.lock", &lock("sim::machine::Vm"));
    let report = drift(&old, &new, &config()).unwrap();
    assert_eq!(found(&report), ["note type-renamed sim::machine::Vm"]);
}

#[test]
fn a_change_is_told_once_with_every_root_that_reaches_it() {
    let lock = |roots: usize, field: &str| {
        let mut text = String::from("samestate lock 1\n");
        for root in 0..roots {
            text += &format!("root sim::R{root}\nstruct sim::R{root} {{\n  version 1\n");
            text += "  saved far: Vec<sim::Far>\n  saved parts: Vec<sim::Part>\n}\n";
        }
        text += "struct sim::Far {\n  version 1\n  saved part: Option<sim::Part>\n}\n";
        text += "root sim::Own\nstruct sim::Own {\n  version 1\n  saved a: u8\n}\n";
        text + &format!("struct sim::Part {{\n  version {field}\n  saved a: u8\n}}\nend\n")
    };
    for (roots, told) in [
        (1, None),
        (2, Some("reached from 2 roots: `sim::R0`, `sim::R1`")),
        (
            7,
            Some(
                "reached from 7 roots: `sim::R0`, `sim::R1`, `sim::R2`, `sim::R3`, `sim::R4` and 2 more",
            ),
        ),
    ] {
        let old = written("roots-old.lock", &lock(roots, "1\n  saved z: u32"));
        let new = written("roots-new.lock", &lock(roots, "2"));
        let report = drift(&old, &new, &config()).unwrap();
        // Once, and by the shortest way.
        assert_eq!(found(&report), ["error field-removed sim::R0.parts[].z"]);
        let details = &report.findings[0].details;
        let line = details.iter().find(|line| line.starts_with("reached"));
        assert_eq!(line.map(String::as_str), told);
        assert_eq!(found(&drift(&old, &old, &config()).unwrap()), [""; 0]);
    }
}

#[test]
fn fields_that_moved_into_a_struct() {
    let old = rooted("sim::Part", &part("sim::Part", "saved a: u8\nsaved x: f32\nsaved y: f32"));
    let position = part("sim::Position", "saved x: f32\nsaved y: f32");
    let new = |told: &str| {
        let lines = format!("{told}saved a: u8\nsaved at: Box<sim::Position>");
        let part = part("sim::Part", &lines).replace("version 1", "version 2");
        rooted("sim::Part", &format!("{part}\n{position}"))
    };
    let report = compared("moved", &old, &new(""));
    assert_eq!(found(&report), ["error field-moved sim::Vm.part.at"]);
    assert_eq!(
        plan(&report),
        ["sim::Part|x|move|x|at.x|not told", "sim::Part|y|move|y|at.y|not told",]
    );
    let report = compared("moved-told", &old, &new("- migrate PartV1\n"));
    assert_eq!(found(&report), ["note field-moved sim::Vm.part.at"]);
}

#[test]
fn implementers_come_and_go() {
    let with = |types: &[(&str, &str)]| {
        let list: String = types.iter().map(|(name, _)| format!("  impl {name}\n")).collect();
        let types: Vec<_> = types.iter().map(|(name, lines)| part(name, lines)).collect();
        rooted("Box<dyn sim::Dev>", &format!("dyn sim::Dev {{\n{list}}}\n\n{}", types.join("\n")))
    };
    let uart = ("sim::Uart", "- implements dyn Dev = uart\nsaved a: u8");
    let timer = ("sim::Timer", "- implements dyn Dev = timer\nsaved n: u8");
    let check = |name: &str, old: &str, new: &str, expected: &[&str]| {
        assert_eq!(found(&compared(name, old, new)), expected, "{name}");
    };
    check("impl-same", &with(&[uart, timer]), &with(&[uart, timer]), &[]);
    check(
        "impl-added",
        &with(&[uart]),
        &with(&[uart, timer]),
        &["note implementer-added sim::Vm.part{sim::Timer}"],
    );
    check(
        "impl-removed",
        &with(&[uart, timer]),
        &with(&[uart]),
        &["error implementer-removed sim::Vm.part{sim::Timer}"],
    );
    let renamed = ("sim::Clock", "- implements dyn Dev = timer\n- was Timer\nsaved n: u8");
    check(
        "impl-renamed",
        &with(&[uart, timer]),
        &with(&[uart, renamed]),
        &["note type-renamed sim::Vm.part{sim::Clock}"],
    );
    // Optimizers remove vtables, so without a registration nothing is certain.
    let bare = ("sim::Timer", "saved n: u8");
    check(
        "impl-unregistered",
        &with(&[uart, bare]),
        &with(&[uart]),
        &["warning implementer-removed sim::Vm.part{sim::Timer}"],
    );
}

#[test]
fn what_is_told_survives_the_lock() {
    let body = "struct sim::Vm {\n  version 3\n  - name Machine\n  - was Old\n  - removed gone\n  \
                - migrate Vec<OldVm>\n  - implements dyn Dev = vm\n  saved a: u8\n    - since 2\n    \
                - default\n    - was b\n    - from u16\n  saved m: sim::Mode\n}\n";
    let text = format!(
        "{}{body}\nenum sim::Mode {{\n  version 1\n  variant A\n    - id 7\n    - since 2\n  \
         variant B {{\n    - was C\n    saved x: u8\n      - was y\n  }}\n}}\n\nend\n",
        "samestate lock 1\n\nroot sim::Vm\n\n"
    );
    let path = written("told.lock", &text);
    let report = drift(&path, &path, &config()).unwrap();
    assert_eq!(found(&report), [""; 0]);
    for (bad, what) in [
        ("  - since x\n", "cannot be told of a type"),
        ("  saved q: u8\n    - since x\n", "no version or id"),
        ("  saved q: u8\n    - id 3\n", "cannot be told of a field"),
    ] {
        let at = text.find("  - name").unwrap();
        let path = written("told-bad.lock", &format!("{}{bad}{}", &text[..at], &text[at..]));
        let error = drift(&path, &path, &config()).unwrap_err().to_string();
        assert!(error.contains(what) && error.contains("told-bad.lock:"), "{error}");
    }
}

#[test]
fn what_two_locks_share_changes_nothing() {
    let blocks = |part: &str| {
        let vm = "struct sim::Vm {\n  version 1\n  saved part: sim::Part\n}\n";
        format!("{vm}struct sim::Part {{\n{part}\n}}\nstruct sim::Rest {{\n}}\n")
    };
    let part = "  version 1\n  saved a: u8";
    assert_eq!(found(&compared("shared", &blocks(part), &blocks(part))), [""; 0]);
    let more = blocks("  version 2\n  saved a: u8\n  saved b: u8");
    let report = compared("shared-more", &blocks(part), &more);
    assert_eq!(found(&report), ["error field-added sim::Vm.part.b"]);
    // Indented by hand, a block ends elsewhere and says the same.
    let indented = blocks(part).replace("\n}\nstruct sim::Rest", "\n  }\nstruct sim::Rest");
    for (old, new) in [(blocks(part), indented.clone()), (indented.clone(), blocks(part))] {
        assert_eq!(found(&compared("shared-indented", &old, &new)), [""; 0]);
    }
    // The lines of what is left out are counted, and what is wrong on both sides is told.
    let good = written("shared-good.lock", &lock(&blocks(part)));
    let bad = written("shared-bad.lock", &lock(&blocks("  version 1\n  saved a u8")));
    for (old, new) in [(&good, &bad), (&bad, &good), (&bad, &bad)] {
        let error = drift(old, new, &config()).unwrap_err().to_string();
        assert!(error.contains("shared-bad.lock:10: a field expected"), "{error}");
    }
    let twice = format!("{0}{0}", blocks(part));
    let twice = written("shared-twice.lock", &lock(&twice));
    let error = drift(&good, &twice, &config()).unwrap_err().to_string();
    assert!(error.contains("shared-twice.lock:17: `sim::Vm` stands here a second time"), "{error}");
}

#[test]
fn locks_that_are_indented_otherwise_are_read_once() {
    // Searched from every block to the end of the file, these would take minutes.
    for (name, end) in [("by-hand", " }\n"), ("by-hand-crlf", "}\r\n")] {
        let blocks = |from: usize| -> String {
            (from..from + 100_000).map(|n| format!("struct S{n} {{\n{end}")).collect()
        };
        let (old, new) = (blocks(0) + "struct T {\n}\n", blocks(1) + "struct T {\n}\n");
        assert_eq!(found(&compared(name, &old, &new)), [""; 0]);
    }
}
