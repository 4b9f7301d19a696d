//! What is done so that a run can be repeated.

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::Path;
use std::time::Duration;

use crate::sys::arch::{self, Registers};
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
    /// The processor's counter of time (`rdtsc`) says the same in every run. `None` if the file of
    /// the program holds instructions that read it: on virtual machines it makes every stop cost
    /// several times as much. Never if the vDSO is not hidden, which reads it as well.
    pub trapped_counter: Option<bool>,
    /// The program is told that the processor has no instructions for random bytes (`rdrand`,
    /// `rdseed`) and for transactions, which nobody could trap; where the processor allows it.
    pub hidden_rdrand: bool,
    /// A page is added to the program in which calls leave their result on the way back, so that
    /// most of those on files take one stop while there is one thread.
    pub one_stop: bool,
    /// The program runs on one processor while it has one thread: a stop costs a fourteenth then.
    pub one_processor: bool,
    /// One thread runs at a time, in an order that is the same in every run.
    pub serialized: bool,
    /// A thread that runs for longer without a call is stopped, so that others can run; from there
    /// on the order is not the same in every run.
    pub longest_turn: Duration,
    /// The program is told that there is no `io_uring`, whose calls nobody could see.
    pub refused_rings: bool,
    /// A mirrored run is told the times that the earlier one was told by clocks.
    pub mirrored_clocks: bool,
    /// It gets the random bytes of the earlier one.
    pub mirrored_random: bool,
    /// It is told what the earlier one was told of the machine: its name, memory, processors.
    pub mirrored_machine: bool,
    /// It sees the process ids of the earlier one.
    pub mirrored_ids: bool,
    /// It is told the times, inodes and blocks of files that the earlier one was told.
    pub mirrored_files: bool,
    /// It reads from standard input, and is told of it and of standard output and error, what the
    /// earlier one was.
    pub mirrored_stdin: bool,
    /// It reads from pipes whose other end is not traced what the earlier one did.
    pub mirrored_pipes: bool,
    /// The same for terminals.
    pub mirrored_terminals: bool,
    /// The same for sockets, and what it sends there is compared and not sent.
    pub mirrored_sockets: bool,
    /// Signals of timers and of processes that are not traced come where the earlier one got them.
    pub mirrored_signals: bool,
    /// So many bytes of each payload are kept; beyond, only length and hash.
    pub payload_limit: usize,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            fixed_addresses: true,
            hidden_vdso: true,
            fixed_random: true,
            trapped_counter: None,
            hidden_rdrand: true,
            one_stop: true,
            one_processor: true,
            serialized: true,
            refused_rings: true,
            mirrored_clocks: true,
            mirrored_random: true,
            mirrored_machine: true,
            mirrored_ids: true,
            mirrored_files: true,
            mirrored_stdin: true,
            mirrored_pipes: true,
            mirrored_terminals: true,
            mirrored_sockets: true,
            mirrored_signals: true,
            longest_turn: Duration::from_secs(10),
            payload_limit: 1 << 20,
        }
    }
}

impl Knobs {
    /// Nothing is done.
    pub(super) fn none() -> Self {
        let mut none = Self { trapped_counter: Some(false), ..Self::default() };
        none.switches().into_iter().for_each(|(_, switch)| *switch = false);
        none
    }

    /// The switches by name.
    fn switches(&mut self) -> [(&'static str, &mut bool); 18] {
        [
            ("fixed-addresses", &mut self.fixed_addresses),
            ("hidden-vdso", &mut self.hidden_vdso),
            ("fixed-random", &mut self.fixed_random),
            ("hidden-rdrand", &mut self.hidden_rdrand),
            ("one-stop", &mut self.one_stop),
            ("one-processor", &mut self.one_processor),
            ("serialized", &mut self.serialized),
            ("refused-rings", &mut self.refused_rings),
            ("mirrored-clocks", &mut self.mirrored_clocks),
            ("mirrored-random", &mut self.mirrored_random),
            ("mirrored-machine", &mut self.mirrored_machine),
            ("mirrored-ids", &mut self.mirrored_ids),
            ("mirrored-files", &mut self.mirrored_files),
            ("mirrored-stdin", &mut self.mirrored_stdin),
            ("mirrored-pipes", &mut self.mirrored_pipes),
            ("mirrored-terminals", &mut self.mirrored_terminals),
            ("mirrored-sockets", &mut self.mirrored_sockets),
            ("mirrored-signals", &mut self.mirrored_signals),
        ]
    }

    /// The names of all that can be switched on and off.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        let mut names = Self::default().switches().map(|(name, _)| name).to_vec();
        names.push(COUNTER);
        names
    }

    /// Switches one on or off by its name; false if there is none of that name.
    #[must_use]
    pub fn switch(&mut self, name: &str, on: bool) -> bool {
        if name == COUNTER {
            self.trapped_counter = Some(on);
            return true;
        }
        let found = self.switches().into_iter().find(|(known, _)| *known == name);
        found.map(|(_, switch)| *switch = on).is_some()
    }

    /// Decides about the processor's counter for a program.
    pub(super) fn decide(&mut self, program: &Path) {
        let wanted = self.trapped_counter.unwrap_or_else(|| reads_counter(program));
        // The vDSO would be told nonsense.
        self.trapped_counter = Some(wanted && self.hidden_vdso);
    }

    /// Whether the processor's counter is trapped, once that is decided.
    pub(super) fn traps_counter(&self) -> bool {
        self.trapped_counter == Some(true)
    }

    /// What the header of the trace says of them.
    pub(super) fn describe(mut self) -> Vec<String> {
        let counter = self.traps_counter();
        let word = |on: bool| if on { "on" } else { "off" };
        let switches = self.switches().map(|(name, on)| format!("{name}={}", word(*on)));
        let mut all = switches.to_vec();
        all.push(format!("{COUNTER}={}", word(counter)));
        all.push(match self.payload_limit {
            usize::MAX => "payloads=full".to_owned(),
            0 => "payloads=hash".to_owned(),
            limit => format!("payloads={limit}"),
        });
        all
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

const COUNTER: &str = "trapped-counter";

/// Whether the file of a program holds instructions that read the processor's counter and put its
/// two halves together.
fn reads_counter(program: &Path) -> bool {
    const PIECE: usize = 1 << 20;
    let Ok(file) = File::open(program) else { return false };
    let mut file = BufReader::new(file);
    // The end of one piece is looked at together with the next.
    let mut piece = Vec::with_capacity(PIECE + arch::COUNTER_READ);
    loop {
        let kept = piece.len().saturating_sub(arch::COUNTER_READ);
        piece.drain(..kept);
        match (&mut file).take(PIECE as u64).read_to_end(&mut piece) {
            Ok(0) | Err(_) => return false,
            Ok(_) if arch::reads_counter(&piece) => return true,
            Ok(_) => {}
        }
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
