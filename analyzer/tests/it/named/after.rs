//! What becomes of what was restored: it is set back, or a copy got it that is thrown away.

use super::{LOAD, MACHINE, SAVE};
use crate::build::{Flavor, compile, cover_with, lines};

/// Functions of the machine that work on it after it was loaded.
const MORE: &str = "
fn cpu_off(cpu: &mut Cpu) { cpu.a = 0; cpu.x = 0; }
impl Timer {
    fn new() -> Timer { Timer { count: 0, on: false } }
    fn stop(&mut self) { self.count = 0; self.halt(); }
    fn halt(&mut self) { self.on = false; }
    fn settle(&mut self) { if self.count == 0 { self.on = false; } }
    fn clamp(&mut self) { self.count = self.count.min(100); }
}
impl Root {
    fn reset(&mut self) { self.cpu.a = 0; self.one.stop(); self.names.clear(); }
    fn check(&self) -> bool { self.cpu.a < 200 }
    fn mirror(&mut self) { self.ram.fill(0); for at in 0..16 { self.ram[at] = self.names[&(at as u8)] as u8; } }
    fn sort(&mut self) { let mut names = std::mem::take(&mut self.names); names.retain(|k, _| *k > 0); self.names = names; }
}
";

fn found(load: &str) -> Vec<String> {
    let source = MACHINE.replace("SAVE", SAVE).replace("LOAD", load) + MORE;
    let settings = "roots = [\"app::Root\"]\nsave = [\"app::Root::save_all\"]\nrestore = [\"app::Root::load_all\"]";
    lines(&cover_with(&compile(&source, Flavor::Debug), settings))
}

/// What stands behind everything that restores the machine, and what must be found.
const AFTER: &[(&str, &[&str])] = &[
    // Set back.
    (
        "self.reset();",
        &[
            "save-without-restore app::Root.cpu.a",
            "save-without-restore app::Root.names",
            "save-without-restore app::Root.one.count",
            "save-without-restore app::Root.one.on",
        ],
    ),
    (
        "self.two.stop();",
        &["save-without-restore app::Root.one.count", "save-without-restore app::Root.one.on"],
    ),
    (
        "Timer::stop(&mut self.two);",
        &["save-without-restore app::Root.one.count", "save-without-restore app::Root.one.on"],
    ),
    ("cpu_off(&mut self.cpu);", &["save-without-restore app::Root.cpu"]),
    ("self.two = Timer::new();", &["save-without-restore app::Root.two"]),
    ("let two = &mut self.two; *two = Timer::new();", &["save-without-restore app::Root.two"]),
    ("std::mem::take(&mut self.names);", &["save-without-restore app::Root.names"]),
    (
        "let _ = std::mem::replace(&mut self.names, BTreeMap::new());",
        &["save-without-restore app::Root.names"],
    ),
    ("self.names.clear();", &["save-without-restore app::Root.names"]),
    ("self.ram.fill(0);", &["save-without-restore app::Root.ram"]),
    ("self.ram = [0; 16];", &["save-without-restore app::Root.ram"]),
    ("for b in &mut self.ram { *b = 0; }", &["save-without-restore app::Root.ram"]),
    ("self.devices.clear();", &["save-without-restore app::Root.devices"]),
    // The function ends before that sometimes, but nothing is restored there.
    ("if r.at > 4 { return; } self.ram = [0; 16];", &["save-without-restore app::Root.ram"]),
    (
        "match r.at { 0 => r.fill(&mut self.ram), _ => return } self.ram = [0; 16];",
        &["save-without-restore app::Root.ram"],
    ),
    (
        "(0..1).for_each(|_| { if r.at > 4 { r.fill(&mut self.ram); return; } }); self.ram = [0; 16];",
        &["save-without-restore app::Root.ram"],
    ),
    // Not, or not for sure, or computed from what was restored.
    ("let _ = self.check();", &[]),
    ("if !self.check() { self.reset(); }", &[]),
    ("if r.u8() == 0 { self.two.stop(); return; }", &[]),
    ("if r.u8() > 0 { self.two = Timer::take(r); return; } self.two = Timer::new();", &[]),
    ("for b in &mut self.ram { if r.at > 4 { *b = r.u8(); continue; } *b = 0; }", &[]),
    ("let Some(_) = self.names.get(&1) else { self.reset(); return; };", &[]),
    ("while r.u8() > 0 { self.names.clear(); }", &[]),
    ("self.two.settle();", &[]),
    ("self.two.clamp();", &[]),
    ("self.cpu.a = self.cpu.a & 0x7f;", &[]),
    ("self.cpu.a &= 0x7f;", &[]),
    ("self.mirror();", &[]),
    ("self.sort();", &[]),
    ("let names = std::mem::take(&mut self.names); self.names = names;", &[]),
    ("self.two.stop(); self.two.fill(r);", &[]),
    ("self.two = Timer::new(); self.two.fill(r);", &[]),
    ("self.two.on = false; self.two = Timer::take(r);", &[]),
    ("(self.cpu.a, self.cpu.x) = (r.u8(), r.u8());", &[]),
    ("let a = self.cpu.a; let mut a = a; a = 0; let _ = a;", &[]),
    ("let mut scratch = Timer::new(); scratch.stop();", &[]),
    ("let mut names = self.names.clone(); names.clear();", &[]),
];

/// What comes before everything that restores the machine.
const BEFORE: &[&str] = &[
    "self.reset();",
    "*self = Root { cpu: Cpu { a: 0, x: 0 }, ram: [0; 16], pair: (0, 0), one: Timer::new(),
        two: Timer::new(), mode: Mode::Off, devices: std::mem::take(&mut self.devices),
        names: BTreeMap::new() };",
    "self.names.clear(); self.one.stop(); self.two.stop();",
];

