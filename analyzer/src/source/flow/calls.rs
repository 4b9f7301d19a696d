//! Calls: followed where the code is known, and judged by what they are given where it is not.

use super::Given;
use super::read::{Reader, root_of};
use super::value::{Mark, Place, Value};
use crate::source::code;
use crate::source::codebase::{Func, called};

/// Methods that lead from a value to what is in it.
const INTO: &[&str] = &[
    "as_deref",
    "as_deref_mut",
    "as_mut",
    "as_ref",
    "as_slice",
    "as_mut_slice",
    "as_bytes",
    "as_str",
    "borrow",
    "borrow_mut",
    "by_ref",
    "bytes",
    "chain",
    "chars",
    "clone",
    "cloned",
    "copied",
    "deref",
    "expect",
    "first",
    "flatten",
    "get",
    "get_mut",
    "get_ref",
    "into",
    "into_inner",
    "into_iter",
    "iter",
    "iter_mut",
    "last",
    "load",
    "lock",
    "read",
    "rev",
    "skip",
    "take",
    "to_owned",
    "to_vec",
    "unwrap",
    "unwrap_or",
    "unwrap_or_default",
    "upgrade",
    "values",
    "write",
    "zip",
];

/// Methods without arguments that give all of a single number, for those who put it elsewhere and
/// make the value of it again.
const NUMBER: &[&str] = &["bits", "to_bits", "into_bits"];

/// Methods whose closure gives what the whole gives.
const MAPPING: &[&str] =
    &["map", "flat_map", "filter_map", "and_then", "map_or", "map_or_else", "then", "fold"];

/// Functions that make an empty value.
const EMPTY: &[&str] = &["new", "with_capacity", "default", "from", "from_iter"];

impl Reader<'_, '_> {
    pub(super) fn call(&mut self, call: &syn::ExprCall) -> Value {
        if code::is_weak_function(&call.func) {
            call.args.iter().for_each(|argument| self.test(argument));
            return Value::default();
        }
        let arguments: Vec<Value> =
            call.args.iter().map(|argument| self.argument(argument)).collect();
        let Some((path, name)) = called(&call.func) else {
            // A function that is a value: a closure of this function, or something handed in.
            let func = self.eval(&call.func);
            let all = arguments.into_iter().fold(Value::default(), Value::join);
            self.save(&all, "a function that is a value");
            return func;
        };
        let before = std::mem::take(&mut self.sinks);
        self.sinks = call.args.iter().map(|argument| self.sink(argument)).collect();
        let followed = self.followed(path, &name, &arguments);
        self.sinks = before;
        if let Some(value) = followed {
            return value;
        }
        let is_out = arguments.iter().any(|argument| argument.is_out);
        let all = arguments.into_iter().fold(Value::default(), Value::join);
        if name.starts_with(char::is_uppercase) {
            // A constructor: what it holds is looked at where it goes.
            return if matches!(&*name, "Some" | "Ok") { all } else { all.derived() };
        }
        if is_out {
            // What is lent to code that is not known may go anywhere.
            let is_lent = call.args.iter().any(|argument| self.sink(argument).is_some());
            let target = Value { is_elsewhere: all.is_elsewhere || is_lent, ..Value::out() };
            self.save_into(&all, &format!("`{}`", code::path_name(&path.path)), &target);
            return target;
        }
        let is_local = self.names.contains_key(&name) && path.path.get_ident().is_some();
        if is_local {
            self.save(&all, &format!("`{name}`"));
            return Value::default();
        }
        if name == "from" && is_of_number(path) {
            return all.converted();
        }
        let is_empty = EMPTY.contains(&&*name);
        let is_out = !is_empty && all.places.is_empty();
        Value { is_out, is_elsewhere: is_out, is_opaque: !is_empty, ..all.derived() }
    }

    fn followed(&mut self, path: &syn::ExprPath, name: &str, arguments: &[Value]) -> Option<Value> {
        let code = self.flows.code;
        let funcs: Vec<Func> = match code.owners(self.func, path) {
            Some(owners) => {
                let of_type = owners.iter().filter_map(|&ty| code.method(ty, name));
                let mut found: Vec<Func> = of_type.collect();
                // `Trait::save(&self.cpu, writer)`
                if found.is_empty() {
                    let first = arguments.first()?;
                    found =
                        self.methods_of(first, name).into_iter().map(|(func, _)| func).collect();
                }
                found
            }
            None => code.function(self.func, name).into_iter().collect(),
        };
        // All instances of one definition have the same code; those that are not given here do
        // not matter.
        let mut out: Option<Value> = None;
        for func in &funcs {
            let value = self.apply(func, arguments);
            out = Some(out.unwrap_or_default().join(value));
        }
        out
    }

