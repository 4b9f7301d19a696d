//! `samestate coverage`

use std::path::Path;

use samestate_analyzer::{CoverageConfig, Statics};
use samestate_report::{ExitCode, Report};

use super::settings;
use crate::args::{CoverageArgs, OutputArgs, RootArgs, StaticsArg};
use crate::failure::Failure;
use crate::input;
use crate::output;
use crate::progress::Progress;

/// Prints the report.
pub(crate) fn run(args: &CoverageArgs, output: OutputArgs) -> Result<u8, Failure> {
    if let Some(name) = &args.dot {
        input::files(&[&args.binary])?;
        let text = samestate_analyzer::dot(&config(&args.binary, &args.roots)?, name)?;
        output::print(&text, output)?;
        return Ok(ExitCode::Clean.code());
    }
    output::report(&report(args)?, output)
}

/// Makes the report.
pub(crate) fn report(args: &CoverageArgs) -> Result<Report, Failure> {
    input::files(&[&args.binary])?;
    let _progress = Progress::new(format!("reading {}", args.binary.display()));
    let mut config = config(&args.binary, &args.roots)?;
    config.statics = statics(args.statics);
    Ok(samestate_analyzer::coverage(&config)?)
}

/// Whose statics are judged.
pub(crate) const fn statics(whose: StaticsArg) -> Statics {
    match whose {
        StaticsArg::None => Statics::None,
        StaticsArg::Own => Statics::Own,
        StaticsArg::All => Statics::All,
    }
}

/// The analyzer's view of the arguments.
pub(crate) fn config(binary: &Path, roots: &RootArgs) -> Result<CoverageConfig, Failure> {
    Ok(CoverageConfig {
        binary: binary.to_owned(),
        roots: roots.roots.clone(),
        source_dirs: roots.source_dirs.clone(),
        statics: Statics::default(),
        settings: settings::read(roots)?,
    })
}
