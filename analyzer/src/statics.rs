//! State outside of all roots: statics and thread locals.

use std::collections::{BTreeSet, HashSet};

use samestate_report::{Finding, Place, Report, Severity, Subject, rules};
use samestate_schema::path::FieldPath;

use crate::containers::{self, Change};
use crate::dwarf::{Contents, Static};
use crate::fields;
use crate::graph::{Graph, TypeId};
use crate::load::Layout;
use crate::names::{crate_of, is_std, last_segment};
use crate::view::{self, View, type_text};
use crate::walk::Walk;

/// Which statics are judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Statics {
    /// None.
    None,
    /// Those of the crates that the roots come from, and of the crates that are built with them.
    #[default]
    Own,
    /// Those of all crates; what other crates keep is told in notes.
    All,
}

/// Crates whose statics belong to the process and not to what the program computes.
const NOT_STATE: &[(&str, &str)] = &[
    ("std", "the standard library's own: streams, locks, thread ids"),
    ("core", "the standard library's own"),
    ("alloc", "the standard library's own"),
    ("samestate", "the runtime's own: counts of markers and images"),
];

/// A variable that can change while the program runs.
struct Found<'a> {
    name: String,
    variable: &'a Static,
    /// Its type without the wrapper that threads put around it.
    ty: TypeId,
    section: String,
    is_thread_local: bool,
}

/// States the statics that no root covers.
pub(crate) fn judge(
    contents: &Contents,
    layout: &Layout,
    walk: &Walk,
    scope: Statics,
    report: &mut Report,
) {
    let roots = &walk.roots;
    if scope == Statics::None || roots.is_empty() {
        return;
    }
    let graph = &contents.graph;
    let own = own_crates(contents, roots);
    // Where there is Rust too, a root in a namespace of C++ is known by its tags.
    let has_c_roots = !contents.has_rust
        || roots.iter().any(|root| {
            is_of_c(graph.get(*root).definition()) || contents.tags.types.contains_key(root)
        });
    let roots: HashSet<TypeId> = roots.iter().copied().collect();
    let mut others = 0;
    let mut counted = 0_u64;
    let found = found(contents, layout);
    for found in &found {
        let is_decided = found.variable.is_tagged || walk.decided_statics.contains(&found.name);
        if is_decided || is_covered(graph, found.ty, &roots) {
            continue;
        }
        let Some(change) = change(graph, found) else { continue };
        counted += 1;
        let krate = crate_of(&found.name);
        let is_own = own.contains(krate) || has_c_roots && found.variable.is_foreign;
        if !is_own && scope == Statics::Own {
            others += 1;
            continue;
        }
        report.findings.push(finding(graph, found, change, is_own));
    }
    report.detail("statics that can change", counted);
    report.detail("statics of other crates, not judged", others);
}

/// Whether a name is one of C. There, and in namespaces of C++, nothing tells whose a static is;
/// libraries that come with debug information are built with the program.
fn is_of_c(name: &str) -> bool {
    !name.contains("::")
}

/// The names of those for which somebody decided what happens to them.
pub(crate) fn decided(
    contents: &Contents,
    layout: &Layout,
    decide: impl Fn(&str, TypeId) -> bool,
) -> BTreeSet<String> {
    let decided = found(contents, layout).into_iter().filter(|found| decide(&found.name, found.ty));
    decided.map(|found| found.name).collect()
}

/// The crates of the roots, and all that were compiled from the same folder: cargo compiles all
/// members of a workspace from there, and what comes from a registry from elsewhere.
fn own_crates<'a>(contents: &'a Contents, roots: &[TypeId]) -> BTreeSet<&'a str> {
    let of_roots: BTreeSet<&str> =
        roots.iter().map(|&root| crate_of(contents.graph.get(root).definition())).collect();
    let folders: BTreeSet<_> = of_roots
        .iter()
        .filter_map(|krate| contents.crates.get(*krate))
        .flatten()
        .map(|root| &root.folder)
        .collect();
    let beside = contents.crates.iter().filter(|(_, places)| {
        places.iter().any(|place| place.file.is_relative() && folders.contains(&place.folder))
    });
    beside.map(|(name, _)| name.as_str()).chain(of_roots).collect()
}

/// All variables that can change and that are part of the program, sorted by name.
fn found<'a>(contents: &'a Contents, layout: &Layout) -> Vec<Found<'a>> {
    let mut all = Vec::new();
    for (&address, variable) in &contents.statics {
        let Some(section) = layout.section_of(address).filter(|section| section.is_mutable) else {
            continue;
        };
        all.push(Found {
            name: variable.name.clone(),
            variable,
            ty: variable.ty,
            section: section.name.clone(),
            is_thread_local: false,
        });
    }
    for ((offset, _), variable) in &contents.thread_locals {
        let is_there = match &*variable.linkage_name {
            "" => layout.has_thread_local(last_segment(&variable.name), *offset),
            linkage_name => layout.has_thread_symbol(linkage_name, *offset),
        };
        if !is_there {
            continue;
        }
        all.push(Found {
            name: thread_local_name(&variable.name),
            variable,
            ty: thread_local_type(&contents.graph, variable.ty),
            section: layout.thread_section(*offset).to_owned(),
            is_thread_local: true,
        });
    }
    all.retain(|found| !NOT_STATE.iter().any(|(krate, _)| *krate == crate_of(&found.name)));
    all.sort_by(|a, b| a.name.cmp(&b.name));
    // One that is generic, or is compiled into several units, is one in the source.
    all.dedup_by(|a, b| a.name == b.name && a.ty == b.ty);
    all
}

