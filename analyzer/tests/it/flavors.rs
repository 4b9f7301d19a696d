//! One program in every kind of debug information that gcc and binutils make, linked and not: what
//! is found is the same in all of them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use samestate_analyzer::{CoverageConfig, Statics, coverage};
use samestate_report::{ExitCode, Report};

use crate::build::{has, lines};

/// Two files that share types, have variables of every kind of section, and one struct that only
/// one of them knows.
const MACHINE: &str = "
enum mode { OFF = -1, ON = 7 };
union word { unsigned int whole; unsigned char bytes[4]; };
struct lane { union word value; enum mode mode; struct lane *next; };
struct machine { long cycles; struct lane lanes[3]; struct hidden *hidden; };
extern struct machine machine;
int step(struct lane *lane);
";
const MAIN: &str = "#include \"machine.h\"
struct hidden { short depth; };
struct machine machine;
static long count = 3;
int common_count;
static const int limit = 4;
_Thread_local int running = 2;
_Thread_local int waiting;
int main(void) {
    static int calls;
    struct hidden hidden = { 1 };
    machine.hidden = &hidden;
    calls += step(&machine.lanes[0]) + running + waiting + limit + common_count;
    return (int)count++ + calls;
}
";
const STEP: &str = "#include \"machine.h\"
static int steps;
int step(struct lane *lane) { lane->mode = ON; return steps++; }
";

const EXPECTED: [&str; 15] = [
    "uncovered-field machine.cycles",
    "uncovered-field machine.hidden",
    "uncovered-field machine.hidden.depth",
    "uncovered-field machine.lanes",
    "uncovered-field machine.lanes[].mode",
    "uncovered-field machine.lanes[].next",
    "uncovered-field machine.lanes[].value",
    "uncovered-field machine.lanes[].value.bytes",
    "uncovered-field machine.lanes[].value.whole",
    "uncovered-static calls",
    "uncovered-static common_count",
    "uncovered-static count",
    "uncovered-static running",
    "uncovered-static steps",
    "uncovered-static waiting",
];

struct Built(tempfile::TempDir);

