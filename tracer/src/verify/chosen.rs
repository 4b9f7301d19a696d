//! From which checkpoints to restore.

/// Which of the checkpoints are restored from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// All of them.
    #[default]
    All,
    /// The first of every so many, and the last one.
    Every(usize),
    /// So many, spread evenly: the first and the last one among them.
    Sample(usize),
}

impl Which {
    /// The chosen ones of `count`, from 0, in order.
    pub(super) fn of(self, count: usize) -> Vec<usize> {
        let Some(last) = count.checked_sub(1) else { return Vec::new() };
        let mut chosen: Vec<usize> = match self {
            Self::All => (0..count).collect(),
            Self::Every(every) => (0..count).step_by(every.max(1)).chain([last]).collect(),
            Self::Sample(0 | 1) => vec![0],
            Self::Sample(some) => {
                let steps = some - 1;
                (0..some).map(|at| (at * last + steps / 2) / steps).collect()
            }
        };
        chosen.dedup();
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::Which;

    #[test]
    fn the_first_and_the_last_are_always_among_them() {
        assert_eq!(Which::All.of(3), [0, 1, 2]);
        assert_eq!(Which::Every(2).of(6), [0, 2, 4, 5]);
        assert_eq!(Which::Every(0).of(2), [0, 1]);
        assert_eq!(Which::Sample(3).of(21), [0, 10, 20]);
        assert_eq!(Which::Sample(9).of(3), [0, 1, 2]);
        assert_eq!(Which::Sample(1).of(3), [0]);
        for count in 0..40 {
            for some in 2..9 {
                let chosen = Which::Sample(some).of(count);
                assert_eq!(chosen.len(), some.min(count), "{some} of {count}: {chosen:?}");
                assert!(chosen.is_sorted() && chosen.iter().all(|at| *at < count));
            }
        }
    }
}
