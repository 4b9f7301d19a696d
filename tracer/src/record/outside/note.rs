//! Noticing what leads outside while a run is recorded.

use super::super::capture::{Capture, passed_over};
use super::super::descriptors::{self, Known};
use super::super::engine::{Engine, Origin};
use super::super::turns::{polled, selected};
use super::role::Role;
use super::{Address, Class, MEMBER, MESSAGE, Member, NAMED, Source, Switches, label, low};
use crate::Error;
use crate::sys::{Tid, probe};
use crate::table::Row;
use crate::trace::{Call, Data, Object, ObjectKind, Payload, call_flags};

impl Engine<'_> {
    /// Looks at the descriptors that the first process is born with.
    pub(in super::super) fn born_with(&mut self, tid: Tid) -> Result<(), Error> {
        let Some(task) = self.tasks.get(&tid) else { return Ok(()) };
        let pid = task.pid;
        for fd in descriptors::all(pid) {
            self.object(tid, fd, Origin::Before)?;
            let Some(task) = self.tasks.get(&tid) else { return Ok(()) };
            let known = task.descriptors.borrow().get(fd).cloned();
            let Some(known) = known else { continue };
            let source = match &mut self.mirror {
                None => Class::born(fd, known.kind)
                    .filter(|class| self.is_followed(*class))
                    .map(|class| Source { class, earlier: None, waits: false }),
                Some(mirror) => {
                    let earlier = &mut mirror.earlier;
                    let number = earlier.claim("0", |key| *key == super::earlier::Key::Born(fd));
                    number.and_then(|number| self.source(number))
                }
            };
            if let Some(source) = source {
                self.leads_outside(tid, fd, source);
            }
        }
        Ok(())
    }

    /// The place of the earlier run that has this number, unless it shall not be mirrored.
    pub(super) fn source(&self, number: u32) -> Option<Source> {
        let origin = self.mirror.as_ref()?.earlier.origin(number)?;
        self.is_followed(origin.class).then_some(Source {
            class: origin.class,
            earlier: Some(number),
            waits: false,
        })
    }

    pub(super) fn is_followed(&self, class: Class) -> bool {
        !self.is_attached() && Switches::of_run(&self.knobs).has(class)
    }

    /// From here on a descriptor leads outside, and so do its duplicates.
    pub(in super::super) fn leads_outside(&mut self, tid: Tid, fd: i32, source: Source) {
        let Some(task) = self.tasks.get(&tid) else { return };
        let mut table = task.descriptors.borrow_mut();
        let Some(known) = table.get_mut(fd) else { return };
        known.source = Some(source);
        if matches!(known.kind, ObjectKind::Pipe | ObjectKind::Socket) && known.path.ends_with(b"]")
        {
            let path = known.path.clone();
            table.all_that_lead_to(&path).for_each(|known| known.source = Some(source));
            self.outside.by_path.insert(path.as_ref().into(), source);
        }
    }

    /// Where a descriptor leads that was there before it was looked at.
    pub(in super::super) fn source_of_path(&self, object: &Object) -> Option<Source> {
        let named = matches!(object.kind, ObjectKind::Pipe | ObjectKind::Socket);
        self.outside.by_path.get(object.path.as_slice()).copied().filter(|_| named)
    }

    /// What is known of a descriptor.
    pub(super) fn descriptor(&self, tid: Tid, fd: i32) -> Option<Known> {
        self.tasks.get(&tid)?.descriptors.borrow().get(fd).cloned()
    }

    /// Where the descriptor leads that a call is about, if that is outside.
    pub(super) fn source_of(&self, tid: Tid, call: &Call) -> Option<Source> {
        // Most calls are about none.
        call.object(0)?;
        let task = self.tasks.get(&tid)?;
        task.descriptors.borrow().get(low(call.argument(0)))?.source
    }

    /// At the entry of a call: whether it is about what is outside.
    pub(in super::super) fn note_entry(
        &mut self,
        tid: Tid,
        row: &Row,
        arguments: &[u64; 6],
        call: &mut Call,
    ) {
        let role = Role::of(row, arguments);
        match role {
            Role::Named => self.note_named(tid, row, call),
            Role::Nothing | Role::Connect | Role::Bind | Role::Accept | Role::Epoll => {}
            Role::Ready => self.note_members(tid, row, call),
            _ => {
                if self.source_of(tid, call).is_some() {
                    call.flags |= call_flags::OUTSIDE;
                }
            }
        }
    }

    /// A call asks by a path what a descriptor leads to that leads outside.
    fn note_named(&mut self, tid: Tid, row: &Row, call: &mut Call) {
        let index = usize::from(matches!(row.name, "newfstatat" | "readlinkat" | "statx"));
        let Some(path) = call.payload(index, false).map(|path| path.bytes.as_slice()) else {
            return;
        };
        let below = [b"/proc/self/fd/".as_slice(), b"/dev/fd/"];
        let number = below.into_iter().find_map(|folder| path.strip_prefix(folder));
        let fd = number.and_then(|number| std::str::from_utf8(number).ok()?.parse().ok());
        let is_terminal = path.starts_with(b"/dev/pts/") || path == b"/dev/tty";
        let Some(task) = self.tasks.get(&tid) else { return };
        let descriptors = task.descriptors.borrow();
        let mut known = match fd {
            Some(fd) => descriptors.get(fd),
            None if is_terminal => (0..3).filter_map(|fd| descriptors.get(fd)).find(|known| {
                let earlier = known.source.and_then(|source| source.earlier);
                let origin = earlier.zip(self.mirror.as_ref());
                let origin = origin.and_then(|(number, mirror)| mirror.earlier.origin(number));
                path == origin.map_or(&*known.path, |origin| &*origin.path)
            }),
            None => None,
        };
        if let Some(known) = known.take_if(|known| known.source.is_some()) {
            call.objects.push((MEMBER, known.object));
            call.flags |= call_flags::OUTSIDE;
        }
    }

    /// What a call waits for that leads outside.
    fn note_members(&mut self, tid: Tid, row: &Row, call: &mut Call) {
        let Some(task) = self.tasks.get(&tid) else { return };
        if row.name.starts_with("epoll") {
            let epoll = call.object(0).map(|epoll| self.epoll(epoll));
            if epoll.is_some_and(|epoll| self.outside.ever.contains(&epoll)) {
                call.flags |= call_flags::OUTSIDE;
            }
            return;
        }
        let fds = match row.name {
            "poll" | "ppoll" => {
                call.payload(0, false).map(|fds| polled(&fds.bytes)).unwrap_or_default()
            }
            _ => selected(call),
        };
        let descriptors = task.descriptors.borrow();
        for (fd, _) in fds {
            let known = descriptors.get(fd).filter(|known| known.source.is_some());
            if let Some(known) = known {
                call.objects.push((MEMBER, known.object));
                call.flags |= call_flags::OUTSIDE;
            }
        }
    }

    /// Which `epoll` a descriptor leads to.
    pub(super) fn epoll(&self, object: u32) -> u32 {
        self.outside.duplicates.get(&object).copied().unwrap_or(object)
    }

    /// A descriptor is a duplicate of another one.
    pub(in super::super) fn note_duplicate(&mut self, object: &Object) {
        if let Some(from) = object.from.filter(|_| object.kind == ObjectKind::Kernel) {
            let original = self.epoll(from);
            self.outside.duplicates.insert(object.id, original);
        }
    }

    /// A descriptor is closed.
    pub(in super::super) fn note_close(&mut self, object: Option<u32>) {
        let Some(object) = object.filter(|_| !self.outside.epolls.is_empty()) else { return };
        for members in self.outside.epolls.values_mut() {
            members.retain(|member| member.object != object);
        }
    }

    /// At the exit of a call that the kernel has made: what it tells about inside and outside.
    pub(in super::super) fn note_exit(
        &mut self,
        tid: Tid,
        row: &Row,
        arguments: &[u64; 6],
        result: i64,
        call: &mut Call,
    ) -> Result<(), Error> {
        let role = Role::of(row, arguments);
        let fd = low(arguments[0]);
        match role {
            Role::Connect => self.connected(tid, fd, result, call),
            Role::Bind if result == 0 => self.bound(tid, fd, call),
            Role::Accept if result >= 0 => {
                self.accepted(tid, low(result.cast_unsigned()), call)?;
            }
            Role::Epoll if result == 0 => self.changed(tid, arguments, call),
            Role::Input | Role::Output if result >= 0 => {
                self.exchanged(tid, fd, row, arguments, result, call)?;
            }
            Role::Told if row.name == "listen" && result == 0 => self.listens(tid, fd),
            Role::Moves if result > 0 && call.flags & call_flags::OUTSIDE != 0 => {
                self.untraced(tid, format!("what {} moves from or to outside", row.name))?;
            }
            _ => match row.name {
                "open" | "openat" | "openat2" | "creat" if result >= 0 => {
                    self.opened(tid, low(result.cast_unsigned()), call);
                }
                "socket" if low(arguments[1]) & 0xf == libc::SOCK_DGRAM && result >= 0 => {
                    self.made_datagrams(tid, low(result.cast_unsigned()));
                }
                "mmap" if low(arguments[3]) & 0x20 == 0 => {
                    let known = self.descriptor(tid, low(arguments[4]));
                    if known.is_some_and(|known| known.source.is_some()) {
                        self.untraced(tid, "what is read of standard input as memory".to_owned())?;
                    }
                }
                _ => {}
            },
        }
        Ok(())
    }

    fn connected(&mut self, tid: Tid, fd: i32, result: i64, call: &mut Call) {
        let to = call.payload(1, false).and_then(|address| Address::read(&address.bytes));
        let Some(to) = to else { return };
        let has_come = result == 0 || result == -i64::from(libc::EINPROGRESS);
        if self.outside.own.iter().any(|own| to.leads_to(own)) {
            if has_come && let Some(own) = self.own_address(tid, fd) {
                self.outside.clients.insert(own);
            }
            return;
        }
        let answered = crate::table::errors::is_restart(result)
            || [libc::EINTR, libc::EBADF, libc::ENOTSOCK, libc::EFAULT, libc::EAFNOSUPPORT]
                .iter()
                .any(|error| result == -i64::from(*error));
        if !answered && self.is_followed(Class::Socket) {
            call.flags |= call_flags::OUTSIDE;
            let source = Source { class: Class::Socket, earlier: None, waits: false };
            let is_new = self.descriptor(tid, fd).is_some_and(|known| known.source.is_none());
            if is_new && self.mirror.is_none() {
                self.leads_outside(tid, fd, source);
            }
        }
    }

    fn own_address(&mut self, tid: Tid, fd: i32) -> Option<Address> {
        let pid = self.tasks.get(&tid)?.pid;
        Address::read(&probe::own_address(self.process(pid)?, fd).ok()?)
    }

    fn listens(&mut self, tid: Tid, fd: i32) {
        if let Some(own) = self.own_address(tid, fd) {
            self.outside.own.insert(own);
        }
    }

    fn bound(&mut self, tid: Tid, fd: i32, call: &mut Call) {
        let Some(own) = self.own_address(tid, fd) else { return };
        self.outside.own.insert(own);
        let is_stream = self
            .tasks
            .get(&tid)
            .map(|task| task.pid)
            .and_then(|pid| self.process(pid))
            .is_some_and(|process| probe::is_stream(process, fd));
        if is_stream && self.is_followed(Class::Socket) {
            call.flags |= call_flags::OUTSIDE;
            if self.mirror.is_none() {
                let source = Source { class: Class::Socket, earlier: None, waits: true };
                self.leads_outside(tid, fd, source);
            }
        }
    }

    /// A connection has come in. From whom?
    fn accepted(&mut self, tid: Tid, fd: i32, call: &mut Call) -> Result<(), Error> {
        let Some(task) = self.tasks.get(&tid) else { return Ok(()) };
        let pid = task.pid;
        let listener = self.source_of(tid, call);
        if listener.is_none() || !self.is_followed(Class::Socket) {
            return Ok(());
        }
        let Some(process) = self.process(pid) else { return Ok(()) };
        let who = probe::other_address(process, fd).ok();
        let who = who.and_then(|address| Address::read(&address));
        let is_inside = match &who {
            // Who connects need not have a name.
            Some(Address::Local(_)) | None => {
                let who = probe::other_process(process, fd).ok();
                who.is_some_and(|who| self.outside.inside.contains(&who))
            }
            Some(who) => self.outside.clients.contains(who),
        };
        if is_inside {
            return Ok(());
        }
        call.flags |= call_flags::OUTSIDE;
        if self.mirror.is_some() {
            return self.untraced(
                tid,
                "a connection that came in from outside while the run was to get those of the \
                 earlier one"
                    .to_owned(),
            );
        }
        let source = Source { class: Class::Socket, earlier: None, waits: false };
        self.leads_outside(tid, fd, source);
        Ok(())
    }

    /// An `epoll` waits for something else from here on.
    pub(super) fn changed(&mut self, tid: Tid, arguments: &[u64; 6], call: &Call) {
        let (Some(epoll), Some(object)) = (call.object(0), call.object(2)) else { return };
        let Some(known) = self.descriptor(tid, low(arguments[2])) else { return };
        let source = known.source.map(|source| source.earlier.unwrap_or(0));
        let member = Member::of(call, object, label(source, known.kind, &known.path), source);
        let epoll = self.epoll(epoll);
        if source.is_some() {
            self.outside.ever.insert(epoll);
        }
        Member::change(self.outside.epolls.entry(epoll).or_default(), low(arguments[1]), member);
    }

    /// Bytes came in or went out. A socket without a connection has not said yet to whom it speaks.
    fn exchanged(
        &mut self,
        tid: Tid,
        fd: i32,
        row: &Row,
        arguments: &[u64; 6],
        result: i64,
        call: &mut Call,
    ) -> Result<(), Error> {
        let is_message = row.name == "recvmsg";
        let capture = Capture { tid, arguments, limit: usize::MAX };
        if call.flags & call_flags::OUTSIDE == 0 {
            let known = self.descriptor(tid, fd).filter(|known| known.kind == ObjectKind::Socket);
            if known.is_none_or(|known| !known.datagrams) || !self.is_followed(Class::Socket) {
                return Ok(());
            }
            let address = match row.name {
                "sendto" => call.payload(4, false).map(|address| address.bytes.clone()),
                "sendmsg" => call.payload(NAMED.into(), false).map(|name| name.bytes.clone()),
                "recvfrom" => Some(capture.sized(arguments[4], arguments[5])),
                "recvmsg" => Some(capture.came_from()),
                _ => None,
            };
            let address = address.and_then(|address| Address::read(&address));
            let Some(address) = address else { return Ok(()) };
            if self.outside.own.iter().any(|own| address.leads_to(own)) {
                return Ok(());
            }
            call.flags |= call_flags::OUTSIDE;
            if self.mirror.is_some() {
                return Ok(());
            }
            let source = Source { class: Class::Socket, earlier: None, waits: false };
            self.leads_outside(tid, fd, source);
        }
        if is_message && result >= 0 {
            let (name, rest) = (capture.came_from(), capture.came_with());
            if passed_over(&rest) {
                self.untraced(tid, "descriptors that came in from outside".to_owned())?;
            }
            call.data.push(Data { argument: NAMED, out: true, payload: Payload::whole(name) });
            call.data.push(Data { argument: MESSAGE, out: true, payload: Payload::whole(rest) });
        }
        Ok(())
    }

    fn opened(&mut self, tid: Tid, fd: i32, call: &mut Call) {
        let Some(known) = self.descriptor(tid, fd) else { return };
        let is_fifo = known.kind == ObjectKind::Pipe;
        let class = match known.kind {
            ObjectKind::Terminal => Class::Terminal,
            ObjectKind::Pipe => Class::Pipe,
            _ => return,
        };
        if known.path.ends_with(b"/ptmx") {
            self.outside.makes_terminals = true;
            return;
        }
        if !self.is_followed(class) || !is_fifo && self.outside.makes_terminals {
            return;
        }
        let flags = descriptors::position(tid, fd);
        let flags = flags.map_or(0, |(_, flags)| flags);
        if is_fifo && low(flags) & libc::O_ACCMODE != libc::O_RDONLY {
            return;
        }
        call.flags |= call_flags::OUTSIDE;
        if self.mirror.is_none() {
            self.leads_outside(tid, fd, Source { class, earlier: None, waits: false });
        }
    }

    fn made_datagrams(&mut self, tid: Tid, fd: i32) {
        let Some(task) = self.tasks.get(&tid) else { return };
        let lineage = task.told.lineage.clone();
        if let Some(known) = task.descriptors.borrow_mut().get_mut(fd) {
            known.datagrams = true;
        }
        let count = self.outside.datagrams.entry(lineage.clone()).or_default();
        *count += 1;
        let count = *count;
        let Some(mirror) = &mut self.mirror else { return };
        let there = mirror.there(&lineage);
        let key = super::earlier::Key::Datagrams(there.clone(), count);
        let number = mirror.earlier.claim(&there, |known| *known == key);
        if let Some(source) = number.and_then(|number| self.source(number)) {
            self.leads_outside(tid, fd, source);
        }
    }
}
