//! What the figures were taken on, without what would name the machine.

use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

/// One line.
pub(crate) fn describe() -> String {
    let cores = available_parallelism().map_or(0, usize::from);
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let cpus = read("/proc/cpuinfo");
    let model = value(&cpus, "model name").unwrap_or("unknown processor");
    let avx512 = if cpus.contains(" avx512f") { " with AVX-512" } else { "" };
    let memory = read("/proc/meminfo");
    let kib = value(&memory, "MemTotal").and_then(|v| v.split(' ').next()?.parse::<u64>().ok());
    let gib = kib.unwrap_or(0) >> 20;
    let pages = read("/sys/kernel/mm/transparent_hugepage/enabled");
    let huge = pages.split(['[', ']']).nth(1).unwrap_or("unknown");
    let guest = if cpus.contains(" hypervisor") { ", virtual" } else { "" };
    let rustc = Command::new("rustc").arg("--version").output().ok();
    let rustc = rustc.and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    let rustc = rustc.split(" (").next().unwrap_or("").trim();
    format!(
        "{cores} cores of an {model}{avx512}{guest}, {gib} GiB of memory, Linux, transparent huge \
         pages: {huge}, allocator of the C library, {rustc}, release with thin LTO"
    )
}

fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim())
}
