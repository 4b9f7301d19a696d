//! From types of the binary to the code that works on them, and back.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use rayon::prelude::*;

use super::attributes::Attributes;
use super::code;
use super::conditions::{self, Facts, Met};
use super::krate::Crate;
use super::{ImplBlock, SourceFile, Sources};
use crate::dwarf::Contents;
use crate::evidence::FieldKey;
use crate::fields;
use crate::graph::{Graph, Kind, Type, TypeId, name_hash};
use crate::names;
use crate::view::{self, View};

/// How many types a place may turn out to be, behind pointers, containers and trait objects.
const MAX_TARGETS: usize = 512;

/// What tells a function from every other one: its item, its place in it, and what `Self` is.
pub(crate) type FuncId = (usize, usize, Option<TypeId>);

/// A function whose source is known.
#[derive(Clone)]
pub(crate) struct Func {
    item: Item,
    pub(crate) file: Rc<SourceFile>,
    pub(crate) krate: Rc<Crate>,
    /// The name of its crate.
    pub(crate) crate_name: String,
    /// What `Self` is, if it is a method or an associated function.
    pub(crate) self_type: Option<TypeId>,
}

#[derive(Clone)]
enum Item {
    /// A function of an impl, by its position in it.
    Method(Rc<syn::ItemImpl>, usize),
    Free(Rc<syn::ItemFn>),
}

impl Func {
    /// A function of an impl.
    pub(crate) fn method(
        block: &ImplBlock,
        name: &str,
        file: &Rc<SourceFile>,
        krate: &Rc<Crate>,
        (crate_name, self_type): (&str, TypeId),
    ) -> Option<Self> {
        // Two of one name are behind different conditions: neither is surely the compiled one.
        block.function(name)?;
        let at = block.item.items.iter().position(
            |item| matches!(item, syn::ImplItem::Fn(function) if function.sig.ident == name),
        )?;
        Some(Self {
            item: Item::Method(Rc::clone(&block.item), at),
            file: Rc::clone(file),
            krate: Rc::clone(krate),
            crate_name: crate_name.to_owned(),
            self_type: Some(self_type),
        })
    }

    /// A function that is no method.
    pub(crate) fn free(
        item: Rc<syn::ItemFn>,
        file: &Rc<SourceFile>,
        krate: &Rc<Crate>,
        crate_name: &str,
    ) -> Self {
        Self {
            item: Item::Free(item),
            file: Rc::clone(file),
            krate: Rc::clone(krate),
            crate_name: crate_name.to_owned(),
            self_type: None,
        }
    }

    /// What tells it from every other function.
    pub(crate) fn id(&self) -> FuncId {
        match &self.item {
            Item::Method(block, at) => (Rc::as_ptr(block) as usize, *at, self.self_type),
            Item::Free(item) => (Rc::as_ptr(item) as usize, 0, None),
        }
    }

    /// Its signature.
    pub(crate) fn signature(&self) -> &syn::Signature {
        match &self.item {
            Item::Method(block, at) => match &block.items[*at] {
                syn::ImplItem::Fn(function) => &function.sig,
                // `method` looked for a function.
                _ => unreachable!("the item is a function"),
            },
            Item::Free(item) => &item.sig,
        }
    }

    /// What it does.
    pub(crate) fn block(&self) -> &syn::Block {
        match &self.item {
            Item::Method(block, at) => match &block.items[*at] {
                syn::ImplItem::Fn(function) => &function.block,
                _ => unreachable!("the item is a function"),
            },
            Item::Free(item) => &item.block,
        }
    }

    /// Whether its first parameter is `self`.
    pub(crate) fn has_self(&self) -> bool {
        matches!(self.signature().inputs.first(), Some(syn::FnArg::Receiver(_)))
    }

