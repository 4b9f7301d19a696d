//! Object files that are not linked: the same findings as in the program, and damage is told.

use std::path::Path;
use std::process::Command;

use samestate_analyzer::{CoverageConfig, Statics, coverage};
use samestate_report::{ExitCode, Report};

use crate::build::{Flavor, compile, cover, has, lines};

/// Records of two types of one name, a trait object, state in statics, and what only compilers
/// name: closures, futures, wide and negative discriminants, niches.
const SOURCE: &str = r#"
use samestate::{Checkpoint, Restorer, Saver, record};
use std::sync::atomic::{AtomicU64, Ordering};
record!(Root, "Root", 1, 1, ["saved" = 0, "part" = 0, "dev" = 0, "call" = 0, "task" = 0, "both" = 0, "shape" = 0]);
pub struct Root<'a> { saved: u32, part: Part, dev: Box<dyn Dev>, call: &'a dyn Dev, task: Held, both: Both, shape: Shape }
pub struct Part { kept: u64, lost: u64 }
impl Checkpoint for Part {
    #[inline(never)] fn save(&self, saver: &mut Saver) { self.kept.save(saver); }
    #[inline(never)] fn restore(restorer: &mut Restorer) -> Option<Self> {
        Some(Self { kept: u64::restore(restorer)?, lost: 0 })
    }
}
pub trait Dev { fn run(&self) -> u8; }
pub struct Timer { ticks: u8 }
impl Dev for Timer { #[inline(never)] fn run(&self) -> u8 { self.ticks } }
pub struct Held { seen: u8 }
pub union Both { int: u32, bytes: [u8; 4] }
pub struct Shape { wide: Wide, low: Low, niche: Option<Mark> }
pub struct Mark { bit: bool }
#[repr(u128)] pub enum Wide { Near(Flag) = 1, Far = u128::MAX }
#[repr(i8)] pub enum Low { Below(u16) = -1, Above = 4 }
pub struct Flag { set: bool }
pub static COUNT: AtomicU64 = AtomicU64::new(3);
thread_local! { static DEPTH: std::cell::Cell<u32> = const { std::cell::Cell::new(0) }; }
fn one() -> u8 { record!(Local, "Local", 1, 1, ["a" = 0]); pub struct Local { a: u8 } std::hint::black_box(&Local { a: 1 }).a }
fn two() -> u8 { record!(Local, "Local", 1, 1, ["b" = 0]); pub struct Local { b: u8, c: u8 } std::hint::black_box(&Local { b: 1, c: 2 }).c }
fn main() {
    COUNT.fetch_add(1, Ordering::Relaxed);
    DEPTH.with(|depth| depth.set(depth.get() + 1));
    let mut saver = Saver(vec![]);
    if let Some(part) = Part::restore(&mut Restorer(vec![1; 99])) {
        let root = Root { saved: 1, part, dev: Box::new(Timer { ticks: 1 }), call: &Timer { ticks: 2 }, task: Held { seen: 1 },
            both: Both { int: 1 }, shape: Shape { wide: Wide::Near(Flag { set: true }), low: Low::Below(1), niche: None } };
        root.part.save(&mut saver);
        std::hint::black_box(&root);
        println!("{} {}", root.dev.run(), root.call.run());
    }
    println!("{} {} {}", saver.0.len(), one(), two());
}
"#;

#[test]
fn an_object_of_rust_tells_what_its_program_does() {
    let roots = ["app::Shape", "app::Both", "app::Held"];
    let linked = cover(&compile(SOURCE, Flavor::Debug), &roots);
    let object = cover(&compile(SOURCE, Flavor::Object), &roots);
    let found = lines(&linked);
    for line in [
        "uncovered-field app::Root.part.lost",
        "uncovered-static app::COUNT",
        "uncovered-static app::DEPTH",
        "uncovered-field app::Shape.wide::Near.0.set",
        "uncovered-field app::Shape.low::Below.0",
        "uncovered-field app::Shape.niche::Some.0.bit",
        "uncovered-field app::Both.int",
        "uncovered-field app::Held.seen",
    ] {
        assert!(found.iter().any(|found| found == line), "{line}: {found:#?}");
    }
    assert!(found.iter().any(|line| line.contains("app::two::Local.c")), "{found:#?}");
    assert!(!found.iter().any(|line| line.contains("app::one::Local")), "{found:#?}");
    assert_eq!(lines(&object), found);
    assert!(object.notes.iter().any(|note| note.contains("not linked")), "{object:?}");
    assert!(!linked.notes.iter().any(|note| note.contains("not linked")), "{linked:?}");
    // What optimization across crates leaves is the same, too.
    assert_eq!(lines(&cover(&compile(SOURCE, Flavor::ThinLto), &roots)), found);
}

/// State in what compilers make: a future and a closure that hold `kept`, or not.
fn made(is_held: bool) -> Vec<String> {
    let (later, end) = if is_held { ("kept", "") } else { ("7", "}") };
    let start = if is_held { "" } else { "{" };
    let source = format!(
        "pub struct Root<F, C> {{ future: F, closure: C }}
        #[inline(never)] async fn wait() {{}}
        async fn run() -> u16 {{
            {start} let kept = std::hint::black_box(7); std::hint::black_box(kept); {end}
            wait().await;
            {later}
        }}
        fn root<F, C>(future: F, closure: C) {{ std::hint::black_box(&Root {{ future, closure }}); }}
        fn main() {{ let kept: u16 = std::hint::black_box(7); root(run(), move || {later}); }}"
    );
    lines(&cover(&compile(&source, Flavor::Object), &["Root"]))
}

#[test]
fn what_closures_and_futures_hold_is_state() {
    let kept = |found: &[String]| -> Vec<String> {
        found.iter().filter(|line| line.ends_with("kept")).cloned().collect()
    };
    let full = made(true);
    assert!(
        matches!(&kept(&full)[..], [closure, future]
            if closure.starts_with("uncovered-field") && closure.ends_with(".closure.kept")
            && future.starts_with("uncovered-field") && future.ends_with(".future::Suspend0.kept")),
        "{full:#?}"
    );
    let empty = made(false);
    assert_eq!(kept(&empty), [""; 0], "{empty:#?}");
    assert!(empty.iter().any(|line| line.ends_with(".future")), "{empty:#?}");
}

#[test]
fn damaged_relocations_are_told() {
    if !has("gcc") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("app.c");
    let object = dir.path().join("app.o");
    std::fs::write(&source, "struct root { int x; } root; int main(void) { return root.x; }")
        .unwrap();
    let status =
        Command::new("gcc").args(["-g", "-c", "-o"]).args([&object, &source]).status().unwrap();
    assert!(status.success());
    let good = std::fs::read(&object).unwrap();
    assert_eq!(report(&object).unwrap().exit_code(), ExitCode::Findings);

    let damaged = dir.path().join("damaged.o");
    let told = |bytes: &[u8]| {
        std::fs::write(&damaged, bytes).unwrap();
        match report(&damaged) {
            Err(error) => error.to_string(),
            Ok(report) => {
                let cannot = report.findings.iter().find(|f| f.rule.id == "cannot-see");
                cannot.map_or_else(String::new, |f| f.message.clone())
            }
        }
    };
    let header = section_header(&good, ".rela.debug_info");
    let word = |at: usize| u64::from_le_bytes(good[at..at + 8].try_into().unwrap());
    let entries = usize::try_from(word(header + 24)).unwrap();
    let with = |at: usize, bytes: &[u8]| {
        let mut bad = good.clone();
        bad[at..at + bytes.len()].copy_from_slice(bytes);
        bad
    };
    // Where the relocations stand, how many bytes they have, which symbols they are of.
    assert!(told(&with(header + 24, &u64::MAX.to_le_bytes())).contains("relocations"));
    assert!(
        told(&with(header + 32, &(word(header + 32) - 5).to_le_bytes())).contains("relocation")
    );
    assert!(told(&with(header + 40, &0_u32.to_le_bytes())).contains("relocation"));
    // Of one of them: its place, its type, its symbol.
    assert!(told(&with(entries, &u64::MAX.to_le_bytes())).contains("lies outside"));
    assert!(told(&with(entries + 8, &[200])).contains("unknown type 200"));
    assert!(told(&with(entries + 12, &[0xff; 4])).contains("of which there is none"));
    assert_eq!(told(&good), "");
    // Whatever else: a result.
    for at in (0..good.len()).step_by(17) {
        drop(told(&with(at, &[good[at] ^ 0x41])));
        drop(told(&good[..at]));
    }
}

fn report(path: &Path) -> Result<Report, samestate_analyzer::Error> {
    coverage(&CoverageConfig {
        binary: path.to_owned(),
        roots: vec!["root".to_owned()],
        statics: Statics::None,
        ..CoverageConfig::default()
    })
}

/// Where the header of a section stands in a 64-bit file.
fn section_header(elf: &[u8], wanted: &str) -> usize {
    let word = |at: usize, len: usize| {
        let mut bytes = [0; 8];
        bytes[..len].copy_from_slice(&elf[at..at + len]);
        usize::try_from(u64::from_le_bytes(bytes)).unwrap()
    };
    let (table, count, strings) = (word(40, 8), word(60, 2), word(62, 2));
    let names = word(table + 64 * strings + 24, 8);
    (0..count)
        .map(|index| table + 64 * index)
        .find(|&header| {
            elf[names + word(header, 4)..].starts_with(&[wanted.as_bytes(), b"\0"].concat())
        })
        .unwrap()
}
