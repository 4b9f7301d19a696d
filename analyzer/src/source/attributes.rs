//! Attributes of definitions and fields, those behind conditions told apart.

use syn::punctuated::Punctuated;

/// The attributes of something, `cfg_attr` opened: each with the conditions that it stands behind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attributes {
    pub(crate) all: Vec<(Vec<syn::Meta>, syn::Meta)>,
}

impl Attributes {
    /// Those of these attributes that are no comments.
    pub(crate) fn read(attributes: &[syn::Attribute]) -> Self {
        let mut out = Self::default();
        for attribute in attributes {
            out.add(&[], &attribute.meta);
        }
        out
    }

    /// Adds those of something around it.
    pub(crate) fn extend(&mut self, other: &Self) {
        self.all.extend(other.all.iter().cloned());
    }

    fn add(&mut self, conditions: &[syn::Meta], meta: &syn::Meta) {
        if meta.path().is_ident("doc") {
            return;
        }
        if meta.path().is_ident("cfg_attr")
            && let syn::Meta::List(list) = meta
            && let Ok(parts) =
                list.parse_args_with(Punctuated::<syn::Meta, syn::Token![,]>::parse_terminated)
        {
            let mut parts = parts.into_iter();
            let Some(condition) = parts.next() else { return };
            let mut inner = conditions.to_vec();
            inner.push(condition);
            // `cfg_attr` may stand in `cfg_attr`; the source's nesting is bounded.
            parts.for_each(|part| self.add(&inner, &part));
            return;
        }
        self.all.push((conditions.to_vec(), meta.clone()));
    }

    /// Those of this name.
    pub(crate) fn named(&self, name: &str) -> impl Iterator<Item = &syn::Meta> {
        let named = self.all.iter().filter(move |(_, meta)| meta.path().is_ident(name));
        named.map(|(_, meta)| meta)
    }

    /// What `#[cfg(…)]` among them says.
    pub(super) fn conditions(&self) -> Vec<syn::Meta> {
        let lists = self.named("cfg").filter_map(|meta| meta.require_list().ok());
        lists.filter_map(|list| list.parse_args().ok()).collect()
    }

    /// The conditions of each derive of this macro.
    pub(crate) fn derives(&self, name: &str) -> Vec<&[syn::Meta]> {
        let derives = self.all.iter().filter(|(_, meta)| meta.path().is_ident("derive"));
        let with_it = derives.filter(|(_, meta)| match meta {
            syn::Meta::List(list) => list
                .parse_args_with(Punctuated::<syn::Path, syn::Token![,]>::parse_terminated)
                .is_ok_and(|paths| {
                    paths.iter().any(|path| path.segments.last().is_some_and(|l| l.ident == name))
                }),
            syn::Meta::Path(_) | syn::Meta::NameValue(_) => false,
        });
        with_it.map(|(conditions, _)| &**conditions).collect()
    }
}
