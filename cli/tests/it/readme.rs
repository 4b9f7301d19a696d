//! The sample reports in the README are what samestate says today.
//!
//! A sample is the text block after `<!-- sample: NAME -->`. With `UPDATE_EXPECT` set, the blocks
//! are written again.

use std::fs;
use std::path::Path;

use crate::fixtures::{Said, particles, samestate, workspace};
use crate::table::fresh;

/// The output with the places of this machine and the ids of processes replaced by what a user
/// would see.
fn shown(said: &Said, programs: &[&Path], names: &[&str]) -> String {
    let mut text = said.stdout.clone();
    for (program, name) in programs.iter().zip(names) {
        text = text.replace(&program.display().to_string(), name);
    }
    let mut parts = text.split("(process ");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        shown.push_str("(process 4711");
        shown.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    shown.trim_end().to_owned()
}

/// The first finding, and what stands after the last one: where a run goes wrong once, all that
/// follows differs, too.
fn first_and_last(text: &str) -> String {
    let first = text.split("\n\n").next().unwrap();
    let table = text.find("\n  image ").unwrap();
    format!("{first}\n…\n{}", &text[table + 1..])
}

/// The text without the positions of calls and the number of its frames, which depend on the
/// standard library.
fn masked(text: &str) -> String {
    let position = |line: &str| {
        let line = line.trim_start().strip_prefix("= ")?.trim_start_matches(['>', ' ']);
        let call = line.trim_start_matches(|c: char| c.is_ascii_digit());
        (call.len() < line.len()).then(|| call.to_owned())
    };
    let lines = text.lines().map(|line| match line.split_once(", call ") {
        Some((before, _)) => before.to_owned(),
        None if line.ends_with(" others are left out, see `--verbose`)") => String::new(),
        None => position(line).unwrap_or_else(|| line.to_owned()),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn check(name: &str, text: &str) {
    let path = workspace().join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let mark = format!("<!-- sample: {name} -->\n```text\n");
    let start = readme.find(&mark).expect("the README has the sample") + mark.len();
    // The block may be empty, so its end may be the line after its start.
    let end = start + readme[start - 1..].find("\n```").unwrap();
    if masked(readme[start..end].trim_end()) == masked(text) {
        return;
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, format!("{}{text}\n{}", &readme[..start], &readme[end..])).unwrap();
    } else {
        panic!("sample {name} of the README says\n{}\nbut it is\n{text}", &readme[start..end]);
    }
}

/// One test, so that two samples are never written at the same time.
#[test]
fn the_samples_are_what_samestate_says() {
    let (complete, forgotten, drifted) =
        (particles("complete"), particles("forgotten"), particles("drifted"));

    let said = samestate([Path::new("coverage"), &forgotten]);
    assert_eq!(said.code, 1);
    check("coverage", &shown(&said, &[&forgotten], &["target/debug/particles"]));

    let said = samestate([Path::new("drift"), &complete, &drifted]);
    assert_eq!(said.code, 1);
    check("drift", &shown(&said, &[&complete, &drifted], &["old/particles", "new/particles"]));

    let folder = fresh("readme");
    let options = format!("--dir {} --steps 60 --every 20", folder.display());
    let command = format!("{} {options}", forgotten.display());
    let restore = format!("--restore={command} --restore {{image}}");
    let state = format!("--state={}", folder.display());
    let mut args = vec!["verify", &restore, &state, "--"];
    args.extend(command.split(' '));
    let said = samestate(args);
    assert_eq!(said.code, 1, "{}{}", said.stdout, said.stderr);
    let text = shown(&said, &[&forgotten, &folder], &["target/debug/particles", "run"]);
    check("verify", &first_and_last(&text));
}
