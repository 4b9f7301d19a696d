//! The hook as pre-commit runs it, in a repository of somebody who uses it.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::action::{edit, game, one_at_a_time, read};
use crate::check::{commit, git, says};
use crate::fixtures::{Said, scratch, skipped};
use crate::table::fresh;

/// A repository with the hook alone, as pre-commit clones it; and its only revision.
fn hooks() -> (std::path::PathBuf, String) {
    let folder = fresh("pre-commit-hooks");
    fs::create_dir_all(folder.join("ci/hooks")).unwrap();
    for file in [".pre-commit-hooks.yaml", "ci/hooks/pre-commit"] {
        let from = crate::fixtures::workspace().join(file);
        // With its permissions: what cannot be executed is no hook.
        fs::copy(from, folder.join(file)).unwrap();
    }
    git(&folder, &["init", "--quiet"]);
    commit(&folder, "the hook");
    let output =
        Command::new("git").arg("-C").arg(&folder).args(["rev-parse", "HEAD"]).output().unwrap();
    (folder, String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

fn run(program: &str, words: &[&str], folder: &Path, home: &Path) -> Said {
    let output = Command::new(program)
        .args(words)
        .current_dir(folder)
        .env("PRE_COMMIT_HOME", home)
        .env("SAMESTATE", env!("CARGO_BIN_EXE_samestate"))
        .env("CARGO_TARGET_DIR", scratch().join("gate"))
        .env("CARGO_NET_OFFLINE", "true")
        .output()
        .unwrap();
    Said::new(&output)
}

#[test]
fn pre_commit_runs_the_hook() {
    if Command::new("pre-commit").arg("--version").output().is_err() {
        skipped("pre-commit not found");
        return;
    }
    let _alone = one_at_a_time();
    let Some(folder) = game("pre-commit") else { return };
    assert!(read("docs/CI.md").contains("- id: samestate\n      args: [--package, app]"));
    let (repository, revision) = hooks();
    let config = format!(
        "repos:\n- repo: {}\n  rev: {revision}\n  hooks:\n    - id: samestate\n      args: \
         [--package, game]\n",
        repository.display()
    );
    fs::write(folder.join(".pre-commit-config.yaml"), config).unwrap();
    commit(&folder, "hooks");
    let home = fresh("pre-commit-home");
    says(&run("pre-commit", &["install"], &folder, &home), 0, &["installed"], &[]);
    let try_commit = |words: &[&str]| {
        let who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org", "commit"];
        let said = run("git", &[&who, words, &["--message", "x"]].concat(), &folder, &home);
        // Colors are for people.
        Said { stderr: said.stderr.replace('\u{1b}', ""), ..said }
    };

    // What has no state is not looked at.
    fs::write(folder.join("NOTES"), "a game\n").unwrap();
    git(&folder, &["add", "NOTES"]);
    says(&try_commit(&[]), 0, &["(no files to check)", "Skipped"], &["clean"]);
    edit(&folder, "src/main.rs", "//! A game.", "//! A game with a level.");
    says(&try_commit(&["--all"]), 0, &["Passed"], &["error["]);

    // A field that nothing saves is refused, and is committed only if it is told.
    edit(&folder, "src/main.rs", "    level: u32,\n", "    level: u32,\n    lives: u8,\n");
    edit(&folder, "src/main.rs", "level: 1,", "level: 1, lives: 3,");
    let refused = ["Failed", "exit code: 1", "error[field-added]", "src/main.rs:11:5"];
    says(&try_commit(&["--all"]), 1, &refused, &[]);
    // What is not staged is put aside, so that what is committed is what was looked at.
    git(&folder, &["reset", "--quiet"]);
    fs::write(folder.join("src/unused.rs"), "// not a module yet\n").unwrap();
    git(&folder, &["add", "src/unused.rs"]);
    says(&try_commit(&[]), 0, &["Passed"], &["error["]);
    let text = fs::read_to_string(folder.join("src/main.rs")).unwrap();
    assert!(text.contains("lives: u8"), "{text}");

    // All files, as a service runs it.
    let all = run("pre-commit", &["run", "--all-files"], &folder, &home);
    says(&all, 1, &["error[field-added]"], &[]);
    git(&folder, &["checkout", "--quiet", "--", "."]);
    says(&run("pre-commit", &["run", "--all-files"], &folder, &home), 0, &["Passed"], &[]);
}
