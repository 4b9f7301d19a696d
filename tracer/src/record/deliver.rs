//! Signals of timers and from outside, where an earlier run got them.
//!
//! They come in real time and so anywhere. A mirrored run holds back those that really come and
//! gets each where the earlier run did: before the call that followed, or in the middle of one that
//! it interrupted.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::engine::{Engine, alive, gone};
use super::outside::Answer;
use super::task::Pending;
use super::turns::{has_deliverable, has_pending};
use crate::Error;
use crate::sys::ptrace::SignalInfo;
use crate::sys::{Tid, ptrace};
use crate::table::errors::is_restart;
use crate::trace::{Call, Event, Sender};

/// A signal as a run got it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) signal: i32,
    pub(crate) code: i32,
    pub(crate) from: Sender,
    pub(crate) about: Vec<u8>,
}

/// Where the earlier run got a signal.
#[derive(Clone, Debug)]
pub(crate) struct Due {
    /// After so many calls of the thread that were not interrupted.
    after: u64,
    /// The call that it interrupted: its number, and what it returned.
    interrupted: Option<(u64, i64)>,
    /// At which tick.
    when: Option<u64>,
    delivery: Delivery,
}

impl Due {
    /// Whether it came in the middle of the program's own code.
    fn is_in_own_code(&self) -> bool {
        self.interrupted.is_none() && self.delivery.about.last() == Some(&1)
    }
}

/// The calls of each thread, by its number in the trace; those of a save are not counted.
#[derive(Debug, Default)]
pub(crate) struct Counts(Vec<(u64, bool)>);

impl Counts {
    fn entry(&mut self, task: u32) -> &mut (u64, bool) {
        let index = task as usize;
        if self.0.len() <= index {
            self.0.resize(index + 1, (0, false));
        }
        &mut self.0[index]
    }

    /// A thread has made a call.
    pub(crate) fn made(&mut self, call: &Call) {
        let (count, saving) = self.entry(call.task);
        if !*saving && !is_interrupted(call) {
            *count = count.wrapping_add(1);
        }
    }

    pub(crate) fn set_saving(&mut self, task: u32, saving: bool) {
        self.entry(task).1 = saving;
    }

    fn of(&self, task: u32) -> u64 {
        self.0.get(task as usize).map_or(0, |(count, _)| *count)
    }

    /// Counts from here on. The call of the thread that says so is about to be counted.
    pub(crate) fn start(&mut self, task: u32) {
        self.0.iter_mut().for_each(|(count, _)| *count = 0);
        self.entry(task).0 = u64::MAX;
    }
}

fn is_interrupted(call: &Call) -> bool {
    call.result.is_some_and(|result| is_restart(result) || result == -i64::from(libc::EINTR))
}

/// What an earlier run got, by thread.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    due: HashMap<String, VecDeque<Due>>,
    counts: Counts,
    last: HashMap<u32, (u64, i64, Option<u64>)>,
}

impl Signals {
    /// The earlier run made a call; `when` is the tick at which it went on, if it waited.
    pub(crate) fn call(&mut self, call: &Call, when: Option<u64>) {
        self.counts.made(call);
        match call.result.filter(|_| is_interrupted(call)) {
            Some(result) => self.last.insert(call.task, (call.number, result, when)),
            None => self.last.remove(&call.task),
        };
    }

    /// It got a signal.
    pub(crate) fn signal(&mut self, task: u32, lineage: &str, delivery: Delivery) {
        let last = self.last.remove(&task);
        if delivery.from == Sender::Inside {
            return;
        }
        let after = self.counts.of(task);
        let when = last.and_then(|(_, _, when)| when);
        let interrupted = last.map(|(number, result, _)| (number, result));
        let due = Due { after, interrupted, when, delivery };
        self.due.entry(lineage.to_owned()).or_default().push_back(due);
    }

    /// Everything counts from here on.
    pub(crate) fn start(&mut self, task: u32) {
        self.counts.start(task);
        self.due.clear();
        self.last.clear();
    }

    pub(crate) fn set_saving(&mut self, task: u32, saving: bool) {
        self.counts.set_saving(task, saving);
    }

    fn next(&self, lineage: &str) -> Option<&Due> {
        self.due.get(lineage)?.front()
    }

    fn pop(&mut self, lineage: &str) -> Option<Due> {
        self.due.get_mut(lineage)?.pop_front()
    }
}

/// Those that the kernel sends because time has passed.
const OF_TIMERS: [i32; 3] = [libc::SIGALRM, libc::SIGVTALRM, libc::SIGPROF];
/// Those that a terminal sends and that stop nobody.
const OF_TERMINALS: [i32; 4] = [libc::SIGINT, libc::SIGQUIT, libc::SIGHUP, libc::SIGWINCH];
/// Those that stop a process or let it go on: somebody has to do the other half.
const STOPPING: [i32; 5] =
    [libc::SIGSTOP, libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU, libc::SIGCONT];

/// As long as a thread may be left without a signal that it may wait for.
const A_LITTLE: Duration = Duration::from_millis(20);

const OF_KERNEL: i32 = 0x80;
const OF_TIMER: i32 = -2;

