//! Where calls land that need one stop only: a piece of machine code that is added to the program.
//!
//! A thread that is stopped before a call can be made to return from it to another place than
//! where it came from. There a few instructions keep the result, and what the call received, in
//! memory next to them, and jump to where the thread belongs. So the tracer finds it all at the
//! thread's next stop, and need not stop it at the end of the call.
//!
//! The code uses what the kernel leaves behind: `rcx` holds the address to go back to, as after
//! every call, and `r11` the flags. It leaves all registers as it finds them, uses no stack, and
//! makes no call. Nothing in it can fail but reading what the kernel has just written.

use super::arch::Registers;

/// Where it is mapped: below all programs, above what may not be mapped at all.
pub(crate) const BASE: u64 = 0x14_0000;
/// The part of it that is executed; the rest is written to.
pub(crate) const CODE: u64 = 4096;
/// The longest that a call may receive, in bytes.
pub(crate) const LONGEST: u64 = 32 << 10;
/// How long it is.
pub(crate) const LENGTH: u64 = CODE + 4096 + LONGEST;

/// What is kept stands here: the result, where the thread went on, and from [`RECEIVED`] on
/// what was received.
pub(crate) const KEPT: u64 = BASE + CODE;
/// The length of what stands before [`RECEIVED`].
pub(crate) const HEAD: usize = 64;
/// See [`KEPT`].
pub(crate) const RECEIVED: u64 = KEPT + HEAD as u64;

/// Where the code may put a register aside.
const FLAGS: u64 = KEPT + 16;
const RSI: u64 = KEPT + 24;
const RDI: u64 = KEPT + 32;

/// What is kept of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Its result.
    Result,
    /// If it does not fail, also so many bytes from where this argument points to.
    Fixed { argument: u8, length: u16 },
    /// As many bytes as the result says from where this argument points to.
    Counted { argument: u8 },
}

/// All ways there are; their code stands in this order.
const WAYS: [Way; 6] = [
    Way::Result,
    Way::Fixed { argument: 1, length: 144 },
    Way::Fixed { argument: 2, length: 144 },
    Way::Fixed { argument: 4, length: 256 },
    Way::Counted { argument: 1 },
    Way::Counted { argument: 2 },
];

/// The code for each way begins a multiple of this behind the start, and is no longer.
const STRIDE: usize = 256;

/// Where a call lands; `None` if there is no code for that.
pub(crate) fn place(way: Way) -> Option<u64> {
    let index = WAYS.iter().position(|known| *known == way)?;
    Some(BASE + (index * STRIDE + CALL.len()) as u64)
}

/// Whether an address lies in the code.
pub(crate) fn holds(address: u64) -> bool {
    (BASE..BASE + CODE).contains(&address)
}

/// Whether a range touches any part of it.
pub(crate) const fn touches(start: u64, length: u64) -> bool {
    start < BASE + LENGTH && start.saturating_add(length) > BASE
}

/// Whether this processor has all the instructions.
pub(crate) fn is_possible() -> bool {
    const LAHF: u32 = 1;
    std::arch::x86_64::__cpuid(0x8000_0001).ecx & LAHF != 0
}

/// `syscall`, before each landing place: a call that the kernel begins anew is made from there.
const CALL: [u8; 2] = [0x0f, 0x05];
/// `jmp *%rcx`
const BACK: [u8; 2] = [0xff, 0xe1];

/// A register, by the middle bits that it has in an instruction.
const RAX: u8 = 0x04;
const RCX: u8 = 0x0c;
const RSI_BITS: u8 = 0x34;
const RDI_BITS: u8 = 0x3c;

/// The code.
pub(crate) fn code() -> Vec<u8> {
    let mut all = Vec::new();
    for (index, way) in WAYS.into_iter().enumerate() {
        all.resize(index * STRIDE, 0xcc);
        all.extend(CALL);
        one(&mut all, way);
    }
    all
}

