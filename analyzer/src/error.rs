//! What can go wrong before there is anything to report.

use std::io;
use std::path::PathBuf;

use crate::lock::LockError;

/// Why an input could not be analyzed at all.
///
/// What was read but could not be seen fully is no error: it is a finding of severity `Blind`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file could not be opened or read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is of another kind.
    #[error("{} is {found}; give an ELF executable or a checkpoint.lock", path.display())]
    NotElf {
        /// The file.
        path: PathBuf,
        /// What it looks like.
        found: &'static str,
    },
    /// The file holds many object files.
    #[error(
        "{} is a library archive; give the executable or the shared library that it is linked \
         into, or take an object out of it with `ar x` and give that",
        path.display()
    )]
    Archive {
        /// The file.
        path: PathBuf,
    },
    /// The file is truncated or damaged.
    #[error("{} is damaged: {what}: {detail}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What was being read.
        what: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The type that was asked for is not there.
    #[error("{why}{}", offer(offered))]
    NoSuchType {
        /// What is wrong with the name.
        why: String,
        /// Names that may have been meant.
        offered: Vec<String>,
    },
    /// A lock file could not be read.
    #[error(transparent)]
    Lock(#[from] LockError),
}

fn offer(offered: &[String]) -> String {
    match offered {
        [] => String::new(),
        offered => format!("; did you mean `{}`?", offered.join("`, `")),
    }
}
