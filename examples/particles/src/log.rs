//! The log: one line per step, appended to a file.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// An open log file. It belongs to the process, so it is no part of a checkpoint.
pub(crate) struct Log {
    file: File,
}

impl Log {
    /// Opens the log to write after what it holds.
    pub(crate) fn append(path: &Path) -> io::Result<Self> {
        Ok(Self { file: OpenOptions::new().create(true).append(true).open(path)? })
    }

    /// Writes one line at once, so that a line is never half there.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        self.file.write_all(format!("{text}\n").as_bytes())
    }
}
