//! `checkpoint.lock`: the model as text, written and read.
//!
//! ```text
//! samestate lock 1
//!
//! root sim::Machine
//!
//! dyn sim::Device {
//!   impl sim::Timer
//! }
//!
//! struct sim::Machine {
//!   version 3
//!   - removed turbo
//!   saved cpu: sim::Cpu
//!   saved cycles: u64
//!     - was tick
//!   skipped(default) cache: Vec<u8>
//! }
//!
//! enum sim::Mode {
//!   version 1
//!   variant Off
//!   variant Periodic {
//!     saved every: u32
//!   }
//! }
//!
//! end
//! ```
//!
//! A line that starts with a dash is what the program tells of earlier versions of what stands
//! above it. A path at which sight ends has a line `unseen`. A type that no evidence knows says
//! `no evidence`. Enums of numbers have `number Red = 0` instead of variants. Blocks are sorted by name, so that
//! a change of one type is a change of a few lines, and branches merge; `end` shows that nothing
//! was cut off. Lines that start with `#` are comments.
//!
//! Where memory is dumped as it is (the profile `raw-memory`), blocks follow that tell how each type
//! lies in memory, with the machine that it was laid out for before them; see [`memory`].

mod entry;
mod history;
mod lines;
mod memory;

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use memchr::memmem::Finder;
use xxhash_rust::xxh3::Xxh3;

use self::lines::Lines;
pub use self::lines::LockError;
use crate::limits::MAX_LOCK_LEN;
use crate::model::{Model, Shape, TypeEntry};
use crate::versions::ConstantVersion;

/// How every lock file starts; the version follows.
pub(crate) const MAGIC: &str = "samestate lock ";

/// The version written by this crate.
const VERSION: u32 = 1;

const REMARK: &str = "# Every type that hangs from a root, and what a checkpoint does with its \
                      fields.\n# Written by `samestate lock`; review its changes like code.\n";

/// The text of a model.
pub(crate) fn write(model: &Model) -> String {
    let mut out = format!("{MAGIC}{VERSION}\n{REMARK}\n");
    for root in &model.roots {
        let _ = writeln!(out, "root {root}");
    }
    for (root, ConstantVersion { value, constant }) in &model.versions {
        let _ = writeln!(out, "version {value} of {root} in {constant}");
    }
    for path in &model.unseen {
        let _ = writeln!(out, "unseen {path}");
    }
    for (name, implementers) in &model.traits {
        let _ = writeln!(out, "\ndyn {name} {{");
        for implementer in implementers {
            let _ = writeln!(out, "  impl {implementer}");
        }
        out.push_str("}\n");
    }
    for (name, entry) in &model.types {
        entry::write(&mut out, name, entry);
    }
    memory::write(&mut out, model);
    out.push_str("\nend\n");
    out
}

/// Blocks of types that were read. What stands there again in the same words is the same type, which
/// nobody need read, keep or compare a second time.
#[derive(Debug)]
pub(crate) struct KnownBlocks {
    /// By the hash of their text.
    blocks: HashMap<u128, KnownBlock>,
    /// Finds the ends of blocks.
    end: Finder<'static>,
    /// Whether the lock that is being read has a block that ends otherwise: each block would be
    /// searched to the end of the file.
    is_by_hand: bool,
}

impl Default for KnownBlocks {
    fn default() -> Self {
        Self { blocks: HashMap::new(), end: Finder::new(BLOCK_END), is_by_hand: false }
    }
}

#[derive(Debug)]
struct KnownBlock {
    lines: usize,
    entry: Arc<TypeEntry>,
}

/// What the last line of a block is, if nobody wrote it by hand.
const BLOCK_END: &str = "\n}\n";

/// Reads the text of a lock; `path` is for messages only.
pub(crate) fn read(path: &Path, bytes: &[u8], known: &mut KnownBlocks) -> Result<Model, LockError> {
    if bytes.len() as u64 > MAX_LOCK_LEN {
        return Err(LockError::TooLong { path: path.to_owned(), len: bytes.len() as u64 });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = 1 + bytes[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count();
        LockError::Malformed { path: path.to_owned(), line, what: "not UTF-8".to_owned() }
    })?;
    known.is_by_hand = false;
    blocks(&mut Lines::new(path, text), known)
}

