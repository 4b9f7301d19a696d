//! The time that a restored run is told before its marker.
//!
//! From its marker on a restored run is told the times that the original got, and those lie before
//! today's. Were it told today's until then, its clocks would run backwards at the marker, which no
//! kernel does; programs rely on it (libuv aborts). So it is told times that come nearer and nearer
//! to the original's at the marker, and never reach them. Once it has read its image it may be at the
//! first thing that it does after the marker, so it gets the original's times from there on, if that
//! thread of the original got any.

use std::collections::HashMap;

use crate::sys::source;
use crate::table;
use crate::trace::{Call, Data, Payload};

const SECOND: i64 = 1_000_000_000;
const MILLISECOND: i64 = SECOND / 1000;

/// A run that sets up for longer is told times beyond the original's: what waits for a clock to go
/// on must end.
const LONGEST: i64 = 10 * SECOND;

/// The same for what is set up once the image was read.
const LONGEST_NEAR: i64 = 2 * SECOND;

/// What the original's clocks were at its marker, and what this run was told of them.
#[derive(Debug, Default)]
pub(crate) struct Before {
    /// The first time that the original got after its marker, in nanoseconds.
    first: HashMap<i32, i64>,
    /// Those that count in seconds only.
    coarse: HashMap<i32, i64>,
    told: HashMap<i32, Told>,
    is_near: bool,
}

#[derive(Clone, Copy, Debug)]
struct Told {
    /// The real time when it was first asked for, and when that changed to near.
    begun: i64,
    is_near: bool,
    last: i64,
}

impl Before {
    /// The original made this call after its marker.
    pub(crate) fn learn(&mut self, call: &Call) {
        let Some((clock, result)) = clock(call).zip(call.result) else { return };
        let Some(time) = time_of(call.number, result, &call.data) else { return };
        let is_coarse = unit(call.number) == Some(SECOND);
        let known = if is_coarse { &mut self.coarse } else { &mut self.first };
        let first = known.entry(clock).or_insert(time);
        *first = time.min(*first);
    }

    /// The image was read: what is set up now should find the time of the marker.
    pub(crate) const fn near(&mut self) {
        self.is_near = true;
    }

    /// Whether the image was read.
    pub(crate) const fn is_near(&self) -> bool {
        self.is_near
    }

    /// Replaces the time that a call is about to be told, and gives what it returns then.
    pub(crate) fn replace(&mut self, call: &mut Call, result: i64) -> i64 {
        let Some(clock) = clock(call) else { return result };
        let Some(real) = time_of(call.number, result, &call.data) else { return result };
        let Some(then) = self.first.get(&clock).or_else(|| self.coarse.get(&clock)).copied() else {
            return result;
        };
        let is_near = self.is_near;
        let told = self.told.entry(clock).or_insert(Told { begun: real, is_near, last: i64::MIN });
        if is_near && !told.is_near {
            (told.begun, told.is_near) = (real, true);
        }
        let time = before(then, real.saturating_sub(told.begun), is_near).max(told.last);
        told.last = time;
        put(call.number, result, &mut call.data, time)
    }
}

/// The time to tell so long after the beginning.
fn before(then: i64, passed: i64, is_near: bool) -> i64 {
    let (room, longest) = if is_near { (MILLISECOND, LONGEST_NEAR) } else { (SECOND, LONGEST) };
    let passed = passed.max(0);
    if passed > longest {
        return then.saturating_add(passed - longest);
    }
    // It goes as fast as the real one at first.
    then.saturating_sub(room * room / (room + passed)).max(0)
}

/// Which of the clocks that go on by themselves a call asks; those that are read in larger steps
/// stand for the others.
fn clock(call: &Call) -> Option<i32> {
    match table::row(call.number)?.name {
        "clock_gettime" => match i32::try_from(call.argument(0)).ok()? {
            libc::CLOCK_REALTIME_COARSE => Some(libc::CLOCK_REALTIME),
            libc::CLOCK_MONOTONIC_COARSE => Some(libc::CLOCK_MONOTONIC),
            clock @ (libc::CLOCK_REALTIME
            | libc::CLOCK_MONOTONIC
            | libc::CLOCK_MONOTONIC_RAW
            | libc::CLOCK_BOOTTIME
            | libc::CLOCK_TAI) => Some(clock),
            _ => None,
        },
        "gettimeofday" | "time" => Some(libc::CLOCK_REALTIME),
        _ => None,
    }
}

/// In which part of a second a call tells the time, and so what it receives.
fn unit(number: u64) -> Option<i64> {
    match table::row(number)?.name {
        "clock_gettime" => Some(1),
        "gettimeofday" => Some(1000),
        "time" => Some(SECOND),
        _ => None,
    }
}

/// The time that a call was told, in nanoseconds.
pub(super) fn time_of(number: u64, result: i64, data: &[Data]) -> Option<i64> {
    let unit = unit(number)?;
    if result < 0 {
        return None;
    }
    if unit == SECOND {
        return result.checked_mul(SECOND);
    }
    let bytes = &data.iter().find(|data| is_time(data))?.payload.bytes;
    let part = |at: usize| bytes.get(at..)?.first_chunk().map(|part| i64::from_le_bytes(*part));
    part(0)?.checked_mul(SECOND)?.checked_add(part(8)?.checked_mul(unit)?)
}

/// Puts another time in its place, and gives what the call returns then.
pub(super) fn put(number: u64, result: i64, data: &mut [Data], time: i64) -> i64 {
    let Some(unit) = unit(number) else { return result };
    if unit == SECOND {
        return time / SECOND;
    }
    let told = [time / SECOND, time % SECOND / unit].map(i64::to_le_bytes).concat();
    for data in data.iter_mut().filter(|data| is_time(data)) {
        data.payload = Payload::whole(told.clone());
    }
    result
}

/// Two numbers: `struct timespec` and `struct timeval`.
fn is_time(data: &Data) -> bool {
    data.out && data.payload.bytes.len() == 16
}

/// A time that goes on by itself, in nanoseconds.
pub(super) fn now() -> i64 {
    let (seconds, rest) = source::clock(libc::CLOCK_MONOTONIC).unwrap_or_default();
    seconds.saturating_mul(SECOND).saturating_add(rest)
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, LONGEST_NEAR, MILLISECOND, SECOND, before};

    #[test]
    fn it_rises_and_stays_below_the_marker() {
        let then = 1_000 * SECOND;
        for (is_near, longest) in [(false, LONGEST), (true, LONGEST_NEAR)] {
            let mut last = 0;
            for passed in (0..=longest).step_by(100_000_000) {
                let told = before(then, passed, is_near);
                assert!(told > last && told < then, "{passed} {told}");
                last = told;
            }
            assert_eq!(before(then, longest + SECOND, is_near), then + SECOND);
        }
        assert!(before(then, 0, true) >= then - MILLISECOND);
        assert_eq!(before(5, 0, false), 0);
    }
}
