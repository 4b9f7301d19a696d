//! The analyzer through its public interface, on binaries compiled here by rustc.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod build;
mod changes;
mod containers;
mod coverage;
mod drift;
mod expanding;
mod flavors;
mod foreign;
mod hostile;
mod identity;
mod known_by;
mod matrix;
mod memory;
mod merging;
mod named;
mod objects;
mod opaque;
mod ordered;
mod reading;
mod settings;
mod state_structs;
mod statics;
mod tags;
mod targets;
mod third;
mod traits;
mod versions;
