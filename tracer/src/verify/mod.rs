//! Proving that a restored run does what the original did from the checkpoint on.

mod beside;
mod chosen;
mod content;
mod control;
mod durable;
mod entry;
mod guard;
mod journal;
mod keep;
mod layers;
mod left;
mod links;
mod log;
mod make;
mod memory;
mod original;
mod restored;
mod rows;
mod stacks;
mod state;
mod strangers;
mod temporary;
mod tree;
mod undo;
mod words;

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use samestate_report::{Allowances, Finding, Report, Subject, Unused, rules};

use crate::record::{Announce, Config, Knobs, OnProgress, Recording, Stacks, Stream};
use crate::trace::Status;
use crate::{Comparison, Error, Strength, compare};
pub use chosen::Which;
use guard::{Guard, Places};
use original::Original;
use rows::Found;
use temporary::Temporary;

/// What to verify, and how.
#[derive(Debug, Default)]
pub struct Verify {
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// What restores from an image: words in which `{image}` stands for its path.
    pub restore: Vec<OsString>,
    /// Where both start; `None` is where we are.
    pub directory: Option<PathBuf>,
    /// The environment of both; `None` is ours.
    pub environment: Option<Vec<(OsString, OsString)>>,
    /// The original's standard input. The runs after it get what it read there.
    pub stdin: Stream,
    /// Files and folders that are kept as a whole, whoever changes them. What calls change elsewhere
    /// is kept as well, unless [`Verify::only_state`] is set.
    pub state: Vec<PathBuf>,
    /// Nothing but the files and folders of [`Verify::state`] is put back.
    pub only_state: bool,
    /// Where what is needed to put files back is kept, also for the next verification after one
    /// that was killed; `None` is the folder `samestate/undo` for states of the user.
    pub logs: Option<PathBuf>,
    /// Where traces, images and copies are kept; `None` is a temporary folder that is removed.
    pub work: Option<PathBuf>,
    /// What is done so that a run can be repeated.
    pub knobs: Knobs,
    /// A run that takes longer is killed. `None` leaves the original alone, and gives a restored
    /// run ten times as long as the original took, but at least a minute.
    pub timeout: Option<Duration>,
    /// Set to end the verification: what runs is killed, the files are put back, and the result is
    /// [`Error::Interrupted`]. Meant for a handler of signals.
    pub interrupt: Arc<AtomicBool>,
    /// So many findings about calls are written out for each checkpoint; 0 is the usual number.
    pub most_findings: usize,
    /// How closely the runs are compared.
    pub strength: Strength,
    /// From which checkpoints to restore.
    pub which: Which,
    /// Which files are images, for programs that announce no checkpoints. Unless it says which are
    /// restored from, the copy of the image is.
    pub announce: Announce,
    /// How often to restore in a row: from what a restored run saves first, again; 0 counts as 1.
    pub rounds: usize,
    /// So many restored runs may be made at once; 0 stands for as many as there are processors, if
    /// there is memory for them.
    /// Where they cannot be kept apart, and where one of them is not clean, they are made one after
    /// the other.
    pub jobs: usize,
    /// The original is not run again when a restored run differs, so that every difference counts
    /// as one.
    pub without_control: bool,
    /// Nothing is run again to be asked where in the program differing calls are made.
    pub without_stacks: bool,
    /// Differences that are left out, and counted.
    pub allowed: Allowances,
}

/// What a verification comes to for one checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The restored run did the same.
    Same,
    /// It did something else.
    Differs,
    /// It did not get as far as saying that it had restored the image.
    Failed,
    /// It says that it restored another image.
    OtherImage,
    /// It did not end in time.
    TimedOut,
    /// It could not be checked.
    Inconclusive,
}

impl Verdict {
    /// Whether all was compared that there was.
    const fn is_certain(self) -> bool {
        matches!(self, Self::Same | Self::Differs)
    }

    /// The word for it in text and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Differs => "differs",
            Self::Failed => "restore failed",
            Self::OtherImage => "other image",
            Self::TimedOut => "timed out",
            Self::Inconclusive => "inconclusive",
        }
    }
}

/// One checkpoint of the original run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which one, from 1.
    pub number: usize,
    /// How often it was saved and restored: 1 for the original's image, 2 for one that was saved
    /// after restoring that of the checkpoint before.
    pub round: usize,
    /// The program's own count.
    pub step: u64,
    /// The id of its image, in hexadecimal.
    pub image_id: String,
    /// The path of its image, as the program announced it.
    pub image: PathBuf,
    /// Calls of the original that were compared.
    pub compared: u64,
    /// Places where the restored run differs.
    pub divergences: u64,
    /// Places where it differs and the original differs from itself, so that nothing is settled.
    pub unsettled: u64,
    /// How the restored run ended; `None` if there was none.
    pub ended: Option<Status>,
    /// What it comes to.
    pub verdict: Verdict,
}

