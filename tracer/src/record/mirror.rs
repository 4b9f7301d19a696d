//! Giving a run what an earlier one got: the time, random bytes, what the machine is like, and
//! process ids.
//!
//! There is a queue for each thread (by lineage) and source (the call with its arguments). What
//! the earlier run did while it saved is left out: a store may read clocks for its own purposes.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::Hasher;
use std::path::Path;

use samestate_schema::marker::{Kind as MarkerKind, Marker};
use xxhash_rust::xxh3::Xxh3Default;

use super::clocks::Before;
use super::deliver::{Delivery, Signals};
use super::outside::{Earlier, Learner, when};
use super::pace::Pace;
use super::setup::{first, has_waited, told_apart};
use super::times::Times;
use crate::Error;
use crate::table::{self, Class, Kind, Layout};
use crate::trace::{
    Call, Data, Descriptor, Event, Object, ObjectKind, Place, Reader, Task, call_flags,
};

/// A result of the earlier run.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    pub(crate) result: i64,
    pub(crate) data: Vec<Data>,
}

/// What the earlier run got.
#[derive(Debug, Default)]
pub(crate) struct Mirror {
    queues: HashMap<String, HashMap<u64, VecDeque<Given>>>,
    /// What it got from clocks.
    pace: Pace,
    /// The threads of this run, and those that save.
    lineages: HashMap<u32, String>,
    saving: HashSet<u32>,
    /// What it was told of files.
    times: Times,
    /// The ids that the earlier run's program saw, by lineage.
    seen: HashMap<String, i32>,
    /// The ids that its first process was born into: parent, group, session.
    outside: [i32; 3],
    /// The lineage in the earlier run from which `here` went on, and how many children each had.
    joint: Joint,
    active: bool,
    /// What it got from outside.
    pub(crate) earlier: Earlier,
    /// The signals that it got from timers and from outside.
    pub(crate) signals: Signals,
    /// Which of them there are.
    pub(crate) held: HashSet<i32>,
    /// The time until the marker.
    pub(crate) before: Before,
    /// What tells the first call after the marker ([`setup::first`]).
    pub(crate) first: Option<u64>,
    /// Whether that makes a thread.
    pub(crate) first_makes: bool,
    /// The paths that were open at the marker.
    open: HashSet<u64>,
}

/// Where the two runs are joined: at their starts, or at a marker in each.
#[derive(Debug, Default)]
struct Joint {
    there: String,
    there_children: u32,
    here: String,
    here_children: u32,
}

impl Mirror {
    /// All of an earlier run, from its start.
    pub(crate) fn of_run(path: &Path) -> Result<Self, Error> {
        let mut mirror = Self::read(path, None)?;
        mirror.active = true;
        mirror.joint.there = "0".to_owned();
        mirror.joint.here = "0".to_owned();
        Ok(mirror)
    }

    /// What an earlier run got after a marker; it is given from [`Mirror::join`] on.
    pub(crate) fn of_suffix(path: &Path, marker: Place) -> Result<Self, Error> {
        Self::read(path, Some(marker))
    }

