//! Text.

use std::rc::Rc;
use std::sync::Arc;

use samestate_schema::types::{Type, TypeRef};

use crate::prefetch::fetch;
use crate::{Checkpoint, RestoreError, Restorer, SaveError, Saver, SchemaBuilder};

macro_rules! text {
    ($($ty:ty)*) => {$(
        impl Checkpoint for $ty {
            const MIN_LEN: usize = 1;

            #[inline]
            fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
                saver.opaque(self.as_bytes());
                Ok(())
            }

            #[inline]
            fn prefetch(text: &Self) {
                fetch(text.as_bytes());
            }

            #[inline]
            fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
                match core::str::from_utf8(restorer.opaque()?) {
                    Ok(text) => Ok(text.into()),
                    Err(_) => Err(restorer.bad_value("UTF-8 text")),
                }
            }

            fn schema(schema: &mut SchemaBuilder) -> TypeRef {
                schema.add(Type::Str)
            }
        }
    )*};
}

// Shared text is a value like any other: nothing in it can change, so that only its address would
// tell whether it is still shared.
text! { String Box<str> Rc<str> Arc<str> }
