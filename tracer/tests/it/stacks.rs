//! Where in the program the calls are made that differ.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use samestate_report::{Finding, Report, Stack};
use samestate_tracer::show::Show;
use samestate_tracer::{Stacks, Verdict, Verify, verify};

use crate::support::{Place, assert_clean, call, first, has, short, tracee};
use crate::verify::{config, folder, verdicts, words};

/// The program in C that these tests are about.
fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/stacks/stacks.c")
}

/// The line of the source that has this comment, from 1.
fn line(comment: &str) -> u32 {
    let text = fs::read_to_string(source()).expect("the source");
    let at = text.lines().position(|line| line.contains(comment)).expect("the comment");
    u32::try_from(at + 1).expect("a small number")
}

/// Builds it; `None` if there is no compiler.
fn built(folder: &Path, flags: &[&str]) -> Option<String> {
    if !has("cc") {
        return None;
    }
    let program = folder.join("stacks");
    let mut compiler = Command::new("cc");
    compiler.args(flags).arg("-pthread").arg("-o").arg(&program).arg(source());
    let built = compiler.status();
    assert!(built.is_ok_and(|status| status.success()), "it compiles");
    Some(program.display().to_string())
}

const OPTIMIZED: [&str; 4] = ["-O2", "-g", "-fomit-frame-pointer", "-Wall"];

/// Records two runs with stacks, the second with another argument, and compares them.
fn differing(program: &str, more: &[&str]) -> Report {
    let mut place = Place::new();
    for start in ["3", "5"] {
        let mut command = vec![program, start];
        command.extend(more);
        let _recording =
            place.record_with(None, |_| (), &command, |config| config.stacks = Stacks::All);
    }
    place.compare(1, 2)
}

fn functions(stack: &Stack) -> Vec<&str> {
    stack.frames.iter().filter_map(|frame| frame.function.as_deref()).collect()
}

/// The frames of the program's own sources: function, line, and whether it was put into its caller.
fn own(stack: &Stack) -> Vec<(&str, u32, bool)> {
    let own = stack.frames.iter().filter(|frame| frame.is_own);
    own.map(|frame| {
        let line = frame.place.as_ref().map_or(0, |place| place.line);
        (frame.function.as_deref().unwrap_or("?"), line, frame.inlined)
    })
    .collect()
}

fn both(finding: &Finding) -> [&Stack; 2] {
    let [left, right] = &finding.stacks[..] else { panic!("two stacks in {finding:#?}") };
    assert_eq!((&*left.label, &*right.label), ("first", "second"));
    [left, right]
}

#[test]
fn an_optimized_program_without_frame_pointers_has_functions_and_lines() {
    let folder = folder();
    let Some(program) = built(folder.path(), &OPTIMIZED) else { return };
    let report = differing(&program, &[]);
    let finding = first(&report, "payload-differs");
    for stack in both(finding) {
        let expected = [
            ("emit", line("/* emits */"), false),
            ("put_in_place", line("/* in place */"), true),
            ("step", line("/* steps */"), false),
            ("main", line("/* main steps */"), false),
        ];
        assert_eq!(own(stack), expected);
        assert_eq!(stack.missing, None);
        let reads = &stack.frames.iter().find(|frame| frame.is_own).expect("a frame").reads;
        assert_eq!(*reads, ["`text`", "`length`"]);
    }
    // Where a service shows it.
    let place = finding.place.as_ref().expect("a place");
    assert!(place.file.ends_with("stacks.c"), "{place:?}");
    assert_eq!(place.line, line("/* emits */"));
    assert!(place.text.as_ref().is_some_and(|text| text.contains("write(1")), "{place:?}");
}

#[test]
fn functions_that_were_put_into_their_callers_are_told_apart() {
    let folder = folder();
    let source = source().with_file_name("inlined.rs");
    let program = folder.path().join("inlined");
    let mut compiler = Command::new("rustc");
    compiler.args(["--edition", "2024", "-O", "-g", "-o"]).arg(&program).arg(&source);
    let built = compiler.status();
    assert!(built.is_ok_and(|status| status.success()), "it compiles");
    let report = differing(&program.display().to_string(), &[]);
    let text = fs::read_to_string(&source).expect("the source");
    let line = |comment: &str| {
        let at = text.lines().position(|line| line.ends_with(comment)).expect("the comment");
        u32::try_from(at + 1).expect("a small number")
    };
    for stack in both(first(&report, "payload-differs")) {
        let own = own(stack);
        let expected = [
            ("inlined::Machine::emit", line("// emits"), true),
            ("inlined::Machine::step", line("// steps"), true),
            ("inlined::main", line("// main steps"), false),
        ];
        let names: Vec<_> = own
            .iter()
            .map(|(name, line, inlined)| {
                let name = name.trim_start_matches('<').replace(">::", "::");
                (name, *line, *inlined)
            })
            .collect();
        let names: Vec<_> = names.iter().map(|(name, line, i)| (&**name, *line, *i)).collect();
        assert_eq!(names, expected);
        let first = stack.frames.iter().find(|frame| frame.is_own).expect("a frame");
        let field = "`self.counter.value` (inlined::Counter.value)";
        assert!(first.reads.iter().any(|read| read == field), "{:?}", first.reads);
        // What is on the way to a field may be left out as a whole.
        let fields = ["inlined::Machine.counter", "inlined::Counter.value"];
        assert!(first.fields.windows(2).any(|near| near == fields), "{:?}", first.fields);
    }
}

