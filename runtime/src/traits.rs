use samestate_schema::types::TypeRef;

use crate::array;
use crate::fixed::get_fixed;
use crate::{Assignment, RestoreError, Restorer, SaveError, Saver, SchemaBuilder};

/// A type whose values can be saved and restored.
///
/// Most types derive it. Writing it by hand takes three functions that agree with each other:
///
/// ```
/// use samestate::{Checkpoint, RestoreError, Restorer, SaveError, Saver, SchemaBuilder, TypeRef};
///
/// struct Celsius {
///     degrees: f64,
/// }
///
/// impl Checkpoint for Celsius {
///     fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
///         self.degrees.save(saver)
///     }
///
///     fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
///         Ok(Self { degrees: f64::restore(restorer)? })
///     }
///
///     fn schema(schema: &mut SchemaBuilder) -> TypeRef {
///         schema.structure::<Self>("Celsius").saved::<f64>("degrees").finish()
///     }
/// }
/// # let image = samestate::to_vec(&Celsius { degrees: 21.5 }).unwrap();
/// # assert_eq!(samestate::from_slice::<Celsius>(&image).unwrap().degrees, 21.5);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a checkpoint",
    label = "`{Self}` does not implement `Checkpoint`",
    note = "if it is a type of yours, put `#[derive(Checkpoint)]` on it",
    note = "if it is a trait object, put `#[samestate::dynamic]` on its trait",
    note = "if it is a handle (a file, a socket, a thread, an `Instant`), hand it in when restoring: \
            `#[checkpoint(external = \"name\")]`",
    note = "if it can be computed from other fields: `#[checkpoint(rebuild = path, needs(a, b))]`",
    note = "if a restored program may start with another value: \
            `#[checkpoint(skip(default), reason = \"…\")]` or `skip(value = …)`"
)]
pub trait Checkpoint: Sized + 'static {
    /// The fewest bytes that a value takes among the values of an image. An image that claims to
    /// hold more values than its bytes suffice for is refused before memory is set aside.
    ///
    /// Zero is always right, but then at most 65,536 more of them than there are bytes may stand
    /// in one container.
    const MIN_LEN: usize = 0;

    /// Whether [`stage`](Checkpoint::stage) may leave something of a running value as it is. Where
    /// it is `false`, `stage` need not be called.
    const MAY_KEEP: bool = false;

    /// Writes the value.
    ///
    /// # Errors
    /// [`SaveError`] if it cannot be saved, for instance because it is nested too deeply.
    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError>;

    /// Reads a value back: exactly what [`save`](Checkpoint::save) wrote.
    ///
    /// # Errors
    /// [`RestoreError`] if the image holds something else. An image may be forged: implementations
    /// must not trust a number in it.
    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError>;

    /// Describes what [`save`](Checkpoint::save) writes. Images tell it, and are refused where it
    /// differs. To describe a part, ask [`SchemaBuilder::of`].
    fn schema(schema: &mut SchemaBuilder) -> TypeRef;

    /// Reads a value that is to take the place of this one, and leaves this one as it is: what was
    /// read is assigned when all of the image is decoded, so that a failure changes nothing.
    ///
    /// The default reads a whole value. The derive goes down to the fields, so that those with
    /// `skip(keep)` stay, and so do those with `external` that no handle is given for.
    ///
    /// # Errors
    /// As [`restore`](Checkpoint::restore).
    fn stage(&self, restorer: &mut Restorer<'_>) -> Result<Assignment<Self>, RestoreError> {
        Assignment::whole(restorer)
    }

    /// As [`restore`](Checkpoint::restore); what is read will take the place of a running value, if
    /// there is one.
    #[doc(hidden)]
    fn restore_for(
        _running: Option<&Self>,
        restorer: &mut Restorer<'_>,
    ) -> Result<Self, RestoreError> {
        Self::restore(restorer)
    }

    /// Called if the image turns out to be wrong after the root was restored.
    #[doc(hidden)]
    fn restore_failed(_running: Option<&Self>, _error: &RestoreError) {}

    /// The type in a schema under construction.
    #[doc(hidden)]
    fn describe(schema: &mut SchemaBuilder) -> TypeRef {
        schema.of::<Self>()
    }

    /// Bytes of a value that is described as nothing but numbers of one type; 0 for all others. Long
    /// runs of what is described so stand in a block. [`SchemaBuilder`] checks that both agree.
    #[doc(hidden)]
    const PLAIN_LEN: usize = 0;

    /// Bytes that every value takes among the values; `None` if they differ, or if some stand in a
    /// block.
    #[doc(hidden)]
    const FIXED_LEN: Option<usize> = None;

    /// Writes a value to as many bytes as `FIXED_LEN` says.
    #[doc(hidden)]
    fn put_fixed(_: &Self, _: &mut [u8]) {}

    /// Reads a value from as many bytes as `FIXED_LEN` says. If they stand for none, it clears
    /// `valid` and returns any: so the bytes of many values become values without a branch.
    #[doc(hidden)]
    fn get_fixed(_: &[u8], _: &mut bool) -> Self {
        unreachable!("only what has a fixed length is read so")
    }

    /// Reads an array of values from as many bytes as it takes.
    #[doc(hidden)]
    #[inline]
    fn get_fixed_array<const N: usize>(mut bytes: &[u8], valid: &mut bool) -> [Self; N] {
        core::array::from_fn(|_| get_fixed(&mut bytes, valid))
    }

    /// Address of the type's record in this program, 0 if it has none.
    #[doc(hidden)]
    fn record_addr() -> u64 {
        0
    }

    /// Asks the processor to fetch what the value points to.
    #[doc(hidden)]
    #[inline]
    fn prefetch(_: &Self) {}

    /// Writes many values.
    #[doc(hidden)]
    fn save_slice<'a>(slice: &'a [Self], saver: &mut Saver<'a>) -> Result<(), SaveError> {
        saver.run_of(slice.len(), Self::PLAIN_LEN, |saver| {
            if saver.fixed_slice(slice) {
                return Ok(());
            }
            slice.iter().try_for_each(|value| {
                saver.follow();
                saver.one(value)
            })
        })
    }

    /// Reads many values whose bytes are proven present, as far as `MIN_LEN` says.
    #[doc(hidden)]
    fn restore_vec(restorer: &mut Restorer<'_>, count: usize) -> Result<Vec<Self>, RestoreError> {
        restorer.run_of(count, Self::PLAIN_LEN, |restorer| {
            if let Some(values) = restorer.fixed_vec(count) {
                return Ok(values);
            }
            let mut values = Vec::with_capacity(restorer.capacity::<Self>(count));
            for _ in 0..count {
                let before = restorer.left();
                values.push(Self::restore(restorer)?);
                restorer.count_empty::<Self>(before)?;
            }
            Ok(values)
        })
    }

    /// Reads an array.
    #[doc(hidden)]
    fn restore_array<const N: usize>(
        restorer: &mut Restorer<'_>,
    ) -> Result<[Self; N], RestoreError> {
        restorer.run_of(N, Self::PLAIN_LEN, |restorer| array::try_from(|| Self::restore(restorer)))
    }

    /// Reads a value into the heap, large ones without passing over the stack.
    #[doc(hidden)]
    fn restore_boxed(restorer: &mut Restorer<'_>) -> Result<Box<Self>, RestoreError> {
        Self::restore(restorer).map(Box::new)
    }
}
