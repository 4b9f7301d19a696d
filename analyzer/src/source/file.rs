//! One source file: the definitions, impls and functions in it.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

use super::attributes::Attributes;
use super::codebase::Func;
use super::expand::Rules;
use super::imports::{self, Import};
use crate::evidence::FieldKey;
use crate::limits::{MAX_MACRO_DEPTH, MAX_MACRO_TOKENS, MAX_SOURCE_DEPTH};

/// A source file, taken apart.
#[derive(Clone, Debug)]
pub(crate) struct SourceFile {
    /// Where it was found.
    pub(crate) path: PathBuf,
    text: Rc<str>,
    /// Where each line of the text starts, once one is asked for.
    lines: OnceCell<Vec<usize>>,
    /// The structs, enums and unions in it.
    pub(crate) definitions: Vec<Definition>,
    /// The impls in it.
    pub(crate) impls: Vec<ImplBlock>,
    /// The functions in it that are no methods.
    pub(crate) functions: Vec<FreeFunction>,
    /// The constants and statics in it, those of impls and the numbers of enums among them.
    pub(crate) constants: Vec<Constant>,
    /// The names that it gives to what is defined elsewhere under another name.
    pub(super) imports: Vec<Import>,
    /// The names that it imports as they are.
    pub(super) plain_imports: Vec<Import>,
    /// The modules that it declares and that stand in other files.
    pub(super) modules: Vec<Module>,
    /// The macros that it defines by rules, as far as those could be read.
    pub(super) macros: Vec<(String, Option<Rules>)>,
    /// The macros that it calls for items.
    pub(super) calls: Vec<Call>,
}

/// A struct, an enum or a union.
#[derive(Clone, Debug)]
pub(crate) struct Definition {
    /// The modules and functions around it, from the file on.
    pub(crate) scope: Vec<String>,
    /// Its name.
    pub(crate) ident: String,
    /// Line and column of each field, from 1.
    pub(crate) fields: BTreeMap<FieldKey, (u32, u32)>,
    /// What `#[cfg(…)]` on fields and variants says, as text.
    pub(crate) conditions: Vec<(FieldKey, String)>,
    /// Line and column of its name, from 1.
    pub(crate) start: (u32, u32),
    /// Its own attributes.
    pub(crate) attributes: Attributes,
    /// Those of its fields, with those of the variants around them.
    pub(crate) field_attributes: BTreeMap<FieldKey, Attributes>,
}

/// A function that is no method.
#[derive(Clone, Debug)]
pub(crate) struct FreeFunction {
    /// The modules and functions around it, from the file on.
    pub(crate) scope: Vec<String>,
    /// The whole of it.
    pub(crate) item: Rc<syn::ItemFn>,
}

/// A constant, a static, or a variant without fields.
#[derive(Clone, Debug)]
pub(crate) struct Constant {
    /// What is around it, from the file on: modules, functions, and for one of an impl or an enum
    /// the type.
    pub(crate) scope: Vec<String>,
    /// Its name.
    pub(crate) ident: String,
    /// What it is.
    pub(crate) value: syn::Expr,
    /// Line and column of its name, from 1.
    pub(crate) start: (u32, u32),
    /// Its own attributes, and the conditions of what is around it.
    pub(super) attributes: Attributes,
}

/// An impl.
#[derive(Clone, Debug)]
pub(crate) struct ImplBlock {
    /// The modules and functions around it, from the file on.
    pub(crate) scope: Vec<String>,
    /// The last part of the name of its type.
    pub(crate) self_ident: String,
    /// The last part of the name of its trait, if it has one.
    pub(crate) trait_ident: Option<String>,
    /// The whole of it.
    pub(crate) item: Rc<syn::ItemImpl>,
}

impl ImplBlock {
    /// Whether it has a function of this name, under whatever condition.
    pub(crate) fn has_function(&self, name: &str) -> bool {
        let is_named = |item: &syn::ImplItem| matches!(item, syn::ImplItem::Fn(function) if function.sig.ident == name);
        self.item.items.iter().any(is_named)
    }

    /// A function in it. Two of one name are behind different conditions: neither is surely the
    /// one that was compiled.
    pub(crate) fn function(&self, name: &str) -> Option<&syn::ImplItemFn> {
        let mut named = self.item.items.iter().filter_map(|item| match item {
            syn::ImplItem::Fn(function) if function.sig.ident == name => Some(function),
            _ => None,
        });
        let first = named.next()?;
        named.next().is_none().then_some(first)
    }
}

