//! One of the two programs of a comparison.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Model, Ways};

/// How many roots a finding names.
const NAMED: usize = 5;

/// One of the two programs, with what is only asked for once something changed.
pub(super) struct Side<'a> {
    pub(super) model: &'a Model,
    ways: OnceCell<Ways<'a>>,
    reached_from: OnceCell<BTreeMap<String, BTreeSet<&'a str>>>,
}

impl<'a> Side<'a> {
    pub(super) const fn new(model: &'a Model) -> Self {
        Self { model, ways: OnceCell::new(), reached_from: OnceCell::new() }
    }

    /// The shortest way to each type.
    pub(super) fn ways(&self) -> &Ways<'a> {
        self.ways.get_or_init(|| self.model.ways())
    }

    /// Names the roots that lead to a type, if there are several.
    pub(super) fn roots_line(&self, ty: &str) -> Option<String> {
        if self.model.roots.len() < 2 {
            return None;
        }
        let all = self.reached_from.get_or_init(|| self.model.reached_from());
        let roots = all.get(ty).filter(|roots| roots.len() > 1)?;
        let named: Vec<_> = roots.iter().take(NAMED).map(|root| format!("`{root}`")).collect();
        let more = match roots.len() - named.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Some(format!("reached from {} roots: {}{more}", roots.len(), named.join(", ")))
    }
}
