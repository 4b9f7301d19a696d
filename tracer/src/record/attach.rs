//! Recording a program that runs already, and leaving it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::descriptors;
use super::engine::Engine;
use super::proc::{StatusLines, born_into, folder, stat};
use super::task::Task;
use super::{Config, Knobs, OnProgress, Plain, Recording};
use crate::Error;
use crate::sys::wait::{self, Stop};
use crate::sys::{Tid, affinity, is_gone, ptrace};
use crate::trace::{Event, Note, ObjectKind, Status};

/// A thread that does not stop for so long is left without having said goodbye.
const LONGEST_GOODBYE: Duration = Duration::from_secs(5);

/// Which running program to record, and how.
#[derive(Debug, Default)]
pub struct Attach {
    /// Its process id; that of any of its threads will do.
    pub pid: i32,
    /// Also its children that run already, and theirs. Those that are made from now on always are.
    pub children: bool,
    /// Where the trace goes. An existing file is overwritten.
    pub output: PathBuf,
    /// So many bytes of each payload are kept; beyond, only length and hash. `None` is as for
    /// programs that are started.
    pub payload_limit: Option<usize>,
    /// After this time the program is left.
    pub timeout: Option<Duration>,
    /// Set to leave the program. Meant for a handler of signals.
    pub interrupt: Arc<AtomicBool>,
    /// If more threads and processes than this exist at once, all are left, and that is an error;
    /// `None` is 10,000.
    pub most_tasks: Option<usize>,
}

/// Records a program that runs already, with all its threads and with what it starts from now on,
/// until it ends or until nobody wants the recording any more: then it runs on.
///
/// Nothing is done to make it repeatable, and what it reads from the clocks of the vDSO is not
/// seen. When the calling process dies, the program runs on.
///
/// From then on, `SIGURG` is handled in this process, by doing nothing. If the program is a child of
/// this process and ends meanwhile, it has been waited for.
///
/// # Errors
/// If there is no such program, it cannot be traced, or the trace cannot be written. The program
/// runs on in any case.
pub fn attach(attach: &Attach, progress: &mut OnProgress<'_>) -> Result<Recording, Error> {
    let pid = checked(attach.pid)?;
    let config = Config {
        command: command(pid),
        output: attach.output.clone(),
        timeout: attach.timeout,
        interrupt: Arc::clone(&attach.interrupt),
        most_tasks: attach.most_tasks,
        knobs: Knobs {
            payload_limit: attach.payload_limit.unwrap_or(Knobs::default().payload_limit),
            ..Knobs::none()
        },
        ..Config::default()
    };
    let mut plain = Plain(progress);
    super::on_a_thread(|| Engine::attach(&config, pid, attach.children, &mut plain)?.run())
}

/// The process that is meant, if it can be traced as far as can be told beforehand.
fn checked(pid: Tid) -> Result<Tid, Error> {
    let cannot = |why: String| Error::CannotAttach { pid, why };
    let gone = || Error::NoProcess { pid };
    if pid <= 0 {
        return Err(gone());
    }
    let status = StatusLines::of(pid).ok_or_else(gone)?;
    let group = status.number("Tgid:").ok_or_else(gone)?;
    if u32::try_from(group) == Ok(std::process::id()) {
        return Err(cannot("it is the recorder itself".to_owned()));
    }
    if status.number("Kthread:") == Some(1) || is_kernels(group) {
        return Err(cannot("it is a thread of the kernel".to_owned()));
    }
    if status.field("State:").is_some_and(|state| state.starts_with(['Z', 'X'])) {
        return Err(cannot("it has ended, and waits for its parent".to_owned()));
    }
    match status.number("TracerPid:") {
        Some(tracer @ 1..) => Err(cannot(format!(
            "process {tracer} traces it already, and there can be one tracer only: end that one, or \
             detach it"
        ))),
        _ => Ok(group),
    }
}

/// Whether a process is a thread of the kernel: they have no program.
fn is_kernels(pid: Tid) -> bool {
    const KERNEL: u64 = 0x20_0000;
    let flags = stat(pid).get(6).and_then(|flags| flags.parse::<u64>().ok());
    flags.is_some_and(|flags| flags & KERNEL != 0)
}

/// The words that a process was started with.
fn command(pid: Tid) -> Vec<OsString> {
    let text = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let text = text.strip_suffix(b"\0").unwrap_or(&text);
    text.split(|&byte| byte == 0).map(|word| OsString::from_vec(word.to_vec())).collect()
}

/// Threads of a process, in order.
fn threads(pid: Tid) -> BTreeSet<Tid> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/task")) else { return BTreeSet::new() };
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
}

