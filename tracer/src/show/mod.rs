//! A trace for people: one line for each call, as strace would print it.

mod profile;
mod wanted;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;

use samestate_report::Stack;
use samestate_schema::marker::Marker;

use crate::Error;
use crate::stacks::{Names as StackNames, Stacks};
use crate::table::errors::{error_name, error_of, signal_name};
use crate::table::{self, Kind, Layout, Ret};
use crate::trace::{Call, Event, Note, Object, Payload, Reader, Tear, call_flags};

pub use profile::{Calls, Moved, Profile};
pub use wanted::Wanted;

/// So many bytes of a payload are shown.
const SHOWN: usize = 48;
/// So many of a path or another string.
const SHOWN_TEXT: usize = 256;

/// The names that events refer to by number.
#[derive(Debug, Default)]
pub struct Names {
    lineages: HashMap<u32, String>,
    objects: HashMap<u32, Object>,
}

impl Names {
    /// Remembers what an event introduces.
    pub fn learn(&mut self, event: &Event) {
        match event {
            Event::Task(task) => {
                self.lineages.insert(task.id, task.lineage.clone());
            }
            Event::Object(object) => {
                self.objects.insert(object.id, object.clone());
            }
            _ => {}
        }
    }

    /// The lineage of a task.
    #[must_use]
    pub fn lineage(&self, task: u32) -> &str {
        self.lineages.get(&task).map_or("?", String::as_str)
    }

    /// What an object is a duplicate of in the end; itself if it is none.
    #[must_use]
    pub fn original<'a>(&'a self, object: &'a Object) -> &'a Object {
        let mut object = object;
        // Numbers fall along the way, so it ends even in a forged trace.
        while let Some(from) = object.from.filter(|from| *from < object.id) {
            let Some(older) = self.objects.get(&from) else { break };
            object = older;
        }
        object
    }

    /// An object.
    #[must_use]
    pub fn object(&self, object: u32) -> Option<&Object> {
        self.objects.get(&object)
    }
}

/// One line: a call, or what happens between calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Whose it is.
    pub lineage: String,
    /// What people see.
    pub text: String,
    /// What it says, if it is a call.
    pub call: Option<CallLine>,
    /// Where in the program the call is made, if that is wanted and the trace tells.
    pub stack: Option<Stack>,
}

/// A call in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallLine {
    /// Which call of its thread it is, from 0.
    pub position: u64,
    /// Its name.
    pub name: String,
    /// What it is about.
    pub class: &'static str,
    /// Its arguments, as people see them.
    pub arguments: Vec<String>,
    /// What it returned; `None` if it did not.
    pub result: Option<i64>,
    /// The name of the error that it returned.
    pub error: Option<String>,
    /// Whether the tracer gave the result.
    pub given: bool,
}

/// The lines of a trace.
#[derive(Debug)]
pub struct Show {
    wanted: Wanted,
    reader: Reader,
    names: Names,
    calls: HashMap<u32, u64>,
    stacks: Option<(Stacks, StackNames)>,
}

