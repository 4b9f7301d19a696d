//! The gate.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};

use super::{Format, RootArgs, StaticsArg, TimingsArgs};

/// `samestate check`
#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    /// The program, with full debug information; else that which samestate.toml names, or the one
    /// that cargo builds here.
    pub(crate) binary: Option<PathBuf>,
    /// Where to start.
    #[command(flatten)]
    pub(crate) roots: RootArgs,
    /// The lock file; else that which samestate.toml names, or checkpoint.lock here or beside
    /// samestate.toml.
    #[arg(long, value_name = "FILE")]
    pub(crate) lock: Option<PathBuf>,
    /// Compare with the lock file as it is in this revision of git, such as `origin/main`, instead
    /// of as it is now.
    #[arg(long, value_name = "REV")]
    pub(crate) baseline: Option<String>,
    /// What fails the gate; else what samestate.toml says, or errors.
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub(crate) fail_on: Option<FailOn>,
    /// Which of cargo's programs.
    #[command(flatten)]
    pub(crate) cargo: CargoArgs,
    /// Write the report in another format as well, such as `sarif=check.sarif`; may be given several
    /// times.
    #[arg(long = "report", value_name = "FORMAT=FILE")]
    pub(crate) reports: Vec<ReportFile>,
    /// Which statics and thread locals must hang from a root.
    #[arg(long, value_enum, default_value_t = StaticsArg::Own, value_name = "WHOSE")]
    pub(crate) statics: StaticsArg,
    /// Whether to tell where the time went.
    #[command(flatten)]
    pub(crate) timings: TimingsArgs,
}

/// What fails the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// Errors.
    Error,
    /// Warnings and errors.
    Warning,
}

/// Which of the programs that cargo builds, and how it is built.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Programs of cargo")]
pub(crate) struct CargoArgs {
    /// Build the program with cargo first.
    #[arg(long, conflicts_with = "binary")]
    pub(crate) build: bool,
    /// The package of the program, with its samestate.toml and its lock file; else the one here.
    #[arg(long, short, value_name = "NAME", conflicts_with = "binary")]
    pub(crate) package: Option<String>,
    /// The program, where the package has several.
    #[arg(long, value_name = "NAME", conflicts_with = "binary")]
    pub(crate) bin: Option<String>,
    /// The one of the release profile.
    #[arg(long, conflicts_with_all = ["binary", "cargo_profile"])]
    pub(crate) release: bool,
    /// The one of this profile of cargo.
    #[arg(long, value_name = "NAME", conflicts_with = "binary")]
    pub(crate) cargo_profile: Option<String>,
}

impl CargoArgs {
    /// Whether anything is asked of cargo.
    pub(crate) const fn are_given(&self) -> bool {
        self.build
            || self.package.is_some()
            || self.bin.is_some()
            || self.release
            || self.cargo_profile.is_some()
    }

    /// The profile that the program is built with.
    pub(crate) fn profile(&self) -> &str {
        let default = if self.release { "release" } else { "dev" };
        self.cargo_profile.as_deref().unwrap_or(default)
    }
}

/// A file that a report goes to, and its format.
#[derive(Clone, Debug)]
pub(crate) struct ReportFile {
    pub(crate) format: Format,
    pub(crate) path: PathBuf,
}

impl FromStr for ReportFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (format, path) =
            text.split_once('=').ok_or("write it as `FORMAT=FILE`, such as `sarif=check.sarif`")?;
        let known = Format::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        let names: Vec<_> = known.map(|known| known.get_name().to_owned()).collect();
        let format = Format::from_str(format, false)
            .map_err(|_| format!("`{format}` is no format: write one of {}", names.join(", ")))?;
        if path.is_empty() {
            return Err("the name of the file is missing".to_owned());
        }
        Ok(Self { format, path: PathBuf::from(path) })
    }
}
