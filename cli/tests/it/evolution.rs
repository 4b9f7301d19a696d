//! What drift says of older images is what becomes of them when they are restored.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::fixtures::{build, report, samestate, workspace};
use crate::table::fresh;

pub(crate) fn evolution(state: &str) -> PathBuf {
    let manifest = workspace().join("cli/tests/fixtures/evolution/Cargo.toml");
    let features: &[&str] = if state == "first" { &[] } else { &[state] };
    build(&manifest, features, &format!("evolution-{state}"))
}

fn run(program: &Path, what: &str, image: &Path) -> Output {
    Command::new(program).arg(what).arg(image).output().unwrap()
}

/// Exit code, and rule, severity and subject of each finding.
fn told(old: &Path, new: &Path) -> (i64, Vec<[String; 3]>) {
    let report = report([Path::new("drift"), old, new]);
    let lines = report["findings"].as_array().unwrap().iter().map(|finding| {
        let subject = &finding["subject"];
        let about = subject["path"].as_str().or_else(|| subject["name"].as_str()).unwrap();
        let word = |key: &str| finding[key].as_str().unwrap().to_owned();
        [word("rule"), word("severity"), about.to_owned()]
    });
    (report["exit_code"].as_i64().unwrap(), lines.collect())
}

#[test]
fn images_load_where_drift_says_that_they_do() {
    let [first, next, silent] = ["first", "told", "untold"].map(evolution);
    let folder = fresh("evolution");
    let image = folder.join("image");
    assert!(run(&first, "save", &image).status.success());
    let lock = folder.join("checkpoint.lock");
    let args = [Path::new("lock"), &next, Path::new("-o"), &lock];
    assert_eq!(samestate(args).code, 0);

    // What the program tells is read from the binary and from its lock alike.
    for next_side in [&next, &lock] {
        let (code, lines) = told(&first, next_side);
        assert_eq!(code, 0, "{lines:?}");
        let mut rules: Vec<_> = lines.iter().map(|[rule, ..]| rule.as_str()).collect();
        rules.sort_unstable();
        rules.dedup();
        assert_eq!(
            rules,
            [
                "field-added",
                "field-removed",
                "field-renamed",
                "field-type-changed",
                "treatment-changed",
                "type-renamed",
                "variant-added",
                "variant-removed",
                "variant-renamed",
            ]
        );
        assert!(lines.iter().all(|[_, severity, _]| severity == "note"), "{lines:?}");
    }
    let restored = run(&next, "restore", &image);
    assert!(restored.status.success(), "{restored:?}");
    let shown = String::from_utf8_lossy(&restored.stdout).into_owned();
    assert!(shown.contains("rate: 44100") && shown.contains("queue: [9]"), "{shown}");

    let (code, lines) = told(&first, &silent);
    assert_eq!(code, 1, "{lines:?}");
    let restored = run(&silent, "restore", &image);
    assert_eq!(restored.status.code(), Some(1), "{restored:?}");
    let refusal = String::from_utf8_lossy(&restored.stderr).into_owned();
    let refused = refusal.lines().filter_map(|line| line.strip_prefix("  ")?.split_once(": "));
    let mut refused: BTreeSet<&str> = refused.map(|(path, _)| path).collect();
    // Drift takes the two halves of a rename for one change.
    assert!(refused.remove("evolution::first::Machine.tick"), "{refusal}");
    let errors = lines.iter().filter(|[_, severity, _]| severity == "error");
    let errors: BTreeSet<&str> = errors.map(|[.., about]| about.as_str()).collect();
    assert_eq!(errors, refused, "{refusal}");
}
