//! Save state, go on from it later, and know that no field was forgotten.

extern crate self as samestate;

mod array;
mod assignment;
#[cfg(feature = "serde")]
mod bridge;
mod checked;
mod compression;
mod depth;
mod dynamic;
mod error;
mod fixed;
mod handles;
mod hooks;
mod impls;
mod marker;
mod memory;
mod objects;
mod plain;
mod pointee;
mod prefetch;
mod recognized;
mod restore;
mod save;
mod schema;
mod step;
mod store;
pub mod testing;
mod traits;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use assignment::Assignment;
pub use compression::Compression;
pub use error::{PointerProblem, RestoreError, RestoreErrorKind, SaveError};
pub use handles::Handles;
pub use marker::{is_traced, mark};
pub use memory::{from_slice, from_slice_with, restore_in_place, to_vec, to_vec_compressed};
pub use pointee::Pointee;
pub use restore::Restorer;
pub use samestate_image::ImageError;
pub use samestate_image::difference::Difference;
pub use samestate_macros::{Checkpoint, dynamic};
pub use samestate_schema::marker::{Kind as MarkerKind, Marker};
pub use samestate_schema::record::Shape;
pub use samestate_schema::treatment::SkipPolicy;
pub use samestate_schema::types::TypeRef;
pub use save::Saver;
pub use schema::{EnumBuilder, Fields, SchemaBuilder, StructBuilder};
pub use step::step;
pub use store::{Contents, Entry, Latest, Saved, Skipped, Staged, Store, StoreError, Written};
pub use traits::Checkpoint;

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
