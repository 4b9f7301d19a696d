//! Which fields a hand-written `save` uses.
//!
//! A field counts if its value is moved, passed or borrowed: through `self`, through a binding, by
//! destructuring, in a helper method of the same type, or in the tokens of a macro. A log line, an
//! assertion, a comparison, a condition or its length alone does not count: none of them brings
//! the value back.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};

use super::code::{self, TypeCode};
use super::conditions::{self, Met};
use crate::evidence::FieldKey;

/// What a `save` uses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Saved {
    /// The fields whose values are used.
    pub(crate) fields: BTreeSet<FieldKey>,
    /// The fields whose use hangs on conditions of which nothing is known.
    conditional: BTreeMap<FieldKey, BTreeSet<String>>,
    /// The fields that are only logged or tested.
    pub(crate) mentioned: BTreeSet<FieldKey>,
    /// Set if the whole value goes somewhere that cannot be seen: where.
    pub(crate) escapes: Option<String>,
}

impl Saved {
    /// A field that may be saved or not, and the condition that it hangs on.
    pub(crate) fn doubtful(&self) -> Option<(&FieldKey, &String)> {
        self.conditional
            .iter()
            .find(|(key, _)| !self.fields.contains(*key))
            .and_then(|(key, conditions)| Some((key, conditions.first()?)))
    }

    /// Counts what is used whatever the conditions are.
    fn settle(&mut self) {
        for (key, conditions) in &self.conditional {
            if conditions::are_exhaustive(conditions.iter()) {
                self.fields.insert(key.clone());
            }
        }
    }
}

