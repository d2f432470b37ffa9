//! Finds the nodes that are related to the selection, and the critical path.

use super::Node;

/// Relation of a node to the selection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Kin {
    /// The node is selected, or a selected node needs it, directly or through others.
    pub is_above: bool,
    /// The node is selected, or needs a selected node, directly or through others.
    pub is_below: bool,
}

impl Kin {
    /// Returns whether the node is selected or related to the selection.
    #[must_use]
    pub(crate) fn is_any(self) -> bool {
        self.is_above || self.is_below
    }

    /// Combines the relations of two nodes that are folded into one row.
    #[must_use]
    pub(crate) fn or(self, other: Self) -> Self {
        Self { is_above: self.is_above || other.is_above, is_below: self.is_below || other.is_below }
    }
}

/// Returns the relation of every node to the selected ones. `order` is the result of [`super::order()`].
#[must_use]
pub(crate) fn kin(nodes: &[Node], order: &[u32], selected: &[u32]) -> Vec<Kin> {
    let mut kin = vec![Kin::default(); nodes.len()];
    for &at in selected {
        if let Some(kin) = kin.get_mut(at as usize) {
            *kin = Kin { is_above: true, is_below: true };
        }
    }
    let needs = |at: u32| nodes[at as usize].needs.iter().filter(|&&need| (need as usize) < nodes.len());
    // In `order`, needs come before the nodes that need them,
    // so one sweep in each direction reaches every path.
    for &at in order {
        kin[at as usize].is_below |= needs(at).any(|&need| kin[need as usize].is_below);
    }
    for &at in order.iter().rev() {
        if kin[at as usize].is_above {
            for &need in needs(at) {
                kin[need as usize].is_above = true;
            }
        }
    }
    kin
}

/// Returns the critical path: the longest chain of unfinished nodes in which each needs the one before. Its
/// length bounds how soon everything can be done. Empty if no two unfinished nodes depend on each other. Of
/// equally long chains, returns the one whose nodes are further up.
#[must_use]
pub fn critical(nodes: &[Node], order: &[u32]) -> Vec<u32> {
    // `length[n]` is the longest chain that begins at node n, `next[n]` its second node.
    let mut length = vec![0_u32; nodes.len()];
    let mut next: Vec<Option<u32>> = vec![None; nodes.len()];
    for &at in order.iter().rev() {
        let node = &nodes[at as usize];
        if node.is_done {
            continue;
        }
        length[at as usize] += 1;
        let behind = length[at as usize];
        for &need in &node.needs {
            // The sweep reaches the need later and adds its own 1 then. `>=`: of equal chains, the node that
            // the sweep reaches last is the one furthest up.
            if let Some(need_length) =
                length.get_mut(need as usize).filter(|need_length| behind >= **need_length)
            {
                *need_length = behind;
                next[need as usize] = Some(at);
            }
        }
    }
    let unfinished = order.iter().filter(|&&at| !nodes[at as usize].is_done);
    let first = unfinished.copied().rev().max_by_key(|&at| length[at as usize]);
    let mut chain: Vec<u32> = Vec::new();
    let mut at = first.filter(|&at| length[at as usize] > 1);
    // The bound ends the walk in a cycle, which a valid state does not contain.
    while let Some(here) = at.filter(|_| chain.len() < nodes.len()) {
        chain.push(here);
        at = next[here as usize];
    }
    chain
}
