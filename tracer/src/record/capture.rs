//! Reading what the arguments of a call point to.

use std::io;

use crate::sys::{Tid, memory};
use crate::table::{Class, Kind, Layout, Ret, Row};
use crate::trace::{Data, Payload};

/// Stands for the address that a message is sent to.
pub(crate) const NAMED: u8 = 7;

/// Longest string that is captured: Linux' `PATH_MAX`.
pub(super) const LONGEST_STRING: usize = 4096;
/// Most bytes of an array of strings.
pub(super) const LONGEST_STRINGS: usize = 256 << 10;
/// Most buffers in one call: Linux' `UIO_MAXIOV`.
const MOST_BUFFERS: u64 = 1024;
/// Payloads are hashed in pieces of this size.
const PIECE: usize = 1 << 20;
/// So much is kept of what is no mere content, whatever is wanted.
const STRUCTURE: usize = 1 << 20;
/// The kernel transfers no more in one call.
const LONGEST_TRANSFER: u64 = 0x7fff_f000;

/// Reads a stopped thread's memory for one call.
#[derive(Clone, Copy)]
pub(super) struct Capture<'a> {
    pub(super) tid: Tid,
    pub(super) arguments: &'a [u64; 6],
    /// So many bytes of a payload are kept.
    pub(super) limit: usize,
}

