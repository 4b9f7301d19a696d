//! What an earlier run got from outside: one queue of input for each place that it came from, and
//! one for each question that was asked about it.

use std::collections::HashMap;

use super::address::Address;
use super::learn::Learner;
use super::{Class, MESSAGE, NAMED};
use crate::Error;
use crate::trace::{Call, Data, Event, Object, ObjectKind, Payload, Place, Reader};

/// What a place is known by in both runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// A descriptor that the first process was born with.
    Born(i32),
    /// What a path leads to that was opened.
    Path(Vec<u8>),
    /// A connection to there.
    Peer(Address),
    /// A socket that was called this.
    Own(Address),
    /// A connection that came in at a socket.
    Came,
    /// A socket without a connection: which one its thread made, by lineage.
    Datagrams(String, u32),
}

/// Something that the earlier run got.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(super) place: Place,
    pub(super) number: u64,
    pub(super) result: i64,
    /// How much it asked for, or handed over.
    pub(super) asked: u64,
    /// Whether it only looked.
    pub(super) peeks: bool,
    /// Ticks since the start, or since the marker, until it came; `None` if it was there.
    pub(super) when: Option<u64>,
    /// What a connection became that came in.
    pub(super) came: Option<usize>,
    /// What it received, unless that is much.
    pub(super) data: Option<Vec<Data>>,
}

/// Items in their order, how far they are given, and where the marker stands.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) items: Vec<Item>,
    pub(super) next: usize,
    pub(super) marker: usize,
    /// How much of the next one was given.
    taken: usize,
}

impl Queue {
    pub(super) fn peek(&self) -> Option<&Item> {
        self.items.get(self.next)
    }

    fn pass(&mut self) {
        self.next += 1;
        self.taken = 0;
    }

    fn pop(&mut self) -> Option<Item> {
        let item = self.items.get(self.next).cloned();
        if item.is_some() {
            self.pass();
        }
        item
    }

    fn join(&mut self) {
        self.next = self.marker;
        self.taken = 0;
    }
}

/// One place that something came from.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(super) key: Key,
    pub(super) class: Class,
    pub(super) kind: ObjectKind,
    /// What the kernel called it.
    pub(super) path: Vec<u8>,
    /// The thread that made it.
    pub(super) maker: String,
    pub(super) input: Queue,
    pub(super) output: Queue,
    pub(super) told: HashMap<u64, Queue>,
    /// Connections that came in, from outside or not.
    pub(super) accepted: Queue,
    /// The other end was traced at least once.
    pub(super) has_inside: bool,
    /// A connection came in from outside.
    pub(super) has_outside: bool,
    /// It was open at the marker.
    pub(super) at_marker: bool,
    /// It was made after the marker.
    pub(super) after_marker: bool,
    claimed: bool,
}

impl Origin {
    pub(super) fn new(key: Key, class: Class, object: &Object, maker: &str) -> Self {
        Self {
            key,
            class,
            kind: object.kind,
            path: object.path.clone(),
            maker: maker.to_owned(),
            input: Queue::default(),
            output: Queue::default(),
            told: HashMap::new(),
            accepted: Queue::default(),
            has_inside: false,
            has_outside: false,
            at_marker: false,
            after_marker: false,
            claimed: false,
        }
    }

    /// Whether nothing ever came from outside the program, as far as it can be told.
    pub(super) fn is_inside(&self) -> bool {
        self.has_inside && !self.has_outside
    }

    fn queues(&mut self) -> impl Iterator<Item = &mut Queue> {
        [&mut self.input, &mut self.output, &mut self.accepted]
            .into_iter()
            .chain(self.told.values_mut())
    }
}

/// A result of waiting for several descriptors.
#[derive(Clone, Debug)]
pub(crate) struct Ready {
    pub(super) item: Item,
    /// Of an `epoll`: which of its members, as a label and which one of that label, with what.
    pub(super) members: Vec<(u64, usize, u32)>,
    /// Places outside that it waited for.
    origins: Vec<u32>,
}

impl Ready {
    pub(super) const fn new(
        item: Item,
        members: Vec<(u64, usize, u32)>,
        origins: Vec<u32>,
    ) -> Self {
        Self { item, members, origins }
    }
}

