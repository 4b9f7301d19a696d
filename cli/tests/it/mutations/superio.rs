//! A board of someone else's devices: what fills a state struct, writes it down, reads it, and
//! empties it again, each with one field less.

use std::fs;
use std::path::{Path, PathBuf};

use super::skips::registry_source;
use super::{Mutation, Outcome, Subject, copy};
use crate::fixtures::{build_in, scratch, workspace};

/// The fields of each device.
const SERIAL: &[&str] = &[
    "baud_divisor_low",
    "baud_divisor_high",
    "interrupt_enable",
    "interrupt_identification",
    "line_control",
    "line_status",
    "modem_control",
    "modem_status",
    "scratch",
];
const CLOCK: &[&str] = &["lr", "offset", "mr", "imsc", "ris"];

/// What the board itself does: where, with which field, and what becomes of a part of it.
const BOARD: &[(&str, &str, &str)] = &[
    // No longer put into the state.
    ("Board.serial", "serial: self.serial.state(),", "serial: SerialState::default(),"),
    ("Board.clock", "clock: self.clock.state(),", "clock: RtcState::default(),"),
    ("Board.steps", "steps: self.steps }", "steps: 0 }"),
    // No longer written down.
    (
        "serial.baud_divisor_low",
        "[serial.baud_divisor_low, serial.baud_divisor_high]",
        "[0, serial.baud_divisor_high]",
    ),
    (
        "serial.baud_divisor_high",
        "[serial.baud_divisor_low, serial.baud_divisor_high]",
        "[serial.baud_divisor_low, 0]",
    ),
    (
        "serial.interrupt_enable",
        "[serial.interrupt_enable, serial.interrupt_identification]",
        "[0, serial.interrupt_identification]",
    ),
    (
        "serial.interrupt_identification",
        "[serial.interrupt_enable, serial.interrupt_identification]",
        "[serial.interrupt_enable, 1]",
    ),
    ("serial.line_control", "out.push(serial.line_control);", "out.push(3);"),
    ("serial.line_status", "out.push(serial.line_status);", ""),
    ("serial.modem_control", "out.push(serial.modem_control);", ""),
    (
        "serial.modem_status",
        "out.push(serial.modem_status);",
        "eprintln!(\"{}\", serial.modem_status);",
    ),
    ("serial.scratch", "out.push(serial.scratch);", "out.push(0);"),
    ("serial.in_buffer", "out.extend_from_slice(&serial.in_buffer);", ""),
    ("BoardState.clock", "encode_clock(&state.clock, out);", ""),
    ("clock.lr", "for word in [lr, mr, imsc, ris] {", "for word in [&0, mr, imsc, ris] {"),
    ("clock.mr", "for word in [lr, mr, imsc, ris] {", "for word in [lr, &0, imsc, ris] {"),
    ("clock.imsc", "for word in [lr, mr, imsc, ris] {", "for word in [lr, mr, &0, ris] {"),
    ("clock.ris", "for word in [lr, mr, imsc, ris] {", "for word in [lr, mr, imsc, imsc] {"),
    ("clock.offset", "out.extend(offset.to_le_bytes());", "out.extend([0; 8]);"),
    ("BoardState.steps", "out.extend(state.steps.to_le_bytes());", ""),
    // No longer read.
    ("serial.baud_divisor_low", "baud_divisor_low: bytes.byte()?,", "baud_divisor_low: 12,"),
    ("serial.baud_divisor_high", "baud_divisor_high: bytes.byte()?,", "baud_divisor_high: 0,"),
    ("serial.interrupt_enable", "interrupt_enable: bytes.byte()?,", "interrupt_enable: 0,"),
    (
        "serial.interrupt_identification",
        "interrupt_identification: bytes.byte()?,",
        "interrupt_identification: 1,",
    ),
    ("serial.line_control", "line_control: bytes.byte()?,", "line_control: 3,"),
    ("serial.line_status", "line_status: bytes.byte()?,", "line_status: 0x60,"),
    ("serial.modem_control", "modem_control: bytes.byte()?,", "modem_control: 8,"),
    ("serial.modem_status", "modem_status: bytes.byte()?,", "modem_status: 0xb0,"),
    ("serial.scratch", "scratch: bytes.byte()?,", "scratch: Default::default(),"),
    ("serial.in_buffer", "serial.in_buffer.push(bytes.byte()?);", "bytes.byte()?;"),
    ("clock.lr", "RtcState { lr, mr,", "RtcState { lr: 0, mr,"),
    ("clock.mr", "RtcState { lr, mr,", "RtcState { lr, mr: 0,"),
    ("clock.imsc", "imsc, ris, offset:", "imsc: 0, ris, offset:"),
    ("clock.ris", "imsc, ris, offset:", "imsc, ris: 0, offset:"),
    ("clock.offset", "offset: i64::from_le_bytes(bytes.take()?)", "offset: 0"),
    ("BoardState.steps", "steps: u64::from_le_bytes(bytes.take()?)", "steps: 0"),
    // No longer given back.
    (
        "Board.clock",
        "Rtc::from_state(&state.clock, Counts::default())",
        "Rtc::with_events(Counts::default())",
    ),
    ("Board.steps", "steps: state.steps,", "steps: 0,"),
];

