//! `samestate drift`

use samestate_analyzer::DriftConfig;
use samestate_report::Report;

use crate::args::{DriftArgs, OutputArgs};
use crate::failure::Failure;
use crate::input;
use crate::output;
use crate::progress::Progress;

/// Prints the report.
pub(crate) fn run(args: &DriftArgs, output: OutputArgs) -> Result<u8, Failure> {
    output::report(&report(args)?, output)
}

/// Makes the report.
pub(crate) fn report(args: &DriftArgs) -> Result<Report, Failure> {
    input::files(&[&args.old, &args.new])?;
    let _progress =
        Progress::new(format!("comparing {} with {}", args.old.display(), args.new.display()));
    let mut settings = super::settings::read(&args.roots)?;
    super::settings::set_profile(&mut settings, args.profile);
    let config = DriftConfig {
        roots: args.roots.roots.clone(),
        source_dirs: args.roots.source_dirs.clone(),
        settings,
    };
    Ok(samestate_analyzer::drift(&args.old, &args.new, &config)?)
}