/// `mod name;`
#[derive(Clone, Debug)]
pub(super) struct Module {
    pub(super) scope: Vec<String>,
    pub(super) name: String,
    /// What `#[path = "…"]` says, under whatever condition.
    pub(super) paths: Vec<String>,
    /// The conditions of it and of what is around it.
    pub(super) attributes: Attributes,
}

/// A call of a macro for items.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// The modules and functions around it, from the file on.
    scope: Vec<String>,
    /// The conditions of what is around it.
    around: Vec<syn::Attribute>,
    item: syn::ItemMacro,
}

impl SourceFile {
    /// Takes the text of a file apart.
    pub(super) fn parse(path: &Path, text: &Rc<str>) -> Result<Self, String> {
        Self::read(path, text, |tokens| tokens)
    }

    /// The same without what functions do, but for what is defined in them: enough for those who ask
    /// for definitions, modules and macros.
    pub(super) fn outline(path: &Path, text: &Rc<str>) -> Result<Self, String> {
        Self::read(path, text, super::outline::of)
    }

    fn read(
        path: &Path,
        text: &Rc<str>,
        reduce: fn(proc_macro2::TokenStream) -> proc_macro2::TokenStream,
    ) -> Result<Self, String> {
        if depth(text) > MAX_SOURCE_DEPTH {
            return Err(format!("its source {} nests too deeply to be parsed", path.display()));
        }
        let failed = |error: syn::Error| {
            let line = error.span().start().line;
            format!("its source {}:{line} cannot be parsed: {error}", path.display())
        };
        let plain = without_shebang(text);
        let tokens = plain.parse::<proc_macro2::TokenStream>();
        // What is no list of tokens, the parser refuses as well, and so it does a line for the shell.
        let is_whole = tokens.is_err() || plain.len() < text.len();
        let ast = match tokens.map(|tokens| if is_whole { tokens } else { reduce(tokens) }) {
            Ok(tokens) if !super::bounds::is_shallow(&tokens) => {
                let shown = path.display();
                return Err(format!("its source {shown} has expressions too long to be parsed"));
            }
            // The parser need not take the text apart once more.
            Ok(tokens) if !is_whole => syn::parse2::<syn::File>(tokens),
            _ => syn::parse_file(text),
        };
        let ast = ast.map_err(failed)?;
        let mut file = Self {
            path: path.to_owned(),
            text: Rc::clone(text),
            lines: OnceCell::new(),
            definitions: Vec::new(),
            impls: Vec::new(),
            functions: Vec::new(),
            constants: Vec::new(),
            imports: Vec::new(),
            plain_imports: Vec::new(),
            modules: Vec::new(),
            macros: Vec::new(),
            calls: Vec::new(),
        };
        let around = conditional(&ast.attrs).cloned().collect();
        let mut collector = Collector { file: &mut file, scope: Vec::new(), around };
        ast.items.into_iter().for_each(|item| collector.take(item));
        file.name_originals(0);
        Ok(file)
    }

    /// The file with what its calls of these macros become; `None` if it calls none of them.
    pub(super) fn expanded(&self, macros: &HashMap<String, Option<Rules>>) -> Option<Self> {
        let mut file = None;
        let mut calls: Vec<_> = self.calls.iter().map(|call| (call.clone(), 0)).collect();
        let mut left = MAX_MACRO_TOKENS;
        while let Some((Call { scope, mut around, item: call }, depth)) = calls.pop() {
            let own = own_macro(&call.mac.path).and_then(|name| {
                let mut own = self.macros.iter().filter(|(own, _)| *own == name);
                match (own.next(), own.next()) {
                    (Some((_, rules)), None) => rules.as_ref(),
                    // Which of several is meant hangs on where they stand.
                    (Some(_), Some(_)) => None,
                    (None, _) => macros.get(&name)?.as_ref(),
                }
            });
            let (Some(rules), true) = (own, depth < MAX_MACRO_DEPTH) else { continue };
            let at = call.mac.path.span();
            let Some(mut items) = rules.expand(&call.mac, at, &mut left) else { continue };
            for item in &mut items.items {
                inherit(item, &call.attrs);
            }
            let file = file.get_or_insert_with(|| Self { calls: Vec::new(), ..self.clone() });
            around.extend(conditional(&call.attrs).cloned());
            Collector { file, scope, around }.visit_file(&items);
            calls.extend(file.calls.drain(..).map(|call| (call, depth + 1)));
        }
        if let Some(file) = &mut file {
            file.name_originals(self.impls.len());
        }
        file
    }

