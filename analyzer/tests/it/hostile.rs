//! Damaged and foreign files: an error or a finding, never a panic.

use std::path::{Path, PathBuf};

use samestate_analyzer::{CoverageConfig, DriftConfig, Error, coverage, drift, lock_text};
use samestate_report::ExitCode;

use crate::build::{Flavor, compile, cover, lines};

const SOURCE: &str = "pub struct Root { a: u32, b: Vec<Inner> } pub struct Inner { c: u8 }
    fn main() { std::hint::black_box(&Root { a: 1, b: vec![Inner { c: 2 }] }); }";

fn config(binary: PathBuf) -> CoverageConfig {
    CoverageConfig { binary, roots: vec!["app::Root".to_owned()], ..CoverageConfig::default() }
}

#[test]
fn foreign_files_are_errors_that_say_what_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    for (path, expected) in [
        (write("text", b"hello, this is no program\n"), "is no executable file"),
        (write("empty", b""), "is no executable file"),
        (write("archive", b"!<arch>\nsomething"), "take an object out of it with `ar x`"),
        (dir.path().to_owned(), "a directory"),
        (dir.path().join("absent"), "cannot read"),
    ] {
        let error = coverage(&config(path)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn binaries_without_types_are_not_clean_and_say_what_to_switch_on() {
    for flavor in [Flavor::LineTables, Flavor::Stripped] {
        let report = cover(&compile(SOURCE, flavor), &["app::Root"]);
        assert_eq!(report.exit_code(), ExitCode::CouldNotCheck, "{flavor:?}");
        assert!(lines(&report)[0].starts_with("no-types "), "{:?}", lines(&report));
        assert!(report.findings[0].help.as_ref().unwrap().contains("debug = 2"));
    }
    assert_eq!(
        cover(&compile(SOURCE, Flavor::Debug), &["app::Root"]).exit_code(),
        ExitCode::Findings
    );
}

#[test]
fn missing_split_files_are_not_clean() {
    let binary = compile(SOURCE, Flavor::Unpacked);
    let dir = tempfile::tempdir().unwrap();
    let source = SOURCE.replace("a: ", "moved: ");
    let moved = compile(&source, Flavor::Unpacked);
    assert_eq!(cover(&binary, &["app::Root"]).exit_code(), ExitCode::Findings);
    // The skeletons name the files by the folder of the build.
    let folder = moved.parent().unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "dwo") {
            std::fs::rename(&path, dir.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    let report = cover(&moved, &["app::Root"]);
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
    }
    assert_eq!(report.exit_code(), ExitCode::CouldNotCheck, "{:?}", lines(&report));
    assert!(report.findings.iter().any(|f| f.message.contains(".dwo") && f.help.is_some()));
}

/// A generator of numbers that only have to be spread.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 8).unwrap()
    }
}

fn must_not_panic(path: &Path) {
    // Any result will do: what counts is that there is one.
    let result: Result<_, Error> = coverage(&config(path.to_owned()));
    drop(result);
}

