//! One type for what several units describe differently: by a reference into another unit, or by
//! a declaration where others have the definition.
//!
//! Within a unit, keys cannot know what such a reference leads to. Once all units are read, the
//! keys of all types that lead there are made anew, with these references resolved, and equal ones
//! become one.

use std::collections::HashMap;

use super::canon::{self, Edges};
use super::intern::{ByHash, Key, KeyMap, NOTHING, NOWHERE, Node, Number, Table, Types};
use super::unit::Shape;
use crate::graph::{Kind, Type, TypeId};

/// The types of a table. Ids in them are numbers still.
#[derive(Debug, Default)]
pub(super) struct Merged {
    /// What the graph does not hold of each type, by its place.
    pub(super) nodes: Vec<Node>,
    /// The types in the order of their places.
    pub(super) chunks: Vec<Vec<Type>>,
    /// The place of the first type of each chunk.
    starts: Vec<u32>,
    /// The places of numbers; of those that became one, the place of the one that stays.
    places: Vec<u32>,
    /// The numbers of what units refer to elsewhere, by its index.
    foreign: Vec<Option<TypeId>>,
}

/// The place of a number that no type has.
const NO_PLACE: u32 = u32::MAX;

impl Merged {
    /// Where the type of this number is.
    pub(super) fn place(&self, id: TypeId) -> Option<u32> {
        let number = match Number::of(id) {
            Number::Type(number) => number,
            Number::Foreign(index) => match Number::of((*self.foreign.get(index as usize)?)?) {
                Number::Type(number) => number,
                Number::Foreign(_) => return None,
            },
        };
        self.places.get(number as usize).copied().filter(|&place| place != NO_PLACE)
    }

    /// The type at this place.
    pub(super) fn ty(&self, place: u32) -> &Type {
        let (chunk, at) = self.chunk(place);
        &self.chunks[chunk][at]
    }

    /// The same, to be changed.
    pub(super) fn ty_mut(&mut self, place: u32) -> &mut Type {
        let (chunk, at) = self.chunk(place);
        &mut self.chunks[chunk][at]
    }

    /// Adds a type; returns its number.
    pub(super) fn push(&mut self, ty: Type, node: Node) -> TypeId {
        let place = u32::try_from(self.nodes.len()).unwrap_or(NO_PLACE);
        let number = u32::try_from(self.places.len()).unwrap_or(NO_PLACE);
        self.nodes.push(Node { number, ..node });
        self.chunks.push(vec![ty]);
        self.starts.push(place);
        self.places.push(place);
        TypeId(number)
    }

    /// Whether a type is still there, and not become one with another.
    pub(super) fn is_kept(&self, place: u32) -> bool {
        let number = self.nodes[place as usize].number;
        self.places.get(number as usize) == Some(&place)
    }

    fn chunk(&self, place: u32) -> (usize, usize) {
        let chunk = self.starts.partition_point(|&start| start <= place) - 1;
        (chunk, (place - self.starts[chunk]) as usize)
    }

    /// Everything that a type refers to, in the order in which it is hashed.
    fn targets<'m>(
        &'m self,
        node: &'m Node,
        ty: &'m Type,
    ) -> impl Iterator<Item = Option<TypeId>> + 'm {
        let (members, variants) = match &ty.kind {
            Kind::Struct(members) | Kind::Union(members) => (&**members, &[][..]),
            Kind::Enum(variants) => (&[][..], &**variants),
            _ => (&[][..], &[][..]),
        };
        let members = members.iter().map(|member| member.ty);
        let variants = variants.iter().map(|variant| variant.payload);
        let params = ty.params.iter().map(|param| param.ty);
        std::iter::once(node.target).chain(members).chain(variants).chain(params)
    }

    /// All types with their nodes, by place.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Node, &Type)> {
        self.nodes.iter().zip(self.chunks.iter().flatten())
    }
}

/// Puts the types of all units together.
pub(super) fn types(units: Vec<Types>, foreign: Vec<Option<TypeId>>, table: &Table) -> Merged {
    let count = units.iter().map(|unit| unit.nodes.len()).sum();
    let mut merged = Merged { foreign, ..Merged::default() };
    merged.nodes.reserve_exact(count);
    for unit in units {
        // There are no more types than numbers.
        merged.starts.push(u32::try_from(merged.nodes.len()).unwrap_or(NO_PLACE));
        merged.nodes.extend(unit.nodes);
        merged.chunks.push(unit.types);
    }
    let numbers = merged.nodes.iter().map(|node| node.number as usize + 1).max().unwrap_or(0);
    merged.places.resize(numbers, NO_PLACE);
    for (place, node) in (0..).zip(&merged.nodes) {
        merged.places[node.number as usize] = place;
    }
    let definitions = definitions(&merged);
    if (definitions.is_some() || !merged.foreign.is_empty())
        && let Ok(renewed) = Renewed::of(&merged, definitions.as_deref().unwrap_or_default())
    {
        renewed.apply(&mut merged, table);
    }
    merged
}