    /// The impls inside of functions that make a value of a type: `type Value = Cpu;`.
    pub(crate) fn visitors(&self, ident: &str) -> impl Iterator<Item = &ImplBlock> {
        self.impls.iter().filter(move |block| {
            block.item.items.iter().any(|item| match item {
                syn::ImplItem::Type(ty) => {
                    ty.ident == "Value" && type_ident(&ty.ty).is_some_and(|name| name == ident)
                }
                _ => false,
            })
        })
    }

    /// The visitors that a function names, those in it and those beside it; `scope` is what is around
    /// the function.
    pub(crate) fn visitors_of(&self, scope: &[String], function: &Func) -> Vec<&ImplBlock> {
        let mut names = super::code::Idents::default();
        names.visit_block(function.block());
        let is_meant = |block: &&ImplBlock| {
            block.trait_ident.as_deref() == Some("Visitor")
                && block.scope.starts_with(scope)
                && names.0.contains(&block.self_ident)
        };
        self.impls.iter().filter(is_meant).collect()
    }

    /// A line, from 1, as it stands there: columns count from its first character.
    pub(crate) fn line(&self, line: u32) -> Option<&str> {
        let index = usize::try_from(line).ok()?.checked_sub(1)?;
        let starts = self.lines.get_or_init(|| {
            std::iter::once(0).chain(self.text.match_indices('\n').map(|(at, _)| at + 1)).collect()
        });
        let line = &self.text[*starts.get(index)?..];
        line.lines().next().map(str::trim_end)
    }
}

/// The text after what may stand before the first token of a file.
fn without_shebang(text: &str) -> &str {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match text.strip_prefix("#!") {
        // A line for the shell; `#![…]` is no such.
        Some(rest) if !rest.trim_start().starts_with('[') => {
            text.find('\n').map_or("", |end| &text[end..])
        }
        _ => text,
    }
}

/// How deep brackets nest, those in strings and comments counted too.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// The line and the column that a piece of source starts at, from 1.
pub(crate) fn start_of(span: proc_macro2::Span) -> (u32, u32) {
    let start = span.start();
    let number = |number: usize| u32::try_from(number).unwrap_or(0);
    (number(start.line), number(start.column.saturating_add(1)))
}

/// Those attributes that may be conditions.
fn conditional(attributes: &[syn::Attribute]) -> impl Iterator<Item = &syn::Attribute> {
    let is_one = |path: &syn::Path| path.is_ident("cfg") || path.is_ident("cfg_attr");
    attributes.iter().filter(move |attribute| is_one(attribute.path()))
}

struct Collector<'a> {
    file: &'a mut SourceFile,
    scope: Vec<String>,
    /// The conditions of what is around what is being read.
    around: Vec<syn::Attribute>,
}

impl Collector<'_> {
    fn define(
        &mut self,
        ident: &syn::Ident,
        attributes: &[syn::Attribute],
        variants: &[(String, &[syn::Attribute], &syn::Fields)],
    ) {
        let mut fields = BTreeMap::new();
        let mut conditions = Vec::new();
        let mut field_attributes = BTreeMap::new();
        for (variant, around, list) in variants {
            for (index, field) in list.iter().enumerate() {
                let name = match &field.ident {
                    Some(ident) => plain(ident),
                    None => index.to_string(),
                };
                let span = field.ident.as_ref().map_or_else(|| field.ty.span(), syn::Ident::span);
                let key = FieldKey { variant: variant.clone(), name };
                let own = super::conditions::among(&field.attrs);
                conditions
                    .extend(own.iter().map(|own| (key.clone(), super::conditions::text(own))));
                let mut of_field = Attributes::read(&field.attrs);
                of_field.extend(&Attributes::read(around));
                field_attributes.insert(key.clone(), of_field);
                fields.insert(key, start_of(span));
            }
        }
        self.file.definitions.push(Definition {
            scope: self.scope.clone(),
            ident: plain(ident),
            fields,
            conditions,
            start: start_of(ident.span()),
            attributes: Attributes::read(attributes),
            field_attributes,
        });
    }
}

