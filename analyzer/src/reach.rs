//! What hangs from a type, whatever the evidence says of it.

use std::collections::{HashMap, HashSet};

use crate::containers::wide_trait;
use crate::fields;
use crate::graph::{Graph, TypeId};
use crate::implementers::Implementers;
use crate::names::without_arguments;
use crate::view::{self, View};

/// What was found below a type.
#[derive(Debug, Default)]
pub(crate) struct Below {
    /// The definitions, with the type itself if it is one.
    pub(crate) types: HashSet<TypeId>,
    /// How many fields they have.
    pub(crate) fields: usize,
    /// The bytes of the definitions, each counted once.
    pub(crate) bytes: u64,
}

/// Everything below these types.
pub(crate) fn below(
    graph: &Graph,
    implementers: &Implementers<'_>,
    start: impl IntoIterator<Item = TypeId>,
) -> Below {
    let mut found = Below::default();
    let mut seen = HashSet::new();
    let mut stack: Vec<TypeId> = start.into_iter().collect();
    while let Some(ty) = stack.pop() {
        let ty = graph.defined(ty);
        if !seen.insert(ty) {
            continue;
        }
        match view::view(graph, ty) {
            View::Parts(parts) => stack.extend(parts.into_iter().map(|part| part.ty)),
            View::Trait(name) => {
                if wide_trait(without_arguments(&name)).is_none() {
                    stack.extend(implementers.seen(&name));
                }
            }
            View::Defined => {
                let fields = fields::of(graph, ty);
                found.types.insert(ty);
                found.fields += fields.len();
                found.bytes = found.bytes.saturating_add(view::size(graph, ty).unwrap_or(0));
                stack.extend(fields.into_iter().filter_map(|field| field.ty));
                stack.extend(fields::unnamed(graph, ty));
                stack.extend(implementers.derived(ty));
            }
            View::Leaf | View::Host(_) | View::Opaque(_) | View::Untyped(_) | View::Unseen(_) => {}
        }
    }
    found
}

/// The definitions that values of a type hold without another definition in between.
#[derive(Debug)]
pub(crate) struct Behind<'a> {
    graph: &'a Graph,
    known: HashMap<TypeId, Vec<TypeId>>,
}

impl<'a> Behind<'a> {
    pub(crate) fn new(graph: &'a Graph) -> Self {
        Self { graph, known: HashMap::new() }
    }

    /// Those of this type, each once, in the order of its parts.
    pub(crate) fn of(&mut self, ty: TypeId) -> &[TypeId] {
        let graph = self.graph;
        self.known.entry(ty).or_insert_with(|| {
            let mut found = Vec::new();
            let mut seen = HashSet::new();
            let mut stack = vec![ty];
            while let Some(ty) = stack.pop() {
                let ty = graph.defined(ty);
                if !seen.insert(ty) {
                    continue;
                }
                match view::view(graph, ty) {
                    View::Parts(parts) => stack.extend(parts.into_iter().rev().map(|p| p.ty)),
                    View::Defined => found.push(ty),
                    View::Leaf
                    | View::Host(_)
                    | View::Trait(_)
                    | View::Opaque(_)
                    | View::Untyped(_)
                    | View::Unseen(_) => {}
                }
            }
            found
        })
    }
}
