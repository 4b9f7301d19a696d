//! A samestate.toml for a program that has none.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use samestate_report::{Report, Severity};

use crate::coverage::{CoverageConfig, coverage};
use crate::error::Error;
use crate::evidence::{Derives, SERDE, Source as _};
use crate::fields;
use crate::graph::{Kind, TypeId};
use crate::names;
use crate::program::Program;
use crate::settings::Settings;
use crate::source::{Codebase, Flows, Sources, by_order};

/// Most roots that are proposed.
const MAX_ROOTS: usize = 3;

/// Words in the names of functions that save, and of those that restore.
const SAVES: &[&str] = &["save", "snapshot", "checkpoint", "dump", "serialize"];
const RESTORES: &[&str] = &["load", "restore", "resume", "undump", "deserialize"];

/// A type that may be a root.
struct Candidate {
    id: TypeId,
    name: String,
    /// How many fields hang from it.
    fields: usize,
    reached: BTreeSet<TypeId>,
    saves: BTreeSet<String>,
    restores: BTreeSet<String>,
    is_serde: bool,
}

/// Proposes a samestate.toml, with the first coverage figures in it.
///
/// # Errors
/// If the binary cannot be read as one.
pub fn propose(config: &CoverageConfig) -> Result<String, Error> {
    let program = Program::read(config)?;
    let mut candidates = candidates(&program);
    candidates.sort_by(|a, b| {
        let weight = |c: &Candidate| (c.is_saved(), c.fields);
        weight(b).cmp(&weight(a)).then_with(|| a.name.cmp(&b.name))
    });
    let mut roots: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        // What hangs from another root is none of its own.
        let is_below = roots.iter().any(|root| root.reached.contains(&candidate.id));
        let is_weaker = roots.iter().any(Candidate::is_saved) && !candidate.is_saved();
        if !is_below && !is_weaker && roots.len() < MAX_ROOTS {
            roots.push(candidate);
        }
    }
    let body = written(&roots) + &order(&program, &roots);
    let mut text = String::from(
        "# Proposed by `samestate init`. Look at each line: which types the state hangs from, what\n\
         # saves and restores it, and, under `[skip]`, `[rebuilt]` and `[host]`, what need not be saved.\n",
    );
    if roots.is_empty() {
        text.push_str("# No type of the program itself has fields in the debug information.\n");
    } else if let Ok(settings) = Settings::parse("samestate.toml".as_ref(), &body) {
        let report = coverage(&CoverageConfig { settings, ..config.clone() })?;
        let _ = writeln!(text, "# With it, `samestate coverage` finds {}.", figures(&report));
    }
    text.push('\n');
    text.push_str(&body);
    Ok(text)
}

impl Candidate {
    /// Whether something saves it and something restores it.
    fn is_saved(&self) -> bool {
        self.is_serde || !self.saves.is_empty() && !self.restores.is_empty()
    }
}

fn candidates(program: &Program) -> Vec<Candidate> {
    let graph = program.graph();
    program.with_sources(|sources, contents| {
        let code = Codebase::new(contents, sources, &[]);
        let flows = Flows::new(&code);
        let serde = Derives::new(&SERDE, &flows, Box::new(|_| BTreeMap::new()));
        let is_own = |name: &str| {
            let roots = contents.crates.get(name);
            roots.is_some_and(|roots| roots.iter().any(|root| root.file.is_relative()))
        };
        let mut found = Vec::new();
        for (id, ty) in graph.iter() {
            let definition = ty.definition();
            let is_struct = matches!(ty.kind, Kind::Struct(_) | Kind::Enum(_))
                && definition.contains("::")
                && !definition.contains('{')
                && !ty.name.starts_with(['<', '&', '(', '*', '['])
                && !ty.name.starts_with("dyn ");
            if !is_struct || !is_own(names::crate_of(definition)) {
                continue;
            }
            let (saves, restores) = methods(sources, definition);
            let reached = code.below(vec![id]);
            let fields = reached.iter().map(|&id| fields::of(graph, id).len()).sum();
            let is_serde = !matches!(serde.about(id), crate::evidence::Answer::Silent);
            let name = definition.to_owned();
            found.push(Candidate { id, name, fields, reached, saves, restores, is_serde });
        }
        // What is only passed around hangs from nothing and leads nowhere.
        found.retain(|candidate| candidate.fields > 1);
        found
    })
}

/// The methods of a type whose names say that they save or restore.
fn methods(sources: &Sources<'_>, definition: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let krate = sources.krate(names::crate_of(definition));
    let (mut saves, mut restores) = (BTreeSet::new(), BTreeSet::new());
    for (_, _, block) in krate.located_impls(names::last_segment(definition)) {
        for item in &block.item.items {
            let syn::ImplItem::Fn(function) = item else { continue };
            let name = function.sig.ident.to_string();
            let has = |words: &[&str]| name.split('_').any(|part| words.contains(&part));
            if has(SAVES) || name == "state" {
                saves.insert(name);
            } else if has(RESTORES) || name == "from_state" || name == "set_state" {
                restores.insert(name);
            }
        }
    }
    (saves, restores)
}

fn written(roots: &[Candidate]) -> String {
    let mut text = String::new();
    let list = |names: &BTreeSet<String>| {
        let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
        quoted.join(", ")
    };
    let _ = writeln!(text, "roots = [{}]", list(&roots.iter().map(|r| r.name.clone()).collect()));
    let functions = |of: fn(&Candidate) -> &BTreeSet<String>| -> BTreeSet<String> {
        let by_hand =
            roots.iter().filter(|root| !root.saves.is_empty() && !root.restores.is_empty());
        by_hand
            .flat_map(|root| of(root).iter().map(|name| format!("{}::{name}", root.name)))
            .collect()
    };
    let (saves, restores) = (functions(|root| &root.saves), functions(|root| &root.restores));
    if !saves.is_empty() {
        let _ = writeln!(text, "save = [{}]\nrestore = [{}]", list(&saves), list(&restores));
    }
    if roots.iter().any(|root| root.is_serde) {
        text.push_str("serde = true\n");
    }
    text
}

/// Whether the order of fields counts, as far as the packages that the state is of show it.
fn order(program: &Program, roots: &[Candidate]) -> String {
    let serde = roots.iter().filter(|root| root.is_serde);
    let crates: BTreeSet<String> =
        serde.map(|root| names::crate_of(&root.name).to_owned()).collect();
    let formats = program.with_sources(|_, contents| by_order(contents, &crates));
    let named: Vec<String> = formats.into_iter().collect();
    match &named[..] {
        [] => String::new(),
        named => format!("order = \"matters\" # if {} writes it\n", named.join(" or ")),
    }
}

/// How much was found.
fn figures(report: &Report) -> String {
    let fields = report.facts.iter().find(|fact| fact.what == "fields checked");
    format!(
        "{} of {} fields not covered, and {} places that it cannot see",
        report.count(Severity::Error),
        fields.map_or(0, |fact| fact.count),
        report.count(Severity::Blind)
    )
}
