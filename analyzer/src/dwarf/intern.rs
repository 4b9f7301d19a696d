//! Types of all units by identity, while the units are still being read.
//!
//! The identity of a type is a 128-bit hash of its qualified name, its layout, and the identity
//! of everything that it refers to, however far away (see [`canon`]). So the same definition in
//! two units is kept once, two definitions of one name are kept apart, and nothing depends on the
//! order in which units are read.
//!
//! The unit that meets a type first gives it a number, by which all others refer to it until ids
//! are known. Which number it is depends on the order; nothing that is kept does.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

use xxhash_rust::xxh3::xxh3_128;

use super::attrs::Ref;
use super::canon::{self, Edges};
use super::unit::{Chain, Local, Shape, UnitTypes};
use crate::graph::{
    Discriminant, Enumerator, Kind, Member, Param, Type, TypeId, Variant, name_hash,
};
use crate::limits::MAX_NAME_LEN;

/// Independent parts of the table, so that threads seldom wait for each other.
const SHARDS: usize = 64;

/// The first of the numbers that stand for what is outside of a unit.
const OUTSIDE: u32 = 1 << 31;

pub(super) use super::canon::Key;

/// What a unit refers to without knowing which type it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Foreign {
    /// An entry of another unit: number of the file, offset in its `.debug_info`.
    Entry(u32, usize),
    /// A type unit.
    Signature(u64),
}

/// What a number stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    /// The type of this number.
    Type(u32),
    /// Something outside, by its index in [`Table::into_foreign`].
    Foreign(u32),
}

impl Number {
    pub(super) const fn of(id: TypeId) -> Self {
        match id.0.checked_sub(OUTSIDE) {
            Some(index) => Self::Foreign(index),
            None => Self::Type(id.0),
        }
    }
}

/// What is known of a type beside what the graph holds of it.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) key: Key,
    /// Hash of what stands in its entry, without what it refers to.
    pub(super) shallow: u128,
    /// Of its qualified name.
    pub(super) name_hash: u64,
    pub(super) number: u32,
    /// What its own entry refers to.
    pub(super) target: Option<TypeId>,
    pub(super) shape: Shape,
}

/// The types that a unit met first. Their ids are numbers still.
#[derive(Debug, Default)]
pub(super) struct Types {
    pub(super) nodes: Vec<Node>,
    pub(super) types: Vec<Type>,
}

/// The types of a unit, in its order.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) keys: Vec<Key>,
    /// Missing for what stands behind damage.
    numbers: Vec<u32>,
    /// What the unit refers to elsewhere.
    foreign: HashMap<Foreign, u32>,
}

impl Known {
    /// The number of a type.
    pub(super) fn number(&self, index: usize) -> Option<TypeId> {
        self.numbers.get(index).copied().map(TypeId)
    }
}

/// Keys are hashes already.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 ^= xxhash_rust::xxh3::xxh3_64(bytes);
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }

    fn write_u128(&mut self, key: u128) {
        self.0 = (key >> 64) as u64;
    }
}

/// Hashing that nobody outside can aim at, since what is hashed is already, or is a whole name.
pub(super) type ByHash = BuildHasherDefault<KeyHasher>;

/// A map by key.
pub(super) type KeyMap<T> = HashMap<Key, T, ByHash>;

/// The table that all threads fill.
#[derive(Debug)]
pub(super) struct Table {
    shards: Vec<Mutex<KeyMap<u32>>>,
    foreign: Mutex<(HashMap<Foreign, u32>, Vec<Foreign>)>,
}

