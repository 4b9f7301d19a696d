//! The example in its three states, and running samestate on them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

/// Says that a test cannot run here. The test harness swallows what `println!` and `eprintln!`
/// print, so this goes around them.
pub(crate) fn skipped(why: &str) {
    let told = std::io::stderr().write_all(format!("skipped: {why}\n").as_bytes());
    told.unwrap();
}

/// The folder of the workspace.
pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A folder for what the tests build; it is kept from one run to the next.
pub(crate) fn scratch() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
}

/// Builds the package with this manifest, once for each name, and returns a copy of its program
/// that later builds do not touch.
pub(crate) fn build(manifest: &Path, features: &[&str], name: &str) -> PathBuf {
    build_in(manifest, features, name, "build")
}

/// The same in a target folder of its own, for programs of one name.
pub(crate) fn build_in(manifest: &Path, features: &[&str], name: &str, target: &str) -> PathBuf {
    // One build at a time: they share a target folder.
    static BUILT: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(program) = built.get(name) {
        return program.clone();
    }
    let output = Command::new(env!("CARGO"))
        .args(["build", "--message-format=json-render-diagnostics", "--manifest-path"])
        .arg(manifest)
        .arg("--target-dir")
        .arg(scratch().join(target))
        .args(["--features", &features.join(",")])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} does not build:\n{told}", manifest.display());
    let program = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .next_back()
        .expect("the package has a program");
    let copy = scratch().join("programs").join(name).join(program.file_name().unwrap());
    fs::create_dir_all(copy.parent().unwrap()).unwrap();
    fs::copy(program, &copy).unwrap();
    built.insert(name.to_owned(), copy.clone());
    copy
}

/// The particle simulation in one of its states: `complete`, `forgotten` or `drifted`.
pub(crate) fn particles(state: &str) -> PathBuf {
    let features: &[&str] = if state == "complete" { &[] } else { &[state] };
    build(&workspace().join("examples/particles/Cargo.toml"), features, state)
}

/// What samestate said and how it ended.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    pub(crate) fn new(output: &Output) -> Self {
        Self {
            code: output.status.code().expect("samestate was killed by a signal"),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Runs samestate in the workspace's folder.
pub(crate) fn samestate<I: AsRef<OsStr>>(args: impl IntoIterator<Item = I>) -> Said {
    samestate_in(workspace(), args)
}

/// Runs samestate in a folder.
pub(crate) fn samestate_in<I: AsRef<OsStr>>(
    folder: &Path,
    args: impl IntoIterator<Item = I>,
) -> Said {
    let output = Command::new(env!("CARGO_BIN_EXE_samestate"))
        .args(args)
        .current_dir(folder)
        .env_remove("NO_COLOR")
        .output()
        .unwrap();
    Said::new(&output)
}

/// Runs samestate with `--format json`; returns the report, which must agree with the exit code.
pub(crate) fn report<I: AsRef<OsStr>>(args: impl IntoIterator<Item = I>) -> Value {
    let mut all = vec![OsStr::new("--format").to_owned(), OsStr::new("json").to_owned()];
    all.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
    let said = samestate(&all);
    let report: Value = serde_json::from_str(&said.stdout).unwrap_or_else(|error| {
        panic!("no report ({error}), exit code {}: {}{}", said.code, said.stdout, said.stderr)
    });
    assert_eq!(report["exit_code"], said.code, "the report and the exit code disagree");
    report
}

/// The findings of a report as `rule subject`, in order, notes left out.
pub(crate) fn findings(report: &Value) -> Vec<String> {
    report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["severity"] != "note")
        .map(|finding| {
            let subject = &finding["subject"];
            let about = subject["path"].as_str().or_else(|| subject["name"].as_str());
            format!("{} {}", finding["rule"].as_str().unwrap(), about.unwrap())
        })
        .collect()
}
