use samestate_schema::path::{FieldPath, Step};
use samestate_schema::treatment::Treatment;
use samestate_schema::types::{Dyn, Enum, Field, Primitive, Struct, Table, Type, TypeRef};

use super::sizes::{Size, Tally};
use super::{FieldValue, Numbers, Value, ValueError};
use crate::Image;
use crate::layout::{
    BLOCK_MIN, DEPTH_LIMIT, EMPTY_LIMIT, EMPTY_MEMORY, EMPTY_WEIGHT, LONG_LEN, NEW_OBJECT_CODES,
    is_number, plain, variant_width,
};

/// Deepest nesting that is shown, so that an unoptimized reader needs less than 1.5 MB of stack. Every level of types counts here, not only the containers that
/// the limit on values counts.
pub(crate) const DEPTH: usize = 640;

/// How many elements that take no bytes are shown, all containers together: no fewer than a program
/// may save.
const EMPTY_ELEMENTS: u64 = EMPTY_MEMORY / EMPTY_WEIGHT;

/// How many values that take no bytes are shown, wherever they are, before there must be others.
const EMPTY_FREE: u64 = 4 * EMPTY_LIMIT;

/// How many more are shown for each byte and each element that was read. Types may be forged, too:
/// a few of them in each other have any number of fields.
const EMPTY_EACH: u64 = 4;

/// Reads values by a schema. Neither is trusted.
pub(super) struct Decoder<'i> {
    table: &'i Table,
    values: &'i [u8],
    at: usize,
    /// The other one of the values and the volatile values, and how far it was read.
    other: (&'i [u8], usize),
    /// Set inside volatile fields, where `values` are the volatile ones.
    volatile: bool,
    blocks: Box<dyn Iterator<Item = &'i [u8]> + 'i>,
    /// Set inside keys and volatile fields, where no run of numbers stands in a block.
    whole: bool,
    path: FieldPath,
    /// How many pointers lead here; they are no steps of the path.
    pointers: usize,
    objects: Vec<Object>,
    stop: Option<usize>,
    /// How many bytes of blocks were read.
    block_len: u64,
    tally: Option<Tally>,
    /// Whether values are kept. Where only a place is looked for they are not, but for keys, which
    /// the path tells.
    keep: bool,
    /// How many values took no bytes, and how many of them were elements.
    empty: u64,
    empty_elements: u64,
    /// For each type whether a value of it took no bytes. Then none does: there is no choice in it.
    is_empty: Vec<bool>,
}

/// An object that pointers may share.
struct Object {
    ty: TypeRef,
    /// Set until it is read to its end.
    open: bool,
    /// Whether a pointer that owns it was read.
    owned: bool,
}

type Result<T> = core::result::Result<T, Box<ValueError>>;

impl<'i> Decoder<'i> {
    pub(super) fn new(image: &'i Image<'_>, path: FieldPath) -> Self {
        Self {
            table: image.table(),
            values: image.values(),
            at: 0,
            other: (image.volatile(), 0),
            volatile: false,
            blocks: Box::new(image.blocks()),
            whole: false,
            path,
            pointers: 0,
            objects: Vec::new(),
            stop: None,
            block_len: 0,
            tally: None,
            keep: true,
            empty: 0,
            empty_elements: 0,
            is_empty: vec![false; image.table().types.len()],
        }
    }

    /// Ends with an error behind the first value that ends at this offset or after it.
    pub(super) const fn stop_at(mut self, offset: usize) -> Self {
        self.stop = Some(offset);
        self
    }

    /// The field path of the error that reading ends with. It takes memory for no values: the image
    /// may be large, and what led here may be that there is little.
    pub(super) fn path_of_error(mut self) -> Option<FieldPath> {
        self.keep = false;
        self.root().err().map(|error| error.path)
    }

    /// How many bytes the values take at each place in the types.
    pub(super) fn sizes(mut self) -> Result<Vec<Size>> {
        self.keep = false;
        self.tally = Some(Tally::new(self.path.clone()));
        let mut tally = None;
        self.whole_root(&mut tally)?;
        Ok(tally.map(Tally::into_sizes).unwrap_or_default())
    }

    fn push<T>(&self, values: &mut Vec<T>, value: T) -> Result<()> {
        if self.keep {
            // A value takes more memory than it takes bytes.
            if values.try_reserve(1).is_err() {
                return self.fail("no memory to show so many values");
            }
            values.push(value);
        }
        Ok(())
    }

