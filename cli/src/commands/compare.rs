//! `samestate compare`

use samestate_tracer::Comparison;

use super::settings;
use crate::args::{CompareArgs, OutputArgs};
use crate::failure::Failure;
use crate::input;
use crate::output;
use crate::progress::Progress;

/// Prints where two runs differ.
pub(crate) fn run(args: &CompareArgs, output: OutputArgs) -> Result<u8, Failure> {
    input::files(&[&args.original, &args.other])?;
    let progress = Progress::new("comparing the runs");
    let how = Comparison {
        strength: args.strength.into(),
        allowed: settings::of_runs(args.config.as_deref())?,
        ..Comparison::default()
    };
    let report = samestate_tracer::compare(&args.original, &args.other, &how)?;
    drop(progress);
    output::report(&report, output)
}
