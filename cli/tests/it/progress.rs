//! What is said while it takes long: on stderr, and only where that is a terminal.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::fixtures::{samestate, skipped};
use crate::spoiled::python;
use crate::table::fresh;

/// `SCRIPT FOLDER WHAT [IMAGE]`: takes its time for each of three steps, saves twice, and writes WHAT
/// in the end.
const SLOW: &str = r#"
import os, sys

folder, what = sys.argv[1:3]
step = 0

def put(name, text):
    file = os.open(os.path.join(folder, name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.write(file, text)
    os.close(file)

if len(sys.argv) > 3:
    file = os.open(sys.argv[3], os.O_RDONLY)
    step = int(os.read(file, 9))
    os.close(file)
while step < 3:
    for _ in range(25):
        sum(range(500_000))
    step += 1
    if step < 3:
        put("state.sav", b"%d\n" % step)
put("end", what.encode())
"#;

/// The words that verify a program whose restored runs write something else in the end.
fn words(folder: &Path, then: &str) -> Option<Vec<String>> {
    let python = python()?;
    let script = folder.with_extension("py");
    fs::write(&script, SLOW).unwrap();
    let run = format!("{python} -I -S {} {}", script.display(), folder.display());
    let restore = format!("{run} {then} {{image}}");
    // One run after the other, so that their order is known.
    let words = ["verify", "--jobs", "1", "--saved-on", "*.sav", "--restore", &*restore, "--"];
    let words = words.into_iter();
    Some(words.chain(run.split(' ')).chain(["mine"]).map(str::to_owned).collect())
}

/// Runs samestate with a terminal for everything but its output: what it says there, and its output.
fn on_a_terminal(folder: &Path, words: &[String]) -> Option<(String, String)> {
    let (typed, output) = (folder.with_extension("typed"), folder.with_extension("out"));
    let quoted: Vec<_> = words.iter().map(|word| format!("'{word}'")).collect();
    let samestate = env!("CARGO_BIN_EXE_samestate");
    let command = format!(
        "stty rows 24 cols 120; exec '{samestate}' {} >'{}'",
        quoted.join(" "),
        output.display()
    );
    let mut script = Command::new("script");
    script.args(["-qfec", &*command]).arg(&typed).env("TERM", "xterm").env("SHELL", "/bin/sh");
    let ended = script.stdin(Stdio::null()).stdout(Stdio::null()).status();
    if ended.is_err() {
        skipped("script not found");
        return None;
    }
    let typed = String::from_utf8_lossy(&fs::read(typed).unwrap()).into_owned();
    Some((typed, fs::read_to_string(output).unwrap()))
}

#[test]
fn each_stage_of_a_verification_is_told_where_somebody_looks() {
    let folder = fresh("progress");
    let Some(other) = words(&folder, "other") else { return };
    let Some((told, output)) = on_a_terminal(&folder, &other) else { return };
    let mut rest = &*told;
    for stage in [
        "running the original",
        "running the original: saved",
        "restoring from checkpoint 1 of 2",
        "running the original again",
        "asking where the calls are made that differ",
        "restoring from checkpoint 2 of 2",
    ] {
        let at = rest.find(stage).unwrap_or_else(|| panic!("{stage} is not told in {told:?}"));
        rest = &rest[at..];
    }
    // The report is where it is wanted, and nowhere else.
    assert!(output.contains("verify: failed"), "{output}");
    assert!(!told.contains("verify: failed") && !output.contains("restoring from"), "{output}");
    assert!(!output.contains('\x1b') && !output.contains('\r'), "{output:?}");
    // The last line that it drew is gone.
    let last = told.trim_end_matches(['\n', '\r']).rsplit(['\n', '\r']).next().unwrap_or_default();
    assert!(!last.contains("checkpoint"), "{told:?}");

    // The same where nobody looks.
    let piped = samestate(&other);
    assert_eq!((piped.code, &*piped.stderr), (1, ""));
    let end = |text: &str| text.lines().rev().take(4).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(end(&piped.stdout), end(&output));
}

#[test]
fn an_original_that_does_not_differ_is_not_run_again() {
    let folder = fresh("progress-same");
    let Some(same) = words(&folder, "mine") else { return };
    let Some((told, output)) = on_a_terminal(&folder, &same) else { return };
    assert!(told.contains("restoring from checkpoint 2 of 2"), "{told:?}");
    assert!(!told.contains("running the original again"), "{told:?}");
    assert!(output.contains("verify: clean"), "{output}");
}
