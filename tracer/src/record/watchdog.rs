//! What has to happen while the tracer waits for a stop: events are written to the file although
//! the program sleeps, and a run that takes too long or is no longer wanted is ended.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::Error;
use crate::sys::{Tid, ptrace};
use crate::trace::{Event, Writer};

/// Events wait no longer than this for their block to become full.
const LONGEST_WAIT: Duration = Duration::from_millis(200);

/// The trace, written by the tracer and now and then by a thread that only looks at the clock.
pub(super) struct Watchdog {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    inner: Mutex<Inner>,
    finished: Condvar,
    expired: AtomicBool,
    /// Set by whoever does not want the run any more.
    interrupt: Arc<AtomicBool>,
}

struct Inner {
    /// `None` at the end.
    writer: Option<Writer>,
    /// Why the thread could not write.
    failed: Option<Error>,
    processes: HashSet<Tid>,
    done: bool,
}

impl Watchdog {
    pub(super) fn new(
        writer: Writer,
        timeout: Option<Duration>,
        interrupt: Arc<AtomicBool>,
    ) -> Result<Self, Error> {
        let inner =
            Inner { writer: Some(writer), failed: None, processes: HashSet::new(), done: false };
        let shared = Arc::new(Shared {
            inner: Mutex::new(inner),
            finished: Condvar::new(),
            expired: AtomicBool::new(false),
            interrupt,
        });
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let watched = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("watchdog".to_owned())
            .spawn(move || watched.watch(deadline))
            .map_err(|_| Error::Thread)?;
        Ok(Self { shared, thread: Some(thread) })
    }

    pub(super) fn add(&self, event: &Event) -> Result<(), Error> {
        let mut inner = self.shared.lock();
        if let Some(failed) = inner.failed.take() {
            return Err(failed);
        }
        inner.writer.as_mut().map_or(Ok(()), |writer| writer.add(event))
    }

    /// A process that is killed when the time is up.
    pub(super) fn watch(&self, pid: Tid) {
        self.shared.lock().processes.insert(pid);
    }

    /// It is gone; its number may be given to another one.
    pub(super) fn forget(&self, pid: Tid) {
        self.shared.lock().processes.remove(&pid);
    }

    /// Whether the time is up.
    pub(super) fn is_expired(&self) -> bool {
        self.shared.expired.load(Ordering::Relaxed)
    }

    /// Whether nobody wants the run any more.
    pub(super) fn is_interrupted(&self) -> bool {
        self.shared.interrupt.load(Ordering::Relaxed)
    }

    /// Finishes the trace and says how long it is in bytes.
    pub(super) fn finish(mut self) -> Result<u64, Error> {
        self.stop();
        let mut inner = self.shared.lock();
        if let Some(failed) = inner.failed.take() {
            return Err(failed);
        }
        inner.writer.take().map_or(Ok(0), Writer::finish)
    }

    fn stop(&mut self) {
        self.shared.lock().done = true;
        self.shared.finished.notify_all();
        if let Some(thread) = self.thread.take() {
            // It does not panic, and if it did, there would be nothing to do about it.
            let _ended = thread.join();
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nobody panics while holding it in the middle of a change.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self, deadline: Option<Instant>) {
        let mut inner = self.lock();
        while !inner.done {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let expired = left == Some(Duration::ZERO);
            if expired {
                self.expired.store(true, Ordering::Relaxed);
            }
            if expired || self.interrupt.load(Ordering::Relaxed) {
                // Also those that come into being meanwhile.
                inner.processes.iter().copied().for_each(ptrace::kill);
            }
            let left = left.filter(|left| !left.is_zero()).unwrap_or(LONGEST_WAIT);
            let waited = self.finished.wait_timeout(inner, left.min(LONGEST_WAIT));
            inner = waited.unwrap_or_else(PoisonError::into_inner).0;
            if inner.failed.is_none()
                && let Some(writer) = &mut inner.writer
                && let Err(failed) = writer.rest()
            {
                inner.failed = Some(failed);
                // Nothing of it would be recorded any more.
                inner.processes.iter().copied().for_each(ptrace::kill);
            }
        }
    }
}
