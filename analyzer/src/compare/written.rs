//! What serializers that go by order write of a type: its values one after the other, without any
//! name. A wrapper around a number is that number.

use std::collections::BTreeMap;

use crate::model::{Model, Shape, VariantEntry};
use crate::names::TypeExpr;

/// How much of two types is looked at, in letters of the names and types of their fields, and how
/// deep they may nest; of a type beyond that, it is not known whether it is written alike.
const MAX_LETTERS: usize = 1 << 18;
const MAX_DEPTH: usize = 64;

/// Whether two types are written alike, and no value under a known name is taken for another one.
pub(super) fn alike(old: (&Model, &str), new: (&Model, &str)) -> bool {
    let (Some(was), Some(is)) = (values(old), values(new)) else { return false };
    let types = |values: &[Value]| values.iter().map(|value| value.ty.clone()).collect::<Vec<_>>();
    if types(&was) != types(&is) {
        return false;
    }
    let (was, is) = (places(&was), places(&is));
    was.iter().all(|(name, at)| is.get(name).is_none_or(|now| now == at))
}

/// One value, with the name of the innermost field that it is.
struct Value {
    name: String,
    ty: String,
}

/// Where the names stand that stand there once; numbers are none.
fn places(values: &[Value]) -> BTreeMap<&str, usize> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for value in values {
        *counts.entry(&value.name).or_default() += 1;
    }
    let named = values.iter().enumerate().filter(|(_, value)| {
        let is_number = value.name.bytes().all(|byte| byte.is_ascii_digit());
        !is_number && counts.get(value.name.as_str()) == Some(&1)
    });
    named.map(|(at, value)| (value.name.as_str(), at)).collect()
}

fn values((model, ty): (&Model, &str)) -> Option<Vec<Value>> {
    let mut writer = Writer { model, values: Vec::new(), around: Vec::new(), left: MAX_LETTERS };
    writer.expr("", &TypeExpr::parse(ty))?;
    Some(writer.values)
}

struct Writer<'a> {
    model: &'a Model,
    values: Vec<Value>,
    /// The definitions around what is being written, outermost first.
    around: Vec<String>,
    left: usize,
}

impl Writer<'_> {
    fn value(&mut self, name: &str, ty: String) {
        self.values.push(Value { name: name.to_owned(), ty });
    }

    /// The same for what is inside of brackets, as one text.
    fn inside(&mut self, expr: &TypeExpr) -> Option<String> {
        let outer = std::mem::take(&mut self.values);
        self.expr("", expr)?;
        let inner = std::mem::replace(&mut self.values, outer);
        // Names of what is repeated count, too: nothing else shows that two of them changed places.
        let texts = inner.into_iter().map(|Value { name, ty }| format!("{name}:{ty}"));
        Some(texts.collect::<Vec<_>>().join(","))
    }

    fn expr(&mut self, name: &str, expr: &TypeExpr) -> Option<()> {
        use TypeExpr as T;
        let text = expr.to_string();
        self.left = self.left.checked_sub(text.len() + name.len() + 1)?;
        if let Some(entry) = self.model.types.get(&text) {
            if let Some(at) = self.around.iter().position(|around| *around == text) {
                // Counted from the inside, so that it does not matter what is around both.
                self.value(name, format!("^{}", self.around.len() - at));
                return Some(());
            }
            if self.around.len() == MAX_DEPTH {
                return None;
            }
            self.around.push(text);
            match (&entry.variants[..], entry.shape) {
                ([only], Shape::Struct) => self.fields(name, only)?,
                (variants, shape) => {
                    let mut all = Vec::new();
                    for variant in variants {
                        self.left = self.left.checked_sub(variant.name.len() + 1)?;
                        let outer = std::mem::take(&mut self.values);
                        self.fields("", variant)?;
                        let inner = std::mem::replace(&mut self.values, outer);
                        let texts =
                            inner.iter().map(|value| format!("{}:{}", value.name, value.ty));
                        let texts: Vec<_> = texts.collect();
                        all.push(format!("{}({})", variant.name, texts.join(",")));
                    }
                    self.value(name, format!("{} {}", shape.word(), all.join("|")));
                }
            }
            self.around.pop();
            return Some(());
        }
        match expr {
            T::Path { name: ty, args } if !ty.contains("::") => match (ty.as_str(), &args[..]) {
                (
                    "Box" | "Rc" | "Arc" | "Pin" | "Cell" | "RefCell" | "Mutex" | "RwLock"
                    | "Wrapping" | "Saturating" | "Reverse",
                    [inner, ..],
                ) => self.expr(name, inner)?,
                (
                    "Vec" | "VecDeque" | "LinkedList" | "BinaryHeap" | "HashSet" | "BTreeSet",
                    [inner, ..],
                ) => {
                    let inner = self.inside(inner)?;
                    self.value(name, format!("[{inner}]"));
                }
                ("HashMap" | "BTreeMap", [key, value, ..]) => {
                    let (key, value) = (self.inside(key)?, self.inside(value)?);
                    self.value(name, format!("[({key},{value})]"));
                }
                ("Option", [inner]) => {
                    let inner = self.inside(inner)?;
                    self.value(name, format!("?{inner}"));
                }
                _ => self.value(name, text),
            },
            T::Tuple(items) => {
                for item in items {
                    self.expr(name, item)?;
                }
            }
            T::Slice(element) => {
                let inner = self.inside(element)?;
                self.value(name, format!("[{inner}]"));
            }
            T::Array(element, len) => {
                let inner = self.inside(element)?;
                self.value(name, format!("[{inner};{len}]"));
            }
            T::Path { .. } | T::Pointer(..) | T::Dyn(_) | T::Other(_) => self.value(name, text),
        }
        Some(())
    }

    fn fields(&mut self, name: &str, variant: &VariantEntry) -> Option<()> {
        for field in variant.fields.iter().filter(|field| field.state.is_state()) {
            // What is in a wrapper is known by the name of the field that holds the wrapper.
            let is_number = field.name.bytes().all(|byte| byte.is_ascii_digit());
            let inner = if is_number { name } else { &field.name };
            self.expr(inner, &TypeExpr::parse(&field.ty))?;
        }
        Some(())
    }
}
