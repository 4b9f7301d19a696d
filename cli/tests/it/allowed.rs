//! Differences of runs that samestate.toml allows.

use std::fs;
use std::path::{Path, PathBuf};

use expect_test::{Expect, expect};

use crate::fixtures::{Said, particles, samestate, samestate_in};
use crate::table::fresh;

/// A folder with two recorded runs of a script that copies a line, which differs.
fn runs(name: &str) -> PathBuf {
    let folder = fresh(name);
    fs::write(folder.join("copy.sh"), "exec head -c 6 in > out\n").unwrap();
    for (run, line) in [("one", "first\n"), ("two", "other\n")] {
        fs::write(folder.join("in"), line).unwrap();
        fs::write(folder.join("out"), "").unwrap();
        let trace = format!("{run}.trace");
        let said = samestate_in(&folder, ["record", "-o", &trace, "--", "sh", "copy.sh"]);
        assert_eq!(said.code, 0, "{}", said.stderr);
    }
    folder
}

fn compare(folder: &Path, settings: &str) -> Said {
    fs::write(folder.join("samestate.toml"), settings).unwrap();
    samestate_in(folder, ["compare", "one.trace", "two.trace"])
}

/// What is said of decisions, and the sum, without what depends on the C library.
fn check(said: &Said, code: i32, expected: &Expect) {
    let lines = said.stdout.lines().skip_while(|line| !line.starts_with("  allowed"));
    let lines = lines.map(|line| match line.split_once(" calls compared") {
        Some((before, after)) => {
            let before = before.trim_end_matches(|c: char| c.is_ascii_digit());
            format!("{before}… calls compared{after}")
        }
        None => line.to_owned(),
    });
    expected.assert_eq(&lines.map(|line| line + "\n").collect::<String>());
    assert_eq!(said.code, code, "{}{}", said.stdout, said.stderr);
}

const BOTH: &str = "
[[allow]]
rule = \"input-differs\"
call = \"read\"
path = \"*/in\"
reason = \"another line comes in\"

[[allow]]
rule = \"payload-differs\"
call = \"write\"
path = \"*/out\"
argument = \"buf\"
thread = \"0\"
reason = \"it is copied\"
until = \"9999-12-31\"
";

#[test]
fn what_is_allowed_is_left_out_and_counted() {
    let folder = runs("allowed-both");
    check(&compare(&folder, ""), 1, &expect![""]);
    check(
        &compare(&folder, BOTH),
        0,
        &expect![[r#"
          allowed          subject                                         findings  reason
          input-differs    call read, path */in                                   1  another line comes in
          payload-differs  call write, path */out, argument buf, thread 0         1  it is copied

        compare one.trace two.trace: clean (… calls compared, 0 divergences, 2 allowed)
    "#]],
    );
}

#[test]
fn what_an_entry_does_not_describe_stays() {
    let folder = runs("allowed-other");
    for (from, to) in [
        ("path = \"*/out\"", "path = \"*/in\""),
        ("argument = \"buf\"", "argument = \"count\""),
        ("thread = \"0\"", "thread = \"0.1\""),
        ("call = \"write\"", "call = \"pwrite64\""),
        ("\"payload-differs\"", "\"argument-differs\""),
    ] {
        assert!(BOTH.contains(from));
        let said = compare(&folder, &BOTH.replace(from, to));
        assert_eq!(said.code, 1, "{to}: {}", said.stdout);
        assert!(said.stdout.contains("error[payload-differs]"), "{to}");
        // And the entry is of no use.
        assert!(said.stdout.contains("warning[stale-treatment]"), "{to}: {}", said.stdout);
    }
}

#[test]
fn an_entry_past_its_day_fails() {
    let folder = runs("allowed-expired");
    let said = compare(&folder, &BOTH.replace("9999", "2020"));
    check(
        &said,
        1,
        &expect![[r#"
          allowed          subject                                         findings  reason
          input-differs    call read, path */in                                   1  another line comes in
          payload-differs  call write, path */out, argument buf, thread 0         1  it is copied

        compare one.trace two.trace: failed, 1 error (… calls compared, 0 divergences, 2 allowed)
    "#]],
    );
    assert!(said.stdout.contains("error[expired-treatment]"));
}

#[test]
fn mistakes_are_told_where_they_are() {
    let folder = runs("allowed-mistakes");
    for (from, to, words) in [
        ("it is copied", " ", "without a reason"),
        ("payload-differs", "payload-changes", "is no rule"),
        ("payload-differs", "uncovered-field", "is about no system call"),
        ("9999-12-31", "9999-13-31", "is no day"),
        ("thread", "threads", "unknown field"),
    ] {
        let said = compare(&folder, &BOTH.replace(from, to));
        assert_eq!(said.code, 2, "{to}: {}", said.stdout);
        let told = &said.stderr;
        assert!(told.contains("samestate.toml:") && told.contains(words), "{to}: {told}");
    }
    // Those of another command are not asked.
    let said = compare(
        &folder,
        &format!("{BOTH}[[allow]]\nrule = \"uncovered-field\"\nreason = \"for `check`\"\n"),
    );
    assert_eq!(said.code, 0, "{}", said.stdout);
}

#[test]
fn verify_leaves_out_what_is_allowed_and_fails_for_what_is_not_found() {
    let (program, folder) = (particles("forgotten"), fresh("allowed-verify"));
    let state = folder.join("state");
    fs::create_dir_all(&state).unwrap();
    let command = format!("{} --dir {} --steps 40 --every 20", program.display(), state.display());
    let verify = |settings: &str| {
        let file = folder.join("settings.toml");
        fs::write(&file, settings).unwrap();
        let mut args = vec![
            "verify".to_owned(),
            format!("--config={}", file.display()),
            format!("--restore={command} --restore {{image}}"),
            format!("--state={}", state.display()),
            "--".to_owned(),
        ];
        args.extend(command.split(' ').map(str::to_owned));
        samestate(args)
    };
    let allow = |rule: &str, more: &str| {
        format!("[[allow]]\nrule = \"{rule}\"\n{more}\nreason = \"the generator starts anew\"\n")
    };
    let log = allow("payload-differs", "path = \"*/particles.log\"");
    let image = allow("image-differs", "");
    let said = verify(&format!("{log}{image}"));
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    assert!(said.stdout.contains("the generator starts anew"), "{}", said.stdout);
    assert!(said.stdout.contains(" 21 allowed"), "{}", said.stdout);
    assert!(!said.stdout.contains("  differs\n"), "{}", said.stdout);
    // Without one of them, the other is still told, and the difference as well.
    let said = verify(&log);
    assert_eq!(said.code, 1);
    assert!(said.stdout.contains("error[image-differs]") && said.stdout.contains(" 20 allowed"));
    let said = verify(&format!("{log}{image}{}", allow("signal-differs", "")));
    assert_eq!(said.code, 1);
    assert!(said.stdout.contains("error[stale-treatment]"), "{}", said.stdout);
}
