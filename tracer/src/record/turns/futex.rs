//! Locks between threads: waiting and waking without the kernel.
//!
//! While one thread runs at a time, all that the kernel does for `futex(2)` can be done here, in one
//! stop instead of two, and in an order that is known: who has waited longest is woken first.

use std::fs;
use std::time::Duration;

use super::super::engine::Engine;
use super::super::entry::low;
use super::{Deadline, Place, Wait, What};
use crate::sys::{Tid, memory};

/// What two threads mean by the same lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Key {
    /// An address in a memory of their own.
    Own { memory: Tid, address: u64 },
    /// A place in a file that is mapped: device, inode and offset.
    Shared { device: u64, inode: u64, offset: u64 },
}

/// What a `futex` comes to.
pub(in super::super) enum Outcome {
    /// The kernel shall do it.
    Kernel,
    /// It returns this.
    Returns(i64),
    /// It waits.
    Waits(Wait),
}

const WAIT: i32 = libc::FUTEX_WAIT;
const WAKE: i32 = libc::FUTEX_WAKE;
const REQUEUE: i32 = libc::FUTEX_REQUEUE;
const CMP_REQUEUE: i32 = libc::FUTEX_CMP_REQUEUE;
const WAIT_BITSET: i32 = libc::FUTEX_WAIT_BITSET;
const WAKE_BITSET: i32 = libc::FUTEX_WAKE_BITSET;
const ALL: u32 = u32::MAX;
/// No program has an address beyond.
const HIGHEST: u64 = 0x7fff_ffff_f000;

