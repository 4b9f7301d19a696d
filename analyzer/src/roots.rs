//! From the names of roots to types.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use crate::graph::{Graph, Kind, Type, TypeId};
use crate::names::{self, is_std, last_segment};

/// How many names are offered for one that is not there.
const OFFERED: usize = 5;

/// Why a name is no root.
#[derive(Debug)]
pub(crate) struct NoRoot {
    /// What is wrong with it.
    pub(crate) why: String,
    /// Names that may have been meant, best first.
    pub(crate) offered: Vec<String>,
}

/// The types that a name stands for: all instances and layouts of one definition. The name is a
/// full path, with arguments or without, or the end of one path only.
pub(crate) fn find(graph: &Graph, name: &str) -> Result<Vec<TypeId>, NoRoot> {
    let name = name.trim();
    // Only names with the same path can be the same with their arguments shortened.
    let path = name.split('<').next().unwrap_or(name);
    let suffix = format!("::{name}");
    let named = |(id, ty): (TypeId, &Type)| {
        let is_exact = ty.definition() == name
            || *ty.name == *name
            || (ty.definition() == path && names::short(&ty.name) == name);
        let is_named = is_exact || ty.definition().ends_with(&suffix) || ty.name.ends_with(&suffix);
        (is_named && can_be_root(ty)).then_some((id, is_exact))
    };
    let named: Vec<(TypeId, bool)> = graph.par_iter().filter_map(named).collect();
    let exact: Vec<TypeId> =
        named.iter().filter(|(_, is_exact)| *is_exact).map(|(id, _)| *id).collect();
    if !exact.is_empty() {
        return Ok(exact);
    }
    let mut by_suffix: BTreeMap<&str, Vec<TypeId>> = BTreeMap::new();
    for (id, _) in named {
        by_suffix.entry(graph.get(id).definition()).or_default().push(id);
    }
    match by_suffix.len() {
        0 => Err(NoRoot {
            why: format!("no type `{name}` in the debug information"),
            offered: {
                let candidates = graph.iter().filter(|(_, ty)| can_be_root(ty));
                nearest(candidates.map(|(_, ty)| ty.definition()), name)
            },
        }),
        1 => Ok(by_suffix.into_values().next().unwrap_or_default()),
        count => Err(NoRoot {
            why: format!("`{name}` can be {count} types"),
            offered: by_suffix.into_keys().take(OFFERED).map(str::to_owned).collect(),
        }),
    }
}

fn can_be_root(ty: &Type) -> bool {
    matches!(ty.kind, Kind::Struct(_) | Kind::Enum(_) | Kind::Union(_) | Kind::Enumeration(_))
        && !ty.name.is_empty()
        && !is_std(ty.definition())
        && !ty.definition().contains('{')
        && !ty.name.starts_with("dyn ")
        && !ty.name.starts_with(['<', '&', '(', '*', '['])
}

/// The names that differ least, by their last part first.
fn nearest<'a>(names: impl Iterator<Item = &'a str>, wanted: &str) -> Vec<String> {
    let unique: BTreeSet<&str> = names.collect();
    let last = last_segment(wanted).to_lowercase();
    let mut scored: Vec<(usize, usize, &str)> = unique
        .into_iter()
        .map(|name| {
            let own = last_segment(name).to_lowercase();
            let close = if own.contains(&last) || last.contains(&own) {
                own.len().abs_diff(last.len()).min(2)
            } else {
                strsim::levenshtein(&own, &last)
            };
            (close, strsim::levenshtein(name, wanted), name)
        })
        .collect();
    scored.sort();
    scored.into_iter().take(OFFERED).map(|(_, _, name)| name.to_owned()).collect()
}
