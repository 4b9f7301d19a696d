//! Properties of the formats: what is written is read back, and no bytes make a reader panic.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails it by panicking")]

mod marker;
mod path;
mod record;
mod types;
