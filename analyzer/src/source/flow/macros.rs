//! Macros: by the expressions that they are given, or by their tokens.

use syn::punctuated::Punctuated;

use super::read::Reader;
use super::value::Value;
use crate::source::code;

/// Macros that give a value and do nothing else.
const VALUES: &[&str] = &["concat", "format", "format_args", "json", "vec"];

impl Reader<'_, '_> {
    pub(super) fn macro_call(&mut self, item: &syn::Macro) -> Value {
        if code::is_weak_macro(&item.path) {
            self.weakly(|reader| {
                let value = reader.strong_macro(item);
                reader.mention(&value);
            });
            return Value::default();
        }
        self.strong_macro(item)
    }

    fn strong_macro(&mut self, item: &syn::Macro) -> Value {
        let arguments =
            item.parse_body_with(Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated);
        let is_plain = |expr: &syn::Expr| self.is_whole_state(expr);
        match arguments {
            // A macro that gets a whole value may take it apart by the names it gets with it.
            Ok(arguments) if !arguments.iter().any(is_plain) => {
                let mut value = self.all(&arguments);
                value = value.join(self.inline_arguments(&arguments));
                let last = item.path.segments.last();
                if last.is_some_and(|last| VALUES.iter().any(|name| last.ident == name)) {
                    return value.derived();
                }
                let target = if value.is_out { value.clone() } else { Value::out() };
                self.save_into(&value, &format!("`{}!`", code::path_name(&item.path)), &target);
                Value::default()
            }
            _ => self.tokens(item),
        }
    }

    /// Whether an expression is a value with fields of its own.
    fn is_whole_state(&self, expr: &syn::Expr) -> bool {
        let Some(value) = self.way(expr) else { return false };
        self.is_struct(&value)
    }

    fn is_struct(&self, value: &Value) -> bool {
        value.places.iter().filter_map(|place| place.ty).any(|ty| {
            let graph = self.flows.code.graph();
            let targets = self.flows.code.targets(ty);
            targets.iter().any(|&id| !crate::fields::of(graph, id).is_empty())
        })
    }

    /// The value of a plain way such as `self.cpu.pc`.
    pub(super) fn way(&self, expr: &syn::Expr) -> Option<Value> {
        match code::place(expr) {
            syn::Expr::Path(path) => {
                let name = super::read::name(path.path.get_ident()?);
                self.names.get(&name).cloned()
            }
            syn::Expr::Field(field) => {
                let base = self.way(&field.base)?;
                Some(self.part(&base, None, &code::member_name(&field.member), None))
            }
            _ => None,
        }
    }

    /// The names in the text that a formatting macro starts with: `"{state}"`.
    fn inline_arguments(&mut self, arguments: &Punctuated<syn::Expr, syn::Token![,]>) -> Value {
        let literals = arguments.iter().filter_map(|argument| match argument {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        });
        let mut value = Value::default();
        for text in literals {
            for part in text.split('{').skip(1) {
                let name = part.split([':', '}']).next().unwrap_or("");
                if let Some(known) = self.names.get(name) {
                    value = value.join(known.clone().inward());
                }
            }
        }
        value
    }

    /// A macro that takes no list of expressions: ways such as `self.cpu.pc` anywhere in it count,
    /// and `all!(self.cpu, writer, a x y)` uses the fields that it names.
    fn tokens(&mut self, item: &syn::Macro) -> Value {
        let to = format!("`{}!`", code::path_name(&item.path));
        let words = code::words(&item.tokens);
        let mut at = 0;
        while at < words.len() {
            let is_start = at == 0 || words[at - 1] != ".";
            let Some(value) = self.names.get(&words[at]).filter(|_| is_start).cloned() else {
                at += 1;
                continue;
            };
            let mut value = value;
            at += 1;
            while words.get(at).is_some_and(|word| word == ".")
                && let Some(member) = words.get(at + 1)
            {
                let part = self.part(&value, None, member, None);
                if part.places.is_empty() {
                    break;
                }
                value = part;
                at += 2;
            }
            if value.places.is_empty() {
                continue;
            }
            if self.is_struct(&value) {
                let named = self.named_parts(&value, &words);
                if !named.places.is_empty() {
                    self.save(&named, &to);
                    continue;
                }
                if item.path.is_ident("matches") {
                    continue;
                }
            }
            self.save(&value, &to);
        }
        Value::default()
    }

    /// The fields of a value that stand by their names alone among these words.
    fn named_parts(&self, value: &Value, words: &[String]) -> Value {
        let mut named = Value::default();
        for (at, word) in words.iter().enumerate() {
            let is_alone = at == 0 || words[at - 1] != ".";
            if is_alone && !self.names.contains_key(word) {
                let part = self.part(value, Some(""), word, None);
                let own = part.places.into_iter().filter(|place| !value.places.contains(place));
                named.places.extend(own);
            }
        }
        named
    }
}
