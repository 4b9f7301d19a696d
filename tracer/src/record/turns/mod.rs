//! One thread at a time, in an order that depends on nothing but what the threads do.
//!
//! The thread that has the turn runs until it would have to wait, yields, ends, or has made very
//! many calls. Then the one gets the turn that has been without it for longest among those that can
//! go on. All others are stopped where they are: a thread that would wait is stopped before its
//! call, and the tracer looks whether the call could go on. Only what cannot be looked at is let
//! into the kernel; when it comes out of it, it waits for its turn.
//!
//! What counts for whose deadline comes first is a time of our own: every call takes as long as
//! every other, and running takes none. Nobody is woken before it is really time.

mod block;
mod choose;
mod futex;
mod signals;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::sys::Tid;
use crate::sys::probe::Process;

pub(super) use block::{polled, selected};
pub(super) use futex::{Key, Outcome};
pub(super) use signals::{has_deliverable, has_pending};

/// After so many calls in a row it is somebody else's turn.
const LONGEST_TURN: u32 = 500;
/// The same if somebody's time is up.
const SHORT_TURN: u32 = 50;
/// So much time passes with each call for who comes first; about as much as it takes.
const CALL: Duration = Duration::from_micros(10);
/// The same for what makes a thread or a process.
const BIRTH: Duration = Duration::from_micros(100);

/// What a thread does that does not have the turn.
#[derive(Debug)]
pub(super) enum Place {
    /// It is stopped, and could run; it gets this signal then.
    Ready { signal: i32 },
    /// It is stopped before a call that would wait.
    Waits(Wait),
    /// It waits in the kernel.
    Sleeps,
    /// The same, until its child has its own memory.
    Lends,
    /// Job control has stopped it.
    Paused,
    /// It will stop, or end, soon.
    Comes,
}

/// What a thread waits for.
#[derive(Debug)]
pub(super) struct Wait {
    pub(super) what: What,
    pub(super) until: Option<Deadline>,
    /// A signal is there for it, which the call will notice.
    interrupted: bool,
}

impl Wait {
    pub(super) const fn new(what: What, until: Option<Deadline>) -> Self {
        Self { what, until, interrupted: false }
    }
}

/// See [`Wait`].
#[derive(Debug)]
pub(super) enum What {
    /// For time to pass.
    Time,
    /// For somebody to wake it up.
    Futex { key: Key, mask: u32, address: u64, value: u32 },
    /// It was woken.
    Woken,
    /// For one of these descriptors: what is wanted of each.
    Files(Vec<(i32, i16)>),
    /// For what comes from outside, which the earlier run got at this tick. How long it was to wait
    /// for it, if it did not come.
    Input { when: u64, late: Option<Duration> },
}

/// When a wait ends without having been fulfilled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    /// In the time of our own.
    order: Duration,
    /// Not before this.
    real: Instant,
}

/// Who runs, who could, and who waits for what.
#[derive(Debug, Default)]
pub(super) struct Turns {
    on: bool,
    /// Whose turn it is.
    holder: Option<Tid>,
    /// The holder may have to wait in the kernel.
    careful: bool,
    /// All others, in the order in which they had the turn.
    queue: VecDeque<Tid>,
    places: BTreeMap<Tid, Place>,
    /// Calls of the holder since it got the turn.
    calls: u32,
    /// The time of our own.
    now: Duration,
    /// Calls, and turns that somebody got while there were others: what is the same in a run that
    /// does the same.
    pub(super) ticks: u64,
    /// The last time that the program was told, by clock, in nanoseconds.
    told: HashMap<i32, i64>,
    processes: HashMap<Tid, Process>,
    /// Somebody may have got a signal.
    signals: bool,
    /// Who lost the turn because it did nothing but run.
    preempted: Option<Tid>,
}

impl Turns {
    pub(super) fn new(on: bool) -> Self {
        Self { on, ..Self::default() }
    }

    /// Whether all of these wait for something.
    pub(super) fn all_wait(&self, mut tids: impl Iterator<Item = Tid>) -> bool {
        let waits = |place: &Place| !matches!(place, Place::Ready { .. } | Place::Comes);
        tids.all(|tid| self.places.get(&tid).is_some_and(waits))
    }

