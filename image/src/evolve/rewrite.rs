use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use samestate_schema::path::{FieldPath, Step};
use samestate_schema::treatment::Treatment;
use samestate_schema::types::{Dyn, Field, Table, Type, TypeRef};

use super::{Convert, Encoded, EvolveError, From, Notes};
use crate::build::{Built, Parts};
use crate::difference::same_type;
use crate::layout::{BLOCK_MIN, CANONICAL_LIMIT, LONG_LEN, NEW_OBJECT_CODES, variant_width};
use crate::value::{DEPTH, FieldValue, Numbers, Value};
use crate::{Header, Image, ImageError, SchemaChunk};

/// The image with the types of a program, given that [all differences are
/// told](crate::difference::untold).
///
/// # Errors
/// [`EvolveError`] if the image is malformed, holds what was removed, or if a value cannot be made
/// from it.
pub fn rewrite(image: &Image<'_>, program: &SchemaChunk, notes: &Notes) -> Result<Vec<u8>> {
    let path = FieldPath::root(program.root_name.clone());
    let failed = |what: String| EvolveError { path: path.clone(), what };
    let value = image
        .value()
        .map_err(|error| EvolveError { path: error.path, what: error.what.to_owned() })?;
    let mut defined = BTreeMap::new();
    value.objects(&mut defined);
    let mut writer = Writer {
        old: image.table(),
        new: &program.table,
        notes,
        out: Encoded::default(),
        whole: false,
        volatile: false,
        path: path.clone(),
        objects: Vec::new(),
        indexes: HashMap::new(),
        migrations: BTreeMap::new(),
        pointers: 0,
        defined: &defined,
    };
    writer.value(&value, image.table().root, program.table.root)?;
    if writer.objects.iter().any(|object| !object.owned) {
        return Err(failed("only weak pointers lead to a shared object now".to_owned()));
    }
    image_of(&writer.out, program, image.header()).map_err(|error| failed(error.to_string()))
}

/// Encoded values as an image.
fn image_of(
    encoded: &Encoded,
    types: &SchemaChunk,
    header: &Header,
) -> core::result::Result<Vec<u8>, ImageError> {
    let parts = Parts {
        root_hash: types.root_hash(),
        schema: &types.encode(),
        values: &encoded.values,
        volatile: &encoded.volatile,
    };
    let built = Built::new(parts, encoded.blocks.iter().map(|block| &**block))?;
    Ok(built.to_vec(header))
}

struct Writer<'a> {
    old: &'a Table,
    new: &'a Table,
    notes: &'a Notes,
    out: Encoded,
    /// Set inside keys and volatile fields, where no run of numbers stands in a block.
    whole: bool,
    /// Set inside volatile fields.
    volatile: bool,
    path: FieldPath,
    objects: Vec<Object>,
    /// Where in `objects` they are, by their numbers in the old image.
    indexes: HashMap<u64, usize>,
    /// How types of the image are migrated, as far as it was asked for.
    migrations: BTreeMap<(TypeRef, TypeRef), Option<Conversion>>,
    /// How many pointers lead here; they are no steps of the path.
    pointers: usize,
    /// The shared objects of the old image, by number.
    defined: &'a BTreeMap<u64, &'a Value<'a>>,
}

/// The description of a type and the function that makes another of it.
type Conversion = (Rc<SchemaChunk>, Convert);

/// A shared object that was written.
struct Object {
    open: bool,
    /// Whether a weak pointer to it was written while it was open.
    used: bool,
    /// Whether a pointer that owns it was written.
    owned: bool,
}

type Result<T> = core::result::Result<T, EvolveError>;

