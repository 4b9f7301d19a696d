//! Progress of long work, on stderr and only on a terminal.

use std::time::Duration;

use indicatif::ProgressBar;
use samestate_tracer::Progress as Traced;

/// A line that says what is going on; it vanishes when dropped.
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Starts with this message.
    #[must_use]
    pub(crate) fn new(message: impl Into<String>) -> Self {
        // It draws on stderr, and nothing at all where that is no terminal.
        let bar = ProgressBar::new_spinner().with_message(message.into());
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar }
    }

    /// Says how far a traced run is.
    pub(crate) fn tell(&self, progress: &Traced) {
        match progress {
            Traced::Calls(calls) => self.bar.set_message(format!("{calls} calls recorded")),
            Traced::Marker { kind, step } => self.bar.set_message(format!("{kind} at step {step}")),
            Traced::Repeating => self.bar.set_message("running the original again"),
            Traced::Restoring { checkpoint, of } => {
                self.bar.set_message(format!("restoring from checkpoint {checkpoint} of {of}"));
            }
            _ => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
