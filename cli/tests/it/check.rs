//! The gate, in a repository with a lock that was committed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::evolution::evolution;
use crate::fixtures::{Said, particles, samestate, samestate_in, skipped};
use crate::table::fresh;

/// Whether there is git.
pub(crate) fn has_git() -> bool {
    let is_there = Command::new("git").arg("--version").output().is_ok();
    if !is_there {
        skipped("git not found");
    }
    is_there
}

/// A repository with a lock of this program, committed; `None` without git.
fn repository(name: &str, program: &Path) -> Option<PathBuf> {
    if !has_git() {
        return None;
    }
    let folder = fresh(name);
    git(&folder, &["init", "--quiet"]);
    fs::write(folder.join("README"), "").unwrap();
    commit(&folder, "first");
    lock(&folder, program);
    commit(&folder, "lock");
    Some(folder)
}

pub(crate) fn git(folder: &Path, words: &[&str]) {
    let who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"];
    let done = Command::new("git").arg("-C").arg(folder).args(who).args(words).output().unwrap();
    assert!(done.status.success(), "{done:?}");
}

pub(crate) fn commit(folder: &Path, message: &str) {
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "--message", message]);
}

fn lock(folder: &Path, program: &Path) {
    let said =
        samestate([Path::new("lock"), program, Path::new("-o"), &folder.join("checkpoint.lock")]);
    assert_eq!(said.code, 0, "{}", said.stderr);
}

fn check(folder: &Path, words: &[&str]) -> Said {
    samestate_in(folder, ["check"].iter().chain(words))
}

pub(crate) fn says(said: &Said, code: i32, words: &[&str], not: &[&str]) {
    let all = format!("{}{}", said.stdout, said.stderr);
    assert_eq!(said.code, code, "{all}");
    for word in words {
        assert!(all.contains(word), "`{word}` is missing in: {all}");
    }
    for word in not {
        assert!(!all.contains(word), "`{word}` is in: {all}");
    }
}

#[test]
fn what_was_told_passes_and_what_was_not_fails() {
    let programs = ["first", "told", "untold"].map(evolution);
    let [first, told, untold] = programs.each_ref().map(|path| path.to_str().unwrap());
    let Some(folder) = repository("gate", &programs[0]) else { return };
    says(&check(&folder, &[first]), 0, &["clean"], &[]);
    // The lock of before: what changed is told, but the lock is to be written again.
    says(&check(&folder, &[told]), 1, &["stale-lock"], &["error[field-added]"]);
    says(&check(&folder, &[untold]), 1, &["stale-lock", "error[field-added]"], &[]);
    // With the lock of now, it is the one of the revision that counts.
    lock(&folder, &programs[1]);
    let head = ["--baseline", "HEAD"];
    says(&check(&folder, &[&[told], &head[..]].concat()), 0, &["clean"], &["stale-lock"]);
    says(&check(&folder, &[told]), 0, &["clean"], &[]);
    lock(&folder, &programs[2]);
    let said = check(&folder, &[&[untold], &head[..]].concat());
    says(&said, 1, &["error[field-added]", "HEAD:checkpoint.lock"], &["stale-lock"]);
    // Where the revision has no lock, nothing can have changed.
    let said = check(&folder, &[untold, "--baseline", "HEAD~1"]);
    says(&said, 0, &["has no checkpoint.lock"], &["error[field-added]"]);
    says(&check(&folder, &[untold, "--baseline", "nowhere"]), 2, &["nowhere"], &[]);
    says(&check(&folder, &[untold, "--baseline", "--help"]), 2, &["--help"], &[]);
}

#[test]
fn state_that_nothing_saves_fails() {
    let (complete, forgotten) = (particles("complete"), particles("forgotten"));
    let Some(folder) = repository("gate-forgotten", &complete) else { return };
    says(&check(&folder, &[complete.to_str().unwrap()]), 0, &["clean"], &[]);
    let said = check(&folder, &[forgotten.to_str().unwrap()]);
    says(&said, 1, &["error[uncovered-field]"], &[]);
}