impl Show {
    /// Opens a trace.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        Ok(Self {
            wanted: Wanted::default(),
            reader: Reader::open(path)?,
            names: Names::default(),
            calls: HashMap::new(),
            stacks: None,
        })
    }

    /// Shows only some lines.
    #[must_use]
    pub fn only(mut self, wanted: Wanted) -> Self {
        self.wanted = wanted;
        self
    }

    /// Shows where in the program calls are made, as far as the trace tells.
    #[must_use]
    pub fn with_stacks(mut self) -> Self {
        self.stacks = Some(Default::default());
        self
    }

    /// The next line.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn line(&mut self) -> Result<Option<Line>, Error> {
        while let Some((place, event)) = self.reader.read()? {
            if let Some((stacks, _)) = &mut self.stacks {
                stacks.learn(place, &event);
            }
            let call = match &event {
                Event::Call(call) => Some(call),
                _ => None,
            };
            let line = self.of(&event).filter(|line| {
                let call = call.zip(line.call.as_ref()).map(|(call, line)| (call, line.position));
                self.wanted.has(&line.lineage, call, &self.names)
            });
            if let Some(mut line) = line {
                if let (Some((stacks, names)), Some(_)) = (&mut self.stacks, call) {
                    let lineage = &line.lineage;
                    line.stack = stacks.at(place).map(|stack| names.stack(lineage, stacks, stack));
                    stacks.forget();
                }
                return Ok(Some(line));
            }
            if let Some((stacks, _)) = &mut self.stacks {
                stacks.forget();
            }
        }
        Ok(None)
    }

    /// The lines about the run as a whole.
    #[must_use]
    pub fn heading(&self) -> Vec<String> {
        let header = self.reader.header();
        let words: Vec<_> = header.command.iter().map(|word| text(word)).collect();
        let mut lines = vec![
            format!("command   {}", words.join(" ")),
            format!("folder    {}", text(&header.directory)),
            format!("machine   {}", header.architecture),
            format!("knobs     {}", header.knobs.join(" ")),
        ];
        if let Some(like) = &header.like {
            lines.push(format!("like      {}", text(like)));
        }
        lines
    }

    /// Where the trace ends before its end; known once the lines have ended.
    #[must_use]
    pub const fn tear(&self) -> Option<&Tear> {
        self.reader.tear()
    }

    fn of(&mut self, event: &Event) -> Option<Line> {
        self.names.learn(event);
        let lineage = |task: &u32| self.names.lineage(*task).to_owned();
        let whose = match event {
            Event::Call(call) => call.task,
            Event::Task(task) => task.id,
            Event::Signal { task, .. }
            | Event::End { task, .. }
            | Event::Note { task, .. }
            | Event::Renamed { task, .. } => *task,
            Event::Object(_)
            | Event::Directory { .. }
            | Event::Descriptors { .. }
            | Event::Kernel { .. }
            | Event::Module(_)
            | Event::Stack { .. }
            | Event::At { .. } => return None,
        };
        let whose = lineage(&whose);
        let mut parts = None;
        let text = match event {
            Event::Call(call) => {
                let position = self.calls.entry(call.task).or_default();
                let line = format!(
                    "{} {:>5} {}",
                    self.names.lineage(call.task),
                    position,
                    render(call, &self.names)
                );
                parts = Some(split(call, *position, &self.names));
                *position += 1;
                Some(line)
            }
            Event::Signal { task, signal, .. } => {
                Some(format!("{} ----- {}", lineage(task), signal_name(*signal)))
            }
            Event::End { task, status } => Some(format!("{} +++++ {status}", lineage(task))),
            Event::Task(task) => {
                let kind = if task.process == task.id { "process" } else { "thread" };
                Some(format!("{} +++++ {kind} {}", task.lineage, task.seen))
            }
            Event::Note { task, note } => {
                let (Note::Untraced(text) | Note::Remark(text) | Note::Cut(text)) = note;
                let kind = if matches!(note, Note::Untraced(_)) { "not seen: " } else { "" };
                Some(format!("{} ----- {kind}{text}", lineage(task)))
            }
            Event::Renamed { task, seen } => {
                Some(format!("{} ----- known as {seen} from here on", lineage(task)))
            }
            Event::Object(_)
            | Event::Directory { .. }
            | Event::Descriptors { .. }
            | Event::Kernel { .. }
            | Event::Module(_)
            | Event::Stack { .. }
            | Event::At { .. } => None,
        };
        Some(Line { lineage: whose, text: text?, call: parts, stack: None })
    }
}

/// A call in its parts.
fn split(call: &Call, position: u64, names: &Names) -> CallLine {
    let error = call.result.and_then(error_of).map(error_name);
    CallLine {
        position,
        name: if call.flags & call_flags::MARKER != 0 {
            "marker".to_owned()
        } else {
            table::name(call.number)
        },
        class: table::class(call.number).word(),
        arguments: (0..call.arguments.len()).map(|index| argument(call, index, names)).collect(),
        result: call.result,
        error: error.map(|error| error.to_string()),
        given: call.flags & call_flags::GIVEN != 0,
    }
}

impl Iterator for Show {
    type Item = Result<String, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.line().map(|line| line.map(|line| line.text)).transpose()
    }
}

/// A call with its arguments and its result.
#[must_use]
pub fn render(call: &Call, names: &Names) -> String {
    if call.flags & call_flags::MARKER != 0
        && let Some(marker) = call.payload(1, false).and_then(|p| Marker::decode(&p.bytes).ok())
    {
        return format!(
            "marker {} seq {} step {} image {}",
            marker.kind,
            marker.seq,
            marker.step,
            hex(&marker.image_id)
        );
    }
    let mut out = table::name(call.number);
    if call.flags & call_flags::FOREIGN != 0 {
        out = format!("foreign_{}", call.number);
    }
    out.push('(');
    let row = if call.flags & call_flags::FOREIGN != 0 { None } else { table::row(call.number) };
    for index in 0..call.arguments.len() {
        if index > 0 {
            out.push_str(", ");
        }
        out.push_str(&argument(call, index, names));
    }
    out.push(')');
    let made = || {
        let paths: Vec<_> = call
            .made
            .iter()
            .filter_map(|id| names.object(*id))
            .map(|object| format!("{}<{}>", object.fd, text(&object.path)))
            .collect();
        paths.join(", ")
    };
    match call.result {
        None => out.push_str(" = ?"),
        Some(result) => {
            if let Some(code) = error_of(result) {
                let _infallible = write!(out, " = -{}", error_name(code));
            } else if row.is_some_and(|row| row.result == Ret::Address) {
                let _infallible = write!(out, " = {result:#x}");
            } else if call.made.len() == 1 {
                let _infallible = write!(out, " = {}", made());
            } else {
                let _infallible = write!(out, " = {result}");
                if call.made.len() > 1 {
                    let _infallible = write!(out, " [{}]", made());
                }
            }
        }
    }
    if call.flags & call_flags::FAULT != 0 {
        out.push_str(" (made to fail)");
    } else if call.flags & call_flags::FILTERED != 0 {
        out.push_str(" (by a filter of the program)");
    } else if call.flags & call_flags::GIVEN != 0 {
        out.push_str(" (given)");
    }
    out
}

