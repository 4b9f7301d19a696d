//! Which fields a hand-written `restore` gives a value from the image.
//!
//! What comes from the image is followed from the restorer through bindings, calls and loops. A
//! field counts if such a value stands for it in a literal, is assigned to it, or is put into it
//! through a `&mut`. A constant, or `Default::default()`, does not count.

mod calls;
mod doubts;
mod names;
mod outcome;
mod places;
mod resets;
mod ways;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};

pub(crate) use self::names::is_made_of;
pub(crate) use self::outcome::Restored;

use super::code;
use super::codebase::{Codebase, Func};
use super::conditions::{self, Facts, Met};
use super::flow::Key;
use crate::evidence::FieldKey;
use crate::fields;
use crate::graph::TypeId;

/// How deep helpers are followed.
const MAX_DEPTH: usize = 6;

/// How many times helpers are read, each once for each place that it is given.
const MAX_FOLLOWED: usize = 20_000;

/// What this function, and what it calls, takes from the image. `states` are the parameters that
/// are state themselves; all others may hold the image.
pub(crate) fn restored(
    code: &Codebase<'_>,
    restore: &Func,
    states: &[(usize, TypeId)],
    out: &mut Restored,
) {
    let mut tainted = HashSet::new();
    let mut values = HashMap::new();
    let mut readers = HashMap::new();
    for index in 0..restore.signature().inputs.len() {
        let names = match restore.pattern(index) {
            Some(pattern) => code::names_in(pattern),
            None => vec!["self".to_owned()],
        };
        match states.iter().find(|(at, _)| *at == index) {
            Some((_, ty)) => {
                let way = Way { root: Some(*ty), keys: Vec::new(), ty: Some(*ty) };
                values.extend(names.into_iter().map(|name| (name, vec![way.clone()])));
            }
            None => {
                // Of what type the reader is, is worth knowing where its methods are called.
                if let Some(syn::FnArg::Typed(typed)) = restore.signature().inputs.get(index) {
                    let types = code.annotated(restore, &typed.ty);
                    readers.extend(names.iter().map(|name| (name.clone(), types.clone())));
                }
                tainted.extend(names);
            }
        }
    }
    let names = Names { tainted: tainted.clone(), restorers: tainted, values, readers };
    read(code, restore, names, 0, out);
    out.settle();
}

/// What names stand for at the start of a function.
#[derive(Default)]
struct Names {
    tainted: HashSet<String>,
    restorers: HashSet<String>,
    values: HashMap<String, Vec<Way>>,
    readers: HashMap<String, Vec<TypeId>>,
}

fn read(code: &Codebase<'_>, func: &Func, names: Names, depth: usize, out: &mut Restored) {
    read_with(code, func, names, (depth, 0, false), out);
}

/// The same for a function that is called behind so many branches; `is_apart` if it gets nothing
/// from the image, and is read for what it sets back.
fn read_with(
    code: &Codebase<'_>,
    func: &Func,
    names: Names,
    (depth, branches, is_apart): (usize, usize, bool),
    out: &mut Restored,
) {
    let Names { tainted, restorers, values, readers } = names;
    let of_crate = || Rc::new(func.krate.facts().clone());
    let facts = func.self_type.map_or_else(of_crate, |ty| code.facts(ty));
    let mut reader = RestoreReader {
        code,
        func,
        facts,
        tainted,
        restorers,
        values,
        readers,
        aliases: HashMap::new(),
        doubts: HashMap::new(),
        origins: HashMap::new(),
        conditions: Vec::new(),
        shadowed: Vec::new(),
        carrying: HashSet::new(),
        branches,
        left_with: Vec::new(),
        depth,
        is_apart,
        out,
    };
    reader.visit_block(func.block());
    if depth == 0 {
        let is_given = reader.gives_image(func.block());
        reader.out.is_given |= is_given;
        if is_given && let Some(syn::Stmt::Expr(last, None)) = func.block().stmts.last() {
            let from = reader.taint(last).unwrap_or_default();
            let under = reader.doubt(&from);
            reader.out.given_under.extend(under);
        }
    }
}

