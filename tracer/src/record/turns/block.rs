//! Which calls would wait, and for what.

use std::collections::hash_map::Entry;
use std::time::Duration;

use super::super::engine::Engine;
use super::super::entry::low;
use super::{Deadline, Place, Wait, What};
use crate::sys::probe::{self, Process};
use crate::sys::{Tid, memory, source};
use crate::table::{Class, Row};
use crate::trace::{Call, ObjectKind};

/// What is wanted of a descriptor that is read from, or accepted on.
const READ: i16 = libc::POLLIN;

impl Engine<'_> {
    /// Whether nobody is there who could run instead.
    pub(in super::super) fn is_alone(&self) -> bool {
        self.tasks.len() == 1
    }

    /// What the holder waits for before it makes this call; `None` if it can make it.
    pub(in super::super) fn would_wait(
        &mut self,
        tid: Tid,
        row: &Row,
        arguments: &[u64; 6],
        call: &Call,
    ) -> Option<Wait> {
        // What is absolute in a mirrored run is a time of the earlier one.
        let mirrored = self.mirror.as_ref().is_some_and(super::super::mirror::Mirror::is_active);
        if self.is_alone() && !(mirrored && matches!(row.class, Class::Sync | Class::System)) {
            return None;
        }
        match row.name {
            "nanosleep" => self.sleeps(libc::CLOCK_MONOTONIC, false, call.payload(0, false)?),
            "clock_nanosleep" => {
                let clock = low(arguments[0]);
                let absolute = arguments[1] & 1 != 0;
                if !matches!(clock, libc::CLOCK_REALTIME | libc::CLOCK_MONOTONIC) {
                    return None;
                }
                self.sleeps(clock, absolute, call.payload(2, false)?)
            }
            "read" | "readv" | "accept" | "accept4" => self.reads(tid, call, 0),
            "recvfrom" => self.reads(tid, call, low(arguments[3])),
            "recvmsg" => self.reads(tid, call, low(arguments[2])),
            "poll" => {
                let until = self.milliseconds(arguments[2])?;
                self.files(tid, polled(&call.payload(0, false)?.bytes), until)
            }
            "ppoll" => {
                let until = self.relative(call, 2)?;
                let wanted = call.payload(0, false).map(|fds| polled(&fds.bytes));
                self.files(tid, wanted.unwrap_or_default(), until)
            }
            "select" => {
                let until = self.relative(call, 4)?;
                self.files(tid, selected(call), until)
            }
            "pselect6" => {
                let until = self.relative(call, 4)?;
                self.files(tid, selected(call), until)
            }
            "epoll_wait" | "epoll_pwait" => {
                let until = self.milliseconds(arguments[3])?;
                self.files(tid, vec![(low(arguments[0]), libc::POLLIN)], until)
            }
            "epoll_pwait2" => {
                let until = self.relative(call, 3)?;
                self.files(tid, vec![(low(arguments[0]), libc::POLLIN)], until)
            }
            _ => None,
        }
    }

    /// Whether a call may wait in the kernel for what somebody else does.
    pub(in super::super) fn may_wait(&self, row: Option<&Row>) -> bool {
        let never = |row: &Row| {
            matches!(
                row.class,
                Class::Memory | Class::Clock | Class::Random | Class::Machine | Class::Credentials
            ) || (row.class == Class::Runtime && row.name != "restart_syscall")
        };
        self.turns.are_on() && !self.is_alone() && !row.is_some_and(never)
    }

    /// Reading what is no file waits until something is there.
    fn reads(&mut self, tid: Tid, call: &Call, flags: i32) -> Option<Wait> {
        let fd = low(call.argument(0));
        let task = self.tasks.get(&tid)?;
        let pid = task.pid;
        let kind = task.descriptors.borrow().get(fd)?.kind;
        let never = matches!(kind, ObjectKind::File | ObjectKind::Folder | ObjectKind::Disk);
        if never || flags & libc::MSG_DONTWAIT != 0 {
            return None;
        }
        let wanted = vec![(fd, READ)];
        if self.is_ready(pid, &wanted) {
            return None;
        }
        let nonblocking = probe::is_nonblocking(self.process(pid)?, fd);
        (!nonblocking.unwrap_or(true)).then_some(Wait::new(What::Files(wanted), None))
    }

    /// Waiting for descriptors, until there is no time left (`None`: for ever).
    fn files(
        &mut self,
        tid: Tid,
        wanted: Vec<(i32, i16)>,
        until: Option<Deadline>,
    ) -> Option<Wait> {
        let pid = self.tasks.get(&tid)?.pid;
        if !wanted.is_empty() && self.is_ready(pid, &wanted) {
            return None;
        }
        Some(Wait::new(What::Files(wanted), until))
    }

    /// The time of a `poll`; `None` if it does not wait.
    fn milliseconds(&self, time: u64) -> Option<Option<Deadline>> {
        match u64::try_from(low(time)) {
            Ok(0) => None,
            Ok(time) => self.turns.within(Duration::from_millis(time)).map(Some),
            Err(_) => Some(None),
        }
    }

    /// The time that stands where an argument points to; `None` if it does not wait.
    fn relative(&self, call: &Call, index: u8) -> Option<Option<Deadline>> {
        let Some(time) = call.payload(index.into(), false) else { return Some(None) };
        let (seconds, rest) = pair(&time.bytes)?;
        let unit = if matches!(call.number, SELECT) { 1000 } else { 1 };
        let time = nanoseconds(seconds, rest.checked_mul(unit)?)?;
        if time.is_zero() { None } else { self.turns.within(time).map(Some) }
    }

    fn sleeps(&self, clock: i32, absolute: bool, time: &crate::trace::Payload) -> Option<Wait> {
        let (seconds, rest) = pair(&time.bytes)?;
        let time = nanoseconds(seconds, rest)?;
        let until = if absolute { self.at(clock, time)? } else { self.turns.within(time)? };
        Some(Wait::new(What::Time, Some(until)))
    }

    /// The deadline at a time of a clock, from what the program knows of that clock.
    pub(super) fn at(&self, clock: i32, time: Duration) -> Option<Deadline> {
        let now = match self.turns.told.get(&clock) {
            Some(told) => Duration::from_nanos(u64::try_from(*told).ok()?),
            None => {
                let (seconds, rest) = source::clock(clock).ok()?;
                nanoseconds(seconds, rest)?
            }
        };
        self.turns.within(time.saturating_sub(now))
    }

    /// How long a call that waits for descriptors is to wait, in the time of our own; `None` if for
    /// ever or not at all.
    pub(in super::super) fn longest_wait(
        &self,
        row: &Row,
        arguments: &[u64; 6],
        call: &Call,
    ) -> Option<Duration> {
        let until = match row.name {
            "poll" => self.milliseconds(arguments[2]),
            "epoll_wait" | "epoll_pwait" => self.milliseconds(arguments[3]),
            "ppoll" => self.relative(call, 2),
            "select" | "pselect6" => self.relative(call, 4),
            "epoll_pwait2" => self.relative(call, 3),
            _ => None,
        };
        Some(until??.order)
    }

    /// Whether one of the descriptors is ready.
    pub(super) fn is_ready(&mut self, pid: Tid, wanted: &[(i32, i16)]) -> bool {
        self.process(pid).is_none_or(|process| probe::is_ready(process, wanted))
    }

    pub(in super::super) fn process(&mut self, pid: Tid) -> Option<&Process> {
        match self.turns.processes.entry(pid) {
            Entry::Occupied(known) => Some(known.into_mut()),
            Entry::Vacant(vacant) => {
                Process::open(pid).ok().map(|process| &*vacant.insert(process))
            }
        }
    }

    /// The time is up for a call that the holder is stopped before: whether the kernel shall make
    /// it, without waiting.
    pub(super) fn out_of_time(&mut self, tid: Tid) -> Option<(usize, Vec<u8>)> {
        const ZERO: [u8; 16] = [0; 16];
        let pending = self.tasks.get(&tid)?.pending.as_ref()?;
        match pending.row?.name {
            "poll" => Some((2, Vec::new())),
            "epoll_wait" | "epoll_pwait" => Some((3, Vec::new())),
            // The kernel writes there how much is left, and nothing is.
            "ppoll" => Some((2, ZERO.to_vec())),
            "select" | "pselect6" => Some((4, ZERO.to_vec())),
            _ => None,
        }
    }

    /// The holder is stopped before a call that would wait.
    pub(in super::super) fn wait(&mut self, tid: Tid, wait: Wait) {
        self.turns.pass(tid, Place::Waits(wait));
    }

    /// The program was told the time.
    pub(in super::super) fn note_time(&mut self, call: &Call) {
        if call.number != CLOCK_GETTIME {
            return;
        }
        let time = call.payload(1, true).and_then(|time| pair(&time.bytes));
        if let Some((seconds, rest)) = time
            && let Some(time) = seconds.checked_mul(1_000_000_000).and_then(|s| s.checked_add(rest))
        {
            let clock = low(call.argument(0));
            self.turns.told(clock, time);
            if clock == libc::CLOCK_MONOTONIC {
                self.counter.told(time);
            }
        }
    }

    /// What a call blocks while it waits, if it says so: the set stands where the argument points.
    pub(super) fn blocks(&self, tid: Tid) -> Option<u64> {
        let pending = self.tasks.get(&tid)?.pending.as_ref()?;
        let index = match pending.row?.name {
            "ppoll" => 3,
            "epoll_pwait" | "epoll_pwait2" => 4,
            "pselect6" => {
                let set = memory::read_u64(tid, pending.arguments[5])?;
                return memory::read_u64(tid, set);
            }
            _ => return None,
        };
        let set = pending.call.payload(index, false)?;
        set.bytes.first_chunk().map(|set| u64::from_le_bytes(*set))
    }
}

