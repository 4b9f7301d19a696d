//! Writing a value back, perhaps with one piece of it edited.

use samestate_schema::path::{FieldPath, Step};
use samestate_schema::treatment::Treatment;
use samestate_schema::types::{Field, Primitive, Table, Type, TypeRef};

use super::{Change, Edit, SERDE, SERDE_LEAVES, Site, candidates};
use crate::Image;
use crate::layout::{BLOCK_MIN, LONG_LEN, NEW_OBJECT_CODES, plain, variant_width};
use crate::value::{FieldValue, Numbers, Value};

/// Deepest nesting of what is made from nothing, and most elements of an array in it.
const NEW_DEPTH: usize = 24;
const NEW_LEN: u64 = 1 << 20;

/// How many entries of a map that serde saved are places of their own.
const NAMED: usize = 64;

/// How many values are made from nothing at most.
const NEW_VALUES: usize = 1 << 16;

/// How often one type may stand on the way to a site: recursive types are not followed further.
const REPEATS: usize = 2;

pub(super) struct Writer<'a> {
    table: &'a Table,
    edit: Option<(usize, &'a Change)>,
    pub(super) values: Vec<u8>,
    pub(super) blocks: Vec<Vec<u8>>,
    pub(super) volatile: Vec<u8>,
    whole: bool,
    /// Set inside volatile fields.
    in_volatile: bool,
    /// Set where nothing is to be edited.
    quiet: bool,
    /// Set right inside what serde saved as a struct or a map, where each entry is a place of its own.
    in_struct: bool,
    /// Set inside keys of what serde saved.
    in_key: bool,
    /// The number of the next site.
    next: usize,
    pub(super) sites: Vec<Site>,
    path: FieldPath,
    place: FieldPath,
    /// The types with names on the way.
    way: Vec<TypeRef>,
    /// How many values may still be made from nothing.
    new_left: usize,
    objects: Vec<Object>,
}

/// A shared object that was written.
struct Object {
    /// Its number in the image that there is; `None` if it is made from nothing.
    number: Option<usize>,
    open: bool,
    /// Whether a weak pointer to it was written while it was open.
    used: bool,
    owned: bool,
}

impl<'a> Writer<'a> {
    pub(super) fn new(image: &'a Image<'_>, edit: Option<(usize, &'a Change)>) -> Self {
        let path = FieldPath::root(image.schema().root_name.clone());
        Self {
            table: image.table(),
            edit,
            values: Vec::new(),
            blocks: Vec::new(),
            volatile: Vec::new(),
            whole: false,
            in_volatile: false,
            quiet: false,
            in_struct: false,
            in_key: false,
            next: 0,
            sites: Vec::new(),
            place: path.clone(),
            path,
            way: Vec::new(),
            new_left: NEW_VALUES,
            objects: Vec::new(),
        }
    }

    /// `None` if the edit cannot be made.
    pub(super) fn root(&mut self, value: &Value<'_>) -> Option<()> {
        self.value(value, self.table.root)?;
        self.objects.iter().all(|object| object.owned).then_some(())
    }

    /// Counts a site, and returns what to write there instead.
    fn site(&mut self, edits: impl FnOnce() -> Vec<Edit>) -> Option<&'a Change> {
        let number = self.next;
        self.next += 1;
        match self.edit {
            Some((at, change)) => (at == number).then_some(change),
            None => {
                let edits = edits();
                let is_serde = |ty: &TypeRef| matches!(self.table.get(*ty), Some(Type::Enum(def)) if def.name == SERDE);
                let repeats = match self.way.last() {
                    Some(last) if !is_serde(last) => {
                        self.way.iter().filter(|ty| *ty == last).count()
                    }
                    _ => 0,
                };
                if !edits.is_empty() && repeats <= REPEATS && !self.quiet {
                    let (path, place) = (self.path.clone(), self.place.to_string());
                    let volatile = self.in_volatile;
                    let tag = self.way.last().is_some_and(is_serde);
                    self.sites.push(Site { path, place, edits, volatile, tag, number });
                }
                None
            }
        }
    }

    fn below(&mut self, step: Step, value: &Value<'_>, ty: TypeRef) -> Option<()> {
        let place = match &step {
            Step::Index(_) => Step::Elements,
            Step::Entry(_) if !self.in_struct => Step::Values,
            other => other.clone(),
        };
        self.path.steps.push(step);
        self.place.steps.push(place);
        let written = self.value(value, ty);
        self.path.steps.pop();
        self.place.steps.pop();
        written
    }

