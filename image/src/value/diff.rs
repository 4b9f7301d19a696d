//! What differs between two values, by field path.

use std::collections::BTreeMap;

use samestate_schema::path::{FieldPath, Step};
use samestate_schema::treatment::Treatment;

use super::{DEPTH, FieldValue, Numbers, Value};

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
    let mut objects = [BTreeMap::new(), BTreeMap::new()];
    left.objects(&mut objects[0]);
    right.objects(&mut objects[1]);
    let pairs = [BTreeMap::new(), BTreeMap::new()];
    let (found, count, pointers) = (Vec::new(), 0, 0);
    let mut differences = Differences { found, count, most, objects: &objects, pairs, pointers };
    differences.value(root, left, right);
    (differences.found, differences.count)
}

struct Differences<'v> {
    found: Vec<ValueDifference>,
    count: u64,
    most: usize,
    /// The shared objects of both images, by number.
    objects: &'v [BTreeMap<u64, &'v Value<'v>>; 2],
    /// Which object of the other image each one is, as far as it is known: their numbers say
    /// nothing, because they depend on what else there is.
    pairs: [BTreeMap<u64, u64>; 2],
    /// How many pointers lead here.
    pointers: usize,
}

impl Differences<'_> {
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
            (Value::Shared { object: a, .. }, Value::Shared { object: b, .. })
            | (Value::Weak { object: Some(a), .. }, Value::Weak { object: Some(b), .. }) => {
                self.pointers(path, *a, *b);
            }
            (
                Value::Dyn { implementer: one, value: a, .. },
                Value::Dyn { implementer: other, value: b, .. },
            ) if one == other => {
                self.value(&path.join(Step::Concrete((*one).to_owned())), a, b);
            }
            (a, b) if is_same(a, b) => {}
            (a, b) => self.push(path, Some(a), Some(b)),
        }
    }

    /// Two pointers to shared objects: they differ if one of the objects is known to be another one,
    /// and where the objects differ.
    fn pointers(&mut self, path: &FieldPath, left: u64, right: u64) {
        let met = (self.pairs[0].get(&left).copied(), self.pairs[1].get(&right).copied());
        if met == (Some(right), Some(left)) {
            return;
        }
        let (a, b) = (self.objects[0].get(&left).copied(), self.objects[1].get(&right).copied());
        // What stands side by side in the images may hang in a long chain here.
        let deep = self.pointers + path.steps.len() > DEPTH;
        if let ((None, None), Some(a), Some(b), false) = (met, a, b, deep) {
            self.pairs[0].insert(left, right);
            self.pairs[1].insert(right, left);
            self.pointers += 1;
            self.value(path, a, b);
            self.pointers -= 1;
            return;
        }
        let to = |object| Value::Shared { object, value: None };
        self.push(path, Some(&to(left)), Some(&to(right)));
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
