//! The command line.

mod check;
mod image;
mod runs;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use self::check::{CargoArgs, CheckArgs, FailOn, ReportFile};
pub(crate) use self::image::ImageCommand;
pub(crate) use self::runs::{CompareArgs, KnobArgs, RecordArgs, ShowArgs, VerifyArgs};

/// samestate finds the state your checkpoints forget.
#[derive(Debug, Parser)]
#[command(name = "samestate", version, about, after_help = AFTER_HELP)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// How the results look on stdout.
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

const AFTER_HELP: &str = "\
Exit codes: 0 clean, 1 findings, 2 usage or configuration, 3 could not check (where several apply, \
2 over 1 over 3). `record` ends as the recorded program does.";

/// How the results look.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct OutputArgs {
    /// Format of the report.
    #[arg(long, value_enum, default_value_t = Format::Text, global = true)]
    pub(crate) format: Format,
    /// When to use colors.
    #[arg(long, value_enum, default_value_t = Color::Auto, global = true)]
    pub(crate) color: Color,
    /// Show every finding by itself.
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
}

/// A format of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// Stable and versioned, for programs; docs/report.schema.json describes it.
    Json,
    /// SARIF 2.1.0, for code scanning services and editors.
    Sarif,
    /// JUnit XML, for services that show tests.
    Junit,
    /// Annotations for a workflow on GitHub.
    Github,
}

/// When to use colors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Which state reachable from the roots of BINARY does no checkpoint cover?
    Coverage(CoverageArgs),
    /// Propose a samestate.toml for BINARY: roots, and what saves and restores them.
    Init(InitArgs),
    /// Write the types reachable from the roots of BINARY to a lock file.
    Lock(LockArgs),
    /// What changed from OLD to NEW, each a binary or a lock file, that endangers saved state?
    Drift(DriftArgs),
    /// The gate: coverage, drift from the lock, and whether the lock is up to date.
    Check(CheckArgs),
    /// Run a program and record every system call it makes.
    Record(RecordArgs),
    /// Where do two recorded runs differ?
    Compare(CompareArgs),
    /// Print a recorded run, a line per call.
    Show(ShowArgs),
    /// Run a program, restore it from each of its checkpoints, and compare.
    Verify(VerifyArgs),
    /// Look into a saved checkpoint, without the program that wrote it.
    #[command(subcommand)]
    Image(ImageCommand),
    /// What does a rule mean, and what is to be done about it?
    Explain(ExplainArgs),
    /// Build the example from a clone and find its forgotten field in three ways.
    Demo(DemoArgs),
}

/// Where the analyzer starts and where it looks.
#[derive(Args, Clone, Debug)]
pub(crate) struct RootArgs {
    /// A struct from which the state hangs, such as `sim::Machine`, besides the types marked
    /// `#[checkpoint(root)]`; may be given several times.
    #[arg(long = "root", value_name = "TYPE")]
    pub(crate) roots: Vec<String>,
    /// A folder that source paths in the debug information may be relative to.
    #[arg(long = "source-dir", value_name = "DIR")]
    pub(crate) source_dirs: Vec<PathBuf>,
    /// What the authors of the program say about its state; by default samestate.toml in the
    /// current folder or beside the Cargo.toml that it belongs to.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// Whether to tell where the time went.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct TimingsArgs {
    /// Tell on stderr what each phase took, how much was read, and how much memory that needed.
    #[arg(long)]
    pub(crate) timings: bool,
}

/// `samestate coverage`
#[derive(Args, Debug)]
pub(crate) struct CoverageArgs {
    /// The program, with full debug information.
    pub(crate) binary: PathBuf,
    /// Where to start.
    #[command(flatten)]
    pub(crate) roots: RootArgs,
    /// Which statics and thread locals must hang from a root.
    #[arg(long, value_enum, default_value_t = StaticsArg::Own, value_name = "WHOSE")]
    pub(crate) statics: StaticsArg,
    /// Print no report, but a graph for Graphviz: this type, what its fields lead to, and whose
    /// fields lead to it.
    #[arg(long, value_name = "TYPE")]
    pub(crate) dot: Option<String>,
    /// Whether to tell where the time went.
    #[command(flatten)]
    pub(crate) timings: TimingsArgs,
}

/// Whose statics are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StaticsArg {
    /// Nobody's.
    None,
    /// Those of the program's own crates.
    Own,
    /// Those of all crates; other crates' are only noted.
    All,
}

/// `samestate init`
#[derive(Args, Debug)]
pub(crate) struct InitArgs {
    /// The program, with full debug information.
    pub(crate) binary: PathBuf,
    /// Where to write it; `-` is stdout. A file that is there already stays as it is.
    #[arg(long, short, default_value = "-", value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// A folder that source paths in the debug information may be relative to.
    #[arg(long = "source-dir", value_name = "DIR")]
    pub(crate) source_dirs: Vec<PathBuf>,
}

/// `samestate lock`
#[derive(Args, Debug)]
pub(crate) struct LockArgs {
    /// The program, with full debug information.
    pub(crate) binary: PathBuf,
    /// Where to start.
    #[command(flatten)]
    pub(crate) roots: RootArgs,
    /// Where to write it; `-` is stdout.
    #[arg(long, short, default_value = "checkpoint.lock", value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Write nothing; fail if the lock file is not what would be written.
    #[arg(long)]
    pub(crate) check: bool,
    /// What images depend on: with `raw-memory` the lock also tells how types lie in memory.
    #[arg(long, value_enum, value_name = "PROFILE")]
    pub(crate) profile: Option<ProfileArg>,
    /// Whether to tell where the time went.
    #[command(flatten)]
    pub(crate) timings: TimingsArgs,
}

/// `samestate drift`
#[derive(Args, Debug)]
pub(crate) struct DriftArgs {
    /// The earlier one: a binary or a lock file.
    pub(crate) old: PathBuf,
    /// The later one: a binary or a lock file.
    pub(crate) new: PathBuf,
    /// Where to start.
    #[command(flatten)]
    pub(crate) roots: RootArgs,
    /// What images depend on; else what samestate.toml says, or `by-field`.
    #[arg(long, value_enum, value_name = "PROFILE")]
    pub(crate) profile: Option<ProfileArg>,
    /// Whether to tell where the time went.
    #[command(flatten)]
    pub(crate) timings: TimingsArgs,
}

/// What images depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProfileArg {
    /// Names and types: each field is saved by itself.
    ByField,
    /// How types lie in memory as well: it is dumped as it is.
    RawMemory,
}

/// `samestate explain`
#[derive(Args, Debug)]
pub(crate) struct ExplainArgs {
    /// The rule's id; without it, all rules with their titles.
    pub(crate) rule: Option<String>,
}

/// `samestate demo`
#[derive(Args, Debug)]
pub(crate) struct DemoArgs {
    /// The clone of samestate; found from the current folder upwards.
    #[arg(long, value_name = "DIR")]
    pub(crate) clone: Option<PathBuf>,
}
