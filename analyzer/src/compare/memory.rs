//! How types lie in memory: what endangers images that are dumps of it.
//!
//! A type that lies in others moves their fields when it grows. Such followers are told with the
//! type that changed by itself, and not by themselves.

use std::collections::{BTreeMap, BTreeSet};

use samestate_report::{Finding, Rule, Severity, Subject, rules};

use super::{Comparison, Loads, Part, sides};
use crate::memory::{FieldLayout, Layout, Span, VariantLayout, inside};
use crate::profile::Profile;

/// How many followers and fields a finding names.
const NAMED: usize = 8;

/// A type that lies differently in memory, by its name in the new version.
struct Change<'a> {
    old: &'a Layout,
    new: &'a Layout,
    fields: FieldChanges<'a>,
}

/// What became of the fields.
#[derive(Default)]
struct FieldChanges<'a> {
    /// The same field stands elsewhere: its variant, what it is called, where it was and is.
    moved: Vec<(&'a str, &'a str, Span, Span)>,
    /// Bytes that hold something else: the variant, the field, and what happened to it.
    replaced: Vec<(&'a str, &'a str, String)>,
}

impl Change<'_> {
    fn is_resized(&self) -> bool {
        (self.old.size, self.old.align) != (self.new.size, self.new.align)
    }

    /// Whether fields that both have stand in another order among themselves. Those whose type
    /// grew do not count: the compiler of Rust puts them elsewhere by itself.
    fn is_reordered(&self, all: &BTreeMap<String, Change<'_>>) -> bool {
        self.new.variants.iter().any(|is| {
            let was = self.old.variants.iter().find(|was| was.name == is.name);
            let Some(was) = was else { return false };
            let before: BTreeMap<&str, Span> =
                was.fields.iter().map(|field| (field.name.as_str(), field.at)).collect();
            let is_steady =
                |field: &&FieldLayout| !all.get(&inside(&field.ty)).is_some_and(Change::is_resized);
            // Fields are sorted by where they stand; those of a union all stand at its start.
            let places = is.fields.iter().filter(is_steady);
            let places = places.filter_map(|field| before.get(field.name.as_str()));
            !places.map(|at| at.start).is_sorted()
        })
    }

    fn discriminants(layout: &Layout) -> Option<String> {
        layout.discriminant.map(|tag| format!("bytes {tag}"))
    }
}

