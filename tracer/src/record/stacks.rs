//! Where in the program calls are made: the stacks of stopped threads, taken as their files' tables
//! tell, and written down each once.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use samestate_symbols::{End, Identity, Rules, World, walk};

use super::engine::{Engine, alive};
use crate::Error;
use crate::sys::arch::Registers;
use crate::sys::{Tid, memory, ptrace};
use crate::table;
use crate::trace::{Call, Event, Module, Stack};

/// Of which calls the trace tells where in the program they were made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Stacks {
    /// Of none.
    #[default]
    None,
    /// Of all.
    All,
    /// Of these: the lineage of the thread, and which of its calls in the trace it is, from 0.
    At(BTreeSet<(String, u64)>),
}

/// So much of a stack is read at once, in bytes.
const CHUNK: usize = 16 << 10;
/// The longest call instruction, in bytes.
const LONGEST_CALL: usize = 7;
/// Different stacks are kept to be recognized while all together have fewer calls than this.
const MOST_KEPT: usize = 1 << 22;

/// Takes stacks.
#[derive(Default)]
pub(super) struct Taker {
    wanted: Stacks,
    /// How many calls of each task were written down.
    made: HashMap<u32, u64>,
    /// What can be executed in each memory, by address.
    maps: HashMap<Tid, Map>,
    /// The files that code was loaded from.
    files: HashMap<PathBuf, Option<Rc<Known>>>,
    modules: u32,
    ids: HashMap<Stack, u32>,
    /// How many calls those stacks have together.
    kept: usize,
    next_id: u32,
}

/// A file that code was loaded from.
struct Known {
    module: Module,
    rules: Rc<Rules>,
}

/// What can be executed in a memory.
#[derive(Default)]
struct Map {
    /// By address.
    parts: Vec<Part>,
    /// Addresses that follow a call instruction.
    after_calls: HashSet<u64>,
}

struct Part {
    range: Range<u64>,
    file: Option<Rc<Known>>,
    bias: u64,
}

impl Map {
    fn at(&self, address: u64) -> Option<&Part> {
        let after = self.parts.partition_point(|part| part.range.start <= address);
        self.parts.get(after.checked_sub(1)?).filter(|part| part.range.contains(&address))
    }
}

impl Taker {
    pub(super) fn new(wanted: Stacks) -> Self {
        Self { wanted, ..Self::default() }
    }

    fn wants(&self, lineage: &str, task: u32) -> bool {
        match &self.wanted {
            Stacks::None => false,
            Stacks::All => true,
            Stacks::At(calls) => {
                let number = self.made.get(&task).copied().unwrap_or(0);
                // No call is more often asked for than there are divergences.
                calls.iter().any(|(whose, at)| *at == number && whose == lineage)
            }
        }
    }

    /// A call was written down.
    pub(super) fn count(&mut self, call: &Call) {
        if self.wanted == Stacks::None {
            return;
        }
        *self.made.entry(call.task).or_default() += 1;
        let name = table::row(call.number).map_or("", |row| row.name);
        if matches!(
            name,
            "mmap" | "munmap" | "mremap" | "mprotect" | "execve" | "execveat" | "shmat"
        ) {
            self.maps.clear();
        }
    }

    /// Reads what can be executed where; new files are noted.
    fn map(&mut self, tid: Tid, new: &mut Vec<Module>) -> Map {
        let mut map = Map::default();
        let Ok(text) = std::fs::read(format!("/proc/{tid}/maps")) else { return map };
        for line in text.split(|byte| *byte == b'\n') {
            let Some((range, offset, path)) = mapping(line) else { continue };
            let file = if path.starts_with(b"/") { self.file(tid, path, new) } else { None };
            let start = file.as_ref().and_then(|file| file.rules.address_of(offset));
            let bias = start.map_or(0, |start| range.start.wrapping_sub(start));
            let file = file.filter(|_| start.is_some());
            map.parts.push(Part { range, file, bias });
        }
        map.parts.sort_by_key(|part| part.range.start);
        map
    }

    fn file(&mut self, tid: Tid, path: &[u8], new: &mut Vec<Module>) -> Option<Rc<Known>> {
        let path = Path::new(std::ffi::OsStr::from_bytes(path));
        if let Some(known) = self.files.get(path) {
            return known.clone();
        }
        // As the program sees it, which may live in another root. One that was removed is not there.
        let mut seen = std::ffi::OsString::from(format!("/proc/{tid}/root"));
        seen.push(path);
        let open = |seen: &Path| Some((Rules::open(seen).ok()?, Identity::of(seen).ok()?));
        let known = open(Path::new(&seen)).map(|(rules, identity)| {
            let path = path.as_os_str().as_bytes().to_vec();
            let module = Module { id: self.modules, path, identity, bias: 0 };
            self.modules += 1;
            new.push(module.clone());
            Rc::new(Known { module, rules: Rc::new(rules) })
        });
        self.files.insert(path.to_owned(), known.clone());
        known
    }

