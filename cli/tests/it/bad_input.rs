//! Bad input: a message that says what to do, and the right exit code; never a panic.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fixtures::{Said, findings, particles, report, samestate, scratch};
use crate::table::fresh;

/// Compiles a small program with these flags.
fn compile(name: &str, flags: &[&str]) -> PathBuf {
    let folder = scratch().join("small").join(name);
    fs::create_dir_all(&folder).unwrap();
    let source = folder.join("small.rs");
    let program = folder.join("small");
    let text = "pub struct Small { pub a: u8, pub b: Vec<u16> }\n\
                fn main() { let s = Small { a: 1, b: vec![2] }; std::hint::black_box(&s); \
                println!(\"{} {}\", s.a, s.b.len()); }\n";
    fs::write(&source, text).unwrap();
    let done = Command::new("rustc")
        .args(["--edition=2024", "--crate-name=small"])
        .args(flags)
        .arg(&source)
        .arg("-o")
        .arg(&program)
        .status()
        .unwrap();
    assert!(done.success());
    program
}

fn says(said: &Said, code: i32, words: &[&str]) {
    let all = format!("{}{}", said.stdout, said.stderr);
    assert_eq!(said.code, code, "{all}");
    for word in words {
        assert!(all.contains(word), "`{word}` is missing in: {all}");
    }
    assert!(!all.contains("panicked"), "{all}");
}

#[test]
fn a_file_that_is_no_program() {
    let file = fresh("no-program").join("notes.txt");
    fs::write(&file, "not a program at all").unwrap();
    says(&samestate([Path::new("coverage"), &file]), 3, &["notes.txt", "ELF"]);
    fs::write(&file, "").unwrap();
    says(&samestate([Path::new("coverage"), &file]), 3, &["notes.txt"]);
}

#[test]
fn a_file_that_is_not_there() {
    says(&samestate(["coverage", "no/such/program"]), 2, &["no/such/program"]);
    says(&samestate(["drift", "no/such/lock", "no/such/lock"]), 2, &["no/such/lock"]);
    says(&samestate(["compare", "no/such/run", "no/such/run"]), 2, &["no/such/run"]);
}

#[test]
fn a_program_without_types() {
    let root = ["--root", "small::Small"].map(PathBuf::from);
    for (name, flags) in [
        ("none", &["-Cdebuginfo=0"][..]),
        ("lines", &["-Cdebuginfo=line-tables-only"]),
        ("limited", &["-Cdebuginfo=1"]),
        ("stripped", &["-g", "-Cstrip=symbols"]),
    ] {
        let program = compile(name, flags);
        let args = [PathBuf::from("coverage"), program].into_iter().chain(root.clone());
        says(&samestate(args), 3, &["no-types", "debug"]);
    }
    let program = compile("full", &["-g"]);
    let args = [PathBuf::from("coverage"), program].into_iter().chain(root);
    says(&samestate(args), 1, &["uncovered-field", "small::Small.b"]);
}

#[test]
fn a_root_that_is_not_there() {
    let program = particles("complete");
    let said = samestate([
        Path::new("coverage"),
        &program,
        Path::new("--root"),
        Path::new("particles::simulation::Simulaton"),
    ]);
    says(&said, 3, &["root-not-found", "particles::simulation::Simulation"]);
    // What is offered could be a root: no pointers, no slices.
    assert!(!said.stdout.contains("`*") && !said.stdout.contains("`["), "{}", said.stdout);
}

#[test]
fn a_program_without_roots() {
    let program = compile("rootless", &["-g"]);
    says(&samestate([Path::new("coverage"), &program]), 3, &["no-roots", "--root"]);
}

