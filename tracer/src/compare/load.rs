//! Reading one run for a comparison: a stream of compact items for each thread.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

use samestate_schema::marker::Kind as MarkerKind;

use super::canonical::Context;
use super::strength::Strength;
use super::waits::Waits;
use crate::Error;
use crate::record::MAPPED;
use crate::record::mirror::marker_kind;
use crate::stacks::Stacks;
use crate::table::errors::is_restart;
use crate::table::{self, Class, Policy, Row};
use crate::trace::{
    Call, Descriptor, Event, Header, Note, Place, Reader, Status, Tear, call_flags,
};

/// From where on a run is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// From its first call.
    Start,
    /// From the call after this marker.
    Marker(Place),
}

/// A call that is compared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item {
    /// Stands for all that is compared of it.
    pub(crate) full: u64,
    /// Stands for the call and what its descriptors lead to.
    pub(crate) shape: u64,
    pub(crate) number: u64,
    pub(crate) place: Place,
    /// Which call of its thread it is, counted from where the comparison starts.
    pub(crate) position: u64,
    /// Its objects: a range of [`Stream::objects`].
    objects: u32,
    objects_end: u32,
    /// The part of a stream of bytes that it reads or writes: index into [`Stream::chunks`].
    pub(crate) chunk: Option<u32>,
}

/// Bytes that a call moved through a descriptor, in order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chunk {
    pub(crate) object: u32,
    /// Whether the program wrote them.
    pub(crate) written: bool,
    pub(crate) length: u64,
    pub(crate) item: u32,
    /// Nobody was there any more to read them.
    pub(crate) broken: bool,
}

/// What one thread did.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    pub(crate) lineage: String,
    /// Its number in the trace.
    pub(crate) task: u32,
    pub(crate) items: Vec<Item>,
    pub(crate) chunks: Vec<Chunk>,
    objects: Vec<u32>,
    /// Which of the items are sleeps so short that only who shares the processor notices.
    pub(crate) naps: HashSet<usize>,
    /// How many calls it made, compared or not.
    pub(crate) calls: u64,
    /// How often each signal was delivered.
    pub(crate) signals: BTreeMap<i32, u64>,
    /// The children that it has waited for.
    pub(crate) waits: Waits,
    pub(crate) status: Option<Status>,
    /// The trace ends before the thread does: what it did then is not known.
    pub(crate) torn: bool,
    /// Made by a task that is compared, as opposed to being there from the start.
    pub(crate) parent: Option<String>,
    pub(crate) is_thread: bool,
}

impl Stream {
    /// The objects that a call refers to, those it makes last.
    pub(crate) fn objects(&self, item: &Item) -> &[u32] {
        &self.objects[item.objects as usize..item.objects_end as usize]
    }
}

/// One run, from where its comparison starts.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) reader: Reader,
    pub(crate) header: Header,
    pub(crate) context: Context,
    /// By the task's name in the comparison.
    pub(crate) streams: BTreeMap<String, Stream>,
    /// Calls that are not compared, by class, or as part of a save.
    pub(crate) skipped: BTreeMap<&'static str, u64>,
    /// Calls without a row: where the first one stands, and how many there are.
    pub(crate) unknown: BTreeMap<u64, (String, u64, u64)>,
    pub(crate) untraced: BTreeSet<String>,
    /// Results that should have been mirrored and were not, by number.
    pub(crate) live: BTreeMap<u64, u64>,
    /// Results that were mirrored, by number.
    pub(crate) given: BTreeMap<u64, u64>,
    pub(crate) tear: Option<Tear>,
    /// Why the recording was ended before the program ended, if it was.
    pub(crate) cut: Option<String>,
    /// The descriptors of the task that announced the marker, at the marker.
    pub(crate) open: Vec<Descriptor>,
    /// What the kernel kept for it at the marker, by name.
    pub(crate) kernel: BTreeMap<String, Vec<u8>>,
    /// A save that began and did not become durable.
    pub(crate) unfinished_save: bool,
    /// The environment that the program was started with, `NAME=value` each.
    pub(crate) environment: Vec<Vec<u8>>,
    /// Where its calls were made, as far as the trace tells.
    pub(crate) stacks: Stacks,
}

