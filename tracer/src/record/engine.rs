//! The event loop: one stop of one thread after the other.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::counter::Counter;
use super::deliver::Counts;
use super::descriptors::{self, Known, Table};
use super::fault::Faults;
use super::images::Files;
use super::mirror::Mirror;
use super::outside::Outside;
use super::pids::Pids;
use super::proc::{born_into, effective_user, folder, is_filtered};
use super::stacks::Taker;
use super::task::Task;
use super::turns::{Place, Turns};
use super::watchdog::Watchdog;
use super::{Config, Knobs, MirrorUse, Progress, Recording, Watch, features, launch};
use crate::Error;
use crate::sys::affinity::{self, Processors};
use crate::sys::wait::{self, Stop};
use crate::sys::window::Window;
use crate::sys::{Tid, arch, is_gone, ptrace};
use crate::trace::{Descriptor, Event, Header, Note, Object, ObjectKind, Sender, Status, Writer};

/// So many threads and processes may exist at once, unless something else is asked for.
const MOST_TASKS: usize = 10_000;

/// The time of a file may be older by so much than the clock says.
const FILE_CLOCK: Duration = Duration::from_millis(10);

/// The progress is told after so many calls.
const TELL_EVERY: u64 = 10_000;

pub(super) struct Engine<'a> {
    pub(super) tasks: BTreeMap<Tid, Task>,
    /// Threads that stopped for the first time before we were told who made them.
    /// Each with the process that made it, as far as the kernel still knows.
    pub(super) early: HashMap<Tid, Tid>,
    pub(super) writer: Watchdog,
    pub(super) most_tasks: usize,
    pub(super) mirror: Option<Mirror>,
    pub(super) mirrored: MirrorUse,
    /// When this run was started, in nanoseconds since 1970.
    pub(super) started: i64,
    /// What stands for the path of each object, in a mirrored run.
    pub(super) paths: HashMap<u32, u64>,
    /// The same for calls of this run to be told apart by.
    pub(super) names: HashMap<u32, u64>,
    /// What identifies those objects that give random bytes.
    pub(super) random: HashMap<u32, u64>,
    pub(super) pids: Pids,
    pub(super) watch: &'a mut dyn Watch,
    pub(super) turns: Turns,
    pub(super) counter: Counter,
    pub(super) knobs: Knobs,
    /// What programs share with us, where they can.
    pub(super) window: Option<Window>,
    pub(super) files: Files,
    pub(super) faults: Faults,
    pub(super) stacks: Taker,
    /// What was changed already since the last checkpoint.
    pub(super) changed: HashSet<u32>,
    /// Where the program may run if we do not hold it on one processor.
    pub(super) free: Processors,
    pinned: bool,
    /// Parent, group and session that the first process was born into.
    pub(super) born_into: [i32; 3],
    pub(super) root: Tid,
    attached: bool,
    /// It sees other files than we do.
    seated: bool,
    /// The program was left, and runs on.
    pub(super) detached: bool,
    /// A call was made that we cannot follow.
    pub(super) strange: bool,
    /// The program may live in a namespace in which clocks say something else.
    pub(super) own_time: bool,
    pub(super) status: Option<Status>,
    pub(super) next_task: u32,
    pub(super) next_object: u32,
    calls: u64,
    pub(super) unknown: BTreeMap<u64, u64>,
    untraced: BTreeSet<String>,
    remarks: Vec<String>,
    /// Memories that the program does not want to be read, by their names.
    pub(super) unreadable: HashSet<Tid>,
    pub(super) outside: Outside,
    pub(super) counts: Counts,
    /// The ticks at which the run went on as the earlier one.
    pub(super) joined: u64,
    /// It was told that the recording is ended.
    pub(super) is_cut: bool,
    /// The process that went on from there.
    pub(super) joined_process: Tid,
}

