//! On which processors a thread may run.

use std::io;

use super::{Tid, check};

/// A set of processors.
#[derive(Clone, Copy)]
pub(crate) struct Processors(libc::cpu_set_t);

impl Processors {
    /// The set that holds one processor.
    pub(crate) fn one(number: usize) -> Self {
        // SAFETY: cpu_set_t is an array of integers; all zeros is the empty set.
        let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
        if number < size_of::<libc::cpu_set_t>() * 8 {
            // SAFETY: the number was just checked against the number of bits in the set.
            unsafe { libc::CPU_SET(number, &mut set) };
        }
        Self(set)
    }

    /// The set that holds one of these, counted from 0 and round again; `None` if there are none.
    pub(crate) fn nth(&self, number: usize) -> Option<Self> {
        let all = 0..size_of::<libc::cpu_set_t>() * 8;
        // SAFETY: no number reaches the number of bits in the set.
        let held: Vec<_> = all.filter(|at| unsafe { libc::CPU_ISSET(*at, &self.0) }).collect();
        let at = number.checked_rem(held.len())?;
        held.get(at).map(|number| Self::one(*number))
    }

    /// The bytes of the set as `sched_getaffinity` writes them, at most `count`.
    pub(crate) fn bytes(&self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        for number in 0..size_of::<libc::cpu_set_t>() * 8 {
            // SAFETY: the number is below the number of bits in the set.
            if number / 8 < count && unsafe { libc::CPU_ISSET(number, &self.0) } {
                bytes[number / 8] |= 1 << (number % 8);
            }
        }
        bytes
    }
}

/// Where the thread may run; 0 is the calling thread.
pub(crate) fn get(tid: Tid) -> io::Result<Processors> {
    let mut set = Processors::one(usize::MAX);
    // SAFETY: the kernel writes at most the given number of bytes, which is the size of the set.
    let result =
        unsafe { libc::sched_getaffinity(tid, size_of::<libc::cpu_set_t>(), &raw mut set.0) };
    check(result.into()).map(|_| set)
}

/// Says where the thread may run; 0 is the calling thread.
pub(crate) fn set(tid: Tid, processors: &Processors) -> io::Result<()> {
    // SAFETY: the kernel reads the given number of bytes, which is the size of the set.
    let result = unsafe {
        libc::sched_setaffinity(tid, size_of::<libc::cpu_set_t>(), &raw const processors.0)
    };
    check(result.into()).map(drop)
}

/// The processor that the calling thread runs on.
pub(crate) fn current() -> io::Result<usize> {
    // SAFETY: takes no argument.
    let number = unsafe { libc::sched_getcpu() };
    usize::try_from(number).map_err(|_| io::Error::last_os_error())
}
