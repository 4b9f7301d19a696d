//! `bool`, `char`, `()` and marker types.

use std::marker::PhantomData;
use std::num::Wrapping;
use std::time::Duration;

use samestate_schema::types::{Primitive, Type, TypeRef};

use crate::{Checkpoint, RestoreError, Restorer, SaveError, Saver, SchemaBuilder};

impl Checkpoint for bool {
    const MIN_LEN: usize = 1;

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

impl<T: Checkpoint> Checkpoint for Wrapping<T> {
    const MIN_LEN: usize = T::MIN_LEN;

    #[inline]
    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        self.0.save(saver)
    }

    #[inline]
    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        T::restore(restorer).map(Wrapping)
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.of::<T>()
    }
}

impl Checkpoint for Duration {
    const MIN_LEN: usize = 12;

    #[inline]
    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        saver.bytes(&self.as_secs().to_le_bytes());
        saver.bytes(&self.subsec_nanos().to_le_bytes());
        Ok(())
    }

    #[inline]
    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        let seconds = u64::from_le_bytes(restorer.array()?);
        let nanoseconds = u32::from_le_bytes(restorer.array()?);
        // More would carry into the seconds, and two encodings would mean the same.
        if nanoseconds >= 1_000_000_000 {
            return Err(restorer.bad_value("Duration"));
        }
        Ok(Self::new(seconds, nanoseconds))
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.structure::<Self>("Duration").saved::<u64>("secs").saved::<u32>("nanos").finish()
    }
}