    fn len(&mut self, len: usize) {
        match u8::try_from(len) {
            Ok(short) if short < LONG_LEN => self.values.push(short),
            _ => {
                self.values.push(LONG_LEN);
                self.values.extend_from_slice(&(len as u64).to_le_bytes());
            }
        }
    }

    fn value(&mut self, value: &Value<'_>, ty: TypeRef) -> Option<()> {
        match (value, self.table.get(ty)?) {
            (_, Type::Primitive(primitive)) => {
                let bytes = value.primitive_bytes(*primitive)?;
                let primitive = *primitive;
                match self.site(|| candidates::edits(candidates::numbers(primitive, &bytes))) {
                    Some(Change::Bytes(other)) => self.values.extend_from_slice(other),
                    _ => self.values.extend_from_slice(&bytes),
                }
            }
            (Value::Str(_) | Value::Opaque { .. }, _) => {
                let bytes: &[u8] = match value {
                    Value::Str(text) => text.as_bytes(),
                    Value::Opaque { bytes, .. } => bytes,
                    _ => &[],
                };
                let bytes = match self.site(|| candidates::edits(candidates::text(value))) {
                    Some(Change::Bytes(other)) => other,
                    _ => bytes,
                };
                self.len(bytes.len());
                self.values.extend_from_slice(bytes);
            }
            (Value::Option(inner), Type::Option(ty)) => self.option(inner.as_deref(), *ty)?,
            (Value::List(values), Type::Sequence(ty)) => self.sequence(values, *ty)?,
            (Value::List(values), Type::Array(ty, _)) => {
                for (index, value) in (0..).zip(values) {
                    self.below(Step::Index(index), value, *ty)?;
                }
            }
            (Value::List(values), Type::Set(ty)) => self.set(values, *ty)?,
            (Value::Numbers(numbers), Type::Sequence(ty)) => self.numbers(numbers, Some(*ty))?,
            (Value::Numbers(numbers), Type::Array(..)) => self.numbers(numbers, None)?,
            (Value::Tuple(values), Type::Tuple(types)) => {
                for (index, (value, ty)) in (0..).zip(values.iter().zip(types)) {
                    self.below(Step::Tuple(index), value, *ty)?;
                }
            }
            (Value::Map(entries), Type::Map(key, of)) => self.map(entries, *key, *of)?,
            (Value::Struct { fields, .. }, Type::Struct(def)) => {
                self.way.push(ty);
                self.fields(fields, &def.fields)?;
                self.way.pop();
            }
            (Value::Enum { variant, fields, .. }, Type::Enum(_)) => {
                self.way.push(ty);
                self.enumeration(variant, fields, ty)?;
                self.way.pop();
            }
            (Value::Shared { object, value }, Type::Shared(ty)) => {
                self.pointer(*object, value.as_deref(), *ty, 0)?;
            }
            (Value::Weak { object: None, .. }, Type::Weak(_)) => self.len(0),
            (Value::Weak { object: Some(object), value }, Type::Weak(ty)) => {
                self.pointer(*object, value.as_deref(), *ty, 1)?;
            }
            (Value::Dyn { implementer, value, .. }, Type::Dyn(def)) => {
                let mut names = def.implementers.iter();
                let number = names.position(|(name, _)| name == implementer)?;
                self.variant_number(number, def.implementers.len());
                self.way.push(ty);
                let step = Step::Concrete((*implementer).to_owned());
                self.below(step, value, def.implementers.get(number)?.1)?;
                self.way.pop();
            }
            _ => return None,
        }
        Some(())
    }

    /// A pointer to a shared object, with the object if it is a new one. Which objects are shared
    /// is not edited: that would change what every later pointer leads to.
    fn pointer(
        &mut self,
        object: u64,
        value: Option<&Value<'_>>,
        ty: TypeRef,
        base: u64,
    ) -> Option<()> {
        let number = usize::try_from(object).ok()?;
        let base = usize::try_from(base).ok()?;
        let known = self.objects.iter().position(|object| object.number == Some(number));
        let Some(value) = value else {
            // An edit may have taken away the object before this pointer.
            let known = known?;
            self.objects[known].used |= self.objects[known].open;
            self.objects[known].owned |= base == 0;
            self.len(base + usize::try_from(NEW_OBJECT_CODES).ok()? + known);
            return Some(());
        };
        let cyclic = value.refers_to(object);
        let index = self.objects.len();
        let number = Some(number);
        self.objects.push(Object { number, open: true, used: false, owned: base == 0 });
        self.len(base + usize::from(cyclic));
        self.value(value, ty)?;
        self.objects[index].open = false;
        // An edit may have taken away the pointers that make it so.
        (self.objects[index].used == cyclic).then_some(())
    }

