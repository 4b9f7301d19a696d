//! What it costs to compare two traces of a million calls: time, and the most memory held.
//!
//! ```text
//! cargo bench -p samestate-tracer --bench comparing
//! ```

#![expect(clippy::print_stdout, reason = "a program that prints a table")]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Instant;

use samestate_report::{Allowances, Allowed, Glob, Place};
use samestate_tracer::trace::{
    Call, Data, Event, Header, Object, ObjectKind, Payload, Task, Writer,
};
use samestate_tracer::{Comparison, compare};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const CALLS: u64 = 1_000_000;

/// How the second trace differs from the first.
#[derive(Clone, Copy)]
enum Other {
    Same,
    /// One call has other bytes, one is missing.
    Two,
    /// Every hundredth call has other bytes.
    Many,
    /// No call is the same.
    All,
}

fn main() -> Result {
    let folder = tempfile::tempdir()?;
    let first = folder.path().join("first");
    write(&first, Other::Same)?;
    println!("| second trace | time | CPU time | memory | divergences |");
    println!("|---|---|---|---|---|");
    let none = Allowances::default;
    let ways = [
        ("the same", Other::Same, none()),
        ("two edits", Other::Two, none()),
        ("every hundredth call differs", Other::Many, none()),
        ("every call differs", Other::All, none()),
        ("the same, with another call allowed", Other::All, allowing("close", "*")),
        ("the same, with another file allowed", Other::All, allowing("write", "/no/such/file")),
        ("the same, with one file of eight allowed", Other::All, allowing("write", "/file-0")),
    ];
    for (name, other, allowed) in ways {
        let second = folder.path().join("second");
        write(&second, other)?;
        let how = Comparison { allowed, ..Comparison::default() };
        // Resets what the kernel remembers as the most.
        fs::write("/proc/self/clear_refs", "5")?;
        let (begun, before) = (Instant::now(), spent()?);
        let report = compare(&first, &second, &how)?;
        let (took, spent) = (begun.elapsed(), spent()? - before);
        let divergences = report.facts.iter().find(|fact| fact.what == "divergences");
        println!(
            "| {name} | {:.2} s | {spent:.2} s | {} MB | {} |",
            took.as_secs_f64(),
            most()? / 1024,
            divergences.map_or(0, |fact| fact.count)
        );
    }
    Ok(())
}

/// Other bytes written to a file are allowed.
fn allowing(call: &str, path: &str) -> Allowances {
    Allowances::new(vec![Allowed {
        rule: "payload-differs".to_owned(),
        subject: None,
        call: Some(Glob::new(call)),
        path: Some(Glob::new(path)),
        argument: None,
        thread: None,
        reason: "it is measured".to_owned(),
        until: None,
        place: Place::new("samestate.toml", 1, 1),
    }])
}

/// Time on a processor so far, in seconds.
fn spent() -> Result<f64> {
    /// Ticks of the kernel's accounting in a second.
    const TICKS: f64 = 100.0;
    let text = fs::read_to_string("/proc/self/stat")?;
    let rest = text.rsplit_once(')').ok_or("no name")?.1;
    let ticks = rest.split_whitespace().skip(11).take(2);
    Ok(ticks.filter_map(|word| word.parse::<f64>().ok()).sum::<f64>() / TICKS)
}

/// The most memory held since that was reset, in KiB.
fn most() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.split_whitespace().next().ok_or("no number")?.parse()?)
}

/// A program that writes lines to a few files.
fn write(path: &Path, other: Other) -> Result {
    let header = Header { architecture: std::env::consts::ARCH.to_owned(), ..Header::default() };
    let mut writer = Writer::create(path, &header)?;
    writer.add(&Event::Task(Task {
        id: 0,
        parent: None,
        process: 0,
        lineage: "0".to_owned(),
        tid: 1,
        seen: 1,
        directory: b"/".to_vec(),
    }))?;
    for id in 0..8 {
        writer.add(&Event::Object(Object {
            id,
            fd: i32::try_from(id)? + 3,
            kind: ObjectKind::File,
            inherited: false,
            from: None,
            path: format!("/file-{id}").into_bytes(),
        }))?;
    }
    for number in 0..CALLS {
        let differs = match other {
            Other::Same => false,
            Other::Two => number == 300_000,
            Other::Many => number % 100 == 0,
            Other::All => true,
        };
        if matches!(other, Other::Two) && number == 700_000 {
            continue;
        }
        let mark = if differs { '!' } else { ' ' };
        // The lines repeat, as those of real programs do.
        let text = format!("line {} of a program that logs what it does{mark}\n", number % 50_000);
        let object = u32::try_from(number % 8)?;
        writer.add(&Event::Call(Call {
            task: 0,
            number: 1,
            flags: 0,
            instruction: 0x7f00_0000,
            arguments: vec![u64::from(object) + 3, 0x7ff0_0000, text.len() as u64],
            result: Some(i64::try_from(text.len())?),
            objects: vec![(0, object)],
            made: Vec::new(),
            data: vec![Data {
                argument: 1,
                out: false,
                payload: Payload::whole(text.into_bytes()),
            }],
        }))?;
    }
    writer.finish()?;
    Ok(())
}
