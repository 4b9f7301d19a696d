//! What verifications have left that were killed: all that can be is put back, and the rest is said.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use samestate_report::{Finding, Severity};
use samestate_tracer::{Error, Progress, Verdict, Verification, verify};

use crate::support::short;
use crate::undo::{Content, Place, config, content};
use crate::verify::verdicts;

/// The folder in which the test below runs a verification to be killed, and what it does there.
const FOLDER: &str = "SAMESTATE_TEST_KILLED_IN";
const DOES: &str = "SAMESTATE_TEST_KILLED_DOES";

/// A verification that does not outlive the test.
pub(crate) struct Killed(Child);

impl Killed {
    /// One of which the program has made the file `ready`.
    pub(crate) fn ready(place: &Place, first: &str, then: &str) -> Self {
        let temporary = place.temporary();
        fs::create_dir_all(&temporary).expect("a folder");
        let killed = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "killed::the_one_that_is_killed", "--nocapture"])
            .env("TMPDIR", temporary)
            .env(FOLDER, place.folder.path())
            .env(DOES, format!("{first} {then}"))
            .spawn();
        let mut killed = Self(killed.expect("it can be started"));
        while !place.work().join("ready").exists() {
            assert!(killed.0.try_wait().expect("it can be asked").is_none(), "it ended by itself");
            std::thread::sleep(Duration::from_millis(10));
        }
        killed
    }

    pub(crate) fn kill(&mut self) {
        self.0.kill().expect("it can be killed");
        self.0.wait().expect("it can be waited for");
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Only part of other tests; by itself it does nothing.
#[test]
fn the_one_that_is_killed() {
    let (Some(folder), Ok(does)) = (std::env::var_os(FOLDER), std::env::var(DOES)) else { return };
    let Some(python) = crate::jobs::python() else { return };
    let (first, then) = does.split_once(' ').expect("two parts");
    let theirs = Path::new(&folder).join("work/log");
    let mut is_written = false;
    let mut between = |progress| {
        if matches!(progress, Progress::Restoring { .. })
            && !std::mem::replace(&mut is_written, true)
        {
            let mut log = fs::File::options().append(true).open(&theirs).expect("the file");
            std::io::Write::write_all(&mut log, b"theirs\n").expect("it is written");
        }
    };
    let _killed = verify(&config(&python, Path::new(&folder), first, then), &mut between);
}

/// A verification of some files was killed; what they were before.
fn killed(first: &str, then: &str) -> Option<(Place, Vec<Content>)> {
    let place = Place::new()?;
    let before = content(&place.work());
    Killed::ready(&place, first, then).kill();
    assert_ne!(content(&place.work()), before);
    Some((place, before))
}

#[test]
fn the_folder_for_traces_goes_as_well() {
    let Some((place, before)) = killed("append", "sleep") else { return };
    let left = || fs::read_dir(place.temporary()).expect("the folder").count();
    assert_eq!(left(), 1, "nobody has removed it");
    // As the kernel leaves what it needs for layers.
    let run = fs::read_dir(place.temporary()).expect("the folder").next();
    let closed = run.expect("the folder").expect("the folder").path().join("layers/work");
    fs::create_dir_all(closed.join("work")).expect("a folder");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).expect("it can be closed");
    let found = place.verify("look", "look");
    assert_eq!((verdicts(&found), left()), (vec![Verdict::Same], 0));
    assert_eq!(contents(&content(&place.work())), contents(&before));
}

/// The folders of logs that begin like this.
fn logs(place: &Place, begin: &str) -> Vec<PathBuf> {
    let list = fs::read_dir(place.logs()).expect("the folder");
    let all = list.map(|entry| entry.expect("an entry").path());
    all.filter(|path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(begin))
    })
    .collect()
}

fn left(found: &Verification) -> Vec<&Finding> {
    let findings = found.report.findings.iter();
    findings.filter(|finding| finding.rule.id == "not-put-back").collect()
}

/// What is said of the one thing that could not be put back.
fn told(found: &Verification) -> String {
    let left = left(found);
    assert_eq!(left.len(), 1, "{:#?}", short(&found.report));
    assert_eq!(left[0].severity, Severity::Blind);
    format!("{}\n{}", left[0].subject, left[0].details.join("\n"))
}

/// The contents, without the times.
fn contents(all: &[Content]) -> Vec<(PathBuf, Vec<u8>)> {
    all.iter().map(|one| (one.0.clone(), one.1.clone())).collect()
}

#[test]
fn a_journal_of_garbage_is_said_and_hides_nothing_else() {
    // The first of them are what a block might begin with.
    for garbage in
        ["garbage, and no journal of anything", "nu\0\0\x10\0\0\0\x10\0\0\0garbage", "gar"]
    {
        let Some((place, before)) = killed("changes", "sleep") else { return };
        let bad = place.logs().join("run-bad");
        fs::create_dir_all(bad.join("files")).expect("a folder");
        fs::write(bad.join("files/1"), "the only copy").expect("a file");
        fs::write(bad.join("lock"), "").expect("a file");
        fs::write(bad.join("journal"), garbage).expect("a file");
        let is_torn = garbage.starts_with("nu");
        let found = place.verify("append", "log");
        assert_eq!(verdicts(&found), [Verdict::Same], "the run itself is fine");
        let notes = &found.report.notes;
        assert!(notes.iter().any(|note| note.contains("was killed")), "{notes:?}");
        assert_eq!(contents(&content(&place.work())), contents(&before));
        // It was never relied upon, so nothing was changed.
        if is_torn {
            assert_eq!(left(&found).len(), 0);
            assert!(place.is_tidy());
            continue;
        }
        let aside = place.logs().join("unreadable-bad");
        let said = told(&found);
        assert!(said.contains(&*aside.to_string_lossy()), "{said}");
        assert!(said.contains("journal") && said.contains("remove that folder"), "{said}");
        assert_eq!(fs::read(aside.join("files/1")).expect("it is kept"), b"the only copy");
        // It is said again until somebody has looked at it.
        let again = place.verify("append", "log");
        assert_eq!(verdicts(&again), [Verdict::Same]);
        assert!(told(&again).contains(&*aside.to_string_lossy()));
        fs::remove_dir_all(aside).expect("it can be removed");
        assert_eq!(left(&place.verify("append", "log")).len(), 0);
        assert!(place.is_tidy());
    }
}

