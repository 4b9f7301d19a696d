//! Where a trace breaks off: what the other run does from there on is neither missing nor extra.

use super::load::Stream;
use super::pair::Difference;

/// Leaves out what only one run does after the last call that both have, where the other run's trace
/// ends before its thread does. Says how many calls of each run that are.
pub(super) fn known(
    left: &Stream,
    right: &Stream,
    mut found: Vec<Difference>,
) -> (Vec<Difference>, [u64; 2]) {
    let mut unknown = [0; 2];
    if !left.torn && !right.torn {
        return (found, unknown);
    }
    let missing = found.iter().filter_map(|difference| match difference {
        Difference::Missing(at, _) => Some(*at),
        _ => None,
    });
    let extra = found.iter().filter_map(|difference| match difference {
        Difference::Extra(_, at) => Some(*at),
        _ => None,
    });
    // Behind the last one that stands on both sides.
    let ends = [rest(left, missing.collect()), rest(right, extra.collect())];
    found.retain(|difference| {
        let (side, at, other) = match *difference {
            Difference::Missing(at, _) => (0, at, right),
            Difference::Extra(_, at) => (1, at, left),
            _ => return true,
        };
        let is_unknown = other.torn && at >= ends[side];
        unknown[side] += u64::from(is_unknown);
        !is_unknown
    });
    (found, unknown)
}

/// From where on all items are among these.
fn rest(stream: &Stream, mut alone: Vec<usize>) -> usize {
    alone.sort_unstable();
    let mut end = stream.items.len();
    while alone.pop().is_some_and(|at| at + 1 == end) {
        end -= 1;
    }
    end
}