    fn read(path: &Path, from: Option<Place>) -> Result<Self, Error> {
        let mut reader = Reader::open(path)?;
        let header = reader.header();
        let mut mirror = Self {
            outside: [header.parent, header.group, header.session],
            times: Times::new(header.started),
            ..Self::default()
        };
        let mut tasks: HashMap<u32, (String, bool)> = HashMap::new();
        let mut children: HashMap<u32, u32> = HashMap::new();
        let mut random = HashMap::new();
        let mut paths = HashMap::new();
        let mut names = HashMap::new();
        let mut started = from.is_none();
        let mut learner = Learner::new(&header.knobs, from.is_some());
        let mut open = Vec::new();
        let mut marked = None;
        while let Some((place, event)) = reader.read()? {
            match event {
                Event::Task(task) => {
                    if let Some(parent) = task.parent
                        && !task.is_of_store()
                    {
                        *children.entry(parent).or_default() += 1;
                    }
                    mirror.seen.insert(task.lineage.clone(), task.seen);
                    if !task.is_of_store() {
                        tasks.insert(task.id, (task.lineage, false));
                    }
                }
                Event::Object(object) => {
                    learner.object(&object);
                    paths.insert(object.id, path_hash(&object.path));
                    names.insert(object.id, known_as(&object));
                    if let Some(source) = random_source(&object) {
                        random.insert(object.id, source);
                    }
                }
                Event::Call(call) => {
                    let Some((lineage, saving)) = tasks.get_mut(&call.task) else { continue };
                    if call.flags & call_flags::MARKER != 0 {
                        match marker_kind(&call) {
                            Some(MarkerKind::SaveBegin) => *saving = true,
                            Some(MarkerKind::Durable | MarkerKind::SaveEnd) => *saving = false,
                            _ => {}
                        }
                        mirror.signals.set_saving(call.task, *saving);
                        if Some(place) == from {
                            started = true;
                            marked = Some(call.task);
                            let path = |open: &Descriptor| paths.get(&open.object).copied();
                            mirror.open = open.iter().filter_map(path).collect();
                            learner.marker(&call, &open);
                            mirror.signals.start(call.task);
                            mirror.joint.there = lineage.clone();
                            mirror.joint.there_children =
                                children.get(&call.task).copied().unwrap_or(0);
                        }
                        mirror.signals.call(&call, None);
                        continue;
                    }
                    mirror.signals.call(&call, when(&call));
                    if *saving {
                        continue;
                    }
                    learner.call(place, lineage, &call);
                    if !started {
                        continue;
                    }
                    if from.is_some() {
                        mirror.before.learn(&call);
                    }
                    if mirror.first.is_none() && marked == Some(call.task) {
                        let found = first(&call, |object| names.get(&object).copied());
                        mirror.first = found.map(|found| found.0);
                        mirror.first_makes = found.is_some_and(|found| found.1);
                    }
                    mirror.times.learn(lineage, &call, |object| paths.get(&object).copied());
                    if let Some(made) = told_apart(&call, |object| names.get(&object).copied()) {
                        mirror.pace.learn_call(lineage, made);
                    }
                    let source = source(&call, |object| random.get(&object).copied());
                    let (Some(source), Some(result)) = (source, call.result) else { continue };
                    let data = call.data.into_iter().filter(|data| data.out).collect();
                    if table::class(call.number) == Class::Clock {
                        mirror.pace.learn_time(lineage, source, Given { result, data });
                        continue;
                    }
                    mirror
                        .queues
                        .entry(lineage.clone())
                        .or_default()
                        .entry(source)
                        .or_default()
                        .push_back(Given { result, data });
                }
                Event::Signal { task, signal, code, from, about } => {
                    let Some((lineage, _)) = tasks.get(&task) else { continue };
                    let delivery = Delivery { signal, code, from, about };
                    mirror.signals.signal(task, lineage, delivery);
                }
                Event::Descriptors { open: now, .. } => open = now,
                _ => {}
            }
        }
        mirror.held = mirror.signals.all();
        mirror.earlier = learner.done();
        mirror.earlier.set_reader(reader);
        Ok(mirror)
    }

    /// The lineage that a thread has in the earlier run.
    pub(crate) fn there(&self, lineage: &str) -> String {
        self.joint.there(lineage)
    }

    /// The run goes on from here, in this task, as the earlier one went on from its marker.
    pub(crate) fn join(&mut self, lineage: &str, children: u32) {
        self.active = true;
        self.earlier.join();
        lineage.clone_into(&mut self.joint.here);
        self.joint.here_children = children;
    }

    /// Whether the earlier run had this open at its marker.
    pub(crate) fn had_open(&self, path: &[u8]) -> bool {
        self.open.contains(&path_hash(path))
    }

    /// Whether this thread is one of those that led to the one that goes on from the marker.
    pub(crate) fn is_started_by(&self, lineage: &str) -> bool {
        let below = self.joint.here.strip_prefix(lineage);
        self.active && below.is_some_and(|below| below.starts_with('.'))
    }

    /// Whether results are given already.
    pub(crate) const fn is_active(&self) -> bool {
        self.active
    }

    /// The next result of this source, if there is one.
    pub(crate) fn next(&mut self, lineage: &str, source: u64, number: u64) -> Option<Given> {
        let there = self.joint.there(lineage);
        if table::class(number) == Class::Clock {
            return self.pace.next(&there, source, number);
        }
        self.queues.get_mut(&there)?.get_mut(&source)?.pop_front()
    }

    /// A thread of this run begins.
    pub(crate) fn begins(&mut self, task: &Task) {
        self.lineages.insert(task.id, task.lineage.clone());
    }

