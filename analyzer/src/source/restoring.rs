//! Which fields a hand-written `restore` gives a value from the image.
//!
//! What comes from the image is followed from the restorer through bindings, calls and loops. A
//! field counts if such a value stands for it in a literal, is assigned to it, or is put into it
//! through a `&mut`. A constant, or `Default::default()`, does not count.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};

use super::code::{self, Callee, TypeCode};
use super::conditions::{self, Met};
use crate::evidence::FieldKey;

/// What a `restore` restores.
#[derive(Clone, Debug, Default)]
pub(crate) struct Restored {
    /// The fields that get a value from the image, with the names that the value is made of;
    /// empty if it comes from the restorer directly.
    pub(crate) fields: BTreeMap<FieldKey, BTreeSet<String>>,
    /// The fields that get one only under conditions of which nothing is known.
    conditional: BTreeMap<FieldKey, BTreeSet<String>>,
    /// Whether a place was found where a value of the type is made or filled.
    pub(crate) is_seen: bool,
    /// Set if the value is made where it cannot be seen: by what.
    pub(crate) hidden: Option<String>,
}

impl Restored {
    /// A field that may be restored or not, and the condition that it hangs on.
    pub(crate) fn doubtful(&self) -> Option<(&FieldKey, &String)> {
        self.conditional
            .iter()
            .find(|(key, conditions)| {
                !self.fields.contains_key(*key) && !conditions::are_exhaustive(conditions.iter())
            })
            .and_then(|(key, conditions)| Some((key, conditions.first()?)))
    }

    /// Counts what is restored whatever the conditions are.
    fn settle(&mut self) {
        for (key, conditions) in &self.conditional {
            if conditions::are_exhaustive(conditions.iter()) {
                self.fields.entry(key.clone()).or_default();
            }
        }
    }
}

/// How deep helpers are followed.
const MAX_DEPTH: usize = 6;

/// What this `restore`, and what it calls, takes from the image.
pub(crate) fn restored(code: &TypeCode, restore: &syn::ImplItemFn) -> Restored {
    let callee = Callee::Method(restore);
    let count = restore.sig.inputs.len();
    let sources: HashSet<String> = (0..count)
        .flat_map(|index| callee.parameter_names(index))
        .filter(|n| n != "self")
        .collect();
    let mut out = Restored::default();
    read(code, &restore.block, sources.clone(), sources, 0, &mut out);
    out.settle();
    out
}

fn read(
    code: &TypeCode,
    block: &syn::Block,
    tainted: HashSet<String>,
    restorers: HashSet<String>,
    depth: usize,
    out: &mut Restored,
) {
    let (values, aliases) = (HashSet::from(["self".to_owned()]), HashMap::new());
    let conditions = Vec::new();
    let mut reader = RestoreReader {
        code,
        tainted,
        restorers,
        values,
        aliases,
        conditions,
        shadowed: Vec::new(),
        branches: 0,
        depth,
        out,
    };
    reader.visit_block(block);
}

struct RestoreReader<'a> {
    code: &'a TypeCode,
    /// Names of what came from the image.
    tainted: HashSet<String>,
    /// Those of them that read the image themselves.
    restorers: HashSet<String>,
    /// Names of values of the type.
    values: HashSet<String>,
    /// Names of places inside a value of the type.
    aliases: HashMap<String, Vec<FieldKey>>,
    /// The conditions around what is being read of which nothing is known.
    conditions: Vec<String>,
    /// Names from the image that mean something else until their block ends, and whether they
    /// read the image themselves.
    shadowed: Vec<(String, bool)>,
    /// How many branches and loops are around what is being read, so that it may not happen.
    branches: usize,
    depth: usize,
    out: &'a mut Restored,
}

/// Collects the names in an expression, macros' tokens included.
struct Names(BTreeSet<String>);

