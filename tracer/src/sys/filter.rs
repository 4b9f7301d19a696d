//! The seccomp filter that decides at which system calls a program stops for its tracer.

use super::arch;

/// What comes with the event for a call of this architecture.
pub(crate) const NATIVE: u64 = 0;
/// What comes with the event for a call through a 32-bit interface.
pub(crate) const FOREIGN: u64 = 1;

/// A program for the kernel's filter machine.
#[derive(Clone)]
pub(crate) struct Filter(pub(super) Vec<libc::sock_filter>);

/// Offsets into `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;

impl Filter {
    /// Stops at every call but those whose numbers are given, whatever else happens: a number
    /// nobody knows stops as well.
    pub(crate) fn all_but(silent: &[u32]) -> Self {
        let mut code = vec![
            load(ARCHITECTURE),
            jump(libc::BPF_JEQ, arch::AUDIT, 1, 0),
            give(libc::SECCOMP_RET_TRACE | low(FOREIGN)),
            load(NUMBER),
            jump(libc::BPF_JGE, arch::X32, 0, 1),
            give(libc::SECCOMP_RET_TRACE | low(FOREIGN)),
        ];
        for &number in silent {
            code.push(jump(libc::BPF_JEQ, number, 0, 1));
            code.push(give(libc::SECCOMP_RET_ALLOW));
        }
        code.push(give(libc::SECCOMP_RET_TRACE | low(NATIVE)));
        Self(code)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the two numbers of this module are small")]
const fn low(data: u64) -> u32 {
    data as u32
}

#[expect(clippy::cast_possible_truncation, reason = "operation codes have 16 bits")]
const fn instruction(code: u32, yes: u8, no: u8, operand: u32) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt: yes, jf: no, k: operand }
}

const fn load(offset: u32) -> libc::sock_filter {
    instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, offset)
}

const fn jump(test: u32, operand: u32, yes: u8, no: u8) -> libc::sock_filter {
    instruction(libc::BPF_JMP | test | libc::BPF_K, yes, no, operand)
}

const fn give(value: u32) -> libc::sock_filter {
    instruction(libc::BPF_RET | libc::BPF_K, 0, 0, value)
}
