//! Constants that samestate.toml names as the version of what is saved.

use crate::build::{Flavor, compile, cover_with, lines};

/// `CONSTANTS` is where the version stands; the program itself takes it from `version()`.
const PROGRAM: &str = "
pub struct Machine { a: u8 }
fn version() -> u8 { std::env::args().count() as u8 }
impl Machine {
    pub fn save(&self, w: &mut Vec<u8>) { w.push(version()); w.push(self.a); }
    pub fn load(r: &[u8]) -> Self { Self { a: r[1] } }
}
CONSTANTS
fn main() {
    let mut w = vec![];
    std::hint::black_box(Machine { a: 1 }).save(&mut w);
    std::hint::black_box(Machine::load(&w));
}
";

/// Constants, and what is said of why they cannot be read; nothing if they can.
const CASES: &[(&str, &str)] = &[
    ("pub const VERSION: u32 = 1;", ""),
    ("#[cfg(not(test))] pub const VERSION: u32 = 1;", ""),
    ("pub const VERSION: u32 = 1; #[cfg(test)] mod tests { const VERSION: u32 = 2; }", ""),
    ("#[cfg(test)] const VERSION: u32 = 2; #[cfg(not(test))] pub const VERSION: u32 = 1;", ""),
    ("#[cfg(any())] pub const VERSION: u32 = 9;", "there is no constant"),
    ("#[cfg(any())] mod old { pub const VERSION: u32 = 9; }", "there is no constant"),
    ("mod old { #![cfg(any())] pub const VERSION: u32 = 9; }", "there is no constant"),
    ("#[cfg(any())] impl Machine { pub const VERSION: u32 = 9; }", "there is no constant"),
    (
        "macro_rules! k { ($n:ident = $v:literal) => { #[cfg(any())] pub const $n: u32 = $v; } }
            k!(VERSION = 1);",
        "there is no constant",
    ),
    (
        "macro_rules! k { ($n:ident = $v:literal) => { pub const $n: u32 = $v; } }
            #[cfg(any())] k!(VERSION = 1);",
        "there is no constant",
    ),
    ("#[cfg(target_os = \"linux\")] pub const VERSION: u32 = 1;", "it hangs on `target_os"),
    ("#[cfg(false)] pub const VERSION: u32 = 9;", "it hangs on"),
    ("pub const VERSION: u32 = 1; pub mod b { pub const VERSION: u32 = 2; }", ""),
    ("pub mod a { pub const VERSION: u32 = 1; } mod b { pub const VERSION: u32 = 2; }", "several"),
];

#[test]
fn only_a_constant_that_was_compiled_is_a_version() {
    let settings = "roots = [\"app::Machine\"]\nsave = [\"Machine::save\"]
        restore = [\"Machine::load\"]\nversion = \"app::VERSION\"";
    for (constants, why) in CASES {
        let source = PROGRAM.replace("CONSTANTS", constants);
        let report = cover_with(&compile(&source, Flavor::Debug), settings);
        if why.is_empty() {
            assert_eq!(lines(&report), [""; 0], "{constants}");
        } else {
            assert_eq!(lines(&report), ["cannot-see app::Machine"], "{constants}");
            let message = &report.findings[0].message;
            assert!(message.contains(why), "{constants}: {message}");
        }
    }
}
