//! Each way in which two runs can differ, and how closely one has to look to see it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use samestate_tracer::{Comparison, Strength, compare};

use crate::support::{Place, has};

/// What the second run does: its case, and whether a file is there.
type Second = (&'static str, bool);

#[test]
fn each_class_is_seen_from_its_strength_on_and_nothing_else() {
    if !has("cc") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("classes");
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/stacks/classes.c");
    let built = Command::new("cc").arg("-o").arg(&program).arg(here).status();
    assert!(built.is_ok_and(|status| status.success()), "it compiles");
    let program = program.display().to_string();
    let run = |place: &mut Place, (case, is_there): Second| {
        let setup = |work: &Path| {
            if is_there {
                fs::write(work.join("there"), "").expect("a file");
            }
        };
        let variable = (OsString::from("CASE"), OsString::from(case));
        let _recording = place.record_with(None, setup, &[&program], |config| {
            config.environment = Some(vec![variable.clone()]);
        });
    };
    let all: [(Second, Second, &[&str], Strength); 7] = [
        (("plain", false), ("more", false), &["extra-call"], Strength::Sequence),
        (("more", false), ("plain", false), &["missing-call"], Strength::Sequence),
        (("plain", false), ("argument", false), &["argument-differs"], Strength::Args),
        (("plain", false), ("plain", true), &["result-differs"], Strength::Args),
        (("plain", false), ("payload", false), &["payload-differs"], Strength::Payload),
        (("plain", false), ("time", false), &["time-differs"], Strength::Payload),
        (("plain", false), ("plain", false), &[], Strength::Strict),
    ];
    for (one, two, expected, from) in all {
        let mut place = Place::new();
        run(&mut place, one);
        run(&mut place, two);
        for strength in [Strength::Sequence, Strength::Args, Strength::Payload, Strength::Strict] {
            let how = Comparison { strength, ..Comparison::default() };
            let report = compare(&place.trace(1), &place.trace(2), &how).expect("it is compared");
            let found: BTreeSet<_> = report.findings.iter().map(|found| found.rule.id).collect();
            let expected: BTreeSet<_> =
                expected.iter().copied().filter(|_| strength >= from).collect();
            assert_eq!(found, expected, "{one:?} and {two:?} with {strength:?}");
        }
    }
}
