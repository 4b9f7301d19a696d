//! Differences that are allowed, among more than anybody wants to read.

use samestate_report::{Allowances, Allowed, Glob, Place, Report};
use samestate_tracer::{Comparison, compare};

use crate::bad_input::numbers;

fn entry(rule: &str, call: Option<&str>, argument: Option<&str>, thread: Option<&str>) -> Allowed {
    let glob = |text: Option<&str>| text.map(Glob::new);
    Allowed {
        rule: rule.to_owned(),
        subject: None,
        call: glob(call),
        path: None,
        argument: glob(argument),
        thread: glob(thread),
        reason: "it is tried".to_owned(),
        until: None,
        place: Place::new("samestate.toml", 1, 1),
    }
}

fn fact(report: &Report, what: &str) -> u64 {
    report.facts.iter().find(|fact| fact.what == what).map_or(0, |fact| fact.count)
}

#[test]
fn every_difference_is_judged_and_few_are_written_out() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    // Every fifth number is another one, and one is left out, in either process.
    numbers(&one, 3000, Some);
    numbers(&other, 3000, |number| match number {
        7 => None,
        _ if number % 5 == 0 => Some(number + 100_000),
        _ => Some(number),
    });
    let run = |entry: Option<Allowed>| {
        let allowed = Allowances::new(entry.into_iter().collect());
        let how = Comparison { allowed, most_findings: 3, ..Comparison::default() };
        compare(&one, &other, &how).expect("they can be read")
    };
    let plain = run(None);
    let all = fact(&plain, "divergences");
    assert_eq!((all, plain.findings.len()), (1202, 3));
    let payload = "payload-differs";
    for (entry, allowed) in [
        (entry(payload, None, None, None), 1200),
        (entry(payload, Some("wr*"), Some("buf"), Some("0.1")), 600),
        (entry("missing-call", Some("write"), None, None), 2),
        (entry("missing-call", Some("write"), None, Some("0")), 1),
        // Entries that nothing is about.
        (entry(payload, Some("close"), None, None), 0),
        (entry(payload, Some("marker"), None, None), 0),
        (entry(payload, None, Some("fd"), None), 0),
        (entry(payload, None, None, Some("0.2")), 0),
        (entry("extra-call", None, None, None), 0),
        (entry("calls-reordered", None, None, None), 0),
    ] {
        let what = format!("{entry:?}");
        let found = run(Some(entry));
        assert_eq!(fact(&found, "allowed"), allowed, "{what}");
        assert_eq!(fact(&found, "divergences"), all - allowed, "{what}");
        let written = found.findings.iter().filter(|one| one.rule.id != "stale-treatment");
        let written: Vec<_> = written.collect();
        assert_eq!(written.len() as u64, 3.min(all - allowed), "{what}");
        // What is written out is the same as ever.
        let first = plain.findings.iter().find(|one| one.subject == written[0].subject);
        let shown = |one: &samestate_report::Finding| format!("{one:?}");
        assert!(first.is_none_or(|first| shown(first) == shown(written[0])), "{what}");
        assert!(written.iter().all(|one| one.sides.is_some() && one.details.len() > 5), "{what}");
    }
}
