//! Files that no state path names: what calls change is put back all the same.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use samestate_report::{Finding, Severity};
use samestate_tracer::trace::Status;
use samestate_tracer::{Announce, Error, Progress, Verdict, Verification, Verify, verify};

use crate::killed::Killed;
use crate::support::{age, first, short};
use crate::verify::verdicts;

fn files(folder: &Path) {
    for name in ["folder/deep", "empty", "tree/deep"] {
        fs::create_dir_all(folder.join(name)).expect("a folder");
    }
    for name in [
        "log",
        "emptied",
        "replaced",
        "gone",
        "mode",
        "owner",
        "times",
        "copied",
        "attribute",
        "mapped",
        "one-of-two",
        "first-of-two",
        "folder/inner",
        "folder/deep/down",
        "short",
        "long",
        "tree/a",
        "tree/deep/b",
        "opened",
        "swapped-a",
        "swapped-b",
    ] {
        fs::write(folder.join(name), format!("this is {name}\n")).expect("a file");
    }
    for (one, other) in [("one-of-two", "two-of-two"), ("first-of-two", "last-of-two")] {
        fs::hard_link(folder.join(one), folder.join(other)).expect("another name");
    }
    std::os::unix::fs::symlink("log", folder.join("led")).expect("a link");
    let made = std::process::Command::new("mkfifo").arg(folder.join("fifo")).status();
    assert!(made.is_ok_and(|status| status.success()));
    for name in ["log", "folder/inner", "folder/deep", "folder", "tree/deep", "tree", "empty"] {
        age(&folder.join(name));
    }
    age(folder);
}

/// A path, its content, mode and time, and which one before it is the same file.
pub(crate) type Content = (PathBuf, Vec<u8>, u32, i64, i64, Option<usize>);

/// Everything under a folder.
pub(crate) fn content(folder: &Path) -> Vec<Content> {
    let mut paths = vec![folder.to_owned()];
    let mut at = 0;
    while at < paths.len() {
        if paths[at].symlink_metadata().is_ok_and(|about| about.is_dir()) {
            let list = fs::read_dir(&paths[at]).expect("its list");
            paths.extend(list.map(|entry| entry.expect("an entry").path()));
        }
        at += 1;
    }
    paths.sort();
    let inode = |path: &PathBuf| fs::symlink_metadata(path).expect("the file").ino();
    let inodes: Vec<_> = paths.iter().map(inode).collect();
    let one = |(number, path): (usize, &PathBuf)| {
        let about = fs::symlink_metadata(path).expect("the file");
        let bytes = if about.is_file() { fs::read(path).expect("its content") } else { Vec::new() };
        let same = inodes[..number].iter().position(|other| *other == inodes[number]);
        let mode = about.permissions().mode();
        (path.clone(), bytes, mode, about.mtime(), about.mtime_nsec(), same)
    };
    paths.iter().enumerate().map(one).collect()
}

/// A program that is at its checkpoint when it has written `image-0`.
pub(crate) struct Place {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) python: String,
}

impl Place {
    /// `None` without an interpreter.
    pub(crate) fn new() -> Option<Self> {
        Self::within(&std::env::temp_dir())
    }

    /// In a folder of its own within this one.
    pub(crate) fn within(folder: &Path) -> Option<Self> {
        let python = crate::jobs::python()?;
        let folder = tempfile::tempdir_in(folder).expect("a temporary folder");
        fs::create_dir(folder.path().join("work")).expect("a folder");
        files(&folder.path().join("work"));
        Some(Self { folder, python })
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.folder.path().join("logs")
    }

    /// Where a verification that is killed has its traces.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.folder.path().join("temporary")
    }

    /// Does some things before the checkpoint, and some after it.
    pub(crate) fn config(&self, first: &str, then: &str) -> Verify {
        config(&self.python, self.folder.path(), first, then)
    }

    pub(crate) fn verify(&self, first: &str, then: &str) -> Verification {
        verify(&self.config(first, then), &mut |_| ()).expect("it can be verified")
    }

    /// Nothing of ours is left.
    pub(crate) fn is_tidy(&self) -> bool {
        let count = |folder: PathBuf| fs::read_dir(folder).expect("the folder").count();
        count(self.logs()) == 1 && count(self.logs().join("claims")) == 0
    }
}

