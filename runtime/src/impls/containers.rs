//! `Option`, arrays and sequences.

use std::collections::VecDeque;

use samestate_image::layout::BLOCK_MIN;
use samestate_schema::types::{Type, TypeRef};

use crate::array;
use crate::fixed::put_fixed;
use crate::prefetch::fetch;
use crate::{Assignment, Checkpoint, RestoreError, Restorer, SaveError, Saver, SchemaBuilder};

impl<T: Checkpoint> Checkpoint for Option<T> {
    const MIN_LEN: usize = 1;
    const MAY_KEEP: bool = T::MAY_KEEP;

    #[inline]
    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        saver.bytes(&[u8::from(self.is_some())]);
        self.as_ref().map_or(Ok(()), |value| value.save(saver))
    }

    #[inline]
    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        match restorer.array()? {
            [0] => Ok(None),
            [1] => T::restore(restorer).map(Some),
            _ => Err(restorer.bad_value("Option")),
        }
    }

    fn stage(&self, restorer: &mut Restorer<'_>) -> Result<Assignment<Self>, RestoreError> {
        match self {
            Some(value) if T::MAY_KEEP && restorer.peek(Restorer::array)? == [1] => {
                restorer.array::<1>()?;
                let staged = value.stage(restorer)?;
                Ok(Assignment::new(move |this: &mut Self| {
                    if let Some(value) = this {
                        staged.apply(value);
                    }
                }))
            }
            _ => Assignment::whole(restorer),
        }
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        let inner = schema.of::<T>();
        schema.add(Type::Option(inner))
    }
}

impl<T: Checkpoint, const N: usize> Checkpoint for [T; N] {
    // A long run of numbers stands in a block, not among the values.
    const MIN_LEN: usize = if Self::PLAIN_LEN >= BLOCK_MIN { 0 } else { N * T::MIN_LEN };
    const MAY_KEEP: bool = T::MAY_KEEP;
    const PLAIN_LEN: usize = N * T::PLAIN_LEN;
    const FIXED_LEN: Option<usize> = match T::FIXED_LEN {
        Some(len) if Self::PLAIN_LEN < BLOCK_MIN => Some(N * len),
        _ => None,
    };

    #[inline]
    fn put_fixed(values: &Self, out: &mut [u8]) {
        let mut rest = out;
        for value in values {
            rest = put_fixed(value, rest);
        }
    }

    #[inline]
    fn get_fixed(bytes: &[u8], valid: &mut bool) -> Self {
        T::get_fixed_array(bytes, valid)
    }

    #[inline]
    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        T::save_slice(self, saver)
    }

    #[inline]
    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        T::restore_array(restorer)
    }

    fn stage(&self, restorer: &mut Restorer<'_>) -> Result<Assignment<Self>, RestoreError> {
        if !T::MAY_KEEP {
            return Assignment::whole(restorer);
        }
        let each = self.iter().map(|value| value.stage(restorer));
        let staged = each.collect::<Result<Vec<_>, _>>()?;
        Ok(Assignment::new(move |this: &mut Self| {
            this.iter_mut().zip(staged).for_each(|(value, staged)| staged.apply(value));
        }))
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        let inner = schema.element::<T>();
        schema.add(Type::Array(inner, N as u64))
    }

    #[inline]
    fn save_slice<'a>(slice: &'a [Self], saver: &mut Saver<'a>) -> Result<(), SaveError> {
        if T::PLAIN_LEN > 0 {
            T::save_slice(slice.as_flattened(), saver)
        } else if saver.fixed_slice(slice) {
            Ok(())
        } else {
            slice.iter().try_for_each(|value| {
                saver.follow();
                saver.one(value)
            })
        }
    }

    fn restore_vec(restorer: &mut Restorer<'_>, count: usize) -> Result<Vec<Self>, RestoreError> {
        let each = |restorer: &mut Restorer<'_>| {
            let mut values = Vec::with_capacity(restorer.capacity::<Self>(count));
            for _ in 0..count {
                let before = restorer.left();
                values.push(T::restore_array(restorer)?);
                restorer.count_empty::<Self>(before)?;
            }
            Ok(values)
        };
        if Self::PLAIN_LEN > 0 {
            restorer.in_run(count, Self::PLAIN_LEN, each)
        } else if let Some(values) = restorer.fixed_vec(count) {
            Ok(values)
        } else {
            each(restorer)
        }
    }

    fn restore_array<const M: usize>(
        restorer: &mut Restorer<'_>,
    ) -> Result<[Self; M], RestoreError> {
        let each = |restorer: &mut Restorer<'_>| array::try_from(|| T::restore_array(restorer));
        if Self::PLAIN_LEN > 0 { restorer.in_run(M, Self::PLAIN_LEN, each) } else { each(restorer) }
    }

    fn restore_boxed(restorer: &mut Restorer<'_>) -> Result<Box<Self>, RestoreError> {
        let values = T::restore_vec(restorer, N)?.into_boxed_slice();
        values.try_into().map_err(|_| restorer.bad_value("array"))
    }
}

impl<T: Checkpoint> Checkpoint for Vec<T> {
    const MIN_LEN: usize = 1;

    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        saver.container::<T>(self.len(), |saver| T::save_slice(self, saver))
    }

    #[inline]
    fn prefetch(values: &Self) {
        fetch(values);
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        if T::PLAIN_LEN > 0 {
            // How long the run may be is checked where it stands: it may be a block of its own.
            let count = restorer.read_len()?;
            let count = usize::try_from(count).map_err(|_| restorer.bad_value("length"))?;
            return restorer.nested::<T, _>(|restorer| T::restore_vec(restorer, count));
        }
        let count = restorer.count(T::MIN_LEN)?;
        restorer.nested::<T, _>(|restorer| T::restore_vec(restorer, count))
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        let inner = schema.element::<T>();
        schema.add(Type::Sequence(inner))
    }
}

impl<T: Checkpoint> Checkpoint for VecDeque<T> {
    const MIN_LEN: usize = 1;

    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        let (front, back) = self.as_slices();
        saver.container::<T>(self.len(), |saver| {
            if T::PLAIN_LEN > 0 && !back.is_empty() {
                // One run, as if the queue were in one piece.
                return saver.joined(|joined| {
                    T::save_slice(front, joined)?;
                    T::save_slice(back, joined)
                });
            }
            T::save_slice(front, saver)?;
            T::save_slice(back, saver)
        })
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        Vec::restore(restorer).map(Self::from)
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.of::<Vec<T>>()
    }
}
