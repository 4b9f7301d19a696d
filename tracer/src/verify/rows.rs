//! One restored run after the other, or several at once, and what they come to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use samestate_report::{Counts, Report};

use super::guard::{Guard, Moment};
use super::original::Original;
use super::{Checkpoint, Verdict, Verify, beside, control, go_on, original, restored, stacks};
use crate::record::{OnProgress, Progress};
use crate::stacks::Names;
use crate::{Error, compare};

/// What the restored runs come to.
#[derive(Default)]
pub(super) struct Found {
    pub(super) checkpoints: Vec<Checkpoint>,
    pub(super) skipped: BTreeMap<&'static str, u64>,
    pub(super) used: compare::Used,
    pub(super) allowed: Counts,
    /// What is to be said, and about which checkpoints.
    pub(super) notes: BTreeMap<String, Vec<String>>,
}

/// Restores from all checkpoints that are wanted.
pub(super) fn restore_all(
    config: &Verify,
    work: &Path,
    guard: &mut Guard,
    original: &Original,
    (report, found): (&mut Report, &mut Found),
    progress: &mut OnProgress<'_>,
) -> Result<(), Error> {
    let mut usable = Vec::new();
    for (at, checkpoint) in original.checkpoints.iter().enumerate() {
        match &checkpoint.image {
            Some(image) => usable.push((at, checkpoint, image)),
            None => report.findings.push(checkpoint.not_usable()),
        }
    }
    let chosen = config.which.of(usable.len());
    if chosen.len() < usable.len() {
        let left = usable.len() - chosen.len();
        report.notes.push(format!("{left} of {} checkpoints were not restored", usable.len()));
    }
    let starts: Vec<_> = chosen
        .iter()
        .map(|number| {
            let (at, checkpoint, image) = usable[*number];
            (Start { at, number: number + 1, image, round: 1 }, &checkpoint.files)
        })
        .collect();
    guard.files.make_certain();
    let beside = beside::run(config, work, original, &guard.files, &starts, progress)?;
    if let Some(why) = beside.why_not.filter(|_| config.jobs > 1) {
        report.notes.push(format!("not all restored runs could be made at once: {why}"));
    }
    let at_once = beside.clean.iter().flatten().map(Vec::len).sum::<usize>();
    report.detail("restored runs made at once", at_once as u64);
    let names = Names::default();
    let mut rows = Rows { config, work, original, control: None, report, found, names, asked: 0 };
    let count = starts.len();
    for (turn, ((mut start, files), clean)) in starts.into_iter().zip(beside.clean).enumerate() {
        if let Some(chain) = clean {
            chain.into_iter().for_each(|judged| rows.add(judged));
            continue;
        }
        progress(Progress::Restoring { checkpoint: turn + 1, of: count });
        let mut kept = rows.restore(start, files, guard, progress)?;
        // Each saves once more after what it restored, and the next one restores that.
        while let Some(saved) = kept {
            let Some(image) = &saved.image else {
                rows.report.findings.push(saved.not_usable());
                break;
            };
            start = start.next();
            kept = rows.restore(Start { image, ..start }, &saved.files, guard, progress)?;
        }
    }
    Ok(())
}

/// What a restored run starts from.
#[derive(Clone, Copy)]
pub(super) struct Start<'a> {
    /// Which of the original's checkpoints it is, from 0.
    pub(super) at: usize,
    /// Which of those that can be restored from, from 1.
    pub(super) number: usize,
    pub(super) image: &'a Path,
    pub(super) round: usize,
}

impl Start<'_> {
    /// What is restored from what this run saves first: the next checkpoint, one round later.
    pub(super) const fn next(self) -> Self {
        Self { at: self.at + 1, number: self.number + 1, round: self.round + 1, ..self }
    }

    /// What it prints.
    pub(super) fn said(self, work: &Path) -> PathBuf {
        work.join(match self.round {
            1 => format!("restored-{}.out", self.number),
            round => format!("restored-{}-{round}.out", self.number),
        })
    }

    /// Where images go that it saves.
    pub(super) fn images(self, work: &Path) -> PathBuf {
        work.join("images").join(format!("{}-{}", self.number, self.round))
    }

    /// Whether a run that starts here is restored from once more.
    pub(super) const fn goes_on(self, config: &Verify, original: &Original) -> bool {
        self.round < config.rounds && self.at + 1 < original.checkpoints.len()
    }
}

/// Restored runs, one after the other.
struct Rows<'a> {
    config: &'a Verify,
    work: &'a Path,
    original: &'a Original,
    control: Option<control::Control>,
    report: &'a mut Report,
    found: &'a mut Found,
    names: Names,
    /// How many restored runs were made again to be asked.
    asked: usize,
}

