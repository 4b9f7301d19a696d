//! One restored run, and what it comes to.

use std::path::Path;

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

/// Runs the restore command on a copy of an image and compares what follows.
pub(super) fn run(
    config: &Verify,
    work: &Path,
    number: usize,
    original: &Original,
    saved: &Saved,
    image: &Path,
    report: &mut Report,
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
    let run = recording(config, command.clone(), trace.clone(), printed(&said)?);
    let ended = record::run(&run, Some(mirror), &mut Silent)?;
    let subject = || Subject::Input(show_words(&command));
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
        checkpoint.verdict = Verdict::Failed;
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
    checkpoint.compared = outcome.compared;
    checkpoint.divergences = outcome.divergences;
    checkpoint.verdict = if report.count(Severity::Error) > 0 {
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
