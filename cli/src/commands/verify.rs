//! `samestate verify`

use std::ffi::OsString;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use samestate_report::{Report, Table};
use samestate_tracer::trace::Status;
use samestate_tracer::{Announce, Checkpoint, Error, Verification, Verify, Which};

use super::{left_out, settings};
use crate::args::{OutputArgs, VerifyArgs};
use crate::failure::Failure;
use crate::knobs::knobs;
use crate::output;
use crate::progress::Progress;
use crate::signals::Signals;

/// Prints whether each restored run did what the original did.
pub(crate) fn run(args: &VerifyArgs, output: OutputArgs) -> Result<u8, Failure> {
    let (report, status) = verified(args)?;
    let code = output::report(&report, output)?;
    Ok(if code == 0 && args.pass_exit { passed_on(status) } else { code })
}

/// What a shell would say of a program that ended so.
pub(super) fn passed_on(status: Status) -> u8 {
    match status {
        Status::Exited(status) => u8::try_from(status & 0xff).unwrap_or(u8::MAX),
        Status::Killed(signal) => u8::try_from(128 + (signal & 0x7f)).unwrap_or(u8::MAX),
    }
}

/// Makes the report.
pub(crate) fn report(args: &VerifyArgs) -> Result<Report, Failure> {
    verified(args).map(|(report, _)| report)
}

/// The report, and how the original ended.
fn verified(args: &VerifyArgs) -> Result<(Report, Status), Failure> {
    let Some(restore) = shlex::split(&args.restore) else {
        return Err(Failure::usage(format!(
            "`--restore` has a quote that is not closed, or ends in a backslash: {}",
            args.restore
        )));
    };
    let settings = settings::of_runs(args.config.as_deref())?;
    let signals = Signals::all();
    let config = Verify {
        command: args.command.clone(),
        restore: restore.into_iter().map(OsString::from).collect(),
        interrupt: Arc::clone(&signals.interrupt),
        state: args.state.clone(),
        only_state: args.only_state,
        work: args.keep.clone(),
        timeout: args.timeout.map(Duration::from_secs),
        knobs: knobs(&args.knobs)?,
        strength: args.strength.into(),
        which: match (args.every, args.sample) {
            (Some(every), _) => Which::Every(every),
            (_, Some(sample)) => Which::Sample(sample),
            (None, None) => Which::All,
        },
        rounds: args.rounds,
        jobs: args.jobs,
        announce: Announce {
            saved_on: args.saved_on.clone(),
            restored_on: args.restored_on.clone(),
            restored_from: None,
        },
        without_control: args.no_control,
        without_stacks: args.no_stacks,
        allowed: settings.allowed.of_runs(),
        ..Verify::default()
    };
    let progress = Progress::new("running the original");
    let verified = samestate_tracer::verify(&config, &mut |step| progress.tell(&step));
    drop(progress);
    match verified {
        Err(error @ Error::Interrupted) => Err(Failure::interrupted(error, signals)),
        verified => {
            let mut verified = verified?;
            let status = verified.status;
            left_out::tell(&mut verified.report, &settings);
            Ok((complete(verified), status))
        }
    }
}

/// The report with a row for each checkpoint.
fn complete(verified: Verification) -> Report {
    let Verification { mut report, checkpoints, status, output } = verified;
    if !checkpoints.is_empty() {
        report.tables.insert(0, table(&checkpoints));
    }
    if status != Status::Exited(0) {
        // It may say why.
        let _ = writeln!(anstream::stderr(), "{}", String::from_utf8_lossy(&output).trim_end());
    }
    report
}

fn table(checkpoints: &[Checkpoint]) -> Table {
    let mut columns =
        vec!["image", "step", "calls compared", "divergences", "verdict", "ended with"];
    let has_rounds = checkpoints.iter().any(|checkpoint| checkpoint.round > 1);
    if has_rounds {
        columns.push("round");
    }
    let row = |checkpoint: &Checkpoint| {
        let image = checkpoint.image.file_name().unwrap_or(checkpoint.image.as_os_str());
        let round = has_rounds.then(|| checkpoint.round.to_string());
        let cells = vec![
            image.to_string_lossy().into_owned(),
            checkpoint.step.to_string(),
            checkpoint.compared.to_string(),
            checkpoint.divergences.to_string(),
            checkpoint.verdict.word().to_owned(),
            checkpoint.ended.map_or_else(String::new, |status| status.to_string()),
        ];
        cells.into_iter().chain(round).collect()
    };
    Table {
        row: "checkpoint".to_owned(),
        columns: columns.into_iter().map(str::to_owned).collect(),
        rows: checkpoints.iter().map(row).collect(),
    }
}
