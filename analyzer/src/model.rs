//! What two programs, or a program and a lock, are compared by: the types that hang from the
//! roots, by name.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use samestate_schema::path::{FieldPath, Step};
use samestate_schema::treatment::Treatment;

use crate::containers::{self, Holds};
use crate::evidence::Verdict;
use crate::graph::{Graph, Kind, TypeId};
use crate::history::{FieldHistory, History, TypeHistory, VariantHistory};
use crate::names::TypeExpr;
use crate::versions::ConstantVersion;
use crate::view::{principal_trait, type_text};
use crate::walk::{Reached, Walk};

/// The types that hang from the roots of one program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Model {
    /// The names of the roots.
    pub(crate) roots: BTreeSet<String>,
    /// The types by name. Of several layouts of one name, the later ones have a number after it.
    pub(crate) types: BTreeMap<String, TypeEntry>,
    /// The implementers of each trait that objects are made of.
    pub(crate) traits: BTreeMap<String, BTreeSet<String>>,
    /// The versions of all that hangs from a root, where the program keeps them in constants.
    pub(crate) versions: BTreeMap<String, ConstantVersion>,
    /// The paths at which sight ends.
    pub(crate) unseen: BTreeSet<String>,
}

/// One type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TypeEntry {
    pub(crate) shape: Shape,
    /// Whether any evidence about it was found.
    pub(crate) is_known: bool,
    /// The version of its saved form, if a record tells.
    pub(crate) version: Option<u32>,
    /// What the program tells of its earlier forms.
    pub(crate) history: TypeHistory,
    /// Its variants; a struct has one without a name.
    pub(crate) variants: Vec<VariantEntry>,
}

/// What kind of definition it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Shape {
    Struct,
    Union,
    Enum,
}

impl Shape {
    /// The word for it in locks and reports.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Struct => "struct",
            Self::Union => "union",
            Self::Enum => "enum",
        }
    }
}

/// One variant of an enum, or the whole of a struct.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct VariantEntry {
    pub(crate) name: String,
    /// Its number, for enums of numbers.
    pub(crate) value: Option<i128>,
    pub(crate) history: VariantHistory,
    pub(crate) fields: Vec<FieldEntry>,
}

/// One field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FieldEntry {
    pub(crate) name: String,
    pub(crate) ty: String,
    pub(crate) state: FieldState,
    pub(crate) history: FieldHistory,
}

/// What happens to a field at a checkpoint, as far as it could be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FieldState {
    /// It is treated so.
    Treated(Treatment),
    /// No evidence covers it.
    Uncovered,
    /// It is saved and never restored.
    NotRestored,
    /// It is restored and never saved.
    NotSaved,
    /// The evidence could not be read.
    Unknown,
}

impl FieldState {
    /// The word for it in locks and reports.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Treated(treatment) => treatment.word(),
            Self::Uncovered => "uncovered",
            Self::NotRestored => "not-restored",
            Self::NotSaved => "not-saved",
            Self::Unknown => "unknown",
        }
    }

    /// The state that this word stands for.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "uncovered" => Self::Uncovered,
            "not-restored" => Self::NotRestored,
            "not-saved" => Self::NotSaved,
            "unknown" => Self::Unknown,
            word => Self::Treated(Treatment::from_word(word)?),
        })
    }

    /// Whether the field's value is, or may have to be, in an image.
    pub(crate) const fn is_state(self) -> bool {
        match self {
            Self::Treated(Treatment::Saved | Treatment::Volatile | Treatment::Filtered)
            | Self::Uncovered
            | Self::NotRestored
            | Self::NotSaved
            | Self::Unknown => true,
            Self::Treated(Treatment::Skipped(_) | Treatment::Rebuilt | Treatment::External) => {
                false
            }
        }
    }
}

