//! What is overwritten with something that is not from the image, and copies of the state.
//!
//! What was restored and is then set back (`self.b = B::new()`, `self.reset()`,
//! `mem::take(&mut self.b)`) is not restored in the end. What is computed from the state itself
//! does not count as set back: it hangs on what was restored. A copy of a part of the state is a
//! value of its own, and what fills it fills nothing else.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use syn::visit::{self, Visit};

use super::{Names, RestoreReader, Restored, Way, is_plain, read_with};
use crate::graph::{Kind, TypeId};
use crate::names;
use crate::source::codebase::{Func, FuncId, called};
use crate::source::flow::Key;
use crate::source::{code, file};

/// How deep functions that set something back are followed.
const MAX_DEPTH: usize = 6;

/// Methods of std that put what they are given in the place of a value, with how many arguments they
/// take at most: `str::replace` takes two, and sets of bits have a `set` of one bit.
const PUTTING: &[(&str, usize)] = &[("fill", 1), ("replace", 1), ("set", 1), ("store", 2)];

/// Functions that make a value of their own, whatever they are told of the state.
const MAKING: &[&str] = &["default", "new", "with_capacity"];

/// Methods that give a copy.
const COPYING: &[&str] = &["clone", "cloned", "copied", "to_owned", "to_vec"];

/// What a function sets back below a parameter, and what it computes anew there.
#[derive(Debug, Default)]
pub(super) struct Resets {
    constants: Vec<Vec<Key>>,
    carried: Vec<Vec<Key>>,
}

/// What is known of functions that get nothing from the image, by function and parameter.
pub(super) type Known = HashMap<(FuncId, usize), Rc<Resets>>;

impl RestoreReader<'_, '_> {
    /// Whether what is being read happens whenever the function is called.
    fn is_sure(&self) -> bool {
        self.branches == 0 && self.conditions.is_empty()
    }

    /// A place gets something that is not from the image.
    pub(super) fn assign_other(&mut self, target: &syn::Expr, value: &syn::Expr) {
        if self.carries(value) {
            self.carry(target);
        } else if self.is_sure() {
            self.overwrite(target);
        }
    }

    /// The one place in the state that an expression is for sure.
    fn only_way(&self, target: &syn::Expr) -> Option<Way> {
        if !is_plain(target) {
            return None;
        }
        let place = code::place(target);
        let mut ways = self.ways_of(target);
        if ways.is_empty()
            && let Some(name) = code::name_of(place)
        {
            ways = self.values.get(&name).cloned().unwrap_or_default();
        }
        let [way] = &ways[..] else { return None };
        Some(way.clone())
    }

    /// A place gets something that is not from the image, for sure.
    pub(super) fn overwrite(&mut self, target: &syn::Expr) {
        let place = code::place(target);
        if let Some(name) = code::name_of(place)
            && code::name_of(unbracketed(target)).is_some()
        {
            // A name means something else from here on; what it was a way to stays as it is.
            self.tainted.remove(&name);
            return;
        }
        let Some(way) = self.only_way(target) else { return };
        let is_direct = match place {
            syn::Expr::Field(field) => code::name_of(code::place(&field.base)).is_some(),
            _ => false,
        };
        self.overwrite_way(&way, is_direct);
    }

    /// The same for a place; `is_direct` if it is a field of a value that has a name.
    fn overwrite_way(&mut self, way: &Way, is_direct: bool) {
        let is_left = |(root, keys): &super::Place| {
            *root == way.root && (keys.starts_with(&way.keys) || way.keys.starts_with(keys))
        };
        if self.left_with.iter().any(is_left) {
            return;
        }
        // What was followed before has to be followed again to fill what is emptied here.
        self.out.followed.clear();
        if let Some(root) = way.root {
            self.out.places.overwrite(root, &way.keys);
        }
        if let Some(last) = way.keys.last()
            && is_direct
            && (way.root.is_none() || !self.out.fresh.contains(last))
        {
            if let Some(from) = self.out.fields.remove(last) {
                self.out.emptied.insert(last.clone(), from);
            }
            self.out.conditional.remove(last);
        }
    }

    /// A place gets something that is computed from the state.
    fn carry(&mut self, target: &syn::Expr) {
        for way in self.ways_of(target) {
            self.carry_way(&way);
        }
    }

    fn carry_way(&mut self, way: &Way) {
        let Some(root) = way.root else { return };
        let is_again = self.out.places.carry(root, &way.keys, self.is_apart);
        if is_again
            && let Some(last) = way.keys.last()
            && let Some(from) = self.out.emptied.remove(last)
        {
            self.out.fields.entry(last.clone()).or_insert(from);
        }
    }

