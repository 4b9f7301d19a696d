//! Names that are from the image under conditions only, of which nothing is known.

use std::collections::BTreeSet;

use super::names::base;
use super::{RestoreReader, code, conditions};

impl RestoreReader<'_, '_> {
    /// The conditions, of which nothing is known, under which what is made of these names is from
    /// the image; empty if it is so for sure.
    pub(super) fn doubt(&self, from: &BTreeSet<String>) -> BTreeSet<String> {
        if let Some(condition) = self.conditions.last() {
            return BTreeSet::from([condition.clone()]);
        }
        let mut under = BTreeSet::new();
        for name in from {
            let doubts = self
                .doubts
                .get(base(name))
                .filter(|doubts| !conditions::are_exhaustive(doubts.iter()));
            match doubts {
                Some(doubts) => under.extend(doubts.iter().cloned()),
                None => return BTreeSet::new(),
            }
        }
        under
    }

    /// A name is given something behind a condition of which nothing is known: whether it is from
    /// the image then hangs on that.
    fn bind_doubtfully(&mut self, name: &str, is_image: bool, condition: &str) {
        let was_image = self.tainted.contains(name);
        let opposite = conditions::opposite_text(condition);
        let doubts = self.doubts.entry(name.to_owned()).or_default();
        match (was_image, is_image) {
            (true, true) if doubts.is_empty() => {}
            (_, true) => {
                doubts.insert(condition.to_owned());
            }
            (true, false) if doubts.is_empty() => {
                doubts.insert(opposite);
            }
            (_, false) => {
                doubts.remove(condition);
            }
        }
        if doubts.is_empty() {
            self.doubts.remove(name);
        }
        if is_image {
            self.tainted.insert(name.to_owned());
            // What it is made of would tell nothing of the condition.
            self.origins.remove(name);
        }
    }

    /// What a pattern binds behind a condition of which nothing is known.
    pub(super) fn bind_under(&mut self, pattern: &syn::Pat, init: &syn::Expr, condition: &str) {
        let is_image = self.is_tainted(init);
        for name in code::names_in(pattern) {
            self.bind_doubtfully(&name, is_image, condition);
        }
        if is_image
            && let syn::Pat::Ident(syn::PatIdent { ident, mutability: Some(_), .. }) = pattern
        {
            self.restorers.insert(crate::source::file::plain(ident));
        }
        if !is_image {
            self.alias(pattern, init);
        }
    }
}
