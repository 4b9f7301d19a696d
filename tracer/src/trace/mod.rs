//! The trace file: one recorded run.
//!
//! ```text
//! offset size
//!      0    8  magic, "sstrace\n"
//!      8    2  format version
//!     10    …  blocks, up to the end of the file
//! ```
//!
//! A block is 16 bytes of head (kind, length of its content, length as it stands in the file,
//! CRC-32 of the first three and the bytes) and the bytes, compressed with LZ4. The first block
//! holds the [`Header`], the last one the totals; those between hold [`Event`]s, which never cross
//! a block's border. All numbers of a head are little-endian `u32`s; within blocks they are
//! variable-length.
//!
//! A file that was cut off or damaged can be read up to the first block that is not whole.

pub(crate) mod block;
mod event;
mod header;
mod reader;
mod stack;
pub(crate) mod varint;
mod writer;

pub use event::{
    Call, Data, Descriptor, Event, Note, Object, ObjectKind, Payload, Sender, Status, Task,
    call_flags,
};
pub use header::Header;
pub use reader::{Place, Reader, Tear};
pub use samestate_symbols::Identity;
pub use stack::{Module, Stack};
pub use varint::DecodeError;
pub use writer::Writer;

/// The first bytes of the file.
pub(crate) const MAGIC: [u8; 8] = *b"sstrace\n";

/// The format that is written and read.
pub const VERSION: u16 = 6;
