//! What the types of the fields must be able to do, where that depends on parameters.

use std::collections::BTreeSet;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Generics, Path, Token, Type, WhereClause, WherePredicate, parse_quote};

use super::krate;
use crate::attr::With;
use crate::input::{Field, FieldTreatment, Input};
use crate::recognized::explained_by;

/// The item's generics with a bound for the type of each field that mentions a parameter.
pub(super) fn generics(input: &Input) -> Generics {
    let mut generics = input.generics.clone();
    if let Some(bounds) = where_clause(input, |_| true) {
        generics.make_where_clause().predicates.extend(bounds.predicates);
    }
    generics
}

/// What the types of some of the fields must be able to do; nothing if there are no parameters.
pub(super) fn where_clause(input: &Input, of: impl Fn(&Field) -> bool) -> Option<WhereClause> {
    let params: BTreeSet<Ident> =
        input.generics.type_params().map(|param| param.ident.clone()).collect();
    let krate = krate(input);
    let mut bounds: Punctuated<WherePredicate, Token![,]> =
        params.iter().map(|param| -> WherePredicate { parse_quote!(#param: 'static) }).collect();
    let fields = input.variants.iter().flat_map(|variant| &variant.fields);
    for field in fields.filter(|field| of(field)) {
        let able: TokenStream = match field.treatment {
            FieldTreatment::Saved { with: With::Type, .. } => match explained_by(&field.ty) {
                Some(family) => {
                    let family = Ident::new(family, Span::mixed_site());
                    quote!(#krate::__private::#family)
                }
                None => quote!(#krate::Checkpoint),
            },
            FieldTreatment::Saved { with: With::Serde { .. }, .. } => {
                quote!(#krate::__private::Serde)
            }
            FieldTreatment::Default => quote!(::core::default::Default),
            FieldTreatment::Saved { with: With::Module(_), .. }
            | FieldTreatment::Keep
            | FieldTreatment::Value(_)
            | FieldTreatment::Rebuild { .. }
            | FieldTreatment::External(_) => continue,
        };
        let mut mentions = Mentions { input, params: &params, found: BTreeSet::new(), own: false };
        mentions.visit_type(&field.ty);
        if mentions.own {
            // A bound on a type that contains this one would ask for itself without end.
            let found = mentions.found.iter();
            bounds.extend(found.map(|param| -> WherePredicate { parse_quote!(#param: #able) }));
        } else if !mentions.found.is_empty() {
            let ty: &Type = &field.ty;
            bounds.push(parse_quote!(#ty: #able));
        }
    }
    (!bounds.is_empty())
        .then(|| WhereClause { where_token: Token![where](Span::mixed_site()), predicates: bounds })
}

struct Mentions<'a> {
    input: &'a Input,
    params: &'a BTreeSet<Ident>,
    found: BTreeSet<Ident>,
    /// Whether the type mentions the item itself.
    own: bool,
}

impl<'ast> Visit<'ast> for Mentions<'_> {
    fn visit_path(&mut self, path: &'ast Path) {
        if let Some(first) = path.segments.first() {
            if self.params.contains(&first.ident) {
                self.found.insert(first.ident.clone());
            }
            self.own |= first.ident == "Self";
        }
        self.own |= path.segments.last().is_some_and(|last| last.ident == self.input.ident);
        visit::visit_path(self, path);
    }
}