impl Engine<'_> {
    /// What a `futex` of the holder does.
    pub(in super::super) fn futex(&mut self, tid: Tid, arguments: &[u64; 6]) -> Outcome {
        let [address, operation, value, fourth, second, third] = *arguments;
        let operation = low(operation);
        let private = operation & libc::FUTEX_PRIVATE_FLAG != 0;
        let command = operation & !(libc::FUTEX_PRIVATE_FLAG | libc::FUTEX_CLOCK_REALTIME);
        let mask = match command {
            WAIT | WAKE | REQUEUE | CMP_REQUEUE => ALL,
            WAIT_BITSET | WAKE_BITSET => low(third).cast_unsigned(),
            _ => return Outcome::Kernel,
        };
        // The kernel knows how to refuse. It does not look at a lock of this process alone to wake
        // somebody.
        let unseen = private && matches!(command, WAKE | WAKE_BITSET) && address < HIGHEST;
        let word = if unseen { Some(0) } else { word(tid, address) };
        let (Some(word), Some(key)) = (word, self.key(tid, address, private)) else {
            return Outcome::Kernel;
        };
        if mask == 0 || !address.is_multiple_of(4) {
            return Outcome::Kernel;
        }
        let count = |value: u64| usize::try_from(low(value)).unwrap_or(0);
        match command {
            WAIT | WAIT_BITSET => {
                let value = low(value).cast_unsigned();
                if word != value {
                    return Outcome::Returns(-i64::from(libc::EAGAIN));
                }
                let realtime = operation & libc::FUTEX_CLOCK_REALTIME != 0;
                let until = match fourth {
                    0 => None,
                    time => match self.lock_deadline(tid, time, command == WAIT_BITSET, realtime) {
                        Some(until) => Some(until),
                        None => return Outcome::Kernel,
                    },
                };
                // Nobody could wake it but a signal.
                if self.is_alone() && until.is_none() {
                    return Outcome::Kernel;
                }
                Outcome::Waits(Wait::new(What::Futex { key, mask, address, value }, until))
            }
            WAKE | WAKE_BITSET => {
                let woken = self.wake(key, mask, count(value));
                // Somebody whom we do not trace may wait there.
                match (woken, key) {
                    (0, Key::Shared { .. }) => Outcome::Kernel,
                    _ => Outcome::Returns(returned(woken)),
                }
            }
            _ => {
                if command == CMP_REQUEUE && word != low(third).cast_unsigned() {
                    return Outcome::Returns(-i64::from(libc::EAGAIN));
                }
                let Some(to) = self.key(tid, second, private) else { return Outcome::Kernel };
                let woken = self.wake(key, ALL, count(value));
                let moved = self.requeue(key, to, second, count(fourth));
                let moved = if command == REQUEUE { 0 } else { moved };
                Outcome::Returns(returned(woken + moved))
            }
        }
    }

    fn lock_deadline(
        &self,
        tid: Tid,
        address: u64,
        absolute: bool,
        realtime: bool,
    ) -> Option<Deadline> {
        let seconds = memory::read_u64(tid, address)?;
        let rest = memory::read_u64(tid, address.wrapping_add(8))?;
        let rest = u32::try_from(rest).ok().filter(|rest| *rest < 1_000_000_000)?;
        i64::try_from(seconds).ok()?;
        let time = Duration::new(seconds, rest);
        if !absolute {
            return self.turns.within(time);
        }
        self.at(if realtime { libc::CLOCK_REALTIME } else { libc::CLOCK_MONOTONIC }, time)
    }

    /// Wakes those that have waited longest, and says how many.
    pub(in super::super) fn wake(&mut self, key: Key, mask: u32, most: usize) -> usize {
        let turns = &mut self.turns;
        let mut woken = 0;
        for tid in &turns.queue {
            if woken == most {
                break;
            }
            if let Some(Place::Waits(wait)) = turns.places.get_mut(tid)
                && let What::Futex { key: other, mask: wanted, .. } = wait.what
                && other == key
                && wanted & mask != 0
            {
                wait.what = What::Woken;
                woken += 1;
            }
        }
        woken
    }

    fn requeue(&mut self, from: Key, to: Key, at: u64, most: usize) -> usize {
        let turns = &mut self.turns;
        let mut moved = 0;
        for tid in &turns.queue {
            if moved == most {
                break;
            }
            if let Some(Place::Waits(wait)) = turns.places.get_mut(tid)
                && let What::Futex { key, address, value, .. } = &mut wait.what
                && *key == from
            {
                (*key, *address) = (to, at);
                *value = word(*tid, at).unwrap_or(0);
                moved += 1;
            }
        }
        moved
    }

    /// A thread has ended, and the kernel has told so at an address of its memory.
    pub(in super::super) fn ended_at(&mut self, memory: Tid, address: u64) {
        if address != 0 {
            self.wake(Key::Own { memory, address }, ALL, 1);
        }
    }

    /// Nobody can go on: wakes those whose lock has changed without anybody telling, as when its
    /// owner has died. They look again, as they must.
    pub(super) fn wake_changed(&mut self) -> bool {
        let turns = &mut self.turns;
        let mut any = false;
        for tid in &turns.queue {
            if let Some(Place::Waits(wait)) = turns.places.get_mut(tid)
                && let What::Futex { address, value, .. } = wait.what
                && word(*tid, address).is_some_and(|word| word != value)
            {
                wait.what = What::Woken;
                any = true;
            }
        }
        any
    }

    fn key(&self, tid: Tid, address: u64, private: bool) -> Option<Key> {
        let task = self.tasks.get(&tid)?;
        let own = Key::Own { memory: task.memory, address };
        let others = || self.tasks.values().any(|other| other.memory != task.memory);
        if private || !others() {
            return Some(own);
        }
        Some(shared(task.pid, address).unwrap_or(own))
    }
}

fn returned(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn word(tid: Tid, address: u64) -> Option<u32> {
    let mut bytes = [0; 4];
    (memory::read(tid, address, &mut bytes) == 4).then(|| u32::from_le_bytes(bytes))
}

/// The place in a file that an address leads to, if what is written there goes to the file.
fn shared(pid: Tid, address: u64) -> Option<Key> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
    let hexadecimal = |word: &str| u64::from_str_radix(word, 16).ok();
    for line in maps.lines() {
        let mut words = line.split_ascii_whitespace();
        let (start, end) = words.next()?.split_once('-')?;
        let (start, end) = (hexadecimal(start)?, hexadecimal(end)?);
        if !(start..end).contains(&address) {
            continue;
        }
        let (rights, offset, device, inode) =
            (words.next()?, words.next()?, words.next()?, words.next()?);
        let (major, minor) = device.split_once(':')?;
        return rights.ends_with('s').then_some(Key::Shared {
            device: hexadecimal(major)? << 32 | hexadecimal(minor)?,
            inode: inode.parse().ok()?,
            offset: hexadecimal(offset)? + (address - start),
        });
    }
    None
}
