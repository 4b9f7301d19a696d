//! Types of all units by identity, while the units are still being read.
//!
//! The identity of a type is a 128-bit hash of its qualified name, its layout, and the identity
//! of what it refers to, [`ROUNDS`] steps deep. So the same definition in two units is kept once,
//! two layouts of one name are kept apart, and no lookup depends on the order in which units are
//! read.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use xxhash_rust::xxh3::xxh3_128;

use super::attrs::Ref;
use super::unit::{Local, LocalMember, Shape, UnitTypes, qualified};

/// How many references deep two types must agree to be one. What differs only further down is
/// told apart by the types in between, which are not one then.
const ROUNDS: usize = 5;

/// Independent parts of the table, so that threads seldom wait for each other.
const SHARDS: usize = 64;

/// The identity of a type.
pub(super) type Key = u128;

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
    pub(super) len: Option<u64>,
    pub(super) target: Target,
    pub(super) members: Box<[InternedMember]>,
    pub(super) params: Box<[InternedMember]>,
    pub(super) enumerators: Box<[(Box<str>, i128)]>,
    /// Which of two types of one key is kept: the lesser, whoever came first.
    tie: u128,
}

/// A member, a variant or a type parameter of an interned type.
#[derive(Debug)]
pub(super) struct InternedMember {
    pub(super) name: Box<str>,
    pub(super) ty: Target,
}

/// The table that all threads fill.
#[derive(Debug)]
pub(super) struct Table {
    shards: Vec<Mutex<HashMap<Key, Interned>>>,
}

