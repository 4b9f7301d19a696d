//! The ways from the roots of a model to its types.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use samestate_schema::path::{FieldPath, Step};

use super::{FieldEntry, FieldState, Model, TypeEntry, VariantEntry};
use crate::containers::{self, Holds};
use crate::memory;
use crate::names::TypeExpr;
use crate::view::principal_trait;

impl Model {
    /// The shortest way from a root to each type that is mentioned on the way.
    pub(crate) fn ways(&self) -> BTreeMap<String, Way> {
        self.ways_from(self.roots.iter())
    }

    /// The same from some of the roots.
    pub(crate) fn ways_from<'a>(
        &self,
        roots: impl Iterator<Item = &'a String>,
    ) -> BTreeMap<String, Way> {
        let mut ways: BTreeMap<String, Way> = BTreeMap::new();
        let mut queue = VecDeque::new();
        for root in roots {
            let way = Way { path: FieldPath::root(root.clone()), labels: vec![root.clone()] };
            if ways.insert(root.clone(), way).is_none() {
                queue.push_back(root.clone());
            }
        }
        while let Some(name) = queue.pop_front() {
            let (Some(entry), Some(way)) = (self.types.get(&name), ways.get(&name).cloned()) else {
                continue;
            };
            for (variant, field) in followed(entry) {
                for (steps, target) in self.targets(&TypeExpr::parse(&field.ty)) {
                    if !ways.contains_key(&target) {
                        let way = way.to_field(&variant.name, &field.name, &field.ty);
                        ways.insert(target.clone(), way.on(steps));
                        queue.push_back(target);
                    }
                }
            }
        }
        self.ways_in_memory(&mut ways);
        ways
    }

    /// The ways to what only lies in memory: parts of std types, and what is below skipped fields.
    fn ways_in_memory(&self, ways: &mut BTreeMap<String, Way>) {
        let Some(memory) = &self.memory else { return };
        let mut queue: VecDeque<String> = ways.keys().cloned().collect();
        while let Some(name) = queue.pop_front() {
            let (Some(layout), Some(way)) = (memory.get(&name), ways.get(&name).cloned()) else {
                continue;
            };
            for variant in &layout.variants {
                for field in &variant.fields {
                    let inside = memory::inside(&field.ty);
                    if ways.contains_key(&inside) || !memory.contains_key(&inside) {
                        continue;
                    }
                    let is_array = inside != field.ty;
                    let way = way.to_field(&variant.name, &field.name, &field.ty);
                    let steps = is_array.then_some(Step::Elements).into_iter().collect();
                    ways.insert(inside.clone(), way.on(steps));
                    queue.push_back(inside);
                }
            }
        }
    }

    /// The roots from which each type can be reached, in their order.
    pub(crate) fn reached_from(&self) -> BTreeMap<String, BTreeSet<&str>> {
        let mut reached: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        let mut leads_to: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for root in &self.roots {
            let mut queue = vec![root.clone()];
            while let Some(name) = queue.pop() {
                if !reached.entry(name.clone()).or_default().insert(root) {
                    continue;
                }
                let Some((name, entry)) = self.types.get_key_value(&name) else { continue };
                let targets = leads_to.entry(name).or_insert_with(|| {
                    let fields = followed(entry);
                    fields
                        .flat_map(|(_, field)| self.targets(&TypeExpr::parse(&field.ty)))
                        .map(|(_, target)| target)
                        .collect()
                });
                queue.extend(targets.iter().cloned());
            }
        }
        reached
    }

    /// Whether a walk goes on at this path.
    pub(crate) fn reaches(&self, ways: &BTreeMap<String, Way>, path: &FieldPath) -> bool {
        ways.iter().filter(|(_, way)| way.path.root == path.root).any(|(name, way)| {
            let Some(entry) = self.types.get(name) else { return false };
            followed(entry)
                .map(|(variant, field)| way.to_field(&variant.name, &field.name, &field.ty))
                .any(|way| path.steps.starts_with(&way.path.steps))
        })
    }

    /// The definitions that a value of this type holds, with the steps to them.
    fn targets(&self, expr: &TypeExpr) -> Vec<(Vec<Step>, String)> {
        let below = |step: Option<Step>, inner: &TypeExpr| -> Vec<(Vec<Step>, String)> {
            let mut targets = self.targets(inner);
            if let Some(step) = step {
                targets.iter_mut().for_each(|(steps, _)| steps.insert(0, step.clone()));
            }
            targets
        };
        match expr {
            TypeExpr::Path { name, args } => {
                let text = expr.to_string();
                if self.types.contains_key(&text) {
                    return vec![(Vec::new(), text)];
                }
                let arg = |param: &str| args.get(usize::from(param == "V"));
                let element = |param: &str| if param == "A" { args.get(2) } else { arg(param) };
                // Locks spell std types by their last name.
                let is_std = !name.contains("::");
                let definition = if is_std { format!("std::{name}") } else { name.clone() };
                let variant = |variant: &str, index: usize| -> Vec<(Vec<Step>, String)> {
                    let Some(inner) = args.get(index) else { return Vec::new() };
                    let mut targets = below(Some(Step::Tuple(0)), inner);
                    let step = Step::Variant(variant.to_owned());
                    targets.iter_mut().for_each(|(steps, _)| steps.insert(0, step.clone()));
                    targets
                };
                match containers::known(&definition) {
                    Some(Holds::Nothing | Holds::Host(_) | Holds::Phantom) => Vec::new(),
                    Some(Holds::One(param, _)) => {
                        arg(param).map_or_else(Vec::new, |inner| below(None, inner))
                    }
                    Some(Holds::Stored(param)) => match arg(param) {
                        Some(TypeExpr::Array(inner, _)) => below(Some(Step::Elements), inner),
                        Some(inner) => below(Some(Step::Elements), inner),
                        None => Vec::new(),
                    },
                    Some(Holds::Many(param)) => {
                        let step = Some(Step::Elements);
                        element(param).map_or_else(Vec::new, |inner| below(step, inner))
                    }
                    Some(Holds::Pairs(..)) => {
                        let mut targets = Vec::new();
                        for (step, inner) in [Step::Keys, Step::Values].into_iter().zip(args) {
                            targets.extend(below(Some(step), inner));
                        }
                        targets
                    }
                    Some(Holds::Each | Holds::Members) => {
                        let inner = args.iter().zip(0..);
                        inner.flat_map(|(arg, at)| below(Some(Step::Tuple(at)), arg)).collect()
                    }
                    None if name == "Option" => variant("Some", 0),
                    None if name == "Result" => {
                        let mut targets = variant("Ok", 0);
                        targets.extend(variant("Err", 1));
                        targets
                    }
                    None if is_std => args.iter().flat_map(|arg| below(None, arg)).collect(),
                    // A definition that is not in the model: it is named, and where it leads is
                    // not known.
                    None => vec![(Vec::new(), text)],
                }
            }
            TypeExpr::Tuple(items) => items
                .iter()
                .zip(0..)
                .flat_map(|(item, index)| below(Some(Step::Tuple(index)), item))
                .collect(),
            TypeExpr::Array(element, _) | TypeExpr::Slice(element) => {
                below(Some(Step::Elements), element)
            }
            TypeExpr::Pointer(_, target) => below(None, target),
            TypeExpr::Dyn(text) => {
                let concrete = self.traits.get(&principal_trait(text));
                let concrete = concrete.into_iter().flatten();
                concrete.map(|name| (vec![Step::Concrete(name.clone())], name.clone())).collect()
            }
            TypeExpr::Other(_) => Vec::new(),
        }
    }
}

