//! Reads one function.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::value::{Mark, Place, Summary, Value};
use super::{Flows, Given};
use crate::graph::{Kind, TypeId};
use crate::source::code;
use crate::source::codebase::Func;
use crate::source::conditions::{self, Facts, Met};

/// Longest way to a place that is told apart.
pub(super) const MAX_PATH: usize = 12;

/// How deep expressions may nest before they are not looked into.
const MAX_NESTING: usize = 256;

/// A name without `r#`.
pub(super) fn name(ident: &syn::Ident) -> String {
    crate::source::file::plain(ident)
}

/// What a function does with what it is given.
pub(super) fn read(flows: &Flows<'_>, func: &Func, given: &[Given]) -> Summary {
    let of_crate = || Rc::new(func.krate.facts().clone());
    let facts = func.self_type.map_or_else(of_crate, |ty| flows.code.facts(ty));
    let mut reader = Reader {
        flows,
        func,
        facts,
        names: HashMap::new(),
        conditions: Vec::new(),
        sinks: Vec::new(),
        is_weak: false,
        nesting: 0,
        out: Summary::default(),
    };
    for (index, given) in given.iter().enumerate() {
        let value = match given {
            Given::State(ty) => {
                let place = Place {
                    param: index,
                    path: Vec::new(),
                    ty: Some(*ty),
                    is_whole: false,
                    under: None,
                };
                Value { places: BTreeSet::from([place]), ..Value::default() }
            }
            Given::Out => {
                let writers = match func.signature().inputs.get(index) {
                    Some(syn::FnArg::Typed(typed)) => flows.code.annotated(func, &typed.ty),
                    Some(syn::FnArg::Receiver(_)) => func.self_type.into_iter().collect(),
                    None => Vec::new(),
                };
                Value { writers, is_elsewhere: false, ..Value::out() }
            }
            Given::Plain => Value::default(),
        };
        match func.pattern(index) {
            Some(pattern) => reader.bind(pattern, value),
            None => {
                reader.names.insert("self".to_owned(), value);
            }
        }
    }
    let last = reader.block(func.block());
    reader.give_back(last);
    let Reader { mut out, .. } = reader;
    for mark in out.marks.values_mut() {
        mark.is_saved |= conditions::are_exhaustive(mark.conditions.iter());
    }
    out
}

pub(super) struct Reader<'f, 'a> {
    pub(super) flows: &'f Flows<'a>,
    pub(super) func: &'f Func,
    facts: Rc<Facts>,
    /// What each name stands for.
    pub(super) names: HashMap<String, Value>,
    /// The conditions around what is being read of which nothing is known.
    pub(super) conditions: Vec<String>,
    /// Of the call that is being read, the names that are lent to it, by argument.
    pub(super) sinks: Vec<Option<String>>,
    /// Whether what is being read only logs or tests.
    pub(super) is_weak: bool,
    nesting: usize,
    pub(super) out: Summary,
}

impl Reader<'_, '_> {
    /// The value leaves, to where this says.
    pub(super) fn save(&mut self, value: &Value, to: &str) {
        self.save_into(value, to, &Value::out());
    }

    /// The same, where what it is put into is known.
    pub(super) fn save_into(&mut self, value: &Value, to: &str, target: &Value) {
        let mark = Mark {
            is_saved: !self.is_weak,
            is_elsewhere: target.is_elsewhere,
            is_mentioned: self.is_weak,
            to: (!self.is_weak).then(|| to.to_owned()),
            ..Mark::default()
        };
        self.mark(value, &mark);
    }

    /// The value is looked at.
    pub(super) fn mention(&mut self, value: &Value) {
        self.mark(value, &Mark { is_mentioned: true, ..Mark::default() });
    }

    pub(super) fn mark(&mut self, value: &Value, mark: &Mark) {
        for place in &value.places {
            let known = self.out.marks.entry((place.param, place.path.clone())).or_default();
            known.is_whole |= mark.is_saved && place.is_whole && place.under.is_none();
            known.add(mark, place.under.as_ref().or(self.conditions.last()));
        }
    }

    fn give_back(&mut self, value: Value) {
        let value = self.doubted(value);
        self.out.returned.extend(value.places);
    }

