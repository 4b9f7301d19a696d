//! Macros of a program that make the code that saves: which rule the compiler takes.

use crate::build::{Flavor, compile, cover_with, lines};

/// `MACRO` makes the impl.
const PROGRAM: &str = "
pub struct Machine { a: u8, b: u8 }
pub trait State { fn save(&self, w: &mut Vec<u8>); fn load(r: &[u8]) -> Self; }
MACRO
fn main() {
    let mut w = vec![];
    std::hint::black_box(Machine { a: 1, b: 2 }).save(&mut w);
    w.push(0);
    std::hint::black_box(Machine::load(&w));
}
";

/// The bodies of rules that save and restore both fields, or one of them.
const BOTH: &str = "impl State for Machine {
    fn save(&self, w: &mut Vec<u8>) { w.push(self.a); w.push(self.b); }
    fn load(r: &[u8]) -> Self { Machine { a: r[0], b: r[1] } } }";
const ONE: &str = "impl State for Machine {
    fn save(&self, w: &mut Vec<u8>) { w.push(self.a); }
    fn load(r: &[u8]) -> Self { Machine { a: r[0], b: 0 } } }";

const SEEN: &[&str] = &[];
const FOUND: &[&str] = &["uncovered-field app::Machine.b"];

/// Macros with their calls, and what must be found; `None` if which rule is meant is not seen.
const CASES: &[(&str, Option<&[&str]>)] = &[
    ("macro_rules! st { ($t:ty) => { BOTH }; ($($t:tt)*) => { ONE } } st!(Machine);", Some(SEEN)),
    ("macro_rules! st { ($t:ty) => { ONE }; ($($t:tt)*) => { BOTH } } st!(Machine);", Some(FOUND)),
    // The first rule surely does not match.
    ("macro_rules! st { (a $e:expr) => { ONE }; ($($t:tt)*) => { BOTH } } st!(b);", Some(SEEN)),
    ("macro_rules! st { ($i:ident) => { ONE }; (_) => { BOTH } } st!(_);", Some(SEEN)),
    ("macro_rules! st { ($l:literal) => { ONE }; ($i:ident) => { BOTH } } st!(b);", Some(SEEN)),
    ("macro_rules! st { ($e:expr) => { ONE }; (=> $i:ident) => { BOTH } } st!(=> b);", Some(SEEN)),
    // One mark to the compiler.
    ("macro_rules! st { ($a:tt) => { ONE }; ($a:tt $b:tt) => { BOTH } } st!(=>);", Some(FOUND)),
    ("macro_rules! st { ($a:tt $b:tt) => { BOTH }; ($a:tt) => { ONE } } st!(=>);", Some(FOUND)),
    // Whether the first one does is not known.
    ("macro_rules! st { ($p:pat) => { ONE }; ($($t:tt)*) => { BOTH } } st!(_);", None),
    ("macro_rules! st { ($($p:pat),*) => { ONE }; ($($t:tt)*) => { BOTH } } st!(_);", None),
    // The last definition before the call counts.
    ("macro_rules! st { () => { ONE } } st!(); macro_rules! st { () => { BOTH } }", None),
    // Another macro of the same name.
    (
        "pub mod other { macro_rules! inner { () => { ONE } } pub(crate) use inner as st; }
            macro_rules! st { () => { BOTH } } other::st!();",
        None,
    ),
];

#[test]
fn only_the_rule_that_the_compiler_takes_is_read() {
    let settings =
        "roots = [\"app::Machine\"]\nsave = [\"Machine::save\"]\nrestore = [\"Machine::load\"]";
    for (made, expected) in CASES {
        let made = made.replace("BOTH", BOTH).replace("ONE", ONE);
        let built = compile(&PROGRAM.replace("MACRO", &made), Flavor::Debug);
        let found = lines(&cover_with(&built, settings));
        match expected {
            Some(expected) => assert_eq!(found, *expected, "{made}"),
            // What such a macro makes is not there, and the report says so.
            None => assert!(found.contains(&"stale-treatment Machine::save".to_owned()), "{made}"),
        }
    }
}