    pub(super) fn root(self) -> Result<Value<'i>> {
        self.whole_root(&mut None)
    }

    fn whole_root(mut self, tally: &mut Option<Tally>) -> Result<Value<'i>> {
        let value = self.value(self.table.root)?;
        let total = self.total();
        if let Some(mut taken) = self.tally.take() {
            taken.leave(total);
            *tally = Some(taken);
        }
        if self.at != self.values.len() || self.blocks.next().is_some() {
            return self.fail("more follows the last value");
        }
        if self.other.1 != self.other.0.len() {
            return self.fail("more follows the last volatile value");
        }
        if self.objects.iter().any(|object| !object.owned) {
            return self.fail("an object that nothing owns");
        }
        Ok(value)
    }

    #[cold]
    fn fail<T>(&self, what: &'static str) -> Result<T> {
        Err(Box::new(ValueError { path: self.path.clone(), offset: self.offset(), what }))
    }

    /// Where the reader is: the volatile values count on behind the end of the others.
    fn offset(&self) -> usize {
        if self.volatile { self.other.0.len() + 1 + self.at } else { self.at }
    }

    /// How many bytes were read.
    fn read(&self) -> usize {
        self.at + self.other.1
    }

    /// Goes over to the volatile values, or back.
    fn turn(&mut self) {
        core::mem::swap(&mut self.values, &mut self.other.0);
        core::mem::swap(&mut self.at, &mut self.other.1);
        self.volatile = !self.volatile;
    }

    fn is_at(&self, stop: usize) -> bool {
        let values = if self.volatile { self.other.0 } else { self.values };
        (stop > values.len()) == self.volatile && self.offset() >= stop
    }

    /// Reads the value one step further down the path.
    ///
    /// Values nest as deeply as the image says, so what calls itself here is kept small: no
    /// closures, no iterator adapters, one function per kind of type.
    fn below(&mut self, step: Step, ty: TypeRef) -> Result<Value<'i>> {
        self.enter(step)?;
        let value = self.value(ty)?;
        self.leave();
        Ok(value)
    }

    fn leave(&mut self) {
        self.path.steps.pop();
        let total = self.total();
        if let Some(tally) = &mut self.tally {
            tally.leave(total);
        }
    }

    /// How many bytes were read, those of blocks included.
    fn total(&self) -> u64 {
        self.read() as u64 + self.block_len
    }

    fn enter(&mut self, step: Step) -> Result<()> {
        if self.path.steps.len() >= DEPTH {
            return self.fail("nested too deeply to be shown");
        }
        let total = self.total();
        if let Some(tally) = &mut self.tally {
            tally.enter(&step, total);
        }
        self.path.steps.push(step);
        Ok(())
    }

    fn bytes(&mut self, count: usize) -> Result<&'i [u8]> {
        let values = self.values;
        match values[self.at..].get(..count) {
            Some(bytes) => {
                self.at += count;
                Ok(bytes)
            }
            None => self.fail("the values end too early"),
        }
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.bytes(1)?[0])
    }

    fn len(&mut self) -> Result<u64> {
        match self.byte()? {
            LONG_LEN => match little(self.bytes(8)?) {
                long if long >= u128::from(LONG_LEN) => Ok(u64::try_from(long).unwrap_or(u64::MAX)),
                _ => self.fail("a length that is longer than it needs to be"),
            },
            short => Ok(u64::from(short)),
        }
    }

    fn run(&mut self, primitive: Primitive, size: u64, count: u64) -> Result<Value<'i>> {
        let len = count.checked_mul(size).and_then(|len| usize::try_from(len).ok());
        let Some(len) = len else { return self.fail("more numbers than there are bytes") };
        let bytes = if len < BLOCK_MIN || self.whole {
            self.bytes(len)?
        } else {
            match self.blocks.next() {
                Some(block) if block.len() == len => {
                    self.block_len += len as u64;
                    block
                }
                _ => return self.fail("the block of numbers is not there"),
            }
        };
        let per_element = usize::try_from(size).unwrap_or(0) / primitive.size();
        Ok(Value::Numbers(Numbers { primitive, per_element, bytes }))
    }

    fn value(&mut self, ty: TypeRef) -> Result<Value<'i>> {
        let before = self.total();
        let table = self.table;
        let index = ty.0 as usize;
        let Some(ty) = table.get(ty) else { return self.fail("a type that is not there") };
        if self.is_empty[index] && !self.counts_empty() {
            return Ok(Value::Unit);
        }
        let value = self.typed(ty)?;
        if self.total() == before {
            self.is_empty[index] = true;
            self.count_empty()?;
        }
        // Only what has no parts stops, so that the path is the longest there is.
        let has_parts =
            matches!(ty, Type::Struct(_) | Type::Enum(_) | Type::Tuple(_) | Type::Dyn(_));
        if self.stop.is_some_and(|stop| self.is_at(stop)) && !has_parts {
            return self.fail("the place that was asked for");
        }
        Ok(value)
    }

    /// Whether each value that takes no bytes is read. Where only a place is looked for, it is none of
    /// them but the first.
    const fn counts_empty(&self) -> bool {
        self.keep || self.tally.is_some()
    }

    /// Counts a value that takes no bytes: nothing but this bounds their number.
    fn count_empty(&mut self) -> Result<()> {
        self.empty += 1;
        let most = EMPTY_FREE + EMPTY_EACH.saturating_mul(self.total() + self.empty_elements);
        if self.counts_empty() && self.empty > most {
            return self.too_many_empty();
        }
        Ok(())
    }

    /// Counts an element that takes no bytes, as the program does.
    fn count_empty_element(&mut self) -> Result<()> {
        self.empty_elements += 1;
        if self.empty_elements > EMPTY_ELEMENTS { self.too_many_empty() } else { Ok(()) }
    }

    fn too_many_empty<T>(&self) -> Result<T> {
        self.fail("too many values that take no bytes to be shown")
    }

    fn typed(&mut self, ty: &'i Type) -> Result<Value<'i>> {
        match ty {
            Type::Primitive(primitive) => self.primitive(*primitive),
            Type::Str => self.text(),
            Type::Opaque(name) => self.opaque(name),
            Type::Option(inner) => self.option(*inner),
            Type::Sequence(inner) => self.sequence(*inner),
            Type::Array(inner, len) => self.elements(*inner, *len, false),
            Type::Set(inner) => self.set(*inner),
            Type::Tuple(types) => self.tuple(types),
            Type::Map(key, value) => self.map(*key, *value),
            Type::Struct(def) => self.structure(def),
            Type::Enum(def) => self.enumeration(def),
            Type::Shared(inner) => self.shared(*inner),
            Type::Weak(inner) => self.weak(*inner),
            Type::Dyn(def) => self.implementer(def),
        }
    }

    fn shared(&mut self, inner: TypeRef) -> Result<Value<'i>> {
        let code = self.len()?;
        let (object, value) = self.object(inner, code, true)?;
        Ok(Value::Shared { object, value })
    }

    fn weak(&mut self, inner: TypeRef) -> Result<Value<'i>> {
        let Some(code) = self.len()?.checked_sub(1) else {
            return Ok(Value::Weak { object: None, value: None });
        };
        let (object, value) = self.object(inner, code, false)?;
        Ok(Value::Weak { object: Some(object), value })
    }

    /// The object that a pointer leads to: a new one, or one that was met before.
    fn object(
        &mut self,
        ty: TypeRef,
        code: u64,
        owns: bool,
    ) -> Result<(u64, Option<Box<Value<'i>>>)> {
        if self.whole {
            return self.fail("a shared object in a key or a volatile field");
        }
        if let Some(number) = code.checked_sub(NEW_OBJECT_CODES) {
            let index = usize::try_from(number).unwrap_or(usize::MAX);
            let table = self.table;
            let problem = match self.objects.get_mut(index) {
                None => "a reference to an object that is not there",
                Some(object) if !may_be_equal(table, object.ty, ty) => {
                    "a reference to an object of another type"
                }
                Some(object) if object.open && owns => "an object that owns itself",
                Some(object) => {
                    object.owned |= owns;
                    return Ok((number, None));
                }
            };
            return self.fail(problem);
        }
        if self.pointers >= DEPTH_LIMIT as usize {
            return self.fail("nested too deeply to be shown");
        }
        let index = self.objects.len();
        self.objects.push(Object { ty, open: true, owned: owns });
        self.pointers += 1;
        let value = self.value(ty)?;
        self.pointers -= 1;
        self.objects[index].open = false;
        Ok((index as u64, Some(Box::new(value))))
    }

    fn implementer(&mut self, def: &'i Dyn) -> Result<Value<'i>> {
        let width = variant_width(def.implementers.len());
        let number = usize::try_from(little(self.bytes(width)?)).ok();
        let Some((implementer, ty)) = number.and_then(|number| def.implementers.get(number)) else {
            return self.fail("an implementer that the trait does not have");
        };
        let value = Box::new(self.below(Step::Concrete(implementer.clone()), *ty)?);
        Ok(Value::Dyn { name: &def.name, implementer, value })
    }

    fn text(&mut self) -> Result<Value<'i>> {
        match core::str::from_utf8(self.counted()?) {
            Ok(text) => Ok(Value::Str(text)),
            Err(_) => self.fail("not UTF-8"),
        }
    }

    fn opaque(&mut self, name: &'i str) -> Result<Value<'i>> {
        Ok(Value::Opaque { name, bytes: self.counted()? })
    }

    fn option(&mut self, inner: TypeRef) -> Result<Value<'i>> {
        match self.byte()? {
            0 => Ok(Value::Option(None)),
            1 => {
                let value = self.below(Step::Variant("Some".into()), inner)?;
                Ok(Value::Option(Some(Box::new(value))))
            }
            _ => self.fail("neither `None` nor `Some`"),
        }
    }

    fn sequence(&mut self, inner: TypeRef) -> Result<Value<'i>> {
        let count = self.len()?;
        self.elements(inner, count, true)
    }

    fn set(&mut self, inner: TypeRef) -> Result<Value<'i>> {
        let count = self.len()?;
        let outer = core::mem::replace(&mut self.whole, true);
        let set = self.list(inner, count, true)?;
        self.whole = outer;
        Ok(set)
    }

    fn tuple(&mut self, types: &'i [TypeRef]) -> Result<Value<'i>> {
        let mut values = Vec::new();
        for (index, ty) in (0..).zip(types) {
            let value = self.below(Step::Tuple(index), *ty)?;
            self.push(&mut values, value)?;
        }
        Ok(Value::Tuple(values))
    }

    fn structure(&mut self, def: &'i Struct) -> Result<Value<'i>> {
        Ok(Value::Struct { name: &def.name, fields: self.fields(&def.fields)? })
    }

    fn enumeration(&mut self, def: &'i Enum) -> Result<Value<'i>> {
        let width = variant_width(def.variants.len());
        let number = usize::try_from(little(self.bytes(width)?)).ok();
        let Some(variant) = number.and_then(|number| def.variants.get(number)) else {
            return self.fail("a variant that the enum does not have");
        };
        self.enter(Step::Variant(variant.name.clone()))?;
        let fields = self.fields(&variant.fields)?;
        self.leave();
        Ok(Value::Enum { name: &def.name, variant: &variant.name, fields })
    }

    fn primitive(&mut self, primitive: Primitive) -> Result<Value<'i>> {
        let bytes = self.bytes(primitive.size())?;
        let value = match primitive {
            Primitive::Unit => Some(Value::Unit),
            Primitive::Bool => match bytes {
                [0] => Some(Value::Bool(false)),
                [1] => Some(Value::Bool(true)),
                _ => None,
            },
            Primitive::Char => {
                let code = u32::try_from(little(bytes)).ok();
                code.and_then(char::from_u32).map(Value::Char)
            }
            _ => number(primitive, bytes),
        };
        value.map_or_else(|| self.fail("not a value of its type"), Ok)
    }

    fn counted(&mut self) -> Result<&'i [u8]> {
        let len = self.len()?;
        self.bytes(usize::try_from(len).unwrap_or(usize::MAX))
    }

    fn elements(&mut self, inner: TypeRef, count: u64, claimed: bool) -> Result<Value<'i>> {
        match plain(&self.table.types, inner) {
            Some((primitive, size)) if size > 0 => self.run(primitive, size, count),
            _ => self.list(inner, count, claimed),
        }
    }

    /// So many values. Their number is `claimed` by the values, or it is part of their type.
    fn list(&mut self, inner: TypeRef, count: u64, claimed: bool) -> Result<Value<'i>> {
        // Memory grows with what was read, not with what is claimed.
        let mut values = Vec::new();
        for index in 0..count {
            let before = self.total();
            let value = self.below(Step::Index(index), inner)?;
            self.push(&mut values, value)?;
            if self.total() == before {
                if !self.counts_empty() {
                    // Nor do the others.
                    break;
                }
                if claimed {
                    self.count_empty_element()?;
                }
            }
        }
        Ok(Value::List(values))
    }

    fn map(&mut self, key: TypeRef, value: TypeRef) -> Result<Value<'i>> {
        let count = self.len()?;
        let mut entries = Vec::new();
        for _ in 0..count {
            let before = self.total();
            let outer = core::mem::replace(&mut self.whole, true);
            let keep = core::mem::replace(&mut self.keep, true);
            let key = self.below(Step::Keys, key)?;
            (self.whole, self.keep) = (outer, keep);
            let value = self.below(Step::Entry(key.key()), value)?;
            self.push(&mut entries, (key, value))?;
            if self.total() == before {
                if !self.counts_empty() {
                    break;
                }
                self.count_empty_element()?;
            }
        }
        Ok(Value::Map(entries))
    }

    fn volatile(&mut self, name: &str, ty: TypeRef) -> Result<Value<'i>> {
        if self.volatile {
            return self.below(FieldPath::member(name), ty);
        }
        let outer = core::mem::replace(&mut self.whole, true);
        self.turn();
        let value = self.below(FieldPath::member(name), ty)?;
        self.turn();
        self.whole = outer;
        Ok(value)
    }

    fn fields(&mut self, fields: &'i [Field]) -> Result<Vec<FieldValue<'i>>> {
        let mut values = Vec::new();
        // Most structs are small, and there may be many of them.
        if self.keep && values.try_reserve_exact(fields.len().min(4)).is_err() {
            return self.fail("no memory to show so many values");
        }
        for field in fields {
            let value = match field.ty {
                Some(ty) if field.treatment == Treatment::Volatile => {
                    Some(self.volatile(&field.name, ty)?)
                }
                Some(ty) => Some(self.below(FieldPath::member(&field.name), ty)?),
                None => None,
            };
            self.push(
                &mut values,
                FieldValue { name: &field.name, treatment: field.treatment, value },
            )?;
        }
        Ok(values)
    }
}