    /// Reads code that stands behind these conditions, and gives its value.
    pub(super) fn under(
        &mut self,
        conditions: &[syn::Meta],
        read: impl FnOnce(&mut Self) -> Value,
    ) -> Value {
        match conditions::all(conditions, &self.facts) {
            Met::Yes => read(self),
            Met::No => Value::default(),
            Met::Unknown(condition) => {
                self.conditions.push(condition);
                let value = read(self);
                let value = self.doubted(value);
                self.conditions.pop();
                value
            }
        }
    }

    /// A value as it is outside of the conditions around what is being read.
    pub(super) fn doubted(&self, value: Value) -> Value {
        match self.conditions.last() {
            Some(condition) => value.under(condition),
            None => value,
        }
    }

    /// Reads the declaration of names that stands behind these conditions: where it is not known
    /// whether they hold, a name may go on to mean what it meant before.
    fn declare(&mut self, conditions: &[syn::Meta], local: &syn::Local) {
        let unknown = match conditions::all(conditions, &self.facts) {
            Met::Unknown(condition) => condition,
            Met::No => return,
            Met::Yes => return self.local(local),
        };
        let names = code::names_in(&local.pat);
        let before: Vec<Option<Value>> =
            names.iter().map(|name| self.names.get(name).cloned()).collect();
        self.conditions.push(unknown.clone());
        self.local(local);
        self.conditions.pop();
        let opposite = conditions::opposite_text(&unknown);
        for (name, before) in names.into_iter().zip(before) {
            let Some(value) = self.names.remove(&name) else { continue };
            let mut value = value.under(&unknown);
            if let Some(before) = before {
                value = value.join(before.under(&opposite));
            }
            self.names.insert(name, value);
        }
    }

