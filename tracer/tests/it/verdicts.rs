//! What a difference is called, and when there is none to call.

use samestate_tracer::{Strength, Verdict, Verification, Verify, Which, verify};

use crate::support::{call, first, short, sides};
use crate::verify::{config, folder, verdicts};

fn run(flags: &str, how: impl Fn(&mut Verify)) -> Verification {
    let folder = folder();
    let mut config = config(folder.path(), flags);
    how(&mut config);
    verify(&config, &mut |_| ()).expect("it can be verified")
}

fn rules(found: &Verification) -> Vec<&'static str> {
    let mut rules: Vec<_> = found.report.findings.iter().map(|found| found.rule.id).collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

#[test]
fn another_order_and_another_time_are_called_that() {
    for (flag, rule, name) in [
        ("--rows", "iteration-order", "write"),
        ("--row", "iteration-order", "write"),
        ("--tasks", "calls-reordered", ""),
        ("--late", "time-differs", "clock_nanosleep"),
    ] {
        let found = run(flag, |_| ());
        assert_eq!(rules(&found), [rule], "{flag}: {:#?}", short(&found.report));
        assert_eq!(verdicts(&found), [Verdict::Differs, Verdict::Differs, Verdict::Same], "{flag}");
        let finding = first(&found.report, rule);
        assert!(name.is_empty() || call(finding) == name, "{flag}: {}", finding.subject);
        let twin = run(&format!("{flag} --careful"), |_| ());
        assert_eq!(rules(&twin), [""; 0], "{flag}: {:#?}", short(&twin.report));
        assert_eq!(verdicts(&twin), [Verdict::Same; 3], "{flag}");
    }
}

#[test]
fn where_the_original_differs_from_itself_nothing_is_settled() {
    let found = run("--outside --careful", |_| ());
    assert_eq!(rules(&found), ["control-differs"], "{:#?}", short(&found.report));
    assert_eq!(
        verdicts(&found),
        [Verdict::Inconclusive, Verdict::Inconclusive, Verdict::Same],
        "nothing is written after the last one"
    );
    assert!(found.report.is_incomplete());
    let finding = first(&found.report, "control-differs");
    assert!(finding.message.starts_with("not settled: "), "{}", finding.message);
    assert!(finding.details[0].contains("differs from itself"), "{:?}", finding.details);
    assert!(finding.details[1].contains("-differs`"), "{:?}", finding.details);
    assert!(finding.help.as_ref().is_some_and(|help| help.contains("--state")));

    // What differs elsewhere is a difference all the same.
    let found = run("--outside --careful --forget-random", |_| ());
    assert_eq!(verdicts(&found)[..2], [Verdict::Differs; 2]);
    let (left, right) = sides(first(&found.report, "payload-differs"));
    assert!(left.contains("\"144\"") && right.contains("\"94\""), "{left} {right}");
    first(&found.report, "control-differs");

    // Without the second run of the original everything counts.
    let found = run("--outside --careful", |config| config.without_control = true);
    assert_eq!(verdicts(&found)[..2], [Verdict::Differs; 2]);

    // The file is put back as soon as it is named.
    let found = run("--outside --careful", |config| {
        let state = config.state[0].clone();
        config.state.push(state.with_file_name("outside"));
    });
    assert_eq!(verdicts(&found), [Verdict::Differs, Verdict::Differs, Verdict::Same]);
}

#[test]
fn a_weaker_comparison_sees_less_and_a_strict_one_nothing_that_is_not_there() {
    for (strength, differs) in [
        (Strength::Sequence, false),
        (Strength::Args, true),
        (Strength::Payload, true),
        (Strength::Strict, true),
    ] {
        for (flags, differs) in
            [("--forget-random", differs), ("--row", strength >= Strength::Payload)]
        {
            let found = run(flags, |config| config.strength = strength);
            let expected = if differs { Verdict::Differs } else { Verdict::Same };
            let seen = verdicts(&found)[0];
            assert_eq!(seen, expected, "{flags} {strength:?}: {:#?}", short(&found.report));
        }
    }
}

#[test]
fn some_checkpoints_are_restored_where_not_all_are_wanted() {
    let steps = |found: &Verification| -> Vec<u64> {
        found.checkpoints.iter().map(|checkpoint| checkpoint.step).collect()
    };
    let found = run("", |config| config.which = Which::Every(2));
    assert_eq!(steps(&found), [2, 6]);
    assert!(found.report.notes.iter().any(|note| note == "1 of 3 checkpoints were not restored"));
    let found = run("", |config| config.which = Which::Sample(1));
    assert_eq!(steps(&found), [2]);
}
