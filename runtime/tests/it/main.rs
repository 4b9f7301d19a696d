//! Tests through the public surface.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails it by panicking")]

mod blocks;
mod bytes;
mod compression;
mod derive;
mod dynamic;
#[macro_use]
mod evolve;
#[cfg(any(feature = "smallvec", feature = "indexmap", feature = "ndarray"))]
mod features;
mod fixed;
mod hooks;
mod hostile;
mod hostile_families;
mod hostile_forge;
mod hostile_large;
#[cfg(unix)]
mod hostile_limits;
mod inplace;
mod manual;
mod migrate;
mod program;
mod roundtrip;
#[cfg(feature = "serde")]
mod serde;
mod shared;
mod store;
mod testing;
mod transparent;
mod volatile;
mod with;

/// Says that a test cannot run here. The test harness swallows what `println!` and `eprintln!`
/// print, so this goes around them.
fn skipped(why: &str) {
    use std::io::Write as _;
    std::io::stderr().write_all(format!("skipped: {why}\n").as_bytes()).unwrap();
}
