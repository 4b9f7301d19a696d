//! The same calls in another order.
//!
//! An alignment tells a call that moved as one that is missing here and another one that is extra
//! there, or as a row of calls that each hand over something else. Both are told as what they are.

use std::collections::HashMap;

use super::load::Stream;
use super::pair::Difference;

/// A call that moved farther than this counts as missing and extra.
const FARTHEST: usize = 1000;

/// Tells what moved from what differs.
pub(super) fn tell(left: &Stream, right: &Stream, found: Vec<Difference>) -> Vec<Difference> {
    if found.len() < 2 {
        return found;
    }
    let alone = pairs(left, right, &found, |difference| match difference {
        Difference::Missing(at, _) => (Some(at), None),
        Difference::Extra(_, at) => (None, Some(at)),
        _ => (None, None),
    });
    let changed = pairs(left, right, &found, |difference| match difference {
        Difference::Changed(l, r) => (Some(l), Some(r)),
        _ => (None, None),
    });
    let came: HashMap<usize, usize> = changed.iter().map(|(l, r)| (*r, *l)).collect();
    let taken: HashMap<usize, usize> = alone.iter().map(|(l, r)| (*r, *l)).collect();
    let one = |difference| match difference {
        Difference::Missing(at, _) => match alone.get(&at) {
            Some(&other) => Some(moved(left, right, at, other)),
            None => Some(difference),
        },
        // It is told where it stands on the left.
        Difference::Extra(_, at) => (!taken.contains_key(&at)).then_some(difference),
        Difference::Changed(l, r) => match changed.get(&l) {
            Some(&other) if came.contains_key(&r) => Some(Difference::Moved(l, other, true)),
            _ => Some(difference),
        },
        _ => Some(difference),
    };
    found.into_iter().filter_map(one).collect()
}

/// Calls that stand on both sides, among those that differ: left to right.
fn pairs(
    left: &Stream,
    right: &Stream,
    found: &[Difference],
    sides: impl Fn(Difference) -> (Option<usize>, Option<usize>),
) -> HashMap<usize, usize> {
    // In the order in which they stand there, the last one first.
    let mut there: HashMap<u64, Vec<usize>> = HashMap::new();
    for at in found.iter().rev().filter_map(|difference| sides(*difference).1) {
        there.entry(right.items[at].full).or_default().push(at);
    }
    let mut pairs = HashMap::new();
    for at in found.iter().filter_map(|difference| sides(*difference).0) {
        let Some(others) = there.get_mut(&left.items[at].full) else { continue };
        // What is too far before is never near again.
        while others.last().is_some_and(|other| other + FARTHEST < at) {
            others.pop();
        }
        if others.last().is_some_and(|other| *other <= at + FARTHEST)
            && let Some(other) = others.pop()
        {
            pairs.insert(at, other);
        }
    }
    pairs
}

/// A call that stands elsewhere: in a row of its like, as what comes out of a container, or among
/// others.
fn moved(left: &Stream, right: &Stream, at: usize, other: usize) -> Difference {
    let among = |stream: &Stream, at: usize| {
        let like = |near: Option<usize>| {
            near.and_then(|near| stream.items.get(near))
                .is_some_and(|near| near.shape == stream.items[at].shape)
        };
        like(at.checked_sub(1)) || like(at.checked_add(1))
    };
    Difference::Moved(at, other, among(left, at) && among(right, other))
}

/// Whether two byte strings consist of the same pieces in another order: lines, words, or numbers
/// of a fixed width.
pub(super) fn same_pieces(ours: &[u8], theirs: &[u8]) -> bool {
    if ours.len() != theirs.len() || ours.len() < 2 || !same_bytes(ours, theirs) {
        return false;
    }
    let is_text = |bytes: &[u8]| {
        bytes.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
    };
    if is_text(ours) && is_text(theirs) {
        // A digit that moved within a number is another number.
        let within = |byte: &u8| !(byte.is_ascii_alphanumeric() || b"._-+".contains(byte));
        return by_separator(ours, theirs, within);
    }
    [16, 8, 4].into_iter().any(|width| {
        ours.len().is_multiple_of(width)
            && ours.len() >= 2 * width
            && sorted(ours.chunks(width)) == sorted(theirs.chunks(width))
    }) || in_places(ours, theirs)
}

