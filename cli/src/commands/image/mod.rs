//! `samestate image`

mod diff;
mod extract;
mod filter;
mod show;
mod sizes;
mod tree;

use std::fs;
use std::io;
use std::path::Path;

use samestate_image::{Image, ImageError};
use samestate_report::{Finding, Report, Subject, rules};

use crate::args::{Format, ImageCommand, OutputArgs};
use crate::failure::Failure;
use crate::input;
use crate::output;

/// Looks into an image.
pub(crate) fn run(command: &ImageCommand, output: OutputArgs) -> Result<u8, Failure> {
    match command {
        ImageCommand::Show { file } => looked(file, output, show::text),
        ImageCommand::Tree { file, at } => {
            looked(file, output, |image| tree::text(image, at.as_deref()))
        }
        ImageCommand::Diff { left, right } => diff::run(left, right, output),
        ImageCommand::Extract { file, at } => {
            // It is JSON whatever the format of reports.
            let text = OutputArgs { format: Format::Text, ..output };
            looked(file, text, |image| extract::json(image, at.as_deref()))
        }
        ImageCommand::Sizes { file } => sizes::run(file, output),
        ImageCommand::Filter { file, without, output: to } => {
            filter::run(file, without, to, output)
        }
        ImageCommand::Verify { file } => verify(file, output),
    }
}

/// Prints what `look` says of an image, or why the image is none.
fn looked(
    file: &Path,
    output: OutputArgs,
    look: impl FnOnce(&Image<'_>) -> Result<String, Failure>,
) -> Result<u8, Failure> {
    output::text_only("image", output)?;
    match open(file)? {
        Ok(image) => {
            output::print(&look(&image)?, output)?;
            Ok(samestate_report::ExitCode::Clean.code())
        }
        Err(error) => output::report(&damaged(file, &error), output),
    }
}

/// The image, or what is wrong with it; that there is none is another matter.
fn open(file: &Path) -> Result<Result<Image<'static>, ImageError>, Failure> {
    input::files(&[file])?;
    match Image::open(file) {
        Err(error) => match &error {
            ImageError::Read { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Err(Failure::usage(error))
            }
            ImageError::NotAnImage => {
                Err(Failure::unchecked(format!("{}: {error}", file.display())))
            }
            // Nothing is known to be wrong with it.
            ImageError::Read { .. }
            | ImageError::Version { .. }
            | ImageError::UnknownCodec { .. }
            | ImageError::CodecMissing { .. }
            | ImageError::Unsupported { .. }
            | ImageError::Memory { .. } => {
                Err(Failure::unchecked(format!("{}: {error}", file.display())))
            }
            _ => Ok(Err(error)),
        },
        Ok(image) => Ok(Ok(image)),
    }
}

/// Checks every checksum, the schema and all values.
fn verify(file: &Path, output: OutputArgs) -> Result<u8, Failure> {
    let report = match open(file)? {
        Err(error) => all_damage(file, error),
        Ok(image) => match image.value() {
            Err(error) => damaged(file, &error),
            Ok(_) => {
                let mut report = named(file);
                report.fact("chunks", image.chunks().len() as u64);
                report.fact("bytes", image.len() as u64);
                report
            }
        },
    };
    output::report(&report, output)
}

/// Every chunk that is damaged, not only the first.
fn all_damage(file: &Path, first: ImageError) -> Report {
    let mut found = fs::read(file).map(|bytes| Image::damage(&bytes)).unwrap_or_default();
    if found.is_empty() {
        found.push(first);
    }
    let mut report = named(file);
    report.findings = found.iter().map(|error| damage(file, error)).collect();
    report
}

fn named(file: &Path) -> Report {
    let mut report = Report::new("image");
    report.input("image", file.display().to_string());
    report
}

fn damaged(file: &Path, error: &dyn std::error::Error) -> Report {
    let mut report = named(file);
    report.findings.push(damage(file, error));
    report
}

fn damage(file: &Path, error: &dyn std::error::Error) -> Finding {
    let subject = Subject::Input(file.display().to_string());
    let message = format!("{}: {error}", file.display());
    Finding::new(&rules::DAMAGED_IMAGE, subject, message)
}