    fn argument(&mut self, expr: &syn::Expr) -> Value {
        match code::place(expr) {
            syn::Expr::Closure(closure) => self.closure(closure, None),
            _ => {
                let value = self.eval(expr);
                // What is lent to be written to takes it along.
                let is_lent =
                    matches!(expr, syn::Expr::Reference(inner) if inner.mutability.is_some());
                let is_state = value.places.iter().any(|place| place.ty.is_some());
                Value { is_out: value.is_out || is_lent && !is_state, ..value }
            }
        }
    }

    /// The methods of this name of what a value may be, each with the places that it is for.
    fn methods_of(&self, receiver: &Value, name: &str) -> Vec<(Func, Place)> {
        let mut found: Vec<(Func, Place)> = Vec::new();
        for place in &receiver.places {
            let Some(ty) = place.ty else { continue };
            for target in self.flows.code.targets(ty) {
                if let Some(func) = self.flows.code.method(target, name) {
                    let place = Place { ty: Some(target), ..place.clone() };
                    found.push((func, place));
                }
            }
        }
        found
    }

    /// What a function does with these arguments, done here.
    fn apply(&mut self, func: &Func, arguments: &[Value]) -> Value {
        let given: Vec<Given> = arguments
            .iter()
            .enumerate()
            .map(|(index, argument)| {
                let is_own = func.has_self() && index == 0;
                match argument.places.iter().find_map(|place| place.ty) {
                    // What `self` is, the method tells better than the place.
                    Some(_) if is_own && func.self_type.is_some() => {
                        func.self_type.map_or(Given::Out, Given::State)
                    }
                    Some(ty) => Given::State(ty),
                    None if argument.is_out => Given::Out,
                    None if argument.places.is_empty() => Given::Plain,
                    // Something made of state goes where the function puts it.
                    None => Given::Plain,
                }
            })
            .collect();
        let summary = self.flows.summary(func, &given);
        let sinks = self.only_sinks(&given);
        for ((param, path), mark) in &summary.marks {
            let Some(argument) = arguments.get(*param) else { continue };
            let at: Value = extended(argument, path);
            if mark.is_saved && !mark.is_elsewhere && !sinks.is_empty() {
                self.sink_into(&sinks, &at);
                let kept = Mark { is_saved: false, to: None, ..mark.clone() };
                self.mark_weakly(&at, &kept);
            } else {
                self.mark_weakly(&at, mark);
            }
        }
        // What is made of state and handed to something that writes goes out.
        let writes = given.contains(&Given::Out);
        let mut out = Value::default();
        for (index, argument) in arguments.iter().enumerate() {
            let is_derived = argument.places.iter().any(|place| place.ty.is_none());
            if is_derived {
                let made = Value {
                    places: argument.places.iter().filter(|p| p.ty.is_none()).cloned().collect(),
                    ..Value::default()
                };
                if !sinks.is_empty() {
                    self.sink_into(&sinks, &made);
                } else if writes {
                    self.save(&made, "a function that writes");
                } else {
                    out = out.join(made);
                }
            }
            if matches!(given.get(index), Some(Given::State(_))) && arguments.len() > 1 {
                let entered = Mark { is_entered: true, ..Mark::default() };
                self.mark(argument, &entered);
            }
        }
        for place in &summary.returned {
            let Some(argument) = arguments.get(place.param) else { continue };
            let mut back = extended(argument, &place.path);
            back.is_out = false;
            back.places = back.places.into_iter().map(|at| Place { ty: place.ty, ..at }).collect();
            if let Some(condition) = &place.under {
                back = back.under(condition);
            }
            out = out.join(back);
        }
        // A function that makes something out of nothing may make a writer.
        if writes || arguments.iter().all(|argument| argument.places.is_empty()) {
            out.is_out |= writes && sinks.is_empty();
            out.is_elsewhere |= out.is_out;
        }
        out
    }

