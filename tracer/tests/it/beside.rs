//! Several restored runs at once.

use std::fs;
use std::path::Path;
use std::process::Command;

use samestate_tracer::{Announce, Verdict, Verification, Verify, Which, verify};

use crate::support::{has, short, skipped, tracee};
use crate::verify::{config, folder, verdicts, words};

/// How many restored runs were made beside others.
fn at_once(found: &Verification) -> u64 {
    let wanted = "restored runs made at once";
    let fact = found.report.facts.iter().find(|fact| fact.what == wanted);
    fact.expect("it is told").count
}

fn run(config: &Verify) -> Verification {
    verify(config, &mut |_| ()).expect("it can be verified")
}

/// Whether this machine lets us cover folders; says so if not.
fn can_cover() -> bool {
    let folder = folder();
    let mut config = config(folder.path(), "");
    config.jobs = 2;
    let found = run(&config);
    let why = found.report.notes.iter().find(|note| note.contains("made at once"));
    if let Some(why) = why {
        skipped(why);
    }
    at_once(&found) == 3
}

#[test]
fn a_report_says_the_same_however_many_runs_are_made_at_once() {
    if !can_cover() {
        return;
    }
    for (flags, rounds, beside) in [
        ("", 1, 3),
        ("", 3, 6),
        ("--terse", 3, 6),
        ("--threads", 1, 3),
        ("--time", 2, 5),
        ("--outside", 1, 1),
        ("--forget-random", 1, 1),
        ("--forget-offset", 2, 1),
        ("--broken", 1, 0),
        ("--other", 1, 0),
        ("--bad-resave", 3, 1),
        ("--unkept", 2, 1),
        ("--umask", 1, 0),
    ] {
        let one = |jobs| {
            let folder = folder();
            let mut config = config(folder.path(), flags);
            (config.jobs, config.rounds) = (jobs, rounds);
            config.work = Some(folder.path().join("work"));
            let mut found = run(&config);
            assert!(!flags.starts_with("--terse") || found.checkpoints.len() == 6);
            let at_once = at_once(&found);
            found.report.facts.retain(|fact| fact.what != "restored runs made at once");
            found.report.notes.retain(|note| !note.contains("made at once"));
            let text = format!("{:#?}", (&found.report, &found.checkpoints));
            let text = text.replace(&*folder.path().to_string_lossy(), "FOLDER");
            (without_process_ids(&text), at_once)
        };
        let (alone, nothing) = one(1);
        let (together, some) = one(4);
        assert_eq!(nothing, 0, "{flags}");
        assert_eq!(some, beside, "{flags} {rounds}");
        let unlike =
            alone.lines().zip(together.lines()).find(|(alone, together)| alone != together);
        assert_eq!(unlike, None, "{flags} {rounds}");
        assert_eq!(alone.len(), together.len(), "{flags} {rounds}");
    }
}

/// Each run has processes of its own.
fn without_process_ids(text: &str) -> String {
    const BEFORE: &str = "(process ";
    let digits =
        |rest: &str| rest.trim_start_matches(|letter: char| letter.is_ascii_digit()).to_owned();
    let mut parts = text.split(BEFORE);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, rest| text + BEFORE + &digits(rest))
}

/// Whoever waits for another run goes on with an error when the test ends.
struct Key(u64);

impl Drop for Key {
    fn drop(&mut self) {
        let _nothing_is_left = Command::new(tracee()).arg("part").arg(self.0.to_string()).status();
    }
}

#[test]
fn runs_are_really_made_at_the_same_time() {
    if !can_cover() {
        return;
    }
    let key = Key(u64::from(std::process::id()) << 8 | 7);
    let folder = folder();
    // Each restored run waits for another one.
    let mut config = config(folder.path(), &format!("--meet={}", key.0));
    config.which = Which::Sample(2);
    config.jobs = 2;
    config.timeout = Some(std::time::Duration::from_secs(60));
    let found = run(&config);
    assert!(found.report.findings.is_empty(), "{:#?}", short(&found.report));
    assert_eq!((verdicts(&found), at_once(&found)), (vec![Verdict::Same; 2], 2));
}

