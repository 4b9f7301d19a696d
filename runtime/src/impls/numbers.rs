//! Numbers, and runs of them, which move as one block.

use std::borrow::Cow;

use samestate_schema::types::{Primitive, Type, TypeRef};

use crate::plain::{Number, as_encoded, copy_encoded, copy_into};
use crate::{Checkpoint, RestoreError, Restorer, SaveError, Saver, SchemaBuilder};

macro_rules! number {
    ($($ty:ident: $primitive:ident, $name:literal;)*) => {$(
        impl Checkpoint for $ty {
            const MIN_LEN: usize = <$ty as Number>::LEN;
            const PLAIN_LEN: usize = <$ty as Number>::LEN;

            const FIXED_LEN: Option<usize> = Some(<$ty as Number>::LEN);

            #[inline]
            fn put_fixed(number: &Self, out: &mut [u8]) {
                number.put_at(out);
            }

            #[inline]
            fn get_fixed(bytes: &[u8], valid: &mut bool) -> Self {
                <$ty as Number>::get(bytes).unwrap_or_else(|| {
                    *valid = false;
                    Self::default()
                })
            }

            #[inline]
            fn get_fixed_array<const N: usize>(bytes: &[u8], valid: &mut bool) -> [Self; N] {
                let mut numbers = [$ty::default(); N];
                if !copy_into(bytes, &mut numbers) {
                    let each = bytes.chunks_exact(<$ty as Number>::LEN);
                    for (number, bytes) in numbers.iter_mut().zip(each) {
                        *number = Self::get_fixed(bytes, valid);
                    }
                }
                numbers
            }

            #[inline]
            fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
                self.put(saver.buffer());
                Ok(())
            }

            #[inline]
            fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
                let bytes = restorer.bytes(<$ty as Number>::LEN)?;
                <$ty as Number>::get(bytes).ok_or_else(|| restorer.bad_value($name))
            }

            fn schema(schema: &mut SchemaBuilder) -> TypeRef {
                schema.add(Type::Primitive(Primitive::$primitive))
            }

            #[inline]
            fn save_slice<'a>(slice: &'a [Self], saver: &mut Saver<'a>) -> Result<(), SaveError> {
                if let Some(bytes) = as_encoded(slice) {
                    saver.borrowed_run(bytes);
                } else {
                    let mut bytes = Vec::with_capacity(slice.len() * <$ty as Number>::LEN);
                    slice.iter().for_each(|number| number.put(&mut bytes));
                    saver.run(Cow::Owned(bytes));
                }
                Ok(())
            }

            #[inline]
            fn restore_vec(
                restorer: &mut Restorer<'_>,
                count: usize,
            ) -> Result<Vec<Self>, RestoreError> {
                if let Some(numbers) = restorer.copied_run(count, <$ty as Number>::LEN) {
                    return Ok(numbers);
                }
                let bytes = restorer.run(count, <$ty as Number>::LEN)?;
                if let Some(numbers) = copy_encoded(bytes) {
                    return Ok(numbers);
                }
                let numbers = bytes.chunks_exact(<$ty as Number>::LEN).map(<$ty as Number>::get);
                let numbers: Option<Vec<Self>> = numbers.collect();
                numbers.ok_or_else(|| restorer.bad_value($name))
            }

            #[inline]
            fn restore_array<const N: usize>(
                restorer: &mut Restorer<'_>,
            ) -> Result<[Self; N], RestoreError> {
                let bytes = restorer.run(N, <$ty as Number>::LEN)?;
                let mut valid = true;
                let numbers = Self::get_fixed_array(bytes, &mut valid);
                if valid { Ok(numbers) } else { Err(restorer.bad_value($name)) }
            }
        }
    )*};
}

number! {
    u8: U8, "u8";
    u16: U16, "u16";
    u32: U32, "u32";
    u64: U64, "u64";
    u128: U128, "u128";
    usize: Usize, "usize";
    i8: I8, "i8";
    i16: I16, "i16";
    i32: I32, "i32";
    i64: I64, "i64";
    i128: I128, "i128";
    isize: Isize, "isize";
    f32: F32, "f32";
    f64: F64, "f64";
}