#[test]
fn truncated_and_damaged_binaries_never_panic() {
    let good = std::fs::read(compile(SOURCE, Flavor::Debug)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("damaged");
    for part in 0..40 {
        std::fs::write(&path, &good[..good.len() * part / 40]).unwrap();
        must_not_panic(&path);
    }
    let info = find_section(&good, ".debug_info");
    let abbrev = find_section(&good, ".debug_abbrev");
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for round in 0..60 {
        let mut bad = good.clone();
        let (start, len) = match round % 4 {
            0 => (0, bad.len()),
            1 => (0, 4096.min(bad.len())),
            2 => info,
            _ => abbrev,
        };
        for _ in 0..=(round % 7) * 3 {
            let at = start + numbers.next() % len;
            bad[at] ^= 1 << (numbers.next() % 8);
        }
        std::fs::write(&path, &bad).unwrap();
        must_not_panic(&path);
    }
}

#[test]
fn a_source_that_nests_without_end_is_not_read() {
    let source = format!(
        "use samestate::{{Checkpoint, Restorer, Saver, record}};
        pub struct Deep {{ x: u8 }}
        record!(Root, \"Root\", 1, 1, [\"deep\" = 0]);
        pub struct Root {{ deep: Deep }}
        impl Checkpoint for Deep {{
            fn save(&self, saver: &mut Saver) {{ self.x.save(saver) }}
            fn restore(restorer: &mut Restorer) -> Option<Self> {{ Some(Self {{ x: u8::restore(restorer)? }}) }}
        }}
        fn main() {{ let mut s = Saver(vec![]); if let Some(d) = Deep::restore(&mut Restorer(vec![1])) {{
            d.save(&mut s); std::hint::black_box(&Root {{ deep: d }}); }} }}
        //{}",
        " "
    );
    let binary = compile(&source, Flavor::Debug);
    assert_eq!(lines(&cover(&binary, &[])), [""; 0]);
    let file = binary.parent().unwrap().join("src/main.rs");
    let written = std::fs::metadata(&file).unwrap().modified().unwrap();
    let cover_as = |text: String| {
        std::fs::write(&file, text).unwrap();
        let changed = std::fs::File::options().append(true).open(&file).unwrap();
        changed.set_modified(written).unwrap();
        lines(&cover(&binary, &[]))
    };
    let rule = "macro_rules! e { ($x:expr) => {}; ($x:ty) => {} } e!";
    for (before, one, after) in [
        ("fn f() { ", "(", ""),
        ("const X: bool = ", "!", "true;"),
        ("const X: u8 = 0", " + 1", ";"),
        ("type X = ", "A<", "u8;"),
        (&format!("{rule}{{"), "! ", "}"),
        (&format!("{rule}{{"), "& ", "}"),
        (&format!("{rule}{{"), "A<", "}"),
    ] {
        let text = |count: usize| format!("{source}\n{before}{}{after}", one.repeat(count));
        assert_eq!(cover_as(text(100_000)), ["cannot-see app::Root.deep"], "{before}{one}");
    }
    let some = format!("const X: [u8; 3] = [{}0, 1 << 1, 2];", "1 + ".repeat(200));
    assert_eq!(cover_as(format!("{source}\n{some}")), [""; 0]);
    assert_eq!(cover_as(source), [""; 0]);
}

/// Offset and length of a section of a 64-bit little-endian ELF file.
fn find_section(elf: &[u8], wanted: &str) -> (usize, usize) {
    let word = |at: usize, len: usize| {
        elf[at..at + len].iter().rev().fold(0_usize, |all, byte| all << 8 | usize::from(*byte))
    };
    let (table, size, count, names) = (word(0x28, 8), word(0x3a, 2), word(0x3c, 2), word(0x3e, 2));
    let header = |index: usize| table + index * size;
    let strings = word(header(names) + 0x18, 8);
    let index = (0..count)
        .find(|&index| {
            elf[strings + word(header(index), 4)..].starts_with(format!("{wanted}\0").as_bytes())
        })
        .unwrap();
    (word(header(index) + 0x18, 8), word(header(index) + 0x20, 8))
}

#[test]
fn damaged_locks_say_where_and_what_to_do() {
    let binary = compile(SOURCE, Flavor::Debug);
    let (text, _) = lock_text(&config(binary.clone())).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("checkpoint.lock");
    let options = DriftConfig { roots: vec!["app::Root".to_owned()], ..DriftConfig::default() };
    let check = |text: &str| {
        std::fs::write(&path, text).unwrap();
        drift(&path, &binary, &options)
    };
    assert_eq!(check(&text).unwrap().exit_code(), ExitCode::Clean);
    for (bad, expected) in [
        (text.replace("lock 1", "lock 2"), ":1: a lock of version 2"),
        (text.replace("root app", "<<<<<<< HEAD\nroot app"), ": conflict marker"),
        (text.replace("uncovered a", "uncovert a"), "`uncovert` is not something"),
        (text.replace("\nend\n", "\n"), "a part of it is missing"),
        (text.replace("struct", "strict"), "`strict` is not understood"),
        (text.replace("a: u32", "a u32"), "a field expected"),
        (text.replace("  uncovered a: u32\n", "  uncovered a: u32\n  uncovered a: u64\n"), "twice"),
    ] {
        assert_ne!(bad, text, "{expected}");
        let error = check(&bad).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("checkpoint.lock:"), "{error}");
        assert!(error.contains("samestate"), "{error}");
    }
    // Cut off anywhere, it is an error, or it is the whole.
    for len in (0..text.len() - 1).step_by(7) {
        assert!(check(&text[..len]).is_err(), "{len}: {}", &text[..len]);
    }
}

/// An ELF file for x86-64 with these sections and nothing else.
fn elf(sections: &[(&str, &[u8])]) -> Vec<u8> {
    let mut names = vec![0];
    let mut body = Vec::new();
    let mut table = vec![[0_u64; 4]];
    let mut add = |name: &str, kind: u64, bytes: &[u8], names: &mut Vec<u8>| {
        let at = 64 + body.len() as u64;
        table.push([names.len() as u64, kind, at, bytes.len() as u64]);
        names.extend_from_slice(name.as_bytes());
        names.push(0);
        body.extend_from_slice(bytes);
    };
    for (name, bytes) in sections {
        add(name, 1, bytes, &mut names);
    }
    names.extend_from_slice(b".shstrtab\0");
    let strings = names.clone();
    add(".shstrtab", 3, &strings, &mut names.clone());
    table.last_mut().unwrap()[0] = (strings.len() - ".shstrtab\0".len()) as u64;
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0".to_vec();
    file.extend_from_slice(&[0; 16]);
    file.extend_from_slice(&(64 + body.len() as u64).to_le_bytes());
    file.extend_from_slice(&[0, 0, 0, 0, 64, 0, 0, 0, 0, 0, 64, 0]);
    file.extend_from_slice(&(u16::try_from(table.len()).unwrap()).to_le_bytes());
    file.extend_from_slice(&(u16::try_from(table.len() - 1).unwrap()).to_le_bytes());
    file.extend_from_slice(&body);
    for [name, kind, offset, len] in table {
        file.extend_from_slice(&u32::try_from(name).unwrap().to_le_bytes());
        file.extend_from_slice(&u32::try_from(kind).unwrap().to_le_bytes());
        for word in [0, 0, offset, len, 0, 1, 0] {
            file.extend_from_slice(&word.to_le_bytes());
        }
    }
    file
}

/// One unit of version 4 with these abbreviations and entries.
fn dwarf(abbreviations: &[u8], entries: &[u8]) -> Vec<u8> {
    let mut info = u32::try_from(7 + entries.len()).unwrap().to_le_bytes().to_vec();
    info.extend_from_slice(&[4, 0, 0, 0, 0, 0, 8]);
    info.extend_from_slice(entries);
    elf(&[(".debug_abbrev", abbreviations), (".debug_info", &info)])
}

fn number(mut value: usize, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap());
}

