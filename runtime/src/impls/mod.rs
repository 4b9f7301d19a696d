//! `Checkpoint` for the types of the standard library.

mod cells;
mod containers;
mod cow;
#[cfg(feature = "indexmap")]
mod indexmap;
mod lists;
pub(crate) mod maps;
#[cfg(feature = "ndarray")]
mod ndarray;
mod nonzero;
mod numbers;
mod parts;
mod platform;
mod pointers;
mod primitives;
mod ranges;
#[cfg(feature = "smallvec")]
mod smallvec;
mod text;
mod tuples;
mod wrappers;