#[test]
fn a_lock_that_was_cut_off_or_garbled() {
    let folder = fresh("bad-lock");
    let lock = folder.join("checkpoint.lock");
    let program = particles("complete");
    says(&samestate([Path::new("lock"), &program, Path::new("-o"), &lock]), 0, &[]);
    let good = fs::read_to_string(&lock).unwrap();
    assert_eq!(findings(&report([Path::new("drift"), &lock, &program])), [""; 0]);
    let check = [Path::new("lock"), &program, Path::new("--check"), Path::new("-o"), &lock];
    says(&samestate(check), 0, &[]);

    let last_line = good.trim_end().rfind('\n').unwrap();
    for (name, bad) in [
        ("empty", String::new()),
        ("cut", good[..last_line - 3].to_owned()),
        ("merged", good.replacen("\n\n", "\n\n<<<<<<< ours\n", 1)),
        ("newer", good.replacen('1', "99", 1)),
    ] {
        let file = folder.join(name);
        fs::write(&file, bad).unwrap();
        let said = samestate([Path::new("drift"), &file, &program]);
        let all = format!("{}{}", said.stdout, said.stderr);
        assert!(said.code == 2 || said.code == 3, "{name}: {}: {all}", said.code);
        assert!(all.contains(name) && !all.contains("panicked"), "{all}");
    }
}

#[test]
fn a_lock_that_is_stale() {
    let folder = fresh("stale-lock");
    let lock = folder.join("checkpoint.lock");
    says(&samestate([Path::new("lock"), &particles("complete"), Path::new("-o"), &lock]), 0, &[]);
    let drifted = particles("drifted");
    let said =
        samestate([Path::new("lock"), &drifted, Path::new("--check"), Path::new("-o"), &lock]);
    says(&said, 1, &["checkpoint.lock"]);
}

#[test]
fn a_run_that_was_cut_off_or_garbled() {
    let folder = fresh("bad-run");
    let run = folder.join("run");
    let said = samestate(["record", "-o", run.to_str().unwrap(), "--", "true"]);
    says(&said, 0, &[]);
    let good = fs::read(&run).unwrap();
    says(&samestate([Path::new("compare"), &run, &run]), 0, &["clean"]);
    says(&samestate([Path::new("show"), &run]), 0, &["execve(", "brk(NULL)"]);

    let bad = folder.join("bad");
    fs::write(&bad, "no run").unwrap();
    says(&samestate([Path::new("compare"), &run, &bad]), 3, &["bad"]);
    says(&samestate([Path::new("show"), &bad]), 3, &["bad"]);
    // What is not there is neither missing nor extra.
    let could_not_see = |what: String| {
        for (first, second) in [(&run, &bad), (&bad, &run), (&bad, &bad)] {
            let said = samestate([Path::new("compare"), first, second]);
            assert_eq!(said.code, 3, "{what}: {}{}", said.stdout, said.stderr);
            let all = format!("{}{}", said.stdout, said.stderr);
            assert!(all.contains("torn-trace") || all.contains("bad"), "{what}: {all}");
            assert!(!all.contains("panicked"), "{all}");
        }
    };
    for len in [0, 3, 20, good.len() / 2, good.len() - 1] {
        fs::write(&bad, &good[..len]).unwrap();
        could_not_see(format!("cut to {len}"));
    }
    for at in (0..good.len()).step_by(good.len() / 40 + 1) {
        let mut flipped = good.clone();
        flipped[at] ^= 1;
        fs::write(&bad, &flipped).unwrap();
        could_not_see(format!("bit at {at}"));
    }
}

#[test]
fn a_program_that_does_not_start() {
    let run = fresh("no-start").join("run");
    let record = |program: &str| samestate(["record", "-o", run.to_str().unwrap(), "--", program]);
    says(&record("/no/such/program"), 2, &["/no/such/program"]);
    let file = run.with_file_name("not-executable");
    fs::write(&file, "#!/bin/sh\n").unwrap();
    says(&record(file.to_str().unwrap()), 2, &["not-executable"]);
}

#[test]
fn the_end_of_the_program_is_passed_on() {
    let run = fresh("ends").join("run");
    let record = |script: &str| {
        samestate(["record", "-o", run.to_str().unwrap(), "--", "sh", "-c", script]).code
    };
    assert_eq!(record("exit 0"), 0);
    assert_eq!(record("exit 7"), 7);
    assert_eq!(record("kill -9 $$"), 128 + 9);
    // What was recorded until then is there.
    says(&samestate([Path::new("show"), &run]), 0, &["brk(NULL)", "SIGKILL"]);
}

