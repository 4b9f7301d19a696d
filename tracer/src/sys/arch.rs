//! What depends on the processor: registers, and where a system call keeps its parts. x86-64 only
//! so far; another architecture is another version of this file and another table.

use std::mem::offset_of;

/// The name that goes into the header of a trace.
pub(crate) const NAME: &str = "x86_64";

/// What the kernel's audit and seccomp code calls this architecture.
pub(crate) const AUDIT: u32 = 0xC000_003E;

/// Numbers with this bit belong to the x32 interface, whose pointers have 32 bits.
pub(crate) const X32: u32 = 0x4000_0000;

/// A system call that is about to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its number.
    pub(crate) number: u64,
    /// Its six arguments, whether it takes them or not.
    pub(crate) arguments: [u64; 6],
    /// The address after the system call instruction.
    pub(crate) instruction: u64,
    /// Whether it comes through a 32-bit interface.
    pub(crate) foreign: bool,
}

/// Where registers stand among those that `PTRACE_POKEUSER` writes.
pub(super) const NUMBER: usize = offset_of!(libc::user_regs_struct, orig_rax);
/// See [`NUMBER`].
pub(super) const RESULT: usize = offset_of!(libc::user_regs_struct, rax);
/// See [`NUMBER`].
pub(super) const INSTRUCTION: usize = offset_of!(libc::user_regs_struct, rip);
/// See [`NUMBER`].
pub(super) const ARGUMENTS: [usize; 6] = [
    offset_of!(libc::user_regs_struct, rdi),
    offset_of!(libc::user_regs_struct, rsi),
    offset_of!(libc::user_regs_struct, rdx),
    offset_of!(libc::user_regs_struct, r10),
    offset_of!(libc::user_regs_struct, r8),
    offset_of!(libc::user_regs_struct, r9),
];

const RDTSC: [u8; 2] = [0x0f, 0x31];
const RDTSCP: [u8; 3] = [0x0f, 0x01, 0xf9];

/// The length of what [`reads_counter`] looks for, in bytes.
pub(crate) const COUNTER_READ: usize = 7;

/// Whether machine code reads the counter of time and puts its halves together.
pub(crate) fn reads_counter(code: &[u8]) -> bool {
    const SHIFT: [u8; 4] = [0x48, 0xc1, 0xe2, 0x20];
    memchr::memmem::find_iter(code, &SHIFT)
        .any(|at| code[..at].ends_with(&RDTSC) || code[..at].ends_with(&RDTSCP))
}

const CPUID: [u8; 2] = [0x0f, 0xa2];
/// As long as a system call instruction.
const CALL: u64 = 2;
/// `ARCH_SET_CPUID`.
const SET_CPUID: u64 = 0x1012;

/// Whether this machine can make `cpuid` fail in a program, so that it is told what we want.
pub(crate) fn can_hide_features() -> bool {
    let set = |on: u64| {
        // SAFETY: takes plain numbers. Nothing between the two calls asks for the features, and
        // the second one undoes the first.
        unsafe { libc::syscall(libc::SYS_arch_prctl, SET_CPUID, on) == 0 }
    };
    set(0) && set(1)
}

/// The registers of a stopped thread.
#[derive(Clone, Copy)]
pub(crate) struct Registers(pub(super) libc::user_regs_struct);

impl Registers {
    /// The top of the stack.
    pub(crate) const fn stack(&self) -> u64 {
        self.0.rsp
    }

    /// Where the thread is.
    pub(crate) const fn instruction(&self) -> u64 {
        self.0.rip
    }

    /// All of them, as debug information numbers them.
    pub(crate) const fn numbered(&self) -> samestate_symbols::Registers {
        let r = &self.0;
        let (low, high) = (
            [r.rax, r.rdx, r.rcx, r.rbx, r.rsi, r.rdi, r.rbp, r.rsp],
            [r.r8, r.r9, r.r10, r.r11, r.r12, r.r13, r.r14, r.r15],
        );
        let mut all = [Some(r.rip); 17];
        let mut at = 0;
        while at < 8 {
            all[at] = Some(low[at]);
            all[at + 8] = Some(high[at]);
            at += 1;
        }
        samestate_symbols::Registers(all)
    }

    /// Whether these bytes may end in a call instruction: of a relative address, or of one in a
    /// register or in memory.
    pub(crate) fn ends_in_call(code: &[u8]) -> bool {
        const RELATIVE: u8 = 0xe8;
        let back =
            |count: usize| code.len().checked_sub(count).and_then(|at| code.get(at)).copied();
        if back(5) == Some(RELATIVE) {
            return true;
        }
        (2..=7).any(|length| {
            // The third part of the byte behind says that it is a call.
            let says = back(length - 1).is_some_and(|byte| byte >> 3 & 7 == 2);
            back(length) == Some(0xff) && says
        })
    }

