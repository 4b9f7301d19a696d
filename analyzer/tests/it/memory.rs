//! How types lie in memory: what is found where it is dumped as it is, and that nothing is found
//! where each field is saved by itself.

use std::path::{Path, PathBuf};

use samestate_analyzer::{CoverageConfig, DriftConfig, Profile, Settings, drift, lock_text};
use samestate_report::{ExitCode, Report};

use crate::build::{Flavor, compile};
use crate::tags::build;

fn settings(profile: Profile) -> Settings {
    let mut settings = Settings::default();
    settings.profile = profile;
    settings
}

fn compared(old: &Path, new: &Path, profile: Profile) -> Report {
    let config = DriftConfig { settings: settings(profile), ..DriftConfig::default() };
    drift(old, new, &config).unwrap()
}

/// `severity rule subject` of each finding, sorted.
fn found(report: &Report) -> Vec<String> {
    let line = |finding: &samestate_report::Finding| {
        format!("{} {} {}", finding.severity.word(), finding.rule.id, finding.subject)
    };
    let mut lines: Vec<_> = report.findings.iter().map(line).collect();
    lines.sort();
    lines
}

fn written(name: &str, text: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("memory");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{name}.lock"));
    std::fs::write(&path, text).unwrap();
    path
}

const TARGET: &str = "x86-64 64-bit little-endian";

/// A lock of the root `sim::Vm`, which holds a `sim::Part` twice, with these layouts.
fn lock(target: &str, layouts: &str) -> String {
    let target = if target.is_empty() { String::new() } else { format!("target {target}\n") };
    format!(
        "samestate lock 1\nroot sim::Vm\n\
         struct sim::Vm {{\n  saved part: Option<sim::Part>\n}}\n\
         struct sim::Part {{\n  saved a: u8\n}}\n{target}{layouts}\nend\n"
    )
}

struct Case {
    name: &'static str,
    old: &'static str,
    new: &'static str,
    expected: &'static [&'static str],
}

