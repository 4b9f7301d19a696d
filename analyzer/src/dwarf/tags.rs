//! What the tags of `include/samestate.h` say of types of C and C++.
//!
//! In C a tag is an entry below the one that it belongs to (clang), or one of a chain that the
//! other refers to (gcc). C++ has no tags; there the header declares a member function whose name
//! and line tell which field it belongs to.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use super::attrs::Ref;
use super::intern::{self, Key, Known};
use super::unit::UnitTypes;
use super::{Harvest, Input, Unit, sources, unnamed};
use crate::graph::TypeId;

/// What the tags of our header start with; others are none of our business.
const PREFIX: &[u8] = b"samestate:";

/// What the member functions that stand for tags start with.
pub(super) const MARK: &[u8] = b"samestate_";

/// The variables that tell whether the compiler kept the tags.
const KEPT: &[u8] = b"samestate_tags_kept";
const LOST: &[u8] = b"samestate_tags_lost";

/// Longest chain of tags that one field has.
const MAX_CHAIN: usize = 64;

/// Most types without a name that one tag is spread over.
const MAX_UNNAMED: usize = 16;

/// What a tag belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// A type, by its index.
    Type(usize),
    /// A member, by the index of its type and its own.
    Member(usize, u32),
    /// A static, by its index.
    Static(usize),
}

/// Everything about tags that one unit holds.
#[derive(Debug, Default)]
pub(super) struct UnitTags<'a> {
    said: Vec<(Subject, &'a [u8])>,
    chained: Vec<(Subject, usize)>,
    /// The entries of chains by offset, with the next one.
    links: HashMap<usize, (&'a [u8], Ref)>,
    marks: Vec<Mark<'a>>,
    members: Vec<MemberPlace>,
    types: Vec<(usize, Option<u64>, u64)>,
    /// Whether the header was included, and whether its tags were kept.
    kept: Option<bool>,
}

/// A member function that stands for a tag.
#[derive(Debug)]
pub(super) struct Mark<'a> {
    pub(super) owner: usize,
    pub(super) name: &'a [u8],
    pub(super) returns: Ref,
    pub(super) file: Option<u64>,
    pub(super) line: u64,
}

/// Where a member is defined.
#[derive(Debug)]
struct MemberPlace {
    owner: usize,
    member: u32,
    file: Option<u64>,
    line: u64,
}

impl<'a> UnitTags<'a> {
    /// Takes a tag that stands below what it belongs to, or in a chain.
    pub(super) fn add(
        &mut self,
        subject: Option<Subject>,
        offset: usize,
        text: &'a [u8],
        next: Ref,
    ) {
        match subject {
            Some(subject) => self.said.push((subject, text)),
            None => {
                self.links.insert(offset, (text, next));
            }
        }
    }

    /// Takes the start of a chain.
    pub(super) fn chain(&mut self, subject: Subject, start: Ref) {
        if let Ref::Local(offset) = start {
            self.chained.push((subject, offset));
        }
    }

    /// What the member functions that stand for tags give back.
    pub(super) fn returns(&self) -> impl Iterator<Item = Ref> {
        self.marks.iter().map(|mark| mark.returns)
    }

    pub(super) fn mark(&mut self, mark: Mark<'a>) {
        self.marks.push(mark);
    }

    pub(super) fn member(&mut self, owner: usize, member: u32, file: Option<u64>, line: u64) {
        self.members.push(MemberPlace { owner, member, file, line });
    }

    pub(super) fn ty(&mut self, index: usize, file: Option<u64>, line: u64) {
        self.types.push((index, file, line));
    }

    /// Looks whether a variable is one of the header's.
    pub(super) fn variable(&mut self, name: &[u8]) {
        if name == KEPT {
            self.kept = Some(self.kept.unwrap_or(true));
        } else if name == LOST {
            self.kept = Some(false);
        }
    }

    /// All tags of our header, those of chains included.
    fn said(&self) -> Vec<(Subject, Tag)> {
        let mut said: Vec<(Subject, Tag)> = Vec::new();
        let mut take = |subject, text: &[u8]| {
            if let Some(text) = text.strip_prefix(PREFIX) {
                said.push((subject, Tag::parse(&String::from_utf8_lossy(text))));
            }
        };
        for &(subject, text) in &self.said {
            take(subject, text);
        }
        for &(subject, start) in &self.chained {
            let mut next = Ref::Local(start);
            for _ in 0..MAX_CHAIN {
                let Ref::Local(offset) = next else { break };
                let Some(&(text, after)) = self.links.get(&offset) else { break };
                take(subject, text);
                next = after;
            }
        }
        said
    }
}