/// What an earlier run got from outside.
#[derive(Debug, Default)]
pub(crate) struct Earlier {
    pub(super) origins: Vec<Origin>,
    /// By lineage and call.
    pub(super) ready: HashMap<(String, u64), Vec<Ready>>,
    pub(super) next_ready: HashMap<(String, u64), usize>,
    pub(super) ready_marker: HashMap<(String, u64), usize>,
    reader: Option<Reader>,
    /// Only what followed a marker is the same: until then both runs are on their own.
    is_suffix: bool,
    joined: bool,
}

impl Earlier {
    pub(super) fn of(learner: Learner) -> Self {
        let Learner { origins, mut ready, mut ready_marker, is_suffix, .. } = learner;
        // Only now is it known who came to a socket.
        let counts = |ready: &Ready| {
            let mut from = ready.origins.iter().filter_map(|number| origins.get(*number as usize));
            from.any(|origin| !origin.is_inside())
        };
        for (key, all) in &mut ready {
            let marker = ready_marker.entry(key.clone()).or_default();
            *marker = all.iter().take(*marker).filter(|ready| counts(ready)).count();
            all.retain(counts);
        }
        Self { origins, ready, ready_marker, is_suffix, ..Self::default() }
    }

    /// Where more of it can be read.
    pub(crate) fn set_reader(&mut self, reader: Reader) {
        self.reader = Some(reader);
    }

    /// From here on the run goes on as the earlier one did from its marker.
    pub(crate) fn join(&mut self) {
        self.joined = true;
        for origin in &mut self.origins {
            if origin.at_marker || origin.after_marker || matches!(origin.key, Key::Born(_)) {
                origin.queues().for_each(Queue::join);
            }
        }
        self.next_ready.clone_from(&self.ready_marker);
    }

    pub(super) fn origin(&self, number: u32) -> Option<&Origin> {
        self.origins.get(number as usize)
    }

    /// Whether there is something to read, or to accept.
    pub(super) fn has_input(&self, number: u32) -> bool {
        self.origin(number)
            .is_some_and(|origin| origin.input.peek().is_some() || origin.accepted.peek().is_some())
    }

    /// Whether connections come in there.
    pub(super) fn waits_for_connections(&self, number: u32) -> bool {
        self.origin(number).is_some_and(|origin| matches!(origin.key, Key::Own(_)))
    }

    /// Which of the earlier run's places this one is that is made now. In a run that starts from
    /// the middle, those come first that were open at the marker, and after it those that were made
    /// after it.
    pub(super) fn claim(&mut self, maker: &str, fits: impl Fn(&Key) -> bool) -> Option<u32> {
        let (suffix, joined) = (self.is_suffix, self.joined);
        let rank = |origin: &Origin| {
            let wrong_time = match (suffix, joined) {
                (false, _) => false,
                (true, false) => !origin.at_marker,
                (true, true) => !origin.after_marker,
            };
            (wrong_time, origin.maker != maker)
        };
        let all = self.origins.iter().enumerate();
        let free = all.filter(|(_, origin)| !origin.claimed && fits(&origin.key));
        let (number, _) = free.min_by_key(|(number, origin)| (rank(origin), *number))?;
        // A thread of the store, or one that another order gave another name.
        let origin = self.origins.get_mut(number)?;
        // Several descriptors may lead there.
        origin.claimed = !matches!(origin.key, Key::Born(_) | Key::Path(_));
        u32::try_from(number).ok()
    }