/// A finished verification.
#[derive(Clone, Debug)]
pub struct Verification {
    /// The findings of all checkpoints.
    pub report: Report,
    /// What each checkpoint comes to.
    pub checkpoints: Vec<Checkpoint>,
    /// How the original run ended.
    pub status: Status,
    /// The last bytes that the original run printed, standard output and error together.
    pub output: Vec<u8>,
}

/// So much of what a program printed is kept.
const KEPT_OUTPUT: u64 = 64 << 10;

/// Runs a program, restores from each of its checkpoints, and compares.
///
/// Whatever happens, the files are afterwards as they were before.
/// The programs read from `/dev/null`; what they print goes to files, so that it goes to the same
/// kind of thing in every run.
///
/// # Errors
/// If a program cannot be started or traced, or files cannot be copied or put back.
pub fn verify(config: &Verify, progress: &mut OnProgress<'_>) -> Result<Verification, Error> {
    if !words::has_placeholder(&config.restore) {
        return Err(Error::NoPlaceholder);
    }
    let temporary = match &config.work {
        Some(_) => None,
        None => Some(Temporary::new()?),
    };
    let work = match (&config.work, &temporary) {
        (Some(work), _) => work.as_path(),
        (None, Some(temporary)) => temporary.path(),
        (None, None) => Path::new("."),
    };
    let roots =
        config.state.iter().map(|path| absolute(config, path)).collect::<Result<Vec<_>, _>>()?;
    let roots = guard::roots(roots.into_iter())?;
    let work = std::path::absolute(work).map_err(Error::file("find", work))?;
    guard::apart(&work, &roots)?;
    fs::create_dir_all(&work).map_err(Error::file("create the folder", &work))?;
    let work = fs::canonicalize(&work).map_err(Error::file("find", &work))?;
    // Again, now that links on the way are resolved.
    guard::apart(&work, &roots)?;
    let copies = emptied(work.join("files"))?;
    emptied(work.join("images"))?;
    // What is said before anything runs.
    let mut first = Report::new("verify");
    let goes = temporary.is_some();
    let places = Places { copies, work: &work, goes, logs: config.logs.as_deref() };
    let mut guard = Guard::new(roots, config.only_state, places, &mut first)?;
    let verified = run(config, &work, &mut guard, progress);
    let put_back = guard.finish();
    let mut verified = match (put_back, verified) {
        (Ok(said), Ok(verified)) => {
            first.notes.extend(said);
            verified
        }
        (Err(error), _) | (_, Err(error)) => return Err(error),
    };
    first.notes.append(&mut verified.report.notes);
    verified.report.notes = first.notes;
    verified.report.findings.extend(first.findings);
    Ok(verified)
}

/// A folder of ours with nothing of an earlier run in it.
fn emptied(folder: PathBuf) -> Result<PathBuf, Error> {
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::file("remove", &folder)(error));
        }
        _ => {}
    }
    fs::create_dir_all(&folder).map_err(Error::file("create the folder", &folder))?;
    Ok(folder)
}

fn run(
    config: &Verify,
    work: &Path,
    guard: &mut Guard,
    progress: &mut OnProgress<'_>,
) -> Result<Verification, Error> {
    let mut report = Report::new("verify");
    report.input("command", show_words(&config.command));
    report.input("restore", show_words(&config.restore));
    let original = original::run(config, work, &mut guard.files, progress)?;
    go_on(config)?;
    blind(&original.recording, &mut report);
    for path in guard.nowhere(original.checkpoints.iter().map(|checkpoint| &checkpoint.files.state))
    {
        report.notes.push(format!(
            "there was nothing at the state path {} before, while or after the original ran: is \
             it the right one?",
            path.display()
        ));
    }
    let mut found = Found::default();
    rows::restore_all(config, work, guard, &original, (&mut report, &mut found), progress)?;
    for path in guard.files.others() {
        report.findings.push(Finding::new(
            &rules::UNTRACED,
            Subject::Input(path.display().to_string()),
            "a process that is not traced has changed this file between the runs: what they found \
             there is not what the original found",
        ));
    }
    if guard.files.has_unseen() {
        report.findings.push(Finding::new(
            &rules::UNTRACED,
            Subject::Input(show_words(&config.command)),
            "a file was changed by a name that was gone, while it had others that nobody has told \
             of: it is not put back",
        ));
    }
    report.detail("files copied by the undo log", guard.files.copies());
    let Found { checkpoints, skipped, used, allowed, notes } = found;
    for (note, checkpoints) in notes {
        let checkpoints = checkpoints.join(", ");
        report.notes.push(format!("{note} (checkpoint {checkpoints})"));
    }
    report.notes.extend(compare::not_compared(&skipped));
    if original.checkpoints.is_empty() {
        let mut finding = Finding::new(
            &rules::NO_MARKER,
            Subject::Input(show_words(&config.command)),
            "the program announced no checkpoint",
        );
        finding.details = tail(&original.output);
        report.findings.push(finding);
    }
    facts(&mut report, &checkpoints, &original);
    used.tell(&mut report);
    // What was not compared to its end may have held what an entry is about.
    let is_whole = config.which == Which::All
        && !checkpoints.is_empty()
        && checkpoints.iter().all(|checkpoint| checkpoint.verdict.is_certain());
    let unused = if is_whole { Unused::Fails } else { Unused::Quiet };
    compare::tell_allowed(&config.allowed, &allowed, unused, &mut report);
    Ok(Verification {
        report,
        checkpoints,
        status: original.recording.status(),
        output: original.output,
    })
}