    /// The stack of a stopped thread, and the files that it leads through for the first time.
    fn take(&mut self, (tid, memory): (Tid, Tid), registers: &Registers) -> (Vec<Module>, Stack) {
        let mut new = Vec::new();
        let map = match self.maps.remove(&memory) {
            Some(map) => map,
            None => self.map(tid, &mut new),
        };
        let mut thread = Thread { tid, map, chunk: Vec::new(), start: 0 };
        let walked = walk(registers.numbered(), &mut thread);
        let map = thread.map;
        let frame = |address: &u64| match map.at(*address) {
            Some(Part { file: Some(file), bias, .. }) => {
                (Some(file.module.id), address.wrapping_sub(*bias))
            }
            _ => (None, *address),
        };
        let frames = walked.addresses.iter().map(frame).collect();
        let missing = (walked.end != End::Whole).then(|| walked.end.to_string());
        for module in &mut new {
            let part = map
                .parts
                .iter()
                .find(|part| part.file.as_ref().is_some_and(|file| file.module.id == module.id));
            module.bias = part.map_or(0, |part| part.bias);
        }
        self.maps.insert(memory, map);
        (new, Stack { frames, missing })
    }
}

/// The executable mapping that a line of `maps` tells of: where, from which byte of which file.
fn mapping(line: &[u8]) -> Option<(Range<u64>, u64, &[u8])> {
    let mut words = line.splitn(6, |byte| *byte == b' ');
    let mut word = || std::str::from_utf8(words.next()?).ok();
    let (range, rights, offset) = (word()?, word()?, word()?);
    if rights.as_bytes().get(2) != Some(&b'x') {
        return None;
    }
    let (_device, _inode) = (word()?, word()?);
    let number = |text: &str| u64::from_str_radix(text, 16).ok();
    let (start, end) = range.split_once('-')?;
    let path = words.next().unwrap_or_default().trim_ascii_start();
    Some((number(start)?..number(end)?, number(offset)?, path))
}

/// A stopped thread and its memory.
struct Thread {
    tid: Tid,
    map: Map,
    /// What was read last, and where it begins.
    chunk: Vec<u8>,
    start: u64,
}

impl World for Thread {
    fn rules(&mut self, address: u64) -> Option<(Rc<Rules>, u64)> {
        let part = self.map.at(address)?;
        Some((Rc::clone(&part.file.as_ref()?.rules), part.bias))
    }

    fn read(&mut self, address: u64) -> Option<u64> {
        let within = |thread: &Self| {
            let at = usize::try_from(address.checked_sub(thread.start)?).ok()?;
            thread.chunk.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
        };
        if let Some(value) = within(self) {
            return Some(value);
        }
        self.chunk.resize(CHUNK, 0);
        self.start = address;
        let count = memory::read(self.tid, address, &mut self.chunk);
        self.chunk.truncate(count);
        within(self)
    }

    fn follows_call(&mut self, address: u64) -> bool {
        if self.map.after_calls.contains(&address) {
            return true;
        }
        let mut code = [0; LONGEST_CALL];
        let from = address.wrapping_sub(LONGEST_CALL as u64);
        // What comes before may be the border of what can be read.
        let count = memory::read(self.tid, from, &mut code);
        let is_call = count == LONGEST_CALL && Registers::ends_in_call(&code);
        if is_call {
            self.map.after_calls.insert(address);
        }
        is_call
    }
}

impl Engine<'_> {
    /// Writes down where a call is made that is about to be, if that is wanted.
    pub(super) fn take_stack(&mut self, tid: Tid, foreign: bool) -> Result<(), Error> {
        let Some(task) = self.tasks.get(&tid) else { return Ok(()) };
        if !self.stacks.wants(&task.told.lineage, task.told.id) {
            return Ok(());
        }
        let (id, memory) = (task.told.id, task.memory);
        let Some(registers) = alive(ptrace::registers(tid), "read the registers", tid)? else {
            return Ok(());
        };
        let (new, stack) = if foreign {
            let missing = Some("the call comes through a 32-bit interface".to_owned());
            (Vec::new(), Stack { frames: Vec::new(), missing })
        } else {
            self.stacks.take((tid, memory), &registers)
        };
        for module in new {
            self.write(&Event::Module(module))?;
        }
        let known = self.stacks.ids.get(&stack).copied();
        let number = match known {
            Some(number) => number,
            None => {
                let number = self.stacks.next_id;
                self.stacks.next_id += 1;
                self.write(&Event::Stack { id: number, stack: stack.clone() })?;
                self.stacks.kept += 1 + stack.frames.len();
                if self.stacks.kept < MOST_KEPT {
                    self.stacks.ids.insert(stack, number);
                }
                number
            }
        };
        self.write(&Event::At { task: id, stack: number })
    }
}
