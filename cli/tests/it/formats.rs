//! The same verdict in every format.

use std::path::Path;

use crate::fixtures::{particles, samestate};

#[test]
fn every_format_tells_the_forgotten_field_and_the_exit_code() {
    let (clean, forgotten) = (particles("complete"), particles("forgotten"));
    for (format, tells) in [
        ("text", "error[uncovered-field]"),
        ("json", "\"rule\": \"uncovered-field\""),
        ("sarif", "\"ruleId\": \"uncovered-field\""),
        ("junit", "classname=\"samestate.uncovered-field\""),
        ("github", "::error file=examples/particles/src/"),
    ] {
        let run = |binary: &Path| {
            samestate([Path::new("coverage"), Path::new("--format"), Path::new(format), binary])
        };
        let said = run(&forgotten);
        assert_eq!(said.code, 1, "{format}: {}", said.stderr);
        assert!(said.stdout.contains(tells), "{format}: {}", said.stdout);
        let said = run(&clean);
        assert_eq!(said.code, 0, "{format}: {}", said.stderr);
        assert!(!said.stdout.contains(tells), "{format}: {}", said.stdout);
    }
}

#[test]
fn commands_without_a_report_refuse_the_formats_of_reports() {
    for words in [["show", "run"], ["explain", "uncovered-field"]] {
        let said = samestate(words.into_iter().chain(["--format", "sarif"]));
        assert_eq!(said.code, 2, "{}", said.stderr);
        assert!(said.stderr.contains("prints text only"), "{}", said.stderr);
    }
}
