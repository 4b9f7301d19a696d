//! Where in the program calls were made, and its encoding.

use samestate_symbols::Identity;

use super::event::optional;
use super::varint::{Cursor, DecodeError, put, put_bytes, put_signed};

/// A file that a program's code was loaded from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Its number in this trace, from 0.
    pub id: u32,
    /// Its path.
    pub path: Vec<u8>,
    /// What tells which build of it that was.
    pub identity: Identity,
    /// What has to be taken from an address to get at the file's own, where it was first seen.
    pub bias: u64,
}

/// The calls that a thread was in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stack {
    /// An address within each call instruction, the innermost first: the module's number and the
    /// address as its file counts, or no module and the address in memory.
    pub frames: Vec<(Option<u32>, u64)>,
    /// Why it ends before the first call of the thread, if it does.
    pub missing: Option<String>,
}

pub(super) const MODULE: u8 = 11;
pub(super) const STACK: u8 = 12;

impl Module {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.push(MODULE);
        put(out, self.id.into());
        put_bytes(out, &self.path);
        put_bytes(out, &self.identity.build_id);
        put(out, self.identity.length);
        put_signed(out, self.identity.modified);
        put(out, self.bias);
    }

    pub(super) fn decode(cursor: &mut Cursor<'_>) -> Result<Self, DecodeError> {
        let (id, path) = (cursor.small()?, cursor.vec()?);
        let (build_id, length) = (cursor.vec()?, cursor.number()?);
        let identity = Identity { build_id, length, modified: cursor.signed()? };
        Ok(Self { id, path, identity, bias: cursor.number()? })
    }
}

impl Stack {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put(out, self.frames.len() as u64);
        for (module, address) in &self.frames {
            put(out, module.map_or(0, |module| u64::from(module) + 1));
            put(out, *address);
        }
        put_bytes(out, self.missing.as_deref().unwrap_or_default().as_bytes());
    }

    pub(super) fn decode(cursor: &mut Cursor<'_>) -> Result<Self, DecodeError> {
        let count = cursor.count()?;
        let mut frames = Vec::with_capacity(count.min(64));
        for _ in 0..count {
            frames.push((optional(cursor)?, cursor.number()?));
        }
        let missing = Some(cursor.text()?).filter(|missing| !missing.is_empty());
        Ok(Self { frames, missing })
    }
}
