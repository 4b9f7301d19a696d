//! Calls that get something from the image, followed.

use std::collections::BTreeSet;

use quote::ToTokens as _;

use super::{MAX_DEPTH, MAX_FOLLOWED, Names, RestoreReader, Way, names, read_with, ways};
use crate::evidence::FieldKey;
use crate::source::code;
use crate::source::codebase::{Func, called};

impl RestoreReader<'_, '_> {
    /// Follows a function that gets something from the image.
    pub(super) fn follow(&mut self, callee: &Func, arguments: &[&syn::Expr]) {
        if self.depth >= MAX_DEPTH || self.out.follows >= MAX_FOLLOWED {
            // What it does with the places that it is given is not seen.
            for argument in arguments {
                let ways = self.places_of(argument);
                self.restore_ways(ways, &BTreeSet::new(), true);
            }
            return;
        }
        let mut names = Names::default();
        let mut given = Vec::new();
        let mut places = Vec::new();
        for (index, argument) in arguments.iter().enumerate() {
            let bound = match callee.pattern(index) {
                Some(pattern) => code::names_in(pattern),
                None => vec!["self".to_owned()],
            };
            let mut ways = self.places_of(argument);
            if callee.has_self()
                && index == 0
                && let Some(ty) = callee.self_type
            {
                if ways.is_empty() {
                    ways = ways::new(&[ty]);
                }
                ways.iter_mut().for_each(|way| way.ty = Some(ty));
            }
            let Some(from) = self.taint(argument) else {
                places.extend(ways.iter().map(|way| (way.root, way.keys.clone())));
                if !ways.is_empty() {
                    names.values.extend(bound.into_iter().map(|name| (name, ways.clone())));
                }
                continue;
            };
            given.push(index);
            let known = code::name_of(code::place(argument))
                .and_then(|name| self.readers.get(&name).cloned());
            if let Some(types) = known {
                names.readers.extend(bound.iter().map(|name| (name.clone(), types.clone())));
            }
            let is_lent = matches!(argument, syn::Expr::Reference(inner) if inner.mutability.is_some())
                || callee.takes_mutable(index);
            if is_lent || self.is_read(&from) && code::name_of(code::place(argument)).is_some() {
                names.restorers.extend(bound.clone());
            }
            names.tainted.extend(bound);
        }
        if !self.out.followed.insert((callee.id(), given, places)) {
            return;
        }
        self.out.follows += 1;
        let branches = self.branches + self.conditions.len();
        read_with(self.code, callee, names, (self.depth + 1, branches, self.is_apart), self.out);
    }

    /// A macro that takes no list of expressions. With something that reads the image among its
    /// words, `self.pc` in it is filled, and `get!(reader, self, a x y)` fills the fields that it
    /// names.
    pub(super) fn tokens(&mut self, item: &syn::Macro) {
        let words = code::words(&item.tokens);
        let from: BTreeSet<String> =
            words.iter().filter(|word| self.tainted.contains(*word)).cloned().collect();
        if from.is_empty() {
            return;
        }
        let is_alone = |at: usize| at == 0 || words[at - 1] != ".";
        for (at, word) in words.iter().enumerate() {
            let is_value = word == "self" || self.values.contains_key(word);
            if !is_value || !is_alone(at) || self.tainted.contains(word) {
                continue;
            }
            let mut ways: Vec<Way> = self.ways_of_name(word);
            let mut at = at + 1;
            while words.get(at).is_some_and(|word| word == ".")
                && let Some(member) = words.get(at + 1)
            {
                let inner = self.parts(&ways, member);
                if inner.is_empty() {
                    break;
                }
                ways = inner;
                at += 2;
            }
            let alone = words.iter().enumerate().filter(|(at, _)| is_alone(*at));
            let named: Vec<Way> = alone.flat_map(|(_, word)| self.parts(&ways, word)).collect();
            self.restore_ways(if named.is_empty() { ways } else { named }, &from, true);
        }
    }

