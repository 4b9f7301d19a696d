//! What readers of functions share: how expressions name things.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// The method by which the derive hands out the saved fields of a `manual` type.
pub(super) const SAVED_FIELDS: &str = "saved_fields";

/// What the name of the type of those fields ends in.
pub(super) const FIELDS_SUFFIX: &str = "Fields";

/// Whether the derive makes a function of this name for a `manual` type.
pub(super) fn is_generated_for_manual(path: &syn::Path) -> bool {
    let last = path.segments.last();
    last.is_some_and(|last| last.ident == "from_restored" || last.ident == "restore_variant")
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

/// The method call in a block by which a deserializer is handed a visitor.
pub(crate) fn visitor_call(block: &syn::Block) -> Option<String> {
    #[derive(Default)]
    struct Finder(Option<String>);
    impl<'ast> Visit<'ast> for Finder {
        fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
            let name = call.method.to_string();
            if name.starts_with("deserialize_") && !call.args.is_empty() {
                self.0.get_or_insert(name);
            }
            visit::visit_expr_method_call(self, call);
        }
    }
    let mut finder = Finder::default();
    finder.visit_block(block);
    finder.0
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

/// Collects the names that an expression mentions, macros' tokens included.
#[derive(Default)]
pub(crate) struct Idents(pub(crate) BTreeSet<String>);

impl Idents {
    /// Those of this expression.
    pub(crate) fn expr(&mut self, expr: &syn::Expr) {
        self.visit_expr(expr);
    }
}

impl<'ast> Visit<'ast> for Idents {
    fn visit_ident(&mut self, ident: &'ast syn::Ident) {
        self.0.insert(ident.to_string());
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.0.extend(words(&item.tokens));
    }
}