/// A copy of the board and of its devices, built where they can be changed.
struct Copied {
    devices: PathBuf,
    board: PathBuf,
    manifest: PathBuf,
}

fn copied(name: &str) -> Option<Copied> {
    let fixture = workspace().join("cli/tests/fixtures/superio");
    let folder = scratch().join("mutations").join(name);
    let original = registry_source(&fixture.join("Cargo.toml"), "vm-superio")?;
    let devices = folder.join("devices");
    copy(&original, &devices);
    copy(&fixture.join("src"), &folder.join("src"));
    let manifest = folder.join("Cargo.toml");
    let text = "[package]\nname = \"board\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
        vm-superio = { path = \"devices\" }\n\n[workspace]\n";
    if fs::read_to_string(&manifest).ok().as_deref() != Some(text) {
        fs::write(&manifest, text).unwrap();
    }
    Some(Copied { devices: devices.join("src"), board: folder.join("src/main.rs"), manifest })
}

fn args() -> Vec<String> {
    let config = workspace().join("cli/tests/fixtures/superio/samestate.toml");
    vec!["--config".to_owned(), config.display().to_string()]
}

/// The board with each line of its, and of its devices', functions changed.
pub(super) fn superio() -> Option<Subject> {
    let copied = copied("superio")?;
    let program = build_in(&copied.manifest, &[], "mutated-board", "build-mutated");
    let mut mutations = Vec::new();
    let mut add = |file: &Path, field: String, from: &str, to: &str| {
        let what = format!("{field}: `{from}` became `{to}`");
        let (from, to) = (from.to_owned(), to.to_owned());
        mutations.push(Mutation { what, file: file.to_owned(), from, to, field, owner: None });
    };
    for (device, file, fields) in
        [("serial", "serial.rs", SERIAL), ("clock", "rtc_pl031.rs", CLOCK)]
    {
        let file = copied.devices.join(file);
        for field in fields {
            for side in ["self", "state"] {
                let from = format!(" {field}: {side}.{field},");
                add(&file, format!("{device}.{field}"), &from, &format!(" {field}: 0,"));
            }
        }
    }
    let serial = copied.devices.join("serial.rs");
    for from in ["Vec::from(self.in_buffer.clone())", "VecDeque::from(state.in_buffer.clone())"] {
        add(&serial, "serial.in_buffer".to_owned(), from, "Default::default()");
    }
    for (field, from, to) in BOARD {
        add(&copied.board, (*field).to_owned(), from, to);
    }
    Some(Subject { name: "vm-superio 0.8.2 (by hand)", program, args: args(), mutations })
}

/// What is put behind which part of a file, so that each struct has one more field.
const NEW_FIELDS: &[(&str, &str, &str)] = &[
    ("serial.rs", "    in_buffer: VecDeque<u8>,\n", "    waits: u8,\n"),
    ("serial.rs", "            interrupt_evt: trigger,\n", "            waits: 0,\n"),
    ("serial.rs", "    pub in_buffer: Vec<u8>,\n", "    /// New.\n    pub held: u8,\n"),
    ("serial.rs", "            in_buffer: Vec::new(),\n", "            held: 0,\n"),
    ("serial.rs", "            in_buffer: Vec::from(self.in_buffer.clone()),\n", "held: 0,\n"),
    ("rtc_pl031.rs", "    ris: u32,\n\n", "    waits: u8,\n"),
    ("rtc_pl031.rs", "            events: rtc_events,\n", "            waits: 0,\n"),
    ("rtc_pl031.rs", "    pub ris: u32,\n", "    /// New.\n    pub held: u8,\n"),
    ("rtc_pl031.rs", "            ris: 0,\n", "            held: 0,\n"),
    ("rtc_pl031.rs", "            ris: self.ris,\n", "            held: 0,\n"),
    ("main.rs", "    irq: PipeReader,\n", "    waits: u8,\n"),
    ("main.rs", "steps: state.steps, ", "waits: 0, "),
    ("main.rs", "    clock: RtcState,\n", "    held: u8,\n"),
    ("main.rs", "clock, steps: 0", ", held: 0"),
    ("main.rs", "steps: self.steps", ", held: 0"),
    ("main.rs", "        in_buffer: Vec::new(),\n", "        held: 0,\n"),
    ("main.rs", "let clock = RtcState { ", "held: 0, "),
    ("main.rs", "Ok(BoardState { serial, ", "held: 0, "),
    ("main.rs", "let RtcState { lr, offset, mr, imsc, ris", ", .."),
];

/// The board with a new field in each struct that is state.
pub(super) fn grown() -> Option<Outcome> {
    let copied = copied("grown")?;
    for (file, behind, new) in NEW_FIELDS {
        let folder = if *file == "main.rs" { copied.board.parent()? } else { &*copied.devices };
        let path = folder.join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(behind), "{file}: {behind}");
        fs::write(&path, text.replacen(behind, &format!("{behind}{new}"), 1)).unwrap();
    }
    let program = build_in(&copied.manifest, &[], "grown-board", "build-added");
    let name = "vm-superio 0.8.2, new fields";
    let subject = Subject { name, program, args: args(), mutations: Vec::new() };
    Some(subject.grown(&[
        "Board.serial.waits",
        "BoardState.serial.held",
        "Board.clock.waits",
        "BoardState.clock.held",
        "Board.waits",
        "BoardState.held",
    ]))
}