/// What one tag says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tag {
    Root,
    Saved,
    /// With the reason, where the debug information has it.
    Skipped(Option<String>),
    /// The head of a list of values of this type, linked by this member.
    List(Named, String),
    /// A pointer to as many values as this field says.
    Len(String),
    /// A pointer to a value of this type, whatever its own type says.
    As(Named),
    /// One of C++ on a line of several fields, any of which it may belong to.
    Crowded,
    Unknown(String),
}

/// A type that a tag names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Named {
    /// By its name in C.
    Name(String),
    /// By a pointer to it: its key, and its number.
    Behind(Key, Option<TypeId>),
}

impl Tag {
    fn parse(text: &str) -> Self {
        let named = |name: &str| {
            let words = name.split_whitespace();
            let words =
                words.filter(|word| !matches!(*word, "struct" | "union" | "enum" | "const"));
            Named::Name(words.collect::<Vec<_>>().join(" "))
        };
        match text.split_once(':') {
            None if text == "root" => Self::Root,
            None if text == "saved" => Self::Saved,
            Some(("skip", reason)) => Self::Skipped(Some(reason.to_owned())),
            Some(("len", field)) => Self::Len(field.to_owned()),
            Some(("as", name)) => Self::As(named(name)),
            Some(("list", rest)) => match rest.rsplit_once(':') {
                Some((name, member)) => Self::List(named(name), member.to_owned()),
                None => Self::Unknown(text.to_owned()),
            },
            _ => Self::Unknown(text.to_owned()),
        }
    }

    /// What a member function's name says, without the number at its end.
    fn of_mark(name: &[u8], returns: (Key, Option<TypeId>)) -> Option<Self> {
        let name = String::from_utf8_lossy(name.strip_prefix(MARK)?).into_owned();
        let (name, line) = name.rsplit_once('_')?;
        if line.is_empty() || !line.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Some(match name.split_once('_').unwrap_or((name, "")) {
            ("root", "") => Self::Root,
            ("saved", "") => Self::Saved,
            ("skip", "") => Self::Skipped(None),
            ("as", "") => Self::As(Named::Behind(returns.0, returns.1)),
            ("list", member) => Self::List(Named::Behind(returns.0, returns.1), member.to_owned()),
            ("len", field) => Self::Len(field.to_owned()),
            _ => return None,
        })
    }
}

/// A tag with what it belongs to, no longer bound to its unit.
#[derive(Debug)]
pub(super) struct FoundTag {
    pub(super) ty: TypeId,
    pub(super) key: Key,
    /// The member; `None` for the type itself.
    pub(super) member: Option<String>,
    pub(super) tag: Tag,
}

/// Where types and members are defined, for units that have tags.
#[derive(Debug)]
pub(super) struct FoundPlace {
    pub(super) ty: TypeId,
    pub(super) member: Option<String>,
    pub(super) place: (PathBuf, u32),
}

/// A unit whose compiler did not keep the tags.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LostTags {
    /// The unit's file.
    pub(crate) unit: String,
    /// What compiled it.
    pub(crate) producer: String,
}

/// Takes the tags of a unit.
pub(super) fn harvest<'a>(
    lines: (&Input<'a>, &Unit<'a>),
    unit: &Unit<'a>,
    file: u32,
    types: &UnitTypes<'a>,
    known: &Known,
    harvest: &mut Harvest,
) {
    let tags = &types.tags;
    match tags.kept {
        Some(false) => {
            harvest.tag_units += 1;
            harvest.lost_tags.push(lost(lines.0, unit));
        }
        Some(true) => harvest.tag_units += 1,
        None => {}
    }
    let (said, marks) = (tags.said(), &tags.marks);
    if tags.kept.is_none() && said.is_empty() && marks.is_empty() {
        return;
    }
    let name_of = |member: u32| {
        types.member(member).map(|member| String::from_utf8_lossy(member.name).into_owned())
    };
    for (subject, tag) in said {
        match subject {
            // What stands behind an unnamed member belongs to its type.
            Subject::Type(ty) if tag != Tag::Root && unnamed::is_member(&types.types[ty]) => {
                for member in types.member_indices(ty) {
                    spread(types, known, (ty, member), &tag, harvest);
                }
            }
            Subject::Type(ty) => harvest.tags.extend(found(known, ty, None, tag)),
            Subject::Member(ty, member) => spread(types, known, (ty, member), &tag, harvest),
            // Statics are told by whoever reads them.
            Subject::Static(_) => {}
        }
    }
    let mut by_owner: HashMap<_, Vec<(u64, u32)>> = HashMap::new();
    for place in tags.members.iter().filter(|_| !marks.is_empty()) {
        let lines = by_owner.entry((place.owner, place.file)).or_default();
        lines.push((place.line, place.member));
    }
    by_owner.values_mut().for_each(|lines| lines.sort_unstable());
    for mark in marks {
        let owner = mark.owner;
        let returns = mark.returns;
        let key = intern::key_of(file, types, known, returns);
        let returns = (key, intern::resolve(file, types, known, returns));
        let Some(tag) = Tag::of_mark(mark.name, returns) else { continue };
        if tag == Tag::Root {
            harvest.tags.extend(found(known, owner, None, tag));
            continue;
        }
        // The tag stands behind the field, so it is that of the last one before it.
        let Some(lines) = by_owner.get(&(owner, mark.file)) else { continue };
        let after = lines.partition_point(|&(line, _)| line <= mark.line);
        if let Some(&(line, member)) = after.checked_sub(1).and_then(|before| lines.get(before)) {
            let is_crowded = after.checked_sub(2).is_some_and(|at| lines[at].0 == line);
            let tag = if is_crowded { Tag::Crowded } else { tag };
            spread(types, known, (owner, member), &tag, harvest);
        }
    }
    let at = |file, line| sources::place(lines, file, Some(line));
    for place in &tags.members {
        if let (Some(member), Some(at), Some(ty)) =
            (name_of(place.member), at(place.file, place.line), known.number(place.owner))
        {
            harvest.tag_places.push(FoundPlace { ty, member: Some(member), place: at });
        }
    }
    for &(ty, file, line) in &tags.types {
        if let (Some(place), Some(ty)) = (at(file, line), known.number(ty)) {
            harvest.tag_places.push(FoundPlace { ty, member: None, place });
        }
    }
}

