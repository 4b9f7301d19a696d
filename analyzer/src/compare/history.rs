//! What the program told of versions before the old one, and tells no more.

use std::collections::BTreeSet;

use samestate_report::rules;

use super::{Comparison, Loads, Part, variants};
use crate::history::FieldHistory;
use crate::model::TypeEntry;

impl Comparison<'_> {
    /// Older images than those of the old version load only as long as the program tells how.
    pub(super) fn dropped(&mut self, name: &str, old: &TypeEntry, new: &TypeEntry) {
        // A type that is converted as a whole tells of itself no more.
        if old.version.is_none() || new.version.is_none() {
            return;
        }
        let mut gone = Vec::new();
        let missing = |was: &BTreeSet<String>, is: &BTreeSet<String>, word: &str, on: &str| {
            let missing = was.difference(is).map(|name| format!("`{word}` of `{name}`{on}"));
            missing.collect::<Vec<_>>()
        };
        let (was, is) = (&old.history, &new.history);
        gone.extend(missing(&was.was, &is.was, "was", ""));
        gone.extend(missing(&was.migrates, &is.migrates, "migrate", ""));
        // What came back is not gone.
        let fields: BTreeSet<String> = new.variants.iter().flat_map(members).collect();
        let removed = was.removed.difference(&fields).cloned().collect();
        gone.extend(missing(&removed, &is.removed, "removed", ""));
        for (was, is) in variants::pairs(old, new) {
            let on = format!(" on `{}`", is.name);
            gone.extend(missing(&was.history.was, &is.history.was, "was", &on));
            if was.history.since.is_some() && is.history.since.is_none() {
                gone.push(format!("`since`{on}"));
            }
            for now in &is.fields {
                let known = |name: &String| *name == now.name || now.history.was.contains(name);
                let Some(before) = was.fields.iter().find(|field| known(&field.name)) else {
                    continue;
                };
                let FieldHistory { since, has_default, was, from } = &before.history;
                let on = format!(" on `{}`", now.name);
                gone.extend(missing(was, &now.history.was, "was", &on));
                gone.extend(missing(from, &now.history.from, "from", &on));
                let is_told = |since: Option<u32>, has_default| since.is_some() && has_default;
                if is_told(*since, *has_default)
                    && !is_told(now.history.since, now.history.has_default)
                {
                    gone.push(format!("`since` and `default`{on}"));
                }
            }
        }
        if gone.is_empty() {
            return;
        }
        self.push(Part::of(name), &rules::HISTORY_DROPPED, Loads::Unsaid, |finding| {
            finding.message =
                format!("`{name}` no longer tells how images before the last version are read");
            finding.details = gone.iter().map(|line| format!("gone: {line}")).collect();
            finding.help = Some(
                "put them back, if images of those versions are still to be loaded".to_owned(),
            );
        });
    }
}

/// The names of fields and variants as `removed` has them.
fn members(variant: &crate::model::VariantEntry) -> Vec<String> {
    let prefix = if variant.name.is_empty() { String::new() } else { format!("{}.", variant.name) };
    let fields = variant.fields.iter().filter(|field| field.state.is_state());
    let fields = fields.map(|field| format!("{prefix}{}", field.name));
    fields.chain((!variant.name.is_empty()).then(|| variant.name.clone())).collect()
}
