//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use samestate_schema::path::FieldPath;
use samestate_tracer::{At, Fault, Harm};

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
}

/// What is done so that a run can be repeated.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct KnobArgs {
    /// Let threads and processes run at once; what they do may come in another order in every run.
    #[arg(long)]
    pub(crate) free: bool,
    /// Switch off (or on) one of what is done so that a run can be repeated: fixed-addresses,
    /// hidden-vdso, fixed-random, trapped-counter, one-processor, serialized or refused-rings; may
    /// be given several times.
    #[arg(long = "knob", value_name = "NAME=off")]
    pub(crate) knobs: Vec<String>,
}

/// `samestate check`
#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    /// The program, with full debug information; else that which samestate.toml names, or the one
    /// that cargo builds here.
    pub(crate) binary: Option<PathBuf>,
    /// Where to start.
    #[command(flatten)]
    pub(crate) roots: RootArgs,
    /// The lock file; else that which samestate.toml names, or checkpoint.lock beside it.
    #[arg(long, value_name = "FILE")]
    pub(crate) lock: Option<PathBuf>,
    /// Compare with the lock file as it is in this revision of git, such as `origin/main`, instead
    /// of as it is now.
    #[arg(long, value_name = "REV")]
    pub(crate) baseline: Option<String>,
    /// What fails the gate; else what samestate.toml says, or errors.
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub(crate) fail_on: Option<FailOn>,
    /// Build the program with cargo first.
    #[arg(long, conflicts_with = "binary")]
    pub(crate) build: bool,
    /// Which statics and thread locals must hang from a root.
    #[arg(long, value_enum, default_value_t = StaticsArg::Own, value_name = "WHOSE")]
    pub(crate) statics: StaticsArg,
}

/// What fails the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// Errors.
    Error,
    /// Warnings and errors.
    Warning,
}

/// `samestate record`
#[derive(Args, Debug)]
pub(crate) struct RecordArgs {
    /// Where to write the run.
    #[arg(long, short, value_name = "RUN")]
    pub(crate) output: PathBuf,
    /// End the program if it runs for longer than this.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) timeout: Option<u64>,
    /// Give the program the time, random bytes and process ids of this earlier run.
    #[arg(long, value_name = "RUN")]
    pub(crate) like: Option<PathBuf>,
    /// What shall go wrong.
    #[command(flatten)]
    pub(crate) fault: FaultArgs,
    /// What is done so that the run can be repeated.
    #[command(flatten)]
    pub(crate) knobs: KnobArgs,
    /// The program and its arguments.
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}

/// What shall go wrong in a recorded run.
#[derive(Args, Debug)]
#[group(multiple = false)]
pub(crate) struct FaultArgs {
    /// Kill the program instead of its Nth system call, counted from 1; `save:N` counts only those
    /// that it makes while it saves.
    #[arg(long, value_name = "[save:]N", help_heading = "Faults")]
    pub(crate) kill_before: Option<At>,
    /// Kill the program when this call is done.
    #[arg(long, value_name = "[save:]N", help_heading = "Faults")]
    pub(crate) kill_after: Option<At>,
    /// Let this call fail, such as `save:3=ENOSPC`, without making it.
    #[arg(long, value_name = "[save:]N=ERROR", value_parser = Fault::failing, help_heading = "Faults")]
    pub(crate) fail: Option<Fault>,
}

impl FaultArgs {
    pub(crate) fn fault(&self) -> Option<Fault> {
        let kill = |at: Option<At>, harm| at.map(|at| Fault { at, harm });
        kill(self.kill_before, Harm::KillBefore)
            .or(kill(self.kill_after, Harm::KillAfter))
            .or(self.fail)
    }
}

/// `samestate compare`
#[derive(Args, Debug)]
pub(crate) struct CompareArgs {
    /// The first run.
    pub(crate) original: PathBuf,
    /// The second run.
    pub(crate) other: PathBuf,
}

/// `samestate show`
#[derive(Args, Debug)]
pub(crate) struct ShowArgs {
    /// The recorded run.
    pub(crate) run: PathBuf,
    /// Only the thread of this lineage, such as `0.2`, and all that it made.
    #[arg(long, value_name = "LINEAGE")]
    pub(crate) process: Option<String>,
    /// Only calls of this class, such as `file` or `network`; may be given several times.
    #[arg(long = "class", value_name = "CLASS")]
    pub(crate) classes: Vec<String>,
    /// Only calls with a path that contains this.
    #[arg(long, value_name = "TEXT")]
    pub(crate) path: Option<String>,
    /// Only calls from this one of their thread on, counted from 0.
    #[arg(long, value_name = "N")]
    pub(crate) from: Option<u64>,
    /// Only calls up to this one of their thread.
    #[arg(long, value_name = "N")]
    pub(crate) to: Option<u64>,
}

/// `samestate verify`
#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    /// The command that goes on from an image, `{image}` standing for the image's path.
    #[arg(long, value_name = "COMMAND")]
    pub(crate) restore: String,
    /// A file or folder that belongs to the state: put back for each restored run, and afterwards
    /// as it was; may be given several times.
    #[arg(long = "state", value_name = "PATH")]
    pub(crate) state: Vec<PathBuf>,
    /// End a run that takes longer than this; what could not be compared then is a finding.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) timeout: Option<u64>,
    /// Keep the recorded runs and the images in this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
    /// What is done so that the run can be repeated.
    #[command(flatten)]
    pub(crate) knobs: KnobArgs,
    /// The program and its arguments.
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}

/// `samestate image`
#[derive(Debug, Subcommand)]
pub(crate) enum ImageCommand {
    /// What the image is: who wrote it when, its types, its parts and their sizes.
    Show {
        /// The image.
        file: PathBuf,
    },
    /// The values, a line per field.
    Tree {
        /// The image.
        file: PathBuf,
        /// Only what lies at or below this field path.
        #[arg(long, value_name = "PATH")]
        at: Option<String>,
    },
    /// What differs between the values of two images, by field path.
    Diff {
        /// The first image.
        left: PathBuf,
        /// The second image.
        right: PathBuf,
    },
    /// The values, or those at and below a field path, as JSON.
    Extract {
        /// The image.
        file: PathBuf,
        /// Only what lies at or below this field path.
        #[arg(long, value_name = "PATH")]
        at: Option<String>,
    },
    /// How many bytes each field takes, the largest first.
    Sizes {
        /// The image.
        file: PathBuf,
    },
    /// Write a copy that leaves fields out. Its types tell; a program that saves such a field refuses
    /// it, unless the field has `since` and `default`.
    Filter {
        /// The image.
        file: PathBuf,
        /// A field to leave out, such as `sim::Machine.cpu.log`, or `Cpu.log` wherever a `Cpu` is;
        /// may be given several times.
        #[arg(long, required = true, value_name = "PATH")]
        without: Vec<FieldPath>,
        /// Where to write the copy.
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
    },
    /// Check every checksum and every value.
    Verify {
        /// The image.
        file: PathBuf,
    },
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
