//! What a run consists of: how many calls of which kind, and what was read and written.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::{Names, Wanted};
use crate::Error;
use crate::table::errors::error_of;
use crate::table::{self, Class, Kind, Row};
use crate::trace::{Call, Event, ObjectKind, Reader, Tear, call_flags};

/// What a run, or the wanted part of it, consists of.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// Processes that began in it.
    pub processes: u64,
    /// Threads that began in it, without the first ones of processes.
    pub threads: u64,
    /// Calls, most frequent first.
    pub calls: Vec<Calls>,
    /// Programs that were started, with how often.
    pub programs: BTreeMap<String, u64>,
    /// Attempts to start a program that failed.
    pub failed_programs: u64,
    /// Calls that list a folder.
    pub listings: u64,
    /// Calls that may name a folder that their path starts from.
    pub at_calls: u64,
    /// Those of them that do: their path is relative to a descriptor.
    pub at_folders: u64,
    /// What was read and written through descriptors, most bytes first.
    pub files: Vec<Moved>,
    /// Where the trace ends before its end.
    pub tear: Option<Tear>,
}

/// All calls of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calls {
    /// Its name.
    pub name: String,
    /// What it is about.
    pub class: &'static str,
    /// How often it was made.
    pub count: u64,
    /// How often it failed.
    pub failed: u64,
    /// The bytes that it read or wrote.
    pub bytes: u64,
}

/// What was read from and written to one path, or one pipe, socket or the like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Its path, or the kernel's name for it.
    pub path: String,
    /// What it is.
    pub kind: &'static str,
    /// Calls that read from it.
    pub reads: u64,
    /// The bytes that they got.
    pub read: u64,
    /// Calls that wrote to it.
    pub writes: u64,
    /// The bytes that were taken.
    pub written: u64,
}

impl Profile {
    /// Of a trace, or of the calls of it that are wanted.
    ///
    /// # Errors
    /// As [`Reader::open`], or if the file cannot be read.
    pub fn of(path: &Path, wanted: &Wanted) -> Result<Self, Error> {
        let mut reader = Reader::open(path)?;
        let mut all = Collected::default();
        let mut names = Names::default();
        let mut positions: HashMap<u32, u64> = HashMap::new();
        while let Some((_, event)) = reader.read()? {
            names.learn(&event);
            match &event {
                Event::Task(task) if wanted.has(&task.lineage, None, &names) => {
                    let kind =
                        if task.process == task.id { &mut all.processes } else { &mut all.threads };
                    *kind += 1;
                }
                Event::Call(call) => {
                    let position = positions.entry(call.task).or_default();
                    if wanted.has(names.lineage(call.task), Some((call, *position)), &names) {
                        all.add(call, &names);
                    }
                    *position += 1;
                }
                _ => {}
            }
        }
        Ok(all.finish(reader.tear().cloned()))
    }
}

#[derive(Default)]
struct Collected {
    processes: u64,
    threads: u64,
    calls: HashMap<(u64, u64), Calls>,
    programs: BTreeMap<String, u64>,
    failed_programs: u64,
    listings: u64,
    at_calls: u64,
    at_folders: u64,
    files: HashMap<Vec<u8>, Moved>,
}

