//! The original, run again: where it differs from itself, a restored run that differs proves
//! nothing.
//!
//! It is run only once there is something to settle. A restored run that does the same as the
//! original has settled it.

use std::path::{Path, PathBuf};

use samestate_report::{Allowances, Report};
use samestate_schema::marker::Kind;

use super::guard::Files;
use super::original::{Original, markers};
use super::{Verify, comparison, printed, recording};
use crate::record::mirror::Mirror;
use crate::record::{self, Change, OnProgress, Progress, Seen, Stacks, Watch};
use crate::trace::Place;
use crate::{Error, compare};

/// The original's second run.
pub(super) struct Control {
    trace: PathBuf,
    saved: Vec<Place>,
    /// Why it is of no use, if it is not.
    useless: Option<String>,
}

/// Runs the program again, given the same time, random bytes and ids.
pub(super) fn run(
    config: &Verify,
    work: &Path,
    original: &Original,
    files: &mut Files,
    progress: &mut OnProgress<'_>,
) -> Result<Control, Error> {
    let trace = work.join("control.trace");
    let printed = printed(&work.join("control.out"))?;
    let mirror = Mirror::of_run(&original.trace)?;
    let mut run = recording(config, config.command.clone(), trace.clone(), printed);
    if !config.without_stacks {
        // Which calls other checkpoints will be asked about is not known yet.
        run.stacks = Stacks::All;
    }
    let mut quiet = Quiet { progress, files, what: Progress::Repeating };
    let ended = record::run(&run, Some(mirror), &mut quiet)?;
    files.settle();
    let saved: Vec<_> = markers(&trace, Kind::Saved)?.into_iter().map(|(place, _)| place).collect();
    let before = original.checkpoints.len();
    let useless = if ended.timed_out && original.recording.timed_out {
        // How far each got is nobody's doing; what both did can be compared.
        None
    } else if ended.timed_out {
        Some("the original, run again, did not end in time".to_owned())
    } else if saved.len() == before {
        None
    } else {
        Some(format!(
            "the original announced {before} checkpoints, and {} when it was run again",
            saved.len()
        ))
    };
    Ok(Control { trace, saved, useless })
}

impl Control {
    /// Its trace.
    pub(super) fn trace(&self) -> &Path {
        &self.trace
    }

    /// Where the original differs from itself after its checkpoint number `at`, counted from 0;
    /// or why nobody knows.
    pub(super) fn spots(
        &self,
        config: &Verify,
        original: &Original,
        at: usize,
    ) -> Result<Result<compare::Spots, String>, Error> {
        if let Some(why) = &self.useless {
            return Ok(Err(why.clone()));
        }
        let places = original.checkpoints.get(at).and_then(|checkpoint| checkpoint.place);
        let (Some(ours), Some(theirs)) = (places, self.saved.get(at)) else {
            return Ok(Err("the checkpoint has no marker in the trace".to_owned()));
        };
        let mut how = comparison(config);
        how.right = "repeated".to_owned();
        how.allowed = Allowances::default();
        let runs = ((original.trace.as_path(), ours), (self.trace.as_path(), *theirs));
        let outcome = compare::suffixes(runs.0, runs.1, &how, None, &mut Report::default())?;
        Ok(Ok(outcome.spots))
    }
}

/// Watches a run that is made again.
pub(super) struct Quiet<'a, 'b> {
    pub(super) progress: &'a mut OnProgress<'b>,
    pub(super) files: &'a mut Files,
    /// What is told when it begins.
    pub(super) what: Progress,
}

impl Watch for Quiet<'_, '_> {
    fn marker(&mut self, _seen: &Seen<'_>) -> Result<(), Error> {
        Ok(())
    }

    fn progress(&mut self, progress: Progress) {
        if matches!(progress, Progress::Started { .. }) {
            (self.progress)(self.what.clone());
        }
    }

    fn keeps(&self) -> bool {
        self.files.keeps()
    }

    fn changes(&mut self, change: Change<'_>) -> Result<(), Error> {
        self.files.changes(change)
    }
}