/// The fields below which a walk goes on.
fn followed(entry: &TypeEntry) -> impl Iterator<Item = (&VariantEntry, &FieldEntry)> {
    let fields = entry
        .variants
        .iter()
        .flat_map(|variant| variant.fields.iter().map(move |field| (variant, field)));
    fields.filter(|(_, field)| is_followed(entry, field))
}

/// Whether a walk goes on below the field: see [`crate::walk`].
fn is_followed(entry: &TypeEntry, field: &FieldEntry) -> bool {
    match field.state {
        FieldState::Treated(treatment) => treatment.is_saved(),
        FieldState::Uncovered => !entry.is_known,
        FieldState::NotRestored | FieldState::NotSaved | FieldState::Unknown => false,
    }
}

/// A way from a root.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    pub(crate) path: FieldPath,
    /// The root first, then each field with its type.
    pub(crate) labels: Vec<String>,
}

impl Way {
    /// The way on to a field.
    fn to_field(&self, variant: &str, field: &str, ty: &str) -> Self {
        let mut way = self.clone();
        let mut label = format!("{field}: {ty}");
        if !variant.is_empty() {
            way.path.steps.push(Step::Variant(variant.to_owned()));
            label = format!("{variant}.{label}");
        }
        way.path.steps.push(FieldPath::member(field));
        way.labels.push(label);
        way
    }
    /// The way on by these steps.
    fn on(mut self, steps: Vec<Step>) -> Self {
        self.path = steps.into_iter().fold(self.path, |path, step| path.join(step));
        self
    }
}
