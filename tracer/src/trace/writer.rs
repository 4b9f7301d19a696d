//! Writing a trace.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::block;
use super::varint::put;
use super::{Event, Header, MAGIC, VERSION};
use crate::Error;

/// Writes events to a file, block by block. Without [`Writer::finish`] the file reads as torn.
#[derive(Debug)]
pub struct Writer {
    file: File,
    path: PathBuf,
    block: Vec<u8>,
    events: u64,
    written: u64,
}

impl Writer {
    /// Creates the file, or empties it, and writes the header.
    ///
    /// # Errors
    /// If the file cannot be created or written.
    pub fn create(path: &Path, header: &Header) -> Result<Self, Error> {
        let file = File::create(path).map_err(Error::file("create the trace", path))?;
        let mut writer = Self {
            file,
            path: path.to_owned(),
            block: Vec::with_capacity(block::FULL * 2),
            events: 0,
            written: 0,
        };
        let mut start = MAGIC.to_vec();
        start.extend_from_slice(&VERSION.to_le_bytes());
        writer.file.write_all(&start).map_err(Error::file("write the trace", path))?;
        writer.written = start.len() as u64;
        header.encode(&mut writer.block);
        writer.flush(block::HEADER)?;
        Ok(writer)
    }

    /// Adds an event.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn add(&mut self, event: &Event) -> Result<(), Error> {
        event.encode(&mut self.block);
        self.events += 1;
        if self.block.len() >= block::FULL { self.flush(block::EVENTS) } else { Ok(()) }
    }

    /// Writes what waits for its block to become full, so that a recording that is killed is
    /// readable up to shortly before; to be called now and then.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn rest(&mut self) -> Result<(), Error> {
        if self.block.is_empty() { Ok(()) } else { self.flush(block::EVENTS) }
    }

    /// Writes what is left and the totals, and says how long the file is in bytes.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn finish(mut self) -> Result<u64, Error> {
        if !self.block.is_empty() {
            self.flush(block::EVENTS)?;
        }
        put(&mut self.block, self.events);
        self.flush(block::TOTALS)?;
        Ok(self.written)
    }

    fn flush(&mut self, kind: u32) -> Result<(), Error> {
        let count = block::write(&mut self.file, kind, &self.block)
            .map_err(Error::file("write the trace", &self.path))?;
        self.written += count;
        self.block.clear();
        Ok(())
    }
}
