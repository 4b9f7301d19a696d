//! Calls that take one stop although only the kernel knows their result.
//!
//! At its entry such a call is made to return to a page of ours in the program
//! ([`crate::sys::landing`]), which keeps what came of it. The call is written down at the next
//! stop of its thread, before anything else. That is as exact as a stop at its end as long as
//! nobody else could have changed anything meanwhile, so only threads that are alone do it. If a
//! thread is killed from outside before it stops again, the result of its last call is not known.

use super::capture::Capture;
use super::engine::{Engine, alive, gone};
use super::entry::low;
use super::fault::Harm;
use super::features::Own;
use super::task::Pending;
use crate::Error;
use crate::sys::landing::{self, Stopped, Way};
use crate::sys::{Tid, memory, ptrace};
use crate::table::Row;
use crate::table::errors::is_restart;
use crate::trace::{Data, ObjectKind, Payload, call_flags};

/// A call that has landed, or will when the kernel is done with it.
pub(super) struct Landing {
    pending: Pending,
    way: Way,
    place: u64,
}

impl Landing {
    /// The call, of which nobody will know what came of it.
    pub(super) fn unknown(self) -> crate::trace::Call {
        self.pending.call
    }
}

/// So much is read at once of what a call received.
const AT_ONCE: usize = 512 - landing::HEAD;

