//! Keys of nodes of a graph that tell exactly what each node leads to, however deep.
//!
//! Nodes from which the same can be seen have the same key, in whatever graph they stand; nodes
//! from which something else can be seen, however far away, have another. What lies on no cycle
//! is hashed from the leaves up. A cycle is refined until its nodes fall apart no further; the
//! key of each is then its class together with the whole table of classes and where they lead, so
//! that cycles that look alike for a while and differ later have no key in common.

use xxhash_rust::xxh3::xxh3_128;

/// Hash of everything that a node leads to.
pub(super) type Key = u128;

/// Where the edges of nodes lead: below the number of nodes to one of them, above it to a
/// `fixed` hash. Each node's edges follow those of the node before it.
#[derive(Debug, Default)]
pub(super) struct Edges {
    targets: Vec<u32>,
    ends: Vec<u32>,
    fixed: Vec<u128>,
    nodes: u32,
}

impl Edges {
    /// No edges yet, for this many nodes.
    pub(super) fn new(nodes: usize) -> Result<Self, String> {
        let nodes = u32::try_from(nodes).ok().filter(|&nodes| nodes < u32::MAX / 2);
        let nodes = nodes.ok_or_else(|| "too many types".to_owned())?;
        // A type leads to two others on average, and to nothing where it could lead to one.
        let targets = Vec::with_capacity(nodes as usize * 3);
        Ok(Self { nodes, targets, ends: Vec::with_capacity(nodes as usize), ..Self::default() })
    }

    /// The next edge of the node whose turn it is leads to this node.
    pub(super) fn node(&mut self, index: u32) {
        self.targets.push(index);
    }

    /// The next edge leads out of the graph, to what this hash stands for.
    pub(super) fn out(&mut self, hash: u128) {
        // Most that lead out lead to nothing.
        if self.fixed.last() != Some(&hash) {
            self.fixed.push(hash);
        }
        #[expect(clippy::cast_possible_truncation, reason = "checked in `end_node`")]
        let index = (self.fixed.len() - 1) as u32;
        self.targets.push(self.nodes.wrapping_add(index));
    }

    /// The next node's turn.
    pub(super) fn end_node(&mut self) -> Result<(), String> {
        let end = u32::try_from(self.targets.len()).ok().filter(|&end| end < u32::MAX / 2);
        self.ends.push(end.ok_or_else(|| "too many references between types".to_owned())?);
        Ok(())
    }

    fn of(&self, node: u32) -> &[u32] {
        let start = match node {
            0 => 0,
            node => self.ends[node as usize - 1],
        };
        &self.targets[start as usize..self.ends[node as usize] as usize]
    }
}

/// The keys of all nodes. Where a cycle cannot be told apart in bounded time, its nodes get keys
/// of their own, made from `salt`: they are then equal to nothing, which is never wrong.
pub(super) fn keys(shallow: &[u128], edges: &Edges, salt: u128) -> Vec<Key> {
    let mut work = Work {
        shallow,
        edges,
        salt,
        keys: vec![0; shallow.len()],
        state: vec![UNSEEN; shallow.len()],
        budget: shallow.len() as u64 * 64 + (1 << 20),
        buffer: Vec::new(),
    };
    work.run();
    work.keys
}

/// Not met yet.
const UNSEEN: u32 = u32::MAX;
/// Its key is known.
const DONE: u32 = u32::MAX - 1;

struct Work<'a> {
    shallow: &'a [u128],
    edges: &'a Edges,
    salt: u128,
    keys: Vec<Key>,
    /// `UNSEEN`, `DONE`, or the least place in `path` that the node leads back to.
    state: Vec<u32>,
    /// How many more hashes cycles may cost.
    budget: u64,
    buffer: Vec<u8>,
}

