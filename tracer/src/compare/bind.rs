//! Which object of one run is which of the other: learned from calls that agree, and checked ever
//! after.

use std::collections::HashMap;

/// One to one, both ways.
#[derive(Debug, Default)]
pub(crate) struct Binding {
    right: HashMap<u32, u32>,
    left: HashMap<u32, u32>,
}

impl Binding {
    /// The two stand for each other from here on, unless one of them already stands for another;
    /// whether they do now.
    pub(crate) fn agree(&mut self, left: u32, right: u32) -> bool {
        match (self.right.get(&left), self.left.get(&right)) {
            (None, None) => {
                self.right.insert(left, right);
                self.left.insert(right, left);
                true
            }
            (Some(known), _) => *known == right,
            (None, Some(_)) => false,
        }
    }

    /// All pairs.
    pub(crate) fn pairs(&self) -> Vec<(u32, u32)> {
        let mut pairs: Vec<_> = self.right.iter().map(|(left, right)| (*left, *right)).collect();
        pairs.sort_unstable();
        pairs
    }
}
