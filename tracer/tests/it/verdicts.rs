//! What a difference is called, and when there is none to call.

use samestate_report::Severity;
use samestate_tracer::{Announce, Strength, Verdict, Verification, Verify, Which, verify};

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
    let only_state = |config: &mut Verify| config.only_state = true;
    let found = run("--outside --careful", only_state);
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
    let found = run("--outside --careful --forget-random", only_state);
    assert_eq!(verdicts(&found)[..2], [Verdict::Differs; 2]);
    let (left, right) = sides(first(&found.report, "payload-differs"));
    assert!(left.contains("\"144\"") && right.contains("\"94\""), "{left} {right}");
    first(&found.report, "control-differs");

    // Without the second run of the original everything counts.
    let found = run("--outside --careful", |config| {
        only_state(config);
        config.without_control = true;
    });
    assert_eq!(verdicts(&found)[..2], [Verdict::Differs; 2]);

    // The file is put back if nothing forbids it, and if it is named.
    let found = run("--outside --careful", |_| ());
    assert_eq!(verdicts(&found), [Verdict::Differs, Verdict::Differs, Verdict::Same]);
    let found = run("--outside --careful", |config| {
        only_state(config);
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

#[test]
fn what_the_kernel_keeps_is_compared_at_the_marker() {
    for (flag, subject) in [
        ("--umask", "mask of new files"),
        ("--folder", "working folder"),
        ("--blocked", "blocked signals"),
        ("--ignored", "ignored signals"),
        ("--handled", "handled signals"),
        ("--interval", "interval timer 0"),
        ("--timer", "timer 0"),
        ("--limit", "limit of max open files"),
        ("--open", "/dev/zero"),
        ("--flags", "/dev/null"),
    ] {
        let once = |config: &mut Verify| config.which = Which::Sample(1);
        let found = run(flag, once);
        assert_eq!(rules(&found), ["kernel-state-differs"], "{flag}: {:#?}", short(&found.report));
        let finding = first(&found.report, "kernel-state-differs");
        assert_eq!(finding.subject.to_string(), subject, "{flag}: {}", finding.message);
        // A descriptor may never be used again.
        let is_descriptor = subject.starts_with("/dev");
        let severity = if is_descriptor { Severity::Warning } else { Severity::Error };
        assert_eq!(finding.severity, severity, "{flag}");
        let verdict = if is_descriptor { Verdict::Same } else { Verdict::Differs };
        assert_eq!(verdicts(&found), [verdict], "{flag}");
        let twin = run(&format!("{flag} --careful"), once);
        assert_eq!(rules(&twin), [""; 0], "{flag}: {:#?}", short(&twin.report));
    }
}

#[test]
fn a_program_that_announces_nothing_is_verified_by_its_files() {
    let by_files = |config: &mut Verify| {
        config.announce = Announce { saved_on: Some("image-*".to_owned()), ..Announce::default() };
    };
    let found = run("--unannounced", by_files);
    assert_eq!(rules(&found), [""; 0], "{:#?}", short(&found.report));
    assert_eq!(verdicts(&found), [Verdict::Same; 3]);
    let found = run("--unannounced --forget-random", by_files);
    assert_eq!(verdicts(&found), [Verdict::Differs, Verdict::Differs, Verdict::Same]);
    let (left, right) = sides(first(&found.report, "payload-differs"));
    assert!(left.contains("\"144\"") && right.contains("\"94\""), "{left} {right}");
    // Which file it restores from may be told as well.
    let found = run("--unannounced", |config| {
        by_files(config);
        config.announce.restored_on = Some("no-such-*".to_owned());
    });
    assert_eq!(verdicts(&found), [Verdict::Failed; 3]);
    let found = run("--unannounced", |_| ());
    assert_eq!(rules(&found), ["no-marker"]);
}

#[test]
fn what_is_saved_after_a_restore_is_restored_again() {
    let rounds = |config: &mut Verify| config.rounds = 3;
    let seen = |found: &Verification| -> Vec<_> {
        let row = |at: &samestate_tracer::Checkpoint| (at.round, at.number, at.verdict);
        found.checkpoints.iter().map(row).collect()
    };
    let same = Verdict::Same;
    let found = run("", rounds);
    assert_eq!(rules(&found), [""; 0], "{:#?}", short(&found.report));
    let all = [(1, 1, same), (2, 2, same), (3, 3, same), (1, 2, same), (2, 3, same), (1, 3, same)];
    assert_eq!(seen(&found), all);
    // One round sees nothing of what a restored program saves wrong.
    let found = run("--bad-resave", |_| ());
    assert_eq!(verdicts(&found), [same; 3], "{:#?}", short(&found.report));
    // One whose next image is gone when it could be copied cannot be followed.
    let found = run("--unkept", rounds);
    let unseen = first(&found.report, "no-marker");
    assert_eq!(unseen.severity, Severity::Blind, "{:#?}", short(&found.report));
    assert!(unseen.message.contains("cannot be copied"), "{}", unseen.message);
    let found = run("--bad-resave", rounds);
    assert!(seen(&found).contains(&(2, 2, Verdict::OtherImage)), "{:?}", seen(&found));
    let group = first(&found.report, "state-not-restored").group.as_deref();
    assert!(group.is_some_and(|group| group.ends_with("round 2")), "{group:?}");
}