#[test]
fn made_up_debug_information_costs_no_more_than_it_is_long() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("made-up");
    let report = |bytes: Vec<u8>| {
        std::fs::write(&path, bytes).unwrap();
        coverage(&config(path.clone())).unwrap()
    };
    // 1: unit; 2: alias, 3: struct, 4: member, 5: array, each with a name and a type in the unit.
    let mut abbreviations = vec![1, 0x11, 1, 0, 0];
    for (code, tag, children) in
        [(2, 0x16, 0), (3, 0x13, 1), (4, 0x0d, 0), (5, 0x01, 0), (6, 0x39, 1)]
    {
        abbreviations.extend([code, tag, children, 3, 8, 0x49, 0x13, 0, 0]);
    }
    abbreviations.push(0);
    let entry = |code: u8, name: &str, target: u32| {
        let mut bytes = vec![code];
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(&target.to_le_bytes());
        bytes
    };
    // An alias of itself, an array of itself, two structs that hold each other.
    let mut entries = vec![1];
    let mut at = Vec::new();
    for _ in 0..2 {
        // The first time only to learn the offsets.
        let target = |index: usize| at.get(index).copied().unwrap_or(0);
        let parts = [
            entry(2, "Alias", target(0)),
            entry(5, "", target(1)),
            [
                entry(6, "app", 0),
                entry(3, "Root", 0),
                entry(4, "a", target(0)),
                entry(4, "b", target(1)),
                entry(4, "c", target(3)),
                vec![0],
            ]
            .concat(),
            [entry(3, "Other", 0), entry(4, "root", target(4)), vec![0, 0]].concat(),
        ];
        entries = vec![1];
        at.clear();
        for part in &parts {
            at.push(u32::try_from(11 + entries.len()).unwrap());
            entries.extend_from_slice(part);
        }
        at.push(at[2] + u32::try_from(entry(6, "app", 0).len()).unwrap());
        entries.push(0);
    }
    let found = lines(&report(dwarf(&abbreviations, &entries)));
    assert!(found.contains(&"uncovered-field app::Root.c.root".to_owned()), "{found:?}");

    // An entry of one byte with a million attributes, and many of them.
    let mut wide = vec![1, 0x11, 1, 0, 0, 2, 0x24, 0];
    for _ in 0..1_000_000 {
        number(0x3c, &mut wide);
        number(0x19, &mut wide);
    }
    wide.extend([0, 0, 0]);
    let found = report(dwarf(&wide, &[&[1][..], &vec![2; 1_000_000][..]].concat()));
    assert!(
        found.findings.iter().any(|f| f.message.contains("more attributes")),
        "{:?}",
        lines(&found)
    );

    // A name of a megabyte, and a thousand scopes below it.
    let mut long = vec![1];
    long.extend(entry(6, &"x".repeat(1 << 20), 0));
    for _ in 0..1000 {
        long.extend(entry(6, "y", 0));
    }
    long.extend(vec![0; 1002]);
    let found = report(dwarf(&abbreviations, &long));
    assert!(
        found.findings.iter().any(|f| f.message.contains("a name of more than")),
        "{:?}",
        lines(&found)
    );

    // Twenty thousand units, each of which starts at another entry of one table of a megabyte.
    let mut table = Vec::new();
    let mut units = Vec::new();
    for code in 1..60_000_usize {
        if code < 20_000 {
            let start = u32::try_from(table.len()).unwrap().to_le_bytes();
            units.extend_from_slice(&8_u32.to_le_bytes());
            units.extend_from_slice(&[&[4, 0][..], &start, &[8, 0]].concat());
        }
        number(code, &mut table);
        table.extend([0x24, 0, 3, 8, 0x49, 0x13, 0x0b, 0x0b, 0x3e, 0x0b, 0, 0]);
    }
    table.push(0);
    let found = report(elf(&[(".debug_abbrev", &table), (".debug_info", &units)]));
    assert!(
        found.findings.iter().any(|f| f.message.contains("lie within each other")),
        "{:?}",
        lines(&found)
    );

    // A chain of aliases as long as the file.
    let mut chain = vec![1];
    for _ in 0..100_000 {
        let next = u32::try_from(11 + chain.len() + 6).unwrap();
        chain.extend(entry(2, "", next));
    }
    let found = report(dwarf(&abbreviations, &chain));
    assert!(found.is_incomplete(), "{:?}", lines(&found));
}

