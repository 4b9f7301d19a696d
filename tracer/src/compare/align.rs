//! Aligning two sequences of keys, in time that stays near to linear whatever they hold.

use std::collections::HashMap;
use std::ops::Range;

/// A stretch of both sequences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stretch {
    /// The same keys, one for one; both ranges have the same length.
    Equal(Range<usize>, Range<usize>),
    /// Different keys, and not both ranges are empty.
    Different(Range<usize>, Range<usize>),
}

/// Two stretches that differ by more than this many keys are not taken apart by edit distance.
const MOST_EDITS: usize = 1000;
/// Up to this many keys altogether, edit distance comes first: it finds the shortest difference.
const SMALL: usize = 2000;
/// Anchors within anchors within anchors, up to here.
const DEEPEST: usize = 24;

/// Aligns two sequences.
pub(crate) fn align(left: &[u64], right: &[u64]) -> Vec<Stretch> {
    let mut aligner = Aligner { left, right, out: Vec::new() };
    aligner.stretch(0..left.len(), 0..right.len(), 0);
    aligner.out
}

struct Aligner<'a> {
    left: &'a [u64],
    right: &'a [u64],
    out: Vec<Stretch>,
}

impl Aligner<'_> {
    fn stretch(&mut self, left: Range<usize>, right: Range<usize>, depth: usize) {
        let most = left.len().min(right.len());
        let same = |(l, r): &(usize, usize)| self.left[*l] == self.right[*r];
        let front = left.clone().zip(right.clone()).take_while(same).count();
        let back = left.clone().rev().zip(right.clone().rev()).take(most - front);
        let back = back.take_while(same).count();
        self.equal(left.start, right.start, front);
        let inner_left = left.start + front..left.end - back;
        let inner_right = right.start + front..right.end - back;
        self.different(inner_left.clone(), inner_right.clone(), depth);
        self.equal(inner_left.end, inner_right.end, back);
    }

    /// What begins and ends with different keys.
    fn different(&mut self, left: Range<usize>, right: Range<usize>, depth: usize) {
        if left.is_empty() || right.is_empty() {
            self.push(Stretch::Different(left, right));
            return;
        }
        let small = left.len() + right.len() <= SMALL;
        let anchors = if small || depth >= DEEPEST {
            Vec::new()
        } else {
            self.anchors(left.clone(), right.clone())
        };
        if anchors.is_empty() {
            self.shortest(left, right);
            return;
        }
        let (mut l, mut r) = (left.start, right.start);
        for (anchor_left, anchor_right) in anchors {
            self.stretch(l..anchor_left, r..anchor_right, depth + 1);
            self.equal(anchor_left, anchor_right, 1);
            (l, r) = (anchor_left + 1, anchor_right + 1);
        }
        self.stretch(l..left.end, r..right.end, depth + 1);
    }

    /// Pairs of keys that occur once on either side, in the same order on both.
    fn anchors(&self, left: Range<usize>, right: Range<usize>) -> Vec<(usize, usize)> {
        let mut seen: HashMap<u64, (usize, usize, usize)> = HashMap::new();
        for at in left {
            let entry = seen.entry(self.left[at]).or_insert((0, at, 0));
            entry.0 += 1;
        }
        let mut on_right: HashMap<u64, u32> = HashMap::new();
        for at in right {
            *on_right.entry(self.right[at]).or_default() += 1;
            if let Some(entry) = seen.get_mut(&self.right[at]) {
                entry.2 = at;
            }
        }
        let mut pairs: Vec<_> = seen
            .into_iter()
            .filter(|(key, (count, ..))| *count == 1 && on_right.get(key) == Some(&1))
            .map(|(_, (_, l, r))| (l, r))
            .collect();
        pairs.sort_unstable();
        rising(&pairs)
    }

    /// The shortest edit script (Myers, 1986), unless it is too long.
    fn shortest(&mut self, left: Range<usize>, right: Range<usize>) {
        let (a, b) = (&self.left[left.clone()], &self.right[right.clone()]);
        let Some(pairs) = shortest(a, b) else {
            self.push(Stretch::Different(left, right));
            return;
        };
        let (mut l, mut r) = (left.start, right.start);
        for (pair_left, pair_right) in pairs {
            let (pair_left, pair_right) = (left.start + pair_left, right.start + pair_right);
            if l < pair_left || r < pair_right {
                self.push(Stretch::Different(l..pair_left, r..pair_right));
            }
            self.equal(pair_left, pair_right, 1);
            (l, r) = (pair_left + 1, pair_right + 1);
        }
        if l < left.end || r < right.end {
            self.push(Stretch::Different(l..left.end, r..right.end));
        }
    }

    fn equal(&mut self, left: usize, right: usize, count: usize) {
        if count == 0 {
            return;
        }
        if let Some(Stretch::Equal(l, r)) = self.out.last_mut()
            && l.end == left
            && r.end == right
        {
            l.end += count;
            r.end += count;
            return;
        }
        self.out.push(Stretch::Equal(left..left + count, right..right + count));
    }

    fn push(&mut self, stretch: Stretch) {
        if let Stretch::Different(left, right) = &stretch {
            if left.is_empty() && right.is_empty() {
                return;
            }
            if let Some(Stretch::Different(l, r)) = self.out.last_mut()
                && l.end == left.start
                && r.end == right.start
            {
                l.end = left.end;
                r.end = right.end;
                return;
            }
        }
        self.out.push(stretch);
    }
}

