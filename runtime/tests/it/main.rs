//! Tests through the public surface.
#![forbid(unsafe_code)]

mod derive;
mod evolve;
mod hostile;
mod roundtrip;
mod store;
