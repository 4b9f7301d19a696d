//! How much of two runs must be the same.

use super::canonical::Part;

/// How closely two runs are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// The same calls on the same things in the same order.
    Sequence,
    /// And their arguments and results.
    Args,
    /// And the bytes that they hand over and receive.
    #[default]
    Payload,
    /// And also calls that the language's runtime makes for itself: memory, locks between threads,
    /// bookkeeping.
    Strict,
}

impl Strength {
    /// All of them, the weakest first.
    pub const ALL: [Self; 4] = [Self::Sequence, Self::Args, Self::Payload, Self::Strict];

    /// The word for it on the command line and in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sequence => "sequence",
            Self::Args => "args",
            Self::Payload => "payload",
            Self::Strict => "strict",
        }
    }

    /// Whether a part of a call counts. What a call is about (its descriptors and, of a marker,
    /// what it announces) always does.
    pub(super) const fn counts(self, part: Part) -> bool {
        match part {
            Part::Argument(_) | Part::Result => !matches!(self, Self::Sequence),
            Part::Payload(_) | Part::Received(_) => matches!(self, Self::Payload | Self::Strict),
        }
    }
}
