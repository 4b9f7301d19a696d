use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use samestate_image::ImageError;

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
    /// Another process, or another [`Store`](crate::Store) of this one, saves to the same folder.
    InUse {
        /// The store's folder.
        dir: PathBuf,
    },
    /// The process was forked since the store began to save. What it saves with belongs to the
    /// parent: drop the store in the child, and open another one there.
    Forked {
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
    /// The newest image cannot be used. It is never passed over silently: the program decides
    /// whether to go on from the one before.
    Damaged {
        /// The image.
        path: PathBuf,
        /// What is wrong with it, and where.
        source: ImageError,
        /// The newest image that is intact; `None` if none is.
        before: Option<PathBuf>,
    },
    /// A save in the background failed. The call that tells so did nothing else.
    Background {
        /// The image that was to be written.
        path: PathBuf,
        /// Why it was not; `None` if the thread that wrote it panicked.
        source: Option<Box<StoreError>>,
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
                write!(
                    f,
                    "another `Store` saves to {}, in this process or another one; give each its \
                     own folder, or drop the other one first",
                    dir.display()
                )
            }
            Self::Forked { dir } => {
                write!(
                    f,
                    "the process was forked since this store began to save to {}; drop it in the \
                     child, and open a `Store` there, with a folder of its own as long as the \
                     parent has its store",
                    dir.display()
                )
            }
            Self::Save(error) => write!(f, "cannot save the state: {error}"),
            Self::Restore { path, source } => {
                write!(f, "cannot restore {}: {source}", path.display())
            }
            Self::Damaged { path, source, before } => {
                write!(f, "cannot restore {}: {source}; ", path.display())?;
                match before {
                    Some(before) => write!(
                        f,
                        "{} before it is intact: `Store::restore_from` goes on from there",
                        before.display()
                    ),
                    None => f.write_str("no image before it is intact"),
                }
            }
            Self::Background { path, source } => {
                write!(f, "the save of {} in the background failed: ", path.display())?;
                match source {
                    Some(error) => write!(f, "{error}"),
                    None => f.write_str("its thread panicked"),
                }
            }
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::InUse { .. } | Self::Forked { .. } => None,
            Self::Save(error) => Some(error),
            Self::Restore { source, .. } => Some(source),
            Self::Damaged { source, .. } => Some(source),
            Self::Background { source, .. } => source.as_deref().map(|source| source as _),
        }
    }
}
