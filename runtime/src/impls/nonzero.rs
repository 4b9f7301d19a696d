//! Numbers that are never zero, saved as numbers.

use std::num::NonZero;

use samestate_schema::types::TypeRef;

use crate::{Checkpoint, RestoreError, Restorer, SaveError, Saver, SchemaBuilder};

macro_rules! nonzero {
    ($($ty:ident)*) => {$(
        impl Checkpoint for NonZero<$ty> {
            const MIN_LEN: usize = $ty::MIN_LEN;
            const PLAIN_LEN: usize = $ty::PLAIN_LEN;
            const FIXED_LEN: Option<usize> = $ty::FIXED_LEN;

            #[inline]
            fn put_fixed(value: &Self, out: &mut [u8]) {
                $ty::put_fixed(&value.get(), out);
            }

            #[inline]
            fn get_fixed(bytes: &[u8], valid: &mut bool) -> Self {
                Self::new($ty::get_fixed(bytes, valid)).unwrap_or_else(|| {
                    *valid = false;
                    Self::MIN
                })
            }

            fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
                saver.save_copy(&self.get())
            }

            fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
                let number = $ty::restore(restorer)?;
                Self::new(number).ok_or_else(|| restorer.bad_value("number other than zero"))
            }

            fn schema(schema: &mut SchemaBuilder) -> TypeRef {
                schema.of::<$ty>()
            }
        }
    )*};
}

nonzero! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize }
