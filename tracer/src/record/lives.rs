//! How threads and processes come into being, become another program, and end.

use std::cell::RefCell;
use std::rc::Rc;

use super::engine::{Engine, alive};
use super::proc::{born_into, folder};
use super::task::Task;
use super::turns::Place;
use crate::Error;
use crate::sys::{Tid, ptrace};
use crate::trace::{Event, Status, Task as Told};

/// What a thread of the same process is made with.
const THREAD: u64 =
    (libc::CLONE_THREAD | libc::CLONE_VM | libc::CLONE_FILES | libc::CLONE_FS) as u64;

fn is_thread(pid: Tid, tid: Tid) -> bool {
    std::fs::exists(format!("/proc/{pid}/task/{tid}")).unwrap_or(false)
}

impl Engine<'_> {
    /// The process that has made a process or a thread, as far as the kernel still knows.
    pub(super) fn maker(&self, tid: Tid) -> Tid {
        let mut known = self.tasks.values().map(|task| task.pid);
        let [parent, ..] = born_into(tid);
        known.find(|pid| is_thread(*pid, tid)).unwrap_or(parent)
    }

    /// Takes on a process whose parent never told of it: nobody else would let it run.
    pub(super) fn adopt(
        &mut self,
        tid: Tid,
        lineage: String,
        parent: Option<u32>,
    ) -> Result<(), Error> {
        let told = self.told(tid, parent, None, lineage, folder(tid));
        self.early.remove(&tid);
        self.add_task(Task::new(told, tid, Rc::default()))?;
        self.resume(tid, 0)
    }

    /// A thread has made another one.
    pub(super) fn cloned(&mut self, tid: Tid) -> Result<(), Error> {
        let Some(child) = alive(ptrace::event_message(tid), "read the child", tid)? else {
            return Ok(());
        };
        let child = Tid::try_from(child).unwrap_or(0);
        if self.tasks.contains_key(&child) {
            return self.resume(tid, 0);
        }
        if self.tasks.len() >= self.most_tasks {
            if !self.is_attached() {
                // Nobody but us would end it.
                ptrace::kill(child);
            }
            return Err(Error::TooMany { most: self.most_tasks });
        }
        let Some(parent) = self.tasks.get_mut(&tid) else { return Ok(()) };
        let lineage = parent.bears();
        let flags = match &parent.pending {
            Some(pending) => pending.clone_flags(),
            // It was in the middle of the call when we came.
            None if is_thread(parent.pid, child) => THREAD,
            None => 0,
        };
        let has = |flag: i32| flags & u64::from(flag.cast_unsigned()) != 0;
        let thread = has(libc::CLONE_THREAD);
        let (parent_id, process, pid) = (parent.told.id, parent.told.process, parent.pid);
        let descriptors = if has(libc::CLONE_FILES) {
            Rc::clone(&parent.descriptors)
        } else {
            Rc::new(RefCell::new(parent.descriptors.borrow().clone()))
        };
        let (placed, every, lands) = (parent.placed, parent.every, (parent.lands, parent.shares));
        let memory = if has(libc::CLONE_VM) { parent.memory } else { child };
        if memory == child && self.unreadable.contains(&parent.memory) {
            self.unreadable.insert(child);
        }
        let clear = if has(libc::CLONE_CHILD_CLEARTID) { parent.child_address() } else { 0 };
        if thread && !self.turns.are_on() {
            self.unpin();
        }
        let process = thread.then_some(process);
        let told = self.told(child, Some(parent_id), process, lineage, folder(child));
        let pid = if thread { pid } else { child };
        let mut task = Task::new(told, pid, descriptors);
        (task.placed, task.memory, task.clear, task.every) = (placed, memory, clear, every);
        (task.lands, task.shares) = lands;
        self.add_task(task)?;
        if self.early.remove(&child).is_some() {
            self.resume(child, 0)?;
        }
        self.run_on(tid, 0)?;
        if has(libc::CLONE_VFORK) {
            self.turns.pass(tid, Place::Lends);
        }
        Ok(())
    }

    /// A process runs another program from here on.
    pub(super) fn executed(&mut self, tid: Tid) -> Result<(), Error> {
        let former = alive(ptrace::event_message(tid), "read the thread that executes", tid)?;
        let former = former.and_then(|former| Tid::try_from(former).ok()).unwrap_or(tid);
        if former != tid
            && let Some(mut task) = self.tasks.remove(&former)
        {
            // Another thread than the first one did it: it goes on under the first one's number.
            if let Some(first) = self.tasks.remove(&tid) {
                self.write(&Event::End { task: first.told.id, status: Status::Exited(0) })?;
            }
            self.turns.remove(tid);
            self.turns.rename(former, tid);
            task.told.tid = tid;
            self.tasks.insert(tid, task);
        }
        let Some(task) = self.tasks.get_mut(&tid) else { return Ok(()) };
        let pending = task.pending.take();
        task.steady.clear();
        (task.memory, task.clear) = (tid, 0);
        let mut table = task.descriptors.borrow().clone();
        table.executed(task.pid);
        task.descriptors = Rc::new(RefCell::new(table));
        if let Some(mut pending) = pending {
            pending.call.result = Some(0);
            self.call(pending.call)?;
        }
        // Its other threads are gone.
        self.siblings_may_end(tid);
        self.prepare(tid)?;
        self.resume(tid, 0)
    }

    /// The other threads of a process end.
    pub(super) fn siblings_may_end(&mut self, tid: Tid) {
        let Some(pid) = self.tasks.get(&tid).map(|task| task.pid) else { return };
        for (other, task) in &self.tasks {
            if *other != tid && task.pid == pid {
                self.turns.may_end(*other);
            }
        }
    }

    pub(super) fn ended(&mut self, tid: Tid, status: Status) -> Result<(), Error> {
        if matches!(status, Status::Killed(_)) {
            self.siblings_may_end(tid);
        }
        let entered = self.tasks.get_mut(&tid).and_then(|task| task.entered.take());
        if let Some(entered) = entered {
            self.ended_at_border(tid, entered)?;
        }
        let Some(task) = self.tasks.remove(&tid) else { return Ok(()) };
        self.turns.remove(tid);
        self.turns.look_for_signals();
        self.ended_at(task.memory, task.clear);
        if tid == task.pid && matches!(status, Status::Killed(_)) {
            let shared = task.descriptors.borrow().shared.clone();
            self.killed_while_mapped(tid, &shared)?;
        }
        // The end may come in the middle of a call, which then has no result.
        if let Some(landing) = task.landing {
            self.writer.lands(0);
            self.call(landing.unknown())?;
        }
        if let Some(pending) = task.pending {
            self.call(pending.call)?;
        }
        if self.files.is_watching() {
            self.forget_images();
        }
        if tid == self.root {
            self.status = Some(status);
        }
        if tid == task.pid {
            self.writer.forget(tid);
        }
        self.write(&Event::End { task: task.told.id, status })?;
        if self.early.is_empty() {
            return Ok(());
        }
        let orphans = self.early.iter().filter(|(_, parent)| **parent == tid);
        let orphans: Vec<Tid> = orphans.map(|(orphan, _)| *orphan).collect();
        let mut made = task.children;
        for orphan in orphans {
            made += 1;
            let lineage = format!("{}.{made}", task.told.lineage);
            self.adopt(orphan, lineage, Some(task.told.id))?;
        }
        Ok(())
    }

    pub(super) fn told(
        &mut self,
        tid: Tid,
        parent: Option<u32>,
        process: Option<u32>,
        lineage: String,
        directory: Vec<u8>,
    ) -> Told {
        let id = self.next_task;
        self.next_task += 1;
        let seen = match &self.mirror {
            // What is named after the first process is named so before the marker.
            Some(mirror)
                if self.knobs.mirrored_ids && (mirror.is_active() || self.tasks.is_empty()) =>
            {
                mirror.seen(&lineage).unwrap_or(tid)
            }
            _ => tid,
        };
        self.pids.set(tid, seen);
        Told { id, parent, process: process.unwrap_or(id), lineage, tid, seen, directory }
    }

    pub(super) fn add_task(&mut self, task: Task) -> Result<(), Error> {
        self.writer.watch(task.pid);
        self.outside.inside.insert(task.pid);
        self.outside.inside.insert(task.told.tid);
        self.turns.add(task.told.tid);
        if let Some(mirror) = &mut self.mirror {
            mirror.begins(&task.told);
        }
        self.write(&Event::Task(task.told.clone()))?;
        self.tasks.insert(task.told.tid, task);
        Ok(())
    }
}