#[test]
fn a_program_that_does_the_same_shows_nothing() {
    let folder = folder();
    let Some(program) = built(folder.path(), &OPTIMIZED) else { return };
    let mut place = Place::new();
    for _ in 0..2 {
        let _recording = place.record_with(
            None,
            |_| (),
            &[&program, "3", "threads"],
            |config| config.stacks = Stacks::All,
        );
    }
    let report = place.compare(1, 2);
    assert_clean(&report);
    assert!(report.findings.is_empty(), "{:#?}", short(&report));
}

#[test]
fn the_stack_is_that_of_the_right_thread() {
    let folder = folder();
    let Some(program) = built(folder.path(), &OPTIMIZED) else { return };
    let report = differing(&program, &["threads"]);
    for stack in both(first(&report, "payload-differs")) {
        let own = own(stack);
        let worker = ("worker", line("/* works */"), false);
        assert!(own.contains(&worker), "{own:?}");
        assert!(own.iter().all(|(function, ..)| !matches!(*function, "main" | "bystander")));
    }
    // Its number is another one than that of the process, of which it is the third thread.
    let details = &first(&report, "payload-differs").details;
    let told = details.iter().find_map(|line| line.strip_prefix("first run, thread 0.2 (process "));
    let ids = told.and_then(|told| told.strip_suffix("):")?.split_once(", thread "));
    let (process, thread) = ids.unwrap_or_else(|| panic!("no ids in {details:#?}"));
    let number = |text: &str| text.parse::<i32>().expect("a number");
    assert!(number(process) > 0 && number(thread) > 0 && process != thread, "{told:?}");
}

#[test]
fn a_stripped_program_has_places_and_no_wrong_names() {
    let folder = folder();
    if !has("strip") {
        return;
    }
    let Some(program) = built(folder.path(), &OPTIMIZED) else { return };
    let stripped = Command::new("strip").arg(&program).status();
    assert!(stripped.is_ok_and(|status| status.success()));
    let report = differing(&program, &[]);
    for stack in both(first(&report, "payload-differs")) {
        let of_program: Vec<_> =
            stack.frames.iter().filter(|frame| frame.module.ends_with("/stacks")).collect();
        // `emit`, `step`, `main` and `_start`.
        assert_eq!(of_program.len(), 4, "{stack:#?}");
        for frame in of_program {
            assert_eq!((&frame.function, &frame.place), (&None, &None));
            assert_ne!(frame.address, 0);
            assert!(frame.text().starts_with("stacks+0x"), "{}", frame.text());
        }
        assert_eq!(own(stack), []);
    }
}

/// The bytes of a section in a file: offset and length.
fn section(program: &str, name: &str) -> (usize, usize) {
    let told = Command::new("readelf").args(["-SW", program]).output().expect("readelf runs");
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    let line = text.lines().find(|line| line.contains(&format!(" {name} "))).expect("the section");
    let words: Vec<_> = line.split(name).nth(1).expect("columns").split_whitespace().collect();
    let number = |at: usize| usize::from_str_radix(words[at], 16).expect("a number");
    (number(2), number(3))
}

#[test]
fn damaged_tables_give_shorter_stacks_and_end() {
    if !has("readelf") {
        return;
    }
    let folder = folder();
    let Some(program) = built(folder.path(), &OPTIMIZED) else { return };
    let whole = fs::read(&program).expect("the program");
    let (offset, length) = section(&program, ".eh_frame");
    let healthy = differing(&program, &[]);
    let healthy = first(&healthy, "payload-differs").stacks.clone();
    for (what, byte) in [("zeros", 0), ("ones", 0xff), ("noise", 0x5a)] {
        let mut damaged = whole.clone();
        damaged[offset..offset + length].fill(byte);
        fs::write(&program, damaged).expect("it can be written");
        let report = differing(&program, &[]);
        for (stack, healthy) in first(&report, "payload-differs").stacks.iter().zip(&healthy) {
            assert!(stack.missing.is_some(), "{what}: {stack:#?}");
            assert!(stack.frames.len() < healthy.frames.len(), "{what}");
            assert!(functions(healthy).starts_with(&functions(stack)), "{what}: {stack:#?}");
        }
    }
}