impl Capture<'_> {
    /// Only the content of files, messages and the like may be kept in part: paths, random bytes
    /// and what the machine is like are needed whole.
    fn for_row(&self, row: &Row) -> Self {
        let is_content = matches!(row.class, Class::Descriptor | Class::Network | Class::Ipc);
        let limit = if is_content { self.limit } else { self.limit.max(STRUCTURE) };
        Self { limit, ..*self }
    }

    /// What the call hands over.
    pub(super) fn entry(&self, row: &Row) -> Vec<Data> {
        self.for_row(row).at_entry(row)
    }

    fn at_entry(&self, row: &Row) -> Vec<Data> {
        let mut data = Vec::new();
        for (argument, index) in row.arguments.iter().zip(0_u8..) {
            if let Some(payload) = self.handed_over(argument.kind, usize::from(index)) {
                data.push(Data { argument: index, out: false, payload });
            }
        }
        match row.name {
            "sendmsg" => {
                let payload = self.take(&self.header(self.arguments[1], 0, 8, 128), STRUCTURE);
                data.push(Data { argument: NAMED, out: false, payload });
            }
            // Before the text stands its type, which the size leaves out.
            "msgsnd" => {
                let size = self.arguments[2].saturating_add(8);
                let payload = self.buffers(&[(self.arguments[1], size)]);
                data.retain(|data| data.argument != 1);
                data.push(Data { argument: 1, out: false, payload });
            }
            _ => {}
        }
        data
    }

    /// The descriptors that a message hands over.
    pub(super) fn passed(&self) -> Vec<i32> {
        const HEAD: usize = 16;
        let control = self.take(&self.header(self.arguments[1], 32, 40, 4096), STRUCTURE).bytes;
        let mut fds = Vec::new();
        let mut rest = control.as_slice();
        while rest.len() >= HEAD {
            let length = usize::try_from(word(rest, 0)).unwrap_or(usize::MAX);
            let Some(body) = rest.get(HEAD..length) else { break };
            // SOL_SOCKET and SCM_RIGHTS.
            if word(rest, 8) == 1 | 1 << 32 {
                fds.extend(body.as_chunks::<4>().0.iter().map(|fd| i32::from_le_bytes(*fd)));
            }
            rest = rest.get(length.next_multiple_of(8)..).unwrap_or_default();
        }
        fds
    }

    /// The bytes that a `msghdr` names by their address at one offset and their length at another.
    fn header(&self, address: u64, at: usize, length: usize, most: u64) -> [(u64, u64); 1] {
        let mut header = [0; 56];
        let got = memory::read(self.tid, address, &mut header);
        let known = got == header.len() && word(&header, at) != 0;
        let length =
            if length == 8 { word(&header, 8) & 0xffff_ffff } else { word(&header, length) };
        [(word(&header, at), if known { length.min(most) } else { 0 })]
    }

    /// What the call received; only if it did not fail.
    pub(super) fn exit(&self, row: &Row, result: i64, data: &mut Vec<Data>) {
        self.for_row(row).at_exit(row, result, data);
    }

    fn at_exit(&self, row: &Row, result: i64, data: &mut Vec<Data>) {
        let Ok(count) = u64::try_from(result) else { return };
        if row.result == Ret::Never {
            return;
        }
        if row.name == "msgrcv" {
            // Before the text stands its type, which the result leaves out.
            let payload = self.buffers(&[(self.arguments[1], count.saturating_add(8))]);
            data.push(Data { argument: 1, out: true, payload });
            return;
        }
        for (argument, index) in row.arguments.iter().zip(0_u8..) {
            if let Some(payload) = self.received(argument.kind, usize::from(index), count) {
                data.push(Data { argument: index, out: true, payload });
            }
        }
    }

    fn handed_over(&self, kind: Kind, index: usize) -> Option<Payload> {
        let address = self.arguments[index];
        if address == 0 {
            return None;
        }
        let other = |index: u8| self.arguments[usize::from(index)];
        match kind {
            Kind::Path | Kind::Text => {
                memory::read_string(self.tid, address, LONGEST_STRING).map(Payload::whole)
            }
            Kind::Strings => Some(self.strings(address)),
            Kind::In(length) => Some(self.buffers(&[(address, other(length))])),
            Kind::InVector(count) => Some(self.buffers(&self.vector(address, other(count)))),
            Kind::InSized(length, Layout::SocketAddress) => {
                Some(self.structure(address, other(length).min(128)))
            }
            Kind::InSized(length, _) => Some(self.structure(address, other(length).min(4096))),
            Kind::InStruct(size, _) | Kind::InOutStruct(size, _) => {
                Some(self.structure(address, size.into()))
            }
            Kind::InArray(count, size) | Kind::InOutArray(count, size, _) => {
                let length = other(count).min(MOST_BUFFERS * 64).saturating_mul(size.into());
                Some(self.structure(address, length))
            }
            Kind::FdSet(highest) => {
                Some(self.structure(address, other(highest).min(1024).div_ceil(8)))
            }
            Kind::InMessage => Some(self.buffers(&self.message(address))),
            Kind::InMessages(count) => {
                let all: Vec<_> = (0..other(count).min(MOST_BUFFERS))
                    .flat_map(|at| self.message(address.wrapping_add(at * MMSGHDR)))
                    .collect();
                Some(self.buffers(&all))
            }
            Kind::Ioctl(request) => {
                ioctl_size(other(request), true).map(|size| self.structure(address, size))
            }
            Kind::Fcntl(command) => {
                fcntl_size(other(command), true).map(|size| self.structure(address, size))
            }
            _ => None,
        }
    }

    fn received(&self, kind: Kind, index: usize, count: u64) -> Option<Payload> {
        let address = self.arguments[index];
        if address == 0 {
            return None;
        }
        let other = |index: u8| self.arguments[usize::from(index)];
        match kind {
            Kind::Out(capacity) => Some(self.buffers(&[(address, count.min(other(capacity)))])),
            Kind::OutAll(capacity) => Some(self.structure(address, other(capacity).min(4096))),
            Kind::OutAt(length, _) => {
                let mut bytes = [0; 4];
                if memory::read(self.tid, other(length), &mut bytes) < 4 {
                    return None;
                }
                let length = u64::from(u32::from_le_bytes(bytes)).min(4096);
                Some(self.structure(address, length))
            }
            Kind::OutVector(buffers) => {
                Some(self.buffers(&first(self.vector(address, other(buffers)), count)))
            }
            Kind::OutStruct(size, _) | Kind::InOutStruct(size, _) => {
                Some(self.structure(address, size.into()))
            }
            Kind::OutArray(size, _) => {
                Some(self.structure(address, count.saturating_mul(size.into()).min(1 << 20)))
            }
            Kind::InOutArray(many, size, _) => {
                let length = other(many).min(MOST_BUFFERS * 64).saturating_mul(size.into());
                Some(self.structure(address, length))
            }
            Kind::FdSet(highest) => {
                Some(self.structure(address, other(highest).min(1024).div_ceil(8)))
            }
            Kind::OutMessage => Some(self.buffers(&first(self.message(address), count))),
            Kind::OutMessages => {
                let all: Vec<_> = (0..count.min(MOST_BUFFERS))
                    .flat_map(|at| {
                        let header = address.wrapping_add(at * MMSGHDR);
                        let length = memory::read_u64(self.tid, header.wrapping_add(MSGHDR));
                        let length = length.unwrap_or(0) & 0xffff_ffff;
                        first(self.message(header), length)
                    })
                    .collect();
                Some(self.buffers(&all))
            }
            Kind::Ioctl(request) => {
                ioctl_size(other(request), false).map(|size| self.structure(address, size))
            }
            Kind::Fcntl(command) => {
                fcntl_size(other(command), false).map(|size| self.structure(address, size))
            }
            _ => None,
        }
    }

    /// The buffers of an array of `iovec`s: address and length each.
    fn vector(&self, address: u64, count: u64) -> Vec<(u64, u64)> {
        let Ok(length) = usize::try_from(count.min(MOST_BUFFERS) * 16) else { return Vec::new() };
        let mut bytes = vec![0; length];
        let got = memory::read(self.tid, address, &mut bytes);
        bytes[..got].chunks_exact(16).map(|entry| (word(entry, 0), word(entry, 8))).collect()
    }

    /// The buffers of a `msghdr`.
    fn message(&self, address: u64) -> Vec<(u64, u64)> {
        let mut header = [0; 56];
        if memory::read(self.tid, address, &mut header) < header.len() {
            return Vec::new();
        }
        self.vector(word(&header, 16), word(&header, 24))
    }

    /// The bytes of several buffers, one after the other. What cannot be read is left out, as the
    /// kernel would not have read it either.
    pub(super) fn buffers(&self, buffers: &[(u64, u64)]) -> Payload {
        self.take(buffers, self.limit)
    }

    /// The same for what has to be known whole, as it is no mere content.
    fn structure(&self, address: u64, length: u64) -> Payload {
        self.take(&[(address, length)], STRUCTURE)
    }

    fn take(&self, buffers: &[(u64, u64)], limit: usize) -> Payload {
        let mut bytes = Vec::new();
        let mut hasher = None;
        let mut length = 0;
        let mut piece = Vec::new();
        'all: for &(address, count) in buffers {
            let mut done = 0;
            let count = count.min(LONGEST_TRANSFER);
            while done < count {
                let wanted = usize::try_from(count - done).unwrap_or(PIECE).min(PIECE);
                piece.resize(wanted, 0);
                let got = memory::read(self.tid, address.wrapping_add(done), &mut piece);
                let room = limit.saturating_sub(bytes.len());
                if hasher.is_none() && got > room {
                    let mut all = xxhash_rust::xxh3::Xxh3::new();
                    all.update(&bytes);
                    hasher = Some(all);
                }
                if let Some(hasher) = &mut hasher {
                    hasher.update(&piece[..got]);
                }
                bytes.extend_from_slice(&piece[..got.min(room)]);
                length += got as u64;
                done += got as u64;
                if got < wanted {
                    break 'all;
                }
            }
        }
        match hasher {
            None => Payload::whole(bytes),
            Some(hasher) => Payload { length, hash: hasher.digest(), bytes },
        }
    }

    /// Writes bytes into the buffers of an array of `iovec`s, as a read would.
    pub(super) fn spread(&self, address: u64, count: u64, mut bytes: &[u8]) -> io::Result<()> {
        for (address, length) in self.vector(address, count) {
            let length = usize::try_from(length).unwrap_or(usize::MAX).min(bytes.len());
            let (now, later) = bytes.split_at(length);
            memory::write(self.tid, address, now)?;
            bytes = later;
        }
        Ok(())
    }

    /// Writes bytes into the buffers of a `msghdr`, as receiving a message would.
    pub(super) fn spread_message(&self, mut bytes: &[u8]) -> io::Result<()> {
        for (address, length) in self.message(self.arguments[1]) {
            let length = usize::try_from(length).unwrap_or(usize::MAX).min(bytes.len());
            let (now, later) = bytes.split_at(length);
            memory::write(self.tid, address, now)?;
            bytes = later;
        }
        Ok(())
    }

    /// How many bytes fit into an array of `iovec`s.
    pub(super) fn room(&self, address: u64, count: u64) -> u64 {
        self.vector(address, count).iter().fold(0, |sum, (_, room)| sum.saturating_add(*room))
    }

    /// How many bytes fit into the buffers of a `msghdr`.
    pub(super) fn message_room(&self) -> u64 {
        let buffers = self.message(self.arguments[1]);
        buffers.iter().fold(0, |sum, (_, room)| sum.saturating_add(*room))
    }

    /// Says of so many messages of `sendmmsg` that all of their bytes were sent.
    pub(super) fn sent(&self, count: i64) {
        for at in 0..u64::try_from(count).unwrap_or(0).min(MOST_BUFFERS) {
            let header = self.arguments[1].wrapping_add(at * MMSGHDR);
            let length =
                self.message(header).iter().fold(0_u64, |sum, (_, n)| sum.wrapping_add(*n));
            // Where it cannot be written the kernel could not either.
            let _unwritable =
                memory::write(self.tid, header.wrapping_add(MSGHDR), &length.to_le_bytes()[..4]);
        }
    }

    /// What stands at an address whose length, four bytes, stands at another one.
    pub(super) fn sized(&self, address: u64, length: u64) -> Vec<u8> {
        let mut bytes = [0; 4];
        if address == 0 || memory::read(self.tid, length, &mut bytes) < 4 {
            return Vec::new();
        }
        self.structure(address, u64::from(u32::from_le_bytes(bytes)).min(128)).bytes
    }

    /// The address that a message came from.
    pub(super) fn came_from(&self) -> Vec<u8> {
        self.take(&self.header(self.arguments[1], 0, 8, 128), STRUCTURE).bytes
    }

    /// The flags of a message that came in, and what the kernel says of it.
    pub(super) fn came_with(&self) -> Vec<u8> {
        let flags = memory::read_u64(self.tid, self.arguments[1].wrapping_add(48)).unwrap_or(0);
        let mut all = flags.to_le_bytes()[..4].to_vec();
        let control = self.header(self.arguments[1], 32, 40, 4096);
        all.extend(self.take(&control, STRUCTURE).bytes);
        all
    }

    /// Writes where a message came from.
    pub(super) fn set_came_from(&self, name: &[u8]) -> io::Result<()> {
        let message = self.arguments[1];
        let address = memory::read_u64(self.tid, message).unwrap_or(0);
        let room = memory::read_u64(self.tid, message.wrapping_add(8)).unwrap_or(0) & 0xffff_ffff;
        if address == 0 {
            return Ok(());
        }
        let length = usize::try_from(room).unwrap_or(0).min(name.len());
        memory::write(self.tid, address, &name[..length])?;
        let length = u32::try_from(name.len()).unwrap_or(0);
        memory::write(self.tid, message.wrapping_add(8), &length.to_le_bytes())
    }

    /// Writes what came with a message.
    pub(super) fn set_came_with(&self, all: &[u8]) -> io::Result<()> {
        let message = self.arguments[1];
        let Some((flags, control)) = all.split_at_checked(4) else { return Ok(()) };
        memory::write(self.tid, message.wrapping_add(48), flags)?;
        let address = memory::read_u64(self.tid, message.wrapping_add(32)).unwrap_or(0);
        let room = memory::read_u64(self.tid, message.wrapping_add(40)).unwrap_or(0);
        let length = usize::try_from(room).unwrap_or(0).min(control.len());
        if address != 0 {
            memory::write(self.tid, address, &control[..length])?;
        }
        memory::write(self.tid, message.wrapping_add(40), &(length as u64).to_le_bytes())
    }

    /// The strings of a null-terminated array, each with its NUL.
    fn strings(&self, address: u64) -> Payload {
        let mut all = Vec::new();
        let mut at = address;
        while all.len() < LONGEST_STRINGS {
            let Some(pointer) = memory::read_u64(self.tid, at).filter(|&pointer| pointer != 0)
            else {
                break;
            };
            let room = LONGEST_STRINGS - all.len();
            let Some(string) = memory::read_string(self.tid, pointer, room) else { break };
            all.extend_from_slice(&string);
            all.push(0);
            at = at.wrapping_add(8);
        }
        Payload::whole(all)
    }
}