#[test]
fn what_is_set_back_after_it_was_restored_is_lost() {
    let mut wrong = Vec::new();
    for (after, expected) in AFTER {
        let found = found(&format!("{LOAD}\n    {after}"));
        if found != *expected {
            wrong.push(format!("{after}: {found:?}"));
        }
    }
    for before in BEFORE {
        let found = found(&format!("{before}\n    {LOAD}"));
        if !found.is_empty() {
            wrong.push(format!("{before}: {found:?}"));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

/// What stands in the place of what restores a part, and what must be found.
const COPIES: &[(&str, &str, &[&str])] = &[
    // A copy is filled, and thrown away.
    (
        "self.two = Timer::take(r);",
        "let mut two = Timer { ..self.two }; two.fill(r);",
        &["save-without-restore app::Root.two"],
    ),
    (
        "r.fill(&mut self.ram);",
        "let mut ram = self.ram; r.fill(&mut ram);",
        &["save-without-restore app::Root.ram"],
    ),
    (
        "r.fill(&mut self.ram);",
        "let mut ram = self.ram.clone(); r.fill(&mut ram);",
        &["save-without-restore app::Root.ram"],
    ),
    (
        "self.cpu.a = r.u8(); self.cpu.x = r.u8();",
        "let mut a = self.cpu.a; a = r.u8(); let _ = a; self.cpu.x = r.u8();",
        &["save-without-restore app::Root.cpu.a"],
    ),
    (
        "for _ in 0..r.u32() { let k = r.u8(); let v = r.u32(); self.names.insert(k, v); }",
        "let mut names = self.names.clone(); for _ in 0..r.u32() { let k = r.u8(); names.insert(k, r.u32()); }",
        &["save-without-restore app::Root.names"],
    ),
    // It is put back, or it is no copy.
    (
        "r.fill(&mut self.ram);",
        "let mut ram = self.ram.clone(); r.fill(&mut ram); self.ram = ram;",
        &[],
    ),
    ("r.fill(&mut self.ram);", "let ram = &mut self.ram; r.fill(ram);", &[]),
    ("r.fill(&mut self.ram);", "let ref mut ram = self.ram; r.fill(ram);", &[]),
    (
        "self.cpu.a = r.u8(); self.cpu.x = r.u8();",
        "let cpu = &mut self.cpu; let a = &mut cpu.a; *a = r.u8(); let Cpu { x, .. } = cpu; *x = r.u8();",
        &[],
    ),
    (
        "for _ in 0..r.u32() { let k = r.u8(); let v = r.u32(); self.names.insert(k, v); }",
        "let mut names = std::mem::take(&mut self.names); for _ in 0..r.u32() {
            let k = r.u8(); names.insert(k, r.u32()); } self.names = names;",
        &[],
    ),
];

#[test]
fn a_copy_that_is_filled_and_not_put_back_restores_nothing() {
    for (part, other, expected) in COPIES {
        let load = LOAD.replace(part, other);
        assert_ne!(load, LOAD, "{part}");
        assert_eq!(found(&load), *expected, "{other}");
    }
}

/// A machine whose parts are shared: what a clone of a pointer is filled with, all see.
const SHARED: &str = "
use std::cell::RefCell;
use std::rc::Rc;
pub struct Bus { at: u8 }
impl Bus { fn load(&mut self, r: &mut &[u8]) { self.at = get(r); } }
pub struct Root { bus: Rc<RefCell<Bus>> }
fn get(r: &mut &[u8]) -> u8 { let (first, rest) = r.split_first().unwrap(); *r = rest; *first }
impl Root {
    pub fn save(&self, w: &mut Vec<u8>) { w.push(self.bus.borrow().at); }
    pub fn load(&mut self, r: &mut &[u8]) { let bus = self.bus.clone(); bus.borrow_mut().load(r); }
}
fn main() {
    let mut root = Root { bus: Rc::new(RefCell::new(Bus { at: std::process::id() as u8 })) };
    let mut w = Vec::new();
    root.save(&mut w);
    root.load(&mut &w[..]);
    std::hint::black_box(&root);
}
";

#[test]
fn a_clone_of_a_shared_pointer_is_no_copy() {
    let settings = "roots = [\"app::Root\"]\nsave = [\"Root::save\"]\nrestore = [\"Root::load\"]";
    assert_eq!(lines(&cover_with(&compile(SHARED, Flavor::Debug), settings)), [""; 0]);
}

/// A machine with a text in it.
fn found_with_text(after: &str) -> Vec<String> {
    let source = MACHINE
        .replace("SAVE", &format!("{SAVE} w.bytes(self.label.as_bytes());"))
        .replace(
            "LOAD",
            &format!("{LOAD} self.label = (0..r.u32()).map(|_| r.u8() as char).collect(); {after}"),
        )
        .replace("names: BTreeMap<u8, u32>,", "names: BTreeMap<u8, u32>, label: String,")
        .replace("Root { cpu:", "Root { label: String::new(), cpu:");
    let settings = "roots = [\"app::Root\"]\nsave = [\"app::Root::save_all\"]\nrestore = [\"app::Root::load_all\"]";
    lines(&cover_with(&compile(&(source + MORE), Flavor::Debug), settings))
}

#[test]
fn methods_that_leave_something_of_a_value_set_nothing_back() {
    let lost = "save-without-restore app::Root.label";
    for (after, expected) in [
        ("self.label.clear();", &[lost][..]),
        ("self.label.drain(..);", &[lost]),
        ("self.label.drain(..1);", &[]),
        ("let n = self.label.replace(\"a\", \"b\").len(); let _ = n;", &[]),
    ] {
        assert_eq!(found_with_text(after), expected, "{after}");
    }
}
