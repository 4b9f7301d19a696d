use proc_macro2::{Ident, Span, TokenStream};

use super::{field, fixed, hooks, krate};
use crate::input::{FieldTreatment, Input, Variant};
use crate::recognized::Asked;

/// `fn save`: takes the value apart without `..` and saves the fields in their order.
pub(super) fn expand(input: &Input) -> TokenStream {
    let krate = krate(input);
    let saver = Ident::new("saver", Span::mixed_site());
    let body = if input.is_enum {
        let count = input.variants.len();
        let arms = (0_u32..).zip(&input.variants).map(|(number, variant)| {
            let ident = &variant.ident;
            let pattern = pattern(variant);
            let fields = fields(&krate, variant, &saver);
            generated! {
                Self::#ident #pattern => {
                    #krate::__private::save_variant(#saver, #number, #count);
                    #fields
                }
            }
        });
        generated!(match *self { #(#arms)* })
    } else {
        let pattern = input.variants.first().map(pattern);
        let fields = input.variants.first().map(|variant| fields(&krate, variant, &saver));
        generated!(let Self #pattern = *self; #fields)
    };
    let fixed = fixed::possible(input).then(|| {
        generated! {
            if #krate::__private::save_fixed(#saver, self) {
                return #krate::__private::Result::Ok(());
            }
        }
    });
    let body = generated! {
        #body
        #krate::__private::Result::Ok(())
    };
    let body = hooks::save(input, &saver, &body);
    generated! {
        fn save<'saver>(
            &'saver self,
            #saver: &mut #krate::Saver<'saver>,
        ) -> #krate::__private::Result<(), #krate::SaveError> {
            let _ = &#saver;
            #fixed
            #body
        }
    }
}

fn pattern(variant: &Variant) -> TokenStream {
    let fields = variant.fields.iter().map(|field| {
        let (member, local) = (&field.member, &field.local);
        match field.treatment {
            FieldTreatment::Saved { .. } => generated!(#member: ref #local),
            _ => generated!(#member: _),
        }
    });
    generated!({ #(#fields),* })
}

fn fields(krate: &TokenStream, variant: &Variant, saver: &Ident) -> TokenStream {
    let saved = variant.fields.iter().filter(|field| field.is_saved());
    let saves = saved.map(|field| field::save(krate, field, saver));
    generated!(#(#saves)*)
}

/// The fewest bytes that a value takes. An enum's is that of its number alone: its variants may
/// contain the enum itself. What is volatile stands elsewhere, and modules do not tell.
pub(super) fn min_len(input: &Input) -> TokenStream {
    let krate = krate(input);
    if input.is_enum {
        let count = input.variants.len();
        return generated!(#krate::__private::variant_len(#count));
    }
    let fields = input.variants.iter().flat_map(|variant| &variant.fields);
    let saved = fields.filter(|field| field.is_checkpoint() && !field.is_volatile());
    let lens = saved.map(|field| {
        let Asked { ty, through } = &field.asked;
        generated!(+ <#ty as #through>::MIN_LEN)
    });
    generated!(0 #(#lens)*)
}
