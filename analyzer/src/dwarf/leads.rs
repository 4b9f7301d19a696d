//! Where tagged fields lead: to elements of a list, to arrays, to the type that is really there.
//!
//! The types of such fields are replaced before the graph is made, so that nothing behind it needs
//! to know of tags.

use std::collections::{BTreeMap, HashMap};

use xxhash_rust::xxh3::xxh3_128;

use super::intern::{Key, Node};
use super::merge::Merged;
use super::tags::{FieldTag, FoundPlace, FoundTag, Named, Tag, TypeTags};
use super::unit::Shape;
use crate::graph::{Kind, Member, Type, TypeId, name_hash};

/// How many names, arrays and pointers lie between a field and what it leads to.
const MAX_LAYERS: usize = 16;

/// Replaces the types of tagged fields; returns all tags by the place of their type.
pub(super) fn follow(
    merged: &mut Merged,
    mut tags: Vec<FoundTag>,
    places: Vec<FoundPlace>,
) -> BTreeMap<u32, TypeTags> {
    let mut all: BTreeMap<u32, TypeTags> = BTreeMap::new();
    if tags.is_empty() && places.is_empty() {
        return all;
    }
    for found in places {
        let Some(index) = merged.place(found.ty) else { continue };
        let ty = all.entry(index).or_default();
        match found.member {
            Some(member) => ty.places.entry(member).or_insert(found.place),
            None => ty.place.get_or_insert(found.place),
        };
    }
    // In an order that does not depend on how units were read.
    tags.sort_by(|a, b| (a.key, &a.member, &a.tag).cmp(&(b.key, &b.member, &b.tag)));
    let by_name = names(merged, &tags);
    let (members, arrays) = (HashMap::new(), HashMap::new());
    let mut leads = Leads { merged, by_name, members, definitions: None, arrays };
    for found in tags {
        let Some(index) = leads.merged.place(found.ty) else { continue };
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
    for (index, (node, ty)) in (0..).zip(merged.all()) {
        if !merged.is_kept(index) || !wanted.contains_key(&*ty.name) {
            continue;
        }
        // What is defined counts before other names for it.
        let rank = match node.shape {
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

struct Leads<'a> {
    merged: &'a mut Merged,
    by_name: HashMap<String, Option<u32>>,
    /// The members of types that were asked for, by name.
    members: HashMap<u32, HashMap<Box<str>, usize>>,
    /// Definitions by name, once one is asked for.
    definitions: Option<HashMap<Box<str>, u32>>,
    /// Arrays that tags tell of, by key.
    arrays: HashMap<Key, TypeId>,
}

impl Leads<'_> {
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

    fn ty(&self, index: u32) -> &Type {
        self.merged.ty(index)
    }

    fn node(&self, index: u32) -> &Node {
        &self.merged.nodes[index as usize]
    }

    /// Where a member stands in its type.
    fn member(&mut self, owner: u32, name: &str) -> Option<usize> {
        let members = members_of(self.merged.ty(owner));
        let known = self.members.entry(owner).or_insert_with(|| {
            members.iter().enumerate().map(|(at, member)| (member.name.clone(), at)).collect()
        });
        known.get(name).copied()
    }

    fn place(&self, target: Option<TypeId>) -> Option<u32> {
        self.merged.place(target?)
    }

    /// The type that a tag names.
    fn named(&self, named: &Named, member: &str) -> Result<u32, String> {
        let found = match named {
            Named::Name(name) => self.by_name.get(name).copied().flatten(),
            Named::Behind(_, target) => {
                self.place(*target).and_then(|pointer| self.place(self.node(pointer).target))
            }
        };
        found.ok_or_else(|| match named {
            Named::Name(name) => {
                format!("the tag of `{member}` names `{name}`, which is not one type here")
            }
            Named::Behind(..) => format!("the tag of `{member}` names no type"),
        })
    }

    /// The definition of a type that is only declared where the tag is.
    fn definition(&mut self, index: u32) -> u32 {
        let index = self.defined(index);
        if self.node(index).shape != Shape::Declaration {
            return index;
        }
        let merged = &*self.merged;
        let definitions = self.definitions.get_or_insert_with(|| {
            let types = (0..).zip(merged.all());
            let defined = types.filter(|&(index, (node, _))| {
                merged.is_kept(index) && matches!(node.shape, Shape::Struct | Shape::Union)
            });
            defined.map(|(index, (_, ty))| (ty.name.clone(), index)).collect()
        });
        definitions.get(&merged.ty(index).name).copied().unwrap_or(index)
    }

    /// What other names stand for.
    fn defined(&self, mut index: u32) -> u32 {
        for _ in 0..MAX_LAYERS {
            match self.node(index).shape {
                Shape::Alias => match self.place(self.node(index).target) {
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
        let pointer = self.defined(self.place(members_of(self.ty(owner)).get(at)?.ty)?);
        let node = self.node(pointer);
        if node.shape == Shape::Pointer { self.place(node.target) } else { None }
    }

    /// Makes a field lead there, or to elements of that type.
    fn lead(&mut self, owner: u32, member: &str, to: u32, wrap: Wrap) -> Result<(), String> {
        let at = self.member(owner, member);
        let at = at.ok_or_else(|| format!("`{member}` has a tag, and is not there"))?;
        let held = self.place(members_of(self.ty(owner))[at].ty).map(|held| self.defined(held));
        let is_array = held.is_some_and(|held| self.node(held).shape == Shape::Array);
        let target = match wrap {
            Wrap::AsItIs if !is_array => TypeId(self.node(to).number),
            Wrap::AsItIs | Wrap::Elements => self.array_of(to),
        };
        if let Kind::Struct(members) | Kind::Union(members) = &mut self.merged.ty_mut(owner).kind {
            members[at].ty = Some(target);
        }
        Ok(())
    }

    /// An array of unknown length.
    fn array_of(&mut self, element: u32) -> TypeId {
        let mut bytes = *b"an array that a tag tells of....";
        bytes[16..].copy_from_slice(&self.node(element).key.to_le_bytes());
        let key = xxh3_128(&bytes);
        if let Some(&known) = self.arrays.get(&key) {
            return known;
        }
        let element = Some(TypeId(self.node(element).number));
        let ty = Type {
            name: Box::default(),
            definition_len: 0,
            size_bytes: None,
            align_bytes: None,
            discriminant: None,
            kind: Kind::Array { element, len: None },
            params: Box::default(),
        };
        let node = Node {
            key,
            shallow: key,
            name_hash: name_hash(""),
            number: 0,
            target: element,
            shape: Shape::Array,
        };
        let array = self.merged.push(ty, node);
        self.arrays.insert(key, array);
        array
    }
}

fn members_of(ty: &Type) -> &[Member] {
    match &ty.kind {
        Kind::Struct(members) | Kind::Union(members) => members,
        _ => &[],
    }
}

#[derive(Clone, Copy, Debug)]
enum Wrap {
    AsItIs,
    Elements,
}
