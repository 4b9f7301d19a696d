//! Functions that samestate.toml names, of programs that have never heard of us.

mod after;

use crate::build::{Flavor, compile, cover_with, lines};

/// A machine with parts of every kind; `SAVE` and `LOAD` are what its own functions do.
const MACHINE: &str = "
use std::collections::BTreeMap;
pub struct Writer { out: Vec<u8> }
impl Writer {
    fn u8(&mut self, v: u8) { self.out.push(v); }
    fn u32(&mut self, v: u32) { self.out.extend(v.to_le_bytes()); }
    fn bytes(&mut self, v: &[u8]) { self.out.extend(v); }
    fn cpu(&mut self, cpu: &Cpu) { self.u8(cpu.a); self.u8(cpu.x); }
}
pub struct Reader { data: Vec<u8>, at: usize }
impl Reader {
    fn u8(&mut self) -> u8 { self.at += 1; self.data[self.at - 1] }
    fn u32(&mut self) -> u32 { u32::from(self.u8()) << 24 | u32::from(self.u8()) }
    fn fill(&mut self, to: &mut [u8]) { for b in to { *b = self.u8(); } }
    fn cpu(&mut self, cpu: &mut Cpu) { cpu.a = self.u8(); cpu.x = self.u8(); }
}
pub struct Cpu { a: u8, x: u8 }
pub struct Timer { count: u32, on: bool }
pub enum Mode { Off, Run { speed: u8 } }
pub trait Device { fn save(&self, w: &mut Writer); fn load(&mut self, r: &mut Reader); }
pub struct Uart { fifo: Vec<u8> }
impl Device for Uart {
    fn save(&self, w: &mut Writer) { w.u32(self.fifo.len() as u32); w.bytes(&self.fifo); }
    fn load(&mut self, r: &mut Reader) { let n = r.u32(); self.fifo = (0..n).map(|_| r.u8()).collect(); }
}
pub struct Rng { seed: u32 }
impl Device for Rng {
    fn save(&self, w: &mut Writer) { w.u32(self.seed); }
    fn load(&mut self, r: &mut Reader) { self.seed = r.u32(); }
}
pub struct Root {
    cpu: Cpu, ram: [u8; 16], pair: (u8, u32), one: Timer, two: Timer, mode: Mode,
    devices: Vec<Box<dyn Device>>, names: BTreeMap<u8, u32>,
}
macro_rules! put { ($w:ident, $($v:expr),*) => { $($w.u8($v);)* } }
macro_rules! list { ($of:expr, $w:ident, $($field:ident)*) => { $($w.u8($of.$field);)* } }
macro_rules! fill { ($of:expr, $r:ident: $($field:ident)*) => { $($of.$field = $r.u8();)* } }
fn save_cpu(cpu: &Cpu, w: &mut Writer) { w.u8(cpu.a); w.u8(cpu.x); }
fn load_cpu(cpu: &mut Cpu, r: &mut Reader) { cpu.a = r.u8(); cpu.x = r.u8(); }
impl Timer {
    fn put(&self, w: &mut Writer) { w.u32(self.count); w.u8(u8::from(self.on)); }
    fn fill(&mut self, r: &mut Reader) { self.count = r.u32(); self.on = r.u8() != 0; }
    fn take(r: &mut Reader) -> Timer { Timer { count: r.u32(), on: r.u8() != 0 } }
}
impl Root {
    pub fn save_all(&self, w: &mut Writer) { SAVE }
    pub fn load_all(&mut self, r: &mut Reader) { LOAD }
}
fn main() {
    let mut w = Writer { out: vec![] };
    let mut root = Root { cpu: Cpu { a: 1, x: 2 }, ram: [0; 16], pair: (1, 2),
        one: Timer { count: 1, on: true }, two: Timer { count: 2, on: false },
        mode: if std::env::args().count() > 1 { Mode::Off } else { Mode::Run { speed: 1 } },
        devices: vec![Box::new(Uart { fifo: vec![] }), Box::new(Rng { seed: 1 })], names: BTreeMap::new() };
    root.save_all(&mut w);
    root.load_all(&mut Reader { data: w.out, at: 0 });
    std::hint::black_box(&root);
}
";

