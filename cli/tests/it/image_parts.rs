//! `samestate image` on states with every kind of part: shared objects, trait objects, opaque keys.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};

use expect_test::{Expect, expect};
use samestate::{Checkpoint, Compression, RestoreErrorKind, from_slice, to_vec};

use crate::fixtures::samestate_in;
use crate::table::fresh;

#[derive(Checkpoint, Clone)]
struct Machine {
    step: u64,
    cpu: Cpu,
    spare: Option<Cpu>,
    devices: Vec<Rc<Device>>,
    first: Weak<Device>,
    boot: Rc<Device>,
    clock: Rc<dyn Clock>,
    files: BTreeMap<PathBuf, u8>,
}

#[derive(Checkpoint, Clone)]
struct Cpu {
    registers: [u32; 4],
    log: Vec<u16>,
}

#[derive(Checkpoint)]
struct Device {
    name: String,
    memory: Vec<u8>,
}

#[samestate::dynamic]
trait Clock {}

#[derive(Checkpoint)]
#[checkpoint(implements(dyn Clock, "steady"))]
struct Steady {
    rate: f64,
}

#[derive(Checkpoint)]
#[checkpoint(implements(dyn Clock, "stopped"))]
struct Stopped;

impl Clock for Steady {}
impl Clock for Stopped {}

fn machine() -> Machine {
    let device = |name: &str, bytes| Rc::new(Device { name: name.into(), memory: vec![7; bytes] });
    let devices = vec![device("disk", 5000), device("uart", 3)];
    Machine {
        step: 7,
        cpu: Cpu { registers: [1, 2, 3, 4], log: vec![9; 10] },
        spare: None,
        first: Rc::downgrade(&devices[0]),
        boot: Rc::clone(&devices[1]),
        devices,
        clock: Rc::new(Steady { rate: 1.5 }),
        files: BTreeMap::from([("a".into(), 1), ("b".into(), 2)]),
    }
}

/// A folder with these states in files `0.ckpt` and on.
fn saved(name: &str, states: &[Machine]) -> PathBuf {
    let folder = fresh(name);
    for (number, state) in states.iter().enumerate() {
        fs::write(folder.join(format!("{number}.ckpt")), to_vec(state).unwrap()).unwrap();
    }
    folder
}

fn run(folder: &Path, command: &str) -> (i32, String) {
    let said = samestate_in(folder, ["image"].into_iter().chain(command.split(' ')));
    let code = said.code;
    (code, format!("{}{}exit code {code}\n", said.stdout, said.stderr))
}

#[expect(clippy::needless_pass_by_value, reason = "as `expect!` makes it")]
fn check(folder: &Path, command: &str, expected: Expect) {
    expected.assert_eq(&run(folder, command).1);
}

