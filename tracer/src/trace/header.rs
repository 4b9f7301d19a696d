//! What a trace says about the run as a whole.

use super::varint::{Cursor, DecodeError, put, put_bytes, put_signed};

/// The first block of a trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The architecture whose system calls it holds.
    pub architecture: String,
    /// The program and its arguments, as given.
    pub command: Vec<Vec<u8>>,
    /// The folder it was started in.
    pub directory: Vec<u8>,
    /// The kernel's numbers for what the first process was born into: its parent, its group and
    /// its session.
    pub parent: i32,
    /// See [`Header::parent`].
    pub group: i32,
    /// See [`Header::parent`].
    pub session: i32,
    /// When it was started, in nanoseconds since 1970: what has later times was changed in the run.
    pub started: i64,
    /// The run that was mirrored, if one was.
    pub like: Option<Vec<u8>>,
    /// What was done so that the run can be repeated, `name=value` each.
    pub knobs: Vec<String>,
}

impl Header {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_bytes(out, self.architecture.as_bytes());
        put(out, self.command.len() as u64);
        for word in &self.command {
            put_bytes(out, word);
        }
        put_bytes(out, &self.directory);
        put_signed(out, self.parent.into());
        put_signed(out, self.group.into());
        put_signed(out, self.session.into());
        put_signed(out, self.started);
        out.push(self.like.is_some().into());
        put_bytes(out, self.like.as_deref().unwrap_or_default());
        put(out, self.knobs.len() as u64);
        for knob in &self.knobs {
            put_bytes(out, knob.as_bytes());
        }
    }

    pub(crate) fn decode(cursor: &mut Cursor<'_>) -> Result<Self, DecodeError> {
        let architecture = cursor.text()?;
        let count = cursor.count()?;
        let command = (0..count).map(|_| cursor.vec()).collect::<Result<_, _>>()?;
        let directory = cursor.vec()?;
        let (parent, group, session) = (cursor.id()?, cursor.id()?, cursor.id()?);
        let started = cursor.signed()?;
        let mirrored = cursor.byte()? != 0;
        let like = cursor.vec()?;
        let count = cursor.count()?;
        let knobs = (0..count).map(|_| cursor.text()).collect::<Result<_, _>>()?;
        let like = mirrored.then_some(like);
        Ok(Self { architecture, command, directory, parent, group, session, started, like, knobs })
    }
}