impl Work<'_> {
    /// Tarjan's strongly connected components, without recursion: types nest as deep as they like.
    fn run(&mut self) {
        // Nodes whose component is not complete, and the nodes on the way to the current one:
        // each with the next of its edges and its place in `path`.
        let mut path: Vec<u32> = Vec::new();
        let mut stack: Vec<(u32, u32, u32)> = Vec::new();
        for start in 0..self.edges.nodes {
            if self.state[start as usize] != UNSEEN {
                continue;
            }
            self.enter(start, &mut path, &mut stack);
            while let Some((node, next, place)) = stack.pop() {
                if let Some(&target) = self.edges.of(node).get(next as usize) {
                    stack.push((node, next + 1, place));
                    if target >= self.edges.nodes {
                        continue;
                    }
                    match self.state[target as usize] {
                        UNSEEN => self.enter(target, &mut path, &mut stack),
                        DONE => {}
                        back => self.lower(node, back),
                    }
                    continue;
                }
                let least = self.state[node as usize];
                if least == place {
                    let component = path.split_off(place as usize);
                    self.complete(&component);
                } else if let Some(&(parent, ..)) = stack.last() {
                    self.lower(parent, least);
                }
            }
        }
    }

    fn enter(&mut self, node: u32, path: &mut Vec<u32>, stack: &mut Vec<(u32, u32, u32)>) {
        // There are fewer nodes than fit a `u32`.
        #[expect(clippy::cast_possible_truncation, reason = "checked in `Edges::new`")]
        let place = path.len() as u32;
        self.state[node as usize] = place;
        path.push(node);
        stack.push((node, 0, place));
    }

    fn lower(&mut self, node: u32, to: u32) {
        let state = &mut self.state[node as usize];
        *state = (*state).min(to);
    }

    fn complete(&mut self, component: &[u32]) {
        if let [node] = *component
            && !self.edges.of(node).contains(&node)
        {
            self.keys[node as usize] = self.step(node, None);
            self.state[node as usize] = DONE;
            return;
        }
        self.refine(component);
        for &node in component {
            self.state[node as usize] = DONE;
        }
    }

    /// The keys of the nodes of one cycle. While it is refined, `keys` holds their classes.
    fn refine(&mut self, component: &[u32]) {
        for &node in component {
            self.keys[node as usize] = self.shallow[node as usize];
        }
        let mut classes = self.count(component);
        let mut next = Vec::with_capacity(component.len());
        loop {
            next.clear();
            for &node in component {
                next.push(self.step(node, Some(component.len())));
            }
            let before: Vec<u128> =
                component.iter().map(|&node| self.keys[node as usize]).collect();
            for (&node, &key) in component.iter().zip(&next) {
                self.keys[node as usize] = key;
            }
            let now = self.count(component);
            if now == classes {
                // No class fell apart: where each leads is decided by what it is.
                let mut table: Vec<(u128, u128)> =
                    before.iter().copied().zip(next.iter().copied()).collect();
                table.sort_unstable();
                table.dedup();
                self.buffer.clear();
                for (class, leads_to) in table {
                    self.buffer.extend_from_slice(&class.to_le_bytes());
                    self.buffer.extend_from_slice(&leads_to.to_le_bytes());
                }
                let whole = xxh3_128(&self.buffer);
                for (&node, class) in component.iter().zip(before) {
                    self.keys[node as usize] = pair(class, whole);
                }
                return;
            }
            classes = now;
            let Some(left) = self.budget.checked_sub(component.len() as u64) else {
                for &node in component {
                    let own = pair(self.salt, u128::from(node));
                    self.keys[node as usize] = pair(self.keys[node as usize], own);
                }
                return;
            };
            self.budget = left;
        }
    }

    fn count(&self, component: &[u32]) -> usize {
        let mut classes: Vec<u128> =
            component.iter().map(|&node| self.keys[node as usize]).collect();
        classes.sort_unstable();
        classes.dedup();
        classes.len()
    }

    /// The hash of a node and what its edges lead to. What lies on the same cycle is marked, so
    /// that a class of a cycle is never taken for a key.
    fn step(&mut self, node: u32, cycle: Option<usize>) -> u128 {
        self.buffer.clear();
        self.buffer.extend_from_slice(&self.shallow[node as usize].to_le_bytes());
        for &target in self.edges.of(node) {
            let hash = match target.checked_sub(self.edges.nodes) {
                Some(index) => self.edges.fixed[index as usize],
                None => {
                    if cycle.is_some() && self.state[target as usize] != DONE {
                        self.buffer.push(1);
                    }
                    self.keys[target as usize]
                }
            };
            self.buffer.extend_from_slice(&hash.to_le_bytes());
        }
        xxh3_128(&self.buffer)
    }
}

fn pair(a: u128, b: u128) -> u128 {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&a.to_le_bytes());
    bytes[16..].copy_from_slice(&b.to_le_bytes());
    xxh3_128(&bytes)
}
