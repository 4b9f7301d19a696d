//! What two programs, or a program and a lock, are compared by: the types that hang from the
//! roots, by name.

mod ways;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use samestate_schema::treatment::Treatment;

pub(crate) use self::ways::{Way, Ways};
use crate::evidence::Verdict;
use crate::graph::{Graph, Kind, TypeId};
use crate::history::{FieldHistory, History, TypeHistory, VariantHistory};
use crate::memory::{self, Memory, Target};
use crate::versions::ConstantVersion;
use crate::view::{meant_text, type_text};
use crate::walk::{Reached, Walk};

/// The types that hang from the roots of one program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Model {
    /// The names of the roots.
    pub(crate) roots: BTreeSet<String>,
    /// The types by name. Of several layouts of one name, the later ones have a number after it.
    pub(crate) types: BTreeMap<String, Arc<TypeEntry>>,
    /// The implementers of each trait that objects are made of.
    pub(crate) traits: BTreeMap<String, BTreeSet<String>>,
    /// The versions of all that hangs from a root, where the program keeps them in constants.
    pub(crate) versions: BTreeMap<String, ConstantVersion>,
    /// The paths at which sight ends.
    pub(crate) unseen: BTreeSet<String>,
    /// The machine that the program was built for; locks tell it only with their layouts.
    pub(crate) target: Option<Target>,
    /// How the types lie in memory, where that was asked for.
    pub(crate) memory: Option<Memory>,
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
                types.insert(name, Arc::new(entry));
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
            target: None,
            memory: None,
        }
    }

    /// The same with how its types lie in memory.
    pub(crate) fn with_memory(mut self, graph: &Graph, walk: &Walk, target: &Target) -> Self {
        let reached = walk.types.iter().map(|reached| reached.id);
        let numbers = walk.numbers.iter().map(|&(id, _)| id);
        let types = reached.chain(numbers).chain(walk.roots.iter().copied());
        self.memory = Some(memory::read(graph, types, target));
        self
    }
}

/// A future may keep several variables of one name.
fn number_repeated(fields: &mut [FieldEntry]) {
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for field in fields {
        let count = counts.entry(field.name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            field.name = format!("{} @{count}", field.name);
        }
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
            ty: field.ty.map_or_else(|| "_".to_owned(), |ty| meant_text(graph, ty)),
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
    for variant in &mut variants {
        number_repeated(&mut variant.fields);
    }
    TypeEntry {
        shape,
        is_known: reached.is_known,
        version: reached.version,
        history: told.of_type,
        variants,
    }
}