/// The block of `sim::Part`, without its first line.
const CASES: &[Case] = &[
    Case {
        name: "size",
        old: "size 8 align 4\n0..4 a: u32\n4..8 b: u32",
        new: "size 12 align 4\n0..4 a: u32\n4..8 b: u32\n8..12 c: u32",
        expected: &["error size-changed sim::Vm.part::Some.0"],
    },
    Case {
        name: "alignment",
        old: "size 8 align 4\n0..8 a: [u32; 2]",
        new: "size 8 align 8\n0..8 a: [u32; 2]",
        expected: &["error alignment-changed sim::Vm.part::Some.0"],
    },
    Case {
        name: "offsets",
        old: "size 8 align 4\n0..4 a: u32\n4..8 b: f32",
        new: "size 8 align 4\n0..4 b: f32\n4..8 a: u32",
        expected: &["error offset-changed sim::Vm.part::Some.0.b"],
    },
    Case {
        name: "contents",
        old: "size 8 align 4\n0..4 a: u32\n4..8 b: f32",
        new: "size 8 align 4\n0..4 a: u32\n4..8 b: i32",
        expected: &["error contents-changed sim::Vm.part::Some.0.b"],
    },
    Case {
        name: "into-padding",
        old: "size 8 align 4\n0..4 a: u32",
        new: "size 8 align 4\n0..4 a: u32\n4..8 b: i32",
        expected: &["error contents-changed sim::Vm.part::Some.0.b"],
    },
    Case {
        name: "out-of-memory",
        old: "size 8 align 4\n0..4 a: u32\n4..8 b: i32",
        new: "size 8 align 4\n0..4 a: u32",
        expected: &[
            "error contents-changed sim::Vm.part::Some.0.b",
            "warning padding-added sim::Vm.part::Some.0",
        ],
    },
    Case {
        // Memory has no names.
        name: "another-name",
        old: "size 8 align 4\n0..4 a: u32\n4..8 b: i32",
        new: "size 8 align 4\n0..4 a: u32\n4..8 c: i32",
        expected: &[],
    },
    Case {
        name: "tag-place",
        old: "size 8 align 4\ntag 0..4\nvariant A = 0\nvariant B = 1 {\n4..8 x: u32\n}",
        new: "size 8 align 4\ntag 0..1\nvariant A = 0\nvariant B = 1 {\n4..8 x: u32\n}",
        expected: &["error discriminant-changed sim::Vm.part::Some.0"],
    },
    Case {
        name: "tag-value",
        old: "size 8 align 4\ntag 0..4\nvariant A = 0\nvariant B = 1 {\n4..8 x: u32\n}",
        new: "size 8 align 4\ntag 0..4\nvariant C = 0\nvariant A = 1\nvariant B = 2 {\n4..8 x: u32\n}",
        expected: &["error discriminant-changed sim::Vm.part::Some.0::A"],
    },
    Case {
        name: "niche",
        old: "size 8 align 4\ntag 0..4\nvariant A = 0\nvariant B {\n4..8 x: u32\n}",
        new: "size 8 align 4\ntag 0..4\nvariant A = 0\nvariant B = 1 {\n4..8 x: u32\n}",
        expected: &["error discriminant-changed sim::Vm.part::Some.0::B"],
    },
    Case {
        // Those that were there are stored as before.
        name: "one-variant-more",
        old: "size 8 align 4\ntag 0..4\nvariant A = 0\nvariant B = 1 {\n4..8 x: u32\n}",
        new: "size 8 align 4\ntag 0..4\nvariant A = 0\nvariant C = 2\nvariant B = 1 {\n4..8 x: u32\n}",
        expected: &[],
    },
    Case {
        name: "address",
        old: "size 8 align 8\n0..8 a: u64",
        new: "size 8 align 8\n0..8 a: Box<u64> (address)",
        expected: &[
            "error address-in-memory sim::Vm.part::Some.0.a",
            "error contents-changed sim::Vm.part::Some.0.a",
        ],
    },
    Case {
        // It could not be dumped before, either.
        name: "another-address",
        old: "size 16 align 8\n0..8 a: u64\n8..16 b: Box<u8> (address)",
        new: "size 16 align 8\n0..8 c: u64\n8..16 b: Box<u8> (address)",
        expected: &[],
    },
    Case {
        name: "bit-fields",
        old: "size 4 align 4\n0..1 a: u32 (bits 0..4)\n0..1 b: u32 (bits 4..8)\n1..4 c: u32 (bits 0..24)",
        new: "size 4 align 4\n0..1 a: u32 (bits 4..8)\n0..1 b: u32 (bits 0..4)\n1..4 c: u32 (bits 0..24)",
        expected: &["error contents-changed sim::Vm.part::Some.0.a"],
    },
    Case {
        name: "a-bit-field-by-another-name",
        old: "size 4 align 4\n0..1 a: u32 (bits 0..4)\n0..1 b: u32 (bits 4..8)",
        new: "size 4 align 4\n0..1 a: u32 (bits 0..4)\n0..1 c: u32 (bits 4..8)",
        expected: &[],
    },
    Case {
        name: "padding",
        old: "size 8 align 4\n0..4 a: u32\n4..8 b: u32",
        new: "size 12 align 4\n0..4 a: u32\n4..8 b: u32\n8..9 c: u8",
        expected: &[
            "error size-changed sim::Vm.part::Some.0",
            "warning padding-added sim::Vm.part::Some.0",
        ],
    },
    Case {
        name: "padding-as-before",
        old: "size 8 align 4\n0..4 a: u32\n4..5 b: u8",
        new: "size 8 align 4\n0..4 a: u32\n4..5 c: u8",
        expected: &[],
    },
];

#[test]
fn changes_of_memory() {
    for Case { name, old, new, expected } in CASES {
        let text = |body: &str| lock(TARGET, &format!("layout sim::Part {{\n{body}\n}}\n"));
        let (was, is) = (
            written(&format!("{name}-old"), &text(old)),
            written(&format!("{name}-new"), &text(new)),
        );
        let report = compared(&was, &is, Profile::RawMemory);
        assert_eq!(found(&report), *expected, "{name}");
        let code = if expected.is_empty() { ExitCode::Clean } else { ExitCode::Findings };
        assert_eq!(report.exit_code(), code, "{name}");
        for finding in &report.findings {
            assert!(finding.help.is_some() && finding.sides.is_some(), "{name}");
            assert!(finding.details.iter().any(|line| line.contains("misread")), "{name}");
        }
        for path in [&was, &is] {
            assert_eq!(found(&compared(path, path, Profile::RawMemory)), [""; 0], "{name}");
        }
        assert_eq!(found(&compared(&was, &is, Profile::ByField)), [""; 0], "{name}");
    }
}

