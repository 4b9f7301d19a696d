//! The neighborhood of one type as a graph for Graphviz.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::coverage::CoverageConfig;
use crate::error::Error;
use crate::fields;
use crate::graph::{Graph, Kind, TypeId};
use crate::program::Program;
use crate::reach::Behind;
use crate::roots;
use crate::view::{self, View, type_text};

/// The types of this name, what their fields lead to, and the types whose fields lead to them.
///
/// # Errors
/// If the binary cannot be read, or has no such type.
pub fn dot(config: &CoverageConfig, name: &str) -> Result<String, Error> {
    let program = Program::read(config)?;
    let graph = program.graph();
    let found = roots::find(graph, name)
        .map_err(|error| Error::NoSuchType { why: error.why, offered: error.offered })?;
    let mut behind = Behind::new(graph);
    // From, to, and the fields in between.
    let mut edges: BTreeMap<(TypeId, TypeId), Vec<String>> = BTreeMap::new();
    for (id, ty) in graph.iter() {
        let is_definition = matches!(ty.kind, Kind::Struct(_) | Kind::Enum(_) | Kind::Union(_));
        if !is_definition || !matches!(view::view(graph, id), View::Defined) {
            continue;
        }
        let is_center = found.contains(&id);
        for field in fields::of(graph, id) {
            let Some(ty) = field.ty else { continue };
            for &target in behind.of(ty) {
                if is_center || found.contains(&target) {
                    let label = match &*field.key.variant {
                        "" => field.key.name.clone(),
                        variant => format!("{variant}.{}", field.key.name),
                    };
                    edges.entry((id, target)).or_default().push(label);
                }
            }
        }
    }
    Ok(write(graph, &found, &edges))
}

fn write(
    graph: &Graph,
    center: &[TypeId],
    edges: &BTreeMap<(TypeId, TypeId), Vec<String>>,
) -> String {
    let mut nodes: BTreeMap<TypeId, String> = BTreeMap::new();
    for &id in center.iter().chain(edges.keys().flat_map(|(from, to)| [from, to])) {
        nodes.entry(id).or_insert_with(|| type_text(graph, id));
    }
    // In the order of their names, so that the text does not depend on ids.
    let mut sorted: Vec<(&String, TypeId)> = nodes.iter().map(|(id, name)| (name, *id)).collect();
    sorted.sort();
    let numbers: BTreeMap<TypeId, usize> =
        sorted.iter().enumerate().map(|(number, (_, id))| (*id, number)).collect();
    let mut text = String::from("digraph types {\n  node [shape=box];\n");
    for (number, (name, id)) in sorted.iter().enumerate() {
        let style = if center.contains(id) { ", style=bold" } else { "" };
        let _ = writeln!(text, "  t{number} [label={}{style}];", quoted(name));
    }
    let mut lines: Vec<(usize, usize, String)> = edges
        .iter()
        .map(|((from, to), labels)| (numbers[from], numbers[to], labels.join(", ")))
        .collect();
    lines.sort();
    for (from, to, label) in lines {
        let _ = writeln!(text, "  t{from} -> t{to} [label={}];", quoted(&label));
    }
    text + "}\n"
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', " "))
}