impl<'a> Engine<'a> {
    /// Starts the program; it is stopped at its first instruction.
    pub(super) fn start(
        config: &Config,
        mirror: Option<Mirror>,
        watch: &'a mut dyn Watch,
    ) -> Result<Self, Error> {
        let free = affinity::get(0).map_err(Error::trace("read the affinity", 0))?;
        let mut switches = config.knobs;
        if let Some(program) = launch::program(config) {
            switches.decide(&program);
        }
        let unhidden = switches.hidden_rdrand && !arch::can_hide_features();
        switches.hidden_rdrand &= !unhidden;
        let seat = watch.seat();
        let processor = seat.map(|seat| seat.processor);
        let root = launch::launch(config, &switches, seat.map(|seat| &seat.view))?;
        let place = (root, free);
        let mut engine =
            Self::new(config, switches, place, None, mirror, watch).inspect_err(|_| end(root))?;
        let told = engine.told(root, None, None, "0".to_owned(), folder(root));
        let descriptors = Rc::new(RefCell::new(Table::default()));
        let mut task = Task::new(told, root, descriptors);
        task.every = is_filtered();
        engine.add_task(task)?;
        engine.call(launch::first_call(config))?;
        engine.born_with(root)?;
        engine.seated = processor.is_some();
        engine.pin(processor);
        if unhidden {
            engine.remark(root, features::UNHIDDEN)?;
        }
        engine.prepare(root)?;
        Ok(engine)
    }

    /// For a program that is there. `waker` names the calling thread if the program was there
    /// before us.
    pub(super) fn new(
        config: &Config,
        switches: Knobs,
        (root, free): (Tid, Processors),
        waker: Option<Tid>,
        mirror: Option<Mirror>,
        watch: &'a mut dyn Watch,
    ) -> Result<Self, Error> {
        let real = born_into(root);
        // What the program sees of it, not what it is.
        let [parent, group, session] = match &mirror {
            Some(mirror) if mirror.is_active() && switches.mirrored_ids => mirror.outside(),
            _ => real,
        };
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        // The clock of a file system may lag by one tick of the kernel's.
        let since = since.saturating_sub(FILE_CLOCK).as_nanos();
        let started = i64::try_from(since).unwrap_or(i64::MAX);
        let mut knobs = switches.describe();
        knobs.extend(config.fault.map(|fault| fault.to_string()));
        knobs.extend(waker.map(|_| format!("attached={root}")));
        let header = Header {
            architecture: arch::NAME.to_owned(),
            command: config.command.iter().map(|word| word.as_bytes().to_vec()).collect(),
            directory: folder(root),
            parent,
            group,
            session,
            started,
            like: config.like.as_ref().map(|path| path.as_os_str().as_bytes().to_vec()),
            knobs,
        };
        let writer = Writer::create(&config.output, &header).and_then(|writer| {
            let longest_turn = config.knobs.serialized.then_some(config.knobs.longest_turn);
            let interrupt = Arc::clone(&config.interrupt);
            Watchdog::new(writer, config.timeout, interrupt, longest_turn, waker)
        })?;
        let mut engine = Self {
            tasks: BTreeMap::new(),
            early: HashMap::new(),
            writer,
            most_tasks: config.most_tasks.unwrap_or(MOST_TASKS),
            mirror,
            mirrored: MirrorUse::default(),
            started,
            paths: HashMap::new(),
            names: HashMap::new(),
            random: HashMap::new(),
            pids: Pids::default(),
            watch,
            counter: Counter::default(),
            turns: Turns::new(config.knobs.serialized),
            knobs: switches,
            window: if switches.one_stop { Window::new().ok() } else { None },
            files: Files::new(config.announce.clone()),
            faults: Faults::new(config.fault),
            stacks: Taker::new(config.stacks.clone()),
            changed: HashSet::new(),
            free,
            pinned: false,
            born_into: real,
            root,
            attached: waker.is_some(),
            seated: false,
            detached: false,
            strange: false,
            own_time: false,
            status: None,
            next_task: 0,
            next_object: 0,
            calls: 0,
            unknown: BTreeMap::new(),
            untraced: BTreeSet::new(),
            remarks: Vec::new(),
            unreadable: HashSet::new(),
            outside: Outside::default(),
            counts: Counts::default(),
            joined: 0,
            is_cut: false,
            joined_process: root,
        };
        for (real, seen) in real.into_iter().zip([parent, group, session]) {
            engine.pids.set(real, seen);
        }
        Ok(engine)
    }

