//! State outside of all roots.

use std::path::Path;

use samestate_analyzer::{CoverageConfig, Settings, Statics, coverage};
use samestate_report::{Report, Severity};

use crate::build::{Flavor, compile, lines};

/// One variable of each kind; `{…}` is what is done with them.
const SOURCE: &str = r#"
use std::cell::{Cell, RefCell};
use std::sync::{LazyLock, Mutex, Once, OnceLock, RwLock, atomic::{AtomicU32, AtomicU64, Ordering}};
pub static COUNT: AtomicU64 = AtomicU64::new(3);
pub static ZERO: AtomicU32 = AtomicU32::new(0);
pub static TABLE: Mutex<Vec<u32>> = Mutex::new(Vec::new());
pub static MAP: LazyLock<RwLock<Vec<String>>> = LazyLock::new(Default::default);
pub static NAME: OnceLock<String> = OnceLock::new();
pub static mut RAW: [u8; 64] = [0; 64];
// Nothing that a program computes.
pub static CONST: [u32; 4] = [1, 2, 3, 4];
pub static NAMES: [&str; 2] = ["a", "b"];
pub static START: Once = Once::new();
pub static GATE: Mutex<()> = Mutex::new(());
// Never used, so the linker removes it.
pub static DEAD: AtomicU64 = AtomicU64::new(1);
// A root in a static is judged as a root.
pub static MACHINE: Mutex<Root> = Mutex::new(Root { a: 1 });
thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static CACHE: RefCell<Vec<u32>> = RefCell::new(vec![1]);
    static GONE: Cell<u64> = Cell::new(7);
}
fn next() -> u64 {
    static LOCAL: AtomicU64 = AtomicU64::new(9);
    LOCAL.fetch_add(1, Ordering::Relaxed)
}
mod inner {
    pub fn seed() -> u32 {
        static mut SEED: u32 = 77;
        unsafe { SEED = SEED.wrapping_mul(5); SEED }
    }
}
pub struct Root { a: u32 }
fn main() {
    let n = std::env::args().count();
    COUNT.fetch_add(next(), Ordering::Relaxed);
    ZERO.fetch_add(1, Ordering::Relaxed);
    TABLE.lock().unwrap().push(inner::seed());
    MAP.write().unwrap().push("x".into());
    NAME.get_or_init(|| "y".into());
    START.call_once(|| println!("started"));
    let _gate = GATE.lock();
    unsafe { RAW[n] = 1; println!("{}", RAW[3]); }
    DEPTH.with(|d| d.set(d.get() + 1));
    CACHE.with(|c| c.borrow_mut().push(3));
    println!("{} {} {}", CONST[n], NAMES[n % 2], MACHINE.lock().unwrap().a);
}
"#;

fn config(binary: &Path, statics: Statics) -> CoverageConfig {
    CoverageConfig {
        binary: binary.to_owned(),
        roots: vec!["app::Root".to_owned()],
        source_dirs: Vec::new(),
        statics,
        ..CoverageConfig::default()
    }
}

fn cover(binary: &Path, statics: Statics) -> Report {
    coverage(&config(binary, statics)).unwrap()
}

#[test]
fn each_static_that_can_change_is_told_and_no_other() {
    for flavor in [Flavor::Debug, Flavor::Release, Flavor::FatLto, Flavor::Dwarf5, Flavor::Packed] {
        let report = cover(&compile(SOURCE, flavor), Statics::Own);
        let mut found: Vec<(String, Severity)> = report
            .findings
            .iter()
            .filter(|finding| finding.rule.id == "uncovered-static")
            .map(|finding| (finding.subject.to_string(), finding.severity))
            .collect();
        found.sort();
        let expected = [
            ("app::CACHE", Severity::Error),
            ("app::COUNT", Severity::Error),
            ("app::DEPTH", Severity::Error),
            ("app::MAP", Severity::Error),
            ("app::NAME", Severity::Note),
            ("app::RAW", Severity::Error),
            ("app::TABLE", Severity::Error),
            ("app::ZERO", Severity::Error),
            ("app::inner::seed::SEED", Severity::Error),
            ("app::next::LOCAL", Severity::Error),
        ];
        let expected: Vec<_> = expected.map(|(name, s)| (name.to_owned(), s)).into();
        assert_eq!(found, expected, "{flavor:?}");
        let detail = |name: &str| {
            let of = |f: &&samestate_report::Finding| f.subject.to_string() == name;
            report.findings.iter().find(of).unwrap().details.clone()
        };
        assert_eq!(detail("app::RAW"), ["64 bytes in .bss"], "{flavor:?}");
        assert_eq!(detail("app::COUNT"), ["8 bytes in .data"], "{flavor:?}");
        assert_eq!(detail("app::DEPTH"), ["4 bytes in .tbss, one in each thread"], "{flavor:?}");
        let place = report.findings.iter().find_map(|f| f.place.clone().filter(|p| p.line == 4));
        assert!(place.unwrap().file.ends_with("src/main.rs"), "{flavor:?}");
    }
}

#[test]
fn a_static_that_samestate_toml_names_is_decided() {
    let text = "[skip]\n\"app::COUNT\" = \"a number for the log\"\n\"app::GONE\" = \"no such\"\n";
    let settings = Settings::parse(Path::new("samestate.toml"), text).unwrap();
    let binary = compile(SOURCE, Flavor::Debug);
    let config = CoverageConfig { settings, ..config(&binary, Statics::Own) };
    let found = lines(&coverage(&config).unwrap());
    assert!(!found.contains(&"uncovered-static app::COUNT".to_owned()), "{found:?}");
    assert!(found.contains(&"uncovered-static app::ZERO".to_owned()), "{found:?}");
    let stale: Vec<_> = found.iter().filter(|line| line.starts_with("stale-treatment")).collect();
    assert_eq!(stale.len(), 1, "{found:?}");
}

#[test]
fn statics_can_be_left_out() {
    let binary = compile(SOURCE, Flavor::Debug);
    let none = cover(&binary, Statics::None);
    assert_eq!(lines(&none), ["uncovered-field app::Root.a"]);
    let quiet = SOURCE.lines().filter(|line| line.starts_with("pub struct"));
    let quiet: String = quiet.collect::<Vec<_>>().join("\n");
    let quiet = format!("{quiet} fn main() {{ std::hint::black_box(&Root {{ a: 1 }}); }}");
    let all = cover(&compile(&quiet, Flavor::Debug), Statics::All);
    assert_eq!(lines(&all), ["uncovered-field app::Root.a"]);
}
