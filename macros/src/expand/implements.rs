//! The names that a type is restored by behind traits: a pointer in a section of the program for
//! each, so that the runtime finds them.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::spanned::Spanned as _;

use super::krate;
use crate::attr::Implements;
use crate::input::Input;

const ELF: &str = "samestate_impl";
const MACHO: &str = "__DATA,smstate_impl";

pub(super) fn expand(input: &Input) -> TokenStream {
    let all = input.attrs.implements.iter().map(|implements| one(input, implements));
    generated!(#(#all)*)
}

fn one(input: &Input, implements: &Implements) -> TokenStream {
    let krate = krate(input);
    let (ident, object, name) = (&input.ident, &implements.object, &implements.name);
    // A type that does not implement the trait is an error at the trait's name.
    let at = Span::mixed_site().located_at(object.span());
    let casts = quote_spanned! {at=>
        static CASTS: #krate::__private::Casts<#object> = #krate::__private::Casts {
            restore_box: |restorer| {
                #krate::__private::Result::Ok(<#ident as #krate::Pointee>::restore_box(restorer)?)
            },
            restore_rc: |restorer, place| {
                let object = #krate::__private::build_rc::<
                    #ident,
                    #krate::__private::RcWeak<#object>,
                >(restorer, place, |weak| weak)?;
                #krate::__private::Result::Ok(object)
            },
            restore_arc: |restorer, place| {
                let object = #krate::__private::build_arc::<
                    #ident,
                    #krate::__private::ArcWeak<#object>,
                >(restorer, place, |weak| weak)?;
                #krate::__private::Result::Ok(object)
            },
            dangling_rc: || #krate::__private::RcWeak::<#ident>::new(),
            dangling_arc: || #krate::__private::ArcWeak::<#ident>::new(),
        };
    };
    generated! {
        const _: () = {
            #casts

            static IMPLEMENTER: #krate::__private::Implementer =
                #krate::__private::Implementer::new::<#ident>(#name, &CASTS);

            #[used]
            #[cfg_attr(
                any(target_os = "linux", target_os = "android", target_os = "freebsd",
                    target_os = "netbsd", target_os = "openbsd", target_os = "dragonfly",
                    target_os = "illumos", target_os = "solaris", target_os = "fuchsia"),
                unsafe(link_section = #ELF)
            )]
            #[cfg_attr(target_vendor = "apple", unsafe(link_section = #MACHO))]
            static SLOT: #krate::__private::Slot = #krate::__private::Option::Some(&IMPLEMENTER);
        };
    }
}