    /// Whether a parameter is lent to be changed.
    pub(crate) fn takes_mutable(&self, index: usize) -> bool {
        let is_mutable = |ty: &syn::Type| matches!(ty, syn::Type::Reference(inner) if inner.mutability.is_some());
        match self.signature().inputs.get(index) {
            Some(syn::FnArg::Typed(typed)) => is_mutable(&typed.ty),
            Some(syn::FnArg::Receiver(receiver)) => match &receiver.kind {
                syn::ReceiverKind::Reference(_, _, mutability) => mutability.is_some(),
                syn::ReceiverKind::Typed(_, ty) => is_mutable(ty),
                // `mut self` changes a value of its own.
                _ => false,
            },
            None => false,
        }
    }

    /// The pattern of a parameter; `None` for `self`.
    pub(crate) fn pattern(&self, index: usize) -> Option<&syn::Pat> {
        match self.signature().inputs.get(index)? {
            syn::FnArg::Typed(typed) => Some(&typed.pat),
            syn::FnArg::Receiver(_) => None,
        }
    }
}

/// The program's types together with its sources.
pub(crate) struct Codebase<'a> {
    pub(crate) contents: &'a Contents,
    pub(crate) sources: &'a Sources<'a>,
    implementers: HashMap<String, Vec<TypeId>>,
    /// The types that are not std's, by the hashes of the last parts of their names.
    by_ident: OnceCell<Vec<(u64, TypeId)>>,
    facts: RefCell<HashMap<TypeId, Rc<Facts>>>,
    /// What hangs from the roots.
    state: BTreeSet<TypeId>,
}

impl<'a> Codebase<'a> {
    /// Those of this program.
    pub(crate) fn new(contents: &'a Contents, sources: &'a Sources<'a>, roots: &[TypeId]) -> Self {
        let mut implementers: HashMap<String, Vec<TypeId>> = HashMap::new();
        for vtable in &contents.vtables {
            let name = view::without_bindings(&vtable.trait_name);
            implementers.entry(name).or_default().push(vtable.concrete);
        }
        let (by_ident, facts) = (OnceCell::new(), RefCell::default());
        let state = BTreeSet::new();
        let mut all = Self { contents, sources, implementers, by_ident, facts, state };
        let mut queue = roots.to_vec();
        while let Some(root) = queue.pop() {
            for target in all.targets(root) {
                if all.state.insert(target) {
                    let fields = fields::of(all.graph(), target);
                    queue.extend(fields.into_iter().filter_map(|field| field.ty));
                }
            }
        }
        all
    }

    /// Whether values of this type hang from a root.
    pub(crate) fn is_state(&self, ty: TypeId) -> bool {
        self.state.contains(&self.graph().defined(ty))
    }

