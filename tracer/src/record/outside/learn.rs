//! Reading from a trace what came in from outside.

use std::collections::HashMap;

use super::address::Address;
use super::earlier::{Item, Key, Origin, Queue, Ready, nth, outputs};
use super::role::{Role, question};
use super::{Class, MEMBER, Member, Switches, WHEN, is_fifo, label, low};
use crate::table::errors::is_restart;
use crate::table::{self, Row};
use crate::trace::{Call, Descriptor, Object, ObjectKind, Place, call_flags};

/// So many bytes are kept in memory of each item; more is read again when it is given.
const KEPT: usize = 4096;

/// A socket that the program made.
#[derive(Debug)]
struct Made {
    /// By whom.
    lineage: String,
    /// Which one of those without a connection, if it is one.
    datagrams: Option<u32>,
}

/// What is known while a trace is read.
#[derive(Debug, Default)]
pub(crate) struct Learner {
    pub(super) origins: Vec<Origin>,
    pub(super) ready: HashMap<(String, u64), Vec<Ready>>,
    pub(super) ready_marker: HashMap<(String, u64), usize>,
    pub(super) is_suffix: bool,
    switches: Switches,
    objects: HashMap<u32, Object>,
    by_object: HashMap<u32, usize>,
    by_path: HashMap<Vec<u8>, usize>,
    sockets: HashMap<u32, Made>,
    datagrams: HashMap<String, u32>,
    epolls: HashMap<u32, Vec<Member>>,
    /// The places outside that each of them has ever waited for.
    ever: HashMap<u32, Vec<u32>>,
    calls: u64,
    /// The ticks at the marker.
    base: u64,
    started: bool,
}

impl Learner {
    /// `knobs` are those of the run, `is_suffix` if only what follows a marker counts.
    pub(crate) fn new(knobs: &[String], is_suffix: bool) -> Self {
        Self { is_suffix, switches: Switches::of(knobs), started: !is_suffix, ..Self::default() }
    }

    pub(crate) fn object(&mut self, object: &Object) {
        let known = object.from.and_then(|from| self.by_object.get(&from).copied());
        let named = matches!(object.kind, ObjectKind::Pipe | ObjectKind::Socket);
        let known = known.or_else(|| self.by_path.get(&object.path).copied().filter(|_| named));
        if let Some(known) = known {
            self.by_object.insert(object.id, known);
        } else if object.inherited
            && self.calls <= 1
            && let Some(class) = Class::born(object.fd, object.kind)
            && self.switches.has(class)
        {
            self.add(Key::Born(object.fd), class, object, "0");
        }
        self.objects.insert(object.id, object.clone());
    }

    fn add(&mut self, key: Key, class: Class, object: &Object, maker: &str) -> usize {
        let number = self.origins.len();
        let mut origin = Origin::new(key, class, object, maker);
        origin.after_marker = self.is_suffix && self.started;
        self.origins.push(origin);
        self.by_object.insert(object.id, number);
        if matches!(object.kind, ObjectKind::Pipe | ObjectKind::Socket) {
            self.by_path.insert(object.path.clone(), number);
        }
        number
    }

    fn origin(&self, object: Option<u32>) -> Option<usize> {
        let mut object = object?;
        loop {
            if let Some(number) = self.by_object.get(&object) {
                return Some(*number);
            }
            let known = self.objects.get(&object)?;
            if let Some(number) = self.by_path.get(&known.path)
                && matches!(known.kind, ObjectKind::Pipe | ObjectKind::Socket)
            {
                return Some(*number);
            }
            object = known.from?;
        }
    }

    /// The object that this one is a duplicate of, in the end.
    fn original(&self, mut object: u32) -> u32 {
        while let Some(from) = self.objects.get(&object).and_then(|object| object.from) {
            object = from;
        }
        object
    }

    /// A marker stands here, at which everything counts that follows.
    pub(crate) fn marker(&mut self, call: &Call, open: &[Descriptor]) {
        self.started = true;
        self.base = when(call).unwrap_or(0);
        for descriptor in open {
            if let Some(number) = self.origin(Some(descriptor.object)) {
                self.origins[number].at_marker = true;
            }
        }
        for origin in &mut self.origins {
            let told = origin.told.values_mut();
            for queue in [&mut origin.input, &mut origin.output, &mut origin.accepted]
                .into_iter()
                .chain(told)
            {
                queue.marker = queue.items.len();
            }
        }
        self.ready_marker = self.ready.iter().map(|(key, all)| (key.clone(), all.len())).collect();
    }