#[test]
fn shared_and_trait_objects_are_shown() {
    let folder = saved("image-parts-show", &[machine()]);
    check(
        &folder,
        "tree 0.ckpt",
        expect![[r#"
        it::image_parts::Machine.step = 7
        it::image_parts::Machine.cpu.registers = [1, 2, 3, 4]
        it::image_parts::Machine.cpu.log = [9, 9, 9, 9, 9, 9, 9, 9, 9, 9]
        it::image_parts::Machine.spare = None
        it::image_parts::Machine.devices[0] = #0
        it::image_parts::Machine.devices[0].name = "disk"
        it::image_parts::Machine.devices[0].memory = [7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,… (15045 characters)
        it::image_parts::Machine.devices[1] = #1
        it::image_parts::Machine.devices[1].name = "uart"
        it::image_parts::Machine.devices[1].memory = [7, 7, 7]
        it::image_parts::Machine.first = weak #0
        it::image_parts::Machine.boot = #1
        it::image_parts::Machine.clock = #2
        it::image_parts::Machine.clock{steady}.rate = 1.5
        it::image_parts::Machine.files["OsString(61)"] = 1
        it::image_parts::Machine.files["OsString(62)"] = 2
        exit code 0
    "#]],
    );
    check(
        &folder,
        "extract 0.ckpt --at it::image_parts::Machine.clock",
        expect![[r#"
        {
          "object": 2,
          "value": {
            "steady": {
              "rate": 1.5
            }
          }
        }
        exit code 0
    "#]],
    );
    check(
        &folder,
        "extract 0.ckpt --at it::image_parts::Machine.first",
        expect![[r#"
        {
          "weak": 0
        }
        exit code 0
    "#]],
    );
    check(
        &folder,
        "extract 0.ckpt --at it::image_parts::Machine.boot",
        expect![[r#"
        {
          "object": 1
        }
        exit code 0
    "#]],
    );
    check(
        &folder,
        "extract 0.ckpt --at it::image_parts::Machine.devices[1]",
        expect![[r#"
        {
          "object": 1,
          "value": {
            "memory": [
              7,
              7,
              7
            ],
            "name": "uart"
          }
        }
        exit code 0
    "#]],
    );
    check(
        &folder,
        "extract 0.ckpt --at it::image_parts::Machine.files",
        expect![[r#"
        {
          "OsString(61)": 1,
          "OsString(62)": 2
        }
        exit code 0
    "#]],
    );
}

#[test]
fn sizes_stand_in_a_table() {
    let folder = saved("image-parts-sizes", &[machine()]);
    check(
        &folder,
        "sizes 0.ckpt",
        expect![[r#"
          field                                        bytes  share    count
          it::image_parts::Machine                      5091  100.0 %      1
          it::image_parts::Machine.devices              5026  98.7 %       1
          it::image_parts::Machine.devices[]            5025  98.7 %       2
          it::image_parts::Machine.devices[].memory     5013  98.5 %       2
          it::image_parts::Machine.cpu                    37  0.7 %        1
          it::image_parts::Machine.cpu.log                21  0.4 %        1
          it::image_parts::Machine.cpu.registers          16  0.3 %        1
          it::image_parts::Machine.devices[].name         10  0.2 %        2
          it::image_parts::Machine.clock                  10  0.2 %        1
          it::image_parts::Machine.step                    8  0.2 %        1
          it::image_parts::Machine.clock{steady}           8  0.2 %        1
          it::image_parts::Machine.clock{steady}.rate      8  0.2 %        1
          it::image_parts::Machine.files                   7  0.1 %        1
          it::image_parts::Machine.files[key]              4  0.1 %        2
          it::image_parts::Machine.files[value]            2  0.0 %        2
          it::image_parts::Machine.spare                   1  0.0 %        1
          it::image_parts::Machine.first                   1  0.0 %        1
          it::image_parts::Machine.boot                    1  0.0 %        1

        image 0.ckpt: clean (6104 bytes, 5091 bytes of values)
        exit code 0
    "#]],
    );
    let said = samestate_in(&folder, ["image", "sizes", "0.ckpt", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!((said.code, &report["version"]), (0, &serde_json::json!(1)));
    let table = &report["tables"][0];
    assert_eq!(table["columns"], serde_json::json!(["field", "bytes", "share", "count"]));
    let devices = serde_json::json!(["it::image_parts::Machine.devices", "5026", "98.7 %", "1"]);
    assert_eq!(table["rows"][1], devices);
    let folder = fresh("image-parts-sizes-nothing");
    fs::write(folder.join("0.ckpt"), to_vec(&()).unwrap()).unwrap();
    check(
        &folder,
        "sizes 0.ckpt",
        expect![[r#"
          field  bytes  share  count
          ()         0  0.0 %      1

        image 0.ckpt: clean (376 bytes, 0 bytes of values)
        exit code 0
    "#]],
    );
}

#[test]
fn differences_go_into_shared_and_trait_objects() {
    let (mut other, mut stopped, mut apart) = (machine(), machine(), machine());
    let changed = Rc::new(Device { name: "uart".into(), memory: vec![7, 8, 7] });
    // Another object before the others changes all numbers, and nothing else.
    other.devices = vec![other.devices[0].clone(), changed.clone()];
    other.boot = changed;
    other.files = BTreeMap::from([("a".into(), 1), ("c".into(), 2)]);
    stopped.clock = Rc::new(Stopped);
    apart.boot = Rc::new(Device { name: "uart".into(), memory: vec![7; 3] });
    let folder = saved("image-parts-diff", &[machine(), other, stopped, apart, machine()]);
    check(
        &folder,
        "diff 0.ckpt 1.ckpt",
        expect![[r#"
        error[value-differs]: 3 values differ, the first at it::image_parts::Machine.devices[1].memory[1]
          |
          = help: Nothing, if they are of different moments; else look for what computes the first field that differs.

          field                                           left       right
          it::image_parts::Machine.devices[1].memory[1]   7          8
          it::image_parts::Machine.files["OsString(62)"]  2          (nothing)
          it::image_parts::Machine.files["OsString(63)"]  (nothing)  2

        image 0.ckpt 1.ckpt: failed, 1 error (3 values differ)
        exit code 1
    "#]],
    );
    check(
        &folder,
        "diff 0.ckpt 2.ckpt",
        expect![[r#"
        error[value-differs]: 1 values differ, the first at it::image_parts::Machine.clock
          |
          = help: Nothing, if they are of different moments; else look for what computes the first field that differs.

          field                           left                           right
          it::image_parts::Machine.clock  {steady} Steady { rate: 1.5 }  {stopped} Stopped

        image 0.ckpt 2.ckpt: failed, 1 error (1 values differ)
        exit code 1
    "#]],
    );
    check(
        &folder,
        "diff 0.ckpt 3.ckpt",
        expect![[r#"
        error[value-differs]: 1 values differ, the first at it::image_parts::Machine.boot
          |
          = help: Nothing, if they are of different moments; else look for what computes the first field that differs.

          field                          left  right
          it::image_parts::Machine.boot  #1    #2

        image 0.ckpt 3.ckpt: failed, 1 error (1 values differ)
        exit code 1
    "#]],
    );
    check(
        &folder,
        "diff 0.ckpt 4.ckpt",
        expect![[r#"
        image 0.ckpt 4.ckpt: clean
        exit code 0
    "#]],
    );
}

/// The program as it is when the log may be missing.
mod later {
    use super::*;

    #[derive(Checkpoint)]
    pub(super) struct Machine {
        pub(super) step: u64,
        pub(super) cpu: Cpu,
    }

    #[derive(Checkpoint)]
    #[checkpoint(version = 2)]
    pub(super) struct Cpu {
        pub(super) registers: [u32; 4],
        #[checkpoint(since = 2, default = vec![1])]
        pub(super) log: Vec<u16>,
    }
}

#[test]
fn what_is_filtered_is_refused_or_taken_by_default() {
    let folder = fresh("image-parts-filter-program");
    let state =
        later::Machine { step: 7, cpu: later::Cpu { registers: [1, 2, 3, 4], log: vec![5; 3] } };
    fs::write(folder.join("0.ckpt"), to_vec(&state).unwrap()).unwrap();
    let filter = |path: &str| {
        let path = format!("it::image_parts::later::Machine.{path}");
        let (code, said) = run(&folder, &format!("filter 0.ckpt --without {path} -o 1.ckpt"));
        assert_eq!(code, 0, "{said}");
        fs::read(folder.join("1.ckpt")).unwrap()
    };
    let restored: later::Machine = from_slice(&filter("cpu.log")).unwrap();
    assert_eq!((restored.step, restored.cpu.registers), (7, [1, 2, 3, 4]));
    assert_eq!(restored.cpu.log, [1], "the default");
    let Err(error) = from_slice::<later::Machine>(&filter("step")) else {
        panic!("it was restored")
    };
    assert!(matches!(error.kind(), RestoreErrorKind::Different(_)), "{error}");
    expect![[r#"
        the image holds other types than this program:
          it::image_parts::later::Machine.step: filtered in the image, saved in the program; write `#[checkpoint(since = 2, default = …)]` on the field"#]].assert_eq(&error.to_string());
}

#[test]
fn a_filtered_copy_is_an_image_like_any_other() {
    let folder = saved("image-parts-filter", &[machine()]);
    let root = "it::image_parts::Machine";
    // The first pointers to the devices, and with them the devices, go with the list.
    let without =
        format!("--without {root}.cpu.log --without {root}.devices --without {root}.first");
    check(
        &folder,
        &format!("filter 0.ckpt {without} -o 1.ckpt"),
        expect![[r#"
        note: wrote 1.ckpt
        image 0.ckpt: clean (3 fields left out, 6104 bytes before, 1464 bytes after)
        exit code 0
    "#]],
    );
    assert_eq!(run(&folder, "verify 1.ckpt").0, 0);
    check(
        &folder,
        "tree 1.ckpt",
        expect![[r#"
        it::image_parts::Machine.step = 7
        it::image_parts::Machine.cpu.registers = [1, 2, 3, 4]
        it::image_parts::Machine.spare = None
        it::image_parts::Machine.boot = #0
        it::image_parts::Machine.boot.name = "uart"
        it::image_parts::Machine.boot.memory = [7, 7, 7]
        it::image_parts::Machine.clock = #1
        it::image_parts::Machine.clock{steady}.rate = 1.5
        it::image_parts::Machine.files["OsString(61)"] = 1
        it::image_parts::Machine.files["OsString(62)"] = 2
        exit code 0
    "#]],
    );
    check(
        &folder,
        "diff 0.ckpt 1.ckpt",
        expect![[r#"
        error[value-differs]: 3 values differ, the first at it::image_parts::Machine.cpu.log
          |
          = help: Nothing, if they are of different moments; else look for what computes the first field that differs.

        note: types: it::image_parts::Machine.cpu.log: saved in the image, filtered in the program
        note: types: it::image_parts::Machine.devices: saved in the image, filtered in the program
        note: types: it::image_parts::Machine.first: saved in the image, filtered in the program
          field                             left                                                          right
          it::image_parts::Machine.cpu.log  [9, 9, 9, 9, 9, 9, 9, 9, 9, 9]                                (nothing)
          it::image_parts::Machine.devices  [#0 = Device { name: "disk", memory: [7, 7, 7, 7, 7, 7, 7, …  (nothing)
          it::image_parts::Machine.first    weak #0                                                       (nothing)

        image 0.ckpt 1.ckpt: failed, 1 error (3 values differ)
        exit code 1
    "#]],
    );
    // By the name of a type, wherever it is.
    check(
        &folder,
        "filter 0.ckpt --without Device.memory -o 2.ckpt",
        expect![[r#"
        note: wrote 2.ckpt
        image 0.ckpt: clean (1 fields left out, 6104 bytes before, 1080 bytes after)
        exit code 0
    "#]],
    );
    check(
        &folder,
        "tree 2.ckpt --at it::image_parts::Machine.devices",
        expect![[r#"
        it::image_parts::Machine.devices[0] = #0
        it::image_parts::Machine.devices[0].name = "disk"
        it::image_parts::Machine.devices[1] = #1
        it::image_parts::Machine.devices[1].name = "uart"
        exit code 0
    "#]],
    );
    let compressed = samestate::to_vec_compressed(&machine(), Compression::Lz4).unwrap();
    fs::write(folder.join("lz4.ckpt"), compressed).unwrap();
    check(
        &folder,
        "filter lz4.ckpt --without Cpu.log -o 3.ckpt",
        expect![[r#"
        note: wrote 3.ckpt
        image lz4.ckpt: clean (1 fields left out, 1112 bytes before, 1176 bytes after)
        exit code 0
    "#]],
    );
    let (_, shown) = run(&folder, "show 3.ckpt");
    assert!(shown.contains(", lz4 of 5000") && shown.contains("log: filtered"), "{shown}");
}

/// A type's field may be left out at one place, and then wherever the type is.
#[test]
fn a_field_is_left_out_here_and_everywhere() {
    let mut state = machine();
    state.spare = Some(state.cpu.clone());
    let folder = saved("image-parts-filter-twice", &[state]);
    let without = "--without it::image_parts::Machine.cpu.log --without Cpu.log";
    let (code, said) = run(&folder, &format!("filter 0.ckpt {without} -o 1.ckpt"));
    assert_eq!(code, 0, "{said}");
    let (_, tree) = run(&folder, "tree 1.ckpt");
    assert!(tree.contains("registers") && !tree.contains("log"), "{tree}");
    // Where none is left, it is told.
    let (code, said) = run(&folder, "filter 1.ckpt --without Cpu.log -o 2.ckpt");
    assert!(code == 2 && said.contains("it is filtered already"), "{said}");
}

#[test]
fn what_cannot_be_left_out_is_told() {
    let folder = saved("image-parts-filter-bad", &[machine()]);
    let refused = |path: &str, expected: Expect| {
        check(&folder, &format!("filter 0.ckpt --without {path} -o never.ckpt"), expected);
        assert!(!folder.join("never.ckpt").exists());
    };
    refused(
        "it::image_parts::Machine.nothing",
        expect![[r#"
        error: cannot leave out it::image_parts::Machine.nothing: `Machine` has no such field
        exit code 2
    "#]],
    );
    refused(
        "it::image_parts::Machine",
        expect![[r#"
        error: cannot leave out it::image_parts::Machine: name a field of `Machine`
        exit code 2
    "#]],
    );
    refused(
        "it::image_parts::Machine.devices[].memory",
        expect![[r#"
        error: cannot leave out it::image_parts::Machine.devices[].memory: it is in an object that others may share; start the path with the name of the object's type
        exit code 2
    "#]],
    );
    refused(
        "it::image_parts::Machine.spare.log",
        expect![[r#"
        error: cannot leave out it::image_parts::Machine.spare.log: `.log` does not lead on from here; elements are `[]`, the values of a map `[value]`, what is optional `::Some`
        exit code 2
    "#]],
    );
    refused(
        "it::image_parts::Machine.cpu.registers[2]",
        expect![[r#"
        error: cannot leave out it::image_parts::Machine.cpu.registers[2]: `[2]` does not lead on from here; elements are `[]`, the values of a map `[value]`, what is optional `::Some`
        exit code 2
    "#]],
    );
    refused(
        "it::image_parts::Machine.files[key]",
        expect![[r#"
        error: cannot leave out it::image_parts::Machine.files[key]: keys would not stay apart
        exit code 2
    "#]],
    );
    refused(
        "Nowhere.log",
        expect![[r#"
        error: cannot leave out Nowhere.log: the image is of `it::image_parts::Machine`, and has no type `Nowhere`
        exit code 2
    "#]],
    );
    refused(
        "not]a[path",
        expect![[r#"
        error: invalid value 'not]a[path' for '--without <PATH>': not a field path: `.`, `::`, `[` or `{` expected at byte 3

        For more information, try '--help'.
        exit code 2
    "#]],
    );
    // Only weak pointers would be left.
    check(
        &folder,
        "filter 0.ckpt --without it::image_parts::Machine.devices -o never.ckpt",
        expect![[r#"
            error: 0.ckpt: what is left is no state: at it::image_parts::Machine: only weak pointers lead to a shared object now
            exit code 3
        "#]],
    );
    assert_eq!(run(&folder, "filter 0.ckpt -o never.ckpt").0, 2);
    assert_eq!(run(&folder, "filter 0.ckpt --without Cpu.log").0, 2);
    assert_eq!(run(&folder, "filter no.ckpt --without Cpu.log -o never.ckpt").0, 2);
    assert_eq!(run(&folder, "filter 0.ckpt --without Cpu.log -o no/such/folder/x").0, 2);
    assert_eq!(run(&folder, "sizes no.ckpt").0, 2);
    fs::write(folder.join("text"), "no image").unwrap();
    for command in ["sizes text", "filter text --without Cpu.log -o never.ckpt", "tree text"] {
        assert_eq!(run(&folder, command).0, 3, "{command}");
    }
    let mut image = fs::read(folder.join("0.ckpt")).unwrap();
    let last = image.len();
    for (name, at) in [("values", 900), ("trailer", last - 60)] {
        image[at] ^= 4;
        fs::write(folder.join(name), &image).unwrap();
        for command in ["sizes {}", "filter {} --without Cpu.log -o never.ckpt", "verify {}"] {
            let (code, said) = run(&folder, &command.replace("{}", name));
            assert!(code == 1 && said.contains("damaged-image"), "{said}");
        }
        image[at] ^= 4;
    }
    assert!(!folder.join("never.ckpt").exists());
}

/// Every chunk that is damaged is told, not only the first.
#[test]
fn all_damage_is_told() {
    let folder = saved("image-parts-damage", &[machine()]);
    let mut image = fs::read(folder.join("0.ckpt")).unwrap();
    let opened = samestate_image::Image::from_bytes(image.clone()).unwrap();
    for chunk in &opened.chunks()[1..] {
        image[usize::try_from(chunk.offset).unwrap()] ^= 1;
    }
    fs::write(folder.join("0.ckpt"), &image).unwrap();
    check(
        &folder,
        "verify 0.ckpt",
        expect![[r#"
        error[damaged-image]: 0.ckpt: the image is damaged: the checksum of its values (128 bytes at offset 704) does not match
          |
          = help: Restore the image before it, and look for what damaged this one.

        error[damaged-image]: 0.ckpt: the image is damaged: the checksum of its block (5056 bytes at offset 832) does not match

        image 0.ckpt: failed, 2 errors
        exit code 1
    "#]],
    );
}
