//! Tests of the tracer on real programs and real processes.

mod bad_input;
mod kernel;
mod programs;
mod support;
mod traces;
mod verify;
