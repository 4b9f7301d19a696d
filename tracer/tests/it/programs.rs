//! Programs that nobody here wrote: recorded twice they compare clean, and one real change is
//! found at its call.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{Place, age, assert_clean, call, first, has, short, sides, write};

fn nothing(_: &Path) {}

/// Recorded, recorded like that, compared: clean; and a run compared with itself is silent.
fn same_twice(setup: impl Fn(&Path), command: &[&str]) -> Place {
    let mut place = Place::new();
    place.record(None, &setup, command);
    place.record(Some(1), &setup, command);
    let itself = place.compare(1, 1);
    assert!(itself.findings.is_empty(), "{:#?}", short(&itself));
    assert_clean(&place.compare(1, 2));
    place
}

#[test]
fn ls_of_a_large_tree() {
    let place = same_twice(nothing, &["ls", "-lR", "/usr/include"]);
    assert_eq!(place.printed(1), place.printed(2));
}

fn tree(folder: &Path, size: usize) {
    for name in ["a", "b", "c"] {
        let child = folder.join(name);
        fs::create_dir(&child).expect("a folder");
        for number in 0..20 {
            let bytes = if name == "b" && number == 7 { size } else { 100 };
            write(&child.join(format!("file-{number}")), vec![b'x'; bytes]);
        }
        age(&child);
    }
    age(folder);
}

#[test]
fn ls_finds_the_one_file_that_is_longer() {
    let mut place = same_twice(|work| tree(work, 100), &["ls", "-lR", "."]);
    place.record(Some(1), |work| tree(work, 101), &["ls", "-lR", "."]);
    let report = place.compare(1, 3);
    let finding = first(&report, "input-differs");
    assert!(call(finding).contains("stat"), "{}", call(finding));
    let (left, right) = sides(finding);
    assert!(left.contains("b/file-7") && left.contains("size 100 "), "{left}");
    assert!(right.contains("b/file-7") && right.contains("size 101 "), "{right}");
    assert!(report.findings.iter().any(|finding| finding.rule.id == "payload-differs"));
}

#[test]
fn tar_of_usr_include_to_a_file() {
    if has("tar") {
        same_twice(nothing, &["tar", "cf", "archive.tar", "/usr/include"]);
    }
}

#[test]
fn tar_finds_the_one_byte_that_differs() {
    if !has("tar") {
        return;
    }
    let setup = |byte: u8| {
        move |work: &Path| {
            tree(work, 100);
            let mut content = vec![b'x'; 5000];
            content[4321] = byte;
            write(&work.join("c/odd"), content);
            age(&work.join("c"));
        }
    };
    let command = ["tar", "cf", "archive.tar", "a", "b", "c"];
    let mut place = same_twice(setup(b'x'), &command);
    place.record(Some(1), setup(b'y'), &command);
    let report = place.compare(1, 3);
    let finding = first(&report, "input-differs");
    assert_eq!(call(finding), "read");
    assert!(sides(finding).0.contains("c/odd"), "{:?}", sides(finding));
    // The read that holds byte 4321 shows it.
    assert!(finding.details.iter().any(|line| line.contains(">78")), "{:?}", finding.details);
    assert!(finding.details.iter().any(|line| line.contains(">79")), "{:?}", finding.details);
    let finding = first(&report, "payload-differs");
    assert_eq!(call(finding), "write");
    assert!(sides(finding).0.contains("archive.tar"), "{:?}", sides(finding));
}

#[test]
fn cp_finds_the_one_byte_that_differs_though_the_kernel_copies_it() {
    let setup = |byte: u8| {
        move |work: &Path| {
            let mut content = vec![b'x'; 300_000];
            content[200_001] = byte;
            write(&work.join("from"), content);
        }
    };
    let command = ["cp", "from", "to"];
    let mut place = same_twice(setup(b'x'), &command);
    place.record(Some(1), setup(b'y'), &command);
    let report = place.compare(1, 3);
    let finding = first(&report, "input-differs");
    assert!(sides(finding).0.contains("/from"), "{:?}", sides(finding));
}