    /// A call that gets nothing from the image: what it sets back.
    pub(super) fn reset_by_method(&mut self, call: &syn::ExprMethodCall) {
        let name = file::plain(&call.method);
        let is_given = call.args.iter().any(|argument| self.carries(argument));
        let types = self.types_of(&call.receiver);
        let targets: Vec<TypeId> = types.iter().flat_map(|&ty| self.code.targets(ty)).collect();
        let methods: Vec<Func> =
            targets.iter().filter_map(|&ty| self.code.method(ty, &name)).collect();
        if let [method] = &methods[..] {
            let mut arguments = vec![&*call.receiver];
            arguments.extend(&call.args);
            self.apply_resets(method, &arguments);
            return;
        }
        if !methods.is_empty() {
            return;
        }
        if is_given {
            self.carry(&call.receiver);
        } else if self.is_sure() && leaves_nothing(&name, &call.args) {
            self.overwrite_part(&call.receiver);
        }
    }

    /// The same for functions that are called by their names.
    pub(super) fn reset_by_call(&mut self, func: &syn::Expr, arguments: &[&syn::Expr]) {
        let Some((_, name)) = called(func) else { return };
        let callees = self.callees(func, arguments);
        if let [callee] = &callees[..] {
            self.apply_resets(callee, arguments);
            return;
        }
        if !callees.is_empty() {
            return;
        }
        let lent = |argument: &&syn::Expr| match argument {
            syn::Expr::Reference(inner) => inner.mutability.is_some(),
            _ => false,
        };
        match (&*name, arguments) {
            ("take", [target]) if lent(target) && self.is_sure() => self.overwrite_part(target),
            ("replace", [target, value]) if lent(target) => {
                if self.carries(value) {
                    self.carry(target);
                } else if self.is_sure() {
                    self.overwrite_part(target);
                }
            }
            _ => {
                for (index, argument) in arguments.iter().enumerate() {
                    let others = arguments.iter().enumerate().filter(|(at, _)| *at != index);
                    if lent(argument) && others.into_iter().any(|(_, other)| self.carries(other)) {
                        self.carry(argument);
                    }
                }
            }
        }
    }

    /// A field is emptied; a value that has a name only is none of the state by itself.
    fn overwrite_part(&mut self, target: &syn::Expr) {
        if let Some(way) = self.only_way(target)
            && !way.keys.is_empty()
        {
            let is_direct = matches!(code::place(target), syn::Expr::Field(field)
                if code::name_of(code::place(&field.base)).is_some());
            self.overwrite_way(&way, is_direct);
        }
    }

    /// What a function whose source is known sets back of what it is lent.
    fn apply_resets(&mut self, callee: &Func, arguments: &[&syn::Expr]) {
        for (index, argument) in arguments.iter().enumerate() {
            if !callee.takes_mutable(index) {
                continue;
            }
            let Some(way) = self.only_way(argument) else { continue };
            if way.root.is_none() && !self.is_filled_name(argument) {
                continue;
            }
            let ty = match callee.self_type {
                Some(own) if index == 0 && callee.has_self() => Some(own),
                _ => way.ty.and_then(|ty| self.code.targets(ty).first().copied()),
            };
            let Some(ty) = ty else { continue };
            let resets = self.resets(callee, index, ty);
            let is_named = code::name_of(code::place(argument)).is_some();
            let at = |keys: &Vec<Key>| {
                let keys = way.keys.iter().chain(keys).cloned().collect();
                Way { root: way.root, keys, ty: None }
            };
            if self.is_sure() {
                for keys in &resets.constants {
                    self.overwrite_way(&at(keys), is_named && keys.len() == 1);
                }
            }
            for keys in &resets.carried {
                self.carry_way(&at(keys));
            }
        }
    }

    /// Whether a name stands for a value that has got parts from the image.
    fn is_filled_name(&self, expr: &syn::Expr) -> bool {
        self.unfinished(expr).is_some()
    }

    fn resets(&mut self, func: &Func, param: usize, ty: TypeId) -> Rc<Resets> {
        let call = (func.id(), param);
        if let Some(known) = self.out.resets.get(&call) {
            return Rc::clone(known);
        }
        // One that calls itself sets nothing more back the second time.
        self.out.resets.insert(call, Rc::default());
        if self.depth >= MAX_DEPTH {
            return Rc::default();
        }
        let names = match func.pattern(param) {
            Some(pattern) => code::names_in(pattern),
            None => vec!["self".to_owned()],
        };
        let way = Way { root: Some(ty), keys: Vec::new(), ty: Some(ty) };
        let values = names.into_iter().map(|name| (name, vec![way.clone()])).collect();
        let mut apart = Restored::default();
        std::mem::swap(&mut apart.resets, &mut self.out.resets);
        let names = Names { values, ..Names::default() };
        read_with(self.code, func, names, (self.depth + 1, 0, true), &mut apart);
        std::mem::swap(&mut apart.resets, &mut self.out.resets);
        let (constants, carried) = apart.places.below(ty);
        let resets = Rc::new(Resets { constants, carried });
        self.out.resets.insert(call, Rc::clone(&resets));
        resets
    }

    /// Whether a value hangs on the state: so it comes from the image, too, if that does.
    pub(super) fn carries(&self, expr: &syn::Expr) -> bool {
        let mut finder = Carried { values: &self.values, carrying: &self.carrying, found: false };
        finder.visit_expr(expr);
        finder.found
    }

