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
mod primitives;
mod ranges;
mod text;
mod tuples;
mod wrappers;