/// Whether a thread uses the position that a descriptor has at the marker before it sets another
/// one, and so by which call.
pub(crate) fn position_matters(stream: &Stream, open: &Descriptor) -> Option<u64> {
    // What can be read as well as appended to stands elsewhere for reading.
    let appends = open.flags & u64::from(libc::O_APPEND.cast_unsigned()) != 0
        && open.flags & u64::from(libc::O_ACCMODE.cast_unsigned())
            != u64::from(libc::O_WRONLY.cast_unsigned());
    for item in &stream.items {
        let Some(row) = table::row(item.number) else { continue };
        if stream.objects(item).first() != Some(&open.object) {
            continue;
        }
        match row.name {
            "write" | "writev" if appends => {}
            "read" | "readv" | "write" | "writev" | "getdents" | "getdents64" | "sendfile"
            | "copy_file_range" | "splice" => return Some(item.position),
            // Where it is set to is compared as an argument, and where it was does not matter
            // any more, unless it is set relative to that: then the result differs.
            "lseek" | "close" => return None,
            _ => {}
        }
    }
    None
}

/// Whether a thread writes to a file somewhere else than where it stands.
pub(crate) fn moves_in(stream: &Stream, object: u32) -> bool {
    stream.items.iter().any(|item| {
        stream.objects(item).first() == Some(&object)
            && table::row(item.number).is_some_and(|row| {
                matches!(row.name, "lseek" | "pwrite64" | "pwritev" | "pwritev2" | "ftruncate")
            })
    })
}

/// Reads a run; `like` is the header of the one that it mirrors from its marker on.
pub(crate) fn load(
    path: &Path,
    from: From,
    like: Option<&Header>,
    strength: Strength,
) -> Result<Run, Error> {
    let mut reader = Reader::open(path)?;
    let mut context = Context::new(reader.header(), strength);
    if let Some(like) = like {
        context.outside(like);
    }
    let mut loader = Loader {
        header: reader.header().clone(),
        context,
        from,
        started: from == From::Start,
        live_tasks: BTreeMap::new(),
        children: HashMap::new(),
        saving: HashMap::new(),
        tasks_of_store: HashSet::new(),
        of_store: HashSet::new(),
        open: Vec::new(),
        kernel: BTreeMap::new(),
        intervals: BTreeMap::new(),
        run: Collected::default(),
    };
    let mut stacks = Stacks::default();
    while let Some((place, event)) = reader.read()? {
        stacks.learn(place, &event);
        loader.event(place, event);
    }
    let tear = reader.tear().cloned();
    let Loader { header, context, mut run, saving, open, kernel, of_store, intervals, .. } = loader;
    for stream in run.streams.values_mut() {
        stream.torn |= (tear.is_some() || run.cut.is_some()) && stream.status.is_none();
    }
    let open = open.into_iter().filter(|open| !of_store.contains(&open.object)).collect();
    let mut kernel = kernel;
    kernel.extend(intervals);
    Ok(Run {
        reader,
        header,
        context,
        streams: run.streams,
        skipped: run.skipped,
        unknown: run.unknown,
        untraced: run.untraced,
        live: run.live,
        given: run.given,
        tear,
        cut: run.cut,
        open,
        kernel,
        environment: run.environment,
        stacks,
        unfinished_save: saving.values().any(|window| *window != Window::None),
    })
}

/// What is collected while reading.
#[derive(Debug, Default)]
struct Collected {
    streams: BTreeMap<String, Stream>,
    skipped: BTreeMap<&'static str, u64>,
    unknown: BTreeMap<u64, (String, u64, u64)>,
    untraced: BTreeSet<String>,
    live: BTreeMap<u64, u64>,
    given: BTreeMap<u64, u64>,
    environment: Vec<Vec<u8>>,
    cut: Option<String>,
}

/// Whether a task is saving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Window {
    None,
    /// What it does is left out, its markers are not.
    Saving,
    /// The comparison started within the save, so the end of it is left out as well.
    Started,
}

