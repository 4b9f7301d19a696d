//! What is left out of a report, and what stands there instead.

use samestate_report::{
    Allowances, Allowed, Call, Day, Finding, Glob, Place, Report, Severity, Subject, Unused, rules,
};

fn entry(rule: &str) -> Allowed {
    Allowed {
        rule: rule.into(),
        subject: None,
        call: None,
        path: None,
        argument: None,
        thread: None,
        reason: "why not".into(),
        until: None,
        place: Place::new("samestate.toml", 3, 1),
    }
}

fn finding() -> Finding {
    let call = Call { lineage: "0.2".into(), position: 7, name: "write".into() };
    let mut finding = Finding::new(&rules::PAYLOAD_DIFFERS, Subject::Call(call), "differs");
    finding.paths = vec![vec!["/var/app.log".into(), "/tmp".into()]; 2];
    finding.argument = Some("buf".into());
    finding
}

/// Whether an entry leaves the finding out.
fn covers(change: impl FnOnce(&mut Allowed)) -> bool {
    let mut entry = entry("payload-differs");
    change(&mut entry);
    Allowances::new(vec![entry]).covering(&finding()).is_some()
}

#[test]
fn each_condition_has_to_hold() {
    type Change = fn(&mut Allowed, Option<Glob>);
    let changes: [(Change, &str, &str); 4] = [
        (|entry, glob| entry.call = glob, "wri*", "read"),
        (|entry, glob| entry.path = glob, "*.log", "*.txt"),
        (|entry, glob| entry.argument = glob, "buf", "count"),
        (|entry, glob| entry.thread = glob, "0.*", "0"),
    ];
    assert!(covers(|_| ()));
    assert!(!covers(|entry| entry.rule = "input-differs".into()));
    for (change, fits, does_not) in changes {
        assert!(covers(|entry| change(entry, Some(Glob::new(fits)))), "{fits}");
        assert!(!covers(|entry| change(entry, Some(Glob::new(does_not)))), "{does_not}");
        // All others hold.
        for (other, ok, _) in changes {
            let both = covers(|entry| {
                other(entry, Some(Glob::new(ok)));
                change(entry, Some(Glob::new(does_not)));
            });
            assert!(!both, "{ok} and {does_not}");
        }
    }
}

#[test]
fn a_finding_about_no_call_is_not_covered_by_what_asks_for_one() {
    let about = Subject::Input("umask".into());
    let finding = Finding::new(&rules::KERNEL_STATE_DIFFERS, about, "differs");
    let covers = |change: fn(&mut Allowed)| {
        let mut entry = entry("kernel-state-differs");
        change(&mut entry);
        Allowances::new(vec![entry]).covering(&finding).is_some()
    };
    assert!(covers(|_| ()));
    assert!(covers(|entry| entry.path = Some(Glob::new("umask"))));
    assert!(!covers(|entry| entry.call = Some(Glob::new("*"))));
    assert!(!covers(|entry| entry.argument = Some(Glob::new("*"))));
}

#[test]
fn what_was_left_out_stands_in_the_report_with_its_reason() {
    let mut report = Report::new("compare");
    report.findings = vec![finding(), finding()];
    Allowances::new(vec![entry("payload-differs")]).apply(&mut report, Unused::Fails);
    assert!(report.findings.is_empty());
    assert_eq!(report.tables[0].rows, [["payload-differs", "*", "2", "why not"]]);
}

#[test]
fn an_unused_entry_and_one_past_its_day_are_findings() {
    let rule = |until: Option<&str>, unused| {
        let mut report = Report::new("verify");
        let until = until.map(|day| Day::parse(day).unwrap());
        let entry = Allowed { until, ..entry("payload-differs") };
        Allowances::new(vec![entry]).apply(&mut report, unused);
        report.findings.first().map(|finding| (finding.rule.id, finding.severity))
    };
    assert_eq!(rule(None, Unused::Fails), Some(("stale-treatment", Severity::Error)));
    assert_eq!(rule(None, Unused::Warns), Some(("stale-treatment", Severity::Warning)));
    assert_eq!(rule(None, Unused::Quiet), None);
    let expired = Some(("expired-treatment", Severity::Error));
    assert_eq!(rule(Some("2020-01-31"), Unused::Quiet), expired);
    assert_eq!(rule(Some("9999-01-31"), Unused::Quiet), None);
}

#[test]
fn entries_are_of_runs_or_of_programs() {
    let all = Allowances::new(vec![entry("payload-differs"), entry("uncovered-field")]);
    let stale = |part: Allowances| {
        let mut report = Report::new("x");
        part.apply(&mut report, Unused::Fails);
        report.findings.iter().map(|finding| finding.subject.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(stale(all.of_runs()), ["payload-differs *"]);
    assert_eq!(stale(all.of_programs()), ["uncovered-field *"]);
}

#[test]
fn a_call_on_another_file_is_not_allowed_by_the_file_of_one_run() {
    let covers = |paths: &[&str]| {
        let mut finding = finding();
        finding.paths = paths.iter().map(|path| vec![(*path).to_owned()]).collect();
        let path = Some(Glob::new("*.log"));
        let entry = Allowed { path, ..entry("payload-differs") };
        Allowances::new(vec![entry]).covering(&finding).is_some()
    };
    assert!(covers(&["/a.log", "/b.log"]));
    assert!(covers(&["/a.log"]));
    assert!(!covers(&["/a.log", "/state.db"]));
    assert!(!covers(&["/state.db", "/a.log"]));
    assert!(!covers(&[]));
}
