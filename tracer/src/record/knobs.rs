//! What is done so that a run can be repeated.

use crate::sys::arch::Registers;
use crate::sys::{Tid, memory};

/// What makes two runs of a program alike before it has asked for anything. All are on by
/// default; each is named in the header of the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches")]
pub struct Knobs {
    /// Addresses are not randomized.
    pub fixed_addresses: bool,
    /// The vDSO is hidden, so that reading a clock is a system call.
    pub hidden_vdso: bool,
    /// The 16 random bytes that the kernel gives a new program are always the same.
    pub fixed_random: bool,
    /// The program runs on one processor while it has one thread: a stop costs a fourteenth then.
    pub one_processor: bool,
    /// So many bytes of each payload are kept; beyond, only length and hash.
    pub payload_limit: usize,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            fixed_addresses: true,
            hidden_vdso: true,
            fixed_random: true,
            one_processor: true,
            payload_limit: 1 << 20,
        }
    }
}

impl Knobs {
    pub(super) fn describe(&self) -> Vec<String> {
        let on = |name: &str, on: bool| format!("{name}={}", if on { "on" } else { "off" });
        vec![
            on("fixed-addresses", self.fixed_addresses),
            on("hidden-vdso", self.hidden_vdso),
            on("fixed-random", self.fixed_random),
            on("one-processor", self.one_processor),
            "io-uring=refused".to_owned(),
            format!("payload-limit={}", self.payload_limit),
        ]
    }

    /// Changes what the kernel tells a new program about itself. `registers` are those of the
    /// thread stopped right after its `execve`. False if what it tells could not be found.
    pub(super) fn prepare(&self, tid: Tid, registers: &Registers) -> bool {
        if !self.hidden_vdso && !self.fixed_random {
            return true;
        }
        let Some(mut at) = auxiliary(tid, registers.stack()) else { return false };
        // The kernel gives some twenty entries.
        for _ in 0..64 {
            let (Some(key), Some(value)) =
                (memory::read_u64(tid, at), memory::read_u64(tid, at + 8))
            else {
                return false;
            };
            let done = match key {
                libc::AT_NULL => return true,
                libc::AT_SYSINFO_EHDR if self.hidden_vdso => {
                    memory::write(tid, at, &libc::AT_IGNORE.to_le_bytes())
                }
                libc::AT_RANDOM if self.fixed_random => memory::write(tid, value, RANDOM),
                _ => Ok(()),
            };
            if done.is_err() {
                return false;
            }
            at += 16;
        }
        false
    }
}

/// Any 16 bytes would do.
const RANDOM: &[u8; 16] = b"samestate-random";

/// The address of the auxiliary vector: it follows the arguments and the environment on a new
/// program's stack.
fn auxiliary(tid: Tid, stack: u64) -> Option<u64> {
    let count = memory::read_u64(tid, stack)?;
    // After the count come the arguments, a null, the environment, and a null.
    let mut at = count.checked_add(2)?.checked_mul(8)?.checked_add(stack)?;
    let mut words = [0; 4096];
    loop {
        let got = memory::read(tid, at, &mut words) / 8;
        if got == 0 {
            return None;
        }
        for word in words[..got * 8].chunks_exact(8) {
            at += 8;
            if word.iter().all(|&byte| byte == 0) {
                return Some(at);
            }
        }
    }
}
