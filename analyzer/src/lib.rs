//! From a binary to its type graph, coverage and drift findings.

#![forbid(unsafe_code)]

mod containers;
mod coverage;
mod dwarf;
mod error;
mod evidence;
mod fields;
mod graph;
mod limits;
mod load;
mod lock;
mod names;
mod program;
mod roots;
mod view;
mod walk;

pub use coverage::{CoverageConfig, coverage};
pub use error::Error;