    /// Whether an instruction, of which these are the first bytes, reads the counter of time.
    #[expect(clippy::unused_self, reason = "instructions are a matter of the processor")]
    pub(crate) fn reads_counter(&self, instruction: &[u8]) -> bool {
        instruction.starts_with(&RDTSC) || instruction.starts_with(&RDTSCP)
    }

    /// The instruction is done, and has read this.
    pub(crate) fn give_counter(&mut self, value: u64, instruction: &[u8]) {
        let length = if instruction.starts_with(&RDTSCP) { RDTSCP.len() } else { RDTSC.len() };
        (self.0.rax, self.0.rdx) = (value & 0xffff_ffff, value >> 32);
        if length == RDTSCP.len() {
            // The processor's number.
            self.0.rcx = 0;
        }
        self.0.rip = self.0.rip.wrapping_add(length as u64);
    }

    /// At the entry of a call: whether the processor has left there where the call came from, as the
    /// instruction does unless the kernel uses the newer way of being entered (FRED), which changes
    /// no register.
    pub(crate) const fn tell_origin(&self) -> bool {
        self.0.rcx == self.0.rip && self.0.r11 == self.0.eflags
    }

    /// What a call has returned.
    pub(crate) const fn result(&self) -> i64 {
        self.0.rax.cast_signed()
    }

    /// The call that the thread was in has returned this, and it goes on here.
    pub(crate) const fn return_to(&mut self, place: u64, result: i64) {
        (self.0.rip, self.0.rcx) = (place, place);
        self.0.rax = result.cast_unsigned();
    }

    /// The arguments and the flags are again what they were when the call was made.
    pub(crate) const fn put_back(&mut self, arguments: &[u64; 6]) {
        let [rdi, rsi, rdx, r10, r8, r9] = *arguments;
        (self.0.rdi, self.0.rsi, self.0.rdx) = (rdi, rsi, rdx);
        (self.0.r10, self.0.r8, self.0.r9) = (r10, r8, r9);
        // A call leaves them there.
        self.0.eflags = self.0.r11;
    }

    /// At the entry of a call: another one is made instead.
    pub(crate) const fn making(&self, number: i64, arguments: [u64; 6]) -> Self {
        let mut other = *self;
        other.0.orig_rax = number.cast_unsigned();
        let [rdi, rsi, rdx, r10, r8, r9] = arguments;
        (other.0.rdi, other.0.rsi, other.0.rdx) = (rdi, rsi, rdx);
        (other.0.r10, other.0.r8, other.0.r9) = (r10, r8, r9);
        other
    }

    /// The same, so that `cpuid` is made to fail from now on.
    pub(crate) fn hiding_features(&self) -> Self {
        self.making(libc::SYS_arch_prctl, [SET_CPUID, 0, 0, 0, 0, 0])
    }

    /// Of the entry of a call: makes that call anew.
    pub(crate) fn call_again(&mut self) {
        self.0.rax = self.0.orig_rax;
        self.0.rip = self.0.rip.wrapping_sub(CALL);
    }

    /// Of the entry of a call: makes it later, and does nothing now.
    pub(crate) fn call_later(&mut self) {
        self.call_again();
        self.0.orig_rax = u64::MAX;
    }

    /// If the instruction asks for the processor's features: answers, without those that give
    /// every run other bytes or another way.
    pub(crate) fn give_features(&mut self, instruction: &[u8]) -> bool {
        const RDRAND: u32 = 1 << 30;
        const RDSEED: u32 = 1 << 18;
        const TRANSACTIONS: u32 = 1 << 4 | 1 << 11;
        if !instruction.starts_with(&CPUID) {
            return false;
        }
        #[expect(clippy::cast_possible_truncation, reason = "the instruction takes the lower half")]
        let (leaf, part) = (self.0.rax as u32, self.0.rcx as u32);
        let mut told = std::arch::x86_64::__cpuid_count(leaf, part);
        match (leaf, part) {
            (1, _) => told.ecx &= !RDRAND,
            (7, 0) => told.ebx &= !(RDSEED | TRANSACTIONS),
            _ => {}
        }
        (self.0.rax, self.0.rbx) = (told.eax.into(), told.ebx.into());
        (self.0.rcx, self.0.rdx) = (told.ecx.into(), told.edx.into());
        self.0.rip = self.0.rip.wrapping_add(CPUID.len() as u64);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::Registers;

    #[test]
    fn a_call_that_changes_no_register_does_not_tell_where_it_came_from() {
        // SAFETY: user_regs_struct consists of integers; all zeros is a value of it.
        let mut registers: libc::user_regs_struct = unsafe { std::mem::zeroed() };
        (registers.rip, registers.eflags) = (0x40_1002, 0x246);
        (registers.rcx, registers.r11) = (0x40_1002, 0x246);
        assert!(Registers(registers).tell_origin());
        (registers.rcx, registers.r11) = (7, 0x246);
        assert!(!Registers(registers).tell_origin());
        (registers.rcx, registers.r11) = (0x40_1002, 7);
        assert!(!Registers(registers).tell_origin());
    }
}
