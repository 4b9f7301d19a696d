//! Tests through the public surface.
#![forbid(unsafe_code)]

mod derive;
mod evolve;
mod hostile;
mod manual;
mod program;
mod roundtrip;
mod store;
