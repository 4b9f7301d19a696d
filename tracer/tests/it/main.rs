//! Tests of the tracer on real programs and real processes.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod again;
mod allowed;
mod announced;
mod attach;
mod bad_input;
mod beside;
mod classes;
mod cut;
mod emulator;
mod faults;
mod filters;
mod foreign;
mod harsh;
mod identities;
mod jobs;
mod keeps;
mod kernel;
mod killed;
mod landing;
mod natively;
mod outside;
mod outside_calls;
mod programs;
mod programs_in_c;
mod reflinks;
mod restored_outside;
mod seeds;
mod stacks;
mod stores;
mod support;
mod threads;
mod traces;
mod undo;
mod verdicts;
mod verify;
mod waits;
