//! After a mistake, an implementation that only exists, so that the mistake stays the only error.

use proc_macro2::TokenStream;

use super::krate;
use crate::input::Input;

pub(super) fn expand(input: &Input) -> TokenStream {
    if input.attrs.manual {
        return TokenStream::new();
    }
    let krate = krate(input);
    let ident = &input.ident;
    let mut generics = input.generics.clone();
    let params: Vec<_> = generics.type_params().map(|param| param.ident.clone()).collect();
    let lifetimes: Vec<_> = generics.lifetimes().map(|param| param.lifetime.clone()).collect();
    if !params.is_empty() || !lifetimes.is_empty() {
        let predicates = &mut generics.make_where_clause().predicates;
        predicates.extend(
            params
                .iter()
                .map(|param| -> syn::WherePredicate { syn::parse_quote!(#param: 'static) }),
        );
        predicates.extend(
            lifetimes
                .iter()
                .map(|lifetime| -> syn::WherePredicate { syn::parse_quote!(#lifetime: 'static) }),
        );
    }
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    generated! {
        #[automatically_derived]
        impl #impl_generics #krate::Checkpoint for #ident #ty_generics #where_clause {
            fn save<'saver>(
                &'saver self,
                _: &mut #krate::Saver<'saver>,
            ) -> #krate::__private::Result<(), #krate::SaveError> {
                ::core::unreachable!()
            }

            fn restore(
                _: &mut #krate::Restorer<'_>,
            ) -> #krate::__private::Result<Self, #krate::RestoreError> {
                ::core::unreachable!()
            }

            fn schema(_: &mut #krate::SchemaBuilder) -> #krate::TypeRef {
                ::core::unreachable!()
            }
        }
    }
}
