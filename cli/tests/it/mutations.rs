//! How much is found: each saved field in turn is taken out of what is saved, and new fields are
//! added; every one must be a finding. A fixed sample runs with the tests; with
//! `SAMESTATE_MUTATIONS=all` all of them do, and `docs/MUTATIONS.md` is written anew.
//!
//! What is taken out of a saving function, or skipped by an attribute, changes no type. So the
//! program is built once, and its source keeps the time that it had.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::fixtures::{build, build_in, findings, report, samestate, scratch, workspace};

/// One change, and what must be found.
struct Mutation {
    /// What is done, for people.
    what: String,
    file: PathBuf,
    /// The only place of this text in the file …
    from: String,
    /// … becomes this.
    to: String,
    /// How the subject of the finding ends.
    field: String,
}

/// A program with the arguments that judge it.
struct Subject {
    name: &'static str,
    program: PathBuf,
    args: Vec<String>,
    mutations: Vec<Mutation>,
}

/// What came of a subject's mutations.
struct Outcome {
    name: &'static str,
    total: usize,
    survivors: Vec<String>,
    /// Findings besides the expected one.
    others: usize,
    clean: usize,
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            if entry.file_name() != "target" {
                copy(&entry.path(), &target);
            }
        } else if fs::read(entry.path()).ok() != fs::read(&target).ok() {
            let _ = fs::remove_file(&target);
            fs::write(&target, fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}

impl Subject {
    fn report(&self) -> Value {
        let mut args = vec!["coverage".to_owned(), self.program.display().to_string()];
        args.extend(self.args.iter().cloned());
        report(args)
    }

    fn run(&self, is_in_sample: impl Fn(usize) -> bool) -> Outcome {
        let clean: BTreeSet<String> = findings(&self.report()).into_iter().collect();
        let mut outcome = Outcome {
            name: self.name,
            total: 0,
            survivors: Vec::new(),
            others: 0,
            clean: clean.len(),
        };
        for (index, mutation) in self.mutations.iter().enumerate() {
            if !is_in_sample(index) {
                continue;
            }
            let text = fs::read_to_string(&mutation.file).unwrap();
            let places = text.matches(&mutation.from).count();
            assert_eq!(places, 1, "{}: `{}` is there {places} times", mutation.what, mutation.from);
            let written = fs::metadata(&mutation.file).unwrap().modified().unwrap();
            let put = |text: &str| {
                fs::write(&mutation.file, text).unwrap();
                let file = File::options().write(true).open(&mutation.file).unwrap();
                file.set_modified(written).unwrap();
            };
            put(&text.replace(&mutation.from, &mutation.to));
            let found = findings(&self.report());
            put(&text);
            let new: Vec<&String> = found.iter().filter(|line| !clean.contains(*line)).collect();
            outcome.total += 1;
            if new.iter().any(|line| line.ends_with(&mutation.field)) {
                outcome.others += new.len() - 1;
            } else {
                outcome.survivors.push(format!("{}: found {new:?}", mutation.what));
                outcome.others += new.len();
            }
        }
        outcome
    }
}

/// The machine of the examples, with each line of its saving functions dropped in turn.
fn machine() -> Subject {
    let folder = scratch().join("mutations/machine");
    copy(&workspace().join("examples/machine/src"), &folder.join("src"));
    let manifest = folder.join("Cargo.toml");
    let text =
        "[package]\nname = \"machine\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n";
    if fs::read_to_string(&manifest).ok().as_deref() != Some(text) {
        fs::write(&manifest, text).unwrap();
    }
    let program = build_in(&manifest, &[], "mutated-machine", "build-mutated");
    let config = workspace().join("examples/machine/samestate.toml");
    let mut mutations = Vec::new();
    for (file, field, from, to) in MACHINE {
        mutations.push(Mutation {
            what: format!("{field} is no longer saved"),
            file: folder.join("src").join(file),
            from: (*from).to_owned(),
            to: (*to).to_owned(),
            field: (*field).to_owned(),
        });
    }
    let args = vec!["--config".to_owned(), config.display().to_string()];
    Subject { name: "examples/machine (by hand)", program, args, mutations }
}

/// File, field, and what becomes of a part of a saving function.
const MACHINE: &[(&str, &str, &str, &str)] = &[
    ("machine.rs", "Machine.cpu", "self.cpu.save(&mut writer);", ""),
    ("machine.rs", "Machine.bus", "self.bus.save(&mut writer);", ""),
    ("machine.rs", "Machine.budget", "writer.u32(self.budget.cast_unsigned());", ""),
    ("cpu.rs", "cpu.a", "put!(writer, self, u8: a x y sp", "put!(writer, self, u8: x y sp"),
    ("cpu.rs", "cpu.x", "put!(writer, self, u8: a x y sp", "put!(writer, self, u8: a y sp"),
    ("cpu.rs", "cpu.y", "put!(writer, self, u8: a x y sp", "put!(writer, self, u8: a x sp"),
    ("cpu.rs", "cpu.sp", "put!(writer, self, u8: a x y sp", "put!(writer, self, u8: a x y"),
    (
        "cpu.rs",
        "cpu.pc",
        "put!(writer, self, u8: a x y sp, u16: pc, ",
        "put!(writer, self, u8: a x y sp, ",
    ),
    (
        "cpu.rs",
        "cpu.cycles",
        "put!(writer, self, u8: a x y sp, u16: pc, u64: cycles, ",
        "put!(writer, self, u8: a x y sp, u16: pc, ",
    ),
    (
        "cpu.rs",
        "cpu.stall",
        "u64: cycles, u32: stall, flag: is_halted);\n        save_flags",
        "u64: cycles, flag: is_halted);\n        save_flags",
    ),
    (
        "cpu.rs",
        "cpu.is_halted",
        "u32: stall, flag: is_halted);\n        save_flags",
        "u32: stall);\n        save_flags",
    ),
    ("cpu.rs", "cpu.flags", "save_flags(&self.flags, writer);", ""),
    ("cpu.rs", "flags.carry", "writer.flag(flags.carry);", ""),
    ("cpu.rs", "flags.zero", "writer.flag(flags.zero);", ""),
    ("cpu.rs", "flags.negative", "writer.flag(flags.negative);", ""),
    ("cpu.rs", "flags.overflow", "writer.flag(flags.overflow);", ""),
    ("cpu.rs", "flags.masked", "writer.flag(flags.masked);", "let _ = u8::from(flags.masked);"),
    ("bus.rs", "bus.ram", "writer.block(&self.ram);", ""),
    ("bus.rs", "bus.ram", "writer.block(&self.ram);", "writer.u32(self.ram.len() as u32);"),
    ("bus.rs", "bus.display", "display::save_display(&self.display, writer);", ""),
    ("bus.rs", "bus.devices", "device.save(writer);", ""),
    ("bus.rs", "bus.open", "writer.u8(self.open);", ""),
    (
        "bus.rs",
        "bus.locked",
        "self.locked.iter().for_each(|&is_locked| writer.flag(is_locked));",
        "",
    ),
    (
        "bus.rs",
        "bus.locked",
        "self.locked.iter().for_each(|&is_locked| writer.flag(is_locked));",
        "writer.flag(self.locked[0]);",
    ),
    ("bus.rs", "bus.pending", "writer.u32(self.pending);", "debug_assert_eq!(self.pending, 0);"),
    ("display.rs", "display.points", "writer.raw(&display.points);", ""),
    (
        "display.rs",
        "display.points",
        "writer.raw(&display.points);",
        "writer.raw(&display.points[..64]);",
    ),
    ("display.rs", "display.cursor", "writer.u8(display.cursor.0);", ""),
    ("display.rs", "display.cursor", "writer.u8(display.cursor.1);", ""),
    ("display.rs", "display.ink", "[display.ink, display.paper]", "[display.paper, display.paper]"),
    ("display.rs", "display.paper", "[display.ink, display.paper]", "[display.ink]"),
    ("display.rs", "display.frames", "writer.u32(display.frames);", ""),
    ("timer.rs", "}.slow", "self.slow.save(writer);", ""),
    ("timer.rs", "}.fast", "self.fast.save(writer);", ""),
    (
        "timer.rs",
        "slow.reload",
        "put!(writer, self, u16: reload counter,",
        "put!(writer, self, u16: counter,",
    ),
    (
        "timer.rs",
        "slow.counter",
        "put!(writer, self, u16: reload counter,",
        "put!(writer, self, u16: reload,",
    ),
    ("timer.rs", "slow.is_on", "flag: is_on repeats);\n    }", "flag: repeats);\n    }"),
    ("timer.rs", "slow.repeats", "flag: is_on repeats);\n    }", "flag: is_on);\n    }"),
    (
        "timer.rs",
        "slow.counter",
        "self.fast.save(writer);",
        "writer.u16(self.fast.reload); writer.flag(self.fast.is_on); writer.flag(self.fast.repeats);",
    ),
    ("timer.rs", "}.divider", "writer.u16(self.divider);", ""),
    ("timer.rs", "}.pending", "writer.u8(self.pending);", ""),
    ("timer.rs", "}.mask", "writer.u8(self.mask);", ""),
    ("timer.rs", "}.expired", "for count in self.expired {", "for count in [0_u32; 2] {"),
    ("timer.rs", "}.expired", "for count in self.expired {", "for count in [self.expired[1]] {"),
    ("noise.rs", "}.shift", "writer.u32(*shift);", ""),
    ("noise.rs", "}.taps", "writer.u32(*taps);", "writer.u32(0);"),
    ("noise.rs", "}.draws", "writer.u64(*draws);", "println!(\"{draws}\");"),
    ("console.rs", "}.input", "writer.block(&input);", ""),
    ("console.rs", "}.output", "writer.block(&self.output);", ""),
    ("console.rs", "}.pace", "writer.u32(self.pace);", ""),
    ("console.rs", "}.busy", "writer.u32(self.busy);", "if self.busy > 0 { writer.u32(0); }"),
    ("console.rs", "}.mode", "self.save_mode(writer);", ""),
    ("console.rs", "Loop.offset", "writer.u8(*offset);", ""),
];

/// The emulator core that saves with serde, with each field skipped in turn.
fn tetanes() -> Option<Subject> {
    let fixture = workspace().join("cli/tests/fixtures/tetanes");
    let folder = scratch().join("mutations/tetanes");
    let original = registry_source(&fixture.join("Cargo.toml"), "tetanes-core")?;
    let core = folder.join("core");
    copy(&original, &core);
    copy(&fixture.join("src"), &folder.join("src"));
    let manifest = folder.join("Cargo.toml");
    let text = "[package]\nname = \"harness-mutated\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
        tetanes-core = { path = \"core\", default-features = false }\n\n[workspace]\n";
    if fs::read_to_string(&manifest).ok().as_deref() != Some(text) {
        fs::write(&manifest, text).unwrap();
    }
    let program = build(&manifest, &[], "mutated-tetanes");
    let args = vec!["--root".to_owned(), "tetanes_core::bus::Bus".to_owned()];
    let mut all = vec!["lock".to_owned(), program.display().to_string()];
    all.extend(args.iter().cloned());
    all.extend(["--output".to_owned(), "-".to_owned()]);
    let lock = samestate(all).stdout;
    let mutations = skips(&lock, &core.join("src"));
    Some(Subject { name: "tetanes-core 0.17.0 (serde)", program, args, mutations })
}

/// Where cargo keeps the source of a dependency.
fn registry_source(manifest: &Path, package: &str) -> Option<PathBuf> {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--manifest-path"])
        .arg(manifest)
        .output()
        .ok()?;
    let metadata: Value = serde_json::from_slice(&output.stdout).ok()?;
    let packages = metadata["packages"].as_array()?;
    let found = packages.iter().find(|found| found["name"] == package)?;
    Path::new(found["manifest_path"].as_str()?).parent().map(Path::to_owned)
}

/// A skip for each field of a struct that the lock says is saved.
fn skips(lock: &str, source: &Path) -> Vec<Mutation> {
    let mut files = Vec::new();
    let mut queue = vec![source.to_owned()];
    while let Some(folder) = queue.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                queue.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                files.push((path, text));
            }
        }
    }
    files.sort();
    let mut mutations = Vec::new();
    let mut current: Option<String> = None;
    for line in lock.lines() {
        if let Some(name) = line.strip_prefix("struct ") {
            let path = name.trim_end_matches(" {").split('<').next().unwrap_or("");
            current = path.rsplit("::").next().map(str::to_owned);
        } else if line == "}" || line.starts_with("enum ") {
            current = None;
        } else if let (Some(ident), Some(rest)) = (&current, line.strip_prefix("  saved ")) {
            let Some((field, _)) = rest.split_once(": ") else { continue };
            if let Some(mutation) = skip(ident, field, &files) {
                mutations.push(mutation);
            }
        }
    }
    mutations
}