/// One argument of a call.
pub(crate) fn argument(call: &Call, index: usize, names: &Names) -> String {
    let value = call.argument(index);
    let kind = table::row(call.number)
        .filter(|_| call.flags & call_flags::FOREIGN == 0)
        .and_then(|row| row.arguments.get(index))
        .map_or(Kind::Hex, |argument| argument.kind);
    let shown = |payload: Option<&Payload>| payload.map(|payload| quote(payload, SHOWN));
    let handed = call.payload(index, false);
    let received = call.payload(index, true);
    let pointer = || if value == 0 { "NULL".to_owned() } else { format!("{value:#x}") };
    match kind {
        Kind::Fd | Kind::DirFd => descriptor(call, index, names),
        Kind::Int | Kind::Pid => signed(value),
        Kind::Uint => value.to_string(),
        Kind::Hex => format!("{value:#x}"),
        Kind::Mode => format!("{value:#o}"),
        Kind::Named(flags) => flags.show(value & 0xffff_ffff),
        Kind::Signal => signal_name(crate::record::low(value)),
        Kind::Address | Kind::Depends => pointer(),
        Kind::Path | Kind::Text => {
            handed.map_or_else(pointer, |payload| quote(payload, SHOWN_TEXT))
        }
        Kind::Strings => handed.map_or_else(pointer, strings),
        Kind::In(_) | Kind::InVector(_) | Kind::InMessage | Kind::InMessages(_) => {
            shown(handed).unwrap_or_else(pointer)
        }
        Kind::Out(_)
        | Kind::OutAll(_)
        | Kind::OutVector(_)
        | Kind::OutMessage
        | Kind::OutMessages => shown(received).unwrap_or_else(pointer),
        Kind::InStruct(_, layout) | Kind::InSized(_, layout) => {
            handed.map_or_else(pointer, |payload| structure(layout, payload))
        }
        Kind::OutStruct(_, layout) | Kind::OutAt(_, layout) | Kind::OutArray(_, layout) => {
            received.map_or_else(pointer, |payload| structure(layout, payload))
        }
        Kind::InOutStruct(_, layout) | Kind::InOutArray(_, _, layout) => match (handed, received) {
            (Some(before), Some(after)) if before != after => {
                format!("{} => {}", structure(layout, before), structure(layout, after))
            }
            (Some(only), _) | (None, Some(only)) => structure(layout, only),
            (None, None) => pointer(),
        },
        Kind::InArray(..) | Kind::FdSet(_) => shown(handed).unwrap_or_else(pointer),
        Kind::Ioctl(_) | Kind::Fcntl(_) => {
            shown(received).or_else(|| shown(handed)).unwrap_or_else(pointer)
        }
    }
}

fn descriptor(call: &Call, index: usize, names: &Names) -> String {
    let fd = crate::record::low(call.argument(index));
    if fd == libc::AT_FDCWD {
        return "AT_FDCWD".to_owned();
    }
    let object = call.object(index).and_then(|object| names.object(object));
    object.map_or_else(|| fd.to_string(), |object| format!("{fd}<{}>", text(&object.path)))
}

fn signed(value: u64) -> String {
    // The kernel takes some of them as `int`, whose upper half may hold anything.
    let low = crate::record::low(value);
    if u64::from(low.cast_unsigned()) == value {
        low.to_string()
    } else {
        value.cast_signed().to_string()
    }
}

fn structure(layout: Layout, payload: &Payload) -> String {
    crate::layout::show(layout, payload).unwrap_or_else(|| quote(payload, SHOWN))
}

fn strings(payload: &Payload) -> String {
    let all: Vec<_> = payload.bytes.split(|&byte| byte == 0).collect();
    let words = &all[..all.len().saturating_sub(1)];
    let mut shown: Vec<_> = words.iter().take(8).map(|word| format!("{:?}", text(word))).collect();
    if words.len() > shown.len() {
        shown.push(format!("… {} in all", words.len()));
    }
    format!("[{}]", shown.join(", "))
}

/// Bytes between quotes, with escapes, cut off after `limit`.
pub(crate) fn quote(payload: &Payload, limit: usize) -> String {
    let shown = &payload.bytes[..payload.bytes.len().min(limit)];
    let mut out = format!("\"{}\"", shown.escape_ascii());
    if (shown.len() as u64) < payload.length {
        out.push('…');
    }
    out
}

/// Bytes that are meant to be text.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Two digits a byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _infallible = write!(out, "{byte:02x}");
        out
    })
}