struct Loader {
    header: Header,
    context: Context,
    from: From,
    started: bool,
    /// Tasks that exist, with their lineage and their process; only before the start.
    live_tasks: BTreeMap<u32, (String, u32)>,
    /// Children of each task since the start.
    children: HashMap<u32, u32>,
    saving: HashMap<u32, Window>,
    /// Tasks that a store made to write an image: nothing they do is compared.
    tasks_of_store: HashSet<u32>,
    /// What was opened within a save, also before the start: it belongs to the store, which may
    /// keep it open. A restored run opens it when it first saves, if it ever does.
    of_store: HashSet<u32>,
    open: Vec<Descriptor>,
    kernel: BTreeMap<String, Vec<u8>>,
    /// Timers that go off again and again, as the program set them; the kernel does not tell.
    intervals: BTreeMap<String, Vec<u8>>,
    run: Collected,
}

impl Loader {
    fn event(&mut self, place: Place, event: Event) {
        self.context.learn(&event);
        match event {
            Event::Task(task) => {
                let is_thread = task.process != task.id;
                if task.is_of_store() {
                    self.tasks_of_store.insert(task.id);
                    return;
                }
                if !self.started {
                    self.live_tasks.insert(task.id, (task.lineage, task.process));
                    return;
                }
                let (key, parent) = match task.parent {
                    None => ("0".to_owned(), None),
                    Some(parent) => {
                        let count = self.children.entry(parent).or_default();
                        *count += 1;
                        let parent = self.context.key(parent).to_owned();
                        (format!("{parent}.{count}"), Some(parent))
                    }
                };
                self.begin(task.id, key, task.lineage, parent, is_thread);
            }
            // What it would have come to is nobody's to say.
            Event::Call(call) if self.run.cut.is_some() && call.result.is_none() => {}
            Event::Call(call) => self.call(place, &call),
            Event::Signal { task, signal, .. } => {
                if let Some(stream) = self.stream(task) {
                    *stream.signals.entry(signal).or_default() += 1;
                }
            }
            Event::End { task, status } => {
                self.live_tasks.remove(&task);
                let torn = self.run.cut.is_some();
                if let Some(stream) = self.stream(task) {
                    stream.status = Some(status);
                    stream.torn = torn;
                }
            }
            Event::Descriptors { open, .. } => {
                if !self.started {
                    self.open = open;
                }
            }
            Event::Kernel { about, .. } => {
                if !self.started {
                    self.kernel = about.into_iter().collect();
                }
            }
            Event::Note { note: Note::Cut(what), .. } => self.run.cut = Some(what),
            Event::Note { note: Note::Untraced(what), .. } => {
                if self.started {
                    self.run.untraced.insert(what);
                }
            }
            Event::Note { .. }
            | Event::Object(_)
            | Event::Directory { .. }
            | Event::Renamed { .. }
            | Event::Module(_)
            | Event::Stack { .. }
            | Event::At { .. } => {}
        }
    }

    fn begin(
        &mut self,
        id: u32,
        key: String,
        lineage: String,
        parent: Option<String>,
        is_thread: bool,
    ) {
        self.context.keys.insert(id, key.clone());
        let stream = Stream { lineage, task: id, parent, is_thread, ..Stream::default() };
        self.run.streams.insert(key, stream);
    }

    fn stream(&mut self, task: u32) -> Option<&mut Stream> {
        self.run.streams.get_mut(self.context.keys.get(&task)?)
    }

