//! `samestate init`

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use samestate_analyzer::CoverageConfig;
use samestate_report::ExitCode;

use crate::args::{InitArgs, OutputArgs};
use crate::failure::Failure;
use crate::output;
use crate::progress::Progress;

/// Prints or writes the proposal.
pub(crate) fn run(args: &InitArgs, output: OutputArgs) -> Result<u8, Failure> {
    output::text_only("init", output)?;
    let text = {
        let _progress = Progress::new(format!("reading {}", args.binary.display()));
        samestate_analyzer::propose(&CoverageConfig {
            binary: args.binary.clone(),
            source_dirs: args.source_dirs.clone(),
            ..CoverageConfig::default()
        })?
    };
    if args.output == Path::new("-") {
        output::print(&text, output)?;
        return Ok(ExitCode::Clean.code());
    }
    let written =
        File::create_new(&args.output).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        let file = args.output.display();
        match error.kind() {
            io::ErrorKind::AlreadyExists => {
                Failure::usage(format!("{file} is there already; name another with `--output`"))
            }
            io::ErrorKind::NotFound => Failure::usage(format!("cannot write {file}: {error}")),
            _ => Failure::unchecked(format!("cannot write {file}: {error}")),
        }
    })?;
    Ok(ExitCode::Clean.code())
}