/// By the place of each declaration, the definition of its name, if all definitions look the same
/// at first sight: what they refer to may itself be declared in one and defined in another.
fn definitions(merged: &Merged) -> Option<Vec<Option<u32>>> {
    let mut found: HashMap<u64, Option<u32>, ByHash> = HashMap::default();
    let declared = merged.nodes.iter().filter(|node| node.shape == Shape::Declaration);
    found.extend(declared.map(|node| (node.name_hash, None)));
    if found.is_empty() {
        return None;
    }
    let mut ambiguous = Vec::new();
    for (place, node) in (0..).zip(&merged.nodes) {
        if node.shape == Shape::Declaration {
            continue;
        }
        let Some(known) = found.get_mut(&node.name_hash) else { continue };
        match *known {
            None => *known = Some(place),
            Some(other) if merged.nodes[other as usize].shallow != node.shallow => {
                ambiguous.push(node.name_hash);
            }
            Some(other) if node.key < merged.nodes[other as usize].key => *known = Some(place),
            Some(_) => {}
        }
    }
    for name in ambiguous {
        found.remove(&name);
    }
    let definition = |node: &Node| match node.shape {
        Shape::Declaration => found.get(&node.name_hash).copied().flatten(),
        _ => None,
    };
    Some(merged.nodes.iter().map(definition).collect())
}

/// The types whose keys were made anew.
struct Renewed {
    /// Their places, ascending.
    places: Vec<u32>,
    keys: Vec<Key>,
}

impl Renewed {
    fn of(merged: &Merged, definitions: &[Option<u32>]) -> Result<Self, String> {
        let count = merged.nodes.len();
        // Where references lead, with where each type's end.
        let mut ends = Vec::with_capacity(count);
        let mut targets: Vec<Option<u32>> = Vec::new();
        let mut is_renewed = vec![false; count];
        for (at, (node, ty)) in merged.all().enumerate() {
            if node.shape != Shape::Declaration {
                for target in merged.targets(node, ty) {
                    let place = target.and_then(|target| merged.place(target));
                    let is_foreign = target
                        .is_some_and(|target| matches!(Number::of(target), Number::Foreign(_)));
                    let definition =
                        place.and_then(|place| *definitions.get(place as usize).unwrap_or(&None));
                    is_renewed[at] |= is_foreign || definition.is_some();
                    targets.push(definition.or(place));
                }
            }
            ends.push(targets.len());
        }
        // Who leads to each: what leads to one that changes changes, too.
        let of = |at: usize| at.checked_sub(1).map_or(0, |before| ends[before])..ends[at];
        let mut firsts = vec![0_usize; count + 1];
        for &target in targets.iter().flatten() {
            firsts[target as usize + 1] += 1;
        }
        for at in 0..count {
            firsts[at + 1] += firsts[at];
        }
        let mut sources = vec![0_u32; firsts[count]];
        let mut next = firsts.clone();
        for at in 0..count {
            for &target in targets[of(at)].iter().flatten() {
                let slot = &mut next[target as usize];
                // As many types as fit an id.
                sources[*slot] = u32::try_from(at).unwrap_or(NO_PLACE);
                *slot += 1;
            }
        }
        let mut queue: Vec<usize> = (0..count).filter(|&at| is_renewed[at]).collect();
        while let Some(at) = queue.pop() {
            for &source in &sources[firsts[at]..firsts[at + 1]] {
                if !std::mem::replace(&mut is_renewed[source as usize], true) {
                    queue.push(source as usize);
                }
            }
        }
        let places: Vec<u32> =
            (0..).zip(&is_renewed).filter(|(_, renewed)| **renewed).map(|(at, _)| at).collect();
        let mut edges = Edges::new(places.len())?;
        let mut index = vec![NO_PLACE; count];
        for (at, &place) in (0..).zip(&places) {
            index[place as usize] = at;
        }
        let mut shallow = Vec::with_capacity(places.len());
        for &place in &places {
            let node = &merged.nodes[place as usize];
            shallow.push(node.shallow);
            let own = merged.targets(node, merged.ty(place));
            for (target, original) in targets[of(place as usize)].iter().zip(own) {
                match *target {
                    Some(target) if is_renewed[target as usize] => {
                        edges.node(index[target as usize])
                    }
                    Some(target) => edges.out(merged.nodes[target as usize].key),
                    // What leads nowhere is not the same as nothing.
                    None => edges.out(if original.is_none() { NOTHING } else { NOWHERE }),
                }
            }
            edges.end_node()?;
        }
        let keys = canon::keys(&shallow, &edges, 0);
        Ok(Self { places, keys })
    }

    /// Makes equal types one.
    fn apply(self, merged: &mut Merged, table: &Table) {
        let mut is_renewed = vec![false; merged.nodes.len()];
        for &place in &self.places {
            is_renewed[place as usize] = true;
        }
        // One that kept its key stays; else the one whose old key is least: which one that is
        // depends on nothing.
        let mut kept: KeyMap<u32> = KeyMap::default();
        for (&place, &key) in self.places.iter().zip(&self.keys) {
            let kept = kept.entry(key).or_insert_with(|| {
                let same = table.number(key).and_then(|id| merged.place(id));
                same.filter(|&same| !is_renewed[same as usize]).unwrap_or(place)
            });
            if is_renewed[*kept as usize]
                && merged.nodes[place as usize].key < merged.nodes[*kept as usize].key
            {
                *kept = place;
            }
        }
        for (&place, &key) in self.places.iter().zip(&self.keys) {
            let node = &mut merged.nodes[place as usize];
            node.key = key;
            if let Some(&kept) = kept.get(&key) {
                merged.places[node.number as usize] = kept;
            }
        }
    }
}