/// The sources; `None` if a tool is not here.
fn sources(tools: &[&str]) -> Option<Built> {
    if tools.iter().any(|tool| !has(tool)) {
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in [("machine.h", MACHINE), ("main.c", MAIN), ("step.c", STEP)] {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    Some(Built(dir))
}

impl Built {
    fn run(&self, program: &str, args: &[&str]) {
        let output = Command::new(program).current_dir(self.0.path()).args(args).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Compiles each file.
    fn compile(&self, args: &[&str]) {
        self.run("gcc", &[&["-c", "main.c", "step.c"], args].concat());
    }

    /// Links what was compiled.
    fn link(&self, args: &[&str]) -> PathBuf {
        self.run("gcc", &[&["-oapp", "main.o", "step.o"], args].concat());
        self.path("app")
    }

    /// Puts what was compiled together without linking it.
    fn object(&self) -> PathBuf {
        self.run("ld", &["-r", "-oapp.o", "main.o", "step.o"]);
        self.path("app.o")
    }
}

fn report(binary: &Path) -> Report {
    let config = CoverageConfig {
        binary: binary.to_owned(),
        roots: vec!["machine".to_owned()],
        statics: Statics::All,
        ..CoverageConfig::default()
    };
    coverage(&config).unwrap()
}

/// What is found, with the sections and places that are told.
fn found(binary: &Path) -> Vec<String> {
    let report = report(binary);
    assert_eq!(report.exit_code(), ExitCode::Findings, "{:?}", lines(&report));
    report
        .findings
        .iter()
        .map(|f| format!("{} {} {} {:?}", f.rule.id, f.subject, f.message, f.help))
        .collect()
}

fn expected() -> &'static [String] {
    static PLAIN: OnceLock<Vec<String>> = OnceLock::new();
    PLAIN.get_or_init(|| {
        let built = sources(&["gcc"]).unwrap();
        built.compile(&["-g"]);
        let binary = built.link(&[]);
        let mut lines = lines(&report(&binary));
        lines.sort();
        assert_eq!(lines, EXPECTED);
        found(&binary)
    })
}

#[test]
fn each_kind_of_debug_information_tells_the_same() {
    let Some(built) = sources(&["gcc", "ld"]) else { return };
    for args in [
        &["-g", "-gdwarf-4"][..],
        &["-g", "-gdwarf-5"],
        &["-g", "-gdwarf-4", "-fdebug-types-section"],
        &["-g", "-gdwarf-5", "-fdebug-types-section"],
        &["-g", "-gz=zlib"],
        &["-g", "-gdwarf-5", "-fdebug-types-section", "-gz=zlib"],
        &["-g", "-fcommon", "-fdata-sections"],
        &["-g", "-gdwarf-5", "-gsplit-dwarf"],
        &["-g", "-gdwarf-4", "-gsplit-dwarf", "-fdebug-types-section"],
        &["-g", "-gdwarf-5", "-gsplit-dwarf", "-fdebug-types-section"],
    ] {
        built.compile(args);
        assert_eq!(found(&built.link(args)), expected(), "{args:?}");
        assert_eq!(found(&built.object()), expected(), "{args:?}, not linked");
    }
    // Two versions in one file.
    built.compile(&["-g", "-gdwarf-4"]);
    built.run("gcc", &["-g", "-gdwarf-5", "-c", "step.c"]);
    assert_eq!(found(&built.link(&[])), expected());
    assert_eq!(found(&built.object()), expected());
}

#[test]
fn a_separate_debug_file_must_be_there_and_of_the_same_build() {
    let Some(built) = sources(&["gcc", "objcopy"]) else { return };
    let split = |args: &[&str]| {
        built.compile(&[&["-g"], args].concat());
        let binary = built.link(&["-Wl,--build-id=none"]);
        built.run("objcopy", &["--only-keep-debug", "app", "app.debug"]);
        built.run("objcopy", &["--strip-all", "--add-gnu-debuglink=app.debug", "app"]);
        binary
    };
    let binary = split(&["-O1"]);
    let other = std::fs::read(built.path("app.debug")).unwrap();
    assert_eq!(split(&[]), binary);
    assert_eq!(found(&binary), expected());
    built.run("objcopy", &["--compress-debug-sections=zlib", "app.debug", "packed.debug"]);
    let own = std::fs::read(built.path("app.debug")).unwrap();

    let blind = |why: &str| {
        let report = report(&binary);
        assert_eq!(report.exit_code(), ExitCode::CouldNotCheck, "{:?}", lines(&report));
        let told = report.findings.iter().find(|f| f.rule.id == "no-types").unwrap();
        assert!(told.message.contains("app.debug") && told.message.contains(why), "{told:?}");
        assert!(told.help.as_ref().unwrap().contains("`app.debug` of this build"), "{told:?}");
    };
    std::fs::write(built.path("app.debug"), other).unwrap();
    blind("is of another build");
    std::fs::remove_file(built.path("app.debug")).unwrap();
    blind("was not found");
    std::fs::create_dir(built.path(".debug")).unwrap();
    std::fs::write(built.path(".debug/app.debug"), own).unwrap();
    assert_eq!(found(&binary), expected());
    built.run(
        "objcopy",
        &["--add-gnu-debuglink=packed.debug", "--remove-section=.gnu_debuglink", "app"],
    );
    built.run("objcopy", &["--add-gnu-debuglink=packed.debug", "app"]);
    assert_eq!(found(&binary), expected());
}

#[test]
fn split_files_must_be_there_and_of_the_same_build() {
    let Some(built) = sources(&["gcc"]) else { return };
    let args = ["-g", "-gsplit-dwarf"];
    built.compile(&args);
    let binary = built.link(&args);
    assert_eq!(found(&binary), expected());
    let blind = |why: &str, help: &str| {
        let report = report(&binary);
        assert_ne!(report.exit_code(), ExitCode::Clean, "{:?}", lines(&report));
        let told = report.findings.iter().find(|f| f.rule.id == "cannot-see").unwrap();
        assert!(told.message.contains(why) && told.message.contains(".dwo"), "{told:?}");
        assert!(told.help.as_ref().unwrap().contains(help), "{told:?}");
    };
    std::fs::write(built.path("step.c"), STEP.replace("steps", "more_steps")).unwrap();
    built.compile(&args);
    let own = built.path("step.dwo");
    blind("which is of another build now", "link the program again");
    std::fs::remove_file(&own).unwrap();
    blind("which is not there", "keep the `.dwo` files");
}
