//! One restored run, and what it comes to.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use samestate_report::{Finding, Report, Severity, Side, Sides, Subject, rules};
use samestate_schema::marker::Kind;

use super::original::{Original, Saved, markers};
use super::words::with_image;
use super::{
    Checkpoint, Verdict, Verify, comparison, output, printed, recording, show_words, tail,
};
use crate::record::mirror::Mirror;
use crate::record::{self, Progress, Seen, Watch};
use crate::show::hex;
use crate::{Error, compare};

/// A restored run has at least this long, however fast the original was.
const LEAST_TIMEOUT: Duration = Duration::from_secs(60);

/// Runs the restore command on a copy of an image and compares what follows.
pub(super) fn run(
    config: &Verify,
    work: &Path,
    number: usize,
    original: &Original,
    saved: &Saved,
    image: &Path,
    (report, skipped): (&mut Report, &mut BTreeMap<&'static str, u64>),
) -> Result<Checkpoint, Error> {
    let trace = work.join(format!("restored-{number}.trace"));
    let said = work.join(format!("restored-{number}.out"));
    let command = with_image(&config.restore, image);
    let mut checkpoint = Checkpoint {
        number,
        step: saved.step,
        image_id: hex(&saved.image_id),
        image: saved.path.clone(),
        compared: 0,
        divergences: 0,
        verdict: Verdict::Inconclusive,
    };
    let Some(place) = saved.place else {
        report.findings.push(saved.not_usable());
        return Ok(checkpoint);
    };
    let mirror = Mirror::of_suffix(&original.trace, place)?;
    let mut run = recording(config, command.clone(), trace.clone(), printed(&said)?);
    let limit = config.timeout.unwrap_or((original.took * 10).max(LEAST_TIMEOUT));
    run.timeout = Some(limit);
    let ended = record::run(&run, Some(mirror), &mut Silent)?;
    let subject = || Subject::Input(show_words(&command));
    // What it could not see before the marker matters after it as well: a mapping, a filter.
    for what in ended.untraced.iter().filter(|what| !original.recording.untraced.contains(what)) {
        let message = format!("the restored run did what the tracer cannot see: {what}");
        report.findings.push(Finding::new(&rules::UNTRACED, subject(), message));
    }
    if ended.timed_out {
        report.findings.push(Finding::new(
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
    let Some((restored, id)) = markers(&trace, Kind::Restored)?.into_iter().next() else {
        let mut finding = Finding::new(
            &rules::RESTORE_FAILED,
            subject(),
            format!(
                "the command ended with {} before it announced that it had restored the image",
                ended.status()
            ),
        );
        finding.details = tail(&output(&said));
        report.findings.push(finding);
        checkpoint.verdict = if ended.timed_out { Verdict::TimedOut } else { Verdict::Failed };
        return Ok(checkpoint);
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
        report.findings.push(finding);
        checkpoint.verdict = Verdict::OtherImage;
        return Ok(checkpoint);
    }
    let outcome = compare::suffixes(
        (&original.trace, place),
        (&trace, restored),
        &comparison(config),
        report,
    )?;
    for (why, count) in outcome.skipped {
        *skipped.entry(why).or_default() += count;
    }
    checkpoint.compared = outcome.compared;
    checkpoint.divergences = outcome.divergences;
    checkpoint.verdict = if ended.timed_out {
        Verdict::TimedOut
    } else if report.count(Severity::Error) > 0 {
        Verdict::Differs
    } else if report.is_incomplete() {
        Verdict::Inconclusive
    } else {
        Verdict::Same
    };
    Ok(checkpoint)
}

/// Restored runs are told about by number only.
struct Silent;

impl Watch for Silent {
    fn marker(&mut self, _seen: &Seen<'_>) -> Result<(), Error> {
        Ok(())
    }

    fn progress(&mut self, _progress: Progress) {}
}
