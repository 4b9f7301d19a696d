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

/// One value, with the names of the fields around it, the innermost last; numbers are none.
struct Value {
    path: String,
    ty: String,
}

impl Value {
    /// The name of the innermost field that it is.
    fn name(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or_default()
    }
}

/// What each value is known by: its name, or its path where others have that name, such as the parts of
/// two fields of one type.
fn labels(values: &[Value]) -> Vec<&str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for value in values {
        *counts.entry(value.name()).or_default() += 1;
    }
    let is_only = |value: &Value| counts.get(value.name()) == Some(&1);
    let labels = values.iter();
    labels.map(|value| if is_only(value) { value.name() } else { &value.path }).collect()
}

/// Where the labels stand that stand there once.
fn places(values: &[Value]) -> BTreeMap<&str, usize> {
    let mut places: BTreeMap<&str, Option<usize>> = BTreeMap::new();
    let labels = labels(values).into_iter().enumerate();
    for (at, label) in labels.filter(|(_, label)| !label.is_empty()) {
        places.entry(label).and_modify(|place| *place = None).or_insert(Some(at));
    }
    places.into_iter().filter_map(|(label, at)| Some((label, at?))).collect()
}

/// Values as one text. Names count: nothing else shows that two of what is repeated changed places.
fn text_of(values: &[Value]) -> String {
    let texts = labels(values).into_iter().zip(values);
    let texts: Vec<_> = texts.map(|(label, value)| format!("{label}:{}", value.ty)).collect();
    texts.join(",")
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
    fn value(&mut self, path: &str, ty: String) {
        self.values.push(Value { path: path.to_owned(), ty });
    }

    /// The same for what is inside of brackets, as one text.
    fn inside(&mut self, expr: &TypeExpr) -> Option<String> {
        let outer = std::mem::take(&mut self.values);
        self.expr("", expr)?;
        let inner = std::mem::replace(&mut self.values, outer);
        Some(text_of(&inner))
    }

    fn expr(&mut self, path: &str, expr: &TypeExpr) -> Option<()> {
        use TypeExpr as T;
        let text = expr.to_string();
        self.left = self.left.checked_sub(text.len() + path.len() + 1)?;
        if let Some(entry) = self.model.types.get(&text) {
            if let Some(at) = self.around.iter().position(|around| *around == text) {
                // Counted from the inside, so that it does not matter what is around both.
                self.value(path, format!("^{}", self.around.len() - at));
                return Some(());
            }
            if self.around.len() == MAX_DEPTH {
                return None;
            }
            self.around.push(text);
            match (&entry.variants[..], entry.shape) {
                ([only], Shape::Struct) => self.fields(path, only)?,
                (variants, shape) => {
                    let mut all = Vec::new();
                    for variant in variants {
                        self.left = self.left.checked_sub(variant.name.len() + 1)?;
                        let outer = std::mem::take(&mut self.values);
                        self.fields("", variant)?;
                        let inner = std::mem::replace(&mut self.values, outer);
                        all.push(format!("{}({})", variant.name, text_of(&inner)));
                    }
                    self.value(path, format!("{} {}", shape.word(), all.join("|")));
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
                ) => self.expr(path, inner)?,
                (
                    "Vec" | "VecDeque" | "LinkedList" | "BinaryHeap" | "HashSet" | "BTreeSet",
                    [inner, ..],
                ) => {
                    let inner = self.inside(inner)?;
                    self.value(path, format!("[{inner}]"));
                }
                ("HashMap" | "BTreeMap", [key, value, ..]) => {
                    let (key, value) = (self.inside(key)?, self.inside(value)?);
                    self.value(path, format!("[({key},{value})]"));
                }
                ("Option", [inner]) => {
                    let inner = self.inside(inner)?;
                    self.value(path, format!("?{inner}"));
                }
                _ => self.value(path, text),
            },
            T::Tuple(items) => {
                for item in items {
                    self.expr(path, item)?;
                }
            }
            T::Slice(element) => {
                let inner = self.inside(element)?;
                self.value(path, format!("[{inner}]"));
            }
            T::Array(element, len) => {
                let inner = self.inside(element)?;
                self.value(path, format!("[{inner};{len}]"));
            }
            T::Path { .. } | T::Pointer(..) | T::Dyn(_) | T::Other(_) => self.value(path, text),
        }
        Some(())
    }

    fn fields(&mut self, path: &str, variant: &VariantEntry) -> Option<()> {
        for field in variant.fields.iter().filter(|field| field.state.is_state()) {
            // What is in a wrapper is known by the name of the field that holds the wrapper.
            let is_number = field.name.bytes().all(|byte| byte.is_ascii_digit());
            let ty = TypeExpr::parse(&field.ty);
            match (is_number, path) {
                (true, _) => self.expr(path, &ty)?,
                (false, "") => self.expr(&field.name, &ty)?,
                (false, _) => self.expr(&format!("{path}.{}", field.name), &ty)?,
            }
        }
        Some(())
    }
}
