//! The sources of one crate: its first file and all modules that it declares.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::Sources;
use super::attributes::Attributes;
use super::conditions::{self, Facts, Met};
use super::expand::Rules;
use super::file::{Constant, Definition, FreeFunction, ImplBlock, Module, SourceFile};
use super::imports::places;
use super::text::SourceText;
use super::words;
use crate::limits::MAX_SOURCE_FILES;

/// A crate, as far as its files could be read. A file is parsed when something is asked for whose
/// name stands in it; those that declare modules or have to do with macros are parsed at once.
#[derive(Debug, Default)]
pub(crate) struct Crate {
    files: Vec<CrateFile>,
    /// The macros that it defines, by name; `None` where it is not certain which one is meant.
    macros: HashMap<String, Option<Rules>>,
    /// What is known of the conditions in it.
    facts: Facts,
    /// Why files could not be read, each with its turn.
    unread: Vec<(usize, String)>,
}

/// A file with the module that it is.
#[derive(Debug)]
struct CrateFile {
    module: Vec<String>,
    text: Rc<SourceText>,
    /// What stands in it, with what its calls of macros become, once it was parsed.
    source: OnceCell<Result<Rc<SourceFile>, String>>,
    /// The same without what functions do.
    outline: OnceCell<Result<Rc<SourceFile>, String>>,
    /// The conditions of the modules that lead to it.
    around: Attributes,
    /// The how manieth file it is in the order in which modules lead to files.
    turn: usize,
    /// Whether it may call macros of the crate: what those make has names that stand elsewhere.
    may_call: bool,
}

/// Something that was found in a crate.
#[derive(Clone, Debug)]
pub(crate) struct Found<T> {
    /// The file that it stands in.
    pub(crate) source: Rc<SourceFile>,
    /// What it is.
    pub(crate) item: T,
}

impl Crate {
    /// Reads a crate from its first files on. Of several files that a module may stand in, those
    /// that the compiler named count.
    pub(super) fn read(sources: &Sources<'_>, roots: &BTreeSet<PathBuf>, facts: Facts) -> Self {
        let compiled = &sources.contents.compiled;
        let mut krate = Self { facts, ..Self::default() };
        let of_root = |root: &PathBuf| (root.clone(), Vec::new(), true, Attributes::default());
        let mut queue: Vec<_> = roots.iter().map(of_root).collect();
        let mut seen = HashSet::new();
        while let Some((path, module, is_mod_rs, around)) = queue.pop() {
            if !seen.insert((path.clone(), module.clone())) || seen.len() > MAX_SOURCE_FILES {
                continue;
            }
            let turn = seen.len();
            let text = match sources.text(&path) {
                Ok(text) => text,
                Err(problem) => {
                    krate.unread.push((turn, problem));
                    continue;
                }
            };
            let (source, mut outline) = (OnceCell::new(), OnceCell::new());
            let mut declares = None;
            if words::may_declare_modules(&text.text) {
                match text.outline() {
                    Ok(parsed) => declares = Some(parsed),
                    Err(problem) => outline = OnceCell::from(Err(problem)),
                }
            }
            for declared in declares.iter().flat_map(|source| &source.modules) {
                let mut inner = module.clone();
                inner.extend(declared.scope.iter().cloned());
                inner.push(declared.name.clone());
                let mut candidates = candidates(&text.path, is_mod_rs, declared);
                if candidates.iter().any(|(path, _)| compiled.contains(path)) {
                    candidates.retain(|(path, _)| compiled.contains(path));
                }
                let mut conditions = declared.attributes.clone();
                conditions.extend(&around);
                for (path, is_mod_rs) in candidates {
                    queue.push((path, inner.clone(), is_mod_rs, conditions.clone()));
                }
            }
            let may_call = false;
            krate.files.push(CrateFile { module, text, source, outline, around, turn, may_call });
        }
        krate.find_macros();
        krate.files.sort_by(|a, b| (&a.module, &a.text.path).cmp(&(&b.module, &b.text.path)));
        krate
    }

