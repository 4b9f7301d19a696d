//! Who stands behind a trait object, and what of the host a field holds.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::build::{Flavor, compile, cover, cover_with, lines};

/// A program of three crates: `core_a` defines the trait, `plain` implements it and has no debug
/// information.
fn with_a_plain_crate(name: &str, args: &[&str]) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("plain-{name}"));
    std::fs::create_dir_all(&dir).unwrap();
    let rustc = |krate: &str, source: &str, args: &[&str]| {
        std::fs::write(dir.join(format!("{krate}.rs")), source).unwrap();
        let output = Command::new("rustc")
            .current_dir(&dir)
            .args(["--edition=2024", "-Awarnings", "-L.", "--crate-name", krate])
            .arg(format!("{krate}.rs"))
            .args(args)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let with = |more: &[&'static str]| -> Vec<&str> {
        args.iter().copied().chain(more.iter().copied()).collect()
    };
    rustc(
        "core_a",
        "pub trait Dev { fn tick(&mut self) -> u8; } pub trait Sub: Dev { fn sub(&self) -> u8; }",
        &with(&["--crate-type=rlib", "-g"]),
    );
    rustc(
        "plain",
        "extern crate core_a; pub struct Hidden { n: u8 }
        impl core_a::Dev for Hidden { fn tick(&mut self) -> u8 { self.n += 1; self.n } }
        pub fn make() -> Box<dyn core_a::Dev> { Box::new(Hidden { n: std::env::args().count() as u8 }) }",
        &with(&["--crate-type=rlib"]),
    );
    rustc(
        "app",
        "extern crate core_a; extern crate plain;
        use core_a::{Dev, Sub};
        pub struct Seen { a: u8 } pub struct Upcast { b: u8 } pub struct Unused { c: u8 }
        impl Dev for Seen { fn tick(&mut self) -> u8 { self.a += 1; self.a } }
        impl Dev for Upcast { fn tick(&mut self) -> u8 { self.b += 2; self.b } }
        impl Sub for Upcast { fn sub(&self) -> u8 { self.b } }
        impl Dev for Unused { fn tick(&mut self) -> u8 { self.c } }
        pub struct Root { devs: Vec<Box<dyn Dev>> }
        #[inline(never)] fn raise(sub: Box<dyn Sub>) -> Box<dyn Dev> { println!(\"{}\", sub.sub()); sub }
        fn main() {
            let n = std::env::args().count() as u8;
            println!(\"{}\", Unused { c: n }.tick());
            let mut root = Root { devs: vec![Box::new(Seen { a: n }), raise(Box::new(Upcast { b: n })), plain::make()] };
            for dev in &mut root.devs { println!(\"{}\", dev.tick()); }
            std::hint::black_box(&root);
        }",
        &with(&["-g"]),
    );
    dir.join("app")
}

#[test]
fn implementers_without_debug_information_or_known_by_a_subtrait_are_named() {
    for (name, args) in [
        ("debug", &[][..]),
        ("release", &["-O"][..]),
        ("v0", &["-Csymbol-mangling-version=v0"][..]),
    ] {
        let report = cover(&with_a_plain_crate(name, args), &["app::Root"]);
        let found: Vec<String> =
            lines(&report).into_iter().filter(|line| line.contains('{')).collect();
        assert_eq!(
            found,
            [
                "uncovered-field app::Root.devs[]{app::Seen}.a",
                "uncovered-field app::Root.devs[]{app::Upcast}.b",
                "cannot-see app::Root.devs[]{plain::Hidden}",
            ],
            "{name}"
        );
    }
}

/// Two implementers behind one trait; `{a}` and `{b}` are what is known of them.
fn behind_a_trait(a: &str, b: &str) -> Vec<String> {
    let source = format!(
        "use samestate::{{Checkpoint, record}};
        pub trait Dev {{ fn run(&self) -> u8; }}
        pub struct A {{ a: u8 }} pub struct B {{ b: u8 }}
        impl Dev for A {{ fn run(&self) -> u8 {{ self.a }} }}
        impl Dev for B {{ fn run(&self) -> u8 {{ self.b }} }}
        pub struct Root {{ devs: Vec<Box<dyn Dev>> }}
        record!(Root, \"Root\", 1, 1, [\"devs\" = 0]);
        {a} {b}
        fn main() {{
            let root = Root {{ devs: vec![Box::new(A {{ a: 1 }}), Box::new(B {{ b: 2 }})] }};
            for dev in &root.devs {{ println!(\"{{}}\", dev.run()); }}
            std::hint::black_box(&root);
        }}"
    );
    lines(&cover(&compile(&source, Flavor::Debug), &[]))
}

#[test]
fn each_implementer_must_be_saved_and_have_a_name() {
    let registered = |name: &str| {
        let field = name.to_lowercase();
        format!(
            "record!({name}, \"{name}\", 0, 1, [\"{field}\" = 0], implements \"dyn Dev = {field}\");"
        )
    };
    let recorded = |name: &str| {
        format!("record!({name}, \"{name}\", 0, 1, [\"{}\" = 0]);", name.to_lowercase())
    };
    assert_eq!(behind_a_trait(&registered("A"), &registered("B")), [""; 0]);
    assert_eq!(
        behind_a_trait(&registered("A"), &recorded("B")),
        ["unregistered-implementer app::Root.devs[]{app::B}"]
    );
    assert_eq!(behind_a_trait(&recorded("A"), &recorded("B")), [""; 0]);
    assert_eq!(
        behind_a_trait(&recorded("A"), ""),
        ["uncovered-implementer app::Root.devs[]{app::B}"]
    );
}

#[test]
fn behind_wide_traits_nothing_is_followed_and_that_is_told() {
    let source = "use std::any::Any; use std::error::Error; use std::fmt::Debug; use std::future::Future; use std::pin::Pin;
        #[derive(Debug)] pub struct Hidden { n: u8 }
        impl std::fmt::Display for Hidden { fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result { write!(f, \"{}\", self.n) } }
        impl Error for Hidden {}
        pub struct Root { any: Box<dyn Any>, shown: Box<dyn Debug>, error: Box<dyn Error>, call: Box<dyn Fn() -> u8>,
            later: Pin<Box<dyn Future<Output = u8>>>, plain: fn() -> u8 }
        fn main() {
            let n = std::env::args().count() as u8;
            let held = Hidden { n };
            let root = Root { any: Box::new(Hidden { n }), shown: Box::new(Hidden { n }), error: Box::new(Hidden { n }),
                call: Box::new(move || held.n), later: Box::pin(async move { n }), plain: || 7 };
            std::hint::black_box(&root); println!(\"{} {:?} {}\", (root.call)(), root.shown, root.error);
        }";
    let binary = compile(source, Flavor::Debug);
    let wide = ["any", "shown", "error", "call", "later"];
    let found = lines(&cover(&binary, &["app::Root"]));
    for field in wide {
        assert!(found.contains(&format!("cannot-see app::Root.{field}")), "{field}: {found:?}");
    }
    assert!(!found.contains(&"cannot-see app::Root.plain".to_owned()), "{found:?}");
    // A decision with a reason is all that turns it off.
    let skips = wide.map(|field| format!("\"app::Root.{field}\" = \"made again\"\n")).concat();
    let decided = cover_with(&binary, &format!("roots = [\"app::Root\"]\n[skip]\n{skips}"));
    assert_eq!(lines(&decided), ["uncovered-field app::Root.plain"]);
}

#[test]
fn what_belongs_to_the_host_is_told_as_such() {
    for (ty, value, is_host) in [
        ("std::fs::File", "std::fs::File::open(\"/dev/null\").unwrap()", true),
        ("Option<Box<std::fs::File>>", "None", true),
        (
            "std::io::BufWriter<std::fs::File>",
            "std::io::BufWriter::new(std::fs::File::open(\"/dev/null\").unwrap())",
            true,
        ),
        ("Vec<std::net::TcpStream>", "Vec::new()", true),
        ("Option<std::thread::JoinHandle<u8>>", "None", true),
        ("std::time::Instant", "std::time::Instant::now()", true),
        ("std::sync::mpsc::Receiver<u8>", "std::sync::mpsc::channel().1", true),
        ("Option<std::sync::MutexGuard<'static, u8>>", "None", true),
        ("std::time::Duration", "std::time::Duration::ZERO", false),
        ("std::path::PathBuf", "\"/dev/null\".into()", false),
    ] {
        let source = format!(
            "pub struct Root {{ it: {ty} }}
            fn main() {{ let root = Root {{ it: {value} }}; std::hint::black_box(&root); }}"
        );
        let rule = if is_host { "host-resource" } else { "uncovered-field" };
        assert_eq!(
            lines(&cover(&compile(&source, Flavor::Debug), &["app::Root"])),
            [format!("{rule} app::Root.it")],
            "{ty}"
        );
    }
}
