//! What serde's attributes mean.

use syn::punctuated::Punctuated;

use super::derives::{Family, FieldRule, Functions, StandIn};
use crate::source::Attributes;

/// The attribute of a definition that speaks for a type of another crate.
const SPEAKS_FOR: &str = "remote";

/// serde: `Serialize` and `Deserialize`.
pub(crate) static SERDE: Family = Family {
    name: "serde",
    crates: &["serde", "serde_core"],
    save: ("Serialize", "serialize"),
    restore: ("Deserialize", "deserialize"),
    attribute: "serde",
    read: field,
    stand_in,
    functions,
    known_functions: WHOLE,
    speaks_for: |attributes| text(attributes, SPEAKS_FOR),
    speaks_for_name: SPEAKS_FOR,
};

/// What published crates offer for `with`, and saves and restores the whole value: their code is made
/// by macros, or goes by traits that lead on to other crates.
const WHOLE: &[&str] = &[
    "either::serde_untagged",
    "either::serde_untagged_optional",
    "hex",
    "hex::serde",
    "humantime_serde",
    "indexmap::map::serde_seq",
    "serde_arrays",
    "serde_big_array::BigArray",
    "serde_bytes",
    "time::serde::iso8601",
    "time::serde::rfc3339",
    "uuid::serde::compact",
    "uuid::serde::simple",
];

fn field(_: &Attributes, own: &Attributes) -> FieldRule {
    let mut rule = FieldRule::default();
    for word in words(own) {
        let path = word.path();
        let told = || Some(format!("#[serde({})]", name(path)));
        if path.is_ident("skip") {
            rule.unsaved = told();
            rule.unrestored = told();
        } else if path.is_ident("skip_serializing") {
            rule.unsaved = told();
        } else if path.is_ident("skip_deserializing") {
            rule.unrestored = told();
        }
    }
    rule
}

fn stand_in(attributes: &Attributes) -> StandIn {
    StandIn {
        into: text(attributes, "into"),
        from: text(attributes, "from").or_else(|| text(attributes, "try_from")),
    }
}

fn functions(own: &Attributes) -> Functions {
    let of = |word: &str, function: &str| {
        whole(own, word).or_else(|| Some(format!("{}::{function}", whole(own, "with")?)))
    };
    Functions {
        save: of("serialize_with", "serialize"),
        restore: of("deserialize_with", "deserialize"),
    }
}

/// All that stands in `#[serde(…)]`.
fn words(attributes: &Attributes) -> Vec<syn::Meta> {
    let all = attributes.named("serde").filter_map(|meta| match meta {
        syn::Meta::List(list) => {
            list.parse_args_with(Punctuated::<syn::Meta, syn::Token![,]>::parse_terminated).ok()
        }
        syn::Meta::Path(_) | syn::Meta::NameValue(_) => None,
    });
    all.flatten().collect()
}

/// The last part of the path in `word = "path"`.
fn text(attributes: &Attributes, word: &str) -> Option<String> {
    let path = whole(attributes, word)?;
    Some(path.rsplit("::").next().unwrap_or(&path).to_owned())
}

/// The path in `word = "path"`, without its arguments.
fn whole(attributes: &Attributes, word: &str) -> Option<String> {
    let words = words(attributes);
    let found = words.iter().find(|meta| meta.path().is_ident(word))?;
    let syn::Meta::NameValue(pair) = found else { return None };
    let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &pair.value else {
        return None;
    };
    let path = text.value();
    let path = path.split('<').next().unwrap_or(&path).trim();
    Some(path.trim_end_matches("::").replace(' ', ""))
}

fn name(path: &syn::Path) -> String {
    path.segments.iter().map(|part| part.ident.to_string()).collect::<Vec<_>>().join("::")
}