    /// Reads something that only tests or tells.
    pub(super) fn weakly<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let was_weak = std::mem::replace(&mut self.is_weak, true);
        let out = read(self);
        self.is_weak = was_weak;
        out
    }

    /// Reads a block; names that it declares end with it, what it puts into others stays.
    pub(super) fn block(&mut self, block: &syn::Block) -> Value {
        let before = self.names.clone();
        let mut declared = BTreeSet::new();
        let mut last = Value::default();
        for statement in &block.stmts {
            let conditions = conditions::of_statement(statement);
            if let syn::Stmt::Local(local) = statement {
                declared.extend(code::names_in(&local.pat));
                self.declare(&conditions, local);
                last = Value::default();
                continue;
            }
            let met = conditions::all(&conditions, &self.facts);
            let value = self.under(&conditions, |reader| reader.statement(statement));
            // What stands behind conditions may leave the value to what stands before it.
            last = match met {
                Met::No => last,
                Met::Yes => value,
                Met::Unknown(_) => last.join(value),
            };
        }
        for name in declared {
            match before.get(&name) {
                Some(value) => self.names.insert(name, value.clone()),
                None => self.names.remove(&name),
            };
        }
        last
    }

    fn local(&mut self, local: &syn::Local) {
        let Some(init) = &local.init else {
            self.bind(&local.pat, Value::default());
            return;
        };
        self.bind_expr(&local.pat, &init.expr);
        if let Some((_, diverge)) = &init.diverge {
            self.eval(diverge);
        }
    }

    /// Reads a statement; gives its value if it has one.
    fn statement(&mut self, statement: &syn::Stmt) -> Value {
        match statement {
            syn::Stmt::Local(local) => {
                self.local(local);
                Value::default()
            }
            syn::Stmt::Expr(expr, None) => self.eval(expr),
            syn::Stmt::Expr(expr, Some(_)) => {
                let value = self.eval(expr);
                // What is called for nothing but its effect keeps what it gets.
                if value.is_opaque {
                    self.save(&value, "a call");
                }
                Value::default()
            }
            syn::Stmt::Macro(item) => {
                let value = self.macro_call(&item.mac);
                if item.semi_token.is_none() { value } else { Value::default() }
            }
            // Items inside a function are code of their own.
            syn::Stmt::Item(_) => Value::default(),
        }
    }

    /// Gives the names in a pattern what an expression says; several side by side each their own.
    pub(super) fn bind_expr(&mut self, pattern: &syn::Pat, expr: &syn::Expr) {
        if let (syn::Pat::Tuple(patterns), syn::Expr::Tuple(values)) = (pattern, code::place(expr))
            && patterns.elems.len() == values.elems.len()
        {
            for (pattern, value) in patterns.elems.iter().zip(&values.elems) {
                self.bind_expr(pattern, value);
            }
            return;
        }
        let value = self.eval(expr);
        if let syn::Pat::Wild(_) = pattern {
            if value.is_opaque {
                self.save(&value, "a call");
            }
            return;
        }
        self.bind(pattern, value);
    }

    pub(super) fn all<'e>(&mut self, exprs: impl IntoIterator<Item = &'e syn::Expr>) -> Value {
        exprs.into_iter().fold(Value::default(), |value, expr| value.join(self.eval(expr)))
    }

    /// The value of an expression.
    pub(super) fn eval(&mut self, expr: &syn::Expr) -> Value {
        if self.nesting >= MAX_NESTING {
            return Value { is_opaque: true, ..Value::default() };
        }
        self.nesting += 1;
        let value = self.eval_inner(expr);
        self.nesting -= 1;
        value
    }

    fn eval_inner(&mut self, expr: &syn::Expr) -> Value {
        match expr {
            syn::Expr::Path(path) => self.named(path),
            syn::Expr::Field(field) => {
                let base = self.eval(&field.base);
                self.part(&base, None, &code::member_name(&field.member), None)
            }
            syn::Expr::Index(index) => {
                let base = self.eval(&index.expr);
                let at = self.eval(&index.index).derived();
                self.element(&base, &index.index).join(at)
            }
            syn::Expr::Paren(inner) => self.eval(&inner.expr),
            syn::Expr::Group(inner) => self.eval(&inner.expr),
            syn::Expr::Reference(inner) => self.eval(&inner.expr),
            syn::Expr::Try(inner) => self.eval(&inner.expr),
            syn::Expr::Await(inner) => self.eval(&inner.base),
            syn::Expr::Unary(inner) => match inner.op {
                syn::UnOp::Deref(_) => self.eval(&inner.expr),
                _ => self.eval(&inner.expr).derived(),
            },
            syn::Expr::Cast(cast) => self.eval(&cast.expr).derived(),
            syn::Expr::Array(array) => self.all(&array.elems).inward(),
            syn::Expr::Tuple(tuple) => self.all(&tuple.elems),
            syn::Expr::Repeat(repeat) => self.eval(&repeat.expr).inward(),
            syn::Expr::Range(range) => {
                self.all(range.start.iter().chain(&range.end).map(|end| &**end)).derived()
            }
            syn::Expr::Struct(literal) => {
                let fields = literal.fields.iter();
                let mut value = Value::default();
                for field in fields {
                    let conditions = conditions::among(&field.attrs);
                    value = value.join(self.under(&conditions, |reader| reader.eval(&field.expr)));
                }
                value.join(self.all(literal.rest.as_deref())).derived()
            }
            syn::Expr::Binary(binary) if code::is_comparison(&binary.op) => {
                self.test(&binary.left);
                self.test(&binary.right);
                Value::default()
            }
            syn::Expr::Binary(binary) => {
                let value = self.eval(&binary.left).join(self.eval(&binary.right)).derived();
                if is_assignment(&binary.op) {
                    self.put(&binary.left, &value);
                    return Value::default();
                }
                value
            }
            syn::Expr::Assign(assign) => {
                self.assign(assign);
                Value::default()
            }
            syn::Expr::Block(inner) => self.block(&inner.block),
            syn::Expr::Unsafe(inner) => self.block(&inner.block),
            syn::Expr::Async(inner) => self.block(&inner.block),
            syn::Expr::TryBlock(inner) => self.block(&inner.block),
            syn::Expr::Const(_) | syn::Expr::Lit(_) => Value::default(),
            syn::Expr::If(item) => self.branch(item),
            syn::Expr::Match(item) => self.choose(item),
            syn::Expr::Let(item) => {
                self.bind_expr(&item.pat, &item.expr);
                Value::default()
            }
            syn::Expr::Loop(item) => self.block(&item.body),
            syn::Expr::While(item) => {
                self.condition(&item.cond);
                self.block(&item.body);
                Value::default()
            }
            syn::Expr::ForLoop(item) => {
                self.bind_expr(&item.pat, &item.expr);
                // What one round leaves in a name, the next one may use.
                self.block(&item.body);
                self.bind_expr(&item.pat, &item.expr);
                self.block(&item.body);
                Value::default()
            }
            syn::Expr::Return(item) => {
                let value = self.all(item.expr.as_deref());
                self.give_back(value);
                Value::default()
            }
            syn::Expr::Break(item) => self.all(item.expr.as_deref()),
            syn::Expr::Closure(closure) => self.closure(closure, None),
            syn::Expr::Call(call) => self.call(call),
            syn::Expr::MethodCall(call) => self.method_call(call),
            syn::Expr::Macro(item) => self.macro_call(&item.mac),
            syn::Expr::RawAddr(inner) => self.eval(&inner.expr),
            _ => Value { is_opaque: true, ..Value::default() },
        }
    }

    fn named(&mut self, path: &syn::ExprPath) -> Value {
        let Some(ident) = path.path.get_ident() else { return Value::default() };
        let text = name(ident);
        match self.names.get(&text) {
            Some(value) => value.clone(),
            // A static may lead anywhere; a constant or a function leads nowhere.
            None => Value::default(),
        }
    }

    /// A closure; what it is called with, if that is known.
    pub(super) fn closure(&mut self, closure: &syn::ExprClosure, given: Option<&Value>) -> Value {
        let before = self.names.clone();
        for input in &closure.inputs {
            let value = match (given, input) {
                (Some(given), _) => given.clone(),
                (None, syn::Pat::Type(typed)) if crate::source::codebase::is_plain(&typed.ty) => {
                    Value::default()
                }
                (None, _) => Value::out(),
            };
            self.bind(input, value);
        }
        let value = self.eval(&closure.body);
        let own: BTreeSet<String> = closure.inputs.iter().flat_map(code::names_in).collect();
        for name in own {
            match before.get(&name) {
                Some(value) => self.names.insert(name, value.clone()),
                None => self.names.remove(&name),
            };
        }
        value
    }

    fn assign(&mut self, assign: &syn::ExprAssign) {
        let value = self.eval(&assign.right);
        if let syn::Expr::Infer(_) = &*assign.left {
            if value.is_opaque {
                self.save(&value, "a call");
            }
            return;
        }
        // A name as a whole means something else from here on.
        if let Some(name) = code::name_of(code::place(&assign.left))
            && let Some(known) = self.names.get_mut(&name)
            && !known.is_out
        {
            let value = match self.conditions.last() {
                Some(condition) => value.under(condition),
                None => value,
            };
            *known = known.clone().join(value);
            return;
        }
        self.put(&assign.left, &value);
    }

    /// A value is put into a place: a name of the function, something that leads out, or the
    /// state itself, where it is not saved.
    pub(super) fn put(&mut self, target: &syn::Expr, value: &Value) {
        let root = root_of(target);
        let Some(name) = code::name_of(root) else {
            let place = self.eval(target);
            if place.is_out {
                self.save(value, "what it leads to");
            }
            return;
        };
        let Some(known) = self.names.get(&name) else { return };
        if known.is_out {
            let target = known.clone();
            self.save_into(value, &format!("`{name}`"), &target);
        } else if known.places.iter().all(|place| place.ty.is_none()) {
            let joined = known.clone().join(self.doubted(value.clone().derived()));
            self.names.insert(name, joined);
        }
    }

    /// Reads something in which a value by itself does not count.
    pub(super) fn test(&mut self, expr: &syn::Expr) {
        let value = self.eval(expr);
        self.mention(&value);
    }

    /// A condition: what stands in it only decides something.
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
            syn::Expr::Paren(inner) => self.condition(&inner.expr),
            expr => self.test(expr),
        }
    }

    fn branch(&mut self, item: &syn::ExprIf) -> Value {
        if let Some(condition) = conditions::of_branch(&item.cond) {
            let conditions = [condition];
            let then = self.under(&conditions, |reader| reader.block(&item.then_branch));
            let Some((_, other)) = &item.else_branch else { return then };
            let otherwise = conditions::opposite(&conditions[0]);
            return then.join(self.under(&[otherwise], |reader| reader.eval(other)));
        }
        // `if self.flag { 1 } else { 0 }` is a way to write the flag.
        let chosen = if is_choice(item) {
            self.eval(&item.cond).derived()
        } else {
            self.condition(&item.cond);
            Value::default()
        };
        let then = chosen.join(self.block(&item.then_branch));
        match &item.else_branch {
            Some((_, other)) => then.join(self.eval(other)),
            None => then,
        }
    }

    fn choose(&mut self, item: &syn::ExprMatch) -> Value {
        let value = self.eval(&item.expr);
        let is_tuple = matches!(code::place(&item.expr), syn::Expr::Tuple(_));
        let mut out = Value::default();
        // Where no arm gives a name to a part, the arms may stand for the values.
        let is_told = item.arms.iter().any(|arm| !code::names_in(&arm.pat).is_empty());
        if !is_told || self.is_enum(&value) {
            let before = self.out.marks.len();
            let arms = self.arms(item, is_tuple, &value);
            // The number of the variant is all that there is to be saved of it by itself.
            let kind = Value { is_out: false, is_opaque: false, ..value.clone().derived() };
            if !is_told {
                let writes = self.out.marks.len() > before || self.arms_write(item);
                if writes && arms.places.is_empty() {
                    self.save(&kind, "what the arms write");
                }
                out = out.join(kind);
            } else {
                self.mark(&value, &Mark { is_entered: true, ..Mark::default() });
            }
            return out.join(arms);
        }
        out.join(self.arms(item, is_tuple, &value))
    }

    fn arms(&mut self, item: &syn::ExprMatch, is_tuple: bool, value: &Value) -> Value {
        let mut out = Value::default();
        for arm in &item.arms {
            let conditions = conditions::among(&arm.attrs);
            out = out.join(self.under(&conditions, |reader| {
                if is_tuple {
                    reader.bind_expr(&arm.pat, &item.expr);
                } else {
                    reader.bind(&arm.pat, value.clone());
                }
                if let syn::Pat::Guard(guard) = &arm.pat {
                    reader.test(&guard.guard);
                }
                reader.eval(&arm.body)
            }));
        }
        out
    }

    /// Whether the arms hand anything to what leads out.
    fn arms_write(&self, item: &syn::ExprMatch) -> bool {
        item.arms.iter().any(|arm| {
            let mut names = code::Idents::default();
            names.expr(&arm.body);
            names.0.iter().any(|name| self.names.get(name).is_some_and(|value| value.is_out))
        })
    }

    fn is_enum(&self, value: &Value) -> bool {
        let graph = self.flows.code.graph();
        let is_enum = |ty: TypeId| matches!(graph.get(graph.defined(ty)).kind, Kind::Enum(_));
        value.places.iter().filter_map(|place| place.ty).any(is_enum)
    }
}

