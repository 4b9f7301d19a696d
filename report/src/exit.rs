//! The exit codes, the same for every command.

/// How a command ends.
///
/// Where several apply, [`ExitCode::worst`] decides: usage over findings over could-not-check
/// over clean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Everything was checked and nothing fails the gate.
    Clean = 0,
    /// At least one finding fails the gate.
    Findings = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// Something could not be checked: not clean, and not a finding either.
    CouldNotCheck = 3,
}

impl ExitCode {
    /// The number that the process ends with.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The one that counts where two apply.
    #[must_use]
    pub const fn worst(self, other: Self) -> Self {
        if self.rank() >= other.rank() { self } else { other }
    }

    const fn rank(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::CouldNotCheck => 1,
            Self::Findings => 2,
            Self::Usage => 3,
        }
    }

    /// One or two words for people.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Findings => "findings",
            Self::Usage => "usage",
            Self::CouldNotCheck => "could not check",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ExitCode::{self, Clean, CouldNotCheck, Findings, Usage};

    #[test]
    fn two_over_one_over_three_over_zero() {
        let falling = [Usage, Findings, CouldNotCheck, Clean];
        for (at, high) in falling.into_iter().enumerate() {
            for low in falling.into_iter().skip(at) {
                assert_eq!(high.worst(low), high);
                assert_eq!(low.worst(high), high);
            }
        }
        assert_eq!(falling.map(ExitCode::code), [2, 1, 3, 0]);
    }
}