pub(crate) fn config(python: &str, folder: &Path, first: &str, then: &str) -> Verify {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/undo/undo.py");
    let work = folder.join("work").to_string_lossy().into_owned();
    let words = [python, "-I", "-S", "-B", script, &work, first, then].map(Into::into);
    Verify {
        command: words.to_vec(),
        restore: words.into_iter().chain(["{image}".into()]).collect(),
        announce: Announce { saved_on: Some("image-*".to_owned()), ..Announce::default() },
        logs: Some(folder.join("logs")),
        ..Verify::default()
    }
}

#[test]
fn whatever_a_call_changes_is_as_it_was_for_each_restored_run_and_afterwards() {
    // What was changed before the checkpoint is changed again after it.
    for (first, then) in [("look", "list,changes,look"), ("changes,nameless", "list,again,look")] {
        let Some(place) = Place::new() else { return };
        let before = content(&place.work());
        let mut config = place.config(first, then);
        // Times come from the files themselves.
        config.knobs.mirrored_files = false;
        // Times of what the original changes are others when it is run again.
        config.without_control = true;
        let found = verify(&config, &mut |_| ()).expect("it can be verified");
        let told = String::from_utf8_lossy(&found.output);
        // A file that is open by a name that is gone is open by another one.
        let grave = |finding: &&Finding| finding.severity != Severity::Warning;
        let found_grave: Vec<_> = found.report.findings.iter().filter(grave).collect();
        assert!(found_grave.is_empty(), "{found_grave:#?}\n{told}");
        assert_eq!(verdicts(&found), [Verdict::Same], "{told}");
        assert_eq!(found.status, Status::Exited(0), "{told}");
        let after = content(&place.work());
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(before, after);
        }
        assert_eq!(before.len(), after.len());
        assert!(place.is_tidy() && !place.folder.path().join("image-0").exists());
    }
}

#[test]
fn each_checkpoint_has_its_own_files() {
    let Some(place) = Place::new() else { return };
    let before = content(&place.work());
    // Each restored run goes on from its own count, and sees the files as they were then.
    let mut config = place.config("look", "steps6");
    config.rounds = 3;
    let found = verify(&config, &mut |_| ()).expect("it can be verified");
    assert!(found.report.findings.is_empty(), "{:#?}", short(&found.report));
    assert_eq!(verdicts(&found), [Verdict::Same; 6], "three checkpoints, up to three rounds");
    assert_eq!(content(&place.work()), before);
    assert!(place.is_tidy());
    // Where nothing is put back, the same is not the same.
    config.only_state = true;
    config.without_control = true;
    let found = verify(&config, &mut |_| ()).expect("it can be verified");
    assert_eq!(verdicts(&found)[..2], [Verdict::Differs; 2]);
}

#[test]
fn a_file_is_copied_once_for_each_checkpoint_however_often_it_is_written() {
    let copies = |often: &str| {
        let place = Place::new()?;
        let found = place.verify(often, often);
        assert_eq!(verdicts(&found), [Verdict::Same], "{:#?}", short(&found.report));
        let facts = &found.report.facts;
        let copied = facts.iter().find(|fact| fact.what == "files copied by the undo log");
        Some(copied.expect("it is told").count)
    };
    let Some(few) = copies("often2") else { return };
    // Four files: before the checkpoint, after it, and at the end.
    assert_eq!(few, 12);
    assert_eq!(copies("often200"), Some(few));
}

#[test]
fn what_is_written_through_memory_is_put_back() {
    let Some(place) = Place::new() else { return };
    let before = content(&place.work());
    let found = place.verify("map", "map,log,append,map");
    assert_eq!(verdicts(&found), [Verdict::Same], "{:#?}", short(&found.report));
    assert_eq!(content(&place.work()), before);
}

