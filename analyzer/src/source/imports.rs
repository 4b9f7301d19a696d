//! Names that `use` gives to what is defined elsewhere, there often under another name.

use super::conditions::{self, Facts, Met};
use super::file::{SourceFile, plain};
use super::krate::Crate;

/// How many names one thing is followed through.
pub(crate) const MAX_NAMES: usize = 8;

/// One `use path as name`.
#[derive(Clone, Debug)]
pub(super) struct Import {
    /// The modules and functions around it, from the file on.
    pub(super) scope: Vec<String>,
    pub(super) name: String,
    /// What it stands for, as it is written.
    path: Vec<String>,
    /// The conditions of it and of what is around it.
    attributes: Vec<syn::Attribute>,
}

impl Import {
    /// The last part of what it stands for.
    fn target(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }

    /// Whether it gives another name to what it stands for.
    pub(super) fn is_renamed(&self) -> bool {
        self.name != self.target()
    }

    /// Whether what it stands for is seen beside it, and so may have been imported, too.
    fn is_beside(&self) -> bool {
        match &self.path[..] {
            [_] => true,
            [first, _] => first == "self",
            _ => false,
        }
    }
}

/// The imports by name in one `use`.
pub(super) fn read(
    item: &syn::ItemUse,
    scope: &[String],
    around: &[syn::Attribute],
) -> Vec<Import> {
    let mut attributes = around.to_vec();
    attributes.extend(item.attrs.iter().cloned());
    let mut found = Vec::new();
    let mut queue = vec![(Vec::new(), &item.tree)];
    while let Some((prefix, tree)) = queue.pop() {
        match tree {
            syn::UseTree::Path(path) => {
                let mut prefix: Vec<String> = prefix;
                prefix.push(plain(&path.ident));
                queue.push((prefix, &path.tree));
            }
            syn::UseTree::Group(group) => {
                queue.extend(group.items.iter().map(|tree| (prefix.clone(), tree)));
            }
            syn::UseTree::Rename(rename) => {
                let mut path = prefix;
                // `use codec::{self as wire}`
                if rename.ident != "self" || path.is_empty() {
                    path.push(plain(&rename.ident));
                }
                let (name, scope) = (plain(&rename.rename), scope.to_vec());
                if name != "_" {
                    let attributes = attributes.clone();
                    found.push(Import { scope, name, path, attributes });
                }
            }
            syn::UseTree::Name(only) if only.ident != "self" => {
                let (mut path, name, scope) = (prefix, plain(&only.ident), scope.to_vec());
                path.push(name.clone());
                found.push(Import { scope, name, path, attributes: attributes.clone() });
            }
            _ => {}
        }
    }
    found
}

impl SourceFile {
    /// The import of this name that is seen in a place of the file, if there is one for sure.
    fn import(&self, scope: &[String], name: &str) -> Option<&Import> {
        let seen = self
            .imports
            .iter()
            .filter(|import| import.name == name && scope.starts_with(&import.scope));
        let nearest = seen.clone().map(|import| import.scope.len()).max()?;
        // A type of this name that is defined nearer is meant.
        let is_hidden = self.definitions.iter().any(|item| {
            item.ident == name && item.scope.len() > nearest && scope.starts_with(&item.scope)
        });
        if is_hidden {
            return None;
        }
        let mut nearest = seen.filter(|import| import.scope.len() == nearest);
        let first = nearest.next()?;
        nearest.all(|other| other.path == first.path).then_some(first)
    }

    /// The last part of what a name stands for in a place of the file: itself, if it was not
    /// imported under this name.
    pub(crate) fn original<'a>(&'a self, scope: &[String], name: &'a str) -> &'a str {
        let mut name = name;
        for _ in 0..MAX_NAMES {
            let Some(import) = self.import(scope, name) else { break };
            name = import.target();
            if !import.is_beside() {
                break;
            }
        }
        name
    }

    /// The names that something of this name has in a place of the file: its own and those that it
    /// was imported under.
    pub(crate) fn names_of<'a>(&'a self, scope: &[String], name: &'a str) -> Vec<&'a str> {
        let imports = self.imports.iter();
        let others = imports
            .filter(|import| import.target() == name && scope.starts_with(&import.scope))
            .map(|import| &*import.name);
        std::iter::once(name).chain(others).collect()
    }

