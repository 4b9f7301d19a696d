//! Which lines of a trace are wanted.

use super::Names;
use crate::table::{Class, Kind, row};
use crate::trace::Call;

/// Which lines are wanted; all, unless something is asked for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Only those of the thread of this lineage, and of all that it made.
    pub lineage: Option<String>,
    /// Only calls of these classes.
    pub classes: Vec<Class>,
    /// Only calls with a path that contains this: as an argument, or where a descriptor leads to.
    pub path: Option<String>,
    /// Only calls from this one of their thread on, counted from 0.
    pub from: Option<u64>,
    /// Only calls up to this one of their thread.
    pub to: Option<u64>,
}

impl Wanted {
    /// Whether only calls are wanted, and not what happens between them.
    const fn is_about_calls(&self) -> bool {
        !self.classes.is_empty() || self.path.is_some() || self.from.is_some() || self.to.is_some()
    }

    /// Whether something that a thread does is wanted; of a call also which one of its thread it is.
    pub(super) fn has(&self, lineage: &str, call: Option<(&Call, u64)>, names: &Names) -> bool {
        let below = |wanted: &String| {
            lineage
                .strip_prefix(wanted.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        if !self.lineage.as_ref().is_none_or(below) {
            return false;
        }
        let Some((call, position)) = call else { return !self.is_about_calls() };
        let class = row(call.number).map_or(Class::Unknown, |row| row.class);
        (self.classes.is_empty() || self.classes.contains(&class))
            && self.from.is_none_or(|from| position >= from)
            && self.to.is_none_or(|to| position <= to)
            && self.path.as_ref().is_none_or(|path| mentions(call, path.as_bytes(), names))
    }
}

fn mentions(call: &Call, wanted: &[u8], names: &Names) -> bool {
    let contains =
        |bytes: &[u8]| wanted.is_empty() || bytes.windows(wanted.len()).any(|part| part == wanted);
    let objects = call.objects.iter().map(|(_, object)| object).chain(&call.made);
    let leads = objects.filter_map(|object| names.object(*object)).any(|o| contains(&o.path));
    let is_path = |index: usize| {
        let arguments = row(call.number).map(|row| row.arguments).unwrap_or_default();
        arguments.get(index).is_some_and(|argument| matches!(argument.kind, Kind::Path))
    };
    leads
        || call
            .data
            .iter()
            .any(|data| !data.out && is_path(data.argument.into()) && contains(&data.payload.bytes))
}