    /// The parts of this name of what stands at these places.
    fn parts(&self, ways: &[Way], name: &str) -> Vec<Way> {
        let mut found = Vec::new();
        for way in ways {
            let fields = way.ty.iter().flat_map(|&ty| self.code.fields(ty, Some(""), name));
            for (owner, key, ty) in fields {
                let mut keys = way.keys.clone();
                keys.push((owner, key));
                found.push(Way { root: way.root, keys, ty });
            }
        }
        found
    }

    /// The functions that an expression in call position names.
    pub(super) fn callees(&self, func: &syn::Expr, arguments: &[&syn::Expr]) -> Vec<Func> {
        let Some((path, name)) = called(func) else { return Vec::new() };
        match self.code.owners(self.func, path) {
            Some(owners) => {
                let of_type = owners.iter().filter_map(|&ty| self.code.method(ty, &name));
                let mut found: Vec<Func> = of_type.collect();
                // `Trait::load(&mut self.cpu, reader)`
                if found.is_empty()
                    && let Some(first) = arguments.first()
                {
                    let types = self.types_of(first);
                    let targets = types.iter().flat_map(|&ty| self.code.targets(ty));
                    found = targets.filter_map(|ty| self.code.method(ty, &name)).collect();
                }
                found
            }
            None => self.code.function(self.func, &name).into_iter().collect(),
        }
    }

    /// `u32::load(reader).map(Self)`: what is called by its name makes a value.
    pub(super) fn construct(&mut self, call: &syn::ExprMethodCall, from: &BTreeSet<String>) {
        if from.is_empty() {
            return;
        }
        for argument in &call.args {
            if let syn::Expr::Path(path) = code::place(argument)
                && let Some((types, variant)) = self.literal(&path.path)
            {
                for ty in types {
                    let key = FieldKey { variant: variant.clone(), name: "0".to_owned() };
                    self.out.seen.insert(ty);
                    self.restore((ty, key), from.clone());
                }
            }
        }
    }

    /// Whether a function gives back something that is made of the image: not what the image
    /// makes of something else that it is handed, such as a visitor.
    pub(super) fn gives_image(&self, block: &syn::Block) -> bool {
        let Some(syn::Stmt::Expr(last, None)) = block.stmts.last() else { return false };
        self.is_of_image(last)
    }

    fn is_of_image(&self, expr: &syn::Expr) -> bool {
        match code::place(expr) {
            syn::Expr::Block(inner) => self.gives_image(&inner.block),
            syn::Expr::Unsafe(inner) => self.gives_image(&inner.block),
            syn::Expr::If(item) => {
                self.gives_image(&item.then_branch)
                    || item.else_branch.as_ref().is_some_and(|(_, other)| self.is_of_image(other))
            }
            syn::Expr::Match(item) => {
                // Which of several values it is, may be told by the image.
                let chosen: BTreeSet<String> = item
                    .arms
                    .iter()
                    .filter(|arm| !is_error(&arm.body))
                    .map(|arm| arm.body.to_token_stream().to_string())
                    .collect();
                chosen.len() > 1 && self.is_tainted(&item.expr)
                    || item.arms.iter().any(|arm| self.is_of_image(&arm.body))
            }
            syn::Expr::Call(call) => {
                !is_error(expr) && call.args.iter().any(|argument| self.is_of_image(argument))
            }
            syn::Expr::MethodCall(call) => {
                let is_image = code::name_of(code::place(&call.receiver))
                    .is_some_and(|name| self.restorers.contains(&name));
                if is_image { call.args.is_empty() } else { self.is_of_image(&call.receiver) }
            }
            syn::Expr::Try(inner) => self.is_of_image(&inner.expr),
            expr => self.is_tainted(expr),
        }
    }

