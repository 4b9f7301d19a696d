//! Where the time goes while binaries are read and judged.

use std::cell::RefCell;
use std::time::{Duration, Instant};

/// What reading and judging took, by phase, and how much was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    /// The phases in the order in which they first ended, none inside of another. One that ran
    /// several times, as for the two sides of a comparison, stands here once, with the sum.
    pub phases: Vec<Phase>,
    /// How many units of debug information were read.
    pub units: u64,
    /// How many entries they have.
    pub entries: u64,
    /// How many types are left of them, each counted once.
    pub types: u64,
    /// How many bytes of `.debug_info` were read.
    pub info_bytes: u64,
}

/// One phase of the work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// What was done.
    pub name: &'static str,
    /// How long it took by the clock on the wall; other processors may have worked meanwhile.
    pub elapsed: Duration,
}

/// What is timed on one thread.
#[derive(Debug, Default)]
struct Clock {
    timings: Timings,
    /// What the phases inside of the current one took.
    inner: Duration,
}

thread_local! {
    /// `None` if nobody asks what the work of this thread takes.
    static CLOCK: RefCell<Option<Clock>> = const { RefCell::new(None) };
}

/// Does some work of this crate, and tells what it took. Only what this thread does is timed, with
/// what others do for it while it waits. Timed work inside of other timed work counts for itself
/// alone.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Timings) {
    let outer = CLOCK.replace(Some(Clock::default()));
    let done = work();
    let timings = CLOCK.replace(outer).unwrap_or_default().timings;
    (done, timings)
}

/// Does one phase of the work. What phases inside of it take is theirs.
pub(crate) fn phase<T>(name: &'static str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let before = on_clock(|clock| std::mem::take(&mut clock.inner));
    let done = work();
    let elapsed = start.elapsed();
    on_clock(|clock| {
        clock.timings.spent(name, elapsed.saturating_sub(clock.inner));
        clock.inner = before.unwrap_or_default() + elapsed;
    });
    done
}

/// Adds to the counts, if they are asked for.
pub(crate) fn note(add: impl FnOnce(&mut Timings)) {
    on_clock(|clock| add(&mut clock.timings));
}

fn on_clock<T>(tell: impl FnOnce(&mut Clock) -> T) -> Option<T> {
    CLOCK.with_borrow_mut(|clock| clock.as_mut().map(tell))
}

impl Timings {
    fn spent(&mut self, name: &'static str, elapsed: Duration) {
        match self.phases.iter_mut().find(|phase| phase.name == name) {
            Some(phase) => phase.elapsed += elapsed,
            None => self.phases.push(Phase { name, elapsed }),
        }
    }
}
