//! samestate.toml: what its lines turn off, and what becomes of lines that name nothing.

use samestate_report::{ExitCode, Subject};

use crate::build::{Flavor, compile, cover_with, lines};

const PROGRAM: &str = "
pub struct Cpu { pc: u16, decoded: Vec<u32>, kind: Kind }
pub enum Kind { Off, On { since: u32 } }
pub struct Window { id: u32, title: String }
pub trait Sink { fn put(&self) -> u32; }
pub struct Printer { pages: u32 }
impl Sink for Printer { fn put(&self) -> u32 { self.pages } }
pub struct Root { cpu: Cpu, window: Option<Box<Window>>, sink: Box<dyn Sink>, any: Box<dyn std::any::Any> }
pub struct Other { lonely: u8 }
fn main() {
    let root = Root {
        cpu: Cpu { pc: 1, decoded: vec![1], kind: if std::env::args().count() > 1 { Kind::Off } else { Kind::On { since: 1 } } },
        window: None, sink: Box::new(Printer { pages: 1 }), any: Box::new(1u8) };
    std::hint::black_box((&root, &Other { lonely: 1 }));
    println!(\"{}\", root.sink.put());
}
";

fn cover(settings: &str) -> samestate_report::Report {
    let settings = format!("roots = [\"app::Root\"]\n{settings}");
    cover_with(&compile(PROGRAM, Flavor::Debug), &settings)
}

#[test]
fn each_line_turns_off_what_it_names_and_nothing_else() {
    let all = lines(&cover(""));
    let without = |settings: &str, gone: &[&str]| {
        let report = cover(settings);
        let found = lines(&report);
        let expected: Vec<String> = all
            .iter()
            .filter(|line| !gone.iter().any(|gone| line.ends_with(gone)))
            .cloned()
            .collect();
        assert_eq!(found, expected, "{settings}");
        assert!(found.len() < all.len(), "{settings}");
        assert_eq!(report.tables[0].rows.len(), 1, "the decision is listed");
        assert!(report.tables[0].rows[0].contains(&"a reason".to_owned()));
    };
    without("[skip]\n\"app::Cpu.decoded\" = \"a reason\"", &["Root.cpu.decoded"]);
    without("[skip]\n\"Cpu.dec*\" = \"a reason\"", &["Root.cpu.decoded"]);
    without("[rebuilt]\n\"app::Kind::On.since\" = \"a reason\"", &["kind::On.since"]);
    without(
        "[host]\n\"app::Window\" = \"a reason\"",
        &["Root.window", "window::Some.0.id", "window::Some.0.title"],
    );
    without("[host]\n\"app::Sink\" = \"a reason\"", &["Root.sink", "sink{app::Printer}.pages"]);
    without("[skip]\n\"app::Root.any\" = \"a reason\"", &["Root.any"]);
}

#[test]
fn a_line_that_names_nothing_is_a_finding() {
    let all = lines(&cover(""));
    for stale in ["app::Cpu.cache", "app::Gone", "app::Other", "app::Other.lonely"] {
        let report = cover(&format!("[skip]\n\"{stale}\" = \"a reason\""));
        let found = lines(&report);
        assert_eq!(found.len(), all.len() + 1, "{found:?}");
        let finding =
            report.findings.iter().find(|finding| finding.rule.id == "stale-treatment").unwrap();
        assert!(matches!(&finding.subject, Subject::Type(name) if name == stale));
        let place = finding.place.as_ref().unwrap();
        assert_eq!((&*place.file, place.line), ("samestate.toml", 3));
    }
}

#[test]
fn a_treatment_holds_until_its_day() {
    let with = |until: &str| {
        cover(&format!(
            "[skip]\n\"app::Root.*\" = {{ reason = \"all of it\", until = \"{until}\" }}"
        ))
    };
    let report = with("2999-12-31");
    assert_eq!(lines(&report), [""; 0]);
    assert_eq!(report.exit_code(), ExitCode::Clean);
    let report = with("2020-02-29");
    assert_eq!(lines(&report), ["expired-treatment app::Root.*"]);
    assert_eq!(report.exit_code(), ExitCode::Findings);
}

#[test]
fn a_root_that_is_not_there_is_shown_in_the_file() {
    let report = cover_with(&compile(PROGRAM, Flavor::Debug), "roots = [\"app::Roof\"]");
    assert_eq!(lines(&report), ["root-not-found app::Roof"]);
    assert_eq!(report.findings[0].place.as_ref().unwrap().column, 10);
}
