//! Recording programs in a folder that is the same for every run.

use std::ffi::OsString;
use std::fs::{self, File, FileTimes};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use samestate_report::{Finding, Report, Severity, Subject};
use samestate_tracer::show::Show;
use samestate_tracer::{Comparison, Config, Recording, Stream, compare, record};

/// A folder with the traces, and one inside it that every run finds as it was set up.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    runs: usize,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder"), runs: 0 }
    }

    /// Where programs run.
    pub(crate) fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// The trace of a run, from 1.
    pub(crate) fn trace(&self, run: usize) -> PathBuf {
        self.folder.path().join(format!("{run}.trace"))
    }

    /// Sets the folder up and records a program in it, like an earlier run if one is named.
    pub(crate) fn record(
        &mut self,
        like: Option<usize>,
        setup: impl Fn(&Path),
        command: &[&str],
    ) -> Recording {
        self.record_with(like, setup, command, |_| ())
    }

    /// The same with other options.
    pub(crate) fn record_with(
        &mut self,
        like: Option<usize>,
        setup: impl Fn(&Path),
        command: &[&str],
        options: impl Fn(&mut Config),
    ) -> Recording {
        let work = self.work();
        if work.exists() {
            fs::remove_dir_all(&work).expect("the folder can be removed");
        }
        fs::create_dir(&work).expect("the folder can be created");
        setup(&work);
        self.runs += 1;
        let printed = self.folder.path().join(format!("{}.out", self.runs));
        let printed = File::create(printed).expect("a file for the output");
        let mut config = Config {
            command: command.iter().map(OsString::from).collect(),
            directory: Some(work),
            stdin: Stream::Null,
            stdout: Stream::File(printed.try_clone().expect("a duplicate")),
            stderr: Stream::File(printed),
            output: self.trace(self.runs),
            like: like.map(|run| self.trace(run)),
            ..Config::default()
        };
        options(&mut config);
        record(&config, &mut |_| ()).expect("the program can be recorded")
    }

    /// How many runs there were.
    pub(crate) const fn count(&self) -> usize {
        self.runs
    }

    /// What a run printed.
    pub(crate) fn printed(&self, run: usize) -> String {
        let path = self.folder.path().join(format!("{run}.out"));
        String::from_utf8_lossy(&fs::read(path).expect("the output")).into_owned()
    }

    /// Compares two runs.
    pub(crate) fn compare(&self, left: usize, right: usize) -> Report {
        compare(&self.trace(left), &self.trace(right), &Comparison::default())
            .expect("the traces can be compared")
    }
}

/// The lines of a trace.
pub(crate) fn lines(place: &Place, run: usize) -> Vec<String> {
    let show = Show::open(&place.trace(run)).expect("the trace can be opened");
    show.map(|line| line.expect("a line")).collect()
}

/// Writes a file whose times are always the same.
pub(crate) fn write(path: &Path, content: impl AsRef<[u8]>) {
    fs::write(path, content).expect("the file can be written");
    age(path);
}

/// Gives a file or a folder times that are always the same.
pub(crate) fn age(path: &Path) {
    let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let file = File::open(path).expect("the file can be opened");
    let times = FileTimes::new().set_modified(then).set_accessed(then);
    file.set_times(times).expect("the times can be set");
}

/// Whether a program is there; says so if it is not.
pub(crate) fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    if !found {
        skipped(&format!("{program} not found"));
    }
    found
}

/// The program of this crate that does what the tests need.
pub(crate) fn tracee() -> String {
    static BUILT: OnceLock<String> = OnceLock::new();
    BUILT.get_or_init(|| example("tracee")).clone()
}

/// The program of this crate that saves with a store.
pub(crate) fn saver() -> String {
    static BUILT: OnceLock<String> = OnceLock::new();
    BUILT.get_or_init(|| example("saver")).clone()
}

/// Builds one of the programs of this crate.
///
/// A test run with a filter does not build examples, so it is built here; that takes nothing if it
/// is up to date.
fn example(name: &str) -> String {
    let test = std::env::current_exe().expect("the test's own path");
    // It stands in TARGET/PROFILE/deps.
    let profile = test.ancestors().nth(2).expect("the folder of the profile");
    let target = profile.parent().expect("the target folder");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--package", env!("CARGO_PKG_NAME")]);
    cargo.args(["--example", name, "--target-dir"]).arg(target);
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    let built = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status();
    assert!(built.is_ok_and(|status| status.success()), "{name} can be built");
    profile.join("examples").join(name).to_string_lossy().into_owned()
}

/// The findings in short, for messages.
pub(crate) fn short(report: &Report) -> Vec<String> {
    report.findings.iter().map(|f| format!("{} {} {}", f.rule.id, f.subject, f.message)).collect()
}

/// Nothing differs, and everything could be seen.
pub(crate) fn assert_clean(report: &Report) {
    let bad = report.findings.iter().any(|finding| finding.severity != Severity::Note);
    assert!(!bad, "{:#?}", short(report));
}

/// The first finding of a rule.
pub(crate) fn first<'a>(report: &'a Report, rule: &str) -> &'a Finding {
    let found = report.findings.iter().find(|finding| finding.rule.id == rule);
    found.unwrap_or_else(|| panic!("no {rule} in {:#?}", short(report)))
}

/// The name of the call that a finding is about.
pub(crate) fn call(finding: &Finding) -> &str {
    match &finding.subject {
        Subject::Call(call) => &call.name,
        other => panic!("{other} is no call"),
    }
}

/// What a finding shows of the left and the right run.
pub(crate) fn sides(finding: &Finding) -> (&str, &str) {
    let sides = finding.sides.as_ref().expect("both sides");
    (&sides.left.text, &sides.right.text)
}

/// Says that a test cannot run here. The test harness swallows what `println!` and `eprintln!`
/// print, so this goes around them.
pub(crate) fn skipped(why: &str) {
    let told = std::io::stderr().write_all(format!("skipped: {why}\n").as_bytes());
    told.expect("standard error can be written");
}