/// `app::KEY` of `app::KEY::{constant#0}::{closure#1}::__RUST_STD_INTERNAL_VAL`.
fn thread_local_name(name: &str) -> String {
    let Some(scope) = name.strip_suffix("::__RUST_STD_INTERNAL_VAL") else {
        return name.to_owned();
    };
    let mut scope = scope;
    while let Some((outer, last)) = scope.rsplit_once("::")
        && last.starts_with('{')
    {
        scope = outer;
    }
    scope.to_owned()
}

/// What a thread local holds: std keeps beside it whether it was made already.
fn thread_local_type(graph: &Graph, ty: TypeId) -> TypeId {
    let storage = graph.get(ty);
    let is_storage = is_std(storage.definition()) && storage.definition().contains("thread_local");
    let param = storage.params.first().and_then(|param| param.ty);
    param.filter(|_| is_storage).map_or(ty, |param| graph.defined(param))
}

/// Whether what it holds is a root itself, whose fields are judged as such.
fn is_covered(graph: &Graph, ty: TypeId, roots: &HashSet<TypeId>) -> bool {
    let mut queue = vec![ty];
    let mut seen = HashSet::new();
    while let Some(ty) = queue.pop() {
        let ty = graph.defined(ty);
        if roots.contains(&ty) {
            return true;
        }
        if seen.insert(ty)
            && let View::Parts(parts) = view::view(graph, ty)
        {
            queue.extend(parts.into_iter().map(|part| part.ty));
        }
    }
    false
}

/// How it can change; `None` if it holds nothing that a program computes.
fn change(graph: &Graph, found: &Found<'_>) -> Option<Change> {
    if view::is_empty(graph, found.ty) || view::holds_nothing(graph, found.ty) {
        return None;
    }
    let ty = graph.get(found.ty);
    match containers::change(ty.definition()) {
        Some(Change::Never) => None,
        Some(Change::Once) if can_change_inside(graph, found.ty) => Some(Change::Often),
        Some(change) => Some(change),
        None => Some(Change::Often),
    }
}

/// Whether below the type, which is itself written once, stands something that can be written
/// again.
fn can_change_inside(graph: &Graph, ty: TypeId) -> bool {
    let mut queue = vec![ty];
    let mut seen = HashSet::new();
    while let Some(at) = queue.pop() {
        let at = graph.defined(at);
        if !seen.insert(at) || seen.len() > 4096 {
            continue;
        }
        if at != ty && containers::change(graph.get(at).definition()) == Some(Change::Often) {
            return true;
        }
        match view::view(graph, at) {
            View::Parts(parts) => queue.extend(parts.into_iter().map(|part| part.ty)),
            View::Defined => {
                queue.extend(fields::of(graph, at).into_iter().filter_map(|field| field.ty));
                queue.extend(fields::unnamed(graph, at));
            }
            View::Leaf
            | View::Host(_)
            | View::Trait(_)
            | View::Opaque(_)
            | View::Untyped(_)
            | View::Unseen(_) => {}
        }
    }
    false
}

fn finding(graph: &Graph, found: &Found<'_>, change: Change, is_own: bool) -> Finding {
    let (name, ty) = (&found.name, type_text(graph, found.ty));
    let krate = crate_of(name);
    let host = view::host(graph, found.ty);
    let message = match (host, change) {
        (Some(what), _) => format!("`{name}: {ty}` is {what}, and hangs from no root"),
        (None, Change::Once | Change::Never) => {
            format!("`{name}: {ty}` is made once while the program runs, and hangs from no root")
        }
        (None, Change::Often) => {
            format!("`{name}: {ty}` can change while the program runs, and hangs from no root")
        }
    };
    let subject = Subject::Field(FieldPath::root(name.clone()));
    let mut finding = Finding::new(&rules::UNCOVERED_STATIC, subject, message);
    if !is_own || host.is_some() || change != Change::Often {
        finding.severity = Severity::Note;
    }
    if let Some((file, line)) = &found.variable.place {
        finding.place = Some(Place::new(file.display().to_string(), *line, 0));
    }
    let size = view::size(graph, found.ty);
    let size = size.map_or_else(String::new, |size| format!("{size} bytes in "));
    let each = if found.is_thread_local { ", one in each thread" } else { "" };
    finding.details.push(format!("{size}{}{each}", found.section));
    if finding.severity == Severity::Error {
        finding.help = Some(format!(
            "keep the value in a struct that hangs from a root, or say in samestate.toml why it \
                 need not be saved: `[skip]` `\"{name}\" = \"…\"`"
        ));
    }
    let whose = if found.variable.is_foreign { "the program" } else { krate };
    finding.group = Some(format!("statics of {whose}"));
    finding
}
