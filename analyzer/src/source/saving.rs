//! Which fields a hand-written `save` uses.
//!
//! A field counts if its value is moved, passed, borrowed or looked at: through `self`, through a
//! binding, by destructuring, in a helper method of the same type, or in the tokens of a macro.
//! A log line or an assertion alone does not count.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};

use super::code::{self, TypeCode};
use crate::evidence::FieldKey;

/// What a `save` uses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Saved {
    /// The fields whose values are used.
    pub(crate) fields: BTreeSet<FieldKey>,
    /// The fields that are only logged or asserted.
    pub(crate) mentioned: BTreeSet<FieldKey>,
    /// Set if the whole value goes somewhere that cannot be seen: where.
    pub(crate) escapes: Option<String>,
}

/// What this `save`, and what it calls, uses of its `self`.
pub(crate) fn saved(code: &TypeCode, save: &syn::ImplItemFn) -> Saved {
    let mut reader = SaveReader {
        code,
        out: Saved::default(),
        selves: HashSet::from(["self".to_owned()]),
        bindings: BTreeMap::new(),
        followed: HashSet::from([save.sig.ident.to_string()]),
        is_weak: false,
    };
    reader.visit_block(&save.block);
    reader.out
}

struct SaveReader<'a> {
    code: &'a TypeCode,
    out: Saved,
    /// Names of the whole value.
    selves: HashSet<String>,
    /// Names of single fields.
    bindings: BTreeMap<String, FieldKey>,
    /// Helpers that were followed.
    followed: HashSet<String>,
    /// Whether what is being read only logs or asserts.
    is_weak: bool,
}

impl SaveReader<'_> {
    fn is_self(&self, expr: &syn::Expr) -> bool {
        code::name_of(code::place(expr)).is_some_and(|name| self.selves.contains(&name))
    }

    fn use_field(&mut self, key: FieldKey) {
        if !self.code.fields.contains(&key) {
            return;
        }
        let list = if self.is_weak { &mut self.out.mentioned } else { &mut self.out.fields };
        list.insert(key);
    }

    fn escape(&mut self, to: impl Into<String>) {
        if !self.is_weak && self.out.escapes.is_none() {
            self.out.escapes = Some(to.into());
        }
    }

    /// The field that an expression is the place of, if it is nothing more.
    fn field_place(&self, expr: &syn::Expr) -> Option<FieldKey> {
        let expr = code::place(expr);
        if let syn::Expr::Field(field) = expr
            && self.is_self(&field.base)
        {
            return Some(code::struct_field(&field.member));
        }
        code::name_of(expr).and_then(|name| self.bindings.get(&name).cloned())
    }

    /// Gives the parts of the whole value that a pattern takes apart their names.
    fn destructure(&mut self, pattern: &syn::Pat) {
        match pattern {
            syn::Pat::Ident(ident) => {
                self.selves.insert(ident.ident.to_string());
            }
            syn::Pat::Reference(reference) => self.destructure(&reference.pat),
            syn::Pat::Paren(paren) => self.destructure(&paren.pat),
            syn::Pat::Type(typed) => self.destructure(&typed.pat),
            syn::Pat::Guard(guard) => {
                self.destructure(&guard.pat);
            }
            syn::Pat::Or(or) => or.cases.iter().for_each(|case| self.destructure(case)),
            syn::Pat::Struct(item) => {
                let variant = self.code.variant(&item.path);
                for field in &item.fields {
                    let name = code::member_name(&field.member);
                    self.bind(&field.pat, &FieldKey { variant: variant.clone(), name });
                }
            }
            syn::Pat::TupleStruct(item) => {
                let variant = self.code.variant(&item.path);
                for (index, pattern) in item.elems.iter().enumerate() {
                    let name = index.to_string();
                    self.bind(pattern, &FieldKey { variant: variant.clone(), name });
                }
            }
            _ => {}
        }
    }

    fn bind(&mut self, pattern: &syn::Pat, key: &FieldKey) {
        for name in code::names_in(pattern) {
            self.bindings.insert(name, key.clone());
        }
    }

    /// Follows a function that gets the whole value as its argument number `argument`; as `self`
    /// if that is `None`.
    fn follow(&mut self, function: &code::Callee<'_>, argument: Option<usize>) {
        let name = match argument {
            None => Some("self".to_owned()),
            Some(index) => function.parameter(index),
        };
        let Some(name) = name else { return };
        if !self.followed.insert(format!("{}/{argument:?}", function.name())) {
            return;
        }
        let selves = std::mem::replace(&mut self.selves, HashSet::from([name]));
        let bindings = std::mem::take(&mut self.bindings);
        self.visit_block(function.block());
        self.selves = selves;
        self.bindings = bindings;
    }
}

