//! From two streams of calls to the places where they differ.

use super::align::{Stretch, align};
use super::bind::Binding;
use super::load::{Item, Stream};
use super::order;

/// One place where two streams differ; indices of items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    /// Both make the call, and something about it differs.
    Changed(usize, usize),
    /// Both make the same call, on descriptors that do not stand for each other.
    Rebound(usize, usize),
    /// Only the left one makes it; on the right it would stand before this item.
    Missing(usize, usize),
    /// Only the right one makes it; on the left it would stand before this item.
    Extra(usize, usize),
    /// Both make the same call, elsewhere among the others; whether it is one of a row of its like.
    Moved(usize, usize, bool),
}

impl Difference {
    /// The calls that it is about, on the left and on the right.
    pub(crate) const fn calls(self) -> (Option<usize>, Option<usize>) {
        match self {
            Self::Changed(left, right)
            | Self::Rebound(left, right)
            | Self::Moved(left, right, _) => (Some(left), Some(right)),
            Self::Missing(left, _) => (Some(left), None),
            Self::Extra(_, right) => (None, Some(right)),
        }
    }

    /// Where it stands on the left.
    pub(crate) const fn left(self) -> usize {
        match self {
            Self::Changed(left, _)
            | Self::Rebound(left, _)
            | Self::Missing(left, _)
            | Self::Moved(left, ..)
            | Self::Extra(left, _) => left,
        }
    }

    /// Where it stands on the right.
    pub(crate) const fn right(self) -> usize {
        match self {
            Self::Changed(_, right)
            | Self::Rebound(_, right)
            | Self::Missing(_, right)
            | Self::Moved(_, right, _)
            | Self::Extra(_, right) => right,
        }
    }
}

/// The items of a stream that take part, by index.
pub(crate) fn taking_part(stream: &Stream, is_left_out: impl Fn(&Item) -> bool) -> Vec<usize> {
    (0..stream.items.len()).filter(|&at| !is_left_out(&stream.items[at])).collect()
}

/// Aligns two streams.
pub(crate) fn differences(
    left: (&Stream, &[usize]),
    right: (&Stream, &[usize]),
    binding: &mut Binding,
) -> Vec<Difference> {
    let keys = |(stream, at): (&Stream, &[usize]), key: fn(&Item) -> u64| -> Vec<u64> {
        at.iter().map(|&at| key(&stream.items[at])).collect()
    };
    let mut out = Vec::new();
    let stretches = align(&keys(left, |item| item.full), &keys(right, |item| item.full));
    for stretch in stretches {
        match stretch {
            Stretch::Equal(ls, rs) => {
                for (l, r) in ls.zip(rs) {
                    let (l, r) = (left.1[l], right.1[r]);
                    if !agree(left.0, l, right.0, r, binding) {
                        out.push(Difference::Rebound(l, r));
                    }
                }
            }
            Stretch::Different(ls, rs) => {
                let left = (left.0, &left.1[ls.clone()], left.1.get(ls.end));
                let right = (right.0, &right.1[rs.clone()], right.1.get(rs.end));
                explain(left, right, binding, &mut out);
            }
        }
    }
    order::tell(left.0, right.0, out)
}

/// A stretch of a stream: its items, and the one after it.
type Part<'a> = (&'a Stream, &'a [usize], Option<&'a usize>);

/// Pairs the calls of a stretch that differ only in their details.
fn explain(left: Part<'_>, right: Part<'_>, binding: &mut Binding, out: &mut Vec<Difference>) {
    let shapes =
        |part: Part<'_>| -> Vec<u64> { part.1.iter().map(|&at| part.0.items[at].shape).collect() };
    let numbers =
        |part: Part<'_>| -> Vec<u64> { part.1.iter().map(|&at| part.0.items[at].number).collect() };
    let after = |part: Part<'_>| part.2.copied().unwrap_or(part.0.items.len());
    for stretch in align(&shapes(left), &shapes(right)) {
        match stretch {
            Stretch::Equal(ls, rs) => {
                for (l, r) in ls.zip(rs) {
                    let (l, r) = (left.1[l], right.1[r]);
                    out.extend(both((left.0, l), (right.0, r), binding));
                }
            }
            Stretch::Different(ls, rs) => {
                let l_part = (left.0, &left.1[ls.clone()], left.1.get(ls.end).or(left.2));
                let r_part = (right.0, &right.1[rs.clone()], right.1.get(rs.end).or(right.2));
                for stretch in align(&numbers(l_part), &numbers(r_part)) {
                    match stretch {
                        Stretch::Equal(ls, rs) => {
                            for (l, r) in ls.zip(rs) {
                                let (l, r) = (l_part.1[l], r_part.1[r]);
                                out.extend(both((left.0, l), (right.0, r), binding));
                            }
                        }
                        Stretch::Different(ls, rs) => {
                            let r_at = r_part.1.get(rs.start).copied().unwrap_or(after(r_part));
                            let l_at = l_part.1.get(ls.end).copied().unwrap_or(after(l_part));
                            let missing = l_part.1[ls].iter();
                            out.extend(missing.map(|&at| Difference::Missing(at, r_at)));
                            let extra = r_part.1[rs].iter();
                            out.extend(extra.map(|&at| Difference::Extra(l_at, at)));
                        }
                    }
                }
            }
        }
    }
}

/// How two calls that stand for each other differ. They may not: what is too long to be aligned call
/// by call holds equal ones as well. What a call makes stands for each other even if it differs.
fn both(
    (left, l): (&Stream, usize),
    (right, r): (&Stream, usize),
    binding: &mut Binding,
) -> Option<Difference> {
    let agreed = agree(left, l, right, r, binding);
    if left.items[l].full != right.items[r].full {
        Some(Difference::Changed(l, r))
    } else {
        (!agreed).then_some(Difference::Rebound(l, r))
    }
}

/// Whether the descriptors of two calls stand for each other; learns those that are new.
fn agree(left: &Stream, l: usize, right: &Stream, r: usize, binding: &mut Binding) -> bool {
    let ours = left.objects(&left.items[l]);
    let theirs = right.objects(&right.items[r]);
    let mut all = true;
    for (ours, theirs) in ours.iter().zip(theirs) {
        all &= binding.agree(*ours, *theirs);
    }
    all
}
