//! What pointers may point to: values of known size, slices, and trait objects.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::{self, Rc};
use std::sync::{self, Arc};

use samestate_schema::types::TypeRef;

use crate::objects::{Place, Trial};
use crate::{Assignment, Checkpoint, RestoreError, Restorer, SaveError, Saver, SchemaBuilder};

/// What `Box`, `Rc`, `Arc` and `Weak` may point to in a checkpoint: every type that implements
/// [`Checkpoint`], slices of them, and trait objects whose trait has the attribute
/// [`dynamic`](macro@crate::dynamic).
///
/// An object that several `Rc` or `Arc` own is saved once and is shared again after a restore;
/// `Weak` pointers lead to it as before. Objects that own themselves cannot be saved.
///
/// An object with weak pointers to itself, as a tree whose nodes know their parents, is restored
/// once to check it, dropped, and restored once more: functions that rebuild its fields run
/// twice, and must give the same result twice. Functions around restoring (`before_restore` and the
/// like) are called the second time only. If the object holds a field with `external`, what follows
/// that is not checked before; in a program with `panic = "abort"`, an error there ends the program.
///
/// ```
/// use std::rc::Rc;
///
/// use samestate::Checkpoint;
///
/// #[samestate::dynamic]
/// trait Device {
///     fn level(&self) -> u8;
/// }
///
/// #[derive(Checkpoint)]
/// #[checkpoint(implements(dyn Device, "uart"))]
/// struct Uart {
///     buffer: Vec<u8>,
/// }
///
/// impl Device for Uart {
///     fn level(&self) -> u8 {
///         self.buffer.len() as u8
///     }
/// }
///
/// let uart: Rc<dyn Device> = Rc::new(Uart { buffer: vec![1, 2] });
/// let image = samestate::to_vec(&vec![uart.clone(), uart]).unwrap();
/// let restored: Vec<Rc<dyn Device>> = samestate::from_slice(&image).unwrap();
/// assert!(Rc::ptr_eq(&restored[0], &restored[1]));
/// assert_eq!(restored[0].level(), 2);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a checkpoint",
    label = "a pointer to `{Self}` does not implement `Checkpoint`",
    note = "if it is a trait object, put `#[samestate::dynamic]` on its trait",
    note = "if it is a type of yours, put `#[derive(Checkpoint)]` on it"
)]
pub trait Pointee: 'static {
    /// The fewest bytes that it takes.
    #[doc(hidden)]
    const MIN_LEN: usize;

    /// Bytes of a value that is nothing but numbers; 0 for all others.
    #[doc(hidden)]
    const PLAIN_LEN: usize = 0;

    /// Whether it can hold weak pointers to itself.
    #[doc(hidden)]
    const CYCLIC: bool;

    #[doc(hidden)]
    fn save_target<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError>;

    #[doc(hidden)]
    fn target_schema(schema: &mut SchemaBuilder) -> TypeRef;

    #[doc(hidden)]
    fn restore_box(restorer: &mut Restorer<'_>) -> Result<Box<Self>, RestoreError>;

    /// Whether restoring in place may leave something in a box of it as it is.
    #[doc(hidden)]
    const MAY_KEEP: bool = false;

    #[doc(hidden)]
    fn stage_box(
        _running: &Self,
        restorer: &mut Restorer<'_>,
    ) -> Result<Assignment<Box<Self>>, RestoreError> {
        let value = Self::restore_box(restorer)?;
        Ok(Assignment::new(move |running: &mut Box<Self>| *running = value))
    }

    #[doc(hidden)]
    fn restore_rc(restorer: &mut Restorer<'_>, place: Place) -> Result<Rc<Self>, RestoreError>;

    #[doc(hidden)]
    fn restore_arc(restorer: &mut Restorer<'_>, place: Place) -> Result<Arc<Self>, RestoreError>;

    /// A pointer whose object is gone; `None` if there can be no object.
    #[doc(hidden)]
    fn dangling_rc() -> Option<rc::Weak<Self>>;

    #[doc(hidden)]
    fn dangling_arc() -> Option<sync::Weak<Self>>;
}

impl<T: Checkpoint> Pointee for T {
    const MIN_LEN: usize = <T as Checkpoint>::MIN_LEN;
    const PLAIN_LEN: usize = <T as Checkpoint>::PLAIN_LEN;
    const CYCLIC: bool = true;
    // Not that of `T`, which may contain the box.
    const MAY_KEEP: bool = true;

    fn save_target<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        saver.nested::<T, _>(|saver| saver.one(self))
    }

    fn target_schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.of::<T>()
    }

    fn restore_box(restorer: &mut Restorer<'_>) -> Result<Box<Self>, RestoreError> {
        restorer.nested::<T, _>(|restorer| {
            let before = restorer.left();
            let value = T::restore_boxed(restorer)?;
            restorer.count_empty::<T>(before)?;
            Ok(value)
        })
    }

    fn stage_box(
        running: &Self,
        restorer: &mut Restorer<'_>,
    ) -> Result<Assignment<Box<Self>>, RestoreError> {
        let staged = restorer.nested::<T, _>(|restorer| T::stage(running, restorer))?;
        Ok(Assignment::new(move |running: &mut Box<Self>| staged.apply(running)))
    }

    fn restore_rc(restorer: &mut Restorer<'_>, place: Place) -> Result<Rc<Self>, RestoreError> {
        build_rc(restorer, place, |weak| weak)
    }

    fn restore_arc(restorer: &mut Restorer<'_>, place: Place) -> Result<Arc<Self>, RestoreError> {
        build_arc(restorer, place, |weak| weak)
    }

    fn dangling_rc() -> Option<rc::Weak<Self>> {
        Some(rc::Weak::new())
    }

    fn dangling_arc() -> Option<sync::Weak<Self>> {
        Some(sync::Weak::new())
    }
}