fn blocks(lines: &mut Lines<'_>, known: &mut KnownBlocks) -> Result<Model, LockError> {
    let first = lines.next()?.unwrap_or("");
    let Some(version) = first.strip_prefix(MAGIC) else {
        return lines.wrong(format!("`{MAGIC}{VERSION}` expected"));
    };
    match version.parse::<u32>() {
        Ok(VERSION) => {}
        Ok(_) => return Err(lines.newer(version)),
        Err(_) => return lines.wrong("the version is not a number"),
    }
    let mut model = Model::default();
    while let Some(line) = lines.next()? {
        if line == "end" {
            return match lines.next()? {
                None => Ok(model),
                Some(_) => lines.wrong("text after `end`"),
            };
        }
        let Some((word, rest)) = line.split_once(' ') else {
            return lines.wrong(format!("`{line}` is not understood"));
        };
        match word {
            "root" => {
                model.roots.insert(rest.to_owned());
            }
            "unseen" => {
                model.unseen.insert(rest.to_owned());
            }
            "version" => {
                let (root, version) = constant(lines, rest)?;
                model.versions.insert(root, version);
            }
            "target" => memory::read_target(lines, rest, &mut model)?,
            _ => block(lines, word, rest, &mut model, known)?,
        }
    }
    lines.wrong("the file ends before `end`: a part of it is missing")
}

/// Reads a block that starts with this word.
fn block(
    lines: &mut Lines<'_>,
    word: &str,
    rest: &str,
    model: &mut Model,
    known: &mut KnownBlocks,
) -> Result<(), LockError> {
    let Some(name) = rest.strip_suffix(" {") else {
        return lines.wrong("`{` expected at the end of the line");
    };
    let owned = name.to_owned();
    let shape = match word {
        "struct" => Some(Shape::Struct),
        "union" => Some(Shape::Union),
        "enum" => Some(Shape::Enum),
        _ => None,
    };
    if let Some(shape) = shape {
        let entry = known.entry(lines, name, shape)?;
        return match model.types.insert(owned, entry) {
            None => Ok(()),
            Some(_) => lines.wrong(format!("`{name}` stands here a second time")),
        };
    }
    let is_new = match word {
        "dyn" => model.traits.insert(owned, implementers(lines, name)?).is_none(),
        "layout" => match &mut model.memory {
            Some(memory) => memory.insert(owned, memory::read(lines, name)?).is_none(),
            None => return lines.wrong("`target` must stand before the first layout"),
        },
        word => return lines.wrong(format!("`{word}` is not understood")),
    };
    if is_new { Ok(()) } else { lines.wrong(format!("`{name}` stands here a second time")) }
}

impl KnownBlocks {
    /// The type of a block, from behind its first line.
    fn entry(
        &mut self,
        lines: &mut Lines<'_>,
        name: &str,
        shape: Shape,
    ) -> Result<Arc<TypeEntry>, LockError> {
        let text = lines.rest();
        let end = if self.is_by_hand { None } else { self.end.find(text.as_bytes()) };
        let Some(end) = end else {
            self.is_by_hand = true;
            return Ok(Arc::new(entry::read(lines, name, shape, 0)?));
        };
        let len = end + BLOCK_END.len();
        let mut hasher = Xxh3::with_seed(shape as u64);
        hasher.update(&text.as_bytes()[..len]);
        match self.blocks.entry(hasher.digest128()) {
            Entry::Occupied(known) => {
                let known = known.get();
                lines.skip(len, known.lines);
                Ok(Arc::clone(&known.entry))
            }
            Entry::Vacant(place) => {
                let before = lines.count();
                let most = memchr::memchr_iter(b'\n', &text.as_bytes()[..end]).count() + 1;
                let entry = Arc::new(entry::read(lines, name, shape, most)?);
                // If somebody indented it otherwise, it may end elsewhere.
                if lines.rest().len() == text.len() - len {
                    let lines = lines.count() - before;
                    place.insert(KnownBlock { lines, entry: Arc::clone(&entry) });
                } else {
                    self.is_by_hand = true;
                }
                Ok(entry)
            }
        }
    }
}

/// What a line tells of the version that stands in a constant.
fn constant(lines: &Lines<'_>, rest: &str) -> Result<(String, ConstantVersion), LockError> {
    let parts = rest.split_once(" of ").and_then(|(value, rest)| {
        let (root, constant) = rest.rsplit_once(" in ")?;
        let (value, constant) = (value.to_owned(), constant.to_owned());
        Some((root.to_owned(), ConstantVersion { value, constant }))
    });
    match parts {
        Some(parts) => Ok(parts),
        None => lines.wrong("`version … of ROOT in CONSTANT` expected"),
    }
}

fn implementers(lines: &mut Lines<'_>, name: &str) -> Result<BTreeSet<String>, LockError> {
    let mut implementers = BTreeSet::new();
    while let Some(line) = lines.inside(name)? {
        match line.strip_prefix("impl ") {
            Some(implementer) => implementers.insert(implementer.to_owned()),
            None => return lines.wrong("`impl` expected"),
        };
    }
    Ok(implementers)
}