/// `#[serde(skip)]` on a named field of a struct whose derive serde reads.
fn skip(ident: &str, field: &str, files: &[(PathBuf, String)]) -> Option<Mutation> {
    let head = format!("pub struct {ident} {{");
    let holders: Vec<&(PathBuf, String)> =
        files.iter().filter(|(_, text)| text.matches(&head).count() == 1).collect();
    let [(file, text)] = holders[..] else { return None };
    let start = text.find(&head)?;
    // A hand-written impl takes no attributes.
    if text.contains(&format!("Serialize for {ident} ")) {
        return None;
    }
    let end = start + text[start..].find("\n}")?;
    let body = &text[start..end];
    let line = body.lines().find(|line| {
        let line = line.trim_start().trim_start_matches("pub ").trim_start_matches("pub(crate) ");
        line.starts_with(&format!("{field}:"))
    })?;
    let marked =
        line.replacen(line.trim_start(), &format!("#[serde(skip)] {}", line.trim_start()), 1);
    Some(Mutation {
        what: format!("{ident}.{field} is skipped"),
        file: file.clone(),
        from: body.to_owned(),
        to: body.replacen(line, &marked, 1),
        field: format!(".{field}"),
    })
}

/// New fields, in one build: each must be found.
const NEW_FIELDS: &[(&str, &str, &str, &str)] = &[
    ("cpu.rs", "cpu.waits", "    stall: u32,\n", "            stall: 0,\n"),
    ("noise.rs", "}.waits", "    draws: u64,\n", "draws: 0 }"),
    ("bus.rs", "bus.waits", "    open: u8,\n", "            open: 0,\n"),
    ("display.rs", "display.waits", "    frames: u32,\n", "            frames: 0,\n"),
    ("machine.rs", "Machine.waits", "    budget: i32,\n", "budget: 0, "),
];

