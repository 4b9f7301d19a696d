//! What the processor says that it can do.
//!
//! Some instructions give every run other bytes, and nobody can trap them. So the program is told
//! that there are none: asking is made to fail in it, and the tracer answers. That has to be asked
//! of the kernel by the program itself, and anew after each `execve`, so the first call that a new
//! program makes becomes that request, and is then made once more as what it was.

use super::engine::{Engine, alive, gone};
use super::proc::is_filtered;
use crate::Error;
use crate::sys::{Tid, memory, ptrace};

impl Engine<'_> {
    /// A thread is stopped before a call: whether another one is made first.
    pub(super) fn hides_features(&mut self, tid: Tid) -> Result<bool, Error> {
        let Some(task) = self.tasks.get_mut(&tid) else { return Ok(false) };
        if !std::mem::take(&mut task.is_new) || !self.knobs.hidden_rdrand {
            return Ok(false);
        }
        if task.every && !is_filtered() {
            // The program's own filter may kill it for a call that it did not expect.
            self.remark(tid, UNHIDDEN)?;
            return Ok(false);
        }
        let Some(registers) = alive(ptrace::registers(tid), "read the registers", tid)? else {
            return Ok(false);
        };
        task.entered = None;
        task.interposed = Some(registers);
        let other = registers.hiding_features();
        gone(ptrace::set_registers(tid, &other), "set the registers", tid)?;
        self.turns.set_careful(false);
        gone(ptrace::resume_to_exit(tid, 0), "resume", tid)?;
        Ok(true)
    }

    /// A thread is stopped behind a call: whether it was one of ours.
    pub(super) fn has_hidden_features(&mut self, tid: Tid) -> Result<bool, Error> {
        let Some(task) = self.tasks.get_mut(&tid) else { return Ok(false) };
        let Some(mut registers) = task.interposed.take() else { return Ok(false) };
        if alive(ptrace::result(tid), "read the result", tid)?.is_some_and(|result| result < 0) {
            self.remark(tid, UNHIDDEN)?;
        }
        registers.call_again();
        gone(ptrace::set_registers(tid, &registers), "set the registers", tid)?;
        self.run_on(tid, 0)?;
        Ok(true)
    }

    /// Whether a fault was an attempt to ask for the features; it has been answered then.
    pub(super) fn told_features(
        &mut self,
        tid: Tid,
        signal: i32,
        code: i32,
    ) -> Result<bool, Error> {
        const BY_KERNEL: i32 = 0x80;
        if !self.knobs.hidden_rdrand || signal != libc::SIGSEGV || code != BY_KERNEL {
            return Ok(false);
        }
        let Some(mut registers) = alive(ptrace::registers(tid), "read the registers", tid)? else {
            return Ok(false);
        };
        let mut instruction = [0; 2];
        let got = memory::read(tid, registers.instruction(), &mut instruction);
        if !registers.give_features(&instruction[..got]) {
            return Ok(false);
        }
        gone(ptrace::set_registers(tid, &registers), "set the registers", tid)?;
        Ok(true)
    }
}

/// What is said where it cannot be done.
pub(super) const UNHIDDEN: &str = "random bytes that the program takes from the processor itself \
     (rdrand, rdseed) differ in every run: these instructions cannot be hidden here";
