//! `Cell` and `RefCell`: transparent, they save what is in them.

use std::cell::{Cell, RefCell};

use samestate_schema::types::TypeRef;

use crate::{Assignment, Checkpoint, RestoreError, Restorer, SaveError, Saver, SchemaBuilder};

impl<T: Checkpoint + Copy> Checkpoint for Cell<T> {
    const MIN_LEN: usize = T::MIN_LEN;
    const PLAIN_LEN: usize = T::PLAIN_LEN;

    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        saver.save_copy(&self.get())
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        T::restore(restorer).map(Self::new)
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.of::<T>()
    }
}

impl<T: Checkpoint> Checkpoint for RefCell<T> {
    const MIN_LEN: usize = T::MIN_LEN;
    const PLAIN_LEN: usize = T::PLAIN_LEN;
    const MAY_KEEP: bool = T::MAY_KEEP;

    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        let value = self.try_borrow().map_err(|_| SaveError::Borrowed)?;
        saver.save_copy(&*value)
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        T::restore(restorer).map(Self::new)
    }

    fn stage(&self, restorer: &mut Restorer<'_>) -> Result<Assignment<Self>, RestoreError> {
        if !T::MAY_KEEP {
            return Assignment::whole(restorer);
        }
        let value = self.try_borrow().map_err(|_| {
            RestoreError::custom("a `RefCell` is mutably borrowed while it is restored in place")
        })?;
        let staged = value.stage(restorer)?;
        Ok(Assignment::new(move |this: &mut Self| staged.apply(this.get_mut())))
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.of::<T>()
    }
}
