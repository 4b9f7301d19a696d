//! Trait objects: which types stand behind a trait, by the names that they are restored by.
//!
//! `#[checkpoint(implements(dyn Trait, "name"))]` leaves a pointer to an [`Implementer`] in a
//! section of the program. The linker joins them to one array, so that nothing has to run before
//! `main`.

mod section;

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::rc::{self, Rc};
use std::sync::{self, Arc, OnceLock};

use samestate_schema::types::{Dyn, Type, TypeRef};

use crate::error::PointerProblem;
use crate::objects::Place;
use crate::{Checkpoint, RestoreError, Restorer, SaveError, Saver, SchemaBuilder};

/// What every implementer of a trait can do if the trait has the attribute
/// [`dynamic`](macro@crate::dynamic).
pub trait Dynamic: 'static {
    #[doc(hidden)]
    fn __samestate_any(&self) -> &dyn Any;

    #[doc(hidden)]
    fn __samestate_type_name(&self) -> &'static str;
}

impl<T: 'static> Dynamic for T {
    fn __samestate_any(&self) -> &dyn Any {
        self
    }

    fn __samestate_type_name(&self) -> &'static str {
        type_name::<T>()
    }
}

/// How a type becomes the trait object `D`; only where both are known this can be written.
pub struct Casts<D: ?Sized + 'static> {
    /// Restores a box of it.
    pub restore_box: fn(&mut Restorer<'_>) -> Result<Box<D>, RestoreError>,
    /// Restores one that `Rc` owns.
    pub restore_rc: fn(&mut Restorer<'_>, Place) -> Result<Rc<D>, RestoreError>,
    /// Restores one that `Arc` owns.
    pub restore_arc: fn(&mut Restorer<'_>, Place) -> Result<Arc<D>, RestoreError>,
    /// A pointer whose object is gone.
    pub dangling_rc: fn() -> rc::Weak<D>,
    /// A pointer whose object is gone.
    pub dangling_arc: fn() -> sync::Weak<D>,
}

/// A type that is restored by a name where it stands behind a trait.
pub struct Implementer {
    name: &'static str,
    type_id: fn() -> TypeId,
    type_name: fn() -> &'static str,
    save: for<'a> fn(&'a dyn Any, &mut Saver<'a>) -> Result<(), SaveError>,
    schema: fn(&mut SchemaBuilder) -> TypeRef,
    casts: &'static (dyn Any + Send + Sync),
}

/// What stands in the section.
pub type Slot = Option<&'static Implementer>;

impl Implementer {
    /// The type `T` by this name; `casts` are [`Casts`] to the trait object.
    #[must_use]
    pub const fn new<T: Checkpoint>(
        name: &'static str,
        casts: &'static (dyn Any + Send + Sync),
    ) -> Self {
        Self {
            name,
            type_id: TypeId::of::<T>,
            type_name: type_name::<T>,
            save: save_erased::<T>,
            schema: SchemaBuilder::of::<T>,
            casts,
        }
    }
}

fn save_erased<'a, T: Checkpoint>(
    value: &'a dyn Any,
    saver: &mut Saver<'a>,
) -> Result<(), SaveError> {
    match value.downcast_ref::<T>() {
        Some(value) => saver.nested::<T, _>(|saver| value.save(saver)),
        // It was looked up by its type.
        None => Err(SaveError::custom("a trait object that is not what its type says")),
    }
}

/// The implementers registered for `D`, by name.
fn implementers<D: ?Sized + 'static>() -> &'static [&'static Implementer] {
    static ALL: OnceLock<HashMap<TypeId, Vec<&'static Implementer>>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let mut all: HashMap<TypeId, Vec<&'static Implementer>> = HashMap::new();
        for implementer in section::slots().iter().copied().flatten() {
            all.entry(implementer.casts.type_id()).or_default().push(implementer);
        }
        all.values_mut().for_each(|list| list.sort_by_key(|implementer| implementer.name));
        all
    });
    all.get(&TypeId::of::<Casts<D>>()).map_or(&[], Vec::as_slice)
}