    fn call(&mut self, place: Place, call: &Call) {
        let kind = if call.flags & call_flags::MARKER != 0 { marker_kind(call) } else { None };
        if self.tasks_of_store.contains(&call.task) {
            self.of_store.extend(&call.made);
            if self.started {
                *self.run.skipped.entry("saving").or_default() += 1;
            }
            return;
        }
        let window = self.saving.get(&call.task).copied().unwrap_or(Window::None);
        if window != Window::None {
            self.of_store.extend(&call.made);
        }
        match kind {
            Some(MarkerKind::SaveBegin) => {
                self.saving.insert(call.task, Window::Saving);
            }
            Some(MarkerKind::Durable | MarkerKind::SaveEnd) => {
                self.saving.insert(call.task, Window::None);
            }
            _ => {}
        }
        if !self.started {
            self.interval(call);
            if self.from == From::Marker(place) {
                self.start(call.task, kind);
            }
            return;
        }
        if call.flags & call_flags::LAUNCH != 0
            && let Some(environment) = call.payload(2, false)
        {
            let entries = environment.bytes.split(|&byte| byte == 0);
            self.run.environment = entries.map(<[u8]>::to_vec).collect();
        }
        let row = table::row(call.number);
        let unknown = call.flags & call_flags::UNKNOWN != 0;
        let class = if unknown { Class::Unknown } else { table::class(call.number) };
        if call.flags & call_flags::LIVE != 0 {
            *self.run.live.entry(call.number).or_default() += 1;
        }
        let refused = row.is_some_and(|row| row.policy == Policy::Refuse);
        let given = call.flags & call_flags::GIVEN != 0 && kind.is_none() && !refused;
        if given && may_be_mirrored(class) {
            *self.run.given.entry(call.number).or_default() += 1;
        }
        // What a program writes is compared wherever it goes; that the store keeps a descriptor
        // and closes it later is not.
        let of_store = class == Class::Descriptor
            && call.object(0).is_some_and(|object| self.of_store.contains(&object));
        let is_compared =
            match window {
                Window::None => !of_store,
                Window::Saving => kind.is_some(),
                Window::Started => false,
            } && (kind.is_some() || unknown || compared(call, class, self.context.strength));
        let (full, shape) = if is_compared { self.context.keys(call) } else { (0, 0) };
        let waited = self.context.waited(call);
        let Some(key) = self.context.keys.get(&call.task) else { return };
        let Some(stream) = self.run.streams.get_mut(key) else { return };
        let position = stream.calls;
        stream.calls += 1;
        if unknown {
            let first = || (stream.lineage.clone(), position, 0);
            self.run.unknown.entry(call.number).or_insert_with(first).2 += 1;
        }
        if let Some((child, row)) = waited.zip(row) {
            stream.waits.waited(child, call, row, position);
        }
        if kind.is_some_and(is_point) {
            stream.waits.marker();
        }
        if !is_compared {
            let of_save = of_store || window != Window::None;
            let why = if of_save { "saving" } else { class.word() };
            *self.run.skipped.entry(why).or_default() += 1;
            return;
        }
        let index = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let objects = index(stream.objects.len());
        stream.objects.extend(call.objects.iter().map(|(_, object)| *object));
        stream.objects.extend(&call.made);
        let chunk = row.and_then(|row| chunk(call, row.name, index(stream.items.len())));
        let chunk = chunk.map(|chunk| {
            stream.chunks.push(chunk);
            index(stream.chunks.len() - 1)
        });
        if row.is_some_and(|row| is_nap(call, row)) {
            stream.naps.insert(stream.items.len());
        }
        stream.items.push(Item {
            full,
            shape,
            number: call.number,
            place,
            position,
            objects,
            objects_end: index(stream.objects.len()),
            chunk,
        });
    }

