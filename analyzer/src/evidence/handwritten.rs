//! Evidence from hand-written impls of `Checkpoint`, read in the program's sources.
//!
//! The debug information of `<T as samestate::Checkpoint>::save` tells the file and line of the
//! function. Where the compiler left nothing of it, the impl is looked for in the crate's sources.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;

use samestate_report::{Evidence, Place};

use super::cover::Marks;
use super::{Answer, FieldKey, Source, told};
use crate::dwarf::Contents;
use crate::graph::TypeId;
use crate::names::{self, TypeExpr};
use crate::source::{self, Flows, Func, ImplBlock, Restored, SourceFile, Sources};

/// The trait, and the crate that it is from.
const TRAIT: &str = "Checkpoint";
const CRATE: &str = "samestate";

/// Reads hand-written impls.
pub(crate) struct HandWritten<'a> {
    contents: &'a Contents,
    sources: &'a Sources<'a>,
    flows: &'a Flows<'a>,
    /// Where the `save` of each definition stands.
    saves: BTreeMap<String, BTreeSet<(PathBuf, u32)>>,
}

/// An impl and the file that it stands in.
struct Located {
    file: Rc<SourceFile>,
    block: ImplBlock,
}

impl<'a> HandWritten<'a> {
    /// Finds the `save` functions of the binary.
    pub(crate) fn new(
        contents: &'a Contents,
        sources: &'a Sources<'a>,
        flows: &'a Flows<'a>,
    ) -> Self {
        let mut saves: BTreeMap<String, BTreeSet<(PathBuf, u32)>> = BTreeMap::new();
        for function in &contents.functions {
            if let Some(definition) = saved_definition(&function.linkage_name)
                && let Some(file) = &function.file
            {
                saves.entry(definition).or_default().insert((file.clone(), function.line));
            }
        }
        Self { contents, sources, flows, saves }
    }

    /// The lines of a type's fields, where its definition can be found.
    pub(crate) fn places(&self, id: TypeId) -> BTreeMap<FieldKey, Place> {
        let definition = self.contents.graph.get(id).definition();
        let mut path = definition.split("::");
        let krate = self.sources.krate(path.next().unwrap_or(""));
        let path: Vec<&str> = path.collect();
        let Some(found) = krate.definition(&path) else { return BTreeMap::new() };
        let place = |(line, column): (u32, u32)| Place {
            file: self.sources.shown(&found.source.path),
            line,
            column,
            text: found.source.line(line).map(str::to_owned),
        };
        found.item.fields.iter().map(|(key, &start)| (key.clone(), place(start))).collect()
    }

    /// The impl of the definition; `Ok(None)` if nothing hints at one.
    fn locate(&self, id: TypeId) -> Result<Option<Located>, String> {
        let located = self.search(self.contents.graph.get(id).definition())?;
        if let Some(located) = &located
            && let Some(other) = self.other_instance(id, located)
        {
            return Err(other);
        }
        Ok(located)
    }

    /// Whether the impl is for some instances of a generic type only, and maybe not for this one.
    fn other_instance(&self, id: TypeId, located: &Located) -> Option<String> {
        let syn::Type::Path(path) = &*located.block.item.self_ty else { return None };
        let syn::PathArguments::AngleBracketed(args) = &path.path.segments.last()?.arguments else {
            return None;
        };
        let params: Vec<_> = located.block.item.generics.type_params().map(|p| &p.ident).collect();
        let is_open = |arg: &syn::GenericArgument| match arg {
            syn::GenericArgument::Type(syn::Type::Path(ty)) => {
                ty.path.get_ident().is_some_and(|ident| params.contains(&ident))
            }
            // Lifetimes do not tell instances apart; numbers seldom stand for themselves.
            syn::GenericArgument::Lifetime(_) | syn::GenericArgument::Const(_) => true,
            _ => false,
        };
        if args.args.iter().all(is_open) {
            return None;
        }
        let name = names::short(&self.contents.graph.get(id).name);
        let own = name.split_once('<').map(|(_, args)| args.trim_end_matches('>').to_owned())?;
        let written: Vec<String> = args.args.iter().map(source::last_words).collect();
        (own != written.join(", ")).then(|| {
            format!("its impl is for `{}<{}>` only", located.block.self_ident, written.join(", "))
        })
    }