#[test]
fn offsets_that_lead_nowhere_are_told_with_the_place() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("made-up");
    let root = |bytes: Vec<u8>| {
        std::fs::write(&path, bytes).unwrap();
        coverage(&CoverageConfig { roots: vec!["app::Root".to_owned()], ..config(path.clone()) })
            .unwrap()
    };
    // 1: unit; 2: namespace, 3: struct, 4: member whose type is in the unit, 5: one whose type is
    // anywhere, 6: one whose name is among the strings.
    let mut abbreviations = vec![1, 0x11, 1, 0, 0, 2, 0x39, 1, 3, 8, 0, 0, 3, 0x13, 1, 3, 8, 0, 0];
    abbreviations.extend([4, 0x0d, 0, 3, 8, 0x49, 0x13, 0, 0]);
    abbreviations.extend([5, 0x0d, 0, 3, 8, 0x49, 0x10, 0, 0]);
    abbreviations.extend([6, 0x0d, 0, 3, 0x0e, 0x49, 0x13, 0, 0, 0]);
    let start = [&[1, 2][..], b"app\0", &[3], b"Root\0"].concat();
    let own = u32::try_from(11 + start.len() - 6).unwrap();
    let with = |member: &[u8]| root(dwarf(&abbreviations, &[&start, member, &[0, 0, 0]].concat()));
    let member = |code: u8, target: u32| [&[code][..], b"x\0", &target.to_le_bytes()].concat();
    let good = with(&member(4, own));
    assert_eq!(lines(&good), ["uncovered-field app::Root.x"], "{good:#?}");
    // Before the unit, inside of an entry, behind the end, far away.
    for target in [0, 3, own + 2, 5000, u32::MAX] {
        for code in [4, 5] {
            let report = with(&member(code, target));
            assert!(
                report.is_incomplete() || report.exit_code() == ExitCode::Findings,
                "{code} {target:#x}: {report:#?}"
            );
            assert!(!lines(&report).is_empty(), "{code} {target:#x}");
        }
    }
    // A name that is not among the strings, and entries of a kind that is not described.
    let name = [&[6][..], &u32::MAX.to_le_bytes(), &own.to_le_bytes()].concat();
    assert!(!lines(&with(&name)).is_empty());
    let unknown = with(&[99]);
    let told = unknown.findings.iter().find(|f| f.rule.id == "cannot-see");
    let told = told.map(|f| f.message.clone()).unwrap_or_default();
    assert!(told.contains("at offset 0x"), "{told}: {unknown:#?}");
}
