//! What a program's file tells of an address in it: how to find the caller ([`Rules`]), which
//! function and line it is, and what that line reads ([`Symbols`]).
//!
//! Nothing here knows of processes: memory and registers come from whoever asks. Names are only
//! given where the file proves them; a function whose extent is not known has none.

mod error;
mod file;
mod line;
mod reads;
mod rules;
mod symbols;
mod walk;

pub use error::Error;
pub use file::Identity;
pub use line::Named;
pub use rules::Rules;
pub use symbols::{Frame, Symbols};
pub use walk::{End, Registers, Walk, World, walk};
