//! The machine of the examples, which saves itself by hand.

use std::fs;

use super::{Mutation, Outcome, Subject, copy};
use crate::fixtures::{build_in, scratch, workspace};

/// The machine of the examples, with each line of its saving functions dropped in turn.
pub(super) fn machine() -> Subject {
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
            owner: None,
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

/// New fields, in one build: each must be found.
const NEW_FIELDS: &[(&str, &str, &str, &str)] = &[
    ("cpu.rs", "cpu.waits", "    stall: u32,\n", "            stall: 0,\n"),
    ("noise.rs", "}.waits", "    draws: u64,\n", "draws: 0 }"),
    ("bus.rs", "bus.waits", "    open: u8,\n", "            open: 0,\n"),
    ("display.rs", "display.waits", "    frames: u32,\n", "            frames: 0,\n"),
    ("machine.rs", "Machine.waits", "    budget: i32,\n", "budget: 0, "),
];

pub(super) fn added() -> Outcome {
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
    let fields: Vec<&str> = NEW_FIELDS.iter().map(|(_, field, ..)| *field).collect();
    subject.grown(&fields)
}
