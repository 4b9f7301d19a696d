//! How many bytes the values take, by their places in the types.

use samestate_schema::path::{FieldPath, Step};

/// What the values at one place in the types take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Size {
    /// The place; all elements of a container share one.
    pub path: FieldPath,
    /// How many bytes they take with all that is below them, before any compression.
    pub bytes: u64,
    /// How many values there are. A run of numbers is one.
    pub count: u64,
}

/// A tree of places, and where in it the reader is.
pub(super) struct Tally {
    root: FieldPath,
    nodes: Vec<Node>,
    /// The way to where the reader is: nodes, and how many bytes were read before each.
    way: Vec<(usize, u64)>,
}

struct Node {
    /// How it differs from the one above; `None` for the root.
    step: Option<Step>,
    parent: usize,
    children: Vec<usize>,
    bytes: u64,
    count: u64,
}

impl Tally {
    pub(super) fn new(root: FieldPath) -> Self {
        let node = Node { step: None, parent: 0, children: Vec::new(), bytes: 0, count: 0 };
        Self { root, nodes: vec![node], way: vec![(0, 0)] }
    }

    /// Goes one step down, when `total` bytes were read.
    pub(super) fn enter(&mut self, step: &Step, total: u64) {
        let place = match step {
            Step::Index(_) => &Step::Elements,
            Step::Entry(_) => &Step::Values,
            other => other,
        };
        let parent = self.way.last().map_or(0, |(node, _)| *node);
        let is_it = |node: &&usize| self.nodes[**node].step.as_ref() == Some(place);
        let known = self.nodes[parent].children.iter().find(is_it).copied();
        let node = known.unwrap_or_else(|| {
            let node = self.nodes.len();
            let (step, children) = (Some(place.clone()), Vec::new());
            self.nodes.push(Node { step, parent, children, bytes: 0, count: 0 });
            self.nodes[parent].children.push(node);
            node
        });
        self.way.push((node, total));
    }

    /// Goes back up, when `total` bytes were read.
    pub(super) fn leave(&mut self, total: u64) {
        if let Some((node, before)) = self.way.pop() {
            self.nodes[node].bytes += total - before;
            self.nodes[node].count += 1;
        }
    }

    /// The largest first; of equal ones, those further up.
    pub(super) fn into_sizes(self) -> Vec<Size> {
        let mut sizes: Vec<Size> = Vec::with_capacity(self.nodes.len());
        // Parents come before their children.
        for node in &self.nodes {
            let path = match &node.step {
                None => self.root.clone(),
                Some(step) => sizes[node.parent].path.join(step.clone()),
            };
            sizes.push(Size { path, bytes: node.bytes, count: node.count });
        }
        sizes.sort_by_key(|size| std::cmp::Reverse(size.bytes));
        sizes
    }
}
