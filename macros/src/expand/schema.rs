use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use samestate_schema::record::Shape;
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;

use super::{field, krate};
use crate::attr::{From, Migrate};
use crate::input::{Field, FieldTreatment, Input, Variant};

/// `fn schema`.
pub(super) fn expand(input: &Input) -> TokenStream {
    let krate = krate(input);
    let builder = builder(input);
    generated! {
        fn schema(schema: &mut #krate::SchemaBuilder) -> #krate::TypeRef {
            #builder
        }
    }
}

/// Describes the type to a variable `schema`.
pub(super) fn builder(input: &Input) -> TokenStream {
    let krate = krate(input);
    let name = image_name(input);
    let version = input.attrs.version.unwrap_or(1);
    let builder = if input.is_enum {
        let variants = input.variants.iter().map(|variant| {
            let name = variant.ident.as_ref().map(|ident| ident.unraw().to_string());
            let (shape, fields) = (shape(&krate, variant), fields(&krate, variant));
            let id = match variant.attrs.id {
                Some(id) => generated!(#krate::__private::Option::Some(#id)),
                None => generated!(#krate::__private::Option::None),
            };
            let since = variant.attrs.since.as_ref().map(|v| generated!(.variant_since(#v)));
            let was = &variant.attrs.was;
            generated! {
                .variant(
                    #name,
                    #id,
                    #shape,
                    |fields| { let _ = fields #fields; },
                )
                #since #(.variant_was(#was))*
            }
        });
        generated!(schema.enumeration::<Self>(#name).version(#version) #(#variants)*)
    } else {
        let variants = input.variants.iter().map(|variant| {
            let (shape, fields) = (shape(&krate, variant), fields(&krate, variant));
            generated!(.shape(#shape) #fields)
        });
        generated!(schema.structure::<Self>(#name).version(#version) #(#variants)*)
    };
    let (was, removed) = (&input.attrs.was, &input.attrs.removed);
    let migrate = input.attrs.migrate.iter().map(|Migrate { old, convert }| {
        let at = Span::mixed_site().located_at(convert.span());
        quote_spanned! {at=>
            .migrated(#krate::__private::From {
                schema: #krate::__private::chunk::<#old>,
                convert: |image, whole| {
                    let made: Self =
                        #krate::__private::try_converted::<#old, Self, _>(image, #convert)?;
                    let save = <Self as #krate::Checkpoint>::save;
                    #krate::__private::encoded::<Self>(&made, save, whole)
                },
            })
        }
    });
    generated! {
        #builder #(.type_was(#was))* #(.removed(#removed))* #(#migrate)* .finish()
    }
}

/// The name that images know the type by.
pub(super) fn image_name(input: &Input) -> String {
    let name = input.attrs.name.as_ref();
    name.map_or_else(|| input.ident.unraw().to_string(), syn::LitStr::value)
}

fn shape(krate: &TokenStream, variant: &Variant) -> TokenStream {
    match variant.shape {
        Shape::Named => generated!(#krate::__private::Shape::Named),
        Shape::Tuple => generated!(#krate::__private::Shape::Tuple),
        Shape::Unit => generated!(#krate::__private::Shape::Unit),
    }
}

fn fields(krate: &TokenStream, variant: &Variant) -> TokenStream {
    let fields = variant.fields.iter().map(|field| {
        let (name, ty) = (&field.name, &field.ty);
        match &field.treatment {
            FieldTreatment::Saved { .. } => {
                let (describe, history) = (field::describe(krate, field), history(krate, field));
                generated!(#describe #history)
            }
            FieldTreatment::Default => {
                generated!(.skipped(#name, #krate::__private::SkipPolicy::Default))
            }
            FieldTreatment::Keep => {
                generated!(.skipped(#name, #krate::__private::SkipPolicy::Keep))
            }
            FieldTreatment::Value(_) => {
                generated!(.skipped(#name, #krate::__private::SkipPolicy::Value))
            }
            FieldTreatment::Rebuild { .. } => generated!(.rebuilt(#name)),
            FieldTreatment::External(handle) => generated!(.external::<#ty>(#name, #handle)),
        }
    });
    generated!(#(#fields)*)
}

/// What the field was in older images.
fn history(krate: &TokenStream, field: &Field) -> TokenStream {
    let (ty, history) = (&field.ty, &field.history);
    let save = field::saving(krate, field);
    let since = history.since.as_ref().zip(history.default.as_ref()).map(|(since, default)| {
        let at = Span::mixed_site().located_at(default.span());
        quote_spanned! {at=>
            .since(#since, |whole| {
                let made: #ty = #default;
                #krate::__private::encoded::<#ty>(&made, #save, whole)
            })
        }
    });
    let was = &history.was;
    let from = history.from.iter().map(|From { ty: old, convert, fallible }| {
        let at = Span::mixed_site().located_at(convert.span());
        let converted = if *fallible {
            quote_spanned!(at=> #krate::__private::try_converted::<#old, #ty, _>)
        } else {
            quote_spanned!(at=> #krate::__private::converted::<#old, #ty>)
        };
        quote_spanned! {at=>
            .from_type(#krate::__private::From {
                schema: #krate::__private::chunk::<#old>,
                convert: |image, whole| {
                    let made = #converted(image, #convert)?;
                    #krate::__private::encoded::<#ty>(&made, #save, whole)
                },
            })
        }
    });
    generated!(#since #(.was(#was))* #(#from)*)
}
