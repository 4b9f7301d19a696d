//! Commands that run programs, or look at recorded runs.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use samestate_tracer::{At, Fault, Harm, Strength};

/// `samestate record`
#[derive(Args, Debug)]
pub(crate) struct RecordArgs {
    /// Where to write the run.
    #[arg(long, short, value_name = "RUN")]
    pub(crate) output: PathBuf,
    /// End the program, or with --attach leave it, after this time.
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
    /// Instead of starting a program, record the one that runs with this process id, with all its
    /// threads, until it ends or you interrupt the recording; it runs on then. Nothing is done so
    /// that the run can be repeated.
    #[arg(long, value_name = "PID", conflicts_with_all = ["like", "free", "knobs", "FaultArgs"])]
    pub(crate) attach: Option<i32>,
    /// With --attach, also record its children that run already, and theirs.
    #[arg(long, requires = "attach", conflicts_with = "command")]
    pub(crate) children: bool,
    /// How much to keep of what calls hand over and receive: all (full), length and checksum only
    /// (hash), or so many bytes of each, and length and checksum of the rest.
    #[arg(long, value_name = "full|hash|BYTES", value_parser = payload_limit)]
    pub(crate) payloads: Option<usize>,
    /// End the program if it has more threads and processes than this at once.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(crate) max_processes: usize,
    /// Write down where in the program each call is made, for `compare` and `show --stacks`.
    #[arg(long, conflicts_with = "attach")]
    pub(crate) stacks: bool,
    /// The program and its arguments.
    #[arg(
        last = true,
        required_unless_present = "attach",
        conflicts_with = "attach",
        value_name = "CMD"
    )]
    pub(crate) command: Vec<OsString>,
}

fn payload_limit(text: &str) -> Result<usize, &'static str> {
    match text {
        "full" => Ok(usize::MAX),
        "hash" => Ok(0),
        _ => text.parse().map_err(|_| "write full, hash or a number of bytes"),
    }
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
    /// How much of each call counts.
    #[arg(long, value_enum, default_value_t = StrengthArg::Payload, value_name = "HOW")]
    pub(crate) strength: StrengthArg,
    /// Which differences are allowed, in `[[allow]]`; by default samestate.toml in the current folder
    /// or beside the Cargo.toml that it belongs to.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// How closely two runs are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum StrengthArg {
    /// The same calls on the same things in the same order.
    Sequence,
    /// And their arguments and results.
    Args,
    /// And the bytes that they hand over and receive.
    #[default]
    Payload,
    /// And the runtime's own calls: memory, locks between threads.
    Strict,
}

impl From<StrengthArg> for Strength {
    fn from(arg: StrengthArg) -> Self {
        match arg {
            StrengthArg::Sequence => Self::Sequence,
            StrengthArg::Args => Self::Args,
            StrengthArg::Payload => Self::Payload,
            StrengthArg::Strict => Self::Strict,
        }
    }
}

/// `samestate show`
#[derive(Args, Debug)]
pub(crate) struct ShowArgs {
    /// The recorded run.
    pub(crate) run: PathBuf,
    /// Print no lines, but how many calls of each kind there are, which programs were started, and
    /// what was read and written; of the wanted part, if one is named.
    #[arg(long)]
    pub(crate) profile: bool,
    /// Below each call where in the program it was made, of a run that was recorded with `--stacks`.
    #[arg(long, conflicts_with = "profile")]
    pub(crate) stacks: bool,
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
#[derive(Args, Debug, Default)]
pub(crate) struct VerifyArgs {
    /// The command that goes on from an image, `{image}` standing for the image's path.
    #[arg(long, value_name = "COMMAND")]
    pub(crate) restore: String,
    /// A file or folder that is put back as a whole for each restored run, and afterwards, whoever
    /// changes it; may be given several times. What the programs change anywhere else by system calls is
    /// put back as well.
    #[arg(long = "state", value_name = "PATH")]
    pub(crate) state: Vec<PathBuf>,
    /// Put back nothing but what --state names; what is changed elsewhere stays changed.
    #[arg(long)]
    pub(crate) only_state: bool,
    /// If nothing is found, exit as the original ended: with its exit status, or 128 and the number of
    /// the signal that killed it.
    #[arg(long)]
    pub(crate) pass_exit: bool,
    /// End a run that takes longer than this; what could not be compared then is a finding.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) timeout: Option<u64>,
    /// Keep the recorded runs and the images in this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
    /// How much of each call counts.
    #[arg(long, value_enum, default_value_t = StrengthArg::Payload, value_name = "HOW")]
    pub(crate) strength: StrengthArg,
    /// Which differences are allowed, in `[[allow]]`; by default samestate.toml in the current folder
    /// or beside the Cargo.toml that it belongs to.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Restore only from the first of every N checkpoints, and from the last.
    #[arg(long, value_name = "N")]
    pub(crate) every: Option<usize>,
    /// Restore only from N checkpoints, spread evenly.
    #[arg(long, value_name = "N", conflicts_with = "every")]
    pub(crate) sample: Option<usize>,
    /// Save and restore so many times in a row: what a restored run saves next is restored again.
    #[arg(long, value_name = "K", default_value_t = 1)]
    pub(crate) rounds: usize,
    /// Make so many restored runs at once; by default as many as there are processors, if there is
    /// memory for them. Each has layers of its own over the files, which takes the right to mount or
    /// to make a namespace of users; what is not clean then is run once more by itself.
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(crate) jobs: usize,
    /// For a program that announces nothing: a file of this kind, written and closed or renamed to,
    /// is a checkpoint.
    #[arg(long, value_name = "GLOB")]
    pub(crate) saved_on: Option<String>,
    /// For a program that announces nothing: the restored run is compared from where it has read
    /// and closed a file of this kind. If it is left out, from where it has read the image and set
    /// up what goes with it.
    #[arg(long, value_name = "GLOB")]
    pub(crate) restored_on: Option<String>,
    /// Do not run the original again where a restored run differs: every difference counts, even
    /// where the original differs from itself.
    #[arg(long)]
    pub(crate) no_control: bool,
    /// Do not run anything again to see where in the program the calls are made that differ.
    #[arg(long)]
    pub(crate) no_stacks: bool,
    /// What is done so that the run can be repeated.
    #[command(flatten)]
    pub(crate) knobs: KnobArgs,
    /// The program and its arguments.
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}

/// What is done so that a run can be repeated.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct KnobArgs {
    /// Let threads and processes run at once; what they do may come in another order in every run.
    #[arg(long)]
    pub(crate) free: bool,
    /// Switch off (or on) one of what is done so that a run can be repeated: fixed-addresses,
    /// hidden-vdso, fixed-random, trapped-counter, hidden-rdrand, one-stop, one-processor, serialized or
    /// refused-rings; or
    /// of what a run is given as an earlier one got it: mirrored-clocks, mirrored-random,
    /// mirrored-machine, mirrored-ids or mirrored-files. May be given several times.
    #[arg(long = "knob", value_name = "NAME=off")]
    pub(crate) knobs: Vec<String>,
}
