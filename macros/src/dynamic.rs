//! `#[dynamic]` on a trait: its trait objects can be saved.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, quote_spanned};
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Ident, ItemTrait, LitStr, Path, Token, TraitItem, parse_quote};

use crate::ctxt::Ctxt;

#[derive(Default)]
struct Words {
    name: Option<LitStr>,
    krate: Option<Path>,
}

pub(crate) fn expand(words: TokenStream, item: TokenStream) -> TokenStream {
    let mut item: ItemTrait = match syn::parse2(item.clone()) {
        Ok(item) => item,
        Err(_) => {
            let error = syn::Error::new(
                Span::call_site(),
                "`dynamic` belongs on a trait; on a type that implements it, write \
                 `#[checkpoint(implements(dyn Trait, \"name\"))]`",
            );
            let error = error.to_compile_error();
            return quote_spanned!(Span::mixed_site()=> #error #item);
        }
    };
    let ctxt = Ctxt::new();
    let words = read(&ctxt, words);
    check(&ctxt, &item);
    if let Err(errors) = ctxt.check() {
        let errors = errors.to_compile_error();
        return quote_spanned!(Span::mixed_site()=> #errors #item);
    }
    let krate = words.krate.map_or_else(|| parse_quote!(::samestate), Path::into_token_stream);
    item.colon_token.get_or_insert_default();
    item.supertraits.push(parse_quote!(#krate::__private::Dynamic));
    let name = words.name.map_or_else(|| item.ident.unraw().to_string(), |name| name.value());
    let ident = &item.ident;
    let objects = [
        quote_spanned!(Span::mixed_site()=> dyn #ident),
        quote_spanned!(Span::mixed_site()=> dyn #ident + ::core::marker::Send),
        quote_spanned!(Span::mixed_site()=>
            dyn #ident + ::core::marker::Send + ::core::marker::Sync),
    ];
    let impls = objects.iter().map(|object| pointee(&krate, object, &name));
    quote_spanned!(Span::mixed_site()=> #item #(#impls)*)
}

fn read(ctxt: &Ctxt, words: TokenStream) -> Words {
    let mut found = Words::default();
    let read = |input: ParseStream<'_>| {
        while !input.is_empty() {
            let word = input.call(Ident::parse_any)?;
            let wrong = |_| {
                let known = "there are `name = \"…\"` and `crate = path::to::samestate`";
                syn::Error::new(word.span(), known)
            };
            input.parse::<Token![=]>().map_err(wrong)?;
            if word == "name" {
                found.name = Some(input.parse().map_err(wrong)?);
            } else if word == "crate" {
                found.krate = Some(input.call(Path::parse_mod_style).map_err(wrong)?);
            } else {
                return Err(wrong(syn::Error::new(word.span(), "")));
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    };
    if let Err(error) = read.parse2(words) {
        ctxt.push(error);
    }
    found
}

fn check(ctxt: &Ctxt, item: &ItemTrait) {
    if !item.generics.params.is_empty() {
        ctxt.error(
            &item.generics,
            "a trait with parameters has no trait object of its own; write a trait without them \
             for what is saved",
        );
    }
    for part in &item.items {
        if let TraitItem::Type(part) = part {
            ctxt.error(
                &part.ident,
                "a trait object must say what its associated types are, so that it is none of the \
                 trait's own; take the type away, or make it a parameter of the functions",
            );
        }
    }
}

fn pointee(krate: &TokenStream, object: &TokenStream, name: &str) -> TokenStream {
    quote_spanned! {Span::mixed_site()=>
        #[automatically_derived]
        impl #krate::Pointee for #object {
            const MIN_LEN: usize = 1;
            const CYCLIC: bool = true;

            fn save_target<'saver>(
                &'saver self,
                saver: &mut #krate::Saver<'saver>,
            ) -> #krate::__private::Result<(), #krate::SaveError> {
                let value = #krate::__private::Dynamic::__samestate_any(self);
                let value_type = #krate::__private::Dynamic::__samestate_type_name(self);
                #krate::__private::save_dyn::<Self>(value, value_type, saver)
            }

            fn target_schema(schema: &mut #krate::SchemaBuilder) -> #krate::TypeRef {
                #krate::__private::dyn_schema::<Self>(schema, #name)
            }

            fn restore_box(
                restorer: &mut #krate::Restorer<'_>,
            ) -> #krate::__private::Result<#krate::__private::Box<Self>, #krate::RestoreError> {
                #krate::__private::restore_dyn_box(restorer)
            }

            fn restore_rc(
                restorer: &mut #krate::Restorer<'_>,
                place: #krate::__private::Place,
            ) -> #krate::__private::Result<#krate::__private::Rc<Self>, #krate::RestoreError> {
                #krate::__private::restore_dyn_rc(restorer, place)
            }

            fn restore_arc(
                restorer: &mut #krate::Restorer<'_>,
                place: #krate::__private::Place,
            ) -> #krate::__private::Result<#krate::__private::Arc<Self>, #krate::RestoreError> {
                #krate::__private::restore_dyn_arc(restorer, place)
            }

            fn dangling_rc() -> #krate::__private::Option<#krate::__private::RcWeak<Self>> {
                #krate::__private::dangling_dyn_rc()
            }

            fn dangling_arc() -> #krate::__private::Option<#krate::__private::ArcWeak<Self>> {
                #krate::__private::dangling_dyn_arc()
            }
        }
    }
}
