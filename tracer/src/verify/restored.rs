//! One restored run, and what it comes to.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use samestate_report::{Counts, Finding, Report, Severity, Side, Sides, Subject, rules};
use samestate_schema::marker::Kind;

use super::original::{Original, Saved, first_markers};
use super::rows::Start;
use super::words::with_image;
use super::{
    Checkpoint, Verdict, Verify, comparison, output, printed, recording, show_words, tail,
};
use crate::record::mirror::Mirror;
use crate::record::{self, Stacks, Watch};
use crate::show::hex;
use crate::trace::Place;
use crate::{Error, compare};

/// A restored run has at least this long, however fast the original was.
const LEAST_TIMEOUT: Duration = Duration::from_secs(60);

/// A run of the restore command.
pub(super) struct Restored {
    /// What is known before anything is compared.
    checkpoint: Checkpoint,
    findings: Vec<Finding>,
    /// What is compared: both traces, each from its marker on. `None` if there is nothing to.
    runs: Option<((PathBuf, Place), (PathBuf, Place))>,
    timed_out: bool,
    /// The command that was run.
    command: Vec<OsString>,
    /// It was ended after this time.
    limit: Duration,
}

/// What a restored run comes to.
pub(super) struct Judged {
    pub(super) checkpoint: Checkpoint,
    pub(super) report: Report,
    pub(super) skipped: BTreeMap<&'static str, u64>,
    pub(super) used: compare::Used,
    /// The calls that findings are about.
    pub(super) calls: Vec<compare::DifferingCalls>,
    /// Differences that were left out.
    pub(super) allowed: Counts,
}

/// Runs the restore command on a copy of an image.
pub(super) fn run(
    config: &Verify,
    work: &Path,
    start: Start<'_>,
    original: &Original,
    saved: &Saved,
    watch: &mut dyn Watch,
) -> Result<Restored, Error> {
    let said = start.said(work);
    let trace = said.with_extension("trace");
    let command = with_image(&config.restore, start.image);
    let checkpoint = Checkpoint {
        number: start.number,
        round: start.round,
        step: saved.step,
        image_id: hex(&saved.image_id),
        image: saved.path.clone(),
        compared: 0,
        divergences: 0,
        unsettled: 0,
        ended: None,
        verdict: Verdict::Inconclusive,
    };
    let limit = config.timeout.unwrap_or((original.took * 10).max(LEAST_TIMEOUT));
    let mut restored = Restored {
        checkpoint,
        findings: Vec::new(),
        runs: None,
        timed_out: false,
        command: command.clone(),
        limit,
    };
    let Some(place) = saved.place else {
        restored.findings.push(saved.not_usable());
        return Ok(restored);
    };
    let mirror = Mirror::of_suffix(&original.trace, place)?;
    let run = restored.recording(config, start, &trace, &said)?;
    let ended = record::run(&run, Some(mirror), watch)?;
    restored.timed_out = ended.timed_out;
    restored.checkpoint.ended = Some(ended.status());
    let subject = || Subject::Input(show_words(&command));
    // What it could not see before the marker matters after it as well: a mapping, a filter.
    for what in ended.untraced.iter().filter(|what| !original.recording.untraced.contains(what)) {
        let message = format!("the restored run did what the tracer cannot see: {what}");
        restored.findings.push(Finding::new(&rules::UNTRACED, subject(), message));
    }
    let first = first_markers(&trace, Kind::Restored, 1)?.into_iter().next();
    if ended.timed_out && first.is_some() && original.recording.timed_out {
        // It goes on as the original did. That the end is not known was told of that.
        restored.timed_out = false;
    } else if ended.timed_out {
        restored.findings.push(Finding::new(
            &rules::RESTORE_FAILED,
            subject(),
            format!(
                "the command had not ended after {:.1} s and was killed; the original run took \
                 {:.1} s",
                limit.as_secs_f64(),
                original.took.as_secs_f64()
            ),
        ));
    }
    let Some((marker, id)) = first else {
        let mut finding = Finding::new(
            &rules::RESTORE_FAILED,
            subject(),
            format!(
                "the command ended with {} before it announced that it had restored the image",
                ended.status()
            ),
        );
        finding.details = tail(&output(&said));
        restored.findings.push(finding);
        restored.checkpoint.verdict =
            if ended.timed_out { Verdict::TimedOut } else { Verdict::Failed };
        return Ok(restored);
    };
    if id != saved.image_id {
        let side = |label: &str, id: &[u8; 16]| Side { label: label.to_owned(), text: hex(id) };
        let mut finding = Finding::new(
            &rules::STATE_NOT_RESTORED,
            subject(),
            "the command restored another image than it was given",
        );
        finding.sides =
            Some(Sides { left: side("original", &saved.image_id), right: side("restored", &id) });
        restored.findings.push(finding);
        restored.checkpoint.verdict = Verdict::OtherImage;
        return Ok(restored);
    }
    restored.runs = Some(((original.trace.clone(), place), (trace, marker)));
    Ok(restored)
}

