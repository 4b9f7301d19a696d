//! Progress of long work, on stderr and only on a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use samestate_schema::marker::Kind;
use samestate_tracer::Progress as Traced;

/// A line that says what is going on, and how far that is; it vanishes when dropped.
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Starts with this message.
    #[must_use]
    pub(crate) fn new(message: impl Into<String>) -> Self {
        // It draws on stderr, and nothing at all where that is no terminal.
        let bar = ProgressBar::new_spinner().with_prefix(message.into());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix}{msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar }
    }

    /// Says how far a traced run is.
    pub(crate) fn tell(&self, progress: &Traced) {
        match progress {
            Traced::Calls(calls) => self.bar.set_message(format!(": {calls} calls recorded")),
            Traced::Marker { kind: Kind::SaveBegin | Kind::Durable | Kind::SaveEnd, .. } => {}
            // A file that is an image does not tell its step.
            Traced::Marker { kind, step: 0 } => self.bar.set_message(format!(": {kind}")),
            Traced::Marker { kind, step } => {
                self.bar.set_message(format!(": {kind} at step {step}"));
            }
            Traced::Repeating => self.stage("running the original again".to_owned()),
            Traced::Asking => self.stage("asking where the calls are made that differ".to_owned()),
            Traced::Restoring { checkpoint, of } => {
                self.stage(format!("restoring from checkpoint {checkpoint} of {of}"));
            }
            _ => {}
        }
    }

    /// Something else begins.
    fn stage(&self, what: String) {
        self.bar.set_message("");
        self.bar.set_prefix(what);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
