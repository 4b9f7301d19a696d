//! What happens at the entry of a system call.

use samestate_schema::marker::{self, Kind as MarkerKind, Marker};

use super::answer::Known;
use super::capture::{Capture, NAMED};
use super::engine::{Engine, Origin, alive, gone};
use super::fault::Harm;
use super::mirror::{Given, SETS_TIMER, known_as, path_hash, random_source, source};
use super::outside::MESSAGE;
use super::outside::{Answer, noted};
use super::proc::folder_path;
use super::task::Pending;
use super::turns::{Outcome, Place};
use super::{Progress, Seen};
use crate::Error;
use crate::sys::arch::Entry;
use crate::sys::{Tid, memory, ptrace};
use crate::table::{self, Class, Kind, Policy, Row};
use crate::trace::{Call, Data, Event, Payload, call_flags};

impl Engine<'_> {
    /// A system call is about to be made.
    pub(super) fn entry(&mut self, tid: Tid) -> Result<(), Error> {
        let Some(mut entry) = alive(ptrace::entry(tid), "read the call", tid)? else {
            return Ok(());
        };
        entry.instruction = self.landed_before(tid, entry.instruction)?;
        if !entry.foreign && self.makes_ours(tid)? {
            return Ok(());
        }
        self.enter(tid, entry)
    }

    /// This call is about to be made.
    pub(super) fn enter(&mut self, tid: Tid, entry: Entry) -> Result<(), Error> {
        let Entry { number, arguments, foreign, .. } = entry;
        if self.mirror.is_some() && self.comes_before(tid)? {
            return Ok(());
        }
        self.ends_setup(tid, &entry)?;
        let row = if foreign { None } else { table::row(number) };
        let Some(mut call) = self.begun(tid, row, &entry) else { return Ok(()) };
        self.take_stack(tid, foreign)?;
        let Some(task) = self.tasks.get_mut(&tid) else { return Ok(()) };
        task.entered = None;
        task.instruction = entry.instruction;
        let harm = self.faults.next(number, task.is_saving());
        task.doomed = harm == Some(Harm::KillAfter);
        match harm {
            Some(Harm::KillBefore) => return self.kill_before(tid, row, &arguments, call),
            _ if self.is_forbidden(tid, &entry) => {
                return self.kill_before(tid, row, &arguments, call);
            }
            Some(Harm::Fail(error)) if row.is_none() => {
                return self.fail(tid, &arguments, call, error);
            }
            _ => {}
        }
        let Some(row) = row else { return self.strange(tid, call, entry) };
        if row.name == "write" && low(arguments[0]) == marker::FD {
            return self.marker(tid, &arguments, call);
        }
        self.hands_over(tid, row, &arguments, &mut call)?;
        self.note_entry(tid, row, &arguments, &mut call);
        if let Some(Harm::Fail(error)) = harm {
            return self.fail(tid, &arguments, call, error);
        }
        match row.policy {
            Policy::Entry if harm.is_none() => {
                self.unmaps(tid, row, &mut call)?;
                self.leaves_images(tid, row)?;
                self.ends_setup(tid, &entry)?;
                self.call(call)?;
                return self.leave(tid, row);
            }
            Policy::Refuse if self.knobs.refused_rings => {
                let result = -i64::from(libc::ENOSYS);
                return self.give(tid, &arguments, call, Given { result, data: Vec::new() });
            }
            Policy::Refuse => {
                self.untraced(tid, "what is done through io_uring".to_owned())?;
            }
            Policy::Entry | Policy::Both | Policy::Steady | Policy::Answer | Policy::Known => {}
        }
        if let Some(answer) = self.is_interrupted_by_signal(tid, &call) {
            return self.answer(tid, row, &arguments, call, answer);
        }
        if let Some(answer) = self.outside_gives(tid, row, &arguments, &mut call)? {
            return self.answer(tid, row, &arguments, call, answer);
        }
        let mut told = self.mirrored(tid, &mut call);
        if let Some(given) = told.take_if(|_| !SETS_TIMER.contains(&row.name)) {
            return self.give(tid, &arguments, call, given);
        }
        if let Some(result) = self.about_filters(tid, row, &arguments)? {
            return self.give(tid, &arguments, call, Given { result, data: Vec::new() });
        }
        let mut wait = None;
        if self.turns.are_on() {
            match row.name {
                "futex" => match self.futex(tid, &arguments) {
                    Outcome::Kernel => {}
                    Outcome::Returns(result) => {
                        let given = Given { result, data: Vec::new() };
                        return self.give(tid, &arguments, call, given);
                    }
                    Outcome::Waits(lock) => wait = Some(lock),
                },
                "sched_yield" if !self.is_alone() => {
                    self.turns.pass(tid, Place::Ready { signal: 0 });
                    let given = Given { result: 0, data: Vec::new() };
                    return self.give(tid, &arguments, call, given);
                }
                _ => wait = self.would_wait(tid, row, &arguments, &call),
            }
        }
        let known = match harm {
            None if !self.is_attached() => match self.stays_readable(tid, row, &arguments)? {
                Some(result) => Known::Instead(result),
                None => self.known(tid, row, &arguments, &mut call),
            },
            // It has to be done when its process is killed; and whether the kernel is asked at all
            // is for the program's own filter to say, where ours is not there.
            _ => Known::No,
        };
        match known {
            Known::No => {}
            Known::Result(result) => {
                self.before(tid, row, &mut call)?;
                call.result = Some(result);
                self.call(call)?;
                return self.resume(tid, 0);
            }
            Known::Instead(result) => {
                let result = self.before_marker(&mut call, result);
                return self.instead(tid, &arguments, call, result);
            }
        }
        self.keep_landing(tid, row, &arguments);
        let mut changed = self.translate(row, &arguments);
        self.keep_traced(tid, row, &arguments, &mut changed);
        for &(index, value) in &changed {
            gone(ptrace::set_argument(tid, index, value), "set an argument", tid)?;
        }
        self.before(tid, row, &mut call)?;
        self.changes(tid, row, &arguments)?;
        let careful = self.may_wait(Some(row));
        let changed = changed.into_iter().map(|(index, _)| index).collect();
        let mut pending = Pending::new(Some(row), call, arguments, self.turns.ticks);
        (pending.changed, pending.careful) = (changed, careful);
        // A timer is set, and the program is told what the earlier run was of the one before.
        pending.given = told.as_ref().map(|told| told.result);
        pending.answer = told.map(Answer::Give);
        let pending = if wait.is_none() { self.lands(tid, harm, pending)? } else { Some(pending) };
        if let Some(task) = self.tasks.get_mut(&tid) {
            task.pending = pending;
        }
        if let Some(wait) = wait {
            self.wait(tid, wait);
            return Ok(());
        }
        self.resume(tid, 0)
    }

    /// Writes down what a call hands over to the kernel.
    pub(super) fn hands_over(
        &mut self,
        tid: Tid,
        row: &Row,
        arguments: &[u64; 6],
        call: &mut Call,
    ) -> Result<(), Error> {
        self.as_seen(row, call);
        let capture = Capture { tid, arguments, limit: self.knobs.payload_limit };
        call.data = capture.entry(row);
        for (argument, index) in row.arguments.iter().zip(0_u8..) {
            let value = arguments[usize::from(index)];
            let fd = match argument.kind {
                Kind::Fd => low(value),
                Kind::DirFd if low(value) != libc::AT_FDCWD => low(value),
                _ => continue,
            };
            if let Some(object) = self.object(tid, fd, Origin::Before)? {
                call.objects.push((index, object));
            }
        }
        if row.name == "sendmsg" {
            for fd in capture.passed() {
                if let Some(object) = self.object(tid, fd, Origin::Before)? {
                    call.objects.push((NAMED, object));
                }
            }
        }
        Ok(())
    }

    /// A thread is about to end, perhaps with its process; or it returns from a handler.
    fn leave(&mut self, tid: Tid, row: &Row) -> Result<(), Error> {
        self.run_on(tid, 0)?;
        match row.name {
            "exit_group" => self.siblings_may_end(tid),
            // The first thread of a process is there until the others have ended.
            "exit" => self.turns.pass(tid, Place::Comes),
            _ => {}
        }
        Ok(())
    }

    /// The call that a thread is stopped before is done without the kernel.
    pub(super) fn complete(&mut self, tid: Tid, result: i64) -> Result<(), Error> {
        let pending = self.tasks.get_mut(&tid).and_then(|task| task.pending.take());
        let Some(pending) = pending else { return self.resume(tid, 0) };
        let given = Given { result, data: Vec::new() };
        self.give(tid, &pending.arguments, pending.call, given)
    }

    /// A call that the table does not know: written down as it is.
    fn strange(&mut self, tid: Tid, mut call: Call, entry: Entry) -> Result<(), Error> {
        self.is_strange(tid, &mut call, entry.foreign)?;
        let careful = self.may_wait(None);
        let pending = Pending::new(None, call, entry.arguments, self.turns.ticks);
        if let Some(task) = self.tasks.get_mut(&tid) {
            task.pending = Some(Pending { careful, ..pending });
        }
        self.resume(tid, 0)
    }

    /// Says that a call is not in the table.
    pub(super) fn is_strange(
        &mut self,
        tid: Tid,
        call: &mut Call,
        foreign: bool,
    ) -> Result<(), Error> {
        self.strange = true;
        if foreign {
            call.flags |= call_flags::FOREIGN;
            return self.untraced(tid, "system calls through a 32-bit interface".to_owned());
        }
        call.flags |= call_flags::UNKNOWN;
        *self.unknown.entry(call.number).or_default() += 1;
        Ok(())
    }

    /// The program announces something. The kernel does not get to see it.
    fn marker(&mut self, tid: Tid, arguments: &[u64; 6], mut call: Call) -> Result<(), Error> {
        let [_, address, count, ..] = *arguments;
        let length = usize::try_from(count).unwrap_or(usize::MAX).min(marker::MAX_LEN);
        let mut bytes = vec![0; length];
        let got = memory::read(tid, address, &mut bytes);
        bytes.truncate(got);
        let Ok(told) = Marker::decode(&bytes) else {
            call.data.push(Data { argument: 1, out: false, payload: Payload::whole(bytes) });
            call.result = Some(-i64::from(libc::EBADF));
            self.untraced(tid, "a marker that is malformed".to_owned())?;
            self.call(call)?;
            return self.resume(tid, 0);
        };
        call.flags |= call_flags::MARKER;
        self.watch.progress(Progress::Marker { kind: told.kind, step: told.step });
        let (directory, root) = (folder_path(tid), self.root_of(tid));
        self.watch.marker(&Seen { marker: told.clone(), directory, root })?;
        self.changes_from_here(told.kind)?;
        if matches!(told.kind, MarkerKind::Saved | MarkerKind::Restored) {
            self.snapshot(tid)?;
        }
        let kind = told.kind;
        call.data.push(Data { argument: 1, out: false, payload: Payload::whole(bytes) });
        if let Some(task) = self.tasks.get_mut(&tid) {
            task.announces(kind);
        }
        if let Some(task) = self.tasks.get(&tid) {
            self.counts.set_saving(task.told.id, task.is_saving());
        }
        call.data.push(noted(self.turns.ticks));
        if kind == MarkerKind::Restored {
            self.join(tid)?;
        }
        let given = Given { result: marker::TRACED, data: Vec::new() };
        self.give(tid, arguments, call, given)
    }

    /// From here on the run goes on as the earlier one did from its marker.
    pub(super) fn join(&mut self, tid: Tid) -> Result<(), Error> {
        let Some(task) = self.tasks.get_mut(&tid) else { return Ok(()) };
        let Some(mirror) = self.mirror.as_mut().filter(|mirror| !mirror.is_active()) else {
            return Ok(());
        };
        mirror.join(&task.told.lineage, task.children);
        self.joined_process = task.pid;
        self.counts.start(task.told.id);
        // The announcement itself counts as well.
        self.joined = self.turns.ticks;
        if !self.knobs.mirrored_ids {
            return Ok(());
        }
        for (real, seen) in self.born_into.into_iter().zip(mirror.outside()) {
            self.pids.set(real, seen);
        }
        let Some(seen) = mirror.seen(&task.told.lineage) else { return Ok(()) };
        self.pids.set(tid, seen);
        task.told.seen = seen;
        let event = Event::Renamed { task: task.told.id, seen };
        self.write(&event)
    }

    /// What a thread sees for an id of the kernel. A shell that has started the restored program
    /// knows it by the id that it got from the kernel, and waits for that.
    pub(super) fn sees(&self, tid: Tid, real: i32) -> i32 {
        let is_starter =
            self.mirror.as_ref().zip(self.tasks.get(&tid)).is_some_and(|(mirror, task)| {
                task.pid != self.joined_process && mirror.is_started_by(&task.told.lineage)
            });
        if is_starter { real } else { self.pids.seen(real) }
    }

    /// The time that is told before the marker, and what the call returns then.
    fn before_marker(&mut self, call: &mut Call, result: i64) -> i64 {
        let mirrors = self.knobs.mirrored_clocks;
        match self.mirror.as_mut().filter(|mirror| mirrors && !mirror.is_active()) {
            Some(mirror) => mirror.before.replace(call, result),
            None => result,
        }
    }

    /// What the earlier run got from this source, if it is to be given.
    fn mirrored(&mut self, tid: Tid, call: &mut Call) -> Option<Given> {
        let row = table::row(call.number)?;
        let is_clock = row.class == Class::Clock;
        let mirror = self.mirror.as_mut();
        let mirror =
            mirror.filter(|mirror| mirror.is_active() || is_clock && mirror.before.is_near())?;
        let task = self.tasks.get(&tid).filter(|task| !task.is_saving())?;
        // The signal that it asks for comes where the earlier run got it.
        let sets_timer = SETS_TIMER.contains(&row.name);
        let timer = if row.name == "alarm" { 0 } else { call.argument(0) };
        let its = [libc::SIGALRM, libc::SIGVTALRM, libc::SIGPROF];
        let its = usize::try_from(timer).ok().and_then(|timer| its.get(timer));
        let is_wanted = match row.class {
            _ if sets_timer => {
                self.knobs.mirrored_signals && its.is_some_and(|its| mirror.held.contains(its))
            }
            Class::Clock => self.knobs.mirrored_clocks,
            Class::Machine => self.knobs.mirrored_machine,
            _ => self.knobs.mirrored_random,
        };
        if !is_wanted {
            return None;
        }
        let source = source(call, |object| self.random.get(&object).copied())?;
        let given = mirror.next(&task.told.lineage, source, call.number);
        let given = given.filter(|given| given.data.iter().all(|data| data.payload.is_whole()));
        if !mirror.is_active() {
            return given;
        }
        let count = match &given {
            Some(_) => &mut self.mirrored.given,
            None => {
                call.flags |= call_flags::LIVE;
                &mut self.mirrored.live
            }
        };
        *count.entry(call.number).or_default() += 1;
        given
    }

    /// The program gets this result, and the kernel never sees the call.
    pub(super) fn give(
        &mut self,
        tid: Tid,
        arguments: &[u64; 6],
        mut call: Call,
        given: Given,
    ) -> Result<(), Error> {
        call.flags |= call_flags::GIVEN;
        call.data.extend(given.data);
        self.instead(tid, arguments, call, given.result)
    }

    /// The same with what the call holds already.
    fn instead(
        &mut self,
        tid: Tid,
        arguments: &[u64; 6],
        mut call: Call,
        mut result: i64,
    ) -> Result<(), Error> {
        if result >= 0 && !put(tid, arguments, &call) {
            result = -i64::from(libc::EFAULT);
        }
        if result < 0 {
            call.data.retain(|data| !data.out);
        }
        if self.is_attached() {
            // Without our filter, a call that is left out would be one more for the program's.
            let pending = Pending::new(None, call, *arguments, self.turns.ticks);
            if let Some(task) = self.tasks.get_mut(&tid) {
                task.pending = Some(Pending { given: Some(result), ..pending });
            }
            return self.resume(tid, 0);
        }
        gone(ptrace::skip(tid, result), "give a result", tid)?;
        self.note_time(&call);
        call.result = Some(result);
        self.call(call)?;
        self.kill_doomed(tid);
        self.resume(tid, 0)
    }

    /// Writes ids down as the program sees them elsewhere. Some it knows from the kernel all the
    /// same: the C library lets it write the id of a new thread to memory.
    fn as_seen(&self, row: &Row, call: &mut Call) {
        if self.pids.is_plain() {
            return;
        }
        for (argument, value) in row.arguments.iter().zip(&mut call.arguments) {
            let id = low(*value);
            if matches!(argument.kind, Kind::Pid) && self.pids.real(id) == id {
                *value = i64::from(self.pids.seen(id)).cast_unsigned();
            }
        }
    }

    /// Puts the kernel's process ids in the place of those that the program knows.
    fn translate(&self, row: &Row, arguments: &[u64; 6]) -> Vec<(usize, u64)> {
        let mut changed = Vec::new();
        if self.pids.is_plain() {
            return changed;
        }
        for (index, argument) in row.arguments.iter().enumerate() {
            if !matches!(argument.kind, Kind::Pid) {
                continue;
            }
            let seen = low(arguments[index]);
            let real = self.pids.real(seen);
            if real != seen {
                changed.push((index, i64::from(real).cast_unsigned()));
            }
        }
        changed
    }

    /// A program may ask that a child be hidden from who traces it. The child would have our filter
    /// and nobody to answer it, so that none of its calls would work.
    fn keep_traced(
        &self,
        tid: Tid,
        row: &Row,
        arguments: &[u64; 6],
        changed: &mut Vec<(usize, u64)>,
    ) {
        const UNTRACED: u64 = 0x80_0000;
        let flags = match row.name {
            "clone" => Some(arguments[0]),
            "clone3" => memory::read_u64(tid, arguments[0]),
            _ => None,
        };
        let Some(flags) = flags.filter(|flags| flags & UNTRACED != 0) else { return };
        if row.name == "clone" {
            changed.push((0, flags & !UNTRACED));
        } else {
            // Where it cannot be written it cannot be read by the kernel either, or the program
            // shares it read-only, and then its child fails loudly.
            let _fails_loudly =
                memory::write(tid, arguments[0], &(flags & !UNTRACED).to_le_bytes());
        }
    }

    /// What must be noted before the kernel acts.
    fn before(&mut self, tid: Tid, row: &Row, call: &mut Call) -> Result<(), Error> {
        match row.name {
            "munmap" | "mremap" | "execve" | "execveat" => self.unmaps(tid, row, call)?,
            // The number is free at once, whatever the call returns.
            "close" => {
                self.note_close(call.object(0));
                if let Some(task) = self.tasks.get(&tid) {
                    task.descriptors.borrow_mut().remove(low(call.argument(0)));
                }
            }
            "shmat" if call.argument(2) & 0o10000 == 0 => {
                self.untraced(tid, "what is written to shared memory".to_owned())?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Remembers whether what a descriptor leads to gives random bytes.
    pub(super) fn notice(&mut self, object: &crate::trace::Object) {
        if self.mirror.is_some() {
            self.paths.insert(object.id, path_hash(&object.path));
            self.names.insert(object.id, known_as(object));
        }
        if let Some(source) = random_source(object) {
            self.random.insert(object.id, source);
        }
    }
}

/// Writes what a call receives to where it wants it; false if that cannot be written.
pub(super) fn put(tid: Tid, arguments: &[u64; 6], call: &Call) -> bool {
    let capture = Capture { tid, arguments, limit: 0 };
    let row = table::row(call.number);
    let put = |data: &Data| {
        let bytes = data.payload.bytes.as_slice();
        match data.argument {
            NAMED => return capture.set_came_from(bytes),
            MESSAGE => return capture.set_came_with(bytes),
            6.. => return Ok(()),
            _ => {}
        }
        let index = usize::from(data.argument);
        let address = arguments[index];
        match row.and_then(|row| row.arguments.get(index)).map(|argument| argument.kind) {
            Some(Kind::OutVector(_)) => capture.spread(address, arguments[2], bytes),
            Some(Kind::OutMessage) => capture.spread_message(bytes),
            Some(Kind::OutAt(length, _)) => {
                // So much room is there; how much was needed is said in its place.
                let at = arguments[usize::from(length)];
                let mut room = [0; 4];
                if address == 0 || memory::read(tid, at, &mut room) < 4 {
                    return Ok(());
                }
                let room = u32::from_le_bytes(room) as usize;
                memory::write(tid, address, &bytes[..room.min(bytes.len())])?;
                let needed = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                memory::write(tid, at, &needed.to_le_bytes())
            }
            // What is not asked for is not written.
            _ if address == 0 => Ok(()),
            _ => memory::write(tid, address, bytes),
        }
    };
    let mut received = call.data.iter().filter(|data| data.out);
    received.all(|data| put(data).is_ok())
}

/// Stands for the bytes of a file that a call ends the mapping of.
pub(crate) const MAPPED: u8 = 8;

/// Stands for the bytes that a call moves from one descriptor to another.
pub(crate) const MOVED: u8 = 6;

/// Where the `siginfo_t` that `waitid` fills has the process id of the child.
pub(crate) const CHILD_OF_INFO: usize = 16;

/// The lower half of a register, where the kernel takes an `int`.
#[expect(clippy::cast_possible_truncation, reason = "the kernel ignores the upper half as well")]
pub(crate) const fn low(value: u64) -> i32 {
    value as i32
}
