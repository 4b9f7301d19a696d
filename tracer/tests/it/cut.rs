//! Programs that go on for ever, and recordings that are ended.

use std::time::Duration;

use samestate_report::{Report, Severity};

use crate::support::{Place, short};

/// Compares two recordings of a shell that counts for ever, each ended after so many milliseconds;
/// the second one counts something else from a number on.
fn counted(ended: [u64; 2], wrong_from: u32) -> Report {
    let mut place = Place::new();
    for (end, from) in ended.into_iter().zip([u32::MAX, wrong_from]) {
        let script = "i=0; while :; do i=$((i+1)); \
                      if [ $i -ge $FROM ]; then echo other; else echo $i; fi; done";
        let recording = place.record_with(
            None,
            |_| (),
            &["sh", "-c", script],
            |config| {
                config.timeout = Some(Duration::from_millis(end));
                config.environment = Some(vec![("FROM".into(), from.to_string().into())]);
            },
        );
        assert!(recording.timed_out);
    }
    place.compare(1, 2)
}

#[test]
fn what_follows_the_end_of_a_recording_is_neither_missing_nor_extra() {
    for ended in [[300, 1000], [1000, 300], [500, 500]] {
        let report = counted(ended, u32::MAX);
        let said: Vec<_> = report.findings.iter().map(|finding| &finding.message).collect();
        assert!(said.iter().all(|said| said.contains("its time was up")), "{said:#?}");
        assert_eq!(report.count(Severity::Blind), 2, "{said:#?}");
        let compared = report.facts.iter().find(|fact| fact.what == "calls compared");
        assert!(compared.is_some_and(|fact| fact.count > 100), "{:?}", report.facts);
    }
    // What differs before it does so all the same.
    let report = counted([300, 1000], 3);
    let wrong = report.findings.iter().find(|finding| finding.severity == Severity::Error);
    let wrong = wrong.unwrap_or_else(|| panic!("{:#?}", short(&report)));
    assert_eq!(wrong.rule.id, "payload-differs");
    assert!(crate::support::sides(wrong).0.contains("\"3\\n\""), "{wrong:#?}");
}
