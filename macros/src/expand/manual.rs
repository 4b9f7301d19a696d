//! What a type whose `Checkpoint` is written by hand gets to write it with.

use proc_macro2::{Ident, Span, TokenStream};
use quote::format_ident;
use samestate_schema::record::Shape;

use super::{bounds, krate, restore, schema};
use crate::input::{Field, Input, Variant};

/// A type of the saved fields alone, so that code which names them all does not compile any more
/// when a field is added; for an enum also one of its variants' names.
///
/// Its parameters are the types of the fields, one for each: references when saving, values when
/// restoring. So nothing of the item's own parameters and bounds has to be repeated, and none of
/// them can be left unused.
///
/// An enum without variants has no values, so there is nothing to help with.
pub(super) fn expand(input: &Input) -> TokenStream {
    if input.variants.is_empty() {
        return TokenStream::new();
    }
    let fields_ident = format_ident!("{}Fields", input.ident);
    let definition = definition(input, &fields_ident);
    let variants = input.is_enum.then(|| variants(input));
    let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
    let ident = &input.ident;
    let saved_fields = saved_fields(input, &fields_ident);
    let from_restored = from_restored(input, &fields_ident);
    let schema = schema_of_fields(input);
    generated! {
        #definition

        #[allow(dead_code)]
        impl #impl_generics #ident #ty_generics #where_clause {
            #saved_fields
            #from_restored
            #schema
        }

        #variants
    }
}

fn saved(variant: &Variant) -> impl Iterator<Item = &Field> {
    variant.fields.iter().filter(|field| field.is_saved())
}

/// The parameter that stands for the type of each saved field.
fn params(input: &Input) -> impl Iterator<Item = Ident> {
    let count = input.variants.iter().flat_map(saved).count();
    (0..count).map(|number| format_ident!("F{number}", span = Span::mixed_site()))
}