#[test]
fn what_somebody_else_changes_meanwhile_is_said_and_not_lost() {
    let Some(place) = Place::new() else { return };
    let before = content(&place.work());
    let config = place.config("append", "log,append");
    let log = place.work().join("log");
    let mut between = |progress| {
        if matches!(progress, Progress::Restoring { .. }) {
            let log = fs::File::options().append(true).open(&log).expect("the file");
            std::io::Write::write_all(&mut &log, b"theirs\n").expect("it is written");
        }
    };
    let found = verify(&config, &mut between).expect("it can be verified");
    let finding = first(&found.report, "untraced");
    assert!(finding.subject.to_string().ends_with("/log"), "{}", finding.subject);
    assert_ne!(found.report.count(Severity::Blind), 0);
    let mut after = content(&place.work());
    let theirs = after.iter().position(|one| one.0.ends_with("log.changed-0")).expect("their file");
    let (_, bytes, ..) = after.remove(theirs);
    assert_eq!(String::from_utf8_lossy(&bytes), "this is log\nmine\nmine\ntheirs\n");
    let contents = |all: &[Content]| all.iter().map(|one| one.1.clone()).collect::<Vec<_>>();
    assert_eq!(contents(&after), contents(&before));
    assert!(found.report.notes.iter().any(|note| note.contains("log.changed-0")));
}

#[test]
fn what_somebody_else_puts_into_a_folder_that_goes_is_not_lost() {
    let Some(place) = Place::new() else { return };
    let before = content(&place.work());
    // The folder is there at the checkpoint, or is made after it.
    for (first, then) in [("changes", "log"), ("look", "changes")] {
        let config = place.config(first, then);
        let theirs = place.work().join("made/theirs");
        let mut written = 0;
        let mut between = |progress| {
            let is_time = matches!(progress, Progress::Restoring { .. } | Progress::Marker { .. });
            if is_time && theirs.parent().is_some_and(Path::is_dir) {
                written += 1;
                fs::write(&theirs, "theirs\n").expect("it is written");
            }
        };
        let found = verify(&config, &mut between).expect("it can be verified");
        assert_ne!(written, 0);
        let kept = place.work().join("theirs.changed-0");
        assert_eq!(fs::read(&kept).expect("their file"), b"theirs\n");
        assert!(found.report.notes.iter().any(|note| note.contains("theirs.changed-0")));
        fs::remove_file(kept).expect("it can be removed");
        assert!(!place.work().join("made").exists());
        assert_eq!(content(&place.work())[1..], before[1..]);
    }
}

#[test]
fn a_large_file_with_holes_is_put_back_with_them() {
    const LENGTH: u64 = 1 << 37;
    let Some(place) = Place::new() else { return };
    let path = place.work().join("sparse");
    let file = fs::File::create_new(&path).expect("a file");
    let written = [(0, b"start"), (1 << 30, b"inner")];
    for (at, bytes) in written {
        std::os::unix::fs::FileExt::write_all_at(&file, bytes, at).expect("it is written");
    }
    if file.set_len(LENGTH).is_err() {
        crate::support::skipped("no large files here");
        return;
    }
    let found = place.verify("sparse", "sparse");
    assert_eq!(verdicts(&found), [Verdict::Same], "{:#?}", short(&found.report));
    let about = fs::metadata(&path).expect("the file");
    assert_eq!(about.len(), LENGTH);
    assert!(about.blocks() < 1000, "{} blocks", about.blocks());
    let file = fs::File::open(&path).expect("the file");
    for (at, bytes) in written {
        let mut now = [0; 5];
        std::os::unix::fs::FileExt::read_exact_at(&file, &mut now, at).expect("it is there");
        assert_eq!(&now, bytes);
    }
    assert!(place.is_tidy());
}

