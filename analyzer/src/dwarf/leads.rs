//! Where tagged fields lead: to elements of a list, to arrays, to the type that is really there.
//!
//! The types of such fields are replaced before the graph is made, so that nothing behind it needs
//! to know of tags.

use std::collections::{BTreeMap, HashMap};

use xxhash_rust::xxh3::xxh3_128;

use super::intern::{Interned, Key, Target};
use super::merge::Merged;
use super::tags::{FieldTag, FoundPlace, FoundTag, Named, Tag, TypeTags};
use super::unit::Shape;

/// How many names, arrays and pointers lie between a field and what it leads to.
const MAX_LAYERS: usize = 16;

/// Replaces the types of tagged fields; returns all tags by the index of their type.
pub(super) fn follow(
    merged: &mut Merged,
    mut tags: Vec<FoundTag>,
    places: Vec<FoundPlace>,
    resolve: &impl Fn(Target) -> Option<Key>,
) -> BTreeMap<u32, TypeTags> {
    let mut all: BTreeMap<u32, TypeTags> = BTreeMap::new();
    if tags.is_empty() && places.is_empty() {
        return all;
    }
    for found in places {
        let Some(&index) = merged.places.get(&found.ty) else { continue };
        let ty = all.entry(index).or_default();
        match found.member {
            Some(member) => ty.places.entry(member).or_insert(found.place),
            None => ty.place.get_or_insert(found.place),
        };
    }
    // In an order that does not depend on how units were read.
    tags.sort_by(|a, b| (a.ty, &a.member, &a.tag).cmp(&(b.ty, &b.member, &b.tag)));
    let by_name = names(merged, &tags);
    let mut leads = Leads { merged, resolve, by_name, members: HashMap::new(), definitions: None };
    for found in tags {
        let Some(&index) = leads.merged.places.get(&found.ty) else { continue };
        let result = match &found.member {
            None if found.tag == Tag::Root => {
                all.entry(index).or_default().is_root = true;
                Ok(())
            }
            None => Err("a tag that belongs behind a field stands at the type".to_owned()),
            Some(member) => leads.field(index, member, &found.tag, &mut all),
        };
        if let Err(problem) = result {
            all.entry(index).or_default().problems.insert(problem);
        }
    }
    all
}

/// The types that tags name, by name; `None` where several have it.
fn names(merged: &Merged, tags: &[FoundTag]) -> HashMap<String, Option<u32>> {
    let mut wanted: HashMap<String, Option<u32>> = HashMap::new();
    for found in tags {
        if let Tag::As(Named::Name(name)) | Tag::List(Named::Name(name), _) = &found.tag {
            wanted.insert(name.clone(), None);
        }
    }
    let mut found: HashMap<String, Vec<(u8, u32)>> = HashMap::new();
    for (index, (_, ty)) in (0..).zip(&merged.types) {
        if !wanted.contains_key(&*ty.name) {
            continue;
        }
        // What is defined counts before other names for it.
        let rank = match ty.shape {
            Shape::Declaration => continue,
            Shape::Alias => 1,
            _ => 0,
        };
        found.entry(ty.name.to_string()).or_default().push((rank, index));
    }
    for (name, mut types) in found {
        types.sort_unstable();
        let first = types[0];
        let is_only = types.get(1).is_none_or(|second| second.0 > first.0);
        wanted.insert(name, is_only.then_some(first.1));
    }
    wanted
}

struct Leads<'a, R> {
    merged: &'a mut Merged,
    resolve: &'a R,
    by_name: HashMap<String, Option<u32>>,
    /// The members of types that were asked for, by name.
    members: HashMap<u32, HashMap<Box<str>, usize>>,
    /// Definitions by name, once one is asked for.
    definitions: Option<HashMap<Box<str>, u32>>,
}

