//! Giving a run the times that an earlier one got, at the places where that got them.
//!
//! How often a clock is read is no part of a program's state: collectors of garbage, compilers at
//! run time and schedulers of languages read clocks when they feel like it. So times are not given
//! one after the other alone, but by how far a thread has come: between two of its other calls it
//! gets the times that the earlier run got between those two. What it asks for beyond that lies in
//! between, and what it does not ask for is left out.

use std::collections::{HashMap, VecDeque};

use super::clocks::{now, put, time_of};
use super::mirror::Given;

/// A call is looked for among so many that the earlier run made next.
const FARTHEST: usize = 16;

/// So often the time may stand still before the next one is given nevertheless: what waits for a
/// clock to go on must end.
const MOST_HELD: u32 = 200;

#[derive(Debug, Default)]
pub(crate) struct Pace {
    threads: HashMap<String, Thread>,
}

#[derive(Debug, Default)]
struct Thread {
    /// The calls of the earlier run, in order.
    calls: Vec<u64>,
    /// So many of them have been made.
    made: usize,
    queues: HashMap<u64, Queue>,
    /// It has waited since a clock was last read, so that time must have passed.
    waited: bool,
}

#[derive(Debug, Default)]
struct Queue {
    /// Each with how many calls had been made before.
    times: VecDeque<(usize, Given)>,
    /// What was given last, and the real time then, in nanoseconds.
    last: Option<(Given, i64)>,
    held: u32,
}

impl Pace {
    /// The earlier run's thread made this call.
    pub(crate) fn learn_call(&mut self, lineage: &str, call: u64) {
        self.thread(lineage).calls.push(call);
    }

    /// And was told this by a clock.
    pub(crate) fn learn_time(&mut self, lineage: &str, source: u64, given: Given) {
        let thread = self.thread(lineage);
        let made = thread.calls.len();
        thread.queues.entry(source).or_default().times.push_back((made, given));
    }

    fn thread(&mut self, lineage: &str) -> &mut Thread {
        if !self.threads.contains_key(lineage) {
            self.threads.insert(lineage.to_owned(), Thread::default());
        }
        // It is there by now.
        self.threads.entry(lineage.to_owned()).or_default()
    }

    /// This run's thread made this call.
    pub(crate) fn made(&mut self, lineage: &str, call: u64) {
        let Some(thread) = self.threads.get_mut(lineage) else { return };
        let next = thread.calls.iter().skip(thread.made).take(FARTHEST);
        if let Some(ahead) = next.into_iter().position(|next| *next == call) {
            thread.made += ahead + 1;
        }
    }

    /// This run's thread has waited.
    pub(crate) fn waited(&mut self, lineage: &str) {
        if let Some(thread) = self.threads.get_mut(lineage) {
            thread.waited = true;
        }
    }

    /// What a clock tells now.
    pub(crate) fn next(&mut self, lineage: &str, source: u64, number: u64) -> Option<Given> {
        let thread = self.threads.get_mut(lineage)?;
        let queue = thread.queues.get_mut(&source)?;
        let waited = std::mem::take(&mut thread.waited);
        queue.next(thread.made, waited, number)
    }
}

impl Queue {
    fn next(&mut self, made: usize, waited: bool, number: u64) -> Option<Given> {
        let real = now();
        while self.times.front().is_some_and(|(then, _)| *then < made) {
            self.last = self.times.pop_front().map(|(_, given)| (given, real));
        }
        let is_due = self.times.front().is_some_and(|(then, _)| *then == made);
        let is_due = is_due || waited || self.held >= MOST_HELD;
        if is_due && let Some((_, given)) = self.times.pop_front() {
            self.held = 0;
            self.last = Some((given.clone(), real));
            return Some(given);
        }
        self.between(real, number)
    }

    /// A time that the earlier run did not ask for here: as much later than the last one as it is,
    /// and not later than the next one.
    fn between(&mut self, real: i64, number: u64) -> Option<Given> {
        let next = self.times.front().map(|(_, given)| given);
        let Some((last, then)) = &self.last else {
            self.held += 1;
            return next.cloned();
        };
        let mut given = last.clone();
        if let Some(time) = time_of(number, given.result, &given.data) {
            let mut later = time.saturating_add(real.saturating_sub(*then).max(0));
            if let Some(next) = next.and_then(|next| time_of(number, next.result, &next.data))
                && later >= next
            {
                self.held += 1;
                later = next;
            }
            given.result = put(number, given.result, &mut given.data, later.max(time));
        }
        Some(given)
    }
}

#[cfg(test)]
mod tests {
    use super::{Given, Pace};
    use crate::table;
    use crate::trace::{Data, Payload};

    fn clock(nanoseconds: i64) -> Given {
        let bytes = [0_i64, nanoseconds].map(i64::to_le_bytes).concat();
        let data = vec![Data { argument: 1, out: true, payload: Payload::whole(bytes) }];
        Given { result: 0, data }
    }

    fn told(given: Option<Given>) -> i64 {
        let given = given.expect("a time");
        let bytes = given.data[0].payload.bytes.last_chunk().expect("a number");
        i64::from_le_bytes(*bytes)
    }

    #[test]
    fn times_come_between_the_calls_where_the_earlier_run_got_them() {
        let number = table::number("clock_gettime").expect("a number");
        let (write, rename) = (1, 2);
        let mut pace = Pace::default();
        pace.learn_time("0", 7, clock(100));
        pace.learn_time("0", 7, clock(200));
        pace.learn_call("0", write);
        pace.learn_time("0", 7, clock(300));
        pace.learn_call("0", rename);
        pace.learn_time("0", 7, clock(400));
        let next = |pace: &mut Pace| told(pace.next("0", 7, number));
        assert_eq!(next(&mut pace), 100);
        pace.made("0", write);
        // One that was not asked for is left out, and one that was not there comes in between.
        assert_eq!(next(&mut pace), 300);
        let between = next(&mut pace);
        assert!((300..=400).contains(&between), "{between}");
        pace.made("0", rename);
        assert_eq!(next(&mut pace), 400);
        assert!(next(&mut pace) >= 400);
        // A call that the earlier run did not make changes nothing; nobody waits for ever.
        let mut pace = Pace::default();
        pace.learn_call("0", write);
        pace.learn_time("0", 7, clock(500));
        pace.learn_call("0", write);
        pace.learn_time("0", 7, clock(600));
        pace.made("0", rename);
        pace.made("0", write);
        assert_eq!(next(&mut pace), 500);
        assert!((0..1000).any(|_| next(&mut pace) == 600));
        assert!(pace.next("0.1", 7, number).is_none());
        // Who has waited finds that time has passed.
        let mut pace = Pace::default();
        pace.learn_time("0", 7, clock(700));
        pace.learn_call("0", write);
        pace.learn_time("0", 7, clock(900_000_000));
        assert_eq!(next(&mut pace), 700);
        assert!(next(&mut pace) < 900_000_000);
        pace.waited("0");
        assert_eq!(next(&mut pace), 900_000_000);
    }
}