#[test]
fn what_a_killed_verification_changed_anywhere_is_put_back_at_the_next_start() {
    let Some(place) = Place::new() else { return };
    // One that the program removes has names that it never uses, here and elsewhere.
    let (near, far) = (place.work().join("first-of-two"), place.folder.path().join("near"));
    fs::create_dir_all(far.join("by")).expect("a folder");
    let far = far.join("by/name");
    fs::hard_link(&near, &far).expect("another name");
    let only_far = place.folder.path().join("near/only");
    fs::hard_link(place.work().join("gone"), &only_far).expect("another name");
    let before = content(&place.work());
    let mut killed = Killed::ready(&place, "changes", "sleep");
    assert_ne!(content(&place.work()), before);
    // Meanwhile nobody else may change the same files; others are nobody's business.
    let refused = verify(&place.config("append", "look"), &mut |_| ());
    let Err(Error::InUse { path, .. }) = refused else { panic!("{refused:?}") };
    assert!(path.starts_with(place.work()), "{path:?}");
    let elsewhere = Place::new().expect("as before");
    let mut config = elsewhere.config("append", "append");
    config.logs = Some(place.logs());
    assert_eq!(verdicts(&verify(&config, &mut |_| ()).expect("it can")), [Verdict::Same]);
    killed.kill();
    assert_ne!(content(&place.work()), before);
    assert_eq!(fs::read(&far).expect("a file"), b"this is first-of-two\nin place\n");
    // What is changed at once was changed by the program.
    std::thread::sleep(std::time::Duration::from_millis(2500));
    fs::write(place.work().join("log"), "theirs\n").expect("it can be written");
    let found = place.verify("log", "look");
    let said = found.report.notes.iter().find(|note| note.contains("was killed"));
    assert!(said.is_some_and(|note| note.contains(" more")), "{:?}", found.report.notes);
    let told = String::from_utf8_lossy(&found.output);
    assert!(told.starts_with("b'this is log\\n'\n"), "{told}");
    let theirs = place.work().join("log.changed-0");
    assert_eq!(fs::read(&theirs).expect("what was written after it was killed"), b"theirs\n");
    assert!(found.report.notes.iter().any(|note| note.contains("log.changed-0")));
    fs::remove_file(theirs).expect("it can be removed");
    let mut after = content(&place.work());
    // The folder that they wrote to has their time.
    let mut before = before;
    for all in [&mut before, &mut after] {
        all.remove(0);
    }
    for (after, before) in after.iter().zip(&before) {
        assert_eq!(after, before);
    }
    assert_eq!(after.len(), before.len());
    let one =
        |path: &Path| (fs::read(path).expect("a file"), fs::metadata(path).expect("it").ino());
    assert_eq!(one(&far), one(&near));
    assert_eq!(one(&only_far), one(&place.work().join("gone")));
    assert!(place.is_tidy());
    let found = place.verify("look", "look");
    assert!(!found.report.notes.iter().any(|note| note.contains("was killed")));
}

#[test]
fn a_file_that_cannot_be_kept_is_not_changed() {
    let Some(place) = Place::new() else { return };
    let logs = place.logs();
    fs::create_dir(&logs).expect("a folder");
    let small = ["-t", "tmpfs", "-o", "size=64k,mode=700", "samestate"];
    let mounted = std::process::Command::new("mount").args(small).arg(&logs).status();
    if !mounted.is_ok_and(|status| status.success()) {
        crate::support::skipped("no small file system can be mounted");
        return;
    }
    fs::write(place.work().join("large"), vec![b'x'; 200 << 10]).expect("a file");
    let before = content(&place.work());
    let failed = verify(&place.config("large", "look"), &mut |_| ());
    let after = content(&place.work());
    // A program that another test is about to start may have it open for a moment.
    let unmounted = std::process::Command::new("umount").arg("--lazy").arg(&logs).status();
    assert!(unmounted.is_ok_and(|status| status.success()));
    let error = failed.expect_err("it does not fit");
    assert!(matches!(error, Error::File { .. }), "{error}");
    assert_eq!(after, before);
}

#[test]
fn a_file_that_is_changed_by_no_name_that_is_known_is_said() {
    let Some(place) = Place::new() else { return };
    let found = place.verify("orphan", "unseen");
    let findings = &found.report.findings;
    let told = findings.iter().filter(|finding| finding.rule.id == "untraced");
    let told: Vec<_> = told.map(|finding| &finding.message).collect();
    assert!(told.iter().any(|told| told.contains("by a name that was gone")), "{told:?}");
}

#[test]
fn another_root_or_mount_is_not_seen_and_that_is_said() {
    let Some(place) = Place::new() else { return };
    let found = place.verify("look", "root,look");
    let finding = first(&found.report, "untraced");
    assert!(finding.message.contains("root"), "{}", finding.message);
}