impl Collected {
    fn add(&mut self, call: &Call, names: &Names) {
        let what = call.flags & (call_flags::FOREIGN | call_flags::MARKER);
        let row = if what == 0 { table::row(call.number) } else { None };
        let calls = self.calls.entry((call.number, what)).or_insert_with(|| Calls {
            name: match what {
                0 => table::name(call.number),
                call_flags::MARKER => "marker".to_owned(),
                _ => format!("foreign_{}", call.number),
            },
            class: row.map_or(Class::Unknown, |row| row.class).word(),
            count: 0,
            failed: 0,
            bytes: 0,
        });
        calls.count += 1;
        let failed = call.result.is_some_and(|result| error_of(result).is_some());
        calls.failed += u64::from(failed && what != call_flags::MARKER);
        let Some(row) = row else { return };
        let moves = moves(row);
        if moves.is_some() && !failed {
            calls.bytes += call.result.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0);
        }
        match row.name {
            "execve" | "execveat" if failed => self.failed_programs += 1,
            "execve" | "execveat" if call.result.is_some() => {
                let at = usize::from(row.name == "execveat");
                let path = call.payload(at, false).map(|path| super::text(&path.bytes));
                *self.programs.entry(path.unwrap_or_default()).or_default() += 1;
            }
            "getdents" | "getdents64" => self.listings += 1,
            _ => {}
        }
        self.add_at(row, call);
        if let Some((from, to)) = moves.filter(|_| !failed) {
            let bytes = call.result.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0);
            for (index, is_read) in [(from, true), (to, false)] {
                let object = index.and_then(|index| call.object(index));
                let Some(object) = object.and_then(|id| names.object(id)) else { continue };
                let object = names.original(object);
                let moved = self.files.entry(object.path.clone()).or_insert_with(|| Moved {
                    path: super::text(&object.path),
                    kind: object.kind.word(),
                    reads: 0,
                    read: 0,
                    writes: 0,
                    written: 0,
                });
                let (calls, sum) = if is_read {
                    (&mut moved.reads, &mut moved.read)
                } else {
                    (&mut moved.writes, &mut moved.written)
                };
                *calls += 1;
                *sum += bytes;
            }
        }
    }

    fn add_at(&mut self, row: &Row, call: &Call) {
        for (index, argument) in row.arguments.iter().enumerate() {
            if !matches!(argument.kind, Kind::DirFd) {
                continue;
            }
            self.at_calls += 1;
            let path = call.payload(index + 1, false).map(|path| path.bytes.as_slice());
            let relative = path.is_some_and(|path| !path.is_empty() && !path.starts_with(b"/"));
            let named = crate::record::low(call.argument(index)) != libc::AT_FDCWD;
            self.at_folders += u64::from(named && relative);
        }
    }

    fn finish(self, tear: Option<Tear>) -> Profile {
        let mut calls: Vec<_> = self.calls.into_values().collect();
        calls.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
        let mut files: Vec<_> = self.files.into_values().collect();
        let bytes = |moved: &Moved| moved.read.saturating_add(moved.written);
        files.sort_by(|a, b| bytes(b).cmp(&bytes(a)).then_with(|| a.path.cmp(&b.path)));
        Profile {
            processes: self.processes,
            threads: self.threads,
            calls,
            programs: self.programs,
            failed_programs: self.failed_programs,
            listings: self.listings,
            at_calls: self.at_calls,
            at_folders: self.at_folders,
            files,
            tear,
        }
    }
}

/// The arguments that name what a call reads from and what it writes to, if it moves bytes.
fn moves(row: &Row) -> Option<(Option<usize>, Option<usize>)> {
    match row.name {
        "sendfile" => return Some((Some(1), Some(0))),
        "copy_file_range" | "splice" => return Some((Some(0), Some(2))),
        "tee" => return Some((Some(0), Some(1))),
        _ => {}
    }
    let first = row.arguments.first().map(|argument| argument.kind);
    if !matches!(first, Some(Kind::Fd)) || !matches!(row.class, Class::Descriptor | Class::Network)
    {
        return None;
    }
    // Attributes of files are no content, and calls that send several messages return how many.
    row.arguments.get(1).and_then(|argument| match argument.kind {
        Kind::Out(_) | Kind::OutVector(_) | Kind::OutMessage => Some((Some(0), None)),
        Kind::In(_) | Kind::InVector(_) | Kind::InMessage => Some((None, Some(0))),
        _ => None,
    })
}

impl Moved {
    /// Whether it is a regular file.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.kind == ObjectKind::File.word()
    }
}