    /// The types of the program.
    pub(crate) fn graph(&self) -> &'a Graph {
        &self.contents.graph
    }

    /// The types that may be meant by a name in a crate: those of the crate itself, if it has any.
    pub(crate) fn types_named(&self, crate_name: &str, ident: &str) -> Vec<TypeId> {
        let hash = name_hash(ident);
        let by_ident = self.by_ident.get_or_init(|| by_ident(self.graph()));
        let first = by_ident.partition_point(|&(other, _)| other < hash);
        let all = by_ident[first..].iter().take_while(|&&(other, _)| other == hash);
        let all: Vec<TypeId> = all.map(|&(_, id)| id).collect();
        let own: Vec<TypeId> = all
            .iter()
            .copied()
            .filter(|&id| names::crate_of(self.graph().get(id).definition()) == crate_name)
            .collect();
        if own.is_empty() { all } else { own }
    }

    /// All that values of these types lead to, and what the fields of that lead to, and so on.
    pub(crate) fn below(&self, mut types: Vec<TypeId>) -> BTreeSet<TypeId> {
        let mut found = BTreeSet::new();
        while let Some(ty) = types.pop() {
            for target in self.targets(ty) {
                if found.insert(target) {
                    let fields = fields::of(self.graph(), target);
                    types.extend(fields.into_iter().filter_map(|field| field.ty));
                }
            }
        }
        found
    }

    /// What a value of this type leads to, pointers and containers opened: definitions, tuples
    /// and arrays of known length.
    pub(crate) fn targets(&self, ty: TypeId) -> Vec<TypeId> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        let mut queue = vec![ty];
        while let Some(id) = queue.pop() {
            let id = self.graph().defined(id);
            if !seen.insert(id) || seen.len() > MAX_TARGETS {
                continue;
            }
            let ty = self.graph().get(id);
            if ty.name.starts_with('(') && matches!(ty.kind, Kind::Struct(_)) {
                found.push(id);
                continue;
            }
            if let Kind::Array { element: Some(element), len: Some(_) } = &ty.kind {
                found.push(id);
                queue.push(*element);
                continue;
            }
            match view::view(self.graph(), id) {
                View::Defined => found.push(id),
                View::Parts(parts) => queue.extend(parts.into_iter().map(|part| part.ty)),
                View::Trait(name) => {
                    queue.extend(self.implementers.get(&name).into_iter().flatten());
                }
                View::Leaf
                | View::Host(_)
                | View::Opaque(_)
                | View::Untyped(_)
                | View::Unseen(_) => {}
            }
        }
        found
    }

    /// The fields of this name of what a value leads to, with the types that have them.
    pub(crate) fn fields(
        &self,
        ty: TypeId,
        variant: Option<&str>,
        name: &str,
    ) -> Vec<(TypeId, FieldKey, Option<TypeId>)> {
        let mut found = Vec::new();
        for target in self.targets(ty) {
            for field in fields::of(self.graph(), target) {
                let is_meant = variant.is_none_or(|variant| field.key.variant == variant);
                if is_meant && field.key.name == name {
                    found.push((target, field.key, field.ty));
                }
            }
        }
        found
    }

    /// The methods or associated functions of this name of a type. Inherent ones hide those of
    /// traits; of several, none is surely the one that is called.
    pub(crate) fn method(&self, ty: TypeId, name: &str) -> Option<Func> {
        let definition = self.graph().get(ty).definition();
        let crate_name = names::crate_of(definition);
        if !definition.contains("::") || names::is_std(definition) {
            return None;
        }
        let krate = self.sources.krate(crate_name);
        let ident = names::last_segment(definition);
        let scope: Vec<&str> = scope_of(definition);
        let with_it: Vec<_> =
            krate.located_impls(ident).filter(|(_, _, block)| block.has_function(name)).collect();
        let (inherent, of_traits): (Vec<_>, Vec<_>) =
            with_it.into_iter().partition(|(_, _, block)| block.trait_ident.is_none());
        let candidates = if inherent.is_empty() { of_traits } else { inherent };
        let mut beside: Vec<_> = candidates
            .iter()
            .filter(|(at, _, _)| at.iter().map(String::as_str).eq(scope.iter().copied()))
            .collect();
        if beside.is_empty() {
            beside = candidates.iter().collect();
        }
        let [(_, file, block)] = beside[..] else { return None };
        Func::method(block, name, file, &krate, (crate_name, ty))
    }

    /// The function of this name that is no method, as seen from another function.
    pub(crate) fn function(&self, from: &Func, name: &str) -> Option<Func> {
        let own = from.file.functions.iter().find(|free| free.item.sig.ident == name);
        if let Some(own) = own {
            return Some(Func::free(
                Rc::clone(&own.item),
                &from.file,
                &from.krate,
                &from.crate_name,
            ));
        }
        if let Some((file, item)) = from.krate.located_function(name) {
            return Some(Func::free(item, &file, &from.krate, &from.crate_name));
        }
        self.imported(from, name)
    }

    /// The function that was imported under this name into the file of another one.
    fn imported(&self, from: &Func, name: &str) -> Option<Func> {
        let (scope, path) = from.file.imported(name)?;
        let (mut scope, mut path) = (scope.to_vec(), path.to_vec());
        for _ in 0..super::MAX_NAMES {
            let (at, parts) = (names::borrowed(&scope), names::borrowed(&path));
            if let Some((file, free)) = from.krate.function_at(&at, &parts) {
                return Some(Func::free(free.item, &file, &from.krate, &from.crate_name));
            }
            if let Some((krate_name, rest)) = parts.split_first()
                && self.contents.crates.contains_key(*krate_name)
            {
                let krate = self.sources.krate(krate_name);
                let (file, free) = krate.function_at(&[], rest)?;
                return Some(Func::free(free.item, &file, &krate, krate_name));
            }
            (scope, path) = from.krate.renamed(&at, &parts)?;
        }
        None
    }

    /// The types that a name may mean in the file of a function, under whatever name they were
    /// imported.
    fn types_seen(&self, from: &Func, ident: &str) -> Vec<TypeId> {
        let own = self.types_named(&from.crate_name, ident);
        match from.file.imported(ident) {
            Some((_, path)) if own.is_empty() => {
                let original = path.last().map_or(ident, String::as_str);
                self.types_named(&from.crate_name, original)
            }
            _ => own,
        }
    }

    /// What the fields of a type prove about conditions.
    pub(crate) fn facts(&self, ty: TypeId) -> Rc<Facts> {
        if let Some(known) = self.facts.borrow().get(&ty) {
            return Rc::clone(known);
        }
        let definition = self.graph().get(ty).definition();
        let krate = self.sources.krate(names::crate_of(definition));
        let path: Vec<&str> = definition.split("::").skip(1).collect();
        let present: BTreeSet<FieldKey> =
            fields::of(self.graph(), ty).into_iter().map(|field| field.key).collect();
        let found = krate.definition(&path);
        let conditions = found.iter().flat_map(|found| &found.item.conditions);
        let known = conditions.map(|(key, text)| (text.clone(), present.contains(key))).collect();
        let of_crate = Facts::of_crate(&self.sources.features, names::crate_of(definition));
        let facts = Rc::new(Facts { known, ..of_crate });
        self.facts.borrow_mut().insert(ty, Rc::clone(&facts));
        facts
    }

    /// Whether one of these lists of conditions holds for code around a type.
    ///
    /// # Errors
    /// Tells the condition that it hangs on.
    pub(crate) fn holds(&self, ty: TypeId, lists: Vec<&[syn::Meta]>) -> Result<bool, String> {
        let mut unknown = None;
        for list in lists {
            match conditions::all(list, &self.facts(ty)) {
                Met::Yes => return Ok(true),
                Met::No => {}
                Met::Unknown(condition) => unknown = Some(condition),
            }
        }
        unknown.map_or(Ok(false), Err)
    }

    /// Those attributes of this name that were compiled.
    ///
    /// # Errors
    /// Says on which condition that hangs.
    pub(crate) fn active(
        &self,
        ty: TypeId,
        attributes: &Attributes,
        name: &str,
    ) -> Result<Attributes, String> {
        let mut active = Attributes::default();
        for (list, meta) in &attributes.all {
            if !meta.path().is_ident(name) {
                continue;
            }
            match conditions::all(list, &self.facts(ty)) {
                Met::Yes => active.all.push((Vec::new(), meta.clone())),
                Met::No => {}
                Met::Unknown(condition) => {
                    return Err(format!(
                        "what its `{name}` attributes say hangs on `cfg({condition})`, and with which \
                         features it was built is not known"
                    ));
                }
            }
        }
        Ok(active)
    }

    /// The types that a path in an expression goes through: `Self::f`, `Cpu::f`.
    pub(crate) fn owners(&self, from: &Func, path: &syn::ExprPath) -> Option<Vec<TypeId>> {
        if let Some(qself) = &path.qself {
            let syn::Type::Path(ty) = &*qself.ty else { return Some(Vec::new()) };
            return Some(self.types_of(from, &ty.path));
        }
        let count = path.path.segments.len();
        let before = path.path.segments.get(count.checked_sub(2)?)?;
        if before.ident == "Self" {
            return Some(from.self_type.into_iter().collect());
        }
        let ident = super::file::plain(&before.ident);
        // Modules are written in lower case, types are not.
        ident.starts_with(char::is_uppercase).then(|| self.types_seen(from, &ident))
    }

    /// The types that a path may name.
    pub(crate) fn types_of(&self, from: &Func, path: &syn::Path) -> Vec<TypeId> {
        match path.segments.last() {
            Some(last) if last.ident == "Self" => from.self_type.into_iter().collect(),
            Some(last) => self.types_seen(from, &super::file::plain(&last.ident)),
            None => Vec::new(),
        }
    }

    /// The type that a parameter's annotation names, references and containers opened.
    pub(crate) fn annotated(&self, from: &Func, ty: &syn::Type) -> Vec<TypeId> {
        match ty {
            syn::Type::Reference(inner) => self.annotated(from, &inner.elem),
            syn::Type::Paren(inner) => self.annotated(from, &inner.elem),
            syn::Type::Group(inner) => self.annotated(from, &inner.elem),
            syn::Type::Slice(inner) => self.annotated(from, &inner.elem),
            syn::Type::Array(inner) => self.annotated(from, &inner.elem),
            syn::Type::Path(path) => {
                let own = self.types_of(from, &path.path);
                if !own.is_empty() {
                    return own;
                }
                let Some(last) = path.path.segments.last() else { return Vec::new() };
                let syn::PathArguments::AngleBracketed(args) = &last.arguments else {
                    return Vec::new();
                };
                let types = args.args.iter().filter_map(|arg| match arg {
                    syn::GenericArgument::Type(ty) => Some(ty),
                    _ => None,
                });
                types.flat_map(|ty| self.annotated(from, ty)).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// The types that are not std's, by the hashes of the last parts of their names.
fn by_ident(graph: &Graph) -> Vec<(u64, TypeId)> {
    let own = |(id, ty): (TypeId, &Type)| {
        let is_own = matches!(ty.kind, Kind::Struct(_) | Kind::Enum(_) | Kind::Union(_))
            && ty.definition().contains("::")
            && !names::is_std(ty.definition())
            && !ty.name.starts_with("dyn ");
        is_own.then(|| (name_hash(names::last_segment(ty.definition())), id))
    };
    let mut by_ident: Vec<(u64, TypeId)> = graph.par_iter().filter_map(own).collect();
    by_ident.par_sort_unstable();
    by_ident
}

/// The modules of a definition, without its crate and its name.
pub(crate) fn scope_of(definition: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = definition.split("::").skip(1).collect();
    parts.pop();
    parts
}

/// Whether a parameter's annotation says that it is a plain value: nothing can be written to it.
pub(crate) fn is_plain(ty: &syn::Type) -> bool {
    match ty {
        syn::Type::Reference(inner) => inner.mutability.is_none() && is_plain(&inner.elem),
        syn::Type::Path(path) => path.path.get_ident().is_some_and(|ident| {
            let name = ident.to_string();
            matches!(&*name, "bool" | "char" | "str" | "String")
                || name.strip_prefix(['u', 'i', 'f']).is_some_and(|rest| {
                    rest == "size" || rest.bytes().all(|byte| byte.is_ascii_digit())
                })
        }),
        _ => false,
    }
}

/// The name of the function that an expression in call position names.
pub(crate) fn called(func: &syn::Expr) -> Option<(&syn::ExprPath, String)> {
    let syn::Expr::Path(path) = code::place(func) else { return None };
    let name = super::file::plain(&path.path.segments.last()?.ident);
    Some((path, name))
}