impl Rows<'_> {
    /// Asks where in the program the calls are made that differ.
    fn ask(
        &mut self,
        (start, files): (Start<'_>, &Moment),
        restored: &restored::Restored,
        judged: &mut restored::Judged,
        guard: &mut Guard,
        progress: &mut OnProgress<'_>,
    ) -> Result<(), Error> {
        let Some((ours, theirs)) = restored.traces() else { return Ok(()) };
        if self.config.without_stacks || self.asked >= stacks::MOST_CHECKPOINTS {
            return Ok(());
        }
        let findings = &mut judged.report.findings;
        let wanted = stacks::Wanted::of(findings, &judged.calls, ours, theirs)?;
        let Some(wanted) = wanted else { return Ok(()) };
        self.asked += 1;
        guard.files.go_to(files)?;
        let what = Progress::Asking;
        let mut quiet = control::Quiet { progress, files: &mut guard.files, what };
        let again = restored.again(self.config, start, wanted.in_restored(), &mut quiet);
        guard.files.settle();
        go_on(self.config)?;
        // What was found is not lost with what would have told more of it.
        let again = match &again {
            Ok(again) => again.as_deref().ok_or_else(|| "there is nothing to run again".to_owned()),
            Err(error) => Err(format!("the run could not be made again: {error}")),
        };
        let control = self.control.as_ref().map(control::Control::trace);
        let control = control.ok_or_else(|| "the original was not run again".to_owned());
        wanted.put(findings, control, again, &mut self.names)
    }

    /// Restores and compares; what was kept of what it saved next, if another round shall start from
    /// that.
    fn restore(
        &mut self,
        start: Start<'_>,
        files: &Moment,
        guard: &mut Guard,
        progress: &mut OnProgress<'_>,
    ) -> Result<Option<original::Saved>, Error> {
        let (config, original) = (self.config, self.original);
        let Some(checkpoint) = original.checkpoints.get(start.at) else { return Ok(None) };
        guard.files.go_to(files)?;
        let goes_on = start.goes_on(config, original);
        let mut keeper = original::Watcher::new(
            &mut guard.files,
            start.images(self.work),
            progress,
            usize::from(goes_on),
        );
        let restored = restored::run(config, self.work, start, original, checkpoint, &mut keeper)?;
        let kept = keeper.into_kept().next();
        guard.files.settle();
        // What the killed run did not do says nothing.
        go_on(config)?;
        let mut verdict = restored.compare(config, None)?;
        if verdict.checkpoint.divergences > 0 && !config.without_control {
            let control = match &self.control {
                Some(control) => control,
                None => {
                    guard.put_back()?;
                    let run =
                        control::run(config, self.work, original, &mut guard.files, progress)?;
                    go_on(config)?;
                    self.control.insert(run)
                }
            };
            match control.spots(config, original, start.at)? {
                Ok(spots) if spots.is_empty() => {}
                Ok(spots) => verdict = restored.compare(config, Some(&spots))?,
                Err(why) => verdict.not_settled(&why),
            }
        }
        if verdict.checkpoint.divergences > 0 {
            self.ask((start, files), &restored, &mut verdict, guard, progress)?;
        }
        let fine = !matches!(verdict.checkpoint.verdict, Verdict::Failed | Verdict::OtherImage);
        self.add(verdict);
        // If it is another image than the original's, that was told, and it goes on otherwise.
        let next = original.checkpoints.get(start.at + 1);
        let kept =
            kept.filter(|kept| fine && next.is_some_and(|next| next.image_id == kept.image_id));
        Ok(kept.filter(|_| goes_on))
    }

    /// Adds what a run came to.
    fn add(&mut self, verdict: restored::Judged) {
        let Checkpoint { number, round, step, .. } = verdict.checkpoint;
        let round = if round > 1 { format!(", round {round}") } else { String::new() };
        let group = format!("checkpoint {number} (step {step}){round}");
        for mut finding in verdict.report.findings {
            finding.group = Some(group.clone());
            self.report.findings.push(finding);
        }
        for note in verdict.report.notes {
            self.found.notes.entry(note).or_default().push(number.to_string());
        }
        for (why, count) in verdict.skipped {
            *self.found.skipped.entry(why).or_default() += count;
        }
        self.found.used.add(&verdict.used);
        self.found.allowed.add(&verdict.allowed);
        self.found.checkpoints.push(verdict.checkpoint);
    }
}