impl Comparison<'_> {
    /// Compares how types lie in memory, as far as images depend on it.
    pub(super) fn memory(&mut self) {
        if !self.target() || self.profile == Profile::ByField {
            return;
        }
        let (old, new) = (self.old.model, self.new.model);
        for (model, side) in [(old, "old"), (new, "new")] {
            if model.memory.is_none() {
                let message =
                    format!("the {side} version does not tell how its types lie in memory");
                let subject = Subject::Input(format!("the {side} version"));
                let mut finding = Finding::new(&rules::LOST_EVIDENCE, subject, message);
                finding.help =
                    Some("write its lock with `samestate lock --profile raw-memory`".to_owned());
                self.report.findings.push(finding);
            }
        }
        let (Some(was), Some(is)) = (&old.memory, &new.memory) else { return };
        let mut changes: BTreeMap<String, Change<'_>> = BTreeMap::new();
        for (name, old_layout) in was {
            let now = self.renames.of(name).to_owned();
            let Some(new_layout) = is.get(&now) else {
                if new.types.contains_key(&now) {
                    self.layout_lost(&now, "new");
                }
                continue;
            };
            if old_layout == new_layout {
                continue;
            }
            let fields = self.field_changes(old_layout, new_layout);
            changes.insert(now, Change { old: old_layout, new: new_layout, fields });
        }
        let added = is.keys().filter(|name| old.types.contains_key(*name));
        for name in added.filter(|name| !was.contains_key(*name)) {
            self.layout_lost(name, "old");
        }
        let followers = followers(&changes);
        for (name, change) in &changes {
            if let Some(followers) = followers.get(name.as_str()) {
                self.resized(name, change, followers);
                self.places(name, change);
                self.discriminant(name, change);
                self.padding(name, change);
            } else {
                // What a niche stands for can change with the type that it is in.
                self.discriminant(name, change);
            }
            self.address(name, change, &changes);
        }
    }

    /// Compares what the two were built for; returns whether their memory can be compared.
    fn target(&mut self) -> bool {
        let (Some(was), Some(is)) = (&self.old.model.target, &self.new.model.target) else {
            return true;
        };
        if was == is {
            return true;
        }
        let message = format!("the old version was built for {was}, the new one for {is}");
        let subject = Subject::Input("the target".to_owned());
        let mut finding = Finding::new(&rules::TARGET_CHANGED, subject, message);
        finding.sides = Some(sides(&was.to_string(), &is.to_string()));
        let is_alike = was.reads_like(is);
        if self.profile == Profile::ByField || is_alike {
            finding.severity = Severity::Note;
        }
        if was.bits != is.bits {
            finding.details.push(format!(
                "`usize`, `isize` and addresses have {} bits and had {}; images of the derive hold \
                 64 either way, code written by hand may not",
                is.bits, was.bits
            ));
        }
        if self.profile == Profile::RawMemory && !is_alike {
            finding.details.push("how types lie in memory was not compared".to_owned());
        }
        self.report.findings.push(finding);
        is_alike
    }

    fn layout_lost(&mut self, name: &str, side: &str) {
        let message = format!("how `{name}` lies in memory cannot be seen in the {side} version");
        let subject = Subject::Type(name.to_owned());
        self.report.findings.push(Finding::new(&rules::LOST_EVIDENCE, subject, message));
    }

    fn field_changes<'a>(&self, old: &'a Layout, new: &'a Layout) -> FieldChanges<'a> {
        let mut changes = FieldChanges::default();
        for is in &new.variants {
            let Some(was) = old.variants.iter().find(|was| was.name == is.name) else { continue };
            self.fields_of(was, is, &mut changes);
        }
        changes
    }

    fn fields_of<'a>(
        &self,
        was: &'a VariantLayout,
        is: &'a VariantLayout,
        changes: &mut FieldChanges<'a>,
    ) {
        let by_name = |fields: &'a [FieldLayout]| -> BTreeMap<&'a str, &'a FieldLayout> {
            fields.iter().map(|field| (field.name.as_str(), field)).collect()
        };
        let (before, after) = (by_name(&was.fields), by_name(&is.fields));
        let same = |old: &FieldLayout, new: &FieldLayout| self.renames.same(&old.ty, &new.ty);
        // Another name for the same bytes means nothing to memory.
        let is_renamed = |old: &FieldLayout, new: &FieldLayout| {
            (old.at, old.bits) == (new.at, new.bits) && same(old, new)
        };
        for new in &is.fields {
            let what = match before.get(new.name.as_str()) {
                Some(old) if !same(old, new) => {
                    format!("`{}` was `{}` and is `{}` now", new.name, old.ty, new.ty)
                }
                Some(old) => {
                    if old.at.start != new.at.start {
                        changes.moved.push((&is.name, &new.name, old.at, new.at));
                    }
                    if old.bits == new.bits {
                        continue;
                    }
                    let place = |field: &FieldLayout| {
                        let bits = field.bits.unwrap_or(Span {
                            start: 0,
                            end: (field.at.end - field.at.start).saturating_mul(8),
                        });
                        format!("bits {bits} from byte {}", field.at.start)
                    };
                    format!("`{}` has {} and had {}", new.name, place(new), place(old))
                }
                None => {
                    let gone = was.fields.iter().filter(|f| !after.contains_key(f.name.as_str()));
                    if gone.into_iter().any(|old| is_renamed(old, new)) {
                        continue;
                    }
                    format!("`{}: {}` is new, at bytes {}", new.name, new.ty, new.at)
                }
            };
            changes.replaced.push((&is.name, &new.name, what));
        }
        for old in was.fields.iter().filter(|old| !after.contains_key(old.name.as_str())) {
            let come = is.fields.iter().filter(|f| !before.contains_key(f.name.as_str()));
            if !come.into_iter().any(|new| is_renamed(old, new)) {
                let what = format!("`{}: {}` is gone from bytes {}", old.name, old.ty, old.at);
                changes.replaced.push((&is.name, &old.name, what));
            }
        }
    }

    fn resized(&mut self, name: &str, change: &Change<'_>, followers: &[(String, String)]) {
        let bytes =
            |count: u64| if count == 1 { "1 byte".to_owned() } else { format!("{count} bytes") };
        let Change { old, new, .. } = change;
        let mut details = moves(&change.fields);
        if !followers.is_empty() {
            let named: Vec<_> = followers
                .iter()
                .take(NAMED)
                .map(|(name, how)| format!("`{name}` ({how})"))
                .collect();
            let more = match followers.len() - named.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            details.push(format!("with it change {}{more}", named.join(", ")));
        }
        if old.size != new.size {
            let (was, is) = (bytes(old.size), bytes(new.size));
            let message = format!("`{name}` takes {is} in memory and took {was}");
            self.in_memory(Part::of(name), &rules::SIZE_CHANGED, message, (&was, &is), &details);
        }
        if let (Some(was), Some(is)) = (old.align, new.align)
            && was != is
        {
            let message = format!("`{name}` is aligned to {is} and was to {was}");
            let details = if old.size == new.size { details } else { Vec::new() };
            let both = (&*was.to_string(), &*is.to_string());
            self.in_memory(Part::of(name), &rules::ALIGNMENT_CHANGED, message, both, &details);
        }
    }

    /// Fields that stand elsewhere in a type that is as large as before.
    fn places(&mut self, name: &str, change: &Change<'_>) {
        if change.old.size != change.new.size {
            return;
        }
        if let Some((variant, field, was, is)) = change.fields.moved.first() {
            let message =
                format!("`{field}` stands at byte {} and stood at {}", is.start, was.start);
            let both = (&*format!("bytes {was}"), &*format!("bytes {is}"));
            let part = Part::of(name).variant(variant).field(field);
            let details: Vec<_> = moves(&change.fields).into_iter().skip(1).collect();
            self.in_memory(part, &rules::OFFSET_CHANGED, message, both, &details);
        } else if let Some((variant, field, what)) = change.fields.replaced.first()
            && !self.is_stated(name)
        {
            let part = Part::of(name).variant(variant).field(field);
            let rest = change.fields.replaced[1..].iter().take(NAMED);
            let details: Vec<_> = rest.map(|(_, _, what)| what.clone()).collect();
            let both = ("other bytes", "the same place");
            self.in_memory(part, &rules::CONTENTS_CHANGED, what.clone(), both, &details);
        }
    }

    /// Whether it was said already that older images of the type do not load.
    fn is_stated(&self, name: &str) -> bool {
        self.report.findings.iter().any(|finding| {
            finding.severity == Severity::Error && finding.group.as_deref() == Some(name)
        })
    }

    /// What tells the variants of an enum apart.
    fn discriminant(&mut self, name: &str, change: &Change<'_>) {
        let Change { old, new, .. } = change;
        let mut told = Vec::new();
        if old.discriminant != new.discriminant {
            let place = |layout: &Layout| {
                Change::discriminants(layout).unwrap_or_else(|| "nothing".to_owned())
            };
            told.push(("", place(old), place(new)));
        }
        for is in &new.variants {
            let Some(was) = old.variants.iter().find(|was| was.name == is.name) else { continue };
            if was.value != is.value {
                let number = |value: Option<i128>| {
                    value.map_or_else(|| "all other numbers".to_owned(), |value| value.to_string())
                };
                told.push((&is.name, number(was.value), number(is.value)));
            }
        }
        let line = |(variant, was, is): &(&str, String, String)| {
            if variant.is_empty() {
                format!("the variants of `{name}` are told apart by {is} and were by {was}")
            } else {
                format!("`{name}::{variant}` is stored as {is} and was as {was}")
            }
        };
        let Some(first) = told.first() else { return };
        let details: Vec<_> = told[1..].iter().take(NAMED).map(line).collect();
        let part = Part::of(name).variant(first.0);
        let both = (&*first.1, &*first.2);
        self.in_memory(part, &rules::DISCRIMINANT_CHANGED, line(first), both, &details);
    }

    /// Memory that held values only, and now holds an address.
    fn address(&mut self, name: &str, change: &Change<'_>, all: &BTreeMap<String, Change<'_>>) {
        let gained = |change: &Change<'_>| !change.old.has_address() && change.new.has_address();
        if !gained(change) {
            return;
        }
        let fields = change.new.variants.iter().flat_map(|variant| {
            variant.fields.iter().map(move |field| (variant.name.as_str(), field))
        });
        for (variant, field) in fields.filter(|(_, field)| field.has_address) {
            // It is told where the address is.
            if all.get(&inside(&field.ty)).is_some_and(gained) {
                continue;
            }
            let message = format!("`{}: {}` holds an address", field.name, field.ty);
            let part = Part::of(name).variant(variant).field(&field.name);
            let both = ("values only", "an address");
            self.in_memory(part, &rules::ADDRESS_IN_MEMORY, message, both, &[]);
        }
    }

    fn padding(&mut self, name: &str, change: &Change<'_>) {
        let padding = change.new.padding();
        if change.old.padding() > 0 || padding == 0 {
            return;
        }
        let message = format!("{padding} of the bytes of `{name}` belong to no field");
        let both = ("no padding", &*format!("{padding} bytes of padding"));
        self.in_memory(Part::of(name), &rules::PADDING_ADDED, message, both, &[]);
    }

    fn in_memory(
        &mut self,
        part: Part<'_>,
        rule: &'static Rule,
        message: String,
        (was, is): (&str, &str),
        details: &[String],
    ) {
        if self.is_without_derive(part.ty, part.ty) {
            self.changed.insert(part.ty.to_owned());
        }
        self.push(part, rule, Loads::Misread, |finding| {
            finding.message = message;
            finding.sides = Some(sides(was, is));
            finding.details.extend_from_slice(details);
            finding.help = Some(match rule.id {
                id if id == rules::PADDING_ADDED.id => {
                    "make the padding a field of its own, so that its bytes have a value".to_owned()
                }
                id if id == rules::ADDRESS_IN_MEMORY.id => {
                    "save what it points to by itself, and dump the type without it".to_owned()
                }
                _ => format!(
                    "keep `{}` as it was (`#[repr(C)]` keeps the compiler from moving its fields), \
                     or give dumps a version and convert older ones",
                    part.ty
                ),
            });
        });
    }
}

