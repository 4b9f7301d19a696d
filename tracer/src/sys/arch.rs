//! What depends on the processor: registers, and where a system call keeps its parts. x86-64 only
//! so far; another architecture is another version of this file and another table.

/// The name that goes into the header of a trace.
pub(crate) const NAME: &str = "x86_64";

/// What the kernel's audit and seccomp code calls this architecture.
pub(crate) const AUDIT: u32 = 0xC000_003E;

/// Numbers from here on belong to the x32 interface, whose pointers have 32 bits.
pub(crate) const X32: u32 = 0x4000_0000;

/// The registers of a stopped thread.
#[derive(Clone, Copy)]
pub(crate) struct Registers(pub(super) libc::user_regs_struct);

impl Registers {
    /// The number of the system call the thread is in.
    pub(crate) const fn number(&self) -> u64 {
        self.0.orig_rax
    }

    /// Its six arguments, whether it takes them or not.
    pub(crate) const fn arguments(&self) -> [u64; 6] {
        [self.0.rdi, self.0.rsi, self.0.rdx, self.0.r10, self.0.r8, self.0.r9]
    }

    /// Its result; only at the exit stop.
    pub(crate) const fn result(&self) -> i64 {
        self.0.rax.cast_signed()
    }

    /// The address after the system call instruction.
    pub(crate) const fn instruction(&self) -> u64 {
        self.0.rip
    }

    /// The top of the stack.
    pub(crate) const fn stack(&self) -> u64 {
        self.0.rsp
    }

    /// At the exit stop: the program shall see this result.
    pub(crate) const fn set_result(&mut self, result: i64) {
        self.0.rax = result.cast_unsigned();
    }

    /// At the entry stop: the kernel shall do nothing, and the program see this result.
    pub(crate) const fn skip(&mut self, result: i64) {
        self.0.orig_rax = u64::MAX;
        self.set_result(result);
    }

    /// Gives an argument another value. The program may rely on finding its registers unchanged,
    /// so the exit stop has to put the old value back.
    pub(crate) const fn set_argument(&mut self, index: usize, value: u64) {
        match index {
            0 => self.0.rdi = value,
            1 => self.0.rsi = value,
            2 => self.0.rdx = value,
            3 => self.0.r10 = value,
            4 => self.0.r8 = value,
            _ => self.0.r9 = value,
        }
    }
}
