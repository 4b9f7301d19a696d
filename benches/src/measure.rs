//! Measuring many candidates in turns.
//!
//! Neither criterion nor divan does this: both run a candidate to its end before the next one
//! starts, so that a change of the machine's speed between the two looks like a difference between
//! them, and divan cannot be given another clock. Here every round runs each candidate once.

use std::convert::Infallible;
use std::hint::black_box;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// CPU time of this thread, the kernel's part included. It does not pass while others run.
fn now() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // Both are positive: the clock starts at zero with the thread.
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Time of one run of `work`, and what it made, which is dropped outside of the time.
pub(crate) fn timed<R>(work: impl FnOnce() -> R) -> (Duration, R) {
    let start = now();
    let made = black_box(work());
    (now() - start, made)
}

/// Bytes that no cache is larger than.
const EVICT: usize = 64 << 20;

/// One thing to be measured; running it returns the time of its measured part.
pub(crate) struct Candidate<'a> {
    /// What tables call it.
    pub(crate) name: String,
    /// Runs it once, and checks what it made.
    pub(crate) run: Box<dyn FnMut() -> Duration + 'a>,
}

impl<'a> Candidate<'a> {
    /// A candidate.
    pub(crate) fn new(name: &str, run: impl FnMut() -> Duration + 'a) -> Self {
        Self { name: name.to_owned(), run: Box::new(run) }
    }
}

/// The result of one candidate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Timing {
    /// The candidate.
    pub(crate) name: String,
    /// Median of all rounds, in milliseconds.
    pub(crate) ms: f64,
    /// Median of the ratio to the first candidate in the same round.
    pub(crate) ratio: f64,
}

/// Runs all candidates in turns, `rounds` times after one round that does not count.
pub(crate) fn candidates_in_turns(
    mut candidates: Vec<Candidate<'_>>,
    rounds: usize,
) -> Vec<Timing> {
    let names = candidates.iter().map(|candidate| candidate.name.clone()).collect();
    for candidate in &mut candidates {
        (candidate.run)();
    }
    let mut runs = 0;
    let mut evictor = vec![1_u8; EVICT];
    let run = |index: usize| {
        // Where a result lands decides how fast it is copied there. This moves it.
        let _padding = black_box(vec![1_u8; runs % 64 * 1104]);
        runs += 1;
        // The one before left its own data in the caches, some of it of use to this one.
        evictor.iter_mut().for_each(|byte| *byte = byte.wrapping_add(1));
        black_box(&mut evictor);
        Ok::<_, Infallible>((candidates[index].run)())
    };
    match in_turns(names, rounds, run) {
        Ok(timings) => timings,
        Err(never) => match never {},
    }
}

/// Runs candidates by their numbers, in turns. Every round starts with another one. Ratios are to
/// the first of the list.
///
/// # Errors
/// As `run`.
pub(crate) fn in_turns<E>(
    names: Vec<String>,
    rounds: usize,
    mut run: impl FnMut(usize) -> Result<Duration, E>,
) -> Result<Vec<Timing>, E> {
    let count = names.len();
    let mut times = vec![Vec::<f64>::with_capacity(rounds); count];
    for round in 0..rounds {
        for turn in 0..count {
            let index = (turn + round) % count;
            times[index].push(run(index)?.as_secs_f64() * 1e3);
        }
    }
    let ratio = |index: usize| {
        median(times[index].iter().zip(&times[0]).map(|(time, base)| time / base).collect())
    };
    let timing = |(index, name): (usize, String)| Timing {
        name,
        ms: median(times[index].clone()),
        ratio: ratio(index),
    };
    Ok(names.into_iter().enumerate().map(timing).collect())
}

/// The value in the middle; 0 of none.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