#[test]
fn names_and_numbers_in_memory() {
    let vm = |version: &str, rest: &str| {
        let text = format!("root sim::Vm\nstruct sim::Vm {{\n{version}{rest}\n}}");
        let color = |numbers: &str| format!("enum sim::Color {{\n{version}{numbers}\n}}");
        let numbers = if rest.contains("tick") { ["A = 0", "B = 1"] } else { ["A = 1", "B = 0"] };
        let numbers = numbers.map(|number| format!("number {number}\n")).concat();
        let layout = "layout sim::Vm {\n  size 8 align 8\n  0..8 tick: u64\n}";
        let color = color(&numbers);
        format!("samestate lock 1\n{text}\n{color}\ntarget {TARGET}\n{layout}\nend\n")
    };
    let old = "saved tick: u64\nsaved color: sim::Color";
    let new = "saved cycles: u64\nsaved color: sim::Color";
    let renamed = |severity| format!("{severity} field-renamed sim::Vm.cycles");
    let both = |severity| {
        ["A", "B"].map(|name| format!("{severity} variant-changed sim::Vm.color::{name}"))
    };
    for (version, profile, name, number) in [
        ("", Profile::ByField, "error", "error"),
        // Memory has no names, but numbers.
        ("", Profile::RawMemory, "note", "error"),
        ("version 1\n", Profile::ByField, "error", "note"),
        ("version 1\n", Profile::RawMemory, "error", "error"),
    ] {
        let was = written("names-old", &vm(version, old));
        let is = written("names-new", &vm(version, new));
        let report = compared(&was, &is, profile);
        let lines = found(&report);
        let has = |line: &String| lines.contains(line);
        assert!(has(&renamed(name)) && both(number).iter().all(has), "{lines:?}");
    }
}

#[test]
fn what_only_follows_is_told_with_what_changed() {
    let layouts = |size: u64, more: &str| {
        let end = 8 + size;
        format!(
            "layout sim::Vm {{\n  size {} align 4\n  0..{end} part: Option<sim::Part>\n}}\n\
             layout Option<sim::Part> {{\n  size {end} align 4\n  tag 0..4\n  variant None = 0\n  \
             variant Some = 1 {{\n    4..{end} 0: sim::Part\n  }}\n}}\n\
             layout sim::Part {{\n  size {size} align 4\n  0..4 a: u32\n{more}}}\n",
            end + 4
        )
    };
    let old = written("follow-old", &lock(TARGET, &layouts(4, "")));
    let new = written("follow-new", &lock(TARGET, &layouts(8, "  4..8 b: u32\n")));
    let report = compared(&old, &new, Profile::RawMemory);
    assert_eq!(found(&report), ["error size-changed sim::Vm.part::Some.0"]);
    let details = &report.findings[0].details;
    let told = "with it change `Option<sim::Part>` (12 → 16 bytes), `sim::Vm` (16 → 20 bytes)";
    assert!(details.iter().any(|line| line == told), "{details:?}");
}

#[test]
fn what_follows_and_changes_by_itself_too_is_told_twice() {
    let layouts = |size: u64, vm: &str| {
        let more = if size == 8 { "  4..8 b: u32\n" } else { "" };
        format!(
            "layout sim::Vm {{\n  size {} align 4\n{vm}}}\n\
             layout sim::Part {{\n  size {size} align 4\n  0..4 a: u32\n{more}}}\n",
            size + 8
        )
    };
    let old = layouts(4, "  0..4 part: sim::Part\n  4..8 x: u32\n  8..12 y: u32\n");
    let old = written("order-old", &lock(TARGET, &old));
    for (fields, expected) in [
        (
            "  0..8 part: sim::Part\n  8..12 x: u32\n  12..16 y: u32\n",
            &["error size-changed sim::Vm.part::Some.0"][..],
        ),
        (
            "  0..8 part: sim::Part\n  8..12 y: u32\n  12..16 x: u32\n",
            &["error size-changed sim::Vm", "error size-changed sim::Vm.part::Some.0"],
        ),
    ] {
        let new = written("order-new", &lock(TARGET, &layouts(8, fields)));
        assert_eq!(found(&compared(&old, &new, Profile::RawMemory)), expected);
    }
}

