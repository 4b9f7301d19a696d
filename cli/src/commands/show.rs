//! `samestate show`

mod profile;

use std::io::{self, Write as _};

use samestate_report::{ExitCode, Finding, Report, Subject, rules};
use samestate_tracer::show::{Line, Profile, Show, Wanted};
use samestate_tracer::table::Class;
use samestate_tracer::trace::Tear;

use crate::args::{Format, OutputArgs, ShowArgs};
use crate::failure::Failure;
use crate::input;
use crate::output;

/// Prints a run, a line per call.
pub(crate) fn run(args: &ShowArgs, output: OutputArgs) -> Result<u8, Failure> {
    let json = output.format == Format::Json;
    if !json {
        output::text_only("show", output)?;
    }
    let wanted = wanted(args)?;
    input::files(&[&args.run])?;
    output::choose_colors(output);
    if args.profile {
        let profile = Profile::of(&args.run, &wanted)?;
        let text = if json { profile::object(&profile) } else { profile::table(&profile) };
        let mut stdout = anstream::stdout().lock();
        writeln!(stdout, "{text}").map_err(Failure::unchecked)?;
        drop(stdout);
        return torn(args, output, profile.tear.as_ref());
    }
    let mut show = Show::open(&args.run)?.only(wanted);
    if args.stacks {
        show = show.with_stacks();
    }
    let mut stdout = io::BufWriter::new(anstream::stdout().lock());
    let written = |error: io::Error| Failure::unchecked(error);
    if !json {
        for line in show.heading() {
            writeln!(stdout, "# {line}").map_err(written)?;
        }
    }
    while let Some(line) = show.line()? {
        let text = if json { object(&line) } else { line.text };
        writeln!(stdout, "{text}").map_err(written)?;
        if let Some(stack) = line.stack.filter(|_| !json) {
            for line in stack.lines(output.verbose, None) {
                writeln!(stdout, "        {line}").map_err(written)?;
            }
        }
    }
    stdout.flush().map_err(written)?;
    drop(stdout);
    torn(args, output, show.tear())
}

/// A run that ends in the middle is a finding.
fn torn(args: &ShowArgs, output: OutputArgs, tear: Option<&Tear>) -> Result<u8, Failure> {
    let Some(tear) = tear else { return Ok(ExitCode::Clean.code()) };
    let name = args.run.display().to_string();
    let message = format!("{name} ends in the middle, at offset {}: {}", tear.offset, tear.what);
    let mut report = Report::new("show");
    report.input("run", &name);
    report.findings.push(Finding::new(&rules::TORN_TRACE, Subject::Input(name), message));
    output::report(&report, output)
}

fn wanted(args: &ShowArgs) -> Result<Wanted, Failure> {
    let class = |word: &String| {
        Class::ALL.into_iter().find(|class| class.word() == word).ok_or_else(|| {
            let all = Class::ALL.map(Class::word).join(", ");
            Failure::usage(format!("there is no class `{word}`; there are {all}"))
        })
    };
    Ok(Wanted {
        lineage: args.process.clone(),
        classes: args.classes.iter().map(class).collect::<Result<_, _>>()?,
        path: args.path.clone(),
        from: args.from,
        to: args.to,
    })
}

/// A line as an object of JSON: one object for each line, so that programs can read a run of any
/// length.
fn object(line: &Line) -> String {
    let Line { lineage, text, call, stack } = line;
    let mut object = match call {
        Some(call) => serde_json::json!({
            "lineage": lineage,
            "position": call.position,
            "call": call.name,
            "class": call.class,
            "arguments": call.arguments,
            "result": call.result,
            "error": call.error,
            "given": call.given,
        }),
        None => serde_json::json!({ "lineage": lineage, "event": text }),
    };
    if let Some(stack) = stack {
        object["stack"] = stack.lines(true, None).iter().map(|line| line.trim()).collect();
    }
    object.to_string()
}