impl<'ast> Visit<'ast> for Names {
    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        if let Some(ident) = path.path.get_ident() {
            self.0.insert(ident.to_string());
        }
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.0.extend(code::words(&item.tokens));
    }
}

/// The names that the value of an expression is made of.
fn names_of(expr: &syn::Expr) -> BTreeSet<String> {
    // What a block does on the way is not what it gives.
    if let syn::Expr::Block(syn::ExprBlock { block, label: None, .. })
    | syn::Expr::Unsafe(syn::ExprUnsafe { block, .. }) = expr
        && let [.., syn::Stmt::Expr(last, None)] = &block.stmts[..]
    {
        return names_of(last);
    }
    let mut names = Names(BTreeSet::new());
    names.visit_expr(expr);
    names.0
}

impl RestoreReader<'_> {
    /// The names from the image that an expression is made of; `None` if there are none.
    fn taint(&self, expr: &syn::Expr) -> Option<BTreeSet<String>> {
        let names: BTreeSet<String> =
            names_of(expr).into_iter().filter(|name| self.tainted.contains(name)).collect();
        (!names.is_empty()).then_some(names)
    }

    fn is_tainted(&self, expr: &syn::Expr) -> bool {
        self.taint(expr).is_some()
    }

    fn restore(&mut self, key: FieldKey, from: BTreeSet<String>) {
        if !self.code.fields.contains(&key) {
            return;
        }
        let direct = from.is_empty() || from.iter().any(|name| self.restorers.contains(name));
        let from = if direct { BTreeSet::new() } else { from };
        if let Some(condition) = self.conditions.last() {
            self.out.conditional.entry(key).or_default().insert(condition.clone());
            return;
        }
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

    /// The fields of a value of the type that an expression is a place in: more than one for an
    /// array of places.
    fn fields_of(&self, expr: &syn::Expr) -> Vec<FieldKey> {
        match code::place(expr) {
            syn::Expr::Field(field) => match code::place(&field.base) {
                syn::Expr::Path(base) => {
                    let Some(base) = base.path.get_ident().map(ToString::to_string) else {
                        return Vec::new();
                    };
                    if let Some(keys) = self.aliases.get(&base) {
                        return keys.clone();
                    }
                    let key = code::struct_field(&field.member);
                    let is_value = self.values.contains(&base) || !self.tainted.contains(&base);
                    if is_value && self.code.fields.contains(&key) { vec![key] } else { Vec::new() }
                }
                _ => self.fields_of(&field.base),
            },
            syn::Expr::Index(index) => self.fields_of(&index.expr),
            syn::Expr::MethodCall(call) => self.fields_of(&call.receiver),
            syn::Expr::Array(array) => {
                array.elems.iter().flat_map(|element| self.fields_of(element)).collect()
            }
            syn::Expr::Path(path) => match path.path.get_ident() {
                Some(name) => self.aliases.get(&name.to_string()).cloned().unwrap_or_default(),
                None => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// A place gets something from the image.
    fn fill(&mut self, target: &syn::Expr, from: &BTreeSet<String>) {
        let fields = self.fields_of(target);
        if !fields.is_empty() {
            self.out.is_seen = true;
            fields.into_iter().for_each(|key| self.restore(key, from.clone()));
            return;
        }
        let mut place = code::place(target);
        while let syn::Expr::Index(syn::ExprIndex { expr, .. })
        | syn::Expr::Field(syn::ExprField { base: expr, .. }) = place
        {
            place = code::place(expr);
        }
        if let Some(name) = code::name_of(place)
            && name != "self"
        {
            self.tainted.insert(name);
        }
    }

    /// A place gets something that is not from the image, for sure.
    fn overwrite(&mut self, target: &syn::Expr) {
        let place = code::place(target);
        let is_whole = match place {
            syn::Expr::Field(field) => code::name_of(code::place(&field.base)).is_some(),
            syn::Expr::Path(_) => true,
            _ => false,
        };
        if !is_whole || !self.conditions.is_empty() {
            return;
        }
        match &self.fields_of(target)[..] {
            [field] => {
                self.out.fields.remove(field);
                self.out.conditional.remove(field);
            }
            _ => {
                if let Some(name) = code::name_of(place) {
                    self.tainted.remove(&name);
                }
            }
        }
    }

    /// Reads a loop twice, because in it a name can be used before the line that fills it.
    fn in_loop(&mut self, mut read: impl FnMut(&mut Self)) {
        self.branches += 1;
        read(self);
        read(self);
        self.branches -= 1;
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

    fn bind(&mut self, pattern: &syn::Pat, init: &syn::Expr) {
        if self.is_tainted(init) {
            self.tainted.extend(code::names_in(pattern));
            return;
        }
        // The names mean something else from here on.
        for name in code::names_in(pattern) {
            let is_restorer = self.restorers.remove(&name);
            if self.tainted.remove(&name) {
                self.shadowed.push((name, is_restorer));
            }
        }
        let fields = self.fields_of(init);
        if !fields.is_empty() {
            for name in code::names_in(pattern) {
                self.aliases.insert(name, fields.clone());
            }
        }
    }

    /// A literal of a tuple struct or a tuple variant: `Self(a, b)`.
    fn tuple_literal(&mut self, path: &syn::Path, call: &syn::ExprCall) {
        self.out.is_seen = true;
        let variant = self.code.variant(path);
        for (index, argument) in call.args.iter().enumerate() {
            if let Some(from) = self.taint(argument) {
                let name = index.to_string();
                self.restore(FieldKey { variant: variant.clone(), name }, from);
            }
        }
    }

    /// Follows a function that gets something from the image.
    fn follow(&mut self, callee: &Callee<'_>, arguments: &[&syn::Expr]) {
        if self.depth >= MAX_DEPTH {
            return;
        }
        let mut tainted = HashSet::new();
        let mut restorers = HashSet::new();
        for (index, argument) in arguments.iter().enumerate() {
            let Some(from) = self.taint(argument) else { continue };
            let names = callee.parameter_names(index);
            if from.iter().any(|name| self.restorers.contains(name))
                && code::name_of(code::place(argument)).is_some()
            {
                restorers.extend(names.clone());
            }
            tainted.extend(names);
        }
        read(self.code, callee.block(), tainted, restorers, self.depth + 1, self.out);
    }

    fn call(&mut self, func: &syn::Expr, arguments: &[&syn::Expr]) {
        let Some(all) =
            arguments.iter().filter_map(|argument| self.taint(argument)).reduce(|mut all, more| {
                all.extend(more);
                all
            })
        else {
            return;
        };
        for argument in arguments {
            if let syn::Expr::Reference(reference) = argument
                && reference.mutability.is_some()
            {
                self.fill(&reference.expr, &all);
            }
        }
        let Some(callee) = self.code.callee(func) else {
            if let syn::Expr::Path(path) = code::place(func)
                && self.code.owner(path) == Some(true)
                && !self.code.names_type(&path.path)
            {
                self.out.hidden.get_or_insert(code::path_text(func));
            }
            return;
        };
        if callee.makes(&self.code.ident) || callee.has_self() {
            self.follow(&callee, arguments);
        }
    }
}

impl<'ast> Visit<'ast> for RestoreReader<'_> {
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
            if self.code.mentions_type(&init.expr) {
                self.values.extend(code::names_in(&local.pat));
            }
            self.bind(&local.pat, &init.expr);
            if let Some((_, diverge)) = &init.diverge {
                self.visit_expr(diverge);
            }
        }
    }

    fn visit_expr_struct(&mut self, literal: &'ast syn::ExprStruct) {
        visit::visit_expr_struct(self, literal);
        if !self.code.names_type(&literal.path) {
            return;
        }
        self.out.is_seen = true;
        let variant = self.code.variant(&literal.path);
        let mut rest: BTreeSet<FieldKey> =
            self.code.fields.iter().filter(|key| key.variant == variant).cloned().collect();
        for field in &literal.fields {
            let key = FieldKey { variant: variant.clone(), name: code::member_name(&field.member) };
            rest.remove(&key);
            self.under(&conditions::among(&field.attrs), |reader| {
                if let Some(from) = reader.taint(&field.expr) {
                    reader.restore(key, from);
                }
            });
        }
        if let Some(base) = &literal.rest
            && let Some(from) = self.taint(base)
        {
            rest.into_iter().for_each(|key| self.restore(key, from.clone()));
        }
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        visit::visit_expr_call(self, call);
        if let syn::Expr::Path(path) = code::place(&call.func)
            && self.code.names_type(&path.path)
        {
            self.tuple_literal(&path.path, call);
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
        if !from.is_empty() {
            for argument in &call.args {
                if let syn::Expr::Reference(reference) = argument
                    && reference.mutability.is_some()
                {
                    self.fill(&reference.expr, &from);
                }
            }
        }
        if !all.is_empty() {
            let is_self = code::name_of(code::place(&call.receiver)).is_some_and(|n| n == "self");
            match self.code.method(&call.method.to_string()) {
                Some(method) if is_self && method.has_self() => {
                    let mut arguments: Vec<&syn::Expr> = vec![&call.receiver];
                    arguments.extend(&call.args);
                    self.follow(&method, &arguments);
                }
                _ => self.fill(&call.receiver, &all),
            }
        }
    }

    fn visit_expr_assign(&mut self, assign: &'ast syn::ExprAssign) {
        visit::visit_expr_assign(self, assign);
        match self.taint(&assign.right) {
            Some(from) => self.fill(&assign.left, &from),
            None if self.branches == 0 => self.overwrite(&assign.left),
            // It may not happen.
            None => {}
        }
    }

    fn visit_stmt(&mut self, statement: &'ast syn::Stmt) {
        self.under(&conditions::of_statement(statement), |reader| {
            visit::visit_stmt(reader, statement);
        });
    }

    fn visit_expr_if(&mut self, item: &'ast syn::ExprIf) {
        let condition = conditions::of_branch(&item.cond);
        self.visit_expr(&item.cond);
        self.branches += 1;
        let otherwise: Vec<_> = condition.iter().map(conditions::opposite).collect();
        self.under(condition.as_slice(), |reader| reader.visit_block(&item.then_branch));
        if let Some((_, other)) = &item.else_branch {
            self.under(&otherwise, |reader| reader.visit_expr(other));
        }
        self.branches -= 1;
    }

    fn visit_expr_while(&mut self, item: &'ast syn::ExprWhile) {
        self.in_loop(|reader| visit::visit_expr_while(reader, item));
    }

    fn visit_expr_loop(&mut self, item: &'ast syn::ExprLoop) {
        self.in_loop(|reader| visit::visit_expr_loop(reader, item));
    }

    fn visit_expr_closure(&mut self, item: &'ast syn::ExprClosure) {
        self.branches += 1;
        visit::visit_expr_closure(self, item);
        self.branches -= 1;
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
            self.fill(&binary.left, &from);
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
            self.branches += 1;
            self.under(&conditions::among(&arm.attrs), |reader| reader.visit_arm(arm));
            self.branches -= 1;
        }
    }

    fn visit_expr_for_loop(&mut self, item: &'ast syn::ExprForLoop) {
        self.visit_expr(&item.expr);
        self.in_loop(|reader| {
            reader.bind(&item.pat, &item.expr);
            reader.visit_block(&item.body);
        });
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        if let Ok(arguments) =
            item.parse_body_with(Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated)
        {
            arguments.iter().for_each(|argument| self.visit_expr(argument));
        }
    }

    // Items inside a function are code of their own.
    fn visit_item(&mut self, _: &'ast syn::Item) {}
}