fn added() -> Outcome {
    let folder = scratch().join("mutations/added");
    copy(&workspace().join("examples/machine/src"), &folder.join("src"));
    let manifest = folder.join("Cargo.toml");
    let text =
        "[package]\nname = \"machine\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n";
    fs::write(&manifest, text).unwrap();
    for (file, _, definition, literal) in NEW_FIELDS {
        let path = folder.join("src").join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(definition) && text.contains(literal), "{file}");
        let text = text.replacen(definition, &format!("{definition}    waits: u32,\n"), 1);
        let init = if literal.ends_with(" }") {
            literal.replace(" }", ", waits: 1 }")
        } else {
            format!("{literal}waits: 1, ")
        };
        let text = text.replacen(literal, &init, 1);
        // Elsewhere the value is made of what was read.
        let text = text.replace("draws: reader.u64()? }", "draws: reader.u64()?, waits: 0 }");
        let text =
            text.replace("let Self { shift, taps, draws }", "let Self { shift, taps, draws, .. }");
        fs::write(&path, text).unwrap();
    }
    let program = build_in(&manifest, &[], "added-machine", "build-added");
    let config = workspace().join("examples/machine/samestate.toml");
    let args = vec!["--config".to_owned(), config.display().to_string()];
    let subject =
        Subject { name: "examples/machine, new fields", program, args, mutations: Vec::new() };
    let found = findings(&subject.report());
    let mut survivors: Vec<String> =
        NEW_FIELDS.iter().map(|(_, field, ..)| (*field).to_owned()).collect();
    survivors.retain(|field| !found.iter().any(|line| line.ends_with(field.as_str())));
    let total = NEW_FIELDS.len();
    let others = found.len() - (total - survivors.len());
    Outcome { name: subject.name, total, survivors, others, clean: 0 }
}