#[test]
fn a_program_built_anew_since_has_no_names() {
    let folder = folder();
    let Some(program) = built(folder.path(), &OPTIMIZED) else { return };
    let mut place = Place::new();
    for start in ["3", "5"] {
        let with_stacks = |config: &mut samestate_tracer::Config| config.stacks = Stacks::All;
        let _recording = place.record_with(None, |_| (), &[&program, start], with_stacks);
    }
    let _anew = built(folder.path(), &["-O0", "-g"]);
    let report = place.compare(1, 2);
    for stack in both(first(&report, "payload-differs")) {
        assert_eq!(own(stack), []);
        let why = stack.missing.as_deref().unwrap_or_default();
        assert!(why.contains("built anew"), "{why}");
    }
}

#[test]
fn a_recorded_run_shows_its_stacks_only_if_it_has_them() {
    let folder = folder();
    let Some(program) = built(folder.path(), &OPTIMIZED) else { return };
    let mut place = Place::new();
    let _plain = place.record(None, |_| (), &[&program, "3"]);
    let with_stacks = |config: &mut samestate_tracer::Config| config.stacks = Stacks::All;
    let _with = place.record_with(None, |_| (), &[&program, "3"], with_stacks);
    let shown = |run: usize| {
        let mut show = Show::open(&place.trace(run)).expect("the trace").with_stacks();
        let mut stacks = Vec::new();
        while let Some(line) = show.line().expect("a line") {
            stacks.extend(line.stack);
        }
        stacks
    };
    assert_eq!(shown(1), []);
    let stacks = shown(2);
    assert!(stacks.iter().any(|stack| functions(stack).contains(&"put_in_place")));
    // Only the first call, which starts the program, is made before there is one.
    let lines = crate::support::lines(&place, 2)
        .iter()
        .filter(|line| !line.contains("+++") && !line.contains("-----"))
        .count();
    assert_eq!(stacks.len() + 1, lines);
    assert_eq!(place.compare(1, 2).findings.len(), 0);
}

#[test]
fn verify_shows_both_sides_of_the_first_difference() {
    let folder = folder();
    let found =
        verify(&config(folder.path(), "--forget-random"), &mut |_| ()).expect("it is verified");
    let finding = found.report.findings.iter().find(|finding| !finding.stacks.is_empty());
    let finding = finding.unwrap_or_else(|| panic!("no stack in {:#?}", short(&found.report)));
    let [left, right] = &finding.stacks[..] else { panic!("two stacks in {finding:#?}") };
    assert_eq!((&*left.label, &*right.label), ("original", "restored"));
    for stack in [left, right] {
        let functions = functions(stack);
        assert!(functions.iter().any(|name| name.ends_with("::main")), "{functions:#?}");
        assert_eq!(stack.missing, None);
    }
    let without = Verify { without_stacks: true, ..config(folder.path(), "--forget-random") };
    let without = verify(&without, &mut |_| ()).expect("it is verified");
    assert!(without.report.findings.iter().all(|finding| finding.stacks.is_empty()));
    assert_eq!(verdicts(&found), verdicts(&without));
    assert_eq!(short(&found.report), short(&without.report));
}

#[test]
fn a_program_that_announces_nothing_has_the_stacks_of_both_sides() {
    let folder = folder();
    let saved_on = Some("image-*".to_owned());
    let announce = samestate_tracer::Announce { saved_on, ..Default::default() };
    let how = Verify { announce, ..config(folder.path(), "--unannounced --forget-random") };
    let found = verify(&how, &mut |_| ()).expect("it is verified");
    let finding = first(&found.report, "payload-differs");
    let [left, right] = &finding.stacks[..] else { panic!("two stacks in {finding:#?}") };
    for stack in [left, right] {
        assert_eq!(stack.missing, None, "{stack:#?}");
        assert!(functions(stack).iter().any(|name| name.ends_with("::main")), "{stack:#?}");
    }
}

#[test]
fn a_run_that_does_something_else_when_it_is_made_again_has_no_stack() {
    let folder = folder();
    let counter = folder.path().join("counter");
    let how = config(folder.path(), "");
    // The first restored run forgets; made again, it does not.
    let restore = format!(
        "sh -c 'echo x >> {}; case $(wc -l < {}) in 1) more=--forget-random;; *) more=;; esac; \
         exec {} resume {} 6 2 $0 $more' {{image}}",
        counter.display(),
        counter.display(),
        tracee(),
        folder.path().join("state").display()
    );
    // The counter must not be put back.
    let how = Verify {
        restore: words(restore),
        which: samestate_tracer::Which::Sample(1),
        only_state: true,
        ..how
    };
    let found = verify(&how, &mut |_| ()).expect("it is verified");
    assert_eq!(verdicts(&found), [Verdict::Differs], "{:#?}", short(&found.report));
    let finding = found.report.findings.iter().find(|finding| !finding.stacks.is_empty());
    let finding = finding.unwrap_or_else(|| panic!("no stack in {:#?}", short(&found.report)));
    let right = finding.stacks.iter().find(|stack| stack.label == "restored").expect("a side");
    assert_eq!(right.frames, []);
    let why = right.missing.as_deref().unwrap_or_default();
    assert!(why.starts_with("the run, made again, "), "{why}");
    assert!(!call(finding).is_empty());
}
