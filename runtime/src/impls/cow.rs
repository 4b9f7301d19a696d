//! `Cow`: saved as what it stands for, restored as owned.

use std::borrow::Cow;

use samestate_schema::types::TypeRef;

use crate::{Checkpoint, RestoreError, Restorer, SaveError, Saver, SchemaBuilder};

impl Checkpoint for Cow<'static, str> {
    const MIN_LEN: usize = 1;

    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        saver.opaque(self.as_bytes());
        Ok(())
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        String::restore(restorer).map(Cow::Owned)
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.of::<String>()
    }
}

impl<T: Checkpoint + Clone> Checkpoint for Cow<'static, [T]> {
    const MIN_LEN: usize = 1;

    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        saver.container::<T>(self.len(), |saver| T::save_slice(self, saver))
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        Vec::restore(restorer).map(Cow::Owned)
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.of::<Vec<T>>()
    }
}

impl<T: Checkpoint + Clone> Checkpoint for Cow<'static, T> {
    const MIN_LEN: usize = T::MIN_LEN;
    const PLAIN_LEN: usize = T::PLAIN_LEN;

    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        T::save(self, saver)
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        T::restore(restorer).map(Cow::Owned)
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.of::<T>()
    }
}
