//! Objects that several pointers may share: saved once, shared again after a restore.

use std::any::{Any, TypeId};
use std::collections::HashMap;

use samestate_image::layout::NEW_OBJECT_CODES;

use crate::error::{PointerProblem, RestoreErrorKind};
use crate::{Pointee, RestoreError, Restorer, SaveError, Saver};

/// The objects that were met while saving, by their addresses.
#[derive(Debug, Default)]
pub(crate) struct SavedObjects {
    numbers: HashMap<usize, usize>,
    objects: Vec<SavedObject>,
}

#[derive(Debug)]
struct SavedObject {
    of: TypeId,
    type_name: &'static str,
    /// Where the code of the first pointer to it stands.
    at: usize,
    /// Set until it is written to its end.
    open: bool,
    /// Whether a pointer that owns it was saved.
    owned: bool,
    /// Whether a weak pointer to it was saved while it was open.
    cyclic: bool,
    /// Keeps the address from being used for another object.
    _pin: Box<dyn Any>,
}

/// A pointer to save.
pub(crate) struct Pointer {
    pub(crate) address: usize,
    /// Whether it owns the object; else it is weak.
    pub(crate) owns: bool,
}

impl Pointer {
    /// What its codes are counted from.
    fn base(&self) -> u8 {
        u8::from(!self.owns)
    }
}

impl<'a> Saver<'a> {
    /// Saves a pointer, and by `write` its object if no pointer to it was saved before.
    pub(crate) fn pointer<T: Pointee + ?Sized>(
        &mut self,
        pointer: &Pointer,
        pin: impl FnOnce() -> Box<dyn Any>,
        write: impl FnOnce(&mut Self) -> Result<(), SaveError>,
    ) -> Result<(), SaveError> {
        let type_name = std::any::type_name::<T>();
        let problem = |problem| SaveError::Pointer { problem, type_name, path: None };
        if self.is_whole() {
            let volatile = self.is_volatile();
            let of = if volatile { PointerProblem::InVolatile } else { PointerProblem::InKey };
            return Err(problem(of));
        }
        let at = self.buffer().len();
        let all = self.objects();
        let number = all.objects.len();
        let known = *all.numbers.entry(pointer.address).or_insert(number);
        if let Some(object) = all.objects.get_mut(known) {
            if object.of != TypeId::of::<T>() {
                return Err(problem(PointerProblem::TwoTypes { other: object.type_name }));
            }
            if object.open && pointer.owns {
                return Err(problem(PointerProblem::OwnsItself));
            }
            if object.open && !T::CYCLIC {
                return Err(problem(PointerProblem::CyclicSlice));
            }
            object.owned |= pointer.owns;
            let now_cyclic = object.open && !std::mem::replace(&mut object.cyclic, object.open);
            let code_at = object.at;
            if now_cyclic {
                self.change(code_at, |code| *code += 1);
            }
            self.write_number(u64::from(pointer.base()) + NEW_OBJECT_CODES + known as u64);
            return Ok(());
        }
        all.objects.push(SavedObject {
            of: TypeId::of::<T>(),
            type_name,
            at,
            open: true,
            owned: pointer.owns,
            cyclic: false,
            _pin: pin(),
        });
        self.bytes(&[pointer.base()]);
        write(self)?;
        if let Some(object) = self.objects().objects.get_mut(number) {
            object.open = false;
        }
        Ok(())
    }
}

impl SavedObjects {
    /// Checks that everything is owned by what was saved; else where the pointer stands that is
    /// at fault.
    pub(crate) fn check_owned(&self) -> Result<(), (usize, SaveError)> {
        match self.objects.iter().find(|object| !object.owned) {
            None => Ok(()),
            Some(object) => {
                let (problem, type_name) = (PointerProblem::NotOwned, object.type_name);
                Err((object.at, SaveError::Pointer { problem, type_name, path: None }))
            }
        }
    }
}

/// An object that was met while restoring.
#[derive(Debug)]
pub(crate) struct RestoredObject {
    /// The type of the pointer that owns it.
    of: TypeId,
    /// A pointer that owns it, as soon as it is built.
    strong: Option<Box<dyn Any>>,
    /// A weak pointer to it while it is built, if it holds some.
    weak: Option<Box<dyn Any>>,
    owned: bool,
    cyclic: bool,
    /// Whether a weak pointer to it was met while it was built.
    used: bool,
}