    /// A thread has made a call: times that it gets from now on are those from behind it.
    pub(crate) fn made(&mut self, call: &Call, name: impl Fn(u32) -> Option<u64>) {
        if call.flags & call_flags::MARKER != 0 {
            match marker_kind(call) {
                Some(MarkerKind::SaveBegin) => self.saving.insert(call.task),
                Some(MarkerKind::Durable | MarkerKind::SaveEnd) => self.saving.remove(&call.task),
                _ => false,
            };
        } else if self.active
            && !self.saving.contains(&call.task)
            && let Some(lineage) = self.lineages.get(&call.task)
        {
            if let Some(made) = told_apart(call, name) {
                self.pace.made(&self.joint.there(lineage), made);
            } else if has_waited(call) {
                self.pace.waited(&self.joint.there(lineage));
            }
        }
    }

    /// Replaces what the program is told of a file beyond what counts; whether anything was.
    pub(crate) fn give_times(
        &mut self,
        lineage: &str,
        (source, layout): (u64, Layout),
        started: i64,
        bytes: &mut [u8],
    ) -> bool {
        if !self.active {
            self.times.keep(layout, bytes);
            return false;
        }
        let there = self.joint.there(lineage);
        self.times.give(&there, source, layout, started, bytes)
    }

    /// The id that the earlier run's program saw for a thread.
    pub(crate) fn seen(&self, lineage: &str) -> Option<i32> {
        self.seen.get(&self.joint.there(lineage)).copied()
    }

    /// The ids that the earlier run's first process was born into.
    pub(crate) const fn outside(&self) -> [i32; 3] {
        self.outside
    }
}

impl Joint {
    /// The lineage that a thread of this run has in the earlier one.
    fn there(&self, here: &str) -> String {
        let Some(rest) = here.strip_prefix(&self.here) else { return here.to_owned() };
        if rest.is_empty() {
            return self.there.clone();
        }
        let Some(rest) = rest.strip_prefix('.') else { return here.to_owned() };
        let (first, deeper) = rest.split_once('.').unwrap_or((rest, ""));
        let Some(number) = first.parse::<u32>().ok().and_then(|number| {
            number.checked_sub(self.here_children)?.checked_add(self.there_children)
        }) else {
            return here.to_owned();
        };
        if deeper.is_empty() {
            format!("{}.{number}", self.there)
        } else {
            format!("{}.{number}.{deeper}", self.there)
        }
    }
}

/// Stands for a path.
pub(crate) fn path_hash(path: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(path)
}

/// Stands for what a descriptor leads to, in a way that is the same in another run: the kernel counts
/// pipes and sockets, and where the standard streams lead to is the caller's choice.
pub(crate) fn known_as(object: &Object) -> u64 {
    match object.fd {
        0..3 if object.inherited => path_hash(&[0, 0, object.fd.to_le_bytes()[0]]),
        _ if object.path.starts_with(b"/") => path_hash(&object.path),
        _ => path_hash(&[object.kind as u8]),
    }
}

/// The kind of the marker that a call is.
pub(crate) fn marker_kind(call: &Call) -> Option<MarkerKind> {
    Marker::decode(&call.payload(1, false)?.bytes).ok().map(|marker| marker.kind)
}

/// What identifies a source of random bytes among the files, if the file is one.
pub(crate) fn random_source(object: &Object) -> Option<u64> {
    let random = (object.kind == ObjectKind::Device
        && matches!(object.path.as_slice(), b"/dev/random" | b"/dev/urandom" | b"/dev/hwrng"))
        || object.path == b"/proc/sys/kernel/random/uuid";
    random.then(|| xxhash_rust::xxh3::xxh3_64(&object.path))
}

/// Calls after which a signal comes.
pub(crate) const SETS_TIMER: [&str; 2] = ["alarm", "setitimer"];

/// What identifies the source that a call asks, if it is one that is mirrored.
pub(crate) fn source(call: &Call, random: impl Fn(u32) -> Option<u64>) -> Option<u64> {
    let row = table::row(call.number)?;
    let mut hasher = Xxh3Default::new();
    if !row.class.is_mirrored() && !SETS_TIMER.contains(&row.name) {
        let reads = matches!(row.name, "read" | "pread64" | "readv" | "preadv" | "preadv2");
        hasher.write_u64(call.object(0).filter(|_| reads).and_then(random)?);
    }
    hasher.write_u64(call.number);
    for (argument, value) in row.arguments.iter().zip(&call.arguments) {
        match argument.kind {
            Kind::Int | Kind::Uint | Kind::Hex | Kind::Named(_) => hasher.write_u64(*value),
            // Only whether there is somewhere to write to.
            Kind::Out(_) | Kind::OutStruct(..) | Kind::InOutStruct(..) | Kind::OutVector(_) => {
                hasher.write_u8((*value != 0).into());
            }
            _ => {}
        }
    }
    Some(hasher.finish())
}
