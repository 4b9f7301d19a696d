//! `--timings`: where the time of a command went, on stderr.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, Instant};

use samestate_analyzer::{Timings, timed};

use crate::args::TimingsArgs;

/// Runs a command, and tells what it took if that is asked for. That it cannot be told changes
/// nothing.
pub(crate) fn told<T>(args: TimingsArgs, command: impl FnOnce() -> T) -> T {
    if !args.timings {
        return command();
    }
    let start = Instant::now();
    let (done, timings) = timed(command);
    let table = table(&timings, start.elapsed(), peak_memory());
    let _ = write!(anstream::stderr(), "{table}");
    done
}

fn table(timings: &Timings, total: Duration, peak_bytes: Option<u64>) -> String {
    let mut text = String::from("timings\n");
    let mut line = |name: &str, elapsed: Duration| {
        let millis = elapsed.as_secs_f64() * 1e3;
        let _ = writeln!(text, "  {name:<34}{millis:>10.1} ms");
    };
    let mut rest = total;
    for phase in &timings.phases {
        line(phase.name, phase.elapsed);
        rest = rest.saturating_sub(phase.elapsed);
    }
    line("everything else", rest);
    line("total", total);
    let rate = megabytes(timings.info_bytes) / total.as_secs_f64().max(f64::MIN_POSITIVE);
    let _ = writeln!(
        text,
        "  read {:.1} MB of .debug_info at {rate:.1} MB/s: {} units, {} entries, {} types",
        megabytes(timings.info_bytes),
        timings.units,
        timings.entries,
        timings.types,
    );
    if let Some(peak) = peak_bytes {
        let _ = writeln!(text, "  peak memory {:.1} MB", megabytes(peak));
    }
    text
}

#[expect(clippy::cast_precision_loss, reason = "for people, with one digit")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// The most memory that this process ever had, in bytes, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}
