//! Progress of long work, on stderr and only on a terminal.

use std::time::Duration;

use indicatif::ProgressBar;

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

    /// Says what is going on now.
    pub(crate) fn say(&self, message: impl Into<String>) {
        self.bar.set_message(message.into());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
