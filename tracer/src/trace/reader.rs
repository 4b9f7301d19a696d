//! Reading a trace, from the front or at any event.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::block::{self, Broken};
use super::varint::Cursor;
use super::{Event, Header, MAGIC, VERSION};
use crate::Error;

/// Where an event stands; only of use with the reader that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    block: u32,
    offset: u32,
}

/// Where and why a trace ends before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tear {
    /// Where in the file, in bytes.
    pub offset: u64,
    /// What is wrong there.
    pub what: &'static str,
}

/// How many blocks are kept unpacked for [`Reader::at`].
const KEPT: usize = 8;

/// Reads the events of a file.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    file: BufReader<File>,
    header: Header,
    /// Offset of each block of events that was read so far.
    blocks: Vec<u64>,
    /// Offset of the next block.
    next: u64,
    current: Arc<Vec<u8>>,
    offset: usize,
    events: u64,
    tear: Option<Tear>,
    ended: bool,
    kept: Vec<(u32, Arc<Vec<u8>>)>,
}

impl Reader {
    /// Opens a trace and reads its header.
    ///
    /// # Errors
    /// If the file cannot be read, is no trace, has another version, or its header is damaged.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(Error::file("open the trace", path))?;
        let mut file = BufReader::new(file);
        let mut start = Vec::new();
        (&mut file)
            .take((MAGIC.len() + 2) as u64)
            .read_to_end(&mut start)
            .map_err(Error::file("read the trace", path))?;
        if start.len() < MAGIC.len() + 2 || start[..MAGIC.len()] != MAGIC {
            return Err(Error::NotATrace { path: path.to_owned() });
        }
        let found = u16::from_le_bytes([start[MAGIC.len()], start[MAGIC.len() + 1]]);
        if found != VERSION {
            return Err(Error::Version { path: path.to_owned(), found, known: VERSION });
        }
        let offset = start.len() as u64;
        let damaged = |what| Error::Damaged { path: path.to_owned(), offset, what };
        let read = block::read(&mut file).map_err(Error::file("read the trace", path))?;
        let (kind, content, length) = read.map_err(|broken| damaged(broken.text()))?;
        if kind != block::HEADER {
            return Err(damaged("the first block is not the header"));
        }
        let header = Header::decode(&mut Cursor::new(&content, 0))
            .map_err(|_| damaged("the header is malformed"))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            header,
            blocks: Vec::new(),
            next: offset + length,
            current: Arc::default(),
            offset: 0,
            events: 0,
            tear: None,
            ended: false,
            kept: Vec::new(),
        })
    }

    /// What the trace says about the run as a whole.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the trace ends before its end; known once [`Reader::read`] has returned `None`.
    #[must_use]
    pub const fn tear(&self) -> Option<&Tear> {
        self.tear.as_ref()
    }

    /// The next event and its place; `None` at the end or where the trace is torn.
    ///
    /// # Errors
    /// If the file cannot be read. A damaged file is not an error, see [`Reader::tear`].
    pub fn read(&mut self) -> Result<Option<(Place, Event)>, Error> {
        while !self.ended && self.offset >= self.current.len() {
            self.advance()?;
        }
        if self.ended {
            return Ok(None);
        }
        let place = self.place();
        let mut cursor = Cursor::new(&self.current, self.offset);
        match Event::decode(&mut cursor) {
            Ok(event) => {
                self.offset = cursor.offset();
                self.events += 1;
                Ok(Some((place, event)))
            }
            Err(_) => {
                let offset = self.blocks.last().copied().unwrap_or(0);
                self.torn_at(offset, "a block holds what is no event");
                Ok(None)
            }
        }
    }

    /// The event at a place that [`Reader::read`] gave earlier.
    ///
    /// # Errors
    /// If the file cannot be read any more, or was changed since.
    pub fn at(&mut self, place: Place) -> Result<Event, Error> {
        let content = self.unpacked(place.block)?;
        let mut cursor = Cursor::new(&content, place.offset as usize);
        Event::decode(&mut cursor).map_err(|_| self.changed(place.block))
    }

    fn place(&self) -> Place {
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        Place { block: number(self.blocks.len().saturating_sub(1)), offset: number(self.offset) }
    }

    fn unpacked(&mut self, number: u32) -> Result<Arc<Vec<u8>>, Error> {
        if let Some((_, content)) = self.kept.iter().find(|(kept, _)| *kept == number) {
            return Ok(Arc::clone(content));
        }
        let offset = self.blocks.get(number as usize).copied();
        let offset = offset.ok_or_else(|| self.changed(number))?;
        let failed = Error::file("read the trace", &self.path);
        self.file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        let failed = Error::file("read the trace", &self.path);
        let read = block::read(&mut self.file).map_err(failed)?;
        let (_, content, _) = read.map_err(|_| self.changed(number))?;
        let content = Arc::new(content);
        if self.kept.len() >= KEPT {
            self.kept.remove(0);
        }
        self.kept.push((number, Arc::clone(&content)));
        // Reading on from the front needs the file where it was.
        let failed = Error::file("read the trace", &self.path);
        self.file.seek(SeekFrom::Start(self.next)).map_err(failed)?;
        Ok(content)
    }

    fn changed(&self, number: u32) -> Error {
        let offset = self.blocks.get(number as usize).copied().unwrap_or(0);
        Error::Damaged {
            path: self.path.clone(),
            offset,
            what: "the file changed while it was read",
        }
    }

    fn advance(&mut self) -> Result<(), Error> {
        let read =
            block::read(&mut self.file).map_err(Error::file("read the trace", &self.path))?;
        let offset = self.next;
        match read {
            Ok((block::EVENTS, content, length)) => {
                self.blocks.push(offset);
                self.next += length;
                self.current = Arc::new(content);
                self.offset = 0;
            }
            Ok((block::TOTALS, content, _)) => {
                self.ended = true;
                if Cursor::new(&content, 0).number() != Ok(self.events) {
                    self.torn_at(offset, "events are missing");
                }
            }
            Ok(_) => self.torn_at(offset, Broken::Impossible.text()),
            Err(broken) => self.torn_at(offset, broken.text()),
        }
        Ok(())
    }

    fn torn_at(&mut self, offset: u64, what: &'static str) {
        self.ended = true;
        self.tear = Some(Tear { offset, what });
    }
}
