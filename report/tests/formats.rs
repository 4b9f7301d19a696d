//! The formats that other programs read, against their schemas.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::Path;

use expect_test::expect;
use quick_junit::Report as Junit;
use samestate_report::render::{github, json, junit, sarif};
use samestate_report::{
    Call, Conversion, ConversionStep, Evidence, Finding, Frame, Place, Report, Severity, Side,
    Sides, Stack, Subject, Table, Told, rules,
};
use samestate_schema::path::FieldPath;
use serde_json::Value;

/// A report that uses everything there is, with characters that each format must escape.
fn full() -> Report {
    let mut report = Report::new("coverage");
    report.input("binary", "target/debug/si m%");
    report.fact("fields checked", 12);
    report.notes.push("::error::a note that looks like a command".into());
    let path = "sim::Machine.rng.state".parse::<FieldPath>().unwrap();
    let mut field =
        Finding::new(&rules::UNCOVERED_FIELD, Subject::Field(path), "not <covered> & 100%");
    field.place =
        Some(Place { text: Some("    state: u64,".into()), ..Place::new("src/a, b:c.rs", 12, 5) });
    field.way = vec!["sim::Machine".into(), "rng: Rng".into(), "state: u64".into()];
    field.evidence.push(Evidence {
        source: "source".into(),
        says: "`save` does not use it".into(),
        place: Some(Place::new("src/rng.rs", 20, 0)),
    });
    field.details.push("a line\u{1b}[31m and a control character".into());
    field.help = Some("save\nand restore it".into());
    report.findings.push(field);
    let unseen = Subject::Type("sim::Opaque".into());
    report.findings.push(Finding::new(&rules::CANNOT_SEE, unseen, "no debug information"));
    let call = Call { lineage: "0.1".into(), position: 7, name: "write".into() };
    let mut differs = Finding::new(&rules::PAYLOAD_DIFFERS, Subject::Call(call), "differs");
    let side = |label: &str, text: &str| Side { label: label.into(), text: text.into() };
    differs.sides = Some(Sides { left: side("original", "14"), right: side("restored", "]]> 0") });
    let inner = Frame {
        function: Some("sim::<T>::step & 100%".into()),
        module: "/opt/si m%".into(),
        address: 0x1234,
        place: Some(Place { text: Some("    x(self.y)".into()), ..Place::new("src/a b.rs", 7, 5) }),
        inlined: true,
        is_own: true,
        reads: vec!["`self.y`".into()],
        ..Frame::default()
    };
    let outer = Frame { module: "libc.so.6".into(), address: 16, ..Frame::default() };
    differs.place = inner.place.clone();
    differs.stacks = vec![
        Stack { label: "original".into(), frames: vec![inner, outer], missing: None },
        Stack { label: "restored".into(), frames: vec![], missing: Some("not reached".into()) },
    ];
    report.findings.push(differs);
    let given = Subject::Input("target/debug/si m%".into());
    let mut note = Finding::new(&rules::STALE_LOCK, given, "only a note");
    note.severity = Severity::Note;
    report.findings.push(note);
    let step = |part: &str, action: &str, image: Option<&str>, told| ConversionStep {
        part: part.into(),
        action: action.into(),
        image: image.map(Into::into),
        program: Some("u64".into()),
        told,
    };
    report.plan.push(Conversion {
        ty: "sim::Machine".into(),
        steps: vec![
            step("frame", "convert", Some("u32"), Told::No),
            step("rate", "fill", None, Told::Yes),
            step("Mode", "rename", Some("A"), Told::Needless),
        ],
    });
    report.tables.push(Table {
        row: "checkpoint".into(),
        columns: vec!["step".into()],
        rows: vec![vec!["20".into()]],
    });
    report
}