const SAVE: &str = "
    w.u8(self.cpu.a); w.u8(self.cpu.x);
    w.bytes(&self.ram);
    w.u8(self.pair.0); w.u32(self.pair.1);
    self.one.put(w);
    self.two.put(w);
    match &self.mode { Mode::Off => w.u8(0), Mode::Run { speed } => { w.u8(1); w.u8(*speed); } }
    for device in &self.devices { device.save(w); }
    w.u32(self.names.len() as u32);
    for (k, v) in &self.names { w.u8(*k); w.u32(*v); }
";
const LOAD: &str = "
    self.cpu.a = r.u8(); self.cpu.x = r.u8();
    r.fill(&mut self.ram);
    self.pair = (r.u8(), r.u32());
    self.one = Timer::take(r);
    self.two = Timer::take(r);
    self.mode = if r.u8() == 0 { Mode::Off } else { Mode::Run { speed: r.u8() } };
    for device in &mut self.devices { device.load(r); }
    for _ in 0..r.u32() { let k = r.u8(); let v = r.u32(); self.names.insert(k, v); }
";

fn found(save: &str, load: &str) -> Vec<String> {
    let source = MACHINE.replace("SAVE", save).replace("LOAD", load);
    let settings =
        "roots = [\"app::Root\"]\nsave = [\"app::Root::save_all\"]\nrestore = [\"Root::load_*\"]";
    lines(&cover_with(&compile(&source, Flavor::Debug), settings))
}

