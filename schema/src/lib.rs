//! The vocabulary that every part of samestate shares.
//!
//! | module | what it defines |
//! |---|---|
//! | [`treatment`] | what happens to a field at a checkpoint, and how well that is known |
//! | [`path`] | how every part of the toolkit names a piece of state |
//! | [`record`] | the bytes that the derive leaves in a section of the binary |
//! | [`types`] | the types an image holds, and the canonical text that their hash is taken of |
//! | [`marker`] | the system call by which a program announces a checkpoint to a tracer |
//!
//! It has no dependencies and needs only `alloc`, because it is compiled into the programs that
//! save their state. The encoder and the decoder of one format stand in one file.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod marker;
pub mod path;
pub mod record;
pub mod treatment;
pub mod types;
pub mod wire;
