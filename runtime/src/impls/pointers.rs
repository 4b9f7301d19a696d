//! `Box`, `Rc`, `Arc` and their `Weak`: transparent, but what is shared is saved once.

use std::pin::Pin;
use std::rc::{self, Rc};
use std::sync::{self, Arc};

use samestate_schema::types::{Type, TypeRef};

use crate::objects::{Pointer, Target};
use crate::{
    Assignment, Checkpoint, Pointee, RestoreError, Restorer, SaveError, Saver, SchemaBuilder,
};

impl<T: Pointee + ?Sized> Checkpoint for Box<T> {
    const MIN_LEN: usize = T::MIN_LEN;
    const PLAIN_LEN: usize = T::PLAIN_LEN;
    const MAY_KEEP: bool = T::MAY_KEEP;

    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        T::save_target(self, saver)
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        T::restore_box(restorer)
    }

    fn stage(&self, restorer: &mut Restorer<'_>) -> Result<Assignment<Self>, RestoreError> {
        T::stage_box(self, restorer)
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        T::target_schema(schema)
    }
}

impl<T: Pointee + ?Sized> Checkpoint for Pin<Box<T>> {
    const MIN_LEN: usize = T::MIN_LEN;
    const PLAIN_LEN: usize = T::PLAIN_LEN;

    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        T::save_target(self, saver)
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        T::restore_box(restorer).map(Box::into_pin)
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        T::target_schema(schema)
    }
}

macro_rules! shared {
    ($strong:ident, $weak:path, $restore:ident, $dangling:ident) => {
        impl<T: Pointee + ?Sized> Checkpoint for $strong<T> {
            const MIN_LEN: usize = 1;

            fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
                let address = $strong::as_ptr(self).cast::<()>().addr();
                let pin = || Box::new(Self::clone(self)) as Box<dyn core::any::Any>;
                saver.pointer::<T>(&Pointer { address, owns: true }, pin, |saver| {
                    T::save_target(self, saver)
                })
            }

            fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
                let code = restorer.read_len()?;
                match restorer.target::<Self, $weak>(code, true)? {
                    Target::Built(object) => Ok(object),
                    Target::New(place) => {
                        let object = T::$restore(restorer, place)?;
                        restorer.built(place, &object)?;
                        Ok(object)
                    }
                    // Refused before, because nothing owns what is not there yet.
                    Target::Open(_) => Err(restorer.bad_value("pointer")),
                }
            }

            fn schema(schema: &mut SchemaBuilder) -> TypeRef {
                let object = T::target_schema(schema);
                schema.add(Type::Shared(object))
            }
        }

        impl<T: Pointee + ?Sized> Checkpoint for $weak {
            const MIN_LEN: usize = 1;

            fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
                let Some(object) = self.upgrade() else {
                    saver.bytes(&[0]);
                    return Ok(());
                };
                let address = self.as_ptr().cast::<()>().addr();
                let pin = || Box::new($strong::clone(&object)) as Box<dyn core::any::Any>;
                saver.pointer::<T>(&Pointer { address, owns: false }, pin, |saver| {
                    saver.copied(|saver| T::save_target(&object, saver))
                })
            }

            fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
                let dangling = |restorer: &Restorer<'_>| {
                    T::$dangling().ok_or_else(|| restorer.bad_value("pointer to a trait object"))
                };
                let Some(code) = restorer.read_len()?.checked_sub(1) else {
                    return dangling(restorer);
                };
                match restorer.target::<$strong<T>, Self>(code, false)? {
                    Target::Built(object) => Ok($strong::downgrade(&object)),
                    Target::Open(Some(weak)) => Ok(weak),
                    Target::Open(None) => dangling(restorer),
                    Target::New(place) => {
                        let object = T::$restore(restorer, place)?;
                        restorer.built(place, &object)?;
                        Ok($strong::downgrade(&object))
                    }
                }
            }

            fn schema(schema: &mut SchemaBuilder) -> TypeRef {
                let object = T::target_schema(schema);
                schema.add(Type::Weak(object))
            }
        }
    };
}

shared! { Rc, rc::Weak<T>, restore_rc, dangling_rc }
shared! { Arc, sync::Weak<T>, restore_arc, dangling_arc }
