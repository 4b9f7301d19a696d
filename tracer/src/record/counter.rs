//! The processor's counter of time, which programs read without asking the kernel.
//!
//! Reading it is made to fail in the program, and the tracer answers: with a counter that says the
//! same in every run in which the program was told the same times in the same order.

use super::engine::{Engine, alive, gone};
use crate::Error;
use crate::sys::{Tid, memory, ptrace};

/// How much it counts in a nanosecond.
const SPEED: u64 = 3;
/// How much it counts between two readings at the same time.
const STEP: u64 = 60;

/// What was counted so far.
#[derive(Debug)]
pub(super) struct Counter {
    value: u64,
    /// The latest time that the program was told, in nanoseconds.
    told: Option<i64>,
}

impl Default for Counter {
    fn default() -> Self {
        Self { value: 1 << 40, told: None }
    }
}

impl Counter {
    /// The program was told this time by a clock that never goes back.
    pub(super) fn told(&mut self, time: i64) {
        if let Some(before) = self.told.replace(time)
            && let Ok(passed) = u64::try_from(time.saturating_sub(before))
        {
            self.value = self.value.wrapping_add(passed.saturating_mul(SPEED));
        }
    }

    fn read(&mut self) -> u64 {
        self.value = self.value.wrapping_add(STEP);
        self.value
    }
}

impl Engine<'_> {
    /// Whether a fault was an attempt to read the counter; it has been answered then.
    pub(super) fn counted(&mut self, tid: Tid, signal: i32, code: i32) -> Result<bool, Error> {
        const BY_KERNEL: i32 = 0x80;
        if !self.knobs.traps_counter() || signal != libc::SIGSEGV || code != BY_KERNEL {
            return Ok(false);
        }
        let Some(mut registers) = alive(ptrace::registers(tid), "read the registers", tid)? else {
            return Ok(false);
        };
        let mut instruction = [0; 3];
        let got = memory::read(tid, registers.instruction(), &mut instruction);
        if !registers.reads_counter(&instruction[..got]) {
            return Ok(false);
        }
        registers.give_counter(self.counter.read(), &instruction);
        gone(ptrace::set_registers(tid, &registers), "set the registers", tid)?;
        Ok(true)
    }
}
