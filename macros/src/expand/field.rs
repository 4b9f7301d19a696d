//! How one saved field goes out and comes back: by its type, by a module, or by serde.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::spanned::Spanned as _;

use crate::attr::With;
use crate::input::{Field, FieldTreatment};
use crate::recognized::Asked;

/// The functions that a saved field goes through.
struct Functions {
    at: Span,
    save: TokenStream,
    restore: TokenStream,
    schema: TokenStream,
}

fn functions(krate: &TokenStream, field: &Field) -> Functions {
    let ty = &field.ty;
    let Asked { ty: asked, through } = &field.asked;
    let at = Span::mixed_site().located_at(ty.span());
    match &field.treatment {
        FieldTreatment::Saved { with: With::Module(module), .. } => {
            let at = Span::mixed_site().located_at(module.span());
            Functions {
                at,
                save: quote_spanned!(at=> #module::save),
                restore: quote_spanned!(at=> #module::restore),
                schema: quote_spanned!(at=> #module::schema),
            }
        }
        FieldTreatment::Saved { with: With::Serde { ordered }, .. } => Functions {
            at,
            save: quote_spanned!(at=> #krate::__private::serde_save::<#ty, #ordered>),
            restore: quote_spanned!(at=> #krate::__private::serde_restore::<#ty>),
            schema: quote_spanned!(at=> #krate::__private::serde_schema),
        },
        _ => Functions {
            at,
            save: quote_spanned!(at=> <#asked as #through>::save),
            restore: quote_spanned!(at=> <#asked as #through>::restore),
            // By its function, because a bound would be a second error about the same type.
            schema: quote_spanned!(at=> <#asked as #through>::describe),
        },
    }
}

/// A statement that saves the field, which `local` refers to.
pub(super) fn save(krate: &TokenStream, field: &Field, saver: &Ident) -> TokenStream {
    let Functions { at, save, .. } = functions(krate, field);
    let (local, ty) = (&field.local, &field.ty);
    let call = if field.is_checkpoint() {
        quote_spanned!(at=> #save(#local, #saver))
    } else {
        quote_spanned!(at=> #krate::__private::save_with::<#ty>(#save, #local, #saver))
    };
    if field.is_volatile() {
        quote_spanned!(at=> #saver.volatile(|#saver| #call)?;)
    } else {
        quote_spanned!(at=> #call?;)
    }
}

/// What the function is that saves it.
pub(super) fn saving(krate: &TokenStream, field: &Field) -> TokenStream {
    functions(krate, field).save
}

/// An expression that restores the field.
pub(super) fn restore(krate: &TokenStream, field: &Field, restorer: &Ident) -> TokenStream {
    let Functions { at, restore, .. } = functions(krate, field);
    let ty = &field.ty;
    let call = if field.is_checkpoint() {
        quote_spanned!(at=> #restore(#restorer))
    } else {
        quote_spanned!(at=> #krate::__private::restore_with::<#ty>(#restore, #restorer))
    };
    if field.is_volatile() {
        quote_spanned!(at=> #restorer.volatile(|#restorer| #call)?)
    } else {
        quote_spanned!(at=> #call?)
    }
}

/// An expression that restores a whole field that will replace the one that `running` refers to.
pub(super) fn restore_for(
    krate: &TokenStream,
    field: &Field,
    running: &Ident,
    restorer: &Ident,
) -> TokenStream {
    let ty = &field.ty;
    let at = Span::mixed_site().located_at(ty.span());
    let call = quote_spanned! {at=>
        <#ty as #krate::Checkpoint>::restore_for(
            #krate::__private::Option::Some(#running),
            #restorer,
        )
    };
    if field.is_volatile() {
        quote_spanned!(at=> #restorer.volatile(|#restorer| #call)?)
    } else {
        quote_spanned!(at=> #call?)
    }
}

/// An expression that stages the field, whose running value `running` refers to.
pub(super) fn stage(field: &Field, running: &Ident, restorer: &Ident) -> TokenStream {
    let Asked { ty: asked, through } = &field.asked;
    let at = Span::mixed_site().located_at(field.ty.span());
    let call = quote_spanned!(at=> <#asked as #through>::stage(#running, #restorer));
    if field.is_volatile() {
        quote_spanned!(at=> #restorer.volatile(|#restorer| #call)?)
    } else {
        quote_spanned!(at=> #call?)
    }
}

/// A call on a builder that describes the field.
pub(super) fn describe(krate: &TokenStream, field: &Field) -> TokenStream {
    let Functions { at, schema, .. } = functions(krate, field);
    let name = &field.name;
    if field.is_volatile() {
        quote_spanned!(at=> .described_volatile(#name, #schema))
    } else {
        quote_spanned!(at=> .described(#name, #schema))
    }
}
