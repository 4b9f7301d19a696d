//! Types of all units by identity, while the units are still being read.
//!
//! The identity of a type is a 128-bit hash of its qualified name, its layout, and the identity
//! of everything that it refers to, however far away (see [`canon`]). So the same definition in
//! two units is kept once, two definitions of one name are kept apart, and nothing depends on the
//! order in which units are read.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Mutex, PoisonError};

use xxhash_rust::xxh3::xxh3_128;

use super::attrs::Ref;
use super::canon::{self, Edges};
use super::unit::{Chain, Local, Shape, UnitTypes};
use crate::graph::BitField;

/// Independent parts of the table, so that threads seldom wait for each other.
const SHARDS: usize = 64;

pub(super) use super::canon::Key;

/// What a type refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Target {
    None,
    Key(Key),
    /// An entry of another unit: number of the file, offset in its `.debug_info`.
    Entry(u32, usize),
    /// A type unit.
    Signature(u64),
}

/// A type that does not depend on its unit any more.
#[derive(Debug)]
pub(super) struct Interned {
    pub(super) name: Box<str>,
    pub(super) definition_len: u32,
    pub(super) shape: Shape,
    pub(super) size_bytes: Option<u64>,
    pub(super) align_bytes: Option<u64>,
    pub(super) len: Option<u64>,
    pub(super) target: Target,
    pub(super) members: Box<[InternedMember]>,
    pub(super) params: Box<[InternedMember]>,
    pub(super) enumerators: Box<[(Box<str>, i128)]>,
    /// Hash of what stands in its entry, without what it refers to.
    pub(super) shallow: u128,
}

/// A member, a variant or a type parameter of an interned type.
#[derive(Debug)]
pub(super) struct InternedMember {
    pub(super) name: Box<str>,
    pub(super) ty: Target,
    pub(super) offset_bytes: u64,
    pub(super) bits: Option<BitField>,
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
    shards: Vec<Mutex<KeyMap<Interned>>>,
}

impl Table {
    pub(super) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }

    /// Puts all types of a unit into the table; returns their keys in the unit's order.
    pub(super) fn intern(&self, file: u32, unit: &UnitTypes<'_>) -> Result<Vec<Key>, String> {
        let identity = Identity::of(file, unit)?;
        for (index, local) in unit.types.iter().enumerate() {
            let key = identity.keys[index];
            let shard = &self.shards[key as usize % SHARDS];
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            if let Entry::Vacant(place) = shard.entry(key) {
                place.insert(owned(unit, local, index, &identity)?);
            }
        }
        Ok(identity.keys)
    }

    /// Shows every reference that a type of the table has.
    pub(super) fn for_each_target(&self, mut see: impl FnMut(Target)) {
        for shard in &self.shards {
            for ty in shard.lock().unwrap_or_else(PoisonError::into_inner).values() {
                ty.targets().for_each(&mut see);
            }
        }
    }

    /// All types by key, in no particular order.
    pub(super) fn into_types(self) -> impl Iterator<Item = (Key, Interned)> {
        self.shards
            .into_iter()
            .flat_map(|shard| shard.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Interned {
    /// Everything that it refers to, in the order in which it is hashed.
    pub(super) fn targets(&self) -> impl Iterator<Item = Target> {
        let parts = self.members.iter().chain(&self.params).map(|member| member.ty);
        std::iter::once(self.target).chain(parts)
    }
}

/// The keys of a unit's types, in its order.
pub(super) fn keys(file: u32, unit: &UnitTypes<'_>) -> Result<Vec<Key>, String> {
    Ok(Identity::of(file, unit)?.keys)
}

/// The keys of one unit's types.
struct Identity {
    file: u32,
    keys: Vec<Key>,
    shallow: Vec<u128>,
}

/// What hashes of references start with when they lead out of the unit.
const NOTHING: u128 = 1;
const NOWHERE: u128 = 2;

impl Identity {
    fn of(file: u32, unit: &UnitTypes<'_>) -> Result<Self, String> {
        let mut buffer = Vec::new();
        let mut shallow = Vec::with_capacity(unit.types.len());
        let mut edges = Edges::new(unit.types.len())?;
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
                        Ref::Global(offset) => edges.out(entry_hash(file, offset)),
                        Ref::Signature(signature) => edges.out(signature_hash(signature)),
                    }
                }
            }
            edges.end_node()?;
        }
        let keys = canon::keys(&shallow, &edges, entry_hash(file, unit.offset));
        Ok(Self { file, keys, shallow })
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

/// Everything that a type refers to, in the order of [`Interned::targets`].
fn targets<'u>(unit: &'u UnitTypes<'_>, local: &'u Local<'_>) -> impl Iterator<Item = Ref> + 'u {
    let members = unit.members(local.members).chain(unit.members(local.params));
    std::iter::once(local.target).chain(members.map(|member| member.ty))
}

/// The target of a reference from a unit whose keys are known.
pub(super) fn resolve(file: u32, unit: &UnitTypes<'_>, keys: &[Key], target: Ref) -> Target {
    match target {
        Ref::None => Target::None,
        Ref::Local(offset) => match unit.at(offset) {
            Some(index) => Target::Key(keys[index]),
            None => Target::None,
        },
        Ref::Global(offset) => Target::Entry(file, offset),
        Ref::Signature(signature) => Target::Signature(signature),
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

fn owned(
    unit: &UnitTypes<'_>,
    local: &Local<'_>,
    index: usize,
    identity: &Identity,
) -> Result<Interned, String> {
    let (name, definition_len) = full_name(unit, local)?;
    let target = |target| resolve(identity.file, unit, &identity.keys, target);
    let members = |chain: Chain| {
        unit.members(chain)
            .map(|member| InternedMember {
                name: String::from_utf8_lossy(member.name).into(),
                ty: target(member.ty),
                offset_bytes: member.offset_bytes,
                bits: member.bits,
            })
            .collect()
    };
    let signed = is_signed(unit, local);
    let enumerators = unit
        .enumerators(local.enumerators)
        .map(|(name, number)| (String::from_utf8_lossy(name).into(), number.value(signed)));
    Ok(Interned {
        name: name.into(),
        definition_len,
        shape: local.shape,
        size_bytes: local.size_bytes,
        align_bytes: local.align_bytes,
        len: local.len,
        target: target(local.target),
        members: members(local.members),
        params: members(local.params),
        enumerators: enumerators.collect(),
        shallow: identity.shallow[index],
    })
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
fn full_name(unit: &UnitTypes<'_>, local: &Local<'_>) -> Result<(String, u32), String> {
    let scope = if local.name.is_empty() { 0 } else { local.scope };
    let name = unit.qualified(scope, local.name)?;
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
    let definition_len = u32::try_from(definition_len).map_err(|_| "a name too long".to_owned())?;
    Ok((name, definition_len))
}
