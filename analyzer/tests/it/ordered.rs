//! Serializers that tell fields and variants apart by their order: with `order = "matters"` in
//! samestate.toml moving them is an error, without it a note, and for the derive always a note.

use std::path::Path;

use samestate_analyzer::{DriftConfig, Settings, drift};
use samestate_report::{ExitCode, Report};

use crate::changes::{found, lock, plan, rooted, written};

const MATTERS: &str = "order = \"matters\"";

fn compared(name: &str, settings: &str, old: &str, new: &str) -> Report {
    let old = written(&format!("{name}-old.lock"), &lock(old));
    let new = written(&format!("{name}-new.lock"), &lock(new));
    let settings = Settings::parse(Path::new("samestate.toml"), settings).unwrap();
    drift(&old, &new, &DriftConfig { settings, ..DriftConfig::default() }).unwrap()
}

struct Case {
    name: &'static str,
    old: &'static str,
    new: &'static str,
    /// What is found where order matters.
    matters: &'static [&'static str],
    /// And where it does not.
    free: &'static [&'static str],
}

const MOVED: &str = "error field-order-changed sim::Vm.part";
const MOVED_FREELY: &str = "note field-order-changed sim::Vm.part";

/// The body of `sim::Part`, a struct.
const STRUCTS: &[Case] = &[
    Case {
        name: "same",
        old: "saved a: u8\nsaved b: u8",
        new: "saved a: u8\nsaved b: u8",
        matters: &[],
        free: &[],
    },
    Case {
        name: "moved",
        old: "saved a: u8\nsaved b: u8",
        new: "saved b: u8\nsaved a: u8",
        matters: &[MOVED],
        free: &[MOVED_FREELY],
    },
    Case {
        name: "only-skipped-moved",
        old: "saved a: u8\nskipped(default) c: u8\nsaved b: u8",
        new: "skipped(default) c: u8\nsaved a: u8\nsaved b: u8",
        matters: &[MOVED_FREELY],
        free: &[MOVED_FREELY],
    },
    Case {
        name: "renamed-in-place",
        old: "saved a: u8\nsaved b: u16",
        new: "saved a: u8\nsaved c: u16",
        matters: &["note field-renamed sim::Vm.part.c"],
        free: &["error field-renamed sim::Vm.part.c"],
    },
    Case {
        name: "renamed-and-moved",
        old: "saved a: u8\nsaved b: u16",
        new: "saved c: u16\nsaved a: u8",
        matters: &["note field-renamed sim::Vm.part.c", MOVED],
        free: &["error field-renamed sim::Vm.part.c"],
    },
    Case {
        name: "added-between",
        old: "saved a: u8\nsaved b: u8",
        new: "saved a: u8\nsaved c: u16\nsaved b: u8",
        matters: &["error field-added sim::Vm.part.c"],
        free: &["error field-added sim::Vm.part.c"],
    },
    Case {
        // Images of the derive hold names.
        name: "of-the-derive",
        old: "version 1\nsaved a: u8\nsaved b: u8",
        new: "version 1\nsaved b: u8\nsaved a: u8",
        matters: &[MOVED_FREELY],
        free: &[MOVED_FREELY],
    },
];

/// The body of `sim::Part`, an enum.
const ENUMS: &[Case] = &[
    Case {
        name: "behind-all",
        old: "variant A\nvariant B {\nsaved x: u8\n}",
        new: "variant A\nvariant B {\nsaved x: u8\n}\nvariant C",
        matters: &["note variant-added sim::Vm.part::C"],
        free: &["note variant-added sim::Vm.part::C"],
    },
    Case {
        name: "in-front",
        old: "variant A\nvariant B {\nsaved x: u8\n}",
        new: "variant C\nvariant A\nvariant B {\nsaved x: u8\n}",
        matters: &[
            "error variant-changed sim::Vm.part::A",
            "error variant-changed sim::Vm.part::B",
            "note variant-added sim::Vm.part::C",
        ],
        free: &["note variant-added sim::Vm.part::C"],
    },
    Case {
        name: "swapped",
        old: "variant A\nvariant B",
        new: "variant B\nvariant A",
        matters: &[
            "error variant-changed sim::Vm.part::A",
            "error variant-changed sim::Vm.part::B",
        ],
        free: &[],
    },
    Case {
        // The number that a value has in memory is none in such an image.
        name: "numbered-anew",
        old: "number A = 0\nnumber B = 1",
        new: "number A = 0\nnumber B = 9",
        matters: &[],
        free: &["error variant-changed sim::Vm.part::B"],
    },
    Case {
        name: "renamed-in-place",
        old: "variant A\nvariant B {\nsaved x: u8\n}",
        new: "variant A\nvariant C {\nsaved x: u8\n}",
        matters: &["note variant-renamed sim::Vm.part::C"],
        free: &["error variant-renamed sim::Vm.part::C"],
    },
    Case {
        name: "of-the-derive",
        old: "version 1\nvariant A\nvariant B",
        new: "version 1\nvariant B\nvariant A",
        matters: &[],
        free: &[],
    },
];

