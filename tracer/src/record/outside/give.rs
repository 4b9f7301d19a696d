//! Giving a mirrored run what the earlier one got from outside.

use super::super::capture::Capture;
use super::super::descriptors;
use super::super::engine::{Engine, gone};
use super::super::mirror::Given;
use super::super::task::Pending;
use super::super::turns::{Wait, What};
use super::earlier::{Item, Key};
use super::role::{Role, question};
use super::{Address, Answer, Class, MEMBER, Source, WHEN, low};
use crate::Error;
use crate::record::entry::MOVED;
use crate::sys::{Tid, memory, probe, ptrace};
use crate::table::Row;
use crate::trace::{Call, Data, Payload, call_flags};

/// What a call gets, and the tick at which it does, if not at once.
pub(super) type Coming = Option<(Answer, Option<u64>)>;

const fn result(result: i64) -> Given {
    Given { result, data: Vec::new() }
}

const fn error(error: i32) -> Given {
    result(-(error as i64))
}

impl Engine<'_> {
    /// The descriptor that is made next stands in for this.
    pub(in super::super) fn stand_in(
        &mut self,
        stands_for: Option<(crate::trace::ObjectKind, Vec<u8>)>,
    ) {
        self.outside.stands_for = stands_for;
    }

    /// What a call gets that is about what is outside; `None` if the kernel shall make it.
    pub(in super::super) fn outside_gives(
        &mut self,
        tid: Tid,
        row: &Row,
        arguments: &[u64; 6],
        call: &mut Call,
    ) -> Result<Coming, Error> {
        let role = Role::of(row, arguments);
        if role == Role::Moves {
            return self.moves(tid, row, arguments, call);
        }
        if self.mirror.is_none() || self.tasks.get(&tid).is_none_or(|task| task.is_saving()) {
            return Ok(None);
        }
        let coming = match role {
            Role::Nothing | Role::Moves => return self.opens_again(tid, row, call),
            Role::Ready => self.ready_again(tid, row, arguments, call),
            Role::Connect => self.connects_again(tid, row, call),
            Role::Bind => self.binds_again(tid, row, call),
            Role::Epoll => {
                let source = self.descriptor(tid, low(arguments[2])).and_then(|known| known.source);
                let Some(source) = source else { return Ok(None) };
                let coming = self.told_again(source, row, call)?;
                if matches!(&coming, Some((Answer::Give(given), _)) if given.result == 0) {
                    self.changed(tid, arguments, call);
                }
                Ok(coming)
            }
            Role::Named => {
                if call.flags & call_flags::OUTSIDE == 0 {
                    return Ok(None);
                }
                let named = call.objects.iter().find(|(index, _)| *index == MEMBER);
                let Some(task) = self.tasks.get(&tid) else { return Ok(None) };
                let source = task.descriptors.borrow().source_of(named.map(|(_, object)| *object));
                match source {
                    Some(source) => self.told_again(source, row, call),
                    None => Ok(None),
                }
            }
            Role::Input | Role::Output | Role::Told | Role::Accept => {
                let Some(source) = self.source_of(tid, call) else { return Ok(None) };
                if !role.is_answered(source.class, row, arguments) {
                    return Ok(None);
                }
                match role {
                    Role::Input => self.reads_again(tid, source, row, arguments, call),
                    Role::Output => Ok(self.writes_again(tid, source, row, arguments, call)),
                    Role::Accept => self.accepts_again(tid, source, arguments, call),
                    _ if source.waits => Ok(None),
                    _ => self.told_again(source, row, call),
                }
            }
        }?;
        if coming.is_some() {
            call.flags |= call_flags::OUTSIDE;
        }
        Ok(coming)
    }

    /// A thread gets its answer, when it is time.
    pub(in super::super) fn answer(
        &mut self,
        tid: Tid,
        row: &'static Row,
        arguments: &[u64; 6],
        call: Call,
        (answer, when): (Answer, Option<u64>),
    ) -> Result<(), Error> {
        let when = when.map(|when| when.saturating_add(self.joined));
        let comes_late =
            when.filter(|when| self.turns.are_on() && !self.is_alone() && *when > self.turns.ticks);
        let is_late = matches!(&answer, Answer::Give(Given { result: 0, .. }));
        let late = is_late.then(|| self.longest_wait(row, arguments, &call)).flatten();
        let mut pending = Pending::new(Some(row), call, *arguments, self.turns.ticks);
        pending.answer = Some(answer);
        if let Some(task) = self.tasks.get_mut(&tid) {
            task.pending = Some(pending);
        }
        match comes_late {
            Some(when) => {
                self.wait(tid, Wait::new(What::Input { when, late }, None));
                Ok(())
            }
            None => self.comes_in(tid),
        }
    }

    /// A thread gets what it has waited for.
    pub(in super::super) fn comes_in(&mut self, tid: Tid) -> Result<(), Error> {
        let Some(task) = self.tasks.get_mut(&tid) else { return Ok(()) };
        let Some(mut pending) = task.pending.take() else { return self.resume(tid, 0) };
        let ticks = self.turns.ticks;
        if ticks != pending.ticks {
            pending.call.data.push(noted(ticks));
        }
        match pending.answer.take() {
            Some(Answer::Give(given)) => {
                *self.mirrored.given.entry(pending.call.number).or_default() += 1;
                self.give(tid, &pending.arguments, pending.call, given)
            }
            Some(Answer::Open(given, source, stands_for)) => {
                *self.mirrored.given.entry(pending.call.number).or_default() += 1;
                pending.call.flags |= call_flags::GIVEN;
                let flags = opened_with(&pending);
                let socket = [
                    i64::from(libc::AF_UNIX).cast_unsigned(),
                    i64::from(libc::SOCK_STREAM | flags).cast_unsigned(),
                    0,
                ];
                let number = libc::SYS_socket.cast_unsigned();
                gone(ptrace::set_number(tid, number), "make another call", tid)?;
                for (index, value) in socket.into_iter().enumerate() {
                    gone(ptrace::set_argument(tid, index, value), "set an argument", tid)?;
                }
                pending.changed = vec![0, 1, 2];
                pending.answer = Some(Answer::Open(given, source, stands_for));
                if let Some(task) = self.tasks.get_mut(&tid) {
                    task.pending = Some(pending);
                }
                self.resume(tid, 0)
            }
            Some(Answer::Interrupt(result)) => self.interrupt(tid, pending, result),
            None => {
                if let Some(task) = self.tasks.get_mut(&tid) {
                    task.pending = Some(pending);
                }
                self.resume(tid, 0)
            }
        }
    }

    /// Something was wanted that the earlier run did not get.
    fn has_run_dry(&mut self, tid: Tid, call: &mut Call, what: &str) -> Result<(), Error> {
        call.flags |= call_flags::LIVE;
        *self.mirrored.live.entry(call.number).or_default() += 1;
        self.untraced(tid, what.to_owned())
    }

    fn told_again(&mut self, source: Source, row: &Row, call: &mut Call) -> Result<Coming, Error> {
        let (Some(mirror), Some(number)) = (&mut self.mirror, source.earlier) else {
            return Ok(None);
        };
        let told = mirror.earlier.told(number, question(row, call))?;
        Ok(match told {
            Some((item, data)) => {
                Some((Answer::Give(Given { result: item.result, data }), item.when))
            }
            // Who asked for it once more than the earlier run gets no answer of that run's.
            None => {
                call.flags |= call_flags::LIVE;
                *self.mirrored.live.entry(call.number).or_default() += 1;
                None
            }
        })
    }

    fn reads_again(
        &mut self,
        tid: Tid,
        source: Source,
        row: &Row,
        arguments: &[u64; 6],
        call: &mut Call,
    ) -> Result<Coming, Error> {
        let (Some(mirror), Some(number)) = (&mut self.mirror, source.earlier) else {
            return Ok(None);
        };
        let capture = Capture { tid, arguments, limit: 0 };
        let (capacity, flags) = match row.name {
            "readv" => (capture.room(arguments[1], arguments[2]), 0),
            "recvmsg" => (capture.message_room(), low(arguments[2])),
            "recvfrom" => (arguments[2], low(arguments[3])),
            _ => (arguments[2], 0),
        };
        let peeks = flags & libc::MSG_PEEK != 0;
        if let Some((item, data)) = mirror.earlier.input(number, capacity, peeks, call.number)? {
            return Ok(Some((Answer::Give(Given { result: item.result, data }), item.when)));
        }
        let what = format!(
            "what the program would have done with more input than the earlier run got from {}: it \
             was told that there is no more",
            source.class.word()
        );
        self.has_run_dry(tid, call, &what)?;
        Ok(Some((Answer::Give(result(0)), None)))
    }

    fn writes_again(
        &mut self,
        tid: Tid,
        source: Source,
        row: &Row,
        arguments: &[u64; 6],
        call: &Call,
    ) -> Coming {
        let (Some(mirror), Some(number)) = (&mut self.mirror, source.earlier) else { return None };
        let is_many = row.name == "sendmmsg";
        let asked = match is_many {
            true => arguments[2],
            false => call.payload(1, false).map_or(0, |payload| payload.length),
        };
        let item = mirror.earlier.output(number);
        let when = item.as_ref().and_then(|item| item.when);
        let same = item.filter(|item| item.asked == asked && item.number == call.number);
        let all = i64::try_from(asked).unwrap_or(i64::MAX);
        let count = same.map_or(all, |Item { result, .. }| result);
        if is_many {
            Capture { tid, arguments, limit: 0 }.sent(count);
        }
        Some((Answer::Give(result(count)), when))
    }

    fn connects_again(&mut self, tid: Tid, row: &Row, call: &mut Call) -> Result<Coming, Error> {
        if let Some(source) = self.source_of(tid, call) {
            return self.told_again(source, row, call);
        }
        let to = call.payload(1, false).and_then(|address| Address::read(&address.bytes));
        let Some(to) = to.filter(|_| self.is_followed(Class::Socket)) else { return Ok(None) };
        if self.outside.own.iter().any(|own| to.leads_to(own)) {
            return Ok(None);
        }
        let Some(source) = self.claim(tid, &Key::Peer(to)) else {
            self.has_run_dry(
                tid,
                call,
                "what the program would have done with a connection that the earlier run did not \
                 make: it was refused",
            )?;
            return Ok(Some((Answer::Give(error(libc::ECONNREFUSED)), None)));
        };
        self.leads_outside(tid, low(call.argument(0)), source);
        self.told_again(source, row, call)
    }

    fn binds_again(&mut self, tid: Tid, row: &Row, call: &mut Call) -> Result<Coming, Error> {
        if let Some(source) = self.source_of(tid, call) {
            return self.told_again(source, row, call);
        }
        let own = call.payload(1, false).and_then(|address| Address::read(&address.bytes));
        let Some(own) = own.filter(|_| self.is_followed(Class::Socket)) else { return Ok(None) };
        let Some(source) = self.claim(tid, &Key::Own(own)) else { return Ok(None) };
        let origin = source.earlier.and_then(|number| self.mirror.as_ref()?.earlier.origin(number));
        let Some((inside, only)) = origin.map(|origin| (origin.has_inside, origin.is_inside()))
        else {
            return Ok(None);
        };
        if only {
            return Ok(None);
        }
        let source = Source { waits: inside, ..source };
        self.leads_outside(tid, low(call.argument(0)), source);
        // Others of the program come to it: it has to be there.
        if inside {
            return Ok(None);
        }
        let again = self.told_again(source, row, call)?;
        let worked = matches!(&again, Some((Answer::Give(given), _)) if given.result == 0);
        Ok(again.filter(|_| !(worked && self.makes_socket(tid, call))))
    }

    /// Whether binding makes a file, which the program and others may look at: then it really
    /// happens. Nobody can come to it, as it does not listen.
    fn makes_socket(&self, tid: Tid, call: &Call) -> bool {
        let own = call.payload(1, false).and_then(|address| Address::read(&address.bytes));
        let Some(Address::Local(name)) = own else { return false };
        // A name that begins like this is no file.
        if name.is_empty() || name.starts_with(&[0]) {
            return false;
        }
        let path = self.resolve(tid, libc::AT_FDCWD, &name, false).ok().flatten();
        // If something is there already, what the earlier run has left is in the way.
        path.is_some_and(|path| !self.is_there(tid, &path))
    }

    /// The place of the earlier run that this one is.
    fn claim(&mut self, tid: Tid, key: &Key) -> Option<Source> {
        let lineage = &self.tasks.get(&tid)?.told.lineage;
        let mirror = self.mirror.as_mut()?;
        let there = mirror.there(lineage);
        let number = mirror.earlier.claim(&there, |known| known == key)?;
        self.source(number)
    }

    fn accepts_again(
        &mut self,
        tid: Tid,
        source: Source,
        arguments: &[u64; 6],
        call: &mut Call,
    ) -> Result<Coming, Error> {
        let (Some(mirror), Some(number)) = (&mut self.mirror, source.earlier) else {
            return Ok(None);
        };
        let Some((item, mut data)) = mirror.earlier.accept(number)? else {
            if source.waits {
                return Ok(None);
            }
            self.has_run_dry(
                tid,
                call,
                "what the program would have done with more connections than came in to the \
                 earlier run: it was told that there will be none",
            )?;
            return Ok(Some((Answer::Give(error(libc::EINVAL)), None)));
        };
        if item.result < 0 {
            return Ok(Some((Answer::Give(result(item.result)), item.when)));
        }
        // It came from another of the program's own.
        let Some(came) = item.came.and_then(|came| u32::try_from(came).ok()) else {
            return Ok(None);
        };
        if arguments[1] == 0 {
            data.clear();
        }
        let source = Source { class: Class::Socket, earlier: Some(came), waits: false };
        Ok(Some((Answer::Open(Given { result: 0, data }, source, None), item.when)))
    }

    fn opens_again(&mut self, tid: Tid, row: &Row, call: &mut Call) -> Result<Coming, Error> {
        let index = match row.name {
            "open" | "creat" => 0,
            "openat" | "openat2" => 1,
            _ => return Ok(None),
        };
        let Some(path) = call.payload(index, false).map(|path| path.bytes.clone()) else {
            return Ok(None);
        };
        let Some(source) = self.claim(tid, &Key::Path(path)) else { return Ok(None) };
        let origin = source.earlier.and_then(|number| self.mirror.as_ref()?.earlier.origin(number));
        let Some(origin) = origin.filter(|origin| !origin.is_inside()) else { return Ok(None) };
        let stands_for = Some((origin.kind, origin.path.clone()));
        call.flags |= call_flags::OUTSIDE;
        Ok(Some((Answer::Open(result(0), source, stands_for), None)))
    }

    /// The kernel shall move bytes from or to outside, where nobody sees them. What comes in has
    /// to be read instead, in every run: all that do this know how to go on without it.
    fn moves(
        &mut self,
        tid: Tid,
        row: &Row,
        arguments: &[u64; 6],
        call: &mut Call,
    ) -> Result<Coming, Error> {
        let outside = |fd: u64| self.descriptor(tid, low(fd)).and_then(|known| known.source);
        let (from, to) = match row.name {
            "sendfile" => (outside(arguments[1]), outside(arguments[0])),
            "splice" | "copy_file_range" => (outside(arguments[0]), outside(arguments[2])),
            "tee" => (outside(arguments[0]), outside(arguments[1])),
            "recvmmsg" => (outside(arguments[0]), None),
            _ => (None, None),
        };
        let to = to.filter(|to| to.class == Class::Socket);
        if from.is_none() && to.is_none() {
            return Ok(None);
        }
        // What is no descriptor, or no socket, the kernel refuses by itself, for reasons of its own.
        let ends = match row.name {
            "splice" | "copy_file_range" => [arguments[0], arguments[2]],
            "recvmmsg" if from.is_some_and(|from| from.class != Class::Socket) => return Ok(None),
            "recvmmsg" => [arguments[0]; 2],
            _ => [arguments[0], arguments[1]],
        };
        if !ends.iter().all(|fd| descriptors::position(tid, low(*fd)).is_some()) {
            return Ok(None);
        }
        call.flags |= call_flags::OUTSIDE;
        if row.name != "sendfile" || from.is_some() {
            let (refused, word) = match row.name {
                "recvmmsg" => (libc::ENOSYS, "ENOSYS"),
                _ => (libc::EINVAL, "EINVAL"),
            };
            let what = format!(
                "{} from or to outside was refused ({word}) because the run is recorded: what only \
                 the kernel sees could not be given to another run; `--knob mirrored-{}=off` allows it",
                row.name,
                from.or(to).map_or("", |source| source.class.knob())
            );
            self.remark(tid, &what)?;
            return Ok(Some((Answer::Give(error(refused)), None)));
        }
        let number = to.and_then(|to| to.earlier);
        let (Some(number), Some(mirror)) = (number, &mut self.mirror) else { return Ok(None) };
        let item = mirror.earlier.output(number);
        let when = item.as_ref().and_then(|item| item.when);
        let all = i64::try_from(arguments[3]).unwrap_or(i64::MAX);
        let count = item.filter(|item| item.number == call.number).map_or(all, |item| item.result);
        self.passes(tid, arguments, count, call)?;
        Ok(Some((Answer::Give(result(count)), when)))
    }

    /// So many bytes of a file count as sent.
    fn passes(
        &mut self,
        tid: Tid,
        arguments: &[u64; 6],
        count: i64,
        call: &mut Call,
    ) -> Result<(), Error> {
        let Some(count) = u64::try_from(count).ok().filter(|count| *count > 0) else {
            return Ok(());
        };
        let (fd, limit) = (low(arguments[1]), self.knobs.payload_limit);
        let named = (arguments[2] != 0).then(|| memory::read_u64(tid, arguments[2])).flatten();
        let offset = named.or_else(|| descriptors::position(tid, fd).map(|(position, _)| position));
        let Some(offset) = offset else { return Ok(()) };
        match descriptors::content(tid, fd, offset, count, limit) {
            Some(payload) => call.data.push(Data { argument: MOVED, out: true, payload }),
            None => self.untraced(tid, "bytes that sendfile sends outside".to_owned())?,
        }
        let after = offset.saturating_add(count);
        if named.is_some() {
            let _unwritable = memory::write(tid, arguments[2], &after.to_le_bytes());
        } else if let Some(process) =
            self.tasks.get(&tid).map(|task| task.pid).and_then(|pid| self.process(pid))
        {
            let _not_a_file = probe::set_position(process, fd, after);
        }
        Ok(())
    }
}

/// How the program wants a descriptor that is about to be made.
fn opened_with(pending: &Pending) -> i32 {
    let flags = match pending.row.map(|row| row.name) {
        Some("accept4") => pending.arguments[3],
        Some("open") => pending.arguments[1],
        Some("openat") => pending.arguments[2],
        _ => 0,
    };
    low(flags) & (libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK)
}

/// Says at which tick a call got what it waited for.
pub(in super::super) fn noted(ticks: u64) -> Data {
    Data { argument: WHEN, out: true, payload: Payload::whole(ticks.to_le_bytes().to_vec()) }
}
