//! `Checkpoint` for the types of the standard library.

mod cells;
mod containers;
mod maps;
mod numbers;
mod primitives;
mod text;
mod tuples;