impl Table {
    pub(super) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), foreign: Mutex::default() }
    }

    /// Puts all types of a unit into the table; returns those that were not in it, and what is
    /// wrong if that is not all of them.
    pub(super) fn intern(
        &self,
        file: u32,
        unit: &UnitTypes<'_>,
    ) -> Result<(Known, Types, Option<String>), String> {
        let identity = Identity::of(file, unit)?;
        let mut known = Known {
            numbers: Vec::with_capacity(unit.types.len()),
            foreign: self.foreign(file, unit, identity.leads_out)?,
            keys: identity.keys,
        };
        let mut new = Vec::new();
        let mut problem = None;
        for (index, (&key, local)) in known.keys.iter().zip(&unit.types).enumerate() {
            if !unit.has_name_that_fits(local) {
                problem = Some(format!("a name of more than {MAX_NAME_LEN} bytes"));
                break;
            }
            let at = key as usize % SHARDS;
            let mut shard = lock(&self.shards[at]);
            let next = shard.len() * SHARDS + at;
            let number = match shard.entry(key) {
                Entry::Occupied(place) => *place.get(),
                Entry::Vacant(place) => {
                    let next = u32::try_from(next).ok().filter(|&next| next < OUTSIDE);
                    let next = next.ok_or_else(|| "too many types".to_owned())?;
                    new.push(index);
                    *place.insert(next)
                }
            };
            known.numbers.push(number);
        }
        let mut types = Types::default();
        types.nodes.reserve_exact(new.len());
        types.types.reserve_exact(new.len());
        for index in new {
            let ty =
                type_of(unit, &unit.types[index], &|target| resolve(file, unit, &known, target));
            let (ty, target) = ty;
            types.nodes.push(Node {
                key: known.keys[index],
                shallow: identity.shallow[index],
                name_hash: name_hash(&ty.name),
                number: known.numbers[index],
                target,
                shape: unit.types[index].shape,
            });
            types.types.push(ty);
        }
        Ok((known, types, problem))
    }

    /// The numbers of what a unit refers to outside of itself, its types among them if they do.
    fn foreign(
        &self,
        file: u32,
        unit: &UnitTypes<'_>,
        have_types: bool,
    ) -> Result<HashMap<Foreign, u32>, String> {
        let mut found = HashMap::new();
        let statics = unit.statics.iter().map(|variable| variable.ty);
        let types = if have_types { &unit.types[..] } else { &[] };
        let all = types.iter().flat_map(|local| targets(unit, local));
        for target in all.chain(statics).chain(unit.tags.returns()) {
            let foreign = match target {
                Ref::Global(offset) => Foreign::Entry(file, offset),
                Ref::Signature(signature) => Foreign::Signature(signature),
                Ref::None | Ref::Local(_) => continue,
            };
            if let Entry::Vacant(place) = found.entry(foreign) {
                let mut all = lock(&self.foreign);
                let (numbers, list) = &mut *all;
                let number = match numbers.entry(foreign) {
                    Entry::Occupied(known) => *known.get(),
                    Entry::Vacant(known) => {
                        let next = u32::try_from(list.len()).ok();
                        let next = next.and_then(|next| next.checked_add(OUTSIDE));
                        list.push(foreign);
                        *known.insert(next.ok_or("too many references between units")?)
                    }
                };
                place.insert(number);
            }
        }
        Ok(found)
    }

    /// The number of the type that has this key.
    pub(super) fn number(&self, key: Key) -> Option<TypeId> {
        lock(&self.shards[key as usize % SHARDS]).get(&key).copied().map(TypeId)
    }

    /// Everything that units refer to elsewhere.
    pub(super) fn all_foreign(&self) -> Vec<Foreign> {
        lock(&self.foreign).1.clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The keys of a unit's types, in its order.
pub(super) fn keys(file: u32, unit: &UnitTypes<'_>) -> Result<Vec<Key>, String> {
    Ok(Identity::of(file, unit)?.keys)
}

/// The keys of one unit's types.
struct Identity {
    keys: Vec<Key>,
    shallow: Vec<u128>,
    /// Whether any of them refers to something outside of the unit.
    leads_out: bool,
}

/// What hashes of references start with when they lead out of the unit.
pub(super) const NOTHING: u128 = 1;
pub(super) const NOWHERE: u128 = 2;

impl Identity {
    fn of(file: u32, unit: &UnitTypes<'_>) -> Result<Self, String> {
        let mut buffer = Vec::new();
        let mut shallow = Vec::with_capacity(unit.types.len());
        let mut edges = Edges::new(unit.types.len())?;
        let mut leads_out = false;
        for local in &unit.types {
            shallow.push(shallow_hash(unit, local, &mut buffer));
            // A declaration is its name and nothing else.
            if local.shape != Shape::Declaration {
                for target in targets(unit, local) {
                    match target {
                        Ref::None => edges.out(NOTHING),
                        Ref::Local(offset) => match unit.at(offset) {
                            // As many types as there are nodes of the graph.
                            #[expect(clippy::cast_possible_truncation, reason = "Edges::new")]
                            Some(index) => edges.node(index as u32),
                            None => edges.out(NOWHERE),
                        },
                        Ref::Global(offset) => {
                            leads_out = true;
                            edges.out(entry_hash(file, offset));
                        }
                        Ref::Signature(signature) => {
                            leads_out = true;
                            edges.out(signature_hash(signature));
                        }
                    }
                }
            }
            edges.end_node()?;
        }
        let keys = canon::keys(&shallow, &edges, entry_hash(file, unit.offset));
        Ok(Self { keys, shallow, leads_out })
    }
}

fn entry_hash(file: u32, offset: usize) -> u128 {
    let mut bytes = [0; 12];
    bytes[..4].copy_from_slice(&file.to_le_bytes());
    bytes[4..].copy_from_slice(&(offset as u64).to_le_bytes());
    xxh3_128(&bytes)
}

fn signature_hash(signature: u64) -> u128 {
    xxh3_128(&signature.to_le_bytes())
}

/// Everything that a type refers to.
fn targets<'u>(unit: &'u UnitTypes<'_>, local: &'u Local<'_>) -> impl Iterator<Item = Ref> + 'u {
    let members = unit.members(local.members).chain(unit.members(local.params));
    std::iter::once(local.target).chain(members.map(|member| member.ty))
}

/// The number of what a unit refers to.
pub(super) fn resolve(
    file: u32,
    unit: &UnitTypes<'_>,
    known: &Known,
    target: Ref,
) -> Option<TypeId> {
    let foreign = match target {
        Ref::None => return None,
        Ref::Local(offset) => return known.number(unit.at(offset)?),
        Ref::Global(offset) => Foreign::Entry(file, offset),
        Ref::Signature(signature) => Foreign::Signature(signature),
    };
    known.foreign.get(&foreign).copied().map(TypeId)
}

/// What tells the target of a reference from others, in whatever order units are read.
pub(super) fn key_of(file: u32, unit: &UnitTypes<'_>, known: &Known, target: Ref) -> Key {
    match target {
        Ref::None => NOTHING,
        Ref::Local(offset) => {
            unit.at(offset).and_then(|at| known.keys.get(at).copied()).unwrap_or(NOWHERE)
        }
        Ref::Global(offset) => entry_hash(file, offset),
        Ref::Signature(signature) => signature_hash(signature),
    }
}

/// Hashes what stands in the entry itself. Every part is preceded by its length, so that no two
/// entries read alike.
fn shallow_hash(unit: &UnitTypes<'_>, local: &Local<'_>, buffer: &mut Vec<u8>) -> u128 {
    buffer.clear();
    let text = |buffer: &mut Vec<u8>, text: &[u8]| {
        buffer.extend_from_slice(&(text.len() as u64).to_le_bytes());
        buffer.extend_from_slice(text);
    };
    let number = |buffer: &mut Vec<u8>, number: Option<u64>| {
        buffer.push(u8::from(number.is_some()));
        buffer.extend_from_slice(&number.unwrap_or(0).to_le_bytes());
    };
    buffer.push(local.shape as u8);
    // Unnamed types are the same wherever they stand.
    if !local.name.is_empty() {
        buffer.extend_from_slice(&unit.scopes[local.scope as usize].hash.to_le_bytes());
    }
    text(buffer, local.name);
    if local.shape == Shape::Declaration {
        return xxh3_128(buffer);
    }
    buffer.push(local.encoding.map_or(0, |encoding| encoding.0));
    number(buffer, local.size_bytes);
    number(buffer, local.align_bytes);
    number(buffer, local.len);
    for list in [local.members, local.params] {
        number(buffer, Some(list.len.into()));
        for member in unit.members(list) {
            text(buffer, member.name);
            number(buffer, Some(member.offset_bytes));
            let bits = member.bits.map(|bits| u64::from(bits.len) << 8 | u64::from(bits.first));
            number(buffer, bits);
        }
    }
    for (name, value) in unit.enumerators(local.enumerators) {
        text(buffer, name);
        buffer.extend_from_slice(&value.value(false).to_le_bytes());
    }
    xxh3_128(buffer)
}

/// A type that does not depend on its unit any more, and what its entry refers to.
fn type_of(
    unit: &UnitTypes<'_>,
    local: &Local<'_>,
    resolve: &impl Fn(Ref) -> Option<TypeId>,
) -> (Type, Option<TypeId>) {
    let (name, definition_len) = full_name(unit, local);
    let members = |chain: Chain| -> Box<[Member]> {
        let members = unit.members(chain).map(|member| Member {
            name: text(member.name),
            ty: resolve(member.ty),
            offset_bytes: member.offset_bytes,
            bits: member.bits,
        });
        members.collect()
    };
    let signed = is_signed(unit, local);
    let enumerators = || {
        let all = unit.enumerators(local.enumerators);
        all.map(move |(name, number)| (text(name), number.value(signed)))
    };
    let target = resolve(local.target);
    let discriminant = match (local.shape, local.len) {
        (Shape::Variants, Some(offset_bytes)) => {
            let values = enumerators().collect();
            Some(Box::new(Discriminant { offset_bytes, ty: target, values }))
        }
        _ => None,
    };
    let kind = match local.shape {
        Shape::Struct => Kind::Struct(members(local.members)),
        Shape::Union => Kind::Union(members(local.members)),
        Shape::Variants => {
            let variants = unit.members(local.members);
            let variants = variants
                .map(|member| Variant { name: text(member.name), payload: resolve(member.ty) });
            Kind::Enum(variants.collect())
        }
        Shape::Enumeration => Kind::Enumeration(
            enumerators().map(|(name, value)| Enumerator { name, value }).collect(),
        ),
        Shape::Array => Kind::Array { element: target, len: local.len },
        Shape::Pointer => Kind::Pointer { target },
        Shape::Alias => Kind::Alias { target },
        Shape::Primitive => Kind::Primitive,
        Shape::Function => Kind::Function,
        Shape::Declaration => Kind::Declaration,
    };
    let params = unit.members(local.params);
    let params = params.map(|p| Param { name: text(p.name), ty: resolve(p.ty) }).collect();
    let ty = Type {
        name: name.into(),
        definition_len,
        size_bytes: local.size_bytes,
        align_bytes: local.align_bytes,
        discriminant,
        kind,
        params,
    };
    (ty, target)
}

fn text(bytes: &[u8]) -> Box<str> {
    String::from_utf8_lossy(bytes).into()
}

/// The sign of an enumeration follows its base type, that of discriminants the type of theirs.
fn is_signed(unit: &UnitTypes<'_>, local: &Local<'_>) -> bool {
    let Ref::Local(offset) = local.target else { return false };
    let Some(index) = unit.at(offset) else { return false };
    matches!(
        unit.types[index].encoding,
        Some(gimli::DW_ATE_signed | gimli::DW_ATE_signed_char | gimli::DW_ATE_signed_fixed)
    )
}

/// The qualified name, and how much of it the definition has. Pointers, tuples, trait objects and
/// primitives have names that no scope belongs to.
fn full_name(unit: &UnitTypes<'_>, local: &Local<'_>) -> (String, u32) {
    let scope = if local.name.is_empty() { 0 } else { local.scope };
    // Whether it fits was looked at before.
    let name = unit.qualified(scope, local.name).unwrap_or_default();
    let is_definition = matches!(
        local.shape,
        Shape::Struct | Shape::Union | Shape::Variants | Shape::Enumeration | Shape::Declaration
    ) && !local.name.starts_with(b"(")
        && !local.name.starts_with(b"<")
        && !local.name.starts_with(b"dyn ")
        && !local.name.starts_with(b"&")
        && !local.name.starts_with(b"*");
    let own = name.len() - local.name.len().min(name.len());
    let definition_len = match local.name.iter().position(|&byte| byte == b'<') {
        Some(at) if is_definition => own + at,
        _ => name.len(),
    };
    // A name that was not UTF-8 is longer now; never cut a character in two.
    let definition_len =
        if name.is_char_boundary(definition_len) { definition_len } else { name.len() };
    // Three times the length that a name may have fits.
    let definition_len = u32::try_from(definition_len).unwrap_or(0);
    (name, definition_len)
}
