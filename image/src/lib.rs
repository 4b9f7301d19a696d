//! The format of a saved checkpoint: encode, decode, check, inspect.
//!
//! An image describes itself, so it opens without the program that wrote it.
//!
//! ```text
//!      0  header, 128 bytes: magic, format version, sequence, step, time, build id, checksum
//!    128  chunk 0, the schema: root name, hash per type, table of types
//!      …  chunk 1, the values: the root value, encoded as its type says
//!      …  chunk 2 and on, the blocks: long runs of numbers, straight from memory
//!      …  directory: parent, shard, one entry per chunk with lengths and checksum
//! end-80  trailer: where the directory is, image id, checksums, commit marker
//! ```
//!
//! Every chunk starts at an offset that follows from the lengths before it. Its checksum covers
//! the padding after it, the header and the trailer hold checksums of their own, and the trailer
//! holds that of the directory: no bit of an image is unchecked. All of it is checked before a
//! value is decoded. `docs/FORMAT-image.md` describes the format byte by byte.
//!
//! | module | what it is for |
//! |---|---|
//! | [`header`], [`schema_chunk`], [`directory`] | encode and decode of one part each |
//! | [`build`] | putting an image together to be written |
//! | [`codec`] | compression of chunks |
//! | [`assembly`], [`stream`] | putting one together in memory |
//! | [`Image`] | opening and checking one |
//! | [`Ends`] | what one is, from its first and last bytes |
//! | [`value`] | the values as a tree, without the program |
//! | [`evolve`] | bringing an old image to the types of a program |
//! | [`filter`] | a copy without parts of the state |
//! | [`mutant`] | images that differ in one piece of state, for tests |
//! | [`difference`] | what differs between two schemas, by field path |

#![deny(unsafe_code)]

pub mod assembly;
pub mod build;
pub mod codec;
pub mod difference;
pub mod directory;
mod ends;
mod error;
pub mod evolve;
pub mod filter;
pub mod header;
mod image;
pub mod layout;
pub mod mutant;
mod plan;
pub mod schema_chunk;
#[expect(unsafe_code, reason = "what is stored past the caches is stored through pointers")]
pub mod stream;
pub mod value;

pub use codec::Codec;
pub use ends::Ends;
pub use error::ImageError;
pub use header::Header;
pub use image::Image;
pub use schema_chunk::SchemaChunk;
