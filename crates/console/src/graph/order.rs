//! Orders the rows.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Node;

/// Returns the nodes in the order of their rows, a topological order. Every node
/// comes after its needs, groups stay together where dependencies allow it, and
/// a node follows directly after its last need, which keeps lanes short.
///
/// The order depends only on needs, groups and indices, never on a state, so that rows do not jump.
/// Dependency cycles cannot occur in a valid state. If there is one, each of its nodes still appears once;
/// the edges that close the cycle point upward and are not drawn.
#[must_use]
pub fn order(nodes: &[Node]) -> Vec<u32> {
    let mut open: Vec<u32> = vec![0; nodes.len()];
    let mut needed_by: Vec<Vec<u32>> = vec![Vec::new(); nodes.len()];
    for (at, node) in (0_u32..).zip(nodes) {
        for &need in &node.needs {
            if let Some(list) = needed_by.get_mut(need as usize).filter(|_| need != at) {
                list.push(at);
                open[at as usize] += 1;
            }
        }
    }
    let mut walk = Walk { nodes, open, needed_by, free: BinaryHeap::new(), placed: Vec::new() };
    walk.begin();
    walk.placed
}

/// Priority of a node whose needs are placed: lowest group, then most recently freed, then lowest index.
/// `Reverse`, since [`BinaryHeap`] pops the greatest first.
type Turn = Reverse<(u32, Reverse<u32>, u32)>;

struct Walk<'a> {
    nodes: &'a [Node],
    /// Number of needs of each node that are not placed yet.
    open: Vec<u32>,
    needed_by: Vec<Vec<u32>>,
    /// Nodes whose needs are all placed.
    free: BinaryHeap<Turn>,
    placed: Vec<u32>,
}

impl Walk<'_> {
    fn begin(&mut self) {
        for at in (0_u32..).take(self.nodes.len()) {
            if self.open[at as usize] == 0 {
                self.offer(at, 0);
            }
        }
        self.drain();
        // Only nodes of a cycle, and those that need them, are
        // left: place the lowest as if its needs were met.
        for at in (0_u32..).take(self.nodes.len()) {
            if self.open[at as usize] > 0 {
                self.open[at as usize] = 0;
                self.offer(at, 0);
                self.drain();
            }
        }
    }

    /// Adds a node to those that can be placed. `freed` counts the nodes placed before it became free.
    fn offer(&mut self, at: u32, freed: u32) {
        self.free.push(Reverse((self.nodes[at as usize].group, Reverse(freed), at)));
    }

    fn drain(&mut self) {
        while let Some(Reverse((_, _, at))) = self.free.pop() {
            self.placed.push(at);
            let now = u32::try_from(self.placed.len()).unwrap_or(u32::MAX);
            for next in std::mem::take(&mut self.needed_by[at as usize]) {
                let open = &mut self.open[next as usize];
                // Already 0 for a node of a cycle that was placed early.
                if *open > 0 {
                    *open -= 1;
                    if *open == 0 {
                        self.offer(next, now);
                    }
                }
            }
        }
    }
}