/// What stands in the place of a part of `SAVE` or of `LOAD`, and what must be found.
const CASES: &[(&str, &str, &[&str])] = &[
    // Other ways to say the same.
    ("w.u8(self.cpu.a); w.u8(self.cpu.x);", "save_cpu(&self.cpu, w);", &[]),
    ("w.u8(self.cpu.a); w.u8(self.cpu.x);", "w.cpu(&self.cpu);", &[]),
    ("w.u8(self.cpu.a); w.u8(self.cpu.x);", "put!(w, self.cpu.a, self.cpu.x);", &[]),
    ("w.u8(self.cpu.a); w.u8(self.cpu.x);", "list!(self.cpu, w, a x);", &[]),
    (
        "w.u8(self.cpu.a); w.u8(self.cpu.x);",
        "let Cpu { a, x } = &self.cpu; w.u8(*a); w.u8(*x);",
        &[],
    ),
    ("w.u8(self.cpu.a); w.u8(self.cpu.x);", "let c = &self.cpu; w.bytes(&[c.a, c.x]);", &[]),
    ("w.bytes(&self.ram);", "for b in self.ram.iter() { w.u8(*b); }", &[]),
    ("w.bytes(&self.ram);", "w.bytes(&self.ram[..8]); w.bytes(&self.ram[8..]);", &[]),
    ("self.one.put(w);", "w.u32(self.one.count); w.u8(self.one.on as u8);", &[]),
    (
        "self.one.put(w);\n    self.two.put(w);",
        "for t in [&self.one, &self.two] { t.put(w); }",
        &[],
    ),
    (
        "for device in &self.devices { device.save(w); }",
        "self.devices.iter().for_each(|d| d.save(w));",
        &[],
    ),
    ("self.cpu.a = r.u8(); self.cpu.x = r.u8();", "load_cpu(&mut self.cpu, r);", &[]),
    ("self.cpu.a = r.u8(); self.cpu.x = r.u8();", "r.cpu(&mut self.cpu);", &[]),
    (
        "self.cpu.a = r.u8(); self.cpu.x = r.u8();",
        "let a = r.u8(); let x = r.u8(); self.cpu = Cpu { a, x };",
        &[],
    ),
    (
        "self.cpu.a = r.u8(); self.cpu.x = r.u8();",
        "for v in [&mut self.cpu.a, &mut self.cpu.x] { *v = r.u8(); }",
        &[],
    ),
    ("self.cpu.a = r.u8(); self.cpu.x = r.u8();", "fill!(self.cpu, r: a x);", &[]),
    (
        "w.u8(self.cpu.a); w.u8(self.cpu.x);",
        "let mut own = Writer { out: vec![] }; save_cpu(&self.cpu, &mut own); w.bytes(&own.out);",
        &[],
    ),
    (
        "self.one.put(w);",
        "let mut own = Writer { out: vec![] }; self.one.put(&mut own); for b in &own.out { w.u8(*b); }",
        &[],
    ),
    // Written to something that is thrown away, or only measured.
    (
        "w.u8(self.cpu.a); w.u8(self.cpu.x);",
        "let mut own = Writer { out: vec![] }; save_cpu(&self.cpu, &mut own);",
        &["restore-without-save app::Root.cpu.a", "restore-without-save app::Root.cpu.x"],
    ),
    (
        "self.one.put(w);",
        "let mut own = Writer { out: vec![] }; self.one.put(&mut own); w.u32(own.out.len() as u32);",
        &["restore-without-save app::Root.one.count", "restore-without-save app::Root.one.on"],
    ),
    // Forgotten on one side or the other.
    (
        "self.cpu.a = r.u8(); self.cpu.x = r.u8();",
        "fill!(self.cpu, r: a);",
        &["save-without-restore app::Root.cpu.x"],
    ),
    ("w.u8(self.cpu.x);", "", &["restore-without-save app::Root.cpu.x"]),
    (
        "w.u8(self.cpu.a); w.u8(self.cpu.x);",
        "list!(self.cpu, w, x);",
        &["restore-without-save app::Root.cpu.a"],
    ),
    ("w.bytes(&self.ram);", "", &["restore-without-save app::Root.ram"]),
    ("w.bytes(&self.ram);", "w.bytes(&self.ram[..8]);", &["partly-saved app::Root.ram"]),
    ("w.bytes(&self.ram);", "w.u8(self.ram[3]);", &["partly-saved app::Root.ram"]),
    ("w.u32(self.pair.1);", "", &["partly-saved app::Root.pair"]),
    ("self.two.put(w);", "", &["restore-without-save app::Root.two"]),
    ("self.two.put(w);", "w.u32(self.two.count);", &["restore-without-save app::Root.one.on"]),
    ("w.u8(*speed);", "", &["restore-without-save app::Root.mode::Run.speed"]),
    ("device.save(w);", "", &["restore-without-save app::Root.devices"]),
    ("w.u32(*v);", "", &["partly-saved app::Root.names"]),
    (
        "w.u8(self.cpu.x);",
        "println!(\"{}\", self.cpu.x);",
        &["restore-without-save app::Root.cpu.x"],
    ),
    (
        "w.u8(self.cpu.x);",
        "let old = self.cpu.x + 1; let _ = old;",
        &["restore-without-save app::Root.cpu.x"],
    ),
    ("self.cpu.x = r.u8();", "r.u8();", &["save-without-restore app::Root.cpu.x"]),
    ("r.fill(&mut self.ram);", "", &["save-without-restore app::Root.ram"]),
    (
        "self.mode = if r.u8() == 0 { Mode::Off } else { Mode::Run { speed: r.u8() } };",
        "r.u8();",
        &["save-without-restore app::Root.mode"],
    ),
];

/// What stands in the place of what restores both timers, and what must be found.
const PLACES: &[(&str, &[&str])] = &[
    ("self.one.fill(r); self.two.fill(r);", &[]),
    ("for t in [&mut self.one, &mut self.two] { t.fill(r); }", &[]),
    ("self.one = Timer::take(r); self.two.fill(r);", &[]),
    ("self.one.fill(r); self.two = Timer::take(r);", &[]),
    ("self.one.fill(r); let two = &mut self.two; two.count = r.u32(); two.on = r.u8() != 0;", &[]),
    (
        "self.one.fill(r); let this = &mut *self; this.two.count = r.u32(); this.two.on = r.u8() != 0;",
        &[],
    ),
    (
        "self.one.fill(r); let mut two = Timer { count: 0, on: false }; two.fill(r); self.two = two;",
        &[],
    ),
    ("let (one, two) = (&mut self.one, &mut self.two); one.fill(r); two.fill(r);", &[]),
    // What fills the one says nothing of the other.
    ("self.one.fill(r); self.two.count = r.u32();", &["save-without-restore app::Root.one.on"]),
    ("self.two.fill(r); self.one.on = r.u8() != 0;", &["save-without-restore app::Root.one.count"]),
    (
        "self.one = Timer::take(r); let two = &mut self.two; two.on = r.u8() != 0;",
        &["save-without-restore app::Root.one.count"],
    ),
    (
        "self.one.fill(r); self.two.fill(r); self.two.on = false;",
        &["save-without-restore app::Root.one.on"],
    ),
    (
        "self.one = Timer::take(r); self.two = Timer::take(r); self.two.on = false;",
        &["save-without-restore app::Root.one.on"],
    ),
    (
        "self.two = Timer::take(r); self.two.on = false; self.two.on = r.u8() != 0; self.one.fill(r);",
        &[],
    ),
    (
        "self.one.fill(r); self.two.on = false;",
        &["save-without-restore app::Root.two", "save-without-restore app::Root.one.on"],
    ),
    ("self.one.fill(r);", &["save-without-restore app::Root.two"]),
];