impl Collector<'_> {
    /// Collects an item, without a copy of it if it is kept.
    fn take(&mut self, item: syn::Item) {
        match item {
            syn::Item::Impl(item) => self.implementation(&Rc::new(item)),
            syn::Item::Fn(item) => self.function(&Rc::new(item)),
            syn::Item::Mod(syn::ItemMod { ident, attrs, content: Some((_, items)), .. }) => {
                self.scope.push(plain(&ident));
                self.inside(&attrs, |collector| {
                    items.into_iter().for_each(|item| collector.take(item));
                });
                self.scope.pop();
            }
            item => self.visit_item(&item),
        }
    }

    fn implementation(&mut self, item: &Rc<syn::ItemImpl>) {
        if let Some(self_ident) = type_ident(&item.self_ty) {
            let trait_ident = item
                .trait_
                .as_ref()
                .and_then(|(path, _)| path.segments.last())
                .map(|segment| plain(&segment.ident));
            let mut inside = self.scope.clone();
            inside.push(self_ident.clone());
            self.inside(&item.attrs, |collector| {
                for own in &item.items {
                    if let syn::ImplItem::Const(own) = own {
                        collector.constant(inside.clone(), &own.attrs, (&own.ident, &own.expr));
                    }
                }
            });
            let (scope, item) = (self.scope.clone(), Rc::clone(item));
            self.file.impls.push(ImplBlock { scope, self_ident, trait_ident, item });
        }
        self.inside(&item.attrs, |collector| visit::visit_item_impl(collector, item));
    }

    fn function(&mut self, item: &Rc<syn::ItemFn>) {
        let (scope, function) = (self.scope.clone(), Rc::clone(item));
        self.file.functions.push(FreeFunction { scope, item: function });
        self.scope.push(plain(&item.sig.ident));
        self.inside(&item.attrs, |collector| visit::visit_item_fn(collector, item));
        self.scope.pop();
    }

    fn constant(
        &mut self,
        scope: Vec<String>,
        attributes: &[syn::Attribute],
        (ident, value): (&syn::Ident, &syn::Expr),
    ) {
        let (start, ident, value) = (start_of(ident.span()), plain(ident), value.clone());
        let attributes = self.with_around(attributes);
        self.file.constants.push(Constant { scope, ident, value, start, attributes });
    }

    /// The numbers of an enum without fields are constants like others.
    fn discriminants(&mut self, item: &syn::ItemEnum) {
        let is_plain = |variant: &syn::Variant| matches!(variant.fields, syn::Fields::Unit);
        if !item.variants.iter().all(is_plain) {
            return;
        }
        let mut scope = self.scope.clone();
        scope.push(plain(&item.ident));
        let mut before: Option<&syn::Expr> = None;
        let mut behind: u64 = 0;
        for variant in &item.variants {
            // Of those behind it, the numbers depend on whether it is there.
            if conditional(&variant.attrs).next().is_some() {
                return;
            }
            if let Some((_, value)) = &variant.discriminant {
                (before, behind) = (Some(value), 0);
            }
            let distance = proc_macro2::Literal::u64_unsuffixed(behind);
            let value: syn::Expr = match before {
                Some(value) => syn::parse_quote!((#value) + #distance),
                None => syn::parse_quote!(#distance),
            };
            self.inside(&item.attrs, |collector| {
                collector.constant(scope.clone(), &variant.attrs, (&variant.ident, &value));
            });
            behind += 1;
        }
    }

    /// These attributes with the conditions around them.
    fn with_around(&self, attributes: &[syn::Attribute]) -> Attributes {
        let mut all = Attributes::read(attributes);
        all.extend(&Attributes::read(&self.around));
        all
    }

    /// Reads what is inside of something with these attributes.
    fn inside(&mut self, attributes: &[syn::Attribute], read: impl FnOnce(&mut Self)) {
        let before = self.around.len();
        self.around.extend(conditional(attributes).cloned());
        read(self);
        self.around.truncate(before);
    }
}

/// An identifier without `r#`.
pub(super) fn plain(ident: &syn::Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").map(str::to_owned).unwrap_or(text)
}

/// The last part of the name of a type, if it has one.
fn type_ident(ty: &syn::Type) -> Option<String> {
    match ty {
        syn::Type::Path(path) => path.path.segments.last().map(|segment| plain(&segment.ident)),
        syn::Type::Group(group) => type_ident(&group.elem),
        syn::Type::Paren(paren) => type_ident(&paren.elem),
        _ => None,
    }
}

impl<'ast> Visit<'ast> for Collector<'_> {
    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.define(&item.ident, &item.attrs, &[(String::new(), &[], &item.fields)]);
    }

    fn visit_item_union(&mut self, item: &'ast syn::ItemUnion) {
        let fields = syn::Fields::Named(item.fields.clone());
        self.define(&item.ident, &item.attrs, &[(String::new(), &[], &fields)]);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        let variants = item.variants.iter();
        let variants: Vec<_> = variants
            .map(|variant| (plain(&variant.ident), &*variant.attrs, &variant.fields))
            .collect();
        self.define(&item.ident, &item.attrs, &variants);
        self.discriminants(item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        self.implementation(&Rc::new(item.clone()));
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        if let Some(ident) = &item.ident {
            if item.mac.path.is_ident("macro_rules") {
                self.file.macros.push((plain(ident), Rules::read(&item.mac.tokens)));
            }
            return;
        }
        if item.mac.path.segments.last().is_some_and(|last| last.ident == "bitflags") {
            for (ident, mut attributes) in bitflags(&item.mac.tokens) {
                attributes.extend(item.attrs.iter().cloned());
                self.define(&ident, &attributes, &[]);
            }
            return;
        }
        let (scope, around) = (self.scope.clone(), self.around.clone());
        self.file.calls.push(Call { scope, around, item: item.clone() });
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&Rc::new(item.clone()));
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.constant(self.scope.clone(), &item.attrs, (&item.ident, &item.expr));
        visit::visit_item_const(self, item);
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.constant(self.scope.clone(), &item.attrs, (&item.ident, &item.expr));
        visit::visit_item_static(self, item);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let found = imports::read(item, &self.scope, &self.around).into_iter();
        let (renamed, plain): (Vec<_>, Vec<_>) = found.partition(Import::is_renamed);
        self.file.imports.extend(renamed);
        self.file.plain_imports.extend(plain);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if item.content.is_some() {
            self.scope.push(plain(&item.ident));
            self.inside(&item.attrs, |collector| visit::visit_item_mod(collector, item));
            self.scope.pop();
        } else {
            let (scope, name) = (self.scope.clone(), plain(&item.ident));
            let paths = item.attrs.iter().flat_map(path_attributes).collect();
            let attributes = self.with_around(&item.attrs);
            self.file.modules.push(Module { scope, name, paths, attributes });
        }
    }
}