fn is_assignment(op: &syn::BinOp) -> bool {
    matches!(
        op,
        syn::BinOp::AddAssign(_)
            | syn::BinOp::SubAssign(_)
            | syn::BinOp::MulAssign(_)
            | syn::BinOp::DivAssign(_)
            | syn::BinOp::RemAssign(_)
            | syn::BinOp::BitXorAssign(_)
            | syn::BinOp::BitAndAssign(_)
            | syn::BinOp::BitOrAssign(_)
            | syn::BinOp::ShlAssign(_)
            | syn::BinOp::ShrAssign(_)
    )
}

/// Whether both branches are nothing but a literal.
fn is_choice(item: &syn::ExprIf) -> bool {
    let is_literal =
        |block: &syn::Block| matches!(&block.stmts[..], [syn::Stmt::Expr(syn::Expr::Lit(_), None)]);
    let other = item.else_branch.as_ref().map(|(_, other)| &**other);
    is_literal(&item.then_branch)
        && matches!(other, Some(syn::Expr::Block(other)) if is_literal(&other.block))
}

/// The name that a place starts at.
pub(super) fn root_of(expr: &syn::Expr) -> &syn::Expr {
    match code::place(expr) {
        syn::Expr::Field(field) => root_of(&field.base),
        syn::Expr::Index(index) => root_of(&index.expr),
        expr => expr,
    }
}
