//! What readers of functions share: the code of one type, and how expressions name things.

use std::collections::BTreeSet;
use std::rc::Rc;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

use super::conditions::Facts;
use super::{Crate, Definition, ImplBlock, SourceFile};
use crate::evidence::FieldKey;

/// The code that may stand for a type: its methods, and the functions around it.
pub(crate) struct TypeCode {
    /// The name of the type without its path.
    pub(crate) ident: String,
    /// Its fields, as the debug information tells them.
    pub(crate) fields: BTreeSet<FieldKey>,
    /// The conditions that its fields prove or refute.
    pub(crate) facts: Facts,
    impls: Vec<ImplBlock>,
    functions: Vec<Rc<syn::ItemFn>>,
    krate: Rc<Crate>,
}

/// A function that is called.
pub(crate) enum Callee<'a> {
    /// A method or an associated function of the type.
    Method(&'a syn::ImplItemFn),
    /// Any other function.
    Function(Rc<syn::ItemFn>),
}

impl Callee<'_> {
    fn signature(&self) -> &syn::Signature {
        match self {
            Self::Method(function) => &function.sig,
            Self::Function(function) => &function.sig,
        }
    }

    /// Its name, told apart from functions of the other kind.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Method(function) => format!("Self::{}", function.sig.ident),
            Self::Function(function) => function.sig.ident.to_string(),
        }
    }

    /// What it does.
    pub(crate) fn block(&self) -> &syn::Block {
        match self {
            Self::Method(function) => &function.block,
            Self::Function(function) => &function.block,
        }
    }

    /// Whether its first parameter is `self`.
    pub(crate) fn has_self(&self) -> bool {
        matches!(self.signature().inputs.first(), Some(syn::FnArg::Receiver(_)))
    }

    /// The name of a parameter, `self` included in the count.
    pub(crate) fn parameter(&self, index: usize) -> Option<String> {
        match self.signature().inputs.get(index)? {
            syn::FnArg::Receiver(_) => Some("self".to_owned()),
            syn::FnArg::Typed(typed) => names_in(&typed.pat).into_iter().next(),
        }
    }

    /// All names that its parameter binds.
    pub(crate) fn parameter_names(&self, index: usize) -> Vec<String> {
        match self.signature().inputs.get(index) {
            Some(syn::FnArg::Typed(typed)) => names_in(&typed.pat),
            Some(syn::FnArg::Receiver(_)) => vec!["self".to_owned()],
            None => Vec::new(),
        }
    }

    /// Whether it gives back a value of the type with this name.
    pub(crate) fn makes(&self, ident: &str) -> bool {
        struct Finder<'a>(&'a str, bool);
        impl<'ast> Visit<'ast> for Finder<'_> {
            fn visit_ident(&mut self, ident: &'ast syn::Ident) {
                self.1 |= ident == self.0 || ident == "Self";
            }
        }
        let mut finder = Finder(ident, false);
        finder.visit_return_type(&self.signature().output);
        finder.1
    }
}

impl TypeCode {
    /// The code of a type whose impl stands in `file`.
    pub(crate) fn new(
        ident: String,
        fields: BTreeSet<FieldKey>,
        file: &SourceFile,
        krate: Rc<Crate>,
        definition: Option<&Definition>,
    ) -> Self {
        let conditions = definition.into_iter().flat_map(|found| &found.conditions);
        let facts = conditions.map(|(key, text)| (text.clone(), fields.contains(key))).collect();
        let of_type = file.impls.iter().filter(|item| item.self_ident == ident);
        let mut impls: Vec<ImplBlock> = of_type.cloned().collect();
        let elsewhere = krate
            .impls_of(&ident)
            .filter(|item| !file.impls.iter().any(|own| Rc::ptr_eq(&own.item, &item.item)));
        impls.extend(elsewhere.cloned());
        Self { ident, fields, facts, impls, functions: file.functions.clone(), krate }
    }