fn validate(schema: &Path, document: &Value) -> Vec<String> {
    let schema = std::fs::read_to_string(schema).unwrap();
    // The standard's own pattern for languages has a stray bracket.
    let schema: Value = serde_json::from_str(&schema.replace("{2}]?$", "{2}$")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

fn in_repository(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn json_is_what_its_schema_says() {
    let schema = in_repository("../docs/report.schema.json");
    for report in [full(), Report::new("coverage")] {
        let document: Value = serde_json::from_str(&json::render(&report).unwrap()).unwrap();
        assert_eq!(validate(&schema, &document), Vec::<String>::new());
    }
    let mut document: Value = serde_json::from_str(&json::render(&full()).unwrap()).unwrap();
    document["findings"][0]["severity"] = "fine".into();
    assert_ne!(validate(&schema, &document), Vec::<String>::new());
    for (key, value) in [("do", "guess"), ("told", "perhaps")] {
        let mut document: Value = serde_json::from_str(&json::render(&full()).unwrap()).unwrap();
        document["plan"][0]["steps"][0][key] = value.into();
        assert_ne!(validate(&schema, &document), Vec::<String>::new(), "{key}");
    }
}

#[test]
fn json_has_nothing_that_its_schema_does_not_name() {
    let schema = std::fs::read_to_string(in_repository("../docs/report.schema.json")).unwrap();
    let document: Value = serde_json::from_str(&json::render(&full()).unwrap()).unwrap();
    let mut names = BTreeSet::new();
    collect(&document, &mut names);
    for name in names {
        assert!(schema.contains(&format!("\"{name}\"")), "the schema does not name `{name}`");
    }
}

fn collect(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| collect(value, names)),
        Value::Object(fields) => {
            for (name, value) in fields {
                names.insert(name.clone());
                collect(value, names);
            }
        }
        _ => {}
    }
}

fn sarif_of(report: &Report) -> Value {
    serde_json::from_str(&sarif::render(report).unwrap()).unwrap()
}

#[test]
fn sarif_is_what_the_standard_says() {
    let schema = in_repository("tests/schemas/sarif-2.1.0.json");
    for report in [full(), Report::new("drift")] {
        assert_eq!(validate(&schema, &sarif_of(&report)), Vec::<String>::new());
    }
    let mut document = sarif_of(&full());
    document["runs"][0]["results"][0]["level"] = "fine".into();
    assert_ne!(validate(&schema, &document), Vec::<String>::new());
}

#[test]
fn sarif_tells_what_a_service_shows() {
    let document = sarif_of(&full());
    let run = &document["runs"][0];
    let result = &run["results"][0];
    assert_eq!(result["ruleId"], "uncovered-field");
    let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(run["tool"]["driver"]["rules"][index]["id"], "uncovered-field");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "src/a%2C%20b%3Ac.rs");
    assert_eq!(place["region"]["startLine"], 12);
    let flow = &result["codeFlows"][0]["threadFlows"][0]["locations"];
    assert_eq!(flow.as_array().unwrap().len(), 3);
    // What could not be seen is not fine.
    assert_eq!(run["results"][1]["level"], "warning");
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    assert_eq!(run["invocations"][0]["exitCode"], 1);
}

#[test]
fn a_fingerprint_knows_the_subject_and_not_the_line() {
    let prints = |report: &Report| -> Vec<Value> {
        let document = sarif_of(report);
        let results = document["runs"][0]["results"].as_array().unwrap();
        results.iter().map(|result| result["partialFingerprints"].clone()).collect()
    };
    let report = full();
    let mut moved = report.clone();
    moved.findings[0].place.as_mut().unwrap().line = 99;
    moved.findings[0].message = "said in other words".into();
    moved.inputs[0].name = "another/place".into();
    moved.findings[3].subject = Subject::Input("another/place".into());
    assert_eq!(prints(&report), prints(&moved));
    let mut other = report.clone();
    other.findings[0].subject =
        Subject::Field("sim::Machine.rng.other".parse::<FieldPath>().unwrap());
    assert_ne!(prints(&report)[0], prints(&other)[0]);
    // Several of the same rule and subject are told apart.
    let mut twice = report.clone();
    twice.findings.push(report.findings[0].clone());
    let prints = prints(&twice);
    assert_ne!(prints[0], prints[4]);
}

#[test]
fn junit_can_be_read_back() {
    let text = junit::render(&full()).unwrap();
    let read = Junit::deserialize_from_str(&text).unwrap();
    let suite = &read.test_suites[0];
    assert_eq!((suite.tests, suite.failures, suite.errors), (5, 3, 1));
    assert_eq!(suite.name.as_str(), "samestate coverage");
    assert_eq!(suite.test_cases[1].name.as_str(), "sim::Machine.rng.state");
    let clean = Junit::deserialize_from_str(&junit::render(&Report::new("drift")).unwrap());
    let clean = &clean.unwrap().test_suites[0];
    assert_eq!((clean.tests, clean.failures, clean.errors), (1, 0, 0));
}

#[test]
fn github_gets_annotations() {
    expect![[r#"
        ::error file=src/a%2C b%3Ac.rs,line=12,col=5,title=samestate%3A uncovered-field::not <covered> & 100%25%0Away: sim::Machine → rng: Rng → state: u64%0Ahelp: save%0Aand restore it
        ::error file=src/a b.rs,line=7,col=5,title=samestate%3A payload-differs::differs%0Aoriginal: 14%0Arestored: ]]> 0
        ::warning title=samestate%3A cannot-see::could not see: no debug information
        ::notice title=samestate%3A stale-lock::only a note
        note: ::error::a note that looks like a command
        samestate coverage: findings (2 error, 1 blind, 0 warning, 1 note), exit code 1
    "#]].assert_eq(&github::render(&full()));
}

#[test]
fn github_drops_nothing_silently() {
    let mut report = Report::new("coverage");
    for number in 0..25 {
        let subject = Subject::Type(format!("sim::T{number}"));
        report.findings.push(Finding::new(&rules::UNCOVERED_FIELD, subject, format!("f{number}")));
    }
    let text = github::render(&report);
    assert_eq!(text.lines().filter(|line| line.starts_with("::error")).count(), 10);
    assert_eq!(text.lines().filter(|line| line.starts_with("error[uncovered-field]")).count(), 15);
    assert!(text.ends_with("; 15 without an annotation, in the log above\n"), "{text}");
}