/// What this `save`, and what it calls, uses of its `self`.
pub(crate) fn saved(code: &TypeCode, save: &syn::ImplItemFn) -> Saved {
    let mut reader = SaveReader {
        code,
        out: Saved::default(),
        selves: HashSet::from(["self".to_owned()]),
        bindings: BTreeMap::new(),
        followed: HashSet::from([save.sig.ident.to_string()]),
        conditions: Vec::new(),
        is_weak: false,
    };
    reader.visit_block(&save.block);
    reader.out.settle();
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
    /// The conditions around what is being read of which nothing is known.
    conditions: Vec<String>,
    /// Whether what is being read only logs or tests.
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
        if self.is_weak {
            self.out.mentioned.insert(key);
        } else if let Some(condition) = self.conditions.last() {
            self.out.conditional.entry(key).or_default().insert(condition.clone());
        } else {
            self.out.fields.insert(key);
        }
    }

    /// Reads something in which a field by itself does not count.
    fn test(&mut self, expr: &syn::Expr) {
        if self.field_place(expr).is_none() {
            self.visit_expr(expr);
            return;
        }
        let was_weak = std::mem::replace(&mut self.is_weak, true);
        self.visit_expr(expr);
        self.is_weak = was_weak;
    }

    /// Reads code that stands behind these conditions.
    fn under(&mut self, conditions: &[syn::Meta], read: impl FnOnce(&mut Self)) {
        match conditions::all(conditions, &self.code.facts) {
            Met::Yes => read(self),
            Met::No => {}
            Met::Unknown(condition) => {
                self.conditions.push(condition);
                read(self);
                self.conditions.pop();
            }
        }
    }

    /// Gives the names in a pattern to what it takes apart: a field, or something in it. A pattern
    /// without names only tests it.
    fn take_apart(&mut self, pattern: &syn::Pat, expr: &syn::Expr) -> bool {
        if self.is_self(expr) {
            self.destructure(pattern);
            return true;
        }
        if let Some(key) = self.field_place(code::source(expr)) {
            self.bind(pattern, &key);
            if code::names_in(pattern).is_empty() && self.code.fields.contains(&key) {
                self.out.mentioned.insert(key);
            }
            return true;
        }
        // Several values side by side: each pattern has its own.
        if let (syn::Expr::Tuple(values), syn::Pat::Tuple(patterns)) = (code::place(expr), pattern)
            && values.elems.len() == patterns.elems.len()
        {
            for (pattern, value) in patterns.elems.iter().zip(&values.elems) {
                if !self.take_apart(pattern, value) {
                    self.visit_expr(value);
                }
            }
            return true;
        }
        self.forget(pattern);
        false
    }

    /// Names that mean something else from here on.
    fn forget(&mut self, pattern: &syn::Pat) {
        for name in code::names_in(pattern) {
            self.bindings.remove(&name);
            self.selves.remove(&name);
        }
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
        } else if code::is_weak_method(&call.method) {
            self.test(&call.receiver);
        } else {
            self.visit_expr(&call.receiver);
        }
        let was_weak = self.is_weak;
        self.is_weak |= code::is_weak_method(&call.method) && call.method != "set";
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
        self.is_weak = was_weak;
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        for (index, argument) in call.args.iter().enumerate() {
            if !self.is_self(argument) {
                if code::is_weak_function(&call.func) {
                    self.test(argument);
                } else {
                    self.visit_expr(argument);
                }
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
        // Only what is done with the names counts; `_` throws the value away.
        if !self.take_apart(&local.pat, &init.expr) {
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
        // What is assigned to is overwritten, not read.
        if self.field_place(&assign.left).is_none() {
            self.visit_expr(&assign.left);
        }
        self.visit_expr(&assign.right);
    }

    fn visit_stmt(&mut self, statement: &'ast syn::Stmt) {
        if let syn::Stmt::Expr(expr, Some(_)) = statement
            && self.field_place(expr).is_some()
        {
            return;
        }
        self.under(&conditions::of_statement(statement), |reader| {
            visit::visit_stmt(reader, statement);
        });
    }

    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        if code::is_comparison(&binary.op) {
            self.test(&binary.left);
            self.test(&binary.right);
        } else {
            visit::visit_expr_binary(self, binary);
        }
    }

    fn visit_expr_if(&mut self, item: &'ast syn::ExprIf) {
        if let Some(condition) = conditions::of_branch(&item.cond) {
            let conditions = [condition];
            self.under(&conditions, |reader| reader.visit_block(&item.then_branch));
            if let Some((_, other)) = &item.else_branch {
                let otherwise = conditions::opposite(&conditions[0]);
                self.under(&[otherwise], |reader| reader.visit_expr(other));
            }
            return;
        }
        // `if self.flag { 1 } else { 0 }` is a way to write the flag.
        if is_choice(item) {
            self.visit_expr(&item.cond);
        } else {
            self.condition(&item.cond);
        }
        self.visit_block(&item.then_branch);
        if let Some((_, other)) = &item.else_branch {
            self.visit_expr(other);
        }
    }

    fn visit_expr_while(&mut self, item: &'ast syn::ExprWhile) {
        self.condition(&item.cond);
        self.visit_block(&item.body);
    }

    fn visit_expr_for_loop(&mut self, item: &'ast syn::ExprForLoop) {
        if !self.take_apart(&item.pat, &item.expr) {
            self.visit_expr(&item.expr);
        }
        self.visit_block(&item.body);
    }

    fn visit_expr_let(&mut self, expr: &'ast syn::ExprLet) {
        if !self.take_apart(&expr.pat, &expr.expr) {
            self.visit_expr(&expr.expr);
        }
    }

    fn visit_expr_match(&mut self, item: &'ast syn::ExprMatch) {
        // Where no arm gives a name to a part, the arms may stand for the values.
        let is_told = item.arms.iter().any(|arm| !code::names_in(&arm.pat).is_empty());
        let is_apart = self.is_self(&item.expr)
            || is_told && self.field_place(code::source(&item.expr)).is_some()
            || matches!(code::place(&item.expr), syn::Expr::Tuple(_));
        if !is_apart {
            self.visit_expr(&item.expr);
        }
        for arm in &item.arms {
            self.under(&conditions::among(&arm.attrs), |reader| {
                if is_apart && !reader.take_apart(&arm.pat, &item.expr) {
                    reader.visit_expr(&item.expr);
                }
                if let syn::Pat::Guard(guard) = &arm.pat {
                    visit::visit_pat_guard(reader, guard);
                }
                reader.visit_expr(&arm.body);
            });
        }
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        let was_weak = self.is_weak;
        self.is_weak |= code::is_weak_macro(&item.path);
        let arguments =
            item.parse_body_with(Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated);
        match arguments {
            Ok(arguments) if arguments.iter().any(|argument| self.is_self(argument)) => {
                let others = arguments.iter().filter(|argument| !self.is_self(argument));
                others.collect::<Vec<_>>().into_iter().for_each(|other| self.visit_expr(other));
                self.tokens(item);
            }
            Ok(arguments) => {
                arguments.iter().for_each(|argument| self.visit_expr(argument));
                self.inline_arguments(&arguments);
            }
            Err(_) => self.tokens(item),
        }
        self.is_weak = was_weak;
    }

    // Items inside a function are code of their own.
    fn visit_item(&mut self, _: &'ast syn::Item) {}
}

/// Whether both branches are nothing but a literal.
fn is_choice(item: &syn::ExprIf) -> bool {
    let is_literal =
        |block: &syn::Block| matches!(&block.stmts[..], [syn::Stmt::Expr(syn::Expr::Lit(_), None)]);
    let other = item.else_branch.as_ref().map(|(_, other)| &**other);
    is_literal(&item.then_branch)
        && matches!(other, Some(syn::Expr::Block(other)) if is_literal(&other.block))
}

impl SaveReader<'_> {
    /// A condition: what stands in it by itself only decides something.
    fn condition(&mut self, expr: &syn::Expr) {
        match expr {
            syn::Expr::Binary(syn::ExprBinary {
                op: syn::BinOp::And(_) | syn::BinOp::Or(_),
                left,
                right,
                ..
            }) => {
                self.condition(left);
                self.condition(right);
            }
            syn::Expr::Unary(syn::ExprUnary { op: syn::UnOp::Not(_), expr, .. }) => {
                self.condition(expr);
            }
            syn::Expr::Paren(inner) => self.condition(&inner.expr),
            expr => self.test(expr),
        }
    }

    /// The names in the text that a formatting macro starts with: `"{state}"`.
    fn inline_arguments(&mut self, arguments: &Punctuated<syn::Expr, syn::Token![,]>) {
        let literals = arguments.iter().filter_map(|argument| match argument {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        });
        for text in literals {
            for part in text.split('{').skip(1) {
                let name = part.split([':', '}']).next().unwrap_or("");
                if let Some(key) = self.bindings.get(name).cloned() {
                    self.use_field(key);
                }
            }
        }
    }

    /// A macro that takes no list of expressions: `self.field` anywhere in it counts.
    fn tokens(&mut self, item: &syn::Macro) {
        let words = code::words(&item.tokens);
        // `all!(self, saver, a b)`: a macro that gets the value together with names of fields
        // uses those.
        let names = words
            .iter()
            .enumerate()
            .filter(|(at, _)| at.checked_sub(1).is_none_or(|before| words[before] != "."));
        let named: Vec<FieldKey> = names
            .map(|(_, name)| FieldKey { variant: String::new(), name: name.clone() })
            .filter(|key| self.code.fields.contains(key) && !self.bindings.contains_key(&key.name))
            .collect();
        for (at, word) in words.iter().enumerate() {
            if self.selves.contains(word) {
                match (words.get(at + 1).map(String::as_str), words.get(at + 2)) {
                    (Some("."), Some(member)) => {
                        let name = member.clone();
                        self.use_field(FieldKey { variant: String::new(), name });
                    }
                    _ if item.path.is_ident("matches") => {}
                    _ if !named.is_empty() => {
                        named.iter().for_each(|key| self.use_field(key.clone()));
                    }
                    _ => self.escape(format!("`{}!`", code::path_name(&item.path))),
                }
            } else if let Some(key) = self.bindings.get(word).cloned() {
                self.use_field(key);
            }
        }
    }
}
