use samestate_image::layout::{DEPTH_FREE, DEPTH_LIMIT, DEPTH_UNIT, EMPTY_MEMORY, EMPTY_WEIGHT};

/// How deep in boxes and containers a value stands. Saving and restoring count alike, so that
/// what was saved can be restored.
///
/// Restoring passes values over the stack, so what counts is not only how many levels there are
/// but also how large their values are: a chain of large nodes ends earlier.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Depth {
    levels: u32,
    weight: u64,
}

impl Depth {
    /// Inside a container of `T`; `None` if that is too deep.
    pub(crate) fn below<T>(self) -> Option<Self> {
        let weight = self.weight + 1 + (size_of::<T>() / DEPTH_UNIT) as u64;
        let levels = self.levels + 1;
        let fits = levels <= DEPTH_FREE || weight <= u64::from(DEPTH_LIMIT);
        fits.then_some(Self { levels, weight })
    }
}

/// How much memory may still go into values that take no bytes of the image: nothing else bounds
/// their number. Saving and restoring count alike.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Empty {
    left: u64,
}

impl Default for Empty {
    fn default() -> Self {
        Self { left: EMPTY_MEMORY }
    }
}

impl Empty {
    /// Counts a `T`; `None` if that is too much.
    pub(crate) fn one<T>(&mut self) -> Option<()> {
        self.left = self.left.checked_sub((size_of::<T>() as u64).max(EMPTY_WEIGHT))?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::Depth;

    fn deepest<T>() -> usize {
        let steps = std::iter::successors(Some(Depth::default()), |depth| depth.below::<T>());
        steps.count() - 1
    }

    #[test]
    fn large_values_nest_less_deeply() {
        assert_eq!(deepest::<u8>(), 256);
        assert_eq!(deepest::<[u8; 511]>(), 256);
        assert_eq!(deepest::<[u8; 512]>(), 128);
        assert_eq!(deepest::<[u8; 4096]>(), 28);
        assert_eq!(deepest::<[u8; 1 << 20]>(), 8);
    }
}