/// Saves the value behind `D`.
pub fn save_dyn<'a, D: ?Sized + 'static>(
    value: &'a dyn Any,
    value_type: &'static str,
    saver: &mut Saver<'a>,
) -> Result<(), SaveError> {
    let all = implementers::<D>();
    let type_id = value.type_id();
    let Some(number) = all.iter().position(|known| (known.type_id)() == type_id) else {
        let problem = PointerProblem::Unregistered { trait_name: type_name::<D>() };
        return Err(SaveError::Pointer { problem, type_name: value_type, path: None });
    };
    #[expect(clippy::cast_possible_truncation, reason = "fewer types than addresses")]
    crate::__private::save_variant(saver, number as u32, all.len());
    (all[number].save)(value, saver)
}

/// Describes `D`, which images know by `name`.
pub fn dyn_schema<D: ?Sized + 'static>(schema: &mut SchemaBuilder, name: &str) -> TypeRef {
    let (place, fresh) = schema.reserve_as(TypeId::of::<D>());
    if fresh {
        let all = implementers::<D>();
        if let Some(message) = contradiction(all) {
            let trait_name = type_name::<D>().to_owned();
            schema.fault(SaveError::Implementers { trait_name, message });
        }
        let implementers =
            all.iter().map(|known| (known.name.to_owned(), (known.schema)(schema))).collect();
        schema.put(place, Type::Dyn(Dyn { name: name.to_owned(), implementers }));
    }
    place
}

/// Why these implementers cannot all be told apart.
fn contradiction(sorted: &[&'static Implementer]) -> Option<String> {
    for (index, known) in sorted.iter().enumerate() {
        for other in &sorted[index + 1..] {
            let (a, b) = ((known.type_name)(), (other.type_name)());
            if (known.type_id)() == (other.type_id)() {
                let (name, again) = (known.name, other.name);
                return Some(format!("`{a}` is registered twice, as \"{name}\" and \"{again}\""));
            }
            if known.name == other.name {
                return Some(format!("\"{}\" is the name of both `{a}` and `{b}`", known.name));
            }
        }
    }
    None
}

/// The casts of the implementer whose number comes next.
fn next<D: ?Sized + 'static>(
    restorer: &mut Restorer<'_>,
) -> Result<&'static Casts<D>, RestoreError> {
    let all = implementers::<D>();
    let number = crate::__private::variant(restorer, all.len())?;
    let known = all.get(number as usize).and_then(|known| known.casts.downcast_ref());
    known.ok_or_else(|| restorer.bad_value("trait object"))
}

/// Restores a box of `D`.
pub fn restore_dyn_box<D: ?Sized + 'static>(
    restorer: &mut Restorer<'_>,
) -> Result<Box<D>, RestoreError> {
    let casts = next::<D>(restorer)?;
    (casts.restore_box)(restorer)
}

/// Restores a `D` that `Rc` owns.
pub fn restore_dyn_rc<D: ?Sized + 'static>(
    restorer: &mut Restorer<'_>,
    place: Place,
) -> Result<Rc<D>, RestoreError> {
    let casts = next::<D>(restorer)?;
    (casts.restore_rc)(restorer, place)
}

/// Restores a `D` that `Arc` owns.
pub fn restore_dyn_arc<D: ?Sized + 'static>(
    restorer: &mut Restorer<'_>,
    place: Place,
) -> Result<Arc<D>, RestoreError> {
    let casts = next::<D>(restorer)?;
    (casts.restore_arc)(restorer, place)
}

fn first<D: ?Sized + 'static>() -> Option<&'static Casts<D>> {
    implementers::<D>().first()?.casts.downcast_ref()
}

/// A pointer to a `D` that is gone; `None` if no type is registered.
#[must_use]
pub fn dangling_dyn_rc<D: ?Sized + 'static>() -> Option<rc::Weak<D>> {
    first::<D>().map(|casts| (casts.dangling_rc)())
}

/// A pointer to a `D` that is gone; `None` if no type is registered.
#[must_use]
pub fn dangling_dyn_arc<D: ?Sized + 'static>() -> Option<sync::Weak<D>> {
    first::<D>().map(|casts| (casts.dangling_arc)())
}