#[test]
fn how_the_original_ended_is_told_and_passed_on_if_that_is_wanted() {
    let folder = fresh("verify-ends");
    let (image, run) = (folder.join("image"), |status: &str, pass: &[&str]| {
        // What is done with the image is the same, and how it ends is not.
        let mut words = vec!["--format", "json", "verify", "--saved-on", "image", "--no-control"];
        words.extend(pass);
        let restore = format!("sh -c 'cat \"$0\" > /dev/null; exit {status}' {{image}}");
        let script = format!("cd '{}'; echo x > draft; mv draft image; exit 7", folder.display());
        words.extend(["--restore", &restore, "--", "sh", "-c", &script]);
        samestate(words)
    });
    let said = run("7", &[]);
    let report: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert!(!image.exists());
    let facts = report["facts"].as_array().unwrap();
    let ended = facts.iter().find(|fact| fact["what"] == "exit status of the original run");
    assert_eq!(ended.unwrap()["count"], 7);
    let notes = report["notes"].to_string();
    assert_eq!(notes.matches("the original run ended with exit status 7").count(), 1, "{notes}");
    let row = report["tables"][0]["rows"][0].as_array().unwrap();
    assert_eq!(row.last().unwrap(), "exit status 7", "{row:?}");
}

#[test]
fn a_restore_command_without_an_image() {
    let said = samestate(["verify", "--restore", "true", "--", "true"]);
    says(&said, 2, &["{image}"]);
}

#[test]
fn a_program_that_announces_nothing() {
    let said = samestate(["verify", "--restore", "true {image}", "--", "true"]);
    says(&said, 3, &["no-marker"]);
}

#[test]
fn a_program_that_does_not_end() {
    let run = fresh("endless").join("run");
    let said =
        samestate(["record", "--timeout", "1", "-o", run.to_str().unwrap(), "--", "sleep", "60"]);
    assert_eq!(said.code, 128 + 9, "{}", said.stderr);
    says(&samestate([Path::new("show"), &run]), 0, &["nanosleep"]);
}

#[test]
fn the_verdict_stands_though_nobody_reads_the_report() {
    use std::process::Stdio;
    let mut child = Command::new(env!("CARGO_BIN_EXE_samestate"))
        .args(["coverage", "--verbose", "--format", "json"])
        .arg(env!("CARGO_BIN_EXE_samestate"))
        .args(["--root", "samestate_report::report::Report"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The reader goes away before anything is written.
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn nothing_is_lost_where_nothing_can_be_said() {
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_samestate"));
        command.args(args).stdout(full()).stderr(full()).status().unwrap().code()
    };
    assert_eq!(run(&["coverage", "no/such/program"]), Some(2));
    assert_eq!(run(&["explain"]), Some(3));
    let trace = fresh("untold").join("run");
    let args = ["record", "-o", trace.to_str().unwrap(), "--", "sh", "-c", "exit 7"];
    assert_eq!(run(&args), Some(7));
}

#[test]
fn a_lock_replaces_nothing_but_the_lock() {
    let folder = fresh("lock-beside");
    let (lock, link) = (folder.join("checkpoint.lock"), folder.join("link.lock"));
    let beside = folder.join("checkpoint.lock.new");
    fs::write(&beside, "mine").unwrap();
    fs::write(&lock, "old").unwrap();
    std::os::unix::fs::symlink("checkpoint.lock", &link).unwrap();
    says(&samestate([Path::new("lock"), &particles("complete"), Path::new("-o"), &link]), 0, &[]);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&lock).unwrap().starts_with("samestate lock"));
    assert_eq!(fs::read_to_string(&beside).unwrap(), "mine");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 3, "no temporary file is left");
}

/// Runs the program with a umask; returns the mode of a file afterwards.
fn mode_after(folder: &Path, umask: &str, args: &str, file: &str) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    let mut command = Command::new("sh");
    command.args(["-c", &format!("umask {umask}; exec \"$0\" {args}")]);
    command.arg(env!("CARGO_BIN_EXE_samestate")).current_dir(folder);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{args}: {}", String::from_utf8_lossy(&output.stderr));
    fs::metadata(folder.join(file)).unwrap().permissions().mode() & 0o777
}