    /// The types of a copy of a part of the state, if an expression makes one for this pattern.
    pub(super) fn copied(&self, pattern: &syn::Pat, init: &syn::Expr) -> Option<Vec<TypeId>> {
        let syn::Pat::Ident(syn::PatIdent { by_ref: None, subpat: None, .. }) = pattern else {
            return None;
        };
        let init = unbracketed(init);
        let source = match init {
            syn::Expr::MethodCall(call) if call.args.is_empty() => {
                let name = file::plain(&call.method);
                let is_copy = COPYING.contains(&&*name) || name == "take";
                is_copy.then_some(&*call.receiver)?
            }
            syn::Expr::Field(_) | syn::Expr::Index(_) => init,
            syn::Expr::Unary(syn::ExprUnary { op: syn::UnOp::Deref(_), expr, .. }) => expr,
            syn::Expr::Call(call) => {
                let (_, name) = called(&call.func)?;
                let is_taken = matches!(&*name, "take" | "replace");
                let first = call.args.first()?;
                (is_taken && self.callees(&call.func, &[]).is_empty()).then_some(first)?
            }
            _ => return None,
        };
        let ways = self.ways_of(source);
        let types: Vec<TypeId> = ways.iter().filter_map(|way| way.ty).collect();
        // What is shared or lent is the same value under another name.
        (types.len() == ways.len()
            && !types.is_empty()
            && !types.iter().any(|&ty| self.is_shared(ty)))
        .then_some(types)
    }

    fn is_shared(&self, ty: TypeId) -> bool {
        let graph = self.code.graph();
        let ty = graph.get(graph.defined(ty));
        let ident = names::last_segment(ty.definition());
        matches!(ty.kind, Kind::Pointer { .. }) && ident != "Box"
            || matches!(ident, "Rc" | "Arc" | "Weak" | "NonNull")
    }

    /// Whether a loop goes over all elements of a part of the state.
    pub(super) fn is_over_all(&self, expr: &syn::Expr) -> bool {
        let place = match unbracketed(expr) {
            syn::Expr::Reference(inner) => &*inner.expr,
            syn::Expr::MethodCall(call)
                if call.args.is_empty()
                    && (call.method == "iter_mut" || call.method == "values_mut") =>
            {
                &*call.receiver
            }
            _ => return false,
        };
        self.only_way(place).is_some_and(|way| way.root.is_some() && !way.keys.is_empty())
    }
}

/// Looks for state in the value of an expression.
struct Carried<'r> {
    values: &'r HashMap<String, Vec<Way>>,
    carrying: &'r HashSet<String>,
    found: bool,
}

impl<'ast> Visit<'ast> for Carried<'_> {
    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        let Some(name) = path.path.get_ident().map(file::plain) else { return };
        let is_state = |ways: &Vec<Way>| ways.iter().any(|way| way.root.is_some());
        self.found |= self.carrying.contains(&name) || self.values.get(&name).is_some_and(is_state);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        // How much there is tells nothing of what is in it.
        if !code::is_weak_method(&call.method) {
            visit::visit_expr_method_call(self, call);
        }
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        let makes = called(&call.func).is_some_and(|(_, name)| MAKING.contains(&&*name));
        if !makes {
            visit::visit_expr_call(self, call);
        }
    }

    fn visit_expr_repeat(&mut self, repeat: &'ast syn::ExprRepeat) {
        self.visit_expr(&repeat.expr);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        let mut tokens: Vec<_> = item.tokens.clone().into_iter().collect();
        let is_end = |token: &proc_macro2::TokenTree| matches!(token, proc_macro2::TokenTree::Punct(punct) if punct.as_char() == ';');
        // `vec![0; self.len]`
        if item.path.is_ident("vec")
            && let Some(end) = tokens.iter().position(is_end)
        {
            tokens.truncate(end);
        }
        let words = code::words(&tokens.into_iter().collect());
        let is_state = |ways: &Vec<Way>| ways.iter().any(|way| way.root.is_some());
        self.found |= words.iter().any(|word| {
            self.carrying.contains(word) || self.values.get(word).is_some_and(is_state)
        });
    }

    // What a closure does with the state is not what an expression gives.
    fn visit_item(&mut self, _: &'ast syn::Item) {}
}

/// Whether a method of std that is called so leaves nothing of what a value was.
fn leaves_nothing(
    name: &str,
    arguments: &syn::punctuated::Punctuated<syn::Expr, syn::Token![,]>,
) -> bool {
    let is_all = |argument: &syn::Expr| {
        matches!(argument, syn::Expr::Range(syn::ExprRange { start: None, end: None, .. }))
    };
    match name {
        "clear" | "take" => arguments.is_empty(),
        "drain" => arguments.iter().all(is_all),
        _ => {
            PUTTING.iter().any(|(put, most)| *put == name && (1..=*most).contains(&arguments.len()))
        }
    }
}

/// An expression without brackets.
fn unbracketed(expr: &syn::Expr) -> &syn::Expr {
    match expr {
        syn::Expr::Paren(inner) => unbracketed(&inner.expr),
        syn::Expr::Group(inner) => unbracketed(&inner.expr),
        expr => expr,
    }
}
