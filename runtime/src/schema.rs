//! How types describe what they save.

use std::any::{TypeId, type_name};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, PoisonError, RwLock};

use samestate_image::SchemaChunk;
use samestate_image::evolve::{FieldNote, From, Make, Notes, TypeNote, VariantNote};
use samestate_image::layout::plain;
use samestate_schema::record::Shape;
use samestate_schema::treatment::{SkipPolicy, Treatment};
use samestate_schema::types::{Enum, Field, Primitive, Struct, Table, Type, TypeRef, Variant};

use crate::handles::Needed;
use crate::{Checkpoint, SaveError};

/// Collects the description of a root type and of everything saved below it.
#[derive(Debug, Default)]
pub struct SchemaBuilder {
    types: Vec<Type>,
    known: HashMap<TypeId, Known>,
    needed: Vec<Needed>,
    notes: Notes,
    endless: Option<&'static str>,
    fault: Option<SaveError>,
}

/// How far the description of a type is.
#[derive(Clone, Copy, Debug)]
enum Known {
    /// It is being described and has no place yet.
    Begun,
    /// It is being described for the second time inside itself. A type with a name that comes
    /// between has its place by now, so that this is the last time.
    Again,
    /// It has a place.
    At(TypeRef),
}

/// The description of a root type, with what restoring it needs.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) chunk: SchemaChunk,
    pub(crate) encoded: Vec<u8>,
    pub(crate) needed: Vec<Needed>,
    pub(crate) notes: Notes,
    /// Length in bytes of the last image made in memory, 0 if there is none.
    pub(crate) image_len: AtomicUsize,
}

/// The root types that were described.
static KNOWN: RwLock<BTreeMap<TypeId, Arc<Program>>> = RwLock::new(BTreeMap::new());

impl Program {
    /// The description of `T`, made once.
    pub(crate) fn known<T: Checkpoint>() -> Result<Arc<Self>, SaveError> {
        let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(program) = known.get(&TypeId::of::<T>()) {
            return Ok(Arc::clone(program));
        }
        drop(known);
        // Without a lock, because it calls the program's own code.
        let program = Arc::new(Self::of::<T>()?);
        let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(known.entry(TypeId::of::<T>()).or_insert(program)))
    }

    /// Describes `T`.
    pub(crate) fn of<T: Checkpoint>() -> Result<Self, SaveError> {
        let mut builder = SchemaBuilder::default();
        let root = builder.of::<T>();
        if let Some(type_name) = builder.endless {
            return Err(SaveError::Endless { type_name });
        }
        if let Some(fault) = builder.fault {
            return Err(fault);
        }
        let table = Table { types: builder.types, root };
        let chunk =
            SchemaChunk::new(type_name::<T>().to_owned(), table).map_err(SaveError::Schema)?;
        let (encoded, image_len) = (chunk.encode(), AtomicUsize::new(0));
        Ok(Self { encoded, chunk, needed: builder.needed, notes: builder.notes, image_len })
    }
}

impl SchemaBuilder {
    /// The description of `T`.
    pub fn of<T: Checkpoint>(&mut self) -> TypeRef {
        let state = match self.known.get(&TypeId::of::<T>()) {
            Some(Known::At(known)) => return *known,
            Some(Known::Again) => {
                self.endless.get_or_insert(type_name::<T>());
                return self.add(Type::Primitive(Primitive::Unit));
            }
            Some(Known::Begun) => Known::Again,
            None => Known::Begun,
        };
        self.known.insert(TypeId::of::<T>(), state);
        let described = T::schema(self);
        let plain = self.plain_len(described);
        if T::PLAIN_LEN != 0 && plain != T::PLAIN_LEN as u64 {
            self.fault(SaveError::custom(format_args!(
                "`{}` is written as {} bytes of numbers, and described as {plain}",
                type_name::<T>(),
                T::PLAIN_LEN,
            )));
        }
        self.known.insert(TypeId::of::<T>(), Known::At(described));
        described
    }

    /// The description of `T` as the element of a sequence or an array. Whoever reads an image looks
    /// for a long run of what is described as numbers in a block. Code by hand that describes a type
    /// as numbers writes its values one by one, so they must not look like a run.
    pub(crate) fn element<T: Checkpoint>(&mut self) -> TypeRef {
        let described = self.of::<T>();
        if T::PLAIN_LEN == 0 && self.plain_len(described) > 0 {
            return self.add(Type::Tuple(vec![described]));
        }
        described
    }