    /// An edit that makes something new one step below.
    fn adding(&self, change: Change, step: Step) -> Edit {
        let adds = self.edit.is_none().then(|| self.place.join(step).to_string());
        Edit { change, adds }
    }

    fn option(&mut self, inner: Option<&Value<'_>>, ty: TypeRef) -> Option<()> {
        let edit = match inner {
            Some(_) => Edit::new(Change::None),
            None => self.adding(Change::Some, Step::Variant("Some".into())),
        };
        match (self.site(|| vec![edit]), inner) {
            (Some(Change::Some), _) => {
                self.values.push(1);
                self.new_value(ty, 0)
            }
            (Some(_), _) | (None, None) => {
                self.values.push(0);
                Some(())
            }
            (None, Some(value)) => {
                self.values.push(1);
                self.below(Step::Variant("Some".into()), value, ty)
            }
        }
    }

    /// One more or one less; tells how many of `count` elements to write, and whether a new one.
    fn count(&mut self, count: usize, element: Step) -> (usize, bool) {
        let push = self.adding(Change::Push, element);
        let edits = || {
            let pop = (count > 0).then_some(Edit::new(Change::Pop));
            core::iter::once(push).chain(pop).collect()
        };
        match self.site(edits) {
            Some(Change::Push) => (count, true),
            Some(Change::Pop) => (count.saturating_sub(1), false),
            _ => (count, false),
        }
    }

