//! `samestate compare`

use samestate_tracer::Comparison;

use super::{left_out, settings};
use crate::args::{CompareArgs, OutputArgs};
use crate::failure::Failure;
use crate::input;
use crate::output;
use crate::progress::Progress;

/// Prints where two runs differ.
pub(crate) fn run(args: &CompareArgs, output: OutputArgs) -> Result<u8, Failure> {
    input::files(&[&args.original, &args.other])?;
    let settings = settings::of_runs(args.config.as_deref())?;
    let progress = Progress::new("comparing the runs");
    let how = Comparison {
        strength: args.strength.into(),
        allowed: settings.allowed.of_runs(),
        ..Comparison::default()
    };
    let mut report = samestate_tracer::compare(&args.original, &args.other, &how)?;
    left_out::tell(&mut report, &settings);
    drop(progress);
    output::report(&report, output)
}
