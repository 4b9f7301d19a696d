//! Ranges and their bounds.

use std::ops::{Bound, Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

use samestate_schema::record::Shape;
use samestate_schema::types::TypeRef;

use crate::{Checkpoint, RestoreError, Restorer, SaveError, Saver, SchemaBuilder};

macro_rules! range {
    ($($ty:ident { $($field:ident),* };)*) => {$(
        impl<T: Checkpoint> Checkpoint for $ty<T> {
            const MIN_LEN: usize = 0 $(+ { let _ = stringify!($field); T::MIN_LEN })*;

            fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
                $(self.$field.save(saver)?;)*
                Ok(())
            }

            fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
                Ok(Self { $($field: T::restore(restorer)?),* })
            }

            fn schema(schema: &mut SchemaBuilder) -> TypeRef {
                let described = schema.structure::<Self>(stringify!($ty));
                described$(.saved::<T>(stringify!($field)))*.finish()
            }
        }
    )*};
}

range! {
    Range { start, end };
    RangeFrom { start };
    RangeTo { end };
    RangeToInclusive { end };
}

impl<T: Checkpoint + PartialOrd> Checkpoint for RangeInclusive<T> {
    const MIN_LEN: usize = 2 * T::MIN_LEN;

    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        // Nothing can make a range that has bounds and has given all its values.
        if self.is_empty() && self.start() <= self.end() {
            return Err(SaveError::custom(
                "a `RangeInclusive` that was iterated to its end; save how far it got instead",
            ));
        }
        self.start().save(saver)?;
        self.end().save(saver)
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        Ok(Self::new(T::restore(restorer)?, T::restore(restorer)?))
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        let described = schema.structure::<Self>("RangeInclusive");
        described.saved::<T>("start").saved::<T>("end").finish()
    }
}

impl Checkpoint for RangeFull {
    fn save<'a>(&'a self, _: &mut Saver<'a>) -> Result<(), SaveError> {
        Ok(())
    }

    fn restore(_: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        Ok(Self)
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.of::<()>()
    }
}

impl<T: Checkpoint> Checkpoint for Bound<T> {
    const MIN_LEN: usize = 1;

    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        match self {
            Self::Included(value) => {
                saver.bytes(&[0]);
                value.save(saver)
            }
            Self::Excluded(value) => {
                saver.bytes(&[1]);
                value.save(saver)
            }
            Self::Unbounded => {
                saver.bytes(&[2]);
                Ok(())
            }
        }
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        match restorer.array()? {
            [0] => T::restore(restorer).map(Self::Included),
            [1] => T::restore(restorer).map(Self::Excluded),
            [2] => Ok(Self::Unbounded),
            _ => Err(restorer.bad_value("Bound")),
        }
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        let described = schema.enumeration::<Self>("Bound");
        let described = described.variant("Included", None, Shape::Tuple, |fields| {
            fields.saved::<T>("0");
        });
        let described = described.variant("Excluded", None, Shape::Tuple, |fields| {
            fields.saved::<T>("0");
        });
        described.variant("Unbounded", None, Shape::Unit, |_| {}).finish()
    }
}