impl<T: Checkpoint> Pointee for [T] {
    const MIN_LEN: usize = 1;
    const CYCLIC: bool = false;

    fn save_target<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        saver.container::<T>(self.len(), |saver| T::save_slice(self, saver))
    }

    fn target_schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.of::<Vec<T>>()
    }

    fn restore_box(restorer: &mut Restorer<'_>) -> Result<Box<Self>, RestoreError> {
        Vec::restore(restorer).map(Vec::into_boxed_slice)
    }

    fn restore_rc(restorer: &mut Restorer<'_>, _: Place) -> Result<Rc<Self>, RestoreError> {
        Vec::restore(restorer).map(Rc::from)
    }

    fn restore_arc(restorer: &mut Restorer<'_>, _: Place) -> Result<Arc<Self>, RestoreError> {
        Vec::restore(restorer).map(Arc::from)
    }

    fn dangling_rc() -> Option<rc::Weak<Self>> {
        Some(rc::Weak::<[T; 0]>::new())
    }

    fn dangling_arc() -> Option<sync::Weak<Self>> {
        Some(sync::Weak::<[T; 0]>::new())
    }
}

macro_rules! build {
    ($(#[$doc:meta])* $name:ident, $strong:ident, $weak:path) => {
        $(#[$doc])*
        pub fn $name<T: Checkpoint, W: 'static>(
            restorer: &mut Restorer<'_>,
            place: Place,
            cast: fn($weak) -> W,
        ) -> Result<$strong<T>, RestoreError> {
            restorer.nested::<T, _>(|restorer| {
                if !place.cyclic {
                    return T::restore(restorer).map($strong::new);
                }
                let tried = restorer.try_out::<T>(place)?;
                if restorer.trial == Trial::Running {
                    return T::restore(restorer).map($strong::new);
                }
                let outer = std::mem::replace(&mut restorer.trial, Trial::Passed);
                let mut error = None;
                // The trial went well, so this fails only if the user's own code does not do the
                // same twice, or behind a handle. Then what was tried is returned, or unwinding
                // leaves.
                let built = catch_unwind(AssertUnwindSafe(|| {
                    $strong::new_cyclic(|weak| {
                        restorer.building(place, cast(weak.clone()));
                        T::restore(restorer).unwrap_or_else(|failed| {
                            error = Some(failed);
                            tried.unwrap_or_else(|| resume_unwind(Box::new(())))
                        })
                    })
                }));
                restorer.trial = outer;
                match (built, error) {
                    (_, Some(error)) => Err(error),
                    (Ok(object), None) => Ok(object),
                    // A panic of the user's code is none of ours.
                    (Err(panic), None) => resume_unwind(panic),
                }
            })
        }
    };
}

build! {
    /// Restores an object that `Rc` owns; `cast` makes of weak pointers to it what fields hold.
    build_rc, Rc, rc::Weak<T>
}
build! {
    /// Restores an object that `Arc` owns; `cast` makes of weak pointers to it what fields hold.
    build_arc, Arc, sync::Weak<T>
}