/// The name of a macro, if its path may lead to one of the crate itself.
fn own_macro(path: &syn::Path) -> Option<String> {
    let (first, last) = (path.segments.first()?, path.segments.last()?);
    let is_inside = ["crate", "self", "super"].iter().any(|word| first.ident == word);
    let is_own = path.segments.len() == 1 || is_inside;
    (path.leading_colon.is_none() && is_own).then(|| plain(&last.ident))
}

/// Gives what a macro makes the conditions of its call.
fn inherit(item: &mut syn::Item, attributes: &[syn::Attribute]) {
    let own = match item {
        syn::Item::Struct(item) => &mut item.attrs,
        syn::Item::Enum(item) => &mut item.attrs,
        syn::Item::Union(item) => &mut item.attrs,
        syn::Item::Impl(item) => &mut item.attrs,
        syn::Item::Fn(item) => &mut item.attrs,
        _ => return,
    };
    own.extend(attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).cloned());
}

/// The structs that `bitflags!` makes, with the attributes that it hands on to them.
fn bitflags(tokens: &proc_macro2::TokenStream) -> Vec<(syn::Ident, Vec<syn::Attribute>)> {
    use proc_macro2::{Delimiter, TokenTree};
    let mut found = Vec::new();
    let mut attributes = Vec::new();
    let mut tokens = tokens.clone().into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(mark) if mark.as_char() == '#' => {
                if let Some(TokenTree::Group(group)) = tokens.peek()
                    && group.delimiter() == Delimiter::Bracket
                {
                    let inside = group.stream();
                    let parse = syn::Attribute::parse_outer;
                    let read = syn::parse::Parser::parse2(parse, quote::quote!(#[#inside]));
                    attributes.extend(read.unwrap_or_default());
                }
            }
            TokenTree::Ident(word) if word == "struct" => {
                if let Some(TokenTree::Ident(ident)) = tokens.next() {
                    found.push((ident, std::mem::take(&mut attributes)));
                }
            }
            // The end of a struct or an impl of the flags.
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => attributes.clear(),
            _ => {}
        }
    }
    found
}

/// What `#[path = "…"]` and `#[cfg_attr(…, path = "…")]` say.
fn path_attributes(attribute: &syn::Attribute) -> Vec<String> {
    let mut paths = Vec::new();
    let mut take = |meta: &syn::Meta| {
        if let syn::Meta::NameValue(pair) = meta
            && pair.path.is_ident("path")
            && let syn::Expr::Lit(literal) = &pair.value
            && let syn::Lit::Str(text) = &literal.lit
        {
            paths.push(text.value());
        }
    };
    take(&attribute.meta);
    if attribute.path().is_ident("cfg_attr")
        && let Ok(list) = attribute.parse_args_with(
            syn::punctuated::Punctuated::<syn::Meta, syn::Token![,]>::parse_terminated,
        )
    {
        list.iter().for_each(take);
    }
    paths
}
