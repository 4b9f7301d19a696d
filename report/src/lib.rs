//! Findings, the rule catalogue, exit codes and renderers.
//!
//! Every command of samestate ends in one [`Report`]: the analyzer and the tracer fill it, a
//! renderer prints it, and [`Report::exit_code`] decides how the command ends. This crate knows
//! neither DWARF nor ptrace; whoever writes a new producer or a new renderer needs nothing else.

#![forbid(unsafe_code)]

mod allowed;
mod day;
mod exit;
mod finding;
mod pattern;
mod plan;
pub mod render;
mod report;
mod rule;
pub mod rules;
mod stack;

pub use allowed::{Allowances, Allowed, Counts, Unused};
pub use day::Day;
pub use exit::ExitCode;
pub use finding::{Call, Evidence, Finding, Place, Severity, Side, Sides, Subject};
pub use pattern::{Glob, Pattern};
pub use plan::{Conversion, ConversionStep, Told};
pub use report::{Fact, Input, Report, Table};
pub use rule::Rule;
pub use stack::{Frame, Stack};
