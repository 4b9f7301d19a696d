//! `SmallVec`, saved as a sequence.

use samestate_schema::types::TypeRef;
use smallvec::{Array, SmallVec};

use crate::{Checkpoint, RestoreError, Restorer, SaveError, Saver, SchemaBuilder};

impl<A: Array + 'static> Checkpoint for SmallVec<A>
where
    A::Item: Checkpoint,
{
    const MIN_LEN: usize = 1;

    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        saver.container::<A::Item>(self.len(), |saver| A::Item::save_slice(self, saver))
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        let values: Vec<A::Item> = Vec::restore(restorer)?;
        // What fits stands inline again.
        Ok(if values.len() > A::size() {
            Self::from_vec(values)
        } else {
            values.into_iter().collect()
        })
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.of::<Vec<A::Item>>()
    }
}