#[test]
fn a_field_is_restored_only_where_it_is_filled() {
    let both = "self.one = Timer::take(r);\n    self.two = Timer::take(r);";
    for (other, expected) in PLACES {
        let load = LOAD.replace(both, other);
        assert_ne!(load, LOAD);
        assert_eq!(found(SAVE, &load), *expected, "{other}");
    }
    let load = LOAD.replace(both, "self.one.fill(r); self.two.count = r.u32();");
    let source = MACHINE.replace("SAVE", SAVE).replace("LOAD", &load);
    let settings =
        "roots = [\"app::Root\"]\nsave = [\"Root::save_all\"]\nrestore = [\"Root::load_all\"]";
    let report = cover_with(&compile(&source, Flavor::Debug), settings);
    let details = report.findings[0].details.join("\n");
    assert!(details.contains("restored elsewhere, but not at `app::Root.two`"), "{details}");
}

#[test]
fn named_functions_are_followed_to_every_field() {
    assert_eq!(found(SAVE, LOAD), [""; 0]);
    for (part, other, expected) in CASES {
        let (save, load) = (SAVE.replace(part, other), LOAD.replace(part, other));
        assert!(save != SAVE || load != LOAD, "{part} is in neither");
        assert_eq!(found(&save, &load), *expected, "{part} became {other}");
    }
}

#[test]
fn forgotten_on_both_sides_is_uncovered() {
    let save = SAVE.replace("w.u8(self.cpu.x);", "").replace("w.bytes(&self.ram);", "");
    let load = LOAD.replace("self.cpu.x = r.u8();", "").replace("r.fill(&mut self.ram);", "");
    let expected = ["uncovered-field app::Root.cpu.x", "uncovered-field app::Root.ram"];
    assert_eq!(found(&save, &load), expected);
    // Nobody is told to use our derive who saves by hand, not even where nothing is known.
    let save = save.replace("self.two.put(w);", "w.opaque(&self.two);");
    let source = MACHINE.replace("SAVE", &save).replace("LOAD", &load);
    let source = source
        .replace("two: Timer,", "two: Spare, more: Vec<Spare>,")
        .replace("two: Timer { count: 2, on: false }", "two: Spare { s: 1 }, more: vec![]")
        + "pub struct Spare { s: u8 } impl Writer { fn opaque(&mut self, _: &Spare) {} }
        impl Spare { fn take(_: &mut Reader) -> Spare { Spare { s: 0 } } }";
    let source = source.replace("self.two = Timer::take(r)", "self.two = Spare::take(r)");
    let settings =
        "roots = [\"app::Root\"]\nsave = [\"Root::save_all\"]\nrestore = [\"Root::load_all\"]";
    let report = cover_with(&compile(&source, Flavor::Debug), settings);
    let told = |finding: &samestate_report::Finding| finding.help.clone().unwrap_or_default();
    assert!(report.findings.len() > 3, "{report:#?}");
    assert!(report.findings.iter().all(|f| !told(f).contains("heckpoint")), "{report:#?}");
}

