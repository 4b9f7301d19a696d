//! Quoting. Everything was checked before; no rule stands here.

/// Quotes code whose own variables are invisible to the user's expressions, and the other way round.
macro_rules! generated {
    ($($tokens:tt)*) => {
        ::quote::quote_spanned!(::proc_macro2::Span::mixed_site()=> $($tokens)*)
    };
}

mod bounds;
mod fallback;
mod field;
mod fixed;
#[cfg(test)]
mod golden;
mod hooks;
mod implements;
mod manual;
mod record;
mod restore;
mod save;
mod schema;
mod stage;

use proc_macro2::TokenStream;
use syn::DeriveInput;

use crate::attr::TypeAttrs;
use crate::check::check;
use crate::ctxt::Ctxt;
use crate::input::Input;

pub(crate) fn derive(item: TokenStream) -> TokenStream {
    let item: DeriveInput = match syn::parse2(item) {
        Ok(item) => item,
        Err(error) => return error.to_compile_error(),
    };
    let ctxt = Ctxt::new();
    let input = Input::new(&ctxt, item);
    check(&ctxt, &input);
    match ctxt.check() {
        Ok(()) if input.attrs.manual => {
            let (record, implements) = (record::expand(&input), implements::expand(&input));
            let (hidden, manual) =
                (wrapped(&generated!(#record #implements)), manual::expand(&input));
            generated!(#hidden #manual)
        }
        Ok(()) => wrapped(&expand(&input)),
        Err(errors) => {
            let errors = errors.to_compile_error();
            let stub = wrapped(&fallback::expand(&input));
            generated!(#errors #stub)
        }
    }
}

/// No lint is allowed here: lints pass over what a derive generates, and where a user forbids one,
/// allowing it would be an error.
fn wrapped(items: &TokenStream) -> TokenStream {
    generated! {
        #[doc(hidden)]
        const _: () = { #items };
    }
}

fn expand(input: &Input) -> TokenStream {
    let record = record::expand(input);
    let krate = krate(input);
    let ident = &input.ident;
    let generics = bounds::generics(input);
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let (_, ty_generics, _) = input.generics.split_for_impl();
    let min_len = save::min_len(input);
    let fixed = fixed::expand(input);
    let save = save::expand(input);
    let restore = restore::expand(input);
    let stage = stage::expand(input);
    let schema = schema::expand(input);
    let implements = implements::expand(input);
    generated! {
        #record
        #implements

        #[automatically_derived]
        impl #impl_generics #krate::Checkpoint for #ident #ty_generics #where_clause {
            const MIN_LEN: usize = #min_len;
            #fixed
            #save
            #restore
            #stage
            #schema

            fn record_addr() -> u64 {
                __SAMESTATE_RECORD.addr()
            }
        }
    }
}

fn krate(input: &Input) -> TokenStream {
    path_of_crate(&input.attrs)
}

/// Where the crate `samestate` is.
pub(crate) fn path_of_crate(attrs: &TypeAttrs) -> TokenStream {
    match &attrs.krate {
        Some(path) => generated!(#path),
        None => generated!(::samestate),
    }
}
