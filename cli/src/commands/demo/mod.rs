//! `samestate demo`: the example in its three states, judged in all three ways.

mod build;
mod old_image;

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use samestate_report::{ExitCode, Report, Severity, Table};

use self::build::Builder;
use crate::args::{
    CoverageArgs, DemoArgs, DriftArgs, KnobArgs, OutputArgs, RootArgs, StaticsArg, TimingsArgs,
    VerifyArgs,
};
use crate::commands::{coverage, drift, verify};
use crate::failure::Failure;
use crate::output;
use crate::progress::Progress;

/// One state of the example, and the rules that must fire on it, by command.
struct State {
    name: &'static str,
    what: &'static str,
    features: &'static [&'static str],
    coverage: &'static [&'static str],
    drift: &'static [&'static str],
    /// Only the first finding: what follows from a wrong number differs, too.
    verify: Option<&'static str>,
}

const STATES: [State; 3] = [
    State {
        name: "complete",
        what: "every field is saved, or its absence has a reason",
        features: &[],
        coverage: &[],
        drift: &[],
        verify: None,
    },
    State {
        name: "forgotten",
        what: "a hand-written `Checkpoint` omits the state of the random number generator",
        features: &["forgotten"],
        coverage: &["uncovered-field"],
        drift: &["treatment-changed"],
        verify: Some("payload-differs"),
    },
    State {
        name: "drifted",
        what: "a field's type changed, the version of its struct did not",
        features: &["drifted"],
        coverage: &[],
        drift: &["field-type-changed", "version-not-bumped"],
        verify: None,
    },
];

/// Builds the example and shows every report; fails if one does not say what it was built to say.
pub(crate) fn run(args: &DemoArgs, output: OutputArgs) -> Result<u8, Failure> {
    output::text_only("demo", output)?;
    let clone = find_clone(args.clone.as_deref())?;
    let builder = Builder::new(&clone)?;
    let mut programs = Vec::new();
    for state in &STATES {
        let progress = Progress::new(format!("building the {} example", state.name));
        programs.push(builder.build(state.name, state.features)?);
        drop(progress);
    }
    let mut surprises = Vec::new();
    let mut table = Table {
        row: "example".to_owned(),
        columns: ["example", "coverage", "drift", "verify"].map(str::to_owned).to_vec(),
        rows: Vec::new(),
    };
    for (state, program) in STATES.iter().zip(&programs) {
        heading(&format!("{}: {}", state.name, state.what), output)?;
        let mut cells = vec![state.name.to_owned()];
        let mut show = |command: &str, report: &Report, as_expected: bool| {
            let fired = rules(report);
            cells.push(if fired.is_empty() { "clean".to_owned() } else { fired.join(", ") });
            prompt(command, output)?;
            output::report(report, output)?;
            output::print("\n", output)?;
            if !as_expected {
                surprises.push(format!("{} of the {} example", report.command, state.name));
            }
            Ok::<(), Failure>(())
        };

        let covered = coverage::report(&CoverageArgs {
            binary: program.clone(),
            roots: roots(),
            statics: StaticsArg::Own,
            dot: None,
            timings: TimingsArgs::default(),
        })?;
        show(
            &format!("coverage {}", program.display()),
            &covered,
            rules(&covered) == state.coverage,
        )?;

        let drifted = drift::report(&DriftArgs {
            profile: None,
            old: programs[0].clone(),
            new: program.clone(),
            roots: roots(),
            timings: TimingsArgs::default(),
        })?;
        show(
            &format!("drift {} {}", programs[0].display(), program.display()),
            &drifted,
            rules(&drifted) == state.drift,
        )?;

        let (command, args) = verification(program)?;
        let verified = verify::report(&args)?;
        let first = rules(&verified).first().copied();
        show(&command, &verified, first == state.verify)?;
        table.rows.push(cells);
    }
    heading("an image of the complete example, restored by the drifted one", output)?;
    let refusal = old_image::restore(&programs[0], &programs[2])?;
    prompt_raw(&refusal.command, output)?;
    output::print(&format!("{}\n\n", refusal.said), output)?;
    if !refusal.names_the_field {
        surprises.push("restoring an old image".to_owned());
    }
    heading("what fired on which example", output)?;
    let mut summary = Report::new("demo");
    summary.tables.push(table);
    output::report(&summary, output)?;
    if surprises.is_empty() {
        Ok(ExitCode::Clean.code())
    } else {
        Err(Failure::unchecked(format!(
            "not what the example was built to show: {}",
            surprises.join(", ")
        )))
    }
}

/// The rules that fired, notes left out, each once; in alphabetical order, except that where calls
/// are compared the first divergence stays first.
fn rules(report: &Report) -> Vec<&'static str> {
    let mut ids: Vec<&'static str> = report
        .findings
        .iter()
        .filter(|finding| finding.severity != Severity::Note)
        .map(|finding| finding.rule.id)
        .collect();
    if report.command != "verify" {
        ids.sort_unstable();
    }
    let mut seen = HashSet::new();
    ids.retain(|&id| seen.insert(id));
    ids
}

fn roots() -> RootArgs {
    RootArgs { roots: Vec::new(), source_dirs: Vec::new(), config: None }
}

/// The verification of one program, in a new folder of its own: the command line, and its parts.
fn verification(program: &Path) -> Result<(String, VerifyArgs), Failure> {
    let folder = program.with_file_name("run");
    make_empty(&folder)?;
    let options = ["--dir", &folder.display().to_string(), "--steps", "60", "--every", "20"]
        .map(OsString::from);
    let words = |words: &[OsString]| {
        words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    };
    let command: Vec<OsString> =
        [program.as_os_str().to_owned()].into_iter().chain(options).collect();
    let restore = format!("{} --restore {{image}}", words(&command));
    let line =
        format!("verify --state {} --restore '{restore}' -- {}", folder.display(), words(&command));
    let knobs = KnobArgs::default();
    let args = VerifyArgs { restore, state: vec![folder], knobs, command, ..VerifyArgs::default() };
    Ok((line, args))
}

/// Makes an empty folder, in the place of whatever was there.
fn make_empty(folder: &Path) -> Result<(), Failure> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(Failure::unchecked)?;
    }
    fs::create_dir_all(folder).map_err(Failure::unchecked)
}

fn heading(text: &str, output: OutputArgs) -> Result<(), Failure> {
    let style = clap::builder::styling::Style::new().bold();
    output::print(&format!("{style}━━ {text}{style:#}\n\n"), output)
}

fn prompt(command: &str, output: OutputArgs) -> Result<(), Failure> {
    prompt_raw(&format!("samestate {command}"), output)
}

fn prompt_raw(command: &str, output: OutputArgs) -> Result<(), Failure> {
    let style = clap::builder::styling::Style::new().dimmed();
    output::print(&format!("{style}$ {command}{style:#}\n"), output)
}

/// The clone that holds the example: the folder given, or the nearest one above this.
fn find_clone(given: Option<&Path>) -> Result<PathBuf, Failure> {
    let holds = |folder: &Path| folder.join("examples/particles/Cargo.toml").is_file();
    if let Some(folder) = given {
        return if holds(folder) {
            Ok(folder.to_owned())
        } else {
            Err(Failure::usage(format!("{} is no clone of samestate", folder.display())))
        };
    }
    let here = std::env::current_dir().map_err(Failure::unchecked)?;
    here.ancestors().find(|folder| holds(folder)).map(Path::to_owned).ok_or_else(|| {
        Failure::usage("the demo needs a clone of samestate: go there, or name it with --clone DIR")
    })
}
