//! What patterns bind names to.

use super::read::Reader;
use super::value::{Place, Value};
use crate::evidence::FieldKey;
use crate::graph::{Kind, TypeId};
use crate::source::code;
use crate::view::{self, View};
use samestate_schema::path::Step;

impl Reader<'_, '_> {
    /// Gives the names in a pattern the parts of a value. A pattern without names only tests it.
    pub(super) fn bind(&mut self, pattern: &syn::Pat, value: Value) {
        match pattern {
            syn::Pat::Ident(ident) => {
                if let Some((_, inner)) = &ident.subpat {
                    self.bind(inner, value.clone());
                }
                self.names.insert(super::read::name(&ident.ident), value);
            }
            syn::Pat::Reference(inner) => self.bind(&inner.pat, value),
            syn::Pat::Paren(inner) => self.bind(&inner.pat, value),
            syn::Pat::Type(inner) => self.bind(&inner.pat, value),
            syn::Pat::Guard(inner) => self.bind(&inner.pat, value),
            syn::Pat::Or(or) => or.cases.iter().for_each(|case| self.bind(case, value.clone())),
            syn::Pat::Slice(slice) => {
                slice.elems.iter().for_each(|part| self.bind(part, value.clone()));
            }
            syn::Pat::Tuple(tuple) => {
                for (index, part) in tuple.elems.iter().enumerate() {
                    let part_value = if value.is_counted && index == 0 {
                        Value::default()
                    } else if value.is_counted {
                        Value { is_counted: false, ..value.clone() }
                    } else {
                        self.part(&value, None, &index.to_string(), Some(index))
                    };
                    self.bind(part, part_value);
                }
            }
            syn::Pat::Struct(item) => {
                let variant = self.variant(&item.path);
                for field in &item.fields {
                    let name = code::member_name(&field.member);
                    let part = self.part(&value, variant.as_deref(), &name, None);
                    self.bind(&field.pat, part);
                }
            }
            syn::Pat::TupleStruct(item) => {
                let variant = self.variant(&item.path);
                for (index, part) in item.elems.iter().enumerate() {
                    let name = index.to_string();
                    let found = self.part(&value, variant.as_deref(), &name, None);
                    // `Some`, `Ok` and the like hold the value itself.
                    let is_own = !found.places.is_empty() || value.places.is_empty();
                    let inner = if is_own { found } else { value.clone() };
                    self.bind(part, inner);
                }
            }
            _ => self.mention(&value),
        }
    }

    /// The variant that a path in a pattern names; `None` where the struct itself is meant.
    fn variant(&self, path: &syn::Path) -> Option<String> {
        let last = super::read::name(&path.segments.last()?.ident);
        if last == "Self" {
            return Some(String::new());
        }
        let types = self.flows.code.types_named(&self.func.crate_name, &last);
        let is_struct =
            types.iter().any(|&id| matches!(self.flows.code.graph().get(id).kind, Kind::Struct(_)));
        // A variant may have the name of a struct that it holds.
        if is_struct && path.segments.len() == 1 { None } else { Some(last) }
    }

    /// A part of a value, by name.
    pub(super) fn part(
        &self,
        value: &Value,
        variant: Option<&str>,
        name: &str,
        pair: Option<usize>,
    ) -> Value {
        let mut out = Value { is_out: value.is_out, ..Value::default() };
        for place in &value.places {
            let Some(ty) = place.ty else {
                out.places.insert(place.clone());
                continue;
            };
            let mut found = self.flows.code.fields(ty, variant, name);
            if found.is_empty() && variant.is_some() {
                found = self.flows.code.fields(ty, Some(""), name);
            }
            if found.is_empty()
                && let Some(index) = pair
            {
                match self.entry(ty, index) {
                    Some(part) => found.push(part),
                    // Pairs that iterators make: both may be any of it.
                    None => {
                        out.places.insert(place.clone());
                    }
                }
            }
            for (owner, key, part) in found {
                let mut path = place.path.clone();
                if path.len() < super::read::MAX_PATH {
                    path.push((owner, key));
                }
                out.places.insert(Place { path, ty: part, ..place.clone() });
            }
        }
        out
    }

    /// The keys or the values of a map.
    fn entry(&self, ty: TypeId, index: usize) -> Option<(TypeId, FieldKey, Option<TypeId>)> {
        let mut ty = self.flows.code.graph().defined(ty);
        for _ in 0..8 {
            let View::Parts(parts) = view::view(self.flows.code.graph(), ty) else { return None };
            match &parts[..] {
                [only] => ty = self.flows.code.graph().defined(only.ty),
                [keys, _] if keys.steps == [Step::Keys] => {
                    let part = parts.get(index)?;
                    let name = if index == 0 { "[key]" } else { "[value]" };
                    let key = FieldKey { variant: String::new(), name: name.to_owned() };
                    return Some((ty, key, Some(part.ty)));
                }
                _ => return None,
            }
        }
        None
    }

    /// A field or an element, by an expression that is a constant number.
    pub(super) fn element(&self, value: &Value, index: &syn::Expr) -> Value {
        let Some(text) = constant_index(index) else { return value.clone() };
        let mut out = Value { is_out: value.is_out, ..Value::default() };
        for place in &value.places {
            let array = place.ty.map(|ty| self.flows.code.graph().defined(ty));
            let found = array.and_then(|ty| match &self.flows.code.graph().get(ty).kind {
                Kind::Array { element, len: Some(_) } => Some((ty, *element)),
                _ => None,
            });
            let Some((array, element)) = found else {
                out.places.insert(place.clone());
                continue;
            };
            let mut path = place.path.clone();
            path.push((array, FieldKey { variant: String::new(), name: text.clone() }));
            let ty = if text.contains("..") { place.ty } else { element };
            out.places.insert(Place { path, ty, ..place.clone() });
        }
        out
    }
}

/// `[3]` or `[0..4]`, if the expression is such a constant.
fn constant_index(expr: &syn::Expr) -> Option<String> {
    let number = |expr: &syn::Expr| match expr {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Int(number), .. }) => {
            number.base10_parse::<u64>().ok()
        }
        _ => None,
    };
    match expr {
        syn::Expr::Range(range) => {
            let start = range.start.as_ref().map_or(Some(0), |start| number(start))?;
            let end = range.end.as_ref().map(|end| number(end));
            let end = match (end, &range.limits) {
                (None, _) => return (start > 0).then(|| format!("[{start}..]")),
                (Some(end), syn::RangeLimits::HalfOpen(_)) => end?,
                (Some(end), syn::RangeLimits::Closed(_)) => end?.checked_add(1)?,
            };
            Some(format!("[{start}..{end}]"))
        }
        expr => number(expr).map(|number| format!("[{number}]")),
    }
}
