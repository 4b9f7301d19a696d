//! What a report looks like in each format.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use expect_test::{Expect, expect};
use samestate_report::render::{json, text};
use samestate_report::{
    Call, Evidence, ExitCode, Finding, Place, Report, Severity, Side, Sides, Subject, Table, rules,
};
use samestate_schema::path::FieldPath;

const PLAIN: text::Style = text::Style { color: false, verbose: false };

fn field(path: &str) -> Subject {
    Subject::Field(path.parse::<FieldPath>().unwrap())
}

fn uncovered(path: &str, ty: &str) -> Finding {
    let mut finding = Finding::new(
        &rules::UNCOVERED_FIELD,
        field(path),
        format!("no checkpoint covers `{path}`"),
    );
    finding.way = vec!["sim::Machine".into(), format!("it: {ty}")];
    finding
}

fn check(report: &Report, expected: &Expect) {
    let mut shown = text::render(report, PLAIN);
    shown.push_str(&format!("exit code {}\n", report.exit_code().code()));
    expected.assert_eq(&shown);
}

#[test]
fn a_field_with_its_source() {
    let mut report = Report::new("coverage");
    report.input("binary", "target/debug/sim");
    report.fact("fields checked", 12);
    let mut finding = uncovered("sim::Machine.rng.state", "u64");
    finding.place = Some(Place {
        text: Some("    state: u64, // of the generator".into()),
        ..Place::new("src/rng.rs", 12, 5)
    });
    finding.evidence.push(Evidence {
        source: "source".into(),
        says: "`save` does not use it".into(),
        place: Some(Place::new("src/rng.rs", 20, 5)),
    });
    finding.help = Some("save and restore it".into());
    report.findings.push(finding);
    check(
        &report,
        &expect![[r#"
            error[uncovered-field]: no checkpoint covers `sim::Machine.rng.state`
              --> src/rng.rs:12:5
               |
            12 |     state: u64, // of the generator
               |     ^^^^^^^^^^
               |
               = way: sim::Machine → it: u64
               = source: `save` does not use it (src/rng.rs:20)
               = help: save and restore it

            coverage target/debug/sim: failed, 1 error (12 fields checked)
            exit code 1
        "#]],
    );
}

#[test]
fn many_fields_of_one_type_stand_together() {
    let mut report = Report::new("coverage");
    for name in ["a", "b", "c", "d"] {
        let mut finding = uncovered(&format!("sim::Machine.cpu.{name}"), "u8");
        finding.group = Some("sim::Cpu".into());
        report.findings.push(finding);
    }
    let mut other = uncovered("sim::Machine.ppu.a", "u8");
    other.group = Some("sim::Ppu".into());
    report.findings.push(other);
    check(
        &report,
        &expect![[r#"
            error[uncovered-field]: 4 findings in `sim::Cpu`: a field that is reachable from a root is covered by no checkpoint
              |
              = sim::Machine.cpu.a: u8
                sim::Machine.cpu.b: u8
                sim::Machine.cpu.c: u8
                sim::Machine.cpu.d: u8
              = help: Save and restore the field, or decide that it need not be: `skip(default)` or `skip(value)` with a reason, `rebuild` from other fields, or `external` for a handle that is given at restore.

            error[uncovered-field]: no checkpoint covers `sim::Machine.ppu.a`
              |
              = way: sim::Machine → it: u8

            coverage: failed, 5 errors
            exit code 1
        "#]],
    );
}

#[test]
fn a_divergence_shows_both_sides() {
    let mut report = Report::new("compare");
    let call = Call { lineage: "0".into(), position: 41, name: "write".into() };
    let mut finding = Finding::new(
        &rules::PAYLOAD_DIFFERS,
        Subject::Call(call),
        "byte 6 of what `write` hands to fd 3 differs",
    );
    finding.sides = Some(Sides {
        left: Side { label: "original".into(), text: "write(3, \"hits 41\", 7) = 7".into() },
        right: Side { label: "restored".into(), text: "write(3, \"hits 20\", 7) = 7".into() },
    });
    finding.details.push("original 40: lseek(3, 0, SEEK_END) = 280".into());
    report.findings.push(finding);
    check(
        &report,
        &expect![[r#"
            error[payload-differs]: byte 6 of what `write` hands to fd 3 differs
              |
              = call: write in thread 0, call 41
              = original: write(3, "hits 41", 7) = 7
              = restored: write(3, "hits 20", 7) = 7
              = original 40: lseek(3, 0, SEEK_END) = 280
              = help: Look at the state that the bytes are computed from.

            compare: failed, 1 error
            exit code 1
        "#]],
    );
}

#[test]
fn the_first_of_many_divergences_is_shown_whole() {
    let mut report = Report::new("compare");
    for position in 7..12 {
        let call = Call { lineage: "0".into(), position, name: "write".into() };
        let message = "byte 0 of what `write` hands to fd 3 differs";
        let mut finding = Finding::new(&rules::PAYLOAD_DIFFERS, Subject::Call(call), message);
        finding.group = Some("checkpoint 1".into());
        report.findings.push(finding);
    }
    check(
        &report,
        &expect![[r#"
            error[payload-differs]: byte 0 of what `write` hands to fd 3 differs
              |
              = call: write in thread 0, call 7
              = help: Look at the state that the bytes are computed from.

            error: 4 more calls differ at checkpoint 1; `--verbose` shows each
              |
              = payload-differs: 0#8 write, 0#9 write, 0#10 write, 0#11 write

            compare: failed, 5 errors
            exit code 1
        "#]],
    );
}

#[test]
fn not_seen_is_not_clean() {
    let mut report = Report::new("coverage");
    report.findings.push(Finding::new(
        &rules::NO_TYPES,
        Subject::Input("a.out".into()),
        "`a.out` has line tables only",
    ));
    check(
        &report,
        &expect![[r#"
            cannot see[no-types]: `a.out` has line tables only
              |
              = help: Build with `debug = 2` (or `debug = true`) and `strip = false` in the profile; optimisation does not matter.

            coverage: could not check everything, 1 place that could not be seen
            exit code 3
        "#]],
    );
    assert!(report.is_incomplete());
    report.findings.push(uncovered("a::B.c", "u8"));
    assert_eq!(report.exit_code(), ExitCode::Findings, "findings go before blindness");
}

#[test]
fn notes_and_warnings_are_clean() {
    let mut report = Report::new("drift");
    let mut finding = uncovered("a::B.c", "u8");
    finding.severity = Severity::Warning;
    report.findings.push(finding);
    assert_eq!(report.exit_code(), ExitCode::Clean);
    report.findings.clear();
    report.notes.push("the lock was written by version 0.1.0".into());
    check(
        &report,
        &expect![[r#"
            note: the lock was written by version 0.1.0
            drift: clean
            exit code 0
        "#]],
    );
}

#[test]
fn tables_are_aligned() {
    let mut report = Report::new("verify");
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    report.tables.push(Table {
        row: "checkpoint".into(),
        columns: words(&["step", "image", "calls"]),
        rows: vec![words(&["20", "a.ckpt", "9"]), words(&["400", "longer.ckpt", "12"])],
    });
    check(
        &report,
        &expect![[r#"
          step  image        calls
            20  a.ckpt           9
           400  longer.ckpt     12

        verify: clean
        exit code 0
    "#]],
    );
}

#[test]
fn json_is_versioned() {
    let mut report = Report::new("coverage");
    report.input("binary", "sim");
    report.fact("fields checked", 3);
    let mut finding = uncovered("sim::Machine.rng.state", "u64");
    finding.place = Some(Place::new("src/rng.rs", 12, 5));
    report.findings.push(finding);
    expect![[r#"
        {
          "format": "samestate-report",
          "version": 1,
          "command": "coverage",
          "exit_code": 1,
          "incomplete": false,
          "inputs": [
            {
              "role": "binary",
              "name": "sim"
            }
          ],
          "facts": [
            {
              "what": "fields checked",
              "count": 3
            }
          ],
          "notes": [],
          "findings": [
            {
              "rule": "uncovered-field",
              "severity": "error",
              "subject": {
                "kind": "field",
                "path": "sim::Machine.rng.state"
              },
              "message": "no checkpoint covers `sim::Machine.rng.state`",
              "place": {
                "file": "src/rng.rs",
                "line": 12,
                "column": 5
              },
              "way": [
                "sim::Machine",
                "it: u64"
              ]
            }
          ]
        }
    "#]]
    .assert_eq(&json::render(&report).unwrap());
}

#[test]
fn findings_are_sorted_by_what_they_are_about() {
    let mut report = Report::new("coverage");
    for path in ["a::B.c", "a::B.a", "a::A.z"] {
        report.findings.push(uncovered(path, "u8"));
    }
    report.sort();
    let order: Vec<String> = report.findings.iter().map(|f| f.subject.to_string()).collect();
    assert_eq!(order, ["a::A.z", "a::B.a", "a::B.c"]);
}