/// The longest run of pairs that rise on both sides; they rise on the left already.
fn rising(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // tails[n] is the index of the pair that ends the best run of n + 1 pairs.
    let mut tails: Vec<usize> = Vec::new();
    let mut before = vec![usize::MAX; pairs.len()];
    for (at, (_, right)) in pairs.iter().enumerate() {
        let length = tails.partition_point(|&tail| pairs[tail].1 < *right);
        if length > 0 {
            before[at] = tails[length - 1];
        }
        if length == tails.len() {
            tails.push(at);
        } else {
            tails[length] = at;
        }
    }
    let mut run = Vec::new();
    let mut at = tails.last().copied().unwrap_or(usize::MAX);
    while let Some(pair) = pairs.get(at) {
        run.push(*pair);
        at = before[at];
    }
    run.reverse();
    run
}

/// The pairs of equal keys along a shortest edit script; `None` if it takes too many edits.
fn shortest(a: &[u64], b: &[u64]) -> Option<Vec<(usize, usize)>> {
    let most = (a.len() + b.len()).min(2 * MOST_EDITS);
    // Diagonal k is at index k + middle; it holds how far along `a` one gets.
    let middle = most + 1;
    let mut far = vec![0_usize; 2 * middle + 1];
    let mut history: Vec<Vec<usize>> = Vec::new();
    for edits in 0..=most {
        history.push(far[middle - edits..=middle + edits].to_vec());
        for step in 0..=edits {
            let diagonal = middle + 2 * step - edits;
            let down = step == 0 || (step != edits && far[diagonal - 1] < far[diagonal + 1]);
            let mut x = if down { far[diagonal + 1] } else { far[diagonal - 1] + 1 };
            let mut y = x + middle - diagonal;
            while x < a.len() && y < b.len() && a[x] == b[y] {
                x += 1;
                y += 1;
            }
            far[diagonal] = x;
            if x >= a.len() && y >= b.len() {
                return Some(walk_back(a, b, &history));
            }
        }
    }
    None
}

/// The pairs on the way that [`shortest`] took. `history[d]` holds how far the diagonals from
/// `-d` to `d` were before the edit number `d`.
fn walk_back(a: &[u64], b: &[u64], history: &[Vec<usize>]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    let (mut x, mut y) = (a.len(), b.len());
    for (edits, far) in history.iter().enumerate().rev() {
        if edits == 0 {
            break;
        }
        // Index of diagonal k in `far` is k + edits; k = x - y.
        let at = x + edits - y;
        let down = at == 0 || (at != 2 * edits && far[at - 1] < far[at + 1]);
        let before = if down { at + 1 } else { at - 1 };
        let from_x = far[before];
        let from_y = from_x + edits - before;
        while x > from_x && y > from_y && a[x - 1] == b[y - 1] {
            x -= 1;
            y -= 1;
            pairs.push((x, y));
        }
        (x, y) = (from_x, from_y);
    }
    while x > 0 && y > 0 {
        x -= 1;
        y -= 1;
        pairs.push((x, y));
    }
    pairs.reverse();
    pairs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Stretch, align};

    /// Both sequences are covered once, in order, and equal stretches are equal.
    fn check(left: &[u64], right: &[u64]) -> usize {
        let (mut l, mut r, mut edits) = (0, 0, 0);
        for stretch in align(left, right) {
            let (Stretch::Equal(ls, rs) | Stretch::Different(ls, rs)) = &stretch;
            assert_eq!((ls.start, rs.start), (l, r));
            assert!(!(ls.is_empty() && rs.is_empty()));
            match &stretch {
                Stretch::Equal(ls, rs) => assert_eq!(left[ls.clone()], right[rs.clone()]),
                Stretch::Different(ls, rs) => edits += ls.len() + rs.len(),
            }
            (l, r) = (ls.end, rs.end);
        }
        assert_eq!((l, r), (left.len(), right.len()));
        edits
    }

    /// The length of the shortest edit script, by the book.
    fn distance(left: &[u64], right: &[u64]) -> usize {
        let mut row: Vec<usize> = (0..=right.len()).collect();
        for (i, l) in left.iter().enumerate() {
            let mut diagonal = row[0];
            row[0] = i + 1;
            for (j, r) in right.iter().enumerate() {
                let above = row[j + 1];
                row[j + 1] = if l == r { diagonal } else { 1 + above.min(row[j]) };
                diagonal = above;
            }
        }
        row[right.len()]
    }

    proptest! {
        #[test]
        fn covers_both_and_is_shortest_where_it_is_small(
            left in prop::collection::vec(0_u64..4, 0..40),
            right in prop::collection::vec(0_u64..4, 0..40),
        ) {
            prop_assert_eq!(check(&left, &right), distance(&left, &right));
            prop_assert_eq!(check(&left, &left), 0);
        }
    }

    #[test]
    fn finds_two_edits_in_a_long_sequence() {
        let left: Vec<u64> = (0..200_000).map(|n| n % 5000 * 7).collect();
        let mut right = left.clone();
        right.remove(70_000);
        right[150_000] = 1;
        assert_eq!(check(&left, &right), 3);
    }

    #[test]
    fn gives_up_on_what_has_nothing_in_common_without_taking_for_ever() {
        let left: Vec<u64> = (0..100_000).collect();
        let right: Vec<u64> = (0..100_000).map(|n| n + 1_000_000).collect();
        assert_eq!(check(&left, &right), 200_000);
    }
}
