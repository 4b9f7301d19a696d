//! Programs that nobody here wrote, recorded once and then again and again: each time the same.
//! One real change is found at its call.

use std::fs;
use std::path::Path;

use samestate_report::Report;

use crate::support::{Place, age, assert_clean, call, first, has, short, sides, write};

/// `tracer/benches/again.sh` does more of them.
const TIMES: usize = 3;

/// Records once, and then again and again like that; then with the change. Gives what the change
/// comes to.
fn again(setup: impl Fn(&Path, u8), command: &[&str]) -> Report {
    let mut place = Place::new();
    place.record(None, |work| setup(work, b'x'), command);
    for run in 2..2 + TIMES {
        place.record(Some(1), |work| setup(work, b'x'), command);
        assert_clean(&place.compare(1, run));
        assert_eq!(place.printed(1), place.printed(run));
    }
    place.record(Some(1), |work| setup(work, b'y'), command);
    place.compare(1, 2 + TIMES)
}

/// Some folders with files, in one of which a byte is as told.
fn tree(work: &Path, byte: u8) {
    for name in ["a", "b", "c"] {
        let folder = work.join("tree").join(name);
        fs::create_dir_all(&folder).expect("a folder");
        for number in 0..5 {
            let mut content = format!("needle {number}\n").into_bytes();
            content.extend("hay\n".repeat(2000).bytes());
            if (name, number) == ("b", 3) {
                content[7000] = byte;
            }
            write(&folder.join(format!("file-{number}")), content);
        }
        age(&folder);
    }
    age(&work.join("tree"));
}

/// It is first seen where that file is read.
fn is_found_where_it_is_read(report: &Report) {
    let finding = first(report, "input-differs");
    assert!(matches!(call(finding), "read" | "pread64"), "{:#?}", short(report));
    let (left, right) = sides(finding);
    assert!(left.contains("b/file-3") && right.contains("b/file-3"), "{left} {right}");
}

fn is_written(report: &Report, path: &str) {
    let written = report.findings.iter().any(|finding| {
        finding.rule.id == "payload-differs"
            && finding.sides.as_ref().is_some_and(|sides| sides.right.text.contains(path))
    });
    assert!(written, "{:#?}", short(report));
}

#[test]
fn tar_and_gzip() {
    if has("tar") && has("gzip") {
        let report = again(tree, &["tar", "czf", "out.tar.gz", "tree"]);
        is_found_where_it_is_read(&report);
        let alone = again(tree, &["sh", "-c", "gzip -c tree/b/file-3 > out.gz; cksum out.gz"]);
        is_found_where_it_is_read(&alone);
        is_written(&alone, "out.gz");
    }
}

#[test]
fn a_pipeline_with_a_loop() {
    let script = "for f in tree/b/*; do sort -r $f | uniq -c; done | tee all | wc -c; mktemp -u; \
                  date +%N; echo $$";
    let report = again(tree, &["sh", "-c", script]);
    is_found_where_it_is_read(&report);
    is_written(&report, "/all");
}

#[test]
fn a_clone_with_files() {
    if !has("git") {
        return;
    }
    let setup = |work: &Path, byte: u8| {
        tree(work, byte);
        let script = "git init -q . && git add -A && git -c user.name=A -c user.email=a@b commit -q \
                      -m one";
        let done = std::process::Command::new("sh")
            .args(["-c", script])
            .current_dir(work.join("tree"))
            .env("GIT_AUTHOR_DATE", "2001-01-01T00:00:00Z")
            .env("GIT_COMMITTER_DATE", "2001-01-01T00:00:00Z")
            .status();
        assert!(done.expect("git runs").success());
    };
    let report = again(setup, &["git", "clone", "-q", "tree", "copy"]);
    // The name of the commit is what differs first, and it comes from the other end.
    let finding = first(&report, "input-differs");
    assert!(sides(finding).0.contains(" HEAD "), "{:?}", sides(finding));
    is_written(&report, "copy/b/file-3");
}

#[test]
fn ripgrep_over_a_tree() {
    if has("rg") {
        let report =
            again(tree, &["rg", "--threads", "3", "--sort", "none", "needle [0-3]|y", "tree"]);
        is_found_where_it_is_read(&report);
    }
}