#[test]
fn what_a_typedef_of_c_stands_for_is_compared_and_not_its_name() {
    let mut settings =
        Settings::parse(Path::new("samestate.toml"), "roots = [\"machine\"]\n").unwrap();
    let program = |typedefs: &str, ty: &str| {
        format!(
            "#include <stdint.h>\n{typedefs}
             struct machine {{ long cycles; {ty} value; {ty} *more; {ty} many[2]; }};
             struct machine m;
             int main(int c, char **v) {{ (void)v; m.cycles = c; return m.cycles; }}"
        )
    };
    for compiler in ["gcc", "clang"] {
        let built = |typedefs: &str, ty: &str| {
            build(compiler, &[("main.c", &program(typedefs, ty))], &["-g"])
        };
        let Some(old) = built("typedef uint32_t reg_t;", "reg_t") else { continue };
        for profile in [Profile::ByField, Profile::RawMemory] {
            settings.profile = profile;
            let config = DriftConfig { settings: settings.clone(), ..DriftConfig::default() };
            for (typedefs, ty, fires) in [
                ("typedef uint32_t reg_t;", "reg_t", false),
                ("typedef uint32_t word_t;", "word_t", false),
                ("typedef uint32_t base_t; typedef base_t reg_t;", "reg_t", false),
                ("typedef uint64_t reg_t;", "reg_t", true),
                ("typedef float reg_t;", "reg_t", true),
                ("typedef float base_t; typedef base_t reg_t;", "reg_t", true),
            ] {
                let report = drift(&old, &built(typedefs, ty).unwrap(), &config).unwrap();
                let errors = found(&report).into_iter().any(|line| line.starts_with("error"));
                assert_eq!(errors, fires, "{compiler} {typedefs} {report:#?}");
                assert_eq!(found(&report).is_empty(), !fires, "{compiler} {typedefs} {report:#?}");
            }
        }
    }
}

#[test]
fn a_type_that_a_made_up_lock_puts_into_itself_is_still_reported() {
    let layouts = |size: u64| {
        format!("layout sim::Part {{\n  size {size} align 4\n  0..4 a: sim::Part\n}}\n")
    };
    let old = written("circle-old", &lock(TARGET, &layouts(4)));
    let new = written("circle-new", &lock(TARGET, &layouts(8)));
    let report = compared(&old, &new, Profile::RawMemory);
    assert!(report.findings.iter().any(|finding| finding.rule.id == "size-changed"));
}

#[test]
fn a_lock_without_layouts_is_lost_evidence() {
    let part = "layout sim::Part {\n  size 1 align 1\n  0..1 a: u8\n}\n";
    let with = written("with", &lock(TARGET, part));
    let without = written("without", &lock("", ""));
    for (old, new, expected) in [
        (&with, &without, &["blind lost-evidence the new version"][..]),
        (&without, &with, &["blind lost-evidence the old version"]),
        (
            &without,
            &without,
            &["blind lost-evidence the new version", "blind lost-evidence the old version"],
        ),
    ] {
        let report = compared(old, new, Profile::RawMemory);
        assert_eq!(found(&report), expected);
        assert_eq!(report.exit_code(), ExitCode::CouldNotCheck);
        assert!(report.findings.iter().all(|f| f.help.as_ref().unwrap().contains("raw-memory")));
        assert_eq!(found(&compared(old, new, Profile::ByField)), [""; 0]);
    }
    // One block that is missing, too.
    let partial = written("partial", &lock(TARGET, ""));
    let report = compared(&with, &partial, Profile::RawMemory);
    assert_eq!(found(&report), ["blind lost-evidence sim::Part"]);
    let report = compared(&partial, &with, Profile::RawMemory);
    assert_eq!(found(&report), ["blind lost-evidence sim::Part"]);
}

