//! Which places in the state expressions and patterns name.

use syn::visit::Visit;

use super::{RestoreReader, Way};
use crate::graph::{Kind, TypeId};
use crate::names;
use crate::source::{code, file};

/// Values of these types that are not yet in the state.
pub(super) fn new(types: &[TypeId]) -> Vec<Way> {
    types.iter().map(|&ty| Way { root: None, keys: Vec::new(), ty: Some(ty) }).collect()
}

impl RestoreReader<'_, '_> {
    /// The types that a name may have. A name of which nothing is known may be a value of the
    /// type whose method this is.
    pub(super) fn types_of_name(&self, name: &str) -> Vec<TypeId> {
        self.ways_of_name(name).iter().filter_map(|way| way.ty).collect()
    }

    /// Where what a name stands for may be.
    pub(super) fn ways_of_name(&self, name: &str) -> Vec<Way> {
        match self.values.get(name) {
            Some(ways) => ways.clone(),
            None if self.tainted.contains(name) => Vec::new(),
            None => new(self.func.self_type.as_slice()),
        }
    }

    /// Where an expression may be: a name, or a part of something.
    pub(super) fn places_of(&self, expr: &syn::Expr) -> Vec<Way> {
        match code::name_of(code::place(expr)) {
            Some(name) if !self.aliases.contains_key(&name) => self.ways_of_name(&name),
            _ => self.ways_of(expr),
        }
    }

    /// The types that an expression may have, if it is a place in the state.
    pub(super) fn types_of(&self, expr: &syn::Expr) -> Vec<TypeId> {
        if let Some(name) = code::name_of(code::place(expr))
            && !self.aliases.contains_key(&name)
        {
            return self.types_of_name(&name);
        }
        self.ways_of(expr).iter().filter_map(|way| way.ty).collect()
    }

