//! Programs for other machines. They have no std, not even core: nothing needs to be installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use samestate_analyzer::{DriftConfig, Profile, Settings, drift};
use samestate_report::{ExitCode, Report};

use crate::build::skipped;

const PROGRAM: &str = "#![feature(no_core, lang_items)]
#![no_core]
#![no_main]
#[lang = \"pointee_sized\"] pub trait PointeeSized {}
#[lang = \"meta_sized\"] pub trait MetaSized: PointeeSized {}
#[lang = \"sized\"] pub trait Sized: MetaSized {}
#[lang = \"copy\"] pub trait Copy {}

pub struct Vm { len: usize, a: u8, cpu: Cpu }
pub struct Cpu { b: u64, c: u16 }
#[unsafe(no_mangle)] pub extern \"C\" fn _start(vm: &Vm) -> &Vm { vm }
";

/// The program for a machine, or nothing if this compiler or this linker does not know it.
fn build(target: &str) -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("targets").join(target);
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("vm.rs"), PROGRAM).unwrap();
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output().unwrap().stdout;
    let host = "lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-lld";
    let linker = Path::new(String::from_utf8(sysroot).unwrap().trim()).join(host);
    let output = Command::new("rustc")
        .env("RUSTC_BOOTSTRAP", "1")
        .args(["--edition=2024", "--crate-name=app", "--target", target, "-g", "-Awarnings"])
        .args(["-Cpanic=abort", "-Clinker-flavor=ld.lld", "-Clink-self-contained=no"])
        .args(["-Clink-args=-nostdlib", "-Crelocation-model=static", "-ovm", "vm.rs"])
        .arg(format!("-Clinker={}", linker.display()))
        .current_dir(&dir)
        .output()
        .unwrap();
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        skipped(&format!("{target} cannot be built: {why}"));
        return None;
    }
    Some(dir.join("vm"))
}

fn compared(old: &Path, new: &Path, profile: Profile) -> Report {
    let mut settings = Settings::default();
    settings.profile = profile;
    let roots = vec!["app::Vm".to_owned()];
    drift(old, new, &DriftConfig { roots, settings, ..DriftConfig::default() }).unwrap()
}

fn found(report: &Report) -> Vec<String> {
    let line = |finding: &samestate_report::Finding| {
        format!("{} {} {}", finding.severity.word(), finding.rule.id, finding.subject)
    };
    report.findings.iter().map(line).collect()
}

#[test]
fn a_program_for_two_machines() {
    let Some(here) = build("x86_64-unknown-linux-gnu") else { return };
    assert_eq!(found(&compared(&here, &here, Profile::RawMemory)), [""; 0]);
    if let Some(narrow) = build("i686-unknown-linux-gnu") {
        let report = compared(&here, &narrow, Profile::RawMemory);
        assert_eq!(found(&report), ["error target-changed the target"]);
        assert_eq!(report.exit_code(), ExitCode::Findings);
        let report = compared(&here, &narrow, Profile::ByField);
        assert_eq!(found(&report), ["note target-changed the target"]);
        assert_eq!(report.exit_code(), ExitCode::Clean);
        let sides = report.findings[0].sides.as_ref().unwrap();
        assert_eq!(sides.left.text, "x86-64 64-bit little-endian");
        assert_eq!(sides.right.text, "x86 32-bit little-endian");
        assert_eq!(found(&compared(&narrow, &narrow, Profile::RawMemory)), [""; 0]);
    }
    // The same memory on another processor.
    if let Some(arm) = build("aarch64-unknown-linux-gnu") {
        let report = compared(&here, &arm, Profile::RawMemory);
        assert_eq!(found(&report), ["note target-changed the target"]);
        assert_eq!(report.exit_code(), ExitCode::Clean);
    }
}