struct RestoreReader<'a, 'c> {
    code: &'a Codebase<'c>,
    func: &'a Func,
    facts: Rc<Facts>,
    /// Names of what came from the image.
    tainted: HashSet<String>,
    /// Those of them that read the image themselves.
    restorers: HashSet<String>,
    /// Names of values of the state: where they are, and the types that they may have.
    values: HashMap<String, Vec<Way>>,
    /// Names of what reads the image, with the types that they may have.
    readers: HashMap<String, Vec<TypeId>>,
    /// What names from the image are made of, if that is worth knowing.
    origins: HashMap<String, BTreeSet<String>>,
    /// Names of places inside such a value, with the ways that lead there.
    aliases: HashMap<String, Vec<Way>>,
    /// The conditions around what is being read of which nothing is known.
    conditions: Vec<String>,
    /// Names that are from the image under conditions of which nothing is known only.
    doubts: HashMap<String, BTreeSet<String>>,
    /// Names from the image that mean something else until their block ends, and whether they
    /// read the image themselves.
    shadowed: Vec<(String, bool)>,
    /// Names of what is computed from the state.
    carrying: HashSet<String>,
    /// How many branches and loops are around what is being read, so that it may not happen.
    branches: usize,
    /// Places that a branch filled which ends the function: what follows does not happen to them.
    left_with: Vec<Place>,
    depth: usize,
    /// Whether nothing here is from the image.
    is_apart: bool,
    out: &'a mut Restored,
}

/// A place in the state, as far as it is known: the type that the way starts at, and the way.
type Place = (Option<TypeId>, Vec<Key>);

/// A place in the state: each field on the way to it, and its type.
#[derive(Clone, Debug)]
struct Way {
    /// The type of what is restored as a whole; `None` for a value that is not yet in it.
    root: Option<TypeId>,
    keys: Vec<Key>,
    ty: Option<TypeId>,
}

/// What stands at the start of a place.
fn root_of(target: &syn::Expr) -> &syn::Expr {
    let mut place = code::place(target);
    while let syn::Expr::Index(syn::ExprIndex { expr, .. })
    | syn::Expr::Field(syn::ExprField { base: expr, .. })
    | syn::Expr::Try(syn::ExprTry { expr, .. })
    | syn::Expr::MethodCall(syn::ExprMethodCall { receiver: expr, .. }) = place
    {
        place = code::place(expr);
    }
    place
}

impl RestoreReader<'_, '_> {
    fn restore(&mut self, key: Key, from: BTreeSet<String>) {
        self.out.seen.insert(key.0);
        let under = self.doubt(&from);
        if !under.is_empty() {
            self.out.conditional.entry(key).or_default().extend(under);
            return;
        }
        let is_direct = from.is_empty() || self.is_read(&from);
        let from = if is_direct { BTreeSet::new() } else { from };
        match self.out.fields.entry(key) {
            std::collections::btree_map::Entry::Vacant(vacant) => {
                vacant.insert(from);
            }
            // What comes from the restorer once does not become derived by a second look.
            std::collections::btree_map::Entry::Occupied(mut known) => {
                if from.is_empty() {
                    known.get_mut().clear();
                }
            }
        }
    }

    /// A value that is made holds something from the image.
    fn make(&mut self, key: Key, from: BTreeSet<String>) {
        self.out.fresh.insert(key.clone());
        self.restore(key, from);
    }

    /// Each field on these ways holds something from the image: the whole of what stands there, or
    /// what code that is followed puts into it.
    fn restore_ways(&mut self, ways: Vec<Way>, from: &BTreeSet<String>, is_whole: bool) {
        for way in ways {
            if self.branches > 0 {
                self.out.in_branches.push((way.root, way.keys.clone()));
            }
            if let Some(root) = way.root {
                let under = self.doubt(from);
                if under.is_empty() {
                    self.out.places.fill(root, &way.keys, is_whole, None);
                }
                for condition in &under {
                    self.out.places.fill(root, &way.keys, is_whole, Some(condition));
                }
            }
            for key in way.keys {
                if way.root.is_none() {
                    self.out.fresh.insert(key.clone());
                }
                self.restore(key, from.clone());
            }
        }
    }

    /// A place gets something from the image.
    fn fill(&mut self, target: &syn::Expr, from: &BTreeSet<String>, is_whole: bool) {
        if !self.fill_place(target, from, is_whole) {
            self.take_along(target);
        }
    }