    /// The places in the state that an expression is, or lies in: more than one for an array of
    /// places.
    pub(super) fn ways_of(&self, expr: &syn::Expr) -> Vec<Way> {
        match code::place(expr) {
            syn::Expr::Field(field) => {
                let name = code::member_name(&field.member);
                let bases: Vec<Way> = self.places_of(&field.base);
                let mut found = Vec::new();
                for base in &bases {
                    for (owner, key, ty) in
                        base.ty.iter().flat_map(|&ty| self.code.fields(ty, None, &name))
                    {
                        let mut keys = base.keys.clone();
                        keys.push((owner, key));
                        found.push(Way { root: base.root, keys, ty });
                    }
                }
                if found.is_empty() {
                    // A part of something that is no definition.
                    found = bases.into_iter().filter(|way| !way.keys.is_empty()).collect();
                }
                found
            }
            syn::Expr::Index(index) => self.ways_of(&index.expr),
            syn::Expr::MethodCall(call) => self.ways_of(&call.receiver),
            syn::Expr::Array(array) => {
                array.elems.iter().flat_map(|element| self.ways_of(element)).collect()
            }
            syn::Expr::Path(path) => match path.path.get_ident() {
                Some(name) => self.aliases.get(&name.to_string()).cloned().unwrap_or_default(),
                None => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// Names for the places that an expression is, or for the parts that a pattern takes out.
    pub(super) fn alias(&mut self, pattern: &syn::Pat, init: &syn::Expr) {
        if let (syn::Pat::Tuple(patterns), syn::Expr::Tuple(values)) = (pattern, code::place(init))
            && patterns.elems.len() == values.elems.len()
        {
            for (pattern, value) in patterns.elems.iter().zip(&values.elems) {
                self.alias(pattern, value);
            }
            return;
        }
        let ways = self.places_of(init);
        if ways.is_empty() {
            return;
        }
        let parts: Vec<(String, Option<&str>, &syn::Pat)> = match pattern {
            syn::Pat::Struct(item) => {
                let fields = item.fields.iter();
                fields.map(|field| (code::member_name(&field.member), None, &*field.pat)).collect()
            }
            syn::Pat::TupleStruct(item) => {
                let elems = item.elems.iter().enumerate();
                elems.map(|(index, pattern)| (index.to_string(), None, pattern)).collect()
            }
            syn::Pat::Tuple(item) => {
                let elems = item.elems.iter().enumerate();
                elems.map(|(index, pattern)| (index.to_string(), None, pattern)).collect()
            }
            _ => Vec::new(),
        };
        if parts.is_empty() {
            if ways.iter().any(|way| !way.keys.is_empty() || way.root.is_some()) {
                for name in code::names_in(pattern) {
                    self.aliases.insert(name, ways.clone());
                }
            }
            return;
        }
        for (name, variant, pattern) in parts {
            let mut inner = Vec::new();
            for way in &ways {
                let found = way.ty.iter().flat_map(|&ty| self.code.fields(ty, variant, &name));
                for (owner, key, ty) in found {
                    let mut keys = way.keys.clone();
                    keys.push((owner, key));
                    inner.push(Way { root: way.root, keys, ty });
                }
            }
            // `Some(x)` of a container holds the place itself.
            let inner = if inner.is_empty() { ways.clone() } else { inner };
            for name in code::names_in(pattern) {
                self.aliases.insert(name, inner.clone());
            }
        }
    }

    /// The types and the variant that a path in a literal names.
    pub(super) fn literal(&self, path: &syn::Path) -> Option<(Vec<TypeId>, String)> {
        let graph = self.code.graph();
        let last = file::plain(&path.segments.last()?.ident);
        let with_variant = |types: Vec<TypeId>| -> Option<(Vec<TypeId>, String)> {
            let has_it = |&id: &TypeId| match &graph.get(graph.defined(id)).kind {
                Kind::Enum(variants) => variants.iter().any(|variant| *variant.name == *last),
                _ => false,
            };
            let types: Vec<TypeId> = types.into_iter().filter(has_it).collect();
            (!types.is_empty()).then(|| (types, last.clone()))
        };
        let count = path.segments.len();
        if let Some(before) = count.checked_sub(2).and_then(|at| path.segments.get(at)) {
            let name = file::plain(&before.ident);
            let types = if name == "Self" || self.is_fields_of_self(&name) {
                self.func.self_type.into_iter().collect()
            } else {
                self.code.types_named(&self.func.crate_name, &name)
            };
            if let Some(found) = with_variant(types) {
                return Some(found);
            }
        }
        if self.is_fields_of_self(&last) {
            return self.func.self_type.map(|own| (vec![own], String::new()));
        }
        let types = self.code.types_of(self.func, path);
        let is_struct = |&id: &TypeId| {
            matches!(graph.get(graph.defined(id)).kind, Kind::Struct(_) | Kind::Union(_))
        };
        let structs: Vec<TypeId> = types.into_iter().filter(is_struct).collect();
        if !structs.is_empty() {
            return Some((structs, String::new()));
        }
        with_variant(self.func.self_type.into_iter().collect())
    }

    /// Whether this is the type of the fields that the derive makes for a `manual` type.
    fn is_fields_of_self(&self, name: &str) -> bool {
        let Some(own) = self.func.self_type else { return false };
        let graph = self.code.graph();
        let own = names::last_segment(graph.get(graph.defined(own)).definition());
        name.strip_suffix(code::FIELDS_SUFFIX).is_some_and(|name| name == own)
    }

    /// The types that an expression goes through: `Self { … }`, `Rng::new(…)`.
    pub(super) fn types_in(&self, expr: &syn::Expr) -> Vec<TypeId> {
        struct Finder<'f, 'a, 'c>(&'f RestoreReader<'a, 'c>, Vec<TypeId>);
        impl<'ast> Visit<'ast> for Finder<'_, '_, '_> {
            fn visit_path_segment(&mut self, segment: &'ast syn::PathSegment) {
                let name = file::plain(&segment.ident);
                if name == "Self" {
                    self.1.extend(self.0.func.self_type);
                } else if name.starts_with(char::is_uppercase) {
                    self.1.extend(self.0.code.types_named(&self.0.func.crate_name, &name));
                }
            }
        }
        let mut finder = Finder(self, Vec::new());
        finder.visit_expr(expr);
        finder.1
    }
}