    fn item(&self, place: Place, call: &Call, result: i64) -> Item {
        let asked = match table::name(call.number).as_str() {
            "sendmmsg" => call.argument(2),
            _ => call.payload(1, false).map_or(0, |payload| payload.length),
        };
        let flags = match table::name(call.number).as_str() {
            "recvfrom" => low(call.argument(3)),
            "recvmsg" => low(call.argument(2)),
            _ => 0,
        };
        let when = when(call).filter(|_| self.started).map(|when| when.saturating_sub(self.base));
        let length: usize =
            call.data.iter().filter(|data| data.out).map(|data| data.payload.bytes.len()).sum();
        let data = (length <= KEPT).then(|| outputs(call.clone()));
        let peeks = flags & libc::MSG_PEEK != 0;
        Item { place, number: call.number, result, asked, peeks, when, came: None, data }
    }

    pub(crate) fn call(&mut self, place: Place, lineage: &str, call: &Call) {
        self.calls += 1;
        let Some(row) = table::row(call.number) else { return };
        let Some(result) = call.result else { return };
        if call.flags & (call_flags::FOREIGN | call_flags::FAULT) != 0 {
            return;
        }
        let mut arguments = [0; 6];
        for (argument, value) in arguments.iter_mut().zip(&call.arguments) {
            *argument = *value;
        }
        let role = Role::of(row, &arguments);
        let is_outside = call.flags & call_flags::OUTSIDE != 0;
        self.makes(row, role, lineage, call, result);
        if role == Role::Epoll {
            self.epoll(call, result);
        }
        if role == Role::Ready {
            self.waited(place, lineage, call, result);
            return;
        }
        if row.name == "close"
            && let Some(object) = call.object(0)
        {
            self.epolls.values_mut().for_each(|all| all.retain(|member| member.object != object));
        }
        let about = match role {
            Role::Epoll => 2,
            Role::Named => MEMBER,
            _ => 0,
        };
        let Some(number) = self.origin(call.object(about.into())) else { return };
        // A signal came; it says when it comes again.
        if is_restart(result) || result == -i64::from(libc::EINTR) {
            return;
        }
        let mut item = self.item(place, call, result);
        let class = self.origins[number].class;
        match role {
            Role::Accept => {
                let is_made = result >= 0 && is_outside;
                if is_made
                    && let Some(object) = call.made.first()
                    && let Some(object) = self.objects.get(object).cloned()
                {
                    item.came = Some(self.add(Key::Came, Class::Socket, &object, lineage));
                }
                let origin = &mut self.origins[number];
                origin.has_inside |= result >= 0 && !is_outside;
                origin.has_outside |= is_made;
                origin.accepted.items.push(item);
            }
            Role::Input if is_outside => self.origins[number].input.items.push(item),
            Role::Output if class == Class::Socket => {
                self.origins[number].output.items.push(item);
            }
            Role::Told | Role::Named | Role::Connect | Role::Bind | Role::Epoll => {
                let question = question(row, call);
                let queue = self.origins[number].told.entry(question).or_default();
                let Queue { items, .. } = queue;
                items.push(item);
            }
            _ => {}
        }
    }

    /// A call makes something that leads outside, or says that something does not.
    fn makes(&mut self, row: &Row, role: Role, lineage: &str, call: &Call, result: i64) {
        let is_outside = call.flags & call_flags::OUTSIDE != 0;
        let known = call.object(0).and_then(|object| self.objects.get(&object)).cloned();
        let address = || call.payload(1, false).and_then(|address| Address::read(&address.bytes));
        match role {
            Role::Connect if is_outside => {
                if let (Some(object), Some(address)) = (known, address())
                    && self.origin(Some(object.id)).is_none()
                {
                    self.add(Key::Peer(address), Class::Socket, &object, lineage);
                }
            }
            Role::Connect => {
                // Whoever it came to is inside.
                if let Some(to) = address() {
                    for origin in &mut self.origins {
                        origin.has_inside |=
                            matches!(&origin.key, Key::Own(own) if to.leads_to(own));
                    }
                }
            }
            Role::Bind if result == 0 && is_outside => {
                if let (Some(object), Some(address)) = (known, address())
                    && self.origin(Some(object.id)).is_none()
                {
                    self.add(Key::Own(address), Class::Socket, &object, lineage);
                }
            }
            _ if row.name == "socket" && low(call.argument(1)) & 0xf == libc::SOCK_DGRAM => {
                let count = self.datagrams.entry(lineage.to_owned()).or_default();
                *count += 1;
                if let Some(object) = call.made.first() {
                    let lineage = lineage.to_owned();
                    let made = Made { lineage, datagrams: Some(*count) };
                    self.sockets.insert(*object, made);
                }
            }
            _ if matches!(row.name, "open" | "openat" | "openat2" | "creat") => {
                self.opens(row, lineage, call);
            }
            Role::Input | Role::Output if is_outside => {
                let Some(object) = known else { return };
                if self.origin(Some(object.id)).is_none()
                    && let Some(made) = self.sockets.get(&self.original(object.id))
                    && let Some(count) = made.datagrams
                {
                    let (key, maker) = (made.lineage.clone(), made.lineage.clone());
                    self.add(Key::Datagrams(key, count), Class::Socket, &object, &maker);
                }
            }
            _ => {}
        }
    }

