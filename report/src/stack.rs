//! Where in the program a system call was made.

use crate::Place;

/// The calls that led to a system call, on one side of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stack {
    /// Which side: `original`, `restored`, …
    pub label: String,
    /// The innermost one first; none if it is not known.
    pub frames: Vec<Frame>,
    /// Why there are none, or why they end before the first one of the thread.
    pub missing: Option<String>,
}

/// One of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// The function's name, where it is known.
    pub function: Option<String>,
    /// How many bytes behind the function's beginning, where only that is known.
    pub offset: Option<u64>,
    /// The file that the code was loaded from.
    pub module: String,
    /// The address as that file counts.
    pub address: u64,
    /// The line of source, where it is known.
    pub place: Option<Place>,
    /// The compiler has put it into its caller.
    pub inlined: bool,
    /// It is of the program's own sources, not of a library's.
    pub is_own: bool,
    /// The variables and fields that the line of source names; a hint, never a verdict.
    pub reads: Vec<String>,
    /// The fields among them and on the way to them, each as `Type.field`.
    pub fields: Vec<String>,
}

/// So many calls are shown where none is the program's own, or of those that are.
const SHOWN: usize = 8;

impl Stack {
    /// The innermost call that stands in the program's own sources.
    #[must_use]
    pub fn own(&self) -> Option<&Frame> {
        self.frames.iter().find(|frame| frame.is_own && frame.place.is_some())
    }

    /// The stack in lines of text. Unless `all` is asked for, what libraries do is left out. The line
    /// of source at `shown` stands elsewhere already.
    #[must_use]
    pub fn lines(&self, all: bool, shown: Option<&Place>) -> Vec<String> {
        let mut lines = Vec::new();
        let has_own = self.frames.iter().any(|frame| frame.is_own);
        let is_wanted = |frame: &&Frame| all || !has_own || frame.is_own;
        let most = if all { usize::MAX } else { SHOWN };
        let mut count = 0;
        for frame in self.frames.iter().filter(is_wanted).take(most) {
            count += 1;
            lines.push(format!("  {}", frame.text()));
            let place = frame.place.as_ref().filter(|_| frame.is_own);
            let is_shown = |place: &&Place| {
                shown.is_none_or(|shown| (&shown.file, shown.line) != (&place.file, place.line))
            };
            if let Some(place) = place.filter(is_shown)
                && let Some(text) = &place.text
            {
                lines.push(format!("  {:>6} | {}", place.line, text.trim_end()));
            }
            if !frame.reads.is_empty() {
                lines.push(format!("    the line reads {}", frame.reads.join(", ")));
            }
        }
        let left = self.frames.len() - count;
        match left {
            0 => {}
            1 => lines.push("  (1 other is left out, see `--verbose`)".to_owned()),
            _ => lines.push(format!("  ({left} others are left out, see `--verbose`)")),
        }
        match &self.missing {
            Some(why) if self.frames.is_empty() => lines.push(format!("  no stack: {why}")),
            Some(why) => lines.push(format!("  it ends here: {why}")),
            None => {}
        }
        lines
    }
}

impl Frame {
    /// The function and where it stands, in one line.
    #[must_use]
    pub fn text(&self) -> String {
        let module = self.module.rsplit('/').next().unwrap_or(&self.module);
        let mut text = match (&self.function, self.offset) {
            (Some(function), None) => function.clone(),
            (Some(function), Some(offset)) => format!("{function}+{offset:#x} in {module}"),
            (None, _) => format!("{module}+{:#x}", self.address),
        };
        if let Some(place) = &self.place {
            text.push_str(&format!(" at {}:{}", place.file, place.line));
        }
        if self.inlined {
            text.push_str(" (inlined)");
        }
        text
    }
}