/// Whether two references may be to one type: a table may repeat types without a name.
fn may_be_equal(table: &Table, a: TypeRef, b: TypeRef) -> bool {
    if a == b {
        return true;
    }
    match (table.get(a), table.get(b)) {
        (Some(a), Some(b)) => {
            !a.is_named() && core::mem::discriminant(a) == core::mem::discriminant(b)
        }
        _ => false,
    }
}

/// The number that these bytes stand for; `None` if they are not one of its size.
pub(super) fn number(primitive: Primitive, bytes: &[u8]) -> Option<Value<'static>> {
    if bytes.len() != primitive.size() || !is_number(primitive) {
        return None;
    }
    let bits = little(bytes);
    Some(match primitive {
        Primitive::F32 => Value::F32(f32::from_bits(u32::try_from(bits).ok()?)),
        Primitive::F64 => Value::F64(f64::from_bits(u64::try_from(bits).ok()?)),
        Primitive::I8
        | Primitive::I16
        | Primitive::I32
        | Primitive::I64
        | Primitive::I128
        | Primitive::Isize => {
            // The sign bit moves to the top and back.
            let unused = 128 - 8 * u32::try_from(bytes.len()).ok()?;
            Value::Signed(i128::from_le_bytes((bits << unused).to_le_bytes()) >> unused)
        }
        _ => Value::Unsigned(bits),
    })
}

fn little(bytes: &[u8]) -> u128 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u128::from(*byte))
}

impl Value<'_> {
    /// The bytes of a number, or of another value of fixed size, as an image holds them: what
    /// [`number`] reads. `None` if the value is of another kind.
    pub(crate) fn primitive_bytes(&self, primitive: Primitive) -> Option<Vec<u8>> {
        let bytes: Vec<u8> = match self {
            Value::Unit => Vec::new(),
            Value::Bool(value) => vec![u8::from(*value)],
            Value::Char(value) => u32::from(*value).to_le_bytes().into(),
            Value::Unsigned(value) => value.to_le_bytes().into(),
            Value::Signed(value) => value.to_le_bytes().into(),
            Value::F32(value) => value.to_bits().to_le_bytes().into(),
            Value::F64(value) => value.to_bits().to_le_bytes().into(),
            _ => return None,
        };
        bytes.get(..primitive.size()).map(<[u8]>::to_vec)
    }
}
