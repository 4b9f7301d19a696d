//! `bool`, `char`, `()` and marker types.

use std::marker::PhantomData;
use std::time::Duration;

use samestate_schema::types::{Primitive, Type, TypeRef};

use crate::{Checkpoint, RestoreError, Restorer, SaveError, Saver, SchemaBuilder};

impl Checkpoint for bool {
    const MIN_LEN: usize = 1;
    const FIXED_LEN: Option<usize> = Some(1);

    #[inline]
    fn put_fixed(value: &Self, out: &mut [u8]) {
        u8::put_fixed(&u8::from(*value), out);
    }

    #[inline]
    fn get_fixed(bytes: &[u8], valid: &mut bool) -> Self {
        let number = u8::get_fixed(bytes, valid);
        *valid &= number <= 1;
        number == 1
    }

    #[inline]
    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        saver.bytes(&[u8::from(*self)]);
        Ok(())
    }

    #[inline]
    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        match restorer.array()? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(restorer.bad_value("bool")),
        }
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.add(Type::Primitive(Primitive::Bool))
    }
}

impl Checkpoint for char {
    const MIN_LEN: usize = 4;
    const FIXED_LEN: Option<usize> = Some(4);

    #[inline]
    fn put_fixed(value: &Self, out: &mut [u8]) {
        u32::put_fixed(&u32::from(*value), out);
    }

    #[inline]
    fn get_fixed(bytes: &[u8], valid: &mut bool) -> Self {
        Self::from_u32(u32::get_fixed(bytes, valid)).unwrap_or_else(|| {
            *valid = false;
            Self::default()
        })
    }

    #[inline]
    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        saver.bytes(&u32::from(*self).to_le_bytes());
        Ok(())
    }

    #[inline]
    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        let code = u32::from_le_bytes(restorer.array()?);
        Self::from_u32(code).ok_or_else(|| restorer.bad_value("char"))
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.add(Type::Primitive(Primitive::Char))
    }
}

impl Checkpoint for () {
    const FIXED_LEN: Option<usize> = Some(0);

    #[inline]
    fn get_fixed(_: &[u8], _: &mut bool) -> Self {}

    #[inline]
    fn save<'a>(&'a self, _: &mut Saver<'a>) -> Result<(), SaveError> {
        Ok(())
    }

    #[inline]
    fn restore(_: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        Ok(())
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.add(Type::Primitive(Primitive::Unit))
    }
}

impl<T: ?Sized + 'static> Checkpoint for PhantomData<T> {
    const FIXED_LEN: Option<usize> = Some(0);

    #[inline]
    fn get_fixed(_: &[u8], _: &mut bool) -> Self {
        Self
    }

    #[inline]
    fn save<'a>(&'a self, _: &mut Saver<'a>) -> Result<(), SaveError> {
        Ok(())
    }

    #[inline]
    fn restore(_: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        Ok(Self)
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.add(Type::Primitive(Primitive::Unit))
    }
}

impl Checkpoint for Duration {
    const MIN_LEN: usize = 12;
    const FIXED_LEN: Option<usize> = Some(12);

    #[inline]
    fn put_fixed(value: &Self, out: &mut [u8]) {
        <(u64, u32)>::put_fixed(&(value.as_secs(), value.subsec_nanos()), out);
    }

    #[inline]
    fn get_fixed(bytes: &[u8], valid: &mut bool) -> Self {
        let (seconds, nanoseconds) = <(u64, u32)>::get_fixed(bytes, valid);
        // More would carry into the seconds, and two encodings would mean the same.
        *valid &= nanoseconds < 1_000_000_000;
        Self::new(seconds, nanoseconds % 1_000_000_000)
    }

    #[inline]
    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        saver.fixed(self);
        Ok(())
    }

    #[inline]
    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        let bytes = restorer.bytes(12)?;
        let mut valid = true;
        let duration = Self::get_fixed(bytes, &mut valid);
        if valid { Ok(duration) } else { Err(restorer.bad_value("Duration")) }
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.structure::<Self>("Duration").saved::<u64>("secs").saved::<u32>("nanos").finish()
    }
}
