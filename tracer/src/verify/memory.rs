//! For how many runs at once there is memory.

use std::fs;
use std::path::Path;

use crate::sys::wait;

/// What recording a run takes, in KiB.
const OURS: u64 = 64 << 10;
/// A trace takes so many times its length when it is compared.
const READ: u64 = 12;

/// So many runs, if each takes twice as much as the largest process that we have run, and comparing
/// it what a trace of this length takes.
pub(super) fn runs(trace: &Path) -> usize {
    let trace = fs::metadata(trace).map_or(0, |about| about.len() >> 10).saturating_mul(READ);
    let each = wait::largest_child().saturating_mul(2).saturating_add(OURS).saturating_add(trace);
    usize::try_from(available() / each).unwrap_or(usize::MAX)
}

/// What the machine has left, and what is left of what we may use of it, in KiB.
fn available() -> u64 {
    let known = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = known.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let machine = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok());
    let group = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    // Of the unified hierarchy; each group is limited by those that it is in as well.
    let group = group.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    let groups = Path::new(group).ancestors().map(|group| Path::new("/sys/fs/cgroup").join(group));
    let limits = groups.filter_map(|group| left_of(&group));
    limits.chain(machine).min().unwrap_or(u64::MAX)
}

/// What is left of a group's limit; `None` if it has none.
fn left_of(group: &Path) -> Option<u64> {
    let number = |name| fs::read_to_string(group.join(name)).ok()?.trim().parse::<u64>().ok();
    Some(number("memory.max")?.saturating_sub(number("memory.current")?) >> 10)
}