    /// Bytes of a value that is described as nothing but numbers of one type; 0 for all others.
    fn plain_len(&self, ty: TypeRef) -> u64 {
        plain(&self.types, ty).map_or(0, |(_, len)| len)
    }

    /// A struct with the name that images know it by. Describe its fields, then
    /// [`finish`](StructBuilder::finish).
    pub fn structure<T: 'static>(&mut self, name: &str) -> StructBuilder<'_> {
        let (ty, fresh) = self.reserve::<T>();
        let def =
            Struct { name: name.to_owned(), version: 1, shape: Shape::Named, fields: Vec::new() };
        let fields = Fields { schema: self, ty, variant: 0, fields: Vec::new(), fresh };
        StructBuilder { fields, ty, def }
    }

    /// An enum with the name that images know it by. Describe its variants, then
    /// [`finish`](EnumBuilder::finish).
    pub fn enumeration<T: 'static>(&mut self, name: &str) -> EnumBuilder<'_> {
        let (ty, fresh) = self.reserve::<T>();
        let def = Enum { name: name.to_owned(), version: 1, variants: Vec::new() };
        EnumBuilder { schema: self, ty, def, fresh }
    }

    /// Bytes that only the code of this name understands; see [`Saver::opaque`].
    ///
    /// [`Saver::opaque`]: crate::Saver::opaque
    pub fn opaque(&mut self, name: &str) -> TypeRef {
        self.add(Type::Opaque(name.to_owned()))
    }

    pub(crate) fn add(&mut self, ty: Type) -> TypeRef {
        #[expect(clippy::cast_possible_truncation, reason = "fewer types than addresses")]
        let index = self.types.len() as u32;
        self.types.push(ty);
        TypeRef(index)
    }

    /// A place for a type that may contain itself, and whether it is described for the first time.
    fn reserve<T: 'static>(&mut self) -> (TypeRef, bool) {
        self.reserve_as(TypeId::of::<T>())
    }

    /// Notes what makes the types unfit to be saved.
    pub(crate) fn fault(&mut self, fault: SaveError) {
        self.fault.get_or_insert(fault);
    }

    pub(crate) fn reserve_as(&mut self, id: TypeId) -> (TypeRef, bool) {
        if let Some(Known::At(known)) = self.known.get(&id) {
            return (*known, false);
        }
        let place = self.add(Type::Primitive(Primitive::Unit));
        self.known.insert(id, Known::At(place));
        (place, true)
    }

    fn type_note(&mut self, ty: TypeRef) -> &mut TypeNote {
        self.notes.types.entry(ty).or_default()
    }

    pub(crate) fn put(&mut self, place: TypeRef, ty: Type) {
        if let Some(slot) = self.types.get_mut(place.0 as usize) {
            *slot = ty;
        }
    }
}

/// The fields of a struct or of a variant, in the order in which they are saved.
#[derive(Debug)]
pub struct Fields<'s> {
    schema: &'s mut SchemaBuilder,
    /// The type that has them, and the place of the variant.
    ty: TypeRef,
    variant: usize,
    fields: Vec<Field>,
    /// Not set if the type is already described, so that recursion ends.
    fresh: bool,
}