    /// The method or associated function of this name. Inherent ones hide those of traits.
    pub(crate) fn method(&self, name: &str) -> Option<Callee<'_>> {
        let mut inherent = self.impls.iter().filter(|item| item.trait_ident.is_none());
        let of_traits = self.impls.iter().filter(|item| item.trait_ident.is_some());
        let has_it = |item: &&ImplBlock| item.has_function(name);
        let named: Vec<&ImplBlock> = if inherent.clone().any(|item| item.has_function(name)) {
            inherent.by_ref().filter(has_it).collect()
        } else {
            of_traits.filter(has_it).collect()
        };
        // Of several, none is surely the one that is called.
        let [only] = named[..] else { return None };
        only.function(name).map(Callee::Method)
    }

    /// The function of this name that is no method: of the same file, or the only one of the
    /// crate.
    pub(crate) fn function(&self, name: &str) -> Option<Callee<'_>> {
        let own = self.functions.iter().find(|function| function.sig.ident == name);
        own.cloned().or_else(|| self.krate.function(name)).map(Callee::Function)
    }

    /// The function that an expression in call position names.
    pub(crate) fn callee(&self, func: &syn::Expr) -> Option<Callee<'_>> {
        let syn::Expr::Path(path) = place(func) else { return None };
        let name = path.path.segments.last()?.ident.to_string();
        match self.owner(path) {
            Some(true) => self.method(&name),
            Some(false) => None,
            None => self.function(&name),
        }
    }

    /// Whether a path goes through the type: `Self::f`, `Rng::f`, `<Self as Trait>::f`; or
    /// through another one; or through none.
    pub(crate) fn owner(&self, path: &syn::ExprPath) -> Option<bool> {
        if let Some(qself) = &path.qself {
            let syn::Type::Path(ty) = &*qself.ty else { return Some(false) };
            return Some(ty.path.segments.last().is_some_and(|last| self.is_own(&last.ident)));
        }
        let count = path.path.segments.len();
        let before = path.path.segments.get(count.checked_sub(2)?)?;
        if self.is_own(&before.ident) {
            return Some(true);
        }
        // Modules are written in lower case, types are not.
        let is_type = before.ident.to_string().starts_with(char::is_uppercase);
        is_type.then_some(false)
    }

    /// Whether the name is the type's.
    pub(crate) fn is_own(&self, ident: &syn::Ident) -> bool {
        ident == "Self" || *ident == *self.ident
    }

    /// Whether an expression goes through the type: `Self { … }`, `Rng::new(…)`.
    pub(crate) fn mentions_type(&self, expr: &syn::Expr) -> bool {
        struct Finder<'a>(&'a TypeCode, bool);
        impl<'ast> Visit<'ast> for Finder<'_> {
            fn visit_path_segment(&mut self, segment: &'ast syn::PathSegment) {
                self.1 |= self.0.is_own(&segment.ident);
            }
        }
        let mut finder = Finder(self, false);
        finder.visit_expr(expr);
        finder.1
    }

    /// The variant that a path in a pattern or a literal names; empty for the struct itself.
    pub(crate) fn variant(&self, path: &syn::Path) -> String {
        match path.segments.last() {
            Some(last) if !self.is_own(&last.ident) => last.ident.to_string(),
            _ => String::new(),
        }
    }

    /// Whether a path names the struct or a variant of the enum.
    pub(crate) fn names_type(&self, path: &syn::Path) -> bool {
        let Some(last) = path.segments.last() else { return false };
        if self.is_own(&last.ident) {
            return true;
        }
        let through_type = path.segments.len() >= 2
            && path.segments.get(path.segments.len() - 2).is_some_and(|s| self.is_own(&s.ident));
        let is_variant = self.fields.iter().any(|key| last.ident == key.variant);
        is_variant && (through_type || path.segments.len() == 1)
    }
}

/// An expression without references, dereferences, brackets, and `clone()`: what it is a way to.
pub(crate) fn place(expr: &syn::Expr) -> &syn::Expr {
    match expr {
        syn::Expr::Paren(inner) => place(&inner.expr),
        syn::Expr::Group(inner) => place(&inner.expr),
        syn::Expr::Reference(inner) => place(&inner.expr),
        syn::Expr::Unary(syn::ExprUnary { op: syn::UnOp::Deref(_), expr, .. }) => place(expr),
        syn::Expr::MethodCall(call)
            if call.args.is_empty()
                && (call.method == "clone"
                    || call.method == "as_ref"
                    || call.method == "as_mut") =>
        {
            place(&call.receiver)
        }
        expr => expr,
    }
}

/// The variable that an expression is, if it is one.
pub(crate) fn name_of(expr: &syn::Expr) -> Option<String> {
    match expr {
        syn::Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
        _ => None,
    }
}

/// The name of a member: its identifier or its number.
pub(crate) fn member_name(member: &syn::Member) -> String {
    match member {
        syn::Member::Named(ident) => super::file::plain(ident),
        syn::Member::Unnamed(index) => index.index.to_string(),
    }
}

/// A field of a struct.
pub(crate) fn struct_field(member: &syn::Member) -> FieldKey {
    FieldKey { variant: String::new(), name: member_name(member) }
}

/// The names that a pattern binds.
pub(crate) fn names_in(pattern: &syn::Pat) -> Vec<String> {
    struct Names(Vec<String>);
    impl<'ast> Visit<'ast> for Names {
        fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
            self.0.push(pattern.ident.to_string());
            visit::visit_pat_ident(self, pattern);
        }
    }
    let mut names = Names(Vec::new());
    names.visit_pat(pattern);
    names.0
}