    /// What this name was imported from, wherever in the file, if that is certain: the modules
    /// around the import, and the path.
    pub(super) fn imported(&self, name: &str) -> Option<(&[String], &[String])> {
        let mut named = self.imports.iter().filter(|import| import.name == name);
        let first = named.next()?;
        let is_same = |other: &Import| other.path == first.path && other.scope == first.scope;
        named.all(is_same).then_some((&first.scope, &first.path))
    }

    /// Gives impls, but for so many of them that have them already, the names that their types and
    /// traits have where they are defined.
    pub(super) fn name_originals(&mut self, known: usize) {
        if self.imports.is_empty() {
            return;
        }
        let mut impls = std::mem::take(&mut self.impls);
        for block in &mut impls[known..] {
            block.self_ident = self.original(&block.scope, &block.self_ident).to_owned();
            block.trait_ident = block
                .trait_ident
                .as_deref()
                .map(|name| self.original(&block.scope, name).to_owned());
        }
        self.impls = impls;
    }
}

impl Crate {
    /// What a path stands for whose first name, or a later one, is that of an import, as seen from
    /// a module: the module that the import stands in, and the path from there.
    pub(crate) fn renamed(
        &self,
        from: &[&str],
        path: &[&str],
    ) -> Option<(Vec<String>, Vec<String>)> {
        self.by_import(from, path, false, |_| false)
    }

    /// What a path to a constant stands for that starts with an imported name, or leads to one, as seen
    /// from a module, a function or a type: the module that the import stands in, and the path from
    /// there. `None` if there is no import, or a constant stands nearer.
    pub(crate) fn imported_constant(
        &self,
        from: &[&str],
        path: &[&str],
    ) -> Option<(Vec<String>, Vec<String>)> {
        self.by_import(from, path, true, |path| self.has_constant(path))
    }

    /// The nearest import on a path; `is_any` if it need not give another name. None behind a path
    /// that `ends` the search.
    fn by_import(
        &self,
        from: &[&str],
        path: &[&str],
        is_any: bool,
        ends: impl Fn(&[&str]) -> bool,
    ) -> Option<(Vec<String>, Vec<String>)> {
        for at in 0..path.len() {
            let (before, rest) = path.split_at(at);
            let (name, rest) = rest.split_first()?;
            // What is imported is seen in its module only, and in what stands inside of it.
            for place in places(from, before)? {
                if ends(&[&place, &path[at..]].concat()) {
                    return None;
                }
                if let Some((scope, target)) = self.import_at(&place, name, is_any) {
                    let rest = rest.iter().map(|part| (*part).to_owned());
                    return Some((scope, target.into_iter().chain(rest).collect()));
                }
            }
        }
        None
    }

    /// The import of a name that stands in a module; `is_any` if it need not be another name.
    fn import_at(
        &self,
        place: &[&str],
        name: &str,
        is_any: bool,
    ) -> Option<(Vec<String>, Vec<String>)> {
        let mut found: Option<&Import> = None;
        for (module, source) in self.modules_having(name) {
            let plain = source.plain_imports.iter().filter(|_| is_any);
            let all = source.imports.iter().chain(plain);
            for import in all.filter(|import| import.name == name) {
                let around = module.iter().chain(&import.scope).map(String::as_str);
                if !around.eq(place.iter().copied()) || !is_compiled(import, self.facts()) {
                    continue;
                }
                if found.is_some_and(|found| found.path != import.path) {
                    return None;
                }
                found = Some(import);
            }
        }
        let scope = place.iter().map(|part| (*part).to_owned()).collect();
        found.map(|import| (scope, import.path.clone()))
    }
}

fn is_compiled(import: &Import, facts: &Facts) -> bool {
    conditions::all(&conditions::among(&import.attributes), facts) != Met::No
}

/// The modules that a path may lead to, the nearest one first.
pub(super) fn places<'a>(from: &[&'a str], path: &[&'a str]) -> Option<Vec<Vec<&'a str>>> {
    Some(match path.split_first() {
        Some((&"crate", rest)) => vec![rest.to_vec()],
        Some((&"self", rest)) => vec![[from, rest].concat()],
        Some((&"super", _)) => {
            let up = path.iter().take_while(|part| **part == "super").count();
            vec![[&from[..from.len().checked_sub(up)?], &path[up..]].concat()]
        }
        _ => (0..=from.len()).rev().map(|len| [&from[..len], path].concat()).collect(),
    })
}
