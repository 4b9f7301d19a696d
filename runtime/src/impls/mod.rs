//! `Checkpoint` for the types of the standard library.

mod cells;
mod containers;
mod lists;
mod maps;
mod nonzero;
mod numbers;
mod parts;
mod primitives;
mod text;
mod tuples;
mod wrappers;