#[test]
fn around_a_damaged_part_of_a_journal_all_is_put_back() {
    let Some((place, before)) = killed("append,changes", "sleep") else { return };
    let journal = logs(&place, "run-").remove(0).join("journal");
    let mut bytes = fs::read(&journal).expect("the journal");
    // The length of the first block, so that nothing says where the next one begins.
    bytes[8] ^= 0x7f;
    fs::write(&journal, &bytes).expect("it can be written");
    let found = place.verify("look", "look");
    assert_eq!(verdicts(&found), [Verdict::Same]);
    assert!(told(&found).contains("damaged at offset 0"), "{}", told(&found));
    let after = contents(&content(&place.work()));
    let lost: Vec<_> = contents(&before).into_iter().filter(|one| !after.contains(one)).collect();
    assert!(lost.len() < 2, "{lost:?}");
    // Nobody is kept from what it was about.
    assert_eq!(verdicts(&place.verify("append,changes", "append")), [Verdict::Same]);
}

#[test]
fn the_end_of_a_journal_that_was_not_written_whole_says_nothing() {
    let Some((place, before)) = killed("changes", "sleep") else { return };
    let journal = logs(&place, "run-").remove(0).join("journal");
    let bytes = fs::read(&journal).expect("the journal");
    for length in [3, 20] {
        let torn = [&*bytes, &bytes[..length]].concat();
        fs::write(&journal, torn).expect("it can be written");
    }
    let found = place.verify("look", "look");
    assert_eq!(left(&found).len(), 0, "{:#?}", short(&found.report));
    assert_eq!(contents(&content(&place.work())), contents(&before));
    assert!(place.is_tidy());
}

#[test]
fn what_cannot_be_put_back_is_said_at_each_start_and_not_worked_on() {
    let Some((place, before)) = killed("append,changes", "sleep") else { return };
    let folder = logs(&place, "run-").remove(0);
    for copy in fs::read_dir(folder.join("files")).expect("the copies") {
        let copy = copy.expect("an entry").path();
        if fs::read(&copy).expect("a copy").starts_with(b"this is log") {
            fs::remove_file(copy).expect("it can be removed");
        }
    }
    let is_log = |path: &Path| path.ends_with("log");
    let others = |all: &[Content]| {
        contents(all).into_iter().filter(|one| !is_log(&one.0)).collect::<Vec<_>>()
    };
    for round in 0..2 {
        let found = place.verify("look", "look");
        assert_eq!(others(&content(&place.work())), others(&before), "round {round}");
        assert_eq!(verdicts(&found), [Verdict::Same]);
        let said = told(&found);
        assert!(
            said.contains(&*folder.to_string_lossy()) && said.contains("at each start"),
            "{said}"
        );
    }
    // Whoever would change the same file is told why not.
    let refused = verify(&place.config("append", "look"), &mut |_| ());
    let Err(Error::LeftChanged { path, folder: named }) = refused else { panic!("{refused:?}") };
    assert_eq!((path, &named), (place.work().join("log"), &folder));
    fs::remove_dir_all(folder).expect("it can be removed");
    let found = place.verify("append", "look");
    assert_eq!((verdicts(&found), left(&found).len()), (vec![Verdict::Same], 0));
    assert!(place.is_tidy());
}

#[test]
fn a_damaged_journal_of_a_state_path_is_an_error_that_says_what_to_do() {
    let Some(place) = Place::new() else { return };
    let mut config = place.config("append", "look");
    config.state = vec![place.work()];
    let folder = place.folder.path().join(".work.samestate");
    fs::create_dir(&folder).expect("a folder");
    fs::write(folder.join("journal"), "garbage, and no journal of anything").expect("a file");
    let failed = verify(&config, &mut |_| ());
    let Err(error @ Error::LeftDamaged { .. }) = failed else { panic!("{failed:?}") };
    let text = error.to_string();
    assert!(text.contains(&*folder.to_string_lossy()) && text.contains("remove"), "{text}");
    fs::remove_dir_all(folder).expect("it can be removed");
    assert_eq!(verdicts(&verify(&config, &mut |_| ()).expect("it can")), [Verdict::Same]);
}

#[test]
fn what_somebody_else_made_of_a_file_outlives_a_kill() {
    let Some((place, before)) = killed("append", "append,restored") else { return };
    let log = place.work().join("log");
    let now = fs::read_to_string(&log).expect("the file");
    assert!(!now.contains("theirs"), "it was put back for the restored run: {now}");
    let found = place.verify("look", "look");
    let theirs = place.work().join("log.changed-0");
    let kept = fs::read_to_string(&theirs).expect("what they made of it");
    assert_eq!(kept, "this is log\nmine\nmine\ntheirs\n");
    let notes = &found.report.notes;
    assert!(notes.iter().any(|note| note.contains("log.changed-0")), "{notes:?}");
    assert_eq!(left(&found).len(), 0);
    fs::remove_file(theirs).expect("it can be removed");
    assert_eq!(contents(&content(&place.work())), contents(&before));
    // It is handed over once.
    place.verify("look", "look");
    assert_eq!(contents(&content(&place.work())), contents(&before));
    assert!(place.is_tidy());
}