/// Whether the verification is still wanted.
fn go_on(config: &Verify) -> Result<(), Error> {
    if config.interrupt.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
}

fn facts(report: &mut Report, checkpoints: &[Checkpoint], original: &Original) {
    report.fact("checkpoints", checkpoints.len() as u64);
    report.detail("calls of the original run", original.recording.calls);
    // As shells count it.
    let ended = match original.recording.status() {
        Status::Exited(status) => u64::from(status.cast_unsigned()),
        Status::Killed(signal) => 128 + u64::from(signal.cast_unsigned()),
    };
    report.detail("exit status of the original run", ended);
    report.fact("calls compared", checkpoints.iter().map(|c| c.compared).sum());
    report.fact("divergences", checkpoints.iter().map(|c| c.divergences).sum());
    let unsettled: u64 = checkpoints.iter().map(|c| c.unsettled).sum();
    if unsettled > 0 {
        report.fact("not settled", unsettled);
    }
    let status = original.recording.status();
    if status != Status::Exited(0) {
        report.notes.push(format!("the original run ended with {status}"));
    }
}

/// What the tracer could not see in the original run.
fn blind(recording: &Recording, report: &mut Report) {
    report.findings.extend(recording.report().findings);
}

/// A run of the program or of the restore command.
fn recording(config: &Verify, command: Vec<OsString>, trace: PathBuf, printed: File) -> Config {
    let printed_too = printed.try_clone().map_or(Stream::Null, Stream::File);
    Config {
        command,
        directory: config.directory.clone(),
        environment: config.environment.clone(),
        stdin: Stream::Null,
        stdout: Stream::File(printed),
        stderr: printed_too,
        output: trace,
        like: None,
        announce: config.announce.clone(),
        stacks: Stacks::None,
        fault: None,
        knobs: config.knobs,
        timeout: config.timeout,
        interrupt: Arc::clone(&config.interrupt),
        most_tasks: None,
    }
}

fn printed(path: &Path) -> Result<File, Error> {
    // An earlier run may have left one in a folder that is kept.
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::file("remove", path)(error));
        }
        _ => {}
    }
    // Both streams write to it, so each write must go to the end.
    File::options()
        .create(true)
        .append(true)
        .read(true)
        .open(path)
        .map_err(Error::file("create", path))
}

/// The last bytes of what was printed.
fn output(path: &Path) -> Vec<u8> {
    use std::io::{Read, Seek, SeekFrom};
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(KEPT_OUTPUT)))?;
        let mut bytes = Vec::new();
        file.take(KEPT_OUTPUT).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().unwrap_or_default()
}

/// The last lines of what was printed, for a finding.
fn tail(output: &[u8]) -> Vec<String> {
    const LINES: usize = 8;
    let text = String::from_utf8_lossy(output);
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(LINES)..];
    last.iter().map(|line| format!("it printed: {line}")).collect()
}

fn absolute(config: &Verify, path: &Path) -> Result<PathBuf, Error> {
    let path = match &config.directory {
        Some(directory) => directory.join(path),
        None => path.to_owned(),
    };
    std::path::absolute(&path).map_err(Error::file("find", path))
}

fn show_words(words: &[OsString]) -> String {
    words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

fn comparison(config: &Verify) -> Comparison {
    let usual = Comparison::default();
    Comparison {
        left: "original".to_owned(),
        right: "restored".to_owned(),
        most_findings: match config.most_findings {
            0 => usual.most_findings,
            most => most,
        },
        strength: config.strength,
        allowed: config.allowed.clone(),
    }
}