#[test]
fn what_stands_elsewhere_is_changed_by_one_run_at_a_time() {
    if !can_cover() {
        return;
    }
    let folder = folder();
    let mut config = config(folder.path(), "--astray");
    config.jobs = 3;
    let found = run(&config);
    assert!(found.report.findings.is_empty(), "{:#?}", short(&found.report));
    assert_eq!((verdicts(&found), at_once(&found)), (vec![Verdict::Same; 3], 0));
    let why = "which the original did not change";
    assert!(found.report.notes.iter().any(|note| note.contains(why)), "{:?}", found.report.notes);
    assert!(!folder.path().join("astray").exists(), "it is put back");
}

/// A program that may not change a file beside others because it is told of in another way.
fn elsewhere(flags: &str, why: &str) {
    if !can_cover() {
        return;
    }
    let folder = folder();
    let victim = folder.path().join("victim");
    fs::write(&victim, "the user's").expect("a file");
    let mut config = config(folder.path(), flags);
    config.jobs = 3;
    let found = run(&config);
    assert!(found.report.findings.is_empty(), "{:#?}", short(&found.report));
    assert_eq!((verdicts(&found), at_once(&found)), (vec![Verdict::Same; 3], 0));
    assert!(found.report.notes.iter().any(|note| note.contains(why)), "{:?}", found.report.notes);
    let left = fs::read_to_string(victim).expect("it is put back");
    assert_eq!(left, "the user's");
}

#[test]
fn what_is_removed_elsewhere_is_put_back() {
    elsewhere("--sweep", "which the original did not change");
}

#[test]
fn a_program_whose_first_thread_is_gone_is_watched_as_well() {
    elsewhere("--headless --sweep", "which the original did not change");
}

#[test]
fn a_program_with_mounts_of_its_own_is_alone() {
    if !can_cover() {
        return;
    }
    let folder = folder();
    let mut config = config(folder.path(), "--apart");
    config.jobs = 3;
    let found = run(&config);
    assert_eq!((verdicts(&found), at_once(&found)), (vec![Verdict::Same; 3], 0));
    let why = "mounts of its own";
    assert!(found.report.notes.iter().any(|note| note.contains(why)), "{:?}", found.report.notes);
}

#[test]
fn a_folder_from_where_we_are_is_found_below_layers() {
    if !can_cover() {
        return;
    }
    let folder = folder();
    let mut config = config(folder.path(), "");
    (config.jobs, config.directory) = (3, Some("tests".into()));
    let found = run(&config);
    assert!(found.report.findings.is_empty(), "{:#?}", short(&found.report));
    assert_eq!((verdicts(&found), at_once(&found)), (vec![Verdict::Same; 3], 3));
}

/// Everything under a folder, as a listing that shows contents, modes, owners and times.
fn listing(folder: &Path) -> String {
    let script = r#"find . -printf '%p %y %m %U:%G %T@ %l ' \( -type f -exec cat {} \; -o -true \) -printf '\n' | sort"#;
    let listed = Command::new("sh").args(["-c", script]).current_dir(folder).output();
    String::from_utf8_lossy(&listed.expect("it can be listed").stdout).into_owned()
}

#[test]
fn each_run_sees_the_files_as_they_were_at_its_checkpoint() {
    let Some(python) = crate::jobs::python() else { return };
    if !has("find") || !can_cover() {
        return;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/layers/layers.py");
    for (flag, jobs, verdict, beside) in [
        ("", 1, Verdict::Same, 0..=0),
        ("", 3, Verdict::Same, 6..=6),
        ("names", 3, Verdict::Same, 6..=6),
        ("forget", 3, Verdict::Differs, 0..=1),
    ] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let place = folder.path().join("a place: with, odd\\signs");
        fs::create_dir(&place).expect("a folder");
        fs::write(place.join("was there"), "before").expect("a file");
        let before = listing(&place);
        let command = format!("'{python}' -I -S -B '{script}' '{}'", place.display());
        let config = Verify {
            command: words(format!("{command} '' {flag}")),
            restore: words(format!("{command} {{image}} {flag}")),
            announce: Announce { saved_on: Some("image-*".to_owned()), ..Announce::default() },
            logs: Some(folder.path().join("logs")),
            jobs,
            ..Verify::default()
        };
        let found = run(&config);
        let told = String::from_utf8_lossy(&found.output);
        let notes = &found.report.notes;
        assert!(beside.contains(&at_once(&found)), "{flag} {} {notes:#?} {told}", at_once(&found));
        let mut expected = vec![verdict; 6];
        expected[5] = Verdict::Same;
        assert_eq!(verdicts(&found), expected, "{flag} {:#?} {told}", short(&found.report));
        assert_eq!(listing(&place), before, "{flag}");
    }
}
