//! What a type whose `Checkpoint` is written by hand gets to write it with.

use proc_macro2::{Ident, Span, TokenStream};
use quote::format_ident;
use syn::Member;

use super::{krate, restore, schema};
use crate::input::{Field, Input, Variant};

/// For a struct without parameters: its saved fields as structs, borrowed and owned, so that code
/// which names them all does not compile any more when a field is added.
pub(super) fn expand(input: &Input) -> TokenStream {
    let (Some(variant), true, false) =
        (input.variants.first(), input.generics.params.is_empty(), input.is_enum)
    else {
        return TokenStream::new();
    };
    let krate = krate(input);
    let ident = &input.ident;
    let saved: Vec<&Field> = variant.fields.iter().filter(|field| field.is_saved()).collect();
    let names: Vec<Ident> = saved.iter().map(|field| name(field)).collect();
    let types: Vec<_> = saved.iter().map(|field| &field.ty).collect();
    let locals: Vec<_> = saved.iter().map(|field| &field.local).collect();
    let members: Vec<_> = saved.iter().map(|field| &field.member).collect();
    let others: Vec<_> = others(variant);
    let saved_ident = format_ident!("{ident}Saved");
    let restored_ident = format_ident!("{ident}Restored");
    let restorer = Ident::new("restorer", Span::mixed_site());
    let rest = match restore::nothing_to_keep(input, variant, &restorer) {
        Some(error) => generated!(#krate::__private::Result::Err(#error)),
        None => restore::unsaved(&krate, input, variant, &restorer),
    };
    let schema = schema::builder(input);
    let saved_doc = format!("The saved fields of [`{ident}`]. Name them all when saving.");
    let restored_doc = format!("The saved fields of [`{ident}`]. Name them all when restoring.");
    generated! {
        #[doc = #saved_doc]
        #[allow(dead_code)]
        struct #saved_ident<'s> { #(#names: &'s #types),* }

        #[doc = #restored_doc]
        #[allow(dead_code)]
        struct #restored_ident { #(#names: #types),* }

        #[allow(dead_code)]
        impl #ident {
            /// The fields to save.
            fn saved_fields(&self) -> #saved_ident<'_> {
                let Self { #(#members: #locals,)* #(#others: _),* } = self;
                #saved_ident { #(#names: #locals),* }
            }

            /// The whole value from the fields that were restored.
            fn from_restored(
                fields: #restored_ident,
                #restorer: &mut #krate::Restorer<'_>,
            ) -> #krate::__private::Result<Self, #krate::RestoreError> {
                let _ = &#restorer;
                let #restored_ident { #(#names: #locals),* } = fields;
                #rest
            }

            /// The description of all fields, if `save` writes the saved ones in their order.
            fn schema_of_fields(schema: &mut #krate::SchemaBuilder) -> #krate::TypeRef {
                #schema
            }
        }
    }
}

fn name(field: &Field) -> Ident {
    match &field.member {
        Member::Named(ident) => ident.clone(),
        Member::Unnamed(index) => format_ident!("field{}", index.index),
    }
}

fn others(variant: &Variant) -> Vec<&Member> {
    let others = variant.fields.iter().filter(|field| !field.is_saved());
    others.map(|field| &field.member).collect()
}
