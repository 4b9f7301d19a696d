//! Bytes that were read or written in other pieces.
//!
//! How much a pipe, a socket or a terminal gives at once depends on timing, and what a program
//! hands on depends on how much it got. So where the pieces differ, only the bytes count.

use std::collections::HashMap;

use super::Differ;
use super::load::{Chunk, Stream};
use super::pair::Difference;
use crate::Error;
use crate::trace::{Event, Reader};

/// Objects whose bytes are compared apart from the calls that moved them.
#[derive(Debug, Default)]
pub(super) struct Apart {
    left: Vec<(u32, bool)>,
    right: Vec<(u32, bool)>,
    /// The first different byte of each that differs.
    pub(super) differences: Vec<Difference>,
}

impl Apart {
    pub(super) fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    pub(super) fn count(&self) -> u64 {
        self.left.len() as u64
    }

    pub(super) fn has_left(&self, object: u32, written: bool) -> bool {
        self.left.contains(&(object, written))
    }

    pub(super) fn has_right(&self, object: u32, written: bool) -> bool {
        self.right.contains(&(object, written))
    }
}

/// What one thread moved through one descriptor in one direction.
#[derive(Debug, Default)]
struct Moved {
    chunks: Vec<Chunk>,
    done: u64,
    /// It wrote on when nobody was there any more to read.
    broken: bool,
    /// How many bytes it had moved at each call that does something else with the descriptor: sets
    /// its position, makes it durable, changes its file.
    between: Vec<(u64, u64)>,
}

impl Moved {
    fn lengths(&self) -> impl Iterator<Item = u64> {
        self.chunks.iter().map(|chunk| chunk.length)
    }

    /// Whether the calls in between stand at the same bytes on both sides. What goes over a pipe
    /// or a socket has no position, but what is done to a file in between has an effect on it.
    fn has_same_between(&self, other: &Self) -> bool {
        self.between == other.between
    }
}

/// The chunks of each object and direction, in order.
fn by_object(stream: &Stream) -> HashMap<(u32, bool), Moved> {
    let mut all: HashMap<(u32, bool), Moved> = HashMap::new();
    for item in &stream.items {
        if let Some(chunk) = item.chunk {
            let chunk = stream.chunks[chunk as usize];
            let moved = all.entry((chunk.object, chunk.written)).or_default();
            moved.broken |= chunk.broken;
            // An empty one says that there is no more; how often that is asked does not matter.
            if chunk.length > 0 {
                moved.chunks.push(chunk);
                moved.done += chunk.length;
                // It is something else to who goes the other way.
                if let Some(back) = all.get_mut(&(chunk.object, !chunk.written)) {
                    let step = (u64::MAX, back.done);
                    if back.between.last() != Some(&step) {
                        back.between.push(step);
                    }
                }
            }
            continue;
        }
        for object in stream.objects(item) {
            for written in [false, true] {
                if let Some(moved) = all.get_mut(&(*object, written)) {
                    moved.between.push((item.number, moved.done));
                }
            }
        }
    }
    all
}

