//! Types around one value: they save what is in them.

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::num::{Saturating, Wrapping};
use std::sync::atomic;
use std::sync::{Mutex, OnceLock, RwLock};

use samestate_schema::types::TypeRef;

use crate::{Assignment, Checkpoint, RestoreError, Restorer, SaveError, Saver, SchemaBuilder};

macro_rules! around {
    ($($ty:ident)*) => {$(
        impl<T: Checkpoint> Checkpoint for $ty<T> {
            const MIN_LEN: usize = T::MIN_LEN;
            const PLAIN_LEN: usize = T::PLAIN_LEN;
            const FIXED_LEN: Option<usize> = T::FIXED_LEN;

            #[inline]
            fn put_fixed(value: &Self, out: &mut [u8]) {
                T::put_fixed(&value.0, out);
            }

            #[inline]
            fn get_fixed(bytes: &[u8], valid: &mut bool) -> Self {
                $ty(T::get_fixed(bytes, valid))
            }

            #[inline]
            fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
                self.0.save(saver)
            }

            #[inline]
            fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
                T::restore(restorer).map($ty)
            }

            fn schema(schema: &mut SchemaBuilder) -> TypeRef {
                schema.of::<T>()
            }
        }
    )*};
}

around! { Reverse Saturating Wrapping }

/// A panic in another thread poisons a lock; what it holds may be half changed, so it is not
/// saved as if nothing were wrong.
fn poisoned<G>(_: std::sync::PoisonError<G>) -> SaveError {
    SaveError::custom("a lock is poisoned: a thread panicked while it changed what is in it")
}

macro_rules! lock {
    ($($ty:ident by $read:ident;)*) => {$(
        impl<T: Checkpoint> Checkpoint for $ty<T> {
            const MIN_LEN: usize = T::MIN_LEN;
            const PLAIN_LEN: usize = T::PLAIN_LEN;
            const MAY_KEEP: bool = T::MAY_KEEP;

            fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
                let value = self.$read().map_err(poisoned)?;
                saver.save_copy(&*value)
            }

            fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
                T::restore(restorer).map(Self::new)
            }

            fn stage(
                &self,
                restorer: &mut Restorer<'_>,
            ) -> Result<Assignment<Self>, RestoreError> {
                if !T::MAY_KEEP {
                    return Assignment::whole(restorer);
                }
                let poisoned = |_| RestoreError::custom(
                    "a lock is poisoned: a thread panicked while it changed what is in it",
                );
                let staged = self.$read().map_err(poisoned)?.stage(restorer)?;
                Ok(Assignment::new(move |this: &mut Self| {
                    // Nobody else holds it, and it was checked to be whole.
                    staged.apply(this.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner()));
                }))
            }

            fn schema(schema: &mut SchemaBuilder) -> TypeRef {
                schema.of::<T>()
            }
        }
    )*};
}

lock! { Mutex by lock; RwLock by read; }

macro_rules! once {
    ($($ty:ident)*) => {$(
        /// As an `Option`.
        impl<T: Checkpoint> Checkpoint for $ty<T> {
            const MIN_LEN: usize = 1;

            fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
                let value = self.get();
                saver.bytes(&[u8::from(value.is_some())]);
                value.map_or(Ok(()), |value| value.save(saver))
            }

            fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
                Option::restore(restorer).map(|value: Option<T>| value.map_or_else(Self::new, Self::from))
            }

            fn schema(schema: &mut SchemaBuilder) -> TypeRef {
                schema.of::<Option<T>>()
            }
        }
    )*};
}

once! { OnceCell OnceLock }

macro_rules! atomic {
    ($($(#[$cfg:meta])* $ty:ident: $inner:ty;)*) => {$(
        $(#[$cfg])*
        impl Checkpoint for atomic::$ty {
            const MIN_LEN: usize = <$inner>::MIN_LEN;
            const PLAIN_LEN: usize = <$inner>::PLAIN_LEN;

            fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
                saver.save_copy(&self.load(atomic::Ordering::SeqCst))
            }

            fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
                <$inner>::restore(restorer).map(Self::new)
            }

            fn schema(schema: &mut SchemaBuilder) -> TypeRef {
                schema.of::<$inner>()
            }
        }
    )*};
}

atomic! {
    AtomicBool: bool;
    AtomicU8: u8;
    AtomicU16: u16;
    AtomicU32: u32;
    #[cfg(target_has_atomic = "64")]
    AtomicU64: u64;
    AtomicUsize: usize;
    AtomicI8: i8;
    AtomicI16: i16;
    AtomicI32: i32;
    #[cfg(target_has_atomic = "64")]
    AtomicI64: i64;
    AtomicIsize: isize;
}
