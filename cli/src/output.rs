//! Results on stdout.

use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use samestate_report::Report;
use samestate_report::render::{github, json, junit, sarif, text};

use crate::args::{Color, Format, OutputArgs, ReportFile};
use crate::failure::Failure;

/// Prints a report as the user asked for it; returns the exit code that it asks for.
pub(crate) fn report(report: &Report, args: OutputArgs) -> Result<u8, Failure> {
    // Colors are removed again where they are not wanted.
    let style = text::Style { color: true, verbose: args.verbose };
    print(&rendered(report, args.format, style)?, args)?;
    Ok(report.exit_code().code())
}

/// Writes a report to a file.
pub(crate) fn to_file(report: &Report, to: &ReportFile, args: OutputArgs) -> Result<(), Failure> {
    let style = text::Style { color: false, verbose: args.verbose };
    file(rendered(report, to.format, style)?.as_bytes(), &to.path, None)
}

fn rendered(report: &Report, format: Format, style: text::Style) -> Result<String, Failure> {
    let report = &from_here(report);
    Ok(match format {
        Format::Json => json::render(report).map_err(Failure::unchecked)?,
        Format::Sarif => sarif::render(report).map_err(Failure::unchecked)?,
        Format::Junit => junit::render(report).map_err(Failure::unchecked)?,
        Format::Github => github::render(report),
        Format::Text => text::render(report, style),
    })
}

/// Refuses the formats of reports for a command that makes none.
pub(crate) fn text_only(command: &str, args: OutputArgs) -> Result<(), Failure> {
    if args.format == Format::Text {
        return Ok(());
    }
    Err(Failure::usage(format!("`{command}` prints text only; leave out `--format`")))
}

/// Prints text that may hold colors.
pub(crate) fn print(text: &str, args: OutputArgs) -> Result<(), Failure> {
    choose_colors(args);
    let mut stdout = anstream::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    match written {
        // Whoever read our output has seen enough; the verdict stands.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::unchecked(format!("cannot write to stdout: {error}"))),
        Ok(()) => Ok(()),
    }
}

/// Tells a report on stderr, where stdout belongs to something else. That it cannot be told there
/// changes nothing: the exit code still tells.
pub(crate) fn aside(report: &Report, args: OutputArgs) {
    choose_colors(args);
    let style = text::Style { color: true, verbose: args.verbose };
    let _ = write!(anstream::stderr(), "{}", text::render(report, style));
}

/// Applies `--color` to both streams.
pub(crate) fn choose_colors(args: OutputArgs) {
    match args.color {
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    }
    .write_global();
}

/// The report with source files named as seen from the current folder, if they are below it.
fn from_here(report: &Report) -> Report {
    let here = env::current_dir().unwrap_or_default();
    let mut report = report.clone();
    report.rename_files(|file| match Path::new(file).strip_prefix(&here) {
        Ok(below) => below.display().to_string(),
        Err(_) => file.to_owned(),
    });
    report
}

/// Puts a new file in the place of the old one, which stays if writing fails. A link stays a link,
/// and a pipe or a device is written to.
///
/// Who may read it stays as it was for the old one; if there is none, nobody may who may not read
/// the file that it was made of.
pub(crate) fn file(bytes: &[u8], path: &Path, made_of: Option<&Path>) -> Result<(), Failure> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let is_stream = |metadata: fs::Metadata| !metadata.is_file() && !metadata.is_dir();
    if fs::metadata(&target).is_ok_and(is_stream) {
        return fs::write(&target, bytes).map_err(|error| cannot("write", path, &error));
    }
    let folder = match target.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let mode = |path: &Path| Some(fs::metadata(path).ok()?.permissions().mode() & 0o777);
    let old = mode(&target);
    // What the umask takes away stays away, but not from an old file.
    let new = made_of.map_or(Some(0o666), mode).unwrap_or(0o600);
    let written = tempfile::Builder::new()
        .permissions(fs::Permissions::from_mode(old.map_or(new, |_| 0o600)))
        .tempfile_in(folder)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            if let Some(old) = old {
                file.as_file().set_permissions(fs::Permissions::from_mode(old))?;
            }
            file.as_file().sync_all()?;
            file.persist(&target).map_err(|error| error.error)
        });
    written.map(drop).map_err(|error| cannot("write", path, &error))
}

/// That a file could not be read or written: usage if it, or its folder, is not there.
pub(crate) fn cannot(what: &str, path: &Path, error: &io::Error) -> Failure {
    let text = format!("cannot {what} {}: {error}", path.display());
    match error.kind() {
        io::ErrorKind::NotFound => Failure::usage(text),
        _ => Failure::unchecked(text),
    }
}
