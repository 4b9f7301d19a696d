//! Raw pointers that do not tell what is behind them, and those that do.

use samestate_report::{ExitCode, Severity};

use crate::build::{Flavor, compile, cover, cover_with, lines};
use crate::tags::check;

/// What a field can be, and whether it is an opaque pointer.
const FIELDS: &[(&str, &str, bool)] = &[
    ("raw", "*mut c_void", true),
    ("unit", "*const ()", true),
    ("bytes", "*mut u8", true),
    ("signed", "*const i8", true),
    ("byte", "Option<NonNull<u8>>", true),
    ("void", "Option<NonNull<c_void>>", true),
    ("swap", "AtomicPtr<()>", true),
    ("twice", "*mut *mut c_void", true),
    ("inside", "Option<Box<Cell<*mut u8>>>", true),
    // As the types of libraries in C are written.
    ("named", "*mut Nobody", true),
    ("handle", "*mut Handle", true),
    ("held", "Option<NonNull<Handle>>", true),
    ("typed", "*mut Leaf", false),
    ("whole", "Option<NonNull<Leaf>>", false),
    ("number", "*const u64", false),
    ("f", "fn(u8) -> u8", false),
    ("lent", "Option<&'static u8>", false),
    ("shared", "Option<&'static Handle>", false),
    ("owned", "Option<Box<u8>>", false),
    ("slice", "Option<Box<[u8]>>", false),
    ("list", "Vec<u8>", false),
    ("text", "String", false),
    ("many", "std::collections::BTreeMap<u8, u8>", false),
    ("counted", "Option<std::sync::Arc<[u8]>>", false),
];

fn source() -> String {
    let fields: String = FIELDS.iter().map(|(name, ty, _)| format!("{name}: {ty},\n")).collect();
    format!(
        "use std::cell::Cell; use std::ffi::c_void; use std::ptr::NonNull; use std::sync::atomic::AtomicPtr;
        pub enum Nobody {{}}
        #[repr(C)] pub struct Handle {{ private: [u8; 0], marker: std::marker::PhantomData<*mut u8> }}
        pub struct Leaf {{ x: u8 }}
        pub struct Root {{ {fields} }}
        fn main() {{
            let leaf = Leaf {{ x: 1 }};
            let root = std::mem::MaybeUninit::<Root>::zeroed();
            std::hint::black_box((&leaf, &root));
        }}"
    )
}