    /// Whether threads take turns.
    pub(super) const fn are_on(&self) -> bool {
        self.on
    }

    pub(super) fn is_holder(&self, tid: Tid) -> bool {
        self.holder == Some(tid)
    }

    /// A new thread. The first one has the turn.
    pub(super) fn add(&mut self, tid: Tid) {
        if !self.on {
            return;
        }
        if self.holder.is_none() && self.queue.is_empty() {
            self.holder = Some(tid);
            return;
        }
        self.now += BIRTH;
        self.queue.push_back(tid);
        self.places.insert(tid, Place::Comes);
    }

    /// A thread is gone.
    pub(super) fn remove(&mut self, tid: Tid) {
        if self.holder == Some(tid) {
            self.holder = None;
        }
        self.queue.retain(|known| *known != tid);
        self.places.remove(&tid);
        self.processes.remove(&tid);
    }

    /// A thread has another number from here on.
    pub(super) fn rename(&mut self, from: Tid, to: Tid) {
        if self.holder == Some(from) {
            self.holder = Some(to);
        }
        self.queue.iter_mut().filter(|known| **known == from).for_each(|known| *known = to);
        if let Some(place) = self.places.remove(&from) {
            self.places.insert(to, place);
        }
    }

    /// It is somebody else's turn.
    pub(super) fn pass(&mut self, tid: Tid, place: Place) {
        if self.holder == Some(tid) {
            self.holder = None;
            self.queue.push_back(tid);
        }
        self.places.insert(tid, place);
    }

    /// A thread that does not have the turn has stopped, and could run.
    pub(super) fn ready(&mut self, tid: Tid, signal: i32) {
        self.places.insert(tid, Place::Ready { signal });
    }

    /// The holder goes on as soon as those are still that wait in the kernel.
    pub(super) fn let_settle(&mut self, tid: Tid, signal: i32) {
        self.holder = None;
        self.queue.push_front(tid);
        self.places.insert(tid, Place::Ready { signal });
    }

    pub(super) fn set_careful(&mut self, careful: bool) {
        self.careful = careful;
    }

    /// Whether somebody waits in the kernel.
    pub(super) fn have_sleepers(&self) -> bool {
        self.places.values().any(|place| matches!(place, Place::Sleeps | Place::Lends))
    }

    /// What became of another thread may have become of these.
    pub(super) fn may_end(&mut self, tid: Tid) {
        if let Some(place) = self.places.get_mut(&tid) {
            *place = Place::Comes;
        }
    }

    /// Somebody may have got a signal.
    pub(super) fn look_for_signals(&mut self) {
        self.signals = true;
    }

    /// The holder has run for long without a call: everybody else's time has passed as well.
    pub(super) fn preempt(&mut self, tid: Tid) {
        let real = Instant::now();
        let late = self.places.values().filter_map(|place| match place {
            Place::Waits(wait) => wait.until.filter(|until| until.real <= real),
            _ => None,
        });
        if let Some(last) = late.map(|until| until.order).max() {
            self.now = self.now.max(last);
        }
        self.pass(tid, Place::Ready { signal: 0 });
        self.preempted = Some(tid);
    }

    /// The holder makes a call.
    pub(super) fn count(&mut self) {
        self.calls = self.calls.saturating_add(1);
        self.ticks += 1;
        self.now += CALL;
    }

    /// Whether the holder has had its turn for long.
    pub(super) fn is_long(&self) -> bool {
        let late = |place: &Place| match place {
            Place::Waits(wait) => wait.until.is_some_and(|until| until.order <= self.now),
            _ => false,
        };
        self.calls > LONGEST_TURN
            || self.calls > SHORT_TURN
                && self.calls.is_multiple_of(SHORT_TURN)
                && self.places.values().any(late)
    }

    /// The program was told the time.
    pub(super) fn told(&mut self, clock: i32, time: i64) {
        self.told.insert(clock, time);
    }

    /// In so long a time.
    fn within(&self, time: Duration) -> Option<Deadline> {
        let real = Instant::now().checked_add(time)?;
        Some(Deadline { order: self.now.checked_add(time)?, real })
    }
}