/// The statics of a unit that have a tag, by their indices.
pub(super) fn statics(types: &UnitTypes<'_>) -> BTreeSet<usize> {
    let said = types.tags.said();
    let of_static = |(subject, tag)| match (subject, tag) {
        (Subject::Static(index), Tag::Saved | Tag::Skipped(_)) => Some(index),
        _ => None,
    };
    said.into_iter().filter_map(of_static).collect()
}

/// Gives a tag to its member; that of a member without a name, to all members of its type.
fn spread(
    types: &UnitTypes<'_>,
    known: &Known,
    member: (usize, u32),
    tag: &Tag,
    harvest: &mut Harvest,
) {
    let mut queue = vec![member];
    let mut seen = BTreeSet::new();
    while let Some((ty, member)) = queue.pop() {
        let Some(local) = types.member(member) else { continue };
        if !local.name.is_empty() {
            let name = String::from_utf8_lossy(local.name).into_owned();
            harvest.tags.extend(found(known, ty, Some(name), tag.clone()));
        } else if let Ref::Local(offset) = local.ty
            && let Some(inner) = types.at(offset)
            && seen.insert(inner)
            && seen.len() <= MAX_UNNAMED
        {
            queue.extend(types.member_indices(inner).into_iter().map(|member| (inner, member)));
        }
    }
}

fn found(known: &Known, ty: usize, member: Option<String>, tag: Tag) -> Option<FoundTag> {
    Some(FoundTag { ty: known.number(ty)?, key: *known.keys.get(ty)?, member, tag })
}

fn lost(input: &Input<'_>, unit: &Unit<'_>) -> LostTags {
    let name = unit.name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut entries = unit.entries();
    let producer = entries.next_dfs().ok().flatten().and_then(|entry| {
        let value = entry.attr_value(gimli::DW_AT_producer)?;
        Some(input.attr_string(unit, value).ok()?.to_string_lossy().into_owned())
    });
    LostTags { unit: name, producer: producer.unwrap_or_default() }
}

/// The tags of a program.
#[derive(Debug, Default)]
pub(crate) struct Tags {
    /// By type; types of units that include the header, tagged or not.
    pub(crate) types: BTreeMap<TypeId, TypeTags>,
    /// The units that lost their tags.
    pub(crate) lost: BTreeSet<LostTags>,
    /// How many units include the header.
    pub(crate) units: u64,
}

/// What the tags say of one type.
#[derive(Clone, Debug, Default)]
pub(crate) struct TypeTags {
    /// Whether it is a root.
    pub(crate) is_root: bool,
    /// By field.
    pub(crate) fields: BTreeMap<String, BTreeSet<FieldTag>>,
    /// Where it is defined.
    pub(crate) place: Option<(PathBuf, u32)>,
    /// Where its fields are.
    pub(crate) places: BTreeMap<String, (PathBuf, u32)>,
    /// What is wrong with its tags.
    pub(crate) problems: BTreeSet<String>,
}

impl TypeTags {
    /// Whether it has any.
    pub(crate) fn is_tagged(&self) -> bool {
        self.is_root || !self.fields.is_empty() || !self.problems.is_empty()
    }
}

/// What a tag makes of a field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FieldTag {
    /// It is saved, with all that its type leads to.
    Saved,
    /// It is left out, with the reason where the debug information has it.
    Skipped(Option<String>),
    /// It links values of its type in a list whose head says so.
    Link,
}