    fn search(&self, definition: &str) -> Result<Option<Located>, String> {
        let mut problem = None;
        let mut found: Option<Located> = None;
        for (path, line) in self.saves.get(definition).into_iter().flatten() {
            match self.sources.file(path) {
                Ok(file) => match block_at(&file, *line) {
                    Some(block) => match &found {
                        Some(other) if !Rc::ptr_eq(&other.block.item, &block.item) => {
                            return Err(format!("several impls are for `{definition}`"));
                        }
                        _ => found = Some(Located { file, block }),
                    },
                    None => problem = problem.or_else(|| {
                        Some(format!(
                            "its `save` at {}:{line} is not written there: a macro made it, or the \
                         source changed since the build",
                            path.display()
                        ))
                    }),
                },
                Err(error) => problem = problem.or(Some(error)),
            }
        }
        if let Some(problem) = problem {
            return Err(problem);
        }
        if found.is_some() {
            return Ok(found);
        }
        // Without the crate there is no impl of its trait to be missed.
        if !self.contents.crates.contains_key(CRATE) && self.saves.is_empty() {
            return Ok(None);
        }
        let mut path = definition.split("::");
        let krate = self.sources.krate(path.next().unwrap_or(""));
        let path: Vec<&str> = path.collect();
        let found = krate.implementation(TRAIT, &path)?;
        Ok(found.map(|found| Located { file: found.source, block: found.item }))
    }
}

/// The definition whose `save` has this mangled name.
fn saved_definition(linkage_name: &str) -> Option<String> {
    let name = format!("{:#}", rustc_demangle::try_demangle(linkage_name).ok()?);
    let inside = name.strip_suffix(">::save")?.strip_prefix('<')?;
    let (ty, trait_name) = inside.rsplit_once(" as ")?;
    let is_ours = names::crate_of(trait_name) == CRATE && names::last_segment(trait_name) == TRAIT;
    match TypeExpr::parse(ty) {
        TypeExpr::Path { name, .. } if is_ours => Some(name),
        _ => None,
    }
}

/// The impl whose `save` stands at this line.
fn block_at(file: &SourceFile, line: u32) -> Option<ImplBlock> {
    let line = usize::try_from(line).ok()?;
    let at = |block: &&ImplBlock| {
        block.function("save").is_some_and(|save| {
            let start = save.sig.fn_token.span.start().line;
            start <= line && line <= save.block.brace_token.span.close().end().line
        })
    };
    file.impls.iter().find(at).cloned()
}

impl Source for HandWritten<'_> {
    fn about(&self, id: TypeId) -> Answer {
        let definition = self.contents.graph.get(id).definition();
        let located = match self.locate(id) {
            Ok(Some(located)) => located,
            Ok(None) => return Answer::Silent,
            Err(why) => return Answer::CannotSee(why),
        };
        let krate = self.sources.krate(names::crate_of(definition));
        let func = |name: &str| {
            let owner = (names::crate_of(definition), id);
            Func::method(&located.block, name, &located.file, &krate, owner)
        };
        let (Some(save), Some(restore)) = (func("save"), func("restore")) else {
            let shown = self.sources.shown(&located.file.path);
            return Answer::CannotSee(format!(
                "a macro in {shown} makes its `save` or its `restore`"
            ));
        };
        let mut marks = Marks::default();
        marks.add(&self.flows.entry(&save, &[(0, id)]), 0);
        let mut restored = Restored::default();
        source::restored(self.flows.code, &restore, &[], &mut restored);
        let evidence = [("save", &save), ("restore", &restore)].map(|(name, func)| Evidence {
            source: "source".to_owned(),
            says: format!("`{name}` is written by hand"),
            place: Some(place_of(self.sources, func)),
        });
        let code = self.flows.code;
        told::answer(code, id, (&marks, &restored), self.places(id), evidence.to_vec())
    }
}

/// Where a function stands.
pub(super) fn place_of(sources: &Sources<'_>, func: &Func) -> Place {
    let (line, column) = source::start_of(func.signature().fn_token.span);
    let text = func.file.line(line).map(str::to_owned);
    Place { file: sources.shown(&func.file.path), line, column, text }
}