/// Where an object belongs that is about to be restored.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    index: usize,
    /// Whether it holds weak pointers to itself.
    pub(crate) cyclic: bool,
}

/// What a pointer leads to.
pub(crate) enum Target<S, W> {
    /// An object that is there.
    Built(S),
    /// One that is being built; `None` while a trial goes on.
    Open(Option<W>),
    /// One that follows.
    New(Place),
}

/// How far the objects of an image were tried out before they are built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Trial {
    /// Not at all.
    #[default]
    Not,
    /// A trial goes on: what it makes is dropped again.
    Running,
    /// What is read now was read before without an error.
    Passed,
}

impl Restorer<'_> {
    #[cold]
    fn bad_reference(&self, what: &'static str) -> RestoreError {
        self.error(RestoreErrorKind::BadReference { what })
    }

    /// Reads where a pointer of type `S` leads; `W` is the weak one to the same object.
    pub(crate) fn target<S: Clone + 'static, W: Clone + 'static>(
        &mut self,
        code: u64,
        owns: bool,
    ) -> Result<Target<S, W>, RestoreError> {
        if self.is_whole() {
            return Err(self.bad_reference("a shared object in a key or a volatile field"));
        }
        let Some(number) = code.checked_sub(NEW_OBJECT_CODES) else {
            let index = self.objects.len();
            let cyclic = code == 1;
            self.objects.push(RestoredObject {
                of: TypeId::of::<S>(),
                strong: None,
                weak: None,
                owned: owns,
                cyclic,
                used: false,
            });
            return Ok(Target::New(Place { index, cyclic }));
        };
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        let Some(object) = self.objects.get_mut(index) else {
            return Err(self.bad_reference("an object that is not there"));
        };
        if object.of != TypeId::of::<S>() {
            return Err(self.bad_reference("an object of another type"));
        }
        object.owned |= owns;
        if let Some(strong) = object.strong.as_ref().and_then(|strong| strong.downcast_ref::<S>()) {
            return Ok(Target::Built(strong.clone()));
        }
        if owns || !object.cyclic {
            return Err(self.bad_reference("an object that is not there yet"));
        }
        object.used = true;
        let weak = object.weak.as_ref().and_then(|weak| weak.downcast_ref::<W>());
        Ok(Target::Open(weak.cloned()))
    }

    /// Notes that the object is there.
    pub(crate) fn built<S: Clone + 'static>(
        &mut self,
        place: Place,
        strong: &S,
    ) -> Result<(), RestoreError> {
        let Some(object) = self.objects.get_mut(place.index) else {
            return Err(self.bad_reference("an object that is not there"));
        };
        // There is one way to write each object.
        if object.cyclic != object.used {
            return Err(self.bad_reference("an object that should hold weak pointers to itself"));
        }
        object.weak = None;
        object.strong = Some(Box::new(strong.clone()));
        Ok(())
    }

    /// Notes the weak pointer to an object that is about to be built.
    pub(crate) fn building<W: 'static>(&mut self, place: Place, weak: W) {
        if let Some(object) = self.objects.get_mut(place.index) {
            object.weak = Some(Box::new(weak));
        }
    }

    /// Restores an object that holds weak pointers to itself, unless that was done before. Only then
    /// it is built for good, where an error could not be returned.
    ///
    /// Handles can be taken only once: before a field that needs one, the trial ends.
    ///
    /// Where nothing can unwind, the object is returned: it takes the place of the one that fails to
    /// be built nevertheless. Elsewhere it is dropped, because it may be large.
    pub(crate) fn try_out<T: crate::Checkpoint>(
        &mut self,
        place: Place,
    ) -> Result<Option<T>, RestoreError> {
        if self.trial != Trial::Not {
            return Ok(None);
        }
        let start = self.position();
        self.trial = Trial::Running;
        let result = T::restore(self).map(|value| cfg!(panic = "abort").then_some(value));
        self.go_back(start);
        self.objects.truncate(place.index + 1);
        self.trial = Trial::Not;
        match result {
            Err(_) if std::mem::take(&mut self.out_of_handles) => Ok(None),
            result => result,
        }
    }

    /// Checks that everything is owned by what was restored.
    pub(crate) fn check_owned(&self) -> Result<(), RestoreError> {
        if self.objects.iter().all(|object| object.owned) {
            Ok(())
        } else {
            Err(self.bad_reference("an object that nothing owns"))
        }
    }
}
