//! Tuples of up to twelve.

use samestate_schema::types::{Type, TypeRef};

use crate::fixed::{fixed_len, get_fixed, put_fixed};
use crate::{Assignment, Checkpoint, RestoreError, Restorer, SaveError, Saver, SchemaBuilder};

macro_rules! tuple {
    ($($name:ident $index:tt)*) => {
        impl<$($name: Checkpoint),*> Checkpoint for ($($name,)*) {
            const MIN_LEN: usize = 0 $(+ $name::MIN_LEN)*;
            const MAY_KEEP: bool = false $(|| $name::MAY_KEEP)*;

            const FIXED_LEN: Option<usize> = fixed_len(&[$($name::FIXED_LEN),*]);

            #[inline]
            fn put_fixed(value: &Self, out: &mut [u8]) {
                $(let out = put_fixed(&value.$index, out);)*
                let _ = out;
            }

            #[inline]
            fn get_fixed(bytes: &[u8], valid: &mut bool) -> Self {
                let mut bytes = bytes;
                ($(get_fixed::<$name>(&mut bytes, valid),)*)
            }

            #[inline]
            fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
                $(self.$index.save(saver)?;)*
                Ok(())
            }

            #[inline]
            fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
                Ok(($($name::restore(restorer)?,)*))
            }

            fn stage(
                &self,
                restorer: &mut Restorer<'_>,
            ) -> Result<Assignment<Self>, RestoreError> {
                if !Self::MAY_KEEP {
                    return Assignment::whole(restorer);
                }
                let staged = ($(self.$index.stage(restorer)?,)*);
                Ok(Assignment::new(move |this: &mut Self| {
                    $(staged.$index.apply(&mut this.$index);)*
                }))
            }

            fn schema(schema: &mut SchemaBuilder) -> TypeRef {
                let types = vec![$(schema.of::<$name>()),*];
                schema.add(Type::Tuple(types))
            }
        }
    };
}

tuple! { A 0 }
tuple! { A 0 B 1 }
tuple! { A 0 B 1 C 2 }
tuple! { A 0 B 1 C 2 D 3 }
tuple! { A 0 B 1 C 2 D 3 E 4 }
tuple! { A 0 B 1 C 2 D 3 E 4 F 5 }
tuple! { A 0 B 1 C 2 D 3 E 4 F 5 G 6 }
tuple! { A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 }
tuple! { A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 }
tuple! { A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 }
tuple! { A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 }
tuple! { A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 }