/// A line for each field that stands elsewhere or is another one.
fn moves(changes: &FieldChanges<'_>) -> Vec<String> {
    let moved = changes.moved.iter().map(|(_, field, was, is)| {
        format!("`{field}` stands at byte {} and stood at {}", is.start, was.start)
    });
    let replaced = changes.replaced.iter().map(|(_, _, what)| what.clone());
    let mut lines: Vec<_> = moved.chain(replaced).collect();
    if lines.len() > NAMED {
        let more = lines.len() - NAMED;
        lines.truncate(NAMED);
        lines.push(format!("and {more} more fields"));
    }
    lines
}

/// The types that changed by themselves, each with those that changed only because it lies in them,
/// and how.
fn followers<'c>(
    changes: &'c BTreeMap<String, Change<'_>>,
) -> BTreeMap<&'c str, Vec<(String, String)>> {
    // Who lies in whom, among those that changed.
    let mut holders: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut own: Vec<&str> = Vec::new();
    for (name, change) in changes {
        let resized = |field: &FieldLayout| {
            let inner = inside(&field.ty);
            let is_resized = changes.get(&inner).is_some_and(Change::is_resized);
            is_resized.then_some(inner)
        };
        let inner: BTreeSet<String> = change.new.fields().filter_map(resized).collect();
        if inner.is_empty() || !change.fields.replaced.is_empty() || change.is_reordered(changes) {
            own.push(name);
        }
        for inner in inner {
            holders.entry(inner).or_default().push(name);
        }
    }
    let mut told: BTreeSet<&str> = own.iter().copied().collect();
    let mut found: BTreeMap<&str, Vec<(String, String)>> = BTreeMap::new();
    let mut queue = own;
    let mut left = changes.keys();
    loop {
        for name in std::mem::take(&mut queue) {
            let mut following = BTreeSet::new();
            let mut next = vec![name];
            while let Some(at) = next.pop() {
                for &holder in holders.get(at).into_iter().flatten() {
                    if holder != name && !found.contains_key(holder) && following.insert(holder) {
                        next.push(holder);
                    }
                }
            }
            told.extend(&following);
            let lines = following.iter().filter_map(|name| Some((name, changes.get(*name)?)));
            let lines = lines.map(|(name, change)| ((*name).to_owned(), how(change)));
            found.insert(name, lines.collect());
        }
        // What lies in itself, as only a made-up lock says, is nobody's follower.
        match left.find(|name| !told.contains(name.as_str())) {
            Some(name) => queue.push(name),
            None => return found,
        }
    }
}

fn how(change: &Change<'_>) -> String {
    let Change { old, new, .. } = change;
    if old.size != new.size {
        format!("{} → {} bytes", old.size, new.size)
    } else if old.align != new.align {
        "its alignment".to_owned()
    } else {
        "where its fields stand".to_owned()
    }
}