const SELECT: u64 = libc::SYS_select.cast_unsigned();
const CLOCK_GETTIME: u64 = libc::SYS_clock_gettime.cast_unsigned();

/// The two numbers of a time.
fn pair(bytes: &[u8]) -> Option<(i64, i64)> {
    let first = i64::from_le_bytes(*bytes.first_chunk()?);
    let second = i64::from_le_bytes(*bytes.get(8..)?.first_chunk()?);
    Some((first, second))
}

/// A time as the kernel would take it.
fn nanoseconds(seconds: i64, rest: i64) -> Option<Duration> {
    let rest = u32::try_from(rest).ok().filter(|rest| *rest < 1_000_000_000)?;
    Some(Duration::new(u64::try_from(seconds).ok()?, rest))
}

/// What a `poll` wants.
pub(in super::super) fn polled(bytes: &[u8]) -> Vec<(i32, i16)> {
    let entry = |entry: &[u8; 8]| {
        let [a, b, c, d, e, f, _, _] = *entry;
        (i32::from_le_bytes([a, b, c, d]), i16::from_le_bytes([e, f]))
    };
    // Those with a negative number are not meant.
    bytes.as_chunks::<8>().0.iter().map(entry).filter(|(fd, _)| *fd >= 0).collect()
}

/// What a `select` wants.
pub(in super::super) fn selected(call: &Call) -> Vec<(i32, i16)> {
    let mut wanted = Vec::new();
    for (index, events) in [(1, READ), (2, libc::POLLOUT), (3, libc::POLLPRI)] {
        let Some(set) = call.payload(index, false) else { continue };
        let highest = low(call.argument(0));
        let bits = (0..highest)
            .zip(set.bytes.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1)));
        wanted.extend(bits.filter(|(_, bit)| *bit != 0).map(|(fd, _)| (fd, events)));
    }
    wanted
}