    /// Traces until nothing is left that could run.
    pub(super) fn run(mut self) -> Result<Recording, Error> {
        self.watch.progress(Progress::Started { pid: self.root });
        let traced = self.trace();
        if traced.is_err() {
            if self.attached {
                // The first error tells more.
                let _later = self.leave_all();
            } else {
                self.kill_all();
            }
        }
        traced?;
        self.watch.progress(Progress::Calls(self.calls));
        Ok(Recording {
            status: self.status.unwrap_or(match self.detached {
                true => Status::Exited(0),
                false => Status::Killed(libc::SIGKILL),
            }),
            detached: self.detached,
            calls: self.calls,
            tasks: self.next_task.into(),
            timed_out: self.writer.is_expired(),
            interrupted: self.writer.is_interrupted(),
            bytes: self.writer.finish()?,
            unknown: self.unknown,
            untraced: self.untraced.into_iter().collect(),
            remarks: self.remarks,
            mirrored: self.mirrored,
            calls_in_saves: self.faults.saves,
            hit: self.faults.hit,
            missed: self
                .faults
                .wanted
                .filter(|_| self.faults.hit.is_none())
                .map(|fault| (fault, self.faults.counted(fault.at.among))),
        })
    }

    fn trace(&mut self) -> Result<(), Error> {
        if !self.attached {
            self.resume(self.root, 0)?;
        }
        while let Some((tid, stop)) = self.next()? {
            // Whoever sees to the time may have killed somebody already.
            if self.is_unwanted() && !self.attached {
                self.cut()?;
            }
            self.handle(tid, stop)?;
            if self.is_unwanted() {
                if self.attached {
                    return self.leave_all();
                }
                self.expire()?;
            }
        }
        Ok(())
    }

    fn handle(&mut self, tid: Tid, stop: Stop) -> Result<(), Error> {
        if !self.tasks.contains_key(&tid) {
            match stop {
                Stop::Exited(_) | Stop::Killed(_) => {
                    self.early.remove(&tid);
                }
                _ => {
                    let maker = self.maker(tid);
                    self.early.insert(tid, maker);
                    // It was killed before it could tell that it has made this one.
                    if !self.tasks.contains_key(&maker) {
                        let made = self.tasks.get_mut(&self.root).map_or(1, |task| {
                            task.children += 1;
                            task.children
                        });
                        self.adopt(tid, format!("0.{made}"), Some(0))?;
                    }
                }
            }
            return Ok(());
        }
        match stop {
            // A filter of the program's that wants a tracer; we have seen the call.
            Stop::Entry if self.attached => self.run_on(tid, 0),
            Stop::Entry => self.entry(tid),
            Stop::Border => self.border(tid),
            Stop::Cloned => self.cloned(tid),
            Stop::Exec => self.executed(tid),
            Stop::Signal(signal) => self.signal(tid, signal),
            Stop::Group(_) => {
                self.turns.pass(tid, Place::Paused);
                gone(ptrace::listen(tid), "keep it stopped", tid)
            }
            Stop::Started | Stop::Other => self.resume(tid, 0),
            Stop::Exited(status) => self.ended(tid, Status::Exited(status)),
            Stop::Killed(signal) => self.ended(tid, Status::Killed(signal)),
        }
    }

    /// Lets a thread run on, if it is its turn; else when it is.
    pub(super) fn resume(&mut self, tid: Tid, signal: i32) -> Result<(), Error> {
        if self.turns.are_on() {
            if !self.turns.is_holder(tid) {
                self.turns.ready(tid, signal);
                return Ok(());
            }
            let in_call = self.tasks.get(&tid).is_some_and(|task| task.pending.is_some());
            if !in_call && self.turns.have_sleepers() {
                self.turns.let_settle(tid, signal);
                return Ok(());
            }
            if !in_call && self.turns.is_long() && !self.is_alone() {
                self.turns.pass(tid, Place::Ready { signal });
                return Ok(());
            }
        }
        self.run_on(tid, signal)
    }

