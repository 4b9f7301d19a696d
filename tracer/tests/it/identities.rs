//! What two runs may find in another order or of another age, and what must be the same.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use samestate_report::{Report, Severity};

use crate::support::{Place, assert_clean, call, has, short, skipped};

/// A python program without whatever a site adds.
fn python(program: &str) -> [&str; 5] {
    ["python3", "-I", "-S", "-c", program]
}

/// Records a program twice, the second time like the first, each in a folder of its own making.
fn twice(one: (&str, &dyn Fn(&Path)), two: (&str, &dyn Fn(&Path))) -> Report {
    let mut place = Place::new();
    let _first = place.record(None, one.1, &python(one.0));
    let _second = place.record(Some(1), two.1, &python(two.0));
    place.compare(1, 2)
}

/// The names of a folder, as the kernel lists them.
fn listed(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect()
}

/// Whether a difference at a call of this name, or a variant of it, fails the comparison.
fn differs(report: &Report, name: &str) -> bool {
    let mut findings = report.findings.iter();
    findings.any(|found| found.severity == Severity::Error && call(found).contains(name))
}

#[test]
fn a_folder_is_its_names_whatever_their_order() {
    if !has("python3") {
        return;
    }
    // Where files live in memory, a folder lists the newest first.
    let Ok(folder) = tempfile::tempdir_in("/dev/shm") else {
        return skipped("no folder in memory");
    };
    let path = folder.path().join("folder");
    let fill = |names: &[&str]| {
        if path.exists() {
            fs::remove_dir_all(&path).expect("it can be removed");
        }
        fs::create_dir(&path).expect("a folder");
        for name in names {
            fs::write(path.join(name), "").expect("a file");
        }
        listed(&path)
    };
    if fill(&["one", "two"]) == fill(&["two", "one"]) {
        return skipped("folders list their names in one order only");
    }
    let program = format!("import os; print(len(os.listdir({:?})))", path.display().to_string());
    let with = |names: &'static [&'static str]| {
        let fill = &fill;
        move |_: &Path| drop(fill(names))
    };
    let (one, other) = (with(&["one", "two"]), with(&["two", "one"]));
    assert_clean(&twice((&program, &one), (&program, &other)));

    let renamed = with(&["two", "uno"]);
    let report = twice((&program, &one), (&program, &renamed));
    assert!(differs(&report, "getdents64"), "{:#?}", short(&report));
}

#[test]
fn whose_a_file_is_and_who_may_use_it_counts_but_not_when_it_was_made() {
    if !has("python3") {
        return;
    }
    let program = "import os; os.stat('file')";
    let made = |mode: u32, owner: Option<u32>| {
        move |work: &Path| {
            let file = work.join("file");
            fs::write(&file, "content").expect("a file");
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("its mode");
            if let Some(owner) = owner {
                chown(&file, Some(owner), None).expect("its owner");
            }
        }
    };
    let plain = made(0o644, None);
    assert_clean(&twice((program, &plain), (program, &plain)));

    let private = made(0o600, None);
    let report = twice((program, &plain), (program, &private));
    assert!(differs(&report, "stat"), "{:#?}", short(&report));

    // Only root can give files away.
    if fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0) {
        let foreign = made(0o644, Some(12));
        let report = twice((program, &plain), (program, &foreign));
        assert!(differs(&report, "stat"), "{:#?}", short(&report));
    }
}

#[test]
fn a_descriptor_does_not_stand_for_another_one() {
    if !has("python3") {
        return;
    }
    let program = "import os\n\
        one, two = (os.open(n, os.O_CREAT | os.O_WRONLY) for n in ('one', 'two'))\n\
        os.write(two if os.path.exists('swap') else one, b'x')";
    let nothing = |_: &Path| ();
    assert_clean(&twice((program, &nothing), (program, &nothing)));

    let swap = |work: &Path| fs::write(work.join("swap"), "").expect("a file");
    let report = twice((program, &nothing), (program, &swap));
    let write = report.findings.iter().find(|found| call(found) == "write");
    assert_eq!(write.map(|found| found.rule.id), Some("argument-differs"), "{:#?}", short(&report));
}