#[test]
fn other_machines() {
    let part = "layout sim::Part {\n  size 8 align 8\n  0..8 a: usize\n}\n";
    let here = written("x86-64", &lock(TARGET, part));
    let other = |target: &str| written(&target.replace(' ', "-"), &lock(target, part));
    let (narrow, arm, big) = (
        other("x86 32-bit little-endian"),
        other("aarch64 64-bit little-endian"),
        other("powerpc64 64-bit big-endian"),
    );
    for new in [&narrow, &big] {
        let report = compared(&here, new, Profile::RawMemory);
        assert_eq!(found(&report), ["error target-changed the target"]);
        assert_eq!(report.exit_code(), ExitCode::Findings);
        let report = compared(&here, new, Profile::ByField);
        assert_eq!(found(&report), ["note target-changed the target"]);
    }
    let details = &compared(&here, &narrow, Profile::ByField).findings[0].details;
    assert!(details.iter().any(|line| line.contains("`usize`")), "{details:?}");
    let report = compared(&here, &arm, Profile::RawMemory);
    assert_eq!(found(&report), ["note target-changed the target"]);
    assert_eq!(found(&compared(&here, &here, Profile::RawMemory)), [""; 0]);
}

/// What is replaced by what.
type Edit = &'static [(&'static str, &'static str)];

