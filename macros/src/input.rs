//! The item as the derive sees it: read from the tokens once, then only looked at.

use std::collections::BTreeSet;

use proc_macro2::{Ident, Span, TokenStream};
use samestate_schema::record::Shape;
use syn::ext::IdentExt as _;
use syn::{Data, DeriveInput, Expr, ExprPath, Fields, Generics, LitStr, Member, Type};

use crate::attr::{self, FieldAttrs, FieldHistory, TypeAttrs, VariantAttrs, With};
use crate::ctxt::Ctxt;
use crate::expand::path_of_crate;
use crate::recognized::{self, Asked};

pub(crate) struct Input {
    pub(crate) ident: Ident,
    pub(crate) generics: Generics,
    pub(crate) attrs: TypeAttrs,
    pub(crate) is_enum: bool,
    /// Exactly one for a struct.
    pub(crate) variants: Vec<Variant>,
}

pub(crate) struct Variant {
    /// `None` for a struct.
    pub(crate) ident: Option<Ident>,
    pub(crate) shape: Shape,
    pub(crate) fields: Vec<Field>,
    pub(crate) attrs: VariantAttrs,
}

pub(crate) struct Field {
    pub(crate) member: Member,
    /// As records and images call it.
    pub(crate) name: String,
    /// The variable that holds it in generated code.
    pub(crate) local: Ident,
    pub(crate) ty: Type,
    pub(crate) asked: Asked,
    pub(crate) treatment: FieldTreatment,
    pub(crate) reason: Option<LitStr>,
    pub(crate) history: FieldHistory,
    /// Where its definition starts.
    pub(crate) span: Span,
}

pub(crate) enum FieldTreatment {
    Saved {
        with: With,
        /// Whether it is no part of what makes states equal.
        volatile: bool,
    },
    Default,
    Keep,
    Value(Expr),
    Rebuild {
        function: ExprPath,
        needs: Vec<Member>,
    },
    External(LitStr),
}

impl Field {
    pub(crate) const fn is_saved(&self) -> bool {
        matches!(self.treatment, FieldTreatment::Saved { .. })
    }

    /// Whether the `Checkpoint` of its type saves it.
    pub(crate) const fn is_checkpoint(&self) -> bool {
        matches!(self.treatment, FieldTreatment::Saved { with: With::Type, .. })
    }

    pub(crate) const fn is_volatile(&self) -> bool {
        matches!(self.treatment, FieldTreatment::Saved { volatile: true, .. })
    }
}

impl Input {
    pub(crate) fn new(ctxt: &Ctxt, item: DeriveInput) -> Self {
        let attrs = attr::of_type(ctxt, &item.attrs);
        let krate = &path_of_crate(&attrs);
        let params = &item.generics.type_params().map(|param| param.ident.clone()).collect();
        let (is_enum, variants) = match item.data {
            Data::Struct(data) => (
                false,
                vec![variant(ctxt, krate, params, None, data.fields, VariantAttrs::default())],
            ),
            Data::Enum(data) => {
                let variants = data.variants.into_iter().map(|v| {
                    let attrs = attr::of_variant(ctxt, &v.attrs);
                    variant(ctxt, krate, params, Some(v.ident), v.fields, attrs)
                });
                (true, variants.collect())
            }
            Data::Union(data) => {
                ctxt.error(
                    data.union_token,
                    "a union cannot be saved, because nothing says which field is valid; \
                     use an enum, or write `impl Checkpoint` by hand",
                );
                (false, Vec::new())
            }
        };
        let (ident, generics) = (item.ident, item.generics);
        Self { ident, generics, attrs, is_enum, variants }
    }
}

fn variant(
    ctxt: &Ctxt,
    krate: &TokenStream,
    params: &BTreeSet<Ident>,
    ident: Option<Ident>,
    fields: Fields,
    attrs: VariantAttrs,
) -> Variant {
    let shape = match &fields {
        Fields::Named(_) => Shape::Named,
        Fields::Unnamed(_) => Shape::Tuple,
        Fields::Unit => Shape::Unit,
    };
    let fields = fields.into_iter().enumerate().map(|(index, field)| {
        let FieldAttrs { treatment, reason, history } = attr::of_field(ctxt, &field);
        let (member, name, span) = match field.ident {
            Some(ident) => {
                let (name, span) = (ident.unraw().to_string(), ident.span());
                (Member::Named(ident), name, span)
            }
            None => {
                let span = syn::spanned::Spanned::span(&field.ty);
                (Member::from(index), index.to_string(), span)
            }
        };
        let local = Ident::new(&format!("field_{name}"), Span::mixed_site());
        let asked = recognized::field(krate, params, &field.ty);
        Field { member, name, local, asked, ty: field.ty, treatment, reason, history, span }
    });
    Variant { ident, shape, fields: fields.collect(), attrs }
}