    /// Lets a thread run on: to the end of its call if it is in one, else to the next.
    pub(super) fn run_on(&mut self, tid: Tid, signal: i32) -> Result<(), Error> {
        if self.mirror.is_some() && self.tasks.get(&tid).is_some_and(|task| task.pending.is_none())
        {
            self.deliver(tid)?;
        }
        let task = self.tasks.get(&tid);
        let pending = task.and_then(|task| task.pending.as_ref());
        let in_call = pending.is_some() || self.stops_at_all(tid);
        // The program's own filter may let it wait for somebody else's answer.
        let at_border = task.is_some_and(|task| task.entered.is_some()) && !self.is_alone();
        self.turns.set_careful(at_border || pending.is_some_and(|pending| pending.careful));
        self.writer.runs(if self.is_alone() { 0 } else { tid });
        let resumed =
            if in_call { ptrace::resume_to_exit(tid, signal) } else { ptrace::resume(tid, signal) };
        gone(resumed, "resume", tid)
    }

    /// Whether a thread stops at the border of every call.
    pub(super) fn stops_at_all(&self, tid: Tid) -> bool {
        self.is_attached() || self.tasks.get(&tid).is_some_and(|task| task.every)
    }

    /// Whether the program ran before we came, and will run on when we go.
    pub(super) const fn is_attached(&self) -> bool {
        self.attached
    }

    pub(super) fn prepare(&mut self, tid: Tid) -> Result<(), Error> {
        let own = self.own_calls();
        if let Some(task) = self.tasks.get_mut(&tid) {
            (task.own, task.lands, task.shares) = (own, false, false);
        }
        self.look_at_rights(tid)?;
        self.look_at_memory(tid)?;
        let Some(registers) = alive(ptrace::registers(tid), "read the registers", tid)? else {
            return Ok(());
        };
        if !self.knobs.prepare(tid, &registers) {
            self.untraced(
                tid,
                "the clocks of a new program could not be hidden from it".to_owned(),
            )?;
        }
        Ok(())
    }

    fn signal(&mut self, tid: Tid, signal: i32) -> Result<(), Error> {
        if self.landed_at_signal(tid, signal)? {
            return self.resume(tid, 0);
        }
        if self.is_unwanted() && !self.attached {
            // It is about to be killed.
            return Ok(());
        }
        let Some(info) = alive(ptrace::signal_info(tid), "read the signal", tid)? else {
            return Ok(());
        };
        if self.turns.are_on() && info.is_ours(signal) {
            self.turns.preempt(tid);
            return Ok(());
        }
        if self.counted(tid, signal, info.code)? || self.told_features(tid, signal, info.code)? {
            return self.resume(tid, 0);
        }
        if self.is_sent(tid, signal, &info)? {
            return Ok(());
        }
        let from = self.sender(tid, signal, &info);
        if self.holds_back(signal, from) {
            return self.held_back(tid, signal);
        }
        let own = from != Sender::Inside && self.is_in_own_code(tid)?;
        if let Some(task) = self.tasks.get(&tid) {
            let mut about = Vec::new();
            if from != Sender::Inside {
                about.extend_from_slice(&info.about);
                about.push(own.into());
            }
            let event = Event::Signal { task: task.told.id, signal, code: info.code, from, about };
            self.write(&event)?;
        }
        self.resume(tid, signal)
    }