#[test]
fn samestate_toml_says_what_to_check_and_what_is_allowed() {
    let program = evolution("first");
    let Some(folder) = repository("gate-settings", &evolution("untold")) else { return };
    let file = folder.join("samestate.toml");
    let settings = |rest: &str| {
        fs::write(&file, format!("[check]\nbinary = {program:?}\n{rest}")).unwrap();
        check(&folder, &["--baseline", "HEAD"])
    };
    lock(&folder, &program);
    says(&settings(""), 1, &["error[version-not-bumped]"], &[]);
    let allow = |rule: &str, rest: &str| {
        format!("[[allow]]\nrule = \"{rule}\"\nreason = \"no image is kept\"\n{rest}\n")
    };
    let rules = [
        "field-added",
        "field-removed",
        "field-renamed",
        "field-type-changed",
        "treatment-changed",
        "type-renamed",
        "variant-added",
        "variant-changed",
        "variant-removed",
        "version-not-bumped",
    ];
    let all: String = rules.map(|rule| allow(rule, "")).concat();
    says(&settings(&all), 0, &["no image is kept"], &["error["]);
    // A decision about one subject is about no other.
    let one = all.replacen(
        "rule = \"version-not-bumped\"",
        "rule = \"version-not-bumped\"\nsubject = \"first::Mode\"",
        1,
    );
    says(&settings(&one), 1, &["error[version-not-bumped]", "error[stale-treatment]"], &[]);
    let past = all.replacen("is kept\"", "is kept\"\nuntil = \"2020-01-31\"", 1);
    says(&settings(&past), 1, &["error[expired-treatment]", "2020-01-31"], &[]);
    let unused = format!("{all}{}", allow("root-removed", ""));
    says(&settings(&unused), 1, &["error[stale-treatment]", "root-removed"], &[]);
    for (wrong, words) in [
        (allow("no-such-rule", ""), ["samestate.toml:3", "no-such-rule"]),
        (allow("field-added", "until = \"soon\""), ["samestate.toml:3", "no day"]),
        ("fail-on = \"all\"\n".to_owned(), ["samestate.toml:3", "`warning`"]),
        ("program = \"x\"\n".to_owned(), ["samestate.toml:3", "binary"]),
    ] {
        says(&settings(&wrong), 2, &words, &[]);
    }
}

#[test]
fn without_a_lock_or_a_program_it_says_what_to_do() {
    let folder = fresh("gate-bare");
    let program = evolution("first");
    says(&check(&folder, &[program.to_str().unwrap()]), 2, &["there is no", "samestate lock"], &[]);
    says(&check(&folder, &[]), 2, &["name the binary"], &[]);
}

#[test]
fn cargo_samestate_checks_the_package_it_stands_in() {
    let workspace = crate::fixtures::workspace();
    let package = workspace.join("cli/tests/fixtures/evolution");
    let lock_file = fresh("gate-cargo").join("checkpoint.lock");
    let program = evolution("first");
    let said = samestate([Path::new("lock"), &program, Path::new("-o"), &lock_file]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let output = Command::new(env!("CARGO_BIN_EXE_cargo-samestate"))
        .args(["samestate", "check", "--build", "--lock"])
        .arg(&lock_file)
        // The folder of the other builds changes under those who copy from it.
        .env("CARGO_TARGET_DIR", crate::fixtures::scratch().join("gate"))
        .current_dir(&package)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("clean"), "{output:?}");
}

/// Runs `cargo samestate check` in a folder of a workspace, built elsewhere.
fn cargo_check(folder: &Path, target: &Path, words: &[&str]) -> Said {
    let output = Command::new(env!("CARGO_BIN_EXE_cargo-samestate"))
        .args(["samestate", "check"])
        .args(words)
        .env("CARGO_TARGET_DIR", target)
        .current_dir(folder)
        .output()
        .unwrap();
    Said::new(&output)
}

#[test]
fn cargo_samestate_says_which_program_it_needs() {
    let folder = fresh("gate-workspace");
    fs::write(
        folder.join("Cargo.toml"),
        "[workspace]\nmembers = [\"one\", \"two\"]\nresolver = \"3\"\n",
    )
    .unwrap();
    for (package, programs) in [("one", &["one"][..]), ("two", &["left", "right"])] {
        let bin = folder.join(package).join("src/bin");
        fs::create_dir_all(&bin).unwrap();
        let manifest = format!("[package]\nname = \"{package}\"\nedition = \"2024\"\n");
        fs::write(folder.join(package).join("Cargo.toml"), manifest).unwrap();
        for program in programs {
            fs::write(bin.join(format!("{program}.rs")), "fn main() {}\n").unwrap();
        }
    }
    let target = folder.join("elsewhere");
    let check = |at: &str, words: &[&str]| cargo_check(&folder.join(at), &target, words);
    let all = ["--package one --bin one", "--package two --bin left", "--package two --bin right"];
    says(&check("", &[]), 2, &all, &[]);
    says(&check("two/src", &[]), 2, &["`--bin left`", "`--bin right`"], &["one"]);
    says(&check("", &["--package", "three"]), 2, &["no package `three`", "`one`, `two`"], &[]);
    says(&check("", &["-p", "two", "--bin", "up"]), 2, &["no program named `up`"], &[]);
    says(&check("one", &[]), 2, &["elsewhere/debug/one is not built", "--build"], &[]);
    let left = ["--bin", "left", "--release"];
    says(&check("", &left), 2, &["elsewhere/release/left is not built"], &[]);
    let words = [&left[..], &["--package", "two", "--build"]].concat();
    let lock = folder.join("two/checkpoint.lock").display().to_string();
    says(&check("", &words), 2, &["there is no", &lock, "elsewhere/release/left -o"], &[]);
    // What was found goes on to be read, and has no state to check.
    fs::write(&lock, "samestate lock 1\nend\n").unwrap();
    says(&check("", &words), 3, &["could not be looked at"], &["stale-lock"]);
    says(&check("two", &["--bin", "left", "--cargo-profile", "release"]), 3, &[], &["not built"]);
    says(&check("", &["x", "--build"]), 2, &["cannot be used with"], &[]);
}