fn repository(folder: &Path, last: &str) {
    let git = |arguments: &[&str]| {
        let done = Command::new("git")
            .args(["-c", "user.name=A", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"])
            .args(arguments)
            .current_dir(folder)
            .env("GIT_AUTHOR_DATE", "2001-01-01T00:00:00Z")
            .env("GIT_COMMITTER_DATE", "2001-01-01T00:00:00Z")
            .output()
            .expect("git runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    git(&["init", "-q"]);
    for message in ["one", "two", "three", last] {
        git(&["commit", "-q", "--allow-empty", "-m", message]);
    }
}

#[test]
fn git_log_of_a_repository() {
    if !has("git") {
        return;
    }
    let command = ["git", "log"];
    let mut place = same_twice(|work| repository(work, "four"), &command);
    assert!(place.printed(1).contains("three"), "{}", place.printed(1));
    place.record(Some(1), |work| repository(work, "five"), &command);
    let report = place.compare(1, 3);
    let finding = first(&report, "input-differs");
    assert_eq!(call(finding), "read");
    assert!(sides(finding).0.contains(".git/"), "{:?}", sides(finding));
}

#[test]
fn sqlite_inserts_and_queries() {
    if !has("sqlite3") {
        return;
    }
    let command = |value: u32| {
        vec![
            "sqlite3".to_owned(),
            "data.db".to_owned(),
            format!(
                "create table t(a, b); insert into t values (random(), {value}); \
                 insert into t select random(), b + 1 from t; select * from t;"
            ),
        ]
    };
    let words = |command: &[String]| -> Vec<&'static str> {
        command.iter().map(|word| &*Box::leak(word.clone().into_boxed_str())).collect()
    };
    let mut place = same_twice(nothing, &words(&command(1)));
    assert_eq!(place.printed(1), place.printed(2), "the random numbers are mirrored");
    place.record(Some(1), nothing, &words(&command(2)));
    let report = place.compare(1, 3);
    let finding = first(&report, "payload-differs");
    assert_eq!(call(finding), "pwrite64");
    assert!(sides(finding).0.contains("data.db"), "{:?}", sides(finding));
}

#[test]
fn sqlite_with_a_log_ahead() {
    if !has("sqlite3") {
        return;
    }
    let command = |value: u32| {
        format!(
            "pragma journal_mode = wal; create table t(a, b); insert into t values (random(), \
             {value}); insert into t select random(), b + 1 from t; pragma wal_checkpoint; \
             select * from t;"
        )
    };
    let (one, other) = (command(1), command(2));
    let mut place = same_twice(nothing, &["sqlite3", "data.db", &one]);
    assert_eq!(place.printed(1), place.printed(2), "the random numbers are mirrored");
    place.record(Some(1), nothing, &["sqlite3", "data.db", &other]);
    let report = place.compare(1, 3);
    let finding = first(&report, "payload-differs");
    assert_eq!(call(finding), "pwrite64");
    assert!(sides(finding).0.contains("data.db-wal"), "{:?}", sides(finding));
}

#[test]
fn a_shell_pipeline() {
    let setup = |word: &'static str| {
        move |work: &Path| {
            let lines: String =
                (0..5000).map(|n| format!("{} line\n", n % 7)).collect::<String>() + word + "\n";
            write(&work.join("input"), lines);
        }
    };
    let command = ["sh", "-c", "cat input | sort | uniq -c"];
    let mut place = same_twice(setup("word"), &command);
    place.record(Some(1), setup("ward"), &command);
    let report = place.compare(1, 3);
    let finding = first(&report, "input-differs");
    assert_eq!(call(finding), "read");
    assert!(finding.subject.to_string().starts_with("0.1#"), "{}", finding.subject);
    assert!(sides(finding).0.contains("input"), "{:?}", sides(finding));
    // It comes out at the end of the pipeline.
    let last = report.findings.iter().find(|finding| {
        finding.rule.id == "payload-differs" && finding.subject.to_string().starts_with("0.3#")
    });
    assert!(last.is_some(), "{:#?}", short(&report));
}

#[test]
fn python_with_time_and_random() {
    let python =
        if Path::new("/usr/bin/python3").is_file() { "/usr/bin/python3" } else { "python3" };
    if python == "python3" && !has("python3") {
        return;
    }
    let script = |word: &str| {
        format!(
            "import random, time, os\nprint(random.random(), time.time(), os.getpid(), \
             hash('a'))\nprint('{word}')"
        )
    };
    let (one, other) = (script("word"), script("ward"));
    let mut place = same_twice(nothing, &[python, "-c", &one]);
    assert_eq!(place.printed(1), place.printed(2), "time, random and process are mirrored");
    place.record(Some(1), nothing, &[python, "-c", &other]);
    let report = place.compare(1, 3);
    let finding = first(&report, "payload-differs");
    assert_eq!(call(finding), "write");
    assert!(finding.details.iter().any(|line| line.contains("word")), "{:?}", finding.details);
    // Without a mirror the time and the random number differ, and nothing else does.
    place.record(None, nothing, &[python, "-c", &one]);
    let report = place.compare(1, 4);
    assert_eq!(call(first(&report, "payload-differs")), "write");
    let others = report.findings.iter().filter(|finding| finding.rule.id != "payload-differs");
    assert_eq!(others.count(), 0, "{:#?}", short(&report));
}

#[test]
fn times_of_files_that_the_run_makes_are_those_of_the_earlier_run() {
    let script = "echo one > one; cp one two; sleep 0.02; mkdir deep; mv two deep; \
                  stat -c '%n %x %y %z %i' old one deep deep/two; ls -l --full-time . deep";
    let command = ["sh", "-c", script];
    let mut place = same_twice(|work| write(&work.join("old"), "old"), &command);
    assert_eq!(place.printed(1), place.printed(2));
    // A file that was another one before the run is another one.
    let other = |work: &Path| {
        write(&work.join("old"), "old");
        let now = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
        let file = fs::File::open(work.join("old")).expect("the file");
        file.set_modified(now).expect("its time");
    };
    place.record(Some(1), other, &command);
    let report = place.compare(1, 3);
    assert_eq!(call(first(&report, "payload-differs")), "write");
    // Without a mirror the times are those of the day.
    place.record(None, |work| write(&work.join("old"), "old"), &command);
    assert_ne!(place.printed(1), place.printed(4));
}

#[test]
fn git_clone_of_a_repository() {
    if !has("git") {
        return;
    }
    let setup = |last: &'static str| {
        move |work: &Path| {
            fs::create_dir(work.join("from")).expect("a folder");
            repository(&work.join("from"), last);
        }
    };
    let command = ["git", "clone", "-q", "from", "to"];
    let mut place = same_twice(setup("four"), &command);
    place.record(Some(1), setup("five"), &command);
    first(&place.compare(1, 3), "input-differs");
}

#[test]
fn a_reader_that_goes_away_is_no_difference() {
    let setup =
        |count: usize| move |work: &Path| write(&work.join("input"), "line\n".repeat(count));
    let command = ["sh", "-c", "cat input | head -3; sleep 0.01"];
    let mut place = Place::new();
    place.record(None, setup(200_000), &command);
    for run in 2..7 {
        place.record(Some(1), setup(200_000), &command);
        assert_clean(&place.compare(1, run));
    }
}
