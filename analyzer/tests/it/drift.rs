//! What drift finds between two versions, each against itself and in several builds.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use samestate_analyzer::{CoverageConfig, DriftConfig, drift, lock_text};
use samestate_report::{ExitCode, Report};

use crate::build::{Flavor, compile, lines};

const BASE: &str = "use samestate::record; use std::collections::HashMap;
pub struct Vm { uart: Box<Uart>, lanes: Vec<Lane>, table: HashMap<u8, Lane>, mode: Mode, color: Color, dev: Box<dyn Dev> }
pub struct Uart { a: u32, b: u64 }
pub struct Lane { c: u16 }
pub enum Mode { Off, On { level: u32 } }
pub enum Color { Red, Green }
pub trait Dev { fn run(&self) -> u8; }
pub struct Timer { n: u8 }
impl Dev for Timer { fn run(&self) -> u8 { self.n } }
record!(Vm, \"Vm\", 1, 1, [\"uart\" = 0, \"lanes\" = 0, \"table\" = 0, \"mode\" = 0, \"color\" = 0, \"dev\" = 0]);
record!(Uart, \"Uart\", 0, 4, [\"a\" = 0, \"b\" = 0]);
record!(Lane, \"Lane\", 0, 1, [\"c\" = 0]);
record!(Timer, \"Timer\", 0, 1, [\"n\" = 0]);
fn main() {
    let vm: Option<Vm> = None;
    let dev: Box<dyn Dev> = Box::new(Timer { n: 1 });
    println!(\"{}\", dev.run());
    std::hint::black_box((&vm, Color::Red as u8, Color::Green as u8));
}
";

/// What is replaced by what.
type Edit = &'static [(&'static str, &'static str)];

/// Edits, and what must be found.
const EDITS: &[(Edit, &[&str])] = &[
    (&[], &[]),
    (
        &[("a: u32", "a: f32")],
        &["field-type-changed app::Vm.uart.a", "version-not-bumped app::Vm.uart"],
    ),
    (&[("a: u32", "a: f32"), ("0, 4", "0, 5")], &["field-type-changed app::Vm.uart.a"]),
    (
        &[("a: u32,", "a: u32, z: u8,"), ("[\"a\" = 0", "[\"a\" = 0, \"z\" = 0"), ("0, 4", "0, 5")],
        &["field-added app::Vm.uart.z"],
    ),
    (
        &[("a: u32,", "a: u32, z: u8,"), ("[\"a\" = 0", "[\"a\" = 0, \"z\" = 0")],
        &["field-added app::Vm.uart.z", "version-not-bumped app::Vm.uart"],
    ),
    (
        &[("a: u32, b", "b"), ("\"a\" = 0, \"b\"", "\"b\""), ("0, 4", "0, 5")],
        &["field-removed app::Vm.uart.a"],
    ),
    (
        &[("a: u32, b: u64", "b: u64, a: u32"), ("\"a\" = 0, \"b\" = 0", "\"b\" = 0, \"a\" = 0")],
        &["field-order-changed app::Vm.uart"],
    ),
    (&[("\"a\" = 0", "\"a\" = 1"), ("0, 4", "0, 5")], &["treatment-changed app::Vm.uart.a"]),
    (
        &[("c: u16", "c: i16"), ("\"Lane\", 0, 1", "\"Lane\", 0, 2")],
        &["field-type-changed app::Vm.lanes[].c"],
    ),
    (
        &[("HashMap<u8, Lane>", "HashMap<u16, Lane>"), ("1, 1, [\"uart", "1, 2, [\"uart")],
        &["field-type-changed app::Vm.table"],
    ),
    (
        &[("lanes: Vec<Lane>", "lanes: Vec<u64>"), ("1, 1, [\"uart", "1, 2, [\"uart")],
        &["field-type-changed app::Vm.lanes"],
    ),
    (
        &[
            ("n: u8 }\nimpl", "n: i8 }\nimpl"),
            ("self.n }", "self.n as u8 }"),
            ("\"Timer\", 0, 1", "\"Timer\", 0, 2"),
        ],
        &["field-type-changed app::Vm.dev{app::Timer}.n"],
    ),
    (
        &[("Red, Green", "Red, Blue, Green")],
        &["variant-added app::Vm.color::Blue", "variant-changed app::Vm.color::Green"],
    ),
    (&[("Red, Green", "Red, Green, Blue")], &["variant-added app::Vm.color::Blue"]),
    (&[("level: u32", "level: f32")], &[]),
    (&[("1, 1, [\"uart", "0, 1, [\"uart")], &["no-roots", "root-removed app::Vm"]),
];

fn config() -> DriftConfig {
    DriftConfig::default()
}

fn compared(old: &Path, new: &Path) -> Report {
    drift(old, new, &config()).unwrap()
}

fn locked(binary: &Path) -> (String, PathBuf) {
    let config = CoverageConfig { binary: binary.to_owned(), ..CoverageConfig::default() };
    let (text, _) = lock_text(&config).unwrap();
    // Tests run side by side, and some lock the same program.
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = binary.with_extension(format!("{number}.lock"));
    std::fs::write(&path, &text).unwrap();
    (text, path)
}

#[test]
fn each_edit_is_found_at_its_path_and_nothing_else() {
    let base = compile(BASE, Flavor::Debug);
    let (_, base_lock) = locked(&base);
    for (edits, expected) in EDITS {
        let edited = edits.iter().fold(BASE.to_owned(), |text, (old, new)| {
            assert!(text.contains(old), "{old}");
            text.replace(old, new)
        });
        for flavor in [Flavor::Debug, Flavor::Release] {
            let new = compile(&edited, flavor);
            let (_, new_lock) = locked(&new);
            for (old, new) in
                [(&base, &new), (&base_lock, &new), (&base, &new_lock), (&base_lock, &new_lock)]
            {
                let report = compared(old, new);
                let found: Vec<String> =
                    lines(&report)
                        .into_iter()
                        .map(|line| {
                            if line.starts_with("no-roots") { "no-roots".to_owned() } else { line }
                        })
                        .filter(|line| line != "no-roots")
                        .collect();
                let expected: Vec<_> =
                    expected.iter().filter(|line| **line != "no-roots").collect();
                let mut sorted = found.clone();
                sorted.sort();
                assert_eq!(
                    sorted.iter().collect::<Vec<_>>(),
                    expected,
                    "{edits:?} {flavor:?} {new:?}"
                );
                assert!(report.findings.iter().all(|f| f.rule.id == "no-roots"
                    || !f.way.is_empty()
                    || f.rule.id.starts_with("root")));
            }
        }
    }
}

#[test]
fn builds_of_one_program_do_not_differ() {
    let base = compile(BASE, Flavor::Debug);
    let (text, _) = locked(&base);
    for flavor in Flavor::FULL {
        let other = compile(BASE, flavor);
        let report = compared(&base, &other);
        assert_eq!(lines(&report), [""; 0], "{flavor:?}");
        assert_eq!(report.exit_code(), ExitCode::Clean);
        let (other_text, lock) = locked(&other);
        assert_eq!(other_text, text, "{flavor:?}");
        assert_eq!(lines(&compared(&lock, &other)), [""; 0], "{flavor:?}");
    }
}

#[test]
fn a_type_that_lost_its_debug_information_is_not_reported_as_removed() {
    let (text, lock) = locked(&compile(BASE, Flavor::Debug));
    // The block of `Lane` is gone, the fields that lead there are not.
    let start = text.find("struct app::Lane {").unwrap();
    let end = start + text[start..].find("}\n").unwrap() + 2;
    let partial = lock.with_file_name("partial.lock");
    std::fs::write(&partial, format!("{}{}", &text[..start], &text[end..])).unwrap();
    let report = compared(&lock, &partial);
    assert_eq!(lines(&report), ["lost-evidence app::Lane"]);
    assert_eq!(report.exit_code(), ExitCode::CouldNotCheck);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let binary = compile(BASE, Flavor::FatLto);
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| locked(&binary).0)
    };
    let one = with(1);
    for threads in [2, 3, 8] {
        assert_eq!(with(threads), one);
    }
}