fn one(code: &mut Vec<u8>, way: Way) {
    store(code, RAX, KEPT);
    store(code, RCX, KEPT + 8);
    let argument = match way {
        Way::Result => {
            code.extend(BACK);
            return;
        }
        Way::Fixed { argument, .. } | Way::Counted { argument } => argument,
    };
    // lahf; seto %al
    code.extend([0x9f, 0x0f, 0x90, 0xc0]);
    store(code, RAX, FLAGS);
    load(code, RCX, KEPT);
    // test %rcx,%rcx; js or jle to the end
    let skip = if matches!(way, Way::Fixed { .. }) { 0x78 } else { 0x7e };
    code.extend([0x48, 0x85, 0xc9, skip, 0]);
    let from = code.len();
    store(code, RSI_BITS, RSI);
    store(code, RDI_BITS, RDI);
    match argument {
        2 => code.extend([0x48, 0x89, 0xd6]), // mov %rdx,%rsi
        4 => code.extend([0x4c, 0x89, 0xc6]), // mov %r8,%rsi
        _ => {}
    }
    // mov $RECEIVED,%edi
    code.push(0xbf);
    code.extend(address(RECEIVED));
    if let Way::Fixed { length, .. } = way {
        // mov $length,%ecx
        code.push(0xb9);
        code.extend(u32::from(length).to_le_bytes());
    }
    // cld; rep movsb
    code.extend([0xfc, 0xf3, 0xa4]);
    load(code, RSI_BITS, RSI);
    load(code, RDI_BITS, RDI);
    // The direction as it was: bt $10,%r11; jnc over the next; std
    code.extend([0x49, 0x0f, 0xba, 0xe3, 0x0a, 0x73, 0x01, 0xfd]);
    #[expect(clippy::cast_possible_truncation, reason = "less than a hundred bytes")]
    let skipped = (code.len() - from) as u8;
    code[from - 1] = skipped;
    load(code, RAX, FLAGS);
    // add $0x7f,%al; sahf
    code.extend([0x04, 0x7f, 0x9e]);
    load(code, RAX, KEPT);
    load(code, RCX, KEPT + 8);
    code.extend(BACK);
}

fn store(code: &mut Vec<u8>, register: u8, to: u64) {
    code.extend([0x48, 0x89, register, 0x25]);
    code.extend(address(to));
}

fn load(code: &mut Vec<u8>, register: u8, from: u64) {
    code.extend([0x48, 0x8b, register, 0x25]);
    code.extend(address(from));
}

/// An address within an instruction.
#[expect(clippy::cast_possible_truncation, reason = "all of it lies in the lowest two megabytes")]
const fn address(at: u64) -> [u8; 4] {
    (at as u32).to_le_bytes()
}

/// What [`KEPT`] holds: the result, and where the thread went on.
pub(crate) fn kept(head: &[u8]) -> Option<(i64, u64)> {
    let result = i64::from_le_bytes(*head.first_chunk()?);
    let went_on = u64::from_le_bytes(*head.get(8..)?.first_chunk()?);
    Some((result, went_on))
}

/// What is to be done with a thread that was stopped on its way.
pub(crate) enum Stopped {
    /// It has not landed yet: this is the result.
    Before(i64),
    /// It is in the middle of the code, and has kept the result.
    Within,
    /// It has gone on.
    After,
}

/// Where a thread is that was to land at `place`.
pub(crate) fn stopped(registers: &Registers, place: u64) -> Stopped {
    match registers.instruction() {
        at if at == place => Stopped::Before(registers.result()),
        at if holds(at) => Stopped::Within,
        _ => Stopped::After,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_for_each_way_has_room() {
        let code = code();
        assert!(code.len() as u64 <= CODE);
        for (index, way) in WAYS.into_iter().enumerate() {
            let mut alone = CALL.to_vec();
            one(&mut alone, way);
            assert!(alone.len() <= STRIDE, "{way:?}");
            let at = index * STRIDE;
            assert_eq!(code[at..at + alone.len()], alone, "{way:?}");
            assert_eq!(place(way), Some(BASE + at as u64 + 2));
        }
    }

    #[test]
    fn ranges_that_touch_it_are_known() {
        assert!(touches(BASE, 1));
        assert!(touches(0, u64::MAX));
        assert!(touches(BASE + LENGTH - 1, 4096));
        assert!(!touches(BASE + LENGTH, 4096));
        assert!(!touches(0, BASE));
    }
}
