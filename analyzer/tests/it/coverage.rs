//! What coverage finds, each case with a twin that must stay silent.

mod cases;

use samestate_report::{ExitCode, Finding, Severity};

use self::cases::{CASES, FORGETFUL, FORGOTTEN, RESTORE, SAVE};
use crate::build::{Flavor, compile, cover, lines};

/// A program with a derived root, and a generator whose impl is `IMPL`.
fn program(generator: &str, save: &str, restore: &str) -> String {
    format!(
        "use samestate::{{Checkpoint, Restorer, Saver, record}};
pub struct Root {{ step: u64, rng: Rng, scratch: Vec<Ghost> }}
pub struct Ghost {{ x: u8 }}
record!(Root, \"Root\", 1, 1, [\"step\" = 0, \"rng\" = 0, \"scratch\" = 1]);
impl Checkpoint for Root {{
    fn save(&self, saver: &mut Saver) {{ self.step.save(saver); self.rng.save(saver); }}
    fn restore(restorer: &mut Restorer) -> Option<Self> {{
        Some(Self {{ step: u64::restore(restorer)?, rng: Rng::restore(restorer)?, scratch: vec![] }})
    }}
}}
{generator}
impl Checkpoint for Rng {{
    #[inline(never)]
    fn save(&self, saver: &mut Saver) {{ {save} }}
    #[inline(never)]
    fn restore(restorer: &mut Restorer) -> Option<Self> {{ {restore} }}
}}
fn main() {{
    let mut saver = Saver(vec![]);
    if let Some(root) = Root::restore(&mut Restorer(vec![1; 99])) {{ root.save(&mut saver); }}
    println!(\"{{}}\", saver.0.len());
}}
"
    )
}

const RNG: &str = "pub struct Rng {
    state: u64,
    draws: u64,
}
const SEED: u64 = 7;
impl Rng {
    fn new(state: u64, draws: u64) -> Self { Self { state, draws } }
    fn put(&self, saver: &mut Saver) { self.state.save(saver); self.draws.save(saver); }
    fn log(&self, text: &str) { println!(\"{text} {}\", self.state); }
    fn take(restorer: &mut Restorer) -> Option<Self> {
        let mut rng = Self::new(SEED, 0);
        rng.state = u64::restore(restorer)?;
        rng.draws = u64::restore(restorer)?;
        Some(rng)
    }
}
fn put_all(rng: &Rng, saver: &mut Saver) { rng.state.save(saver); rng.draws.save(saver); }
macro_rules! all { ($rng:ident, $saver:ident, $($field:ident)*) => { $($rng.$field.save($saver);)* } }
";

/// A function that a macro makes, so that its body cannot be read.
const OPAQUE: &str = "mod opaque {
    // A kind of fragment that no item is made of is not read.
    macro_rules! make { ($_p:pat_param) => { pub fn write<T>(_: &T, _: &mut samestate::Saver) {} } }
    make!(_);
    macro_rules! seen { ($name:ident) => { pub fn $name<T>(_: &T, _: &mut samestate::Saver) {} } }
    seen!(nothing);
}
";

#[test]
fn hand_written_impls_are_read_for_what_they_do() {
    for (index, (save, restore, expected)) in CASES.iter().enumerate() {
        let source = program(&format!("{RNG}{OPAQUE}"), save, restore);
        let report = cover(&compile(&source, Flavor::Debug), &[]);
        assert_eq!(lines(&report), *expected, "case {index}: {save} / {restore}");
    }
}

#[test]
fn release_builds_give_the_same_verdicts() {
    let bad = program(
        RNG,
        "self.draws.save(saver);",
        "Some(Self { state: SEED, draws: u64::restore(restorer)? })",
    );
    let good = program(RNG, SAVE, RESTORE);
    for flavor in Flavor::FULL {
        assert_eq!(
            lines(&cover(&compile(&bad, flavor), &[])),
            ["uncovered-field app::Root.rng.state"],
            "{flavor:?}"
        );
        assert_eq!(lines(&cover(&compile(&good, flavor), &[])), [""; 0], "{flavor:?}");
        // Inlined away, the impl is found in the sources.
        let inlined = bad.replace("#[inline(never)]", "#[inline(always)]");
        assert_eq!(
            lines(&cover(&compile(&inlined, flavor), &[])),
            ["uncovered-field app::Root.rng.state"],
            "{flavor:?}"
        );
    }
}

#[test]
fn a_finding_says_where_why_and_what_to_do() {
    let source = program(
        RNG,
        "self.draws.save(saver);",
        "Some(Self { state: SEED, draws: u64::restore(restorer)? })",
    );
    let report = cover(&compile(&source, Flavor::Debug), &[]);
    let [Finding { place: Some(place), way, evidence, help: Some(help), group, .. }, _skip] =
        &report.findings[..]
    else {
        panic!("{report:#?}")
    };
    assert_eq!(place.text.as_deref(), Some("    state: u64,"));
    assert_eq!(source.lines().nth(place.line as usize - 1), Some("    state: u64,"));
    assert_eq!(place.column, 5);
    assert_eq!(place.file, "src/main.rs");
    assert_eq!(way[..], ["app::Root", "rng: app::Rng", "state: u64"]);
    assert!(evidence.iter().any(|e| {
        e.says.contains("`save` is written by hand")
            && e.place
                .as_ref()
                .is_some_and(|place| place.text.as_ref().unwrap().starts_with("    fn save"))
    }));
    assert!(help.contains("`state`"));
    assert_eq!(group.as_deref(), Some("app::Rng"));
    assert_eq!(report.exit_code(), ExitCode::Findings);
}

#[test]
fn a_macro_made_impl_is_not_seen_and_not_clean() {
    let made = "pub struct Rng { state: u64 }
macro_rules! make { ($($field:ident)*) => {
    impl Checkpoint for Rng {
        #[inline(never)]
        fn save(&self, saver: &mut Saver) { $(self.$field.save(saver);)* }
        #[inline(never)]
        fn restore(restorer: &mut Restorer) -> Option<Self> { Some(Self { $($field: u64::restore(restorer)?),* }) }
    }
} }
make!(state);\n";
    let source = program(made, "", "");
    let start = source.find("impl Checkpoint for Rng {\n    #[inline(never)]\n    fn save(&self, saver: &mut Saver) {  }").unwrap();
    let end = source.find("fn main").unwrap();
    let source = format!("{}{}", &source[..start], &source[end..]);
    let report = cover(&compile(&source, Flavor::Debug), &[]);
    assert_eq!(lines(&report), ["cannot-see app::Root.rng"]);
    assert_eq!(report.exit_code(), ExitCode::CouldNotCheck);
}

#[test]
fn without_its_source_an_impl_is_not_seen_and_not_clean() {
    let source = program(RNG, SAVE, RESTORE).replace("step", "step_of_the_lost");
    let binary = compile(&source, Flavor::Debug);
    let file = binary.parent().unwrap().join("src/main.rs");
    let hidden = tempfile::tempdir().unwrap();
    std::fs::create_dir(hidden.path().join("src")).unwrap();
    std::fs::rename(&file, hidden.path().join("src/main.rs")).unwrap();
    let report = cover(&binary, &[]);
    let config = samestate_analyzer::CoverageConfig {
        binary,
        roots: Vec::new(),
        source_dirs: vec![hidden.path().to_owned()],
        ..samestate_analyzer::CoverageConfig::default()
    };
    let found = samestate_analyzer::coverage(&config).unwrap();
    std::fs::rename(hidden.path().join("src/main.rs"), &file).unwrap();
    assert_eq!(lines(&report), ["cannot-see app::Root.rng"]);
    assert_eq!(report.exit_code(), ExitCode::CouldNotCheck);
    assert_eq!(lines(&found), [""; 0]);
}

#[test]
fn a_type_that_is_saved_without_visible_evidence_is_not_clean() {
    let source = program(RNG, SAVE, RESTORE);
    // The field is saved by a record; its type has neither record nor impl.
    let source = source.replace("scratch\" = 1", "scratch\" = 0");
    assert_eq!(
        lines(&cover(&compile(&source, Flavor::Debug), &[])),
        ["cannot-see app::Root.scratch[]"]
    );
}

#[test]
fn roots_are_found_by_any_unique_name() {
    let source = "mod a { pub struct Machine { x: u8 } impl Machine { pub fn new() -> Self { Self { x: 1 } } } }
        mod b { pub struct Motor { y: u8 } pub struct Same { z: u8 }
            impl Motor { pub fn new() -> (Self, Same) { (Self { y: 1 }, Same { z: 1 }) } } }
        mod c { pub struct Same { w: u8 } pub struct Grid<T> { t: T }
            impl Same { pub fn new() -> (Self, Grid<u8>) { (Self { w: 1 }, Grid { t: 1 }) } } }
        fn main() { std::hint::black_box((&a::Machine::new(), &b::Motor::new(), &c::Same::new())); }";
    let binary = compile(source, Flavor::Debug);
    for name in ["app::a::Machine", "a::Machine", "Machine"] {
        assert_eq!(
            lines(&cover(&binary, &[name])),
            ["uncovered-field app::a::Machine.x"],
            "{name}"
        );
    }
    for name in ["Grid", "app::c::Grid<u8>", "Grid<u8>"] {
        assert_eq!(
            lines(&cover(&binary, &[name])),
            ["uncovered-field app::c::Grid<u8>.t"],
            "{name}"
        );
    }
    for (name, offered) in [
        ("Machin", "app::a::Machine"),
        ("app::a::Moter", "app::b::Motor"),
        ("Same", "app::c::Same"),
    ] {
        let report = cover(&binary, &[name]);
        assert_eq!(lines(&report), [format!("root-not-found {name}")]);
        assert!(report.findings[0].help.as_ref().unwrap().contains(offered), "{report:#?}");
        assert_eq!(report.exit_code(), ExitCode::CouldNotCheck);
    }
    assert!(lines(&cover(&binary, &[]))[0].starts_with("no-roots "));
}

#[test]
fn trait_objects_lead_to_what_they_are_made_of() {
    let source = "pub trait Dev { fn run(&self) -> u8; }
        pub struct Used { a: u8 } pub struct Never { b: u8 }
        impl Dev for Used { fn run(&self) -> u8 { self.a } }
        impl Dev for Never { fn run(&self) -> u8 { self.b } }
        pub struct Root { dev: Box<dyn Dev>, any: Box<dyn std::any::Any>, hook: Box<dyn Fn(u8) -> u8> }
        fn main() {
            println!(\"{}\", Never { b: 1 }.run());
            let root = Root { dev: Box::new(Used { a: 1 }), any: Box::new(1u8), hook: Box::new(|x| x) };
            println!(\"{} {}\", root.dev.run(), (root.hook)(1));
            std::hint::black_box(&root);
        }";
    for flavor in [Flavor::Debug, Flavor::Release, Flavor::FatLto] {
        let found = lines(&cover(&compile(source, flavor), &["app::Root"]));
        assert!(
            found.contains(&"uncovered-field app::Root.dev{app::Used}.a".to_owned()),
            "{flavor:?}: {found:?}"
        );
        assert!(!found.iter().any(|line| line.contains("Never")), "{flavor:?}: {found:?}");
        // Too wide to be followed, and said so.
        for field in ["any", "hook"] {
            assert!(
                found.contains(&format!("cannot-see app::Root.{field}")),
                "{flavor:?}: {found:?}"
            );
        }
    }
}

#[test]
fn an_unknown_container_is_opaque_and_a_known_one_is_not() {
    let source = "pub struct Arena<T> { start: *mut u8, len: usize, of: std::marker::PhantomData<T> }
        pub struct Open<T> { items: *mut T, len: usize }
        pub struct Head { len: usize }
        // Behind its head stand the elements.
        pub struct Thin<T> { head: std::ptr::NonNull<Head>, of: std::marker::PhantomData<T> }
        // A number that is good for a place in something else.
        pub struct Handle<T> { index: u32, of: std::marker::PhantomData<T> }
        pub struct Leaf { x: u8 } pub struct Other { y: u8 }
        pub struct Root { arena: Arena<Leaf>, open: Open<Other>, thin: Option<Thin<Leaf>>, handle: Option<Handle<Leaf>> }
        fn main() { let leaf = Leaf { x: 1 }; let other = Other { y: 1 }; std::hint::black_box((&leaf, &other));
            let root = Root { arena: Arena { start: std::ptr::null_mut(), len: 0, of: std::marker::PhantomData },
                open: Open { items: std::ptr::null_mut(), len: 0 }, thin: None, handle: None };
            std::hint::black_box(&root); }";
    let found = lines(&cover(&compile(source, Flavor::Debug), &["app::Root"]));
    assert!(found.contains(&"opaque-container app::Root.arena".to_owned()), "{found:?}");
    assert!(found.contains(&"uncovered-field app::Root.open.items.y".to_owned()), "{found:?}");
    assert!(!found.contains(&"opaque-container app::Root.open".to_owned()), "{found:?}");
    assert!(found.contains(&"opaque-container app::Root.thin::Some.0".to_owned()), "{found:?}");
    assert!(!found.iter().any(|l| l.starts_with("opaque-container app::Root.handle")), "{found:?}");
}

#[test]
fn a_large_binary_is_read_whole() {
    let own = std::env::current_exe().unwrap();
    let report = cover(&own, &["samestate_report::report::Report"]);
    assert_eq!(report.exit_code(), ExitCode::Findings);
    let found = lines(&report);
    assert!(
        found.contains(
            &"uncovered-field samestate_report::report::Report.findings[].place::Some.0.line"
                .to_owned()
        ),
        "{found:#?}"
    );
    assert_eq!(lines(&cover(&own, &["samestate_report::report::Report"])), found);
}

#[test]
fn what_a_manual_type_declares_counts_only_if_its_code_agrees() {
    let forgetful = "Some(Self { state: SEED, draws: u64::restore(restorer)? })";
    let with = |treatment: u8, save: &str, restore: &str| {
        let record =
            format!("record!(Rng, \"Rng\", 2, 1, [\"state\" = {treatment}, \"draws\" = 0]);\n");
        let source = program(&format!("{RNG}{record}"), save, restore);
        lines(&cover(&compile(&source, Flavor::Debug), &[]))
    };
    assert_eq!(with(0, SAVE, RESTORE), [""; 0]);
    // Declared as saved, and forgotten.
    let forgotten = ["uncovered-field app::Root.rng.state"];
    assert_eq!(with(0, "self.draws.save(saver);", forgetful), forgotten);
    // Declared as skipped, and skipped.
    assert_eq!(with(1, "self.draws.save(saver);", forgetful), [""; 0]);
    // Declared as skipped, but written all the same: what is read after it shifts.
    let shifted = ["save-without-restore app::Root.rng.state"];
    assert_eq!(with(1, SAVE, forgetful), shifted);
}

/// A volatile field counts as saved and is looked into; what a module saves is the module's.
#[test]
fn volatile_fields_are_followed_and_handed_ones_are_not() {
    let cases: [(&str, &str, &[&str]); 5] = [
        ("\"rng\" = 0", FORGETFUL, FORGOTTEN),
        ("\"rng\" = 6", FORGETFUL, FORGOTTEN),
        ("\"rng\" = 6", RESTORE, &[]),
        ("\"rng\" = 128", FORGETFUL, &[]),
        ("\"rng\" = 134", FORGETFUL, &[]),
    ];
    for (treatment, restore, expected) in cases {
        let save = if restore == RESTORE { SAVE } else { "self.draws.save(saver);" };
        let source = program(RNG, save, restore).replace("\"rng\" = 0", treatment);
        let report = cover(&compile(&source, Flavor::Debug), &[]);
        assert_eq!(lines(&report), expected, "{treatment} {restore}");
    }
}

#[test]
fn an_annotated_type_that_no_root_reaches_is_told() {
    let source = |field: &str, value: &str| {
        format!(
            "use samestate::record;
            pub struct Task {{ id: u32 }}
            record!(Task, \"Task\", 0, 1, [\"id\" = 0]);
            pub struct Root {{ {field} }}
            record!(Root, \"Root\", 1, 1, [\"tasks\" = 0]);
            fn main() {{
                let task = Task {{ id: 1 }};
                std::hint::black_box(&task);
                let root = Root {{ tasks: {value} }};
                std::hint::black_box(&root);
            }}"
        )
    };
    let lost = compile(&source("tasks: Vec<u32>", "vec![1]"), Flavor::Debug);
    assert_eq!(lines(&cover(&lost, &[])), ["no-root-reaches app::Task"]);
    let held = compile(&source("tasks: Vec<Option<Task>>", "vec![Some(task)]"), Flavor::Debug);
    assert_eq!(lines(&cover(&held, &[])), [""; 0]);
}

#[test]
fn what_a_skip_leaves_out_is_noted_and_counted() {
    let source = |cache: &str| {
        format!(
            "use samestate::record;
            pub struct Cache {{ lines: Vec<Line>, hits: u64 }} pub struct Line {{ tag: u32, age: u32 }}
            pub struct Root {{ n: u64, cache: {cache} }}
            record!(Root, \"Root\", 1, 1, [\"n\" = 0, \"cache\" = 1]);
            fn main() {{
                let line = Line {{ tag: 1, age: 2 }};
                std::hint::black_box(&Cache {{ lines: vec![line], hits: 1 }});
                let root: Option<Root> = None;
                std::hint::black_box(&root);
            }}"
        )
    };
    let report = cover(&compile(&source("Cache"), Flavor::Debug), &[]);
    assert_eq!(lines(&report), [""; 0]);
    assert_eq!(report.findings[0].rule.id, "hidden-by-skip");
    assert_eq!(report.findings[0].subject.to_string(), "app::Root.cache");
    assert!(report.findings[0].message.contains("4 fields of 2 types, 40 bytes"), "{report:#?}");
    assert_eq!(report.exit_code(), ExitCode::Clean);
    assert_eq!(
        report.tables[0].rows,
        [
            ["reachable", "1", "2", "100", "40", "100"],
            ["saved", "1", "1", "50", "8", "20"],
            ["skipped", "1", "1", "50", "32", "80"],
        ]
    );
    let plain = cover(&compile(&source("u64"), Flavor::Debug), &[]);
    assert!(plain.findings.is_empty(), "{plain:#?}");
}

#[test]
fn a_finding_counts_the_other_ways_to_its_owner() {
    let source = "pub struct Leaf { x: u8 }
        pub struct Root { a: Leaf, b: Vec<Leaf>, c: Option<Box<Leaf>> }
        fn main() { let root: Option<Root> = None; std::hint::black_box(&root); }";
    let report = cover(&compile(source, Flavor::Debug), &["app::Root"]);
    let leaf = report.findings.iter().find(|f| f.subject.to_string() == "app::Root.a.x").unwrap();
    assert_eq!(leaf.details, ["2 other fields lead to `app::Leaf`"]);
}

#[test]
fn the_neighborhood_of_a_type_is_a_graph() {
    let source = "pub struct Leaf { x: u8 } pub struct Mid { leaves: Vec<Leaf>, n: u8 }
        pub struct Root { a: Mid, last: Option<Mid> } pub struct Far { root: Box<Root> }
        fn main() { let far: Option<Far> = None; std::hint::black_box(&far); }";
    let config = samestate_analyzer::CoverageConfig {
        binary: compile(source, Flavor::Debug),
        roots: Vec::new(),
        source_dirs: Vec::new(),
        statics: samestate_analyzer::Statics::default(),
        settings: samestate_analyzer::Settings::default(),
    };
    let text = samestate_analyzer::dot(&config, "Mid").unwrap();
    assert_eq!(
        text,
        "digraph types {
  node [shape=box];
  t0 [label=\"app::Leaf\"];
  t1 [label=\"app::Mid\", style=bold];
  t2 [label=\"app::Root\"];
  t1 -> t0 [label=\"leaves\"];
  t2 -> t1 [label=\"a, last\"];
}
"
    );
    let error = samestate_analyzer::dot(&config, "Midd").unwrap_err().to_string();
    assert!(error.contains("did you mean `app::Mid`"), "{error}");
}

#[test]
fn a_field_of_a_cache_weighs_less_than_one_that_is_state_for_sure() {
    let source = |ty: &str| {
        format!(
            "use samestate::record;
            pub struct DecodeCache {{ lines: Vec<u8> }} pub struct Cached {{ lines: Vec<u8> }}
            pub struct Root {{ n: u64, lines: Option<{ty}> }}
            record!(Root, \"Root\", 1, 1, [\"n\" = 0]);
            fn main() {{
                std::hint::black_box((&DecodeCache {{ lines: vec![1] }}, &Cached {{ lines: vec![1] }}));
                let root: Option<Root> = None;
                std::hint::black_box(&root);
            }}"
        )
    };
    for (ty, severity, code) in [
        ("Box<DecodeCache>", Severity::Warning, ExitCode::Clean),
        ("Vec<DecodeCache>", Severity::Warning, ExitCode::Clean),
        ("Cached", Severity::Error, ExitCode::Findings),
        ("(DecodeCache, Cached)", Severity::Error, ExitCode::Findings),
        ("u32", Severity::Error, ExitCode::Findings),
    ] {
        let report = cover(&compile(&source(ty), Flavor::Debug), &[]);
        assert_eq!(lines(&report), ["uncovered-field app::Root.lines"], "{ty}");
        assert_eq!(report.findings[0].severity, severity, "{ty}");
        assert_eq!(report.exit_code(), code, "{ty}");
    }
}