    /// The next bytes: at most so many. `None` if there were no more.
    pub(super) fn input(
        &mut self,
        number: u32,
        capacity: u64,
        peeks: bool,
        call: u64,
    ) -> Result<Option<(Item, Vec<Data>)>, Error> {
        let Some(origin) = self.origins.get_mut(number as usize) else { return Ok(None) };
        let is_whole = matches!(origin.key, Key::Datagrams(..));
        let queue = &mut origin.input;
        // What only looked is given again to who takes it.
        while !peeks && queue.peek().is_some_and(|item| item.peeks) {
            queue.pass();
        }
        let Some(item) = queue.peek().cloned() else { return Ok(None) };
        if item.result < 0 {
            queue.pass();
            return Ok(Some((item, Vec::new())));
        }
        let taken = queue.taken;
        let mut data = received(&mut self.reader, &item)?;
        if item.number != call {
            data.retain(|data| data.argument == 1);
        }
        let mut result = item.result;
        if let Some(bytes) = data.iter_mut().find(|data| data.argument == 1) {
            let all = &bytes.payload.bytes;
            let room = usize::try_from(capacity).unwrap_or(usize::MAX);
            let end = taken.saturating_add(room).min(all.len());
            let is_cut = end < all.len();
            let part = all[taken.min(end)..end].to_vec();
            if is_cut || taken > 0 {
                result = i64::try_from(part.len()).unwrap_or(i64::MAX);
            }
            bytes.payload = Payload::whole(part);
            let queue = &mut self.origins[number as usize].input;
            if peeks && !item.peeks {
                // It stays.
            } else if is_cut && !is_whole && !item.peeks {
                queue.taken = end;
            } else {
                queue.pass();
            }
        } else {
            self.origins[number as usize].input.pass();
        }
        Ok(Some((Item { result, ..item }, data)))
    }

    /// The next result of handing something over.
    pub(super) fn output(&mut self, number: u32) -> Option<Item> {
        self.origins.get_mut(number as usize)?.output.pop()
    }

    /// The next connection that came in.
    pub(super) fn accept(&mut self, number: u32) -> Result<Option<(Item, Vec<Data>)>, Error> {
        let Some(origin) = self.origins.get_mut(number as usize) else { return Ok(None) };
        let Some(item) = origin.accepted.pop() else { return Ok(None) };
        let data = received(&mut self.reader, &item)?;
        Ok(Some((item, data)))
    }

    /// What was told: the next answer, or the last one again.
    pub(super) fn told(
        &mut self,
        number: u32,
        question: u64,
    ) -> Result<Option<(Item, Vec<Data>)>, Error> {
        let origin = self.origins.get_mut(number as usize);
        let Some(queue) = origin.and_then(|origin| origin.told.get_mut(&question)) else {
            return Ok(None);
        };
        let last = || queue.items.last().cloned().map(|last| Item { when: None, ..last });
        let Some(item) = queue.peek().cloned().or_else(last) else { return Ok(None) };
        queue.pass();
        queue.next = queue.next.min(queue.items.len());
        let data = received(&mut self.reader, &item)?;
        Ok(Some((item, data)))
    }

    /// What came of waiting for several descriptors.
    pub(super) fn ready(
        &mut self,
        lineage: &str,
        number: u64,
    ) -> Result<Option<(Ready, Vec<Data>)>, Error> {
        let key = (lineage.to_owned(), number);
        let Some(all) = self.ready.get(&key) else { return Ok(None) };
        let next = self.next_ready.entry(key).or_default();
        let Some(ready) = all.get(*next).cloned() else { return Ok(None) };
        *next += 1;
        let data = received(&mut self.reader, &ready.item)?;
        Ok(Some((ready, data)))
    }
}

/// What a call received.
fn received(reader: &mut Option<Reader>, item: &Item) -> Result<Vec<Data>, Error> {
    if let Some(data) = &item.data {
        return Ok(data.clone());
    }
    let Some(reader) = reader else { return Ok(Vec::new()) };
    match reader.at(item.place)? {
        Event::Call(call) => Ok(outputs(call)),
        _ => Ok(Vec::new()),
    }
}

/// What of a call is given again.
pub(super) fn outputs(call: Call) -> Vec<Data> {
    let wanted = |data: &Data| data.out && (data.argument < 6 || is_message(data.argument));
    call.data.into_iter().filter(wanted).collect()
}

const fn is_message(argument: u8) -> bool {
    matches!(argument, NAMED | MESSAGE)
}

/// Which members a set has, by what stands for each of them in both runs.
pub(super) fn nth(members: &[super::Member], at: usize) -> (u64, usize) {
    let label = members[at].label;
    (label, members[..at].iter().filter(|member| member.label == label).count())
}