/// The pairs of objects that moved bytes in other pieces.
pub(super) fn in_other_pieces(
    differ: &mut Differ<'_>,
    left: &Stream,
    right: &Stream,
) -> Result<Apart, Error> {
    let (ours, theirs) = (by_object(left), by_object(right));
    let none = Moved::default();
    // Who finds that nobody reads any more stops reading itself. If a part was written already,
    // only the signal tells.
    let broken = |stream: &Stream| {
        stream.signals.contains_key(&libc::SIGPIPE)
            || stream.chunks.iter().any(|chunk| chunk.broken)
    };
    let gave_up = (broken(left), broken(right));
    let mut apart = Apart::default();
    for (object, other) in differ.binding.pairs() {
        for written in [false, true] {
            let l = ours.get(&(object, written)).unwrap_or(&none);
            let r = theirs.get(&(other, written)).unwrap_or(&none);
            let is_stream = differ
                .left
                .context
                .names
                .object(object)
                .is_some_and(|object| object.kind.is_stream());
            if l.lengths().eq(r.lengths()) || !is_stream && !l.has_same_between(r) {
                continue;
            }
            let first = first_difference(
                (&mut differ.left.reader, left, &l.chunks),
                (&mut differ.right.reader, right, &r.chunks),
            )?;
            match first {
                Compared::Same => {}
                Compared::LeftEnds(..) if is_stream && left.torn => {}
                Compared::RightEnds(..) if is_stream && right.torn => {}
                // When the other end goes away, so much was on its way as the schedule allowed.
                Compared::LeftEnds(..) if is_stream && (l.broken || gave_up.0) => {}
                Compared::RightEnds(..) if is_stream && (r.broken || gave_up.1) => {}
                // Reads come as they come; what a program writes, it writes on purpose.
                Compared::Differs(l, r) | Compared::LeftEnds(l, r) | Compared::RightEnds(l, r)
                    if is_stream && !written =>
                {
                    apart.differences.push(Difference::Changed(l, r));
                }
                Compared::Differs(..)
                | Compared::LeftEnds(..)
                | Compared::RightEnds(..)
                | Compared::Unknown => continue,
            }
            apart.left.push((object, written));
            apart.right.push((other, written));
        }
    }
    Ok(apart)
}

/// How two streams of bytes compare.
enum Compared {
    Same,
    /// The items that hold the first different byte.
    Differs(usize, usize),
    /// The same where the left one ends before the right one.
    LeftEnds(usize, usize),
    /// The same where the right one ends before the left one.
    RightEnds(usize, usize),
    /// Some bytes were not kept.
    Unknown,
}

type Source<'a> = (&'a mut Reader, &'a Stream, &'a [Chunk]);

fn first_difference(left: Source<'_>, right: Source<'_>) -> Result<Compared, Error> {
    let mut left = Bytes::new(left);
    let mut right = Bytes::new(right);
    loop {
        let (more_left, more_right) = (left.fill()?, right.fill()?);
        match (more_left, more_right) {
            (Fill::Unknown, _) | (_, Fill::Unknown) => return Ok(Compared::Unknown),
            (Fill::End, Fill::End) => return Ok(Compared::Same),
            (Fill::End, Fill::Some) => return Ok(Compared::LeftEnds(left.item, right.item)),
            (Fill::Some, Fill::End) => return Ok(Compared::RightEnds(left.item, right.item)),
            (Fill::Some, Fill::Some) => {}
        }
        let count = left.rest().len().min(right.rest().len());
        if left.rest()[..count] != right.rest()[..count] {
            return Ok(Compared::Differs(left.item, right.item));
        }
        left.at += count;
        right.at += count;
    }
}

enum Fill {
    Some,
    End,
    Unknown,
}

/// The bytes of a list of chunks, one after the other.
struct Bytes<'a> {
    reader: &'a mut Reader,
    stream: &'a Stream,
    chunks: std::slice::Iter<'a, Chunk>,
    bytes: Vec<u8>,
    at: usize,
    item: usize,
}

impl<'a> Bytes<'a> {
    fn new((reader, stream, chunks): Source<'a>) -> Self {
        Self { reader, stream, chunks: chunks.iter(), bytes: Vec::new(), at: 0, item: 0 }
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    fn fill(&mut self) -> Result<Fill, Error> {
        while self.at >= self.bytes.len() {
            let Some(chunk) = self.chunks.next() else { return Ok(Fill::End) };
            self.item = chunk.item as usize;
            let Event::Call(mut call) = self.reader.at(self.stream.items[self.item].place)? else {
                return Ok(Fill::Unknown);
            };
            let data =
                call.data.iter_mut().find(|data| data.argument == 1 && data.out != chunk.written);
            let Some(data) = data else { return Ok(Fill::Unknown) };
            let length = usize::try_from(chunk.length).unwrap_or(usize::MAX);
            if data.payload.bytes.len() < length {
                return Ok(Fill::Unknown);
            }
            self.bytes = std::mem::take(&mut data.payload.bytes);
            self.bytes.truncate(length);
            self.at = 0;
        }
        Ok(Fill::Some)
    }
}
