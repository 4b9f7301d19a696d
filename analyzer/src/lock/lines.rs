//! The lines of a lock, and what is said about one that cannot be understood.

use std::path::{Path, PathBuf};

use super::VERSION;

/// Why a lock file could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// It is too long to be a lock.
    #[error("{} has {len} bytes, more than any lock; write it again with `samestate lock`", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        len: u64,
    },
    /// It was written by a later version.
    #[error(
        "{}:1: a lock of version {version}; this tool reads version {VERSION}: update samestate, or write the lock again",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version found.
        version: String,
    },
    /// It has markers of an unfinished merge.
    #[error("{}:{line}: conflict marker; finish the merge, then write the lock again with `samestate lock`", path.display())]
    Conflict {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
    },
    /// A line is not what can stand there.
    #[error("{}:{line}: {what}; write the lock again with `samestate lock`", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
}

/// Goes through a lock line by line.
pub(super) struct Lines<'a> {
    path: &'a Path,
    /// What was not read yet.
    rest: &'a str,
    /// The line that was read last, from 1.
    line: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(path: &'a Path, text: &'a str) -> Self {
        Self { path, rest: text, line: 0 }
    }

    /// The next line that is neither empty nor a comment, without indentation.
    pub(super) fn next(&mut self) -> Result<Option<&'a str>, LockError> {
        while !self.rest.is_empty() {
            let (text, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
            self.rest = rest;
            self.line += 1;
            let is_marker = ["<<<<<<<", "=======", ">>>>>>>", "|||||||"];
            if is_marker.iter().any(|marker| text.starts_with(marker)) {
                let (path, line) = (self.path.to_owned(), self.line);
                return Err(LockError::Conflict { path, line });
            }
            let text = text.trim();
            if !text.is_empty() && !text.starts_with('#') {
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    /// What was not read yet.
    pub(super) const fn rest(&self) -> &'a str {
        self.rest
    }

    /// Leaves out what was read before in the same words: so many bytes, which are so many lines.
    pub(super) fn skip(&mut self, len: usize, lines: usize) {
        self.rest = self.rest.get(len..).unwrap_or_default();
        self.line += lines;
    }

    /// How many lines were read.
    pub(super) const fn count(&self) -> usize {
        self.line
    }

    pub(super) fn wrong<T>(&self, what: impl Into<String>) -> Result<T, LockError> {
        let what = what.into();
        Err(LockError::Malformed { path: self.path.to_owned(), line: self.line, what })
    }

    /// The next line of a block, or `None` at its closing brace.
    pub(super) fn inside(&mut self, block: &str) -> Result<Option<&'a str>, LockError> {
        match self.next()? {
            Some("}") => Ok(None),
            Some(line) => Ok(Some(line)),
            None => self.wrong(format!("the file ends inside `{block}`")),
        }
    }

    /// A lock of a version that this crate does not know.
    pub(super) fn newer(&self, version: &str) -> LockError {
        LockError::Newer { path: self.path.to_owned(), version: version.to_owned() }
    }
}