fn definition(input: &Input, fields_ident: &Ident) -> TokenStream {
    let mut params_left = params(input);
    let mut shaped = |variant: &Variant| {
        let fields = saved(variant).zip(&mut params_left);
        match variant.shape {
            Shape::Named => {
                let fields = fields.map(|(field, param)| {
                    let member = &field.member;
                    generated!(#member: #param)
                });
                generated!({ #(#fields),* })
            }
            Shape::Tuple => {
                let fields = fields.map(|(_, param)| param);
                generated!((#(#fields),*))
            }
            Shape::Unit => TokenStream::new(),
        }
    };
    let doc = format!(
        "The saved fields of [`{}`]. Name them all when saving, and when restoring.",
        input.ident
    );
    let item = if input.is_enum {
        let variants = input.variants.iter().map(|variant| {
            let (ident, fields) = (&variant.ident, shaped(variant));
            generated!(#ident #fields)
        });
        let variants: Vec<_> = variants.collect();
        let params = params(input);
        generated!(enum #fields_ident<#(#params),*> { #(#variants),* })
    } else {
        let variants = input.variants.iter().map(|variant| {
            let fields = shaped(variant);
            let end = (variant.shape != Shape::Named).then(|| generated!(;));
            generated!(#fields #end)
        });
        let variants: Vec<_> = variants.collect();
        let params = params(input);
        generated!(struct #fields_ident<#(#params),*> #(#variants)*)
    };
    generated! {
        #[doc = #doc]
        #[allow(dead_code)]
        #item
    }
}

/// Builds, or takes apart, the saved fields of a variant, each in its variable.
fn in_locals(fields_ident: &Ident, variant: &Variant) -> TokenStream {
    let path = match &variant.ident {
        Some(ident) => generated!(#fields_ident::#ident),
        None => generated!(#fields_ident),
    };
    let locals = saved(variant).map(|field| &field.local);
    match variant.shape {
        Shape::Named => {
            let members = saved(variant).map(|field| &field.member);
            generated!(#path { #(#members: #locals),* })
        }
        Shape::Tuple => generated!(#path(#(#locals),*)),
        Shape::Unit => path,
    }
}

fn saved_fields(input: &Input, fields_ident: &Ident) -> TokenStream {
    let types = input.variants.iter().flat_map(saved).map(|field| &field.ty);
    let arms = input.variants.iter().map(|variant| {
        let path = match &variant.ident {
            Some(ident) => generated!(Self::#ident),
            None => generated!(Self),
        };
        let fields = variant.fields.iter().map(|field| {
            let (member, local) = (&field.member, &field.local);
            if field.is_saved() { generated!(#member: ref #local) } else { generated!(#member: _) }
        });
        let made = in_locals(fields_ident, variant);
        generated!(#path { #(#fields),* } => #made,)
    });
    generated! {
        /// The fields to save.
        fn saved_fields<'saver>(&'saver self) -> #fields_ident<#(&'saver #types),*> {
            match *self { #(#arms)* }
        }
    }
}

fn from_restored(input: &Input, fields_ident: &Ident) -> TokenStream {
    let krate = krate(input);
    let restorer = Ident::new("restorer", Span::mixed_site());
    let types = input.variants.iter().flat_map(saved).map(|field| &field.ty);
    let arms = input.variants.iter().map(|variant| {
        let fields = in_locals(fields_ident, variant);
        let rest = match restore::nothing_to_keep(input, variant, &restorer) {
            Some(error) => generated!(#krate::__private::Result::Err(#error)),
            None => restore::unsaved(&krate, input, variant, &restorer),
        };
        generated!(#fields => { #rest })
    });
    let where_clause = bounds::where_clause(input, |field| !field.is_saved());
    generated! {
        /// The whole value from the fields that were restored.
        fn from_restored(
            fields: #fields_ident<#(#types),*>,
            #restorer: &mut #krate::Restorer<'_>,
        ) -> #krate::__private::Result<Self, #krate::RestoreError>
        #where_clause
        {
            let _ = &#restorer;
            match fields { #(#arms)* }
        }
    }
}

fn schema_of_fields(input: &Input) -> TokenStream {
    let krate = krate(input);
    let mut where_clause = bounds::where_clause(input, Field::is_saved);
    if let Some(where_clause) = &mut where_clause {
        where_clause.predicates.push(syn::parse_quote!(Self: #krate::Checkpoint));
    }
    let schema = schema::builder(input);
    generated! {
        /// The description of all fields, if `save` writes the saved ones in their order.
        fn schema_of_fields(schema: &mut #krate::SchemaBuilder) -> #krate::TypeRef
        #where_clause
        {
            #schema
        }
    }
}

/// The names of an enum's variants, and what writes and reads which one a value is.
fn variants(input: &Input) -> TokenStream {
    let krate = krate(input);
    let ident = &input.ident;
    let variant_ident = format_ident!("{ident}Variant");
    let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
    let idents: Vec<_> = input.variants.iter().map(|variant| &variant.ident).collect();
    let count = idents.len();
    let numbers: Vec<_> = (0_u32..).take(count).collect();
    let doc = format!("Which variant of [`{ident}`].");
    generated! {
        #[doc = #doc]
        #[allow(dead_code)]
        enum #variant_ident { #(#idents),* }

        #[allow(dead_code)]
        impl #impl_generics #ident #ty_generics #where_clause {
            /// Saves which variant it is. The fields come after that.
            fn save_variant(&self, saver: &mut #krate::Saver<'_>) {
                let number: u32 = match *self { #(Self::#idents { .. } => #numbers),* };
                #krate::__private::save_variant(saver, number, #count);
            }

            /// Restores which variant it is.
            fn restore_variant(
                restorer: &mut #krate::Restorer<'_>,
            ) -> #krate::__private::Result<#variant_ident, #krate::RestoreError> {
                match #krate::__private::variant(restorer, #count)? {
                    #(#numbers => #krate::__private::Result::Ok(#variant_ident::#idents),)*
                    _ => #krate::__private::Result::Err(restorer.bad_value("variant")),
                }
            }
        }
    }
}
