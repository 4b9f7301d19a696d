//! What differs between two values, by field path.

use std::collections::BTreeMap;

use samestate_schema::path::{FieldPath, Step};
use samestate_schema::treatment::Treatment;

use super::{FieldValue, Numbers, Value};

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueDifference {
    /// Where.
    pub path: FieldPath,
    /// What the first image holds there; `None` if nothing.
    pub left: Option<String>,
    /// What the second image holds there; `None` if nothing.
    pub right: Option<String>,
}

/// The differences between two values that stand at `root`, in the order of the first one: at most
/// `most` of them, and how many there are in all.
#[must_use]
pub fn diff(
    left: &Value<'_>,
    right: &Value<'_>,
    root: &FieldPath,
    most: usize,
) -> (Vec<ValueDifference>, u64) {
    let mut differences = Differences { found: Vec::new(), count: 0, most };
    differences.value(root, left, right);
    (differences.found, differences.count)
}

struct Differences {
    found: Vec<ValueDifference>,
    count: u64,
    most: usize,
}

impl Differences {
    fn push(&mut self, path: &FieldPath, left: Option<&Value<'_>>, right: Option<&Value<'_>>) {
        self.count += 1;
        if self.found.len() < self.most {
            let shown = |value: Option<&Value<'_>>| value.map(Value::to_string);
            let (left, right) = (shown(left), shown(right));
            self.found.push(ValueDifference { path: path.clone(), left, right });
        }
    }

    fn value(&mut self, path: &FieldPath, left: &Value<'_>, right: &Value<'_>) {
        match (left, right) {
            (Value::Option(Some(a)), Value::Option(Some(b))) => {
                self.value(&path.join(Step::Variant("Some".into())), a, b);
            }
            (Value::List(a), Value::List(b)) => {
                self.places(path, a.len().max(b.len()), |at| (a.get(at), b.get(at)), Step::Index);
            }
            (Value::Tuple(a), Value::Tuple(b)) => {
                let step = |at| Step::Tuple(u32::try_from(at).unwrap_or(u32::MAX));
                self.places(path, a.len().max(b.len()), |at| (a.get(at), b.get(at)), step);
            }
            (Value::Numbers(a), Value::Numbers(b)) => self.numbers(path, a, b),
            (Value::Map(a), Value::Map(b)) => self.entries(path, a, b),
            (Value::Struct { fields: a, .. }, Value::Struct { fields: b, .. }) => {
                self.fields(path, a, b);
            }
            (
                Value::Enum { variant: one, fields: a, .. },
                Value::Enum { variant: other, fields: b, .. },
            ) if one == other => {
                self.fields(&path.join(Step::Variant((*one).to_owned())), a, b);
            }
            (a, b) if is_same(a, b) => {}
            (a, b) => self.push(path, Some(a), Some(b)),
        }
    }

    fn places<'v, 'i: 'v>(
        &mut self,
        path: &FieldPath,
        len: usize,
        at: impl Fn(usize) -> (Option<&'v Value<'i>>, Option<&'v Value<'i>>),
        step: impl Fn(u64) -> Step,
    ) {
        for (place, number) in (0..len).zip(0..) {
            let path = path.join(step(number));
            match at(place) {
                (Some(a), Some(b)) => self.value(&path, a, b),
                (a, b) => self.push(&path, a, b),
            }
        }
    }

    fn numbers(&mut self, path: &FieldPath, left: &Numbers<'_>, right: &Numbers<'_>) {
        if left == right {
            return;
        }
        for (place, number) in (0..left.len().max(right.len())).zip(0..) {
            let (a, b) = (left.get(place), right.get(place));
            match (&a, &b) {
                (Some(a), Some(b)) => self.value(&path.join(Step::Index(number)), a, b),
                _ => self.push(&path.join(Step::Index(number)), a.as_ref(), b.as_ref()),
            }
        }
    }

    fn entries(
        &mut self,
        path: &FieldPath,
        left: &[(Value<'_>, Value<'_>)],
        right: &[(Value<'_>, Value<'_>)],
    ) {
        let mut keys: BTreeMap<String, (Option<&Value<'_>>, Option<&Value<'_>>)> = BTreeMap::new();
        for (key, value) in left {
            keys.entry(key.key()).or_default().0 = Some(value);
        }
        for (key, value) in right {
            keys.entry(key.key()).or_default().1 = Some(value);
        }
        for (key, values) in keys {
            let path = path.join(Step::Entry(key));
            match values {
                (Some(a), Some(b)) => self.value(&path, a, b),
                (a, b) => self.push(&path, a, b),
            }
        }
    }

    /// Fields by name: the images may be of two versions of a type. What is volatile in either is
    /// not compared.
    fn fields(&mut self, path: &FieldPath, left: &[FieldValue<'_>], right: &[FieldValue<'_>]) {
        let is_volatile = |field: &FieldValue<'_>| field.treatment == Treatment::Volatile;
        for a in left.iter().filter(|a| !is_volatile(a)) {
            let b = right.iter().find(|b| b.name == a.name);
            if b.is_some_and(is_volatile) {
                continue;
            }
            let b = b.and_then(|b| b.value.as_ref());
            let path = path.join(FieldPath::member(a.name));
            match (a.value.as_ref(), b) {
                (None, None) => {}
                (Some(a), Some(b)) => self.value(&path, a, b),
                (a, b) => self.push(&path, a, b),
            }
        }
        for b in right.iter().filter(|b| b.value.is_some() && !is_volatile(b)) {
            if left.iter().all(|a| a.name != b.name) {
                self.push(&path.join(FieldPath::member(b.name)), None, b.value.as_ref());
            }
        }
    }
}

/// Whether two values without parts are the same state: floats by their bits, because a NaN is
/// itself and -0 is not 0.
fn is_same(left: &Value<'_>, right: &Value<'_>) -> bool {
    match (left, right) {
        (Value::F32(a), Value::F32(b)) => a.to_bits() == b.to_bits(),
        (Value::F64(a), Value::F64(b)) => a.to_bits() == b.to_bits(),
        (a, b) => a == b,
    }
}