impl Model {
    /// The model of what a walk reached, with what is told of the history of its types.
    pub(crate) fn of(
        graph: &Graph,
        walk: &Walk,
        history: &dyn Fn(TypeId) -> Option<History>,
    ) -> Self {
        let mut by_name: BTreeMap<String, BTreeSet<TypeEntry>> = BTreeMap::new();
        for reached in &walk.types {
            let name = type_text(graph, reached.id);
            by_name.entry(name).or_default().insert(entry_of(graph, reached, history));
        }
        for &(id, version) in &walk.numbers {
            let Kind::Enumeration(enumerators) = &graph.get(id).kind else { continue };
            let mut told = history(id).unwrap_or_default();
            let variants = enumerators.iter().map(|enumerator| VariantEntry {
                name: enumerator.name.to_string(),
                value: Some(enumerator.value),
                history: told.variants.remove(&*enumerator.name).unwrap_or_default(),
                fields: Vec::new(),
            });
            let (shape, variants) = (Shape::Enum, variants.collect());
            let history = told.of_type;
            let entry = TypeEntry { shape, is_known: true, version, history, variants };
            by_name.entry(type_text(graph, id)).or_default().insert(entry);
        }
        let mut types = BTreeMap::new();
        for (name, entries) in by_name {
            for (index, entry) in entries.into_iter().enumerate() {
                let name = if index == 0 { name.clone() } else { format!("{name} @{}", index + 1) };
                types.insert(name, entry);
            }
        }
        let texts = |ids: &BTreeSet<TypeId>| ids.iter().map(|&id| type_text(graph, id)).collect();
        Self {
            roots: walk.roots.iter().map(|&id| type_text(graph, id)).collect(),
            types,
            traits: walk.traits.iter().map(|(name, ids)| (name.clone(), texts(ids))).collect(),
            versions: walk
                .versions
                .iter()
                .map(|(&id, version)| (type_text(graph, id), version.clone()))
                .collect(),
            unseen: walk.ends.iter().map(|end| end.path.to_string()).collect(),
        }
    }

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
            for variant in &entry.variants {
                for field in variant.fields.iter().filter(|field| is_followed(entry, field)) {
                    let way = way.to_field(&variant.name, field);
                    for (steps, target) in self.targets(&TypeExpr::parse(&field.ty)) {
                        if !ways.contains_key(&target) {
                            let path = steps.into_iter().fold(way.path.clone(), |p, s| p.join(s));
                            let way = Way { path, labels: way.labels.clone() };
                            ways.insert(target.clone(), way);
                            queue.push_back(target);
                        }
                    }
                }
            }
        }
        ways
    }

    /// Whether a walk goes on at this path.
    pub(crate) fn reaches(&self, ways: &BTreeMap<String, Way>, path: &FieldPath) -> bool {
        ways.iter().filter(|(_, way)| way.path.root == path.root).any(|(name, way)| {
            let Some(entry) = self.types.get(name) else { return false };
            entry.variants.iter().any(|variant| {
                let followed = variant.fields.iter().filter(|field| is_followed(entry, field));
                followed
                    .map(|field| way.to_field(&variant.name, field))
                    .any(|way| path.steps.starts_with(&way.path.steps))
            })
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
    pub(crate) fn to_field(&self, variant: &str, field: &FieldEntry) -> Self {
        let mut way = self.clone();
        let mut label = format!("{}: {}", field.name, field.ty);
        if !variant.is_empty() {
            way.path.steps.push(Step::Variant(variant.to_owned()));
            label = format!("{variant}.{label}");
        }
        way.path.steps.push(FieldPath::member(&field.name));
        way.labels.push(label);
        way
    }
}

fn entry_of(
    graph: &Graph,
    reached: &Reached,
    history: &dyn Fn(TypeId) -> Option<History>,
) -> TypeEntry {
    let mut told = history(reached.id).unwrap_or_default();
    let (shape, names): (Shape, Vec<String>) = match &graph.get(reached.id).kind {
        Kind::Enum(variants) => {
            (Shape::Enum, variants.iter().map(|variant| variant.name.to_string()).collect())
        }
        Kind::Union(_) => (Shape::Union, vec![String::new()]),
        _ => (Shape::Struct, vec![String::new()]),
    };
    let mut variants: Vec<VariantEntry> = names
        .into_iter()
        .map(|name| VariantEntry {
            history: told.variants.remove(&name).unwrap_or_default(),
            name,
            ..VariantEntry::default()
        })
        .collect();
    for field in &reached.fields {
        let entry = FieldEntry {
            name: field.key.name.clone(),
            ty: field.type_text.clone(),
            state: match field.verdict.verdict {
                Verdict::Saved(_) => FieldState::Treated(Treatment::Saved),
                Verdict::Volatile => FieldState::Treated(Treatment::Volatile),
                Verdict::Handed(treatment) => FieldState::Treated(treatment),
                Verdict::Left(treatment) => FieldState::Treated(treatment),
                Verdict::Uncovered | Verdict::Partly(_) => FieldState::Uncovered,
                Verdict::SavedOnly => FieldState::NotRestored,
                Verdict::RestoredOnly => FieldState::NotSaved,
                Verdict::Unknown => FieldState::Unknown,
            },
            history: told.fields.remove(&field.key).unwrap_or_default(),
        };
        match variants.iter_mut().find(|variant| variant.name == field.key.variant) {
            Some(variant) => variant.fields.push(entry),
            None => variants.push(VariantEntry {
                name: field.key.variant.clone(),
                fields: vec![entry],
                ..VariantEntry::default()
            }),
        }
    }
    TypeEntry {
        shape,
        is_known: reached.is_known,
        version: reached.version,
        history: told.of_type,
        variants,
    }
}
