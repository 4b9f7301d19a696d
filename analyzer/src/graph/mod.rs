//! The graph of types. It knows nothing of the format that it was read from.

mod node;

use std::collections::HashMap;

use rayon::prelude::*;

pub(crate) use node::{
    BitField, Discriminant, Enumerator, Kind, Member, Param, Type, TypeId, Variant,
};

/// All types of a program.
#[derive(Debug)]
pub(crate) struct Graph {
    types: Vec<Vec<Type>>,
    /// Where in `types` each is, by id.
    places: Vec<(u32, u32)>,
    /// The hashes of their names, in the same order; they ascend.
    hashes: Vec<u64>,
    /// Definitions of declarations.
    definitions: HashMap<TypeId, TypeId>,
}

impl Graph {
    /// A graph of types by the places where they are, which are sorted by [`name_hash`].
    /// Declarations of which there is exactly one definition lead there.
    pub(crate) fn new(types: Vec<Vec<Type>>, places: Vec<(u32, u32)>, hashes: Vec<u64>) -> Self {
        let mut graph = Self { types, places, hashes, definitions: HashMap::new() };
        let mut definitions = HashMap::new();
        for (id, ty) in graph.iter().filter(|(_, ty)| matches!(ty.kind, Kind::Declaration)) {
            let same = graph.named(&ty.name);
            let mut others = same.filter(|&other| {
                other != id && !matches!(graph.get(other).kind, Kind::Declaration)
            });
            if let (Some(definition), None) = (others.next(), others.next()) {
                definitions.insert(id, definition);
            }
        }
        graph.definitions = definitions;
        graph
    }

    /// A type. Ids come from this graph only, so they are always there.
    pub(crate) fn get(&self, id: TypeId) -> &Type {
        self.at(self.places[id.index()])
    }

    fn at(&self, (chunk, index): (u32, u32)) -> &Type {
        &self.types[chunk as usize][index as usize]
    }

    /// The definition of a declaration; else the type itself.
    pub(crate) fn defined(&self, id: TypeId) -> TypeId {
        self.definitions.get(&id).copied().unwrap_or(id)
    }

    /// How many types there are.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// All types, those of one name together.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (TypeId, &Type)> {
        (0..).map(TypeId).zip(self.places.iter().map(|&place| self.at(place)))
    }

    /// The same, by several threads at once.
    pub(crate) fn par_iter(&self) -> impl IndexedParallelIterator<Item = (TypeId, &Type)> {
        let types = self.places.par_iter().with_min_len(1 << 12).enumerate();
        // As many types as fit an id were given ids when the graph was made.
        #[expect(clippy::cast_possible_truncation, reason = "indices of types fit an id")]
        types.map(|(index, &place)| (TypeId(index as u32), self.at(place)))
    }

    /// All types of this qualified name.
    pub(crate) fn named(&self, name: &str) -> impl Iterator<Item = TypeId> + use<> {
        let hash = name_hash(name);
        let start = self.hashes.partition_point(|&other| other < hash);
        let len = self.hashes[start..].partition_point(|&other| other == hash);
        // As many types as fit an id were given ids when the graph was made.
        #[expect(clippy::cast_possible_truncation, reason = "indices of types fit an id")]
        let (start, end) = (start as u32, (start + len) as u32);
        (start..end).map(TypeId)
    }
}

/// What types are sorted by. Two names of one hash would be taken for one name, which is as
/// unlikely as that two types have one key.
pub(crate) fn name_hash(name: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(name.as_bytes())
}
