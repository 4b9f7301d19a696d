//! `Checkpoint` for the types of the standard library.

mod cells;
mod containers;
mod cow;
mod lists;
mod maps;
mod nonzero;
mod numbers;
mod parts;
mod platform;
mod pointers;
mod primitives;
mod ranges;
mod text;
mod tuples;
mod wrappers;
