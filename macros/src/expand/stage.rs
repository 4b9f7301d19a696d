//! `fn stage`: restoring in place. Everything is decoded first; the assignment after it cannot fail.

use std::collections::BTreeSet;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote_spanned};
use syn::spanned::Spanned as _;

use super::{field, hooks, krate, restore};
use crate::check::{needed, rebuild_order};
use crate::input::{Field, FieldTreatment, Input, Variant};
use crate::recognized::Asked;

/// Nothing if there is no field to go down to: then a whole value takes the place of the other.
pub(super) fn expand(input: &Input) -> TokenStream {
    let hooked = hooks::on_restore(input);
    let restorer = Ident::new("restorer", Span::mixed_site());
    if input.attrs.hooks.after_restore.is_some() {
        return function(
            input,
            &restorer,
            &generated!(true),
            &hooks::stage_whole(input, &restorer),
        );
    }
    if !hooked && input.variants.iter().all(|variant| !variant.fields.iter().any(goes_down)) {
        return TokenStream::new();
    }
    let krate = krate(input);
    let fields = || input.variants.iter().flat_map(|variant| &variant.fields);
    let kept = hooked
        || fields()
            .any(|f| matches!(f.treatment, FieldTreatment::Keep | FieldTreatment::External(_)));
    let parts = fields().filter(|field| field.is_checkpoint()).map(|field| {
        let Asked { ty, through } = &field.asked;
        generated!(|| <#ty as #through>::MAY_KEEP)
    });
    let parts: Vec<_> = if kept { Vec::new() } else { parts.collect() };
    let may_keep = (!kept).then(|| {
        generated! {
            if !<Self as #krate::Checkpoint>::MAY_KEEP {
                return #krate::Assignment::whole(#restorer);
            }
        }
    });
    let body = if input.is_enum {
        let count = input.variants.len();
        let arms = (0_u32..).zip(&input.variants).filter(|(_, v)| v.fields.iter().any(goes_down));
        let arms = arms.map(|(number, variant)| {
            let ident = &variant.ident;
            let pattern = pattern(variant);
            let staged = staged(&krate, input, variant, &restorer);
            let whole = (input.variants.len() > 1).then(|| generated!(_ => {}));
            let assign = assign_variant(&krate, variant);
            generated! {
                Self::#ident #pattern
                    if #krate::__private::variant_is(#restorer, #count, #number)? =>
                {
                    #staged
                    #krate::__private::Result::Ok(#krate::Assignment::new(move |this: &mut Self| {
                        match *this {
                            Self::#ident #assign
                            #whole
                        }
                    }))
                }
            }
        });
        // The functions around it are called already.
        let whole = if hooked {
            let body = restore::body(input, &restorer);
            generated! {{
                let restored: #krate::__private::Result<Self, #krate::RestoreError> = { #body };
                let value = restored?;
                #krate::__private::Result::Ok(#krate::Assignment::new(move |this: &mut Self| {
                    *this = value;
                }))
            }}
        } else {
            generated!(#krate::Assignment::whole(#restorer))
        };
        generated! {
            match *self {
                #(#arms)*
                _ => #whole,
            }
        }
    } else {
        let variants = input.variants.iter().map(|variant| {
            let pattern = pattern(variant);
            let staged = staged(&krate, input, variant, &restorer);
            let assign = assign_struct(&krate, variant);
            generated! {
                let Self #pattern = *self;
                #staged
                #krate::__private::Result::Ok(#krate::Assignment::new(move |this: &mut Self| {
                    #assign
                }))
            }
        });
        generated!(#(#variants)*)
    };
    let body = if hooked {
        let running = generated!(#krate::__private::Option::Some(self));
        hooks::restore(input, &restorer, &running, &body)
    } else {
        generated!(#may_keep #body)
    };
    function(input, &restorer, &generated!(#kept #(#parts)*), &body)
}

fn function(
    input: &Input,
    restorer: &Ident,
    may_keep: &TokenStream,
    body: &TokenStream,
) -> TokenStream {
    let krate = krate(input);
    generated! {
        const MAY_KEEP: bool = #may_keep;

        fn stage(
            &self,
            #restorer: &mut #krate::Restorer<'_>,
        ) -> #krate::__private::Result<#krate::Assignment<Self>, #krate::RestoreError> {
            #body
        }
    }
}

/// Whether something of the running value may stay.
fn goes_down(field: &Field) -> bool {
    match field.treatment {
        FieldTreatment::Saved { .. } => field.is_checkpoint(),
        FieldTreatment::Keep | FieldTreatment::External(_) => true,
        FieldTreatment::Default | FieldTreatment::Value(_) | FieldTreatment::Rebuild { .. } => {
            false
        }
    }
}

fn running(field: &Field) -> Ident {
    let name = format_ident!("running_{}", field.name);
    Ident::new(&name.to_string(), Span::mixed_site())
}

/// The fields that others are rebuilt from, whose new values must be known before the assignment,
/// and those that their types do not save themselves.
fn known_before(variant: &Variant) -> BTreeSet<usize> {
    let others = |(index, field): (usize, &Field)| {
        (field.is_saved() && !field.is_checkpoint()).then_some(index)
    };
    let others = variant.fields.iter().enumerate().filter_map(others);
    variant.fields.iter().flat_map(|field| needed(variant, field)).chain(others).collect()
}

fn pattern(variant: &Variant) -> TokenStream {
    let known = known_before(variant);
    let fields = variant.fields.iter().enumerate().map(|(index, field)| {
        let (member, running) = (&field.member, running(field));
        let known = known.contains(&index);
        match field.treatment {
            FieldTreatment::Saved { .. } if field.is_checkpoint() => {
                generated!(#member: ref #running)
            }
            FieldTreatment::Keep | FieldTreatment::External(_) if known => {
                generated!(#member: ref #running)
            }
            _ => generated!(#member: _),
        }
    });
    generated!({ #(#fields),* })
}

/// Decodes everything into variables.
fn staged(krate: &TokenStream, input: &Input, variant: &Variant, restorer: &Ident) -> TokenStream {
    let known = known_before(variant);
    let mut saved = Vec::new();
    let mut then = Vec::new();
    for (index, field) in variant.fields.iter().enumerate() {
        let (local, ty, running) = (&field.local, &field.ty, running(field));
        let at = Span::mixed_site().located_at(field.ty.span());
        match &field.treatment {
            FieldTreatment::Saved { .. } => {
                let value = if !field.is_checkpoint() {
                    field::restore(krate, field, restorer)
                } else if known.contains(&index) {
                    field::restore_for(krate, field, &running, restorer)
                } else {
                    field::stage(field, &running, restorer)
                };
                saved.push(generated!(let #local = #value;));
            }
            FieldTreatment::Default => then.push(quote_spanned! {at=>
                let #local = <#ty as ::core::default::Default>::default();
            }),
            FieldTreatment::Value(value) => then.push(quote_spanned! {at=>
                let #local: #ty = #value;
            }),
            FieldTreatment::External(name) => then.push(quote_spanned! {at=>
                let #local = #restorer.external_if_given::<#ty>(#name)?;
            }),
            FieldTreatment::Keep | FieldTreatment::Rebuild { .. } => {}
        }
    }
    for index in rebuild_order(variant).unwrap_or_default() {
        let field = &variant.fields[index];
        then.push(restore::rebuild(krate, input, variant, field, restorer, |need, at| {
            reference(krate, need, at)
        }));
    }
    generated!(#(#saved)* #(#then)*)
}

/// The new value of a field that another one needs.
fn reference(krate: &TokenStream, field: &Field, at: Span) -> TokenStream {
    let (local, running) = (&field.local, running(field));
    match field.treatment {
        FieldTreatment::Keep => quote_spanned!(at=> #running),
        FieldTreatment::External(_) => quote_spanned! {at=>
            match #local {
                #krate::__private::Option::Some(ref given) => given,
                #krate::__private::Option::None => #running,
            }
        },
        _ => quote_spanned!(at=> &#local),
    }
}

/// The arm of a variant that assigns the variables to the fields.
fn assign_variant(krate: &TokenStream, variant: &Variant) -> TokenStream {
    let known = known_before(variant);
    let (mut pattern, mut assigns) = (Vec::new(), Vec::new());
    for (index, field) in variant.fields.iter().enumerate() {
        let (member, running) = (&field.member, running(field));
        match field.treatment {
            FieldTreatment::Keep => pattern.push(generated!(#member: _)),
            _ => {
                pattern.push(generated!(#member: ref mut #running));
                let known = known.contains(&index);
                assigns.push(assign(krate, field, known, &generated!(*#running)));
            }
        }
    }
    generated!({ #(#pattern),* } => { #(#assigns)* })
}

/// Assigns the variables to the fields of a struct.
fn assign_struct(krate: &TokenStream, variant: &Variant) -> TokenStream {
    let known = known_before(variant);
    let assigns = variant.fields.iter().enumerate().map(|(index, field)| {
        let member = &field.member;
        assign(krate, field, known.contains(&index), &generated!(this.#member))
    });
    generated!(#(#assigns)*)
}

fn assign(krate: &TokenStream, field: &Field, known: bool, place: &TokenStream) -> TokenStream {
    let local = &field.local;
    match field.treatment {
        FieldTreatment::Keep => TokenStream::new(),
        FieldTreatment::Saved { .. } if !known => generated!(#local.apply(&mut #place);),
        FieldTreatment::External(_) => generated! {
            if let #krate::__private::Option::Some(given) = #local {
                #place = given;
            }
        },
        _ => generated!(#place = #local;),
    }
}
