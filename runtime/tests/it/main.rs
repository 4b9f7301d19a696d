//! Tests through the public surface.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails it by panicking")]

mod derive;
mod evolve;
mod hostile;
mod manual;
mod program;
mod roundtrip;
mod store;