    /// A call before the start may set a timer that goes on.
    fn interval(&mut self, call: &Call) {
        let (Some(new), Some(0)) = (call.payload(1, false), call.result) else { return };
        if table::number("setitimer") != Some(call.number) {
            return;
        }
        let name = format!("interval timer {}", call.argument(0));
        match new.bytes.get(..16) {
            Some(interval) if interval.iter().any(|&byte| byte != 0) => {
                let part = |at: usize| {
                    interval[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
                };
                let every = format!("every {}.{:06} s", part(0), part(8));
                self.intervals.insert(name, every.into_bytes());
            }
            _ => {
                self.intervals.remove(&name);
            }
        }
    }

    /// The comparison starts after this marker.
    fn start(&mut self, task: u32, kind: Option<MarkerKind>) {
        self.started = true;
        let mut others = 0;
        let tasks = std::mem::take(&mut self.live_tasks);
        let marked = tasks.get(&task).cloned();
        for (id, (lineage, process)) in tasks {
            let starts = marked.as_ref().and_then(|(below, own)| {
                let below = below.strip_prefix(&lineage)?.strip_prefix('.')?;
                (process != *own).then(|| below.split('.').count())
            });
            let key = match starts {
                _ if id == task => "0".to_owned(),
                // By how far above it is.
                Some(above) => format!("0^{above}"),
                None => {
                    others += 1;
                    format!("0~{others}")
                }
            };
            self.begin(id, key, lineage, None, process != id);
        }
        if kind == Some(MarkerKind::Saved) {
            self.saving.insert(task, Window::Started);
        }
    }
}

/// Whether a result that is given comes from the other run: locks and ids are given in each.
const fn may_be_mirrored(class: Class) -> bool {
    class.is_mirrored()
        || matches!(class, Class::File | Class::Descriptor | Class::Network | Class::Ready)
}

/// Whether both runs announce it at the same point, and so have come to the same.
const fn is_point(kind: MarkerKind) -> bool {
    matches!(kind, MarkerKind::Saved | MarkerKind::Restored | MarkerKind::Step)
}

/// Signals that the C library keeps for itself. It sets their handlers when a process makes its
/// first thread, which may be before the marker in one run and after it in the other.
const OF_THE_LIBRARY: std::ops::RangeInclusive<u64> = 32..=33;

/// Whether a call is compared at all.
fn compared(call: &Call, class: Class, strength: Strength) -> bool {
    match class {
        Class::Memory | Class::Sync | Class::Runtime | Class::Clock
            if strength == Strength::Strict =>
        {
            true
        }
        Class::Signal if table::number("rt_sigaction") == Some(call.number) => {
            !OF_THE_LIBRARY.contains(&call.argument(0))
        }
        // Mapping a file is more than memory, and so is what stands there in the end.
        Class::Memory => {
            call.payload(MAPPED.into(), true).is_some()
                || table::number("mmap") == Some(call.number)
                    && call.object(4).is_some()
                    && call.argument(3) & 0x20 == 0
        }
        // How often a clock is read is the runtime's business as well, and nobody else notices.
        Class::Sync | Class::Runtime | Class::Wait | Class::Ready | Class::Clock => false,
        // A thread that slept when its process ended.
        Class::System if call.result.is_none() && is_sleep(call) => false,
        _ => {
            let result = call.result.unwrap_or(0);
            // Interrupted, or nothing there yet: the program will ask again.
            !is_restart(result)
                && result != -i64::from(libc::EINTR)
                && result != -i64::from(libc::EAGAIN)
        }
    }
}

fn is_sleep(call: &Call) -> bool {
    let row = table::row(call.number);
    row.is_some_and(|row| matches!(row.name, "nanosleep" | "clock_nanosleep"))
}

/// Whether a call sleeps as long as spinning locks and schedulers of languages do at most.
fn is_nap(call: &Call, row: &Row) -> bool {
    const LONGEST: i64 = 10_000_000;
    let asked = match row.name {
        "nanosleep" => call.payload(0, false),
        "clock_nanosleep" if call.argument(1) & 1 == 0 => call.payload(2, false),
        _ => None,
    };
    let part = |at: usize| {
        let bytes = &asked?.bytes;
        bytes.get(at..)?.first_chunk().map(|part| i64::from_le_bytes(*part))
    };
    part(0) == Some(0) && part(8).is_some_and(|nanoseconds| nanoseconds <= LONGEST)
}

/// The bytes that a call moves through a descriptor in the order of the stream.
fn chunk(call: &Call, name: &str, item: u32) -> Option<Chunk> {
    let written = match name {
        "write" | "writev" | "sendto" | "sendmsg" => true,
        "read" | "readv" | "recvfrom" | "recvmsg" => false,
        _ => return None,
    };
    let result = call.result?;
    let broken = written && result == -i64::from(libc::EPIPE);
    let length = if broken { 0 } else { u64::try_from(result).ok()? };
    call.payload(1, !written)?;
    let object = call.object(0)?;
    Some(Chunk { object, written, length, item, broken })
}
