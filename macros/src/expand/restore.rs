use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::spanned::Spanned as _;

use super::{field, fixed, hooks, krate};
use crate::check::{needed, rebuild_order};
use crate::input::{Field, FieldTreatment, Input, Variant};

/// `fn restore`: what is saved comes first, then what is given, then what is computed from it.
pub(super) fn expand(input: &Input) -> TokenStream {
    let krate = krate(input);
    let restorer = Ident::new("restorer", Span::mixed_site());
    let body = body(input, &restorer);
    if hooks::on_restore(input) {
        return hooks::functions(input, &restorer, &body);
    }
    // What is not a value is read again, number by number, so that the error tells which.
    let fixed = fixed::possible(input).then(|| {
        generated! {
            if let #krate::__private::Option::Some(value) =
                #krate::__private::restore_fixed::<Self>(#restorer)
            {
                return #krate::__private::Result::Ok(value);
            }
        }
    });
    generated! {
        fn restore(
            #restorer: &mut #krate::Restorer<'_>,
        ) -> #krate::__private::Result<Self, #krate::RestoreError> {
            let _ = &#restorer;
            #fixed
            #body
        }
    }
}

/// Reads a whole value, without calling the functions around it.
pub(super) fn body(input: &Input, restorer: &Ident) -> TokenStream {
    let krate = krate(input);
    if !input.is_enum {
        let variants = input.variants.iter();
        let values = variants.map(|variant| value(&krate, input, variant, restorer));
        return generated!(#(#values)*);
    }
    let count = input.variants.len();
    let last = count.saturating_sub(1);
    let arms = input.variants.iter().enumerate().map(|(number, variant)| {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let value = value(&krate, input, variant, restorer);
        // The number was checked to be one of the variants'.
        let number = if number as usize == last { generated!(_) } else { generated!(#number) };
        generated!(#number => { #value })
    });
    let none = (count == 0)
        .then(|| generated!(_ => #krate::__private::Result::Err(#restorer.bad_value("variant"))));
    generated! {
        match #krate::__private::variant(#restorer, #count)? { #(#arms)* #none }
    }
}

fn value(krate: &TokenStream, input: &Input, variant: &Variant, restorer: &Ident) -> TokenStream {
    if let Some(error) = nothing_to_keep(input, variant, restorer) {
        return generated!(#krate::__private::Result::Err(#error));
    }
    let saved = variant.fields.iter().filter(|field| field.is_saved());
    let restores = saved.map(|field| {
        let local = &field.local;
        let restored = field::restore(krate, field, restorer);
        generated!(let #local = #restored;)
    });
    let rest = unsaved(krate, input, variant, restorer);
    generated!(#(#restores)* #rest)
}

/// The error of building a value some field of which is kept from a running one.
pub(super) fn nothing_to_keep(
    input: &Input,
    variant: &Variant,
    restorer: &Ident,
) -> Option<TokenStream> {
    let kept = variant.fields.iter().find(|f| matches!(f.treatment, FieldTreatment::Keep))?;
    let name = qualified(input, variant, kept);
    Some(generated!(#restorer.nothing_to_keep(#name)))
}

/// As messages call the field.
pub(super) fn qualified(input: &Input, variant: &Variant, field: &Field) -> String {
    match &variant.ident {
        Some(ident) => format!("{}::{}.{}", input.ident, ident, field.name),
        None => format!("{}.{}", input.ident, field.name),
    }
}

/// What comes when the saved fields are in their variables: the other fields, and the value.
pub(super) fn unsaved(
    krate: &TokenStream,
    input: &Input,
    variant: &Variant,
    restorer: &Ident,
) -> TokenStream {
    let mut then = Vec::new();
    for field in &variant.fields {
        let (local, ty) = (&field.local, &field.ty);
        let at = Span::mixed_site().located_at(field.ty.span());
        match &field.treatment {
            FieldTreatment::Default => then.push(quote_spanned! {at=>
                let #local = <#ty as ::core::default::Default>::default();
            }),
            FieldTreatment::Value(value) => then.push(quote_spanned! {at=>
                let #local: #ty = #value;
            }),
            FieldTreatment::External(name) => then.push(quote_spanned! {at=>
                let #local = #restorer.external::<#ty>(#name)?;
            }),
            FieldTreatment::Saved { .. }
            | FieldTreatment::Keep
            | FieldTreatment::Rebuild { .. } => {}
        }
    }
    // The order exists: a cycle is a mistake, and with one nothing is quoted here.
    for index in rebuild_order(variant).unwrap_or_default() {
        let field = &variant.fields[index];
        then.push(rebuild(krate, input, variant, field, restorer, |need, at| {
            let local = &need.local;
            quote_spanned!(at=> &#local)
        }));
    }
    let constructor = match &variant.ident {
        Some(ident) => generated!(Self::#ident),
        None => generated!(Self),
    };
    let inits = variant.fields.iter().map(|field| {
        let (member, local) = (&field.member, &field.local);
        generated!(#member: #local)
    });
    generated! {
        #(#then)*
        #krate::__private::Result::Ok(#constructor { #(#inits),* })
    }
}

/// Computes a field from references to what it needs; `reference` makes one of them.
pub(super) fn rebuild(
    krate: &TokenStream,
    input: &Input,
    variant: &Variant,
    field: &Field,
    restorer: &Ident,
    reference: impl Fn(&Field, Span) -> TokenStream,
) -> TokenStream {
    let FieldTreatment::Rebuild { function, .. } = &field.treatment else {
        return TokenStream::new();
    };
    let (local, ty) = (&field.local, &field.ty);
    let name = qualified(input, variant, field);
    let at = Span::mixed_site().located_at(function.span());
    let needs = needed(variant, field).into_iter();
    let needs = needs.map(|index| reference(&variant.fields[index], at));
    quote_spanned! {at=>
        let #local: #ty =
            #krate::__private::rebuilt(#restorer, #name, #function(#(#needs),*))?;
    }
}
