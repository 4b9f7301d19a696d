//! Programs, objects and kernel modules of C as other machines and other tools have them: all tell
//! the same as those of this machine, or say what cannot be seen and what to do.

use std::path::{Path, PathBuf};
use std::process::Command;

use samestate_analyzer::{CoverageConfig, Statics, coverage};
use samestate_report::{ExitCode, Report};

use crate::build::{has, lines, skipped};

/// Every kind of field; nothing of it needs a library.
const SOURCE: &str = "
struct timer { unsigned long when; unsigned char on; int (*hook)(int); };
enum mode { OFF, RUN = 7 };
struct root { int x : 3; unsigned y : 5; struct timer timers[4]; struct timer *next; enum mode mode;
    union { int i; float f; } u; };
struct root root;
static unsigned long counter;
unsigned long tick(int by) {
    static int calls;
    calls++; counter += by; root.x = by;
    return counter + root.timers[1].when + calls;
}
";

fn folder(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("foreign").join(name);
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("app.c"), SOURCE).unwrap();
    std::fs::write(dir.join("main.c"), "unsigned long tick(int); int main(int n, char **args) { (void)args; return (int)tick(n); }").unwrap();
    dir
}

/// Runs a tool; what it said if it fails.
fn run(dir: &Path, tool: &str, args: &[&str]) -> Result<(), String> {
    let output = Command::new(tool).current_dir(dir).args(args).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(told) }
}

fn report(binary: &Path, root: &str) -> Report {
    let config = CoverageConfig {
        binary: binary.to_owned(),
        roots: vec![root.to_owned()],
        statics: Statics::All,
        ..CoverageConfig::default()
    };
    coverage(&config).unwrap()
}

/// What is found, without the places of units, which differ.
fn found(binary: &Path) -> Vec<String> {
    let report = report(binary, "root");
    for finding in &report.findings {
        let help = finding.help.as_deref().unwrap_or_default();
        assert!(!help.contains("derive"), "{finding:?}");
    }
    lines(&report)
}

#[test]
fn objects_and_programs_for_other_machines_tell_the_same() {
    if !has("clang") {
        return;
    }
    let dir = folder("machines");
    run(&dir, "clang", &["-g", "-O1", "-c", "app.c", "-oown.o"]).unwrap();
    let expected = found(&dir.join("own.o"));
    assert!(
        expected.iter().any(|line| line == "uncovered-field root.timers[].when"),
        "{expected:?}"
    );
    assert!(expected.iter().any(|line| line == "uncovered-static counter"), "{expected:?}");
    for target in
        ["powerpc64", "powerpc", "mips", "mips64", "aarch64_be", "s390x", "aarch64", "riscv64"]
    {
        for version in ["-gdwarf-4", "-gdwarf-5"] {
            let name = format!("{target}{version}");
            let (object, linked) = (format!("{name}.o"), format!("{name}.app"));
            let to = format!("--target={target}-linux-gnu");
            if let Err(why) =
                run(&dir, "clang", &[&to, version, "-O1", "-c", "app.c", "-o", &object])
            {
                skipped(&format!("{target} cannot be built: {why}"));
                continue;
            }
            if target == "riscv64" {
                let report = report(&dir.join(&object), "root");
                assert_ne!(report.exit_code(), ExitCode::Clean);
                let blind = report.findings.iter().find(|f| f.rule.id == "cannot-see").unwrap();
                assert!(blind.message.contains("sum or difference"), "{blind:?}");
                let help = blind.help.as_deref().unwrap_or_default();
                assert!(help.contains("the program that it is linked into"), "{help}");
            } else {
                assert_eq!(found(&dir.join(&object)), expected, "{object}");
            }
            // The linker knows fewer machines.
            if target != "s390x" && has("ld.lld") {
                run(&dir, "ld.lld", &["-e", "tick", &object, "-o", &linked]).unwrap();
                assert_eq!(found(&dir.join(&linked)), expected, "{linked}");
            }
        }
    }
}

#[test]
fn debug_information_with_wide_offsets_tells_the_same() {
    if !has("gcc") {
        return;
    }
    let dir = folder("wide");
    for version in ["-gdwarf-4", "-gdwarf-5"] {
        run(&dir, "gcc", &[version, "-c", "app.c", "-onarrow.o"]).unwrap();
        if let Err(why) = run(&dir, "gcc", &[version, "-gdwarf64", "-c", "app.c", "-owide.o"]) {
            skipped(&format!("debug information with wide offsets cannot be built: {why}"));
            return;
        }
        run(&dir, "gcc", &[version, "-gdwarf64", "main.c", "wide.o", "-owide"]).unwrap();
        let expected = found(&dir.join("narrow.o"));
        assert!(expected.len() > 10, "{expected:?}");
        assert_eq!(found(&dir.join("wide.o")), expected);
        assert_eq!(found(&dir.join("wide")), expected);
    }
}

