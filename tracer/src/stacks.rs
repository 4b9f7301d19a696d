//! Stacks that a trace holds, with the names that the program's files tell.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use samestate_report as report;
use samestate_symbols::{Frame, Identity, Named, Symbols};

use crate::trace::{Event, Module, Place, Stack};

/// The lines of so many of the program's own calls are looked at for what they read.
const READ: usize = 3;
/// A longer file is no source.
const LONGEST_SOURCE: u64 = 16 << 20;

/// The stacks of a trace, as far as it was read.
#[derive(Debug, Default)]
pub(crate) struct Stacks {
    modules: HashMap<u32, Module>,
    stacks: HashMap<u32, Stack>,
    /// The stack of each task's next call.
    next: HashMap<u32, u32>,
    at: HashMap<Place, u32>,
}

impl Stacks {
    /// Takes note of an event.
    pub(crate) fn learn(&mut self, place: Place, event: &Event) {
        match event {
            Event::Module(module) => {
                self.modules.insert(module.id, module.clone());
            }
            Event::Stack { id, stack } => {
                self.stacks.insert(*id, stack.clone());
            }
            Event::At { task, stack } => {
                self.next.insert(*task, *stack);
            }
            Event::Call(call) if !self.next.is_empty() => {
                if let Some(stack) = self.next.remove(&call.task) {
                    self.at.insert(place, stack);
                }
            }
            _ => {}
        }
    }

    /// Forgets which stack the call at a place has.
    pub(crate) fn forget_at(&mut self, place: Place) {
        self.at.remove(&place);
    }

    /// Forgets where the stacks were, but not which there are.
    pub(crate) fn forget(&mut self) {
        self.at.clear();
    }

    /// The stack of the call at a place.
    pub(crate) fn at(&self, place: Place) -> Option<&Stack> {
        self.stacks.get(self.at.get(&place)?)
    }
}

/// Gives names to addresses. What was read of a file is kept.
#[derive(Default)]
pub(crate) struct Names {
    files: HashMap<PathBuf, Opened>,
    sources: HashMap<PathBuf, Option<Source>>,
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Names").field("files", &self.files.keys()).finish_non_exhaustive()
    }
}

enum Opened {
    Read(Box<Symbols>, Identity),
    /// Why not.
    Failed(String),
}

struct Source {
    lines: Vec<String>,
    written: Option<SystemTime>,
}

impl Names {
    /// A stack with names; `label` says whose it is.
    pub(crate) fn stack(&mut self, label: &str, stacks: &Stacks, stack: &Stack) -> report::Stack {
        let mut told = report::Stack { label: label.to_owned(), ..report::Stack::default() };
        told.missing.clone_from(&stack.missing);
        let mut own = 0;
        for (module, address) in &stack.frames {
            let Some(module) = module.and_then(|module| stacks.modules.get(&module)) else {
                told.frames.push(report::Frame {
                    module: "memory".to_owned(),
                    address: *address,
                    ..report::Frame::default()
                });
                continue;
            };
            self.frames(module, *address, &mut own, &mut told);
        }
        told
    }

    fn frames(&mut self, module: &Module, address: u64, own: &mut usize, told: &mut report::Stack) {
        let path = Path::new(OsStr::from_bytes(&module.path));
        let name = path.display().to_string();
        let plain = report::Frame { module: name.clone(), address, ..report::Frame::default() };
        let opened = self.files.entry(path.to_owned()).or_insert_with(|| Opened::of(path));
        let (symbols, identity) = match opened {
            Opened::Read(symbols, identity) => (symbols, identity),
            Opened::Failed(why) => {
                told.missing.get_or_insert_with(|| format!("no names: {why}"));
                told.frames.push(plain);
                return;
            }
        };
        if !identity.is(&module.identity) {
            let why = format!("no names of {name}: it was built anew since the run");
            told.missing.get_or_insert(why);
            told.frames.push(plain);
            return;
        }
        let found = symbols.frames(address);
        if found.is_empty() {
            told.frames.push(plain);
            return;
        }
        for frame in &found {
            let place = frame.file.as_ref().map(|file| report::Place {
                text: source_line(&mut self.sources, file, frame.line, symbols.written),
                ..report::Place::new(file, frame.line.unwrap_or(0), frame.column.unwrap_or(0))
            });
            let is_own = is_own(frame);
            let (mut reads, mut fields) = (Vec::new(), Vec::new());
            if is_own && *own < READ {
                *own += 1;
                if let Some(text) = place.as_ref().and_then(|place| place.text.as_ref()) {
                    let named = symbols.reads(address, frame, text);
                    reads = named.iter().map(hint).collect();
                    let all =
                        named.iter().flat_map(|named| named.through.iter().chain(&named.field));
                    fields = all.map(|(owner, field)| format!("{owner}.{field}")).collect();
                }
            }
            told.frames.push(report::Frame {
                function: frame.function.clone(),
                offset: frame.offset,
                module: name.clone(),
                address,
                place,
                inlined: frame.inlined,
                is_own,
                reads,
                fields,
            });
        }
    }
}

/// The finding stands where the program's own code makes the call: in the right run, if it does.
pub(crate) fn place(finding: &mut report::Finding) {
    let own = finding.stacks.iter().rev().find_map(report::Stack::own);
    if let Some(own) = own.and_then(|frame| frame.place.clone()) {
        finding.place = Some(own);
    }
}

impl Opened {
    fn of(path: &Path) -> Self {
        let read = || Ok((Symbols::open(path)?, Identity::of(path)?));
        match read() {
            Ok((symbols, identity)) => Self::Read(Box::new(symbols), identity),
            Err(error) => {
                let error: samestate_symbols::Error = error;
                Self::Failed(error.to_string())
            }
        }
    }
}

/// What a line names, as people read it.
fn hint(named: &Named) -> String {
    match &named.field {
        Some((owner, field)) => format!("`{}` ({owner}.{field})", named.text),
        None => format!("`{}`", named.text),
    }
}

/// Whether code is of the program's own sources: not of the compiler's libraries, of packages that
/// were downloaded, or of ours.
fn is_own(frame: &Frame) -> bool {
    const FOREIGN: [&str; 7] = [
        "/rustc/",
        "/rustlib/src/",
        "/.cargo/registry/",
        "/.cargo/git/",
        "/usr/include/",
        "/usr/lib/",
        "/sysdeps/",
    ];
    let Some(file) = &frame.file else { return false };
    if !file.starts_with('/') || FOREIGN.iter().any(|part| file.contains(part)) {
        return false;
    }
    let name = frame.function.as_deref().unwrap_or_default();
    let name = name.trim_start_matches(['<', '&']);
    !name.starts_with("samestate::")
}

/// The text of a line, unless the file was written after the program.
fn source_line(
    sources: &mut HashMap<PathBuf, Option<Source>>,
    file: &str,
    line: Option<u32>,
    built: Option<SystemTime>,
) -> Option<String> {
    let path = PathBuf::from(file);
    let source = sources.entry(path).or_insert_with_key(|path| {
        let about = path.metadata().ok().filter(|about| about.is_file())?;
        if about.len() > LONGEST_SOURCE {
            return None;
        }
        let lines = std::fs::read_to_string(path).ok()?.lines().map(str::to_owned).collect();
        Some(Source { lines, written: about.modified().ok() })
    });
    let source = source.as_ref()?;
    if source.written.zip(built).is_some_and(|(written, built)| written > built) {
        return None;
    }
    source.lines.get(usize::try_from(line?).ok()?.checked_sub(1)?).cloned()
}
