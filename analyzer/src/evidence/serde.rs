//! What serde's attributes mean.

use syn::punctuated::Punctuated;

use super::derives::{Family, FieldRule, StandIn};
use crate::source::Attributes;

/// serde: `Serialize` and `Deserialize`.
pub(crate) static SERDE: Family = Family {
    name: "serde",
    crates: &["serde", "serde_core"],
    save: ("Serialize", "serialize"),
    restore: ("Deserialize", "deserialize"),
    attribute: "serde",
    read: field,
    stand_in,
    speaks_for: |attributes| text(attributes, "remote"),
};

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
    let words = words(attributes);
    let found = words.iter().find(|meta| meta.path().is_ident(word))?;
    let syn::Meta::NameValue(pair) = found else { return None };
    let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &pair.value else {
        return None;
    };
    let path = text.value();
    let path = path.split('<').next().unwrap_or(&path).trim().to_owned();
    Some(path.rsplit("::").next().unwrap_or(&path).to_owned())
}

fn name(path: &syn::Path) -> String {
    path.segments.iter().map(|part| part.ident.to_string()).collect::<Vec<_>>().join("::")
}
