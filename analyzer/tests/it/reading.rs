//! What reading the sources must not get wrong: another type's impl, a text that was not compiled,
//! and shapes of types.

use std::time::Duration;

use samestate_report::ExitCode;

use crate::build::{Flavor, compile, cover, lines};

/// A program whose root is derived and holds `Part`; `{part}` defines that and its impls.
fn program(part: &str) -> String {
    format!(
        "use samestate::{{Checkpoint, Restorer, Saver, record}};
record!(Root, \"Root\", 1, 1, [\"part\" = 0]);
pub struct Root {{ part: Part }}
{part}
fn main() {{
    let mut saver = Saver(vec![]);
    if let Some(part) = Part::restore(&mut Restorer(vec![1; 99])) {{
        let root = Root {{ part }};
        root.part.save(&mut saver);
        std::hint::black_box(&root);
    }}
    println!(\"{{}}\", saver.0.len());
}}
"
    )
}

fn implement(ty: &str, save: &str, restore: &str) -> String {
    format!(
        "impl Checkpoint for {ty} {{
    #[inline(never)] fn save(&self, saver: &mut Saver) {{ {save} }}
    #[inline(never)] fn restore(restorer: &mut Restorer) -> Option<Self> {{ {restore} }}
}}"
    )
}

fn check(part: &str, expected: &[&str]) {
    let binary = compile(&program(part), Flavor::Debug);
    assert_eq!(lines(&cover(&binary, &[])), expected, "{part}");
}

#[test]
fn every_shape_of_a_type_is_read() {
    let tuple = "pub struct Part(u64, u8);\n".to_owned();
    let all = "Some(Self(u64::restore(restorer)?, u8::restore(restorer)?))";
    check(
        &(tuple.clone() + &implement("Part", "self.0.save(saver); self.1.save(saver);", all)),
        &[],
    );
    check(
        &(tuple.clone()
            + &implement("Part", "let Self(a, b) = self; a.save(saver); b.save(saver);", all)),
        &[],
    );
    check(
        &(tuple
            + &implement("Part", "self.1.save(saver);", "Some(Self(7, u8::restore(restorer)?))")),
        &["uncovered-field app::Root.part.0"],
    );
    let choice = "pub enum Part { A { x: u64, y: u8 }, B(u16), C }\n".to_owned();
    let save = "match self { Self::A { x, y } => { 0u8.save(saver); x.save(saver); y.save(saver); }
        Part::B(n) => { 1u8.save(saver); n.save(saver); } Self::C => 2u8.save(saver) }";
    let restore = "Some(match u8::restore(restorer)? {
        0 => Self::A { x: u64::restore(restorer)?, y: u8::restore(restorer)? },
        1 => Self::B(u16::restore(restorer)?), _ => Self::C })";
    check(&(choice.clone() + &implement("Part", save, restore)), &[]);
    check(
        &(choice
            + &implement(
                "Part",
                &save.replace("x, y }", "x, .. }").replace("y.save(saver);", ""),
                &restore.replace("y: u8::restore(restorer)?", "y: 9"),
            )),
        &["uncovered-field app::Root.part::A.y"],
    );
    // What takes no room cannot be forgotten.
    let marked =
        "pub struct Part { n: u8, of: std::marker::PhantomData<u64>, none: [u64; 0], unit: () }\n";
    check(
        &(marked.to_owned()
            + &implement(
                "Part",
                "self.n.save(saver);",
                "Some(Self { n: u8::restore(restorer)?, of: std::marker::PhantomData, none: [], unit: () })",
            )),
        &[],
    );
}

#[test]
fn a_container_counts_by_its_elements() {
    let list = "pub struct Part { items: Vec<u64>, more: Option<u64> }\n";
    let restore = "let n = u8::restore(restorer)?; let mut items = Vec::new();
        for _ in 0..n { items.push(u64::restore(restorer)?); }
        let more = if n > 3 { Some(u64::restore(restorer)?) } else { None };
        Some(Self { items, more })";
    let check = |save: &str, expected: &[&str]| {
        check(&(list.to_owned() + &implement("Part", save, restore)), expected);
    };
    check(
        "(self.items.len() as u8).save(saver); for item in &self.items { item.save(saver); }
         if let Some(more) = &self.more { more.save(saver); }",
        &[],
    );
    check(
        "self.items.iter().for_each(|item| item.save(saver));
         match self.more { Some(more) => more.save(saver), None => 0u8.save(saver) }",
        &[],
    );
    check(
        "(self.items.len() as u8).save(saver); for i in 0..self.items.len() { self.items[i].save(saver); }
         self.more.unwrap_or(0).save(saver);",
        &[],
    );
    let items = "restore-without-save app::Root.part.items";
    let more = "restore-without-save app::Root.part.more";
    check(
        "(self.items.len() as u8).save(saver); (self.items.capacity() as u8).save(saver);
         if self.items.is_empty() { 1u8.save(saver); } self.more.unwrap_or(0).save(saver);",
        &[items],
    );
    check(
        "for _ in &self.items { 1u8.save(saver); } if self.more.is_some() { 1u8.save(saver); }",
        &[items, more],
    );
    check(
        "for item in self.items.iter() { println!(\"{item}\"); } if let Some(_) = self.more { 1u8.save(saver); }",
        &[items, more],
    );
}

