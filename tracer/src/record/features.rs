//! What the processor says that it can do.
//!
//! Some instructions give every run other bytes, and nobody can trap them. So the program is told
//! that there are none: asking is made to fail in it, and the tracer answers. That has to be asked
//! of the kernel by the program itself, and anew after each `execve`, so the first call that a new
//! program makes becomes that request, and is then made once more as what it was. What else a new
//! program has to ask for us goes the same way.

use super::engine::{Engine, alive, gone};
use super::proc::is_filtered;
use crate::Error;
use crate::sys::arch::Registers;
use crate::sys::window::Window;
use crate::sys::{Tid, landing, memory, ptrace};

/// A call of ours that a new program makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    /// `cpuid` fails from now on.
    Features,
    /// There is memory for [`landing`].
    Map,
    /// A part of it can be executed.
    Protect,
    /// Opens what is shared with us.
    Open,
    /// The other part is shared.
    Share,
    /// Closes that again.
    Close,
}

impl Own {
    /// `fd` is what it has opened for us.
    fn instead_of(self, registers: &Registers, fd: i64) -> Registers {
        const READ: u64 = libc::PROT_READ.cast_unsigned() as u64;
        const WRITE: u64 = libc::PROT_WRITE.cast_unsigned() as u64;
        const EXECUTE: u64 = libc::PROT_EXEC.cast_unsigned() as u64;
        const NEW: u64 =
            (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE) as u64;
        match self {
            Self::Features => registers.hiding_features(),
            Self::Map => {
                let (place, length) = (landing::BASE, landing::LENGTH);
                registers.making(libc::SYS_mmap, [place, length, READ | WRITE, NEW, u64::MAX, 0])
            }
            Self::Protect => {
                let (place, length) = (landing::BASE, landing::CODE);
                registers.making(libc::SYS_mprotect, [place, length, READ | EXECUTE, 0, 0, 0])
            }
            Self::Open => {
                let folder = i64::from(libc::AT_FDCWD).cast_unsigned();
                let flags = libc::O_RDWR | libc::O_CLOEXEC | libc::O_NOCTTY | libc::O_NONBLOCK;
                let flags = u64::from(flags.cast_unsigned());
                registers.making(libc::SYS_openat, [folder, landing::KEPT, flags, 0, 0, 0])
            }
            Self::Share => {
                const OVER: u64 = (libc::MAP_SHARED | libc::MAP_FIXED) as u64;
                let (place, length) = (landing::KEPT, landing::LENGTH - landing::CODE);
                let fd = fd.cast_unsigned();
                registers.making(libc::SYS_mmap, [place, length, READ | WRITE, OVER, fd, 0])
            }
            Self::Close => registers.making(libc::SYS_close, [fd.cast_unsigned(), 0, 0, 0, 0, 0]),
        }
    }
}

impl Engine<'_> {
    /// What a new program has to ask for us before it makes its first call.
    pub(super) fn own_calls(&self) -> Vec<Own> {
        let features = self.knobs.hidden_rdrand.then_some(Own::Features);
        // The last one comes first.
        self.wants_landing().iter().rev().copied().chain(features).collect()
    }

    /// A thread is stopped before a call: whether another one is made first.
    pub(super) fn makes_ours(&mut self, tid: Tid) -> Result<bool, Error> {
        let Some(task) = self.tasks.get_mut(&tid) else { return Ok(false) };
        let Some(own) = task.own.pop() else { return Ok(false) };
        if task.every && (own != Own::Features || !is_filtered()) {
            // The program's own filter may kill it for a call that it did not expect, and what
            // stops at every border never lands.
            task.own.clear();
            if own == Own::Features {
                self.remark(tid, UNHIDDEN)?;
            }
            return Ok(false);
        }
        let Some(registers) = alive(ptrace::registers(tid), "read the registers", tid)? else {
            return Ok(false);
        };
        let is_possible = match own {
            Own::Map => registers.tell_origin(),
            // What is shared will lie over the name.
            Own::Open => self.window.as_ref().and_then(Window::path).is_some_and(|name| {
                memory::write(tid, landing::KEPT, name.as_bytes_with_nul()).is_ok()
            }),
            Own::Features | Own::Protect | Own::Share | Own::Close => true,
        };
        if !is_possible {
            task.own.clear();
            return Ok(false);
        }
        task.entered = None;
        task.interposed = Some((registers, own));
        let other = own.instead_of(&registers, task.own_fd);
        gone(ptrace::set_registers(tid, &other), "set the registers", tid)?;
        self.turns.set_careful(false);
        gone(ptrace::resume_to_exit(tid, 0), "resume", tid)?;
        Ok(true)
    }

    /// A thread is stopped behind a call: whether it was one of ours.
    pub(super) fn has_made_ours(&mut self, tid: Tid) -> Result<bool, Error> {
        let Some(task) = self.tasks.get_mut(&tid) else { return Ok(false) };
        let Some((mut registers, own)) = task.interposed.take() else { return Ok(false) };
        let result = alive(ptrace::result(tid), "read the result", tid)?;
        match own {
            Own::Features if result.is_some_and(|result| result < 0) => {
                self.remark(tid, UNHIDDEN)?;
            }
            Own::Features => {}
            Own::Map => {
                let is_there = result == Some(landing::BASE.cast_signed());
                if !is_there || memory::write(tid, landing::BASE, &landing::code()).is_err() {
                    task.own.clear();
                }
            }
            Own::Protect => {
                task.lands = result == Some(0);
                if !task.lands {
                    task.own.clear();
                }
            }
            Own::Open => match result.filter(|fd| *fd >= 0) {
                None => task.own.clear(),
                Some(fd) => {
                    task.own_fd = fd;
                    if !self.window.as_ref().is_some_and(|window| window.is(tid, fd)) {
                        task.own = vec![Own::Close];
                    }
                }
            },
            Own::Share => {
                task.shares = result == Some(landing::KEPT.cast_signed());
                // If it is not there, what was there may be gone.
                task.lands = task.shares;
            }
            Own::Close => {}
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