impl<R: Fn(Target) -> Option<Key>> Leads<'_, R> {
    fn field(
        &mut self,
        owner: u32,
        member: &str,
        tag: &Tag,
        all: &mut BTreeMap<u32, TypeTags>,
    ) -> Result<(), String> {
        let told = match tag {
            Tag::Saved => FieldTag::Saved,
            Tag::Skipped(reason) => FieldTag::Skipped(reason.clone()),
            Tag::As(named) => {
                let target = self.named(named, member)?;
                self.lead(owner, member, target, Wrap::AsItIs)?;
                FieldTag::Saved
            }
            Tag::List(named, link) => {
                let target = self.named(named, member)?;
                let element = self.definition(target);
                if self.member(element, link).is_none() {
                    let name = &self.ty(element).name;
                    return Err(format!(
                        "the list `{member}` is linked by `{link}`, which `{name}` does not have"
                    ));
                }
                self.lead(owner, member, target, Wrap::Elements)?;
                let links = all.entry(element).or_default().fields.entry(link.clone());
                links.or_default().insert(FieldTag::Link);
                FieldTag::Saved
            }
            Tag::Len(field) => {
                if self.member(owner, field).is_none() {
                    return Err(format!(
                        "the length of `{member}` is said to be in `{field}`, which is not there"
                    ));
                }
                if let Some(target) = self.pointee(owner, member) {
                    self.lead(owner, member, target, Wrap::Elements)?;
                }
                FieldTag::Saved
            }
            Tag::Root => return Err(format!("`{member}` is a field; only types are roots")),
            Tag::Crowded => {
                return Err(format!(
                    "a tag on the line of `{member}` may belong to another field there: one field \
                     per line"
                ));
            }
            Tag::Unknown(text) => {
                return Err(format!("`{member}` has the tag `{text}`, which is not known here"));
            }
        };
        let fields = &mut all.entry(owner).or_default().fields;
        fields.entry(member.to_owned()).or_default().insert(told);
        Ok(())
    }

    fn ty(&self, index: u32) -> &Interned {
        &self.merged.types[index as usize].1
    }

    /// Where a member stands in its type.
    fn member(&mut self, owner: u32, name: &str) -> Option<usize> {
        let members = &self.merged.types[owner as usize].1.members;
        let known = self.members.entry(owner).or_insert_with(|| {
            members.iter().enumerate().map(|(at, member)| (member.name.clone(), at)).collect()
        });
        known.get(name).copied()
    }

    fn place(&self, target: Target) -> Option<u32> {
        self.merged.places.get(&(self.resolve)(target)?).copied()
    }

    /// The type that a tag names.
    fn named(&self, named: &Named, member: &str) -> Result<u32, String> {
        let found = match named {
            Named::Name(name) => self.by_name.get(name).copied().flatten(),
            Named::Behind(target) => {
                self.place(*target).and_then(|pointer| self.place(self.ty(pointer).target))
            }
        };
        found.ok_or_else(|| match named {
            Named::Name(name) => {
                format!("the tag of `{member}` names `{name}`, which is not one type here")
            }
            Named::Behind(_) => format!("the tag of `{member}` names no type"),
        })
    }

    /// The definition of a type that is only declared where the tag is.
    fn definition(&mut self, index: u32) -> u32 {
        let index = self.defined(index);
        if self.ty(index).shape != Shape::Declaration {
            return index;
        }
        let merged = &*self.merged;
        let definitions = self.definitions.get_or_insert_with(|| {
            let types = (0..).zip(&merged.types);
            let defined =
                types.filter(|(_, (_, ty))| matches!(ty.shape, Shape::Struct | Shape::Union));
            defined.map(|(index, (_, ty))| (ty.name.clone(), index)).collect()
        });
        definitions.get(&merged.types[index as usize].1.name).copied().unwrap_or(index)
    }

    /// What other names stand for.
    fn defined(&self, mut index: u32) -> u32 {
        for _ in 0..MAX_LAYERS {
            match self.ty(index).shape {
                Shape::Alias => match self.place(self.ty(index).target) {
                    Some(target) => index = target,
                    None => break,
                },
                _ => break,
            }
        }
        index
    }

    /// What a field points to, if it is a pointer.
    fn pointee(&mut self, owner: u32, member: &str) -> Option<u32> {
        let at = self.member(owner, member)?;
        let pointer = self.defined(self.place(self.ty(owner).members.get(at)?.ty)?);
        let ty = self.ty(pointer);
        if ty.shape == Shape::Pointer { self.place(ty.target) } else { None }
    }

    /// Makes a field lead there, or to elements of that type.
    fn lead(&mut self, owner: u32, member: &str, to: u32, wrap: Wrap) -> Result<(), String> {
        let at = self.member(owner, member);
        let at = at.ok_or_else(|| format!("`{member}` has a tag, and is not there"))?;
        let held = self.place(self.ty(owner).members[at].ty).map(|held| self.defined(held));
        let is_array = held.is_some_and(|held| self.ty(held).shape == Shape::Array);
        let key = self.merged.types[to as usize].0;
        let target = match wrap {
            Wrap::AsItIs if !is_array => Target::Key(key),
            Wrap::AsItIs | Wrap::Elements => Target::Key(self.array_of(key)),
        };
        self.merged.types[owner as usize].1.members[at].ty = target;
        Ok(())
    }

    /// An array of unknown length.
    fn array_of(&mut self, element: Key) -> Key {
        let mut bytes = *b"an array that a tag tells of....";
        bytes[16..].copy_from_slice(&element.to_le_bytes());
        let key = xxh3_128(&bytes);
        // As many as tags, and fewer than types can be.
        let index = u32::try_from(self.merged.types.len()).unwrap_or(u32::MAX);
        if let std::collections::hash_map::Entry::Vacant(place) = self.merged.places.entry(key) {
            place.insert(index);
            self.merged.types.push((
                key,
                Interned {
                    name: Box::default(),
                    definition_len: 0,
                    shape: Shape::Array,
                    size_bytes: None,
                    align_bytes: None,
                    len: None,
                    target: Target::Key(element),
                    members: Box::default(),
                    params: Box::default(),
                    enumerators: Box::default(),
                    shallow: key,
                },
            ));
        }
        key
    }
}

#[derive(Clone, Copy, Debug)]
enum Wrap {
    AsItIs,
    Elements,
}
