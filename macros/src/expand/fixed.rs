//! Types whose values all take equally many bytes: room is made for a whole value, or for many of
//! them, instead of for every number.

use proc_macro2::{Ident, Span, TokenStream};
use syn::{Type, TypePath};

use super::{hooks, krate};
use crate::input::Input;
use crate::recognized::explained_by;

/// Types of the standard library whose values differ in length. Only what they are called is
/// known here; of a type that is called so but is another, values are written number by number.
const VARYING: &[&str] = &[
    "Arc",
    "BTreeMap",
    "BTreeSet",
    "BinaryHeap",
    "Box",
    "CString",
    "Cow",
    "HashMap",
    "HashSet",
    "LinkedList",
    "Mutex",
    "OnceCell",
    "OnceLock",
    "Option",
    "OsString",
    "PathBuf",
    "Rc",
    "RefCell",
    "Result",
    "RwLock",
    "String",
    "Vec",
    "VecDeque",
    "Weak",
];

/// Whether all values may take equally many bytes; their types have the last word.
pub(super) fn possible(input: &Input) -> bool {
    // Their functions are called for each value.
    if hooks::on_save(input) || hooks::on_restore(input) {
        return false;
    }
    let mut fields = input.variants.iter().flat_map(|variant| &variant.fields);
    if input.is_enum {
        return fields.next().is_none() && !input.variants.is_empty();
    }
    fields.all(|field| field.is_checkpoint() && !field.is_volatile() && !varies(&field.ty))
}

fn varies(ty: &Type) -> bool {
    if explained_by(ty).is_some() {
        return true;
    }
    let Type::Path(TypePath { path, .. }) = ty else { return false };
    path.segments.last().is_some_and(|last| VARYING.iter().any(|name| last.ident == name))
}

pub(super) fn expand(input: &Input) -> TokenStream {
    if !possible(input) {
        return TokenStream::new();
    }
    let krate = krate(input);
    let (len, put, get) =
        if input.is_enum { enumeration(&krate, input) } else { structure(&krate, input) };
    let [out, bytes, valid] = names();
    generated! {
        const FIXED_LEN: #krate::__private::Option<usize> = #len;

        #[inline]
        fn put_fixed(value: &Self, #out: &mut [u8]) {
            #put
            let _ = #out;
        }

        #[inline]
        fn get_fixed(mut #bytes: &[u8], #valid: &mut bool) -> Self {
            let _ = (&mut #bytes, &#valid);
            #get
        }
    }
}

fn names() -> [Ident; 3] {
    ["out", "bytes", "valid"].map(|name| Ident::new(name, Span::mixed_site()))
}

fn structure(krate: &TokenStream, input: &Input) -> (TokenStream, TokenStream, TokenStream) {
    let [out, bytes, valid] = names();
    let fields: Vec<_> = input.variants.iter().flat_map(|variant| &variant.fields).collect();
    let members: Vec<_> = fields.iter().map(|field| &field.member).collect();
    let locals: Vec<_> = fields.iter().map(|field| &field.local).collect();
    let types: Vec<_> = fields.iter().map(|field| &field.asked.ty).collect();
    let len = generated! {
        #krate::__private::fixed_len(&[#(<#types as #krate::Checkpoint>::FIXED_LEN),*])
    };
    let put = generated! {
        let Self { #(#members: ref #locals),* } = *value;
        #(let #out = #krate::__private::put_fixed::<#types>(#locals, #out);)*
    };
    let get = generated! {
        #(let #locals = #krate::__private::get_fixed::<#types>(&mut #bytes, #valid);)*
        Self { #(#members: #locals),* }
    };
    (len, put, get)
}

fn enumeration(krate: &TokenStream, input: &Input) -> (TokenStream, TokenStream, TokenStream) {
    let [out, bytes, valid] = names();
    let count = input.variants.len();
    let numbers: Vec<_> = (0_u32..).take(count).collect();
    let idents: Vec<_> = input.variants.iter().map(|variant| &variant.ident).collect();
    let len = generated! {
        #krate::__private::Option::Some(#krate::__private::variant_len(#count))
    };
    let put = generated! {
        let number: u32 = match *value { #(Self::#idents {} => #numbers),* };
        #krate::__private::put_variant(number, #out);
    };
    let last = input.variants.last().map(|variant| &variant.ident);
    let get = generated! {
        match #krate::__private::get_variant(#bytes) {
            #(#numbers => Self::#idents {},)*
            _ => {
                *#valid = false;
                Self::#last {}
            }
        }
    };
    (len, put, get)
}
