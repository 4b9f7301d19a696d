//! Whose turn it is next, and waiting when it is nobody's.

use std::fs;
use std::time::{Duration, Instant};

use super::super::engine::{Engine, gone};
use super::{Place, Wait, What, signals};
use crate::Error;
use crate::sys::probe::{Patience, give_way};
use crate::sys::wait::{self, Stop};
use crate::sys::{Tid, memory, ptrace};

/// So often it is looked whether a signal came while nobody runs.
const LOOK: Duration = Duration::from_millis(10);

/// What the kernel says a thread does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It waits for something that may never come.
    Sleeping,
    /// It waits for something that will come.
    Disk,
    /// It is stopped for us.
    Stopped,
    /// It has ended.
    Gone,
    Running,
}

impl Engine<'_> {
    /// The next thing that happens; `None` when there is nobody left.
    pub(in super::super) fn next(&mut self) -> Result<Option<(Tid, Stop)>, Error> {
        let waiting = Error::trace("wait for a stop", 0);
        if self.is_attached() {
            return self.next_or_goodbye();
        }
        if !self.turns.are_on() {
            return wait::next().map_err(waiting);
        }
        loop {
            if let Some(holder) = self.turns.holder {
                if !self.turns.careful {
                    return wait::next().map_err(waiting);
                }
                match self.watch_holder(holder)? {
                    Some(stop) => return Ok(Some(stop)),
                    None => continue,
                }
            }
            if let Some(stop) = self.settle()? {
                return Ok(Some(stop));
            }
            if self.tasks.is_empty() {
                return wait::next().map_err(waiting);
            }
            if std::mem::take(&mut self.turns.signals) {
                self.look_for_signals();
            }
            if self.choose()? {
                continue;
            }
            match self.idle()? {
                Idle::Stop(stop) => return Ok(Some(stop)),
                Idle::Over => return Ok(None),
                Idle::Choose => {}
            }
        }
    }

    /// The holder is in a call in which it may have to wait: `None` if it does.
    fn watch_holder(&mut self, holder: Tid) -> Result<Option<(Tid, Stop)>, Error> {
        let mut patience = Patience::default();
        give_way();
        loop {
            let stop = wait::poll().map_err(Error::trace("wait for a stop", holder))?;
            if stop.is_some() {
                return Ok(stop);
            }
            if patience.is_tried() && self.state(holder) == State::Sleeping {
                // It may have stopped or gone on just now.
                let stop = wait::poll().map_err(Error::trace("wait for a stop", holder))?;
                if stop.is_none() {
                    self.turns.pass(holder, Place::Sleeps);
                }
                return Ok(stop);
            }
            patience.pause();
        }
    }

    /// Waits until all others are where they stay: stopped, or asleep.
    fn settle(&mut self) -> Result<Option<(Tid, Stop)>, Error> {
        // All that are stopped stay so until we let them go on.
        let stays =
            |place: &Place| matches!(place, Place::Ready { .. } | Place::Waits(_) | Place::Paused);
        if self.turns.places.values().all(stays) {
            return Ok(None);
        }
        let mut patience = Patience::default();
        loop {
            let stop = wait::poll().map_err(Error::trace("wait for a stop", 0))?;
            if stop.is_some() {
                return Ok(stop);
            }
            let moves = self.turns.places.iter().any(|(tid, place)| match place {
                Place::Ready { .. } | Place::Waits(_) | Place::Paused => false,
                Place::Sleeps => self.state(*tid) != State::Sleeping,
                Place::Lends => !matches!(self.state(*tid), State::Sleeping | State::Disk),
                // The first thread of a process stays until all others have ended.
                Place::Comes => self.state(*tid) != State::Gone,
            });
            if !moves {
                return wait::poll().map_err(Error::trace("wait for a stop", 0));
            }
            patience.pause();
        }
    }

    fn state(&self, tid: Tid) -> State {
        let pid = self.process_of(tid);
        let text = fs::read(format!("/proc/{pid}/task/{tid}/stat")).unwrap_or_default();
        // The name stands in parentheses and may hold anything.
        let after = text.iter().rposition(|&byte| byte == b')').map_or(0, |at| at + 2);
        match text.get(after) {
            Some(b'S') => State::Sleeping,
            Some(b'D') => State::Disk,
            Some(b't' | b'T') => State::Stopped,
            Some(b'Z' | b'X') | None => State::Gone,
            _ => State::Running,
        }
    }

    /// Gives the turn to whoever can go on and had none for longest; whether there is somebody.
    fn choose(&mut self) -> Result<bool, Error> {
        for index in 0..self.turns.queue.len() {
            let tid = self.turns.queue[index];
            let (met, until) = match self.turns.places.get(&tid) {
                Some(Place::Ready { .. }) => (true, None),
                Some(Place::Waits(wait)) => {
                    let late = wait.until.filter(|until| until.order <= self.turns.now);
                    let for_ever = wait.until.is_none();
                    let met = match &wait.what {
                        What::Woken => true,
                        // That it gets the turn is a tick itself.
                        What::Input { when, .. } => *when <= self.turns.ticks + 1,
                        _ if wait.interrupted => self.is_interrupted(tid),
                        // Nobody else is there who could run meanwhile.
                        What::Files(_) if self.is_alone() && for_ever => true,
                        What::Files(wanted) if !wanted.is_empty() => {
                            let wanted = wanted.clone();
                            self.is_ready(self.process_of(tid), &wanted)
                        }
                        _ => false,
                    };
                    (met, late)
                }
                _ => continue,
            };
            if met || until.is_some() {
                self.turns.queue.remove(index);
                self.turns.holder = Some(tid);
                self.turns.calls = 0;
                if !self.is_alone() {
                    self.turns.ticks += 1;
                }
                self.tell_preemption(tid)?;
                if let Some(until) = until.filter(|_| !met) {
                    self.sleep_until(until.real);
                }
                self.go_on(tid, met)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Time passes for everybody.
    fn sleep_until(&self, real: Instant) {
        loop {
            let left = real.saturating_duration_since(Instant::now());
            if left.is_zero() || self.is_unwanted() {
                return;
            }
            std::thread::sleep(left.min(LOOK));
        }
    }

    /// The holder goes on from where it was; `met` is whether what it waited for came.
    fn go_on(&mut self, tid: Tid, met: bool) -> Result<(), Error> {
        match self.turns.places.remove(&tid) {
            Some(Place::Waits(Wait { what: What::Input { late, .. }, .. })) => {
                self.turns.now = self.turns.now.max(late.unwrap_or_default());
                self.comes_in(tid)
            }
            Some(Place::Waits(wait)) if wait.interrupted && met => self.resume(tid, 0),
            Some(Place::Ready { signal }) => self.run_on(tid, signal),
            Some(Place::Waits(Wait { what: What::Woken, .. })) => self.complete(tid, 0),
            Some(Place::Waits(_)) if met => self.resume(tid, 0),
            Some(Place::Waits(Wait { what: What::Time, .. })) => self.complete(tid, 0),
            Some(Place::Waits(Wait { what: What::Futex { .. }, .. })) => {
                self.complete(tid, -i64::from(libc::ETIMEDOUT))
            }
            Some(Place::Waits(_)) => match self.out_of_time(tid) {
                None => self.complete(tid, 0),
                Some((index, time)) => {
                    let Some(task) = self.tasks.get_mut(&tid) else { return Ok(()) };
                    let Some(pending) = task.pending.as_mut() else { return Ok(()) };
                    if time.is_empty() {
                        pending.changed.push(index);
                        gone(ptrace::set_argument(tid, index, 0), "set an argument", tid)?;
                    } else if memory::write(tid, pending.arguments[index], &time).is_err() {
                        return self.complete(tid, 0);
                    }
                    self.resume(tid, 0)
                }
            },
            _ => Ok(()),
        }
    }

    /// The holder has sent a signal; it may have ended others.
    pub(in super::super) fn signalled(&mut self, tid: Tid) {
        if !self.turns.are_on() {
            return;
        }
        self.turns.look_for_signals();
        let others: Vec<Tid> = self.tasks.keys().copied().filter(|other| *other != tid).collect();
        for other in others {
            let held = matches!(
                self.turns.places.get(&other),
                Some(Place::Ready { .. } | Place::Waits(_) | Place::Paused)
            );
            if held && self.state(other) != State::Stopped {
                self.turns.may_end(other);
            }
        }
    }

    /// Those with a signal to handle go on into their calls, which notice it.
    fn look_for_signals(&mut self) {
        let waiting: Vec<Tid> = self
            .turns
            .queue
            .iter()
            .copied()
            .filter(|tid| matches!(self.turns.places.get(tid), Some(Place::Waits(_))))
            .collect();
        for tid in waiting {
            let interrupted = self.is_interrupted(tid);
            if let Some(Place::Waits(wait)) = self.turns.places.get_mut(&tid) {
                wait.interrupted = interrupted;
            }
        }
    }

    /// Whether a signal is there that ends the call that a thread is stopped before. Another thread
    /// of its process may take it first.
    fn is_interrupted(&self, tid: Tid) -> bool {
        signals::wait_for(self.process_of(tid), tid, self.blocks(tid))
    }

    fn process_of(&self, tid: Tid) -> Tid {
        self.tasks.get(&tid).map_or(tid, |task| task.pid)
    }

    /// Somebody lost the turn although it could have gone on for ever.
    fn tell_preemption(&mut self, next: Tid) -> Result<(), Error> {
        match self.turns.preempted.take() {
            Some(tid) if tid != next => self.untraced(
                tid,
                "which thread comes first from here on: one ran for very long without a call, and \
                 was stopped in the middle so that others could run"
                    .to_owned(),
            ),
            _ => Ok(()),
        }
    }

    /// Nobody can go on.
    fn idle(&mut self) -> Result<Idle, Error> {
        let failed = || Error::trace("wait for a stop", 0);
        if self.wake_changed() {
            return Ok(Idle::Choose);
        }
        let waits = |place: &Place| matches!(place, Place::Waits(_));
        if !self.turns.places.values().any(waits) {
            let stop = wait::next().map_err(failed())?;
            return Ok(stop.map_or(Idle::Over, Idle::Stop));
        }
        // The one whose time is up first; of several, the one that has waited longest.
        let first = self
            .turns
            .queue
            .iter()
            .filter_map(|tid| match self.turns.places.get(tid) {
                Some(Place::Waits(wait)) => wait.until,
                _ => None,
            })
            .min_by_key(|until| until.order);
        if first.is_none() && self.let_input_come() {
            return Ok(Idle::Choose);
        }
        let mut looked = Instant::now();
        let mut pause = Duration::from_micros(50);
        loop {
            if let Some(stop) = wait::poll().map_err(failed())? {
                return Ok(Idle::Stop(stop));
            }
            let now = Instant::now();
            if let Some(first) = first.filter(|first| first.real <= now) {
                self.turns.now = self.turns.now.max(first.order);
                return Ok(Idle::Choose);
            }
            if self.has_input() {
                return Ok(Idle::Choose);
            }
            if now.duration_since(looked) >= LOOK {
                looked = now;
                self.look_for_signals();
                let interrupted =
                    |place: &Place| matches!(place, Place::Waits(wait) if wait.interrupted);
                if self.wake_changed() || self.turns.places.values().any(interrupted) {
                    return Ok(Idle::Choose);
                }
            }
            let left = first.map_or(pause, |first| first.real.saturating_duration_since(now));
            std::thread::sleep(pause.min(left));
            pause = (pause * 2).min(Duration::from_millis(2));
        }
    }

    /// Nobody will do anything any more that input could come after: who waits for the first one gets
    /// it now. Whether there is somebody.
    fn let_input_come(&mut self) -> bool {
        let input = self.turns.places.values_mut().filter_map(|place| match place {
            Place::Waits(Wait { what: What::Input { when, .. }, .. }) => Some(when),
            _ => None,
        });
        let Some(first) = input.min_by_key(|when| **when) else { return false };
        *first = 0;
        true
    }

    /// Whether one of those that wait for descriptors could go on.
    fn has_input(&mut self) -> bool {
        let waiting: Vec<(Tid, Vec<(i32, i16)>)> = self
            .turns
            .places
            .iter()
            .filter_map(|(tid, place)| match place {
                Place::Waits(Wait { what: What::Files(wanted), .. }) if !wanted.is_empty() => {
                    Some((*tid, wanted.clone()))
                }
                _ => None,
            })
            .collect();
        waiting.into_iter().any(|(tid, wanted)| {
            let pid = self.process_of(tid);
            self.is_ready(pid, &wanted)
        })
    }
}

/// What comes of waiting.
enum Idle {
    Stop((Tid, Stop)),
    /// Somebody may be able to go on.
    Choose,
    /// There is nobody left.
    Over,
}
