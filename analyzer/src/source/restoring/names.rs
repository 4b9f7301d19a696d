//! Which names from the image a value is made of.
//!
//! A name is that of a binding, with the parts that are taken of it: `state.serial.scratch`, or
//! `state.scratch()`; what a call makes of it is `state.*`. So it can be told whether two fields
//! are made of the same thing.

use std::collections::BTreeSet;

use syn::visit::{self, Visit};

use super::RestoreReader;
use crate::source::{code, file};

/// Methods that give what they are called on, as a whole.
const SAME: &[&str] = &[
    "as_bytes",
    "as_mut",
    "as_ref",
    "as_slice",
    "borrow",
    "borrow_mut",
    "clone",
    "cloned",
    "copied",
    "expect",
    "into",
    "into_iter",
    "iter",
    "to_owned",
    "to_vec",
    "try_into",
    "unwrap",
];

/// The binding that a name starts with.
pub(super) fn base(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// What stands behind a name for whatever code makes of it that was not read.
const SOMETHING: &str = ".*";

/// Whether a value with this name is made of what is known by these.
pub(crate) fn is_made_of(name: &str, known: &BTreeSet<&String>) -> bool {
    let is_in = |outer: &str, inner: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    // Something of a whole is no part of its own that could have been forgotten.
    let whole = name.strip_suffix(SOMETHING).unwrap_or(name);
    known.iter().any(|known| is_in(known, name) || is_in(whole, known))
}

/// Collects the names in an expression, macros' tokens included.
struct Mentioned {
    names: BTreeSet<String>,
    /// Whether a call is around what is being read.
    is_called: bool,
}

impl Mentioned {
    fn called(&mut self, read: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.is_called, true);
        read(self);
        self.is_called = before;
    }
}

impl<'ast> Visit<'ast> for Mentioned {
    fn visit_expr(&mut self, expr: &'ast syn::Expr) {
        match chain(expr) {
            Some(name) => {
                self.names.insert(if self.is_called { name + SOMETHING } else { name });
            }
            None => visit::visit_expr(self, expr),
        }
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        self.called(|names| visit::visit_expr_call(names, call));
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.called(|names| visit::visit_expr_method_call(names, call));
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.names.extend(code::words(&item.tokens));
    }
}

/// `name.part.part()`, if the expression is nothing else.
fn chain(expr: &syn::Expr) -> Option<String> {
    match expr {
        syn::Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
        syn::Expr::Field(field) => {
            let base = chain(&field.base)?;
            Some(format!("{base}.{}", code::member_name(&field.member)))
        }
        syn::Expr::MethodCall(call) if call.args.is_empty() => {
            let base = chain(&call.receiver)?;
            let name = file::plain(&call.method);
            Some(if SAME.contains(&&*name) { base } else { format!("{base}.{name}()") })
        }
        syn::Expr::Paren(inner) => chain(&inner.expr),
        syn::Expr::Group(inner) => chain(&inner.expr),
        syn::Expr::Reference(inner) => chain(&inner.expr),
        syn::Expr::Try(inner) => chain(&inner.expr),
        syn::Expr::Unary(syn::ExprUnary { op: syn::UnOp::Deref(_), expr, .. }) => chain(expr),
        _ => None,
    }
}

/// The names that the value of an expression is made of.
fn names_of(expr: &syn::Expr) -> BTreeSet<String> {
    // What a block does on the way is not what it gives.
    if let syn::Expr::Block(syn::ExprBlock { block, label: None, .. })
    | syn::Expr::Unsafe(syn::ExprUnsafe { block, .. }) = expr
        && let [.., syn::Stmt::Expr(last, None)] = &block.stmts[..]
    {
        return names_of(last);
    }
    let mut names = Mentioned { names: BTreeSet::new(), is_called: false };
    names.visit_expr(expr);
    names.names
}

impl RestoreReader<'_, '_> {
    /// The names from the image that an expression is made of; `None` if there are none.
    pub(super) fn taint(&self, expr: &syn::Expr) -> Option<BTreeSet<String>> {
        let all = names_of(expr).into_iter();
        let mut names = BTreeSet::new();
        for name in all.filter(|name| self.tainted.contains(base(name))) {
            let base = base(&name);
            let rest = &name[base.len()..];
            match self.origins.get(base) {
                Some(origins) => {
                    names.extend(origins.iter().map(|origin| format!("{origin}{rest}")));
                }
                None => {
                    names.insert(name);
                }
            }
        }
        (!names.is_empty()).then_some(names)
    }

    pub(super) fn is_tainted(&self, expr: &syn::Expr) -> bool {
        self.taint(expr).is_some()
    }

    /// Whether a value of these names is read from the image where it stands.
    pub(super) fn is_read(&self, names: &BTreeSet<String>) -> bool {
        names.iter().any(|name| self.restorers.contains(base(name)))
    }

    /// Gives a name to what is made of these.
    pub(super) fn remember(&mut self, pattern: &syn::Pat, from: BTreeSet<String>) {
        let syn::Pat::Ident(item) = pattern else { return };
        let name = file::plain(&item.ident);
        if item.mutability.is_some() || self.is_read(&from) {
            self.origins.remove(&name);
        } else {
            self.origins.insert(name, from);
        }
    }
}
