//! Calls that need no second stop, because their result is known at the first.

use super::engine::Engine;
use super::entry::low;
use crate::sys::{Tid, source};
use crate::table::{Class, Policy, Row};
use crate::trace::{Call, Data, ObjectKind, Payload};

/// What the tracer knows about the result of a call at its entry.
pub(super) enum Known {
    /// Nothing: the kernel decides.
    No,
    /// The kernel will return this.
    Result(i64),
    /// The kernel would return the same, or something as good; it is not asked.
    Instead(i64),
}

/// The clocks that are the same for all processes.
const CLOCKS: [libc::clockid_t; 7] = [
    libc::CLOCK_REALTIME,
    libc::CLOCK_MONOTONIC,
    libc::CLOCK_MONOTONIC_RAW,
    libc::CLOCK_REALTIME_COARSE,
    libc::CLOCK_MONOTONIC_COARSE,
    libc::CLOCK_BOOTTIME,
    libc::CLOCK_TAI,
];

/// Reads of random bytes up to this length are never cut short.
const WHOLE_RANDOM: u64 = 256;

/// A time in seconds and millionths.
const MICROSECOND: i64 = 1000;

impl Engine<'_> {
    /// What is known of the result of a call. What it receives is added to it.
    pub(super) fn known(
        &self,
        tid: Tid,
        row: &Row,
        arguments: &[u64; 6],
        call: &mut Call,
    ) -> Known {
        match row.policy {
            Policy::Steady => self.steady(tid, row),
            Policy::Answer => answer(row, arguments, self.own_time, call),
            Policy::Known if self.is_certain(tid) => {
                let Some(task) = self.tasks.get(&tid) else { return Known::No };
                let descriptors = task.descriptors.borrow();
                let Some(known) = descriptors.get(low(arguments[0])) else { return Known::No };
                match row.name {
                    // Nothing is written back that could fail.
                    "close" if known.kind == ObjectKind::Folder => Known::Result(0),
                    "fcntl" if arguments[1] == u64::from(libc::F_SETFD.cast_unsigned()) => {
                        Known::Result(0)
                    }
                    _ => Known::No,
                }
            }
            _ => Known::No,
        }
    }

    fn steady(&self, tid: Tid, row: &Row) -> Known {
        let task = self.tasks.get(&tid);
        let known = task.and_then(|task| {
            task.steady.iter().find(|steady| steady.number == u64::from(row.number))
        });
        match known {
            Some(steady) if steady.real == steady.seen => Known::Result(steady.seen),
            Some(steady) => Known::Instead(steady.seen),
            None => Known::No,
        }
    }

    /// Whether a descriptor that we know to be open is open: nobody else can close it meanwhile.
    fn is_certain(&self, tid: Tid) -> bool {
        self.tasks
            .get(&tid)
            .is_some_and(|task| !self.strange && std::rc::Rc::strong_count(&task.descriptors) == 1)
    }

    /// A call has returned: what that tells about later ones.
    pub(super) fn remember(&mut self, tid: Tid, row: &Row, (real, seen): (i64, i64)) {
        let is_root = self.tasks.get(&tid).is_some_and(|task| task.pid == self.root);
        let Some(task) = self.tasks.get_mut(&tid) else { return };
        if row.policy == Policy::Steady {
            // Another parent may die at any moment; that of the first process is us.
            if row.name != "getppid" || is_root {
                let number = row.number.into();
                task.steady.push(super::task::Steady { number, real, seen });
            }
        } else if row.class == Class::Credentials || matches!(row.name, "unshare" | "setns") {
            task.steady.clear();
            if matches!(row.name, "unshare" | "setns") {
                self.own_time = true;
            }
        }
    }
}

/// Asks the kernel in the program's place.
fn answer(row: &Row, arguments: &[u64; 6], own_time: bool, call: &mut Call) -> Known {
    let mut give = |argument: u8, bytes: Vec<u8>| {
        call.data.push(Data { argument, out: true, payload: Payload::whole(bytes) });
    };
    if row.class == Class::Clock && own_time {
        return Known::No;
    }
    match row.name {
        "clock_gettime" => {
            let Some(clock) = CLOCKS.into_iter().find(|clock| *clock == low(arguments[0])) else {
                return Known::No;
            };
            let Ok((seconds, rest)) = source::clock(clock) else { return Known::No };
            give(1, [seconds.to_le_bytes(), rest.to_le_bytes()].concat());
            Known::Instead(0)
        }
        "gettimeofday" if arguments[0] != 0 && arguments[1] == 0 => {
            let Ok((seconds, rest)) = source::clock(libc::CLOCK_REALTIME) else {
                return Known::No;
            };
            give(0, [seconds.to_le_bytes(), (rest / MICROSECOND).to_le_bytes()].concat());
            Known::Instead(0)
        }
        "time" if arguments[0] == 0 => match source::clock(libc::CLOCK_REALTIME_COARSE) {
            Ok((seconds, _)) => Known::Instead(seconds),
            Err(_) => Known::No,
        },
        "getrandom" if arguments[1] <= WHOLE_RANDOM && matches!(low(arguments[2]), 0 | 1 | 4) => {
            let mut bytes = vec![0; usize::try_from(arguments[1]).unwrap_or(0)];
            if source::random(&mut bytes).is_err() {
                return Known::No;
            }
            give(0, bytes);
            Known::Instead(arguments[1].cast_signed())
        }
        _ => Known::No,
    }
}