impl Writer<'_> {
    fn fail<T>(&self, what: impl Into<String>) -> Result<T> {
        Err(EvolveError { path: self.path.clone(), what: what.into() })
    }

    fn below(&mut self, step: Step, value: &Value<'_>, old: TypeRef, new: TypeRef) -> Result<()> {
        self.path.steps.push(step);
        self.value(value, old, new)?;
        self.path.steps.pop();
        Ok(())
    }

    fn len(&mut self, len: usize) {
        match u8::try_from(len) {
            Ok(short) if short < LONG_LEN => self.out.values.push(short),
            _ => {
                self.out.values.push(LONG_LEN);
                self.out.values.extend_from_slice(&(len as u64).to_le_bytes());
            }
        }
    }

    /// Writes a value of the image as one of the program's type, which is the same but for what is
    /// told.
    fn value(&mut self, value: &Value<'_>, old: TypeRef, new: TypeRef) -> Result<()> {
        let (Some(old_type), Some(new_type)) = (self.old.get(old), self.new.get(new)) else {
            return self.fail("a type that is not there");
        };
        if let Some(from) = self.migration(old, new) {
            return self.converted(value, old, new, &from);
        }
        match (value, old_type, new_type) {
            (_, Type::Primitive(primitive), Type::Primitive(_)) => {
                match value.primitive_bytes(*primitive) {
                    Some(bytes) => self.out.values.extend_from_slice(&bytes),
                    None => return self.fail("not a value of its type"),
                }
            }
            (Value::Str(text), ..) => self.counted(text.as_bytes()),
            (Value::Opaque { bytes, .. }, ..) => self.counted(bytes),
            (Value::Option(inner), Type::Option(old), Type::Option(new)) => {
                self.out.values.push(u8::from(inner.is_some()));
                if let Some(inner) = inner {
                    self.below(Step::Variant("Some".into()), inner, *old, *new)?;
                }
            }
            (Value::List(values), Type::Sequence(old), Type::Sequence(new)) => {
                self.len(values.len());
                self.list(values, *old, *new)?;
            }
            (Value::List(values), Type::Array(old, _), Type::Array(new, _)) => {
                self.list(values, *old, *new)?;
            }
            (Value::List(values), Type::Set(old), Type::Set(new)) => {
                self.set(values, *old, *new)?;
            }
            (Value::Numbers(numbers), Type::Sequence(_), Type::Sequence(_)) => {
                self.len(numbers.len() / numbers.per_element.max(1));
                self.run(numbers);
            }
            (Value::Numbers(numbers), Type::Array(..), Type::Array(..)) => self.run(numbers),
            (Value::Tuple(values), Type::Tuple(old), Type::Tuple(new)) => {
                for (index, ((value, old), new)) in (0..).zip(values.iter().zip(old).zip(new)) {
                    self.below(Step::Tuple(index), value, *old, *new)?;
                }
            }
            (Value::Map(entries), Type::Map(old_key, old), Type::Map(new_key, new)) => {
                self.map(entries, (*old_key, *old), (*new_key, *new))?;
            }
            (Value::Struct { fields: values, .. }, Type::Struct(old), Type::Struct(def)) => {
                self.fields(values, &old.fields, new, 0, &def.fields)?;
            }
            (Value::Enum { .. }, Type::Enum(_), Type::Enum(_)) => {
                self.enumeration(value, old, new)?;
            }
            (Value::Shared { object, .. }, Type::Shared(old), Type::Shared(new)) => {
                self.pointer(*object, (*old, *new), 0)?;
            }
            (Value::Weak { object: None, .. }, ..) => self.out.values.push(0),
            (Value::Weak { object: Some(object), .. }, Type::Weak(old), Type::Weak(new)) => {
                self.pointer(*object, (*old, *new), 1)?;
            }
            (Value::Dyn { implementer, value, .. }, Type::Dyn(old), Type::Dyn(new)) => {
                self.implementer(implementer, value, old, new)?;
            }
            _ => return self.fail("values of this type cannot be brought to another version"),
        }
        Ok(())
    }

    /// A pointer to a shared object, with the object if it is a new one; `base` is 1 for a weak one.
    /// The object may have stood elsewhere in the old image, perhaps in a field that is gone.
    fn pointer(&mut self, object: u64, (old, new): (TypeRef, TypeRef), base: usize) -> Result<()> {
        if let Some(&known) = self.indexes.get(&object) {
            self.objects[known].used |= self.objects[known].open;
            self.objects[known].owned |= base == 0;
            self.len(base + usize::try_from(NEW_OBJECT_CODES).unwrap_or(0) + known);
            return Ok(());
        }
        let Some(&value) = self.defined.get(&object) else {
            return self.fail("a shared object that is not in the image");
        };
        // Objects that stood side by side in what is gone may now stand in each other.
        if self.pointers + self.path.steps.len() > DEPTH {
            return self.fail("nested too deeply");
        }
        let index = self.objects.len();
        let owned = base == 0;
        self.objects.push(Object { open: true, used: false, owned });
        self.indexes.insert(object, index);
        let code = self.out.values.len();
        self.len(base);
        self.pointers += 1;
        self.value(value, old, new)?;
        self.pointers -= 1;
        self.objects[index].open = false;
        if self.objects[index].used {
            self.out.values[code] += 1;
        }
        Ok(())
    }

    fn implementer(&mut self, name: &str, value: &Value<'_>, old: &Dyn, new: &Dyn) -> Result<()> {
        let find = |def: &Dyn| def.implementers.iter().position(|(other, _)| other == name);
        let (Some(before), Some(after)) = (find(old), find(new)) else {
            return self.fail(format!("the implementer `{name}` is gone"));
        };
        let bytes = (after as u64).to_le_bytes();
        self.out.values.extend_from_slice(&bytes[..variant_width(new.implementers.len())]);
        let (old, new) = (old.implementers[before].1, new.implementers[after].1);
        self.below(Step::Concrete(name.to_owned()), value, old, new)
    }

    fn counted(&mut self, bytes: &[u8]) {
        self.len(bytes.len());
        self.out.values.extend_from_slice(bytes);
    }

    fn run(&mut self, numbers: &Numbers<'_>) {
        self.append_run(numbers.bytes);
    }

    fn append_run(&mut self, bytes: &[u8]) {
        if bytes.len() < BLOCK_MIN || self.whole {
            self.out.values.extend_from_slice(bytes);
        } else {
            self.out.blocks.push(bytes.to_vec());
        }
    }

    fn list(&mut self, values: &[Value<'_>], old: TypeRef, new: TypeRef) -> Result<()> {
        for (index, value) in (0..).zip(values) {
            self.below(Step::Index(index), value, old, new)?;
        }
        Ok(())
    }

    /// What `write` writes, apart from the rest.
    fn apart(
        &mut self,
        whole: bool,
        write: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<Encoded> {
        let outer = core::mem::take(&mut self.out);
        let outer_whole = self.whole;
        self.whole |= whole;
        write(self)?;
        self.whole = outer_whole;
        Ok(core::mem::replace(&mut self.out, outer))
    }

    fn append(&mut self, encoded: Encoded) {
        self.out.values.extend(encoded.values);
        self.out.blocks.extend(encoded.blocks);
        self.out.volatile.extend(encoded.volatile);
    }

    fn set(&mut self, values: &[Value<'_>], old: TypeRef, new: TypeRef) -> Result<()> {
        let mut keys = Vec::new();
        for (index, value) in (0..).zip(values) {
            let key = self.apart(true, |w| w.below(Step::Index(index), value, old, new))?;
            keys.push(key.values);
        }
        keys.sort_unstable();
        self.len(keys.len());
        keys.into_iter().for_each(|key| self.out.values.extend(key));
        Ok(())
    }

    fn map(
        &mut self,
        entries: &[(Value<'_>, Value<'_>)],
        old: (TypeRef, TypeRef),
        new: (TypeRef, TypeRef),
    ) -> Result<()> {
        let mut ordered = BTreeMap::new();
        for (key, value) in entries {
            let step = Step::Entry(key.key());
            let key = self.apart(true, |w| w.below(Step::Keys, key, old.0, new.0))?;
            let value = self.apart(false, |w| w.below(step, value, old.1, new.1))?;
            // Objects are numbered in the order in which they stand.
            let last = ordered.last_key_value().is_some_and(|(last, _)| *last > key.values);
            if last && !self.objects.is_empty() {
                return self.fail("the order of a map with shared objects has changed");
            }
            if ordered.insert(key.values, value).is_some() {
                return self.fail("two keys of the map have become one");
            }
        }
        self.len(ordered.len());
        for (key, value) in ordered {
            self.out.values.extend(key);
            self.append(value);
        }
        Ok(())
    }

    fn fields(
        &mut self,
        values: &[FieldValue<'_>],
        old: &[Field],
        owner: TypeRef,
        variant: usize,
        new: &[Field],
    ) -> Result<()> {
        for (index, field) in new.iter().enumerate() {
            let Some(ty) = field.ty else { continue };
            self.path.steps.push(FieldPath::member(&field.name));
            let key = (owner, variant, index);
            let before = self.notes.old_field(key, field, old);
            let before =
                before.and_then(|at| Some((values.get(at)?.value.as_ref()?, old.get(at)?.ty?)));
            if field.treatment == Treatment::Volatile && !self.volatile {
                self.volatile = true;
                let encoded = self.apart(true, |writer| writer.field(key, before, ty))?;
                self.volatile = false;
                self.out.volatile.extend(encoded.values);
            } else {
                self.field(key, before, ty)?;
            }
            self.path.steps.pop();
        }
        Ok(())
    }

    fn field(
        &mut self,
        key: (TypeRef, usize, usize),
        before: Option<(&Value<'_>, TypeRef)>,
        ty: TypeRef,
    ) -> Result<()> {
        let note = self.notes.fields.get(&key);
        match (before, note.and_then(|note| note.since)) {
            (Some((value, was)), _) => {
                match note.and_then(|note| self.conversion(was, &note.from)) {
                    Some(from) => self.converted(value, was, ty, &from),
                    None => self.value(value, was, ty),
                }
            }
            (None, Some((_, make))) => {
                let made = make(self.whole).or_else(|what| self.fail(what))?;
                self.made(made, ty)
            }
            (None, None) => self.fail("the image does not have this field"),
        }
    }

    /// The function that makes a type of the program of a type of the image, if there is one.
    fn migration(&mut self, old: TypeRef, new: TypeRef) -> Option<Conversion> {
        let all = self.notes.migrations(new);
        if all.is_empty() {
            return None;
        }
        if let Some(known) = self.migrations.get(&(old, new)) {
            return known.clone();
        }
        // What is as it is now is not migrated, though it may be as it was before, too.
        let text = |table: &Table, ty| table.canonical(ty, CANONICAL_LIMIT);
        let is_same = text(self.old, old) == text(self.new, new);
        let found = if is_same { None } else { self.conversion(old, all) };
        self.migrations.insert((old, new), found.clone());
        found
    }

    /// The function for values of a type of the image, if there is one.
    fn conversion(&self, was: TypeRef, all: &[From]) -> Option<Conversion> {
        let mut fitting = all.iter().filter_map(|from| {
            let chunk = (from.schema)()?;
            same_type(self.old, was, &chunk).then(|| (Rc::new(chunk), from.convert))
        });
        fitting.next()
    }

    fn converted(
        &mut self,
        value: &Value<'_>,
        was: TypeRef,
        ty: TypeRef,
        (chunk, convert): &Conversion,
    ) -> Result<()> {
        let image = self.alone(value, was, chunk)?;
        let made = convert(&image, self.whole).or_else(|what| self.fail(what))?;
        self.made(made, ty)
    }

    /// A value that the program made.
    fn made(&mut self, made: Encoded, ty: TypeRef) -> Result<()> {
        if has_pointers(self.new, ty) {
            // They would take the numbers of others.
            return self.fail("a value with shared objects cannot be made for an older image");
        }
        self.append(made);
        Ok(())
    }

    /// A value of the image as an image of its own.
    fn alone(&mut self, value: &Value<'_>, old: TypeRef, chunk: &SchemaChunk) -> Result<Vec<u8>> {
        let notes = Notes::default();
        let mut writer = Writer {
            old: self.old,
            new: &chunk.table,
            notes: &notes,
            out: Encoded::default(),
            whole: false,
            volatile: false,
            path: self.path.clone(),
            objects: Vec::new(),
            indexes: HashMap::new(),
            migrations: BTreeMap::new(),
            pointers: 0,
            defined: self.defined,
        };
        writer.value(value, old, chunk.table.root)?;
        let image = image_of(&writer.out, chunk, &Header::default());
        image.or_else(|error| self.fail(error.to_string()))
    }

    fn enumeration(&mut self, value: &Value<'_>, old: TypeRef, new: TypeRef) -> Result<()> {
        let (Value::Enum { variant, fields, .. }, Some(Type::Enum(old_def)), Some(Type::Enum(def))) =
            (value, self.old.get(old), self.new.get(new))
        else {
            return self.fail("not an enum");
        };
        let Some(before) = old_def.variants.iter().find(|other| other.name == **variant) else {
            return self.fail("a variant that the enum does not have");
        };
        let Some(number) = self.notes.new_variant(new, before, &def.variants) else {
            return self
                .fail(format!("the image holds the variant `{variant}`, which was removed"));
        };
        let bytes = (number as u64).to_le_bytes();
        self.out.values.extend_from_slice(&bytes[..variant_width(def.variants.len())]);
        let after = &def.variants[number];
        self.path.steps.push(Step::Variant(after.name.clone()));
        self.fields(fields, &before.fields, new, number, &after.fields)?;
        self.path.steps.pop();
        Ok(())
    }
}

/// Whether shared objects may be below a type.
fn has_pointers(table: &Table, ty: TypeRef) -> bool {
    let (mut seen, mut queue) = (BTreeSet::from([ty]), vec![ty]);
    while let Some(ty) = queue.pop().and_then(|ty| table.get(ty)) {
        if matches!(ty, Type::Shared(_) | Type::Weak(_)) {
            return true;
        }
        queue.extend(ty.children().into_iter().filter(|child| seen.insert(*child)));
    }
    false
}