impl Engine<'_> {
    /// Whether the memory of a thread that has begun a new program gets the page: the calls that
    /// it must make for that.
    pub(super) fn wants_landing(&self) -> &'static [Own] {
        match &self.window {
            _ if !self.knobs.one_stop || self.is_attached() || !landing::is_possible() => &[],
            Some(_) => &[Own::Map, Own::Protect, Own::Open, Own::Share, Own::Close],
            None => &[Own::Map, Own::Protect],
        }
    }

    /// Lets a call land whose entry has been looked at, if it can; otherwise gives it back.
    pub(super) fn lands(
        &mut self,
        tid: Tid,
        harm: Option<Harm>,
        pending: Pending,
    ) -> Result<Option<Pending>, Error> {
        let way = match (harm, pending.row) {
            (None, Some(row)) => self.way(tid, row, &pending),
            _ => None,
        };
        let Some((way, place)) = way.and_then(|way| Some((way, landing::place(way)?))) else {
            return Ok(Some(pending));
        };
        gone(ptrace::return_to(tid, place), "let the call land", tid)?;
        if let Some(task) = self.tasks.get_mut(&tid) {
            task.landing = Some(Landing { pending, way, place });
            self.writer.lands(tid);
        }
        Ok(None)
    }

    /// What has to be kept of a call; `None` if it needs a stop at its end.
    fn way(&self, tid: Tid, row: &Row, pending: &Pending) -> Option<Way> {
        let task = self.tasks.get(&tid)?;
        // What we cannot follow may have changed what is mapped.
        let ready = task.lands
            && self.is_alone()
            && !self.stops_at_all(tid)
            && !task.strict
            && !self.strange;
        // What is given has to be there at its end, and a signal that is to come between two calls
        // must not come in the middle of one.
        let is_given = pending.answer.is_some() || pending.given.is_some();
        let is_outside = pending.call.flags & call_flags::OUTSIDE != 0;
        if is_given || is_outside || self.has_signals_to_send() {
            return None;
        }
        if !ready || !pending.changed.is_empty() || self.files.is_watching() {
            return None;
        }
        let arguments = &pending.arguments;
        // What is read here is the same for everybody, and nobody waits for it.
        let is_plain = || {
            let known = task.descriptors.borrow().get(low(arguments[0])).map(|known| known.kind);
            let object = pending.call.object(0);
            matches!(
                known,
                Some(ObjectKind::File | ObjectKind::Folder | ObjectKind::Disk | ObjectKind::Device)
            ) && object.is_some_and(|object| !self.random.contains_key(&object))
        };
        // What a mirrored run is told of files is changed before it sees it.
        let is_told = self.mirror.is_none();
        match row.name {
            "openat" | "open" | "access" | "faccessat" | "faccessat2" => Some(Way::Result),
            "fcntl" if matches!(low(arguments[1]), 0..=4 | 1030) => Some(Way::Result),
            "close" | "lseek" | "write" | "pwrite64" if is_plain() => Some(Way::Result),
            "stat" | "fstat" | "lstat" if is_told => Some(Way::Fixed { argument: 1, length: 144 }),
            "newfstatat" if is_told => Some(Way::Fixed { argument: 2, length: 144 }),
            "statx" if is_told => Some(Way::Fixed { argument: 4, length: 256 }),
            "read" | "pread64" | "getdents64"
                if is_told && arguments[2] <= landing::LONGEST && is_plain() =>
            {
                Some(Way::Counted { argument: 1 })
            }
            _ => None,
        }
    }

    /// A thread has stopped: writes down the call that has landed before. `stopped` is what its
    /// registers say of it, if they were looked at.
    pub(super) fn landed(&mut self, tid: Tid, landed: Landing, at: &Stopped) -> Result<(), Error> {
        let Landing { mut pending, way, .. } = landed;
        let length = match way {
            Way::Result => 0,
            Way::Fixed { length, .. } => usize::from(length),
            Way::Counted { .. } => AT_ONCE,
        };
        let mut kept = [0; landing::HEAD + AT_ONCE];
        let kept = &mut kept[..landing::HEAD + length];
        let shares = self.tasks.get(&tid).is_some_and(|task| task.shares);
        let got = match &self.window {
            Some(window) if shares => {
                window.read(kept);
                kept.len()
            }
            _ => memory::read(tid, landing::KEPT, kept),
        };
        let known = landing::kept(&kept[..got]);
        let (result, is_kept) = match (at, known) {
            (Stopped::Before(result), _) => (*result, false),
            (Stopped::Within, Some((result, _))) => (result, false),
            // It came back from the call that we mean, and not from an earlier one.
            (Stopped::After, Some((result, back))) if back == pending.call.instruction => {
                (result, got == kept.len())
            }
            // It is being killed, or has destroyed what is ours.
            _ => {
                if alive(ptrace::result(tid), "read the result", tid)?.is_some() {
                    self.untraced(
                        tid,
                        "the result of a call, which the program has overwritten \
                         before it could be read"
                            .to_owned(),
                    )?;
                    self.lands_no_more(tid);
                }
                return self.call(pending.call);
            }
        };
        let Some(row) = pending.row else { return self.call(pending.call) };
        if result >= 0 {
            self.remember(tid, row, (result, result));
        }
        self.after(tid, row, &pending.arguments, result, &mut pending.call)?;
        self.note_exit(tid, row, &pending.arguments, result, &mut pending.call)?;
        let count = usize::try_from(result).unwrap_or(0);
        let taken = match way {
            _ if result < 0 => Some(None),
            Way::Result => Some(None),
            _ if !is_kept => None,
            Way::Fixed { argument, .. } => Some(Some((argument, length))),
            // Nothing is received to nowhere.
            Way::Counted { argument } if pending.arguments[usize::from(argument)] == 0 => {
                Some(None)
            }
            Way::Counted { argument } => {
                let fits = count <= AT_ONCE.min(self.knobs.payload_limit);
                fits.then_some(Some((argument, count)))
            }
        };
        match taken {
            Some(None) => {}
            Some(Some((argument, count))) => {
                let bytes = kept[landing::HEAD..][..count].to_vec();
                let payload = Payload::whole(bytes);
                pending.call.data.push(Data { argument, out: true, payload });
            }
            None => {
                let mut arguments = pending.arguments;
                if let (true, Way::Counted { argument } | Way::Fixed { argument, .. }) =
                    (is_kept, way)
                {
                    arguments[usize::from(argument)] = landing::RECEIVED;
                }
                let limit = self.knobs.payload_limit;
                let capture = Capture { tid, arguments: &arguments, limit };
                capture.exit(row, result, &mut pending.call.data);
            }
        }
        pending.call.result = Some(result);
        self.call(pending.call)
    }

    fn take_landing(&mut self, tid: Tid) -> Option<Landing> {
        let landed = self.tasks.get_mut(&tid)?.landing.take()?;
        self.writer.lands(0);
        Some(landed)
    }

    /// A thread has stopped before a call at this address: the call that has landed before it is
    /// written down. Says where the call really is made from.
    pub(super) fn landed_before(&mut self, tid: Tid, instruction: u64) -> Result<u64, Error> {
        /// `ERESTARTSYS`
        const AGAIN: i64 = -512;
        let landed = self.take_landing(tid);
        let Some(landed) = landed else { return Ok(instruction) };
        if instruction != landed.place {
            self.landed(tid, landed, &Stopped::After)?;
            return Ok(instruction);
        }
        // The kernel begins the call anew, without having told anybody.
        let back = landed.pending.call.instruction;
        if let Some(mut registers) = alive(ptrace::registers(tid), "read the registers", tid)? {
            let result = registers.result();
            registers.return_to(back, result);
            gone(ptrace::set_registers(tid, &registers), "set the registers", tid)?;
        }
        self.landed(tid, landed, &Stopped::Before(AGAIN))?;
        Ok(back)
    }

    /// A thread has stopped for a signal: the call that has landed before is written down, and the
    /// thread is where it would be if there were no page of ours. Whether the signal is about that
    /// page, so that the program must not get to see it.
    pub(super) fn landed_at_signal(&mut self, tid: Tid, signal: i32) -> Result<bool, Error> {
        let landed = self.take_landing(tid);
        let Some(landed) = landed else { return Ok(false) };
        let Some(mut registers) = alive(ptrace::registers(tid), "read the registers", tid)? else {
            self.call(landed.pending.call)?;
            return Ok(false);
        };
        let at = landing::stopped(&registers, landed.place);
        if self.is_unwanted() && matches!(at, Stopped::Before(result) if is_restart(result)) {
            // It waits in the call, which nobody will see return.
            self.call(landed.pending.call)?;
            return Ok(false);
        }
        let back = landed.pending.call.instruction;
        let is_ours = match at {
            Stopped::After => false,
            Stopped::Before(result) => {
                registers.return_to(back, result);
                gone(ptrace::set_registers(tid, &registers), "set the registers", tid)?;
                false
            }
            Stopped::Within => {
                let mut head = [0; landing::HEAD];
                let got = memory::read(tid, landing::KEPT, &mut head);
                let result = landing::kept(&head[..got]).map_or(0, |(result, _)| result);
                registers.put_back(&landed.pending.arguments);
                registers.return_to(back, result);
                gone(ptrace::set_registers(tid, &registers), "set the registers", tid)?;
                matches!(signal, libc::SIGSEGV | libc::SIGBUS)
            }
        };
        self.landed(tid, landed, &at)?;
        Ok(is_ours)
    }

    /// A call is about to change what is mapped where: the page may be gone then.
    pub(super) fn keep_landing(&mut self, tid: Tid, row: &Row, arguments: &[u64; 6]) {
        const FIXED: u64 = 0x10;
        let touched = match row.name {
            "mmap" => arguments[3] & FIXED != 0 && landing::touches(arguments[0], arguments[1]),
            "mremap" => {
                landing::touches(arguments[0], arguments[1])
                    || arguments[3] & 2 != 0 && landing::touches(arguments[4], arguments[2])
            }
            "munmap" | "mprotect" | "pkey_mprotect" | "madvise" | "remap_file_pages" => {
                landing::touches(arguments[0], arguments[1])
            }
            // How long it is only the kernel knows.
            "shmat" => arguments[1] != 0 && landing::touches(arguments[1], u64::MAX),
            _ => false,
        };
        if touched {
            self.lands_no_more(tid);
        }
    }

    fn lands_no_more(&mut self, tid: Tid) {
        let Some(memory) = self.tasks.get(&tid).map(|task| task.memory) else { return };
        for task in self.tasks.values_mut().filter(|task| task.memory == memory) {
            task.lands = false;
        }
    }
}