#[test]
fn who_may_read_what_is_written() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = fresh("modes");
    let chmod = |file: &str, mode| {
        fs::set_permissions(folder.join(file), fs::Permissions::from_mode(mode)).unwrap();
    };
    // A lock that is there stays as it is; a new one is like any new file.
    let lock = format!("lock {} -o new.lock", particles("complete").display());
    assert_eq!(mode_after(&folder, "027", &lock, "new.lock"), 0o640);
    for mode in [0o600, 0o664] {
        chmod("new.lock", mode);
        assert_eq!(mode_after(&folder, "022", &lock, "new.lock"), mode);
    }
    // What an image holds is shown to nobody who could not see it before.
    fs::write(folder.join("0.ckpt"), samestate::to_vec(&Secret { key: 7, log: 8 }).unwrap())
        .unwrap();
    let filter = "image filter 0.ckpt --without Secret.log -o 1.ckpt";
    for (mode, umask, expected) in
        [(0o600, "022", 0o600), (0o644, "022", 0o644), (0o664, "027", 0o640)]
    {
        chmod("0.ckpt", mode);
        assert_eq!(mode_after(&folder, umask, filter, "1.ckpt"), expected);
        fs::remove_file(folder.join("1.ckpt")).unwrap();
    }
    fs::write(folder.join("1.ckpt"), "old").unwrap();
    chmod("1.ckpt", 0o640);
    assert_eq!(mode_after(&folder, "077", filter, "1.ckpt"), 0o640);
}

#[test]
fn a_pipe_is_written_to_and_not_replaced() {
    use std::os::unix::fs::FileTypeExt as _;
    let folder = fresh("into-a-pipe");
    let pipe = folder.join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::read_to_string(pipe).unwrap()
    });
    let lock =
        ["lock".into(), particles("complete").into_os_string(), "-o".into(), pipe.clone().into()];
    let output = samestate(lock);
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo(), "{}", output.stderr);
    let to_stdout =
        samestate(["lock".into(), particles("complete").into_os_string(), "-o".into(), "-".into()]);
    assert_eq!(reader.join().unwrap(), to_stdout.stdout);
}

#[derive(samestate::Checkpoint)]
struct Secret {
    key: u64,
    log: u64,
}

#[test]
fn options_that_make_no_sense() {
    says(&samestate(["coverage"]), 2, &["Usage"]);
    says(&samestate(["no-such-command"]), 2, &["Usage"]);
    says(&samestate(["record", "-o", "x"]), 2, &["CMD"]);
}

#[test]
fn a_file_that_is_no_file() {
    let folder = fresh("no-file");
    let pipe = folder.join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for (path, what) in [(&folder, "a folder"), (&pipe, "a pipe"), (&"/dev/zero".into(), "device")]
    {
        let path: &Path = path;
        for command in ["coverage", "lock", "show"] {
            says(&samestate([Path::new(command), path]), 2, &[what, "give a file"]);
        }
        for command in ["drift", "compare"] {
            says(&samestate([Path::new(command), path, path]), 2, &[what, "give a file"]);
        }
        for command in ["show", "tree", "extract", "verify"] {
            says(&samestate([Path::new("image"), Path::new(command), path]), 2, &[what]);
        }
        says(&samestate([Path::new("image"), Path::new("diff"), path, path]), 2, &[what]);
    }
}

#[test]
fn a_restore_command_with_an_open_quote() {
    let said = samestate(["verify", "--restore", "run '{image}", "--", "true"]);
    says(&said, 2, &["quote", "run '{image}"]);
}

#[test]
fn a_state_path_that_never_exists() {
    let nowhere = fresh("nowhere").join("typo");
    let verify = |path: &Path| {
        let words = ["verify", "--restore", "true {image}", "--state"].map(Path::new);
        let program = ["--", "true"].map(Path::new);
        samestate(words.into_iter().chain([path]).chain(program))
    };
    says(&verify(&nowhere), 3, &["there was nothing", "typo"]);
    fs::write(&nowhere, "").unwrap();
    let said = verify(&nowhere);
    assert!(!said.stdout.contains("there was nothing"), "{}", said.stdout);
}