    fn opens(&mut self, row: &Row, lineage: &str, call: &Call) {
        let index = usize::from(row.name.starts_with("openat"));
        let Some(path) = call.payload(index, false) else { return };
        let flags = if row.name == "openat2" { 2 } else { call.argument(index + 1) };
        let Some(object) = call.made.first().and_then(|made| self.objects.get(made)).cloned()
        else {
            return;
        };
        if is_fifo(&object) && low(flags) & libc::O_ACCMODE != libc::O_RDONLY {
            // Who writes is inside.
            for origin in &mut self.origins {
                origin.has_inside |=
                    matches!(&origin.key, Key::Path(_)) && origin.path == object.path;
            }
        }
        if call.flags & call_flags::OUTSIDE == 0 {
            return;
        }
        let key = Key::Path(path.bytes.clone());
        match self.origins.iter().position(|origin| origin.key == key) {
            Some(known) => {
                self.by_object.insert(object.id, known);
            }
            None => {
                let class = if is_fifo(&object) { Class::Pipe } else { Class::Terminal };
                self.add(key, class, &object, lineage);
            }
        }
    }

    fn epoll(&mut self, call: &Call, result: i64) {
        let (Some(epoll), Some(object)) = (call.object(0), call.object(2)) else { return };
        if result != 0 {
            return;
        }
        let Some(known) = self.objects.get(&object) else { return };
        let number = self.origin(Some(object)).and_then(|number| u32::try_from(number).ok());
        let label = label(number, known.kind, &known.path);
        let member = Member::of(call, object, label, number);
        let epoll = self.original(epoll);
        // What it keeps for the others is the kernel's, and given ever after.
        let ever = self.ever.entry(epoll).or_default();
        ever.extend(number.filter(|number| !ever.contains(number)));
        Member::change(self.epolls.entry(epoll).or_default(), low(call.argument(1)), member);
    }

    fn waited(&mut self, place: Place, lineage: &str, call: &Call, result: i64) {
        if is_restart(result) || result == -i64::from(libc::EINTR) {
            return;
        }
        let key = (lineage.to_owned(), call.number);
        let item = self.item(place, call, result);
        let name = table::name(call.number);
        let mut members = Vec::new();
        let mut origins = Vec::new();
        if name.starts_with("epoll") {
            let epoll = call.object(0).map(|epoll| self.original(epoll));
            let Some(all) = epoll.and_then(|epoll| self.epolls.get(&epoll)) else { return };
            let events = call.payload(1, true).map(|events| events.bytes.as_slice());
            for event in events.unwrap_or_default().as_chunks::<12>().0 {
                let [a, b, c, d, data @ ..] = *event;
                let data = u64::from_le_bytes(data);
                if let Some(at) = all.iter().position(|member| member.data == data) {
                    let (label, nth) = nth(all, at);
                    members.push((label, nth, u32::from_le_bytes([a, b, c, d])));
                }
            }
            origins.extend(epoll.and_then(|epoll| self.ever.get(&epoll)).into_iter().flatten());
        } else {
            let outside = call.objects.iter().filter(|(index, _)| *index == MEMBER);
            let numbers = outside.filter_map(|(_, object)| self.origin(Some(*object)));
            origins.extend(numbers.filter_map(|number| u32::try_from(number).ok()));
        }
        if !origins.is_empty() {
            self.ready.entry(key).or_default().push(Ready::new(item, members, origins));
        }
    }

    /// All that was read.
    pub(crate) fn done(self) -> super::Earlier {
        super::Earlier::of(self)
    }
}

/// The ticks that a call was noted at.
pub(crate) fn when(call: &Call) -> Option<u64> {
    let bytes = &call.payload(WHEN.into(), true)?.bytes;
    bytes.first_chunk().map(|when| u64::from_le_bytes(*when))
}
