//! How often each rule and each mirror was used, at the end of a verification.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use expect_test::expect;
use serde_json::{Value, json};

use crate::fixtures::{Said, skipped, workspace};
use crate::table::fresh;

/// The words that verify the program, whose folder is `folder`; `None` without a compiler.
fn words(folder: &Path) -> Option<Vec<String>> {
    let program = folder.with_extension("program");
    let source = workspace().join("cli/tests/fixtures/uses/uses.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-O1", "-Wall", "-Werror", "-o"]).arg(&program).arg(source);
    let Ok(built) = compiler.status() else {
        skipped("cc not found");
        return None;
    };
    assert!(built.success());
    let run = format!("{} {}", program.display(), folder.display());
    let restore = format!("{run} {{image}}");
    let words = ["verify", "--saved-on", "*.sav", "--restore", &*restore, "--"].into_iter();
    Some(words.chain(run.split(' ')).map(str::to_owned).collect())
}

/// Runs samestate, with a byte in a pipe for the program to read.
fn run(words: &[String]) -> Said {
    let mut samestate = Command::new(env!("CARGO_BIN_EXE_samestate"));
    samestate.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = samestate.spawn().unwrap();
    running.stdin.take().unwrap().write_all(b"x").unwrap();
    Said::new(&running.wait_with_output().unwrap())
}

#[test]
fn what_was_mirrored_and_which_rules_counted_is_told_in_short_and_whole() {
    let Some(mut words) = words(&fresh("uses")) else { return };
    let said = run(&words);
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    let end = said.stdout.find("  image").unwrap();
    expect![[r#"
          image      step  calls compared  divergences  verdict  ended with
          state.sav     0               8            0  same     exit status 0

          used              times  which
          mirrored results      5  clock_gettime 3, getrandom 1, read 1
          rules                 3  children waited for in any order 2, descriptors of another number 1

        verify: clean (1 checkpoints, 8 calls compared, 0 divergences)
    "#]]
    .assert_eq(&said.stdout[end..]);

    words.splice(..0, ["--format", "json"].map(str::to_owned));
    let report: Value = serde_json::from_str(&run(&words).stdout).unwrap();
    let table = &report["tables"][1];
    assert_eq!(table["row"], "use");
    let rows = [
        json!(["mirrored results", "5", "clock_gettime 3, getrandom 1, read 1"]),
        json!([
            "rules",
            "3",
            "children waited for in any order 2, descriptors of another number 1"
        ]),
    ];
    assert_eq!(table["rows"], json!(rows));
    let fact = |what: &str| -> Value {
        let facts = report["facts"].as_array().unwrap();
        let fact = facts.iter().find(|fact| fact["what"] == what);
        fact.unwrap_or_else(|| panic!("{what} is not told in {facts:?}"))["count"].clone()
    };
    assert_eq!(fact("results of clock_gettime mirrored"), 3);
    assert_eq!(fact("results of getrandom mirrored"), 1);
    assert_eq!(fact("results of read mirrored"), 1);
    assert_eq!(fact("children waited for in any order"), 2);
    assert_eq!(fact("descriptors of another number"), 1);
}