/// Traces all threads of a process; those that one of them makes meanwhile come by themselves.
fn seize(pid: Tid) -> Result<BTreeSet<Tid>, Error> {
    let mut seized = BTreeSet::new();
    loop {
        let before = seized.len();
        for tid in threads(pid) {
            if seized.contains(&tid) {
                continue;
            }
            match ptrace::attach(tid) {
                Ok(()) => {
                    // It is gone, or it stops.
                    let _soon = ptrace::halt(tid);
                    seized.insert(tid);
                }
                Err(error) if is_gone(&error) => {}
                // Made by one that we trace, it is traced by us already.
                Err(_) if !seized.is_empty() && is_traced_by_us(tid) => {}
                Err(error) => {
                    // Those that we have got by now run on when this thread ends.
                    return Err(refused(pid, error));
                }
            }
        }
        if seized.is_empty() {
            return Err(Error::NoProcess { pid });
        }
        if seized.len() == before {
            return Ok(seized);
        }
    }
}

/// A process that we have got hold of.
struct Seized {
    pid: Tid,
    threads: BTreeSet<Tid>,
    /// Which of the others has made it.
    parent: Option<Tid>,
}

/// Gets hold of a process, and if wanted of all that descend from it; beside them, why some of those
/// cannot be traced.
fn seize_all(pid: Tid, children: bool) -> Result<(Vec<Seized>, Vec<String>), Error> {
    let mut all = vec![Seized { pid, threads: seize(pid)?, parent: None }];
    let (mut tried, mut unseen) = (HashSet::from([pid]), Vec::new());
    // Children of those that we trace come by themselves. One pass may meet a child before its
    // parent.
    let mut is_new = children;
    while is_new {
        is_new = false;
        for child in processes() {
            let [parent, ..] = born_into(child);
            let has_parent = all.iter().any(|known| known.pid == parent);
            if !has_parent || tried.contains(&child) || is_traced_by_us(child) {
                continue;
            }
            tried.insert(child);
            match checked(child).and_then(seize) {
                Ok(threads) => {
                    all.push(Seized { pid: child, threads, parent: Some(parent) });
                    is_new = true;
                }
                Err(Error::NoProcess { .. }) => {}
                Err(_) if has_ended(child) => {}
                Err(error) => unseen.push(format!("what the child {child} does: {error}")),
            }
        }
    }
    Ok((all, unseen))
}

fn has_ended(pid: Tid) -> bool {
    stat(pid).first().is_none_or(|state| state.starts_with(['Z', 'X']))
}

/// All processes, in order.
fn processes() -> BTreeSet<Tid> {
    let Ok(entries) = fs::read_dir("/proc") else { return BTreeSet::new() };
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
}

fn is_traced_by_us(tid: Tid) -> bool {
    let tracer = StatusLines::of(tid).and_then(|status| status.number("TracerPid:"));
    tracer.is_some_and(|tracer| fs::exists(format!("/proc/self/task/{tracer}")).unwrap_or(false))
}

/// Why the kernel says no, and what can be done about it.
fn refused(pid: Tid, source: io::Error) -> Error {
    let cannot = |why: &str| Error::CannotAttach { pid, why: why.to_owned() };
    if source.raw_os_error() != Some(libc::EPERM) {
        return Error::trace("trace", pid)(source);
    }
    let scope = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
    match scope.trim() {
        "3" => cannot(
            "this system allows nobody to trace programs that run (kernel.yama.ptrace_scope is 3, \
             which lasts until it is started again): start the program with `samestate record -- \
             CMD`",
        ),
        "2" => cannot(
            "this system allows it to administrators only (kernel.yama.ptrace_scope is 2): run as \
             root, or start the program with `samestate record -- CMD`",
        ),
        "1" => cannot(
            "this system allows it to the parents of a program only (kernel.yama.ptrace_scope is \
             1): run as root, set it to 0 with `sysctl kernel.yama.ptrace_scope=0`, or start the \
             program with `samestate record -- CMD`",
        ),
        _ => cannot(
            "it belongs to another user, or has rights that you do not have: run as its user or as \
             root; in a container, with the SYS_PTRACE capability",
        ),
    }
}

impl<'a> Engine<'a> {
    /// Gets hold of a program that runs.
    pub(super) fn attach(
        config: &Config,
        pid: Tid,
        children: bool,
        watch: &'a mut dyn super::Watch,
    ) -> Result<Self, Error> {
        let free = affinity::get(0).map_err(Error::trace("read the affinity", 0))?;
        let waker = wait::may_be_woken().map_err(Error::trace("be woken in", 0))?;
        let (all, unseen) = seize_all(pid, children)?;
        let mut engine = Self::new(config, config.knobs, (pid, free), Some(waker), None, watch)?;
        all.iter().try_for_each(|seized| engine.take(seized))?;
        if engine.tasks.len() > engine.most_tasks {
            return Err(Error::TooMany { most: engine.most_tasks });
        }
        let id = engine.tasks.get(&pid).map_or(0, |task| task.told.id);
        engine.write(&Event::Note {
            task: id,
            note: Note::Untraced(
                "what the program did before the recording began, and what it reads of clocks \
                 without a call"
                    .to_owned(),
            ),
        })?;
        unseen.into_iter().try_for_each(|what| engine.untraced(pid, what))?;
        for Seized { pid, .. } in all {
            engine.snapshot(pid)?;
            engine.found(pid)?;
        }
        Ok(engine)
    }