impl Fields<'_> {
    fn push(&mut self, name: &str, treatment: Treatment, ty: Option<TypeRef>) -> &mut Self {
        self.fields.push(Field { name: name.to_owned(), treatment, ty });
        self
    }

    fn treated(
        &mut self,
        name: &str,
        treatment: Treatment,
        describe: fn(&mut SchemaBuilder) -> TypeRef,
    ) -> &mut Self {
        if !self.fresh {
            return self;
        }
        let ty = describe(self.schema);
        self.push(name, treatment, Some(ty))
    }

    /// A field that is saved.
    pub fn saved<T: Checkpoint>(&mut self, name: &str) -> &mut Self {
        self.described(name, T::describe)
    }

    /// A field that is saved, by the function that describes its type.
    #[doc(hidden)]
    pub fn described(
        &mut self,
        name: &str,
        describe: fn(&mut SchemaBuilder) -> TypeRef,
    ) -> &mut Self {
        self.treated(name, Treatment::Saved, describe)
    }

    /// A field that is saved and no part of what makes states equal, by the function that
    /// describes its type.
    #[doc(hidden)]
    pub fn described_volatile(
        &mut self,
        name: &str,
        describe: fn(&mut SchemaBuilder) -> TypeRef,
    ) -> &mut Self {
        self.treated(name, Treatment::Volatile, describe)
    }

    /// A field that is saved by [`Saver::volatile`](crate::Saver::volatile): no part of what makes
    /// states equal.
    pub fn volatile<T: Checkpoint>(&mut self, name: &str) -> &mut Self {
        self.described_volatile(name, T::describe)
    }

    /// What there is to say of the last field.
    fn last(&mut self, tell: impl FnOnce(&mut FieldNote)) -> &mut Self {
        if let (Some(last), true) = (self.fields.len().checked_sub(1), self.fresh) {
            tell(self.schema.notes.fields.entry((self.ty, self.variant, last)).or_default());
        }
        self
    }

    /// The last field is there since a version of the type, and made by a function before.
    #[doc(hidden)]
    pub fn since(&mut self, version: u32, make: Make) -> &mut Self {
        self.last(|note| note.since = Some((version, make)))
    }

    /// The last field had another name.
    #[doc(hidden)]
    pub fn was(&mut self, name: &str) -> &mut Self {
        self.last(|note| note.was.push(name.to_owned()))
    }

    /// The last field had another type.
    #[doc(hidden)]
    pub fn from_type(&mut self, from: From) -> &mut Self {
        self.last(|note| note.from.push(from))
    }

    /// A field that is left out.
    pub fn skipped(&mut self, name: &str, policy: SkipPolicy) -> &mut Self {
        self.push(name, Treatment::Skipped(policy), None)
    }

    /// A field that a function computes.
    pub fn rebuilt(&mut self, name: &str) -> &mut Self {
        self.push(name, Treatment::Rebuilt, None)
    }

    /// A field that takes a handle.
    pub fn external<T: 'static>(&mut self, name: &str, handle: &str) -> &mut Self {
        if self.fresh {
            self.schema.needed.push(Needed {
                name: handle.to_owned(),
                type_id: TypeId::of::<T>(),
                type_name: type_name::<T>(),
            });
        }
        self.push(name, Treatment::External, None)
    }
}

/// The description of a struct.
#[derive(Debug)]
pub struct StructBuilder<'s> {
    fields: Fields<'s>,
    ty: TypeRef,
    def: Struct,
}

impl StructBuilder<'_> {
    /// The version of its saved form; 1 if not told.
    #[must_use]
    pub fn version(mut self, version: u32) -> Self {
        self.def.version = version;
        self
    }

    /// What it looks like; with named fields if not told.
    #[must_use]
    pub fn shape(mut self, shape: Shape) -> Self {
        self.def.shape = shape;
        self
    }

    /// A field that is saved.
    #[must_use]
    pub fn saved<T: Checkpoint>(mut self, name: &str) -> Self {
        self.fields.saved::<T>(name);
        self
    }

    /// A field that is saved, by the function that describes its type.
    #[doc(hidden)]
    #[must_use]
    pub fn described(mut self, name: &str, describe: fn(&mut SchemaBuilder) -> TypeRef) -> Self {
        self.fields.described(name, describe);
        self
    }

    /// A field that is saved and no part of what makes states equal, by the function that
    /// describes its type.
    #[doc(hidden)]
    #[must_use]
    pub fn described_volatile(
        mut self,
        name: &str,
        describe: fn(&mut SchemaBuilder) -> TypeRef,
    ) -> Self {
        self.fields.described_volatile(name, describe);
        self
    }

    /// A field that is saved by [`Saver::volatile`](crate::Saver::volatile): no part of what makes
    /// states equal.
    #[must_use]
    pub fn volatile<T: Checkpoint>(mut self, name: &str) -> Self {
        self.fields.volatile::<T>(name);
        self
    }

    /// A field that is left out.
    #[must_use]
    pub fn skipped(mut self, name: &str, policy: SkipPolicy) -> Self {
        self.fields.skipped(name, policy);
        self
    }

    /// A field that a function computes.
    #[must_use]
    pub fn rebuilt(mut self, name: &str) -> Self {
        self.fields.rebuilt(name);
        self
    }

    /// A field that takes a handle.
    #[must_use]
    pub fn external<T: 'static>(mut self, name: &str, handle: &str) -> Self {
        self.fields.external::<T>(name, handle);
        self
    }

    /// The last field is there since a version of the type, and made by a function before.
    #[doc(hidden)]
    #[must_use]
    pub fn since(mut self, version: u32, make: Make) -> Self {
        self.fields.since(version, make);
        self
    }

    /// The last field had another name.
    #[doc(hidden)]
    #[must_use]
    pub fn was(mut self, name: &str) -> Self {
        self.fields.was(name);
        self
    }

    /// The last field had another type.
    #[doc(hidden)]
    #[must_use]
    pub fn from_type(mut self, from: From) -> Self {
        self.fields.from_type(from);
        self
    }

    /// The type had another name.
    #[doc(hidden)]
    #[must_use]
    pub fn type_was(self, name: &str) -> Self {
        self.fields.schema.type_note(self.ty).was.push(name.to_owned());
        self
    }

    /// A field that the type has no more.
    #[doc(hidden)]
    #[must_use]
    pub fn removed(self, name: &str) -> Self {
        self.fields.schema.type_note(self.ty).removed.push(name.to_owned());
        self
    }

    /// The type was another one.
    #[doc(hidden)]
    #[must_use]
    pub fn migrated(self, from: From) -> Self {
        if self.fields.fresh {
            self.fields.schema.type_note(self.ty).from.push(from);
        }
        self
    }

    /// The type.
    pub fn finish(self) -> TypeRef {
        let Self { fields: Fields { schema, fields, fresh, .. }, ty, mut def } = self;
        if fresh {
            def.fields = fields;
            schema.put(ty, Type::Struct(def));
        }
        ty
    }
}