    /// The name that is lent to be written to, if it stands for a value of this function that leads
    /// nowhere yet.
    fn sink(&self, argument: &syn::Expr) -> Option<String> {
        let syn::Expr::Reference(inner) = argument else { return None };
        let syn::Expr::Path(path) = &*inner.expr else { return None };
        let name = super::read::name(path.path.get_ident()?);
        let known = self.names.get(&name)?;
        let is_local = !known.is_out && known.places.iter().all(|place| place.ty.is_none());
        (inner.mutability.is_some() && is_local && !self.is_parameter(&name)).then_some(name)
    }

    fn is_parameter(&self, name: &str) -> bool {
        let count = self.func.signature().inputs.len();
        let patterns = (0..count).filter_map(|index| self.func.pattern(index));
        patterns.flat_map(code::names_in).any(|own| own == name)
    }

    /// The names that a function is lent, if it can put what it gets into nothing else.
    fn only_sinks(&self, given: &[Given]) -> Vec<String> {
        let outs = given.iter().enumerate().filter(|(_, given)| **given == Given::Out);
        let sinks: Option<Vec<String>> =
            outs.map(|(index, _)| self.sinks.get(index).cloned().flatten()).collect();
        sinks.unwrap_or_default()
    }

    /// These names take along what was put into what they stand for.
    fn sink_into(&mut self, names: &[String], value: &Value) {
        let value = self.doubted(value.clone().derived().inward());
        for name in names {
            if let Some(known) = self.names.get_mut(name) {
                *known = known.clone().join(value.clone());
            }
        }
    }

    fn mark_weakly(&mut self, value: &Value, mark: &Mark) {
        if self.is_weak && mark.is_saved {
            let mentioned = Mark { is_mentioned: true, ..Mark::default() };
            self.mark(value, &mentioned);
        } else {
            self.mark(value, mark);
        }
    }

    pub(super) fn method_call(&mut self, call: &syn::ExprMethodCall) -> Value {
        let name = super::read::name(&call.method);
        let receiver = self.eval(&call.receiver);
        let methods = self.methods_of(&receiver, &name);
        // No source shows what the derive makes, but its name tells: references to the fields.
        if methods.is_empty() && name == code::SAVED_FIELDS && call.args.is_empty() {
            return receiver;
        }
        if !methods.is_empty() {
            let mut arguments = vec![Value::default()];
            for argument in &call.args {
                let value = self.argument(argument);
                arguments.push(value);
            }
            let before = std::mem::take(&mut self.sinks);
            let lent = call.args.iter().map(|argument| self.sink(argument));
            self.sinks = std::iter::once(None).chain(lent).collect();
            let mut out = Value::default();
            // `(&self.rows, &self.data).serialize(writer)`: a part without a method of its own is
            // not lost for those that have one.
            let mut rest = receiver;
            for (func, place) in methods {
                rest.places.retain(|own| (own.param, &own.path) != (place.param, &place.path));
                arguments[0] = Value { places: [place].into(), ..Value::default() };
                out = out.join(self.apply(&func, &arguments));
            }
            self.sinks = before;
            if rest.places.is_empty() {
                return out;
            }
            let given = arguments.into_iter().skip(1).fold(Value::default(), Value::join);
            return out.join(self.unseen(call, &name, rest, given, None));
        }
        if let Some(value) = self.writer_method(call, &name, &receiver) {
            return value;
        }
        if code::is_weak_method(&call.method) {
            self.mention(&receiver);
            let puts = name == "set" || name == "store";
            let mut given = Value::default();
            for argument in &call.args {
                let value = match code::place(argument) {
                    syn::Expr::Closure(closure) => self.closure(closure, Some(&receiver)),
                    _ => self.eval(argument),
                };
                if !puts {
                    self.mention(&value);
                }
                given = given.join(value);
            }
            if puts {
                self.put(&call.receiver, &given);
            }
            return Value::default();
        }
        let mut mapped: Option<Value> = None;
        let mut arguments = Value::default();
        for argument in &call.args {
            match code::place(argument) {
                syn::Expr::Closure(closure) => {
                    // What the closure gets comes from the receiver.
                    let given = (!receiver.places.is_empty()).then_some(&receiver);
                    let value = self.closure(closure, given);
                    mapped = Some(mapped.unwrap_or_default().join(value));
                }
                // A function by its name, called with what the receiver holds.
                syn::Expr::Path(path)
                    if path.path.segments.len() > 1 && !receiver.places.is_empty() =>
                {
                    let last = path.path.segments.last().map(|last| super::read::name(&last.ident));
                    let given = [receiver.clone()];
                    if let Some(value) = last.and_then(|name| self.followed(path, &name, &given)) {
                        mapped = Some(mapped.unwrap_or_default().join(value));
                    }
                }
                _ => {
                    let value = self.eval(argument);
                    arguments = arguments.join(value);
                }
            }
        }
        self.unseen(call, &name, receiver, arguments, mapped)
    }

