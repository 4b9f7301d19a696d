//! The ways from the roots of a model to its types.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::rc::Rc;

use samestate_schema::path::{FieldPath, Step};

use super::{FieldEntry, FieldState, Model, TypeEntry, VariantEntry};
use crate::containers::{self, Holds};
use crate::memory;
use crate::names::TypeExpr;
use crate::view::principal_trait;

/// The shortest ways from roots to types, looked for as far as they are asked for.
pub(crate) struct Ways<'m> {
    search: RefCell<Search<'m>>,
}

/// A search breadth first: where each type was met first.
struct Search<'m> {
    model: &'m Model,
    trails: Vec<Trail<'m>>,
    places: HashMap<Rc<str>, usize>,
    /// The types whose fields have yet to be looked at.
    queue: VecDeque<(Rc<str>, usize)>,
    /// Where fields lead, by their types: most are of few types.
    known: HashMap<&'m str, Vec<(Vec<Step>, String)>>,
    /// Whether what lies in memory is looked at.
    is_in_memory: bool,
}

/// The last part of a way.
enum Trail<'m> {
    /// The name of a root.
    Root(String),
    Field {
        /// The type that has the field, by its place.
        owner: usize,
        variant: &'m str,
        field: &'m str,
        ty: &'m str,
        /// From the field on.
        steps: Vec<Step>,
    },
}

impl Ways<'_> {
    /// The way to a type.
    pub(crate) fn get(&self, name: &str) -> Option<Way> {
        let mut search = self.search.borrow_mut();
        search.until(name).then(|| search.way(name))?
    }

    /// Whether there is a way to a type.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.search.borrow_mut().until(name)
    }

    /// The types that there is a way to.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        let mut search = self.search.borrow_mut();
        while search.step() {}
        search.places.keys().map(|name| name.to_string()).collect()
    }
}

impl<'m> Search<'m> {
    /// Goes on until a type is met; says whether it is.
    fn until(&mut self, name: &str) -> bool {
        while !self.places.contains_key(name) {
            if !self.step() {
                return false;
            }
        }
        true
    }

    /// Looks at the fields of the next type, if there is one.
    fn step(&mut self) -> bool {
        let Some((name, owner)) = self.queue.pop_front() else { return self.go_into_memory() };
        if self.is_in_memory {
            self.step_in_memory(&name, owner);
            return true;
        }
        let model = self.model;
        let Some(entry) = model.types.get(&*name) else { return true };
        for (variant, field) in followed(entry) {
            let (variant, field, ty) = (&*variant.name, &*field.name, &*field.ty);
            let targets = match self.known.remove(ty) {
                Some(targets) => targets,
                None => model.targets(&TypeExpr::parse(ty)),
            };
            for (steps, target) in &targets {
                self.add(target, || Trail::Field {
                    owner,
                    variant,
                    field,
                    ty,
                    steps: steps.clone(),
                });
            }
            self.known.insert(ty, targets);
        }
        true
    }

    /// Goes on with what only lies in memory: parts of std types, and what is below skipped fields.
    fn go_into_memory(&mut self) -> bool {
        if self.model.memory.is_none() || std::mem::replace(&mut self.is_in_memory, true) {
            return false;
        }
        let mut met: Vec<(Rc<str>, usize)> =
            self.places.iter().map(|(name, &place)| (Rc::clone(name), place)).collect();
        met.sort();
        self.queue = met.into();
        true
    }

    fn step_in_memory(&mut self, name: &str, owner: usize) {
        let Some(memory) = &self.model.memory else { return };
        let Some(layout) = memory.get(name) else { return };
        for variant in &layout.variants {
            for field in &variant.fields {
                let inside = memory::inside(&field.ty);
                if !memory.contains_key(&inside) {
                    continue;
                }
                let is_array = inside != field.ty;
                let (variant, field, ty) = (&*variant.name, &*field.name, &*field.ty);
                self.add(&inside, || Trail::Field {
                    owner,
                    variant,
                    field,
                    ty,
                    steps: is_array.then_some(Step::Elements).into_iter().collect(),
                });
            }
        }
    }

    /// Adds a type, unless it was met before.
    fn add(&mut self, name: &str, trail: impl FnOnce() -> Trail<'m>) {
        if !self.places.contains_key(name) {
            let (name, place) = (Rc::from(name), self.trails.len());
            self.places.insert(Rc::clone(&name), place);
            self.trails.push(trail());
            self.queue.push_back((name, place));
        }
    }

    fn way(&self, name: &str) -> Option<Way> {
        let mut at = *self.places.get(name)?;
        let mut parts = Vec::new();
        let root = loop {
            match &self.trails[at] {
                Trail::Root(root) => break root,
                Trail::Field { owner, variant, field, ty, steps } => {
                    parts.push((variant, field, ty, steps));
                    at = *owner;
                }
            }
        };
        let way = Way { path: FieldPath::root(root.clone()), labels: vec![root.clone()] };
        let way = parts.into_iter().rev().fold(way, |way, (variant, field, ty, steps)| {
            way.to_field(variant, field, ty).on(steps.clone())
        });
        Some(way)
    }
}

impl Model {
    /// The shortest way from a root to each type that is mentioned on the way.
    pub(crate) fn ways(&self) -> Ways<'_> {
        self.ways_from(self.roots.iter())
    }

    /// The same from some of the roots.
    pub(crate) fn ways_from<'a>(&self, roots: impl Iterator<Item = &'a String>) -> Ways<'_> {
        let mut search = Search {
            model: self,
            trails: Vec::new(),
            places: HashMap::new(),
            queue: VecDeque::new(),
            known: HashMap::new(),
            is_in_memory: false,
        };
        roots.for_each(|root| search.add(root, || Trail::Root(root.clone())));
        Ways { search: RefCell::new(search) }
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
    pub(crate) fn reaches(&self, ways: &Ways<'_>, path: &FieldPath) -> bool {
        ways.names().iter().any(|name| {
            let Some(entry) = self.types.get(name) else { return false };
            let Some(way) = ways.get(name).filter(|way| way.path.root == path.root) else {
                return false;
            };
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
