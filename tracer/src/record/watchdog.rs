//! What has to happen while the tracer waits for a stop: events are written to the file although
//! the program sleeps, and a run that takes too long or is no longer wanted is ended.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::Error;
use crate::sys::{Tid, ptrace, wait};
use crate::trace::{Event, Writer};

/// Events wait no longer than this for their block to become full.
const LONGEST_WAIT: Duration = Duration::from_millis(200);

/// A thread gets as long as this to stop before its process is killed.
const TO_STOP: Duration = Duration::from_secs(1);

/// Once a thread has run for too long, others get as long as this.
const NEXT_TURNS: Duration = Duration::from_millis(50);

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
    /// The thread that runs while others may want to; 0 for none.
    runs: AtomicI32,
    /// The thread of which nobody knows yet what came of its last call; 0 for none.
    lands: AtomicI32,
    /// The tracer's thread, which is woken instead of killing anybody.
    waker: Option<Tid>,
    /// How often a thread was let run.
    beat: AtomicU64,
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
        longest_turn: Option<Duration>,
        waker: Option<Tid>,
    ) -> Result<Self, Error> {
        let inner =
            Inner { writer: Some(writer), failed: None, processes: HashSet::new(), done: false };
        let shared = Arc::new(Shared {
            inner: Mutex::new(inner),
            finished: Condvar::new(),
            expired: AtomicBool::new(false),
            interrupt,
            runs: AtomicI32::new(0),
            lands: AtomicI32::new(0),
            waker,
            beat: AtomicU64::new(0),
        });
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let watched = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("watchdog".to_owned())
            .spawn(move || watched.watch(deadline, longest_turn))
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

    /// Whether all could be written.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.shared.lock().failed.take().map_or(Ok(()), Err)
    }

    /// A thread runs from now on; 0 if nobody else would want to.
    pub(super) fn runs(&self, tid: Tid) {
        self.shared.runs.store(tid, Ordering::Relaxed);
        self.shared.beat.fetch_add(1, Ordering::Relaxed);
    }

    /// What comes of the last call of this thread is known only when it stops again; 0 for none.
    pub(super) fn lands(&self, tid: Tid) {
        self.shared.lands.store(tid, Ordering::Relaxed);
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

    /// The run is over.
    fn end(&self, inner: &Inner) {
        match self.waker {
            Some(tracer) => wait::wake(tracer),
            None => inner.processes.iter().copied().for_each(ptrace::kill),
        }
    }

    /// The run is about to be over: a thread that has made a call of which nobody knows what came of
    /// it is stopped first, so that this can be written down. Whoever stops it ends the run.
    fn is_stopping(&self, since: &mut Option<Instant>) -> bool {
        let tid = self.lands.load(Ordering::Relaxed);
        if tid == 0 || self.waker.is_some() {
            return false;
        }
        let asked = since.get_or_insert_with(|| {
            ptrace::interrupt(tid);
            Instant::now()
        });
        asked.elapsed() < TO_STOP
    }

    fn watch(&self, deadline: Option<Instant>, longest_turn: Option<Duration>) {
        let mut turn = Turn { beat: 0, since: Instant::now(), limit: longest_turn };
        let mut stopping = None;
        let mut inner = self.lock();
        while !inner.done {
            turn.watch(self);
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let expired = left == Some(Duration::ZERO);
            if expired {
                self.expired.store(true, Ordering::Relaxed);
            }
            let is_over = expired || self.interrupt.load(Ordering::Relaxed);
            if is_over && !self.is_stopping(&mut stopping) {
                // Also those that come into being meanwhile.
                self.end(&inner);
            }
            let left = left.filter(|left| !left.is_zero()).unwrap_or(LONGEST_WAIT);
            let left = left.min(turn.limit.unwrap_or(LONGEST_WAIT)).min(LONGEST_WAIT);
            let waited = self.finished.wait_timeout(inner, left);
            inner = waited.unwrap_or_else(PoisonError::into_inner).0;
            if inner.failed.is_none()
                && let Some(writer) = &mut inner.writer
                && let Err(failed) = writer.rest()
            {
                inner.failed = Some(failed);
                // Nothing of it would be recorded any more.
                self.end(&inner);
            }
        }
    }
}

/// How long the thread that runs has done nothing else.
struct Turn {
    beat: u64,
    since: Instant,
    limit: Option<Duration>,
}

impl Turn {
    /// Stops a thread that has run for too long.
    fn watch(&mut self, shared: &Shared) {
        let Some(limit) = self.limit else { return };
        let beat = shared.beat.load(Ordering::Relaxed);
        let tid = shared.runs.load(Ordering::Relaxed);
        if beat != self.beat || tid == 0 {
            (self.beat, self.since) = (beat, Instant::now());
            return;
        }
        if self.since.elapsed() >= limit {
            // If it has made a call just now, it is not stopped in the middle of anything.
            ptrace::interrupt(tid);
            // Nothing is the same any more, so it need not wait as long again.
            (self.limit, self.since) = (Some(limit.min(NEXT_TURNS)), Instant::now());
        }
    }
}