    /// A method of what reads the image fills a part of the state: `reader.cpu(&mut self.cpu)`.
    pub(super) fn fill_by_method(&mut self, call: &syn::ExprMethodCall, name: &str) {
        if let Some(method) = self.filler(call, name) {
            let mut arguments: Vec<&syn::Expr> = vec![&call.receiver];
            arguments.extend(&call.args);
            self.follow(&method, &arguments);
        }
    }

    /// The method of what reads the image that is given a part of the state.
    pub(super) fn filler(&self, call: &syn::ExprMethodCall, name: &str) -> Option<Func> {
        let has_state = |argument: &syn::Expr| {
            self.types_of(argument).iter().any(|&ty| !self.code.targets(ty).is_empty())
        };
        if !call.args.iter().any(has_state) {
            return None;
        }
        let reader = code::name_of(code::place(&call.receiver))?;
        let types = match self.readers.get(&reader) {
            Some(types) => types.clone(),
            None if self.values.contains_key(&reader) => self.types_of_name(&reader),
            None => Vec::new(),
        };
        types.iter().find_map(|&ty| self.code.method(ty, name)).filter(Func::has_self)
    }

    pub(super) fn call(&mut self, func: &syn::Expr, arguments: &[&syn::Expr]) {
        let Some(all) =
            arguments.iter().filter_map(|argument| self.taint(argument)).reduce(|mut all, more| {
                all.extend(more);
                all
            })
        else {
            self.reset_by_call(func, arguments);
            return;
        };
        let callees = self.callees(func, arguments);
        let mut unfinished: Vec<String> = Vec::new();
        let mut lent = Vec::new();
        for argument in arguments {
            if let syn::Expr::Reference(reference) = argument
                && reference.mutability.is_some()
            {
                unfinished.extend(self.unfinished(&reference.expr));
                if !self.fill_place(&reference.expr, &all, callees.is_empty()) {
                    lent.push(&*reference.expr);
                }
            }
        }
        // With nothing else from the image, it is what the callee takes from.
        if all.iter().all(|name| unfinished.iter().any(|own| own == names::base(name))) {
            unfinished.clear();
        }
        if callees.is_empty()
            && let syn::Expr::Path(path) = code::place(func)
            && self.literal(&path.path).is_none()
            && !code::is_generated_for_manual(&path.path)
            && self
                .code
                .owners(self.func, path)
                .is_some_and(|owners| self.func.self_type.is_some_and(|own| owners.contains(&own)))
        {
            self.out.hidden.get_or_insert(code::path_text(func));
        }
        self.follow_all(&callees, arguments, unfinished);
        // Only now: what is called must see places, not something from the image.
        lent.into_iter().for_each(|target| self.take_along(target));
    }

    /// The name of a value that is not yet in the state and that has got parts from the image: it
    /// still is a place whose other parts can be filled.
    pub(super) fn unfinished(&self, target: &syn::Expr) -> Option<String> {
        let name = code::name_of(super::root_of(target))?;
        let is_new = |ways: &Vec<Way>| ways.iter().all(|way| way.root.is_none());
        let is_place = self.values.get(&name).is_some_and(is_new)
            && !self.restorers.contains(&name)
            && !self.places_of(target).is_empty();
        (is_place && self.tainted.contains(&name)).then_some(name)
    }

    /// Follows functions, to which the values of these names are places.
    pub(super) fn follow_all(
        &mut self,
        callees: &[Func],
        arguments: &[&syn::Expr],
        places: Vec<String>,
    ) {
        for name in &places {
            self.tainted.remove(name);
        }
        for callee in callees {
            self.follow(callee, arguments);
        }
        self.tainted.extend(places);
    }
}

/// Whether an expression is `Err(…)`, or leaves the function.
pub(super) fn is_error(expr: &syn::Expr) -> bool {
    match code::place(expr) {
        syn::Expr::Call(call) => called(&call.func).is_some_and(|(_, name)| name == "Err"),
        syn::Expr::Return(_) => true,
        _ => false,
    }
}
