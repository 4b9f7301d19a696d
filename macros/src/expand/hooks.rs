//! Calling the user's functions around saving and restoring.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::ExprPath;
use syn::spanned::Spanned as _;

use super::krate;
use crate::input::Input;

/// Whether functions are called around saving.
pub(super) const fn on_save(input: &Input) -> bool {
    let hooks = &input.attrs.hooks;
    hooks.before_save.is_some() || hooks.after_save.is_some()
}

/// Whether functions are called around restoring.
pub(super) const fn on_restore(input: &Input) -> bool {
    let hooks = &input.attrs.hooks;
    hooks.before_restore.is_some()
        || hooks.after_restore.is_some()
        || hooks.restore_failed.is_some()
}

fn at(hook: &ExprPath) -> Span {
    Span::mixed_site().located_at(hook.span())
}

/// The body of `save` with its functions around it.
pub(super) fn save(input: &Input, saver: &Ident, body: &TokenStream) -> TokenStream {
    if !on_save(input) {
        return body.clone();
    }
    let (krate, name) = (krate(input), input.ident.to_string());
    let before = match &input.attrs.hooks.before_save {
        Some(hook) => quote_spanned! {at(hook)=>
            || #krate::__private::before_save(#name, #hook(self))
        },
        None => generated!(|| #krate::__private::Result::Ok(())),
    };
    let after = match &input.attrs.hooks.after_save {
        Some(hook) => quote_spanned!(at(hook)=> |saved| #hook(self, saved)),
        None => generated!(|_| ()),
    };
    generated! {
        #krate::__private::hooked_save(#saver, #before, #after, |#saver| { #body })
    }
}

/// Reading by `body` with its functions around it; `running` is the value that will be replaced.
pub(super) fn restore(
    input: &Input,
    restorer: &Ident,
    running: &TokenStream,
    body: &TokenStream,
) -> TokenStream {
    let (krate, name) = (krate(input), input.ident.to_string());
    let before = match &input.attrs.hooks.before_restore {
        Some(hook) => quote_spanned! {at(hook)=>
            |restorer| #krate::__private::restore_hook(
                restorer, #name, "before_restore", #hook(#running),
            )
        },
        None => generated!(|_| #krate::__private::Result::Ok(())),
    };
    let failed = match &input.attrs.hooks.restore_failed {
        Some(hook) => quote_spanned!(at(hook)=> |error| #hook(#running, error)),
        None => generated!(|_| ()),
    };
    generated! {
        #krate::__private::hooked_restore(#restorer, #before, #failed, |#restorer| { #body })
    }
}

/// Restoring a whole value, which is judged before it takes the place of a running one; and what to
/// call if the rest of the image cannot be restored.
pub(super) fn functions(input: &Input, restorer: &Ident, body: &TokenStream) -> TokenStream {
    let (krate, name) = (krate(input), input.ident.to_string());
    let running = Ident::new("running", Span::mixed_site());
    let judged = match &input.attrs.hooks.after_restore {
        Some(hook) => {
            let judge = quote_spanned! {at(hook)=>
                #krate::__private::after_restore(
                    #restorer, #name, &mut value, |value: &mut Self| #hook(value),
                )?;
            };
            generated! {
                let restored: #krate::__private::Result<Self, #krate::RestoreError> = { #body };
                let mut value = restored?;
                #judge
                #krate::__private::Result::Ok(value)
            }
        }
        None => body.clone(),
    };
    let hooked = restore(input, restorer, &generated!(#running), &judged);
    let failed = input.attrs.hooks.restore_failed.as_ref().map(|hook| {
        let call = quote_spanned!(at(hook)=> #hook(#running, error));
        generated! {
            fn restore_failed(
                #running: #krate::__private::Option<&Self>,
                error: &#krate::RestoreError,
            ) {
                #call
            }
        }
    });
    generated! {
        fn restore(
            #restorer: &mut #krate::Restorer<'_>,
        ) -> #krate::__private::Result<Self, #krate::RestoreError> {
            <Self as #krate::Checkpoint>::restore_for(#krate::__private::Option::None, #restorer)
        }

        fn restore_for(
            #running: #krate::__private::Option<&Self>,
            #restorer: &mut #krate::Restorer<'_>,
        ) -> #krate::__private::Result<Self, #krate::RestoreError> {
            let _ = #running;
            #hooked
        }

        #failed
    }
}

/// `stage` of a type whose whole value is judged first.
pub(super) fn stage_whole(input: &Input, restorer: &Ident) -> TokenStream {
    let krate = krate(input);
    generated! {
        let value = <Self as #krate::Checkpoint>::restore_for(
            #krate::__private::Option::Some(self),
            #restorer,
        )?;
        #krate::__private::Result::Ok(#krate::Assignment::new(move |this: &mut Self| {
            *this = value;
        }))
    }
}
