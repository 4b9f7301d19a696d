//! From a binary to its type graph, coverage and drift findings.

#![forbid(unsafe_code)]

mod containers;
mod coverage;
mod drift;
mod dwarf;
mod error;
mod evidence;
mod fields;
mod graph;
mod limits;
mod load;
mod lock;
mod model;
mod names;
mod program;
mod roots;
mod source;
mod view;
mod walk;

pub use coverage::{CoverageConfig, coverage};
pub use drift::{DriftConfig, drift, lock_text};
pub use error::Error;
pub use lock::LockError;