impl Engine<'_> {
    /// Who has sent a signal.
    pub(super) fn sender(&self, tid: Tid, signal: i32, info: &SignalInfo) -> Sender {
        if STOPPING.contains(&signal) {
            return Sender::Inside;
        }
        let broke = self.tasks.get(&tid).is_some_and(|task| task.broke);
        match info.code {
            OF_TIMER => Sender::Timer,
            OF_KERNEL if OF_TIMERS.contains(&signal) => Sender::Timer,
            OF_KERNEL if OF_TERMINALS.contains(&signal) => Sender::Outside,
            _ if signal == libc::SIGPIPE && broke => Sender::Outside,
            libc::SI_USER | libc::SI_QUEUE | libc::SI_TKILL
                if info.sender != 0 && !self.outside.inside.contains(&info.sender) =>
            {
                Sender::Outside
            }
            _ => Sender::Inside,
        }
    }

    fn gives_signals(&self) -> bool {
        self.knobs.mirrored_signals && self.mirror.as_ref().is_some_and(|mirror| mirror.is_active())
    }

    /// Whether a signal is held back, because the run gets those of the earlier one.
    pub(super) fn holds_back(&self, signal: i32, from: Sender) -> bool {
        from != Sender::Inside
            && self.gives_signals()
            && self.mirror.as_ref().is_some_and(|mirror| mirror.held.contains(&signal))
    }

    /// Whether any thread will get a signal of the earlier run's.
    pub(super) fn has_signals_to_send(&self) -> bool {
        self.gives_signals() && self.mirror.as_ref().is_some_and(|mirror| !mirror.held.is_empty())
    }

    /// The lineage that a thread has in the earlier run, and how many calls it has made here.
    fn stands(&self, tid: Tid) -> Option<(String, u64)> {
        let task = self.tasks.get(&tid).filter(|_| self.gives_signals())?;
        let mirror = self.mirror.as_ref()?;
        (!mirror.signals.due.is_empty())
            .then(|| (mirror.there(&task.told.lineage), self.counts.of(task.told.id)))
    }

    /// Whether a thread is not at the end of a call.
    pub(super) fn is_in_own_code(&self, tid: Tid) -> Result<bool, Error> {
        let registers = alive(ptrace::registers(tid), "read the registers", tid)?;
        let task = self.tasks.get(&tid);
        Ok(registers.zip(task).is_some_and(|(now, task)| now.instruction() != task.instruction))
    }

    /// A signal has really come, and is held back. If it is due somewhere before the next call,
    /// where this is nobody can say: this place is as good as any, and the program may wait for it
    /// without a call.
    pub(super) fn held_back(&mut self, tid: Tid, signal: i32) -> Result<(), Error> {
        let Some((there, count)) = self.stands(tid) else { return self.resume(tid, 0) };
        let Some(mirror) = &mut self.mirror else { return self.resume(tid, 0) };
        let is_due = mirror.signals.next(&there).is_some_and(|due| {
            due.is_in_own_code() && due.after == count && due.delivery.signal == signal
        });
        let Some(task) = self.tasks.get(&tid).filter(|_| is_due) else {
            return self.resume(tid, 0);
        };
        let (pid, free) = (task.pid, task.sent.is_none());
        if !free || !self.is_in_own_code(tid)? {
            // It is a little too early. Whether there will be a call before which it can come, or
            // the program only waits for the signal, is not known.
            ptrace::send_later(pid, tid, signal, A_LITTLE);
            return self.resume(tid, 0);
        }
        let Some(mirror) = &mut self.mirror else { return self.resume(tid, 0) };
        let Some(due) = mirror.signals.pop(&there) else { return self.resume(tid, 0) };
        self.delivered(tid, due.delivery)
    }

    /// A call is about to be made before which a signal came in the program's own code: it comes
    /// now, and the call is made afterwards. Whether one does.
    pub(super) fn comes_before(&mut self, tid: Tid) -> Result<bool, Error> {
        let Some((there, count)) = self.stands(tid) else { return Ok(false) };
        if self.is_attached() || self.tasks.get(&tid).is_none_or(|task| task.sent.is_some()) {
            return Ok(false);
        }
        let Some(mirror) = &mut self.mirror else { return Ok(false) };
        let is_due = |due: &Due| due.is_in_own_code() && due.after <= count;
        if !mirror.signals.next(&there).is_some_and(is_due) {
            return Ok(false);
        }
        let Some(mut registers) = alive(ptrace::registers(tid), "read the registers", tid)? else {
            return Ok(true);
        };
        if let Some(due) = mirror.signals.pop(&there) {
            self.send(tid, due.delivery);
        }
        registers.call_later();
        gone(ptrace::set_registers(tid, &registers), "put a call off", tid)?;
        self.run_on(tid, 0)?;
        Ok(true)
    }

    /// A call of a mirrored run was interrupted by a signal that is held back: it is made again.
    /// Whether it is.
    pub(super) fn goes_on(&mut self, tid: Tid, result: i64) -> Result<bool, Error> {
        if result != -i64::from(libc::EINTR) || !self.gives_signals() {
            return Ok(false);
        }
        let Some(task) = self.tasks.get(&tid).filter(|task| task.sent.is_none()) else {
            return Ok(false);
        };
        let pid = task.pid;
        let held = self.mirror.as_ref().map(|mirror| &mirror.held);
        let waits = held.is_some_and(|held| held.iter().any(|one| has_pending(pid, tid, *one)));
        if !waits {
            return Ok(false);
        }
        let Some(mut registers) = alive(ptrace::registers(tid), "read the registers", tid)? else {
            return Ok(false);
        };
        registers.call_again();
        gone(ptrace::set_registers(tid, &registers), "make a call again", tid)?;
        Ok(true)
    }

    /// Whether a signal came in the middle of this call in the earlier run.
    pub(super) fn is_interrupted_by_signal(
        &self,
        tid: Tid,
        call: &Call,
    ) -> Option<(Answer, Option<u64>)> {
        let (there, count) = self.stands(tid)?;
        let due = self.mirror.as_ref()?.signals.next(&there)?;
        let (number, result) = due.interrupted?;
        (due.after == count && number == call.number)
            .then_some((Answer::Interrupt(result), due.when))
    }

    /// Sends a signal that the earlier run got between its last call and its next one.
    pub(super) fn deliver(&mut self, tid: Tid) -> Result<(), Error> {
        let Some((there, count)) = self.stands(tid) else { return Ok(()) };
        let Some(mirror) = &mut self.mirror else { return Ok(()) };
        let is_due = |due: &Due| match due.interrupted {
            Some(_) => due.after < count,
            None => due.after <= count && !due.is_in_own_code(),
        };
        if !mirror.signals.next(&there).is_some_and(is_due)
            || self.tasks.get(&tid).is_none_or(|task| task.sent.is_some())
        {
            return Ok(());
        }
        if let Some(due) = mirror.signals.pop(&there) {
            self.send(tid, due.delivery);
        }
        Ok(())
    }

    fn send(&mut self, tid: Tid, delivery: Delivery) {
        let signal = delivery.signal;
        if let Some(task) = self.tasks.get_mut(&tid) {
            task.sent = Some(delivery);
            ptrace::send(task.pid, tid, signal);
        }
    }

    /// A thread is in the call that a signal interrupted in the earlier run.
    pub(super) fn interrupt(
        &mut self,
        tid: Tid,
        mut pending: Pending,
        result: i64,
    ) -> Result<(), Error> {
        let Some((there, _)) = self.stands(tid) else { return Ok(()) };
        let due = self.mirror.as_mut().and_then(|mirror| mirror.signals.pop(&there));
        let Some(due) = due else { return Ok(()) };
        self.send(tid, due.delivery);
        let name = pending.row.map_or("", |row| row.name);
        // These look at what they let through themselves, or tell how much time is left.
        let is_itself = matches!(
            name,
            "ppoll"
                | "pselect6"
                | "epoll_pwait"
                | "epoll_pwait2"
                | "rt_sigsuspend"
                | "nanosleep"
                | "clock_nanosleep"
                | "pause"
        );
        let pid = self.tasks.get(&tid).map_or(tid, |task| task.pid);
        if !is_itself && has_deliverable(pid, tid) {
            // It waits for nothing but a signal, which is there.
            let number = libc::SYS_pause.cast_unsigned();
            gone(ptrace::set_number(tid, number), "make another call", tid)?;
            pending.given = Some(result);
            pending.answer = Some(Answer::Interrupt(result));
        }
        if let Some(task) = self.tasks.get_mut(&tid) {
            task.pending = Some(pending);
        }
        self.resume(tid, 0)
    }

    /// A signal of ours has come: it gets to look like the one of the earlier run. Whether it was
    /// one.
    pub(super) fn is_sent(
        &mut self,
        tid: Tid,
        signal: i32,
        info: &SignalInfo,
    ) -> Result<bool, Error> {
        let Some(task) = self.tasks.get_mut(&tid) else { return Ok(false) };
        let ours = info.code == libc::SI_TKILL
            && u32::try_from(info.sender) == Ok(std::process::id())
            && task.sent.as_ref().is_some_and(|sent| sent.signal == signal);
        let Some(sent) = task.sent.take_if(|_| ours) else { return Ok(false) };
        self.delivered(tid, sent)?;
        Ok(true)
    }

    /// The signal that a thread has stopped for becomes this one.
    fn delivered(&mut self, tid: Tid, delivery: Delivery) -> Result<(), Error> {
        let Some(id) = self.tasks.get(&tid).map(|task| task.told.id) else { return Ok(()) };
        let Delivery { signal, code, from, about } = delivery;
        let set = ptrace::set_signal_info(tid, signal, code, &about);
        gone(set, "say who sent a signal", tid)?;
        self.write(&Event::Signal { task: id, signal, code, from, about })?;
        self.resume(tid, signal)
    }
}

impl Signals {
    /// All signals that any thread gets.
    pub(crate) fn all(&self) -> std::collections::HashSet<i32> {
        self.due.values().flatten().map(|due| due.delivery.signal).collect()
    }
}
