//! Linked lists and heaps, saved as sequences.

use std::collections::{BinaryHeap, LinkedList};

use samestate_schema::types::TypeRef;

use crate::{Checkpoint, RestoreError, Restorer, SaveError, Saver, SchemaBuilder};

impl<T: Checkpoint> Checkpoint for LinkedList<T> {
    const MIN_LEN: usize = 1;

    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        saver.container::<T>(self.len(), |saver| {
            if T::PLAIN_LEN == 0 {
                return self.iter().try_for_each(|value| saver.one(value));
            }
            // One run, as if the list were in one piece.
            saver.joined(|joined| self.iter().try_for_each(|value| value.save(joined)))
        })
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        Vec::restore(restorer).map(|values| values.into_iter().collect())
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.of::<Vec<T>>()
    }
}

/// In the order that it has in memory: which of equal values comes first depends on it.
impl<T: Checkpoint + Ord> Checkpoint for BinaryHeap<T> {
    const MIN_LEN: usize = 1;

    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        saver.container::<T>(self.len(), |saver| T::save_slice(self.as_slice(), saver))
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        let heap = Vec::restore(restorer)?;
        // Then building it moves nothing, and a save of it gives the same bytes.
        let ordered = (1..heap.len()).all(|index| heap[(index - 1) / 2] >= heap[index]);
        if ordered { Ok(Self::from(heap)) } else { Err(restorer.bad_value("heap")) }
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.of::<Vec<T>>()
    }
}
