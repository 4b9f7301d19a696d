//! What happens to a field at a checkpoint, and how well that is known.

use core::fmt;

/// What a field that is not saved holds after a restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SkipPolicy {
    /// `Default::default()`.
    Default,
    /// What the running program had; only when restoring in place.
    Keep,
    /// The value of an expression.
    Value,
}

/// What happens to a field at a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Treatment {
    /// It goes into the image and comes back from it.
    Saved,
    /// It is left out, for a stated reason.
    Skipped(SkipPolicy),
    /// A function computes it from other fields.
    Rebuilt,
    /// It is a handle that is given at restore.
    External,
    /// It goes into the image and comes back from it, but is no part of what makes states equal.
    Volatile,
    /// It was saved, and taken out of a copy of the image. Only images say so, no program does.
    Filtered,
}

impl Treatment {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 8] = [
        Self::Saved,
        Self::Skipped(SkipPolicy::Default),
        Self::Skipped(SkipPolicy::Keep),
        Self::Skipped(SkipPolicy::Value),
        Self::Rebuilt,
        Self::External,
        Self::Volatile,
        Self::Filtered,
    ];

    /// Whether the image holds the field's value.
    #[must_use]
    pub const fn is_saved(self) -> bool {
        matches!(self, Self::Saved | Self::Volatile)
    }

    /// The byte that stands for it in records and images.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Saved => 0,
            Self::Skipped(SkipPolicy::Default) => 1,
            Self::Skipped(SkipPolicy::Keep) => 2,
            Self::Skipped(SkipPolicy::Value) => 3,
            Self::Rebuilt => 4,
            Self::External => 5,
            Self::Volatile => 6,
            Self::Filtered => 7,
        }
    }

    /// The treatment that this byte stands for.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// The word for it in text, lock files and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Saved => "saved",
            Self::Skipped(SkipPolicy::Default) => "skipped(default)",
            Self::Skipped(SkipPolicy::Keep) => "skipped(keep)",
            Self::Skipped(SkipPolicy::Value) => "skipped(value)",
            Self::Rebuilt => "rebuilt",
            Self::External => "external",
            Self::Volatile => "saved(volatile)",
            Self::Filtered => "filtered",
        }
    }

    /// The treatment that this word stands for.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|treatment| treatment.word() == word)
    }
}

impl fmt::Display for Treatment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// How well a piece of evidence supports what it says; the later, the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grade {
    /// Only claimed. Alone it never makes a field clean.
    Declared,
    /// Seen in the code that saves and restores.
    Read,
    /// The code that saves and restores was generated from it.
    Generated,
}

impl Grade {
    /// The word for it in text and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Read => "read",
            Self::Generated => "generated",
        }
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::Treatment;

    #[test]
    fn codes_and_words_are_inverse() {
        for treatment in Treatment::ALL {
            assert_eq!(Treatment::from_code(treatment.code()), Some(treatment));
            assert_eq!(Treatment::from_word(treatment.word()), Some(treatment));
        }
        assert_eq!(Treatment::from_code(8), None);
        assert_eq!(Treatment::from_word("Saved"), None);
    }
}
