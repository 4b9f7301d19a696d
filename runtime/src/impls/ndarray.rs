//! Arrays of any number of dimensions: their shape, and their elements as one sequence.

use ndarray::{Array, ArrayD, Dimension, IxDyn, ShapeBuilder as _};
use samestate_schema::types::TypeRef;

use crate::{Checkpoint, RestoreError, Restorer, SaveError, Saver, SchemaBuilder};

/// Whether the elements stand column by column in memory. Programs can tell: where it is so, there
/// is no slice of the rows. An array in pieces is saved, and restored, row by row.
fn is_column_major<A, D: Dimension>(array: &Array<A, D>) -> bool {
    !array.is_standard_layout() && array.t().is_standard_layout()
}

impl<A: Checkpoint, D: Dimension + 'static> Checkpoint for Array<A, D> {
    const MIN_LEN: usize = 3;

    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        let column_major = is_column_major(self);
        saver.save_copy(&self.shape().to_vec())?;
        saver.save_copy(&column_major)?;
        let slice = if column_major { self.t().to_slice() } else { self.as_slice() };
        saver.container::<A>(self.len(), |saver| match slice {
            Some(slice) => A::save_slice(slice, saver),
            None if A::PLAIN_LEN == 0 => self.iter().try_for_each(|value| saver.one(value)),
            // One run, as if the array were in one piece.
            None => saver.joined(|joined| self.iter().try_for_each(|value| value.save(joined))),
        })
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        let shape: Vec<usize> = Vec::restore(restorer)?;
        let column_major = bool::restore(restorer)?;
        let elements: Vec<A> = Vec::restore(restorer)?;
        let array = ArrayD::from_shape_vec(IxDyn(&shape).set_f(column_major), elements);
        let array = array.and_then(ArrayD::into_dimensionality::<D>);
        match array {
            // There is one way to write each array.
            Ok(array) if is_column_major(&array) == column_major => Ok(array),
            _ => Err(restorer.bad_value("shape")),
        }
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        let described = schema.structure::<Self>("Array");
        let described = described.saved::<Vec<usize>>("shape").saved::<bool>("column_major");
        described.saved::<Vec<A>>("elements").finish()
    }
}
