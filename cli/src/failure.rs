//! Why a command came to no report.

use std::error::Error;
use std::io::{self, Write as _};

use samestate_report::ExitCode;

use crate::args::OutputArgs;
use crate::output;
use crate::signals::Signals;

/// Why a command came to no report, and the exit code that says so.
#[derive(Debug)]
pub(crate) struct Failure {
    /// [`ExitCode::Usage`] or [`ExitCode::CouldNotCheck`].
    code: ExitCode,
    error: Box<dyn Error>,
    /// A signal that ended the work ends us, too, once that is told.
    signals: Option<Signals>,
}

impl Failure {
    /// What the user asked for makes no sense.
    pub(crate) fn usage(error: impl Into<Box<dyn Error>>) -> Self {
        Self { code: ExitCode::Usage, error: error.into(), signals: None }
    }

    /// What the user asked for could not be done.
    pub(crate) fn unchecked(error: impl Into<Box<dyn Error>>) -> Self {
        Self { code: ExitCode::CouldNotCheck, error: error.into(), signals: None }
    }

    /// A signal ended the work.
    pub(crate) fn interrupted(error: impl Into<Box<dyn Error>>, signals: Signals) -> Self {
        Self { signals: Some(signals), ..Self::unchecked(error) }
    }

    /// The file is not there (usage), or it cannot be read (unchecked).
    fn reading(source: &io::Error, error: impl Into<Box<dyn Error>>) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => Self::usage(error),
            _ => Self::unchecked(error),
        }
    }

    /// Tells the user on stderr, with all causes; returns the exit code.
    pub(crate) fn report(&self, output: OutputArgs) -> u8 {
        if self.is_closed_pipe() {
            // Whoever read our output has seen enough.
            return ExitCode::Clean.code();
        }
        let style = clap::builder::styling::AnsiColor::Red.on_default().bold();
        output::choose_colors(output);
        let mut text = self.error.to_string();
        // Where stderr cannot be written, the exit code still tells.
        let mut stderr = anstream::stderr().lock();
        let _ = writeln!(stderr, "{style}error{style:#}: {text}");
        let mut cause = self.error.source();
        while let Some(error) = cause {
            let reason = error.to_string();
            // Many messages tell their cause already.
            if !text.contains(&reason) {
                let _ = writeln!(stderr, "  because {reason}");
            }
            text.push_str(&reason);
            cause = error.source();
        }
        if let Some(signals) = &self.signals {
            signals.end_as_told();
        }
        self.code.code()
    }

    fn is_closed_pipe(&self) -> bool {
        self.error
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl From<samestate_analyzer::SettingsError> for Failure {
    fn from(error: samestate_analyzer::SettingsError) -> Self {
        Self::usage(error)
    }
}

impl From<samestate_analyzer::Error> for Failure {
    fn from(error: samestate_analyzer::Error) -> Self {
        match &error {
            samestate_analyzer::Error::Read { source, .. } => {
                let kind = source.kind();
                Self::reading(&kind.into(), error)
            }
            _ => Self::unchecked(error),
        }
    }
}

impl From<samestate_tracer::Error> for Failure {
    fn from(error: samestate_tracer::Error) -> Self {
        use samestate_tracer::Error as E;
        match &error {
            E::NoCommand
            | E::NotFound { .. }
            | E::NoProcess { .. }
            | E::NoPlaceholder
            | E::NoState { .. }
            | E::WorkInState { .. } => Self::usage(error),
            // The program is not there, or it cannot be executed.
            E::Start { .. } => Self::usage(error),
            E::File { source, .. } => Self::reading(&source.kind().into(), error),
            _ => Self::unchecked(error),
        }
    }
}