#[test]
fn an_impl_of_another_type_of_the_name_is_no_evidence() {
    let parts = |inner: &str| {
        format!(
            "pub struct Part {{ a: u8 }}
            {}
            pub mod one {{ pub struct State {{ pub seed: u64 }} }}
            pub mod two {{ use super::*; pub struct State {{ pub seed: u64 }} {} }}
            pub static KEEP: [fn(u64) -> u64; 2] = [one_seed, two_seed];
            fn one_seed(seed: u64) -> u64 {{ std::hint::black_box(&one::State {{ seed }}).seed }}
            fn two_seed(seed: u64) -> u64 {{ std::hint::black_box(&two::State {{ seed }}).seed }}",
            implement("Part", "self.a.save(saver);", "Some(Self { a: u8::restore(restorer)? })"),
            inner
        )
    };
    let own = implement(
        "State",
        "self.seed.save(saver);",
        "Some(Self { seed: u64::restore(restorer)? })",
    )
    .replace("inline(never)", "inline(always)");
    let source =
        program(&parts(&own)).replace("fn main() {", "fn main() { std::hint::black_box(KEEP);");
    let binary = compile(&source, Flavor::Debug);
    let found = lines(&cover(&binary, &["app::one::State"]));
    assert_eq!(found, ["uncovered-field app::one::State.seed"]);
    assert_eq!(lines(&cover(&binary, &["app::two::State"])), [""; 0]);
}

#[test]
fn an_impl_for_one_instance_says_nothing_of_another() {
    let part = format!(
        "pub struct Part {{ small: Lane<u8>, large: Lane<u64> }} pub struct Lane<T> {{ at: T, by: T }}
        {}\n{}\n{}",
        implement(
            "Part",
            "self.small.save(saver); self.large.save(saver);",
            "Some(Self { small: Lane::restore(restorer)?, large: Lane::restore(restorer)? })"
        ),
        implement(
            "Lane<u8>",
            "self.at.save(saver); self.by.save(saver);",
            "Some(Self { at: u8::restore(restorer)?, by: u8::restore(restorer)? })"
        ),
        implement("Lane<u64>", "self.at.save(saver);", "Some(Self { at: u64::restore(restorer)?, by: 0 })"),
    );
    check(&part, &["cannot-see app::Root.part.large", "cannot-see app::Root.part.small"]);
}

#[test]
fn a_source_that_is_not_the_compiled_one_is_not_believed() {
    let source = program(&format!(
        "pub struct Part {{ a: u8, old: u8 }}\n{}",
        implement(
            "Part",
            "self.a.save(saver);",
            "Some(Self { a: u8::restore(restorer)?, old: 0 })"
        )
    ));
    let saved = source
        .replace("self.a.save(saver);", "self.a.save(saver); self.old.save(saver);")
        .replace("old: 0", "old: u8::restore(restorer)?");
    let found = ["uncovered-field app::Root.part.old"];
    for flavor in [Flavor::Debug, Flavor::Dwarf5, Flavor::Release] {
        let binary = compile(&source, flavor);
        assert_eq!(lines(&cover(&binary, &[])), found, "{flavor:?}");
        let file = binary.parent().unwrap().join("src/main.rs");
        let written = std::fs::metadata(&file).unwrap().modified().unwrap();
        let built = std::fs::metadata(&binary).unwrap().modified().unwrap();
        std::fs::write(&file, &saved).unwrap();
        let handle = std::fs::File::options().append(true).open(&file).unwrap();
        handle.set_modified(built + Duration::from_secs(5)).unwrap();
        let edited = cover(&binary, &[]);
        std::fs::write(&file, &source).unwrap();
        handle.set_modified(written).unwrap();
        assert_eq!(lines(&edited), ["cannot-see app::Root.part"], "{flavor:?}");
        assert!(edited.findings[0].message.contains("rebuild"), "{edited:?}");
        assert_eq!(edited.exit_code(), ExitCode::CouldNotCheck);
        assert_eq!(lines(&cover(&binary, &[])), found, "{flavor:?}");
    }
}