    /// A place gets something from the image; whether it is in the state already.
    fn fill_place(&mut self, target: &syn::Expr, from: &BTreeSet<String>, is_whole: bool) -> bool {
        let ways = self.ways_of(target);
        if !ways.is_empty() {
            // A value that is not yet in the state takes along what it got.
            let is_known = ways.iter().any(|way| way.root.is_some());
            self.restore_ways(ways, from, is_whole);
            return is_known;
        }
        if is_whole && let Some(name) = code::name_of(code::place(target)) {
            // `*self = …`
            let ways = self.values.get(&name).cloned().unwrap_or_default();
            self.restore_ways(ways, from, true);
        }
        false
    }

    /// What a name of the function stands for got something from the image.
    fn take_along(&mut self, target: &syn::Expr) {
        let place = root_of(target);
        if let Some(name) = code::name_of(place)
            && name != "self"
            && !self.values.get(&name).is_some_and(|ways| ways.iter().any(|way| way.root.is_some()))
        {
            self.tainted.insert(name);
        }
    }

    /// Reads a loop twice, because in it a name can be used before the line that fills it.
    fn in_loop(&mut self, mut read: impl FnMut(&mut Self)) {
        self.branch(|reader| {
            read(reader);
            read(reader);
        });
    }

    /// Reads what happens in one branch.
    fn branch(&mut self, read: impl FnOnce(&mut Self)) {
        let before = self.out.in_branches.len();
        self.branches += 1;
        read(self);
        self.branches -= 1;
        self.out.in_branches.truncate(before);
    }

    /// What follows does not happen to what the branches around this filled.
    fn leave(&mut self) {
        if self.branches > 0 {
            self.left_with.extend_from_slice(&self.out.in_branches);
        }
    }

    /// Reads code that stands behind these conditions.
    fn under(&mut self, conditions: &[syn::Meta], read: impl FnOnce(&mut Self)) {
        match conditions::all(conditions, &self.facts) {
            Met::Yes => read(self),
            Met::No => {}
            Met::Unknown(condition) => {
                self.conditions.push(condition);
                read(self);
                self.conditions.pop();
            }
        }
    }

    fn bind(&mut self, pattern: &syn::Pat, init: &syn::Expr) {
        if let Some(condition) = self.conditions.last().cloned() {
            self.bind_under(pattern, init, &condition);
            return;
        }
        for name in code::names_in(pattern) {
            self.doubts.remove(&name);
        }
        if let Some(from) = self.taint(init) {
            for name in code::names_in(pattern) {
                self.origins.remove(&name);
                self.tainted.insert(name);
            }
            self.remember(pattern, from);
            // What changes gives another value each time: a reader of its own.
            if let syn::Pat::Ident(syn::PatIdent { ident, mutability: Some(_), .. }) = pattern {
                self.restorers.insert(super::file::plain(ident));
            }
            return;
        }
        let is_carried = self.carries(init);
        let copied = self.copied(pattern, init);
        // The names mean something else from here on.
        for name in code::names_in(pattern) {
            if is_carried {
                self.carrying.insert(name.clone());
            } else {
                self.carrying.remove(&name);
            }
            if let Some(types) = &copied {
                self.aliases.remove(&name);
                self.values.insert(name.clone(), ways::new(types));
            }
            let is_restorer = self.restorers.remove(&name);
            if self.tainted.remove(&name) {
                self.shadowed.push((name, is_restorer));
            }
        }
        if copied.is_none() {
            self.alias(pattern, init);
        }
    }

    fn assign(&mut self, target: &syn::Expr, value: &syn::Expr) {
        if let syn::Expr::Tuple(targets) = target {
            let values = match code::place(value) {
                syn::Expr::Tuple(values) if values.elems.len() == targets.elems.len() => {
                    values.elems.iter().collect()
                }
                _ => vec![value; targets.elems.len()],
            };
            targets.elems.iter().zip(values).for_each(|(target, value)| self.assign(target, value));
            return;
        }
        if let Some(name) = code::name_of(target) {
            // Not what the name was a way to.
            self.aliases.remove(&name);
        }
        match self.taint(value) {
            Some(from) => self.fill(target, &from, true),
            None => self.assign_other(target, value),
        }
    }

    /// A literal of a tuple struct or a tuple variant: `Self(a, b)`.
    fn tuple_literal(&mut self, types: &[TypeId], variant: &str, call: &syn::ExprCall) {
        self.out.seen.extend(types);
        for (index, argument) in call.args.iter().enumerate() {
            if let Some(from) = self.taint(argument) {
                for &ty in types {
                    let key = FieldKey { variant: variant.to_owned(), name: index.to_string() };
                    self.make((ty, key), from.clone());
                }
            }
        }
    }
}

