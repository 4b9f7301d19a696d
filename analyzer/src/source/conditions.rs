//! `#[cfg(…)]` on code: whether it was compiled.
//!
//! With which features a program was built does not stand in the binary. But a field that is
//! there although its definition has a condition proves that condition; and where the manifest of
//! the program is near, cargo tells which features it resolves to.

use std::collections::BTreeMap;
use std::rc::Rc;

use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};

use super::features::Features;

/// What is known about conditions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// Conditions of which it is known whether they hold, by their text.
    pub(super) known: BTreeMap<String, bool>,
    /// The features of the program's crates, and which of those the code is in.
    pub(super) features: Option<(Rc<Features>, String)>,
}

impl Facts {
    /// What is known in all of a crate.
    pub(super) fn of_crate(features: &Rc<Features>, name: &str) -> Self {
        Self { known: BTreeMap::new(), features: Some((Rc::clone(features), name.to_owned())) }
    }
}

/// Whether a piece of code was compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Met {
    Yes,
    No,
    /// It hangs on this condition.
    Unknown(String),
}

/// The conditions among these attributes.
pub(super) fn among(attributes: &[syn::Attribute]) -> Vec<syn::Meta> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"))
        .filter_map(|attribute| attribute.parse_args().ok())
        .collect()
}

/// A condition as text, by which two of them are compared.
pub(super) fn text(condition: &syn::Meta) -> String {
    match condition {
        syn::Meta::Path(path) => super::code::path_name(path),
        syn::Meta::List(list) => {
            let inner: Vec<String> = parts(list).iter().map(text).collect();
            format!("{}({})", super::code::path_name(&list.path), inner.join(", "))
        }
        syn::Meta::NameValue(pair) => {
            let value = match &pair.value {
                syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => text.value(),
                _ => String::new(),
            };
            format!("{} = \"{value}\"", super::code::path_name(&pair.path))
        }
    }
}

fn parts(list: &syn::MetaList) -> Vec<syn::Meta> {
    let parse = Punctuated::<syn::Meta, syn::Token![,]>::parse_terminated;
    parse.parse2(list.tokens.clone()).map(|all| all.into_iter().collect()).unwrap_or_default()
}

/// Whether all of these conditions hold.
pub(super) fn all(conditions: &[syn::Meta], facts: &Facts) -> Met {
    let mut unknown = Vec::new();
    for condition in conditions {
        match holds(condition, facts) {
            Some(true) => {}
            Some(false) => return Met::No,
            None => unknown.push(text(condition)),
        }
    }
    match &unknown[..] {
        [] => Met::Yes,
        [only] => Met::Unknown(only.clone()),
        several => Met::Unknown(format!("all({})", several.join(", "))),
    }
}

fn holds(condition: &syn::Meta, facts: &Facts) -> Option<bool> {
    if let Some(&fact) = facts.known.get(&text(condition)) {
        return Some(fact);
    }
    match condition {
        // A program that is run for its state is no test, and an ELF file is no Windows program.
        syn::Meta::Path(path) if path.is_ident("test") || path.is_ident("windows") => Some(false),
        syn::Meta::Path(path) if path.is_ident("unix") => Some(true),
        syn::Meta::List(list) => {
            let inner: Vec<Option<bool>> =
                parts(list).iter().map(|part| holds(part, facts)).collect();
            if list.path.is_ident("not") {
                inner.first().copied().flatten().map(|holds| !holds)
            } else if list.path.is_ident("all") {
                decided(&inner, false)
            } else if list.path.is_ident("any") {
                decided(&inner, true)
            } else {
                None
            }
        }
        syn::Meta::NameValue(pair) if pair.path.is_ident("feature") => {
            let (features, crate_name) = facts.features.as_ref()?;
            let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(name), .. }) = &pair.value else {
                return None;
            };
            features.has(crate_name, &name.value())
        }
        syn::Meta::Path(_) | syn::Meta::NameValue(_) => None,
    }
}

/// `by` if one part is that; its opposite if all parts are the opposite.
fn decided(parts: &[Option<bool>], by: bool) -> Option<bool> {
    if parts.contains(&Some(by)) {
        Some(by)
    } else if parts.contains(&None) {
        None
    } else {
        Some(!by)
    }
}

/// The conditions on a statement as a whole, wherever the parser hung them; not those inside its
/// blocks.
pub(super) fn of_statement(statement: &syn::Stmt) -> Vec<syn::Meta> {
    struct Finder(Vec<syn::Meta>);
    impl<'ast> Visit<'ast> for Finder {
        fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
            self.0.extend(among(std::slice::from_ref(attribute)));
        }
        fn visit_block(&mut self, _: &'ast syn::Block) {}
        fn visit_arm(&mut self, _: &'ast syn::Arm) {}
        fn visit_item(&mut self, _: &'ast syn::Item) {}
        fn visit_field_value(&mut self, _: &'ast syn::FieldValue) {}
        // A field that is taken apart is there: the debug information says so.
        fn visit_pat(&mut self, _: &'ast syn::Pat) {}
    }
    let mut finder = Finder(Vec::new());
    visit::visit_stmt(&mut finder, statement);
    finder.0
}

/// The condition in `if cfg!(…)`.
pub(super) fn of_branch(condition: &syn::Expr) -> Option<syn::Meta> {
    match super::code::place(condition) {
        syn::Expr::Macro(item) if item.mac.path.is_ident("cfg") => item.mac.parse_body().ok(),
        _ => None,
    }
}

/// `not(…)` of a condition.
pub(super) fn opposite(condition: &syn::Meta) -> syn::Meta {
    let tokens = quote::ToTokens::to_token_stream(condition);
    syn::Meta::List(syn::MetaList {
        path: syn::Ident::new("not", proc_macro2::Span::call_site()).into(),
        delimiter: syn::MacroDelimiter::Paren(syn::token::Paren::default()),
        tokens,
    })
}

/// `not(…)` of the text of a condition, or what is inside of its `not(…)`.
pub(super) fn opposite_text(condition: &str) -> String {
    let inside = condition.strip_prefix("not(").and_then(|rest| rest.strip_suffix(')'));
    // `not(a), not(b)` does not occur: several conditions are one `all(…)`.
    inside.map_or_else(|| format!("not({condition})"), str::to_owned)
}

/// Whether these conditions leave no way out: one of them is the opposite of another.
pub(super) fn are_exhaustive<'a>(mut conditions: impl Iterator<Item = &'a String> + Clone) -> bool {
    let all = conditions.clone();
    conditions.any(|condition| {
        let opposite = format!("not({condition})");
        all.clone().any(|other| *other == opposite)
    })
}
