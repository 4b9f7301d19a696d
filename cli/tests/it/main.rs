//! The program as its users run it: real binaries, real processes, whole outputs.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod action;
mod allowed;
mod attach;
mod bad_input;
mod beside;
mod check;
mod emulator_core;
mod evolution;
mod explain;
mod faults;
mod fixtures;
mod formats;
mod image;
mod image_parts;
mod interrupt;
mod manual;
mod mutations;
mod order;
mod pairs;
mod particles;
mod pre_commit;
mod progress;
mod readme;
mod real_programs;
mod restoring;
mod seeds;
mod show;
mod spoiled;
mod stacks;
mod table;
mod third_party;
mod timings;
mod twin;
mod undo_log;
mod uses;