/// So many equal bytes end a place that differs.
const APART: usize = 8;
/// In fewer bytes than this, other values can have the same bytes.
const LEAST: usize = 4;

/// Whether every place that differs holds the same bytes in another order: entries of a length of
/// their own each, as formats write them that save room.
fn in_places(ours: &[u8], theirs: &[u8]) -> bool {
    let differs = |at: &usize| ours[*at] != theirs[*at];
    let same = |start: usize, end: usize| {
        let (mut ours, mut theirs) = (ours[start..end].to_vec(), theirs[start..end].to_vec());
        ours.sort_unstable();
        theirs.sort_unstable();
        end - start >= LEAST && ours == theirs
    };
    let mut place: Option<(usize, usize)> = None;
    for at in (0..ours.len()).filter(differs) {
        place = match place {
            Some((start, end)) if at - end < APART => Some((start, at + 1)),
            Some((start, end)) if !same(start, end) => return false,
            _ => Some((at, at + 1)),
        };
    }
    place.is_some_and(|(start, end)| same(start, end))
}

/// Whether each byte stands as often in both: also those between the pieces.
fn same_bytes(ours: &[u8], theirs: &[u8]) -> bool {
    let mut counts = [0_i64; 256];
    for (ours, theirs) in ours.iter().zip(theirs) {
        counts[usize::from(*ours)] += 1;
        counts[usize::from(*theirs)] -= 1;
    }
    counts.iter().all(|count| *count == 0)
}

fn by_separator(ours: &[u8], theirs: &[u8], is_separator: impl Fn(&u8) -> bool + Copy) -> bool {
    let pieces = |bytes| <[u8]>::split(bytes, is_separator).filter(|piece| !piece.is_empty());
    // Where the order is the same, it is something else that differs.
    if pieces(ours).eq(pieces(theirs)) {
        return false;
    }
    let (ours, theirs) = (sorted(pieces(ours)), sorted(pieces(theirs)));
    ours.len() > 1 && ours == theirs
}

fn sorted<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<&'a [u8]> {
    let mut all: Vec<_> = pieces.collect();
    all.sort_unstable();
    all
}

#[cfg(test)]
mod tests {
    use super::same_pieces;

    #[test]
    fn pieces_in_another_order_are_told_from_other_pieces() {
        assert!(same_pieces(b"a=1, b=2\n", b"b=2, a=1\n"));
        assert!(same_pieces(b"one\ntwo\n", b"two\none\n"));
        assert!(!same_pieces(b"value 144\n", b"value 414\n"), "another number");
        assert!(!same_pieces(b"a=1, b=2\n", b"b=2, a=3\n"));
        assert!(same_pieces(b"\x01\0\0\0\x02\0\0\0", b"\x02\0\0\0\x01\0\0\0"));
        assert!(!same_pieces(b"\x01\0\0\0\x02\0\0\0", b"\x02\0\0\0\x03\0\0\0"));
        assert!(!same_pieces(b"one", b"two!"));
        assert!(!same_pieces(b"it does \n", b"it does!\n"), "other bytes between the pieces");
        assert!(!same_pieces(b"b, a;c", b"a;b:c "), "another order, and other bytes between");
        assert!(!same_pieces(b"a, b;c", b"a;b, c"), "the order is the same");
        assert!(same_pieces(b"one, two;", b"two, one;"));
        // Entries of two bytes and of three, and what stands behind them.
        let (ours, theirs) =
            (b"\xff\x01\x02\xc8\x03\x09 and\0more", b"\xff\xc8\x03\x09\x01\x02 and\0more");
        assert!(same_pieces(ours, theirs));
        assert!(!same_pieces(b"\xff\x01\x02 and\0", b"\xff\x02\x01 and\0"), "another number");
        assert!(!same_pieces(b"\xff\x01\x02\xc8\x03\x09", b"\xff\xc8\x03\x09\x01\x04"));
    }
}