#[test]
fn what_dwz_made_smaller_tells_the_same_or_where_the_types_went() {
    if !has("gcc") || !has("dwz") {
        return;
    }
    for version in ["-gdwarf-4", "-gdwarf-5"] {
        let dir = folder(&format!("dwz{version}"));
        run(&dir, "gcc", &[version, "main.c", "app.c", "-oplain"]).unwrap();
        run(&dir, "gcc", &[version, "-O2", "main.c", "app.c", "-oother"]).unwrap();
        let expected = found(&dir.join("plain"));
        for copy in ["single", "shared"] {
            std::fs::copy(dir.join("plain"), dir.join(copy)).unwrap();
        }
        run(&dir, "dwz", &["single"]).unwrap();
        assert_eq!(found(&dir.join("single")), expected);
        run(&dir, "dwz", &["-m", "common.debug", "shared", "other"]).unwrap();
        let report = report(&dir.join("shared"), "root");
        assert_eq!(report.exit_code(), ExitCode::CouldNotCheck);
        // Not that there are none: that would be the wrong advice.
        assert!(report.findings.iter().all(|f| f.rule.id != "no-types"), "{report:#?}");
        let blind = report.findings.iter().find(|f| f.rule.id == "cannot-see").unwrap();
        assert!(blind.message.contains("common.debug"), "{blind:?}");
        assert!(blind.help.as_deref().unwrap_or_default().contains("`dwz -m`"), "{blind:?}");
    }
}

/// A module of the kernel, as far as the headers are here.
const MODULE: &str = "
#include <linux/module.h>
struct vm_timer { u64 when; bool on; };
struct vm_root { int state; struct vm_timer timers[4]; };
static struct vm_root vm_root;
static int vm_count;
static int __init vm_init(void) { vm_root.state = 1; vm_count++; return 0; }
static void __exit vm_exit(void) { pr_info(\"%d %d\\n\", vm_root.state, vm_count); }
module_init(vm_init); module_exit(vm_exit); MODULE_LICENSE(\"GPL\");
";

#[test]
fn a_module_of_the_kernel_is_read_as_it_is_loaded() {
    let built = std::fs::read_dir("/lib/modules").into_iter().flatten().flatten();
    let Some(kernel) = built.map(|entry| entry.path().join("build")).find(|path| path.exists())
    else {
        skipped("the headers of a kernel are not here");
        return;
    };
    let dir = folder("module");
    std::fs::remove_file(dir.join("app.c")).unwrap();
    std::fs::write(dir.join("vm.c"), MODULE).unwrap();
    std::fs::write(dir.join("Makefile"), "obj-m := vm.o\n").unwrap();
    let args =
        ["-s", "-C", kernel.to_str().unwrap(), &format!("M={}", dir.display()), "KCFLAGS=-g"];
    if let Err(why) = run(&dir, "make", &[&args[..], &["modules"]].concat()) {
        skipped(&format!("a module of the kernel cannot be built: {why}"));
        return;
    }
    let found = lines(&report(&dir.join("vm.ko"), "vm_root"));
    let expected = [
        "uncovered-static vm_count",
        "uncovered-field vm_root.state",
        "uncovered-field vm_root.timers",
        "uncovered-field vm_root.timers[].on",
        "uncovered-field vm_root.timers[].when",
    ];
    assert_eq!(found, expected);
}

#[test]
fn objects_that_were_put_together_without_being_linked_tell_the_same() {
    if !has("gcc") || !has("ld") {
        return;
    }
    let dir = folder("partial");
    let flags =
        ["-g", "-mcmodel=kernel", "-fno-pic", "-ffunction-sections", "-fdata-sections", "-c"];
    for (source, object) in [("app.c", "app.o"), ("main.c", "main.o")] {
        if let Err(why) = run(&dir, "gcc", &[&flags[..], &[source, "-o", object]].concat()) {
            skipped(&format!("an object for a kernel cannot be built: {why}"));
            return;
        }
    }
    run(&dir, "ld", &["-r", "app.o", "main.o", "-o", "both.ko"]).unwrap();
    let expected = found(&dir.join("app.o"));
    assert!(expected.len() > 10, "{expected:?}");
    assert_eq!(found(&dir.join("both.ko")), expected);
}
