//! Constants that samestate.toml names as the version of what is saved.

use std::path::Path;

use samestate_analyzer::{CoverageConfig, Settings, lock_text};

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

/// Constants, and the version that the lock keeps; or, in brackets, a part of why there is none.
const VALUES: &[(&str, &str)] = &[
    ("const BASE: u32 = 6; pub const VERSION: u32 = BASE + 1;", "7"),
    ("pub const VERSION: u32 = (1 << 4) | 3;", "19"),
    ("pub const VERSION: u32 = 0x10_00u32 - 2 * 3 % 4 / 1;", "4094"),
    ("pub const VERSION: i32 = -3;", "-3"),
    ("pub const VERSION: u8 = 0x1ff_u32 as u8;", "255"),
    ("pub const VERSION: u32 = u8::MAX as u32 + 1;", "256"),
    ("mod base { pub const MAJOR: u32 = 2; } pub const VERSION: u32 = base::MAJOR * 100 + minor::MINOR;
        mod minor { pub const MINOR: u32 = super::base::MAJOR + 1; }", "203"),
    ("use base::MAJOR; mod base { pub const MAJOR: u32 = 2; } pub const VERSION: u32 = MAJOR;", "2"),
    // Names that are imported, while others stand farther out or elsewhere.
    ("const N: u32 = 1; mod b { pub const N: u32 = 7; } pub mod a { use crate::b::N; pub const MINE: u32 = N; }
        pub const VERSION: u32 = a::MINE;", "7"),
    ("mod net { pub const N: u32 = 1; } mod b { pub const LAST: u32 = 7; } use b::LAST as N;
        pub const VERSION: u32 = N + net::N;", "8"),
    ("mod net { pub const MAX: u32 = 1; } use std::u32::MAX; pub const VERSION: u32 = MAX - net::MAX;", "(not there in the sources"),
    ("mod b { pub const N: u32 = 7; } mod all { pub use crate::b::N; } mod net { pub const N: u32 = 1; }
        use all::N; pub const VERSION: u32 = N - net::N;", "6"),
    ("mod b { pub const N: u32 = 7; } mod all { pub use crate::b::*; } use crate::all::N; pub const VERSION: u32 = N;", "7"),
    ("mod v1 { pub const N: u32 = 7; } mod old { pub mod deep { pub const N: u32 = 1; } }
        pub mod a { use crate::v1 as deep; pub const MINE: u32 = deep::N; } pub const VERSION: u32 = a::MINE + old::deep::N;", "8"),
    ("pub const VERSION: &str = \"v3\";", "v3"),
    ("pub const VERSION: &[u8; 4] = b\"SAV3\";", "SAV3"),
    ("pub const VERSION: [u8; 4] = *b\"SV\\x00\\x02\";", "0x53560002"),
    ("pub const VERSION: [u8; 3] = [b'A', b'B', 0x43];", "ABC"),
    ("pub const VERSION: u32 = u32::from_le_bytes(*b\"\\x01\\x02\\x00\\x00\");", "513"),
    ("pub const VERSION: u16 = u16::from_be_bytes([1, 2]);", "258"),
    ("impl Machine { const BASE: u32 = 4; const VERSION: u32 = Self::BASE + 1; }", "5"),
    ("#[repr(u32)] pub enum Format { First = 3, Second, Third } pub const VERSION: u32 = Format::Third as u32;", "5"),
    ("pub const VERSION: u32 = { 3 };", "3"),
    ("static BASE: u32 = 8; pub const VERSION: u32 = *&BASE;", "8"),
    // What only the compiler knows.
    ("const fn next(n: u32) -> u32 { n + 1 } pub const VERSION: u32 = next(1);", "(neither a number nor a text"),
    ("pub const VERSION: u32 = if cfg!(test) { 1 } else { 2 };", "(neither a number nor a text"),
    ("pub const VERSION: &str = env!(\"CARGO\");", "(neither a number nor a text"),
    ("pub const VERSION: u32 = std::mem::size_of::<u64>() as u32;", "(neither a number nor a text"),
    ("pub const VERSION: u32 = BASE; #[cfg(target_os = \"linux\")] const BASE: u32 = 1;", "(hangs on `target_os"),
    ("pub const VERSION: u32 = 1; pub const OTHER: u64 = u64::MAX; impl Machine { pub const VERSION: u32 = 1; }", "1"),
    ("pub const VERSION: u32 = 7 - 7 * (1 - 1) + i32::MAX as u32 % (3 - 3 + 1);", "7"),
    ("pub const VERSION: &str = \"\";", "(is empty"),
    ("pub const VERSION: f32 = 1.5;", "(neither a number nor a text"),
    ("pub enum Format { First, #[cfg(test)] Other, Third } pub const VERSION: u32 = Format::Third as u32;", "(not there in the sources"),
];

#[test]
fn a_version_may_be_computed_from_what_the_sources_say() {
    let settings = "roots = [\"app::Machine\"]\nsave = [\"Machine::save\"]
        restore = [\"Machine::load\"]\nversion = \"app::VERSION\"";
    for (constants, expected) in VALUES {
        let is_of_type = constants.starts_with("impl Machine {");
        let settings = if is_of_type {
            settings.replace("app::VERSION", "app::Machine::VERSION")
        } else {
            settings.to_owned()
        };
        let binary = compile(&PROGRAM.replace("CONSTANTS", constants), Flavor::Debug);
        let settings = Settings::parse(Path::new("samestate.toml"), &settings).unwrap();
        let config = CoverageConfig { binary, settings, ..CoverageConfig::default() };
        let (text, report) = lock_text(&config).unwrap();
        let told = text.lines().find(|line| line.starts_with("version "));
        match expected.strip_prefix('(') {
            None => {
                let told = told.unwrap_or_else(|| panic!("{constants}: {:?}", lines(&report)));
                assert!(
                    told.starts_with(&format!("version {expected} of ")),
                    "{constants}: {told}"
                );
                assert_eq!(lines(&report), [""; 0], "{constants}");
            }
            Some(why) => {
                assert_eq!(
                    (told, &lines(&report)[..]),
                    (None, &["cannot-see app::Machine".to_owned()][..]),
                    "{constants}"
                );
                let finding = &report.findings[0];
                assert!(finding.message.contains(why), "{constants}: {}", finding.message);
                assert!(finding.help.is_some() && finding.place.is_some(), "{constants}");
            }
        }
    }
}

#[test]
fn constants_that_lead_to_themselves_end() {
    // No compiler takes these, so they are put in after the build.
    let settings = "roots = [\"app::Machine\"]\nsave = [\"Machine::save\"]
        restore = [\"Machine::load\"]\nversion = \"app::VERSION\"";
    let binary =
        compile(&PROGRAM.replace("CONSTANTS", "const VERSION: u32 = 1; // loops"), Flavor::Debug);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("loops");
    std::fs::create_dir_all(folder.join("src")).unwrap();
    let copy = folder.join("app");
    std::fs::copy(&binary, &copy).unwrap();
    let source = binary.with_file_name("src/main.rs");
    let text = std::fs::read_to_string(&source).unwrap();
    let doubled: String =
        (0..200).map(|n| format!("const C{n}: u32 = C{} + C{};", n + 1, n + 1)).collect();
    for constants in [
        "const VERSION: u32 = VERSION + 1;".to_owned(),
        "const VERSION: u32 = A; const A: u32 = VERSION;".to_owned(),
        format!("const VERSION: u32 = C0; {doubled}"),
    ] {
        std::fs::write(&source, text.replace("const VERSION: u32 = 1; // loops", &constants))
            .unwrap();
        // The copy is newer than the source.
        let _newer = std::fs::File::options()
            .append(true)
            .open(&copy)
            .unwrap()
            .set_modified(std::time::SystemTime::now() + std::time::Duration::from_secs(60));
        let report = cover_with(&copy, settings);
        std::fs::write(&source, &text).unwrap();
        assert_eq!(lines(&report), ["cannot-see app::Machine"], "{constants}");
        let message = &report.findings[0].message;
        assert!(message.contains("too many constants"), "{message}");
    }
}
