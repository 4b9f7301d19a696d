//! What happens at the exit of a system call.

use super::capture::Capture;
use super::descriptors;
use super::engine::{Engine, Origin, alive, gone};
use super::entry::{CHILD_OF_INFO, MOVED, low, put};
use super::outside::{Answer, noted};
use super::proc::folder;
use super::times;
use crate::Error;
use crate::sys::{Tid, memory, ptrace};
use crate::table::errors::is_restart;
use crate::table::{Ret, Row};
use crate::trace::{Call, Data, Event, Payload, call_flags};

impl Engine<'_> {
    /// A system call is about to return.
    pub(super) fn exit(&mut self, tid: Tid) -> Result<(), Error> {
        if self.has_made_ours(tid)? {
            return Ok(());
        }
        let pending = self.tasks.get_mut(&tid).and_then(|task| task.pending.take());
        let Some(mut pending) = pending else { return self.resume(tid, 0) };
        let Some(real) = alive(ptrace::result(tid), "read the result", tid)? else {
            // It was killed: the call does not return.
            return self.call(pending.call);
        };
        if pending.given.is_none() && self.goes_on(tid, real)? {
            // The program never notices.
            return self.resume(tid, 0);
        }
        let mut result = pending.given.unwrap_or(real);
        for &index in &pending.changed {
            let value = pending.arguments[index];
            gone(ptrace::set_argument(tid, index, value), "set an argument", tid)?;
        }
        if let Some(row) = pending.row {
            if row.result == Ret::Pid && result > 0 {
                result = self.sees(tid, low(result.cast_unsigned())).into();
            }
            let arguments = pending.arguments;
            if real >= 0 {
                self.remember(tid, row, (real, result));
            }
            let answer = pending.answer.take();
            let opened = match answer {
                Some(Answer::Open(given, source, stands_for)) if result >= 0 => {
                    pending.call.data.extend(given.data);
                    put(tid, &arguments, &pending.call);
                    pending.call.data.retain(|data| !data.out || data.argument > 5);
                    self.stand_in(stands_for);
                    Some(source)
                }
                Some(Answer::Give(given)) => {
                    pending.call.data.extend(given.data);
                    put(tid, &arguments, &pending.call);
                    pending.call.data.retain(|data| !data.out);
                    pending.call.flags |= call_flags::GIVEN;
                    None
                }
                Some(Answer::Interrupt(result)) if is_restart(result) => {
                    // If it is done again, it is this one.
                    gone(ptrace::set_number(tid, pending.call.number), "name a call", tid)?;
                    None
                }
                _ => None,
            };
            self.after(tid, row, &arguments, result, &mut pending.call)?;
            match opened {
                Some(source) => self.leads_outside(tid, low(result.cast_unsigned()), source),
                None => self.note_exit(tid, row, &arguments, result, &mut pending.call)?,
            }
            // What is random or comes from outside has to be there to be given again.
            let is_random = pending.call.object(0).is_some_and(|o| self.random.contains_key(&o));
            let is_outside = pending.call.flags & call_flags::OUTSIDE != 0;
            let is_kept = is_random || is_outside && row.name != "write";
            let limit = if is_kept { usize::MAX } else { self.knobs.payload_limit };
            let capture = Capture { tid, arguments: &arguments, limit };
            capture.exit(row, result, &mut pending.call.data);
            let waited = self.turns.ticks != pending.ticks;
            let interrupted = is_restart(result) || result == -i64::from(libc::EINTR);
            if waited && (is_outside || interrupted) {
                pending.call.data.push(noted(self.turns.ticks));
            }
            if let Some(task) = self.tasks.get_mut(&tid) {
                task.broke = is_outside && result == -i64::from(libc::EPIPE);
            }
            if result == 0 {
                self.give_times(tid, arguments, &mut pending.call);
            }
        }
        if result != real {
            gone(ptrace::set_result(tid, result), "set the result", tid)?;
        }
        pending.call.result = Some(result);
        self.call(pending.call)?;
        self.kill_doomed(tid);
        self.resume(tid, 0)
    }

    /// The times of a file as the earlier run was told them.
    fn give_times(&mut self, tid: Tid, arguments: [u64; 6], call: &mut Call) {
        let mirror = self.mirror.as_mut().filter(|_| self.knobs.mirrored_files);
        let Some(mirror) = mirror else { return };
        let Some(task) = self.tasks.get(&tid).filter(|task| !task.is_saving()) else { return };
        let asked = times::source(call, |object| self.paths.get(&object).copied());
        let Some((source, index, layout)) = asked else { return };
        let data = call.data.iter_mut().find(|data| data.out && data.argument == index);
        let Some(data) = data.filter(|data| data.payload.is_whole()) else { return };
        let mut bytes = data.payload.bytes.clone();
        let asked = (source, layout);
        if mirror.give_times(&task.told.lineage, asked, self.started, &mut bytes)
            && memory::write(tid, arguments[usize::from(index)], &bytes).is_ok()
        {
            data.payload = Payload::whole(bytes);
            call.flags |= call_flags::TIMES;
        }
    }

    /// What a call has changed, seen from its result.
    pub(super) fn after(
        &mut self,
        tid: Tid,
        row: &Row,
        arguments: &[u64; 6],
        result: i64,
        call: &mut Call,
    ) -> Result<(), Error> {
        if result < 0 {
            return Ok(());
        }
        let duplicates = row.name == "fcntl" && matches!(arguments[1], 0 | 1030);
        if row.result == Ret::Fd || duplicates {
            let duplicates = duplicates || matches!(row.name, "dup" | "dup2" | "dup3");
            let origin = match row.name {
                _ if duplicates => Origin::Duplicate(low(arguments[0])),
                "openat" if opens_folder(arguments[2]) => Origin::Folder,
                "open" if opens_folder(arguments[1]) => Origin::Folder,
                _ => Origin::New,
            };
            self.made(tid, low(result.cast_unsigned()), origin, call)?;
        }
        match row.name {
            "pipe" | "pipe2" | "socketpair" => {
                let address = if row.name == "socketpair" { arguments[3] } else { arguments[0] };
                let pair = memory::read_u64(tid, address).unwrap_or(u64::MAX);
                self.made(tid, low(pair), Origin::New, call)?;
                self.made(tid, low(pair >> 32), Origin::New, call)?;
            }
            "close_range" if arguments[2] & 4 == 0 => {
                if let Some(task) = self.tasks.get(&tid) {
                    task.descriptors.borrow_mut().remove_range(arguments[0], arguments[1]);
                }
            }
            "mmap" | "mremap" | "mprotect" | "munmap" => {
                self.remapped(tid, row, arguments, result)?;
            }
            "chdir" | "fchdir" | "chroot" => {
                let Some(task) = self.tasks.get(&tid) else { return Ok(()) };
                let event = Event::Directory { task: task.told.id, path: folder(tid) };
                self.write(&event)?;
            }
            "unshare" if arguments[0] & 0x400 != 0 => {
                if let Some(task) = self.tasks.get_mut(&tid) {
                    let own = task.descriptors.borrow().clone();
                    task.descriptors = std::rc::Rc::new(std::cell::RefCell::new(own));
                }
            }
            "sendfile" => self.moved(tid, (arguments[1], 2), result, call)?,
            "copy_file_range" => self.moved(tid, (arguments[0], 1), result, call)?,
            "splice" | "tee" if result > 0 => {
                self.untraced(tid, format!("the bytes that {} moves in the kernel", row.name))?;
            }
            // FICLONE and FICLONERANGE.
            "ioctl" if matches!(low(arguments[1]), 0x4004_9409 | 0x4020_940d) => {
                self.untraced(tid, "the content of files that are cloned".to_owned())?;
            }
            "set_tid_address" => {
                if let Some(task) = self.tasks.get_mut(&tid) {
                    task.clear = arguments[0];
                }
            }
            "kill" | "tkill" | "tgkill" | "rt_sigqueueinfo" | "rt_tgsigqueueinfo"
            | "pidfd_send_signal" => self.signalled(tid),
            "sched_setaffinity" => {
                let whom = self.pids.real(low(arguments[0]));
                let whom = if whom == 0 { tid } else { whom };
                if let Some(task) = self.tasks.get_mut(&whom) {
                    task.placed = true;
                }
            }
            // It shall not see that we hold it on one processor.
            "sched_getaffinity" if self.is_pinned() => {
                let whom = self.pids.real(low(arguments[0]));
                let whom = if whom == 0 { tid } else { whom };
                if self.tasks.get(&whom).is_some_and(|task| !task.placed) {
                    let count = usize::try_from(result).unwrap_or(0).min(128);
                    let _unreadable = memory::write(tid, arguments[2], &self.free.bytes(count));
                }
            }
            "waitid" if arguments[2] != 0 && !self.pids.is_plain() => {
                let at = arguments[2].wrapping_add(CHILD_OF_INFO as u64);
                let mut bytes = [0; 4];
                if memory::read(tid, at, &mut bytes) == 4 {
                    let seen = self.sees(tid, i32::from_le_bytes(bytes));
                    let _unreadable = memory::write(tid, at, &seen.to_le_bytes());
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The kernel has moved bytes from one file to another; they never pass through the program's
    /// memory, so they are read from the file. `from` is the descriptor that they come from, and
    /// the argument that points to the offset.
    fn moved(
        &mut self,
        tid: Tid,
        from: (u64, u8),
        result: i64,
        call: &mut Call,
    ) -> Result<(), Error> {
        let (fd, argument) = from;
        let count = result.cast_unsigned();
        let fd = low(fd);
        let offset = match call.payload(argument.into(), false) {
            Some(offset) => offset.bytes.first_chunk().map(|offset| u64::from_le_bytes(*offset)),
            None => {
                descriptors::position(tid, fd).and_then(|(position, _)| position.checked_sub(count))
            }
        };
        let limit = self.knobs.payload_limit;
        let content = offset.and_then(|offset| descriptors::content(tid, fd, offset, count, limit));
        match content {
            Some(payload) => call.data.push(Data { argument: MOVED, out: true, payload }),
            None if count > 0 => {
                self.untraced(tid, "bytes that are moved in the kernel".to_owned())?;
            }
            None => {}
        }
        Ok(())
    }

    /// A descriptor leads to something new.
    fn made(&mut self, tid: Tid, fd: i32, origin: Origin, call: &mut Call) -> Result<(), Error> {
        if matches!(origin, Origin::Duplicate(from) if from == fd) {
            call.made.extend(call.object(0));
            return Ok(());
        }
        if let Some(task) = self.tasks.get(&tid) {
            task.descriptors.borrow_mut().remove(fd);
        }
        if let Some(object) = self.object(tid, fd, origin)? {
            call.made.push(object);
        }
        Ok(())
    }
}

/// Whether what these flags open is a folder, or the call fails. A flag for files without a name
/// contains the one for folders.
const fn opens_folder(flags: u64) -> bool {
    let flags = low(flags);
    flags & libc::O_DIRECTORY != 0 && flags & libc::O_TMPFILE != libc::O_TMPFILE
}