#[test]
fn moves_are_errors_where_order_matters() {
    for (word, cases) in [("struct", STRUCTS), ("enum", ENUMS)] {
        for Case { name, old, new, matters, free } in cases {
            let body =
                |body: &str| rooted("sim::Part", &format!("{word} sim::Part {{\n{body}\n}}\n"));
            for (settings, expected) in [(MATTERS, matters), ("order = \"free\"", free), ("", free)]
            {
                let report = compared(&format!("{word}-{name}"), settings, &body(old), &body(new));
                let mut lines = found(&report);
                let key = |line: &String| line.split(' ').nth(2).map(str::to_owned);
                lines.sort_by_key(key);
                let mut expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
                expected.sort_by_key(key);
                assert_eq!(lines, expected, "{name} {settings}");
                let fails = expected.iter().any(|line| line.starts_with("error"));
                let code = if fails { ExitCode::Findings } else { ExitCode::Clean };
                assert_eq!(report.exit_code(), code, "{name} {settings}");
            }
            for side in [old, new] {
                let report = compared("ordered-same", MATTERS, &body(side), &body(side));
                assert_eq!(found(&report), [""; 0], "{name}");
            }
        }
    }
}

#[test]
fn wrappers_and_names_are_not_written() {
    let blocks = |body: &str, more: &str| {
        rooted("sim::Part", &format!("struct sim::Part {{\n{body}\n}}\n\n{more}"))
    };
    let wrapper = "struct sim::Bits {\nsaved 0: u8\n}\n";
    let pair = |name: &str, a: &str, b: &str| {
        format!("struct sim::{name} {{\nsaved {a}: u8\nsaved {b}: u8\n}}\n")
    };
    for (name, old, new, is_alike) in [
        // A wrapper around a number is the number.
        ("wrapped", blocks("saved bits: u8", ""), blocks("saved 0: sim::Bits", wrapper), true),
        (
            "wrapped-twice",
            blocks("saved a: u8", ""),
            blocks("saved a: Box<sim::Bits>", wrapper),
            true,
        ),
        (
            "wrapped-and-retyped",
            blocks("saved a: u16", ""),
            blocks("saved a: sim::Bits", wrapper),
            false,
        ),
        ("another-list", blocks("saved a: Vec<u8>", ""), blocks("saved a: VecDeque<u8>", ""), true),
        (
            "a-list-of-others",
            blocks("saved a: Vec<u8>", ""),
            blocks("saved a: VecDeque<u16>", ""),
            false,
        ),
        (
            "into-a-struct",
            blocks("saved a: u8\nsaved b: u8", ""),
            blocks("saved at: sim::At", &pair("At", "a", "b")),
            true,
        ),
        // The same types in the same order, but one is taken for the other.
        (
            "into-a-struct-and-swapped",
            blocks("saved a: u8\nsaved b: u8", ""),
            blocks("saved at: sim::At", &pair("At", "b", "a")),
            false,
        ),
        (
            "swapped-in-another-struct",
            blocks("saved at: Vec<sim::At>", &pair("At", "a", "b")),
            blocks("saved at: Vec<sim::Place>", &pair("Place", "b", "a")),
            false,
        ),
        (
            "in-another-struct",
            blocks("saved at: Vec<sim::At>", &pair("At", "a", "b")),
            blocks("saved at: Vec<sim::Place>", &pair("Place", "a", "b")),
            true,
        ),
    ] {
        let report = compared(name, MATTERS, &old, &new);
        let lines = found(&report);
        assert!(!lines.is_empty(), "{name}: a change is told");
        assert_eq!(
            lines.iter().all(|line| line.starts_with("note ")),
            is_alike,
            "{name}: {lines:?}"
        );
        assert_eq!(plan(&report).is_empty(), is_alike, "{name}: {:?}", plan(&report));
        let report = compared(name, "", &old, &new);
        // By name, only the struct is another one, and its fields moved.
        let is_free = name.ends_with("in-another-struct");
        assert_eq!(report.exit_code() == ExitCode::Findings, !is_free, "{name}");
    }
}