/// Whether an expression is a name, or a field of a field of one, and so one place for sure.
fn is_plain(expr: &syn::Expr) -> bool {
    match code::place(expr) {
        syn::Expr::Field(field) => is_plain(&field.base),
        expr => code::name_of(expr).is_some(),
    }
}

impl<'ast> Visit<'ast> for RestoreReader<'_, '_> {
    fn visit_block(&mut self, block: &'ast syn::Block) {
        let outer = self.shadowed.len();
        visit::visit_block(self, block);
        for (name, is_restorer) in self.shadowed.split_off(outer) {
            if is_restorer {
                self.restorers.insert(name.clone());
            }
            self.tainted.insert(name);
        }
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        if let Some(init) = &local.init {
            self.visit_expr(&init.expr);
            let types = self.types_in(&init.expr);
            if !types.is_empty() {
                let names = code::names_in(&local.pat).into_iter();
                let ways = ways::new(&types);
                self.values.extend(names.map(|name| (name, ways.clone())));
            }
            self.bind(&local.pat, &init.expr);
            if let Some((_, diverge)) = &init.diverge {
                self.branch(|reader| reader.visit_expr(diverge));
            }
        }
    }

    fn visit_expr_struct(&mut self, literal: &'ast syn::ExprStruct) {
        visit::visit_expr_struct(self, literal);
        let Some((types, variant)) = self.literal(&literal.path) else { return };
        self.out.seen.extend(&types);
        let mut rest: BTreeSet<Key> = BTreeSet::new();
        for &ty in &types {
            let all = fields::of(self.code.graph(), ty).into_iter().map(|field| field.key);
            rest.extend(all.filter(|key| key.variant == variant).map(|key| (ty, key)));
        }
        for field in &literal.fields {
            let key = FieldKey { variant: variant.clone(), name: code::member_name(&field.member) };
            self.under(&conditions::among(&field.attrs), |reader| {
                let from = reader.taint(&field.expr);
                for &ty in &types {
                    rest.remove(&(ty, key.clone()));
                    if let Some(from) = &from {
                        reader.make((ty, key.clone()), from.clone());
                    }
                }
            });
        }
        if let Some(base) = &literal.rest
            && let Some(from) = self.taint(base)
        {
            rest.into_iter().for_each(|key| self.make(key, from.clone()));
        }
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        visit::visit_expr_call(self, call);
        if let syn::Expr::Path(path) = code::place(&call.func)
            && let Some((types, variant)) = self.literal(&path.path)
        {
            self.tuple_literal(&types, &variant, call);
            return;
        }
        let arguments: Vec<&syn::Expr> = call.args.iter().collect();
        self.call(&call.func, &arguments);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        // What closures get here comes from the receiver.
        if self.is_tainted(&call.receiver) {
            for argument in &call.args {
                if let syn::Expr::Closure(closure) = argument {
                    self.tainted.extend(closure.inputs.iter().flat_map(code::names_in));
                }
            }
        }
        visit::visit_expr_method_call(self, call);
        let mut all = BTreeSet::new();
        for argument in &call.args {
            all.extend(self.taint(argument).unwrap_or_default());
        }
        let receiver = self.taint(&call.receiver).unwrap_or_default();
        let from: BTreeSet<String> = all.union(&receiver).cloned().collect();
        let name = super::file::plain(&call.method);
        if !from.is_empty() {
            for argument in &call.args {
                if let syn::Expr::Reference(reference) = argument
                    && reference.mutability.is_some()
                {
                    let is_followed = all.is_empty() && self.filler(call, &name).is_some();
                    self.fill(&reference.expr, &from, !is_followed);
                }
            }
        }
        self.construct(call, &receiver);
        if all.is_empty() && !receiver.is_empty() {
            self.fill_by_method(call, &name);
        }
        if from.is_empty() {
            self.reset_by_method(call);
        }
        if !all.is_empty() {
            let types = self.types_of(&call.receiver);
            let targets = types.iter().flat_map(|&ty| self.code.targets(ty));
            let methods: Vec<Func> = targets
                .filter_map(|ty| self.code.method(ty, &name))
                .filter(Func::has_self)
                .collect();
            let is_tainted = self.is_tainted(&call.receiver);
            let unfinished = self.unfinished(&call.receiver);
            if methods.is_empty() || is_tainted && unfinished.is_none() {
                self.fill(&call.receiver, &all, true);
                return;
            }
            let ways = self.places_of(&call.receiver);
            let is_new = ways.iter().all(|way| way.root.is_none());
            self.restore_ways(ways, &all, false);
            let mut arguments: Vec<&syn::Expr> = vec![&call.receiver];
            arguments.extend(&call.args);
            self.follow_all(&methods, &arguments, unfinished.into_iter().collect());
            // Only now: the method must see a place, not something from the image.
            if is_new {
                self.take_along(&call.receiver);
            }
        }
    }