    /// Finds the crate's own macros. Of two of one name, neither is surely meant outside of its file.
    fn find_macros(&mut self) {
        for file in &self.files {
            if !file.text.words().has("macro_rules") {
                continue;
            }
            let source = match file.text.outline() {
                Ok(source) => source,
                Err(problem) => {
                    // What its macros make may have any name.
                    let _ = file.outline.set(Err(problem));
                    continue;
                }
            };
            for (name, rules) in &source.macros {
                let known = self.macros.entry(name.clone());
                known.and_modify(|known| *known = None).or_insert_with(|| rules.clone());
            }
        }
        for file in &mut self.files {
            let (text, words) = (&file.text.text, file.text.words());
            file.may_call = words::may_call(text, words, self.macros.keys());
        }
    }

    /// What stands in a file; `None` if it cannot be parsed.
    fn source<'a>(&self, file: &'a CrateFile) -> Option<&'a Rc<SourceFile>> {
        let read = || {
            let source = file.text.parsed()?;
            Ok(source.expanded(&self.macros).map_or(source, Rc::new))
        };
        file.source.get_or_init(read).as_ref().ok()
    }

    /// What a file defines; `None` if it cannot be parsed.
    fn outline<'a>(&self, file: &'a CrateFile) -> Option<&'a Rc<SourceFile>> {
        if let Some(source) = file.source.get() {
            return source.as_ref().ok();
        }
        let read = || {
            let outline = file.text.outline()?;
            Ok(outline.expanded(&self.macros).map_or(outline, Rc::new))
        };
        file.outline.get_or_init(read).as_ref().ok()
    }

    /// The files in which something may stand that has all of these names, with what stands in them.
    fn having<'a>(
        &'a self,
        names: &[&str],
    ) -> impl Iterator<Item = (&'a CrateFile, &'a Rc<SourceFile>)> + use<'a> {
        let files = self.files_having(names).into_iter();
        files.filter_map(|file| Some((file, self.source(file)?)))
    }

    /// The same without what functions do: for definitions.
    fn defining<'a>(
        &'a self,
        name: &str,
    ) -> impl Iterator<Item = (&'a CrateFile, &'a Rc<SourceFile>)> + use<'a> {
        let files = self.files_having(&[name]).into_iter();
        files.filter_map(|file| Some((file, self.outline(file)?)))
    }

    fn files_having(&self, names: &[&str]) -> Vec<&CrateFile> {
        let may_have = |file: &&CrateFile| {
            file.may_call || names.iter().all(|name| file.text.words().has(name))
        };
        self.files.iter().filter(may_have).collect()
    }

    /// All files, with what stands in them.
    fn all(&self) -> impl Iterator<Item = (&CrateFile, &Rc<SourceFile>)> {
        self.files.iter().filter_map(|file| Some((file, self.source(file)?)))
    }

    /// Why one of the files could not be read or parsed, as far as they were.
    fn known_problem(&self) -> Option<&String> {
        let unparsed = self.files.iter().filter_map(|file| {
            let read = [&file.source, &file.outline].into_iter().filter_map(OnceCell::get);
            Some((file.turn, read.filter_map(|read| read.as_ref().err()).next()?))
        });
        let unread = self.unread.iter().map(|(turn, problem)| (*turn, problem));
        unparsed.chain(unread).min_by_key(|(turn, _)| *turn).map(|(_, problem)| problem)
    }

    /// Why one of the files could not be read or parsed.
    pub(crate) fn problem(&self) -> Option<&String> {
        self.all().for_each(drop);
        self.known_problem()
    }

    /// The definition with this path after the crate's name; or the only one of its name.
    pub(crate) fn definition(&self, path: &[&str]) -> Option<Found<Definition>> {
        let (ident, scope) = path.split_last()?;
        let named = self.defining(ident).flat_map(|(file, source)| {
            let of_file = source.definitions.iter();
            of_file.filter(|item| item.ident == **ident).map(move |item| {
                (
                    scope_of(file, &item.scope),
                    Found { source: Rc::clone(source), item: item.clone() },
                )
            })
        });
        let is_compiled = |item: &Found<Definition>| {
            conditions::all(&item.item.attributes.conditions(), &self.facts) != Met::No
        };
        choose(named.collect(), scope, is_compiled)
    }

    /// The impl of the trait for the type with this path after the crate's name: the one in its
    /// module, or the only one elsewhere that no other type of its name has a claim to.
    ///
    /// # Errors
    /// Says why it is uncertain which impl is meant, or whether there is one.
    pub(crate) fn implementation(
        &self,
        trait_ident: &str,
        path: &[&str],
    ) -> Result<Option<Found<ImplBlock>>, String> {
        let Some((ident, scope)) = path.split_last() else { return Ok(None) };
        let named = self.having(&[ident, trait_ident]).flat_map(|(file, source)| {
            let of_file = source.impls.iter();
            let of_type = of_file.filter(|item| {
                item.self_ident == **ident && item.trait_ident.as_deref() == Some(trait_ident)
            });
            of_type.map(move |item| {
                (
                    scope_of(file, &item.scope),
                    Found { source: Rc::clone(source), item: item.clone() },
                )
            })
        });
        let mut named: Vec<_> = named.collect();
        if named.len() > 1 {
            named.retain(|(_, found)| self.is_compiled(&found.item.item.attrs));
        }
        let (mut own, others): (Vec<_>, Vec<_>) = named
            .into_iter()
            .partition(|(at, _)| at.iter().map(String::as_str).eq(scope.iter().copied()));
        if let Some((_, found)) = own.pop() {
            return if own.is_empty() { Ok(Some(found)) } else { Err(several(ident)) };
        }
        // An impl beside another type of this name is that one's; which type one elsewhere is
        // for is certain only if there is no other left.
        let mut unclaimed = self.scopes_of(ident);
        unclaimed.remove(&scope.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>());
        let mut free = Vec::new();
        for (at, found) in others {
            if !unclaimed.remove(&at) {
                free.push(found);
            }
        }
        match (free.pop(), free.is_empty() && unclaimed.is_empty()) {
            (Some(found), true) => Ok(Some(found)),
            (Some(_), false) => Err(several(ident)),
            // Files that were not parsed do not have these names.
            (None, _) => match self.known_problem() {
                Some(problem) => Err(problem.clone()),
                None => Ok(None),
            },
        }
    }

    /// Whether something with these attributes may have been compiled.
    fn is_compiled(&self, attributes: &[syn::Attribute]) -> bool {
        conditions::all(&conditions::among(attributes), &self.facts) != Met::No
    }

    /// The modules and functions in which a type of this name is defined.
    fn scopes_of(&self, ident: &str) -> BTreeSet<Vec<String>> {
        let of_file = |(file, source): (&CrateFile, &Rc<SourceFile>)| -> Vec<Vec<String>> {
            let named = source.definitions.iter().filter(|item| item.ident == ident);
            named.map(|item| scope_of(file, &item.scope)).collect()
        };
        self.defining(ident).flat_map(of_file).collect()
    }

    /// All impls for types of this name, with the modules around them and their files.
    pub(crate) fn located_impls<'a>(
        &'a self,
        ident: &'a str,
    ) -> impl Iterator<Item = (Vec<String>, &'a Rc<SourceFile>, &'a ImplBlock)> {
        self.having(&[ident]).flat_map(move |(file, source)| {
            let of_type = source.impls.iter().filter(move |item| item.self_ident == ident);
            of_type.map(move |item| (scope_of(file, &item.scope), source, item))
        })
    }

    /// The function of this name that is no method, if there is only one, with its file.
    pub(crate) fn located_function(
        &self,
        ident: &str,
    ) -> Option<(Rc<SourceFile>, Rc<syn::ItemFn>)> {
        let mut named = self.having(&[plain(ident)]).flat_map(|(_, source)| {
            let of_file = source.functions.iter().map(|free| &free.item);
            of_file.filter(|item| item.sig.ident == ident).map(move |item| (source, item))
        });
        let first = named.next()?;
        let mut all: Vec<_> = std::iter::once(first).chain(named).collect();
        if all.len() > 1 {
            all.retain(|(_, item)| self.is_compiled(&item.attrs));
        }
        let [(file, item)] = all[..] else { return None };
        Some((Rc::clone(file), Rc::clone(item)))
    }

    /// What is known of the conditions in it.
    pub(super) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The function that is no method and that a path names, as seen from a module: with what is
    /// around it in its file. `None` if there is none, or several may be meant.
    pub(crate) fn function_at(
        &self,
        from: &[&str],
        path: &[&str],
    ) -> Option<(Rc<SourceFile>, FreeFunction)> {
        let (ident, scope) = path.split_last()?;
        let mut named: Vec<(Vec<String>, &Rc<SourceFile>, &FreeFunction)> = Vec::new();
        for (file, source) in self.having(&[plain(ident)]) {
            let of_file = source.functions.iter();
            for free in of_file.filter(|free| free.item.sig.ident == **ident) {
                if self.is_compiled(&free.item.attrs) {
                    named.push((scope_of(file, &free.scope), source, free));
                }
            }
        }
        let is_at =
            |at: &[String], place: &[&str]| at.iter().map(String::as_str).eq(place.iter().copied());
        // Names of the modules around it are seen from inside functions; farther out they are
        // imported, which the end of their path tells.
        for place in &places(from, scope)? {
            let found: Vec<_> = named.iter().filter(|(at, _, _)| is_at(at, place)).collect();
            match found[..] {
                [] => {}
                [(_, file, free)] => return Some((Rc::clone(file), (*free).clone())),
                _ => return None,
            }
        }
        let ends_so = |at: &[String]| {
            at.len().checked_sub(scope.len()).is_some_and(|on| is_at(&at[on..], scope))
        };
        named.retain(|(at, _, _)| ends_so(at));
        let [(_, file, free)] = named[..] else { return None };
        Some((Rc::clone(file), free.clone()))
    }

    /// The constants that a path after the crate's name may mean: those that stand there, or else
    /// those of whose place it names the end; without those that surely were not compiled. Each with
    /// what is around it.
    pub(crate) fn constants(&self, path: &[&str]) -> Vec<(Vec<String>, Found<Constant>)> {
        self.constants_from(&[], path)
    }

    /// All constants of a name, without those that surely were not compiled.
    pub(crate) fn constants_named(&self, ident: &str) -> Vec<(Vec<String>, Found<Constant>)> {
        let mut named = Vec::new();
        for (file, source) in self.having(&[ident]) {
            for item in source.constants.iter().filter(|item| item.ident == ident) {
                let mut item = item.clone();
                item.attributes.extend(&file.around);
                let found = Found { source: Rc::clone(source), item };
                named.push((scope_of(file, &found.item.scope), found));
            }
        }
        named.retain(|(_, found)| self.met(&found.item) != Met::No);
        named
    }

    /// The same as seen from a module, a function or a type of the crate.
    pub(crate) fn constants_from(
        &self,
        from: &[&str],
        path: &[&str],
    ) -> Vec<(Vec<String>, Found<Constant>)> {
        let Some((ident, scope)) = path.split_last() else { return Vec::new() };
        let mut named = self.constants_named(ident);
        let is_at =
            |at: &[String], place: &[&str]| at.iter().map(String::as_str).eq(place.iter().copied());
        let Some(places) = places(from, scope) else { return Vec::new() };
        if let Some(place) =
            places.iter().find(|place| named.iter().any(|(at, _)| is_at(at, place)))
        {
            named.retain(|(at, _)| is_at(at, place));
        } else {
            named.retain(|(at, _)| {
                at.len().checked_sub(scope.len()).is_some_and(|on| is_at(&at[on..], scope))
            });
        }
        named
    }

    /// Whether a constant stands at this path that may have been compiled.
    pub(super) fn has_constant(&self, path: &[&str]) -> bool {
        let Some((ident, scope)) = path.split_last() else { return false };
        let is_there = |at: &[String]| at.iter().map(String::as_str).eq(scope.iter().copied());
        self.constants_named(ident).iter().any(|(at, _)| is_there(at))
    }

    /// The condition that a constant hangs on, if it is not known whether it was compiled.
    pub(crate) fn doubt(&self, constant: &Constant) -> Option<String> {
        match self.met(constant) {
            Met::Unknown(condition) => Some(condition),
            Met::Yes | Met::No => None,
        }
    }

    fn met(&self, constant: &Constant) -> Met {
        let conditions = constant.attributes.conditions();
        match conditions::all(&conditions, &self.facts) {
            // A condition that cannot be read, such as `cfg(false)`.
            Met::Yes if conditions.len() < constant.attributes.named("cfg").count() => {
                Met::Unknown("cfg".to_owned())
            }
            met => met,
        }
    }

    /// Its files that have this name, with the modules that they are.
    pub(super) fn modules_having(
        &self,
        name: &str,
    ) -> impl Iterator<Item = (&[String], &Rc<SourceFile>)> {
        self.having(&[name]).map(|(file, source)| (&*file.module, source))
    }

    /// All definitions in files that have this name.
    pub(crate) fn definitions_by(&self, name: &str) -> impl Iterator<Item = Found<Definition>> {
        self.defining(name).flat_map(|(_, source)| {
            let all = source.definitions.iter();
            all.map(move |item| Found { source: Rc::clone(source), item: item.clone() })
        })
    }

    /// The conversion from one type to another, by the last parts of their names: its impl and the
    /// name of its function.
    pub(crate) fn conversion(
        &self,
        from: &str,
        to: &str,
    ) -> Option<(&Rc<SourceFile>, &ImplBlock, &'static str)> {
        let argument = |block: &ImplBlock| -> Option<String> {
            let (path, _) = block.item.trait_.as_ref()?;
            let last = path.segments.last()?;
            let syn::PathArguments::AngleBracketed(args) = &last.arguments else { return None };
            args.args.first().map(super::last_words)
        };
        let impls = self
            .having(&[from, to])
            .flat_map(|(_, file)| file.impls.iter().map(move |block| (file, block)));
        let mut found = impls.filter_map(|(file, block)| {
            let (of, own, function) = match block.trait_ident.as_deref()? {
                "From" => (from, to, "from"),
                "TryFrom" => (from, to, "try_from"),
                "Into" => (to, from, "into"),
                "TryInto" => (to, from, "try_into"),
                _ => return None,
            };
            (block.self_ident == own && argument(block)? == of).then_some((file, block, function))
        });
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }

    /// All impls, with the modules around them and their files.
    pub(crate) fn all_impls(
        &self,
    ) -> impl Iterator<Item = (Vec<String>, &Rc<SourceFile>, &ImplBlock)> {
        self.all().flat_map(|(file, source)| {
            let all = source.impls.iter();
            all.map(move |item| (scope_of(file, &item.scope), source, item))
        })
    }

    /// All functions that are no methods, with the modules around them and their files.
    pub(crate) fn all_functions(
        &self,
    ) -> impl Iterator<Item = (Vec<String>, &Rc<SourceFile>, &Rc<syn::ItemFn>)> {
        self.all().flat_map(|(file, source)| {
            let all = source.functions.iter();
            all.map(move |free| (scope_of(file, &free.scope), source, &free.item))
        })
    }
}