#[test]
fn what_stands_in_its_way_is_told() {
    let program = evolution("first");
    let Some(folder) = repository("gate-hurdles", &program) else { return };
    let words = [program.to_str().unwrap(), "--baseline", "HEAD"];
    let run = |folder: &Path, words: &[&str], env: &[(&str, &Path)]| {
        let output = Command::new(env!("CARGO_BIN_EXE_samestate"))
            .arg("check")
            .args(words)
            .current_dir(folder)
            .envs(env.iter().copied())
            .output()
            .unwrap();
        Said::new(&output)
    };
    // Hooks are run with the place of the repository as seen from another folder.
    let hook = [("GIT_DIR", Path::new(".git")), ("GIT_INDEX_FILE", Path::new(".git/index"))];
    fs::create_dir(folder.join("below")).unwrap();
    let from_below = [&words[..], &["--lock", "../checkpoint.lock"]].concat();
    says(&run(&folder.join("below"), &from_below, &hook), 0, &["clean"], &[]);
    says(&run(&folder, &words, &[("PATH", &folder)]), 3, &["needs git", "leave out"], &[]);
    let lock = fs::read_to_string(folder.join("checkpoint.lock")).unwrap();
    let bare = fresh("gate-no-repository");
    fs::write(bare.join("checkpoint.lock"), &lock).unwrap();
    let ceiling = [("GIT_CEILING_DIRECTORIES", bare.parent().unwrap())];
    says(&run(&bare, &words, &ceiling), 2, &["in no repository", "--baseline"], &[]);

    // A lock that a merge left half done, here and in the revision.
    let half = lock.replace("\nstruct ", "\n<<<<<<< HEAD\nstruct ");
    fs::write(folder.join("checkpoint.lock"), &half).unwrap();
    says(&check(&folder, &words[..1]), 3, &["checkpoint.lock:", "conflict"], &[]);
    commit(&folder, "half done");
    fs::write(folder.join("checkpoint.lock"), &lock).unwrap();
    says(&check(&folder, &words), 3, &["HEAD:checkpoint.lock:", "conflict"], &[]);
    fs::remove_file(folder.join("checkpoint.lock")).unwrap();
    fs::create_dir(folder.join("checkpoint.lock")).unwrap();
    says(&check(&folder, &words[..1]), 2, &["checkpoint.lock is a folder"], &[]);

    for (text, place) in [
        (&b"\xff\xfe"[..], "samestate.toml"),
        (b"roots = []\n<<<<<<< HEAD\n", "samestate.toml:2:"),
        (b"[check]\nlocks = \"x\"\n", "samestate.toml:2:1: unknown field `locks`"),
    ] {
        fs::write(folder.join("samestate.toml"), text).unwrap();
        says(&check(&folder, &words), 2, &[place], &[]);
    }
}

#[test]
fn one_run_writes_several_reports() {
    let (complete, forgotten) = (particles("complete"), particles("forgotten"));
    let Some(folder) = repository("gate-reports", &complete) else { return };
    let program = forgotten.to_str().unwrap();
    let words = ["--report", "sarif=a.sarif", "--report", "text=a.txt", "--report", "junit=a.xml"];
    says(&check(&folder, &[&[program], &words[..]].concat()), 1, &["uncovered-field"], &[]);
    for (file, start) in [("a.sarif", "{"), ("a.txt", "error["), ("a.xml", "<?xml")] {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        assert!(text.starts_with(start) && text.contains("uncovered-field"), "{text}");
    }
    for (wrong, words) in
        [("pdf=x", "`pdf` is no format"), ("sarif", "FORMAT=FILE"), ("json=", "name")]
    {
        says(&check(&folder, &[program, "--report", wrong]), 2, &[words], &[]);
    }
    says(&check(&folder, &[program, "--report", "json=no/a.json"]), 2, &["no/a.json"], &[]);
}