#[test]
fn what_moved_is_in_the_plan_and_needs_another_version() {
    let body = |fields: &str, version: &str| {
        let version = format!("version {version} of sim::Vm in sim::VERSION");
        let vm = "struct sim::Vm {\n  saved part: sim::Part\n}\n";
        format!("{version}\n{vm}\nstruct sim::Part {{\n{fields}\n}}\n")
    };
    let old = body("saved a: u8\nsaved b: u8", "1");
    let moved = "saved b: u8\nsaved a: u8";
    let report = compared("order-plan", MATTERS, &old, &body(moved, "1"));
    let expected = ["error version-not-bumped sim::Vm", MOVED];
    let mut lines = found(&report);
    lines.sort_by_key(|line| line.contains("order"));
    assert_eq!(lines, expected);
    assert_eq!(plan(&report), ["sim::Part||reorder|a, b|b, a|not told"]);
    // With another version, older images can be told apart.
    let report = compared("order-raised", MATTERS, &old, &body(moved, "2"));
    assert_eq!(found(&report), [MOVED_FREELY]);
}

#[test]
fn another_word_for_order_is_a_mistake() {
    let error = Settings::parse(Path::new("samestate.toml"), "order = \"yes\"").unwrap_err();
    let error = error.to_string();
    assert!(error.starts_with("samestate.toml:1:9: ") && error.contains("`matters`"), "{error}");
}

#[test]
fn types_that_nest_without_end_are_bounded() {
    let chain = |last: &str| -> String {
        let link = |at: usize| {
            let next = format!("saved a: sim::S{}\nsaved b: sim::S{}", at + 1, at + 1);
            format!("struct sim::S{at} {{\n{next}\n}}\n")
        };
        let links: String = (0..1000).map(link).collect();
        rooted("sim::S0", &format!("{links}struct sim::S1000 {{\n{last}\n}}\n"))
    };
    let report = compared(
        "chain",
        MATTERS,
        &chain("saved a: u8\nsaved b: u8"),
        &chain("saved b: u8\nsaved a: u8"),
    );
    let found = found(&report);
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("error field-order-changed "), "{}", found[0].len());
    // A wrapper that lies too deep is no longer seen through.
    let deep = |last: &str| chain(last).replace("sim::S0\n", "sim::Top\n");
    let report = compared("chain-deep", MATTERS, &deep("saved a: u8"), &deep("saved a: sim::Bits"));
    assert!(report.exit_code() == ExitCode::Findings);
}

#[test]
fn parts_of_one_type_that_change_places() {
    let point = "struct sim::Point {\nsaved x: u8\nsaved y: u8\n}\n";
    let lock =
        |ty: &str, body: &str| rooted(ty, &format!("struct sim::Part {{\n{body}\n}}\n{point}"));
    let (was, moved) =
        ("saved p: sim::Point\nsaved q: sim::Point", "saved q: sim::Point\nsaved p: sim::Point");
    let report = compared("points", MATTERS, &lock("sim::Part", was), &lock("sim::Part", moved));
    assert_eq!(found(&report), [MOVED]);
    assert_eq!(report.exit_code(), ExitCode::Findings);
    // Under other names it is not seen, and need not be: they stand where they stood.
    let renamed = "saved a: sim::Point\nsaved b: sim::Point";
    let report =
        compared("points-renamed", MATTERS, &lock("sim::Part", was), &lock("sim::Part", renamed));
    assert_eq!(report.exit_code(), ExitCode::Clean, "{:?}", found(&report));
    // The same behind brackets, in a type that is new.
    let other = |body: &str| {
        let part = format!("struct sim::Other {{\n{body}\n}}\n{point}");
        rooted("Vec<sim::Other>", &part)
    };
    let report = compared("points-listed", MATTERS, &lock("Vec<sim::Part>", was), &other(was));
    assert_eq!(report.exit_code(), ExitCode::Clean, "{:?}", found(&report));
    let report =
        compared("points-listed-moved", MATTERS, &lock("Vec<sim::Part>", was), &other(moved));
    assert_eq!(report.exit_code(), ExitCode::Findings, "{:?}", found(&report));
}
