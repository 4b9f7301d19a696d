//! What a run consists of, as tables or as an object of JSON.

use std::fmt::Write as _;

use samestate_tracer::show::Profile;
use serde_json::json;

/// For people.
pub(super) fn table(profile: &Profile) -> String {
    let mut out = format!("processes {}, threads {}\n", profile.processes, profile.threads);
    let started: u64 = profile.programs.values().sum();
    line(&mut out, format_args!("programs started {started}, failed {}", profile.failed_programs));
    for (program, count) in &profile.programs {
        line(&mut out, format_args!("{count:>10}  {program}"));
    }
    line(&mut out, format_args!("folders listed by {} calls", profile.listings));
    line(
        &mut out,
        format_args!(
            "paths relative to an open folder in {} of {} calls that can",
            profile.at_folders, profile.at_calls
        ),
    );
    line(&mut out, format_args!("\n{:>10} {:>10} {:>14}  call", "calls", "failed", "bytes"));
    for calls in &profile.calls {
        let (count, failed, bytes) = (calls.count, none(calls.failed), none(calls.bytes));
        line(&mut out, format_args!("{count:>10} {failed:>10} {bytes:>14}  {}", calls.name));
    }
    if !profile.files.is_empty() {
        let head = ("reads", "bytes", "writes", "bytes");
        let (reads, read, writes, written) = head;
        line(&mut out, format_args!("\n{reads:>10} {read:>14} {writes:>10} {written:>14}  path"));
    }
    for moved in &profile.files {
        let (reads, read) = (none(moved.reads), none(moved.read));
        let (writes, written) = (none(moved.writes), none(moved.written));
        let kind = if moved.is_file() { String::new() } else { format!(" ({})", moved.kind) };
        line(
            &mut out,
            format_args!("{reads:>10} {read:>14} {writes:>10} {written:>14}  {}{kind}", moved.path),
        );
    }
    out.truncate(out.trim_end().len());
    out
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _infallible = writeln!(out, "{text}");
}

/// Nothing is easier to read than a zero.
fn none(count: u64) -> String {
    if count == 0 { String::new() } else { count.to_string() }
}

/// For programs.
pub(super) fn object(profile: &Profile) -> String {
    let calls = profile.calls.iter().map(|calls| {
        json!({
            "call": calls.name,
            "class": calls.class,
            "count": calls.count,
            "failed": calls.failed,
            "bytes": calls.bytes,
        })
    });
    let files = profile.files.iter().map(|moved| {
        json!({
            "path": moved.path,
            "kind": moved.kind,
            "reads": moved.reads,
            "bytes_read": moved.read,
            "writes": moved.writes,
            "bytes_written": moved.written,
        })
    });
    json!({
        "processes": profile.processes,
        "threads": profile.threads,
        "programs": profile.programs,
        "failed_programs": profile.failed_programs,
        "listings": profile.listings,
        "at_calls": profile.at_calls,
        "at_folders": profile.at_folders,
        "calls": calls.collect::<Vec<_>>(),
        "files": files.collect::<Vec<_>>(),
    })
    .to_string()
}
