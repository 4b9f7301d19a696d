//! Types of one name that are not the same type.

use crate::build::{Flavor, compile, cover, lines};

/// A function in which two blocks define the same chain of types; its end is a type of its own in
/// each block. All of a chain's types have one name, size and layout in both.
fn two_chains(links: &[&str]) -> String {
    let block = |leaf: &str| {
        let types: String = links.iter().map(|link| format!("pub struct {link}\n")).collect();
        format!("{{ {types} pub type Leaf = {leaf}; std::hint::black_box(None::<L0>); }}")
    };
    format!(
        "pub struct Left {{ l: u32 }} pub struct Right {{ r: u32 }}
        fn f() {{ {} {} }}
        fn main() {{ f() }}",
        block("Left"),
        block("Right")
    )
}

fn check(source: &str) {
    for flavor in [Flavor::Debug, Flavor::Release] {
        let found = lines(&cover(&compile(source, flavor), &["app::f::L0"]));
        for leaf in [".l", ".r"] {
            let count = found.iter().filter(|line| line.ends_with(leaf)).count();
            assert_eq!(count, 1, "{flavor:?} {leaf}: {found:#?}");
        }
    }
}

#[test]
fn what_differs_far_below_is_told_apart() {
    let mut links: Vec<String> =
        (0..8).map(|n| format!("L{n} {{ next: Box<L{}> }}", n + 1)).collect();
    links.push("L8 { leaf: Leaf }".to_owned());
    let links: Vec<&str> = links.iter().map(String::as_str).collect();
    check(&two_chains(&links));
}

#[test]
fn cycles_that_differ_far_below_are_told_apart() {
    let mut links: Vec<String> =
        (0..8).map(|n| format!("L{n} {{ next: Option<Box<L{}>> }}", n + 1)).collect();
    links.push("L8 { first: Option<Box<L0>>, leaf: Leaf }".to_owned());
    let links: Vec<&str> = links.iter().map(String::as_str).collect();
    check(&two_chains(&links));
}