impl Restored {
    /// The run, and where its trace and what it prints go.
    fn recording(
        &self,
        config: &Verify,
        start: Start<'_>,
        trace: &Path,
        said: &Path,
    ) -> Result<record::Config, Error> {
        let mut run = recording(config, self.command.clone(), trace.to_owned(), printed(said)?);
        run.timeout = Some(self.limit);
        if run.announce.saved_on.is_some() && run.announce.restored_on.is_none() {
            run.announce.restored_from = Some(start.image.to_owned());
        }
        Ok(run)
    }

    /// The same run once more, the files being as they were at its start, to be asked where it makes
    /// the wanted calls. Returns its trace.
    pub(super) fn again(
        &self,
        config: &Verify,
        start: Start<'_>,
        wanted: Stacks,
        watch: &mut dyn Watch,
    ) -> Result<Option<PathBuf>, Error> {
        let Some(((original, marker), (trace, _))) = &self.runs else { return Ok(None) };
        let again = trace.with_extension("stacks.trace");
        let mut run = self.recording(config, start, &again, &trace.with_extension("stacks.out"))?;
        run.stacks = wanted;
        record::run(&run, Some(Mirror::of_suffix(original, *marker)?), watch)?;
        Ok(Some(again))
    }

    /// The traces that are compared, if there is something to: the original's and its own.
    pub(super) fn traces(&self) -> Option<(&Path, &Path)> {
        self.runs.as_ref().map(|(ours, theirs)| (ours.0.as_path(), theirs.0.as_path()))
    }

    /// Compares what followed. Where `control` says that the original differs from itself, a
    /// difference proves nothing.
    pub(super) fn compare(
        &self,
        config: &Verify,
        control: Option<&compare::Spots>,
    ) -> Result<Judged, Error> {
        let mut judged = Judged {
            checkpoint: self.checkpoint.clone(),
            report: Report { findings: self.findings.clone(), ..Report::default() },
            skipped: BTreeMap::new(),
            used: compare::Used::default(),
            calls: Vec::new(),
            allowed: Counts::default(),
        };
        let Some((ours, theirs)) = &self.runs else { return Ok(judged) };
        let outcome = compare::suffixes(
            (&ours.0, ours.1),
            (&theirs.0, theirs.1),
            &comparison(config),
            control,
            &mut judged.report,
        )?;
        judged.skipped = outcome.skipped;
        judged.used = outcome.used;
        judged.calls = outcome.calls;
        judged.allowed = outcome.allowed;
        let checkpoint = &mut judged.checkpoint;
        checkpoint.compared = outcome.compared;
        checkpoint.divergences = outcome.divergences;
        checkpoint.unsettled = outcome.unsettled;
        checkpoint.verdict = if self.timed_out {
            Verdict::TimedOut
        } else if outcome.divergences > 0 || judged.report.count(Severity::Error) > 0 {
            Verdict::Differs
        } else if judged.report.is_incomplete() {
            Verdict::Inconclusive
        } else {
            Verdict::Same
        };
        Ok(judged)
    }
}

impl Judged {
    /// Nobody knows where the original differs from itself, so no difference counts.
    pub(super) fn not_settled(&mut self, why: &str) {
        let findings = std::mem::take(&mut self.report.findings);
        let one = |finding: Finding| match finding.severity {
            Severity::Error if finding.rule.id != rules::RESTORE_FAILED.id => {
                compare::unsettled(finding, why)
            }
            _ => finding,
        };
        self.report.findings = findings.into_iter().map(one).collect();
        let checkpoint = &mut self.checkpoint;
        checkpoint.unsettled += std::mem::take(&mut checkpoint.divergences);
        if checkpoint.verdict == Verdict::Differs {
            checkpoint.verdict = Verdict::Inconclusive;
        }
    }
}