impl<'ast> Visit<'ast> for SaveReader<'_> {
    fn visit_expr(&mut self, expr: &'ast syn::Expr) {
        if let Some(key) = self.field_place(expr) {
            self.use_field(key);
            return;
        }
        if self.is_self(expr) {
            self.escape("an expression that uses all of `self`");
            return;
        }
        visit::visit_expr(self, expr);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if self.is_self(&call.receiver) {
            match self.code.method(&call.method.to_string()) {
                Some(method) => self.follow(&method, None),
                None => self.escape(format!("`{}`", call.method)),
            }
        } else {
            self.visit_expr(&call.receiver);
        }
        for (index, argument) in call.args.iter().enumerate() {
            if self.is_self(argument) {
                // A method of another type gets the whole value.
                match self.code.function(&call.method.to_string()) {
                    Some(function) => self.follow(&function, Some(index + 1)),
                    None => self.escape(format!("`{}`", call.method)),
                }
            } else {
                self.visit_expr(argument);
            }
        }
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        for (index, argument) in call.args.iter().enumerate() {
            if !self.is_self(argument) {
                self.visit_expr(argument);
                continue;
            }
            match self.code.callee(&call.func) {
                Some(callee) if callee.has_self() && index == 0 => self.follow(&callee, None),
                Some(callee) => self.follow(&callee, Some(index)),
                None => self.escape(code::path_text(&call.func)),
            }
        }
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        let Some(init) = &local.init else { return };
        if self.is_self(&init.expr) {
            self.destructure(&local.pat);
        } else if let Some(key) = self.field_place(&init.expr) {
            // Only what is done with the name counts; `_` throws the value away.
            self.bind(&local.pat, &key);
        } else {
            self.visit_expr(&init.expr);
        }
        if let Some((_, diverge)) = &init.diverge {
            self.visit_expr(diverge);
        }
    }

    fn visit_expr_assign(&mut self, assign: &'ast syn::ExprAssign) {
        // `_ = self.field` throws the value away.
        if matches!(*assign.left, syn::Expr::Infer(_)) && self.field_place(&assign.right).is_some()
        {
            return;
        }
        visit::visit_expr_assign(self, assign);
    }

    fn visit_expr_let(&mut self, expr: &'ast syn::ExprLet) {
        if self.is_self(&expr.expr) {
            self.destructure(&expr.pat);
        } else {
            self.visit_expr(&expr.expr);
        }
    }

    fn visit_expr_match(&mut self, item: &'ast syn::ExprMatch) {
        let is_self = self.is_self(&item.expr);
        if !is_self {
            self.visit_expr(&item.expr);
        }
        for arm in &item.arms {
            if is_self {
                self.destructure(&arm.pat);
            }
            if let syn::Pat::Guard(guard) = &arm.pat {
                visit::visit_pat_guard(self, guard);
            }
            self.visit_expr(&arm.body);
        }
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        let was_weak = self.is_weak;
        self.is_weak |= code::is_weak_macro(&item.path);
        let arguments =
            item.parse_body_with(Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated);
        match arguments {
            Ok(arguments) => arguments.iter().for_each(|argument| self.visit_expr(argument)),
            Err(_) => self.tokens(item),
        }
        self.is_weak = was_weak;
    }

    // Items inside a function are code of their own.
    fn visit_item(&mut self, _: &'ast syn::Item) {}
}

impl SaveReader<'_> {
    /// A macro that takes no list of expressions: `self.field` anywhere in it counts.
    fn tokens(&mut self, item: &syn::Macro) {
        let words = code::words(&item.tokens);
        for (at, word) in words.iter().enumerate() {
            if self.selves.contains(word) {
                match (words.get(at + 1).map(String::as_str), words.get(at + 2)) {
                    (Some("."), Some(member)) => {
                        let name = member.clone();
                        self.use_field(FieldKey { variant: String::new(), name });
                    }
                    _ if item.path.is_ident("matches") => {}
                    _ => self.escape(format!("`{}!`", code::path_name(&item.path))),
                }
            } else if let Some(key) = self.bindings.get(word).cloned() {
                self.use_field(key);
            }
        }
    }
}