    fn visit_expr_assign(&mut self, assign: &'ast syn::ExprAssign) {
        visit::visit_expr_assign(self, assign);
        self.assign(&assign.left, &assign.right);
    }

    fn visit_stmt(&mut self, statement: &'ast syn::Stmt) {
        self.under(&conditions::of_statement(statement), |reader| {
            visit::visit_stmt(reader, statement);
        });
    }

    fn visit_expr_if(&mut self, item: &'ast syn::ExprIf) {
        let condition = conditions::of_branch(&item.cond);
        self.visit_expr(&item.cond);
        let otherwise: Vec<_> = condition.iter().map(conditions::opposite).collect();
        self.branch(|reader| {
            reader.under(condition.as_slice(), |reader| reader.visit_block(&item.then_branch));
        });
        if let Some((_, other)) = &item.else_branch {
            self.branch(|reader| reader.under(&otherwise, |reader| reader.visit_expr(other)));
        }
    }

    fn visit_expr_while(&mut self, item: &'ast syn::ExprWhile) {
        self.in_loop(|reader| visit::visit_expr_while(reader, item));
    }

    fn visit_expr_loop(&mut self, item: &'ast syn::ExprLoop) {
        self.in_loop(|reader| visit::visit_expr_loop(reader, item));
    }

    fn visit_expr_closure(&mut self, item: &'ast syn::ExprClosure) {
        // What it returns from is not the function.
        let left = self.left_with.len();
        self.branch(|reader| visit::visit_expr_closure(reader, item));
        self.left_with.truncate(left);
    }

    fn visit_expr_return(&mut self, item: &'ast syn::ExprReturn) {
        visit::visit_expr_return(self, item);
        if !item.expr.as_deref().is_some_and(calls::is_error) {
            self.leave();
        }
    }

    fn visit_expr_continue(&mut self, _: &'ast syn::ExprContinue) {
        self.leave();
    }

    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        visit::visit_expr_binary(self, binary);
        let assigns = matches!(
            binary.op,
            syn::BinOp::AddAssign(_)
                | syn::BinOp::BitOrAssign(_)
                | syn::BinOp::BitXorAssign(_)
                | syn::BinOp::ShlAssign(_)
        );
        if assigns && let Some(from) = self.taint(&binary.right) {
            self.fill(&binary.left, &from, true);
        }
    }

    fn visit_expr_let(&mut self, expr: &'ast syn::ExprLet) {
        visit::visit_expr_let(self, expr);
        self.bind(&expr.pat, &expr.expr);
    }

    fn visit_expr_match(&mut self, item: &'ast syn::ExprMatch) {
        self.visit_expr(&item.expr);
        for arm in &item.arms {
            self.bind(&arm.pat, &item.expr);
            self.branch(|reader| {
                reader.under(&conditions::among(&arm.attrs), |reader| reader.visit_arm(arm));
            });
        }
    }

    fn visit_expr_for_loop(&mut self, item: &'ast syn::ExprForLoop) {
        self.visit_expr(&item.expr);
        let outer = self.branches;
        let is_over_all = self.is_over_all(&item.expr);
        self.in_loop(|reader| {
            if is_over_all {
                reader.branches = outer;
            }
            reader.bind(&item.pat, &item.expr);
            reader.visit_block(&item.body);
            reader.branches = outer + 1;
        });
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        if let Ok(arguments) =
            item.parse_body_with(Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated)
        {
            arguments.iter().for_each(|argument| self.visit_expr(argument));
        } else {
            self.tokens(item);
        }
    }

    // Items inside a function are code of their own.
    fn visit_item(&mut self, _: &'ast syn::Item) {}
}