/// Macros that only tell or test something.
pub(crate) fn is_weak_macro(path: &syn::Path) -> bool {
    const WEAK: &[&str] = &[
        "bail",
        "debug_span",
        "ensure",
        "error_span",
        "event",
        "info_span",
        "matches",
        "span",
        "trace_span",
        "warn_span",
        "assert",
        "assert_eq",
        "assert_ne",
        "dbg",
        "debug",
        "debug_assert",
        "debug_assert_eq",
        "debug_assert_ne",
        "eprint",
        "eprintln",
        "error",
        "info",
        "log",
        "panic",
        "print",
        "println",
        "todo",
        "trace",
        "unimplemented",
        "unreachable",
        "warn",
    ];
    path.segments.last().is_some_and(|last| WEAK.iter().any(|weak| last.ident == weak))
}

/// Methods that tell something about a value without giving all of it away, or that overwrite it.
pub(crate) fn is_weak_method(name: &syn::Ident) -> bool {
    const WEAK: &[&str] = &[
        "capacity",
        "clear",
        "cmp",
        "contains",
        "contains_key",
        "ends_with",
        "eq",
        "ge",
        "gt",
        "is_empty",
        "is_err",
        "is_none",
        "is_ok",
        "is_some",
        "keys",
        "le",
        "len",
        "lt",
        "ne",
        "partial_cmp",
        "set",
        "starts_with",
        "store",
    ];
    WEAK.iter().any(|weak| name == weak)
}

/// Functions that throw away what they get.
pub(crate) fn is_weak_function(func: &syn::Expr) -> bool {
    const WEAK: &[&str] = &["black_box", "drop", "forget", "size_of_val"];
    match place(func) {
        syn::Expr::Path(path) => {
            path.path.segments.last().is_some_and(|last| WEAK.iter().any(|weak| last.ident == weak))
        }
        _ => false,
    }
}

/// The last word of a type argument, if it is a plain name.
pub(crate) fn last_words(arg: &syn::GenericArgument) -> String {
    match arg {
        syn::GenericArgument::Type(syn::Type::Path(ty)) => ty
            .path
            .segments
            .last()
            .filter(|last| last.arguments.is_none())
            .map_or_else(|| "_".to_owned(), |last| last.ident.to_string()),
        _ => "_".to_owned(),
    }
}

/// Whether an operator only tells how two values compare.
pub(crate) fn is_comparison(op: &syn::BinOp) -> bool {
    matches!(
        op,
        syn::BinOp::Eq(_)
            | syn::BinOp::Ne(_)
            | syn::BinOp::Lt(_)
            | syn::BinOp::Le(_)
            | syn::BinOp::Gt(_)
            | syn::BinOp::Ge(_)
    )
}

/// An expression without the methods that lead from a value to what is in it.
pub(crate) fn source(expr: &syn::Expr) -> &syn::Expr {
    const INTO: &[&str] = &[
        "as_deref",
        "as_slice",
        "borrow",
        "chars",
        "bytes",
        "cloned",
        "copied",
        "enumerate",
        "expect",
        "into_iter",
        "iter",
        "lock",
        "read",
        "rev",
        "unwrap",
        "values",
    ];
    match place(expr) {
        syn::Expr::MethodCall(call)
            if call.args.len() <= 1 && INTO.iter().any(|name| call.method == name) =>
        {
            source(&call.receiver)
        }
        syn::Expr::Try(inner) => source(&inner.expr),
        expr => expr,
    }
}

/// A path as text.
pub(crate) fn path_name(path: &syn::Path) -> String {
    let parts: Vec<String> = path.segments.iter().map(|part| part.ident.to_string()).collect();
    parts.join("::")
}

/// An expression in call position as text.
pub(crate) fn path_text(func: &syn::Expr) -> String {
    match place(func) {
        syn::Expr::Path(path) => format!("`{}`", path_name(&path.path)),
        _ => "a function that is a value".to_owned(),
    }
}

/// The identifiers, numbers and dots of a macro's tokens, in order, groups opened.
pub(crate) fn words(tokens: &TokenStream) -> Vec<String> {
    let mut words = Vec::new();
    let mut stack = vec![tokens.clone().into_iter()];
    while let Some(last) = stack.last_mut() {
        match last.next() {
            Some(TokenTree::Group(group)) => stack.push(group.stream().into_iter()),
            Some(token) => words.push(token.to_string()),
            None => {
                stack.pop();
            }
        }
    }
    words
}
