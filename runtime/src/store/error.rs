use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::{RestoreError, SaveError};

/// Why a store could not do what it was asked to.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// A file or folder could not be read or written.
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process saves to the same store.
    InUse {
        /// The store's folder.
        dir: PathBuf,
    },
    /// The state could not be saved.
    Save(SaveError),
    /// An image could not be restored.
    Restore {
        /// The image.
        path: PathBuf,
        /// Why.
        source: RestoreError,
    },
}

impl StoreError {
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { action, path, source } => {
                write!(f, "cannot {action} {}: {source}", path.display())
            }
            Self::InUse { dir } => {
                write!(f, "another process saves to {}; give each its own folder", dir.display())
            }
            Self::Save(error) => write!(f, "cannot save the state: {error}"),
            Self::Restore { path, source } => {
                write!(f, "cannot restore {}: {source}", path.display())
            }
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::InUse { .. } => None,
            Self::Save(error) => Some(error),
            Self::Restore { source, .. } => Some(source),
        }
    }
}
