//! Compiles one-file programs, each flavor of each source once.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};

use samestate_analyzer::{CoverageConfig, Settings, coverage};
use samestate_report::{Finding, Report};

/// Says that a test cannot run here. The test harness swallows what `println!` and `eprintln!`
/// print, so this goes around them.
pub(crate) fn skipped(why: &str) {
    let told = std::io::stderr().write_all(format!("skipped: {why}\n").as_bytes());
    told.unwrap();
}

/// How a program is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Flavor {
    Debug,
    Release,
    FatLto,
    ThinLto,
    Dwarf4,
    Dwarf5,
    Zlib,
    Zstd,
    Packed,
    Unpacked,
    LineTables,
    Stripped,
    /// One object file, not linked.
    Object,
}

impl Flavor {
    /// Those with full debug information.
    pub(crate) const FULL: [Self; 7] = [
        Self::Debug,
        Self::Release,
        Self::FatLto,
        Self::Dwarf5,
        Self::Zstd,
        Self::Packed,
        Self::Unpacked,
    ];

    /// All of them.
    pub(crate) const ALL: [Self; 10] = [
        Self::Debug,
        Self::Release,
        Self::FatLto,
        Self::ThinLto,
        Self::Unpacked,
        Self::Packed,
        Self::Zstd,
        Self::Zlib,
        Self::Dwarf5,
        Self::Dwarf4,
    ];

    /// Its name for people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Release => "release",
            Self::FatLto => "fat-lto",
            Self::ThinLto => "thin-lto",
            Self::Dwarf4 => "dwarf-4",
            Self::Dwarf5 => "dwarf-5",
            Self::Zlib => "zlib",
            Self::Zstd => "zstd",
            Self::Packed => "packed",
            Self::Unpacked => "unpacked",
            Self::LineTables => "line-tables",
            Self::Stripped => "stripped",
            Self::Object => "object",
        }
    }

    fn args(self) -> &'static [&'static str] {
        match self {
            Self::Debug => &["-g"],
            Self::Release => &["-g", "-O"],
            Self::FatLto => &["-g", "-O", "-Clto=fat"],
            Self::ThinLto => &["-g", "-O", "-Clto=thin"],
            Self::Dwarf4 => &["-g", "-Cdwarf-version=4"],
            Self::Dwarf5 => &["-g", "-Cdwarf-version=5"],
            Self::Zlib => &["-g", "-Clink-arg=-Wl,--compress-debug-sections=zlib"],
            Self::Zstd => &["-g", "-Clink-arg=-Wl,--compress-debug-sections=zstd"],
            Self::Packed => &["-g", "-Csplit-debuginfo=packed"],
            Self::Unpacked => &["-g", "-Csplit-debuginfo=unpacked"],
            Self::LineTables => &["-Cdebuginfo=line-tables-only"],
            Self::Stripped => &["-g", "-Cstrip=symbols"],
            Self::Object => &["-g", "-Ccodegen-units=1"],
        }
    }
}

/// Stands for `samestate` in the fixtures: the trait, the record, and a macro that leaves one.
/// The real derive leaves the same bytes.
const PRELUDE: &str = include_str!("../fixtures/prelude.rs");

type Cell = Arc<OnceLock<PathBuf>>;

/// The executable made of this source. The crate is named `app`, whatever the test's name is.
pub(crate) fn compile(source: &str, flavor: Flavor) -> PathBuf {
    static BUILT: OnceLock<Mutex<HashMap<(u64, Flavor), Cell>>> = OnceLock::new();
    let mut hasher = DefaultHasher::new();
    source.hash(&mut hasher);
    let id = hasher.finish();
    let cell =
        BUILT.get_or_init(Mutex::default).lock().unwrap().entry((id, flavor)).or_default().clone();
    cell.get_or_init(|| rustc(source, id, flavor)).clone()
}

fn rustc(source: &str, id: u64, flavor: Flavor) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{id:016x}-{flavor:?}"));
    let out = dir.join("app");
    std::fs::create_dir_all(dir.join("src")).unwrap();
    let file = dir.join("src/main.rs");
    let is_known = std::fs::read_to_string(&file).is_ok_and(|text| text == source);
    let written = |path: &Path| path.metadata().and_then(|metadata| metadata.modified()).ok();
    if is_known && out.is_file() && written(&file) <= written(&out) {
        return out;
    }
    std::fs::write(&file, source).unwrap();
    let prelude = dir.join("samestate.rs");
    std::fs::write(&prelude, PRELUDE).unwrap();
    let run = |command: &mut Command| {
        let output = command.current_dir(&dir).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    run(Command::new("rustc")
        .args(["--edition=2024", "--crate-type=rlib", "--crate-name=samestate", "samestate.rs"])
        .args(flavor.args()));
    let emit = if flavor == Flavor::Object { "--emit=obj" } else { "--emit=link" };
    run(Command::new("rustc")
        .args(["--edition=2024", "--crate-name=app", "-Awarnings", "-Ccodegen-units=4", emit])
        .args(["--extern=samestate=libsamestate.rlib", "-L.", "-oapp", "src/main.rs"])
        .args(flavor.args()));
    out
}

/// The coverage report of a program with these roots.
pub(crate) fn cover(binary: &Path, roots: &[&str]) -> Report {
    let roots = roots.iter().map(ToString::to_string).collect();
    let config = CoverageConfig { binary: binary.to_owned(), roots, ..CoverageConfig::default() };
    coverage(&config).unwrap()
}

/// Each finding as `rule subject`, but for the notes on skips, which most of these programs get.
pub(crate) fn lines(report: &Report) -> Vec<String> {
    let line = |finding: &Finding| format!("{} {}", finding.rule.id, finding.subject);
    let all = report.findings.iter();
    all.filter(|finding| finding.rule.id != "hidden-by-skip").map(line).collect()
}

/// The coverage report of a program with this samestate.toml.
pub(crate) fn cover_with(binary: &Path, settings: &str) -> Report {
    let settings = Settings::parse(Path::new("samestate.toml"), settings).unwrap();
    let config =
        CoverageConfig { binary: binary.to_owned(), settings, ..CoverageConfig::default() };
    coverage(&config).unwrap()
}

/// Whether a tool is here; says so if a test has to do without.
pub(crate) fn has(tool: &str) -> bool {
    let is_here = Command::new(tool).arg("--version").output().is_ok();
    if !is_here {
        skipped(&format!("{tool} not found"));
    }
    is_here
}