    /// What a descriptor of a task leads to; asks the kernel if it is not known yet.
    pub(super) fn object(
        &mut self,
        tid: Tid,
        fd: i32,
        origin: Origin,
    ) -> Result<Option<u32>, Error> {
        let Some(task) = self.tasks.get(&tid) else { return Ok(None) };
        if fd < 0 {
            return Ok(None);
        }
        if let Some(known) = task.descriptors.borrow().get(fd) {
            return Ok(Some(known.object));
        }
        let id = self.next_object;
        let stands_for = match origin {
            Origin::New => self.outside.stands_for(),
            _ => None,
        };
        let ask = |kind| {
            let mut object = descriptors::ask(tid, fd, id, kind);
            if let Some((kind, path)) = stands_for {
                return Object { kind, path, ..object };
            }
            object.path = self.pids.seen_path(object.path);
            object
        };
        let (mut source, mut datagrams, mut description) = (None, false, id);
        if let Origin::Duplicate(from) = origin
            && let Some(from) = task.descriptors.borrow().get(from)
        {
            (source, datagrams) = (from.source, from.datagrams);
            description = from.description;
        }
        let object = match origin {
            Origin::Before => Object { inherited: true, ..ask(None) },
            Origin::New => ask(None),
            Origin::Folder => ask(Some(ObjectKind::Folder)),
            // It leads to the same, whatever that is called now.
            Origin::Duplicate(from) => match task.descriptors.borrow().get(from) {
                Some(known) => Object {
                    id,
                    fd,
                    kind: known.kind,
                    inherited: false,
                    from: Some(known.object),
                    path: known.path.to_vec(),
                },
                None => ask(None),
            },
        };
        if object.path.is_empty() {
            return Ok(None);
        }
        if matches!(origin, Origin::Before) {
            source = self.source_of_path(&object);
        }
        let path = object.path.as_slice().into();
        let kind = object.kind;
        let known = Known { object: id, description, kind, path, source, datagrams };
        task.descriptors.borrow_mut().set(fd, known);
        self.next_object += 1;
        self.note_duplicate(&object);
        self.notice(&object);
        self.write(&Event::Object(object))?;
        Ok(Some(id))
    }

    /// Writes down what the kernel keeps for a process: all its descriptors, and the rest.
    pub(super) fn snapshot(&mut self, tid: Tid) -> Result<(), Error> {
        self.snapshot_without(tid, None)
    }

    /// The same, but for the descriptors of a file that is about to be closed.
    pub(super) fn snapshot_without(&mut self, tid: Tid, closed: Option<u32>) -> Result<(), Error> {
        let Some(task) = self.tasks.get(&tid) else { return Ok(()) };
        let id = task.told.id;
        let mut open = Vec::new();
        for fd in descriptors::all(tid) {
            let Some(object) = self.object(tid, fd, Origin::Before)? else { continue };
            let table = self.tasks.get(&tid).map(|task| task.descriptors.borrow());
            let description = table.and_then(|table| Some(table.get(fd)?.description));
            if closed.is_some() && description == closed {
                continue;
            }
            if let Some((offset, flags)) = descriptors::position(tid, fd) {
                open.push(Descriptor { fd, object, offset, flags });
            }
        }
        self.write(&Event::Descriptors { task: id, open })?;
        self.write(&Event::Kernel { task: id, about: super::kernel::state(tid) })
    }

    /// Writes down a call.
    pub(super) fn call(&mut self, call: crate::trace::Call) -> Result<(), Error> {
        self.calls += 1;
        self.counts.made(&call);
        self.turns.count();
        if let Some(mirror) = &mut self.mirror {
            mirror.made(&call, |object| self.names.get(&object).copied());
        }
        if self.calls.is_multiple_of(TELL_EVERY) {
            self.watch.progress(Progress::Calls(self.calls));
        }
        let event = Event::Call(call);
        self.write(&event)?;
        match &event {
            Event::Call(call) => {
                self.stacks.count(call);
                self.look_for_image(call)
            }
            _ => Ok(()),
        }
    }

    pub(super) fn write(&mut self, event: &Event) -> Result<(), Error> {
        self.writer.add(event)
    }