fn is_all() -> bool {
    std::env::var_os("SAMESTATE_MUTATIONS").is_some_and(|value| value == "all")
}

fn check(outcomes: &[Outcome]) {
    for outcome in outcomes {
        assert!(outcome.total > 0, "{}: nothing was tried", outcome.name);
        assert_eq!(outcome.survivors, [""; 0], "{} of {}", outcome.name, outcome.total);
    }
}

#[test]
fn the_machine_is_clean_and_each_of_its_fields_is_missed() {
    let subject = machine();
    assert_eq!(findings(&subject.report()), [""; 0]);
    let every = if is_all() { 1 } else { 4 };
    let outcomes = [subject.run(|index| index % every == 0), added()];
    check(&outcomes);
    write("machine", &outcomes);
}

#[test]
fn each_field_that_serde_is_told_to_skip_is_missed() {
    let Some(subject) = tetanes() else {
        println!("skipped: the source of tetanes-core not found");
        return;
    };
    assert!(subject.mutations.len() > 150, "only {}", subject.mutations.len());
    let every = if is_all() { 1 } else { 19 };
    let outcomes = [subject.run(|index| index % every == 0)];
    check(&outcomes);
    write("tetanes", &outcomes);
}

/// Writes the part of the whole matrix that these outcomes are.
fn write(part: &str, outcomes: &[Outcome]) {
    if !is_all() {
        return;
    }
    let mut text = String::new();
    for outcome in outcomes {
        let found = outcome.total - outcome.survivors.len();
        let _ = writeln!(
            text,
            "| {} | {} | {found} of {} | {} | {} |",
            outcome.name,
            outcome.clean,
            outcome.total,
            outcome.others,
            if outcome.survivors.is_empty() {
                "none".to_owned()
            } else {
                outcome.survivors.join("; ")
            },
        );
    }
    let file = workspace().join("docs/MUTATIONS.md");
    let known = fs::read_to_string(&file).unwrap();
    let (start, end) = (format!("<!-- {part} -->\n"), format!("<!-- end of {part} -->"));
    let from = known.find(&start).unwrap() + start.len();
    let to = known.find(&end).unwrap();
    fs::write(&file, format!("{}{text}{}", &known[..from], &known[to..])).unwrap();
}
