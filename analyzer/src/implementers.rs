//! Who stands behind a trait object.
//!
//! What has debug information is told by the vtables that are alive. What has none, and what
//! becomes the object of a trait only by way of a subtrait, is told by its methods: their names say
//! of which type and trait they are, and their addresses stand in a table.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::dwarf::Vtable;
use crate::fields;
use crate::graph::{Graph, Kind, TypeId};
use crate::names::{self, without_arguments};
use crate::view;

/// The implementers of all traits.
#[derive(Debug)]
pub(crate) struct Implementers<'a> {
    graph: &'a Graph,
    /// By trait, as views spell it.
    by_vtable: HashMap<String, Vec<TypeId>>,
    methods: &'a BTreeSet<String>,
    /// By class of C++: the classes that are derived from it.
    derived: OnceCell<HashMap<TypeId, Vec<TypeId>>>,
    /// By trait without arguments: names of types without arguments.
    by_method: OnceCell<BTreeMap<String, BTreeSet<String>>>,
}

/// The implementers of one trait.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The types, by name.
    pub(crate) types: Vec<TypeId>,
    /// The names of those that have no debug information.
    pub(crate) unseen: Vec<String>,
}

impl<'a> Implementers<'a> {
    /// Those that these vtables and these mangled names of methods tell of.
    pub(crate) fn new(graph: &'a Graph, vtables: &[Vtable], methods: &'a BTreeSet<String>) -> Self {
        let mut by_vtable: HashMap<String, Vec<TypeId>> = HashMap::new();
        for vtable in vtables {
            let name = view::without_bindings(&vtable.trait_name);
            by_vtable.entry(name).or_default().push(vtable.concrete);
        }
        for types in by_vtable.values_mut() {
            types.sort_by_key(|&ty| (&*graph.get(ty).name, ty));
            types.dedup();
        }
        Self { graph, by_vtable, methods, derived: OnceCell::new(), by_method: OnceCell::new() }
    }

    /// The classes of C++ of which a value may stand behind a pointer to this one, by name.
    pub(crate) fn derived(&self, base: TypeId) -> Vec<TypeId> {
        if !fields::is_polymorphic(self.graph, base) {
            return Vec::new();
        }
        let derived = self.derived.get_or_init(|| {
            let mut derived: HashMap<TypeId, Vec<TypeId>> = HashMap::new();
            let classes = self.graph.iter().filter(|(_, ty)| matches!(ty.kind, Kind::Struct(_)));
            for (id, _) in classes {
                for base in fields::unnamed(self.graph, id) {
                    derived.entry(base).or_default().push(id);
                }
            }
            derived
        });
        let mut found = BTreeSet::new();
        let mut queue = vec![base];
        while let Some(base) = queue.pop() {
            let new = derived.get(&base).into_iter().flatten().copied();
            queue.extend(new.filter(|&ty| found.insert((&*self.graph.get(ty).name, ty))));
        }
        found.into_iter().map(|(_, ty)| ty).collect()
    }

    /// Those whose vtables are known.
    pub(crate) fn seen(&self, trait_name: &str) -> &[TypeId] {
        self.by_vtable.get(trait_name).map_or(&[], Vec::as_slice)
    }

    /// All of them.
    pub(crate) fn of(&self, trait_name: &str) -> Known {
        let mut known = Known { types: self.seen(trait_name).to_vec(), unseen: Vec::new() };
        let by_method = self.by_method.get_or_init(|| by_method(self.methods));
        let Some(names) = by_method.get(without_arguments(trait_name)) else { return known };
        let seen: BTreeSet<&str> =
            known.types.iter().map(|&ty| self.graph.get(ty).definition()).collect();
        let missing: BTreeSet<&str> =
            names.iter().map(String::as_str).filter(|name| !seen.contains(name)).collect();
        let mut found: BTreeMap<&str, Vec<TypeId>> = BTreeMap::new();
        if !missing.is_empty() {
            let all = self.graph.iter().filter(|(_, ty)| !matches!(ty.kind, Kind::Declaration));
            for (id, ty) in all.filter(|(_, ty)| missing.contains(ty.definition())) {
                found.entry(ty.definition()).or_default().push(id);
            }
        }
        known.unseen = missing
            .iter()
            .filter(|name| !found.contains_key(*name))
            .map(|&n| n.to_owned())
            .collect();
        known.types.extend(found.into_values().flatten());
        known
    }
}

fn by_method(methods: &BTreeSet<String>) -> BTreeMap<String, BTreeSet<String>> {
    let mut by_trait: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for mangled in methods {
        // Without the hashes that end old names.
        let name = format!("{:#}", rustc_demangle::demangle(mangled));
        let Some((ty, trait_name, _)) = names::of_impl(&name) else { continue };
        // References, tuples and parameters are no definitions that could be looked for.
        let ty = without_arguments(ty);
        if ty.contains("::") && !ty.starts_with(['&', '(', '[', '*', '<']) {
            let trait_name = without_arguments(trait_name).to_owned();
            by_trait.entry(trait_name).or_default().insert(ty.to_owned());
        }
    }
    by_trait
}