    fn sequence(&mut self, values: &[Value<'_>], ty: TypeRef) -> Option<()> {
        let (count, push) = self.count(values.len(), Step::Elements);
        self.len(count + usize::from(push));
        for (index, value) in (0..).zip(values.iter().take(count)) {
            self.below(Step::Index(index), value, ty)?;
        }
        if push { self.new_value(ty, 0) } else { Some(()) }
    }

    /// A run of numbers; `counted` is the type of an element if their number is not fixed.
    fn numbers(&mut self, numbers: &Numbers<'_>, counted: Option<TypeRef>) -> Option<()> {
        let size = numbers.primitive.size();
        let mut bytes = numbers.bytes.to_vec();
        let per_element = numbers.per_element.max(1) * size;
        if let Some(ty) = counted {
            let elements = bytes.len() / per_element;
            let (count, push) = self.count(elements, Step::Elements);
            bytes.truncate(count * per_element);
            if push {
                let outer = core::mem::take(&mut self.values);
                let whole = core::mem::replace(&mut self.whole, true);
                self.new_value(ty, 0)?;
                self.whole = whole;
                bytes.append(&mut core::mem::replace(&mut self.values, outer));
            }
            self.len(bytes.len() / per_element);
        }
        let last = numbers.len().saturating_sub(1);
        let edits = |index: usize| {
            let number = numbers.bytes.get(index * size..(index + 1) * size)?;
            let others = candidates::numbers(numbers.primitive, number).into_iter();
            Some(others.map(|other| Edit::new(Change::Number(index, other))).collect::<Vec<_>>())
        };
        for index in if last > 0 { vec![0, last] } else { vec![0] } {
            self.path.steps.push(Step::Index((index * size / per_element) as u64));
            self.place.steps.push(Step::Elements);
            if let Some(Change::Number(index, other)) =
                self.site(|| edits(index).unwrap_or_default())
            {
                bytes.get_mut(index * size..(index + 1) * size)?.copy_from_slice(other);
            }
            self.path.steps.pop();
            self.place.steps.pop();
        }
        self.run(bytes);
        Some(())
    }

    fn run(&mut self, bytes: Vec<u8>) {
        if bytes.len() < BLOCK_MIN || self.whole {
            self.values.extend_from_slice(&bytes);
        } else {
            self.blocks.push(bytes);
        }
    }

    /// What `write` writes in one piece, apart from the rest.
    fn apart(&mut self, write: impl FnOnce(&mut Self) -> Option<()>) -> Option<Vec<u8>> {
        let outer = core::mem::take(&mut self.values);
        let whole = core::mem::replace(&mut self.whole, true);
        let written = write(self);
        self.whole = whole;
        let bytes = core::mem::replace(&mut self.values, outer);
        written.map(|()| bytes)
    }

    fn set(&mut self, values: &[Value<'_>], ty: TypeRef) -> Option<()> {
        let (count, push) = self.count(values.len(), Step::Elements);
        let mut keys = Vec::new();
        for (index, value) in (0..).zip(values.iter().take(count)) {
            keys.push(self.apart(|writer| writer.below(Step::Index(index), value, ty))?);
        }
        if push {
            keys.push(self.apart(|writer| writer.new_value(ty, 0))?);
        }
        keys.sort_unstable();
        self.len(keys.len());
        keys.iter().for_each(|key| self.values.extend_from_slice(key));
        Some(())
    }

    fn map(&mut self, entries: &[(Value<'_>, Value<'_>)], key: TypeRef, of: TypeRef) -> Option<()> {
        let (count, push) = self.count(entries.len(), Step::Keys);
        self.in_struct &= entries.len() <= NAMED;
        // Blocks follow in the order of the entries, so each entry keeps its own.
        let mut written = Vec::new();
        let outer = core::mem::take(&mut self.blocks);
        let outer_volatile = core::mem::take(&mut self.volatile);
        for (left, right) in entries.iter().take(count) {
            let text = Step::Entry(left.key());
            let outer_key = self.in_key;
            self.in_key |= self.quiet;
            let left = self.apart(|writer| writer.below(Step::Keys, left, key))?;
            self.in_key = outer_key;
            let values = core::mem::take(&mut self.values);
            self.below(text, right, of)?;
            let right = core::mem::replace(&mut self.values, values);
            let blocks = core::mem::take(&mut self.blocks);
            written.push((left, right, blocks, core::mem::take(&mut self.volatile)));
        }
        if push {
            let left = self.apart(|writer| writer.new_value(key, 0))?;
            let values = core::mem::take(&mut self.values);
            self.new_value(of, 0)?;
            let right = core::mem::replace(&mut self.values, values);
            let blocks = core::mem::take(&mut self.blocks);
            written.push((left, right, blocks, core::mem::take(&mut self.volatile)));
        }
        self.blocks = outer;
        self.volatile = outer_volatile;
        if !written.is_sorted() && !self.objects.is_empty() {
            // Objects are numbered in the order in which they stand.
            return None;
        }
        written.sort_unstable();
        self.len(written.len());
        for (key, value, blocks, volatile) in written {
            self.values.extend_from_slice(&key);
            self.values.extend_from_slice(&value);
            self.blocks.extend(blocks);
            self.volatile.extend(volatile);
        }
        Some(())
    }

    fn fields(&mut self, values: &[FieldValue<'_>], fields: &[Field]) -> Option<()> {
        for (value, field) in values.iter().zip(fields) {
            if let (Some(value), Some(ty)) = (&value.value, field.ty) {
                let step = FieldPath::member(&field.name);
                self.in_stream(field, |writer| writer.below(step, value, ty))?;
            }
        }
        Some(())
    }

    /// Writes a field by `write` among the values, or among the volatile ones.
    fn in_stream(
        &mut self,
        field: &Field,
        write: impl FnOnce(&mut Self) -> Option<()>,
    ) -> Option<()> {
        if field.treatment != Treatment::Volatile || self.in_volatile {
            return write(self);
        }
        self.in_volatile = true;
        let bytes = self.apart(write);
        self.in_volatile = false;
        self.volatile.extend(bytes?);
        Some(())
    }

    fn new_fields(&mut self, fields: &[Field], depth: usize) -> Option<()> {
        fields.iter().try_for_each(|field| match field.ty {
            Some(ty) => self.in_stream(field, |writer| writer.new_value(ty, depth + 1)),
            None => Some(()),
        })
    }

    fn enumeration(&mut self, variant: &str, fields: &[FieldValue<'_>], ty: TypeRef) -> Option<()> {
        let Type::Enum(def) = self.table.get(ty)? else { return None };
        let number = def.variants.iter().position(|other| other.name == variant)?;
        let is_serde = def.name == SERDE;
        let (outer, outer_struct) = (self.quiet, self.in_struct);
        self.quiet |= is_serde;
        let others = def.variants.iter().enumerate().filter(|&(other, _)| other != number);
        let edits: Vec<Edit> = others
            .map(|(number, other)| {
                self.adding(Change::Variant(number), Step::Variant(other.name.clone()))
            })
            .collect();
        if let Some(Change::Variant(other)) = self.site(|| edits) {
            return self.new_variant(ty, *other, 0);
        }
        self.in_struct = is_serde && matches!(variant, "Struct" | "Map");
        self.quiet = if is_serde { !SERDE_LEAVES.contains(&variant) || self.in_key } else { outer };
        self.variant_number(number, def.variants.len());
        let step = Step::Variant(variant.to_owned());
        self.path.steps.push(step.clone());
        self.place.steps.push(step);
        self.fields(fields, &def.variants.get(number)?.fields)?;
        self.path.steps.pop();
        self.place.steps.pop();
        (self.quiet, self.in_struct) = (outer, outer_struct);
        Some(())
    }

    fn variant_number(&mut self, number: usize, variants: usize) {
        let bytes = (number as u64).to_le_bytes();
        self.values.extend_from_slice(&bytes[..variant_width(variants)]);
    }

    /// Writes a small value of this type: ones, because some numbers must not be zero.
    fn new_value(&mut self, ty: TypeRef, depth: usize) -> Option<()> {
        self.new_left = self.new_left.checked_sub(1)?;
        if depth > NEW_DEPTH {
            return None;
        }
        match self.table.get(ty)? {
            Type::Primitive(primitive) => self.values.extend(one(*primitive)),
            Type::Str | Type::Opaque(_) | Type::Sequence(_) | Type::Map(..) | Type::Set(_) => {
                self.len(0);
            }
            Type::Option(_) | Type::Weak(_) => self.values.push(0),
            Type::Shared(inner) => {
                self.objects.push(Object { number: None, open: false, used: false, owned: true });
                self.values.push(0);
                self.new_value(*inner, depth + 1)?;
            }
            Type::Dyn(def) => {
                let (_, ty) = def.implementers.first()?;
                self.variant_number(0, def.implementers.len());
                self.new_value(*ty, depth + 1)?;
            }
            Type::Array(inner, len) if *len <= NEW_LEN => match plain(&self.table.types, *inner) {
                Some((primitive, size)) => {
                    let numbers = (size / primitive.size() as u64).checked_mul(*len)?;
                    let numbers = usize::try_from(numbers).ok().filter(|n| *n as u64 <= NEW_LEN)?;
                    self.run(one(primitive).repeat(numbers));
                }
                None => (0..*len).try_for_each(|_| self.new_value(*inner, depth + 1))?,
            },
            Type::Array(..) => return None,
            Type::Tuple(types) => {
                types.iter().try_for_each(|ty| self.new_value(*ty, depth + 1))?;
            }
            Type::Struct(def) => {
                self.new_fields(&def.fields, depth)?;
            }
            Type::Enum(def) => {
                let (values, blocks) = (self.values.len(), self.blocks.len());
                let (volatile, objects) = (self.volatile.len(), self.objects.len());
                // Those with the fewest fields end soonest, if the type is recursive.
                let mut order: Vec<usize> = (0..def.variants.len()).collect();
                order.sort_by_key(|&number| def.variants[number].fields.len());
                for number in order {
                    if self.new_variant(ty, number, depth + 1).is_some() {
                        return Some(());
                    }
                    self.values.truncate(values);
                    self.blocks.truncate(blocks);
                    self.volatile.truncate(volatile);
                    self.objects.truncate(objects);
                }
                return None;
            }
        }
        Some(())
    }

    fn new_variant(&mut self, ty: TypeRef, number: usize, depth: usize) -> Option<()> {
        let Type::Enum(def) = self.table.get(ty)? else { return None };
        self.variant_number(number, def.variants.len());
        self.new_fields(&def.variants.get(number)?.fields, depth)
    }
}

fn one(primitive: Primitive) -> Vec<u8> {
    match primitive {
        Primitive::F32 => 1_f32.to_le_bytes().into(),
        Primitive::F64 => 1_f64.to_le_bytes().into(),
        Primitive::Char => u32::from('a').to_le_bytes().into(),
        other => 1_u128.to_le_bytes()[..other.size()].to_vec(),
    }
}
