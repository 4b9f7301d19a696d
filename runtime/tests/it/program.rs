//! A program of its own: another process, another name for the crate, another edition.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use samestate_image::Image;
use samestate_schema::record::{Record, records};

/// Builds the program in `tests/fixtures/renamed`, once.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let manifest =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/renamed/Cargo.toml");
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("renamed");
        let output = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--locked", "--manifest-path"])
            .arg(manifest)
            .arg("--target-dir")
            .arg(&target)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        target.join("debug/renamed")
    })
}

fn run(args: &[&str]) -> Output {
    Command::new(program()).args(args).output().unwrap()
}

fn restored(dir: &str) -> String {
    let output = run(&["restore", dir]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn another_process_restores() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().to_str().unwrap();
    assert!(String::from_utf8_lossy(&run(&["restore", dir]).stderr).contains("nothing is saved"));
    assert!(run(&["save", dir, "7", "20000"]).status.success());
    assert_eq!(restored(dir), "7 20000 199990000 unset\n");
    // A later image counts, whatever its step is.
    assert!(run(&["save", dir, "3", "2"]).status.success());
    assert_eq!(restored(dir), "3 2 1 unset\n");
}

#[test]
fn an_image_opens_without_its_program() {
    let dir = tempfile::tempdir().unwrap();
    assert!(run(&["save", dir.path().to_str().unwrap(), "7", "3"]).status.success());
    let image = Image::open(dir.path().join("0000000000-step-7.ckpt")).unwrap();
    assert_eq!((image.header().seq, image.header().step), (0, 7));
    assert!(image.header().time_ns > 1_600_000_000_000_000_000);
    assert_eq!(image.schema().root_name, "renamed::Planted");
    let value = image.value().unwrap().to_string();
    let expected = "Planted { step: 7, numbers: [0, 1, 2], label: /* skipped(value) */, \
                    sum: /* rebuilt */, shadowed: Shadowed { type: 1, saver: 2, ";
    assert!(value.starts_with(expected), "{value}");
    assert!(
        value.ends_with("devices: Devices { all: [{uart} Uart { speed: 9600 }] } }"),
        "{value}"
    );
    if cfg!(target_os = "linux") {
        assert_eq!(image.header().build_id, build_id(program()), "the note of the file");
    }
}

/// The build id as `object` would find it: behind the note's header.
fn build_id(program: &Path) -> Vec<u8> {
    let bytes = std::fs::read(program).unwrap();
    let note = b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0";
    let at = bytes.windows(note.len()).position(|window| window == note);
    at.map(|at| bytes[at + 16..at + 36].to_vec()).unwrap_or_default()
}

/// All records in the program's file, wherever they stand.
fn all_records() -> Vec<Record> {
    let bytes = std::fs::read(program()).unwrap();
    records(&bytes).filter_map(|(_, record)| record.ok()).collect()
}

#[test]
fn every_item_leaves_its_record_in_the_program() {
    let records = all_records();
    let mut names: Vec<String> = records.iter().map(Record::path).collect();
    names.sort();
    let expected = [
        "renamed::Planted",
        "renamed::devices::Devices",
        "renamed::devices::Uart",
        "renamed::shadowed::Enumeration",
        "renamed::shadowed::Local",
        "renamed::shadowed::Made",
        "renamed::shadowed::Shadowed",
    ];
    // Types of the standard library have none.
    assert_eq!(names, expected);
    let planted = records.iter().find(|record| record.body.ident == "Planted").unwrap();
    assert!(planted.flags.root && !planted.flags.generic && !planted.flags.is_enum);
    assert!(planted.file.ends_with("src/main.rs"), "{}", planted.file);
    let source = include_str!("../fixtures/renamed/src/main.rs");
    let line = |text: &str| 1 + source.lines().position(|line| line.contains(text)).unwrap();
    assert_eq!(planted.line as usize, line("struct Planted"));
    let fields: Vec<_> = planted.body.variants[0]
        .fields
        .iter()
        .map(|f| (f.name.as_str(), f.treatment.word(), f.reason.as_deref().unwrap_or(""), f.line))
        .collect();
    let at = |text: &str| u32::try_from(line(text)).unwrap();
    let expected = [
        ("step", "saved", "", at("    step: u64,")),
        ("numbers", "saved", "", at("    numbers: Vec<u64>,")),
        ("label", "skipped(value)", "a label on the screen", at("    label: String,")),
        ("sum", "rebuilt", "", at("    sum: u64,")),
        ("shadowed", "saved", "", at("    shadowed: shadowed::Shadowed,")),
        ("devices", "saved", "", at("    devices: devices::Devices,")),
    ];
    assert_eq!(fields, expected);
    let uart = records.iter().find(|record| record.body.ident == "Uart").unwrap();
    let note = ("implements".to_owned(), "dyn Device + Send = uart".to_owned());
    assert_eq!(uart.body.notes, [note]);
    let generic = records.iter().find(|record| record.body.ident == "Enumeration").unwrap();
    assert!(generic.flags.generic && generic.flags.is_enum && !generic.flags.root);
    assert_eq!(generic.body.generics, ["T"]);
}

#[test]
fn a_program_killed_while_saving_leaves_the_image_before() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    assert!(run(&["save", path, "1", "10"]).status.success());
    // The system kills it when its file grows past one block of 512 or 1024 bytes.
    let output = Command::new("sh")
        .args(["-c", "ulimit -f 1; exec \"$@\"", "sh"])
        .arg(program())
        .args(["save", path, "2", "20000"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let unfinished = |dir: &Path| {
        let names = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().ends_with(".tmp")).count()
    };
    assert_eq!(unfinished(dir.path()), 1, "it was killed in the middle of the file");
    assert_eq!(restored(path), "1 10 45 unset\n");
    // The next save clears up and goes on.
    assert!(run(&["save", path, "2", "20000"]).status.success());
    assert_eq!(unfinished(dir.path()), 0);
    assert_eq!(restored(path), "2 20000 199990000 unset\n");
}

/// The markers of a run, as bytes in the order of the calls; `None` without strace.
fn markers(args: &[&str]) -> Option<Vec<Vec<u8>>> {
    let log = tempfile::NamedTempFile::new().unwrap();
    let status = Command::new("strace")
        .args(["-f", "-xx", "-s", "9000", "-e", "trace=write", "-o"])
        .arg(log.path())
        .arg(program())
        .args(args)
        .output()
        .ok()?
        .status;
    assert!(status.success());
    let log = std::fs::read_to_string(log.path()).unwrap();
    let each = log.lines().filter_map(|line| {
        let (_, rest) = line.split_once("write(-17232, \"")?;
        let (hex, result) = rest.split_once('"')?;
        assert!(result.contains("EBADF"), "{line}");
        let bytes = hex.split("\\x").skip(1).map(|byte| u8::from_str_radix(byte, 16).unwrap());
        Some(bytes.collect())
    });
    Some(each.collect())
}

#[test]
fn a_save_and_a_restore_are_announced() {
    use samestate_schema::marker::{Kind, Marker};

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let Some(saved) = markers(&["save", path, "7", "3"]) else {
        crate::skipped("strace not found");
        return;
    };
    let saved: Vec<Marker<'_>> = saved.iter().map(|bytes| Marker::decode(bytes).unwrap()).collect();
    let file = dir.path().join("0000000000-step-7.ckpt");
    let image = Image::open(&file).unwrap();
    let kinds: Vec<Kind> = saved.iter().map(|marker| marker.kind).collect();
    assert_eq!(kinds, [Kind::SaveBegin, Kind::Saved, Kind::Durable]);
    for marker in &saved {
        assert_eq!((marker.seq, marker.step), (0, 7));
        assert!(marker.root_addr != 0 && marker.record_addr != 0);
        assert_eq!(marker.root_addr, saved[0].root_addr);
    }
    assert_eq!((saved[0].image_id, saved[0].path), ([0; 16], &b""[..]));
    for marker in &saved[1..] {
        assert_eq!(marker.image_id, image.id());
        assert_eq!(marker.path, file.to_str().unwrap().as_bytes());
    }
    let restored = markers(&["restore", path]).unwrap();
    let restored: Vec<Marker<'_>> =
        restored.iter().map(|bytes| Marker::decode(bytes).unwrap()).collect();
    let [restored] = &restored[..] else { panic!("{restored:?}") };
    assert_eq!((restored.kind, restored.seq, restored.step), (Kind::Restored, 0, 7));
    assert_eq!(restored.image_id, image.id());
    assert_eq!(restored.path, file.to_str().unwrap().as_bytes());
}