impl Table {
    pub(super) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }

    /// Puts all types of a unit into the table; returns their keys in the unit's order.
    pub(super) fn intern(&self, file: u32, unit: &UnitTypes<'_>) -> Result<Vec<Key>, String> {
        let identity = Identity::of(file, unit);
        for (index, local) in unit.types.iter().enumerate() {
            let (key, tie) = (identity.keys[index], identity.ties[index]);
            let shard = &self.shards[key as usize % SHARDS];
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            if shard.get(&key).is_none_or(|known| tie < known.tie) {
                shard.insert(key, owned(unit, local, &identity, tie)?);
            }
        }
        Ok(identity.keys)
    }

    /// Shows every reference that a type of the table has.
    pub(super) fn for_each_target(&self, mut see: impl FnMut(Target)) {
        for shard in &self.shards {
            for ty in shard.lock().unwrap_or_else(PoisonError::into_inner).values() {
                see(ty.target);
                ty.members.iter().chain(&ty.params).for_each(|member| see(member.ty));
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

/// The keys of a unit's types, in its order.
pub(super) fn keys(file: u32, unit: &UnitTypes<'_>) -> Vec<Key> {
    Identity::of(file, unit).keys
}

/// The keys of one unit's types.
struct Identity {
    file: u32,
    offsets: Vec<usize>,
    keys: Vec<Key>,
    ties: Vec<u128>,
}

impl Identity {
    fn of(file: u32, unit: &UnitTypes<'_>) -> Self {
        let offsets: Vec<usize> = unit.types.iter().map(|local| local.offset).collect();
        let mut buffer = Vec::new();
        let mut shallow = Vec::with_capacity(unit.types.len());
        // Targets of all types, one after another, and where each type's targets end.
        let mut targets = Vec::new();
        let mut ends = Vec::with_capacity(unit.types.len());
        for local in &unit.types {
            shallow.push(shallow_hash(unit, local, &mut buffer));
            let refs = [local.target].into_iter();
            let refs = refs.chain(local.members.iter().map(|member| member.ty));
            for target in refs.chain(local.params.iter().map(|param| param.ty)) {
                targets.push(match target {
                    Ref::None => Known::Hash(1),
                    Ref::Local(offset) => match offsets.binary_search(&offset) {
                        Ok(index) => Known::Index(index),
                        Err(_) => Known::Hash(2),
                    },
                    Ref::Global(offset) => {
                        let mut bytes = [0; 12];
                        bytes[..4].copy_from_slice(&file.to_le_bytes());
                        bytes[4..].copy_from_slice(&(offset as u64).to_le_bytes());
                        Known::Hash(xxh3_128(&bytes))
                    }
                    Ref::Signature(signature) => Known::Hash(xxh3_128(&signature.to_le_bytes())),
                });
            }
            ends.push(targets.len());
        }
        let mut keys = shallow.clone();
        let mut next = keys.clone();
        let mut round = |keys: &[Key], next: &mut [Key]| {
            let mut start = 0;
            for (index, &end) in ends.iter().enumerate() {
                // A declaration is its name and nothing else.
                if unit.types[index].shape != Shape::Declaration {
                    buffer.clear();
                    buffer.extend_from_slice(&shallow[index].to_le_bytes());
                    for target in &targets[start..end] {
                        let hash = match *target {
                            Known::Hash(hash) => hash,
                            Known::Index(index) => keys[index],
                        };
                        buffer.extend_from_slice(&hash.to_le_bytes());
                    }
                    next[index] = xxh3_128(&buffer);
                }
                start = end;
            }
        };
        for _ in 0..ROUNDS {
            round(&keys, &mut next);
            std::mem::swap(&mut keys, &mut next);
        }
        round(&keys, &mut next);
        Self { file, offsets, keys, ties: next }
    }

    fn target(&self, target: Ref) -> Target {
        match target {
            Ref::None => Target::None,
            Ref::Local(offset) => match self.offsets.binary_search(&offset) {
                Ok(index) => Target::Key(self.keys[index]),
                Err(_) => Target::None,
            },
            Ref::Global(offset) => Target::Entry(self.file, offset),
            Ref::Signature(signature) => Target::Signature(signature),
        }
    }
}

enum Known {
    Hash(u128),
    Index(usize),
}

/// The target of a reference from a unit whose keys are known.
pub(super) fn resolve(file: u32, unit: &UnitTypes<'_>, keys: &[Key], target: Ref) -> Target {
    match target {
        Ref::None => Target::None,
        Ref::Local(offset) => {
            match unit.types.binary_search_by_key(&offset, |local| local.offset) {
                Ok(index) => Target::Key(keys[index]),
                Err(_) => Target::None,
            }
        }
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
        text(buffer, unit.scopes[local.scope as usize].as_bytes());
    }
    text(buffer, local.name);
    if local.shape == Shape::Declaration {
        return xxh3_128(buffer);
    }
    number(buffer, local.size_bytes);
    number(buffer, local.len);
    for list in [&local.members, &local.params] {
        number(buffer, Some(list.len() as u64));
        for LocalMember { name, offset_bytes, .. } in list {
            text(buffer, name);
            number(buffer, Some(*offset_bytes));
        }
    }
    for (name, value) in &local.enumerators {
        text(buffer, name);
        buffer.extend_from_slice(&value.value(false).to_le_bytes());
    }
    xxh3_128(buffer)
}

fn owned(
    unit: &UnitTypes<'_>,
    local: &Local<'_>,
    identity: &Identity,
    tie: u128,
) -> Result<Interned, String> {
    let (name, definition_len) = full_name(unit, local)?;
    let members = |list: &[LocalMember<'_>]| {
        list.iter()
            .map(|member| InternedMember {
                name: String::from_utf8_lossy(member.name).into(),
                ty: identity.target(member.ty),
            })
            .collect()
    };
    let signed = is_signed(unit, local);
    let enumerators = local
        .enumerators
        .iter()
        .map(|(name, number)| (String::from_utf8_lossy(name).into(), number.value(signed)));
    Ok(Interned {
        name: name.into(),
        definition_len,
        shape: local.shape,
        size_bytes: local.size_bytes,
        len: local.len,
        target: identity.target(local.target),
        members: members(&local.members),
        params: members(&local.params),
        enumerators: enumerators.collect(),
        tie,
    })
}

/// The sign of an enumeration follows its base type.
fn is_signed(unit: &UnitTypes<'_>, local: &Local<'_>) -> bool {
    let Ref::Local(offset) = local.target else { return false };
    let Ok(index) = unit.types.binary_search_by_key(&offset, |local| local.offset) else {
        return false;
    };
    matches!(
        unit.types[index].encoding,
        Some(gimli::DW_ATE_signed | gimli::DW_ATE_signed_char | gimli::DW_ATE_signed_fixed)
    )
}

/// The qualified name, and how much of it the definition has. Pointers, tuples, trait objects and
/// primitives have names that no scope belongs to.
fn full_name(unit: &UnitTypes<'_>, local: &Local<'_>) -> Result<(String, u32), String> {
    let scope = if local.name.is_empty() { "" } else { &unit.scopes[local.scope as usize] };
    let name = qualified(scope, local.name)?;
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
