//! What a program waits for: children, and descriptors that become ready.

use std::path::Path;
use std::process::Command;

use samestate_tracer::{Verdict, Verification, Verify, verify};

use crate::support::{Place, first, has, short};
use crate::verify::{verdicts, words};

/// The program, built in this folder; `None` if there is no compiler.
fn built(folder: &Path) -> Option<String> {
    if !has("cc") {
        return None;
    }
    let (program, here) = (folder.join("waits"), Path::new(env!("CARGO_MANIFEST_DIR")));
    let built = Command::new("cc")
        .args(["-O1", "-Wall", "-Werror", "-I"])
        .arg(here.join("../include"))
        .arg("-o")
        .arg(&program)
        .arg(here.join("tests/fixtures/waits/waits.c"))
        .status();
    assert!(built.is_ok_and(|status| status.success()), "it compiles");
    Some(program.display().to_string())
}

fn rules(found: &Verification) -> Vec<String> {
    let told =
        |finding: &samestate_report::Finding| format!("{} {}", finding.rule.id, finding.subject);
    let mut rules: Vec<_> = found.report.findings.iter().map(told).collect();
    rules.sort();
    rules
}

#[test]
fn children_are_a_set_between_two_markers() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(program) = built(folder.path()) else { return };
    let image = folder.path().join("image").display().to_string();
    let run = |original: &str, restored: &str| {
        let config = Verify {
            command: words(format!("'{program}' {original} '{image}'")),
            restore: words(format!("'{program}' {restored} '{image}' {{image}}")),
            ..Verify::default()
        };
        verify(&config, &mut |_| ()).expect("it can be verified")
    };
    // In another order, by another call, or asked for again and again: they are the same children.
    for (original, restored) in [
        ("forward", "forward"),
        ("forward", "backward"),
        ("forward", "any"),
        ("any", "backward"),
        ("forward", "polled"),
        // When a call that does not wait finds that a child has ended is nobody's choice.
        ("forward", "polled-later"),
        ("polled-later", "polled"),
        ("later", "later"),
    ] {
        let found = run(original, restored);
        assert_eq!(rules(&found), [""; 0], "{original} {restored}: {:#?}", short(&found.report));
        assert_eq!(verdicts(&found), [Verdict::Same], "{original} {restored}");
    }
    for (original, restored, expected) in [
        ("forward", "wait-fewer", "missing-call 0#7 wait4"),
        ("wait-fewer", "forward", "extra-call 0#"),
        ("forward", "wait-twice", "extra-call 0#"),
        ("forward", "later", "calls-reordered 0#7 wait4"),
        ("later", "backward", "calls-reordered 0#"),
    ] {
        let found = run(original, restored);
        let told = rules(&found);
        let [one] = &told[..] else { panic!("{original} {restored}: {:#?}", short(&found.report)) };
        assert!(one.starts_with(expected), "{original} {restored}: {one}");
        assert_eq!(verdicts(&found), [Verdict::Differs], "{original} {restored}");
    }
    // Another status is told of the child that ends with it.
    let found = run("forward", "status");
    assert_eq!(rules(&found), ["argument-differs 0.2#1 exit_group", "exit-differs 0.2#2 exit"]);
    // One that is not even there is told as that as well.
    let found = run("forward", "fork-fewer");
    assert_eq!(verdicts(&found), [Verdict::Differs]);
    let finding = first(&found.report, "process-differs");
    assert!(finding.message.contains("only the original run"), "{}", finding.message);
    let found = run("forward", "wait-fewer");
    let finding = first(&found.report, "missing-call");
    assert_eq!(finding.message, "the restored run does not wait for task 0.2");
}

#[test]
fn when_a_descriptor_is_ready_does_not_count_but_what_is_done_then_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(program) = built(folder.path()) else { return };
    let image = folder.path().join("image").display().to_string();
    // The one that computes for longer is later, unless they take turns.
    let run = |case: &str, slow: [bool; 2]| {
        let mut place = Place::new();
        for slow in slow {
            let words = [program.as_str(), case, image.as_str()];
            let _recording = place.record_with(
                None,
                |_| (),
                &words,
                |config| {
                    config.knobs.serialized = false;
                    config.environment =
                        Some(slow.then(|| ("SLOW".into(), "1".into())).into_iter().collect());
                },
            );
        }
        let report = place.compare(1, 2);
        let mut rules: Vec<_> = report.findings.iter().map(|found| found.rule.id).collect();
        rules.dedup();
        assert!(rules.len() < 2, "{:#?}", short(&report));
        rules.pop()
    };
    for case in ["epoll-together", "poll-together"] {
        assert_eq!(run(case, [false, false]), None, "{case}");
        assert_eq!(run(case, [false, true]), None, "{case}");
    }
    assert_eq!(run("as-they-come", [true, true]), None);
    assert_eq!(run("as-they-come", [false, true]), Some("iteration-order"));
}