    /// Takes on a process and its threads.
    fn take(&mut self, seized: &Seized) -> Result<(), Error> {
        let pid = seized.pid;
        let parent = seized.parent.and_then(|parent| self.tasks.get_mut(&parent));
        let (parent, lineage) = match parent {
            Some(parent) => (Some(parent.told.id), parent.bears()),
            None => (None, "0".to_owned()),
        };
        let told = self.told(pid, parent, None, lineage.clone(), folder(pid));
        let id = told.id;
        let mut first = Task::new(told, pid, std::rc::Rc::default());
        let descriptors = std::rc::Rc::clone(&first.descriptors);
        let others: Vec<Tid> = seized.threads.iter().copied().filter(|tid| *tid != pid).collect();
        first.children = u32::try_from(others.len()).unwrap_or(u32::MAX);
        self.add_task(first)?;
        for (tid, number) in others.into_iter().zip(1_u32..) {
            let lineage = format!("{lineage}.{number}");
            let told = self.told(tid, Some(id), Some(id), lineage, folder(tid));
            let mut task = Task::new(told, pid, std::rc::Rc::clone(&descriptors));
            task.memory = pid;
            self.add_task(task)?;
        }
        Ok(())
    }

    /// Says what the program has got that we cannot see into.
    fn found(&mut self, pid: Tid) -> Result<(), Error> {
        let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
        let shared = maps.lines().any(|line| {
            let mut words = line.split_whitespace().skip(1);
            let rights = words.next().unwrap_or_default();
            let inode = words.nth(2).unwrap_or("0");
            rights.starts_with("rw") && rights.ends_with('s') && inode != "0"
        });
        if shared {
            self.untraced(pid, "what is written to files through shared memory".to_owned())?;
        }
        let is_ring = |fd: &i32| {
            let object = descriptors::ask(pid, *fd, 0, None);
            object.kind == ObjectKind::Kernel && object.path.ends_with(b"[io_uring]")
        };
        if descriptors::all(pid).iter().any(is_ring) {
            self.untraced(pid, "what is done through io_uring".to_owned())?;
        }
        Ok(())
    }

    /// The next thing that happens; `None` when there is nobody left, or the program was left.
    pub(super) fn next_or_goodbye(&mut self) -> Result<Option<(Tid, Stop)>, Error> {
        loop {
            match wait::next_or_woken() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                    self.writer.check()?;
                    if self.is_unwanted() {
                        self.leave_all()?;
                        return Ok(None);
                    }
                }
                next => return next.map_err(Error::trace("wait for a stop", 0)),
            }
        }
    }

    /// Lets everything run on and traces it no more. What happens meanwhile is written down as far
    /// as it is told.
    pub(super) fn leave_all(&mut self) -> Result<(), Error> {
        self.detached = true;
        self.cut()?;
        let mut left: HashSet<Tid> = self.tasks.keys().chain(self.early.keys()).copied().collect();
        // Those that are gone by now are told of.
        left.iter().for_each(|tid| drop(ptrace::halt(*tid)));
        let until = Instant::now() + LONGEST_GOODBYE;
        let mut written = Ok(());
        while !left.is_empty() && Instant::now() < until {
            let stop = wait::poll().map_err(Error::trace("wait for a stop", 0))?;
            let Some((tid, stop)) = stop else {
                std::thread::sleep(Duration::from_micros(200));
                continue;
            };
            left.remove(&tid);
            let signal = match stop {
                Stop::Exited(status) => {
                    written = written.and_then(|()| self.ended(tid, Status::Exited(status)));
                    continue;
                }
                Stop::Killed(signal) => {
                    written = written.and_then(|()| self.ended(tid, Status::Killed(signal)));
                    continue;
                }
                Stop::Signal(signal) => signal,
                Stop::Cloned => {
                    let child = ptrace::event_message(tid).ok();
                    left.extend(child.and_then(|child| Tid::try_from(child).ok()));
                    0
                }
                _ => 0,
            };
            let _gone = ptrace::detach(tid, signal);
        }
        // Whoever has not stopped by now runs on when this thread ends.
        written?;
        let in_calls: BTreeMap<_, _> = self
            .tasks
            .values_mut()
            .filter_map(|task| Some((task.told.id, task.pending.take()?.call)))
            .collect();
        in_calls.into_values().try_for_each(|call| self.call(call))
    }
}