#[test]
fn a_pattern_that_names_no_function_is_a_finding() {
    let source = MACHINE.replace("SAVE", SAVE).replace("LOAD", LOAD);
    let settings = "roots = [\"app::Root\"]\nsave = [\"app::Root::save_all\", \"app::Root::store\"]
        restore = [\"app::Root::load_all\"]";
    let found = lines(&cover_with(&compile(&source, Flavor::Debug), settings));
    assert_eq!(found, ["stale-treatment app::Root::store"]);
}

/// A machine that is made anew of an image; `LOAD` is how.
const MADE: &str = "
#[derive(Default)] pub struct Cpu { a: u8, x: u8 }
#[derive(Default)] pub struct Timer { count: u8, on: bool }
#[derive(Default)] pub struct Machine { cpu: Cpu, timer: Timer, other: Timer, at: u8 }
fn get(r: &mut &[u8]) -> u8 { let (first, rest) = r.split_first().unwrap(); *r = rest; *first }
impl Cpu { fn load(&mut self, r: &mut &[u8]) { self.a = get(r); self.x = get(r); } }
impl Timer { fn load(&mut self, r: &mut &[u8]) -> Result<(), ()> { self.count = get(r); self.on = get(r) != 0; Ok(()) } }
impl Machine {
    pub fn save(&self, w: &mut Vec<u8>) {
        w.push(self.cpu.a); w.push(self.cpu.x); w.push(self.timer.count);
        w.push(u8::from(self.timer.on)); w.push(self.other.count); w.push(u8::from(self.other.on));
        w.push(self.at);
    }
    pub fn load(r: &mut &[u8]) -> Self { LOAD }
}
fn main() {
    let mut w = vec![];
    std::hint::black_box(Machine::default()).save(&mut w);
    std::hint::black_box(Machine::load(&mut &w[..]));
}
";

/// What stands for `LOAD`, and what must be found.
const MAKING: &[(&str, &[&str])] = &[
    (
        "let mut t = Self::default(); t.cpu.load(r); t.timer.load(r).unwrap();
            t.other.load(r).unwrap(); t.at = get(r); t",
        &[],
    ),
    (
        "let mut t = Machine::default(); t.at = get(r); Timer::load(&mut t.other, r).unwrap();
            Timer::load(&mut t.timer, r).unwrap(); Cpu::load(&mut t.cpu, r); t",
        &[],
    ),
    (
        "let mut cpu = Cpu::default(); cpu.load(r); let mut timer = Timer::default();
            timer.load(r).unwrap(); let mut other = Timer::default(); other.load(r).unwrap();
            Self { cpu, timer, other, at: get(r) }",
        &[],
    ),
    (
        "let mut t = Self::default(); t.timer.load(r).unwrap(); t.other.load(r).unwrap();
            t.at = get(r); t",
        &["save-without-restore app::Machine.cpu"],
    ),
    (
        "let mut t = Self::default(); t.cpu.load(r); t.timer.load(r).unwrap(); t.at = get(r); t",
        &["save-without-restore app::Machine.other"],
    ),
    (
        "let mut t = Self::default(); t.at = get(r); t.cpu.a = get(r);
            Timer::load(&mut t.timer, r).unwrap(); Timer::load(&mut t.other, r).unwrap(); t",
        &["save-without-restore app::Machine.cpu.x"],
    ),
];

#[test]
fn a_value_that_is_filled_part_by_part_is_restored() {
    let settings =
        "roots = [\"app::Machine\"]\nsave = [\"Machine::save\"]\nrestore = [\"Machine::load\"]";
    for (load, expected) in MAKING {
        let built = compile(&MADE.replace("LOAD", load), Flavor::Debug);
        assert_eq!(lines(&cover_with(&built, settings)), *expected, "{load}");
    }
}

/// The machine with its functions in modules, imported under other names; `LOAD` is how.
const IMPORTED: &str = "
mod parts {
    pub struct Cpu { pub a: u8, pub x: u8 }
    pub struct Timer { pub count: u8 }
    impl Timer { pub fn make(r: &mut &[u8]) -> Timer { Timer { count: crate::codec::get(r) } } }
}
mod codec {
    pub fn get(r: &mut &[u8]) -> u8 { let (first, rest) = r.split_first().unwrap(); *r = rest; *first }
    pub mod wire {
        pub fn write(cpu: &crate::parts::Cpu, w: &mut Vec<u8>) { w.push(cpu.a); w.push(cpu.x); }
        pub fn read(cpu: &mut crate::parts::Cpu, r: &mut &[u8]) { cpu.a = super::get(r); READ }
    }
    pub mod text {
        pub fn write(_: &str) {}
        pub fn read(_: &str) {}
    }
    pub use self::wire::write as out;
}
use codec::out as put;
use codec::{get as byte, wire::{self as w1, read as fill}};
use parts::{Cpu as Processor, Timer as Clock};
pub struct Machine { cpu: Processor, timer: Clock }
pub trait Image { fn save(&self, w: &mut Vec<u8>); fn load(&mut self, r: &mut &[u8]); }
use Image as Saved;
impl Saved for Machine {
    fn save(&self, w: &mut Vec<u8>) { put(&self.cpu, w); w.push(self.timer.count); }
    fn load(&mut self, r: &mut &[u8]) { fill(&mut self.cpu, r); self.timer = Clock::make(r); }
}
fn main() {
    let mut m = Machine { cpu: Processor { a: std::process::id() as u8, x: 2 }, timer: Clock { count: 3 } };
    let mut w = vec![];
    m.save(&mut w);
    m.load(&mut &w[..]);
    w1::write(&m.cpu, &mut w);
    codec::text::write(\"\");
    codec::text::read(\"\");
    std::hint::black_box((&m, byte(&mut &w[..])));
}
";

#[test]
fn functions_that_were_imported_under_another_name_are_found() {
    let settings =
        "roots = [\"app::Machine\"]\nsave = [\"Machine::save\"]\nrestore = [\"Machine::load\"]";
    let found = |read: &str| {
        let built = compile(&IMPORTED.replace("READ", read), Flavor::Debug);
        lines(&cover_with(&built, settings))
    };
    assert_eq!(found("cpu.x = super::get(r);"), [""; 0]);
    assert_eq!(found("super::get(r);"), ["save-without-restore app::Machine.cpu.x"]);
}

/// Two versions of a type, each imported under another name: one under that which the other has.
const TURNED: &str = "
mod v1 { pub struct Machine { pub a: u8, pub x: u8 } }
mod v2 { pub struct Board { pub a: u8, pub x: u8 } }
use v1::Machine as Old;
use v2::Board as Machine;
pub trait Image { fn save(&self, w: &mut Vec<u8>); fn load(&mut self, r: &[u8]); }
impl Image for Old {
    fn save(&self, w: &mut Vec<u8>) { w.push(self.a); w.push(self.x); }
    fn load(&mut self, r: &[u8]) { self.a = r[0]; self.x = r[1]; }
}
impl Image for Machine {
    fn save(&self, w: &mut Vec<u8>) { w.push(self.a); w.push(self.x); }
    fn load(&mut self, r: &[u8]) { self.a = r[0]; READ }
}
mod inner {
    use super::Image;
    pub struct Old { pub y: u8 }
    impl Image for Old {
        fn save(&self, _: &mut Vec<u8>) {}
        fn load(&mut self, _: &[u8]) {}
    }
}
fn main() {
    let n = std::process::id() as u8;
    let (mut old, mut new) = (Old { a: n, x: n }, Machine { a: n, x: n });
    let mut inner = inner::Old { y: n };
    let mut w = vec![];
    for image in [&mut old as &mut dyn Image, &mut new, &mut inner] { image.save(&mut w); image.load(&w); }
    std::hint::black_box((&old, &new, &inner.y));
}
";

#[test]
fn a_name_that_was_imported_is_not_that_of_another_import() {
    let found = |ty: &str, read: &str| {
        let settings = format!(
            "roots = [\"app::{ty}\"]\nsave = [\"app::{ty}::save\"]\nrestore = [\"app::{ty}::load\"]"
        );
        lines(&cover_with(&compile(&TURNED.replace("READ", read), Flavor::Debug), &settings))
    };
    for ty in ["v1::Machine", "v2::Board"] {
        assert_eq!(found(ty, "self.x = r[1];"), [""; 0], "{ty}");
    }
    assert_eq!(found("v1::Machine", ""), [""; 0]);
    assert_eq!(found("v2::Board", ""), ["save-without-restore app::v2::Board.x"]);
    assert_eq!(found("inner::Old", ""), ["uncovered-field app::inner::Old.y"]);
}