/// A name without `r#`: as it stands among words.
fn plain(ident: &str) -> &str {
    ident.strip_prefix("r#").unwrap_or(ident)
}

fn several(ident: &str) -> String {
    format!("several impls could be meant by that of `{ident}`")
}

fn scope_of(file: &CrateFile, inner: &[String]) -> Vec<String> {
    file.module.iter().chain(inner).cloned().collect()
}

/// The one in this scope; or the only one. Two in one scope are behind different conditions:
/// without those that surely were not compiled, only one may be left.
fn choose<T>(
    mut named: Vec<(Vec<String>, T)>,
    scope: &[&str],
    is_compiled: impl Fn(&T) -> bool,
) -> Option<T> {
    let in_scope =
        |item: &(Vec<String>, T)| item.0.iter().map(String::as_str).eq(scope.iter().copied());
    if named.len() > 1 {
        named.retain(|(_, item)| is_compiled(item));
    }
    match named.iter().filter(|item| in_scope(item)).count() {
        1 => named.into_iter().find(in_scope).map(|(_, item)| item),
        0 if named.len() == 1 => named.pop().map(|(_, item)| item),
        _ => None,
    }
}

/// The files that a declared module may stand in, and whether each is like a `mod.rs`.
fn candidates(from: &Path, is_mod_rs: bool, module: &Module) -> Vec<(PathBuf, bool)> {
    let folder = from.parent().map(Path::to_owned).unwrap_or_default();
    let mut below = folder.clone();
    if !is_mod_rs && let Some(stem) = from.file_stem() {
        below.push(stem);
    }
    below.extend(&module.scope);
    let mut found = vec![
        (below.join(format!("{}.rs", module.name)), false),
        (below.join(&module.name).join("mod.rs"), true),
    ];
    // Inside inline modules, paths count from the folder that the module would have.
    let base = if module.scope.is_empty() { folder } else { below };
    found.extend(module.paths.iter().map(|path| (base.join(path), true)));
    found.retain(|(path, _)| path.is_file());
    found
}