    /// A method of what leads out that gets a part of the state with fields of its own.
    fn writer_method(
        &mut self,
        call: &syn::ExprMethodCall,
        name: &str,
        receiver: &Value,
    ) -> Option<Value> {
        if receiver.writers.is_empty() {
            return None;
        }
        let writers = receiver.writers.iter();
        let func =
            writers.filter_map(|&ty| self.flows.code.method(ty, name)).find(Func::has_self)?;
        let nested = |value: &Value| {
            let mut types = value.places.iter().filter_map(|place| place.ty);
            types.any(|ty| !self.flows.code.targets(ty).is_empty())
        };
        let names: Vec<Value> =
            call.args.iter().filter_map(|argument| self.way(argument)).collect();
        if !names.iter().any(nested) {
            return None;
        }
        let mut arguments = vec![receiver.clone()];
        for argument in &call.args {
            let value = self.argument(argument);
            arguments.push(value);
        }
        Some(self.apply(&func, &arguments))
    }

    /// A method whose code is not known.
    fn unseen(
        &mut self,
        call: &syn::ExprMethodCall,
        name: &str,
        receiver: Value,
        arguments: Value,
        mapped: Option<Value>,
    ) -> Value {
        if let Some(mapped) = mapped {
            if MAPPING.contains(&name) {
                return mapped.join(arguments);
            }
            if receiver.places.is_empty() && !receiver.is_out {
                return mapped.join(arguments);
            }
        }
        if receiver.is_out || arguments.is_out {
            let is_lent = call.args.iter().any(|argument| self.sink(argument).is_some());
            let is_elsewhere = receiver.is_elsewhere || arguments.is_elsewhere || is_lent;
            let target = Value { is_elsewhere, ..Value::out() };
            let all = Value { is_out: false, ..receiver.clone().join(arguments) };
            self.save_into(&all, &format!("`{name}`"), &target);
            return target;
        }
        if NUMBER.contains(&name) && call.args.is_empty() {
            return receiver.converted();
        }
        if name == "enumerate" {
            return Value { is_counted: true, ..receiver };
        }
        if INTO.contains(&name) {
            return receiver.join(arguments.derived());
        }
        // `list.push(self.a)`: what a name of the function holds grows.
        let is_name = code::name_of(root_of(&call.receiver))
            .is_some_and(|name| name != "self" && self.names.contains_key(&name));
        let is_state = receiver.places.iter().any(|place| place.ty.is_some());
        if is_name && !is_state && !arguments.places.is_empty() {
            self.put(&call.receiver, &arguments);
        }
        receiver.join(arguments).derived()
    }
}

/// Whether a path is that of a number's function: `u8::from`.
fn is_of_number(path: &syn::ExprPath) -> bool {
    let numbers = ["u8", "u16", "u32", "u64", "u128", "i8", "i16", "i32", "i64", "i128"];
    let mut parts = path.path.segments.iter().rev().skip(1);
    parts.next().is_some_and(|part| numbers.iter().any(|number| part.ident == number))
        && parts.next().is_none()
}

/// The places below a value that lie this way.
fn extended(value: &Value, path: &[super::Key]) -> Value {
    let places = value.places.iter().map(|place| {
        if place.ty.is_none() {
            return place.clone();
        }
        let mut long = place.path.clone();
        long.extend(path.iter().cloned());
        long.truncate(super::read::MAX_PATH);
        Place { path: long, ..place.clone() }
    });
    Value { places: places.collect(), ..Value::default() }
}
