//! Arrays of what may fail to be made.

/// An array of what `make` makes; the first error ends it.
#[inline]
pub(crate) fn try_from<T, E, const N: usize>(
    mut make: impl FnMut() -> Result<T, E>,
) -> Result<[T; N], E> {
    let mut error = None;
    let values: [Option<T>; N] = core::array::from_fn(|_| {
        if error.is_some() {
            return None;
        }
        make().map_err(|e| error = Some(e)).ok()
    });
    match error {
        Some(error) => Err(error),
        #[expect(clippy::unwrap_used, reason = "each is `Some`, or there were an error")]
        None => Ok(values.map(|value| value.unwrap())),
    }
}

#[cfg(test)]
mod tests {
    use super::try_from;

    #[test]
    fn the_first_error_ends_it() {
        let mut made = 0;
        let mut make = |most: u32| {
            made += 1;
            if made > most { Err(made) } else { Ok(made) }
        };
        assert_eq!(try_from(|| make(3)), Ok([1, 2, 3]));
        assert_eq!(try_from::<_, _, 9>(|| make(5)), Err(6));
        assert_eq!(made, 6);
    }
}