/// The description of an enum.
#[derive(Debug)]
pub struct EnumBuilder<'s> {
    schema: &'s mut SchemaBuilder,
    ty: TypeRef,
    def: Enum,
    fresh: bool,
}

impl EnumBuilder<'_> {
    /// The version of its saved form; 1 if not told.
    #[must_use]
    pub fn version(mut self, version: u32) -> Self {
        self.def.version = version;
        self
    }

    /// A variant; the number that is saved for it is its place among the variants.
    #[must_use]
    pub fn variant(
        mut self,
        name: &str,
        id: Option<u32>,
        shape: Shape,
        describe: impl FnOnce(&mut Fields<'_>),
    ) -> Self {
        if self.fresh {
            let (ty, variant) = (self.ty, self.def.variants.len());
            let mut fields =
                Fields { schema: self.schema, ty, variant, fields: Vec::new(), fresh: true };
            describe(&mut fields);
            let fields = fields.fields;
            self.def.variants.push(Variant { name: name.to_owned(), id, shape, fields });
        }
        self
    }

    /// The last variant is there since a version of the enum.
    #[doc(hidden)]
    #[must_use]
    pub fn variant_since(self, version: u32) -> Self {
        self.last(|note| note.since = Some(version))
    }

    /// The last variant had another name.
    #[doc(hidden)]
    #[must_use]
    pub fn variant_was(self, name: &str) -> Self {
        self.last(|note| note.was.push(name.to_owned()))
    }

    fn last(self, tell: impl FnOnce(&mut VariantNote)) -> Self {
        if let (Some(last), true) = (self.def.variants.len().checked_sub(1), self.fresh) {
            tell(self.schema.notes.variants.entry((self.ty, last)).or_default());
        }
        self
    }

    /// The type had another name.
    #[doc(hidden)]
    #[must_use]
    pub fn type_was(self, name: &str) -> Self {
        self.schema.type_note(self.ty).was.push(name.to_owned());
        self
    }

    /// A variant, or a field of one, that the enum has no more.
    #[doc(hidden)]
    #[must_use]
    pub fn removed(self, name: &str) -> Self {
        self.schema.type_note(self.ty).removed.push(name.to_owned());
        self
    }

    /// The enum was another type.
    #[doc(hidden)]
    #[must_use]
    pub fn migrated(self, from: From) -> Self {
        if self.fresh {
            self.schema.type_note(self.ty).from.push(from);
        }
        self
    }

    /// The type.
    pub fn finish(self) -> TypeRef {
        if self.fresh {
            self.schema.put(self.ty, Type::Enum(self.def));
        }
        self.ty
    }
}