/// Whether descriptors came with a message, after its flags.
pub(super) fn passed_over(all: &[u8]) -> bool {
    let mut rest = all.get(4..).unwrap_or_default();
    while rest.len() >= 16 {
        // SOL_SOCKET and SCM_RIGHTS.
        if word(rest, 8) == 1 | 1 << 32 {
            return true;
        }
        let length = usize::try_from(word(rest, 0)).unwrap_or(usize::MAX).max(16);
        rest = length
            .checked_next_multiple_of(8)
            .and_then(|length| rest.get(length..))
            .unwrap_or_default();
    }
    false
}

const MSGHDR: u64 = 56;
const MMSGHDR: u64 = 64;

fn word(bytes: &[u8], at: usize) -> u64 {
    bytes
        .get(at..at + 8)
        .and_then(|word| word.first_chunk())
        .map_or(0, |word| u64::from_le_bytes(*word))
}

/// The buffers up to so many bytes.
fn first(mut buffers: Vec<(u64, u64)>, mut count: u64) -> Vec<(u64, u64)> {
    for (_, length) in &mut buffers {
        *length = count.min(*length);
        count -= *length;
    }
    buffers
}

/// How many bytes an `ioctl` hands over or receives, if it does. Newer requests say so
/// themselves; of the older ones only those of terminals and of descriptors are known.
fn ioctl_size(request: u64, handed_over: bool) -> Option<u64> {
    let (size, over, back) = match request & 0xffff_ffff {
        0x5401 => (36, false, true),          // TCGETS
        0x5402..=0x5404 => (36, true, false), // TCSETS, TCSETSW, TCSETSF
        0x540f | 0x5429 => (4, false, true),  // TIOCGPGRP, TIOCGSID
        0x5410 => (4, true, false),           // TIOCSPGRP
        0x5413 => (8, false, true),           // TIOCGWINSZ
        0x5414 => (8, true, false),           // TIOCSWINSZ
        0x541b | 0x5411 => (4, false, true),  // FIONREAD, TIOCOUTQ
        0x5421 | 0x5452 => (4, true, false),  // FIONBIO, FIOASYNC
        0x5450 | 0x5451 => return None,       // FIONCLEX, FIOCLEX
        request if request >> 30 != 0 => {
            (request >> 16 & 0x3fff, request >> 30 & 1 != 0, request >> 30 & 2 != 0)
        }
        _ => return None,
    };
    (if handed_over { over } else { back }).then_some(size)
}

/// How many bytes the argument of a `fcntl` points to.
fn fcntl_size(command: u64, handed_over: bool) -> Option<u64> {
    match command {
        5 | 36 => Some(32),                           // F_GETLK
        6 | 7 | 37 | 38 => handed_over.then_some(32), // F_SETLK, F_SETLKW
        15 => handed_over.then_some(8),               // F_SETOWN_EX
        16 => (!handed_over).then_some(8),            // F_GETOWN_EX
        _ => None,
    }
}