    /// Something happened that we cannot see; said once.
    pub(super) fn untraced(&mut self, tid: Tid, what: String) -> Result<(), Error> {
        if !self.untraced.insert(what.clone()) {
            return Ok(());
        }
        let task = self.tasks.get(&tid).map_or(0, |task| task.told.id);
        self.write(&Event::Note { task, note: Note::Untraced(what) })
    }

    /// Something worth knowing that hides nothing; said once.
    pub(super) fn remark(&mut self, tid: Tid, what: &str) -> Result<(), Error> {
        if self.remarks.iter().any(|known| known == what) {
            return Ok(());
        }
        self.remarks.push(what.to_owned());
        let task = self.tasks.get(&tid).map_or(0, |task| task.told.id);
        self.write(&Event::Note { task, note: Note::Remark(what.to_owned()) })
    }

    /// A new program may have asked for the rights of another user and not have got them, because
    /// it is traced.
    fn look_at_rights(&mut self, tid: Tid) -> Result<(), Error> {
        const SET_USER: u32 = 0o4000;
        let Ok(file) = std::fs::metadata(format!("/proc/{tid}/exe")) else { return Ok(()) };
        if file.mode() & SET_USER == 0 || effective_user(tid) == Some(file.uid()) {
            return Ok(());
        }
        self.untraced(
            tid,
            "what a program does with the rights of its owner: it was run without them, as it is \
             traced or may gain none"
                .to_owned(),
        )
    }

    /// Tracer and program on one processor: a stop is a switch between two threads, and between
    /// two processors it costs twenty times as much. If it cannot be done, it is only slower.
    fn pin(&mut self, processor: Option<usize>) {
        if !self.knobs.one_processor {
            return;
        }
        let one = match processor.and_then(|number| self.free.nth(number)) {
            Some(one) => one,
            None => match affinity::current() {
                Ok(current) => Processors::one(current),
                Err(_) => return,
            },
        };
        self.pinned = affinity::set(0, &one).is_ok() && affinity::set(self.root, &one).is_ok();
    }

    /// Several threads run at once, and may wait for each other in a loop.
    pub(super) fn unpin(&mut self) {
        if !std::mem::take(&mut self.pinned) {
            return;
        }
        let _only_slower = affinity::set(0, &self.free);
        for (tid, task) in &self.tasks {
            if !task.placed {
                let _gone = affinity::set(*tid, &self.free);
            }
        }
    }

    /// Where the paths of a thread begin for us. Its process tells nothing any more if it was the
    /// first thread, and that has ended.
    pub(super) fn root_of(&self, tid: Tid) -> PathBuf {
        if self.seated { PathBuf::from(format!("/proc/{tid}/root")) } else { PathBuf::from("/") }
    }

    /// Whether the program sees other files than we do.
    pub(super) const fn is_seated(&self) -> bool {
        self.seated
    }

    /// Whether the program's affinity is ours and not its own.
    pub(super) const fn is_pinned(&self) -> bool {
        self.pinned
    }
}

/// Ends a process and waits for it, so that nothing is left of it.
fn end(pid: Tid) {
    ptrace::kill(pid);
    while let Ok(Some(stop)) = wait::of(pid) {
        if matches!(stop, Stop::Exited(_) | Stop::Killed(_)) {
            break;
        }
        let _gone = ptrace::resume(pid, 0);
    }
}

/// Where a descriptor comes from.
#[derive(Clone, Copy)]
pub(super) enum Origin {
    /// It was there before we looked.
    Before,
    /// The call that has just returned made it.
    New,
    /// The same, and it leads to a folder.
    Folder,
    /// The call that has just returned made it from this one.
    Duplicate(i32),
}

/// The result of a request, or `None` if the thread is gone: `wait` tells the rest.
pub(super) fn alive<T>(
    result: io::Result<T>,
    what: &'static str,
    tid: Tid,
) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(Error::trace(what, tid)(error)),
    }
}

/// The same where there is nothing to return.
pub(super) fn gone(result: io::Result<()>, what: &'static str, tid: Tid) -> Result<(), Error> {
    alive(result, what, tid).map(drop)
}