const PROGRAM: &str = "use samestate::record;
pub struct Vm { cpu: Cpu, mode: Option<Mode>, spare: Spare, lanes: [Lane; 2] }
#[repr(C)] pub struct Cpu { a: u8, b: u32, c: u16 }
pub enum Mode { Off, On }
pub struct Spare { x: u64, y: u8 }
pub struct Lane { p: (u8, u32), next: Option<Box<Lane>> }
record!(Vm, \"Vm\", 1, 1, [\"cpu\" = 0, \"mode\" = 0, \"spare\" = 1, \"lanes\" = 0]);
record!(Cpu, \"Cpu\", 0, 1, [\"a\" = 0, \"b\" = 0, \"c\" = 0]);
record!(Lane, \"Lane\", 0, 1, [\"p\" = 0, \"next\" = 0]);
fn main() {
    let vm: Option<Vm> = None;
    std::hint::black_box((&vm, Mode::Off, Mode::On));
}
";

fn raw_lock(binary: &Path) -> String {
    let settings = settings(Profile::RawMemory);
    let config =
        CoverageConfig { binary: binary.to_owned(), settings, ..CoverageConfig::default() };
    lock_text(&config).unwrap().0
}

#[test]
fn the_layouts_of_a_program_do_not_depend_on_how_it_was_built() {
    let text = raw_lock(&compile(PROGRAM, Flavor::Debug));
    for block in [
        "layout app::Cpu {\n  size 12 align 4\n  0..1 a: u8\n  4..8 b: u32\n  8..10 c: u16\n}\n",
        "layout Option<app::Mode> {\n  size 1 align 1\n  tag 0..1\n  variant None = 2\n  variant \
         Some {\n    0..1 0: app::Mode\n  }\n}\n",
        // What is skipped is dumped all the same.
        "layout app::Spare {\n  size 16 align 8\n  0..8 x: u64\n  8..9 y: u8\n}\n",
        "next: Option<Box<app::Lane>> (address)\n",
        "layout (u8, u32) {\n",
    ] {
        assert!(text.contains(block), "{block}\n{text}");
    }
    for flavor in [Flavor::Release, Flavor::Dwarf5, Flavor::Packed] {
        let other = compile(PROGRAM, flavor);
        assert_eq!(raw_lock(&other), text, "{flavor:?}");
    }
    // What is read back is what was written.
    let lock = written("program", &text);
    let debug = compile(PROGRAM, Flavor::Debug);
    assert_eq!(found(&compared(&lock, &debug, Profile::RawMemory)), [""; 0]);
}

#[test]
fn bit_fields_of_c_are_told_apart_by_their_bits() {
    let mut settings =
        Settings::parse(Path::new("samestate.toml"), "roots = [\"machine\"]\n").unwrap();
    settings.profile = Profile::RawMemory;
    let config = DriftConfig { settings, ..DriftConfig::default() };
    let program = |fields: &str| {
        format!(
            "struct machine {{ long cycles; {fields} }}; struct machine m;
             int main(int c, char **v) {{ (void)v; m.cycles = c; return m.cycles; }}"
        )
    };
    for compiler in ["gcc", "clang"] {
        for version in ["-gdwarf-5", "-gdwarf-4", "-gdwarf-3"] {
            let built =
                |fields: &str| build(compiler, &[("main.c", &program(fields))], &["-g", version]);
            let Some(old) = built("unsigned lo:4, mid:12, hi:16;") else { continue };
            for (fields, fires) in [
                ("unsigned lo:4, mid:12, hi:16;", false),
                ("unsigned mid:12, lo:4, hi:16;", true),
                ("unsigned lo:8, mid:8, hi:16;", true),
            ] {
                let report = drift(&old, &built(fields).unwrap(), &config).unwrap();
                let errors = found(&report).into_iter().filter(|line| line.starts_with("error"));
                assert_eq!(errors.count() == 1, fires, "{compiler} {version} {report:#?}");
                let is_padding =
                    |finding: &samestate_report::Finding| finding.rule.id == "padding-added";
                assert!(!report.findings.iter().any(is_padding), "{compiler} {version} {fields}");
            }
        }
    }
}

#[test]
fn edits_that_only_memory_shows() {
    let base = compile(PROGRAM, Flavor::Debug);
    let edits: &[(Edit, &[&str])] = &[
        (&[], &[]),
        (
            &[("#[repr(C)]", "#[repr(C, align(8))]")],
            &["error size-changed app::Vm.cpu", "error alignment-changed app::Vm.cpu"],
        ),
        // A variant more in `Mode` takes the number that stood for `None` around it.
        (
            &[("Off, On }", "Off, On, Idle }"), ("Mode::On)", "Mode::On, Mode::Idle)")],
            &[
                "error discriminant-changed app::Vm.mode::None",
                "note variant-added app::Vm.mode::Some.0::Idle",
            ],
        ),
        (
            &[("b: u32, c: u16", "c: u16, b: u32")],
            &["error size-changed app::Vm.cpu", "note field-order-changed app::Vm.cpu"],
        ),
        (&[("x: u64, y: u8", "y: u64, x: u64")], &["error offset-changed app::Vm.spare.x"]),
        // The compiler puts the larger one first either way.
        (&[("x: u64, y: u8", "y: u8, x: u64")], &[]),
    ];
    for (edits, expected) in edits {
        let edited = edits.iter().fold(PROGRAM.to_owned(), |text, (old, new)| {
            assert!(text.contains(old), "{old}");
            text.replace(old, new)
        });
        let new = compile(&edited, Flavor::Debug);
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(found(&compared(&base, &new, Profile::RawMemory)), expected, "{edits:?}");
        let layout = |line: &&&str| line.starts_with("error");
        let by_field: Vec<_> = expected.iter().filter(|line| !layout(line)).collect();
        assert_eq!(
            found(&compared(&base, &new, Profile::ByField)).iter().collect::<Vec<_>>(),
            by_field,
            "{edits:?}"
        );
    }
}

#[test]
fn layouts_that_mean_nothing() {
    for (layouts, line, what) in [
        ("layout sim::Part {\n  size 1\n}\n", 9, "`target` must stand before"),
        ("target x86-64\n", 9, "a machine expected"),
        ("target x86-64 64-bit little-endian\ntarget x86-64 64-bit little-endian\n", 10, "second"),
    ] {
        let path = written("bad", &lock("", layouts));
        let error = drift(&path, &path, &DriftConfig::default()).unwrap_err().to_string();
        assert!(error.contains(&format!("bad.lock:{line}: ")) && error.contains(what), "{error}");
    }
    for (body, line, what) in [
        ("", 11, "the size of the type"),
        ("0..4 a: u8\n", 11, "the size of the type"),
        ("size 4 align x\n", 11, "the size of the type"),
        ("size 4\n4..0 a: u8\n", 12, "a field expected"),
        ("size 4\n0..4 a\n", 12, "a field expected"),
        ("size 4\ntag 0..1\ntag 0..1\n", 13, "the place of one discriminant"),
        ("size 4\nvariant A = x\n", 12, "the number of a variant"),
        ("size 4\nvariant A = 0\n0..4 a: u8\n", 13, "outside of the variants"),
        ("size 4\nvariant A {\n0..4 a: u8\n", 16, "a field expected"),
    ] {
        let path = written("bad-body", &lock(TARGET, &format!("layout sim::Part {{\n{body}}}\n")));
        let error = drift(&path, &path, &DriftConfig::default()).unwrap_err().to_string();
        let place = format!("bad-body.lock:{line}: ");
        assert!(error.contains(&place) && error.contains(what), "{error}");
    }
}