#[test]
fn a_pointer_that_tells_no_type_has_a_rule_of_its_own() {
    for flavor in [Flavor::Debug, Flavor::Release] {
        let report = cover(&compile(&source(), flavor), &["app::Root"]);
        let found = lines(&report);
        assert!(!found.iter().any(|line| line.starts_with("cannot-see")), "{found:?}");
        for (name, ty, is_opaque) in FIELDS {
            let of_field = |line: &&String| {
                let rest = line.strip_prefix(&format!("opaque-pointer app::Root.{name}"));
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', ':', '[']))
            };
            let count = found.iter().filter(of_field).count();
            assert_eq!(count, usize::from(*is_opaque), "{name}: {ty}: {found:?}");
        }
        let pointers = report.findings.iter().filter(|found| found.rule.id == "opaque-pointer");
        assert!(pointers.clone().all(|found| found.severity == Severity::Blind), "{report:#?}");
    }
}

#[test]
fn a_decision_with_a_reason_is_all_that_turns_it_off() {
    let binary = compile(&source(), Flavor::Debug);
    let decide = |table: &str, but: &str| {
        let fields = FIELDS.iter().filter(|(name, ..)| *name != but);
        let lines = fields.map(|(name, ..)| format!("\"app::Root.{name}\" = \"made again\"\n"));
        let lines: String = lines.collect();
        cover_with(&binary, &format!("roots = [\"app::Root\"]\n[{table}]\n{lines}"))
    };
    for table in ["skip", "rebuilt", "host"] {
        let report = decide(table, "");
        assert_eq!(lines(&report), [""; 0], "{table}");
        assert_eq!(report.exit_code(), ExitCode::Clean);
    }
    let report = decide("skip", "raw");
    assert_eq!(lines(&report), ["opaque-pointer app::Root.raw", "uncovered-field app::Root.raw"]);
    // What is said of a type counts for the pointers to it.
    let of_type = "roots = [\"app::Root\"]\n[host]\n\"app::Handle\" = \"opened again\"\n";
    let found = lines(&cover_with(&binary, of_type));
    let is_told =
        |name: &str| found.iter().any(|line| line.starts_with("opaque") && line.contains(name));
    assert!(is_told("Root.named") && !is_told("Root.handle") && !is_told("Root.held"), "{found:?}");
}

#[test]
fn records_decide_what_becomes_of_an_opaque_pointer() {
    let with = |treatment: u8, field: &str| {
        format!(
            "use samestate::{{Checkpoint, Restorer, Saver, record}};
            pub struct Root {{ n: u64, it: {field} }}
            record!(Root, \"Root\", 1, 1, [\"n\" = 0, \"it\" = {treatment}]);
            impl Checkpoint for Root {{
                fn save(&self, saver: &mut Saver) {{ self.n.save(saver); {{ let _ = std::hint::black_box(self.it as usize as u64); }} (self.it as usize as u64).save(saver); }}
                fn restore(restorer: &mut Restorer) -> Option<Self> {{
                    Some(Self {{ n: u64::restore(restorer)?, it: u64::restore(restorer)? as usize as {field} }})
                }}
            }}
            pub struct Leaf {{ x: u8 }}
            fn main() {{ let leaf = Leaf {{ x: 1 }}; std::hint::black_box(&leaf);
                let mut saver = Saver(vec![]);
                if let Some(root) = Root::restore(&mut Restorer(vec![1; 99])) {{ root.save(&mut saver); }}
                println!(\"{{}}\", saver.0.len()); }}"
        )
    };
    let judged = |treatment, field| cover(&compile(&with(treatment, field), Flavor::Debug), &[]);
    let opaque = judged(0, "*mut u8");
    assert_eq!(lines(&opaque), ["opaque-pointer app::Root.it"]);
    assert_eq!(opaque.exit_code(), ExitCode::CouldNotCheck);
    for clean in [judged(1, "*mut u8"), judged(0, "*mut u64")] {
        assert_eq!(lines(&clean), [""; 0]);
        assert_eq!(clean.exit_code(), ExitCode::Clean);
    }
}

#[test]
fn what_a_library_keeps_to_itself_is_an_opaque_pointer() {
    // Declared as libraries do it, and defined.
    for (field, is_opaque) in [
        ("struct handle *it", true),
        ("const handle_t *const it", true),
        ("struct handle *it[2]", true),
        ("struct known *it", false),
        ("known_t *const it", false),
        ("char *it", false),
        ("int *it", false),
    ] {
        let with = |tag: &str| {
            format!(
                "struct handle; typedef struct handle handle_t;
                struct known {{ int a __cr; }}; typedef struct known known_t; known_t known;
                struct __cr_root root {{ long first __cr; {field} {tag}; }};"
            )
        };
        let place = if field.ends_with("[2]") { "root.it[]" } else { "root.it" };
        let opaque = format!("opaque-pointer {place}");
        let reached = ["no-root-reaches known"];
        let expected: &[&str] = match (is_opaque, field.contains("known")) {
            (true, _) => &[&opaque, reached[0]],
            (false, true) => &[],
            (false, false) => &reached,
        };
        if check(&with("__cr"), expected).is_none() {
            return;
        }
        let hidden: &[&str] = if field.contains("known") { &[] } else { &reached };
        check(&with("__cr_skip(\"opened again\")"), hidden);
    }
}
