//! The order of the lines.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Node;

/// The nodes in the order of their lines: what is needed stands above what needs it; headings stay together
/// where the dependencies allow it; what a node has just freed follows it at once, so that lanes stay short.
///
/// The order depends on nothing but needs, headings and places, never on a state: lines do not jump. Nodes of
/// a circle, which the domain refuses, still come out once each; the needs that close it point upward and are
/// not drawn.
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

/// Lowest heading first, then what was freed last, then the older node.
type Turn = Reverse<(u32, Reverse<u32>, u32)>;

struct Walk<'a> {
    nodes: &'a [Node],
    /// How many needs of each node are not placed yet.
    open: Vec<u32>,
    needed_by: Vec<Vec<u32>>,
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
        for at in (0_u32..).take(self.nodes.len()) {
            if self.open[at as usize] > 0 {
                self.open[at as usize] = 0;
                self.offer(at, 0);
                self.drain();
            }
        }
    }

    fn offer(&mut self, at: u32, freed: u32) {
        self.free.push(Reverse((self.nodes[at as usize].group, Reverse(freed), at)));
    }

    fn drain(&mut self) {
        while let Some(Reverse((_, _, at))) = self.free.pop() {
            self.placed.push(at);
            let now = u32::try_from(self.placed.len()).unwrap_or(u32::MAX);
            for next in std::mem::take(&mut self.needed_by[at as usize]) {
                let open = &mut self.open[next as usize];
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
